"""Attacks on the sandbox: ways out, and ways to harm the computer."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import boxes
import pytest

from course_utils.grading import selftest, targets, walls, watch
from course_utils.grading.limits import GIB, MIB

EVERY_ATTEMPT = pytest.mark.parametrize("attempt", selftest.ATTEMPTS)


@pytest.fixture(autouse=True)
def _bubblewrap(in_ci):
    boxes.require_bubblewrap(in_ci)


@pytest.fixture(scope="module")
def nobody(root):
    """The functions of `boxes`, called as another user; needs root."""
    if os.geteuid():
        pytest.skip("only root becomes nobody; what is tested is this user")
    with tempfile.TemporaryDirectory() as folder:
        yield boxes.Nobody(pathlib.Path(folder), root)


@pytest.fixture(params=["this user", "nobody"])
def run(request):
    """The function `boxes.run`, in this process or as nobody."""
    if request.param == "this user":
        return boxes.run
    user = request.getfixturevalue("nobody")
    return lambda *args: user.call("run", *args)


@pytest.fixture(scope="module", params=["this user", "nobody"])
def escaped(request, in_ci):
    """What the self-test could do in a sandbox."""
    boxes.require_bubblewrap(in_ci)
    if request.param == "this user":
        return boxes.escapes()
    return request.getfixturevalue("nobody").call("escapes")


@EVERY_ATTEMPT
def test_no_attempt_gets_out(escaped, attempt):
    assert not [words for words in escaped if "self-test" in words]
    assert attempt not in escaped


@pytest.fixture(scope="module")
def escaped_without_walls(in_ci):
    """What the self-test can do as root, with mounts of its own only."""
    boxes.require_bubblewrap(in_ci)
    if not walls.is_root():
        pytest.skip("only root can do all that the self-test tries")
    with contextlib.ExitStack() as stack:
        own, covered = (
            stack.enter_context(tempfile.TemporaryDirectory())
            for _ in range(2)
        )
        aim = stack.enter_context(targets.aimed())
        opened = stack.enter_context(open(__file__))
        aim |= {"own": own, "folders": [own], "covered": covered}
        (pathlib.Path(own) / "aim.json").write_text(json.dumps(aim))
        seen = ["--ro-bind", "/", "/", "--bind", own, own]
        seen += ["--bind", "/proc", "/proc", "--tmpfs", covered]
        done = subprocess.run(
            [shutil.which("bwrap"), *seen, sys.executable, "-I",
             selftest.__file__, f"{own}/aim.json"],
            env={}, pass_fds=[opened.fileno()], capture_output=True,
            text=True,
        )  # fmt: skip
        return targets.verdict(done.stdout + done.stderr)


@EVERY_ATTEMPT
def test_every_attempt_can_succeed(escaped_without_walls, attempt):
    # or the test above would hold whatever the sandbox does
    assert attempt in escaped_without_walls


def test_what_broke_the_self_test_counts_as_an_escape():
    assert "Killed" in targets.verdict("Killed")[0]
    assert targets.verdict('{"tried": 1, "out": []}')


# What follows harms a computer rather than reads it.

FORK_BOMB = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""

SWARM = """
import os, time
print("before", flush=True)
for _ in range(4):
    if os.fork() == 0:
        taken = b"1" * (200 * 2**20)
        time.sleep(60)
os.wait()
"""

SHARED = """
import os, time
taken = b"1" * (300 * 2**20)
children = [os.fork() for _ in range(2)]
time.sleep(1.5)
print("done", flush=True)
"""

DAEMON = """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        print("daemon", flush=True)
        time.sleep(60)
    os._exit(0)
os.wait()
time.sleep(0.5)
"""

FLOOD = """
while True:
    print("x" * 1000)
"""

FILL = """
import errno, os
folder, written, block = {folder!r}, 0, b"1" * 2**20
for number in range(10_000):
    try:
        with open(os.path.join(folder, str(number)), "wb") as file:
            written += file.write(block)
    except OSError as error:
        print(written, errno.errorcode[error.errno])
        break
"""

THREADS = """
import threading, time
count = 0
try:
    for count in range(5000):
        threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
except RuntimeError as error:
    print(count, error, flush=True)
import os
os._exit(0)
"""


def test_a_fork_bomb_is_stopped(run):
    outcome = run(FORK_BOMB, {"processes": 16})
    assert outcome["cause"] == "started more than 16 processes"
    assert outcome["left"] == 0


def test_threads_have_an_end(run):
    outcome = run(THREADS, {"processes": 16})
    started = int(re.match(r"(\d+) can't start", outcome["said"])[1])
    assert started < 16 * 8


def test_one_process_gets_a_memory_error(run):
    outcome = run("bytearray(8 * 2**30)", {"memory_bytes": 4 * GIB})
    assert "MemoryError" in outcome["said"]
    assert outcome["cause"] is None


def test_memory_of_all_processes_is_added_up(run):
    outcome = run(SWARM, {"memory_bytes": 512 * MIB})
    assert outcome["cause"] == "used more than 512 MiB of memory"
    assert outcome["left"] == 0


def test_memory_that_processes_share_counts_once(run):
    outcome = run(SHARED, {"memory_bytes": 512 * MIB})
    assert outcome["cause"] is None
    assert "done" in outcome["said"]


def test_a_daemon_ends_with_its_program(run):
    outcome = run(DAEMON, {})
    assert "daemon" in outcome["said"]
    assert outcome["left"] == 0


def test_a_flood_of_output_is_cut(run):
    outcome = run(FLOOD, {"wall_seconds": 1})
    assert outcome["cause"] == "ran longer than 1 s"
    assert 0 < len(outcome["said"]) <= 8000


@pytest.mark.parametrize(
    ("folder", "most"),
    [("/desk", 32), ("/tmp", 32), ("/dev/shm", 32), ("/conn", 16)],
)
def test_a_folder_fills_up(run, folder, most):
    outcome = run(FILL.format(folder=folder), {"disk_bytes": 32 * MIB})
    written, error = outcome["said"].split()
    assert error == "ENOSPC"
    assert (most - 2) * MIB <= int(written) <= most * MIB


def test_a_file_is_no_larger_than_its_folder(run):
    code = "open('/desk/big', 'wb').truncate(33 * 2**20)"
    outcome = run(code, {"disk_bytes": 32 * MIB})
    assert "File too large" in outcome["said"]


def test_processor_time_has_an_end(run):
    outcome = run("while True: pass", {"cpu_seconds": 1, "wall_seconds": 50})
    assert outcome["cause"] is None
    assert outcome["left"] == 0


def test_a_full_computer_stops_the_box(monkeypatch):
    monkeypatch.setattr(watch, "FREE_BYTES", 2**60)
    outcome = boxes.run("import time; time.sleep(60)", {})
    assert "left the computer less than" in outcome["cause"]


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (DAEMON, None),
        (SWARM, "used more than 512 MiB of memory"),
        (FLOOD, "ran longer than 2 s"),
    ],
    ids=["daemon", "memory", "time"],
)
def test_limits_hold_without_walls_too(code, cause):
    limits = {"memory_bytes": 512 * MIB, "wall_seconds": 2}
    outcome = boxes.run(code, limits, unsafe=True)
    assert outcome["cause"] == cause
    assert outcome["left"] == 0
