"""What the self-test of the sandbox aims at: harmless things to hit."""

import contextlib
import json
import os
import pathlib
import secrets
import socket
import subprocess
import sys
import tempfile

from course_utils import bundled
from course_utils.grading import selftest, walls

SECONDS = 30
IPC_CREAT, IPC_RMID, KEYCTL_UNLINK = 0o1000, 0, 9
# Folders of a clone that are the instructor's, or nobody's business.
PRIVATE = ("lessons", "assignments", "tests", "notebooks", "docs", ".git")
# Folders of the system, which the box has or has its own of.
SYSTEM = ("/usr", "/etc", "/proc", "/dev", "/sys", "/bin", "/sbin")


@contextlib.contextmanager
def aimed():
    """Set up all targets; give them as a dict to write as JSON."""
    token = secrets.token_hex(16)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        path = pathlib.Path(folder)
        (path / "secret").write_text(token)
        _listener(stack, socket.AF_UNIX, f"\0{token}")
        _key(stack, token.encode())
        yield {
            "token": token,
            "secret": str(path / "secret"),
            "hidden": [str(path), *map(str, hidden())],
            "names": list(os.environ),
            "folders": [*SYSTEM, "/", *map(str, shown())],
            "own": "/tmp",
            "covered": str(walls.GRADING),
            "pid": _process(stack, token),
            "shared": _shared_memory(stack),
            "keyctl": walls.KEYCTL,
            "port": _listener(stack, socket.AF_INET, ("127.0.0.1", 0))[1],
            "abstract": token,
            "socket": _listener(stack, socket.AF_UNIX, f"{path}/socket"),
        }


def escapes(box):
    """Return in words what got out of a box, a list of str.

    Args:
        box: `Sandbox`, not yet started; it is stopped afterwards.
    """
    with box, aimed() as targets:
        source = pathlib.Path(selftest.__file__).read_bytes()
        files = {
            "selftest.py": source,
            "targets.json": json.dumps(targets).encode(),
        }
        folder = box.conn
        script, aim = f"{folder}/selftest.py", f"{folder}/targets.json"
        box.start([sys.executable, "-I", script, aim], files)
        box.wait(SECONDS)
        return verdict(box.said)


def verdict(said):
    """Return what got out, from what the self-test printed."""
    try:
        found = json.loads(said)
        if found["tried"] == len(selftest.ATTEMPTS):
            return found["out"]
    except (ValueError, TypeError, KeyError):
        pass
    return [f"break the self-test, which said {said.strip()!r}"]


def shown():
    """Return what of this computer the box shows, the system apart."""
    return [*walls.pythons(), walls.PACKAGE, bundled.data_folder()]


def hidden():
    """Return what the box must not show, as far as it is known here."""
    kit = [p for p in walls.GRADING.iterdir() if p.name not in walls.INSIDE]
    found = [walls.PACKAGE.parent / name for name in PRIVATE]
    for place in (pathlib.Path.home(), pathlib.Path.cwd()):
        if place != pathlib.Path("/") and not _in_system(place):
            with contextlib.suppress(OSError):
                found += place.iterdir()
    return kit + [path for path in found if not _leads_to_shown(path)]


def _in_system(path):
    return any(path.is_relative_to(place) for place in SYSTEM)


def _leads_to_shown(path):
    return any(place.is_relative_to(path) for place in shown())


def _process(stack, token):
    """Start a process to aim at; return its id."""
    code = f"import time; time.sleep({2 * SECONDS})"
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", code, token])
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process.pid


def _shared_memory(stack):
    """Make shared memory to aim at; return the key that finds it."""
    key = 1 + secrets.randbelow(2**31 - 1)
    number = selftest.libc.shmget(key, 4096, IPC_CREAT | 0o666)
    stack.callback(selftest.libc.shmctl, number, IPC_RMID, None)
    return key


def _key(stack, token):
    """Put a key to aim at into this process's keyring."""
    if walls.KEYCTL is None:
        return
    call, keyring = selftest.libc.syscall, selftest.SESSION_KEYRING
    add = walls.KEYCTL - 2  # its neighbour among the system's calls
    number = call(add, b"user", token, token, len(token), keyring)
    stack.callback(call, walls.KEYCTL, KEYCTL_UNLINK, number, keyring)


def _listener(stack, family, address):
    """Listen at an address; return the address as the system has it."""
    server = stack.enter_context(socket.socket(family))
    server.bind(address)
    server.listen()
    return server.getsockname()
