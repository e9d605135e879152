"""Faces that have been drawn, kept on disk.

One file for each request. Its name holds a fingerprint of the code that
draws, so that faces of an older version of the course are not used.
"""

import functools
import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

from course_utils.files import course_cache, write_at_once

# The modules that decide what faces look like and which labels they have.
SOURCES = (
    *("face_copula", "face_drawing", "face_hair", "face_labels"),
    *("face_looks", "face_parts", "face_pen", "face_scene", "face_workers"),
)
SHAPES = {
    "images": (64, 64, 3),
    "labels": (40,),
    "drawn": (40,),
    "regions": (64, 64),
}


def path(count, split, seed):
    """Return the `Path` that a request's faces are kept under."""
    name = f"faces_{split}_{count}_{seed}_{fingerprint()}.npz"
    return course_cache() / name


@functools.cache
def fingerprint():
    """Return 12 characters that change with the code of `SOURCES`."""
    here = Path(__file__).parent
    code = b"".join((here / f"{name}.py").read_bytes() for name in SOURCES)
    return hashlib.sha256(code).hexdigest()[:12]


def load(path, count):
    """Return the arrays of a file, or None if it has to be made.

    A damaged file is said aloud and counts as none.

    Args:
        path: of the file.
        count: number of faces it should hold.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in SHAPES}
        found = {name: array.shape for name, array in arrays.items()}
        if found != {name: (count, *s) for name, s in SHAPES.items()}:
            raise ValueError(f"unexpected shapes: {found}")
        return arrays
    except FileNotFoundError:
        return None
    except Exception as error:  # damage shows in a dozen ways
        print(
            f"faces: the kept {path.name} cannot be read, it seems damaged "
            f"({type(error).__name__}); drawing these faces again"
        )
        return None


def save(path, arrays):
    """Keep arrays in a file; if that fails, say so and go on."""
    try:
        write_at_once(path, packed(arrays))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        print(
            f"faces: could not keep these faces in {path.parent} ({reason}); "
            "they will be drawn again next time"
        )


def packed(arrays):
    """Return the content of an .npz file, images as they are.

    Noise makes images 4% smaller at most, but loading takes twice as long;
    regions shrink to a tenth.

    Args:
        arrays: dict from name to array.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compresslevel=1) as file:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.save(entry, array, allow_pickle=False)
            kept_as_is = name == "images"
            file.writestr(
                f"{name}.npy",
                entry.getbuffer(),
                zipfile.ZIP_STORED if kept_as_is else zipfile.ZIP_DEFLATED,
            )
    return content.getvalue()
