"""Hand results to nbgrader: grades, late penalties, formgrader's copy.

nbgrader's own Autograde does all of it, on notebooks that were executed
elsewhere; manual marks stay as they are.
"""

import logging
import shutil
import tempfile
import warnings
from pathlib import Path

from course_utils.grading import course, ledger

TIMESTAMP = "timestamp.txt"
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
    from nbconvert.exporters import NotebookExporter
    from nbgrader.converters import Autograde
    from sqlalchemy import exc

    folder = Path(folder).resolve()
    own = folder / ledger.FOLDER
    own.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=own) as executed:
        home = Path(executed) / student / assignment
        home.mkdir(parents=True)
        notebook = home / course.notebook_name(assignment)
        notebook.write_text(result.notebook, "utf-8")
        handed_in = folder / "submitted" / student / assignment
        if (handed_in / TIMESTAMP).exists():
            shutil.copy(handed_in / TIMESTAMP, home)
        place = course.directory(folder, assignment, student)
        place.submitted_directory = str(Path(executed).relative_to(folder))
        config = place.config.copy()
        config.Autograde.exporter_class = NotebookExporter
        config.Autograde.sanitize_preprocessors = list(SANITIZE)
        config.Autograde.autograde_preprocessors = list(AUTOGRADE)
        converter = Autograde(coursedir=place, config=config, force=True)
        converter.log.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            # nbgrader's own queries; SQLAlchemy remarks on their order.
            warnings.simplefilter("ignore", exc.SAWarning)
            converter.start()
