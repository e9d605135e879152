"""Submissions a minute: nbgrader's own autograding beside the kit's.

    python benchmarks/grading_speed.py

All submissions are right, and both graders must give them full points.
"trivial" is one small function of week 1 and its graded cell; "NumPy" and
"torch" are the whole assignments of weeks 1 and 3, figures and measurements
included. nbgrader runs with its defaults, in one process, on a course of its
own in which each graded cell ends with its points, as nbgrader asks.

What is done once (processes, imports, the sandbox's self-test) is left out
of the rates: a worker's first submission does not count. Ratios within one
run carry over to other machines; rates do not, and other programs that run
meanwhile spoil both.
"""

import contextlib
import copy
import logging
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

# Before NumPy is loaded: a submission gets one core from either grader.
os.environ["OMP_NUM_THREADS"] = "1"

import nbformat  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "lessons")]

from authoring import samples  # noqa: E402

from course_utils.graded import Task  # noqa: E402
from course_utils.grading import (  # noqa: E402
    batch,
    course,
    ledger,
    merge,
    release,
    walls,
    worker,
)
from course_utils.grading.kernel import Kernel  # noqa: E402

IMPORTS = "import numpy as np\n\nfrom course_utils import graded"
DEFAULTS = "c = get_config()\n"
REPEATS = 2
MANY = 16  # workers, in the prediction
WAYS = {
    "kit, 1 worker": batch.Options(workers=1),
    "kit, 2 workers": batch.Options(workers=2),
    "kit, 1 worker, no sandbox": batch.Options(workers=1, unsafe=True),
}
PARTS = {
    "kernel start": (Kernel, "__enter__"),
    "cells": (Kernel, "run"),
    "judging": (Task, "judge"),
    "kernel end": (Kernel, "stop"),
}


@dataclass(frozen=True)
class Kind:
    """One kind of submission.

    Args:
        name: shown in the tables.
        week: assignment that it answers, such as "week1".
        number: how many are graded, more than the workers of any way.
        task: the only one that is kept, with its answer; None keeps all.
    """

    name: str
    week: str
    number: int
    task: str | None = None

    def source(self):
        """Return the instructor's notebook."""
        made = samples.read("source", self.week)
        if self.task:
            ids = (self.task, f"{self.task}-answer")
            kept = [cell for cell in made.cells if mark(cell) in ids]
            first = nbformat.v4.new_code_cell(IMPORTS, id="imports")
            made.cells = [first, *kept]
        return made


KINDS = (
    Kind("trivial", "week1", 6, "leaking_input"),
    Kind("NumPy", "week1", 6),
    Kind("torch", "week3", 4),
)


