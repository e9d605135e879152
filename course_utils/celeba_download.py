"""Where CelebA is found on this machine, or had from Kaggle.

It may not be passed on, so that the course ships none of it and each
learner downloads it. kagglehub does that; the course does not depend on it.
Used in week 5 through `course_utils.celeba`.
"""

import functools
import importlib.util
import os
import shutil
from pathlib import Path

from course_utils.downloads import DownloadError
from course_utils.downloads import _reason as _network_reason

# One version, so that all learners have the same files, and so that a copy
# is found again without a network.
NAME, VERSION = "jessicali9530/celeba-dataset", "2"
PAGE = f"https://www.kaggle.com/datasets/{NAME}"
NOT_SIGNED_IN = ("CredentialError", "UnauthenticatedError")  # kagglehub's
NOT_SIGNED_IN = ("CredentialError", "UnauthenticatedError")  # kagglehub's
NEEDED_BYTES = 4 * 10**9  # 1.4 GB packed, as much unpacked, and some air
TERMS = """\
CelebA's terms, set by its authors (MMLAB, Chinese University of Hong Kong):
- for non-commercial research only: no sale, trade or other commercial use
  of any part of the photos, or of anything derived from them;
- do not copy, publish or distribute any part of it: share no notebook that
  shows these faces. Copies inside one organisation at one site are allowed;
- the photos were taken from the web and do not belong to MMLAB, which may
  end your access at any time.
By downloading it you agree: http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html
"""


@functools.cache
def find_celeba():
    """Return the folder of CelebA from Kaggle; download it if need be.

    The terms are printed before the download of 1.4 GB. kagglehub keeps
    the files in a cache of its own: $KAGGLEHUB_CACHE or ~/.cache/kagglehub.
    A complete copy there is used without kagglehub and without a network.

    Returns:
        `Path` of a folder in Kaggle's layout.

    Raises:
        ImportError: kagglehub is not installed.
        DownloadError: no network, no permission, or too little space.

        Either says in up to three steps what to do.

    Used in week 5.
    """
    cache = Path(os.environ.get("KAGGLEHUB_CACHE") or "~/.cache/kagglehub")
    data_set = cache.expanduser() / "datasets" / NAME
    copy = data_set / "versions" / VERSION
    # kagglehub's own mark of a download that came to its end
    if copy.is_dir() and (data_set / f"{VERSION}.complete").is_file():
        return copy
    _check_kagglehub()
    _check_network()
    _check_space(cache.expanduser())
    print(TERMS, end="")
    return Path(_download(f"{NAME}/versions/{VERSION}"))


def _check_kagglehub():
    if importlib.util.find_spec("kagglehub") is None:
        raise ImportError(
            _advice(
                "CelebA needs kagglehub, which is not installed",
                "run `%pip install kagglehub` here, then this cell again",
            )
        )


def _check_network():
    if os.environ.get("COURSE_NO_NETWORK") == "1":
        raise DownloadError(
            _advice(
                "CelebA is not downloaded while COURSE_NO_NETWORK is 1",
                "remove it from the environment, then run this cell again",
            )
        )


def _check_space(cache):
    here = next(p for p in (cache, *cache.absolute().parents) if p.exists())
    free = shutil.disk_usage(here).free
    if free < NEEDED_BYTES:
        raise DownloadError(
            _advice(
                f"CelebA needs {NEEDED_BYTES / 1e9:.0f} GB of space until it "
                f"is unpacked; the disk of {cache} has {free / 1e9:.1f} GB",
                "make room, or set the environment variable KAGGLEHUB_CACHE "
                "to a folder on another disk; run this cell again",
            )
        )


def _download(handle):
    """Return where kagglehub has put a data set; say what hinders it."""
    import kagglehub

    try:
        return kagglehub.dataset_download(handle)
    except Exception as error:  # its own, of requests, or of the disk
        raise DownloadError(_reason(error)) from error


def _reason(error):
    """Say why kagglehub failed, and what to do about it."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if type(error).__name__ in NOT_SIGNED_IN or status in (401, 403):
        return _advice(
            "Kaggle refused the download: it does not know you "
            f"({type(error).__name__})",
            "sign in at https://www.kaggle.com/settings/api (free) and "
            "create an API token",
            "run `import kagglehub; kagglehub.login()`, paste the token, "
            "then run this cell again",
        )
    import requests

    if isinstance(error, (requests.ConnectionError, requests.Timeout)):
        said = _network_reason(error)
    else:
        said = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return _advice(
        f"CelebA could not be downloaded ({said})",
        "check the network and the disk, then run this cell again",
    )


def _advice(problem, *steps):
    """Return what went wrong and, numbered, what to do about it."""
    by_hand = (
        f"or download {PAGE} by hand, unpack it, and give the folder: "
        "setup(week=5, data='path')"
    )
    lines = [f"  {i}. {step}" for i, step in enumerate((*steps, by_hand), 1)]
    return "\n".join([f"{problem}:", *lines])
