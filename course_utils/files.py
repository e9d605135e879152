"""The course's cache folder, and files that are whole or not there."""

import hashlib
import os
import tempfile
from pathlib import Path

from course_utils.runtime import SOURCES


def course_cache():
    """Return the `Path` of the folder in which the course keeps files.

    It is COURSE_CACHE where that is set, else a folder of the course's own
    where this system keeps caches. It need not exist yet.
    """
    home = os.environ.get("COURSE_CACHE")
    if home:
        return Path(home).expanduser()
    import pooch

    return Path(pooch.os_cache("attention-measured"))


def checkpoint_path(name, source):
    """Return the `Path` of a training's checkpoint, in `course_cache`.

    Args:
        name: of the training, such as "faces".
        source: of its data: "bundled", "real", or a folder, of which a hash
            enters the file's name. Other data are another training.

    Used from week 4 on.
    """
    if source not in SOURCES:
        source = hashlib.sha256(str(source).encode()).hexdigest()[:12]
    return course_cache() / f"{name}_{source}.checkpoint"


def write_at_once(path, content):
    """Write bytes to a file so that nobody ever sees half of them.

    They go to a file beside it, which then takes its name in one step;
    what stood there before stays if anything fails.

    Args:
        path: of the file; its folder is made if it is missing.
        content: bytes.

    Raises:
        OSError: the folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(part, 0o644)  # mkstemp's is for its owner alone
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise
