"""The lists of dependencies agree, and the wheel works on its own."""

import importlib.metadata
import json
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))[
    "project"
]
EXTRAS = PROJECT["optional-dependencies"]
LISTED = [Requirement(r) for r in PROJECT["dependencies"]]
LISTED += [
    Requirement(r)
    for name, extra in EXTRAS.items()
    if name != "all"
    for r in extra
]
LESSONS = PROJECT["dependencies"] + EXTRAS["lessons"]
# Not all of sys.path: setuptools, once imported, adds copies of its own.
SITE_PACKAGES = sysconfig.get_path("purelib")
PIN = re.compile(r"([A-Za-z0-9._-]+)==(\d[\w.]*)")
# What a lesson runs in on Colab is Colab's own page, not JupyterLab.
NOT_ON_COLAB = {"jupyterlab"}
HEAVY = ["IPython", "PIL", "keras", "matplotlib", "tensorflow", "torch"]


def lines(name):
    """Return a requirements file's lines without comments."""
    text = (ROOT / name).read_text("utf-8")
    return [s for s in text.splitlines() if s and not s.startswith("#")]


def pins(name):
    """Return `{canonical name: version}` of a file of pins."""
    matches = [PIN.fullmatch(line) for line in lines(name)]
    assert all(matches), f"{name} holds more than name==version"
    found = {canonicalize_name(m[1]): Version(m[2]) for m in matches}
    assert len(found) == len(matches), f"{name} pins something twice"
    return found


PINS = pins("constraints.txt")
COLAB = pins("constraints-colab.txt")


@pytest.mark.parametrize("requirement", LISTED, ids=str)
def test_each_dependency_has_a_tested_version_in_range(requirement):
    pin = PINS[canonicalize_name(requirement.name)]
    assert pin in requirement.specifier


def test_no_dependency_is_listed_twice():
    names = [canonicalize_name(r.name) for r in LISTED]
    assert len(names) == len(set(names))


def test_the_three_lists_are_one():
    extras = ",".join(name for name in EXTRAS if name != "all")
    assert EXTRAS["all"] == [f"{PROJECT['name']}[{extras}]"]
    assert lines("requirements.txt") == ["-c constraints.txt", "-e .[all]"]
    conda = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    python, pip, from_pip = conda["dependencies"]
    assert pip == "pip" and from_pip == {"pip": ["-r requirements.txt"]}
    version = python.removeprefix("python=")
    assert version in Requirement(f"x{PROJECT['requires-python']}").specifier


def test_what_is_installed_is_what_is_pinned():
    installed = {
        canonicalize_name(d.metadata["Name"]): Version(d.version)
        for d in importlib.metadata.distributions(path=[SITE_PACKAGES])
    }
    wrong = {
        name: f"{installed[name]} installed, {pin} pinned"
        for name, pin in PINS.items()
        if name in installed and installed[name].public != str(pin)
    }
    assert not wrong
    missing = {canonicalize_name(r.name) for r in LISTED} - set(installed)
    assert not missing


@pytest.mark.parametrize("text", LESSONS)
def test_colab_has_all_that_a_lesson_needs(text):
    requirement = Requirement(text)
    name = canonicalize_name(requirement.name)
    if name in NOT_ON_COLAB:
        assert name not in COLAB
    else:
        assert COLAB[name] in requirement.specifier


def test_colab_is_not_asked_for_jupyterlab_by_the_package():
    base = {Requirement(r).name for r in PROJECT["dependencies"]}
    assert not base & NOT_ON_COLAB


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of this work tree, built without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--no-index", "-w", str(folder), "."]
    subprocess.run(command, cwd=ROOT, check=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_its_data(wheel):
    listed = subprocess.run(
        ["git", "ls-files", "course_utils", "data"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert any(name.startswith("data/") for name in listed)
    expected = {re.sub("^data/", "course_utils/data/", p) for p in listed}
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert not expected - inside
    assert {name.split("/")[0] for name in inside} == {
        "course_utils",
        f"attention_measured-{PROJECT['version']}.dist-info",
    }


def test_an_installed_wheel_loads_the_bundled_digits(wheel, tmp_path):
    target, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--no-index", "--target", str(target), str(wheel)]
    subprocess.run(command, check=True)
    code = (
        f"import json, sys; sys.path.insert(0, {str(target)!r})\n"
        "import course_utils as cu\n"
        "from course_utils import datasets\n"
        "digits = datasets.load('mnist', source='bundled')\n"
        "photo = datasets.photo('coffee')\n"
        "print(json.dumps([cu.__file__, cu.__version__,"
        " digits.x_train.shape, photo.shape]))"
    )
    child = subprocess.run(
        [sys.executable, "-c", code],
        cwd=empty, capture_output=True, text=True, check=True,
    )  # fmt: skip
    where, version, digits, photo = json.loads(child.stdout)
    assert Path(where).is_relative_to(target)
    assert version == PROJECT["version"]
    assert digits == [8000, 28, 28] and photo == [375, 500, 3]


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, course_utils as cu; cu.setup; cu.current_session\n"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    child = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert child.stdout.strip() == "[]"
