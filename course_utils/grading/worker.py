"""Grade one submission: bytes in, a result out.

Nothing here knows students, folders or the gradebook, so it runs the same
way in this process, in one beside it, or on another machine.
"""

import hashlib
import time
from dataclasses import dataclass, field

import nbformat

from course_utils.graded.report import Report, Summary
from course_utils.grading import hidden, notebooks, outputs, sandbox
from course_utils.grading.runner import Run
from course_utils.grading.sandbox import Limits

GRADED, UNREADABLE, SET_ASIDE = "graded", "unreadable", "set aside"


@dataclass(frozen=True)
class Job:
    """What all submissions of a batch have in common.

    Args:
        source: the instructor's notebook, as JSON.
        release: the students' notebook, as JSON.
        seed: secret, a non-negative integer; each submission's own numbers
            are drawn from it and from the submission.
        limits: of a submission's sandbox.
        cell_seconds: after which a cell is interrupted.
        unsafe: run without a sandbox.
    """

    source: str
    release: str
    seed: int
    limits: Limits = field(default_factory=Limits)
    cell_seconds: float = 120
    unsafe: bool = False


@dataclass(frozen=True)
class Result:
    """What came of one submission.

    `notebook` is the executed one, as JSON, with the reports in its graded
    cells; `points` is {task: points}; `notes` are sentences for the
    instructor.
    """

    status: str
    notebook: str
    points: dict
    notes: tuple
    seconds: float


def grade(data, job):
    """Grade the bytes of one submission.

    Raises:
        sandbox.Unavailable: there is no sandbox that holds on this machine.
    """
    start = time.monotonic()
    if not job.unsafe:
        sandbox.check()
    if "torch" in job.source:
        import torch  # noqa: F401 (before memory is limited, see judging)
    tasks = hidden.load(nbformat.reads(job.source, 4))
    try:
        submitted = notebooks.parse(data)
    except notebooks.Unreadable as error:
        return _not_run(UNREADABLE, job, tasks, str(error), start)
    release = nbformat.reads(job.release, 4)
    notebook, notes = notebooks.restore(submitted, release)
    run = Run(notebook, tasks, job, _own_seed(data, job.seed))
    run.go()
    outputs.make_harmless(notebook)
    points = _put_in(notebook, tasks, run.reports)
    return _pack(GRADED, notebook, points, notes + run.notes, start)


def _own_seed(data, seed):
    """Return the seed of one submission.

    What one student's code saw and printed is of no use to another, nor to
    the same student's next try.
    """
    secret = hashlib.sha256(f"{seed}".encode() + data).digest()
    return int.from_bytes(secret[:8], "big")


def set_aside(job, why):
    """Return the result of a submission that could not be graded.

    Its answers get no points until somebody has looked at it.
    """
    tasks = hidden.load(nbformat.reads(job.source, 4))
    return _not_run(SET_ASIDE, job, tasks, why, time.monotonic())


def _not_run(status, job, tasks, why, start):
    """Return the result of a notebook without answers, and say why."""
    notebook = nbformat.reads(job.release, 4)
    points = _put_in(notebook, tasks, {})
    text = f"This submission was not run: {why}"
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell(text))
    return _pack(status, notebook, points, [why], start)


def _put_in(notebook, tasks, reports):
    """Put reports into the cells that show them; return {task: points}."""
    opened = {n: Report(n, t.title, t.points, ()) for n, t in tasks.items()}
    reports = {**opened, **reports}
    week = next(iter(tasks.values())).week
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in reports:
            cell.outputs = outputs.judged(reports[name])
        elif cell.cell_type == "code" and outputs.is_summary(cell):
            summary = Summary(week, tuple(reports.values()))
            cell.outputs = [outputs.shown(summary)]
        else:
            continue
        cell.execution_count = 1
    return {name: report.points for name, report in reports.items()}


def _pack(status, notebook, points, notes, start):
    seconds = time.monotonic() - start
    text = nbformat.writes(notebook).encode("utf-8", "replace").decode()
    return Result(status, text, points, tuple(notes), seconds)
