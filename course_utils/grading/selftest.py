"""Attempts to break out of the sandbox.

Run as a script inside, with the targets as a JSON file, it tries them all
and prints what it could do. Outside, `escapes` sets up targets that are
harmless to hit, and runs it in a box.
"""

import contextlib
import ctypes
import json
import os
import resource
import socket
import stat
import sys

MS_REMOUNT, MS_BIND, MNT_DETACH = 32, 4096, 2
CLONE_NEWUSER = 0x10000000
PTRACE_SEIZE = 0x4206
KEYCTL_SEARCH, SESSION_KEYRING = 10, -3
KERNEL_FILES = (
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/hostname",
    "/proc/sysrq-trigger",
)
ATTEMPTS = {}
libc = ctypes.CDLL(None, use_errno=True)


def attempt(words):
    """Register a function of the targets that returns whether it got out.

    What it raises counts as no.
    """

    def register(function):
        ATTEMPTS[words] = function
        return function

    return register


@attempt("read a file of yours")
def _read(targets):
    return _holds(targets["secret"], targets["token"])


@attempt("read a file of yours through another process")
def _read_through(targets):
    ways = [f"/proc/{n}/{way}" for n in _numbers() for way in ("root", "cwd")]
    up = "/.." * 20
    return any(
        _holds(f"{way}{up}{targets['secret']}", targets["token"])
        or _holds(f"{way}{targets['secret']}", targets["token"])
        for way in ways
    )


@attempt("see files that belong to the instructor")
def _see(targets):
    return any(os.path.lexists(path) for path in targets["hidden"])


@attempt("see your processes")
def _see_process(targets):
    token = targets["token"].encode()
    return any(token in _bytes(f"/proc/{n}/cmdline") for n in _numbers())


@attempt("read your environment")
def _see_environment(targets):
    own, yours = set(os.environ), set(targets["names"])
    texts = [_bytes(f"/proc/{n}/environ") for n in _numbers()]
    items = [item for text in texts for item in text.split(b"\0")]
    return {item.split(b"=")[0].decode() for item in items} & yours - own


@attempt("use a file that you had open")
def _inherited(targets):
    numbers = map(int, os.listdir("/proc/self/fd"))
    return any(n > 2 and _is_open(n) for n in numbers)


@attempt("write outside its own folders")
def _write(targets):
    return any(_can_write(folder) for folder in targets["folders"])


@attempt("write to the kernel's settings")
def _set_kernel(targets):
    return any(_can_open(path) for path in KERNEL_FILES)


@attempt("make a read-only folder writable")
def _remount(targets):
    return any(
        libc.mount(None, path.encode(), None, MS_REMOUNT | MS_BIND, None) == 0
        for path in ("/usr", "/")
    )


@attempt("mount a file system")
def _mount(targets):
    return libc.mount(b"x", targets["own"].encode(), b"tmpfs", 0, None) == 0


@attempt("uncover what is hidden")
def _uncover(targets):
    return libc.umount2(targets["covered"].encode(), MNT_DETACH) == 0


@attempt("make a device")
def _device(targets):
    path = os.path.join(targets["own"], "device")
    os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(8, 0))
    return True


@attempt("become root in a namespace of its own")
def _namespace(targets):
    return _in_child(lambda: libc.unshare(CLONE_NEWUSER) == 0)


@attempt("become root")
def _root(targets):
    return _in_child(lambda: os.setuid(0) is None)


@attempt("keep a privilege")
def _privileges(targets):
    with open("/proc/self/status") as lines:
        status = dict(line.split(":\t", 1) for line in lines)
    kinds = ("Inh", "Prm", "Eff", "Bnd", "Amb")
    held = any(int(status[f"Cap{kind}"], 16) for kind in kinds)
    return held or int(status["NoNewPrivs"]) != 1


@attempt("lift its limits")
def _lift(targets):
    most = resource.RLIM_INFINITY
    return _in_child(
        lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)) is None
    )


@attempt("trace a process of yours")
def _trace(targets):
    return libc.ptrace(PTRACE_SEIZE, targets["pid"], None, None) == 0


@attempt("send a signal to a process of yours")
def _signal(targets):
    os.kill(targets["pid"], 0)
    return True


@attempt("use shared memory of yours")
def _shared_memory(targets):
    return libc.shmget(targets["shared"], 0, 0) >= 0


@attempt("find a key in your keyring")
def _key(targets):
    what = b"user", targets["token"].encode(), 0
    search = KEYCTL_SEARCH, SESSION_KEYRING, *what
    return libc.syscall(targets["keyctl"], *search) >= 0


@attempt("connect to a port of this computer")
def _port(targets):
    with socket.create_connection(("127.0.0.1", targets["port"]), 1):
        return True


@attempt("connect to a socket of yours by name")
def _abstract(targets):
    return _connects("\0" + targets["abstract"])


@attempt("connect to a socket of yours by path")
def _socket(targets):
    return _connects(targets["socket"])


def succeeded(targets):
    """Return the words of all attempts that got out, a list of str.

    Args:
        targets: as `targets.aimed` gives them.
    """
    out = []
    for words, function in ATTEMPTS.items():
        with contextlib.suppress(Exception):
            if function(targets):
                out.append(words)
    return out


def _numbers():
    return [name for name in os.listdir("/proc") if name.isdigit()]


def _bytes(path):
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return file.read()
    return b""


def _is_open(number):
    with contextlib.suppress(OSError):
        os.fstat(number)
        return True
    return False


def _holds(path, token):
    return _bytes(path) == token.encode()


def _can_open(path):
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_WRONLY))
        return True
    return False


def _can_write(folder):
    path = os.path.join(folder, "written-by-selftest")
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        os.unlink(path)
        return True
    return False


def _connects(address):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address)
        return True


def _in_child(succeeds):
    """Return what a function says in a child, whose state is then gone."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os._exit(0 if succeeds() else 1)
        os._exit(1)
    return os.waitpid(child, 0)[1] == 0


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        aim = json.load(file)
    print(json.dumps({"tried": len(ATTEMPTS), "out": succeeded(aim)}))
