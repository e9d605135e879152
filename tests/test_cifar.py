"""CIFAR-10's parquet files: in a folder of the learner's, or downloaded."""

import importlib.util
import io

import file_server
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from course_utils import cifar, downloads
from course_utils.crops import SPLITS, crops
from course_utils.downloads import Remote
from course_utils.pictures import pictures

TRAIN, TEST = "train-00000-of-00001.parquet", "test-00000-of-00001.parquet"


def noise(seed, *sides):
    rng = np.random.default_rng(seed)
    return rng.integers(256, size=(*sides, 3), dtype=np.uint8)


def content(images):
    return {image.tobytes() for image in images}


def encoded(image, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind)
    return file.getvalue()


def parquet(files, group=7):
    """Content of a parquet file like CIFAR-10's, from files of pictures."""
    rows = [{"bytes": f, "path": f"{i}.png"} for i, f in enumerate(files)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"img": pa.array(rows, kind), "label": [0] * len(rows)})
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=group, write_statistics=False)
    return file.getvalue()


@pytest.fixture(scope="module")
def files():
    """Pictures as PNG files: 40 for training, 10 for testing."""
    return {
        "train": [encoded(noise([0, i], 32, 32)) for i in range(40)],
        "test": [encoded(noise([1, i], 32, 32)) for i in range(10)],
    }


