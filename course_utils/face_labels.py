"""Labels of procedural faces: CelebA's 40 attributes, and how they meet.

    drawn = sample_attributes(2000, np.random.default_rng(0))
    labels = add_label_noise(drawn, np.random.default_rng(1))

Names, counts and five correlations are those of CelebA's label file (Liu
et al., "Deep Learning Face Attributes in the Wild", 2015). The other
correlations, the rules and the label noise are our choice, not measured.
Used in week 5.
"""

import difflib
import functools

import numpy as np

from course_utils import face_copula

NUM_IMAGES = 202_599  # in CelebA
_COUNTS = {
    **{"5_o_Clock_Shadow": 22516, "Arched_Eyebrows": 54090},
    **{"Attractive": 103833, "Bags_Under_Eyes": 41446, "Bald": 4547},
    **{"Bangs": 30709, "Big_Lips": 48785, "Big_Nose": 47516},
    **{"Black_Hair": 48472, "Blond_Hair": 29983, "Blurry": 10312},
    **{"Brown_Hair": 41572, "Bushy_Eyebrows": 28803, "Chubby": 11663},
    **{"Double_Chin": 9459, "Eyeglasses": 13193, "Goatee": 12716},
    **{"Gray_Hair": 8499, "Heavy_Makeup": 78390, "High_Cheekbones": 92189},
    **{"Male": 84434, "Mouth_Slightly_Open": 97942, "Mustache": 8417},
    **{"Narrow_Eyes": 23329, "No_Beard": 169158, "Oval_Face": 57567},
    **{"Pale_Skin": 8701, "Pointy_Nose": 56210, "Receding_Hairline": 16163},
    **{"Rosy_Cheeks": 13315, "Sideburns": 11449, "Smiling": 97669},
    **{"Straight_Hair": 42222, "Wavy_Hair": 64744, "Wearing_Earrings": 38276},
    **{"Wearing_Hat": 9818, "Wearing_Lipstick": 95715},
    **{"Wearing_Necklace": 24913, "Wearing_Necktie": 14732, "Young": 156734},
}
ATTRIBUTES = tuple(_COUNTS)  # in CelebA's order
POSITIVES = tuple(_COUNTS.values())  # of NUM_IMAGES
FREQUENCIES = np.array(POSITIVES) / NUM_IMAGES
FREQUENCIES.flags.writeable = False

# The strongest correlations (phi) in CelebA's label file.
PUBLISHED = {
    ("Heavy_Makeup", "Wearing_Lipstick"): 0.80,
    ("Male", "Wearing_Lipstick"): -0.79,
    ("High_Cheekbones", "Smiling"): 0.68,
    ("Heavy_Makeup", "Male"): -0.67,
    ("Goatee", "No_Beard"): -0.57,
}
# Chosen, not measured: plausible ones, so that attributes come in company.
# Those of Male with beards are what the rules below lead to by themselves.
_CHOSEN = {
    "Male": {
        **{"5_o_Clock_Shadow": 0.42, "Goatee": 0.31, "Mustache": 0.25},
        **{"Sideburns": 0.29, "No_Beard": -0.53, "Wearing_Necktie": 0.30},
        **{"Bald": 0.16, "Big_Nose": 0.35, "Bushy_Eyebrows": 0.23},
        **{"Bags_Under_Eyes": 0.25, "Arched_Eyebrows": -0.40},
        **{"Attractive": -0.38, "Young": -0.28, "Wavy_Hair": -0.30},
        **{"Wearing_Earrings": -0.36, "Wearing_Necklace": -0.27},
        **{"Blond_Hair": -0.28, "Rosy_Cheeks": -0.22, "Bangs": -0.15},
        **{"Eyeglasses": 0.15, "Wearing_Hat": 0.13},
    },
    "Young": {
        **{"Gray_Hair": -0.37, "Bags_Under_Eyes": -0.20, "Chubby": -0.25},
        **{"Double_Chin": -0.27, "Receding_Hairline": -0.24, "Bald": -0.18},
        **{"Attractive": 0.38, "Eyeglasses": -0.20, "Big_Nose": -0.22},
        **{"Wearing_Necktie": -0.22},
    },
    "Attractive": {
        **{"Heavy_Makeup": 0.45, "Chubby": -0.22, "Big_Nose": -0.25},
        **{"Eyeglasses": -0.18, "Oval_Face": 0.18, "Pointy_Nose": 0.18},
    },
    "Chubby": {"Double_Chin": 0.50, "Big_Nose": 0.20},
    "Smiling": {"Mouth_Slightly_Open": 0.50, "Rosy_Cheeks": 0.18},
    "Heavy_Makeup": {"Rosy_Cheeks": 0.25, "Arched_Eyebrows": 0.40},
    "No_Beard": {"5_o_Clock_Shadow": -0.46},
    "Blond_Hair": {"Brown_Hair": -0.11},  # sets how many have both
}
CORRELATIONS = PUBLISHED | {
    (first, second): phi
    for first, others in _CHOSEN.items()
    for second, phi in others.items()
}

_HAIR_COLOURS = ("Gray_Hair", "Black_Hair", "Blond_Hair", "Brown_Hair")
# (attribute, value, others, other value): where the attribute has the value,
# the others are made to have theirs. In turn; none undoes an earlier one.
RULES = (
    ("Male", False, ("Mustache", "Goatee", "Sideburns"), False),
    ("Male", False, ("5_o_Clock_Shadow",), False),
    ("Male", False, ("No_Beard",), True),
    ("Mustache", True, ("No_Beard",), False),
    ("Goatee", True, ("No_Beard",), False),
    ("Sideburns", True, ("No_Beard",), False),
    ("Wearing_Hat", True, ("Bald", "Bangs", "Receding_Hairline"), False),
    ("Bald", True, _HAIR_COLOURS, False),
    ("Bald", True, ("Bangs", "Receding_Hairline"), False),
    ("Bald", True, ("Straight_Hair", "Wavy_Hair"), False),
    ("Receding_Hairline", True, ("Bangs",), False),
    ("Wavy_Hair", True, ("Straight_Hair",), False),
    ("Gray_Hair", True, ("Black_Hair", "Blond_Hair", "Brown_Hair"), False),
    ("Black_Hair", True, ("Blond_Hair", "Brown_Hair"), False),
)

