"""The sandbox as its users see it; attacks are in test_sandbox_escapes."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import boxes
import pytest

from course_utils.grading import sandbox, targets
from course_utils.grading.limits import GIB, Limits, in_words
from course_utils.grading.sandbox import Sandbox, Unavailable

SLEEP = "import time; time.sleep(60)"
BOTH = pytest.mark.parametrize("unsafe", [False, True], ids=["box", "unsafe"])

CATCH = """
import time
for _ in range(2):
    try:
        print("ready", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("caught", flush=True)
time.sleep(60)
"""

STARTS_A_BOX = """
import sys, time
from course_utils.grading.sandbox import Sandbox
box = Sandbox()
mark = {{{mark!r}: {value!r}}}
box.start([sys.executable, "-c", {code!r}], environment=mark)
print("started", flush=True)
time.sleep(60)
"""


@pytest.fixture
def make(in_ci):
    """Return a function that starts a box, stopped after the test."""
    made = []

    def started(code, files=None, environment=None, unsafe=False, **limits):
        if not unsafe:
            boxes.require_bubblewrap(in_ci)
        box = Sandbox(Limits(**limits), unsafe)
        made.append(box)
        box.start([sys.executable, "-c", code, box.conn], files, environment)
        return box

    yield started
    for box in made:
        box.stop()


def wait_for(condition):
    """Wait until something holds; it must within 30 seconds."""
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.02)


@BOTH
def test_files_are_there_when_the_program_starts(make, unsafe):
    code = "import sys; print(open(sys.argv[1] + '/note').read())"
    box = make(code, {"note": b"hello"}, unsafe=unsafe)
    assert box.wait(30)
    assert box.said == "hello\n"


@BOTH
def test_conn_is_shared_with_the_outside(make, unsafe):
    code = (
        "import socket, sys\n"
        "server = socket.socket(socket.AF_UNIX)\n"
        "server.bind(sys.argv[1] + '/socket')\n"
        "server.listen()\n"
        "server.accept()[0].sendall(b'hello')\n"
    )
    path = make(code, unsafe=unsafe).outside / "socket"
    assert len(str(path)) < 107
    with socket.socket(socket.AF_UNIX) as client:
        wait_for(lambda: client.connect_ex(str(path)) == 0)
        assert client.recv(5) == b"hello"


@BOTH
def test_interrupt_reaches_the_program_and_stop_needs_no_consent(make, unsafe):
    box = make(CATCH, unsafe=unsafe)
    for times in (1, 2):
        wait_for(lambda times=times: box.said.count("ready") == times)
        box.interrupt()
        wait_for(lambda times=times: box.said.count("caught") == times)
    assert box.alive()
    box.stop()
    assert not box.alive()
    assert box.cause is None


@BOTH
def test_time_runs_out(make, unsafe):
    box = make(SLEEP, unsafe=unsafe, wall_seconds=0.5)
    assert box.alive()
    assert box.cause is None
    assert box.wait(30)
    assert box.cause == "ran longer than 0.5 s"


@BOTH
def test_the_environment_is_the_box_s_own(make, unsafe, monkeypatch):
    monkeypatch.setenv("OF_THE_HOST", "1")
    code = "import os; print(dict(os.environ))"
    box = make(code, environment={"GIVEN": "1"}, unsafe=unsafe)
    box.wait(30)
    assert "'GIVEN': '1'" in box.said
    assert "'COURSE_PRESET': 'quick'" in box.said
    assert "OF_THE_HOST" not in box.said


def test_the_course_can_be_used_and_its_grading_not(make):
    code = (
        "import importlib, os, course_utils\n"
        "from course_utils import bundled, graded\n"
        "graded.tasks(1)\n"
        "assert bundled.data_folder().joinpath('README.md').exists()\n"
        "print(os.getcwd(), os.environ['HOME'])\n"
        "for name in ('inside', 'sandbox'):\n"
        "    try:\n"
        "        importlib.import_module('course_utils.grading.' + name)\n"
        "        print(name, 'found')\n"
        "    except ModuleNotFoundError:\n"
        "        print(name, 'missing')\n"
    )
    box = make(code)
    box.wait(60)
    assert box.said == "/desk /desk\ninside found\nsandbox missing\n"


def test_boxes_do_not_see_one_another(make):
    first = make("open('/desk/mine', 'w'); " + SLEEP)
    second = make("import os; print(os.listdir('/desk'))")
    second.wait(30)
    assert first.alive()
    assert "mine" not in second.said


def test_a_box_outlives_the_thread_that_started_it(make):
    started = []
    thread = threading.Thread(target=lambda: started.append(make(SLEEP)))
    thread.start()
    thread.join()
    time.sleep(0.3)
    assert started[0].alive()


def test_a_box_dies_with_its_process(in_ci, root):
    boxes.require_bubblewrap(in_ci)
    mark = f"dies-{os.getpid()}"
    code = STARTS_A_BOX.format(code=SLEEP, mark=boxes.MARK, value=mark)
    owner = subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE
    )
    assert owner.stdout.readline() == b"started\n"
    assert boxes.marked(mark)
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    wait_for(lambda: not boxes.marked(mark))


def test_stop_may_come_early_and_often(make):
    Sandbox().stop()
    box = make(SLEEP)
    box.stop()
    box.stop()
    assert not box.alive()


@BOTH
def test_a_program_may_end_at_once(make, unsafe):
    for _ in range(5):
        box = make("", unsafe=unsafe)
        assert box.wait(30)
        box.interrupt()
        assert box.cause is None


def test_an_unsafe_folder_goes_with_its_box(make):
    box = make(SLEEP, files={"note": b"hello"}, unsafe=True)
    assert (box.outside / "note").exists()
    assert str(box.outside) == box.conn
    box.stop()
    assert not box.outside.exists()


def test_a_program_that_is_not_there_is_named(in_ci):
    boxes.require_bubblewrap(in_ci)
    with Sandbox() as box:
        box.start(["no-such-program"])
        assert box.wait(30)
        assert "no-such-program" in box.said


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc/passwd"])
def test_names_of_files_are_names(name):
    with pytest.raises(ValueError, match="no plain file name"):
        Sandbox().start(["true"], {name: b""})


def test_files_must_fit():
    with pytest.raises(ValueError, match="more than 16 MiB"):
        Sandbox().start(["true"], {"big": bytes(17 * 2**20)})


def test_a_box_starts_once(make):
    with pytest.raises(RuntimeError, match="starts once"):
        make(SLEEP).start(["true"])


def test_a_box_not_started_says_so():
    box = Sandbox()
    assert not box.alive()
    box.interrupt()
    with pytest.raises(RuntimeError, match="call start first"):
        _ = box.outside


def test_without_bubblewrap_one_learns_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="apt-get install bubblewrap"):
        Sandbox().start(["true"])


def test_what_bubblewrap_refuses_is_passed_on(tmp_path, monkeypatch):
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho bwrap: no, sorry\nexit 1")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="no, sorry"):
        Sandbox().start(["true"])


def test_the_sandbox_holds_here(in_ci):
    boxes.require_bubblewrap(in_ci)
    sandbox.check()


def test_a_sandbox_that_leaks_is_refused_and_tried_once(monkeypatch):
    tried = []

    def leaky(box):
        tried.append(box)
        return ["read a file of yours"]

    monkeypatch.setattr(targets, "escapes", leaky)
    sandbox._escapes.cache_clear()
    for _ in range(2):
        with pytest.raises(Unavailable, match="read a file of yours"):
            sandbox.check()
    sandbox._escapes.cache_clear()
    assert len(tried) == 1


@pytest.mark.parametrize("name", Limits.__dataclass_fields__)
@pytest.mark.parametrize("value", [0, -1, "4", None, float("nan")])
def test_limits_are_positive_numbers(name, value):
    with pytest.raises(ValueError, match=name):
        Limits(**{name: value})


def test_limits_are_no_other_thing():
    with pytest.raises(TypeError, match="should be Limits"):
        Sandbox({"processes": 3})


def test_bytes_in_words():
    assert in_words(4 * GIB) == "4 GiB"
    assert in_words(GIB // 2) == "512 MiB"
