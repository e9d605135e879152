"""Programs in sandboxes for tests; as a script, the same for another user.

A sandbox is built in one way for root and in another for everybody else.
Where the tests run as root, both are tested: as "nobody" this file runs as
a script, on a copy of the package that nobody may read.
"""

import json
import pathlib
import secrets
import shutil
import subprocess
import sys

import psutil

MARK = "TEST_MARK"
SECONDS = 60  # until a program that should end by itself is given up


def require_bubblewrap(in_ci):
    """Skip, or fail in CI, where bubblewrap is missing or may not run."""
    import pytest

    program = shutil.which("bwrap") or "bwrap"
    try:
        command = [program, "--ro-bind", "/", "/", "true"]
        subprocess.run(command, check=True, capture_output=True, text=True)
        return
    except FileNotFoundError:
        reason = "bubblewrap is missing: apt-get install bubblewrap"
    except subprocess.CalledProcessError as error:
        reason = f"bubblewrap may not run here: {error.stderr.strip()}"
    (pytest.fail if in_ci else pytest.skip)(reason)


def marked(mark):
    """Return the processes of this computer that carry a mark."""
    found = []
    for process in psutil.process_iter():
        try:  # a process may end between any two questions
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get(MARK) == mark:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def run(code, limits, unsafe=False):
    """Run Python code in a sandbox until it ends.

    Args:
        code: the program.
        limits: dict of `Limits`.
        unsafe: as in `Sandbox`.

    Returns:
        Dict: said, cause, and left, how many of its processes there are
        after `stop`.
    """
    from course_utils.grading.sandbox import Limits, Sandbox

    mark = secrets.token_hex(8)
    with Sandbox(Limits(**limits), unsafe) as box:
        command = [sys.executable, "-I", "-c", code]
        box.start(command, environment={MARK: mark})
        box.wait(SECONDS)
        said, cause = box.said, box.cause
    return {"said": said, "cause": cause, "left": len(marked(mark))}


def escapes():
    """Return what the self-test could do in a sandbox, a list of str."""
    from course_utils.grading import targets
    from course_utils.grading.sandbox import Sandbox

    return targets.escapes(Sandbox())


class Nobody:
    """The functions of this module, called as the user "nobody".

    Args:
        folder: pathlib.Path of an empty folder that all may enter.
        root: the repository's folder.
    """

    def __init__(self, folder, root):
        self.folder = folder
        folder.chmod(0o755)
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(
            root / "course_utils", folder / "clone/course_utils", ignore=ignore
        )
        (folder / "clone/lessons").mkdir()
        installed = pathlib.Path(psutil.__file__).parent
        shutil.copytree(installed, folder / "lib/psutil", ignore=ignore)
        shutil.copy(__file__, folder)
        self.python = self._python()

    def call(self, name, *args):
        """Call a function by its name; arguments and result as JSON."""
        text = json.dumps([name, args])
        done = self._run([self.python, self.folder / "boxes.py"], input=text)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def _run(self, command, **options):
        paths = f"{self.folder}/clone:{self.folder}/lib"
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": paths}
        return subprocess.run(
            command, user="nobody", group="nogroup", extra_groups=[],
            env=environment, cwd=self.folder, capture_output=True, text=True,
            **options,
        )  # fmt: skip

    def _python(self):
        """Return a Python that nobody may start and that loads psutil."""
        import pytest  # not at the top: nobody may not have it

        for python in (sys.executable, "/usr/bin/python3"):
            try:
                if not self._run([python, "-c", "import psutil"]).returncode:
                    return python
            except OSError:
                continue
        pytest.skip("no Python here that the user nobody may start")


if __name__ == "__main__":
    wanted, arguments = json.load(sys.stdin)
    print(json.dumps({"run": run, "escapes": escapes}[wanted](*arguments)))
