"""Submissions a minute: nbgrader's own autograding beside the kit's.

    python benchmarks/grading_speed.py

All submissions are right, and both graders must give them full points.
"trivial" is one small function of week 1 and its graded cell; "NumPy" and
"torch" are the whole assignments of weeks 1 and 3, figures and measurements
included. nbgrader runs in one process, on a course of its own in which each
graded cell ends with its points, as nbgrader asks; all is at its default but
the 30 seconds for a cell, which week 1's measurements may need.

A worker's first submission pays for imports and the self-test and does not
count; of the others the fastest does. Ratios within one run carry over to
other machines, unless other programs ran meanwhile: see the first line.
"""

import contextlib
import logging
import os
import shutil
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

# Before NumPy is loaded: a submission gets one core from either grader.
os.environ["OMP_NUM_THREADS"] = "1"

import nbformat  # noqa: E402
import psutil  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "lessons")]

from authoring import samples  # noqa: E402

from course_utils.graded import Task  # noqa: E402
from course_utils.grading import (  # noqa: E402
    batch,
    course,
    merge,
    release,
    walls,
    worker,
)  # fmt: skip
from course_utils.grading.kernel import Kernel  # noqa: E402

IMPORTS = "import numpy as np\n\nfrom course_utils import graded"
# In place of the kit's configuration, so that all else is nbgrader's own.
PLAIN = "c = get_config()\nc.ExecutePreprocessor.timeout = 600\n"
# A kernel of nbgrader's warns at each start that it speaks over TCP.
KERNELS = ".ipython/profile_default/ipython_kernel_config.py"
QUIET = "c = get_config()\nc.IPKernelApp.log_level = 'ERROR'\n"
REPEATS = 2
MANY = 16  # workers
RATES = """\
Submissions a minute (as a ratio to nbgrader); last, what the sandbox costs:
one worker's time with it / without."""
SECONDS = "Seconds of one submission, graded alone; cells with two canaries."
PREDICTION = f"""\
PREDICTED from these seconds, not measured: submissions a minute with {MANY}
workers on as many free cores. Results are merged one after the other."""
WAYS = {
    "kit, 1 worker": batch.Options(workers=1),
    "kit, 2 workers": batch.Options(workers=2),
    "kit, 1 worker, no sandbox": batch.Options(workers=1, unsafe=True),
}
PARTS = {
    "kernel start": (Kernel, "__enter__"),
    "cells": (Kernel, "run"),
    "judging": (Task, "judge"),
}


def mark(cell):
    """Return nbgrader's mark of a cell, or {}."""
    return cell.metadata.get("nbgrader", {})


@dataclass(frozen=True)
class Kind:
    """One kind of submission.

    Args:
        name: shown in the tables.
        week: assignment that it answers, such as "week1".
        number: how many are graded, at least two for each worker.
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
            kept = [c for c in made.cells if mark(c).get("grade_id") in ids]
            first = nbformat.v4.new_code_cell(IMPORTS, id="imports")
            made.cells = [first, *kept]
        return made


KINDS = (
    Kind("trivial", "week1", 6, "leaking_input"),
    Kind("NumPy", "week1", 6),
    Kind("torch", "week3", 4),
)


def with_calls_last(source):
    """Have a source's graded cells end with the points; return the source."""
    for cell in source.cells:
        if mark(cell).get("locked"):
            call, _, hidden = cell.source.partition("\n")
            cell.source = f"{hidden.strip()}\n\n{call}"
    return source


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
    """Return the seconds a submission takes nbgrader."""
    from nbgrader.converters import Autograde

    finished = []
    for i in range(kind.number):
        place = course.directory(folder, kind.week, f"student{i}")
        converter = Autograde(coursedir=place, config=place.config)
        converter.log.setLevel(logging.CRITICAL)
        converter.start()
        finished.append(time.perf_counter())
    require_full_points(folder, kind)
    return best_of(finished, 1)


def ours(folder, kind, options):
    """Return the seconds a submission takes the kit."""
    finished = []
    batch.grade(
        folder, kind.week, options,
        lambda amount: finished.append(time.perf_counter()),
    )  # fmt: skip
    require_full_points(folder, kind)
    return best_of(finished, options.workers)


