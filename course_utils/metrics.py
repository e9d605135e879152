"""Scores of maps, their baselines, and intervals.

Only what scikit-image and scikit-learn lack. Scores of scenes come one per
scene, so that `bootstrap_interval` can say how far to trust their mean.
Maps may be coarser than masks: an entry then stands for its whole patch.
"""

from typing import NamedTuple

import numpy as np

from course_utils.baselines import centre_prior, colour_contrast

__all__ = [
    "Interval",
    "bootstrap_interval",
    "centre_prior",
    "colour_contrast",
    "energy_over_area",
    "jaccard",
    "knn_accuracy",
    "pointing_game",
    "pointing_hits",
]
VOTE_TEMPERATURE = 0.07  # as in DINO's k-NN evaluation


def pointing_game(maps, boxes, *, first, step):
    """In which share of images is the map's maximum on the object?

    Args:
        maps: `(n, rows, cols)`, one map per image, larger is stronger.
        boxes: `(n, 4)`, y, x, height, width of each object in pixels.
        first: pixel, down and across, at the centre of the map's entry
            (0, 0).
        step: pixels from one entry to the next.

    Returns:
        Share from 0 to 1. Compare it with a trivial map: chance, the
        middle of the image, the brightest spot.

    Raises:
        ValueError: shapes that do not fit, NaN, or no image at all.

    Used in week 2. Zhang et al., "Top-down Neural Attention by Excitation
    Backprop" (2016).
    """
    maps, boxes = np.asarray(maps), np.asarray(boxes)
    if maps.ndim != 3 or len(maps) == 0 or boxes.shape != (len(maps), 4):
        raise ValueError(
            "maps need shape (n, rows, cols) and boxes (n, 4), n at least "
            f"1; got {maps.shape} and {boxes.shape}"
        )
    if np.isnan(maps).any():
        raise ValueError("maps contain NaN: find where it came from first")
    peak = maps.reshape(len(maps), -1).argmax(axis=1)
    place = np.stack(np.unravel_index(peak, maps.shape[1:]), axis=1)
    centre = first + step * place  # (n, 2), in pixels
    inside = (centre >= boxes[:, :2]) & (centre < boxes[:, :2] + boxes[:, 2:])
    return inside.all(axis=1).mean()


def pointing_hits(maps, masks):
    """Is the map's maximum on the object?

    Args:
        maps: `(n, rows, cols)`, larger is stronger.
        masks: `(n, height, width)` bool, True on the object; height is a
            multiple of rows and width of cols.

    Returns:
        `(n,)`, 0 to 1: the share of the maximum's pixels that lie on the
        object. It is 0 or 1 where the maximum is one pixel; where it is a
        patch, or several, it is the chance of a hit for a pixel drawn from
        them. A constant map scores the object's share of the image.

    Raises:
        ValueError: shapes that do not fit, maps that are not finite, or a
            mask without an object.

    Used in week 3. The pointing game of Zhang et al., "Top-down Neural
    Attention by Excitation Backprop" (2016), without its margin.
    """
    maps, cover = _pair(maps, masks)
    peak = maps == maps.max(axis=(1, 2), keepdims=True)
    return (peak * cover).sum(axis=(1, 2)) / peak.sum(axis=(1, 2))


def energy_over_area(maps, masks):
    """How many times its share of the image does the object receive?

    Args:
        maps: `(n, rows, cols)`, 0 or more; their scale does not matter.
        masks: as for `pointing_hits`.

    Returns:
        `(n,)`, 0 or more: the object's share of the map's sum, divided by
        its share of the image's area. 1 is a map that does not see it.

    Raises:
        ValueError: as `pointing_hits`, a negative entry, or a sum of 0.

    Used in week 3. The share is the energy-based pointing game of Wang et
    al., "Score-CAM" (2020), with masks in place of boxes.
    """
    maps, cover = _pair(maps, masks)
    total = maps.sum(axis=(1, 2))
    if (maps < 0).any() or not total.all():
        raise ValueError(
            "energy needs maps without negative entries and with a sum "
            f"above 0; got a minimum of {maps.min():.3g} and a smallest sum "
            f"of {total.min():.3g}"
        )
    share = (maps * cover).sum(axis=(1, 2)) / total
    return share / cover.mean(axis=(1, 2))


def jaccard(found, truth):
    """Overlap of two regions: what both hold over what either holds.

    Args:
        found: `(n, rows, cols)` bool, such as the smallest part of a map
            that holds 60% of its sum.
        truth: `(n, height, width)` bool masks, as for `pointing_hits`.

    Returns:
        `(n,)`, 0 (apart) to 1 (the same region), also called intersection
        over union.

    Raises:
        ValueError: shapes that do not fit, found is not bool, or a mask
            without an object.

    Used in week 3. Caron et al., "Emerging Properties in Self-Supervised
    Vision Transformers" (2021), section 4.2.2 and figure 4, score the best
    head's 60% in this way on VOC12.
    """
    found = np.asarray(found)
    if found.dtype != bool:
        raise ValueError(
            f"found must be bool, got {found.dtype}: threshold the map first"
        )
    found, cover = _pair(found, truth)
    both = (found * cover).mean(axis=(1, 2))
    areas = found.mean(axis=(1, 2)) + cover.mean(axis=(1, 2))
    return both / (areas - both)


