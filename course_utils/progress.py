"""The learner's ledger: which exercises are solved, kept in one file.

No account and no network: a JSON file in the folder COURSE_HOME (default
``~/.attention-measured``). `checks` writes it, the index notebook shows it.
"""

import html
import json
import os
import tempfile
from importlib import import_module
from pathlib import Path

FILE_NAME = "progress.json"
ORDER = ("not attempted", "incorrect", "correct")
_memory = {}
_told = set()


def ledger_path():
    """Return the ledger's path (it need not exist yet)."""
    home = os.environ.get("COURSE_HOME") or "~/.attention-measured"
    return Path(home).expanduser() / FILE_NAME


def load():
    """Return the ledger: {"1": {"softmax": "correct", ...}, ...}.

    A damaged file is put aside as ``progress.json.damaged`` and a new
    ledger begins; one line says so.
    """
    path = ledger_path()
    try:
        ledger = json.loads(path.read_text(encoding="utf-8"))
        if not _well_formed(ledger):
            raise ValueError("not a ledger")
    except FileNotFoundError:
        ledger = {}
    except OSError as error:
        _tell_once(f"progress cannot be read from {path}: {error.strerror}")
        ledger = {}
    except ValueError:
        _put_aside(path)
        ledger = {}
    for week, entries in _memory.items():
        ledger.setdefault(week, {}).update(entries)
    return ledger


def record(week, name, state):
    """Note the state of an exercise; a solved one stays solved.

    Args:
        week: lesson number.
        name: exercise name.
        state: one of `ORDER`.
    """
    ledger = load()
    entries = ledger.setdefault(str(week), {})
    best = max(state, entries.get(name, ORDER[0]), key=ORDER.index)
    if entries.get(name) == best:
        return
    entries[name] = best
    try:
        _write(ledger)
    except OSError as error:
        _memory.setdefault(str(week), {})[name] = best
        _tell_once(
            f"progress cannot be saved in {ledger_path().parent} "
            f"({error.strerror}); it is kept until this notebook closes. "
            "Set COURSE_HOME to a folder you may write to."
        )


def summary():
    """Return one (week, title, solved, total, next exercise) per week."""
    weeks = import_module("course_utils.runtime").WEEKS
    checks = import_module("course_utils.checks")
    ledger = load()
    rows = []
    for week, info in weeks.items():
        names = checks.names(week)
        done = ledger.get(str(week), {})
        open_ones = [n for n in names if done.get(n) != "correct"]
        following = open_ones[0] if open_ones else ""
        solved = len(names) - len(open_ones)
        rows.append((week, info.title, solved, len(names), following))
    return rows


class Dashboard:
    """The ledger as a table; `dashboard()` makes it."""

    def __init__(self, rows):
        self.rows = rows

    def __repr__(self):
        return "\n".join(
            f"week {week}  {title}: {solved} of {total} solved"
            + (f", next: {following}" if following else "")
            for week, title, solved, total, following in self.rows
        )

    def _repr_html_(self):
        head = "".join(
            f'<th scope="col">{name}</th>'
            for name in ("week", "lesson", "solved", "", "next exercise")
        )
        body = "".join(_html_row(*row) for row in self.rows)
        return (
            "<table><caption>Your progress</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def dashboard():
    """Return the learner's progress over all weeks, for the notebook."""
    return Dashboard(summary())


def _html_row(week, title, solved, total, following):
    bar = (
        f'<progress value="{solved}" max="{max(total, 1)}" '
        f'aria-label="week {week}: {solved} of {total}"></progress>'
    )
    cells = (
        str(week),
        html.escape(title),
        f"{solved} of {total}",
        bar,
        html.escape(following) or "all done",
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _well_formed(ledger):
    return isinstance(ledger, dict) and all(
        isinstance(entries, dict)
        and all(state in ORDER for state in entries.values())
        for entries in ledger.values()
    )


def _put_aside(path):
    aside = path.with_name(path.name + ".damaged")
    try:
        path.replace(aside)
        _tell_once(f"the ledger was damaged; it is kept as {aside.name}")
    except OSError:
        _tell_once("the ledger is damaged and cannot be moved; starting anew")


def _write(ledger):
    """Write atomically: a crash leaves the old ledger, never half a one."""
    path = ledger_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(ledger, file, indent=1, sort_keys=True)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _tell_once(line):
    if line not in _told:
        _told.add(line)
        print(line)
