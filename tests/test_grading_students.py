"""What is stored about a student, and that deleting it leaves nothing."""

import json

import pytest
from gradebooks import empty, filled
from sqlalchemy import event
from sqlalchemy.engine import Engine

from course_utils.grading import ledger, students


@pytest.fixture
def careless():
    """SQLite that leaves deleted rows in its file, as it does by default;
    Debian's does not."""

    def leave(connection, _):
        connection.execute("PRAGMA secure_delete = OFF")

    event.listen(Engine, "connect", leave)
    yield
    event.remove(Engine, "connect", leave)


@pytest.fixture
def folder(tmp_path):
    """A course directory in which ada and bo left traces everywhere."""
    filled(tmp_path)
    for step in ("submitted", "autograded", "feedback"):
        for name in ("ada", "bo"):
            home = tmp_path / step / name / "week1"
            home.mkdir(parents=True)
            (home / "week1_assignment.ipynb").write_text(f"by {name}")
            (home / "week1_assignment.ipynb").chmod(0o444)
    hidden = tmp_path / ledger.FOLDER
    hidden.mkdir()
    entries = {"ada": {"points": 7}, "bo": {"points": 3, "note": "Bö"}}
    (hidden / "week1.json").write_text(json.dumps({"students": entries}))
    (hidden / "week2.json").write_text('{"students": {"bo": {}}, "x": 1}')
    (hidden / "week1_report.csv").write_text("student\nada\nbo\n")
    (hidden / "week2_report.csv").write_text("student\nadam\nbo\n")
    (tmp_path / "similar_week1.html").write_text("<td>ada</td>")
    (tmp_path / "grades_canvas.csv").write_text("x,ada,7\n")
    return tmp_path


