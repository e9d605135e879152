"""Setting up: what is complete, what is missing, and how it is said."""

import os
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

import pytest
from authoring import bootstrap

ROOT = Path(__file__).resolve().parents[1]
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A copy of what decides about .venv, with an empty finished .venv."""
    for name in (*bootstrap.LISTS, "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch()
    names = {"ROOT": "", "VENV": ".venv", "PYTHON": ".venv/bin/python"}
    names |= {"STAMP": ".venv/complete", "MARKER": ".venv/incomplete"}
    names |= {"LOG": ".venv/install.log"}
    for name, path in names.items():
        monkeypatch.setattr(bootstrap, name, tmp_path / path)
    bootstrap.STAMP.write_text(bootstrap.wanted(), "utf-8")
    return tmp_path


def test_a_finished_environment_is_left_alone(course, monkeypatch):
    monkeypatch.setattr(bootstrap, "install", lambda: pytest.fail("again"))
    bootstrap.set_up()


def test_an_interrupted_installation_is_not_complete(course):
    bootstrap.MARKER.touch()
    assert not bootstrap.is_complete()
    assert not bootstrap.is_usable()


def test_a_missing_interpreter_is_not_complete(course):
    bootstrap.PYTHON.unlink()
    assert not bootstrap.is_complete()
    assert not bootstrap.is_usable()


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("constraints.txt", "==", "==1"),
        ("requirements.txt", "-e .[all]", "-e ."),
        ("pyproject.toml", '"numpy>=2.0"', '"numpy>=2.1"'),
    ],
)
def test_a_changed_list_brings_it_up_to_date(course, name, old, new):
    text = (course / name).read_text("utf-8")
    assert old in text
    (course / name).write_text(text.replace(old, new, 1), "utf-8")
    assert not bootstrap.is_complete()


def test_a_changed_tool_setting_installs_nothing(course):
    path = course / "pyproject.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("line-length = 79", "line-length = 88"))
    assert bootstrap.is_complete()


def test_a_moved_folder_needs_a_new_environment(course):
    stamp = bootstrap.STAMP.read_text("utf-8")
    bootstrap.STAMP.write_text(stamp.replace(str(course), "/elsewhere"))
    assert not bootstrap.is_complete()
    assert not bootstrap.is_usable()


def test_a_failed_installation_leaves_the_marker(course, monkeypatch):
    def broken():
        bootstrap.fail("pip said: no")

    bootstrap.STAMP.unlink()
    bootstrap.PYTHON.unlink()
    monkeypatch.setattr(bootstrap, "create", bootstrap.MARKER.touch)
    monkeypatch.setattr(bootstrap, "check_machine", lambda: None)
    monkeypatch.setattr(bootstrap, "install", broken)
    with pytest.raises(SystemExit, match="pip said: no"):
        bootstrap.set_up()
    assert not bootstrap.is_complete()


def test_a_full_disk_is_named_before_any_work(course, monkeypatch):
    usage = Usage(100, 99, 2 * bootstrap.GIGABYTE)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(SystemExit, match=r"5 GB .* 2\.0 GB are left"):
        bootstrap.check_machine()


def test_a_python_without_venv_is_named(course, monkeypatch):
    monkeypatch.setattr(
        bootstrap.importlib.util, "find_spec", lambda name: None
    )
    with pytest.raises(SystemExit, match=r"apt-get install python3\.\d+-v"):
        bootstrap.check_machine()


def test_a_read_only_folder_is_named(course, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(SystemExit, match="read-only"):
        bootstrap.check_machine()


@pytest.mark.parametrize(
    "log, said",
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("WARNING: Retrying (Retry(total=4", "cannot reach its package"),
        ("ERROR: No matching distribution for x", "No matching distrib"),
        ("Collecting numpy", "pip was stopped"),
    ],
)
def test_a_failure_of_pip_is_one_line(course, log, said):
    line = bootstrap.explain(f"Collecting x\n{log}\n")
    assert said in line and "\n" not in line
    assert ".venv/install.log" in line


@pytest.mark.parametrize(
    "line, said",
    [
        ("  Downloading https://h/a/torch-2.whl (526.6 MB)", "torch, 526 MB"),
        ("  Downloading small-1.whl (3.1 MB)", None),
        ("Installing collected packages: a, b, c", "unpacking 3 packages"),
        ("Collecting numpy", None),
    ],
)
def test_a_learner_sees_the_large_steps(line, said):
    shown = bootstrap.summary(line)
    assert shown is None if said is None else said in shown


def make(folder, *arguments, path):
    return subprocess.run(
        [shutil.which("make"), *arguments],
        cwd=folder,
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def bare(tmp_path):
    """A folder with spaces in its name, and a PATH without any Python."""
    folder, path = tmp_path / "a course", tmp_path / "bin"
    (folder / "lessons" / "authoring").mkdir(parents=True)
    path.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    for tool in ("sh", "sed", "id"):
        (path / tool).symlink_to(shutil.which(tool))
    script = folder / "lessons" / "authoring" / "bootstrap.py"
    script.touch()
    return folder, path


def pretend(path, name, version):
    """Put an executable there that is a Python of a given version."""
    major, minor = version.split(".")[:2]
    fits = int(major) == 3 and 11 <= int(minor) <= 13
    program = path / name
    program.write_text(
        "#!/bin/sh\n"
        f'[ "$1" = --version ] && echo Python {version} && exit 0\n'
        f'[ "$1" = -c ] && exit {int(not fits)}\n'
        f"echo {name} ran $1\n"
    )
    program.chmod(0o755)


def test_no_python_is_named(bare):
    folder, path = bare
    done = make(folder, "setup", path=path)
    assert done.returncode and "there is none" in done.stderr


@pytest.mark.parametrize("version", ["3.9.2", "3.10.12", "3.14.0"])
def test_a_python_too_old_or_new_is_named(bare, version):
    folder, path = bare
    pretend(path, "python3", version)
    done = make(folder, "setup", path=path)
    assert done.returncode
    assert f"python3 is Python {version}." in done.stderr


def test_another_python_on_the_path_is_found(bare):
    folder, path = bare
    pretend(path, "python3", "3.14.0")
    pretend(path, "python3.12", "3.12.1")
    done = make(folder, "setup", path=path)
    assert done.stdout == "python3.12 ran lessons/authoring/bootstrap.py\n"


def test_a_given_python_wins(bare):
    folder, path = bare
    pretend(path, "python3", "3.13.0")
    pretend(path, "mine", "3.11.0")
    done = make(folder, "setup", f"PYTHON={path}/mine", path=path)
    assert done.stdout.startswith("mine ran")
