"""Write constraints.txt from what .venv holds: `make pins`.

To renew a pin: install the version to be tried into .venv, run `make test`
there, and then this.
"""

import subprocess
import sys
from pathlib import Path

CONSTRAINTS = Path(__file__).resolve().parents[2] / "constraints.txt"
HEADER = """\
# Tested versions of everything that requirements.txt installs.
# Written by `make pins`; do not edit by hand.
"""
LEFT_OUT = ("attention-measured", "pip")


def frozen():
    """Return the installed packages as sorted "name==version" lines.

    A local part such as "+cpu" says how a package was built, not which one
    it is, and is left out.
    """
    command = [sys.executable, "-m", "pip", "list", "--format=freeze"]
    for name in LEFT_OUT:
        command += ["--exclude", name]
    listed = subprocess.run(
        command, capture_output=True, text=True, check=True
    )
    lines = [line.partition("+")[0] for line in listed.stdout.splitlines()]
    return sorted(lines, key=lambda line: line.split("==")[0].lower())


if __name__ == "__main__":
    CONSTRAINTS.write_text(HEADER + "\n".join(frozen()) + "\n", "utf-8")
