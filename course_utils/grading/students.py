"""Students: the roster, what is stored about each, and how it is deleted."""

import contextlib
import csv
import io
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from course_utils.files import write_at_once
from course_utils.grading import course, ledger
from course_utils.grading.names import check_id

COLUMNS = ("first_name", "last_name", "email", "lms_user_id")
STEPS = ("submitted", "autograded", "feedback")
# Tables and pages about a whole class; the commands make them again.
REPORTS = (f"{ledger.FOLDER}/*_report.csv", "grades_*.csv", "similar_*.html")


@dataclass(frozen=True)
class Stored:
    """What is stored about one student; iterating gives it line by line.

    `files` are the student's own, `ledgers` have an entry and `reports` a
    line about the student, all as paths relative to the course directory;
    `rows` are sentences about the gradebook.
    """

    files: tuple
    rows: tuple
    ledgers: tuple
    reports: tuple

    def __iter__(self):
        yield from self.files
        yield from (f"gradebook, {row}" for row in self.rows)
        yield from (f"{path}: an entry" for path in self.ledgers)
        yield from (f"{path}: about the whole class" for path in self.reports)


def stored(folder, student):
    """Return what a course directory holds about a student.

    Args:
        folder: course directory.
        student: id.

    Returns:
        A `Stored`: submitted, autograded and feedback files, rows of the
        gradebook, entries of batch ledgers, and reports with the id.

    Raises:
        ValueError: the id has separators or wildcards, or a ledger is
            damaged.
    """
    check_id(student)
    folder = Path(folder).resolve()
    files = []
    for home in _homes(folder, student):
        inside = [home] if home.is_symlink() else sorted(home.rglob("*"))
        files += [f for f in inside if f.is_symlink() or not f.is_dir()]
    return Stored(
        _relative(files, folder),
        tuple(_rows(folder, student)),
        _relative([path for path, _ in _ledgers(folder, student)], folder),
        _relative(_reports(folder, student), folder),
    )


def delete(folder, student):
    """Delete all that a course directory holds about a student.

    Reports about the class that mention the id go as a whole: `make` them
    again. What learning platforms, backups and version control keep is out
    of reach here. SQLite leaves deleted rows readable in its file until the
    file is rewritten, so that is done too.

    Returns:
        `Stored`, as it was before.

    Raises:
        ValueError: as in `stored`; nothing was deleted.
    """
    found = stored(folder, student)
    folder = Path(folder).resolve()
    if found.rows:
        with gradebook(folder) as book:
            book.remove_student(student)
            _forget_deleted(book)
    for path, content in _ledgers(folder, student):
        del content["students"][student]
        write_at_once(path, json.dumps(content, indent=1).encode())
    for path in _reports(folder, student):
        path.unlink()
    for home in _homes(folder, student):
        if home.is_symlink():
            home.unlink()
        else:
            shutil.rmtree(home)
    return found


def load(folder, csv_path):
    """Read a roster into the gradebook; students already there are updated.

    Args:
        folder: course directory; its gradebook is made if it is missing.
        csv_path: table in UTF-8 with a column "id" and, as far as known,
            "first_name", "last_name", "email" and "lms_user_id" (Canvas's
            number for the student). Other columns are ignored; an empty
            cell changes nothing.

    Returns:
        How many students the roster has.

    Raises:
        ValueError: not such a table, or an id is unsafe or there twice;
            nothing was written.
    """
    rows = _table(csv_path, "id")
    ids = [row["id"] for row in rows]
    for number, student in enumerate(ids, 2):
        try:
            check_id(student)
        except ValueError as error:
            raise ValueError(f"{csv_path}, line {number}: {error}") from None
    twice = sorted({student for student in ids if ids.count(student) > 1})
    if twice:
        raise ValueError(f"{csv_path}: more than once: {', '.join(twice)}")
    with gradebook(folder, make=True) as book:
        for row in rows:
            known = {c: row[c] for c in COLUMNS if row.get(c)}
            book.update_or_create_student(row["id"], **known)
    return len(ids)


