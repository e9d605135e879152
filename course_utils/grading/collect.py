"""Collect hand-ins: from a folder, an archive, Moodle's or Canvas's.

What nbgrader's zip_collect leaves open is closed here. It wants a pattern
for file names and collects nothing without one, with a success message:
here the platforms' names are known, and a file that becomes no submission
becomes a `Problem`. It stops the batch at the first file name that is there
twice: here one of a student's notebooks is chosen, and the choice is noted.
It takes ids from file names as they are: here they are made safe.
"""

import json
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from course_utils.grading import archives, course, names
from course_utils.grading.names import check_id


@dataclass(frozen=True)
class Submission:
    """One student's notebook.

    `student` is safe as a folder's name, `name` is for display, `origin`
    says where in the place the notebook lay, `when` is a datetime or None,
    `notes` are sentences for the instructor.
    """

    student: str
    name: str
    data: bytes
    origin: str
    when: datetime | None = None
    notes: tuple = ()


@dataclass(frozen=True)
class Problem:
    """A hand-in that became no submission, and why."""

    student: str
    origin: str
    cause: str

    def __str__(self):
        return f"{self.student} ({self.origin}): {self.cause}"


@dataclass(frozen=True)
class Gathered:
    """What was collected, by student, and what could not be."""

    submissions: tuple
    problems: tuple


def gather(place, assignment, ids=None):
    """Return the submissions in a folder or an archive.

    Known are `<student>.ipynb`, `<student>/anything.ipynb`, and the zips of
    Moodle ("Download all submissions", with folders or without) and Canvas
    ("Download Submissions"), packed or not; and an archive wherever a
    notebook may be. Of several notebooks of one student, that with cells of
    this assignment wins, then the one uploaded or changed last.

    An id that had to be changed ends in a hash of the original, so that it
    is the same every week, whoever else hands in.

    Args:
        place: a folder, or a .zip, .tar.gz, .tgz or .tar.
        assignment: its name, such as "week5".
        ids: {id as found: id to use}. Moodle needs it if grades of several
            assignments are to come together: it numbers participants anew
            in each (see `students.participants`).

    Returns:
        `Gathered`. Times are known from a timestamp.txt beside a student's
        notebook only: those in archives have no time zone, those of files
        change with copying, and a wrong time costs a student points.

    Raises:
        FileNotFoundError, ValueError: there is no such place, or no
            assignment can have that name. Students' files raise nothing.
    """
    check_id(assignment, "assignment")
    wanted = _grade_ids(assignment)
    hands, problems = {}, []
    for file in _unwrapped(list(archives.read(place)), place, assignment):
        if not file.path:
            problems.append(Problem("all", Path(place).name, file.problem))
            continue
        owner = names.owner(file.path)
        hands.setdefault(owner.key, []).append((owner, file))
    if not hands and not problems:
        cause = "nothing to collect: no notebook, no archive, no folder"
        problems.append(Problem("all", Path(place).name, cause))
    found = [
        _submission(key, files, assignment, wanted, ids or {})
        for key, files in sorted(hands.items())
    ]
    found = sorted(_without_collisions(found), key=lambda one: one.student)
    good = [one for one in found if isinstance(one, Submission)]
    problems += [one for one in found if isinstance(one, Problem)]
    return Gathered(tuple(good), tuple(problems))


def store(folder, assignment, gathered):
    """Write submissions to where nbgrader looks for them.

    A student's folder of this assignment is made beside the old one, then
    takes its place; folders of others and other assignments stay.

    Args:
        folder: course directory.
        assignment: such as "week5".
        gathered: a `Gathered`.

    Returns:
        Paths of the notebooks, byte for byte what was handed in, each with
        a timestamp.txt in UTC if the time is known.

    Raises:
        ValueError: an id or the assignment's name is unsafe; nothing was
            written.
    """
    check_id(assignment, "assignment")
    for submission in gathered.submissions:
        check_id(submission.student)
    place = course.directory(folder, assignment)
    paths = []
    for submission in gathered.submissions:
        home = place.format_path(
            place.submitted_directory, submission.student, assignment
        )
        _replace(Path(home), _contents(submission, assignment))
        paths.append(Path(home) / course.notebook_name(assignment))
    return paths


def _grade_ids(assignment):
    """Return the ids of the assignment's graded cells; none if unknown."""
    from course_utils import graded

    match = re.fullmatch(r"week([1-6])", assignment)
    return set(graded.tasks(int(match[1]))) if match else set()


