"""The course directory: nbgrader's folders, and the one configuration."""

import os
import sys
from pathlib import Path

from course_utils.grading import names

CONFIG = "nbgrader_config.py"
COURSE_ID = "attention-measured"
STUB = 'raise NotImplementedError("an answer is still to be written")'
# Address of a database to use in place of gradebook.db, for example
# postgresql+psycopg://name:password@host/grades
GRADEBOOK = "COURSE_GRADEBOOK"
# Without the first of them, feedback shows the hidden tests.
FEEDBACK = (
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbgrader.preprocessors.GetGrades",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
)


def configure(c):
    """Set what this course asks of nbgrader, each line for a reason.

    Args:
        c: traitlets configuration, changed in place. The course's
            nbgrader_config.py calls this, then may say otherwise.
    """
    c.CourseDirectory.course_id = COURSE_ID
    if os.environ.get(GRADEBOOK):
        c.CourseDirectory.db_url = os.environ[GRADEBOOK]
    # For nbgrader's own zip_collect, which without it collects nothing.
    c.FileNameCollectorPlugin.named_regexp = names.NAMED_REGEXP
    c.Autograde.exporter_class = "course_utils.grading.refusal.Refusal"
    c.GenerateFeedback.preprocessors = list(FEEDBACK)
    # A stub that says what it is, in place of "YOUR CODE HERE".
    c.ClearSolutions.code_stub = {"python": STUB}
    c.ClearSolutions.text_stub = "*Your answer here.*"


def configuration(folder):
    """Return the configuration of a course directory.

    Args:
        folder: its nbgrader_config.py is read if there is one.
    """
    from traitlets.config import Config, PyFileConfigLoader

    if (Path(folder) / CONFIG).exists():
        return PyFileConfigLoader(CONFIG, path=str(folder)).load_config()
    config = Config()
    configure(config)
    return config


def directory(folder, assignment, student="*"):
    """Return nbgrader's `CourseDirectory` of a folder, configured.

    Args:
        folder: where source/, release/, submitted/ and so on lie.
        assignment: name of one assignment, such as "week5".
        student: id of one student, or "*" for all.
    """
    from nbgrader.coursedir import CourseDirectory

    _find_alembic()
    return CourseDirectory(
        config=configuration(folder),
        root=str(Path(folder).resolve()),
        assignment_id=assignment,
        student_id=student,
    )


def _find_alembic():
    """Put this Python's programs on the PATH.

    nbgrader starts `alembic` by name when it makes a gradebook, which fails
    where the environment was not activated.
    """
    programs = str(Path(sys.executable).parent)
    folders = os.environ.get("PATH", "").split(os.pathsep)
    if programs not in folders:
        os.environ["PATH"] = os.pathsep.join([programs, *folders])


def notebook_name(assignment):
    """Return the file name of an assignment's one notebook."""
    return f"{assignment}_assignment.ipynb"
