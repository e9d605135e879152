"""Whose a handed-in file is, and ids that are safe as folders' names."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass

from course_utils.grading import archives

# Moodle, mod/assign/classes/downloader.php: name_number_assignsubmission_file,
# then "/" or "_" and the file. Moodle puts blanks for "_" in names, so the
# first match is its own, whatever a student calls a file.
MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_")
# Canvas, lib/content_zipper.rb: name, LATE if so, number of the user (or an
# anonymous code), number of the upload, file.
CANVAS = re.compile(
    r"(?:(?P<name>.+?)_)??(?P<late>(?i:LATE)_)?(?P<id>\d+|anon_\w{5})"
    r"_(?P<upload>\d+)_."
)
# For those who call nbgrader's zip_collect themselves.
NAMED_REGEXP = (
    r".*/[^/]+?_(?P<student_id>\d+)_(?:assignsubmission_file_?/?|\d+_)"
    r"(?:[^/]+/)*(?P<file_id>[^/]+)\.ipynb$"
)
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
MOST = 128  # characters, of a column in nbgrader's gradebook
LONGEST = 60  # characters of ids made here: at most 240 of a name's 255 bytes


@dataclass(frozen=True)
class Owner:
    """Whose a file is.

    `key` tells students apart, `name` is for display, `upload` counts up
    with time, `late` is Canvas's word, `platform` says whether Moodle or
    Canvas named the file.
    """

    key: str
    name: str
    upload: int = 0
    late: bool = False
    platform: bool = True


def owner(path):
    """Return the `Owner` of a file; only the outermost name counts for that.

    Names further in are the student's to choose, and could be another's.

    Args:
        path: as in `archives.File`.
    """
    top, _, rest = path.partition("/")
    if found := MOODLE.match(top):
        return Owner(found["id"], found["name"])
    is_file = not rest or archives.is_archive(top)
    if is_file and (found := CANVAS.match(top)):
        upload, late = int(found["upload"]), bool(found["late"])
        return Owner(found["id"], found["name"] or "anonymous", upload, late)
    if is_file:
        top = re.sub(r"(?i)\.(ipynb|zip|tar\.gz|tgz|tar)$", "", top)
    key = unicodedata.normalize("NFC", top)
    return Owner(key, key, platform=False)


def safe_id(raw):
    """Return an id that is safe as a folder's name, and notes on changes.

    A changed id ends in a hash of the original. So it is the same every
    week, and "a b" never becomes the "a-b" of somebody else.

    Args:
        raw: any text.
    """
    raw = unicodedata.normalize("NFC", raw)
    safe = re.sub(r"[^\w.@+-]+", "-", raw).strip(".-").lstrip("+@.-")
    if safe == raw and 0 < len(raw) <= LONGEST and not RESERVED.match(raw):
        return raw, []
    digest = hashlib.sha256(raw.encode("utf-8", "replace")).hexdigest()[:6]
    short = safe[: LONGEST - 8].rstrip(".-") or "student"
    short = f"_{short}" if RESERVED.match(short) else short
    return f"{short}-{digest}", [f"its id {raw[:100]!r} was made safe"]


def check_id(name, what="student"):
    """Return the id if it names one folder, in nbgrader's patterns too.

    nbgrader looks for `submitted/<student>/<assignment>` by wildcards, and
    splits lists of students at commas; ids are held to what is safe in both.

    Args:
        name: id of a student, or name of an assignment.
        what: which of the two, for the message.

    Raises:
        ValueError: it is empty or too long, starts with "-", "." or a sign
            that makes a spreadsheet's formula, or holds a separator, a
            wildcard, a comma, a blank at an end or a sign that cannot be
            printed.
    """
    safe = (
        isinstance(name, str)
        and 0 < len(name) <= MOST
        and name.isprintable()
        and len(name.encode()) <= 255
        and name == name.strip()
        and not re.search(r"[/\\*?\[\]{},:]", name)
        and name[0] not in "-.=+@"
    )
    if not safe:
        raise ValueError(
            f"{str(name)[:100]!r} cannot be the id of a {what}: use letters, "
            "digits and, further in, . _ - @ +"
        )
    return name
