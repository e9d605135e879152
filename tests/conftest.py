"""What every test session has in common.

The network is cut for this process and all its children, progress and
downloads go to a folder of their own, and notebooks run at preset "quick"
on bundled data, whatever the developer's own settings are.
"""

import os
import runpy
import shutil
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
NO_NETWORK = HERE / "no_network"


def _isolate():
    """Set the environment that tests, kernels and children inherit."""
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = [str(NO_NETWORK), *filter(None, inherited)]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    os.environ["COURSE_NO_NETWORK"] = "1"
    os.environ["COURSE_PRESET"] = "quick"
    os.environ["COURSE_DATA"] = "bundled"
    scratch = tempfile.mkdtemp(prefix="attention-measured-")
    os.environ["COURSE_HOME"] = os.path.join(scratch, "home")
    os.environ["COURSE_CACHE"] = os.path.join(scratch, "cache")
    return scratch


SCRATCH = _isolate()
runpy.run_path(str(NO_NETWORK / "sitecustomize.py"))


def pytest_unconfigure():
    """Remove what `_isolate` made."""
    shutil.rmtree(SCRATCH, ignore_errors=True)


@pytest.fixture(scope="session")
def root():
    """The repository's folder."""
    return HERE.parent


@pytest.fixture(scope="session")
def in_ci():
    """Whether a check that cannot be made must fail, not be skipped."""
    return os.environ.get("CI", "").lower() in ("1", "true")