def participants(csv_path, column="ID number"):
    """Return who Moodle's participants of one assignment are.

    Moodle numbers participants anew in every assignment, so the number in
    the name of a handed-in file does not say who it is. Its grading
    worksheet does ("Download grading worksheet"): give the result to
    `collect.gather`.

    Args:
        csv_path: the worksheet; its first column ends in the number.
        column: which of its columns holds the ids of the roster, such as
            "ID number" or "Email address".

    Returns:
        Dict of number, as text, to id. Rows without an id are left out.

    Raises:
        ValueError: it is no such worksheet, or has no such column.
    """
    rows = _table(csv_path, column)
    numbers = [re.search(r"\d+$", next(iter(row.values()))) for row in rows]
    if not all(numbers):
        raise ValueError(
            f"{csv_path}: the first column should end in the participant's "
            "number. Is it the grading worksheet?"
        )
    pairs = zip(numbers, rows, strict=True)
    return {n[0]: check_id(row[column]) for n, row in pairs if row[column]}


@contextlib.contextmanager
def gradebook(folder, make=False):
    """Open the gradebook of a course directory, close it afterwards.

    Args:
        folder: course directory.
        make: whether to make the gradebook if there is none. nbgrader
            always makes one, so that a wrong folder looks like a course
            without students.

    Raises:
        FileNotFoundError: there is none.
    """
    from nbgrader.api import Gradebook

    place = course.directory(folder, "")
    db = place.db_url
    if not (make or _there(db)):
        raise FileNotFoundError(
            f"no gradebook at {db}: run `make grade` first, or load a roster"
        )
    with Gradebook(db, place.course_id) as book:
        yield book


def _there(db):
    file = db.removeprefix("sqlite:///")
    return file == db or Path(file).exists()


def _homes(folder, student):
    place = course.directory(folder, "")
    for step in STEPS:
        name = getattr(place, f"{step}_directory")
        home = Path(place.format_path(name, student, "."))
        if home.is_symlink() or home.is_dir():
            yield home


def _rows(folder, student):
    """Return a sentence for each thing the gradebook knows."""
    from nbgrader.api import MissingEntry

    if not _there(course.directory(folder, "").db_url):
        return []
    with gradebook(folder) as book:
        try:
            found = book.find_student(student)
        except MissingEntry:
            return []
        known = [getattr(found, column) for column in COLUMNS]
        rows = [f"student: {', '.join(filter(None, [student, *known]))}"]
        for handed_in in found.submissions:
            notebooks = handed_in.notebooks
            grades = sum(len(n.grades) for n in notebooks)
            comments = sum(len(n.comments) for n in notebooks)
            rows.append(
                f"{handed_in.name}: {grades} grades, {comments} comments"
            )
    return rows


def _ledgers(folder, student):
    """Return (path, content) of each ledger that mentions the student."""
    found = []
    for path in sorted((folder / ledger.FOLDER).glob("*.json")):
        try:
            content = json.loads(path.read_text("utf-8"))
            mentioned = student in content.get("students", {})
        except (ValueError, AttributeError, TypeError) as error:
            raise ValueError(
                f"{path} is damaged ({error}): repair or remove it first"
            ) from error
        if mentioned:
            found.append((path, content))
    return found


def _reports(folder, student):
    """Return the reports in which the id stands as a word."""
    word = re.compile(rf"(?<!\w){re.escape(student)}(?!\w)")
    paths = [p for pattern in REPORTS for p in sorted(folder.glob(pattern))]
    return [p for p in paths if word.search(p.read_text("utf-8", "replace"))]


def _relative(paths, folder):
    return tuple(path.relative_to(folder).as_posix() for path in paths)


def _forget_deleted(book):
    from sqlalchemy import text

    if book.engine.dialect.name == "sqlite":
        book.db.remove()
        with book.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("VACUUM"))


def _table(csv_path, column):
    """Return the rows of a table, stripped, that must have a column."""
    try:
        text = Path(csv_path).read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{csv_path} is not in UTF-8: save it as 'CSV UTF-8'"
        ) from error
    first = text.partition("\n")[0]
    comma = ";" if first.count(";") > first.count(",") else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=comma)
    names = [str(name).strip() for name in reader.fieldnames or ()]
    if column not in names:
        raise ValueError(
            f"{csv_path} has no column {column!r}, only: {', '.join(names)}"
        )
    reader.fieldnames = names
    return [
        {name: (row.get(name) or "").strip() for name in names}
        for row in reader
    ]
