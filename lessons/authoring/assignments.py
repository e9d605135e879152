"""Build graded assignments: nbgrader's source/ and release/.

The source is `lessons/weekN_assignment.py`. Three kinds of cells are marked
where they start, and become nbgrader's cells here:

    # %% answer="name"                      the student writes a function
    # %% graded="name"                      points for it, by properties
    # %% [markdown] manual="name" points=6  marked by hand, with a rubric
"""

import logging
import re
import sys
import tempfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
COURSE = ROOT / "assignments"
SCHEMA = 3


def make(path):
    """Build source and release of an assignment; return what was done."""
    from authoring import build

    week = path.stem[:5]
    source = COURSE / "source" / week / f"{path.stem}.ipynb"
    build.write(instructors(path), source)
    build.write(students(path), COURSE / "release" / week / source.name)
    return "source and release built"


def instructors(path):
    """Return the notebook with solutions and hidden properties."""
    from authoring import build

    notebook = build.build(path)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(_marked(cell, path))
    return notebook


def students(path):
    """Return the notebook without solutions and hidden properties."""
    from course_utils.grading import release

    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "source" / path.stem[:5]
        built.mkdir(parents=True)
        nbformat.write(instructors(path), built / f"{path.stem}.ipynb")
        made = release.generate(folder, path.stem[:5], logging.ERROR)
        notebook = nbformat.read(made / f"{path.stem}.ipynb", 4)
    notebook.metadata.pop("celltoolbar", None)
    return notebook


def _marked(cell, path):
    """Return a cell's metadata with its mark spelt out for nbgrader."""
    metadata = dict(cell.metadata)
    answer = metadata.pop("answer", None)
    graded = metadata.pop("graded", None)
    manual = metadata.pop("manual", None)
    points = metadata.pop("points", None)
    if graded:
        points = _tasks(path)[graded].points
    name = f"{answer}-answer" if answer else graded or manual
    if name is None:
        return metadata
    mark = {
        "schema_version": SCHEMA,
        "grade_id": name,
        "grade": answer is None,
        "solution": graded is None,
        "locked": graded is not None,
        "task": False,
    }
    if points is not None:
        mark["points"] = float(points)
    return {**metadata, "nbgrader": mark}


def _tasks(path):
    """Return the graded tasks of an assignment's week."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from course_utils import graded

    return graded.tasks(int(re.match(r"week(\d)", path.stem)[1]))