@pytest.fixture
def copied(tmp_path, files):
    """A folder that holds both parquet files."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / TRAIN).write_bytes(parquet(files["train"]))
    (folder / TEST).write_bytes(parquet(files["test"]))
    return folder


def decoded(files):
    return content(np.array(Image.open(io.BytesIO(file))) for file in files)


def test_splits_of_cifar_are_its_rows(copied, files):
    split_files = {
        "train": files["train"][:36],
        "validation": files["train"][36:],
        "test": files["test"],
    }
    for source in (copied, str(copied)):
        for split, expected in split_files.items():
            found = pictures(len(expected), split=split, seed=0, source=source)
            assert found.images.shape == (len(expected), 32, 32, 3)
            assert found.images.dtype == np.uint8
            assert content(found.images) == decoded(expected)  # each once
            assert found.source == str(copied)


def test_official_files_give_45_000_and_5_000():
    assert cifar._rows(50_000, "train") == (0, 45_000)
    assert cifar._rows(50_000, "validation") == (45_000, 5_000)
    assert cifar._rows(10_000, "test") == (0, 10_000)


@pytest.mark.parametrize("group", [1, 7, 40])
def test_the_seed_decides_alone(copied, files, group):
    first = pictures(20, seed=1, source=copied).images
    (copied / TRAIN).write_bytes(parquet(files["train"], group))
    np.testing.assert_array_equal(
        pictures(20, seed=1, source=copied).images, first
    )
    other = pictures(20, seed=2, source=copied).images
    assert content(other) != content(first)


@pytest.mark.parametrize(
    "split, there", [("train", 36), ("validation", 4), ("test", 10)]
)
def test_too_many_is_told_how_many_there_are(copied, split, there):
    with pytest.raises(ValueError, match=f"{split}.*has {there} pictures"):
        pictures(there + 1, split=split, seed=0, source=copied)


def test_only_the_chosen_rows_are_decoded(copied, files):
    chosen = pictures(5, seed=0, source=copied).images
    kept = content(chosen)
    damaged = [f if decoded([f]) <= kept else b"" for f in files["train"]]
    assert damaged.count(b"") == 35
    (copied / TRAIN).write_bytes(parquet(damaged))
    again = pictures(5, seed=0, source=copied).images
    np.testing.assert_array_equal(again, chosen)
    with pytest.raises(ValueError, match=f"{TRAIN}: the picture of row"):
        pictures(6, seed=0, source=copied)


def test_a_copy_of_the_repository_will_do(copied, files):
    expected = pictures(36, seed=0, source=copied).images
    (copied / "plain_text").mkdir()
    for name in (TRAIN, TEST):
        (copied / name).rename(copied / "plain_text" / name)
    found = pictures(36, seed=0, source=copied).images
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("missing", ["train", "test"])
@pytest.mark.parametrize("split", SPLITS)
def test_a_missing_file_is_named(copied, missing, split):
    (copied / {"train": TRAIN, "test": TEST}[missing]).unlink()
    with pytest.raises(FileNotFoundError, match=f"no {missing}-.*expected"):
        pictures(2, split=split, seed=0, source=copied)


def test_two_files_for_one_part_are_refused(copied):
    (copied / "test-2.parquet").write_bytes(b"")
    with pytest.raises(ValueError, match="2 files test-.*expected one"):
        pictures(2, seed=0, source=copied)


@pytest.mark.parametrize("keep", [0, 3, 100, 50_000, -1, -9])
def test_a_truncated_parquet_file_is_named(copied, keep):
    path = copied / TRAIN
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=f"{TRAIN} .*damaged or cut short"):
        pictures(2, seed=0, source=copied)


def test_a_flipped_byte_is_noticed_or_does_no_harm(copied, files):
    path, expected = copied / TEST, decoded(files["test"])
    whole, noticed = path.read_bytes(), 0
    spread = range(0, len(whole), len(whole) // 150)
    for position in spread:
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            found = pictures(10, split="test", seed=0, source=copied).images
            assert content(found) == expected
        except ValueError as error:
            assert path.name in str(error)
            noticed += 1
    assert noticed > 100  # the rest fell on statistics and the like


@pytest.mark.parametrize(
    "table, said",
    [
        ({"image": [{"bytes": b""}], "label": [1]}, "columns image"),
        ({"img": [b""], "label": [1]}, r"img \(binary\)"),
        ({"img": [{"path": "x"}]}, r"img \(struct<path"),
        ({"img": [{"bytes": "text"}]}, r"img \(struct<bytes: string"),
    ],
)
def test_other_columns_are_named(copied, table, said):
    pq.write_table(pa.table(table), copied / TRAIN)
    with pytest.raises(ValueError, match=f"{TRAIN}.*{said}.*expected img"):
        pictures(1, seed=0, source=copied)


@pytest.mark.parametrize(
    "file, said",
    [
        (encoded(noise(0, 32, 28)), "RGB, 28x32 pixels"),
        (encoded(noise(0, 28, 28)), "RGB, 28x28 pixels"),
        (encoded(noise(0, 32, 32)[..., 0]), "L, 32x32 pixels"),
        (encoded(noise(0, 32, 32), "BMP"), "no PNG file"),
        (encoded(noise(0, 32, 32))[:2000], "no PNG file"),
        (b"", "no PNG file"),
        (None, "no PNG file"),
    ],
)
def test_a_picture_of_another_kind_is_named(copied, files, file, said):
    (copied / TEST).write_bytes(parquet([*files["test"], file]))
    message = f"{TEST}: the picture of row 10 is {said}.*expected a PNG"
    with pytest.raises(ValueError, match=message):
        pictures(11, split="test", seed=0, source=copied)


def test_without_pyarrow_it_is_asked_for(copied, cache, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "pyarrow" else found(name),
    )
    for source in (copied, "real"):
        with pytest.raises(ImportError, match="pip install pyarrow"):
            pictures(2, seed=0, source=source)
    assert not cache.exists()
    assert pictures(2, seed=0, source="bundled").source == "bundled"


@pytest.fixture
def online(server, cache, files, monkeypatch):
    """Return a function that says what the server answers for each part."""

    def answer(train="train", test="test"):
        for part, page in (("train", train), ("test", test)):
            body = parquet(files[part])
            name = cifar.REMOTE[part]
            monkeypatch.setattr(
                file_server.Handler,
                f"serve_{part}",
                lambda self, asked, body=body: self.send(asked, body),
                raising=False,
            )
            remote = Remote(
                downloads.REMOTES[name].filename,
                (f"{server.url}/{page}.bin",), None, len(body),
            )  # fmt: skip
            monkeypatch.setitem(downloads.REMOTES, name, remote)

    return answer


def test_real_pictures_are_downloaded_once(online, files, server, capsys):
    online()
    found = pictures(4, split="validation", seed=0, source="real")
    assert found.source == "real"
    assert content(found.images) == decoded(files["train"][36:])
    assert capsys.readouterr().out.count("no checksum of cifar10_") == 2
    found = pictures(10, split="test", seed=0, source="real")
    assert content(found.images) == decoded(files["test"])
    assert [path for path, _ in server.seen] == ["/test.bin", "/train.bin"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("missing", ["train", "test"])
def test_failed_download_says_why_and_gives_the_bundled(
    online, capsys, missing
):
    online(**{missing: "missing"})
    for split in SPLITS:  # never one split real and another bundled
        found = pictures(5, split=split, seed=1, source="real")
        assert found.source == "bundled"
        expected = crops(5, split=split, seed=1).images
        np.testing.assert_array_equal(found.images, expected)
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert [s for s in lines if s.startswith("cifar10:")] == 3 * [
        "cifar10: could not download the pictures (127.0.0.1: the server "
        "answered 404 Not Found); using crops of the bundled photos instead"
    ]
    assert captured.err == ""


def test_more_than_there_are_is_refused_before_the_download(online, server):
    online()
    with pytest.raises(ValueError, match="5,000 pictures, 5,001 were asked"):
        pictures(5001, split="validation", seed=0, source="real")
    assert server.seen == []


def test_published_addresses_are_the_official_ones():
    for part, filename in (("train", TRAIN), ("test", TEST)):
        (url,) = downloads.REMOTES[cifar.REMOTE[part]].urls
        assert url == (
            "https://huggingface.co/datasets/uoft-cs/cifar10/resolve/main/"
            f"plain_text/{filename}"
        )
