"""The corpus of odd and hostile submissions: stock nbgrader beside the kit.

For each entry: the points it must get, what nbgrader 0.9 gives with its own
kernel, and what the kit gives. nbgrader runs whole inside one of the kit's
boxes, on a throwaway course with one other student already graded, since
nothing else would contain it. Network cannot be tried there.
"""

import concurrent.futures
import contextlib
import functools
import io
import json
import logging
import os
import re
import sys
import tarfile
import tempfile
import warnings
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import corpus  # noqa: E402 (it lies with the tests)

from course_utils import graded  # noqa: E402
from course_utils.grading import sandbox, worker  # noqa: E402
from course_utils.grading.limits import GIB, MIB  # noqa: E402

WEEK = "week1"
NAME = f"{WEEK}_assignment.ipynb"
LIMITS = sandbox.Limits(
    memory_bytes=GIB, wall_seconds=60, disk_bytes=64 * MIB
)
SEED = 2**61 + 3
RESULT = "RESULT "
CALL = re.compile(r"^graded\.week\d\.\w+\(\w+\)\n+", re.MULTILINE)
DRIVER = r"""
import json, logging, os, pathlib, sqlite3, sys, tarfile, warnings
import psutil
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
warnings.simplefilter("ignore")
tarfile.open("/conn/course.tar").extractall(".", filter="data")
root, reached = pathlib.Path("course").resolve(), []
os.chdir(root)
place = CourseDirectory(root=str(root), assignment_id="WEEK")
class Stock(Autograde):
    def init_assignment(self, assignment_id, student_id):
        reached.append(student_id)
        if student_id == "zoe":
            raise RuntimeError("reached, that is all")
        super().init_assignment(assignment_id, student_id)
def scores(student):
    try:
        with Gradebook(place.db_url) as book:
            cells = book.find_submission("WEEK", student).notebooks[0].grades
            return {g.name: [g.auto_score, g.needs_manual_grade]
                    for g in cells if g.cell.cell_type == "code"}
    except Exception as error:
        return {"error": type(error).__name__}
before, stopped = scores("anna"), ""
converter = Stock(coursedir=place)
converter.log.setLevel(logging.CRITICAL)
try:
    converter.start()
except BaseException as error:
    stopped = type(error).__name__
seen = ""
for path in root.glob("autograded/max/**/*.ipynb"):
    for cell in json.loads(path.read_text()).get("cells", ()):
        seen += json.dumps(cell.get("outputs", ""))
told = {
    "points": scores("max"),
    "graded": bool(list(root.glob("autograded/max/**/*.ipynb"))),
    "stopped": "zoe" not in reached,
    "gradebook": scores("anna") != before,
    "read": "BEGIN HIDDEN" in seen,
    "script": "ALARM" in seen and "<script" in seen,
    "deleted": not list(root.glob("submitted/zoe/**/*.ipynb")),
    "left": any(p.cmdline()[-1:] == ["LEFT"]
                for p in psutil.process_iter()),
}
print("\nRESULT " + json.dumps(told), flush=True)
"""
EFFECTS = {
    "stopped": "the batch stopped",
    "gradebook": "another student's points changed",
    "read": "hidden tests were read",
    "script": "a script of theirs stays in the notebook",
    "deleted": "another student's work is gone",
    "left": "a process lives on",
}


def built():
    """Return source and release of the assignment, as JSON."""
    places = (ROOT / "assignments" / k / WEEK / NAME for k in
              ("source", "release"))  # fmt: skip
    return [place.read_text("utf-8") for place in places]


def for_stock(source):
    """Return a lean source with the points as each graded cell's result."""
    made = corpus.lean(source)
    for cell in corpus.graded_cells(made):
        call = CALL.search(cell.source)[0]
        cell.source = f"{cell.source.replace(call, '', 1)}\n{call.strip()}"
    return made


@functools.cache
def course():
    """Return (archive of a course, what entries are built from).

    Anna's right answers are graded; Zoe, after Max, is never run.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "course"
        source = for_stock(nbformat.reads(built()[0], 4))
        put(root, "source", corpus.written(source))
        convert("GenerateAssignment", root)
        release = nbformat.read(root / "release" / WEEK / NAME, 4)
        right = corpus.reference(source, release)
        put(root, "submitted/anna", corpus.written(right))
        convert("Autograde", root)
        put(root, "submitted/zoe", corpus.written(right))
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w") as archive:
            archive.add(root, "course")
    return file.getvalue(), (release, right)


def put(root, place, data):
    path = root / place / WEEK / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(data)


def convert(converter, root):
    """Run one of nbgrader's converters with its defaults."""
    from nbgrader import converters
    from nbgrader.coursedir import CourseDirectory

    place = CourseDirectory(root=str(root), assignment_id=WEEK)
    made = getattr(converters, converter)(coursedir=place)
    made.log.setLevel(logging.ERROR)
    made.start()


