"""Gradebooks made up for tests, through nbgrader's own interface.

nbgrader starts a process to make a gradebook; each is made once and copied.
"""

import functools
import tempfile
from pathlib import Path

from course_utils.grading import students


@functools.cache
def _made(fill=None):
    """Return the bytes of a gradebook, filled by a function."""
    with tempfile.TemporaryDirectory() as scratch:
        with students.gradebook(scratch, make=True) as book:
            if fill:
                fill(book)
        return (Path(scratch) / "gradebook.db").read_bytes()


def empty(folder):
    """Make a gradebook without assignments and students."""
    (folder / "gradebook.db").write_bytes(_made())


def filled(folder):
    """Make a gradebook: week1 and week2, and four students.

    Of week1 (8 points): ada has 7.5 less 1 for being late, bo's marks by
    hand are open, cy handed in but is not graded, di handed in nothing. Of
    week2 ada alone has all 4.
    """
    (folder / "gradebook.db").write_bytes(_made(_fill))
    (folder / "submitted/cy/week1").mkdir(parents=True)


def _fill(book):
    for name, most in (("week1", 8), ("week2", 4)):
        book.add_assignment(name)
        book.add_notebook("nb", name)
        book.add_grade_cell("task", "nb", name, max_score=most,
                            cell_type="code")  # fmt: skip
        book.add_solution_cell("task", "nb", name)
    book.add_student("ada", first_name="Ada", last_name="Lovelace, C.",
                     email="ada@example.org")  # fmt: skip
    book.add_student("bo", first_name="=cmd()", last_name="Bö")
    book.add_student("cy", first_name="=1+1")
    book.add_student("di")
    grade(book, "week1", "ada", 7.5, penalty=1.0)
    grade(book, "week1", "bo", 3.0, by_hand=True)
    grade(book, "week2", "ada", 4.0)


def grade(book, assignment, student, points, penalty=None, by_hand=False):
    """Enter points and a comment."""
    handed_in = book.add_submission(assignment, student)
    (notebook,) = handed_in.notebooks
    notebook.late_submission_penalty = penalty
    found = book.find_grade("task", "nb", assignment, student)
    found.auto_score, found.needs_manual_grade = points, by_hand
    comment = book.find_comment("task", "nb", assignment, student)
    comment.manual_comment = f"a comment for {student}"
    book.db.commit()
