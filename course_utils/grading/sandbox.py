"""A box for code that nobody has read: bubblewrap, limits and a watch.

Inside there is no network, no other process, no file of yours but this
Python and the course's package, and nothing to write to but memory. What a
program inside may use is in `Limits`; `Watch` sees to it. `check` tries to
break out, and says whether this computer's boxes hold.
"""

import contextlib
import functools
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import psutil

from course_utils.grading import targets, walls
from course_utils.grading.limits import Limits, in_words
from course_utils.grading.watch import Marked, Namespace, Watch

__all__ = ["Limits", "Sandbox", "Unavailable", "check"]

MARK = "COURSE_SANDBOX"
# Started as root, a box runs under a user of its own, so that the system's
# limit on a user's processes is the box's. No distribution gives out ids
# from here up to 2_147_000_000.
FIRST_USER = 1_900_000_000
USERS = 200_000_000
# As root everything lies below this folder, and the program is started in
# it by chroot: the kernel lets no process there open a user namespace.
JAIL = "/box"
TAIL = 8_000  # characters kept of what a program prints
HELP = (
    "On Debian and Ubuntu: apt-get install bubblewrap. It needs version 0.8 "
    "and either root or user namespaces (on Ubuntu 24.04 and later: sysctl "
    "kernel.apparmor_restrict_unprivileged_userns=0). In a virtual machine "
    "with nothing to lose, --unsafe grades without a sandbox."
)


class Unavailable(RuntimeError):
    """No sandbox on this computer, or one that does not hold."""


