"""CelebA from Kaggle, and which faces week 5 gets."""

import importlib.util
import shutil
import sys
import types

import pytest
import requests
from test_celeba import MEMBERS, NAMES, Copy, numbers

from course_utils import celeba_download, face_data, runtime
from course_utils.celeba import celeba, find_celeba
from course_utils.crops import SPLITS
from course_utils.downloads import DownloadError

HANDLE = "jessicali9530/celeba-dataset/versions/2"


class UnauthenticatedError(Exception):
    """Named as kagglehub's."""


class Kaggle:
    """Stands in for kagglehub: makes a small CelebA, or fails."""

    def __init__(self, cache):
        self.cache, self.asked, self.error = cache, [], None

    def dataset_download(self, handle):
        self.asked.append(handle)
        if self.error:
            raise self.error
        data_set = self.cache / "datasets/jessicali9530/celeba-dataset"
        shutil.rmtree(data_set, ignore_errors=True)
        Copy(data_set / "versions/2", "kaggle")
        (data_set / "2.complete").touch()
        return str(data_set / "versions/2")


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    """A kagglehub of the test's own, with room and a network."""
    standin = Kaggle(tmp_path / "kaggle")
    module = types.ModuleType("kagglehub")
    module.__spec__ = importlib.util.spec_from_loader("kagglehub", None)
    module.dataset_download = standin.dataset_download
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(standin.cache))
    monkeypatch.delenv("COURSE_NO_NETWORK")
    monkeypatch.setattr(runtime, "_session", None)
    free_space(monkeypatch, 5 * 10**9)
    find_celeba.cache_clear()
    yield standin
    find_celeba.cache_clear()


@pytest.fixture
def faces(monkeypatch):
    """Return what stands in for drawing faces: it tells what was asked."""

    def asked(count, *, split, seed):
        return f"{count} faces of {split}, seed {seed}"

    monkeypatch.setattr(face_data, "faces", asked)
    return asked


def free_space(monkeypatch, num_bytes):
    usage = types.SimpleNamespace(free=num_bytes)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)


def without_kagglehub(monkeypatch):
    monkeypatch.delitem(sys.modules, "kagglehub")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def test_terms_come_before_the_download_and_only_once(kaggle, capsys):
    def download(handle):
        shown.append(capsys.readouterr().out)
        return kaggle.dataset_download(handle)

    shown, sys.modules["kagglehub"].dataset_download = [], download
    for split in SPLITS:
        found = celeba(4, split=split)
        assert set(numbers(found)) <= set(MEMBERS[split])
    assert kaggle.asked == [HANDLE]
    assert shown == [celeba_download.TERMS]
    for words in ("non-commercial research only", "do not copy, publish"):
        assert words in shown[0]


def test_a_kept_copy_needs_neither_kagglehub_nor_network(
    kaggle, monkeypatch, capsys
):
    folder = find_celeba()
    find_celeba.cache_clear()
    monkeypatch.setenv("COURSE_NO_NETWORK", "1")
    without_kagglehub(monkeypatch)
    free_space(monkeypatch, 0)
    capsys.readouterr()
    assert find_celeba() == folder
    assert capsys.readouterr().out == ""


def test_a_copy_that_is_not_complete_is_downloaded_again(kaggle):
    folder = find_celeba()
    (folder.parents[1] / "2.complete").unlink()
    shutil.rmtree(folder / "img_align_celeba")
    find_celeba.cache_clear()
    assert find_celeba() == folder
    assert kaggle.asked == [HANDLE, HANDLE]


def answer(status):
    response = requests.Response()
    response.status_code = status
    text = f"{status} Client Error.\n\nmore"
    return requests.HTTPError(text, response=response)


@pytest.fixture(params=["package", "network", "space", "token", 403, "line"])
def hindrance(request, kaggle, monkeypatch):
    """Make CelebA impossible to have; return what is said about it."""
    what = request.param
    if what == "package":
        without_kagglehub(monkeypatch)
        return ImportError, "pip install kagglehub", 2
    if what == "network":
        monkeypatch.setenv("COURSE_NO_NETWORK", "1")
        return DownloadError, "COURSE_NO_NETWORK is 1", 2
    if what == "space":
        free_space(monkeypatch, 39 * 10**8)
        return DownloadError, "needs 4 GB .* has 3.9 GB", 2
    kaggle.error = {
        "token": UnauthenticatedError("User is not authenticated"),
        403: answer(403),
        "line": requests.ConnectionError("a long text"),
    }[what]
    if what == "line":
        return DownloadError, r"downloaded \(no connection\)", 2
    return DownloadError, r"Kaggle refused(.|\n)*kagglehub\.login\(\)", 3