def best_of(finished, workers):
    """Return the seconds a submission takes, by the fastest stretch.

    Args:
        finished: time of each result, after its merge, in seconds.
        workers: a stretch has as many results, one of each.
    """
    known = finished[workers - 1 :]  # each worker's first is left out
    pairs = zip(known, known[workers:], strict=False)
    return min(end - start for start, end in pairs) / workers


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
    runs = [taken_apart(data, job) for _ in range(REPEATS)]
    spent, result = min(runs, key=lambda run: run[1].seconds)
    return spent | {"merging": merging(folder, kind, result)}


def taken_apart(data, job):
    """Grade a submission; return {part: seconds} and the `worker.Result`."""
    spent = dict.fromkeys(PARTS, 0.0)
    with contextlib.ExitStack() as stack:
        for part, (home, method) in PARTS.items():
            new = timed(getattr(home, method), part, spent)
            stack.enter_context(mock.patch.object(home, method, new))
        result = worker.grade(data, job)
    spent["the rest"] = result.seconds - sum(spent.values())
    return spent | {"in a worker": result.seconds}, result


def timed(function, part, spent):
    """Return a function that adds its seconds to a part."""

    def call(*args, **kwargs):
        start = time.perf_counter()
        result = function(*args, **kwargs)
        spent[part] += time.perf_counter() - start
        return result

    return call


def merging(folder, kind, result):
    """Return the seconds a result costs the process with the gradebook."""
    times = []
    for i in range(kind.number):
        merge.merge(folder, kind.week, f"student{i}", result)
        times.append(time.perf_counter())
    return best_of(times, 1)


def measure(folder, kind):
    """Return ({way: seconds a submission}, {part: seconds}) of a kind."""
    plain, clean = folder / "plain", folder / "clean"
    plain.mkdir()
    (plain / course.CONFIG).write_text(PLAIN, "utf-8")
    make_course(plain, kind, with_calls_last(kind.source()))
    make_course(clean, kind, kind.source())
    seconds = {"nbgrader": stock(plain, kind)}
    for i, (way, options) in enumerate(WAYS.items()):
        place = shutil.copytree(clean, folder / f"way{i}")
        seconds[way] = ours(place, kind, options)
    return seconds, parts(clean, kind)


def table(title, heads, rows):
    """Print a table in Markdown below its title."""
    print(f"\n{title}\n\n| | {' | '.join(heads)} |")
    print("|---" * (len(heads) + 1) + "|")
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def report(measured):
    """Print the tables of {kind's name: what `measure` returned}."""
    rates, spent, forecast = {}, {}, {}
    for name, (seconds, part) in measured.items():
        plain, one, _, unsafe = seconds.values()
        rates[name] = [f"{60 / s:.1f} ({plain / s:.2f} x)"
                       for s in seconds.values()]  # fmt: skip
        rates[name].append(f"{one / unsafe:.2f}")
        spent[name] = [f"{s:.2f}" for s in part.values()]
        limits = [60 * MANY / part["in a worker"], 60 / part["merging"]]
        forecast[name] = [f"{x:.0f}" for x in (*limits, min(limits))]
    table(RATES, [*seconds, "sandbox"], rates)
    table(SECONDS, part, spent)
    table(PREDICTION, ["workers alone", "merging alone", "both"], forecast)


def set_up(scratch):
    """Have all processes write below a folder and use one core each."""
    os.environ.update(walls.environment(scratch))
    os.environ["DASK_TEMPORARY_DIRECTORY"] = scratch
    kernels = Path(scratch) / KERNELS
    kernels.parent.mkdir(parents=True)
    kernels.write_text(QUIET, "utf-8")
    # SQLAlchemy warns of what nbgrader does in its sessions.
    warnings.simplefilter("ignore")


def main():
    """Measure all kinds and print the tables."""
    busy = psutil.cpu_percent(interval=2)
    print(f"{os.cpu_count()} cores, before the start {busy:.0f} % busy.")
    measured = {}
    with tempfile.TemporaryDirectory() as scratch:
        set_up(scratch)
        for kind in KINDS:
            folder = Path(scratch) / kind.name
            folder.mkdir()
            measured[kind.name] = measure(folder, kind)
    report(measured)


if __name__ == "__main__":
    main()
