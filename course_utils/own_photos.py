"""Crops from photos of the learner's own, split by file.

Sorted by name, the first of every five photos is for testing, the second
for validation, the rest for training; so each split has one if there are
three. Crops are cut as `course_utils.crops` cuts the bundled photos. Used
in week 4 through `course_utils.pictures`.
"""

import functools
import hashlib

import numpy as np

from course_utils.crops import SIDE, SPLITS, cut, pyramid
from course_utils.photos import read_photo

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
TURNS = ("test", "validation", "train", "train", "train")
LEAST_PHOTOS = 3  # one for each split
MOST_PHOTOS = 500  # in all splits: about a gigabyte of memory
# Larger photos are reduced to this first; the largest bundled has 463,872.
MOST_PIXELS = 480_000


def crops_of(folder, split, count, seed):
    """Cut crops at random places and scales out of a split's photos.

    Each file is decoded once and kept until another folder is read. One
    line counts the files that are left out: those that cannot be read, are
    smaller than a crop, or show exactly what an earlier one shows.

    Args:
        folder: `Path`; photos lie in it and in its subfolders.
        split: "train", "validation" or "test".
        count: how many, 1 or more.
        seed: whole number, 0 or more; the same seed, the same crops.

    Returns:
        `(count, 32, 32, 3)` uint8.

    Raises:
        ValueError: fewer than 3 photos that can be used, or over 500.
    """
    pyramids = _own_pyramids(folder)
    members = [
        levels
        for i, levels in enumerate(pyramids)
        if TURNS[i % len(TURNS)] == split
    ]
    rng = np.random.default_rng([SPLITS.index(split), seed])
    return cut(members, count, rng)[0]


def _own_pyramids(folder):
    """Return the learner's own photos, by name; say what was left out."""
    files = _photo_files(folder)
    stamps = [(f.stat().st_mtime_ns, f.stat().st_size) for f in files]
    pyramids, left_out = _read_all(tuple(files), tuple(stamps))
    said = f"{len(left_out)} of {len(files)} photos left out"
    if left_out:
        said += f"; the first: {left_out[0]}"
    if len(pyramids) < LEAST_PHOTOS:
        raise ValueError(
            f"{folder} holds {len(pyramids)} photos that can be used: "
            f"expected at least {LEAST_PHOTOS} ({', '.join(SUFFIXES)}), or "
            f"CIFAR-10's train-*.parquet and test-*.parquet ({said})"
        )
    if left_out:
        print(f"{folder}: {said}")
    return pyramids


def _photo_files(folder):
    """Return image files, also of subfolders, by name; no hidden ones."""
    found = []
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
            found.append((inside.as_posix(), path))
    if len(found) > MOST_PHOTOS:
        raise ValueError(
            f"{folder} holds {len(found):,} photos: at most {MOST_PHOTOS} "
            "are read; copy some of them to a folder of their own"
        )
    return [path for _, path in sorted(found)]


@functools.lru_cache(maxsize=1)
def _read_all(files, stamps):
    """Return the photos' pyramids, and why other files are left out.

    Args:
        files: tuple of paths.
        stamps: changes when a file does, so that it is read again.
    """
    pyramids, left_out, seen = [], [], {}
    for path in files:
        try:
            levels, digest = _read_own(path)
        except ValueError as error:
            left_out.append(str(error))
            continue
        if digest in seen:
            left_out.append(f"{path} shows the same as {seen[digest]}")
            continue
        seen[digest] = path
        pyramids.append(levels)
    return pyramids, left_out


def _read_own(path):
    """Return a photo's pyramid and what tells it from any other."""
    from PIL import Image

    image, _ = read_photo(path)
    height, width, _ = image.shape
    if min(height, width) < SIDE:
        raise ValueError(
            f"{path} is too small ({width}x{height} pixels): each side must "
            f"have {SIDE} or more"
        )
    digest = image.shape, hashlib.sha256(image).hexdigest()
    scale = (MOST_PIXELS / (height * width)) ** 0.5
    if scale < 1:
        sides = [round(side * scale) for side in (width, height)]
        smaller = Image.fromarray(image)
        image = np.array(smaller.resize(sides, Image.Resampling.LANCZOS))
    return pyramid(image), digest
