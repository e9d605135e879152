"""CelebA: photos of 202,599 faces with 40 attributes, in three splits.

Read from a folder in the authors' layout or in Kaggle's. Liu, Luo, Wang and
Tang, "Deep Learning Face Attributes in the Wild" (2015). For non-commercial
research only. Used in week 5 through `course_utils.face_data`.
"""

import os
from pathlib import Path

import numpy as np

from course_utils.celeba_download import find_celeba
from course_utils.celeba_lists import LAYOUTS, PHOTOS, read_lists
from course_utils.crops import SPLITS, check_request
from course_utils.faces import Faces
from course_utils.photos import read_photo
from course_utils.progress_bar import ProgressBar

__all__ = ["NUM_FACES", "celeba", "check_count", "find_celeba"]

NUM_FACES = {"train": 162_770, "validation": 19_867, "test": 19_962}
SIDES = (16, 178)  # pixels; a photo is 178 wide, and none is enlarged
NAMED = 3  # of the photos that cannot be read
PHOTO_PLACES = (PHOTOS, f"{PHOTOS}/{PHOTOS}", f"Img/{PHOTOS}")


def celeba(count, *, split="train", folder=None, side=64, seed=0):
    """Return photos of faces of one of CelebA's official splits.

    Of each photo, 178 pixels wide and 218 high with the eyes in the same
    place, the middle square is kept: 20 rows go at the top and 20 at the
    bottom, with the tops of some hats and the ends of some ties. It is
    reduced by Lanczos' filter, which does not alias. For each photo that
    cannot be read another is drawn; one line says how many and which.

    Args:
        count: how many, 1 or more; they are drawn without replacement.
            None for all.
        split: "train" (162,770 faces), "validation" (19,867) or "test"
            (19,962).
        folder: where CelebA lies, in the authors' layout or in Kaggle's;
            one line says so if photos are absent. None is what
            `find_celeba` finds or downloads.
        side: pixels of the square images, 16 to 178.
        seed: whole number, 0 or more; the same seed, the same faces.

    Returns:
        `Faces`: images `(count, side, side, 3)` uint8 and labels
        `(count, 40)` bool, True for 1 and False for -1 in CelebA's list, in
        the order of `face_labels.ATTRIBUTES`; drawn and regions are None.
        Fewer than `count`, and the line says so, if too few can be read.

    Raises:
        ValueError: unknown split; count, side or seed out of range; a list
            with wrong content; more than half of the photos unreadable.
        FileNotFoundError: a list or the folder of photos is missing.
        ImportError, DownloadError: as `find_celeba`.

    Used in week 5.
    """
    check_request(1 if count is None else count, split, seed)
    _check_side(side)
    if folder is None:
        check_count(count, split, NUM_FACES[split])
        folder = find_celeba()
    folder = Path(folder).expanduser()
    names, labels = read_lists(folder, split)
    photos = _photo_folder(folder)
    there = {entry.name for entry in os.scandir(photos)}
    rows = np.array([i for i, n in enumerate(names) if n in there], int)
    check_count(count, split, len(rows), photos)
    count = len(rows) if count is None else count
    rng = np.random.default_rng([SPLITS.index(split), seed])
    rows = rng.permutation(rows)
    paths = [photos / names[row] for row in rows]
    images, kept, damaged = _read_photos(paths, count, side)
    _say_what_is_missing(
        damaged, count - len(images), len(names) - len(rows), split
    )
    return Faces(
        images=images, labels=labels[rows[kept]], drawn=None, regions=None
    )


def check_count(count, split, available, place="CelebA"):
    """Raise a ValueError if a split has fewer photos than asked for."""
    asked = 1 if count is None else count
    if asked > available:
        raise ValueError(
            f"the split {split!r} of {place} has {available:,} photos, "
            f"{'all' if count is None else f'{count:,}'} were asked for: "
            + (
                f"choose count={available} or less"
                if available
                else "unpack CelebA's photos there"
            )
        )


def _check_side(side):
    low, high = SIDES
    whole = isinstance(side, (int, np.integer)) and not isinstance(side, bool)
    if not whole or not low <= side <= high:
        raise ValueError(
            f"side must be a whole number from {low} to {high}, got {side!r}"
        )


def _photo_folder(folder):
    for place in PHOTO_PLACES:
        if any((folder / place).glob("*.jpg")):
            return folder / place
    raise FileNotFoundError(
        f"{folder} holds no photos: {LAYOUTS} (looked for *.jpg in "
        f"{', '.join(PHOTO_PLACES)})"
    )


def _read_photos(paths, count, side):
    """Read photos until there are enough, or as many cannot be read.

    Returns:
        `(images, kept, damaged)`: `(n, side, side, 3)` uint8, which of the
        paths these are, and the paths that cannot be read.
    """
    images = np.empty((count, side, side, 3), np.uint8)
    kept, damaged = [], []
    with ProgressBar("reading CelebA's photos", count) as bar:
        for i, path in enumerate(paths):
            if len(kept) == count or len(damaged) > count:
                break
            try:
                images[len(kept)] = _square(path, side)
            except ValueError:
                damaged.append(path)
                continue
            kept.append(i)
            bar.update()
    if len(damaged) > len(kept):
        raise ValueError(
            f"{len(damaged)} of the {len(damaged) + len(kept)} photos drawn "
            f"cannot be read (the first: {damaged[0]}): unpack or download "
            "CelebA again"
        )
    return images[: len(kept)], kept, damaged


def _square(path, side):
    """Return the middle square of a photo, reduced to `side`."""
    from PIL import Image

    image, _ = read_photo(path)
    height, width, _ = image.shape
    edge = min(height, width)
    if edge < side:
        raise ValueError(f"{path} is smaller than {side}x{side} pixels")
    top, left = (height - edge) // 2, (width - edge) // 2
    square = image[top : top + edge, left : left + edge]
    return np.array(
        Image.fromarray(square).resize((side, side), Image.Resampling.LANCZOS)
    )


def _say_what_is_missing(damaged, too_few, absent, split):
    """Print one line about photos that cannot be read or are not there.

    Args:
        damaged: the paths of those that cannot be read.
        too_few: how many are lacking to those asked for.
        absent: how many of the split's list are not in the folder.
    """
    said = []
    if damaged:
        one = len(damaged) == 1
        first = ", ".join(path.name for path in damaged[:NAMED])
        more = len(damaged) - NAMED
        said.append(
            f"{_photos(len(damaged))} skipped, {'it' if one else 'they'} "
            f"cannot be read: {first}{f' and {more} more' * (more > 0)}"
        )
    if too_few:
        said.append(f"so {too_few:,} fewer than asked for")
    if absent:
        said.append(f"{_photos(absent)} of {split} not in the folder")
    if said:
        print(f"celeba: {'; '.join(said)}")


def _photos(number):
    return f"{number:,} photo{'s' * (number != 1)}"
