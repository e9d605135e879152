"""What makes one procedural face differ from another of the same labels.

Every accident of a face is drawn before its attributes are looked at, so
that to change an attribute changes the marks of that attribute alone.
"""

import math
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from course_utils.face_pen import Pen, luma, mix, symmetric

# Name: smallest and largest value; units of face_pen where it is a length.
RANGES = {
    # pose
    "tilt": (-1, 1), "scale": (0.9, 1.2), "turn": (-1, 1),
    "across": (-1, 1), "down": (-1, 1),
    # skin
    "skin": (0, 1), "undertone": (-1, 1), "pale": (0, 1),
    "freckles": (0, 1), "spots": (0, 1), "shade": (0.06, 0.2),
    # outline
    "outline": (0, 1), "jaw": (-0.06, 0.06), "chin": (-0.05, 0.06),
    # hair
    "hair_kind": (0, 1), "hair_shade": (0, 1), "hair_hue": (0, 1),
    "volume": (0.15, 0.4), "length": (-0.1, 1.5), "hairline": (-0.06, 0.06),
    "parting": (-0.45, 0.45), "fringe": (-1, 1), "waves": (6, 9),
    "band": (0, 1), "band_hue": (0, 1), "sheen": (0, 1), "bald_sides": (0, 1),
    # brows and eyes
    "brow_height": (-0.04, 0.04), "brow_width": (0.05, 0.085),
    "brow_tilt": (-0.06, 0.06), "eye_gap": (0.37, 0.43),
    "eye_height": (0.13, 0.17), "iris": (0, 1), "gaze": (-0.05, 0.05),
    "lid": (0, 1), "frame": (0, 1), "frame_shape": (0, 1),
    "frame_width": (0.05, 0.1), "tint": (0, 1), "makeup": (0, 1),
    # nose, mouth and beard
    "nose_width": (-0.04, 0.04), "nose_length": (-0.04, 0.05),
    "nose_shadow": (0.1, 0.5), "mouth_width": (-0.05, 0.05),
    "mouth_height": (-0.04, 0.04), "lips": (0.06, 0.085), "lip_hue": (0, 1),
    "corner": (-0.03, 0.05), "gap": (0.06, 0.15), "teeth": (0, 1),
    "cleft": (0, 1), "beard": (0, 1), "moustache": (0, 1), "rosy": (0, 1),
    # clothes and jewels
    "clothes": (0, 1), "cloth_shade": (0.15, 0.95), "collar": (0, 1),
    "tie_hue": (0, 1), "metal": (0, 1), "jewel": (0, 1), "scarf": (0, 1),
    "hat": (0, 1), "hat_hue": (0, 1), "hat_shade": (0.2, 1),
    "earbud": (0, 1), "neck": (-0.04, 0.04),
    # scene
    "pattern": (0, 1), "hidden": (0, 1), "hider": (0, 1), "hider_x": (-1, 1),
    "hider_y": (-1.2, 1.3), "hider_angle": (0, math.pi), "blur": (0, 0.5),
    "blurry": (1.1, 1.7), "light": (0, 0.5), "light_angle": (0, 2 * math.pi),
    "contrast": (0.85, 1.15), "brightness": (-18, 18), "noise": (2, 6),
}  # fmt: skip
LOWS, HIGHS = np.array(list(RANGES.values()), float).T
SKINS = [
    (88, 57, 45), (120, 80, 59), (160, 112, 83), (196, 147, 113),
    (220, 175, 143), (234, 195, 166),
]  # fmt: skip
PALE = (247, 233, 226), (240, 226, 224)
HAIR = {  # attribute: the two ends of its range
    "Black_Hair": ((14, 12, 15), (40, 35, 40)),
    "Brown_Hair": ((70, 43, 27), (126, 84, 52)),
    "Blond_Hair": ((188, 150, 84), (238, 214, 150)),
    "Gray_Hair": ((126, 126, 130), (206, 206, 210)),
}
RED = (128, 40, 22), (186, 88, 44)
METALS = [(226, 182, 70), (214, 216, 222), (240, 236, 228), (184, 110, 70)]
# Dyed: hair of no colour that has a label.
DYED = [
    (40, 110, 120), (110, 50, 120), (190, 80, 120), (50, 90, 50),
    (40, 60, 140),
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Face:
    """All that the functions which draw one part of a face need.

    pen: `Pen` on the picture.
    has: dict, the name of an attribute to bool.
    look: the accidents, see `draw_look`.
    skin, hair, beard: colours, `(red, green, blue)` from 0 to 255.
    outline: `(n, 2)` corners of the skull and jaw.
    chin: y of the chin.
    """

    pen: Pen
    has: dict
    look: SimpleNamespace
    skin: tuple
    hair: tuple
    beard: tuple
    outline: np.ndarray
    chin: float

    def dark(self, share):
        """Return the skin in a shadow that takes away `share` of it."""
        return mix(self.skin, (40, 14, 12), share)

    def light(self, share):
        """Return the skin with a shine of `share`."""
        return mix(self.skin, (255, 246, 236), share)


def draw_look(rng):
    """Draw all accidents of one face.

    Args:
        rng: NumPy's random generator; always the same number of draws.

    Returns:
        Namespace: a float for each name of `RANGES`, and the arrays `marks`
        `(40, 2)`, `stubble` `(260, 2)`, `back` `(3, 3, 3)`, `blobs`
        `(5, 7)`, each 0 to 1, and `grain` `(64, 64, 3)` (normal).
    """
    values = LOWS + (HIGHS - LOWS) * rng.random(len(LOWS))
    look = SimpleNamespace(**dict(zip(RANGES, values.tolist(), strict=True)))
    look.marks = rng.random((40, 2))
    look.stubble = rng.random((260, 2))
    look.back = rng.random((3, 3, 3))
    look.blobs = rng.random((5, 7))
    look.grain = rng.standard_normal((64, 64, 3), np.float32)
    return look


def make_face(pen, has, look):
    """Return the `Face` of a pen, attributes and accidents."""
    skin, hair = skin_colour(has, look), hair_colour(has, look)
    outline, chin = face_outline(has, look)
    beard = beard_colour(hair, skin)
    return Face(pen, has, look, skin, hair, beard, outline, chin)


def skin_colour(has, look):
    """Return the skin's colour: any human tone, or pale beyond them."""
    if has["Pale_Skin"]:
        return mix(*PALE, look.pale)
    place = look.skin * (len(SKINS) - 1)
    low = min(int(place), len(SKINS) - 2)
    red, green, blue = mix(SKINS[low], SKINS[low + 1], place - low)
    return red, round(green + 4 * look.undertone), blue


def hair_colour(has, look):
    """Return the hair's main colour; of several, the first of `HAIR`."""
    for name, ends in HAIR.items():
        if has[name]:
            return mix(*ends, look.hair_shade)
    if look.hair_kind < 0.6:
        return mix(*RED, look.hair_shade)
    return pick(DYED, look.hair_hue)


def streak_colour(has, look):
    """Return the colour of the second label of hair, None without one."""
    named = [ends for name, ends in HAIR.items() if has[name]]
    return mix(*named[1], look.hair_shade) if len(named) > 1 else None


def beard_colour(hair, skin):
    """Return the hair's colour, darkened until it stands out on the skin."""
    most = max(luma(skin) - 60, 10)
    return mix((0, 0, 0), hair, min(1, most / max(luma(hair), 1)))


def face_outline(has, look):
    """Return the corners of skull and jaw, and y of the chin."""
    if has["Oval_Face"]:
        chin, square, taper = 1.23 + look.chin, 2.0, 0.52
    else:
        kinds = {"heart": (1.15, 0.55), "round": (2.6, 0.34),
                 "square": (4.5, 0.41)}  # fmt: skip
        square, taper = pick(list(kinds.values()), look.outline)
        chin = 1.01 + look.chin
    square += has["Male"]
    s = np.linspace(0.02, 1, 12)
    half = (1 + look.jaw / 2) * (1 - s**square) ** taper
    half += (0.32 * has["Chubby"]) * np.sin(np.pi * np.minimum(1.15 * s, 1))
    jaw = np.column_stack([half, chin * s])
    angles = np.linspace(0, np.pi, 15)
    skull = np.column_stack([np.cos(angles), -1.2 * np.sin(angles)])
    return np.concatenate([skull[::-1], symmetric(jaw)]), chin


def pick(options, value):
    """Return the option that a value from 0 to 1 falls on."""
    return options[min(int(value * len(options)), len(options) - 1)]


def bright(hue, shade=0.9, strength=0.75):
    """Return a strong colour of a hue from 0 to 1."""
    turns = 2 * math.pi * (hue + np.arange(3) / 3)
    parts = 1 - strength * (0.5 + 0.5 * np.cos(turns))
    return tuple(int(255 * shade * part) for part in parts)