class Sandbox:
    """One program in a box of its own.

    Args:
        limits: `Limits`.
        unsafe: no box, only the limits and the watch, in a private folder.

    Attributes:
        conn: folder for files and sockets, as the program sees it. Its path
            is the same before and after the start.

    Raises:
        TypeError: `limits` is something else.
    """

    def __init__(self, limits=None, unsafe=False):
        limits = Limits() if limits is None else limits
        if not isinstance(limits, Limits):
            raise TypeError(f"limits should be Limits, got {limits!r}")
        self.limits = limits
        self.unsafe = bool(unsafe)
        self._folder = tempfile.mkdtemp(prefix="box-") if unsafe else None
        self.conn = self._folder or "/conn"
        self._user = FIRST_USER + secrets.randbelow(USERS)
        self._jail = JAIL if walls.is_root() else ""
        self._watch = self._group = self._program = self._reader = None
        self._said = b""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()

    def start(self, argv, files=None, environment=None):
        """Start a program; once this returns, `outside` can be used.

        Args:
            argv: list of str, the program and its arguments.
            files: {name: bytes}, put into the folder `conn` beforehand.
            environment: {name: value} of str, beside what the course needs.

        Raises:
            Unavailable: there is no bubblewrap, or it fails.
            RuntimeError: this box was started before.
            ValueError: a file's name is more than a name, or they do not fit.
        """
        if self._watch is not None:
            raise RuntimeError("a box starts once: make another Sandbox")
        files = {} if files is None else files
        for name in files:
            if name != os.path.basename(name) or name in ("", ".", ".."):
                raise ValueError(f"files: {name!r} is no plain file name")
        if sum(map(len, files.values())) > walls.CONN_BYTES:
            most = in_words(walls.CONN_BYTES)
            raise ValueError(f"files: more than {most} in all")
        usual = walls.environment(self._folder or "/desk")
        environment = {**usual, **(environment or {})}
        start = self._start_unsafe if self.unsafe else self._start_boxed
        start(list(argv), files, environment)

    @property
    def outside(self):
        """The folder `conn` as this process sees it (pathlib.Path).

        The program inside may put a symbolic link there in place of a file
        or a socket, and a link is followed outside: open no file there by
        name. The kernel's sockets are connected to before any student's
        code runs; led elsewhere later, they would send a greeting.
        """
        if self._folder:
            return pathlib.Path(self._folder)
        root = pathlib.Path(f"/proc/{self._started().init.pid}/root")
        return root / self._jail.strip("/") / "conn"

    @property
    def cause(self):
        """Why the watch killed the box, in words, or None."""
        return self._watch and self._watch.cause

    @property
    def said(self):
        """The end of what the program printed."""
        return self._said.decode(errors="replace")

    def alive(self):
        """Return whether the program runs."""
        return self._group is not None and self._group.process.poll() is None

    def interrupt(self):
        """Send SIGINT to the program itself, as Ctrl-C does."""
        if self._program is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                self._program.send_signal(signal.SIGINT)

    def wait(self, seconds):
        """Wait until the program has ended; return whether it has."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._started().process.wait(seconds)
            self._reader.join(seconds)
        return not self.alive()

    def stop(self):
        """Kill everything inside, wait until it is gone, tidy up."""
        if self._watch is not None:
            self._watch.stop()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _started(self):
        if self._group is None:
            raise RuntimeError("the box is not running yet: call start first")
        return self._group

    def _start_unsafe(self, argv, files, environment):
        for name, content in files.items():
            (self.outside / name).write_bytes(content)
        has_prlimit = shutil.which("prlimit", path=walls.PATH)
        limits = self.limits.command(own_user=False) if has_prlimit else []
        mark = secrets.token_hex(8)
        environment[MARK] = mark
        self._launch(
            lambda process: Marked(process, MARK, mark),
            [*limits, *argv], environment, cwd=self._folder,
            start_new_session=True,
        )  # fmt: skip
        self._program = self._group.process

    def _start_boxed(self, argv, files, environment):
        program = shutil.which("bwrap")
        if program is None:
            raise Unavailable(f"bubblewrap is missing. {HELP}")
        entry = f"student:x:{self._user}:{self._user}::/desk:/bin/sh\n"
        copied = {f"/conn/{name}": c for name, c in files.items()}
        copied["/etc/passwd"] = entry.encode()
        with contextlib.ExitStack() as stack:
            numbers = {
                path: stack.enter_context(_filled(content)).fileno()
                for path, content in copied.items()
            }
            fences = [stack.enter_context(f) for f in (*_pipe(), *_pipe())]
            told, tell, wait, go = fences
            signals = ["--info-fd", str(tell.fileno())]
            signals += ["--block-fd", str(wait.fileno())]
            self._launch(
                lambda process: self._namespace(process, told, tell, go),
                [program, *signals, *self._walls(numbers), *argv], environment,
                pass_fds=(tell.fileno(), wait.fileno(), *numbers.values()),
            )  # fmt: skip
        self._await_program()

    def _walls(self, numbers):
        return [
            *walls.namespaces(self._user, self._jail),
            *walls.files(self._jail, self.limits, numbers), "--",
            *walls.inner(self._user, self._jail, self.limits),
        ]  # fmt: skip

    def _namespace(self, process, told, tell, go):
        """Return the processes of the box that bubblewrap has begun.

        Args:
            process: bubblewrap.
            told, tell: ends of the pipe that it writes its child's id to.
            go: end of the pipe that the child waits for.
        """
        tell.close()
        try:
            group = Namespace(process, json.loads(told.read())["child-pid"])
            go.write(b"!")
        except (ValueError, OSError, psutil.NoSuchProcess):
            raise self._failed(process) from None
        return group

    def _failed(self, process):
        process.wait()
        self._reader.join(1)
        return Unavailable(f"bubblewrap failed: {self.said.strip()} {HELP}")

    def _launch(self, group, command, environment, **options):
        """Start a program under the watch; `group` names its processes."""

        def start():
            walls.leave_keyring()
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options,
            )  # fmt: skip
            self._reader = threading.Thread(
                target=self._listen, args=(process.stdout,), daemon=True
            )
            self._reader.start()
            return group(process)

        self._watch = Watch(start, self.limits)
        self._group = self._watch.launch()

    def _listen(self, stream):
        with stream:
            while some := stream.read1():
                self._said = (self._said + some)[-TAIL:]

    def _await_program(self):
        """Wait until the box stands and the program inside has started."""
        init = self._group.init.pid
        children = pathlib.Path(f"/proc/{init}/task/{init}/children")
        while self.alive():
            with contextlib.suppress(OSError, psutil.NoSuchProcess):
                if first := children.read_text().split():
                    self._program = psutil.Process(int(first[0]))
                    return
            time.sleep(0.001)
        failure = self._failed(self._group.process)
        if self.said.startswith("bwrap:"):
            raise failure


def check():
    """Try to break out of a box; done once, the verdict is kept.

    Raises:
        Unavailable: there is no bubblewrap, or something got out.
    """
    if escapes := _escapes():
        raise Unavailable(
            "the sandbox does not hold here. From inside one could: "
            f"{'; '.join(escapes)}. {HELP}"
        )


@functools.cache
def _escapes():
    return targets.escapes(Sandbox(Limits(wall_seconds=60)))


def _filled(content):
    """Return a temporary file that holds some bytes, at its start."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
    file.write(content)
    file.seek(0)
    return file


def _pipe():
    """Return the two ends of a pipe as unbuffered files."""
    read, write = os.pipe()
    return open(read, "rb", 0), open(write, "wb", 0)
