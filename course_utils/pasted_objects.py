"""Scenes with a known truth: one object pasted on a photo, and its mask.

Photos of everyday life keep their subject near the middle, so a map that
always points there scores well on them. Here the object may be anywhere,
and the photo under it has subjects of its own. Whole and large as it is, it
still covers the middle more often than an edge: a map that points there
stays a baseline.
"""

import csv
import functools
from dataclasses import dataclass

import numpy as np

from course_utils.bundled import bundled

SPLITS = ("train", "validation", "test")
BACKGROUNDS = {
    "train": (
        *("mountain", "stream", "fig", "brushes", "dandelion", "wine"),
        *("rocket", "dahlia", "grass", "astronaut"),
    ),
    "validation": ("sunset", "gravel", "chelsea"),
    "test": ("peaks", "dogs", "pagoda", "brick", "coffee"),
}
TILE, COLUMNS = 64, 24  # of the sheet: side of a tile in pixels, tiles a row
OBJECT_SIDES = (0.35, 0.65)  # of the scene's side
MAX_ANGLE = 45  # degrees, either way
WINDOW_SIDES = (0.35, 1.0)  # of the photo's shorter side
OPAQUE = 127  # alpha above which a pixel counts as the object


@dataclass(frozen=True, eq=False)
class PastedObjects:
    """Scenes, each with one object on a crop of a photo.

    images: `(count, size, size, 3)` uint8.
    masks: `(count, size, size)` bool, True on the object.
    labels: `(count,)` int64, which object; `names[label]` names it.
    backgrounds: `(count,)` int64, which photo of the split.
    names: one name for each object of the split.
    """

    images: np.ndarray
    masks: np.ndarray
    labels: np.ndarray
    backgrounds: np.ndarray
    names: tuple

    def __repr__(self):
        count, size = self.images.shape[:2]
        return (
            f"PastedObjects({count:,} scenes of {size}x{size} pixels, "
            f"{len(self.names)} objects)"
        )


def pasted_objects(
    count, *, split="train", size=64, seed, labels=None, sides=OBJECT_SIDES
):
    """Paste random objects on random photos, at random places.

    No picture of an object and no photo of one split occurs in another
    (kinds do: the face of a dog here, a whole dog there). The object's
    side is 0.35 to 0.65 of the scene's, turned by up to 45 degrees either
    way, mirrored in half of the scenes, and as likely in one place as in
    any other where it fits.

    Args:
        count: number of scenes, at least 1.
        split: "train" (256 objects, 10 photos), "validation" (48 and 3) or
            "test" (80 and 5).
        size: side of a scene in pixels, 32 to 512.
        seed: whole number, 0 or more; the same seed, the same scenes.
        labels: `(count,)` whole numbers, which object each scene shows,
            for more scenes of the same objects; None draws them.
        sides: smallest and largest side of an object, as shares of the
            scene's, from 0.1 to 1.

    Returns:
        `PastedObjects`.

    Raises:
        TypeError: count, size or seed is no whole number.
        ValueError: unknown split, or a number out of its range.

    Used in week 3. Objects are Noto Emoji; see data/README.md.
    """
    _check(count, split, size, seed)
    _check_sides(sides)
    names, tiles = objects(split)
    rng = np.random.default_rng([seed, SPLITS.index(split)])
    drawn = rng.integers(len(names), size=count)
    labels = drawn if labels is None else _checked(labels, count, len(names))
    photos = rng.integers(len(BACKGROUNDS[split]), size=count)
    images = np.empty((count, size, size, 3), np.uint8)
    masks = np.empty((count, size, size), bool)
    for i in range(count):
        scene = _window(_photo(BACKGROUNDS[split][photos[i]]), size, rng)
        cutout, corner = _place(tiles[labels[i]], size, sides, rng)
        scene.paste(cutout, corner, cutout)
        images[i] = np.asarray(scene)
        masks[i] = _mask(cutout, corner, size)
    return PastedObjects(images, masks, labels, photos, names)


