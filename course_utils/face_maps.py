"""Do attention maps lie where the attribute is? Scored against regions.

Only faces that have an attribute count for it, and only attributes that
have a place. Used in week 5.
"""

import numpy as np

from course_utils.cross_attention import GRID, SIDE
from course_utils.face_drawing import ATTRIBUTE_REGIONS
from course_utils.face_labels import ATTRIBUTES
from course_utils.metrics import energy_over_area, pointing_hits

MOST = 500  # faces for an attribute


def located():
    """Return the indices of the attributes that have a place."""
    return [i for i, a in enumerate(ATTRIBUTES) if a in ATTRIBUTE_REGIONS]


def mean_maps(attn):
    """Return one map for each face and attribute: no head is chosen.

    Args:
        attn: `(n, layers, heads, attributes, 64)`, rows sum to 1.

    Returns:
        `(n, attributes, 8, 8)`, the mean over layers and heads.
    """
    _check_attention(attn)
    maps = attn.astype(np.float32).mean(axis=(1, 2))
    return maps.reshape(*maps.shape[:2], GRID, GRID)


def _check_attention(attn):
    if attn.ndim != 5 or attn.shape[-1] != GRID**2:
        raise ValueError(
            "attn needs shape (n, layers, heads, attributes, "
            f"{GRID**2}), got {attn.shape}"
        )


def positives(faces, attribute, most=MOST):
    """Return masks of the faces that show an attribute, and which they are.

    Args:
        faces: a `Faces` with regions.
        attribute: index of an attribute that has a place.
        most: number of faces at most, the first ones.

    Returns:
        `(chosen, masks)`: indices, and `(len(chosen), 64, 64)` bool, none
        of them empty.
    """
    masks = faces.masks(ATTRIBUTES[attribute])
    shown = faces.drawn[:, attribute] & masks.any(axis=(1, 2))
    chosen = np.flatnonzero(shown)[:most]
    return chosen, masks[chosen]


def best_heads(attn, faces, most=MOST):
    """Return for each attribute the head whose maps find it best.

    Choose on validation faces and score on others: the best of several
    noisy scores is too high.

    Args:
        attn: as for `mean_maps`, of these faces.
        faces: a `Faces` with regions.
        most: number of faces for an attribute at most.

    Returns:
        `(attributes,)` whole numbers, layer * heads + head, by energy; 0
        for an attribute without a place.
    """
    layers, heads = attn.shape[1:3]
    energies = [
        map_scores(attn[:, la : la + 1, h : h + 1], faces, most=most)["energy"]
        for la in range(layers)
        for h in range(heads)
    ]
    return np.nan_to_num(energies, nan=-1.0).argmax(axis=0)


def chosen_maps(attn, heads):
    """Return one map for each face and attribute, of a head of its own.

    Args:
        attn: as for `mean_maps`.
        heads: as `best_heads` returns.

    Returns:
        `(n, attributes, 8, 8)`.
    """
    _check_attention(attn)
    flat = attn.reshape(len(attn), -1, *attn.shape[3:])
    maps = flat[:, heads, np.arange(flat.shape[2])].astype(np.float32)
    return maps.reshape(*maps.shape[:2], GRID, GRID)


def map_scores(attn, faces, heads=None, most=MOST):
    """Return how well maps find what they are asked for.

    Args:
        attn: as for `mean_maps`, of these faces.
        faces: a `Faces` with regions.
        heads: as `best_heads` returns, of other faces; None: the mean over
            layers and heads.
        most: number of faces for an attribute at most.

    Returns:
        dict of "energy" and "pointing", each `(attributes,)`: means of
        `metrics.energy_over_area` and `metrics.pointing_hits`, NaN for an
        attribute that has no place or that no face shows.

    Raises:
        ValueError: attn of another shape, or of other faces.
    """
    maps = mean_maps(attn) if heads is None else chosen_maps(attn, heads)
    if len(maps) != len(faces):
        raise ValueError(f"{len(maps)} maps, but {len(faces)} faces")
    return _scored(lambda a, chosen: maps[chosen, a], faces, most)


def template_scores(train, faces, most=MOST):
    """Score the map that ignores the face: where the attribute mostly is.

    Args:
        train: a `Faces`, whose masks are added up; where none of them shows
            an attribute, its template is even.
        faces: a `Faces` to be scored on.
        most: number of faces for an attribute at most, of both.

    Returns:
        As `map_scores`.
    """
    found = {}
    for attribute in located():
        _, masks = positives(train, attribute, most)
        side = masks.shape[1] // GRID
        cut = masks.reshape(-1, GRID, side, GRID, side)
        found[attribute] = cut.sum(axis=(0, 2, 4)) + 1e-9  # never all 0
    return _scored(
        lambda a, chosen: np.repeat(found[a][None], len(chosen), axis=0),
        faces, most,
    )  # fmt: skip


def _scored(maps_of, faces, most):
    names = {"energy": energy_over_area, "pointing": pointing_hits}
    scores = {name: np.full(len(ATTRIBUTES), np.nan) for name in names}
    for attribute in located():
        chosen, masks = positives(faces, attribute, most)
        if len(chosen):
            maps = maps_of(attribute, chosen)
            for name, score in names.items():
                scores[name][attribute] = score(maps, masks).mean()
    return scores


def all_masks(faces):
    """Return where each attribute is in each face.

    Args:
        faces: a `Faces` with regions.

    Returns:
        `(n, attributes, 64, 64)` bool, all False where an attribute has no
        place.
    """
    found = np.zeros((len(faces), len(ATTRIBUTES), SIDE, SIDE), bool)
    for attribute in located():
        found[:, attribute] = faces.masks(ATTRIBUTES[attribute])
    return found
