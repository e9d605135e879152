"""The walls of a sandbox, as options of bubblewrap.

A program inside sees, read-only: the system's programs and libraries, this
Python, the course's package without its grading, and the bundled data. Four
folders in memory can be written to. Everything else is not there.
"""

import ctypes
import os
import pathlib
import platform
import sys

from course_utils import bundled
from course_utils.grading.limits import MIB

PACKAGE = pathlib.Path(bundled.__file__).resolve().parent
GRADING = pathlib.Path(__file__).resolve().parent
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
CONN_BYTES = 16 * MIB
# Of the grading, only what runs inside.
INSIDE = ("__init__.py", "inside.py")
NAMESPACES = ("ipc", "pid", "net", "uts", "cgroup-try")
TO_SWITCH_USER = ("SETUID", "SETGID", "SETPCAP", "SYS_CHROOT")
# Number of the system call that manages the kernel's keys; C has no name for
# it. 1 stands for a new session keyring.
KEYCTL = {"x86_64": 250, "aarch64": 219}.get(platform.machine())
# Where the linker finds libraries, Debian's choice among several of a kind,
# where fonts lie, and how many processors there are (PyTorch asks).
DETAILS = (
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/fonts",
    "/sys/devices/system/cpu",
)


def namespaces(user, top):
    """Return the options that leave only files to be seen, a list of str.

    Args:
        user: user id inside.
        top: folder that `inner` makes the root, or "".
    """
    made = [f"--unshare-{name}" for name in NAMESPACES]
    made += ["--die-with-parent", "--new-session", "--hostname", "box"]
    made += ["--cap-drop", "ALL"]
    if top:
        for name in TO_SWITCH_USER:
            made += ["--cap-add", f"CAP_{name}"]
        return made + system("")
    made += ["--unshare-user", "--disable-userns"]
    return [*made, "--uid", str(user), "--gid", str(user)]


def inner(user, top, limits):
    """Return the start of the command line that runs inside.

    Args:
        user, top: as in `namespaces`.
        limits: `Limits`.
    """
    limited = ["env", "--chdir=/desk", "PWD=/desk"]
    limited += limits.command(own_user=True)
    if not top:
        return limited
    switch = [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    switch += ["--inh-caps=-all", "--bounding-set=-all", "--"]
    return ["chroot", top, "setpriv", *switch, *limited]


def files(top, limits, given):
    """Return the options that make up the file system, a list of str.

    Args:
        top: folder in the box that everything lies below, or "" for all.
        limits: `Limits`; `disk_bytes` is the size of each writable folder.
        given: {absolute path: number of an open file}, copied in.
    """
    made = folder(top) if top else []
    made += ["--proc", f"{top}/proc", "--dev", f"{top}/dev"]
    for name in ("/desk", "/tmp", "/dev/shm"):
        made += _in_memory(top + name, limits.disk_bytes)
    made += _in_memory(f"{top}/conn", CONN_BYTES)
    # After the folders in memory: a checkout may lie in /tmp or /desk.
    made += system(top)
    for path in (*pythons(), PACKAGE):
        made += read_only(top, path)
    for path in (bundled.data_folder(), *map(pathlib.Path, DETAILS)):
        if path.exists():
            made += read_only(top, path)
    made += _hidden_grading(top)
    for path, number in given.items():
        made += ["--perms", "0644", "--file", str(number), top + path]
    # What bubblewrap makes on its way is writable until told otherwise.
    return [*made, "--remount-ro", f"{top}/dev", "--remount-ro", "/"]


def system(top):
    """Return the options that show the system's programs below a folder."""
    made = ["--ro-bind", "/usr", f"{top}/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        path = pathlib.Path("/", name)
        if path.is_symlink():
            made += ["--symlink", os.readlink(path), top + str(path)]
        elif path.is_dir():
            made += ["--ro-bind", str(path), top + str(path)]
    return made


def pythons():
    """Return the folders of this Python that are not the system's."""
    named = {pathlib.Path(sys.prefix), pathlib.Path(sys.base_prefix)}
    real = {path.resolve() for path in named}
    own = [p for p in named | real if not p.is_relative_to("/usr")]
    return sorted(own, key=lambda path: len(path.parts))


def read_only(top, path):
    """Return the options that show a file or folder at its own path."""
    above = [parent for parent in path.parents if parent.name]
    made = [o for parent in above[::-1] for o in folder(f"{top}{parent}")]
    return [*made, "--ro-bind", str(path), f"{top}{path}"]


def folder(path):
    """Return the options that make a folder which all may enter."""
    return ["--perms", "0755", "--dir", str(path)]


def _hidden_grading(top):
    made = ["--perms", "0755", "--tmpfs", f"{top}{GRADING}"]
    for name in INSIDE:
        path = str(GRADING / name)
        made += ["--ro-bind-try", path, top + path]
    return [*made, "--remount-ro", f"{top}{GRADING}"]


def _in_memory(path, size):
    return ["--size", str(size), "--perms", "1777", "--tmpfs", path]


def environment(home):
    """Return the environment inside; nothing of ours is in it.

    Args:
        home: folder that the program may write to.
    """
    names = {
        "PATH": f"{sys.prefix}/bin:{PATH}",
        "HOME": home,
        "LANG": "C.UTF-8",
        "COURSE_PRESET": "quick",
        "COURSE_DATA": "bundled",
        "COURSE_NO_NETWORK": "1",
        "COURSE_HOME": f"{home}/.course",
        "COURSE_CACHE": f"{home}/.cache",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "OMP_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    # An installed package is found anyway; a clone need not be installed.
    if "site-packages" not in PACKAGE.parts:
        names["PYTHONPATH"] = str(PACKAGE.parent)
    return names


def leave_keyring():
    """Give this thread, and all it starts from now on, an empty keyring.

    The kernel keeps passwords and tickets in the old one, and namespaces do
    not part from it.
    """
    if KEYCTL is not None:
        ctypes.CDLL(None).syscall(KEYCTL, 1, None)


def is_root():
    """Return whether this process may switch to any user.

    Root in a container that has but a few users may not.
    """
    users = pathlib.Path("/proc/self/uid_map")
    if os.geteuid() or not users.exists():
        return False
    return users.read_text().split()[2] == str(2**32 - 1)
