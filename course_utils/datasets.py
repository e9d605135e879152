"""Real data for the lessons: bundled, downloaded, or a folder of yours.

    digits = datasets.load("mnist")      # what setup() chose
    photo = datasets.photo("coffee")     # or datasets.photo("my.jpg")

Without a network the bundled data answer, and one line says so.
"""

import gzip
import math
import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_utils.bundled import REINSTALL, bundled
from course_utils.photos import PHOTOS, photo
from course_utils.runtime import SOURCES

__all__ = [
    "NAMES",
    "PHOTOS",
    "SOURCES",
    "Digits",
    "as_folder",
    "bundled",
    "chosen_source",
    "load",
    "photo",
]

NAMES = ("mnist", "photo")
_PARTS = ("x_train", "y_train", "x_test", "y_test")
_IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
# RuntimeError: zipfile's word for "encrypted" and for unknown compression.
_UNREADABLE = (OSError, EOFError, KeyError, RuntimeError, zlib.error)


@dataclass(frozen=True, eq=False)
class Digits:
    """Images of digits with their labels.

    x_train, x_test: `(n, 28, 28)` uint8, 0 is background, 255 is ink.
    y_train, y_test: `(n,)` uint8, the digit, 0 to 9.
    source: which data these really are: "bundled", "real", or the folder.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    source: str

    def __repr__(self):
        return (
            f"Digits({self.source}: {len(self.x_train):,} for training, "
            f"{len(self.x_test):,} for testing)"
        )


def load(name, source=None):
    """Return a data set by name.

    Args:
        name: "mnist" for `Digits`; "photo" for the first photo of
            `PHOTOS`, as `photo` returns it.
        source: "bundled" (10,000 real digits that come with the course:
            8,000 for training, 2,000 for testing), "real" (all 70,000:
            60,000 and 10,000, downloaded once), or a folder that holds
            mnist.npz or the four official idx files, plain or .gz; it is
            used as it is, without a network. None is what `setup` chose,
            and "bundled" before it.

    Returns:
        `Digits`, or a photo `(height, width, 3)` uint8. If the download
        fails, one line says why and the bundled digits are returned;
        `.source` tells.

    Raises:
        ValueError: unknown name or source; a file of wrong content.
        FileNotFoundError: a file is missing.

    Used from week 1 on. MNIST: LeCun, Cortes and Burges, 1998.
    """
    if name not in NAMES:
        raise ValueError(
            f"unknown data set {name!r}: choose one of {', '.join(NAMES)}"
        )
    if name == "photo" and source in (None, "bundled"):
        return photo()
    if name == "photo":
        raise ValueError("for a photo of yours use datasets.photo(path)")
    source = chosen_source(source)
    if source == "bundled":
        return _bundled_mnist()
    if source == "real":
        return _real_mnist()
    return _mnist_in(as_folder(source))


def chosen_source(source):
    """Return the source of data, where None stands for what was chosen.

    Args:
        source: of `SOURCES`, a folder, or None for what `setup` chose, and
            "bundled" before it.

    Used from week 1 on.
    """
    if source is None:
        from course_utils.runtime import current_session

        session = current_session()
        return session.data if session else "bundled"
    return source


def as_folder(source):
    """Return the `Path` of a learner's own folder of data, ~ expanded.

    Args:
        source: path of an existing folder, str or `Path`.

    Raises:
        ValueError: it is none; the text lists what can be chosen.

    Used from week 1 on.
    """
    is_path = isinstance(source, (str, os.PathLike))
    if not is_path or not source or not Path(source).expanduser().is_dir():
        raise ValueError(
            f"unknown data source {source!r}: choose "
            f"{', '.join(SOURCES)}, or the path of an existing folder"
        )
    return Path(source).expanduser()


def _bundled_mnist():
    path = bundled("mnist_10k.npz")
    try:
        return Digits(*_read_npz(path), source="bundled")
    except ValueError as error:
        raise ValueError(f"{error}; {REINSTALL}") from error


def _real_mnist():
    from course_utils import downloads

    try:
        path = downloads.fetch("mnist")
    except downloads.DownloadError as error:
        print(
            f"mnist: could not download the full set ({error}); "
            "using the 10,000 bundled digits instead"
        )
        return _bundled_mnist()
    return Digits(*_read_npz(path), source="real")


def _mnist_in(folder):
    """Read a learner's own folder, without a network."""
    archive = folder / "mnist.npz"
    if archive.is_file():
        return Digits(*_read_npz(archive), source=str(folder))
    files = [_idx_file(folder, name) for name in _IDX_FILES]
    x_train, y_train, x_test, y_test = map(_read_idx, files)
    _check_split(x_train, y_train, folder / _IDX_FILES[0])
    _check_split(x_test, y_test, folder / _IDX_FILES[2])
    return Digits(x_train, y_train, x_test, y_test, source=str(folder))


def _read_npz(path):
    try:
        with np.load(path, allow_pickle=False) as archive:
            parts = [archive[key] for key in _PARTS]
    except (*_UNREADABLE, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} is damaged or not a file of digits "
            f"({type(error).__name__}): expected a .npz archive with the "
            f"arrays {', '.join(_PARTS)}"
        ) from error
    x_train, y_train, x_test, y_test = parts
    _check_split(x_train, y_train, path)
    _check_split(x_test, y_test, path)
    return x_train, y_train.astype("u1"), x_test, y_test.astype("u1")


def _idx_file(folder, name):
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{folder} holds neither mnist.npz nor {name}[.gz]: expected "
        f"mnist.npz, or all of {', '.join(_IDX_FILES)}, plain or .gz"
    )


def _read_idx(path):
    """Read an idx file: magic number, sizes, then bytes (big-endian)."""
    num_axes = 3 if "idx3" in path.name else 1
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            content = file.read()
    except _UNREADABLE as error:
        raise ValueError(
            f"{path} cannot be read ({error}): download it again"
        ) from error
    header = 4 + 4 * num_axes
    if len(content) < header or content[:4] != bytes([0, 0, 8, num_axes]):
        raise ValueError(
            f"{path} is not an idx{num_axes} file of bytes: expected it to "
            f"begin with the bytes 0, 0, 8, {num_axes}"
        )
    shape = np.frombuffer(content, ">u4", num_axes, offset=4).tolist()
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise ValueError(
            f"{path} is truncated or too long: it has {len(content):,} "
            f"bytes, expected {expected:,}"
        )
    return np.frombuffer(content, "u1", offset=header).reshape(shape).copy()


def _check_split(images, labels, path):
    n = len(images) if images.ndim else 0
    if images.dtype != np.uint8 or images.shape != (n, 28, 28) or not n:
        raise ValueError(
            f"{path} holds images of shape {images.shape} and type "
            f"{images.dtype}: expected (n, 28, 28) and uint8, n at least 1"
        )
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{path} belongs to labels of shape {labels.shape} and type "
            f"{labels.dtype}: expected ({n},), whole numbers"
        )
    if labels.min() < 0 or labels.max() > 9:
        raise ValueError(f"{path} belongs to labels beyond 0 to 9")
