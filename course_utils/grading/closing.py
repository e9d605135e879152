"""The closing report: what was handed in against what was graded.

nbgrader ends with exit code 1 whether one submission failed or all did;
here every submission has a line, and every failure its cause.
"""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from course_utils.files import write_at_once
from course_utils.grading import course, exports, ledger

COLUMNS = ("student", "status", "points", "seconds", "notes")
NOT_GRADED = "not graded"


@dataclass(frozen=True)
class Row:
    """One submission: `points` are of the autograded tasks."""

    student: str
    status: str
    points: float
    seconds: float
    notes: tuple


@dataclass(frozen=True)
class Closing:
    """All submissions of an assignment, and files that became none.

    Args:
        assignment: such as "week5".
        rows: `Row`s, by student.
        problems: sentences about what could not be collected.
    """

    assignment: str
    rows: tuple
    problems: tuple

    def counts(self):
        """Return {status: how many}."""
        return Counter(row.status for row in self.rows)

    @property
    def is_whole(self):
        """Whether everything handed in has been graded."""
        rest = set(self.counts()) - {"graded", "unreadable"}
        return not rest and not self.problems

    def __str__(self):
        said = ", ".join(f"{n} {s}" for s, n in sorted(self.counts().items()))
        lines = [
            f"{self.assignment}: {len(self.rows)} submissions, "
            f"{said or 'none'}."
        ]
        for row in self.rows:
            if row.notes or row.status != "graded":
                lines.append(
                    f"  {row.student}: {row.status}, {row.points:g} points"
                )
                lines += [f"    {note}" for note in row.notes]
        lines += [f"  Not collected: {problem}" for problem in self.problems]
        return "\n".join(lines)

    def write(self, folder):
        """Write the report as CSV into .grading/; return the path."""
        text = io.StringIO()
        sheet = csv.writer(text)
        sheet.writerow(COLUMNS)
        for row in self.rows:
            cells = (row.student, row.status, row.points, row.seconds,
                     " ".join(row.notes))  # fmt: skip
            sheet.writerow([exports.harmless(cell) for cell in cells])
        name = f"{self.assignment}_report.csv"
        path = Path(folder) / ledger.FOLDER / name
        write_at_once(path, text.getvalue().encode())
        return path


def close(folder, assignment, failed, problems=()):
    """Return the `Closing` report of an assignment.

    Args:
        folder: course directory.
        assignment: such as "week5".
        failed: {student: why}, as `batch.grade` returned it.
        problems: sentences of the collection.
    """
    book = ledger.Ledger(folder, assignment)
    name = course.notebook_name(assignment)
    paths = Path(folder).glob(f"submitted/*/{assignment}/{name}")
    rows = []
    for student in sorted(path.parts[-3] for path in paths):
        entry = book.students.get(student)
        if student in failed or entry is None:
            why = (failed.get(student, "it was not reached."),)
            rows.append(Row(student, NOT_GRADED, 0.0, 0.0, why))
        else:
            points = sum(entry["points"].values())
            notes = tuple(entry["notes"])
            status, seconds = entry["status"], entry["seconds"]
            rows.append(Row(student, status, points, seconds, notes))
    return Closing(assignment, tuple(rows), tuple(problems))
