"""Collecting hand-ins: the shapes they come in, and what must not get in."""

import os
import re
import tarfile
import unicodedata
import zipfile
from datetime import UTC, datetime, timedelta, timezone

import pytest
from handins import gathered, notebook, students, tarred, zipped

from course_utils.grading import collect, course, names

MOODLE = "Lovelace Ada_1234567_assignsubmission_file_"
CANVAS = "lovelaceada_123456_7890123_week1_assignment.ipynb"
FOLDER, FLAT = f"{MOODLE}/week1_assignment", f"{MOODLE}week1_assignment"
SHAPES = {  # name in the place, id, name for display
    "flat": ("ada", "ada", "ada"),
    "folders": ("ada/my work", "ada", "ada"),
    "nbgrader's": ("ada/week1/week1_assignment", "ada", "ada"),
    "wrapped": ("week1/ada", "ada", "ada"),
    "Moodle, folders": (FOLDER, "1234567", "Lovelace Ada"),
    "Moodle 4": (FOLDER.replace("_/", "/"), "1234567", "Lovelace Ada"),
    "Moodle, flat": (FLAT, "1234567", "Lovelace Ada"),
    "Canvas": (CANVAS[:-6], "123456", "lovelaceada"),
    "Canvas, late": (
        CANVAS[:-6].replace("_123", "_LATE_123", 1), "123456", "lovelaceada",
    ),
    "Canvas, anonymous": ("anon_x7Fg2_99_a", "anon_x7Fg2", "anonymous"),
}  # fmt: skip


def packed(place, files):
    """Write files as what the name of the place says: folder, zip, tar."""
    if place.name.endswith("zip"):
        place.write_bytes(zipped(files))
    elif place.name.endswith("tar.gz"):
        members = [(tarfile.TarInfo(f"./{n}"), d) for n, d in files.items()]
        place.write_bytes(tarred(members))
    else:
        for name, data in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(data)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["", ".zip", ".tar.gz"])
def test_every_shape_gives_the_same_bytes(tmp_path, shape, kind):
    path, student, name = SHAPES[shape]
    place = tmp_path / f"week1{kind}"
    data = notebook("x = 1")
    top = f"{path}.ipynb".rpartition("/")[0]
    junk = f"{top}/._x.ipynb".lstrip("/")
    packed(place, {f"{path}.ipynb": data, junk: b"\x00"})
    found = collect.gather(place, "week1")
    assert not found.problems
    (one,) = found.submissions
    assert (one.student, one.name) == (student, name)
    assert one.data == data
    assert ("Canvas marks it as late" in one.notes) == ("late" in shape)


@pytest.mark.parametrize("name", [
    "week1_assignment (1).ipynb", "Kopie von week1_assignment.ipynb",
    "Copy of week1_assignment.ipynb", "week1_assignment.ipynb",
])  # fmt: skip
def test_renamed_notebook_is_taken_and_the_name_noted(tmp_path, name):
    (one,) = gathered(tmp_path, {f"ada/{name}": notebook()}).submissions
    assert any(name in note for note in one.notes) == (
        name != "week1_assignment.ipynb"
    )


def test_of_several_the_one_of_this_assignment_wins(tmp_path):
    early = zipfile.ZipInfo("ada/right.ipynb", (2026, 1, 1, 0, 0, 0))
    late = zipfile.ZipInfo("ada/aaa.ipynb", (2026, 1, 2, 0, 0, 0))
    right, other = notebook("r"), notebook("o", grade_id="of_another_week")
    found = gathered(tmp_path, {early: right, late: other})
    (one,) = found.submissions
    assert one.data == right
    assert "not taken: ada/aaa.ipynb" in one.notes
    found = gathered(tmp_path, {early: notebook(""), late: notebook("l")})
    assert found.submissions[0].data == notebook("l")


def test_canvas_takes_the_last_upload_whatever_its_name(tmp_path):
    head = "lovelaceada_123456"
    found = gathered(tmp_path, {
        f"{head}_902_week1_assignment-1.ipynb": notebook("second"),
        f"{head}_1003_week1_assignment-2.ipynb": notebook("third"),
        f"{head}_801_week1_assignment.ipynb": notebook("first"),
    })  # fmt: skip
    (one,) = found.submissions
    assert one.data == notebook("third")
    assert sum("not taken" in note for note in one.notes) == 2


