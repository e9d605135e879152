"""Clean photos, to add noise to and take it out again.

    photos = clean_photos()
    clean = as_floats(photos.images[0])

A denoiser is judged by what it gives back of a photo without noise. Photos
as cameras make them have noise, and JPEG's blocks. These were reduced to a
third or less of their size, which averages both away.
"""

import csv
import functools
from dataclasses import dataclass

import numpy as np

from course_utils.bundled import REINSTALL, bundled
from course_utils.crops import check_request, pyramid
from course_utils.pasted_objects import BACKGROUNDS, SPLITS
from course_utils.photos import photo, read_photo

SIDE, COLUMNS = 128, 6  # of the sheet: side of a tile in pixels, tiles a row
SHEET, LIST = "photos128.png", "photos128.csv"
SIDES = (8, 128)  # pixels, of a training crop
OWN_SIDES = (16, 512)  # pixels, of the learner's own photo
GREY, GREY_SHARE = ("grass", "gravel"), 0.1  # photos without colour
LEAST_DETAIL = 0.01  # pixels 0 to 1; see `_detail`
FLAT_KEPT = 0.5  # share of the places without detail that stay


@dataclass(frozen=True, eq=False)
class CleanPhotos:
    """Square photos without noise.

    images: `(n, 128, 128, 3)` uint8.
    names: `(n,)` texts, such as "bee".
    kinds: `(n,)` texts: "animal", "building", "food", "landscape",
        "people", "plant" or "texture".
    alts: `(n,)` texts, what each photo shows.
    """

    images: np.ndarray
    names: np.ndarray
    kinds: np.ndarray
    alts: np.ndarray

    def __len__(self):
        return len(self.images)

    def __repr__(self):
        return (
            f"CleanPhotos({len(self)} of {SIDE}x{SIDE} pixels: "
            f"{', '.join(self.names)})"
        )

    def take(self, rows):
        """Return some of the photos, as `CleanPhotos`.

        Args:
            rows: a slice, whole numbers, or one bool for each photo, such
                as `photos.kinds == "animal"`.

        Raises:
            IndexError: there is no such photo, or these are no indices.
        """
        rows = np.atleast_1d(np.arange(len(self))[rows])
        parts = (self.images, self.names, self.kinds, self.alts)
        return CleanPhotos(*(part[rows] for part in parts))


def clean_photos(count=None):
    """Return photos that no earlier week trains on, nor `training_crops`.

    Kinds take turns, so that the first few differ. Authors and licences
    are in data/photos128.csv.

    Args:
        count: how many, the first ones; None for all.

    Returns:
        `CleanPhotos`.

    Raises:
        ValueError: count is out of range, or a bundled file is damaged.
        FileNotFoundError: a bundled file is missing.

    Used in week 6.
    """
    images, rows = _sheet()
    count = len(rows) if count is None else count
    _check_whole("count", count, (1, len(rows)))
    columns = [
        np.array([row[key] for row in rows[:count]])
        for key in ("name", "kind", "what")
    ]
    return CleanPhotos(images[:count].copy(), *columns)


