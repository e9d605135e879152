"""Breaks: out of the box, or what is in it and beside it.

The answers are right, and get their points; a cell that brings its kernel
down is left out. What each must not do, the test looks at from outside.
"""

from corpus import (
    BOXED,
    LEFT_BEHIND,
    PORT,
    TRIED,
    Entry,
    Expects,
    answering,
    scratch,
)

HUNT = """
import os
SKIPPED = {"proc", "sys", "usr", "lib", "lib64", "site-packages", "dev"}
def hunt(*endings):
    homes = ["/", os.getcwd(), os.path.expanduser("~")]
    for home in homes:
        for where, folders, names in os.walk(home):
            folders[:] = [f for f in folders if f not in SKIPPED]
            for name in names:
                if name.endswith(endings):
                    yield os.path.join(where, name)
"""
GRADEBOOK = HUNT + """
import sqlite3
for path in hunt(".db"):
    book = sqlite3.connect(path)
    for table in ("grade", "grades"):
        try:
            book.execute(f"UPDATE {table} SET auto_score = 297")
            book.commit()
        except sqlite3.Error as error:
            print(path, error)
"""
SOURCES = HUNT + """
for path in hunt(".py", ".ipynb", ".db", ".txt"):
    try:
        text = open(path, errors="replace").read()
    except OSError:
        continue
    if "BEGIN" + " HIDDEN" in text or "CANARY" in text:
        print(path, text[-20_000:])
"""
HOME = HUNT + """
SKIPPED |= {"versions"}
for path in hunt("rc", "history", "id_rsa", "secret", "token"):
    try:
        print(path, open(path, errors="replace").read(10_000))
    except OSError as error:
        print(error)
"""
PROC = """
import glob, os
for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
    try:
        print(path, open(path, "rb").read())
    except OSError as error:
        print(error)
for root in glob.glob("/proc/[0-9]*/root") + glob.glob("/proc/*/cwd"):
    try:
        print(root, os.listdir(root + "/"))
        print(open(root + "/etc/shadow").read())
    except OSError as error:
        print(error)
"""
STUBBORN = """
import time
end = time.time() + 40
while time.time() < end:
    try:
        while True: time.sleep(0.1)
    except KeyboardInterrupt:
        pass
"""
DEAF = """
import signal, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
for _ in range(400):
    time.sleep(0.1)
"""
MEMORY = BOXED + """
import time
held = []
while len(held) < 8:
    try:
        held.append(b"x" * 2**30)
    except MemoryError:
        break
time.sleep(5)
"""
CHILDREN = BOXED + """
import subprocess, sys, time
eat = "x = bytearray(b'x') * (600 * 2**20); import time; time.sleep(20)"
for _ in range(8):
    subprocess.Popen([sys.executable, "-c", eat])
time.sleep(20)
"""
FORKS = BOXED + """
import os, time
end = time.time() + 20
while time.time() < end:
    try:
        os.fork()
    except OSError:
        time.sleep(0.1)
"""
THREADS = BOXED + """
import threading, time
try:
    for _ in range(10**4):
        threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
except (RuntimeError, MemoryError):
    print("refused")
"""
DISK = BOXED + """
import os
for folder in (".", "/tmp", "/conn", "/dev/shm", "/dev", "/"):
    for i in range(3):
        try:
            with open(f"{folder}/full{i}", "wb") as file:
                for _ in range(2048):
                    file.write(b"x" * 2**20)
        except OSError as error:
            print(folder, error)
"""
INODES = BOXED + """
for i in range(20_000):
    try:
        open(f"/conn/{i}", "w").close()
    except OSError as error:
        print(error)
        break
"""
SEGFAULT = "import ctypes\nctypes.string_at(1)\n"
BACKGROUND = f"""
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        null = os.open("/dev/null", os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        os.execv(sys.executable, [sys.executable, "-c",
                 "import time; time.sleep(60)", "{LEFT_BEHIND}"])
    os._exit(0)
os.wait()
time.sleep(0.2)
"""
NETWORK = f"""
import socket
for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0"):
    try:
        socket.create_connection((host, {PORT.decode()}), 1).send(b"out")
        print(host, "reached")
    except OSError as error:
        print(host, error)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for host in ("127.0.0.1", "192.0.2.1"):
    try:
        udp.sendto(b"out", (host, {PORT.decode()}))
    except OSError as error:
        print(host, error)
try:
    print(socket.getaddrinfo("example.org", 80))
except OSError as error:
    print(error)
"""
LINKS = BOXED + """
import glob, os
for target in ("/", "/etc/passwd", "/proc/1/root", "/root"):
    os.symlink(target, "link" + target.replace("/", "-"))
for path in glob.glob("/conn/*"):
    try:
        os.remove(path)
        os.symlink("/etc/passwd", path)
    except OSError as error:
        print(path, error)
"""
REMOVES = BOXED + """
import os, shutil
kept = os.getcwd()
for name in sorted(os.listdir("/")):
    if name != "proc":
        shutil.rmtree("/" + name, ignore_errors=True)
for folder in (kept, "/tmp", "/dev/shm", "/conn"):
    print(folder, os.listdir(folder) if os.path.exists(folder) else "gone")
"""
MOUNTS = BOXED + """
import ctypes, os, subprocess
libc = ctypes.CDLL(None, use_errno=True)
for path in (b"/", b"/usr", b"/etc", b"/dev", b"/proc"):
    done = libc.mount(b"none", path, None, 32 | 4096, None)
    print("mounted" if done == 0 else os.strerror(ctypes.get_errno()))
print(libc.mount(b"/dev/vda", b"/tmp", b"ext4", 0, None))
for command in ("mount -o remount,rw /", "umount -l /usr", "chroot / id",
                "mknod disk b 8 0", "chmod 4755 /usr/bin/env"):
    subprocess.run(command, shell=True)
for path in ("/usr/owned", "/etc/owned", "/owned"):
    assert not os.access(os.path.dirname(path), os.W_OK), path
"""
NAMESPACES = BOXED + """
import ctypes, os, subprocess
libc = ctypes.CDLL(None, use_errno=True)
for flags in (0x10000000, 0x00020000, 0x10020000, 0x40000000, 0x20000000):
    done = libc.unshare(flags)
    print("unshared" if done == 0 else os.strerror(ctypes.get_errno()))
subprocess.run("unshare -Urmn sh -c 'id; mount -t tmpfs x /usr'", shell=True)
for set_to_root in (os.setuid, os.setgid):
    try:
        set_to_root(0)
        print("unshared")
    except OSError as error:
        print(error)
"""
TRACES = BOXED + """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for pid in range(1, 50):
    if pid != os.getpid():
        if libc.ptrace(16, pid, None, None) == 0:
            print("traced", pid)
        try:
            os.kill(pid, 9)
        except OSError as error:
            print(pid, error)
"""
KILLS = BOXED + """
import contextlib, os, time
for pid in (-1, 0, os.getppid()):
    with contextlib.suppress(OSError):
        os.kill(pid, 15)
time.sleep(0.5)
"""