def with_submission(archive, data):
    """Return a course's archive with Max's submission."""
    file = io.BytesIO(archive)
    with tarfile.open(fileobj=file, mode="a") as added:
        info = tarfile.TarInfo(f"course/submitted/max/{WEEK}/{NAME}")
        info.size = len(data)
        added.addfile(info, io.BytesIO(data))
    return file.getvalue()


def stock(entry):
    """Return (points or None, effects) of nbgrader on an entry."""
    archive, given = course()
    packed = with_submission(archive, entry.build(*given))
    driver = DRIVER.replace("WEEK", WEEK).replace("ALARM", corpus.ALARM)
    driver = driver.replace("LEFT", corpus.LEFT_BEHIND)
    if len(packed) > 15 * MIB:
        return None, ["not run: larger than the box's folder"]
    with sandbox.Sandbox(LIMITS) as box:
        box.start([sys.executable, "-c", driver], {"course.tar": packed})
        box.wait(LIMITS.wall_seconds + 10)
        said, cause = box.said, box.cause
    if RESULT not in said:
        return None, [f"the batch stopped: {cause or 'nbgrader was killed'}"]
    told = json.loads(said.rpartition(RESULT)[2].splitlines()[0])
    effects = [words for key, words in EFFECTS.items() if told[key]]
    if "error" in told["points"] or not told["graded"]:
        return 0.0, [*effects, "not graded"]
    grades = told["points"].values()
    if any(by_hand for _, by_hand in grades):
        effects.append("left to be marked by hand")
    return float(sum(score or 0 for score, _ in grades)), effects


def ours(entry):
    """Return (points or None, effects) of the kit on an entry."""
    texts = built()
    source, release = (nbformat.reads(text, 4) for text in texts)
    right = corpus.lean(corpus.reference(source, release))
    data = entry.build(corpus.lean(release), right)
    job = worker.Job(*texts, SEED, limits=LIMITS, cell_seconds=entry.seconds)
    for task in graded.tasks(1).values():
        task.seconds = min(entry.seconds, 10)
    try:
        result = worker.grade(data, job)
    except Exception as error:
        return None, [f"not graded: {type(error).__name__}"]
    return sum(result.points.values()), []


def must_get():
    """Return {entry: points it must get, or None}."""
    cells = corpus.graded_cells(nbformat.reads(built()[1], 4))
    most = [corpus.mark_of(cell)["points"] for cell in cells]
    return {e.name: wanted(e.expects.points, most) for e in
            corpus.everything()}  # fmt: skip


def wanted(points, most):
    if points is None:
        return None
    given = points if isinstance(points, dict) else {"rest": points}
    total = 0.0
    for i, full in enumerate(most):
        amount = given.get(i, given.get("rest", "full"))
        total += {"full": full, "zero": 0.0}.get(amount, amount)
    return total


def measure(name):
    """Return what both make of an entry; run in a process of its own."""
    warnings.simplefilter("ignore")
    entry = next(e for e in corpus.everything() if e.name == name)
    return stock(entry), ours(entry)


def shown(outcome):
    points, effects = outcome
    return ", ".join(
        [*([] if points is None else [f"{points:g}"]), *effects]
    )


def summary(rows, which):
    """Return one sentence about one of the two graders."""
    unearned = lost = stopped = outside = 0
    for must, outcomes in rows:
        points, effects = outcomes[which]
        gap = 0 if None in (must, points) else points - must
        unearned, lost = unearned + max(gap, 0), lost + max(-gap, 0)
        stopped += any("batch" in effect for effect in effects)
        outside += bool({*effects} & {*EFFECTS.values()})
    return (
        f"{unearned:g} points not earned, {lost:g} honest points lost, "
        f"batches stopped by {stopped} entries, effects outside by {outside}"
    )


def main():
    """Print a table in Markdown, then a sentence about each."""
    sandbox.check()
    # nbgrader starts alembic by name to make a gradebook.
    os.environ["PATH"] = f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}"
    must, rows = must_get(), []
    with contextlib.redirect_stderr(io.StringIO()):
        course()
    print("| entry | must get | stock nbgrader | the kit |\n|---|---|---|---|")
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        for name, outcomes in zip(must, pool.map(measure, must), strict=True):
            points = "-" if must[name] is None else f"{must[name]:g}"
            said = " | ".join(shown(outcome) for outcome in outcomes)
            print(f"| {name} | {points} | {said} |", flush=True)
            rows.append((must[name], outcomes))
    print(f"\nstock nbgrader: {summary(rows, 0)}")
    print(f"the kit: {summary(rows, 1)}")


if __name__ == "__main__":
    main()
