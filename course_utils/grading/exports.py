"""Grades as CSV: nbgrader's own columns, Canvas's and Moodle's imports.

nbgrader's exporter joins cells by commas and quotes none of them, so that a
student called "Lovelace, Ada" shifts every mark by one column; and a cell
that starts with "=" is run by the spreadsheet that opens it. Here all cells
go through `csv`, and text through `harmless`.
"""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from course_utils.files import write_at_once
from course_utils.grading import course
from course_utils.grading.students import gradebook

NBGRADER = (
    "assignment", "duedate", "timestamp", "student_id", "last_name",
    "first_name", "email", "raw_score", "late_submission_penalty", "score",
    "max_score",
)  # fmt: skip
CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
GRADED = "graded"
OPEN = "marks by hand still open"
WAITING = "handed in, not graded yet"
MISSING = "nothing handed in"


@dataclass(frozen=True)
class Mark:
    """What one student has for one assignment, in points."""

    status: str
    raw: float = 0.0
    penalty: float = 0.0
    timestamp: str = ""

    @property
    def score(self):
        """Points after the penalty for being late, at least 0."""
        return max(0.0, self.raw - self.penalty)


def write(folder, kind, path):
    """Write all grades of a course to a CSV file.

    A mark counts once it is whole. Where a student handed nothing in, or
    marks by hand are still open, or grading is still to be done,

    - "nbgrader" has the points so far, or 0, as nbgrader's exporter does,
      and says which it is in a twelfth column, "status". It is for people:
      with a byte order mark, without which Excel garbles names;
    - "canvas" has an empty cell: not graded. Importing it over an existing
      grade takes that grade away, which Canvas shows before it does;
    - "moodle" has "-", as Moodle's own exports do: no grade. It finds
      people by ID number or email address; the second is left out unless
      all have one, since Moodle gives the marks of a row without it to the
      person in the row before.

    Args:
        folder: course directory.
        kind: "nbgrader", "canvas" or "moodle".
        path: of the file, replaced in one step.

    Returns:
        Sentences on what is not whole, to be shown.

    Raises:
        ValueError: another kind.
        FileNotFoundError: there is no gradebook.
    """
    if kind not in KINDS:
        raise ValueError(
            f"no export called {kind!r}: choose one of {', '.join(KINDS)}"
        )
    with gradebook(folder) as book:
        marks = _marks(book, folder)
        rows = KINDS[kind](book.students, book.assignments, marks)
        text = io.StringIO()
        csv.writer(text).writerows(rows)
    encoding = "utf-8-sig" if kind == "nbgrader" else "utf-8"
    write_at_once(path, text.getvalue().encode(encoding))
    return _not_whole(marks)


def harmless(cell):
    """Return a cell that no spreadsheet runs as a formula.

    Text that starts with =, +, -, @, a tab or a line end, also after blanks
    and in full width, gets a leading apostrophe. Numbers stay.

    Args:
        cell: text, number or None, which becomes an empty cell.

    Source: OWASP, "CSV Injection".
    """
    if cell is None:
        return ""
    if not isinstance(cell, str):
        return cell
    runs = cell.lstrip(" ")[:1] in tuple("=+-@\t\r\n＝＋－＠")
    return f"'{cell}" if runs else cell


def _marks(book, folder):
    """Return {(assignment, student): Mark} for all of both."""
    place, marks = course.directory(folder, ""), {}
    for assignment in book.assignments:
        handed_in = {
            submission.student_id: submission
            for submission in book.assignment_submissions(assignment.name)
        }
        for student in book.students:
            key = assignment.name, student.id
            if student.id in handed_in:
                marks[key] = _mark(handed_in[student.id])
            else:
                home = place.format_path(
                    place.submitted_directory, student.id, assignment.name
                )
                there = Path(home).is_dir()
                marks[key] = Mark(WAITING if there else MISSING)
    return marks


def _not_whole(marks):
    counts = Counter((name, m.status) for (name, _), m in marks.items())
    return [
        f"{name}: {number} x {status}"
        for (name, status), number in sorted(counts.items())
        if status != GRADED
    ]


def _mark(submission):
    return Mark(
        OPEN if submission.needs_manual_grade else GRADED,
        submission.score,
        submission.late_submission_penalty or 0.0,
        str(submission.timestamp or ""),
    )


def _nbgrader(students, assignments, marks):
    yield [*NBGRADER, "status"]
    for assignment in assignments:
        for student in students:
            mark = marks[assignment.name, student.id]
            cells = (
                assignment.name, str(assignment.duedate or ""),
                mark.timestamp, student.id, student.last_name,
                student.first_name, student.email, mark.raw, mark.penalty,
                mark.score, assignment.max_score, mark.status,
            )  # fmt: skip
            yield [harmless(cell) for cell in cells]


def _canvas(students, assignments, marks):
    """Yield Canvas's rows; the second says how many points there are.

    A column is matched by the title of an assignment in Canvas. Canvas
    looks for the student by ID, its own number, then by the two SIS ids,
    then by name. Its own number is lms_user_id, or what it put in the names
    of the files that were collected.
    """
    yield [*CANVAS, *(harmless(a.name) for a in assignments)]
    yield ["Points Possible", *[""] * 4, *(a.max_score for a in assignments)]
    for student in students:
        name = ", ".join(
            filter(None, (student.last_name, student.first_name))
        )
        number = student.id if student.id.isdecimal() else ""
        cells = (
            name or student.id, student.lms_user_id or number, student.id,
            student.email or student.id, "",
        )  # fmt: skip
        yield [
            *map(harmless, cells),
            *_whole(student, assignments, marks, otherwise=""),
        ]


def _moodle(students, assignments, marks):
    everybody = all(student.email for student in students)
    address = ["Email address"] if everybody else []
    yield ["ID number", *address, *(harmless(a.name) for a in assignments)]
    for student in students:
        cells = [student.id, student.email] if everybody else [student.id]
        yield [
            *map(harmless, cells),
            *_whole(student, assignments, marks, otherwise="-"),
        ]


def _whole(student, assignments, marks, otherwise):
    for assignment in assignments:
        mark = marks[assignment.name, student.id]
        yield mark.score if mark.status == GRADED else otherwise


KINDS = {"nbgrader": _nbgrader, "canvas": _canvas, "moodle": _moodle}
