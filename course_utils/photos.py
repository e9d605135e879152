"""Photos: bundled ones, or a file of the learner's own."""

import os
from pathlib import Path

import numpy as np

from course_utils.bundled import REINSTALL, bundled

PHOTOS = ("coffee", "chelsea", "astronaut")
PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
PHOTO_SIDES = (16, 8000)  # pixels


def photo(name=PHOTOS[0]):
    """Return a photo, bundled or your own.

    Args:
        name: one of `PHOTOS`, or the path of an image file with sides
            from 16 to 8,000 pixels. "coffee" is 375 high and 500 wide.

    Returns:
        `(height, width, 3)` uint8 array, red, green, blue.

    Raises:
        FileNotFoundError: no such photo and no such file.
        TypeError: neither a name nor a path.
        ValueError: not an image that can be read, too small or too large.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise TypeError(f"a photo is a name or a path, not {type(name)}")
    if name in PHOTOS:
        return _bundled_photo(name)
    path = Path(name).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f"no photo {str(name)!r}: choose one of {', '.join(PHOTOS)}, "
            "or give the path of an image file"
        )
    return _read_photo(path)


def _bundled_photo(name):
    path = bundled(f"{name}.jpg")
    try:
        return _read_photo(path)
    except ValueError as error:
        raise ValueError(f"{error}; {REINSTALL}") from error


def _read_photo(path):
    import warnings

    from PIL import Image, ImageOps

    low, high = PHOTO_SIDES
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its size warning: ours follows
            image = Image.open(path, formats=PHOTO_FORMATS)
        with image:
            too_big = max(image.size) > high
            if not too_big and min(image.size) >= low:
                return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    except Image.DecompressionBombError:
        too_big = True
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read as an image ({type(error).__name__}): "
            f"expected a whole {', '.join(PHOTO_FORMATS)} file"
        ) from error
    raise ValueError(
        f"{path} is too {'large' if too_big else 'small'}: each side must "
        f"have {low} to {high:,} pixels"
    )
