"""Downloads against a real server on this machine: no outside network."""

import errno
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from file_server import BODY, HALF, leftovers

from course_utils import downloads
from course_utils.downloads import DownloadError

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


def test_every_remote_can_be_checked():
    unpinned = {n for n, r in downloads.REMOTES.items() if r.sha256 is None}
    # Nobody publishes one for these.
    cifar10 = {"cifar10_train", "cifar10_test"}
    assert unpinned == {"dino_vits16_pth", *cifar10}
    for remote in downloads.REMOTES.values():
        if remote.sha256:
            assert len(bytes.fromhex(remote.sha256)) == 32
        assert remote.num_bytes > 0
        assert all(url.startswith("https://") for url in remote.urls)
        assert remote.urls and remote.kept_by in ("keras", "course")
