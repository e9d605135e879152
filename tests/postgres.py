"""A real PostgreSQL server for tests, from Debian's package.

It listens on a Unix socket only, in a folder of its own, and forgets
everything at the end.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

HINT = "no PostgreSQL; on Debian or Ubuntu: apt-get install postgresql"
# Nothing here outlives a test: waiting for the disk would only cost time.
OPTIONS = "-c listen_addresses= -c fsync=off -c shared_buffers=16MB"


def find_programs():
    """Return the folder of the newest server's programs, or None."""
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(found, key=lambda p: int(p.parts[-3]), default=None)
    on_path = newest or shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextmanager
def running():
    """Yield the address of a new, empty database, in SQLAlchemy's form.

    Raises:
        RuntimeError: the server does not start; says what it said.
    """
    # Not in pytest's tmp_path: that is closed to all users but one, and a
    # socket's path may have 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        owner = _owner()
        if owner:
            os.chown(folder, owner["user"], owner["group"])
        control = ["pg_ctl", "-D", f"{folder}/data"]
        _run(["initdb", "-U", "grader", "-A", "trust", "--no-sync",
              "--no-locale", "-E", "UTF8", "-D", f"{folder}/data"],
             folder, owner)  # fmt: skip
        _run([*control, "-w", "-l", f"{folder}/log",
              "-o", f"-k {folder} {OPTIONS}", "start"],
             folder, owner)  # fmt: skip
        try:
            yield f"postgresql+psycopg://grader@/postgres?host={folder}"
        finally:
            _run([*control, "-m", "immediate", "stop"], folder, owner)


def _owner():
    """Return whom the server runs as: it refuses root."""
    if os.getuid():
        return {}
    names = {user.pw_name: user for user in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _run(command, folder, owner):
    """Run one of the server's programs."""
    program = find_programs() / command[0]
    done = subprocess.run(
        [program, *command[1:]],
        cwd=folder, capture_output=True, text=True, **owner,
    )  # fmt: skip
    if done.returncode:
        log = Path(folder, "log")
        said = log.read_text("utf-8") if log.exists() else ""
        raise RuntimeError(f"{command[0]} said: {done.stderr}{said}")
