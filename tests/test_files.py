"""Files are whole or not there, and lie in the course's folder."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from course_utils.files import checkpoint_path, course_cache, write_at_once


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_bytes_are_written_and_folders_made(tmp_path):
    path = tmp_path / "a" / "b" / "file.bin"
    content = bytes(range(256)) * 1000
    write_at_once(path, content)
    assert path.read_bytes() == content
    write_at_once(str(path), b"")
    assert path.read_bytes() == b""
    assert names(path.parent) == ["file.bin"]


def test_a_bare_name_is_of_the_folder_one_is_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_at_once("file.bin", b"here")
    assert (tmp_path / "file.bin").read_bytes() == b"here"


@pytest.mark.skipif(os.name == "nt", reason="no such modes on Windows")
def test_others_may_read_it(tmp_path):
    path = tmp_path / "file"
    write_at_once(path, b"x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def failing(*_):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["chmod", "replace"])
def test_a_failure_leaves_what_stood_there(tmp_path, monkeypatch, step):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, step, failing)
    with pytest.raises(OSError, match="No space left"):
        write_at_once(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_full_disk_while_writing_leaves_what_stood_there(
    tmp_path, monkeypatch
):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    opened = os.fdopen

    def full(*arguments):
        file = opened(*arguments)
        file.write(b"half")

        class Full:
            write = staticmethod(failing)

            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

        return Full()

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OSError, match="No space left"):
        write_at_once(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_an_interruption_leaves_nothing_half(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_at_once(tmp_path / "file", b"new")
    assert names(tmp_path) == []


def test_what_is_no_bytes_or_no_place_is_refused(tmp_path):
    with pytest.raises(TypeError, match="bytes-like"):
        write_at_once(tmp_path / "file", "text")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_at_once(tmp_path / "folder", b"x")
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(OSError):
        write_at_once(tmp_path / "taken" / "file", b"x")
    assert names(tmp_path) == ["folder", "taken"]


def test_a_reader_sees_one_whole_file_or_another(tmp_path):
    path, wrong, done = tmp_path / "file", [], threading.Event()
    contents = [bytes([n]) * 200_000 for n in range(8)]
    write_at_once(path, contents[0])

    def read():
        while not done.is_set():
            if path.read_bytes() not in contents:
                wrong.append(True)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(10):
        for content in contents:
            write_at_once(path, content)
    done.set()
    for reader in readers:
        reader.join()
    assert not wrong


# The course's folder


def test_the_cache_folder_is_the_one_asked_for(monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", "~/kept")
    assert course_cache() == Path.home() / "kept"


@pytest.mark.parametrize("unset", [None, ""])
def test_the_cache_folder_is_else_the_courses_own(unset, monkeypatch):
    monkeypatch.delenv("COURSE_CACHE")
    if unset is not None:
        monkeypatch.setenv("COURSE_CACHE", unset)
    assert course_cache().is_absolute()
    assert "attention-measured" in course_cache().parts


def test_each_source_of_data_has_a_checkpoint_of_its_own(cache):
    sources = ["bundled", "real", "photos/a", "photos/b", "a" * 999]
    paths = [checkpoint_path("faces", source) for source in sources]
    assert paths[0] == cache / "faces_bundled.checkpoint"
    assert paths[1] == cache / "faces_real.checkpoint"
    assert len({*paths}) == 5 and {path.parent for path in paths} == {cache}
    assert max(len(path.name) for path in paths) < 50
    assert checkpoint_path("faces", Path("photos/a")) == paths[2]
    assert checkpoint_path("sr", "real") != paths[1]


def test_the_folder_is_found_without_heavy_imports():
    code = (
        "import sys; from course_utils import face_cache, files\n"
        "files.checkpoint_path('faces', 'real')\n"
        "heavy = {'torch', 'matplotlib', 'PIL', 'requests'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
