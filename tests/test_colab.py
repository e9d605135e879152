"""Each notebook works in Colab from itself alone.

A clean environment gets the packages that Colab preinstalls, at Colab's
versions (constraints-colab.txt), but not the course. The notebook alone is
copied to an empty folder; its own setup cell installs the course from a Git
repository that holds this work tree; then every cell runs.

Two things differ from Colab: Python is the one that runs this test (Colab:
3.13), so that tifffile is one that runs on it; and torch is a build for
CPUs, with the setuptools that it asks for (Colab: 2.11.0 for CUDA). The
versions of these three are those of constraints.txt.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SET_ASIDE = ("torch", "setuptools", "tifffile")
PREINSTALLED = [
    *("accelerate", "imageio", "ipykernel", "ipython", "ipywidgets"),
    *("keras", "matplotlib", "numpy", "pillow", "plotly", "pooch", "pyarrow"),
    *("safetensors", "scikit-image", "scikit-learn", "scipy", "tensorflow"),
    *("torch", "transformers"),
]
SOURCE = re.compile(r"git\+https://[^\"'\s]+")
CELL_SECONDS = 900
pytestmark = pytest.mark.colab


def run(*command, **options):
    """Run a command to its end and return what it printed."""
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}"
    return done.stdout


def with_network():
    """Return this process's environment without the cut network."""
    left_out = ("COURSE_NO_NETWORK", "PYTHONPATH")
    return {k: v for k, v in os.environ.items() if k not in left_out}


def constraints():
    """Return Colab's versions, with the torch that can be had here."""
    colab = (ROOT / "constraints-colab.txt").read_text("utf-8")
    ours = (ROOT / "constraints.txt").read_text("utf-8")
    aside = re.compile(rf"^(?:{'|'.join(SET_ASIDE)})==.*$", re.MULTILINE)
    return aside.sub("", colab) + "\n".join(aside.findall(ours)) + "\n"


def build_environment(folder):
    """Make the clean environment; it is complete when a stamp is there."""
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.parent.mkdir(parents=True)
    pinned = folder.parent / "constraints.txt"
    pinned.write_text(constraints(), "utf-8")
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "-c", pinned]
    run(sys.executable, "-m", "venv", folder)
    run(*install, "pip", "wheel", env=with_network())
    run(*install, *PREINSTALLED, env=with_network())
    (folder / "complete").touch()


@pytest.fixture(scope="module")
def colab(in_ci):
    """The Python of an environment like Colab's, kept between runs."""
    recipe = f"{constraints()}{PREINSTALLED}{sys.version}"
    key = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    folder = ROOT / ".cache" / "colab" / key
    if not (folder / "complete").exists():
        try:
            build_environment(folder)
        except AssertionError as error:
            if in_ci:
                raise
            pytest.skip(f"Colab's packages cannot be installed: {error}")
    return folder / "bin" / "python"


@pytest.fixture
def clean(colab):
    """Colab's Python, with the course not installed."""
    uninstall = ["pip", "uninstall", "--quiet", "--yes", "attention-measured"]
    run(colab, "-I", "-m", *uninstall)
    absent = "import importlib.util as u; print(u.find_spec('course_utils'))"
    assert run(colab, "-I", "-c", absent).strip() == "None"
    yield colab
    run(colab, "-I", "-m", *uninstall)


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """A Git repository that holds this work tree as one tagged commit."""
    folder = tmp_path_factory.mktemp("origin") / "course"
    listed = run(
        "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard",
        cwd=ROOT,
    )  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost"]
    run(*git, "init", "--quiet", cwd=folder)
    run(*git, "add", "--all", cwd=folder)
    run(*git, "commit", "--quiet", "-m", "This work tree", cwd=folder)
    run(*git, "tag", "tested", cwd=folder)
    return f"git+file://{folder}@tested"


def installed(python):
    """Return the set of "name==version" an environment holds."""
    listing = run(python, "-I", "-m", "pip", "list", "--format=freeze")
    return set(re.findall(r"^\S+==\S+$", listing, re.MULTILINE))


def switch(value):
    """Return a cell that cuts (1) or allows (0) the network."""
    code = f"import os; os.environ['COURSE_NO_NETWORK'] = '{value}'"
    return nbformat.v4.new_code_cell(code)


def prepare(path, origin):
    """Return a notebook that installs from `origin`, network only there."""
    notebook = nbformat.read(path, as_version=4)
    where = [i for i, c in enumerate(notebook.cells) if "%pip" in c.source]
    assert len(where) == 1, "one cell should install the course"
    setup = notebook.cells[where[0]]
    setup.source, count = SOURCE.subn(origin, setup.source)
    assert count == 1, "the setup cell should name the repository once"
    before, after = notebook.cells[: where[0]], notebook.cells[where[0] + 1 :]
    notebook.cells = [*before, switch(0), setup, switch(1), *after]
    return notebook


def execute(notebook, python, folder):
    """Run a notebook in an environment's kernel, in a folder."""
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager
    from nbclient import NotebookClient

    spec = folder.parent / "kernels" / "colab" / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(
        json.dumps({
            "argv": list(map(str, argv)),
            "display_name": "Colab",
            "language": "python",
        })
    )  # fmt: skip
    specs = KernelSpecManager(kernel_dirs=[str(spec.parents[1])])
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_name="colab", kernel_spec_manager=specs),
        timeout=CELL_SECONDS,
        resources={"metadata": {"path": str(folder)}},
    )
    home = folder.parent / "home"
    guard = str(ROOT / "tests" / "no_network")
    client.execute(
        env={
            **os.environ,
            "PYTHONPATH": guard,
            "IPYTHONDIR": str(home / "ipython"),
            "COURSE_HOME": str(home),
        }
    )


def test_there_are_lessons():
    assert [path for path in NOTEBOOKS if path.name.startswith("week")]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_itself_alone(path, clean, origin, tmp_path):
    folder = tmp_path / "content"
    folder.mkdir()
    shutil.copy2(path, folder)
    before = installed(clean)
    notebook = prepare(folder / path.name, origin)
    execute(notebook, clean, folder)
    outputs = [o for c in notebook.cells for o in c.get("outputs", [])]
    assert outputs
    assert not [o for o in outputs if o.output_type == "error"]
    added = installed(clean) ^ before
    assert [a.partition("==")[0] for a in added] == ["attention-measured"]


def test_installing_with_dependencies_changes_nothing(clean, tmp_path):
    wheel = ["wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run(sys.executable, "-m", "pip", *wheel, "-w", tmp_path, ROOT)
    (built,) = tmp_path.glob("*.whl")
    report = tmp_path / "report.json"
    trial = ["--dry-run", "--no-index", "--report", report, built]
    run(clean, "-I", "-m", "pip", "install", *trial)
    planned = json.loads(report.read_text("utf-8"))["install"]
    assert [p["metadata"]["name"] for p in planned] == ["attention-measured"]
