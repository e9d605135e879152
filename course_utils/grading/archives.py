"""Read notebooks out of a folder or an archive; nothing is unpacked to disk.

nbgrader's extractor unpacks what students packed, to disk and without a
limit. Here bytes are read into memory and counted while they are read, so no
path, link or size that an archive claims is ever acted upon.
"""

import gzip
import io
import os
import re
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

NOTEBOOK_BYTES = 20 * 2**20
ARCHIVE_BYTES = 200 * 2**20  # packed or unpacked, of one student's archive
MEMBERS = 10_000
# The archive of a whole class comes from the learning platform and may hold
# a thousand good notebooks; what lies in it has the limits above.
CLASS_BYTES = 8 * 2**30
CLASS_MEMBERS = 200_000
RATIO = 200  # of unpacked to packed bytes, beyond the first MiB
DEPTH = 2  # archives in archives
CHUNK = 2**16
LINK = "a link or a device, not a file: it is not followed"
TIMESTAMP = "timestamp.txt"
ENDINGS = (".zip", ".tar.gz", ".tgz", ".tar")
JUNK = {"__MACOSX", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db"}


@dataclass(frozen=True)
class File:
    """One file that was found.

    `path` is relative to the place, with "/"; an archive counts as a folder.
    It is empty for the place itself. `data` is there for notebooks and
    timestamps only. `modified` orders the files of one place, in seconds.
    `problem` says why it could not be read.
    """

    path: str
    data: bytes | None = None
    modified: float = 0.0
    problem: str = ""


class Refused(Exception):
    """What was found is not read; the text says why."""


class _Bomb(Refused):
    """Nor is anything else of the same archive."""


@dataclass(frozen=True)
class _Entry:
    path: str
    modified: float
    refused: str
    open: Callable


class _Counted(io.RawIOBase):
    """A stream that stops when more comes out than an honest archive holds.

    Args:
        source: stream of unpacked bytes.
        left: list of one number, the bytes that may still come; shared by
            all members of an archive.
        packed: function that returns how many packed bytes went in so far.
    """

    def __init__(self, source, left, packed):
        self.source, self.left, self.packed = source, left, packed
        self.num_bytes = 0

    def read(self, size=CHUNK):
        data = self.source.read(size)
        self.left[0] -= len(data)
        self.num_bytes += len(data)
        if self.left[0] < 0:
            raise _Bomb("unpacks to more than an archive may hold")
        if self.num_bytes > max(2**20, RATIO * self.packed()):
            raise Refused(f"unpacks to over {RATIO} times its size: a bomb?")
        return data


def is_archive(name):
    """Return whether a file of this name is read as an archive."""
    return name.lower().endswith(ENDINGS)


def read(place):
    """Yield a `File` for each file in a folder or an archive.

    Archives inside are opened too, up to `DEPTH`. A file that is too large,
    encrypted, corrupt, a link, a device, or whose path leads out of the
    archive, is named with its problem; the others are read all the same.

    Args:
        place: a folder, or a .zip, .tar.gz, .tgz or .tar.

    Raises:
        FileNotFoundError: there is nothing there.
        ValueError: it is a file of another kind.
    """
    place = Path(place)
    if place.is_dir():
        return _folder(place.resolve())
    if not place.is_file():
        raise FileNotFoundError(f"no folder or archive called {place}")
    if not is_archive(place.name):
        raise ValueError(
            f"{place.name} is no archive that can be read: give a folder, or "
            f"one of {', '.join(ENDINGS)}"
        )
    return _class(place)


def _class(place):
    with open(place, "rb") as stream:
        yield from _archive(stream, place.name, "", 0)


def _folder(root):
    errors = []
    for where, folders, names in os.walk(root, onerror=errors.append):
        links = [f for f in folders if (Path(where) / f).is_symlink()]
        folders[:] = sorted(set(folders) - JUNK)
        paths = [Path(where, n) for n in [*names, *links] if not _is_junk(n)]
        if not (paths or folders or Path(where) == root):
            empty = Path(where).relative_to(root).as_posix()
            yield File(_printable(empty), problem="a folder with no files")
        for path in sorted(paths):
            yield from _file(path, path.relative_to(root).as_posix())
    for error in errors:
        path = Path(error.filename).relative_to(root).as_posix()
        yield File(_printable(path), problem=f"unreadable: {error.strerror}")


def _file(path, relative):
    status = path.lstat()
    # A link may lead to a file of the instructor or of another student.
    refused = "" if stat.S_ISREG(status.st_mode) else LINK
    shown = _printable(relative)
    entry = _Entry(shown, status.st_mtime, refused, partial(open, path, "rb"))
    yield from _taken(entry, "", 0)


def _archive(stream, name, prefix, depth):
    """Yield the files of an archive, or one with what is wrong with it."""
    entries = _zip if name.lower().endswith(".zip") else _tar
    left = [ARCHIVE_BYTES if depth else CLASS_BYTES]
    most = MEMBERS if depth else CLASS_MEMBERS
    empty = True
    try:
        for number, entry in enumerate(entries(stream, name, left)):
            if number == most:
                raise Refused(f"has more than {most:,} members")
            for file in _taken(entry, prefix, depth):
                empty = False
                yield file
        if empty:
            raise Refused("an archive with nothing in it")
    except Exception as error:  # an archive can be broken in any way
        yield File(prefix.rstrip("/"), problem=_why(error))


def _taken(entry, prefix, depth):
    """Yield the file or, of an archive, the files that an entry stands for."""
    path = prefix + entry.path
    name = path.rpartition("/")[2]
    if any(_is_junk(part) for part in path.split("/")):
        return
    if entry.refused:
        yield File(path, problem=entry.refused)
        return
    try:
        if is_archive(name) and depth == DEPTH:
            raise Refused(f"lies more than {DEPTH} archives deep")
        if is_archive(name):
            inner = _content(entry, ARCHIVE_BYTES)
        else:
            read = name.lower().endswith(".ipynb") or name == TIMESTAMP
            data = _content(entry, NOTEBOOK_BYTES) if read else None
    except _Bomb:
        raise
    except Exception as error:  # one bad file must not stop the others
        yield File(path, problem=_why(error))
        return
    if is_archive(name):
        yield from _archive(io.BytesIO(inner), name, f"{path}/", depth + 1)
    else:
        yield File(path, data, entry.modified)


def _is_junk(name):
    """Return whether an operating system or Jupyter left a file behind."""
    return name in JUNK or name.startswith("._")


def _content(entry, most):
    data = bytearray()
    with entry.open() as source:
        while chunk := source.read(CHUNK):
            data += chunk
            if len(data) > most:
                raise Refused(f"larger than {most // 2**20} MB")
    return bytes(data)


def _zip(stream, _, left):
    # Each member costs memory as soon as the list is read, so count first.
    if isinstance(stream, io.BytesIO):
        listed = stream.getvalue().count(b"PK\x01\x02")
        if listed > MEMBERS:
            raise Refused(f"has more than {MEMBERS:,} members")
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            if info.filename.endswith(("/", "\\")):
                continue
            path, refused = _relative(_zip_name(info))
            yield _Entry(
                path,
                time.mktime((*info.date_time, 0, 0, -1)),
                refused or _zip_refused(info),
                lambda info=info: _Counted(
                    archive.open(info), left, lambda: info.compress_size
                ),
            )


def _zip_refused(info):
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return LINK
    if info.flag_bits & 1:
        return "encrypted: ask for it without a password"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "packed by a method that is not read: ask for a plain zip"
    return ""


def _zip_name(info):
    """Return a member's name, in UTF-8 where it is but does not say so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:  # macOS writes UTF-8 without the flag
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _tar(stream, name, left):
    plain = name.lower().endswith(".tar")
    source = stream if plain else gzip.GzipFile(fileobj=stream)
    # The archive of a class must not stop at one student's blank file.
    packed = stream.tell if left[0] == ARCHIVE_BYTES else lambda: CLASS_BYTES
    counted = _Counted(source, left, packed)
    with tarfile.open(fileobj=counted, mode="r|") as archive:
        for info in archive:
            if info.isdir():
                continue
            path, refused = _relative(info.name)
            if not info.isfile():
                refused = LINK
            yield _Entry(
                path,
                info.mtime,
                refused,
                lambda info=info: archive.extractfile(info),
            )


def _relative(name):
    """Return a member's path and, if it leads elsewhere, what is wrong."""
    parts = name.replace("\\", "/").split("/")
    path = "/".join(part for part in parts if part not in ("", "."))
    if not parts[0] or ".." in parts or re.match("[A-Za-z]:", name):
        return _printable(path), "its path leads out of the archive"
    return _printable(path), ""


def _printable(text):
    """Return text that can be shown: no line ends, no escape codes."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _why(error):
    if isinstance(error, Refused):
        return str(error)
    return f"corrupt, or not what its name says ({_printable(str(error))})"
