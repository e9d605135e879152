"""A corpus of odd and hostile submissions, each with what it must get.

An entry is made from the assignment as it is now: the notebook that students
are given, and the same with all right answers. Nothing here names a task.
The dangerous ones look round first: outside a box they do nothing.
"""

import copy
import re
from dataclasses import dataclass

import nbformat
from nbformat import v4

MARKS = re.compile(r"^ *### (BEGIN|END) SOLUTION.*\n?", re.MULTILINE)
# The test puts its listener's port, and a name of its own, in their places.
PORT = b"40404"
LEFT_BEHIND = "corpus-left-behind"
# What a page that acts would call.
ALARM = "corpusAlarm"
BOXED = """
import socket
if socket.gethostname() != "box":
    raise SystemExit("this is dangerous, and runs in a box only")
"""
# An attack that ran to its end says so: one that fails by itself is no test.
TRIED = "print('tri' + 'ed')\n"


@dataclass(frozen=True)
class Expects:
    """What must come of a submission.

    Args:
        points: "full" or "zero" for all tasks, or {number of the task: one
            of these, or points}; tasks that are not named are "full".
        note: words of a note; "" if there must be none, None for any.
        status: of the result.
        said: words that must stand in an output.
    """

    points: object = "full"
    note: str | None = ""
    status: str = "graded"
    said: str = ""


@dataclass(frozen=True)
class Entry:
    """One submission.

    Args:
        name: unique.
        group: "mishap", "file", "cheat" (for points) or "break" (out, or
            something).
        build: function (release, reference) -> bytes.
        expects: `Expects`.
        seconds: after which a cell or a call is interrupted; short where
            that is what happens.
    """

    name: str
    group: str
    build: object
    expects: Expects
    seconds: float = 30


FULL, ZERO = Expects(), Expects("zero")
TRIED_FULL = Expects(said="tried")
TRIED_ZERO = Expects("zero", None, said="tried")


def reference(source, release):
    """Return a release with the source's answers filled in."""
    answers = {name_of(c): c.source for c in answer_cells(source)}
    made = copy.deepcopy(release)
    for cell in answer_cells(made):
        cell.source = MARKS.sub("", answers[name_of(cell)])
    return made


def lean(notebook):
    """Return a notebook without the cells that only draw and measure.

    Kept are the marked cells and what stands before the first of them.
    """
    kept = copy.deepcopy(notebook)
    first = start(kept)
    kept.cells = [
        cell
        for i, cell in enumerate(kept.cells)
        if i < first or mark_of(cell) or cell.cell_type != "code"
    ]
    return kept


def mark_of(cell):
    """Return nbgrader's mark of a cell, or {}."""
    return cell.metadata.get("nbgrader", {})


def answer_cells(notebook):
    """Return the cells in which students write functions."""
    return [
        c
        for c in notebook.cells
        if c.cell_type == "code" and mark_of(c).get("solution")
    ]


def graded_cells(notebook):
    """Return the locked cells that judge them, in the same order."""
    return [
        c
        for c in notebook.cells
        if c.cell_type == "code" and mark_of(c).get("grade")
    ]


def name_of(cell):
    """Return the name of the function that an answer cell asks for."""
    return mark_of(cell)["grade_id"].removesuffix("-answer")


def week_of(notebook):
    """Return the number of the week that a notebook belongs to, a str."""
    code = "\n".join(cell.source for cell in graded_cells(notebook))
    return re.search(r"graded\.week(\d)", code)[1]


def start(notebook):
    """Return the index of the first marked cell."""
    return next(i for i, c in enumerate(notebook.cells) if mark_of(c))


def written(notebook):
    """Return a notebook as bytes; copied cells get ids of their own."""
    for i, cell in enumerate(notebook.cells):
        cell.id = f"c{i}"
    return nbformat.writes(notebook).encode()


def edited(edit):
    """Return a build: all answers right, then `edit(notebook)` in place."""

    def build(_, reference):
        notebook = copy.deepcopy(reference)
        edit(notebook)
        return written(notebook)

    return build


def scratch(code, kind="code"):
    """Return a build: all answers right, and a cell before the first."""
    make = v4.new_code_cell if kind == "code" else v4.new_markdown_cell

    def edit(notebook):
        notebook.cells.insert(start(notebook), make(code))

    return edited(edit)


def wrapped(code):
    """Return a build: code after each right answer.

    In it, NAME stands for the function's name and WEEK for the week.
    """

    def edit(notebook):
        week = week_of(notebook)
        for cell in answer_cells(notebook):
            added = code.replace("NAME", name_of(cell)).replace("WEEK", week)
            cell.source += "\n\n" + added

    return edited(edit)


def answering(code, only_first=False):
    """Return a build: code in place of each answer, NAME for its name."""

    def edit(notebook):
        for cell in answer_cells(notebook)[: 1 if only_first else None]:
            cell.source = code.replace("NAME", name_of(cell))

    return edited(edit)


def attack(code, answer="def NAME(*args, **kwargs):\n    return 0.0\n"):
    """Return a build: a cell that attacks, then answers that are wrong."""

    def edit(notebook):
        for cell in answer_cells(notebook):
            cell.source = answer.replace("NAME", name_of(cell))
        notebook.cells.insert(start(notebook), v4.new_code_cell(code + TRIED))

    return edited(edit)


def mishaps(**builds):
    """Return entries of honest students that must get all points, and no
    note."""
    return [Entry(n, "mishap", build, FULL) for n, build in builds.items()]


def everything():
    """Return all entries, a list."""
    import corpus_breaks
    import corpus_cheats
    import corpus_files
    import corpus_forged
    import corpus_mishaps

    return [
        *corpus_mishaps.ENTRIES,
        *corpus_files.ENTRIES,
        *corpus_cheats.ENTRIES,
        *corpus_forged.ENTRIES,
        *corpus_breaks.ENTRIES,
    ]