def traces(folder, text):
    """Return the files whose bytes or path have the text."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if text in path.as_posix().removeprefix(str(folder))
        or (path.is_file() and text.encode() in path.read_bytes())
    }


def test_all_that_is_stored_is_listed(folder):
    found = students.stored(folder, "ada")
    assert found.files == tuple(
        f"{step}/ada/week1/week1_assignment.ipynb"
        for step in ("submitted", "autograded", "feedback")
    )
    assert found.rows == (
        "student: ada, Ada, Lovelace, C., ada@example.org",
        "week1: 1 grades, 1 comments", "week2: 1 grades, 1 comments",
    )  # fmt: skip
    assert found.ledgers == (".grading/week1.json",)
    assert set(found.reports) == {
        ".grading/week1_report.csv", "grades_canvas.csv",
        "similar_week1.html",
    }  # fmt: skip
    assert len(list(found)) == 3 + 3 + 1 + 3


def test_deleting_leaves_no_trace_and_takes_nobody_elses(folder, careless):
    others = {p: p.read_bytes() for p in folder.rglob("bo/**/*.ipynb")}
    listed = students.stored(folder, "ada")
    assert students.delete(folder, "ada") == listed
    assert not list(students.stored(folder, "ada"))
    # Also not in pages of the database that SQLite only marked as free.
    assert traces(folder, "Lovelace") == set()
    assert traces(folder, "comment for ada") == set()
    assert traces(folder, '"ada"') == set()
    assert traces(folder, "/ada") == set()
    assert {p: p.read_bytes() for p in others} == others
    entries = json.loads((folder / ".grading/week1.json").read_text())
    assert entries == {"students": {"bo": {"points": 3, "note": "Bö"}}}
    assert "x" in json.loads((folder / ".grading/week2.json").read_text())
    with students.gradebook(folder) as book:
        assert {s.id for s in book.students} == {"bo", "cy", "di"}
        assert book.find_submission("week1", "bo").score == 3.0
    assert not list(students.delete(folder, "ada"))


@pytest.mark.parametrize("name", [
    "*", "a?a", "[ab]o", "../ada", "ada/week1", "..", "", "-ada", "a,b",
    "a\\b", " ada", "=ada", "a\nb", "x" * 129, "語" * 100, None,
])  # fmt: skip
def test_ids_with_separators_or_wildcards_are_refused(tmp_path, name):
    kept = tmp_path / "submitted/ada/week1/week1_assignment.ipynb"
    kept.parent.mkdir(parents=True)
    kept.write_text("by ada")
    for function in (students.stored, students.delete):
        with pytest.raises(ValueError, match="cannot be the id of a student"):
            function(tmp_path, name)
    assert kept.exists()


def test_a_damaged_ledger_stops_before_anything_is_deleted(folder):
    (folder / ".grading/week2.json").write_text("{")
    with pytest.raises(ValueError, match=r"week2\.json is damaged"):
        students.delete(folder, "ada")
    assert (folder / "submitted/ada/week1").exists()
    with students.gradebook(folder) as book:
        assert book.find_student("ada")


def test_a_link_is_removed_and_its_target_stays(tmp_path):
    target = tmp_path / "elsewhere"
    target.mkdir()
    (target / "keep.txt").write_text("keep")
    course = tmp_path / "course"
    (course / "submitted").mkdir(parents=True)
    (course / "submitted/ada").symlink_to(target)
    found = students.delete(course, "ada")
    assert found.files == ("submitted/ada",)
    assert not (course / "submitted/ada").is_symlink()
    assert (target / "keep.txt").exists()
    assert not (course / "gradebook.db").exists()


def roster(tmp_path, text, encoding="utf-8"):
    """Write a table."""
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("comma", [",", ";"])
def test_a_roster_is_loaded_and_updated(tmp_path, comma):
    text = (
        "last_name,id ,first_name,email,seat\n"
        '"Lovelace",ada,Ada,ada@example.org,1\n'
        "Bö, bo ,,,2\n"
    )
    text = text.replace(",", comma)
    empty(tmp_path)
    path = roster(tmp_path, text, "utf-8-sig")
    assert students.load(tmp_path, path) == 2
    again = roster(tmp_path, "id,email,lms_user_id\nada,,77\nbo,b@x.org,\n")
    assert students.load(tmp_path, again) == 2
    with students.gradebook(tmp_path) as book:
        found = {
            s.id: (s.first_name, s.last_name, s.email, s.lms_user_id)
            for s in book.students
        }
    assert found == {
        "ada": ("Ada", "Lovelace", "ada@example.org", "77"),
        "bo": (None, "Bö", "b@x.org", None),
    }


def test_a_roster_makes_the_gradebook_if_there_is_none(tmp_path):
    assert students.load(tmp_path, roster(tmp_path, "id\nada\n")) == 1
    with students.gradebook(tmp_path) as book:
        assert [s.id for s in book.students] == ["ada"]


@pytest.mark.parametrize("text, encoding, message", [
    ("name,email\nada,x\n", "utf-8", "no column 'id', only: name, email"),
    ("", "utf-8", "no column 'id'"),
    ("id\nada\n../bo\n", "utf-8", r"line 3: '\.\./bo' cannot be"),
    ("id,email\nada,x\n,y\n", "utf-8", "line 3: '' cannot be"),
    ("id\nada\nbo\nada\n", "utf-8", "more than once: ada"),
    ("id,last_name\nada,Bö\n", "latin-1", "save it as 'CSV UTF-8'"),
])  # fmt: skip
def test_a_bad_roster_changes_nothing(tmp_path, text, encoding, message):
    path = roster(tmp_path, text, encoding)
    with pytest.raises(ValueError, match=message):
        students.load(tmp_path, path)
    assert not (tmp_path / "gradebook.db").exists()


WORKSHEET = (
    "Identifier,Full name,ID number,Email address,Grade\n"
    "Participant 1234567,Ada Lovelace,s1,ada@example.org,\n"
    "Participant 2,Bo,,bo@example.org,\n"
)


def test_moodles_worksheet_says_who_the_participants_are(tmp_path):
    path = roster(tmp_path, WORKSHEET)
    assert students.participants(path) == {"1234567": "s1"}
    assert students.participants(path, "Email address") == {
        "1234567": "ada@example.org", "2": "bo@example.org",
    }  # fmt: skip
    with pytest.raises(ValueError, match="no column 'username', only: Ident"):
        students.participants(path, "username")
    other = roster(tmp_path, "Name,ID number\nAda,s1\n")
    with pytest.raises(ValueError, match="Is it the grading worksheet"):
        students.participants(other)