def test_what_hinders_the_download_says_what_to_do(hindrance, kaggle):
    kind, message, steps = hindrance
    with pytest.raises(kind, match=message) as error:
        celeba(4)
    lines = str(error.value).splitlines()
    assert [line[:4] for line in lines[1:]] == [
        f"  {i}." for i in range(1, steps + 1)
    ]
    assert "setup(week=5, data='path')" in lines[-1]
    assert not kaggle.cache.exists()


def test_faces_that_cannot_be_had_are_replaced_aloud(hindrance, faces, capsys):
    for split in SPLITS:  # never one split real and another procedural
        found = face_data.face_data(3, split, seed=1, data="real")
        assert found == faces(3, split=split, seed=1)
        out = capsys.readouterr().out
        assert "setup(week=5, data='path')\n" in out
        assert "procedural faces instead of CelebA" in out


def test_a_server_error_is_told_in_its_first_line(kaggle):
    kaggle.error = answer(500)
    with pytest.raises(DownloadError, match="500 Client Error.[)]:"):
        find_celeba()


def test_stopping_the_download_stops(kaggle):
    kaggle.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        face_data.face_data(3, "train", data="real")


@pytest.mark.parametrize(
    "split, there", [("train", "162,770"), ("test", "19,962")]
)
def test_more_than_there_are_is_refused_before_the_download(
    kaggle, split, there
):
    for load in (
        celeba,
        lambda n, split: face_data.face_data(n, split, data="real"),
    ):
        with pytest.raises(ValueError, match=f"{there} photos, 200,000 were"):
            load(200_000, split=split)
    assert kaggle.asked == []


def test_the_session_decides_where_no_data_is_given(
    kaggle, faces, tmp_path, monkeypatch
):
    own = Copy(tmp_path / "own", "authors").folder
    drawn = faces(2, split="test", seed=3)
    assert face_data.face_data(2, "test", seed=3) == drawn
    for data in (str(own), "real"):
        session = runtime.Session(5, "quick", data, "CPU", 0)
        monkeypatch.setattr(runtime, "_session", session)
        found = face_data.face_data(4, "test", seed=3)
        assert set(numbers(found)) == set(MEMBERS["test"])
    assert face_data.face_data(2, "test", 3, "bundled") == drawn
    assert kaggle.asked == [HANDLE]


def test_a_damaged_folder_is_an_error_no_fall_back(kaggle):
    folder = find_celeba()
    shutil.rmtree(folder / "img_align_celeba")
    with pytest.raises(FileNotFoundError, match="holds no photos"):
        face_data.face_data(2, "train", data="real")
    (folder / "img_align_celeba").mkdir()
    (folder / "img_align_celeba" / NAMES[0]).touch()
    with pytest.raises(ValueError, match="1 photos, 2 were asked"):
        face_data.face_data(2, "train", data=folder)


@pytest.mark.parametrize("data", ["reel", "", "/no/such/folder", 3])
def test_unknown_data_lists_the_choices(kaggle, data):
    with pytest.raises(ValueError, match="choose bundled, real, or the path"):
        face_data.face_data(2, "train", data=data)


@pytest.mark.parametrize("data", ["bundled", "real", "folder"])
@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"count": 0}, "count must be a whole number, 1 or more, got 0"),
        ({"count": None}, "count must be a whole number"),
        ({"seed": -1}, "seed must be a whole number, 0 or more, got -1"),
        ({"split": "valid"}, "choose one of train, validation, test"),
    ],
)
def test_a_wrong_request_is_told_whatever_the_data(
    kaggle, tmp_path, data, wrong, message
):
    data = tmp_path if data == "folder" else data
    with pytest.raises(ValueError, match=message):
        face_data.face_data(
            **{"count": 4, "split": "train", "data": data} | wrong
        )
    assert kaggle.asked == []