def _pair(maps, masks):
    """Return maps as floats and how much of each entry is object, 0 to 1."""
    maps, masks = np.asarray(maps, dtype=float), np.asarray(masks)
    n, *grid = maps.shape
    fits = maps.ndim == masks.ndim == 3 and maps.size and n == len(masks)
    if fits:
        rows, cols = grid
        height, width = masks.shape[1:]
        fits = height % rows == 0 and width % cols == 0
    if not fits or masks.dtype != bool:
        raise ValueError(
            "maps need shape (n, rows, cols) and masks bool (n, height, "
            "width), height a multiple of rows and width of cols; got "
            f"{maps.shape} and {masks.dtype} {masks.shape}"
        )
    if not np.isfinite(maps).all():
        raise ValueError("maps contain NaN or infinity: find where from")
    if not masks.any(axis=(1, 2)).all():
        empty = int(np.argmin(masks.any(axis=(1, 2))))
        raise ValueError(f"mask {empty} holds no object: nothing to find")
    patches = masks.reshape(n, rows, height // rows, cols, width // cols)
    return maps, patches.mean(axis=(2, 4))


class Interval(NamedTuple):
    """A mean, and the ends of its interval."""

    mean: float
    low: float
    high: float

    def __str__(self):
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap_interval(values, *, level=0.95, repeats=2000, seed=0):
    """Return the mean of scores and how far other scenes might move it.

    Args:
        values: `(n,)`, one score per scene, n at least 2. For two methods
            on the same scenes, give their differences.
        level: share of intervals that hold the true mean, above 0, below
            1. For a sample of 20 or fewer it is less than asked for.
        repeats: how many samples to draw, at least 100.
        seed: the same seed, the same interval.

    Returns:
        `Interval(mean, low, high)` for other scenes drawn in the same way;
        scenes that share a photo say nothing of other photos.

    Raises:
        ValueError: values that are not finite numbers in one row, or a
            number out of its range.

    Used in week 3. The percentile interval of Efron, "Bootstrap Methods:
    Another Look at the Jackknife" (1979).
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(
            "values must be 2 or more finite numbers in one row, got shape "
            f"{values.shape}"
        )
    if not 0 < level < 1 or repeats < 100:
        raise ValueError(
            "level must lie between 0 and 1 and repeats be at least 100; "
            f"got {level} and {repeats}"
        )
    rng = np.random.default_rng(seed)
    means = [rng.choice(values, len(values)).mean() for _ in range(repeats)]
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(values.mean()), float(low), float(high))


def knn_accuracy(
    gallery, gallery_labels, queries, query_labels, neighbours=10
):
    """How often do the nearest neighbours vote for the right label?

    Nearness is the cosine; each neighbour votes with the weight
    exp(cosine / 0.07), so that a nearer one counts for more.

    Args:
        gallery: `(m, width)` features whose labels are known.
        gallery_labels: `(m,)` their labels.
        queries: `(n, width)` features to be named.
        query_labels: `(n,)` the right answers.
        neighbours: how many vote, 1 to m.

    Returns:
        Share of right answers, 0 to 1. Compare it with chance and with
        the features of an untrained network.

    Raises:
        ValueError: shapes that do not fit, features that are not finite,
            or more neighbours than there are.

    Used in week 3. Wu et al., "Unsupervised Feature Learning via
    Non-Parametric Instance Discrimination" (2018), section 3.4, as DINO
    is evaluated in Caron et al. (2021).
    """
    from sklearn.neighbors import KNeighborsClassifier

    gallery, queries = np.asarray(gallery), np.asarray(queries)
    for features, labels in (
        (gallery, gallery_labels),
        (queries, query_labels),
    ):
        if features.ndim != 2 or np.shape(labels) != features.shape[:1]:
            raise ValueError(
                "features need shape (n, width) and labels (n,), got "
                f"{features.shape} and {np.shape(labels)}"
            )
    if not 1 <= neighbours <= len(gallery):
        raise ValueError(
            f"neighbours must be 1 to {len(gallery)}, the size of the "
            f"gallery; got {neighbours}"
        )
    nearest = KNeighborsClassifier(
        neighbours, metric="cosine", weights=_votes, algorithm="brute"
    )
    nearest.fit(gallery, gallery_labels)
    return float(nearest.score(queries, query_labels))


def _votes(distances):
    return np.exp(-distances / VOTE_TEMPERATURE)  # distance: 1 - cosine
