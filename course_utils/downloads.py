"""Fetch a public file once, check it, keep it.

pooch checks the SHA-256 and moves the file into place in one step; the
downloader here adds what a class with a slow line needs: it goes on where
the last try stopped, and shows a bar. Two notebooks at once do no harm.
A file whose checksum nobody publishes is pinned on first use: the SHA-256
of the first copy is kept beside it, and any later copy must have it.
"""

import errno
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from course_utils.files import course_cache
from course_utils.remotes import REMOTES, SIZE_TOLERANCE, Remote

__all__ = ["REMOTES", "DownloadError", "Remote", "fetch"]

TIMEOUT = (10, 30)  # seconds to connect, seconds between two pieces
LOCK_SECONDS = 1800  # how long to wait for another notebook's download
CHUNK_BYTES = 1 << 14  # what a cut may lose: an unfinished piece is dropped
TRIES = 5  # connections to one address, as long as each brings something


class DownloadError(Exception):
    """The file cannot be had now; the text says why, in a few words."""


def fetch(name):
    """Return the path of a checked copy of a public file.

    An intact copy in the cache is used without touching the network; a
    damaged one is replaced; an interrupted download is continued.

    Args:
        name: a key of `REMOTES`.

    Returns:
        `Path` of the file, whose SHA-256 is the one in `REMOTES`, or
        that of the first copy.

    Raises:
        ValueError: unknown name.
        DownloadError: offline, refused, wrong content, disk full or
            read-only. Nothing is left under the file's name.
    """
    if name not in REMOTES:
        known = ", ".join(REMOTES)
        raise ValueError(f"unknown download {name!r}: choose one of {known}")
    remote = REMOTES[name]
    path = cache_folder(remote) / remote.filename
    try:
        if not _is_intact(path, remote):
            _make_room(path, remote)
            with _lock(path, name):
                if not _is_intact(path, remote, tell=name):
                    _download(name, remote, path)
    except OSError as error:
        raise DownloadError(_local_reason(error, path)) from error
    return path


def cache_folder(remote):
    """Return the folder a file is kept in; COURSE_CACHE overrides it."""
    if remote.kept_by == "keras" and not os.environ.get("COURSE_CACHE"):
        home = os.environ.get("KERAS_HOME") or "~/.keras"
        return Path(home).expanduser() / "datasets"
    return course_cache()


def _is_intact(path, remote, tell=None):
    sha256 = _known_sha256(path, remote)
    if not path.is_file() or sha256 is None:
        return False
    import pooch

    intact = pooch.file_hash(str(path)) == sha256
    if not intact and tell:
        print(
            f"{tell}: the cached {path.name} is damaged (wrong checksum); "
            "downloading it again"
        )
    return intact


def _known_sha256(path, remote):
    """Return the published checksum, else the pinned one, else None."""
    if remote.sha256 or not pin(path).is_file():
        return remote.sha256
    words = pin(path).read_text("ascii", errors="replace").split()
    return words[0] if words else None


def pin(path):
    """Return where the checksum of the first copy of a file is kept."""
    return path.with_name(f"{path.name}.sha256")


def _pin(path, name, remote):
    """Keep the checksum of a first copy, if it has about the right size."""
    import pooch

    found = path.stat().st_size
    if abs(found - remote.num_bytes) > SIZE_TOLERANCE * remote.num_bytes:
        path.unlink()
        raise ValueError(f"{found:,} bytes, not about {remote.num_bytes:,}")
    part = _part(pin(path))
    part.write_text(f"{pooch.file_hash(str(path))}  {path.name}\n", "ascii")
    os.replace(part, pin(path))
    print(
        f"{name}: no checksum of {path.name} is published, so this first "
        f"copy's is kept in {pin(path).name}; any later copy must match it"
    )


def _part(path):
    return path.with_name(f"{path.name}.part")


