"""Grades as CSV: three formats, nothing half-marked, nothing executable."""

import csv
import io
import logging

import pytest
from gradebooks import empty, filled, grade

from course_utils.grading import exports, students


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A course directory with a filled gradebook."""
    folder = tmp_path_factory.mktemp("course")
    filled(folder)
    return folder


def table(folder, kind, tmp_path):
    """Return the rows of an export, and what was said about it."""
    path = tmp_path / "out/grades.csv"
    said = exports.write(folder, kind, path)
    return list(csv.reader(io.StringIO(path.read_text("utf-8-sig")))), said


def test_nbgraders_columns_and_values(folder, tmp_path):
    from nbgrader.plugins import CsvExportPlugin

    rows, _ = table(folder, "nbgrader", tmp_path)
    assert len(rows) == 1 + 2 * 4
    own = tmp_path / "own.csv"
    with students.gradebook(folder) as book:
        plugin = CsvExportPlugin(to=str(own))
        plugin.log.setLevel(logging.ERROR)
        plugin.export(book)
    theirs = own.read_text("utf-8").splitlines()
    assert rows[0] == [*theirs[0].split(","), "status"]
    ours = {(row[0], row[3]): row for row in rows[1:]}
    compared = 0
    for line in theirs[1:]:
        cells = line.split(",")
        if len(cells) > 11:  # nbgrader quotes no comma: this is Lovelace, C.
            assert "Lovelace, C." in line
            cells[4:6] = [",".join(cells[4:6])]
        row = ours[cells[0], cells[3]]
        if "=" not in line:
            assert [*map(number, row[:11])] == [*map(number, cells)]
            compared += 1
    assert compared == 4


def number(cell):
    """Return a number for a cell that is one."""
    try:
        return float(cell)
    except ValueError:
        return cell


def test_nbgraders_status_says_what_a_zero_means(folder, tmp_path):
    rows, _ = table(folder, "nbgrader", tmp_path)
    found = {(r[0], r[3]): (float(r[9]), r[11]) for r in rows[1:]}
    assert found["week1", "ada"] == (6.5, exports.GRADED)
    assert found["week1", "bo"] == (3.0, exports.OPEN)
    assert found["week1", "cy"] == (0.0, exports.WAITING)
    assert found["week1", "di"] == (0.0, exports.MISSING)
    assert found["week2", "cy"] == (0.0, exports.MISSING)


def test_canvas_header_points_and_empty_cells(folder, tmp_path):
    rows, _ = table(folder, "canvas", tmp_path)
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID",
                       "Section", "week1", "week2"]  # fmt: skip
    assert rows[1] == ["Points Possible", "", "", "", "", "8.0", "4.0"]
    found = {row[2]: row for row in rows[2:]}
    assert found["ada"] == ["Lovelace, C., Ada", "", "ada",
                            "ada@example.org", "", "6.5", "4.0"]  # fmt: skip
    assert [found[s][5:] for s in ("bo", "cy", "di")] == [["", ""]] * 3
    assert found["di"][0] == "di"


def test_canvas_gets_its_own_number_where_it_is_known(tmp_path):
    empty(tmp_path)
    with students.gradebook(tmp_path) as book:
        book.add_student("123456")
        book.add_student("ada", lms_user_id="777")
        book.add_student("12ab")
    rows, _ = table(tmp_path, "canvas", tmp_path)
    numbers = {row[2]: row[1] for row in rows[2:]}
    assert numbers == {"123456": "123456", "ada": "777", "12ab": ""}


def test_moodle_leaves_no_row_without_the_person(tmp_path):
    """Moodle gives such a row's marks to the person in the row before."""
    filled(tmp_path)
    rows, _ = table(tmp_path, "moodle", tmp_path)
    assert rows[0] == ["ID number", "week1", "week2"]
    assert {row[0]: row[1:] for row in rows[1:]} == {
        "ada": ["6.5", "4.0"], "bo": ["-", "-"], "cy": ["-", "-"],
        "di": ["-", "-"],
    }  # fmt: skip
    with students.gradebook(tmp_path) as book:
        for name in ("bo", "cy", "di"):
            book.update_or_create_student(name, email=f"{name}@example.org")
    rows, _ = table(tmp_path, "moodle", tmp_path)
    assert rows[0] == ["ID number", "Email address", "week1", "week2"]
    assert ["ada", "ada@example.org", "6.5", "4.0"] in rows


@pytest.mark.parametrize("kind", exports.KINDS)
def test_what_is_not_whole_is_said(folder, tmp_path, kind):
    _, said = table(folder, kind, tmp_path)
    assert said == [
        f"week1: 1 x {exports.WAITING}", f"week1: 1 x {exports.OPEN}",
        f"week1: 1 x {exports.MISSING}", f"week2: 3 x {exports.MISSING}",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", exports.KINDS)
def test_only_the_file_for_people_has_a_byte_order_mark(
    folder, tmp_path, kind
):
    exports.write(folder, kind, tmp_path / "g.csv")
    data = (tmp_path / "g.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") == (kind == "nbgrader")
    if kind != "moodle":
        assert "Bö".encode() in data
        assert b"'=1+1" in data and b",=" not in data and b"\n=" not in data


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum(a1)", "\tx",
                                  "\rx", "\nx", "  =1", "＝1"])  # fmt: skip
def test_formulas_become_text(text):
    assert exports.harmless(text) == f"'{text}"


@pytest.mark.parametrize("cell", ["ada", "a=b", "", -1.5, 0, "1-2", " a"])
def test_other_cells_stay(cell):
    assert exports.harmless(cell) == cell
    assert exports.harmless(None) == ""


def test_a_negative_score_is_none(tmp_path):
    empty(tmp_path)
    with students.gradebook(tmp_path) as book:
        book.add_assignment("week1")
        book.add_notebook("nb", "week1")
        book.add_grade_cell("task", "nb", "week1", max_score=8,
                            cell_type="code")  # fmt: skip
        book.add_solution_cell("task", "nb", "week1")
        book.add_student("ada")
        grade(book, "week1", "ada", 1.0, penalty=5.0)
    rows, _ = table(tmp_path, "moodle", tmp_path)
    assert rows[1] == ["ada", "0.0"]


def test_unknown_kind_and_missing_gradebook(folder, tmp_path):
    with pytest.raises(ValueError, match="'excel': choose one of nbgrader"):
        exports.write(folder, "excel", tmp_path / "g.csv")
    with pytest.raises(FileNotFoundError, match="no gradebook at"):
        exports.write(tmp_path, "canvas", tmp_path / "g.csv")
    assert not list(tmp_path.iterdir())


def test_another_database(folder, tmp_path, monkeypatch):
    url = f"sqlite:///{folder / 'gradebook.db'}"
    monkeypatch.setenv("COURSE_GRADEBOOK", url)
    rows, _ = table(tmp_path, "moodle", tmp_path)
    assert [row[0] for row in rows[1:]] != []
