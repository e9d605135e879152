"""Grade a batch: on this machine, or on a cluster, by the same code.

Submissions go out as bytes and results come back (`worker.grade`); this
process alone holds the gradebook. dask.distributed sends the work of a lost
worker to another one, and gives up on a submission that lost three.
"""

import contextlib
import itertools
from dataclasses import dataclass
from pathlib import Path

from course_utils import graded
from course_utils.grading import course, ledger, merge, sandbox, worker

MOST_FAILURES = 2  # lost workers that a submission may leave behind
AHEAD = 4  # submissions handed out, for each worker
CONNECT_SECONDS = 30


@dataclass(frozen=True)
class Options:
    """How a batch runs.

    Args:
        workers: processes on this machine.
        scheduler: address of a dask cluster to use in their place.
        unsafe: run students' code without a sandbox.
        again: grade also what was graded before and has not changed.
    """

    workers: int = 1
    scheduler: str | None = None
    unsafe: bool = False
    again: bool = False

    def __post_init__(self):
        if self.workers < 1:
            raise ValueError(f"workers must be 1 or more, not {self.workers}")


def grade(folder, assignment, options, progress=lambda amount: None):
    """Grade all submissions that are new or changed.

    Args:
        folder: course directory; submissions lie in submitted/.
        assignment: such as "week5".
        options: `Options`.
        progress: called with 1 for each submission that is finished.

    Returns:
        {student: why} of those that failed for no fault of their own; they
        stay pending. All others are in the `ledger.Ledger`.

    Raises:
        FileNotFoundError: the assignment was not released.
        RuntimeError: another grading of this course is going on.
        sandbox.Unavailable: there is no sandbox that holds.
    """
    folder = Path(folder).resolve()
    job = make_job(folder, assignment, options)
    with ledger.alone(folder):
        book = ledger.Ledger(folder, assignment)
        waiting = pending(folder, assignment, job, book, options.again)
        if not waiting:
            return {}
        if not options.unsafe and options.scheduler is None:
            sandbox.check()
        failed = {}
        with _cluster(options) as client:
            for student, result in _results(client, job, waiting):
                try:
                    if not isinstance(result, worker.Result):
                        raise result
                    merge.merge(folder, assignment, student, result)
                    book.enter(student, waiting[student][1], result)
                except Exception as error:
                    failed[student] = repr(error)
                progress(1)
        return failed


def make_job(folder, assignment, options):
    """Return the `worker.Job` of an assignment.

    Raises:
        FileNotFoundError: it was not released.
    """
    name = course.notebook_name(assignment)
    texts = []
    for kind in ("source", "release"):
        path = Path(folder) / kind / assignment / name
        if not path.exists():
            raise FileNotFoundError(
                f"{path} is missing: release {assignment} first "
                "(make release WEEK=...)."
            )
        texts.append(path.read_text("utf-8"))
    seed = ledger.secret_seed(folder)
    return worker.Job(*texts, seed, unsafe=options.unsafe)


def pending(folder, assignment, job, book, again):
    """Return {student: (path, made from)} of what is to be graded."""
    texts = (job.source, job.release, str(job.seed), _properties())
    about = ledger.digest("\n".join(texts).encode())
    name = course.notebook_name(assignment)
    waiting = {}
    for path in sorted(folder.glob(f"submitted/*/{assignment}/{name}")):
        student = path.parts[-3]
        made_from = [ledger.digest(path.read_bytes()), about]
        if again or not book.is_done(student, made_from):
            waiting[student] = (path, made_from)
    return waiting


def _properties():
    """Return the text of all visible properties: part of what is graded."""
    folder = Path(graded.__file__).parent
    return "".join(p.read_text("utf-8") for p in sorted(folder.glob("*.py")))


def _results(client, job, waiting):
    """Yield (student, result or exception), as they come.

    A few submissions more than there are workers are handed out at a time,
    so that a large class need not fit into memory, nor a cluster be whole
    before the first one starts.
    """
    from dask.distributed import as_completed

    students, names, running = iter(waiting), {}, as_completed()

    def hand_out():
        room = AHEAD * max(1, len(client.nthreads())) - running.count()
        for student in itertools.islice(students, max(0, room)):
            data = waiting[student][0].read_bytes()
            future = client.submit(worker.grade, data, job, pure=False)
            names[future.key] = student
            running.add(future)

    hand_out()
    for future in running:
        hand_out()
        yield names.pop(future.key), _outcome(future, job)
        future.release()


def _outcome(future, job):
    """Return a result; a stand-in for a submission that kills workers."""
    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        why = (
            f"it was the last thing that {error.allowed_failures + 1} "
            "workers did. "
            "Look at it by hand."
        )
        return worker.set_aside(job, why)
    except sandbox.Unavailable:
        raise
    except Exception as error:
        return error


@contextlib.contextmanager
def _cluster(options):
    """Yield a client of the cluster asked for, or of one on this machine."""
    import dask
    from dask.distributed import Client, LocalCluster

    settings = {"distributed.scheduler.allowed-failures": MOST_FAILURES}
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(settings))
        where = options.scheduler
        if where is None:
            where = stack.enter_context(
                LocalCluster(
                    n_workers=options.workers,
                    threads_per_worker=1,
                    processes=True,
                    memory_limit=0,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    silence_logs="ERROR",
                )
            )
        yield stack.enter_context(Client(where, timeout=CONNECT_SECONDS))
