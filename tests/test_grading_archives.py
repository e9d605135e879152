"""What students pack must not reach the disk, nor stop the batch."""

import os
import random
import stat
import tarfile
import zipfile

import pytest
from handins import gathered, notebook, students, tarred, zipped

from course_utils.grading import archives, collect

LINK = (stat.S_IFLNK | 0o777) << 16


def test_too_large_is_refused_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "NOTEBOOK_BYTES", 2**20)
    rng = random.Random(0)
    noise = rng.randbytes(2**19).hex()
    fits = notebook(noise[: 2**20 - len(notebook())])
    assert len(fits) == 2**20
    found = gathered(tmp_path, {"ada.ipynb": fits, "bo.ipynb": fits + b" "})
    assert set(students(found)) == {"ada"}
    assert "larger than 1 MB" in found.problems[0].cause


def test_zip_bomb_stops_while_it_is_read(tmp_path, monkeypatch):
    seen = []
    read = archives._Counted.read

    def counted(self, size=archives.CHUNK):
        seen.append(len(data := read(self, size)))
        return data

    monkeypatch.setattr(archives._Counted, "read", counted)
    blank = b" " * 15 * 2**20
    bomb = zipped({f"{i}.ipynb": blank for i in range(3)})
    found = gathered(tmp_path, {"ada.zip": bomb, "bo.ipynb": notebook()})
    assert set(students(found)) == {"bo"}
    assert "200 times" in found.problems[0].cause
    assert sum(seen) < len(blank)


def test_what_unpacks_to_too_much_is_stopped(tmp_path, monkeypatch):
    half = random.Random(0).randbytes(2**18).hex().encode()  # packs by two
    last = (tarfile.TarInfo("n.ipynb"), notebook())
    parts = [(tarfile.TarInfo(f"{i}.bin"), half) for i in range(3)]
    blank = (tarfile.TarInfo("z.bin"), bytes(1200 * 1024))
    monkeypatch.setattr(archives, "ARCHIVE_BYTES", 2**20)
    found = gathered(tmp_path, {
        "ada.tar.gz": tarred([parts[0], last]),
        "bo.tar.gz": tarred([*parts, last]),
        "cy.zip": zipped({f"{i}.ipynb": half for i in range(3)}),
        "di.tar.gz": tarred([blank, last]),
    })  # fmt: skip
    taken = students(found)
    assert set(taken) == {"ada", "cy"}
    causes = {p.student: p.cause for p in found.problems}
    assert "more than an archive may hold" in causes["bo"]
    assert "unpacks to more than an archive" in " ".join(taken["cy"].notes)
    assert "unpacks to" in causes["di"]


def test_names_of_files_cannot_forge_a_report(tmp_path):
    found = gathered(tmp_path, {"ada/\x1b[2K\nbo (b): fine.pdf": b""})
    (problem,) = found.problems
    assert str(problem).isprintable() and "ada/?[2K?bo" in problem.origin


def test_an_empty_folder_is_named(tmp_path):
    (tmp_path / "ada/week1").mkdir(parents=True)
    (tmp_path / "bo/.ipynb_checkpoints").mkdir(parents=True)
    (tmp_path / "bo/.ipynb_checkpoints/n.ipynb").write_bytes(notebook())
    found = collect.gather(tmp_path, "week1")
    assert {p.student for p in found.problems} == {"ada", "bo"}
    assert all("no files" in p.cause for p in found.problems)


def test_one_blank_file_does_not_stop_the_archive_of_a_class(tmp_path):
    place = tmp_path / "class.tar.gz"
    blank = (tarfile.TarInfo("ada/z.bin"), bytes(3 * 2**20))
    place.write_bytes(
        tarred([blank, (tarfile.TarInfo("bo.ipynb"), notebook())])
    )
    found = collect.gather(place, "week1")
    assert set(students(found)) == {"bo"}
    assert found.problems[0].student == "ada"


def test_too_many_members_are_not_even_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MEMBERS", 20)
    few = {f"{i}.txt": b"" for i in range(19)}
    few["n.ipynb"] = notebook()
    many = few | {"one more.txt": b""}
    info = [(tarfile.TarInfo(name), data) for name, data in many.items()]
    found = gathered(tmp_path, {
        "ada.zip": zipped(few), "bo.zip": zipped(many),
        "cy.tar.gz": tarred(info),
    })  # fmt: skip
    assert "ada" in students(found) and "bo" not in students(found)
    assert "has more than 20 members" in found.problems[0].cause
    notes = " ".join(students(found)["cy"].notes)
    assert "has more than 20 members" in notes


def link(name):
    """Return the `ZipInfo` of a symbolic link."""
    info = zipfile.ZipInfo(name)
    info.external_attr = LINK
    info.create_system = 3
    return info


def encrypted():
    """Return a zip whose one member says that it is encrypted."""
    data = bytearray(zipped({"n.ipynb": notebook()}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def special(kind, target=""):
    """Return a tar with one member that is no file."""
    info = tarfile.TarInfo("n.ipynb")
    info.type, info.linkname = kind, target
    return tarred([(info, b"")])


HOSTILE = {
    "parent": ("a.zip", zipped({"../../n.ipynb": notebook()}), "leads out"),
    "absolute": ("a.zip", zipped({"/etc/n.ipynb": notebook()}), "leads out"),
    "drive": ("a.zip", zipped({"C:\\n.ipynb": notebook()}), "leads out"),
    "backslash": ("a.zip", zipped({"..\\n.ipynb": notebook()}), "leads out"),
    "zip link": ("a.zip", zipped({link("n.ipynb"): b"/x"}), "a link"),
    "encrypted": ("a.zip", encrypted(), "without a password"),
    "bzip2": ("a.zip", zipped({"n.ipynb": notebook()}, zipfile.ZIP_BZIP2),
              "plain zip"),
    "tar parent": (
        "a.tar.gz", tarred([(tarfile.TarInfo("../n.ipynb"), notebook())]),
        "leads out",
    ),
    "tar link": ("a.tar.gz", special(tarfile.SYMTYPE, "/etc/passwd"),
                 "a link"),
    "hard link": ("a.tar.gz", special(tarfile.LNKTYPE, "x"), "a link"),
    "device": ("a.tar.gz", special(tarfile.CHRTYPE), "a device"),
    "pipe": ("a.tar.gz", special(tarfile.FIFOTYPE), "a device"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_archives_are_refused_by_name(tmp_path, case):
    name, data, cause = HOSTILE[case]
    found = gathered(tmp_path, {name: data, "bo.ipynb": notebook()})
    assert set(students(found)) == {"bo"}
    (problem,) = found.problems
    assert problem.student == "a" and "n.ipynb" in problem.cause
    assert cause in problem.cause


def test_links_and_pipes_in_a_folder_are_not_followed(tmp_path):
    place, outside = tmp_path / "in", tmp_path / "out"
    (place / "bo").mkdir(parents=True)
    outside.mkdir()
    (outside / "n.ipynb").write_bytes(notebook("secret"))
    (place / "bo/n.ipynb").write_bytes(notebook())
    (place / "ada.ipynb").symlink_to(outside / "n.ipynb")
    (place / "cy").symlink_to(outside, target_is_directory=True)
    (place / "di.ipynb").symlink_to(place / "bo/n.ipynb")
    os.mkfifo(place / "ed.ipynb")
    found = collect.gather(place, "week1")
    assert set(students(found)) == {"bo"}
    assert {p.student for p in found.problems} == {"ada", "cy", "di", "ed"}
    assert all("not followed" in p.cause for p in found.problems)
