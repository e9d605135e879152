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


def insert(notebook, code, before):
    """Insert a cell of code before the cell with a grade id."""
    ids = [_id(cell) for cell in notebook.cells]
    cell = nbformat.v4.new_code_cell(code, id=f"own-{len(ids)}")
    notebook.cells.insert(ids.index(before), cell)


def make():
    """Return {file name: bytes} of all samples."""
    source, release = read("source"), read("release")
    names = tasks(source)
    first, last = names[0], names[-1]
    some = answered(release, source, *names[: len(names) // 2])
    warned = answered(release, source)
    insert(warned, WARNING, first)
    endless = answered(release, source)
    _answer(endless, last).source = _looping(_answer(endless, last).source)
    copied = answered(release, source)
    _copy_graded(copied, first)
    hostile = answered(release, source, first)
    insert(hostile, HOSTILE, f"{first}-answer")
    mistaken = answered(release, source)
    for name in names:
        cell = _answer(mistaken, name)
        cell.source = cell.source.replace("axis=-1", "axis=-2")
    shuffled = answered(release, source)
    _below(shuffled, first)
    texts = {
        "ada.ipynb": answered(release, source),
        "blaise.ipynb": warned,
        "chen.ipynb": some,
        "dana.ipynb": mistaken,
        "emil.ipynb": release,
        "fatou.ipynb": endless,
        "gwen/week1_assignment (1).ipynb": copied,
        "hugo.ipynb": shuffled,
        "iris.ipynb": hostile,
    }
    files = {k: nbformat.writes(v).encode() for k, v in texts.items()}
    files["jo.ipynb"] = files["ada.ipynb"][:4000]
    return files


def _id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _answer(notebook, name):
    (cell,) = [c for c in notebook.cells if _id(c) == f"{name}-answer"]
    return cell


def _looping(source):
    """Return an answer that never ends: a loop in place of its body."""
    head, end, _ = source.rpartition('"""\n')
    return f"{head}{end}    while True:\n        pass"


def _copy_graded(notebook, name):
    """Copy a graded cell to just below it, and edit the copy."""
    (i,) = [i for i, c in enumerate(notebook.cells) if _id(c) == name]
    again = copy.deepcopy(notebook.cells[i])
    again.id, again.source = "own-copy", f"# trying\n{again.source}"
    notebook.cells.insert(i + 1, again)


def _below(notebook, name):
    """Move an answer below its graded cell."""
    answer = _answer(notebook, name)
    notebook.cells.remove(answer)
    (i,) = [i for i, c in enumerate(notebook.cells) if _id(c) == name]
    notebook.cells.insert(i + 1, answer)


def main():
    """Write all samples."""
    for name, content in make().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
