"""Faces of 64x64 pixels that show the 40 attributes of CelebA.

No person is behind them: shapes, colours and accidents are drawn at
random, and each attribute adds its own marks at its own place.
"""

import numpy as np

from course_utils import face_hair, face_parts, face_scene
from course_utils.face_labels import ATTRIBUTES
from course_utils.face_looks import draw_look, make_face
from course_utils.face_pen import SIDE, Pen, arc, box, ellipse, pose

STEEPEST = 25  # degrees
LOWER = ellipse((0, 0), 1)[:8]  # the lower half of a circle
JAW = np.concatenate([LOWER * (1.35, 1.45), LOWER[::-1] * (0.72, 0.85)])


def _twice(points):
    return [np.array(points), np.array(points) * (-1, 1)]


# Where an attribute may show, in the units of face_pen. The hair's region
# depends on the face, and is None here.
SHAPES = {
    "hair": None,
    "crown": [arc(-1.3, 1.3, -0.62, -1.85)],
    "hairline": [np.array(box(-0.92, -1.28, 0.92, -0.62))],
    "forehead": [np.array(box(-0.85, -0.98, 0.85, -0.5))],
    "eyebrows": _twice(box(0.12, -0.66, 0.76, -0.2)),
    "eyes": [*_twice(box(0.06, -0.36, 0.76, 0.18)),
             np.array(box(-0.1, -0.18, 0.1, 0))],
    "under_eyes": _twice(box(0.14, 0.02, 0.68, 0.27)),
    "temples": _twice(box(0.74, -0.5, 1.02, 0.6)),
    "ears": _twice(ellipse((1.07, 0.3), (0.22, 0.45))),
    "nose": [np.array(box(-0.36, -0.16, 0.36, 0.54))],
    "cheeks": _twice(ellipse((0.58, 0.48), (0.34, 0.36))),
    "cheekbones": _twice(ellipse((0.66, 0.32), (0.3, 0.3))),
    "upper_lip": [np.array(box(-0.4, 0.42, 0.4, 0.66))],
    "mouth": [ellipse((0, 0.7), (0.54, 0.3))],
    "chin": [np.array(box(-0.35, 0.82, 0.35, 1.34))],
    "jaw": [JAW],
    "under_chin": [arc(-0.78, 0.78, 0.95, 1.62)],
    "neck": [np.array(box(-0.72, 1.2, 0.72, 1.75))],
    "chest": [np.array(box(-0.4, 1.5, 0.4, 3))],
    "face": [ellipse((0, 0), (1.05, 1.25))],
}  # fmt: skip
REGIONS = tuple(SHAPES)

# Attribute: the regions where it shows. Attractive is not drawn; Blurry is
# all over the picture.
ATTRIBUTE_REGIONS = {
    "5_o_Clock_Shadow": ("upper_lip", "chin", "jaw"),
    "Arched_Eyebrows": ("eyebrows",),
    "Bags_Under_Eyes": ("under_eyes",),
    "Bald": ("hair", "crown", "hairline"),
    "Bangs": ("forehead", "hairline"),
    "Big_Lips": ("mouth",),
    "Big_Nose": ("nose",),
    "Black_Hair": ("hair",),
    "Blond_Hair": ("hair",),
    "Brown_Hair": ("hair",),
    "Bushy_Eyebrows": ("eyebrows",),
    "Chubby": ("jaw", "cheeks"),
    "Double_Chin": ("under_chin",),
    "Eyeglasses": ("eyes", "temples"),
    "Goatee": ("chin",),
    "Gray_Hair": ("hair",),
    "Heavy_Makeup": ("eyes",),
    "High_Cheekbones": ("cheekbones",),
    "Male": ("jaw", "eyebrows", "neck"),
    "Mouth_Slightly_Open": ("mouth",),
    "Mustache": ("upper_lip",),
    "Narrow_Eyes": ("eyes",),
    "No_Beard": ("jaw", "chin"),
    "Oval_Face": ("jaw",),
    "Pale_Skin": ("face", "ears", "neck"),
    "Pointy_Nose": ("nose",),
    "Receding_Hairline": ("hairline",),
    "Rosy_Cheeks": ("cheeks",),
    "Sideburns": ("temples",),
    "Smiling": ("mouth",),
    "Straight_Hair": ("hair",),
    "Wavy_Hair": ("hair",),
    "Wearing_Earrings": ("ears",),
    "Wearing_Hat": ("crown",),
    "Wearing_Lipstick": ("mouth",),
    "Wearing_Necklace": ("neck",),
    "Wearing_Necktie": ("chest",),
    "Young": ("forehead", "cheeks", "temples"),
}