def _unwrapped(files, place, assignment):
    """Return files without a folder that only wraps the whole class."""
    tops = {PurePosixPath(f.path).parts[:1] for f in files if f.path}
    name = Path(place).name.lower()
    stems = {name.removesuffix(end) for end in archives.ENDINGS}
    top = "/".join(next(iter(tops), ()))
    if len(tops) != 1 or top.lower() not in stems | {assignment}:
        return files
    if any(f.path == top for f in files):
        return files
    return [
        archives.File(f.path[len(top) + 1 :], f.data, f.modified, f.problem)
        for f in files
    ]


def _submission(key, files, assignment, wanted, ids):
    """Return a student's `Submission`, or the `Problem` with it."""
    student, notes = names.safe_id(ids.get(key, key))
    if ids and key not in ids:
        notes.append(f"{key} is not among the ids given")
    good, bad = _sorted(files, wanted)
    if not good:
        shown = ", ".join(file.path for _, file in files[:5])
        cause = "; ".join(bad[:5]) or f"no notebook among {shown}"
        return Problem(student, files[0][1].path, cause)
    owner, file, marks = good.pop()
    notes += _notes(owner, file, marks, assignment, wanted)
    notes += [f"not taken: {other.path}" for _, other, _ in good]
    notes += [f"not read: {cause}" for cause in bad]
    when = None if owner.platform else _when(files, assignment, notes)
    return Submission(
        student, owner.name, file.data, file.path, when, tuple(notes)
    )


def _sorted(files, wanted):
    """Return (owner, file, grade ids) of notebooks, best last, and what is
    wrong with the rest."""
    good, bad = [], []
    for owner, file in files:
        if not (file.problem or file.path.lower().endswith(".ipynb")):
            continue
        marks, cause = _look(file)
        if cause:
            bad.append(f"{file.path}: {cause}")
        else:
            good.append((owner, file, marks))

    def rank(one):
        owner, file, marks = one
        return bool(marks & wanted), owner.upload, file.modified, file.path

    return sorted(good, key=rank), bad


def _notes(owner, file, marks, assignment, wanted):
    if owner.late:
        yield "Canvas marks it as late"
    name = PurePosixPath(file.path).name
    if "/" in file.path and name != course.notebook_name(assignment):
        yield f"renamed; it was called {name}"
    if wanted and not marks & wanted:
        yield f"it has no graded cell of {assignment}: the right notebook?"


def _look(file):
    """Return the grade ids in a file, or None and why it was not read."""
    if file.problem:
        return None, file.problem
    try:
        cells = json.loads(file.data.decode("utf-8"))["cells"]
        marks = [cell["metadata"].get("nbgrader", {}) for cell in cells]
        return {str(mark.get("grade_id")) for mark in marks}, ""
    except Exception:  # a student's file may hold anything
        return set(), ""  # graded as unreadable, so that it is not lost


def _without_collisions(results):
    """Turn submissions whose folders would be the same into problems."""
    homes = {}
    for result in results:
        homes.setdefault(result.student.casefold(), []).append(result)
    for same in homes.values():
        for one in same:
            others = ", ".join(o.origin for o in same if o is not one)
            cause = f"the same id, but for upper and lower case, as {others}"
            yield one if not others else Problem(
                one.student, one.origin, cause
            )


def _when(files, assignment, notes):
    """Return the time in a timestamp.txt that lies where nbgrader puts it."""
    places = (archives.TIMESTAMP, f"{assignment}/{archives.TIMESTAMP}")
    for _, file in files:
        if file.path.partition("/")[2] in places and file.data:
            from nbgrader.utils import parse_utc

            try:
                when = parse_utc(file.data.decode("utf-8").strip())
                return when.replace(tzinfo=UTC)
            except (ValueError, OverflowError, AttributeError):
                notes.append(f"{file.path} holds no time")
    return None


def _contents(submission, assignment):
    contents = {course.notebook_name(assignment): submission.data}
    if submission.when:
        when = submission.when.astimezone(UTC)
        text = when.strftime("%Y-%m-%d %H:%M:%S.%f %Z")
        contents[archives.TIMESTAMP] = text.encode()
    return contents


def _replace(home, contents):
    """Put a folder of files in place of what is there, or change nothing."""
    home.parent.mkdir(parents=True, exist_ok=True)
    # A leading dot keeps nbgrader's wildcards from seeing it half written.
    with tempfile.TemporaryDirectory(prefix=".", dir=home.parent) as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        new.mkdir()
        for name, data in contents.items():
            (new / name).write_bytes(data)
        if home.is_symlink():
            home.unlink()
        elif home.exists():
            os.rename(home, old)
        try:
            os.rename(new, home)
        except OSError:
            if old.exists():
                os.rename(old, home)
            raise