def test_a_notebook_of_another_week_is_noted(tmp_path):
    files = {"ada.ipynb": notebook(grade_id=None), "bo.ipynb": notebook()}
    found = students(gathered(tmp_path, files))
    assert any("right notebook?" in note for note in found["ada"].notes)
    assert not any("right notebook?" in note for note in found["bo"].notes)


def test_archives_in_archives_two_deep_and_no_deeper(tmp_path):
    once = zipped({"week1_assignment.ipynb": notebook("in")})
    twice = zipped({"inner.zip": once})
    found = gathered(tmp_path, {
        f"{MOODLE}/work.zip": once,
        "bo.zip": twice,
        "cy/work.zip": zipped({"more.zip": twice}),
        "di.tar.gz": tarred([(tarfile.TarInfo("a/n.ipynb"), notebook("in"))]),
    })  # fmt: skip
    taken = students(found)
    assert set(taken) == {"1234567", "bo", "di"}
    assert {s.data for s in taken.values()} == {notebook("in")}
    assert "2 archives deep" in str(found.problems[0])
    assert found.problems[0].student == "cy"


BAD = {
    "other file": ("ada/report.pdf", b"%PDF", "no notebook among"),
    "text in Moodle": (
        f"{MOODLE.replace('file', 'onlinetext')}/onlinetext.html",
        b"<p>", "no notebook among",
    ),
    "corrupt zip": ("ada.zip", b"PK\x03\x04 and so on", "corrupt"),
    "corrupt tar": ("ada.tar.gz", b"\x1f\x8b and so on", "corrupt"),
    "empty zip": ("ada.zip", zipped({}), "nothing in it"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_hand_in_is_named_and_the_rest_collected(tmp_path, case):
    name, data, cause = BAD[case]
    found = gathered(tmp_path, {name: data, "bo.ipynb": notebook()})
    assert set(students(found)) == {"bo"}
    (problem,) = found.problems
    assert problem.student in ("ada", "1234567")
    assert cause in problem.cause


DAMAGED = {
    "empty": b"",
    "no JSON": b"%PDF-1.7",
    "other JSON": b'{"a": 1}',
    "cells of text": b'{"cells": ["a"]}',
    "deep JSON": b"[" * 10**6,
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_notebook_is_handed_on_to_be_graded_as_such(tmp_path, data):
    (one,) = gathered(tmp_path, {"ada.ipynb": data}).submissions
    assert one.data == data


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_beside_a_good_one_is_noted(tmp_path, data):
    files = {"ada/b.ipynb": data, "ada/a.ipynb": notebook()}
    (one,) = gathered(tmp_path, files).submissions
    assert one.origin == "ada/a.ipynb"
    assert "not taken: ada/b.ipynb" in one.notes


def test_nobody_hands_in_for_somebody_else(tmp_path):
    """File names inside a hand-in are the student's to choose."""
    other = "Bo_2_assignsubmission_file_"
    theft = {f"{other}/week1_assignment.ipynb": notebook("theft")}
    found = gathered(tmp_path, {
        f"{other}/week1_assignment.ipynb": notebook("Bo's"),
        f"{MOODLE}/work.zip": zipped(theft),
        f"Cy_3_assignsubmission_file_/{other}/n.ipynb": notebook("theft"),
        f"Di_4_assignsubmission_file_{other}n.ipynb": notebook("theft"),
    })  # fmt: skip
    taken = students(found)
    assert set(taken) == {"2", "1234567", "3", "4"}
    assert taken["2"].data == notebook("Bo's")
    assert not any("not taken" in note for note in taken["2"].notes)


@pytest.mark.parametrize("path, student", [
    ("ada/Bo_2_assignsubmission_file_n.ipynb", "ada"),
    ("ada/bo_12_34_n.ipynb", "ada"),
    ("ada_12_34_n/week1_assignment.ipynb", "ada_12_34_n"),
    ("anon_x7Fg2_99_12_34_n.ipynb", "anon_x7Fg2"),
    ("lovelaceada_1_2_bo_12_34_n.ipynb", "1"),
])  # fmt: skip
def test_only_the_outermost_name_says_whose_it_is(tmp_path, path, student):
    assert set(students(gathered(tmp_path, {path: notebook()}))) == {student}


@pytest.mark.parametrize("raw", [
    "Ada Lovelace", "-rf", "..", ".hidden", "CON", "nul.txt", "a*b?[c]",
    "x" * 300, "語" * 200, "a,b", "{student_id}", "a\nb", "=1+1", " ada ",
    "a:b", "\x1b[31m", "", "ada-", "@home",
])  # fmt: skip
def test_odd_ids_become_safe_ones(raw):
    safe, notes = names.safe_id(raw)
    assert names.check_id(safe) == safe
    assert len(safe.encode()) <= 255 and not names.RESERVED.match(safe)
    assert notes
    assert names.safe_id(safe) == (safe, [])


@pytest.mark.parametrize("raw", ["ada", "s1234567", "Zoë", "李雷",
                                 "a.b-c_d@example.org"])  # fmt: skip
def test_good_ids_stay(raw):
    assert names.safe_id(raw) == (raw, [])


def test_accents_composed_or_not_are_one_student(tmp_path):
    one, two = (unicodedata.normalize(f, "Zoë") for f in ("NFC", "NFD"))
    found = gathered(tmp_path, {
        f"{one}/week1_assignment.ipynb": b"",
        f"{two}/week1_assignment.ipynb": notebook(),
    })  # fmt: skip
    assert set(students(found)) == {one} and not found.problems


def test_ids_that_look_alike_stay_apart(tmp_path):
    files = {n: notebook(n) for n in ("a b.ipynb", "a-b.ipynb", "a?b.ipynb")}
    found = gathered(tmp_path, files)
    assert len(students(found)) == 3 and not found.problems
    alone = gathered(tmp_path, {"a b.ipynb": notebook("a b.ipynb")})
    assert set(students(alone)) < set(students(found))


def test_ids_that_differ_in_case_only_are_left_to_the_instructor(tmp_path):
    files = {"Ada.ipynb": notebook(), "ada.ipynb": notebook("x")}
    found = gathered(tmp_path, files)
    assert not found.submissions
    assert {p.origin for p in found.problems} == set(files)


def test_participants_become_the_students_of_the_roster(tmp_path):
    files = {f"{MOODLE}/n.ipynb": notebook(),
             "Bo_2_assignsubmission_file_/n.ipynb": notebook()}  # fmt: skip
    found = gathered(tmp_path, files, ids={"1234567": "ada"})
    assert set(students(found)) == {"ada", "2"}
    assert "2 is not among the ids given" in students(found)["2"].notes


def test_names_in_utf8_without_the_flag(tmp_path):
    """The zips that macOS's Finder makes."""
    data = bytearray(zipped({"Zoë.ipynb": notebook()}))
    for at, offset in ((0, 6), (data.index(b"PK\x01\x02"), 8)):
        data[at + offset + 1] &= ~0x08
    place = tmp_path / "in.zip"
    place.write_bytes(data)
    assert set(students(collect.gather(place, "week1"))) == {"Zoë"}


def test_nothing_to_collect_is_said(tmp_path):
    (tmp_path / "in").mkdir()
    for place in (tmp_path / "in", tmp_path / "bad.zip"):
        if place.suffix:
            place.write_bytes(b"PK and so on")
        found = collect.gather(place, "week1")
        (problem,) = found.problems
        assert place.name in str(problem) and not found.submissions


def test_a_wrong_place_or_name_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder or archive"):
        collect.gather(tmp_path / "none", "week1")
    (tmp_path / "grades.pdf").write_bytes(b"%PDF")
    with pytest.raises(ValueError, match=r"give a folder, or one of \.zip"):
        collect.gather(tmp_path / "grades.pdf", "week1")
    with pytest.raises(ValueError, match="assignment"):
        collect.gather(tmp_path, "../week1")


def test_only_a_wrapper_is_taken_off(tmp_path):
    for path, student in (("week1/ada.ipynb", "ada"), ("ada/n.ipynb", "ada"),
                          ("download/ada/n.ipynb", "ada")):  # fmt: skip
        (one,) = gathered(tmp_path, {path: notebook()}).submissions
        assert one.student == student
    (problem,) = gathered(tmp_path, {"download": b"text"}).problems
    assert problem.student == "download"


def test_a_student_cannot_set_the_time_through_moodle(tmp_path):
    early = b"2020-01-01 00:00:00.000000 UTC"
    files = {f"{MOODLE}/n.ipynb": notebook(), "ada.ipynb": notebook(),
             f"{MOODLE}/timestamp.txt": early, "bo/n.ipynb": notebook(),
             "bo/timestamp.txt": early}  # fmt: skip
    found = students(gathered(tmp_path, files))
    assert found["1234567"].when is None
    assert found["bo"].when == datetime(2020, 1, 1, tzinfo=UTC)
    assert found["ada"].notes == ()


def test_stored_where_nbgrader_looks_and_others_left_alone(tmp_path):
    when = datetime(2026, 11, 2, 10, 30, tzinfo=timezone(timedelta(hours=2)))
    one = collect.Submission("ada", "Ada", notebook("ü\r\n"), "a.zip", when)
    two = collect.Submission("bo", "Bo", notebook(), "b.ipynb")
    old = tmp_path / "submitted/ada/week1"
    old.mkdir(parents=True)
    (old / "left over.csv").write_text("old")
    other = tmp_path / "submitted/ada/week2/week2_assignment.ipynb"
    other.parent.mkdir()
    other.write_text("other")
    paths = collect.store(
        tmp_path, "week1", collect.Gathered((one, two), ())
    )
    assert [p.read_bytes() for p in paths] == [one.data, two.data]
    assert paths[0] == old / "week1_assignment.ipynb"
    assert {p.name for p in old.iterdir()} == {paths[0].name, "timestamp.txt"}
    assert {p.name for p in paths[1].parent.iterdir()} == {paths[1].name}
    assert other.read_text() == "other"
    assert {p.name for p in (tmp_path / "submitted/ada").iterdir()} == {
        "week1", "week2",
    }  # fmt: skip
    place = course.directory(tmp_path, "week1")
    assert place.get_existing_timestamp(old) == datetime(2026, 11, 2, 8, 30)
    again = collect.gather(tmp_path / "submitted", "week1")
    assert students(again)["ada"].when == when
    assert students(again)["ada"].when.tzinfo is UTC
    assert students(again)["bo"].when is None


def test_a_failed_write_leaves_the_old_hand_in(tmp_path, monkeypatch):
    one = collect.Submission("ada", "Ada", notebook("old"), "a.zip")
    (path,) = collect.store(tmp_path, "week1", collect.Gathered((one,), ()))
    real, calls = os.rename, []

    def rename(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError("disk full")
        real(source, target)

    monkeypatch.setattr(collect.os, "rename", rename)
    new = collect.Submission("ada", "Ada", notebook("new"), "a.zip")
    with pytest.raises(OSError, match="disk full"):
        collect.store(tmp_path, "week1", collect.Gathered((new,), ()))
    assert path.read_bytes() == one.data
    assert [p.name for p in path.parent.parent.iterdir()] == ["week1"]


def test_store_refuses_an_unsafe_id_before_it_writes(tmp_path):
    good = collect.Submission("ada", "Ada", notebook(), "a.zip")
    bad = collect.Submission("../../x", "X", notebook(), "b.zip")
    with pytest.raises(ValueError, match=r"'\.\./\.\./x' cannot be the id"):
        collect.store(tmp_path, "week1", collect.Gathered((good, bad), ()))
    assert not (tmp_path / "submitted").exists()


def test_the_pattern_for_nbgraders_own_collector():
    from nbgrader.plugins import FileNameCollectorPlugin

    plugin = FileNameCollectorPlugin(named_regexp=names.NAMED_REGEXP)
    for path, student in (
        (f"/x/{MOODLE}/week1_assignment.ipynb", "1234567"),
        (f"/x/{MOODLE}week1_assignment.ipynb", "1234567"),
        (f"/x/{CANVAS}", "123456"),
        (f"/x/{CANVAS.replace('_123', '_LATE_123', 1)}", "123456"),
    ):
        found = plugin.collect(path)
        assert found == {"student_id": student, "file_id": "week1_assignment"}
    assert re.match(names.NAMED_REGEXP, "/x/ada.ipynb") is None
