"""Downloads against a real server on this machine: no outside network."""

import errno
import hashlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from course_utils import downloads
from course_utils.downloads import DownloadError, Remote

BODY = np.random.default_rng(0).bytes(40 * downloads.CHUNK_BYTES)
HALF = len(BODY) // 2
ROOT = Path(__file__).resolve().parents[1]

# What a learner's notebook does, as a process of its own.
FETCH = """
import sys
from course_utils import downloads
url, sha256, size = sys.argv[1:]
downloads.REMOTES["thing"] = downloads.Remote(
    "thing.bin", (url,), sha256, int(size))
print(downloads.fetch("thing").read_bytes()[:4].hex())
"""


class Handler(BaseHTTPRequestHandler):
    """One address for each way a server can behave."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.seen.append((self.path, asked))
        getattr(self, "serve_" + self.path.strip("/").split(".")[0])(asked)

    def send(self, asked, body=BODY, stop=None, status=None):
        start = int(asked[6:-1]) if asked else 0
        if start >= len(body):
            return self.send_error(416)
        self.send_response(status or (206 if asked else 200))
        self.send_header("Content-Length", str(len(body) - start))
        if asked:
            span = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self.send_header("Content-Range", span)
        self.end_headers()
        self.wfile.write(body[start:stop])
        self.wfile.flush()

    def serve_whole(self, asked):
        self.send(asked)

    def serve_cut(self, asked):  # half of what is missing, then silence
        start = int(asked[6:-1]) if asked else 0
        self.send(asked, stop=start + (len(BODY) - start + 1) // 2)

    def serve_cutonce(self, asked):
        self.send(asked, stop=None if asked else HALF)

    def serve_cutdumb(self, asked):  # cut once; knows no Range
        first = len(self.server.seen) == 1
        self.send(None, stop=HALF if first else None)

    def serve_hang(self, asked):
        self.send(asked, stop=HALF)
        self.server.go_on.wait(20)

    def serve_slow(self, asked):
        time.sleep(0.6)
        self.send(asked)

    def serve_gate(self, asked):
        self.server.go_on.wait(20)
        self.send(asked)

    def serve_forbidden(self, asked):
        self.send_error(403)

    def serve_missing(self, asked):
        self.send_error(404)

    def serve_other(self, asked):  # the file was exchanged for another
        self.send(asked, BODY[::-1])

    def serve_wrong(self, asked):  # the log-in page of a hotel's network
        self.send(None, b"<html>please log in</html>")


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.seen, server.go_on = [], threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(
        target=server.serve_forever, args=(0.02,), daemon=True
    ).start()
    yield server
    server.go_on.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    return tmp_path / "cache"


@pytest.fixture
def offer(server, cache, monkeypatch):
    """Register "thing" under one or more of the server's addresses."""

    def register(*pages, body=BODY, pinned=False):
        urls = tuple(
            page if "//" in page else f"{server.url}/{page}.bin"
            for page in pages
        )
        sha256 = None if pinned else hashlib.sha256(body).hexdigest()
        remote = Remote("thing.bin", urls, sha256, len(body))
        monkeypatch.setitem(downloads.REMOTES, "thing", remote)
        return remote

    return register


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/x.bin"


