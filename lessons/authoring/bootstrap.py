"""Make .venv and install the pinned packages: the first step of every
`make` target. Standard library only; see the Makefile for its use.

A finished environment is recognised by a stamp. A marker that is there
from before the first step until after the last one tells the next run that
an installation was cut off, whatever cut it off.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import re
import select
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "complete"
MARKER = VENV / "incomplete"
LOG = VENV / "install.log"
LISTS = ("requirements.txt", "constraints.txt")
GIGABYTE = 10**9
# Measured: 3.9 GB for the environment, 1.1 GB for packages in transit.
NEEDED_BYTES = 5 * GIGABYTE
HEARTBEAT_SECONDS = 20
LARGE_MB = 20
# JupyterLab asks the network for news and newer versions: not here. With
# all cells drawn, a link to a section lands on it.
LAB_SETTINGS = {
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    }
}


def fail(message):
    """End with one line that says what is missing and what to do."""
    sys.exit(f"Cannot set up: {message}")


def wanted():
    """Return what the stamp of an up-to-date environment says.

    It names the folder and the Python, which a virtual environment cannot
    outlive, and a digest of everything that decides what is installed.
    """
    digest = hashlib.sha256()
    for name in LISTS:
        digest.update((ROOT / name).read_bytes())
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    keys = ("dependencies", "optional-dependencies", "version")
    said = [pyproject["build-system"]]
    said += [pyproject["project"].get(key) for key in keys]
    digest.update(json.dumps(said, sort_keys=True).encode())
    python = "{}.{}".format(*sys.version_info)
    return f"{ROOT}\n{python}\n{digest.hexdigest()}\n"


def is_complete():
    """Return whether .venv holds all that is wanted, so nothing is to do."""
    if MARKER.exists() or not STAMP.exists() or not PYTHON.exists():
        return False
    return STAMP.read_text("utf-8") == wanted()


def check_machine():
    """End with a clear line if this machine lacks what it takes."""
    version = "{}.{}".format(*sys.version_info)
    if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        fail(
            f"Python {version} has no venv module. "
            f"On Debian or Ubuntu: apt-get install python{version}-venv"
        )
    if not os.access(ROOT, os.W_OK):
        fail(f"this folder is read-only: {ROOT}")
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES:
        fail(
            f"{NEEDED_BYTES / GIGABYTE:.0f} GB of free disk are needed, "
            f"{free / GIGABYTE:.1f} GB are left here."
        )


def create():
    """Make an empty virtual environment where there may be an old one."""
    old = VENV.with_name(".venv.old")
    shutil.rmtree(old, ignore_errors=True)
    if VENV.exists():
        VENV.rename(old)
        shutil.rmtree(old, ignore_errors=True)
    VENV.mkdir()
    MARKER.touch()
    base = getattr(sys, "_base_executable", sys.executable)
    made = subprocess.run(
        [base, "-m", "venv", str(VENV)], capture_output=True, text=True
    )
    if made.returncode:
        fail(f"{base} -m venv said: {(made.stdout + made.stderr).strip()}")


def is_usable():
    """Return whether .venv can be updated in place."""
    if MARKER.exists() or not PYTHON.exists():
        return False
    if STAMP.exists():
        place = STAMP.read_text("utf-8").splitlines()[0]
        if place != str(ROOT):
            return False
    ask = "import pip, sys; print(*sys.version_info[:2], sep='.')"
    answer = subprocess.run(
        [PYTHON, "-c", ask], capture_output=True, text=True
    )
    return answer.stdout.strip() == wanted().splitlines()[1]


def install():
    """Install requirements.txt into .venv, saying what goes on."""
    transit = VENV / "tmp"
    transit.mkdir(exist_ok=True)
    command = [PYTHON, "-m", "pip", "install", "--progress-bar", "off"]
    command += ["-r", "requirements.txt"]
    with LOG.open("w", encoding="utf-8") as log:
        pip = subprocess.Popen(
            command,
            cwd=ROOT,
            env={"PIP_RETRIES": "2", **os.environ, "TMPDIR": str(transit)},
            bufsize=0,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        follow(pip, log)
    shutil.rmtree(transit, ignore_errors=True)
    if pip.wait():
        fail(explain(LOG.read_text("utf-8")))


def follow(pip, log):
    """Copy pip's output to a log; print its large steps and a heartbeat."""
    start = spoken = time.monotonic()
    while True:
        ready, _, _ = select.select([pip.stdout], [], [], 1)
        now = time.monotonic()
        if ready:
            line = pip.stdout.readline().decode(errors="replace")
            if not line:
                return
            log.write(line)
            said = summary(line)
        else:
            said = f"  ... {now - start:.0f} s"
            said = said if now - spoken > HEARTBEAT_SECONDS else None
        if said:
            spoken = now
            print(said, flush=True)


def summary(line):
    """Return what a learner should see of a line of pip's, or None."""
    download = re.match(r"\s*Downloading (\S+) \((\d+)[.\d]* MB\)", line)
    if download and int(download[2]) >= LARGE_MB:
        name = download[1].rsplit("/", 1)[-1].split("-")[0]
        return f"  downloading {name}, {download[2]} MB"
    if line.startswith("Installing collected packages"):
        return f"  unpacking {line.count(',') + 1} packages"
    if line.startswith("WARNING: Retrying"):
        return "  the package index does not answer, trying again"
    return None


def explain(log):
    """Return one line that says why pip failed."""
    where = f"Details: {LOG.relative_to(ROOT)}"
    if re.search(r"No space left|Errno 28", log):
        return (
            "the disk is full (PyTorch with CUDA takes 10 GB in all). "
            f"Free some space and run it again. {where}"
        )
    silent = r"Retrying|NewConnection|NameResolution|Could not fetch URL"
    if re.search(silent, log):
        return (
            "pip cannot reach its package index. Check the network, or "
            f"pip's own settings if you are behind a proxy. {where}"
        )
    errors = re.findall(r"^\s*(?:ERROR|\w+Error): (.+)", log, re.MULTILINE)
    said = f"pip said: {errors[-1]}" if errors else "pip was stopped"
    return f"{said}. {where}"


def configure_lab():
    """Write the settings that JupyterLab starts with."""
    folder = VENV / "share" / "jupyter" / "lab" / "settings"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(LAB_SETTINGS, indent=2)
    (folder / "overrides.json").write_text(text, "utf-8")


def set_up():
    """Bring .venv up to date; do nothing if it is."""
    if is_complete():
        return
    check_machine()
    start = time.monotonic()
    if is_usable():
        print("Bringing .venv up to date.", flush=True)
        MARKER.touch()
    else:
        print("First time: installing into .venv.", flush=True)
        print("  a few minutes, most of it downloads", flush=True)
        create()
    install()
    configure_lab()
    STAMP.write_text(wanted(), "utf-8")
    MARKER.unlink()
    print(f"Ready after {time.monotonic() - start:.0f} s.", flush=True)


def main():
    """Set up, one process at a time."""
    with open(__file__, "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            set_up()
        except KeyboardInterrupt:
            fail("interrupted. Run it again to start the installation anew.")
        except OSError as error:
            fail(str(error))


if __name__ == "__main__":
    main()
