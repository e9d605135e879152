"""The source tutorial's four heads: a score each, and a softmax.

The tutorial gives formulas in words; what they leave open is chosen and
said here. The names are the tutorial's. Used in week 6.
"""

import numpy as np

from course_utils.week6_inputs import checked_patches
from course_utils.week6_printed import HEADS, recomputed

TEMPERATURE = 2.0


def patch_scores(patches, centers):
    """Return the four scores of every patch, in the order of `HEADS`.

    Texture: the standard deviation within each colour channel, over 0.1.
    Structure: the mean difference of neighbours, across plus down, over
    0.1. Color: the standard deviation of the three channels' means, over
    0.1. Spatial: the distance in pixels from the mean centre (root mean
    square of rows and columns), over 10. On the tutorial's scale all are
    meant to be about 0 to 1; noise or a large image leaves it.

    Args:
        patches, centers: `(n, side**2 * 3)` and `(n, 2)`, as
            `patch_graph.extract_patches` returns them; side at least 2.

    Returns:
        `(n, 4)` scores, 0 or more.

    Raises:
        ValueError: shapes that do not fit, no patch, NaN or infinity.

    Used in week 6.
    """
    tiles, centers = checked_patches(patches, centers)
    across = np.abs(np.diff(tiles, axis=2)).mean(axis=(1, 2, 3))
    down = np.abs(np.diff(tiles, axis=1)).mean(axis=(1, 2, 3))
    apart = centers - centers.mean(axis=0)
    scores = (
        tiles.std(axis=(1, 2)).mean(axis=1) / 0.1,
        (across + down) / 0.1,
        tiles.mean(axis=(1, 2)).std(axis=1) / 0.1,
        np.sqrt(np.square(apart).mean(axis=1)) / 10.0,
    )
    return np.stack(scores, axis=1)


def compute_patch_features(patches, centers):
    """Return the four scores of a batch: texture, structure, color, spatial.

    The means of `patch_scores`; of the last the root mean square, which
    is the standard deviation of the centres. So it says how large the
    image is, and nothing else.

    Args, Raises:
        See `patch_scores`; the patches of one image, or of a whole batch
        on top of each other.

    Returns:
        Tuple of four numbers.

    Used in week 6.
    """
    scores = patch_scores(patches, centers)
    texture, structure, color = scores[:, :3].mean(axis=0)
    spatial = np.sqrt(np.square(scores[:, 3]).mean())
    return tuple(map(float, (texture, structure, color, spatial)))


def compute_attention_weights(
    texture, structure, color, spatial, temperature=TEMPERATURE
):
    """Return softmax(temperature * scores) as a dict from head to weight.

    Raises:
        ValueError: a score that is not a finite number.

    Used in week 6.
    """
    scores = texture, structure, color, spatial
    weights = recomputed(scores, temperature).tolist()
    return dict(zip(HEADS, weights, strict=True))