def mark(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def with_calls_last(source):
    """Return a source whose graded cells end with the number of points."""
    made = copy.deepcopy(source)
    for cell in made.cells:
        if cell.metadata.get("nbgrader", {}).get("locked"):
            call, _, hidden = cell.source.partition("\n")
            cell.source = f"{hidden.strip()}\n\n{call}"
    return made


def make_course(folder, kind, source):
    """Make a course directory: source, release, right submissions."""
    name = course.notebook_name(kind.week)
    write(source, folder / "source" / kind.week / name)
    made = release.generate(folder, kind.week, logging.ERROR)
    right = samples.answered(nbformat.read(made / name, 4), source)
    for i in range(kind.number):
        write(right, folder / f"submitted/student{i}" / kind.week / name)


def write(notebook, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def stock(folder, kind):
    """Return the seconds a submission takes nbgrader, after the first."""
    from nbgrader.converters import Autograde

    for student in ("student0", "*"):  # what is graded is not graded again
        place = course.directory(folder, kind.week, student)
        converter = Autograde(coursedir=place, config=place.config)
        converter.log.setLevel(logging.CRITICAL)
        start = time.perf_counter()
        converter.start()
        seconds = time.perf_counter() - start
    require_full_points(folder, kind)
    return seconds / (kind.number - 1)


def ours(folder, kind, options):
    """Return the seconds a submission takes the kit, after the first ones."""
    finished = []
    failed = batch.grade(
        folder, kind.week, options,
        lambda amount: finished.append(time.perf_counter()),
    )  # fmt: skip
    if failed:
        raise RuntimeError(f"{kind.name}: not graded: {failed}")
    require_full_points(folder, kind)
    left = kind.number - options.workers
    return (finished[-1] - finished[-1 - left]) / left


def require_full_points(folder, kind):
    """Raise RuntimeError unless all submissions have all their points."""
    from nbgrader.api import Gradebook

    place = course.directory(folder, kind.week)
    with Gradebook(place.db_url, place.course_id) as book:
        graded = book.find_assignment(kind.week).submissions
        books = [submission.notebooks[0] for submission in graded]
        lost = [b.max_code_score - b.code_score for b in books]
    if len(lost) < kind.number or any(lost):
        raise RuntimeError(f"{kind.name}: points lost, by submission: {lost}")


def parts(folder, kind):
    """Return the seconds that one submission spends, {part: seconds}."""
    job = batch.make_job(folder, kind.week, batch.Options())
    name = course.notebook_name(kind.week)
    data = (folder / "submitted/student0" / kind.week / name).read_bytes()
    worker.grade(data, job)  # the self-test and imports, once
    spent = dict.fromkeys(PARTS, 0.0)
    with contextlib.ExitStack() as stack:
        for part, (home, method) in PARTS.items():
            new = timed(getattr(home, method), part, spent)
            stack.enter_context(mock.patch.object(home, method, new))
        results = [worker.grade(data, job) for _ in range(REPEATS)]
    whole = sum(result.seconds for result in results)
    spent["the rest"] = whole - sum(spent.values())
    spent["in a worker"] = whole
    made = {part: seconds / REPEATS for part, seconds in spent.items()}
    return made | {"merging": merging(folder, kind, results[0])}


def timed(function, part, spent):
    """Return a function that adds its seconds to a part."""

    def call(*args, **kwargs):
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent[part] += time.perf_counter() - start

    return call


def merging(folder, kind, result):
    """Return the seconds a result costs the process with the gradebook."""
    book = ledger.Ledger(folder, kind.week)
    times = [time.perf_counter()]
    for i in range(kind.number):
        merge.merge(folder, kind.week, f"student{i}", result)
        book.enter(f"student{i}", ["", ""], result)
        times.append(time.perf_counter())
    return (times[-1] - times[1]) / (kind.number - 1)


def measure(folder, kind):
    """Return ({way: seconds a submission}, {part: seconds}) of a kind."""
    plain, clean = folder / "plain", folder / "clean"
    plain.mkdir()
    (plain / course.CONFIG).write_text(DEFAULTS, "utf-8")
    make_course(plain, kind, with_calls_last(kind.source()))
    make_course(clean, kind, kind.source())
    seconds = {"nbgrader": stock(plain, kind)}
    for i, (way, options) in enumerate(WAYS.items()):
        place = shutil.copytree(clean, folder / f"way{i}")
        seconds[way] = ours(place, kind, options)
    return seconds, parts(clean, kind)


def table(title, heads, rows):
    """Print a table in Markdown below a sentence."""
    print(f"\n{title}\n\n| | {' | '.join(heads)} |")
    print("|---" * (len(heads) + 1) + "|")
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def report(measured):
    """Print all tables.

    Args:
        measured: {kind's name: what `measure` returned}.
    """
    rates, costs, spent, forecast = {}, {}, {}, {}
    for name, (seconds, part) in measured.items():
        base = seconds["nbgrader"]
        rates[name] = [f"{60 / s:.1f} ({base / s:.2f} x)"
                       for s in seconds.values()]  # fmt: skip
        one, _, unsafe = (seconds[way] for way in WAYS)
        costs[name] = [f"{one / unsafe:.2f}"]
        spent[name] = [f"{s:.2f}" for s in part.values()]
        workers = 60 * MANY / part["in a worker"]
        central = 60 / part["merging"]
        forecast[name] = [f"{x:.0f}" for x in
                          (workers, central, min(workers, central))]  # fmt: skip
    table("Submissions a minute (as a ratio to nbgrader).", seconds, rates)
    table("What the sandbox costs: time with it / time without, 1 worker.",
          ["ratio"], costs)  # fmt: skip
    table("Seconds of one submission, nothing beside it.", part, spent)
    table(f"PREDICTED, not measured: submissions a minute with {MANY} workers"
          " on as many free cores like these. The process with the gradebook"
          " merges one result after the other.",
          ["what the workers can", "what merging can", "the lower"],
          forecast)  # fmt: skip


def main():
    """Measure all kinds and print the tables."""
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores; load before the start: {load:.1f}.")
    measured = {}
    with tempfile.TemporaryDirectory() as scratch:
        # One environment for all, nothing of the caller's, nothing left.
        os.environ.update(walls.environment(scratch))
        os.environ["DASK_TEMPORARY_DIRECTORY"] = scratch
        for kind in KINDS:
            folder = Path(scratch) / kind.name
            folder.mkdir()
            measured[kind.name] = measure(folder, kind)
    report(measured)


if __name__ == "__main__":
    main()
