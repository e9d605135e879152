"""Files that are whole or not there."""

import os
import tempfile
from pathlib import Path


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