def _make_room(path, remote):
    """Make the folder; raise at once if the file cannot fit there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    here = part.stat().st_size if part.is_file() else 0
    if shutil.disk_usage(path.parent).free < remote.num_bytes - here:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _lock(path, name):
    """Return a context in which this process alone may write `path`."""
    import filelock

    lock = filelock.FileLock(f"{path}.lock")
    try:
        return lock.acquire(timeout=0)
    except filelock.Timeout:
        print(f"{name}: another notebook is downloading it; waiting")
        return lock.acquire(timeout=LOCK_SECONDS)


def _download(name, remote, path):
    import requests

    reasons = []
    for url in remote.urls:
        try:
            return _retrieve(url, name, remote, path)
        except requests.RequestException as error:
            reasons.append(f"{urlsplit(url).hostname}: {_reason(error)}")
        except ValueError:  # not the file we know
            wrong = _what_is_wrong(path, remote)
            reasons.append(f"{urlsplit(url).hostname}: {wrong}")
    raise DownloadError("; ".join(reasons))


def _what_is_wrong(path, remote):
    if remote.sha256:
        return "wrong checksum"
    if not pin(path).is_file():
        return "wrong size"
    return (
        "not the file that was downloaded first (delete "
        f"{pin(path)} if you trust the new one)"
    )


def _retrieve(url, name, remote, path):
    from_scratch = not (_part(path).exists() or path.exists())
    try:
        _get(url, name, remote, path)
    except ValueError:
        if from_scratch:
            raise
        _get(url, name, remote, path)  # what lay there was of no use


def _get(url, name, remote, path):
    import pooch

    pooch.get_logger().setLevel("ERROR")  # its log would land in the cell
    sha256 = _known_sha256(path, remote)
    pooch.retrieve(
        url,
        known_hash=f"sha256:{sha256}" if sha256 else None,
        fname=path.name,
        path=path.parent,
        downloader=ResumingDownloader(_part(path), name, remote.num_bytes),
    )
    if sha256 is None:
        _pin(path, name, remote)


class ResumingDownloader:
    """A downloader for pooch that continues an interrupted download.

    What has arrived stays in `part` when the line breaks or the learner
    interrupts; the next call asks the server for the rest (HTTP Range).

    Args:
        part: path of the unfinished file.
        label: the text of the progress bar.
        num_bytes: size of the whole file, for the bar.
    """

    def __init__(self, part, label, num_bytes):
        self.part, self.label, self.num_bytes = part, label, num_bytes

    def __call__(self, url, output_file, pooch):
        """Download `url` to `output_file`, as pooch asks."""
        import requests

        for tries_left in reversed(range(TRIES)):
            start = self._size()
            try:
                self._continue(url, start)
                break
            except requests.RequestException:
                if not tries_left or self._size() <= start:
                    raise
        os.replace(self.part, output_file)

    def _size(self):
        return self.part.stat().st_size if self.part.exists() else 0

    def _continue(self, url, start):
        import requests

        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with requests.get(
            url, headers=headers, stream=True, timeout=TIMEOUT
        ) as response:
            if start and response.status_code == 416:
                return  # nothing is missing: the checksum decides
            response.raise_for_status()
            self._write(response)

    def _write(self, response):
        from course_utils.progress_bar import ProgressBar

        mode = "ab" if response.status_code == 206 else "wb"
        with (
            open(self.part, mode) as file,
            ProgressBar(f"downloading {self.label}", self.num_bytes) as bar,
        ):
            bar.update(file.tell())
            for chunk in response.iter_content(CHUNK_BYTES):
                file.write(chunk)
                bar.update(len(chunk))


def _reason(error):
    """Say in a few words why a request failed."""
    import requests

    if isinstance(error, requests.HTTPError):
        answer = error.response
        return f"the server answered {answer.status_code} {answer.reason}"
    if isinstance(error, requests.Timeout):
        return "the server did not answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was cut"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return f"the request failed ({type(error).__name__})"


def _local_reason(error, path):
    """Say in a few words what is wrong with the cache folder."""
    if error.errno == errno.ENOSPC:
        _part(path).unlink(missing_ok=True)  # give the space back
        return f"no space left on the disk of {path.parent}"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"the folder {path.parent} cannot be written to"
    return f"{path.parent}: {error.strerror or error}"
