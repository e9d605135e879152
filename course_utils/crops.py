"""Crops of 32x32 pixels from the bundled photos, for super-resolution.

Photos of three splits share nothing: what a network learned on one set of
scenes is tested on others. Each crop is cut at one of several scales, so
that it may hold a leaf or a meadow.
"""

import functools
from dataclasses import dataclass

import numpy as np

from course_utils.pasted_objects import BACKGROUNDS, SPLITS
from course_utils.photos import photo

SIDE = 32  # pixels
SCALES = (1.0, 0.5, 0.25)  # of the photo's own size, the largest first
LEAST_DETAIL = 0.02  # pixels 0 to 1; see `detail`
BLOCK = 4  # pixels; what super-resolution by 4 makes one of
TRIES = 50  # places tried for a crop; the last one is taken as it is


@dataclass(frozen=True, eq=False)
class Crops:
    """Square crops of photos.

    images: `(count, 32, 32, 3)` uint8.
    photos: `(count,)` int64, which photo of `names`.
    scales: `(count,)` float64, how much the photo was reduced first.
    names: the photos of the split.
    """

    images: np.ndarray
    photos: np.ndarray
    scales: np.ndarray
    names: tuple

    def __repr__(self):
        return (
            f"Crops({len(self.images):,} of 32x32 pixels from "
            f"{len(self.names)} photos: {', '.join(self.names)})"
        )


def crops(count, *, split="train", seed):
    """Cut crops at random places and scales out of a split's photos.

    All photos and all `SCALES` are equally likely. A photo is reduced by
    Lanczos' filter, which does not alias. Places with hardly any `detail`,
    such as a clear sky, are drawn again: nothing is lost there, so there
    is nothing to restore.

    Args:
        count: how many, 1 or more.
        split: "train" (10 photos), "validation" (3) or "test" (5).
        seed: whole number, 0 or more; the same seed, the same crops.

    Returns:
        `Crops`.

    Raises:
        ValueError: unknown split, count or seed out of range; a bundled
            photo is damaged.
        FileNotFoundError: a bundled photo is missing.

    Used in week 4.
    """
    check_request(count, split, seed)
    names = BACKGROUNDS[split]
    rng = np.random.default_rng([SPLITS.index(split), seed])
    pyramids = [_bundled_pyramid(name) for name in names]
    images, photos, scales = cut(pyramids, count, rng)
    return Crops(images, photos, np.take(SCALES, scales), names)


def check_request(count, split, seed):
    """Raise a ValueError that names what is wrong with a request.

    Args:
        count: expected a whole number, 1 or more.
        split: expected one of `SPLITS`.
        seed: expected a whole number, 0 or more.
    """
    if split not in SPLITS:
        raise ValueError(
            f"unknown split {split!r}: choose one of {', '.join(SPLITS)}"
        )
    for name, value, least in (("count", count, 1), ("seed", seed, 0)):
        whole = isinstance(value, (int, np.integer))
        if not whole or isinstance(value, bool) or value < least:
            raise ValueError(
                f"{name} must be a whole number, {least} or more, "
                f"got {value!r}"
            )


def pyramid(image):
    """Return a photo at each of `SCALES` at which a crop fits.

    Args:
        image: `(height, width, 3)` uint8.

    Returns:
        Tuple of such arrays, the largest first; empty if the photo itself
        is smaller than a crop.
    """
    from PIL import Image

    whole, levels = Image.fromarray(image), []
    for scale in SCALES:
        sides = [round(side * scale) for side in whole.size]
        if min(sides) >= SIDE:
            smaller = whole.resize(sides, Image.Resampling.LANCZOS)
            levels.append(np.array(smaller))
    return tuple(levels)


def cut(pyramids, count, rng):
    """Cut crops at random places and scales out of photos.

    All photos are equally likely, and for each all the scales at which a
    crop fits.

    Args:
        pyramids: one for each photo, as `pyramid` returns it, none empty.
        count: how many crops.
        rng: NumPy's random generator.

    Returns:
        `(images, photos, scales)`: `(count, 32, 32, 3)` uint8, and
        `(count,)` int64 each, which photo and which of `SCALES`.
    """
    photos = rng.integers(len(pyramids), size=count)
    scales = rng.integers(len(SCALES), size=count)
    fitting = np.array([len(levels) for levels in pyramids])[photos]
    for i in np.flatnonzero(scales >= fitting):
        scales[i] = rng.integers(fitting[i])
    images = [
        _cut_one(pyramids[which][scale], rng)
        for which, scale in zip(photos, scales, strict=True)
    ]
    return np.stack(images), photos, scales


def detail(crop):
    """Return how much a reduction by 4 takes from a crop.

    Args:
        crop: `(32, 32, 3)` uint8.

    Returns:
        Standard deviation of the pixels, 0 to 1, about the mean of their
        4x4 block.
    """
    blocks = crop.reshape(SIDE // BLOCK, BLOCK, SIDE // BLOCK, BLOCK, 3) / 255
    lost = blocks - blocks.mean(axis=(1, 3), keepdims=True)
    return np.sqrt(np.mean(lost**2))


@functools.cache
def _bundled_pyramid(name):
    return pyramid(photo(name))


def _cut_one(image, rng):
    for _ in range(TRIES):
        y, x = (rng.integers(side - SIDE + 1) for side in image.shape[:2])
        crop = image[y : y + SIDE, x : x + SIDE]
        if detail(crop) >= LEAST_DETAIL:
            break
    return crop