def draw_face(attributes, rng):
    """Draw one face at a random place, in random light.

    The attributes are those of CelebA (Liu, Luo, Wang and Tang, "Deep
    Learning Face Attributes in the Wild", 2015); their marks are ours.

    Args:
        attributes: `(40,)` bool, in the order of
            `course_utils.face_labels.ATTRIBUTES`.
        rng: NumPy's random generator. The same number of draws is made
            whatever the attributes are.

    Returns:
        `(image, regions)`: `(64, 64, 3)` uint8, and `(64, 64)` uint32, in
        which bit r is set where region r of `REGIONS` lies and nothing is
        in front of it.

    Raises:
        ValueError: attributes of another shape or type.

    Used in week 5.
    """
    attributes = np.asarray(attributes)
    if attributes.shape != (len(ATTRIBUTES),) or attributes.dtype != bool:
        raise ValueError(
            f"attributes must be {len(ATTRIBUTES)} bools, one for each of "
            f"face_labels.ATTRIBUTES, got {attributes.dtype} of shape "
            f"{attributes.shape}"
        )
    has = dict(zip(ATTRIBUTES, attributes.tolist(), strict=True))
    look = draw_look(rng)
    # Squared: most heads are nearly upright.
    angle = STEEPEST * look.tilt * abs(look.tilt)
    where = pose(angle, look.scale, look.turn, look.across, look.down)
    image = face_scene.background(look)
    _draw(make_face(Pen(image, where, face_scene.ZOOM), has, look))
    picture = face_scene.finish(image, look, has["Blurry"])
    return picture, _regions(where, has, look)


def _draw(face):
    """Draw all parts, from the back to the front."""
    face_hair.draw_hair_behind(face)
    face_scene.draw_body(face)
    face_parts.draw_skin(face)
    face_parts.draw_cheeks(face)
    face_parts.draw_bags(face)
    face_parts.draw_age(face)
    face_parts.draw_beard(face)
    face_parts.draw_nose(face)
    face_parts.draw_mouth(face)
    face_parts.draw_eyes(face)
    face_parts.draw_brows(face)
    face_hair.draw_hair(face)
    face_hair.draw_ears(face)
    face_hair.draw_sideburns(face)
    face_hair.draw_hat(face)
    face_parts.draw_glasses(face)
    shapes, colour = face_scene.hider_shapes(face.look)
    for shape in shapes:
        face.pen.fill(shape, colour)


def _mask(where, shapes):
    """Return `(64, 64)` uint8, 1 inside the shapes."""
    from PIL import Image

    image = Image.new("L", (SIDE, SIDE))
    pen = Pen(image, where, 1)
    for shape in shapes:
        pen.fill(shape, 1)
    return np.asarray(image)


def _hair_mask(where, has, look):
    behind, front = face_hair.hair_shapes(has, look)
    skull = _mask(where, [ellipse((0, 0), (1, 1.2)), box(-0.5, 0, 0.5, 1.6)])
    return (_mask(where, [behind]) & ~skull) | _mask(where, [front])


def _regions(where, has, look):
    found = np.zeros((SIDE, SIDE), np.uint32)
    for bit, shapes in enumerate(SHAPES.values()):
        mask = _mask(where, shapes) if shapes else _hair_mask(where, has, look)
        found |= mask.astype(np.uint32) << np.uint32(bit)
    hiders, _ = face_scene.hider_shapes(look)
    if hiders:
        found[_mask(where, hiders) > 0] = 0
    return found