def start(remote, cache):
    """Start a process that fetches `remote`; see FETCH."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", FETCH, remote.urls[0], remote.sha256]
        + [str(remote.num_bytes)],
        cwd=ROOT,
        env={**os.environ, "COURSE_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(happened):
    for _ in range(2000):
        if happened():
            return
        time.sleep(0.01)
    pytest.fail("it did not happen within 20 seconds")


def leftovers(cache):
    """Names in the cache, but for the lock that an open file may need."""
    return {p.name for p in cache.iterdir()} - {"thing.bin.lock"}


def test_file_is_fetched_once_and_then_used_from_the_cache(offer, server):
    offer("whole")
    path = downloads.fetch("thing")
    assert path.read_bytes() == BODY
    assert leftovers(path.parent) == {"thing.bin"}
    assert downloads.fetch("thing") == path
    assert len(server.seen) == 1


def test_cut_connection_is_continued_where_it_broke(offer, server):
    offer("cutonce")
    assert downloads.fetch("thing").read_bytes() == BODY
    asked = [header for _, header in server.seen]
    assert asked == [None, f"bytes={HALF}-"]


def test_server_without_range_starts_over(offer, server):
    offer("cutdumb")
    assert downloads.fetch("thing").read_bytes() == BODY
    assert server.seen[1] == ("/cutdumb.bin", f"bytes={HALF}-")


def test_always_cut_keeps_the_part_for_the_next_session(offer, server, cache):
    offer("cut")
    with pytest.raises(DownloadError, match="the connection was cut"):
        downloads.fetch("thing")
    assert len(server.seen) == downloads.TRIES
    assert leftovers(cache) == {"thing.bin.part"}
    part = (cache / "thing.bin.part").read_bytes()
    assert part == BODY[: len(part)] and len(part) > HALF
    offer("whole")
    assert downloads.fetch("thing").read_bytes() == BODY
    assert server.seen[-1] == ("/whole.bin", f"bytes={len(part)}-")
    assert leftovers(cache) == {"thing.bin"}


def test_hanging_server_times_out(offer, cache, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT", (1, 0.3))
    offer("hang")
    with pytest.raises(DownloadError, match="127.0.0.1: no connection|time"):
        downloads.fetch("thing")
    assert not (cache / "thing.bin").exists()


def test_slow_start_is_waited_for(offer):
    offer("slow")
    assert downloads.fetch("thing").read_bytes() == BODY


@pytest.mark.parametrize("old", [b"garbage", BODY + b"too long", BODY[::-1]])
def test_useless_part_does_not_spoil_the_file(offer, cache, old):
    offer("whole")
    cache.mkdir()
    (cache / "thing.bin.part").write_bytes(old)
    assert downloads.fetch("thing").read_bytes() == BODY
    assert leftovers(cache) == {"thing.bin"}


def test_complete_part_is_not_downloaded_again(offer, cache, server):
    offer("whole")
    cache.mkdir()
    (cache / "thing.bin.part").write_bytes(BODY)
    assert downloads.fetch("thing").read_bytes() == BODY
    assert server.seen == [("/whole.bin", f"bytes={len(BODY)}-")]


@pytest.mark.parametrize("damage", [BODY[:1000], b"x" + BODY[1:], b""])
def test_damaged_cache_is_said_and_replaced(offer, cache, capsys, damage):
    offer("whole")
    cache.mkdir()
    (cache / "thing.bin").write_bytes(damage)
    assert downloads.fetch("thing").read_bytes() == BODY
    assert "thing.bin is damaged (wrong checksum)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "page, reason",
    [
        ("forbidden", "the server answered 403 Forbidden"),
        ("missing", "the server answered 404 Not Found"),
        ("wrong", "wrong checksum"),
    ],
)
def test_refusals_name_the_reason(offer, cache, page, reason):
    offer(page)
    with pytest.raises(DownloadError, match=f"127.0.0.1: {reason}"):
        downloads.fetch("thing")
    assert leftovers(cache) == set()


def test_offline_names_the_reason(offer, cache):
    offer(closed_port())
    with pytest.raises(DownloadError, match="127.0.0.1: no connection"):
        downloads.fetch("thing")


def test_unknown_host_names_the_reason(offer, monkeypatch):
    def no_dns(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    offer("http://data.invalid/thing.bin")
    monkeypatch.setattr(socket, "getaddrinfo", no_dns)
    with pytest.raises(DownloadError, match="data.invalid: no connection"):
        downloads.fetch("thing")


def test_mirrors_are_tried_in_order(offer, server):
    offer("missing", closed_port(), "cutonce")
    assert downloads.fetch("thing").read_bytes() == BODY
    assert [page for page, _ in server.seen] == [
        "/missing.bin",
        "/cutonce.bin",
        "/cutonce.bin",
    ]


def test_every_mirror_failing_names_every_reason(offer):
    offer("missing", "wrong")
    with pytest.raises(DownloadError, match="404 Not Found; .*checksum"):
        downloads.fetch("thing")


def test_no_room_is_found_out_before_downloading(offer, server, monkeypatch):
    offer("whole")
    usage = type("usage", (), {"free": len(BODY) - 1})
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DownloadError, match="no space left on the disk"):
        downloads.fetch("thing")
    assert server.seen == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_disk_filling_up_is_named_and_the_part_removed(offer, cache):
    offer("whole")
    cache.mkdir()
    (cache / "thing.bin.part").symlink_to("/dev/full")
    with pytest.raises(DownloadError, match="no space left on the disk"):
        downloads.fetch("thing")
    assert leftovers(cache) == set()


@pytest.fixture
def read_only(monkeypatch, server):
    """A cache folder that really cannot be written to, even by root."""
    import filelock  # noqa: F401 - imported while files can be read
    import pooch
    import requests  # noqa: F401

    pooch.get_logger()
    folder = Path(tempfile.mkdtemp())
    monkeypatch.setenv("COURSE_CACHE", str(folder))
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_read_only_cache_is_named(offer, read_only):
    offer("whole")
    with pytest.raises(DownloadError, match="cannot be written to"):
        downloads.fetch("thing")


def test_read_only_cache_that_holds_the_file_is_used(
    offer, cache, monkeypatch
):
    remote = offer("whole")
    path = downloads.fetch("thing")

    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(downloads, "_lock", refuse)
    assert downloads.fetch("thing") == path
    path.write_bytes(b"damaged")
    with pytest.raises(DownloadError, match="cannot be written to"):
        downloads.fetch("thing")
    assert remote.filename in leftovers(cache)


def test_cache_that_is_a_file_is_named(offer, cache):
    offer("whole")
    cache.write_text("not a folder")
    with pytest.raises(DownloadError, match="cache: "):
        downloads.fetch("thing")


def test_two_processes_at_once_download_once(offer, cache, server):
    remote = offer("gate")
    first = start(remote, cache)
    wait_until(lambda: server.seen)
    second = start(remote, cache)
    assert "another notebook is downloading it" in second.stdout.readline()
    server.go_on.set()
    for process in (first, second):
        out, error = process.communicate(timeout=20)
        assert process.returncode == 0 and error == ""
        assert BODY[:4].hex() in out
    assert server.seen == [("/gate.bin", None)]
    assert leftovers(cache) == {"thing.bin"}


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupt_leaves_no_half_file_and_is_continued(
    offer, cache, server, how
):
    process = start(offer("hang"), cache)
    part = cache / "thing.bin.part"
    wait_until(lambda: part.exists() and part.stat().st_size > 0)
    process.send_signal(how)
    _, error = process.communicate(timeout=20)
    assert process.returncode != 0
    assert ("KeyboardInterrupt" in error) == (how == signal.SIGINT)
    assert not (cache / "thing.bin").exists()
    done = part.stat().st_size
    assert 0 < done <= HALF
    offer("whole")
    assert downloads.fetch("thing").read_bytes() == BODY
    assert server.seen[-1] == ("/whole.bin", f"bytes={done}-")


def test_bar_shows_the_real_progress(offer, monkeypatch):
    from course_utils import progress_bar

    bars = []

    class Bar(progress_bar.ProgressBar):
        def __exit__(self, *exception):
            super().__exit__(*exception)
            bars.append((self.label, self.done / self.total))

    monkeypatch.setattr(progress_bar, "ProgressBar", Bar)
    offer("cutonce")
    downloads.fetch("thing")
    assert bars == [("downloading thing", 0.5), ("downloading thing", 1.0)]


def test_unknown_name_lists_the_choices():
    with pytest.raises(ValueError, match="choose one of mnist"):
        downloads.fetch("mnits")


def test_mnist_lies_where_keras_looks_for_it(monkeypatch, tmp_path):
    mnist = downloads.REMOTES["mnist"]
    monkeypatch.delenv("COURSE_CACHE", raising=False)
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    where = downloads.cache_folder(mnist)
    assert where == tmp_path / ".keras" / "datasets"
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "k"))
    assert downloads.cache_folder(mnist) == tmp_path / "k" / "datasets"
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "c"))
    assert downloads.cache_folder(mnist) == tmp_path / "c"


def test_first_copy_is_pinned_and_said(offer, cache, server, capsys):
    offer("whole", pinned=True)
    path = downloads.fetch("thing")
    assert path.read_bytes() == BODY
    kept = (cache / "thing.bin.sha256").read_text()
    assert kept == f"{hashlib.sha256(BODY).hexdigest()}  thing.bin\n"
    said = capsys.readouterr().out
    assert "no checksum of thing.bin is published" in said
    assert "any later copy must match" in said
    assert downloads.fetch("thing") == path
    assert len(server.seen) == 1 and capsys.readouterr().out == ""


@pytest.mark.parametrize("damage", [BODY[:1000], b"x" + BODY[1:], None])
def test_later_copy_that_matches_the_pin_is_taken(offer, cache, damage):
    offer("whole", pinned=True)
    path = downloads.fetch("thing")
    path.unlink() if damage is None else path.write_bytes(damage)
    assert downloads.fetch("thing").read_bytes() == BODY


@pytest.mark.parametrize("damage", [b"x" + BODY[1:], None])
def test_later_copy_that_differs_from_the_pin_is_refused(offer, cache, damage):
    offer("whole", pinned=True)
    path = downloads.fetch("thing")
    kept = downloads.pin(path).read_text()
    path.unlink() if damage is None else path.write_bytes(damage)
    offer("other", pinned=True)
    with pytest.raises(DownloadError, match="not the file that was down"):
        downloads.fetch("thing")
    assert downloads.pin(path).read_text() == kept
    assert not path.exists() or path.read_bytes() == damage


def test_login_page_is_not_pinned(offer, cache):
    offer("wrong", pinned=True)
    with pytest.raises(DownloadError, match="127.0.0.1: wrong size"):
        downloads.fetch("thing")
    assert leftovers(cache) == set()


def test_truncated_copy_is_not_pinned_and_is_continued(offer, cache, server):
    offer("cut", pinned=True)
    with pytest.raises(DownloadError, match="the connection was cut"):
        downloads.fetch("thing")
    assert leftovers(cache) == {"thing.bin.part"}
    offer("whole", pinned=True)
    assert downloads.fetch("thing").read_bytes() == BODY
    assert server.seen[-1][1] is not None  # only the rest was asked for


@pytest.mark.parametrize("size, requests", [(len(BODY), 0), (1000, 1)])
def test_copy_without_a_pin_is_taken_if_it_is_whole(
    offer, cache, server, size, requests
):
    offer("whole", pinned=True)
    cache.mkdir()
    (cache / "thing.bin").write_bytes(BODY[:size])
    assert downloads.fetch("thing").read_bytes() == BODY
    assert len(server.seen) == requests
    assert leftovers(cache) == {"thing.bin", "thing.bin.sha256"}


@pytest.mark.parametrize("share, taken", [(1.009, True), (1.02, False)])
def test_size_of_a_first_copy_may_be_off_by_one_percent(
    offer, monkeypatch, share, taken
):
    size = round(len(BODY) * share)
    whole = offer("whole", pinned=True)
    about = Remote(whole.filename, whole.urls, None, size)
    monkeypatch.setitem(downloads.REMOTES, "thing", about)
    if taken:
        assert downloads.fetch("thing").read_bytes() == BODY
    else:
        with pytest.raises(DownloadError, match="wrong size"):
            downloads.fetch("thing")


def test_every_remote_can_be_checked():
    unpinned = {n for n, r in downloads.REMOTES.items() if r.sha256 is None}
    assert unpinned == {"dino_vits16_pth"}  # nobody publishes one for it
    for remote in downloads.REMOTES.values():
        if remote.sha256:
            assert len(bytes.fromhex(remote.sha256)) == 32
        assert remote.num_bytes > 0
        assert all(url.startswith("https://") for url in remote.urls)
        assert remote.urls and remote.kept_by in ("keras", "course")
