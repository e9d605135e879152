"""What has been graded: a small file, so that a batch can be resumed."""

import contextlib
import hashlib
import json
import os
import secrets
from pathlib import Path

from course_utils.files import write_at_once

FOLDER = ".grading"
SEED = "seed"


def digest(data):
    """Return the SHA-256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def secret_seed(folder):
    """Return the course's secret seed; make one the first time.

    Args:
        folder: course directory; the seed lies in .grading/seed, readable
            for its owner alone.

    Raises:
        ValueError: the file holds no number.
    """
    path = Path(folder) / FOLDER / SEED
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(f"{secrets.randbits(63)}\n")
    try:
        return int(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} should hold one whole number. Delete it for a new one; "
            "then grade all again with --again."
        ) from error


class Ledger:
    """What was graded of one assignment, {student: entry}, on disk.

    An entry holds what it was made from (digests of the submission and of
    the assignment) and what came out; it is written after the gradebook,
    so an interruption between the two costs one more run and nothing else.

    Args:
        folder: course directory.
        assignment: such as "week5".
    """

    def __init__(self, folder, assignment):
        self.path = Path(folder) / FOLDER / f"{assignment}.json"
        self.students = {}
        if self.path.exists():
            stored = json.loads(self.path.read_text("utf-8"))
            self.students = stored["students"]

    def is_done(self, student, made_from):
        """Return whether just this was graded before."""
        return self.students.get(student, {}).get("from") == made_from

    def enter(self, student, made_from, result):
        """Note a `worker.Result`."""
        self.students[student] = {
            "from": made_from,
            "status": result.status,
            "points": result.points,
            "notes": list(result.notes),
            "seconds": round(result.seconds, 2),
        }
        text = json.dumps({"students": self.students}, indent=1)
        write_at_once(self.path, text.encode())


@contextlib.contextmanager
def alone(folder):
    """Hold the course's lock: one process at a time has the gradebook.

    Raises:
        RuntimeError: another one has it.
    """
    import filelock

    place = Path(folder) / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(place / "lock")
    try:
        held = lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise RuntimeError(
            "another grading of this course is going on; wait for it to end."
        ) from error
    with held:
        yield
