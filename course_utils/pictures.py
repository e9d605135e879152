"""Pictures of 32x32 pixels for super-resolution, in three splits.

    train = pictures(2000, split="train", seed=0)   # what setup() chose
    images = as_tensor(train.images)

Crops of the bundled photos, CIFAR-10, or a folder of the learner's: its
photos, or CIFAR-10's two files. No photo or row is in two splits.
"""

from dataclasses import dataclass

import numpy as np

from course_utils.crops import SIDE, check_request, crops
from course_utils.datasets import as_folder, chosen_source

FACTOR = 4  # by which week 4 enlarges


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures for super-resolution.

    images: `(count, 32, 32, 3)` uint8.
    source: which data these really are: "bundled", "real", or the folder.
    """

    images: np.ndarray
    source: str

    def __repr__(self):
        return (
            f"Pictures({self.source}: {len(self.images):,} of "
            f"{SIDE}x{SIDE} pixels)"
        )


def pictures(count, *, split="train", seed, source=None):
    """Return pictures of a split, drawn by seed.

    Of CIFAR-10 each is drawn at most once. Own photos are split by file,
    sorted by name (the first of every five to test, the second to
    validation) and cut like the bundled ones; larger ones than these are
    reduced to their size first. One line counts files that cannot be used.

    Args:
        count: how many, 1 or more.
        split: "train", "validation" or "test". CIFAR-10 has 45,000, 5,000
            and 10,000.
        seed: whole number, 0 or more; the same seed, the same pictures.
        source: "bundled" (`crops` of the bundled photos), "real"
            (CIFAR-10, 144 MB, downloaded once), or a folder that holds
            CIFAR-10's train-*.parquet and test-*.parquet, or at least 3
            photos (jpg, jpeg, png, webp; also in subfolders). None is what
            `setup` chose, and "bundled" before it.

    Returns:
        `Pictures`. If the download fails, one line says why and bundled
        crops are returned; `.source` tells.

    Raises:
        ImportError: CIFAR-10 needs pyarrow, which is not installed.
        ValueError: unknown split or source, count or seed out of range;
            a damaged file; fewer than 3 photos that can be used.
        FileNotFoundError: one of CIFAR-10's two files is missing.

    Used in week 4.
    """
    check_request(count, split, seed)
    source = chosen_source(source)
    if source == "bundled":
        return _bundled(count, split, seed)
    if source == "real":
        return _real(count, split, seed)
    return _in_folder(as_folder(source), count, split, seed)


def as_tensor(images):
    """Return images as PyTorch takes them: channels first, 0 to 1.

    Args:
        images: `(n, height, width, 3)`, uint8 from 0 to 255 or floats from
            0 to 1; both sides multiples of 4, so that a fourth of them is
            whole.

    Returns:
        `(n, 3, height, width)` float32 tensor from 0 to 1, a copy.

    Raises:
        TypeError: neither uint8 nor floats.
        ValueError: another shape, grey, a side that is no multiple of 4,
            NaN, or floats beyond 0 to 1.

    Used in week 4.
    """
    images = np.asarray(images)
    _check_type(images)
    _check_shape(images.shape)
    if images.dtype != np.uint8:
        _check_range(images)
        images = images.astype(np.float32, copy=False)
    import torch

    tensor = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    if images.dtype == np.uint8:
        return tensor.to(torch.float32).div_(255)
    return tensor


def _bundled(count, split, seed):
    images = crops(count, split=split, seed=seed).images
    return Pictures(images, "bundled")


def _real(count, split, seed):
    """Return pictures of CIFAR-10; both files or neither is used."""
    from course_utils import cifar, downloads

    cifar.check_pyarrow()
    cifar.check_count(count, split, cifar.NUM_PICTURES[split])
    try:
        paths = {p: downloads.fetch(name) for p, name in cifar.REMOTE.items()}
    except downloads.DownloadError as error:
        print(
            f"cifar10: could not download the pictures ({error}); using "
            "crops of the bundled photos instead"
        )
        return _bundled(count, split, seed)
    return Pictures(cifar.read(paths, split, count, seed), "real")


def _in_folder(folder, count, split, seed):
    from course_utils import cifar, own_photos

    paths = cifar.find_in(folder)
    if paths:
        images = cifar.read(paths, split, count, seed)
    else:
        images = own_photos.crops_of(folder, split, count, seed)
    return Pictures(images, str(folder))


def _check_type(images):
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise TypeError(
            f"the images have the type {images.dtype}: expected uint8 from "
            "0 to 255, or floats from 0 to 1; of pictures(...) give .images"
        )


def _check_shape(shape):
    expected = f"expected (n, height, width, 3), got {shape}"
    if len(shape) == 3 and shape[-1] == 3:
        raise ValueError(f"a single image needs images[None]: {expected}")
    if len(shape) == 3 or (len(shape) == 4 and shape[-1] == 1):
        grey = "images[..., None]" if len(shape) == 3 else "images"
        raise ValueError(
            f"grey images: {expected}; repeat the channel with "
            f"np.repeat({grey}, 3, axis=-1)"
        )
    if len(shape) != 4 or shape[-1] != 3 or 0 in shape:
        raise ValueError(f"{expected}; channels come last, n is at least 1")
    for name, side in zip(("height", "width"), shape[1:3], strict=True):
        if side % FACTOR:
            raise ValueError(
                f"the images' {name} is {side}: crop it to a multiple of "
                f"{FACTOR}, which x{FACTOR} super-resolution needs"
            )


def _check_range(images):
    if np.isnan(images).any():
        raise ValueError(
            f"{np.isnan(images).sum():,} numbers of the images are NaN: "
            "look for a division by 0 or a loss that has diverged"
        )
    low, high = images.min(), images.max()
    if high > 1:
        raise ValueError(
            f"float images go from 0 to 1, these up to {high:.4g}: divide "
            "by 255, or give them as uint8 from 0 to 255"
        )
    if low < 0:
        raise ValueError(
            f"float images go from 0 to 1, these down to {low:.4g}: "
            "np.clip(images, 0, 1) if an interpolation overshot"
        )
