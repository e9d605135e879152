"""Files whose checksum nobody publishes: the first copy's is kept."""

import hashlib

import pytest
from file_server import BODY, leftovers

from course_utils import downloads
from course_utils.downloads import DownloadError, Remote


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


@pytest.mark.parametrize(
    "share, taken", [(0.89, False), (0.92, True), (1.09, True), (1.12, False)]
)
def test_size_of_a_first_copy_may_be_off_by_ten_percent(
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
