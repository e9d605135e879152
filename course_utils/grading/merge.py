"""Hand results to nbgrader: grades, late penalties, formgrader's copy.

nbgrader's own Autograde does all of it, on notebooks that were executed
elsewhere; manual marks stay as they are.
"""

import logging
import shutil
import warnings
from pathlib import Path

from course_utils.files import write_at_once
from course_utils.grading import course

EXECUTED = ".grading/executed"
# nbgrader's lists without executing, and without clearing what was executed.
SANITIZE = (
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
)
AUTOGRADE = (
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
)


def merge(folder, assignment, student, result):
    """Put one result into the gradebook and into autograded/.

    Args:
        folder: course directory.
        assignment: such as "week5".
        student: id; a former grade of the same work is replaced.
        result: `worker.Result`.

    Raises:
        nbgrader's NbGraderException: the gradebook could not be written.
    """
    from nbgrader.converters import Autograde
    from sqlalchemy import exc

    folder = Path(folder)
    executed = folder / EXECUTED / student / assignment
    name = course.notebook_name(assignment)
    write_at_once(executed / name, result.notebook.encode())
    handed_in = folder / "submitted" / student / assignment / "timestamp.txt"
    if handed_in.exists():
        shutil.copy(handed_in, executed)
    place = course.directory(folder, assignment, student)
    place.submitted_directory = EXECUTED
    config = place.config.copy()
    config.Autograde.pre_convert_hook = None
    config.Autograde.sanitize_preprocessors = list(SANITIZE)
    config.Autograde.autograde_preprocessors = list(AUTOGRADE)
    converter = Autograde(coursedir=place, config=config, force=True)
    converter.log.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # nbgrader's own queries; SQLAlchemy remarks on their order.
        warnings.simplefilter("ignore", exc.SAWarning)
        converter.start()
