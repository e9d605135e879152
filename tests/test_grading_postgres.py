"""The gradebook works in PostgreSQL, for courses that share one."""

import csv
import shutil
from types import SimpleNamespace

import nbformat
import postgres
import pytest

from course_utils.grading import course, exports, merge, release, students

WEEK = "week1"
NOTEBOOK = f"{WEEK}_assignment"


@pytest.fixture(scope="module", autouse=True)
def needed(in_ci):
    """Do without these tests where there is no server, but not in CI."""
    if postgres.find_programs() is None:
        if in_ci:
            pytest.fail(postgres.HINT)
        pytest.skip(postgres.HINT)


@pytest.fixture(scope="module")
def database():
    """The address of an empty database of a real server."""
    with postgres.running() as url:
        yield url


@pytest.fixture(scope="module")
def folder(database, root, tmp_path_factory):
    """A course that keeps its gradebook there; week 1 is released."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(root / "assignments/source", folder / "source")
    shutil.copy(root / "assignments" / course.CONFIG, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(course.GRADEBOOK, database)
        release.generate(folder, WEEK)
        yield folder


def grade(folder, student, points):
    """Merge a graded notebook in which every graded cell gave points."""
    name = f"{NOTEBOOK}.ipynb"
    notebook = nbformat.read(folder / "source" / WEEK / name, 4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader"):
            data = {"text/plain": str(points)}
            cell.outputs = [nbformat.v4.new_output("execute_result", data)]
    result = SimpleNamespace(notebook=nbformat.writes(notebook))
    handed_in = folder / "submitted" / student / WEEK
    handed_in.mkdir(parents=True, exist_ok=True)
    (handed_in / name).write_text(result.notebook, "utf-8")
    merge.merge(folder, WEEK, student, result)


def graded_cells(folder):
    """Return how many cells of the assignment give points by themselves."""
    with students.gradebook(folder) as book:
        notebook = book.find_notebook(NOTEBOOK, WEEK)
        return len([c for c in notebook.grade_cells if c.cell_type == "code"])


def mark(folder, student, points, remark):
    """Mark the written answer by hand, as formgrader does."""
    with students.gradebook(folder) as book:
        found = book.find_grade("analysis", NOTEBOOK, WEEK, student)
        found.manual_score, found.needs_manual_grade = points, False
        said = book.find_comment("analysis", NOTEBOOK, WEEK, student)
        said.manual_comment = remark
        book.db.commit()


def submission(folder, student):
    """Return nbgrader's summary of a student's submission."""
    with students.gradebook(folder) as book:
        found = book.submission_dicts(WEEK)
        return next(s for s in found if s["student"] == student)


def test_the_course_uses_the_database_and_no_file(folder, database):
    assert course.directory(folder, WEEK).db_url == database
    with students.gradebook(folder) as book:
        assert [a.name for a in book.assignments] == [WEEK]
        assert book.find_assignment(WEEK).max_score > 0
    assert not list(folder.glob("gradebook.db*"))


def test_points_are_added_up_in_the_database(folder):
    grade(folder, "ada", points=1)
    found = submission(folder, "ada")
    assert found["code_score"] == found["score"] == graded_cells(folder)
    assert found["needs_manual_grade"]


def test_manual_marks_survive_a_second_grading(folder):
    grade(folder, "bob", points=2)
    mark(folder, "bob", 7, "Schön gezeigt – warum aber √d?")
    grade(folder, "bob", points=1)
    found = submission(folder, "bob")
    assert found["written_score"] == 7
    assert found["code_score"] == graded_cells(folder)
    assert found["score"] == found["code_score"] + 7
    with students.gradebook(folder) as book:
        said = book.find_comment("analysis", NOTEBOOK, WEEK, "bob")
        assert said.comment == "Schön gezeigt – warum aber √d?"


def test_a_roster_is_loaded_and_grades_are_exported(folder, tmp_path):
    roster = tmp_path / "roster.csv"
    roster.write_text("id,last_name\ncyd,Núñez\ndan,Doe\n", "utf-8")
    assert students.load(folder, roster) == 2
    grade(folder, "cyd", points=1)
    exports.write(folder, "nbgrader", tmp_path / "grades.csv")
    with (tmp_path / "grades.csv").open(encoding="utf-8-sig") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert rows["cyd"]["last_name"] == "Núñez"
    assert float(rows["cyd"]["score"]) == graded_cells(folder)
    assert float(rows["dan"]["score"]) == 0


def test_a_student_is_deleted_and_no_one_else(folder):
    for student in ("eve", "fay"):
        grade(folder, student, points=1)
    students.delete(folder, "eve")
    with students.gradebook(folder) as book:
        left = {student.id for student in book.students}
    assert "fay" in left and "eve" not in left
    assert not students.stored(folder, "eve").rows


def test_a_server_leaves_nothing_behind():
    from sqlalchemy import create_engine, exc, text

    with postgres.running() as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            assert connection.execute(text("select 1")).scalar() == 1
    engine.dispose()
    with pytest.raises(exc.OperationalError):
        engine.connect()
