"""How rare, middle and common attributes look in all figures of week 5.

Each group has a colour, a marker, dashes and a hatch of its own, so that
colour is never the only difference. Used in week 5.
"""

from dataclasses import dataclass

import numpy as np

from course_utils.multilabel_scores import check_alike, rarity


@dataclass(frozen=True)
class Group:
    """The look of a group of attributes.

    label: in legends; colour: of Petroff's colour-blind-safe cycle (2021);
    marker, dash, hatch: Matplotlib's codes; symbol, line: Plotly's names.
    """

    label: str
    colour: str
    marker: str
    dash: str
    hatch: str
    symbol: str
    line: str


GROUPS = {
    "rare": Group(
        "rare (below 10%)", "#bd1f01", "^", "-", "//", "triangle-up", "solid"
    ),
    "middle": Group(
        "middle (10% to 30%)", "#717581", "o", "--", "", "circle", "dash"
    ),
    "common": Group(
        "common (above 30%)", "#3f90da", "s", ":", "..", "square", "dot"
    ),
}


def groups_of(frequencies):
    """Return the members of each group that has any.

    Args:
        frequencies: `(attributes,)`, between 0 and 1.

    Returns:
        dict from a name of `GROUPS` to the indices of its attributes.

    Used in week 5.
    """
    masks = rarity(frequencies)
    members = {name: np.flatnonzero(masks[name]) for name in GROUPS}
    return {name: some for name, some in members.items() if some.size}


def readable(name):
    """Return an attribute's name in words: "Wearing Hat"."""
    return str(name).replace("_", " ")


def check_frequencies(names, frequencies):
    """Return frequencies as an array, one for each name.

    Raises:
        ValueError: another number of them, or one outside (0, 1).
    """
    frequencies = np.asarray(frequencies, dtype=float)
    if frequencies.shape != (len(names),) or not len(names):
        raise ValueError(
            f"frequencies need shape ({len(names)},), one for each name, "
            f"got {frequencies.shape}"
        )
    if not ((frequencies > 0) & (frequencies < 1)).all():
        raise ValueError(
            "frequencies must lie between 0 and 1, got "
            f"{frequencies.min():.3g} to {frequencies.max():.3g}: leave out "
            "attributes that all faces or none have"
        )
    return frequencies


def check_probabilities(labels, scores):
    """Raise ValueError unless labels are bool and scores probabilities.

    Both need the same shape `(n, attributes)`.
    """
    check_alike(labels, scores)
    if np.asarray(labels).dtype != bool:
        raise ValueError(
            f"labels must be bool, got {np.asarray(labels).dtype}: compare "
            "them with > 0"
        )
    if not ((np.asarray(scores) >= 0) & (np.asarray(scores) <= 1)).all():
        raise ValueError(
            "scores must be probabilities, 0 to 1, got "
            f"{np.min(scores):.3g} to {np.max(scores):.3g}: take the sigmoid "
            "of logits"
        )
