"""The watch over a sandbox: memory, processes and time, looked at in turns.

Limits of the system hold for one process each; what all processes of a box
use together is counted here.
"""

import contextlib
import threading
import time

import psutil

from course_utils.grading.limits import MIB, in_words

PERIOD = 0.25  # seconds
PATIENCE = 10  # seconds that killed processes may take to go
# Memory that belongs to no process (files in memory, sockets' buffers) is
# not in any sum over processes; this much must stay free for the computer.
FREE_BYTES = 512 * MIB


class Namespace:
    """The processes of a box of bubblewrap.

    Args:
        process: bubblewrap itself (Popen).
        init: process id of the first process inside, seen from outside.
            All others descend from it, and die with it.
    """

    def __init__(self, process, init):
        self.process = process
        self.init = psutil.Process(init)

    def processes(self):
        """Return all processes inside but the first, which is ours."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return self.init.children(recursive=True)
        return []

    def end(self):
        """Kill all processes inside, and wait until they are gone."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self.init.kill()
        self.process.wait(PATIENCE)
        _await_end(self.init)


class Marked:
    """The processes of an unsafe box, known by a mark in the environment.

    Args:
        process: the program (Popen).
        name, value: of the environment variable that is the mark.
    """

    def __init__(self, process, name, value):
        self.process = process
        self.mark = name, value

    def processes(self):
        """Return all processes with the mark, orphans included."""
        return [p for p in psutil.process_iter() if self._has(p)]

    def _has(self, process):
        name, value = self.mark
        with contextlib.suppress(psutil.Error, OSError):
            return process.environ().get(name) == value
        return False

    def end(self):
        """Kill until none is left: a process may fork while we look."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and (left := self.processes()):
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            self.process.poll()
        self.process.wait(PATIENCE)


class Watch(threading.Thread):
    """Starts a box, and kills it when it goes beyond a limit.

    The thread that starts bubblewrap is the parent that it dies with. So
    the box cannot outlive its watch, nor the watch's process.

    Args:
        launch: function without arguments that starts the program and
            returns its `Namespace` or `Marked`.
        limits: `Limits`.
    """

    def __init__(self, launch, limits):
        super().__init__(name="sandbox-watch", daemon=True)
        self.limits = limits
        self.cause = None
        self._launch = launch
        self._group = self._error = None
        self._launched = threading.Event()
        self._over = threading.Event()

    def launch(self):
        """Start, and return what `launch` returned or raise its error."""
        self.start()
        self._launched.wait()
        if self._error is not None:
            raise self._error
        return self._group

    def run(self):
        """Launch, then look at the box until it or the watch is over."""
        try:
            self._group = self._launch()
        except Exception as error:
            self._error = error
            return
        finally:
            self._launched.set()
        until = time.monotonic() + self.limits.wall_seconds
        while self._group.process.poll() is None:
            self.cause = self._excess(until)
            if self.cause:
                self._group.end()
            if self._over.wait(PERIOD):
                return
        # A program has ended; what it left behind has no business to stay.
        self._group.end()

    def stop(self):
        """End the box and the watch."""
        self._over.set()
        if self._group is not None:
            self._group.end()
        self.join(PATIENCE)

    def _excess(self, until):
        """Return in words which limit is exceeded, or None."""
        limits = self.limits
        if time.monotonic() > until:
            return f"ran longer than {limits.wall_seconds:g} s"
        processes = self._group.processes()
        if len(processes) > limits.processes:
            return f"started more than {limits.processes} processes"
        if memory(processes, limits.memory_bytes) > limits.memory_bytes:
            return f"used more than {in_words(limits.memory_bytes)} of memory"
        if psutil.virtual_memory().available < FREE_BYTES:
            return f"left the computer less than {in_words(FREE_BYTES)} free"
        return None


def _await_end(process):
    """Wait until a process that is nobody's child here has ended.

    A namespace's first process ends when all others have. Whoever it fell
    to may leave it as a zombie for long, which holds nothing any more.
    """
    until = time.monotonic() + PATIENCE
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.is_running() and time.monotonic() < until:
            if process.status() == psutil.STATUS_ZOMBIE:
                return
            time.sleep(0.001)


def memory(processes, enough):
    """Return the memory of processes together, in bytes.

    Args:
        processes: list of psutil.Process; those that have gone count as 0.
        enough: pages that processes share are counted once, which takes
            time; they are counted in each while the sum is not above this.
    """
    total = sum(_size(p, psutil.Process.memory_info, "rss") for p in processes)
    if total <= enough:
        return total
    full = psutil.Process.memory_full_info
    return sum(_size(p, full, "pss") for p in processes)


def _size(process, measure, name):
    with contextlib.suppress(psutil.Error):
        info = measure(process)
        return getattr(info, name, info.rss)
    return 0
