"""What a learner gets from datasets, whatever is missing or broken."""

import dataclasses
import gzip
import hashlib
import shutil
import socket

import numpy as np
import pytest

from course_utils import bundled, datasets, downloads, photos, runtime
from course_utils.downloads import DownloadError, Remote

IDX = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    """Fail on any connection; keep out of the real cache."""

    def refuse(self, address):
        pytest.fail(f"tried to connect to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(runtime, "_session", None)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def arrays():
    """A tiny data set of MNIST's layout."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(256, size=(12, 28, 28), dtype=np.uint8)
    labels = rng.integers(10, size=12, dtype=np.uint8)
    return {
        "x_train": pictures[:8],
        "y_train": labels[:8],
        "x_test": pictures[8:],
        "y_test": labels[8:],
    }


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def idx_bytes(array):
    header = bytes([0, 0, 8, array.ndim])
    sizes = np.array(array.shape, ">u4").tobytes()
    return header + sizes + array.tobytes()


def write_idx(folder, arrays, gz=False):
    for key, name in IDX.items():
        content = idx_bytes(arrays[key])
        if gz:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)


def assert_same(digits, arrays):
    for key, array in arrays.items():
        np.testing.assert_array_equal(getattr(digits, key), array)
        assert getattr(digits, key).dtype == np.uint8


def test_bundled_digits_are_real_mnist():
    digits = datasets.load("mnist")
    assert digits.source == "bundled"
    assert digits.x_train.shape == (8000, 28, 28)
    assert digits.x_test.shape == (2000, 28, 28)
    # Shuffled: each part holds every digit, about as often as the other.
    shares = [np.bincount(y) / len(y) for y in (digits.y_train, digits.y_test)]
    assert np.abs(shares[0] - shares[1]).max() < 0.03
    both = np.concatenate([digits.x_train, digits.x_test])
    assert both.dtype == np.uint8 and both.max() == 255
    assert len(np.unique(both.reshape(10_000, -1), axis=0)) == 10_000
    # A linear classifier of the pixels' means by class reads 8 of 10: the
    # labels belong to the images.
    train = digits.x_train.reshape(8000, -1) / 255
    means = np.stack([train[digits.y_train == d].mean(0) for d in range(10)])
    test = digits.x_test.reshape(2000, -1) / 255
    score = test @ means.T - (means**2).sum(1) / 2
    assert (score.argmax(1) == digits.y_test).mean() > 0.75


def test_digits_are_frozen_and_every_load_is_fresh():
    digits = datasets.load("mnist", "bundled")
    with pytest.raises(dataclasses.FrozenInstanceError):
        digits.x_train = None
    digits.x_train[:] = 0
    assert datasets.load("mnist", "bundled").x_train.any()
    assert repr(digits) == (
        "Digits(bundled: 8,000 for training, 2,000 for testing)"
    )


@pytest.mark.parametrize("suffix", ["npz", "idx", "gz"])
def test_folder_is_used_as_it_is(folder, arrays, suffix):
    if suffix == "npz":
        np.savez(folder / "mnist.npz", **arrays)
    else:
        write_idx(folder, arrays, gz=suffix == "gz")
    for source in (folder, str(folder)):
        digits = datasets.load("mnist", source)
        assert_same(digits, arrays)
        assert digits.source == str(folder)
        digits.x_train[:] = 0  # a learner may write into it


def test_session_decides_where_no_source_is_given(folder, arrays, monkeypatch):
    np.savez(folder / "mnist.npz", **arrays)
    session = runtime.Session(2, "quick", str(folder), "CPU", 0)
    monkeypatch.setattr(runtime, "_session", session)
    assert_same(datasets.load("mnist"), arrays)
    assert datasets.load("mnist", "bundled").source == "bundled"
    assert datasets.load("photo").shape == (375, 500, 3)


@pytest.mark.parametrize("missing", IDX.values())
def test_missing_idx_file_is_named(folder, arrays, missing):
    write_idx(folder, arrays)
    (folder / missing).unlink()
    with pytest.raises(FileNotFoundError) as error:
        datasets.load("mnist", folder)
    assert f"nor {missing}[.gz]" in str(error.value)
    assert str(folder) in str(error.value)


@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize("keep", [0, 3, 10, 100])
def test_truncated_idx_file_is_named(folder, arrays, gz, keep):
    write_idx(folder, arrays, gz)
    path = folder / (IDX["x_test"] + ".gz" * gz)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=path.name):
        datasets.load("mnist", folder)


def test_idx_file_of_another_kind_is_named(folder, arrays):
    write_idx(folder, arrays)
    shutil.copy(folder / IDX["y_train"], folder / IDX["x_train"])
    with pytest.raises(ValueError, match="train-images.* not an idx3 file"):
        datasets.load("mnist", folder)


def test_too_long_idx_file_is_named(folder, arrays):
    write_idx(folder, arrays)
    with open(folder / IDX["y_test"], "ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match="13 bytes, expected 12"):
        datasets.load("mnist", folder)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"x_train": np.zeros((8, 32, 32), "u1")}, r"expected \(n, 28, 28\)"),
        ({"x_train": np.zeros((8, 784), "u1")}, r"\(8, 784\)"),
        ({"x_train": np.zeros((8, 28, 28), "f4")}, "float32"),
        ({"x_test": np.zeros((0, 28, 28), "u1")}, "n at least 1"),
        ({"x_test": np.zeros((), "u1")}, r"shape \(\)"),
        ({"y_train": np.zeros(7, "u1")}, r"expected \(8,\)"),
        ({"y_train": np.zeros(8, "f4")}, "whole numbers"),
        ({"y_test": np.full(4, 10)}, "0 to 9"),
        ({"y_test": np.full(4, -1)}, "0 to 9"),
        ({"y_test": np.array([None] * 4)}, "damaged"),
    ],
)
def test_wrong_arrays_are_named(folder, arrays, wrong, message):
    np.savez(folder / "mnist.npz", **arrays | wrong)
    with pytest.raises(ValueError, match=message) as error:
        datasets.load("mnist", folder)
    assert "mnist.npz" in str(error.value)


def test_labels_of_any_whole_type_become_uint8(folder, arrays):
    wide = arrays | {"y_train": arrays["y_train"].astype(np.int64)}
    np.savez(folder / "mnist.npz", **wide)
    assert_same(datasets.load("mnist", folder), arrays)


def test_archive_without_an_array_tells_what_is_expected(folder, arrays):
    del arrays["y_test"]
    np.savez(folder / "mnist.npz", **arrays)
    with pytest.raises(ValueError, match="x_train, y_train, x_test, y_test"):
        datasets.load("mnist", folder)


@pytest.mark.parametrize("keep", [0, 50, 5000, -30])
def test_truncated_archive_is_named(folder, arrays, keep):
    path = folder / "mnist.npz"
    np.savez_compressed(path, **arrays)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="mnist.npz is damaged"):
        datasets.load("mnist", folder)


@pytest.mark.parametrize("suffix", ["npz", "gz"])
def test_flipped_byte_is_noticed_or_does_no_harm(folder, arrays, suffix):
    if suffix == "npz":
        path = folder / "mnist.npz"
        np.savez_compressed(path, **arrays)
    else:
        write_idx(folder, arrays, gz=True)
        path = folder / (IDX["x_train"] + ".gz")
    content, noticed = path.read_bytes(), 0
    spread = range(0, len(content), len(content) // 97)
    directory = range(len(content) - 250, len(content))
    for position in [*spread, *directory]:
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            assert_same(datasets.load("mnist", folder), arrays)
        except ValueError as error:
            assert path.name in str(error)
            noticed += 1
    assert noticed > 80  # the rest fell on time stamps and the like


@pytest.mark.parametrize("name", ["mnits", "", None, 3])
def test_unknown_name_lists_the_choices(name):
    with pytest.raises(ValueError, match="choose one of mnist, photo"):
        datasets.load(name)


@pytest.mark.parametrize("source", ["reel", "", "/no/such/folder", 3])
def test_unknown_source_lists_the_choices(source):
    with pytest.raises(ValueError, match="choose bundled, real, or the path"):
        datasets.load("mnist", source)


def test_file_as_source_is_refused(folder, arrays):
    np.savez(folder / "mnist.npz", **arrays)
    with pytest.raises(ValueError, match="existing folder"):
        datasets.load("mnist", folder / "mnist.npz")


def test_real_digits_come_from_the_checked_cache(
    arrays, monkeypatch, tmp_path
):
    path = tmp_path / "cache" / "mnist.npz"
    path.parent.mkdir()
    np.savez(path, **arrays)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    remote = Remote("mnist.npz", ("https://data.invalid/",), sha256, 1)
    monkeypatch.setitem(downloads.REMOTES, "mnist", remote)
    digits = datasets.load("mnist", "real")
    assert digits.source == "real"
    assert_same(digits, arrays)


def test_failed_download_says_why_and_gives_the_bundled(monkeypatch, capsys):
    def fail(name):
        raise DownloadError("data.invalid: no connection")

    monkeypatch.setattr(downloads, "fetch", fail)
    digits = datasets.load("mnist", "real")
    assert digits.source == "bundled" and len(digits.x_train) == 8000
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "mnist: could not download the full set (data.invalid: no "
        "connection); using the 10,000 bundled digits instead"
    ]
    assert captured.err == ""


def test_offline_all_the_way_through(monkeypatch, capsys):
    def offline(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", offline)
    monkeypatch.setenv("NO_PROXY", "*")
    assert datasets.load("mnist", "real").source == "bundled"
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "storage.googleapis.com: no connection" in out


@pytest.fixture
def data_copy(monkeypatch, tmp_path):
    """A copy of the bundled data that a test may damage."""
    package = tmp_path / "site-packages" / "course_utils"
    shutil.copytree(bundled.data_folder(), package / "data")
    folder = package / "data"
    monkeypatch.setattr(bundled, "data_folder", lambda: folder)
    return folder


@pytest.mark.parametrize(
    "filename, use",
    [
        ("mnist_10k.npz", lambda: datasets.load("mnist", "bundled")),
        ("coffee.jpg", lambda: datasets.load("photo")),
        ("chelsea.jpg", lambda: datasets.photo("chelsea")),
    ],
)
def test_missing_or_truncated_bundled_file(data_copy, filename, use):
    path = data_copy / filename
    content = path.read_bytes()
    for keep in (0, 100, len(content) // 2):
        path.write_bytes(content[:keep])
        with pytest.raises(ValueError, match=f"{filename}.*reinstall"):
            use()
    path.unlink()
    with pytest.raises(
        FileNotFoundError, match=f"{filename} is missing.*reinstall"
    ):
        use()


def test_data_are_found_in_a_clone_and_in_an_installed_package(tmp_path):
    package = tmp_path / "course_utils"
    package.mkdir()
    assert bundled.data_folder(package) == tmp_path / "data"
    (package / "data").mkdir()
    assert bundled.data_folder(package) == package / "data"


def test_photo_comes_with_the_course():
    np.testing.assert_array_equal(
        datasets.load("photo"), datasets.photo("coffee")
    )
    assert datasets.PHOTOS == photos.PHOTOS


def test_photo_takes_no_other_source():
    with pytest.raises(ValueError, match=r"datasets.photo\(path\)"):
        datasets.load("photo", "real")
