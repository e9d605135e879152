"""Photos of the learner's own: split by file, cut as the bundled ones."""

import numpy as np
import pytest
from PIL import Image

from course_utils import own_photos
from course_utils.crops import SPLITS
from course_utils.pictures import pictures


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def noise(seed, *sides):
    rng = np.random.default_rng(seed)
    return rng.integers(256, size=(*sides, 3), dtype=np.uint8)


def save(path, i, height=80, width=90):
    """Write a photo of noise whose red is 30 * i throughout."""
    photo = noise(i, height, width)
    photo[..., 0] = 30 * i
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(photo).save(path, lossless=True)


def reds(folder, split, count=60):
    """Return which photos the crops of a split come from."""
    images = pictures(count, split=split, seed=0, source=folder).images
    assert images.shape == (count, 32, 32, 3) and images.dtype == np.uint8
    red = images[..., 0].reshape(count, -1)
    assert (red == red[:, :1]).all()
    return {int(r) // 30 for r in red[:, 0]}


@pytest.fixture
def seven(folder):
    """Seven photos, numbered in the order of their names; other files."""
    names = "a.png b.webp c.PNG d/a.png d/z.png e.png f.png"
    for i, name in enumerate(names.split()):
        save(folder / name, i)
    (folder / "notes.txt").write_text("no photo")
    (folder / "._a.png").write_bytes(b"left by another system")
    (folder / ".ipynb_checkpoints").mkdir()
    save(folder / ".ipynb_checkpoints" / "a.png", 8)
    return folder


def test_own_photos_are_split_by_file(seven, capsys):
    assert reds(seven, "test") == {0, 5}
    assert reds(seven, "validation") == {1, 6}
    assert reds(seven, "train") == {2, 3, 4}
    found = pictures(3, seed=0, source=str(seven))
    assert found.source == str(seven)
    assert capsys.readouterr().out == ""


def test_three_photos_are_one_for_each_split(folder):
    for i in range(3):
        save(folder / f"{i}.png", i)
    assert [reds(folder, s) for s in ("test", "validation", "train")] == [
        {0}, {1}, {2}
    ]  # fmt: skip


def roughness(images):
    """Mean step of green from pixel to pixel: of pure noise, 85.3 levels."""
    return np.abs(np.diff(images[..., 1].astype(int), axis=2)).mean((1, 2))


def test_own_photos_are_cut_as_the_bundled_are(seven):
    first = pictures(200, seed=1, source=seven).images
    again = pictures(200, seed=1, source=seven).images
    np.testing.assert_array_equal(first, again)
    other = pictures(200, seed=2, source=seven).images
    assert (first != other).any(axis=(1, 2, 3)).mean() > 0.9
    # 80x90 pixels fit whole and halved; a halved photo of noise is smoother.
    halved = roughness(first) < 60
    assert 0.4 < halved.mean() < 0.6


def test_a_photo_below_64_pixels_is_used_whole_only(folder):
    for i in range(3):
        save(folder / f"{i}.png", i, 62, 200)
    for split in SPLITS:
        images = pictures(50, split=split, seed=0, source=folder).images
        assert (np.abs(roughness(images) - 85.3) < 10).all()


def test_files_that_cannot_be_used_are_counted_in_one_line(seven, capsys):
    (seven / "a.jpg").write_bytes(b"no photo at all")
    save(seven / "cut.png", 8)
    (seven / "cut.png").write_bytes((seven / "cut.png").read_bytes()[:9000])
    save(seven / "little.png", 7, 31, 200)
    (seven / "zcopy.png").write_bytes((seven / "a.png").read_bytes())
    found = [reds(seven, s) for s in ("test", "validation", "train")]
    assert found == [{0, 5}, {1, 6}, {2, 3, 4}]
    lines = capsys.readouterr().out.splitlines()
    start = f"{seven}: 4 of 11 photos left out; the first: {seven / 'a.jpg'}"
    assert len(lines) == 3 and all(s.startswith(start) for s in lines)


@pytest.mark.parametrize(
    "spoil, reason",
    [
        (lambda path: path.write_bytes(b""), "cannot be read"),
        (lambda path: save(path, 2, 40, 31), r"too small \(31x40 pixels\)"),
        (lambda path: save(path, 0), "shows the same as .*0.png"),
    ],
)
def test_fewer_than_three_photos_are_refused(folder, spoil, reason, capsys):
    for i in range(3):
        save(folder / f"{i}.png", i)
    spoil(folder / "2.png")
    message = f"2 photos that can be used: expected at least 3.*{reason}"
    for split in SPLITS:
        with pytest.raises(ValueError, match=message) as error:
            pictures(2, split=split, seed=0, source=folder)
        assert "2.png" in str(error.value)
        assert "1 of 3 photos left out" in str(error.value)


def test_an_empty_folder_is_told_what_is_expected(folder):
    with pytest.raises(ValueError, match="0 photos.*at least 3.*train-"):
        pictures(2, seed=0, source=folder)


def test_a_photo_that_has_changed_is_read_again(seven):
    assert 2 in reds(seven, "train")
    save(seven / "c.PNG", 7, 81, 90)
    assert reds(seven, "train") == {7, 3, 4}


def test_too_many_photos_are_refused_before_they_are_read(seven, monkeypatch):
    monkeypatch.setattr(own_photos, "MOST_PHOTOS", 6)
    monkeypatch.setattr(own_photos, "_read_own", None)
    with pytest.raises(ValueError, match="holds 7 photos: at most 6"):
        pictures(2, seed=0, source=seven)


def test_a_large_photo_is_reduced_to_the_bundled_ones_size(tmp_path):
    sides = {(1500, 2000): (600, 800), (600, 800): (600, 800)}
    for (height, width), (high, wide) in sides.items():
        save(tmp_path / "large.png", 1, height, width)
        levels, _ = own_photos._read_own(tmp_path / "large.png")
        assert levels[0].shape == (high, wide, 3) and len(levels) == 3
    save(tmp_path / "panorama.png", 1, 32, 8000)
    levels, _ = own_photos._read_own(tmp_path / "panorama.png")
    assert [level.shape for level in levels] == [(32, 8000, 3)]
