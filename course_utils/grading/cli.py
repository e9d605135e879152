"""The command line of the kit; `--help` lists its commands."""

import argparse
import logging
import sys
from pathlib import Path

ASSIGNMENTS = tuple(f"week{i}" for i in range(1, 7))
COURSE = "assignments"


def main(arguments=None):
    """Run one command; return the exit code.

    0: done. 1: done, and something is left to look at. 2: not done; one
    line says why.
    """
    options = _parser().parse_args(arguments)
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    try:
        _check_course(options)
        return options.run(options)
    except KeyboardInterrupt:
        print("\nInterrupted. What was finished is kept; run it again to go "
              "on.", file=sys.stderr)  # fmt: skip
        return 2
    except (OSError, RuntimeError, ValueError) as error:
        print(f"Not done: {error}", file=sys.stderr)
        return 2


def _check_course(options):
    """Raise FileNotFoundError unless the course directory is one."""
    folder = Path(getattr(options, "course", COURSE))
    if options.run is not check and not (folder / "source").is_dir():
        raise FileNotFoundError(
            f"{folder} is no course directory: it has no folder source. Say "
            "which one is with --course."
        )


def release(options):
    """Write release/ from source/ and note it in the gradebook."""
    from course_utils.grading import release as releasing

    made = releasing.generate(options.course, options.assignment)
    print(f"Released: {made}")
    return 0


def grade(options):
    """Collect if asked, grade what is new or changed, report."""
    from course_utils.grading import batch, closing, ledger, release

    how = batch.Options(
        options.workers, options.scheduler, options.unsafe, options.again
    )
    if options.unsafe:
        print("--unsafe: students' code can read and change what you can.")
    with ledger.alone(options.course):
        release.ensure(options.course, options.assignment)
    problems = _collect(options) if options.source else []
    with _progress("grading", options) as bar:
        failed = batch.grade(
            options.course, options.assignment, how, bar.update
        )
    report = closing.close(
        options.course, options.assignment, failed, problems
    )
    print(report)
    print(f"As a table: {report.write(options.course)}")
    return 0 if report.is_whole else 1


def _collect(options):
    """Collect what was handed in, say what is odd; return problems."""
    from course_utils.grading import collect
    from course_utils.grading import students as roster

    ids = None
    if options.participants:
        ids = roster.participants(options.participants)
    gathered = collect.gather(options.source, options.assignment, ids)
    collect.store(options.course, options.assignment, gathered)
    for submission in gathered.submissions:
        for note in submission.notes:
            print(f"{submission.student}: {note}")
    return [str(problem) for problem in gathered.problems]


def feedback(options):
    """Write one page of feedback a student."""
    from course_utils.grading import feedback as giving

    with _progress("feedback", options) as bar:
        pages = giving.generate(
            options.course, options.assignment, bar.update
        )
    print(f"{len(pages)} pages in {Path(options.course) / 'feedback'}")
    return 0


def grades(options):
    """Write the grades as CSV: nbgrader's, Canvas's, Moodle's columns."""
    from course_utils.grading import exports

    remarks = {}
    for kind in exports.KINDS:
        path = Path(options.course) / f"grades_{kind}.csv"
        remarks |= dict.fromkeys(exports.write(options.course, kind, path))
        print(f"Written: {path}")
    for remark in remarks:
        print(f"  {remark}")
    return 0


def similar(options):
    """Write a report of answers that look alike."""
    from course_utils.grading import similarity

    path = Path(options.course) / f"similar_{options.assignment}.html"
    with _progress("comparing", options) as bar:
        similarity.report(
            options.course, options.assignment, path, bar.update
        )
    print(f"Written: {path}. It is no verdict: read its first lines.")
    return 0


def check(_):
    """Try to break out of the sandbox; say whether it holds."""
    from course_utils.grading import sandbox

    sandbox.check()
    print("The sandbox holds: no attempt to get out of it succeeded.")
    return 0


def students(options):
    """Load a roster, show or delete what is stored about a student."""
    from course_utils.grading import ledger
    from course_utils.grading import students as roster

    if options.load is not None:
        count = roster.load(options.course, options.load)
        print(f"{count} students are in the gradebook.")
    elif options.show is not None:
        kept = roster.stored(options.course, options.show)
        print("\n".join(map(str, kept)) or "Nothing is stored.")
    else:
        with ledger.alone(options.course):
            gone = roster.delete(options.course, options.delete)
        print("\n".join(map(str, gone)) or "Nothing was stored.")
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.grading",
        description="Release, grade and export the course's graded work.",
        epilog="docs/instructor.md explains all of it.",
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    for run in (release, grade, feedback, grades, similar, check, students):
        sub = commands.add_parser(
            run.__name__, help=run.__doc__, description=run.__doc__
        )
        sub.set_defaults(run=run)
        if run is not check:
            sub.add_argument(
                "--course",
                default=COURSE,
                metavar="FOLDER",
                help="course directory, default %(default)s",
            )
        if run in (release, grade, feedback, similar):
            sub.add_argument("assignment", choices=ASSIGNMENTS)
        if run is grade:
            _grade_options(sub)
        if run is students:
            _student_options(sub)
    return parser


def _grade_options(sub):
    sub.add_argument(
        "--from",
        dest="source",
        metavar="PLACE",
        help="collect from here first: a folder or an archive, also "
        "Moodle's and Canvas's",
    )
    sub.add_argument(
        "--participants",
        metavar="CSV",
        help="Moodle's grading worksheet: whose each participant number is",
    )
    sub.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes on this machine, default %(default)s",
    )
    sub.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="use a dask cluster, for example tcp://head-node:8786",
    )
    sub.add_argument(
        "--again",
        action="store_true",
        help="grade unchanged submissions again, too",
    )
    sub.add_argument(
        "--unsafe",
        action="store_true",
        help="without the sandbox: for code you trust",
    )


def _student_options(sub):
    what = sub.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--load",
        metavar="CSV",
        help="roster: id, first_name, last_name, email",
    )
    what.add_argument("--show", metavar="ID", help="list what is stored")
    what.add_argument("--delete", metavar="ID", help="delete all of it")


def _progress(label, options):
    """Return a progress bar over an assignment's submissions."""
    from tqdm import tqdm

    folder = Path(options.course)
    count = len(list(folder.glob(f"submitted/*/{options.assignment}")))
    return tqdm(total=count, desc=label, unit="student")
