"""How much of the machine a student's code may use."""

import dataclasses
import math
import resource

MIB = 2**20
GIB = 2**30
# Address space is more than memory: libraries reserve far more than they
# touch, so the limit of one process lies this much above that of the box.
RESERVED_BYTES = 2 * GIB
# The system counts every thread as a process; the watch counts programs.
THREADS_PER_PROCESS = 8
OPEN_FILES = 1024


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one sandbox may use; all positive.

    Args:
        memory_bytes: memory of all its processes together.
        cpu_seconds: processor time of one process.
        wall_seconds: from start to end.
        processes: how many may run at once.
        disk_bytes: files in each of /desk, /tmp and /dev/shm. They lie in
            the computer's memory, beside `memory_bytes`.

    Raises:
        ValueError: one of them is not a positive number.
    """

    memory_bytes: int = 4 * GIB
    cpu_seconds: int = 1200
    wall_seconds: float = 900
    processes: int = 64
    disk_bytes: int = 256 * MIB

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            whole = field.type is int
            right = isinstance(value, int if whole else (int, float))
            if not right or not math.isfinite(value) or value <= 0:
                kind = "whole number" if whole else "number"
                raise ValueError(
                    f"{field.name} should be a positive {kind}, got {value!r}"
                )

    def command(self, own_user):
        """Return the start of a command line that sets the limits.

        Args:
            own_user: whether nothing else runs under the user that the
                system counts processes of; if not, they are not limited.
        """
        wanted = {
            "as": self.memory_bytes + RESERVED_BYTES,
            "cpu": self.cpu_seconds,
            "core": 0,
            "fsize": self.disk_bytes,
            "nofile": OPEN_FILES,
        }
        if own_user:
            wanted["nproc"] = self.processes * THREADS_PER_PROCESS
        options = [f"--{k}={_allowed(k, n)}" for k, n in wanted.items()]
        return ["prlimit", *options, "--"]


def in_words(size):
    """Return a number of bytes as words, such as "4 GiB"."""
    unit, name = (GIB, "GiB") if size >= GIB else (MIB, "MiB")
    return f"{size / unit:g} {name}"


def _allowed(name, wanted):
    """Return the limit wanted, or that of this process if it is lower."""
    hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
