"""What nbgrader's own autograding meets: a refusal, before it has begun."""

from nbconvert.exporters import NotebookExporter
from nbgrader.converters.base import NbGraderException
from traitlets.log import get_logger

WHY = (
    "This course is graded in a sandbox: run `make grade WEEK=... FROM=...` "
    "(docs/instructor.md). Nothing was changed."
)


class Refusal(NotebookExporter):
    """Stops nbgrader's autograding, formgrader's button too.

    It would run students' code without a sandbox, and give full points
    where it finds no output. An exporter is the first thing that it makes;
    an exception in its `pre_convert_hook` would be swallowed.

    Raises:
        NbGraderException: always.
    """

    def __init__(self, *args, **kwargs):
        # nbgrader's command line swallows the exception's words.
        get_logger().error(WHY)
        raise NbGraderException(WHY)