# The share of labels that are guesses; twelve attributes have none. Of 40,
# two people agree on 95% of the faces for 12, and hardly more than by chance
# for high cheekbones, pointed noses and oval faces (Wu et al., "Consistency
# and Accuracy of CelebA Attribute Values", 2023). Which ones otherwise, and
# how much: chosen, not measured.
_NOISE = {
    **{"Oval_Face": 0.25, "Pointy_Nose": 0.25, "Attractive": 0.2},
    **{"Big_Lips": 0.2, "Straight_Hair": 0.2, "High_Cheekbones": 0.15},
    **{"Arched_Eyebrows": 0.15, "Bags_Under_Eyes": 0.15, "Big_Nose": 0.15},
    **{"Brown_Hair": 0.15, "Narrow_Eyes": 0.15, "Wavy_Hair": 0.15},
    **{"Bushy_Eyebrows": 0.1, "Heavy_Makeup": 0.1, "Wearing_Necklace": 0.1},
    **{"Young": 0.1, "Chubby": 0.1, "Pale_Skin": 0.1, "Rosy_Cheeks": 0.1},
    **{"Receding_Hairline": 0.08, "5_o_Clock_Shadow": 0.08},
    **{"Black_Hair": 0.05, "Blond_Hair": 0.05, "Blurry": 0.05},
    **{"Double_Chin": 0.08, "No_Beard": 0.05, "Sideburns": 0.05},
    "Wearing_Earrings": 0.05,
}
LABEL_NOISE = np.array([_NOISE.get(name, 0.0) for name in ATTRIBUTES])
LABEL_NOISE.flags.writeable = False


def index_of(name):
    """Return the column of an attribute.

    Args:
        name: one of `ATTRIBUTES`.

    Returns:
        Whole number, 0 to 39.

    Raises:
        ValueError: unknown name; the text offers the nearest ones.

    Used in week 5.
    """
    if name in ATTRIBUTES:
        return ATTRIBUTES.index(name)
    folded = {known.lower(): known for known in ATTRIBUTES}
    asked = str(name).lower().replace(" ", "_")
    near = difflib.get_close_matches(asked, folded, n=3)
    hint = "; did you mean " + " or ".join(folded[n] for n in near) + "?"
    raise ValueError(
        f"unknown attribute {name!r}{hint if near else ''}: choose one of "
        "face_labels.ATTRIBUTES"
    )


def apply_rules(labels):
    """Forbid what cannot be, in place: see `RULES`.

    Args:
        labels: `(40, n)` bool, one row for each attribute.
    """
    for name, value, others, other_value in RULES:
        where = labels[index_of(name)] == value
        for other in others:
            labels[index_of(other), where] = other_value


@functools.cache
def copula():
    """Return the `Copula` whose labels are right after the rules."""
    correlations = {
        (index_of(first), index_of(second)): phi
        for (first, second), phi in CORRELATIONS.items()
    }
    return face_copula.fit(FREQUENCIES, correlations, apply_rules)


def sample_attributes(count, rng):
    """Draw the attributes of faces as they occur in CelebA, about.

    On 200,000 faces every frequency is within half a point of CelebA's,
    and the phis of `CORRELATIONS` have an RMS error of about 0.01.

    Args:
        count: number of faces, 0 or more.
        rng: NumPy's random generator. The first faces do not depend on how
            many follow.

    Returns:
        `(count, 40)` bool, columns as in `ATTRIBUTES`. No face breaks one
        of `RULES`.

    Raises:
        ValueError: count is no whole number, 0 or more.

    Used in week 5. The first call takes about a second: see
    `face_copula.fit`.
    """
    whole = isinstance(count, (int, np.integer))
    if not whole or isinstance(count, bool) or count < 0:
        raise ValueError(
            f"count must be a whole number, 0 or more, got {count!r}"
        )
    labels = copula().cut(rng.standard_normal((count, 40)).T)
    apply_rules(labels)
    return np.ascontiguousarray(labels.T)


def add_label_noise(drawn, rng):
    """Return the labels that annotators give to faces.

    A share `LABEL_NOISE` of an attribute's labels is a guess: yes as often
    as in CelebA, whatever the face shows. Frequencies stay as they are, a
    share 2 f (1 - f) of the guesses is wrong, and a phi shrinks to its
    product with the shares of both attributes that are no guess. Guesses
    may break `RULES`, as annotators do.

    Args:
        drawn: `(n, 40)` bool, what the faces show.
        rng: NumPy's random generator; not the one that `drawn` came from.

    Returns:
        `(n, 40)` bool, a copy.

    Raises:
        ValueError: another shape or type.

    Used in week 5.
    """
    drawn = np.asarray(drawn)
    if drawn.shape[1:] != (40,) or drawn.dtype != bool:
        raise ValueError(
            "drawn must be bool of shape (n, 40), one column for each of "
            f"ATTRIBUTES; got {drawn.dtype} of shape {drawn.shape}"
        )
    guesses, answers = rng.random((len(drawn), 2, 40)).swapaxes(0, 1)
    return np.where(guesses < LABEL_NOISE, answers < FREQUENCIES, drawn)
