"""What every test session has in common.

The network is cut for this process and all its children, progress and
downloads go to a folder of their own, and notebooks run at preset "quick"
on bundled data, whatever the developer's own settings are. Workers side by
side share the cores: beside a process of two threads on two cores, 100 small
training steps took 4.3 s with two threads and 3.3 s with one.
"""

import ast
import os
import runpy
import shutil
import subprocess
import sys
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
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    if workers > 1:
        threads = max(1, (os.cpu_count() or 1) // workers)
        os.environ.setdefault("OMP_NUM_THREADS", str(threads))
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
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


@pytest.fixture
def server():
    """A server on this machine; see `file_server.Handler` for its pages."""
    import file_server

    with file_server.serving() as running:
        yield running


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of the test's own, not there yet."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    return tmp_path / "cache"


@pytest.fixture
def offer(server, cache, monkeypatch):
    """Return a function that registers "thing" under the server's pages."""
    import hashlib

    import file_server

    from course_utils import downloads

    def register(*pages, pinned=False):
        urls = tuple(
            page if "//" in page else f"{server.url}/{page}.bin"
            for page in pages
        )
        body = file_server.BODY
        sha256 = None if pinned else hashlib.sha256(body).hexdigest()
        remote = downloads.Remote("thing.bin", urls, sha256, len(body))
        monkeypatch.setitem(downloads.REMOTES, "thing", remote)
        return remote

    return register


@pytest.fixture
def heavy_after(root):
    """Return a function: which heavy packages imports bring with them.

    It takes lines of Python that import, and names of packages, and asks a
    fresh Python.
    """

    def after(lines, *heavy):
        code = (
            f"import sys\n{lines}\n"
            f"print([name for name in {heavy} if name in sys.modules])"
        )
        child = subprocess.run(
            [sys.executable, "-c", code],
            cwd=root, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return ast.literal_eval(child.stdout)

    return after