def as_floats(images):
    """Return uint8 images as float32 from 0 to 1, a copy of any shape.

    Raises:
        TypeError: the images are not uint8.

    Used in week 6.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8:
        raise TypeError(
            f"images must be uint8, 0 to 255, got {images.dtype}: floats "
            "from 0 to 1 are used as they are"
        )
    return images.astype(np.float32) / 255


def training_crops(count, side, *, split="train", seed):
    """Cut crops out of photos that are reduced to a half or a quarter.

    Photos are equally likely, but for grey ones, of which one crop in ten
    is cut; so are the scales at which a crop fits. Of the places with
    hardly any detail, such as a clear sky, half are drawn again.

    Args:
        count: how many, 1 or more.
        side: of each crop in pixels, 8 to 128.
        split: "train" (10 photos) or "validation" (3 others).
        seed: whole number, 0 or more; the same seed, the same crops.

    Returns:
        `(count, side, side, 3)` uint8.

    Raises:
        ValueError: unknown split, count, side or seed out of range; a
            bundled photo is damaged.
        FileNotFoundError: a bundled photo is missing.

    Used in week 6.
    """
    check_request(count, split, seed)
    _check_whole("side", side, SIDES)
    if split == "test":
        raise ValueError(
            "split must be train or validation: photos of the test split "
            "are among clean_photos(), which judge what was trained"
        )
    names = BACKGROUNDS[split]
    rng = np.random.default_rng([SPLITS.index(split), side, seed])
    drawn = rng.choice(len(names), size=count, p=_shares(names))
    return np.stack([_cut(_reduced(names[i]), side, rng) for i in drawn])


def own_photo(name, side=SIDE):
    """Return a photo of your own, small, square and clean.

    It is shrunk by Lanczos' filter, and the middle is kept. The more it
    shrinks, the less of the camera's noise is left: a photo of three times
    `side` or more will do.

    Args:
        name: the path of an image file, or the name of a bundled photo,
            see `photos.photo`.
        side: of the result in pixels, 16 to 512.

    Returns:
        `(side, side, 3)` float32 from 0 to 1.

    Raises:
        FileNotFoundError: no such photo and no such file.
        TypeError: neither a name nor a path.
        ValueError: not an image that can be read, smaller than `side`, or
            side out of range.

    Used in week 6.
    """
    from PIL import Image, ImageOps

    _check_whole("side", side, OWN_SIDES)
    image = photo(name)
    height, width, _ = image.shape
    if min(height, width) < side:
        raise ValueError(
            f"{name} has {width}x{height} pixels: each side must have "
            f"{side} or more; give a larger photo or a smaller side"
        )
    square = ImageOps.fit(
        Image.fromarray(image), (side, side), Image.Resampling.LANCZOS
    )
    return as_floats(square)


@functools.cache
def _sheet():
    """Return the tiles `(n, 128, 128, 3)` uint8 and what is told of each."""
    path = bundled(SHEET)
    try:
        with open(bundled(LIST), newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        sheet = read_photo(path)[0]
    except (csv.Error, ValueError) as error:
        raise ValueError(
            f"{SHEET} or {LIST} is damaged ({error}): {REINSTALL}"
        ) from error
    height = -(-len(rows) // COLUMNS) * SIDE
    told = all(row.get(k) for row in rows for k in ("name", "kind", "what"))
    if sheet.shape != (height, COLUMNS * SIDE, 3) or not told:
        raise ValueError(f"{SHEET} and {LIST} do not fit: {REINSTALL}")
    tiles = sheet.reshape(-1, SIDE, COLUMNS, SIDE, 3).swapaxes(1, 2)
    return tiles.reshape(-1, SIDE, SIDE, 3), rows


@functools.cache
def _reduced(name):
    """Return a bundled photo at a half and a quarter of its size."""
    return pyramid(photo(name))[1:]


def _shares(names):
    """Return how likely each photo is, `(len(names),)`, in all 1."""
    grey = np.isin(names, GREY)
    shares = np.where(grey, GREY_SHARE, 1 - GREY_SHARE)
    return shares / np.where(grey, grey.sum(), (~grey).sum())


def _cut(levels, side, rng):
    fitting = [level for level in levels if min(level.shape[:2]) >= side]
    image = fitting[rng.integers(len(fitting))]
    while True:
        y, x = (rng.integers(n - side + 1) for n in image.shape[:2])
        crop = image[y : y + side, x : x + side]
        if _detail(crop) >= LEAST_DETAIL or rng.random() < FLAT_KEPT:
            return crop


def _detail(crop):
    """Return how much neighbours differ, root mean square, 0 to 1."""
    down, right = (np.diff(crop / 255, axis=axis) for axis in (0, 1))
    return np.sqrt((np.mean(down**2) + np.mean(right**2)) / 2)


def _check_whole(name, value, limits):
    low, high = limits
    whole = isinstance(value, (int, np.integer))
    if not whole or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(
            f"{name} must be a whole number, {low} to {high}, got {value!r}"
        )
