"""Release an assignment: nbgrader's source/ to release/."""

import logging
from pathlib import Path

from course_utils.grading import course


def generate(folder, assignment, level=logging.WARNING):
    """Write the students' notebook of an assignment, note it in the book.

    Args:
        folder: course directory, with source/ inside.
        assignment: its name, such as "week5".
        level: how much nbgrader logs.

    Returns:
        Path of the folder with the released notebook.

    Raises:
        FileNotFoundError: there is no such source.
    """
    from nbgrader.converters import GenerateAssignment

    folder = Path(folder).resolve()
    source = folder / "source" / assignment
    if not any(source.glob("*.ipynb")):
        raise FileNotFoundError(
            f"no notebook in {source}: build it with "
            f"`make notebooks LESSONS={assignment}_assignment`"
        )
    place = course.directory(folder, assignment)
    converter = GenerateAssignment(
        coursedir=place, config=place.config, force=True
    )
    converter.log.setLevel(level)
    converter.start()
    return folder / "release" / assignment


def ensure(folder, assignment):
    """Note an assignment in the gradebook if it is not there yet.

    On a fresh clone release/ is there and the gradebook is not.
    """
    from nbgrader.api import Gradebook, MissingEntry

    place = course.directory(folder, assignment)
    with Gradebook(place.db_url, place.course_id) as book:
        try:
            book.find_assignment(assignment)
            return
        except MissingEntry:
            pass
    generate(folder, assignment)
