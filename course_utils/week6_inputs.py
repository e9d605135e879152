"""Errors that name what is wrong with what week 6's controller is given."""

import numpy as np

from course_utils.graph_checks import check_positive
from course_utils.noise import checked_image
from course_utils.week6_printed import HEADS

CHANNELS = 3


def checked_patches(patches, centers):
    """Return patches as `(n, side, side, 3)` and centers, floats, or raise."""
    patches = np.asarray(patches, dtype=float)
    centers = np.asarray(centers, dtype=float)
    if patches.ndim != 2 or centers.shape != (len(patches), 2):
        raise ValueError(
            "patches need shape (n, side**2 * 3) and centers (n, 2), got "
            f"{patches.shape} and {centers.shape}"
        )
    side = round((patches.shape[1] / CHANNELS) ** 0.5)
    if side < 2 or side**2 * CHANNELS != patches.shape[1]:
        raise ValueError(
            f"a patch of {patches.shape[1]} numbers is no square of 2 or "
            "more pixels a side with red, green and blue"
        )
    if not len(patches):
        raise ValueError("no patch: give at least one")
    if not (np.isfinite(patches).all() and np.isfinite(centers).all()):
        raise ValueError("patches or centers hold NaN or infinite values")
    return patches.reshape(-1, side, side, CHANNELS), centers


def check_attention(attention):
    """Raise a ValueError unless there are four weights that sum to 1."""
    missing = [head for head in HEADS if head not in attention]
    if missing:
        raise ValueError(f"attention lacks the heads {', '.join(missing)}")
    weights = [attention[head] for head in HEADS]
    if not (np.isclose(sum(weights), 1) and min(weights) >= 0):
        raise ValueError(
            f"the four attention weights must be 0 or more and sum to 1, got "
            f"{weights}: compute_attention_weights makes them of scores"
        )


def check_pairs(noisy_images, clean_images):
    """Raise TypeError or ValueError unless images are colour, in pairs."""
    if len(noisy_images) == 0 or len(noisy_images) != len(clean_images):
        raise ValueError(
            "give one or more noisy images and a clean one for each, got "
            f"{len(noisy_images)} and {len(clean_images)}"
        )
    pairs = zip(noisy_images, clean_images, strict=True)
    for which, pair in enumerate(pairs):
        noisy, clean = (checked_image(image).shape for image in pair)
        if noisy != clean or noisy[2] != CHANNELS:
            raise ValueError(
                f"image {which} is {noisy} noisy and {clean} clean: both must "
                "be (height, width, 3), and alike"
            )


def check_trial(train, test, start, iterations, batch_size):
    """Raise TypeError or ValueError unless a trial can be run."""
    for pair in (train, test):
        check_pairs(*pair)
        if len({image.shape for image in pair[0]}) > 1:
            raise ValueError("the images of a trial must be of one size")
    sigma, tau = start
    check_positive("sigma", sigma)
    if not 0 < tau < 1:
        raise ValueError(f"tau must start between 0 and 1, got {tau}")
    if iterations < 1:
        raise ValueError(f"iterations must be 1 or more, got {iterations}")
    if batch_size is not None and not 1 <= batch_size <= len(train[0]):
        raise ValueError(
            f"batch_size must be 1 to {len(train[0])}, the number of training "
            f"images, got {batch_size}"
        )
