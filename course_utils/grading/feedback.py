"""Feedback: one page a student, without the hidden tests."""

import logging
from pathlib import Path

from course_utils.grading import course


def generate(folder, assignment, progress=lambda amount: None):
    """Write feedback/<student>/<assignment>/ for all that were graded.

    nbgrader does it, one student after the other; what was marked by hand
    meanwhile is in it.

    Args:
        folder: course directory.
        assignment: such as "week5".
        progress: called with 1 for each student.

    Returns:
        Paths of the pages.

    Raises:
        FileNotFoundError: nothing of this assignment was graded yet.
    """
    from nbgrader.converters import GenerateFeedback

    folder = Path(folder).resolve()
    graded = sorted(folder.glob(f"autograded/*/{assignment}"))
    if not graded:
        raise FileNotFoundError(
            f"nothing of {assignment} was graded yet (make grade WEEK=...)."
        )
    pages = []
    for place in graded:
        student = place.parts[-2]
        directory = course.directory(folder, assignment, student)
        converter = GenerateFeedback(
            coursedir=directory, config=directory.config, force=True
        )
        converter.log.setLevel(logging.ERROR)
        converter.start()
        pages += (folder / "feedback" / student / assignment).glob("*.html")
        progress(1)
    return pages
