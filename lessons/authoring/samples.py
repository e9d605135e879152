"""Make assignments/samples/: ten submissions of week 1 to practise on.

`python lessons/authoring/samples.py` writes them; all names are invented.
Together they show what an instructor meets: right, partly right, untouched,
broken in honest ways, and hostile.
"""

import copy
import re
import sys
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from authoring import assignments  # noqa: E402

FOLDER = assignments.COURSE / "samples"
SOLUTION = re.compile(r"^[^\n]*(BEGIN|END) SOLUTION[^\n]*\n?", re.MULTILINE)
WARNING = """\
import sys
import warnings

warnings.warn("a warning costs nothing")
print("50%|#####     |", file=sys.stderr)"""
HOSTILE = """\
import pathlib
import sqlite3

import numpy as np

np.allclose = lambda *args, **kwargs: True
for place in (pathlib.Path.cwd(), *pathlib.Path.cwd().parents):
    if (place / "gradebook.db").exists():
        book = sqlite3.connect(place / "gradebook.db")
        book.execute("update grade set manual_score = 100")"""


def read(kind, week="week1"):
    """Return an assignment's notebook; kind is "source" or "release"."""
    path = assignments.COURSE / kind / week / f"{week}_assignment.ipynb"
    return nbformat.read(path, 4)


def answered(release, source, *names):
    """Return a release with the right answers to some tasks, or to all.

    Args:
        release: the students' notebook.
        source: the instructor's notebook.
        names: of tasks; default all, and the question marked by hand.
    """
    right = {_id(cell): cell.source for cell in source.cells if _id(cell)}
    wanted = [f"{name}-answer" for name in names] or list(right)
    done = copy.deepcopy(release)
    for cell in done.cells:
        name = _id(cell)
        if name in wanted and cell.metadata.nbgrader.solution:
            cell.source = SOLUTION.sub("", right[name])
    return done


def tasks(source):
    """Return the names of an assignment's autograded tasks, in order."""
    marks = [cell.metadata.get("nbgrader", {}) for cell in source.cells]
    return [m["grade_id"] for m in marks if m and not m["solution"]]


def make():
    """Return {file name: bytes} of all samples."""
    source, release = read("source"), read("release")
    names = tasks(source)
    first, last = names[0], names[-1]
    right = answered(release, source)
    made = {
        "ada.ipynb": right,
        "blaise.ipynb": _inserted(right, WARNING, first),
        "chen.ipynb": answered(release, source, *names[: len(names) // 2]),
        "dana.ipynb": _mistaken(right, names),
        "emil.ipynb": release,
        "fatou.ipynb": _endless(right, last),
        "gwen/week1_assignment (1).ipynb": _copied(right, first),
        "hugo.ipynb": _shuffled(right, first),
        "iris.ipynb": _inserted(
            answered(release, source, first), HOSTILE, f"{first}-answer"
        ),
    }
    files = {k: nbformat.writes(v).encode() for k, v in made.items()}
    files["jo.ipynb"] = files["ada.ipynb"][:4000]
    return files


def _id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _place(notebook, name):
    (i,) = [i for i, c in enumerate(notebook.cells) if _id(c) == name]
    return i


def _inserted(notebook, code, before):
    """Return a copy with a cell of code before the cell of a grade id."""
    notebook = copy.deepcopy(notebook)
    cell = nbformat.v4.new_code_cell(code, id="own-cell")
    notebook.cells.insert(_place(notebook, before), cell)
    return notebook


def _mistaken(notebook, names):
    """Return a copy that sums over the wrong axis throughout."""
    notebook = copy.deepcopy(notebook)
    for name in names:
        cell = notebook.cells[_place(notebook, f"{name}-answer")]
        cell.source = cell.source.replace("axis=-1", "axis=-2")
    return notebook


def _endless(notebook, name):
    """Return a copy in which an answer's body is an endless loop."""
    notebook = copy.deepcopy(notebook)
    cell = notebook.cells[_place(notebook, f"{name}-answer")]
    head, end, _ = cell.source.rpartition('"""\n')
    cell.source = f"{head}{end}    while True:\n        pass"
    return notebook


def _copied(notebook, name):
    """Return a copy with a graded cell twice, the second one edited."""
    notebook = copy.deepcopy(notebook)
    i = _place(notebook, name)
    again = copy.deepcopy(notebook.cells[i])
    again.id, again.source = "own-copy", f"# trying\n{again.source}"
    notebook.cells.insert(i + 1, again)
    return notebook


def _shuffled(notebook, name):
    """Return a copy with an answer below its graded cell."""
    notebook = copy.deepcopy(notebook)
    answer = notebook.cells.pop(_place(notebook, f"{name}-answer"))
    notebook.cells.insert(_place(notebook, name) + 1, answer)
    return notebook


def main():
    """Write all samples."""
    for name, content in make().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