def breaks(expects, **codes):
    return [Entry(n, "break", scratch(c), expects) for n, c in codes.items()]


def tries(note="", **codes):
    expects = Expects(note=note, said="tried")
    return breaks(expects, **{n: c + TRIED for n, c in codes.items()})


ENTRIES = [
    *tries(
        writes_to_gradebooks=GRADEBOOK,
        reads_sources=SOURCES,
        reads_home=HOME,
        reads_other_processes=PROC,
        thread_bomb=THREADS,
        fills_disks=DISK,
        fills_the_sockets_folder=INODES,
        left_in_background=BACKGROUND,
        calls_out=NETWORK,
        links_out=LINKS,
        removes_everything=REMOVES,
        mounts=MOUNTS,
        nested_namespaces=NAMESPACES,
    ),
    *breaks(
        Expects(note="left out"),
        traces_and_kills=TRACES,
        kills_all_it_can=KILLS,
        segfault=SEGFAULT,
    ),
    Entry(
        "swallows_interrupts", "break", scratch(STUBBORN),
        Expects(note="left out"), 3,
    ),
    Entry(
        "ignores_signals", "break", scratch(DEAF),
        Expects(note="left out"), 3,
    ),
    *breaks(
        Expects(note="of memory"),
        eight_gigabytes=MEMORY,
        eight_gigabytes_in_children=CHILDREN,
    ),
    *breaks(Expects(note="processes"), fork_bomb=FORKS),
    Entry(
        "exits_in_an_answer", "break",
        answering("def NAME(*args):\n    import os\n    os._exit(0)", True),
        Expects({0: "zero"}, "died while"),
    ),
    Entry(
        "endless_in_an_answer", "break",
        answering("def NAME(*args):" + STUBBORN.replace("\n", "\n    "), True),
        Expects({0: "zero"}, "died while"), 3,
    ),
]  # fmt: skip
