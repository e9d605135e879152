"""The files that come with the course, in a checkout or installed."""

from pathlib import Path

REINSTALL = "reinstall the course, or in a clone run: git checkout -- data"

_PACKAGE = Path(__file__).resolve().parent


def data_folder(package=_PACKAGE):
    """Return the bundled data: inside an installed package, else beside."""
    inside = package / "data"
    return inside if inside.is_dir() else package.parent / "data"


def bundled(filename):
    """Return the path of a file that comes with the course (`data/`).

    Raises:
        FileNotFoundError: there is no such file.
    """
    path = data_folder() / filename
    if not path.is_file():
        raise FileNotFoundError(
            f"the bundled file {filename} is missing from {path.parent}: "
            f"{REINSTALL}"
        )
    return path