@functools.cache
def objects(split):
    """Return the names and the RGBA pictures of a split's objects.

    Returns:
        `(names, tiles)`: a tuple of texts, and a uint8 array
        `(objects, 64, 64, 4)` that must not be written to.
    """
    from PIL import Image

    with open(bundled("objects.csv"), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with Image.open(bundled("objects.webp")) as image:
        sheet = np.array(image.convert("RGBA"))
    sheet = sheet.reshape(-1, TILE, COLUMNS, TILE, 4).swapaxes(1, 2)
    tiles = sheet.reshape(-1, TILE, TILE, 4)
    here = [i for i, row in enumerate(rows) if row["split"] == split]
    tiles = tiles[here]
    tiles.flags.writeable = False
    return tuple(rows[i]["name"] for i in here), tiles


@functools.cache
def _photo(name):
    from PIL import Image

    with Image.open(bundled(f"{name}.jpg")) as image:
        return image.convert("RGB")


def _window(photo, size, rng):
    """Cut a random square out of a photo and scale it to `size`."""
    side = rng.uniform(*WINDOW_SIDES) * min(photo.size)
    left = rng.uniform(0, photo.width - side)
    top = rng.uniform(0, photo.height - side)
    box = (left, top, left + side, top + side)
    return photo.resize((size, size), box=box, reducing_gap=2.0)


def _place(tile, size, shares, rng):
    """Turn, mirror and scale a tile; choose where its corner goes."""
    from PIL import Image, ImageOps

    cutout = Image.fromarray(tile)
    if rng.random() < 0.5:
        cutout = ImageOps.mirror(cutout)
    angle = rng.uniform(-MAX_ANGLE, MAX_ANGLE)
    cutout = cutout.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    cutout = cutout.crop(cutout.getbbox())
    scale = rng.uniform(*shares) * size / max(cutout.size)
    sides = [max(1, round(side * scale)) for side in cutout.size]
    cutout = cutout.resize(sides)
    corner = [int(rng.integers(size - side + 1)) for side in sides]
    return cutout, tuple(corner)


def _mask(cutout, corner, size):
    """Return where the object is, `(size, size)` bool."""
    mask = np.zeros((size, size), bool)
    (left, top), (wide, high) = corner, cutout.size
    alpha = np.asarray(cutout)[..., 3]
    mask[top : top + high, left : left + wide] = alpha > OPAQUE
    return mask


def _checked(labels, count, num_objects):
    """Return labels as int64, (count,), each of an object that there is."""
    labels = np.asarray(labels)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be {count} whole numbers, one for each scene; got "
            f"shape {labels.shape}, type {labels.dtype}"
        )
    if labels.min() < 0 or labels.max() >= num_objects:
        raise ValueError(
            f"labels must be 0 to {num_objects - 1}, got {labels.min()} to "
            f"{labels.max()}"
        )
    return labels.astype(np.int64)


def _check_sides(sides):
    pair = np.asarray(sides)
    fits = pair.shape == (2,) and pair.dtype.kind in "if"
    if not fits or not 0.1 <= pair[0] <= pair[1] <= 1:
        raise ValueError(
            "sides must be two shares of the scene's side, from 0.1 to 1, "
            f"the smaller first; got {sides}"
        )


def _check(count, split, size, seed):
    if split not in SPLITS:
        raise ValueError(
            f"unknown split {split!r}: choose one of {', '.join(SPLITS)}"
        )
    ranges = {
        "count": (count, 1, 10**6),
        "size": (size, 32, 512),
        "seed": (seed, 0, 2**32 - 1),
    }
    for name, (value, low, high) in ranges.items():
        whole = isinstance(value, (int, np.integer))
        if not whole or isinstance(value, bool):
            raise TypeError(f"{name} must be a whole number, got {value!r}")
        if not low <= value <= high:
            raise ValueError(f"{name} must be {low} to {high:,}, got {value}")
