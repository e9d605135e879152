"""Photos: bundled ones, or a file of the learner's own."""

import contextlib
import io
import os
import re
import warnings
from pathlib import Path

import numpy as np

from course_utils.bundled import REINSTALL, bundled

PHOTOS = (
    *("coffee", "chelsea", "astronaut", "brick", "brushes", "dahlia"),
    *("dandelion", "dogs", "fig", "grass", "gravel", "mountain", "pagoda"),
    *("peaks", "rocket", "stream", "sunset", "wine"),
)
PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
PHOTO_SIDES = (16, 8000)  # pixels
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "YCbCr", "CMYK")
ORIENTATION, TURNED = 0x0112, range(2, 9)  # EXIF: the tag, its values


def photo(name=PHOTOS[0]):
    """Return a photo, bundled or your own.

    One line says what was changed, if anything was: see `read_photo`.

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
    image, changes = read_photo(path)
    if changes:
        print(f"{path.name}: {changes}")
    return image


def read_photo(file, name=None):
    """Read an image file of any usual kind as red, green and blue.

    What is turned upright (EXIF), laid on white (transparency), taken from
    CMYK, brought from 16 bits to 8, or the first of several pictures is
    said in words.

    Args:
        file: the path of an image file, or its content as bytes.
        name: what errors call it; default the path.

    Returns:
        `(image, changes)`: a `(height, width, 3)` uint8 array, and what
        was changed, such as "turned upright; laid on white", or "".

    Raises:
        ValueError: not an image that can be read, or too small or large.
    """
    from PIL import Image

    name = name or str(file)
    source = io.BytesIO(file) if isinstance(file, bytes) else file
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of size and tags: ours follow
        with _damage_named(name):
            opened = Image.open(source, formats=PHOTO_FORMATS)
        with opened:
            _check_sides(opened.size, name)
            with _damage_named(name):
                image, changes = _load(opened)
    image, more = _as_rgb(image, name)
    return np.array(image), "; ".join(changes + more)


def shrink(image, most_pixels=512 * 512):
    """Return a photo small enough for a ViT, of the same proportions.

    A ViT's cost grows with the square of the number of patches, that is of
    the area: 8000x200 pixels are 6,250 patches of 16x16, whose attention
    takes a gigabyte for each layer of 6 heads. One line says if the photo
    was shrunk; neighbouring pixels are averaged (Lanczos), so that fine
    texture does not turn into false patterns.

    Args:
        image: `(height, width, 3)` uint8.
        most_pixels: height times width at most, 4,096 or more.

    Returns:
        `(height, width, 3)` uint8; the image itself if it is small enough.

    Raises:
        TypeError, ValueError: no such image, or `most_pixels` too small.
    """
    from PIL import Image

    image = np.asarray(image)
    if image.dtype != np.uint8:
        raise TypeError(f"the image must be uint8, got {image.dtype}")
    if image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(
            f"the image needs shape (height, width, 3), got {image.shape}"
        )
    if most_pixels < 4096:
        raise ValueError(
            f"most_pixels must be 4,096 or more, got {most_pixels}"
        )
    height, width, _ = image.shape
    scale = (most_pixels / (height * width)) ** 0.5
    if scale >= 1:
        return image
    sides = [max(PHOTO_SIDES[0], int(s * scale)) for s in (width, height)]
    print(
        f"photo shrunk from {width}x{height} to {sides[0]}x{sides[1]} pixels"
    )
    smaller = Image.fromarray(image).resize(sides, Image.Resampling.LANCZOS)
    return np.array(smaller)


def _bundled_photo(name):
    path = bundled(f"{name}.jpg")
    try:
        return read_photo(path)[0]
    except ValueError as error:
        raise ValueError(f"{error}; {REINSTALL}") from error


@contextlib.contextmanager
def _damage_named(name):
    """Turn Pillow's many errors into a ValueError that names the file."""
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except Image.DecompressionBombError:
        raise ValueError(_size_message(name, "large")) from None
    except UnidentifiedImageError as error:
        raise ValueError(
            f"{name} cannot be read as an image: expected one of "
            f"{', '.join(PHOTO_FORMATS)} (export HEIC or SVG as JPEG or PNG)"
        ) from error
    except Exception as error:  # damage shows in a dozen ways
        raise ValueError(
            f"{name} cannot be read as an image, it seems damaged or cut "
            f"short ({type(error).__name__}): copy or export it again"
        ) from error


def _check_sides(sides, name):
    low, high = PHOTO_SIDES
    if max(sides) > high or min(sides) < low:
        word = "large" if max(sides) > high else "small"
        said = f"{word} ({sides[0]}x{sides[1]} pixels)"
        raise ValueError(_size_message(name, said))


def _size_message(name, said):
    low, high = PHOTO_SIDES
    return (
        f"{name} is too {said}: each side must have {low} to {high:,} pixels"
    )


def _load(image):
    """Read the pixels of an opened image, upright and in 8 bits."""
    from PIL import ImageOps

    changes = []
    sixteen = _stored_in_16_bits(image)
    if getattr(image, "is_animated", False):
        changes.append("the first of several pictures")
    if image.getexif().get(ORIENTATION) in TURNED:
        changes.append("turned upright")
    image = ImageOps.exif_transpose(image)
    if sixteen:
        changes.append("16 bits a channel brought to 8")
    if sixteen and image.mode.startswith("I"):
        image = _from_16_bits(image)
    return image, changes


def _as_rgb(image, name):
    """Convert an image to RGB; say what was changed."""
    if image.mode not in MODES:
        raise ValueError(
            f"{name} is of a kind whose colours are not known here (mode "
            f"{image.mode}): save it as RGB with 8 or 16 bits a channel"
        )
    if image.mode == "CMYK":
        changes = ["taken from CMYK, without its colour profile"]
    elif image.has_transparency_data:
        image, seen_through = _on_white(image)
        changes = ["laid on white"] if seen_through else []
    else:
        changes = []
    return image.convert("RGB"), changes


def _stored_in_16_bits(image):
    """Say whether a file holds 16 bits a channel; Pillow decodes some to 8.

    To be asked first: Pillow forgets it when it loads the pixels.
    """
    coded = " ".join(str(tile[-1]) for tile in image.tile)
    grey = image.mode.startswith("I;16")
    return grey or bool(re.search(r"\b(RGB|RGBA|LA|I);16[BLN]", coded))


def _from_16_bits(image):
    """Scale 0..65535 to 0..255, where Pillow's convert would clip."""
    from PIL import Image

    levels = np.clip(np.asarray(image), 0, 65535) / 257
    return Image.fromarray(np.rint(levels).astype(np.uint8))


def _on_white(image):
    """Lay an image on white; say whether anything was seen through it."""
    from PIL import Image

    image = image.convert("RGBA")
    seen_through = image.getchannel("A").getextrema()[0] < 255
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image), seen_through
