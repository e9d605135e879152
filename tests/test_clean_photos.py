"""Clean photos: what they are, who trains on which, where crops come from."""

import csv
import importlib.util
import io
import shutil
import struct
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils import bundled
from course_utils import clean_photos as module
from course_utils.clean_photos import (
    as_floats,
    clean_photos,
    own_photo,
    training_crops,
)
from course_utils.crops import pyramid
from course_utils.pasted_objects import BACKGROUNDS
from course_utils.photos import photo

DATA = Path(__file__).resolve().parents[1] / "data"
KINDS = {
    *("animal", "building", "food", "landscape", "people", "plant"),
    "texture",
}
FREE = {
    *("CC0", "public domain", "CC BY 2.0", "CC BY 4.0", "CC BY-SA 3.0"),
    "CC BY-SA 4.0",
}


def maker(name):
    """Import a script of data/make."""
    path = DATA / "make" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def rows():
    with open(DATA / "photos128.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_what_clean_photos_are():
    photos = clean_photos()
    assert photos.images.shape == (24, 128, 128, 3)
    assert photos.images.dtype == np.uint8
    assert len({image.tobytes() for image in photos.images}) == 24
    assert len(set(photos.names)) == len(set(photos.alts)) == 24
    counts = Counter(photos.kinds.tolist())
    assert set(counts) == KINDS and min(counts.values()) >= 2
    coloured = np.ptp(photos.images.astype(int), axis=-1).mean(axis=(1, 2))
    assert coloured.min() > 5  # of 255


def test_the_first_few_are_of_all_kinds():
    few = clean_photos(7)
    assert set(few.kinds) == KINDS
    np.testing.assert_array_equal(few.images, clean_photos().images[:7])


def test_some_can_be_taken():
    photos = clean_photos()
    food = photos.take(photos.kinds == "food")
    assert repr(food) == "CleanPhotos(2 of 128x128 pixels: coffee, citrus)"
    assert food.alts[1] == "slices of oranges and limes"
    which = photos.names.tolist().index("citrus")
    one = photos.take(which)
    assert one.names.tolist() == ["citrus"]
    np.testing.assert_array_equal(one.images[0], food.images[1])
    with pytest.raises(IndexError):
        photos.take(24)


def test_photos_are_free_to_be_written_to():
    clean_photos(2).images[:] = 0
    assert clean_photos(2).images.any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("count", [0, 25, 2.0, True, "all"])
def test_a_wrong_count_is_named(count):
    with pytest.raises(ValueError, match=f"1 to 24, got {count!r}"):
        clean_photos(count)


@pytest.mark.parametrize("name, original", [("pagoda", 427), ("dogs", 3088)])
def test_a_name_stands_for_the_photo_of_that_name(name, original):
    row = next(row for row in rows() if row["name"] == name)
    left, top, side = (int(row[key]) for key in ("left", "top", "side"))
    image = Image.fromarray(photo(name))  # bundled too, perhaps reduced
    scale = image.height / original
    box = [scale * n for n in (left, top, left + side, top + side)]
    square = image.resize((128, 128), Image.Resampling.LANCZOS, box=box)
    photos = clean_photos()
    own = photos.images[photos.names.tolist().index(name)]
    assert np.abs(own - np.asarray(square, float)).mean() < 3  # of 255


def test_every_photo_tells_who_made_it_and_is_free():
    for row in rows():
        assert all(row.values()), row["name"]
        assert row["licence"] in FREE
        assert row["origin"].startswith("https://")
        assert int(row["side"]) >= 3 * 128


def test_nothing_is_trained_on_them():
    files = maker("make_backgrounds").BACKGROUNDS
    trained = {*BACKGROUNDS["train"], *BACKGROUNDS["validation"]}
    assert not trained & {row["name"] for row in rows()}
    known = {files[name] for name in trained if name in files}
    assert not known & {Path(row["file"]).name for row in rows()}


def test_floats_are_a_copy_from_0_to_1():
    images = np.array([[0, 51, 255]], np.uint8)
    floats = as_floats(images)
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats, [[0, 0.2, 1]])
    floats[:] = 0
    assert images.max() == 255
    with pytest.raises(TypeError, match="must be uint8.*got float32"):
        as_floats(floats)


def holds(level, crop):
    """Say whether a crop stands in a photo, pixel for pixel."""
    side = len(crop)
    if min(level.shape[:2]) < side:
        return False
    height, width = (n - side + 1 for n in level.shape[:2])
    starts = (level[:height, :width] == crop[0, 0]).all(axis=2)
    return any(
        (level[y : y + side, x : x + side] == crop).all()
        for y, x in np.argwhere(starts)
    )


@pytest.mark.parametrize("split", ["train", "validation"])
def test_crops_stand_in_a_reduced_photo_of_their_split(split):
    crops = training_crops(15, 40, split=split, seed=0)
    assert crops.shape == (15, 40, 40, 3) and crops.dtype == np.uint8
    scales = Counter()
    pyramids = [pyramid(photo(name))[1:] for name in BACKGROUNDS[split]]
    for crop in crops:
        found = [
            scale
            for levels in pyramids
            for scale, level in enumerate(levels)
            if holds(level, crop)
        ]
        assert len(found) == 1
        scales.update(found)
    assert set(scales) == {0, 1}  # a half and a quarter


def test_the_largest_crops_fit_both_splits():
    for split in ("train", "validation"):
        assert training_crops(30, 128, split=split, seed=1).any()


def test_the_seed_decides_alone():
    first, again, other = (training_crops(20, 16, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not {c.tobytes() for c in first} & {c.tobytes() for c in other}


@pytest.mark.parametrize("split", ["train", "validation"])
def test_one_crop_in_ten_is_grey(split):
    crops = training_crops(1000, 16, split=split, seed=0)
    grey = (np.ptp(crops, axis=-1) == 0).all(axis=(1, 2))
    assert 0.07 < grey.mean() < 0.13  # a standard error is 0.01


def test_half_of_the_flat_places_are_drawn_again():
    level = np.full((208, 400, 3), 200, np.uint8)
    noise = np.random.default_rng(0).integers(256, size=(208, 200, 3))
    level[:, 200:] = noise  # half of the photo is a clear sky
    rng = np.random.default_rng(1)
    crops = [module._cut([level], 8, rng) for _ in range(3000)]
    flat = np.mean([np.ptp(crop) == 0 for crop in crops])
    assert abs(flat - 1 / 3) < 0.04  # a half of a half, of three quarters


def test_a_photo_of_nothing_but_sky_is_cut_all_the_same():
    level = np.full((60, 60, 3), 200, np.uint8)
    crop = module._cut([level], 16, np.random.default_rng(0))
    assert crop.shape == (16, 16, 3)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"count": 0}, "count must be a whole number, 1 or more, got 0"),
        ({"side": 7}, "side must be a whole number, 8 to 128, got 7"),
        ({"side": 129}, "8 to 128, got 129"),
        ({"side": 32.0}, "got 32.0"),
        ({"seed": -1}, "seed must be a whole number, 0 or more"),
        ({"split": "tset"}, "unknown split 'tset'"),
        ({"split": "test"}, "train or validation.*clean_photos"),
    ],
)
def test_what_is_wrong_is_named(wrong, message):
    asked = {"count": 4, "side": 32, "seed": 0} | wrong
    with pytest.raises(ValueError, match=message):
        training_crops(asked.pop("count"), asked.pop("side"), **asked)


def test_an_own_photo_becomes_the_middle_reduced(tmp_path):
    image = np.zeros((240, 400, 3), np.uint8)
    image[:, 80:320] = 255  # the middle square is white
    Image.fromarray(image).save(tmp_path / "wide.png")
    square = own_photo(tmp_path / "wide.png", side=48)
    assert square.shape == (48, 48, 3) and square.dtype == np.float32
    assert square.min() > 0.9 and square.mean() > 0.99
    Image.fromarray(image.swapaxes(0, 1)).save(tmp_path / "high.png")
    assert own_photo(tmp_path / "high.png", side=48).min() > 0.9


def test_shrinking_takes_the_cameras_noise(tmp_path):
    rng = np.random.default_rng(0)
    noisy = np.clip(rng.normal(128, 20, (512, 512, 3)), 0, 255)
    Image.fromarray(noisy.astype(np.uint8)).save(tmp_path / "noisy.png")
    square = own_photo(tmp_path / "noisy.png")
    assert square.std() < 20 / 255 / 3  # of averaging 4x4 pixels: a quarter


def test_an_own_photo_of_the_course_will_do():
    assert own_photo("coffee").shape == (128, 128, 3)


@pytest.mark.parametrize("side", [15, 513, 128.0])
def test_a_wrong_side_of_an_own_photo_is_named(side):
    with pytest.raises(ValueError, match=f"16 to 512, got {side}"):
        own_photo("coffee", side=side)


def test_an_own_photo_that_is_too_small_is_named(tmp_path):
    Image.new("RGB", (500, 100)).save(tmp_path / "strip.png")
    with pytest.raises(ValueError, match="strip.png has 500x100.*128 or more"):
        own_photo(tmp_path / "strip.png")


@pytest.fixture
def data_copy(monkeypatch, tmp_path):
    """A copy of the bundled data that a test may damage."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("photos128.png", "photos128.csv"):
        shutil.copy(DATA / name, folder)
    monkeypatch.setattr(bundled, "data_folder", lambda: folder)
    module._sheet.cache_clear()
    yield folder
    module._sheet.cache_clear()


@pytest.mark.parametrize("name", ["photos128.png", "photos128.csv"])
def test_a_missing_file_is_named(data_copy, name):
    (data_copy / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing"):
        clean_photos()


@pytest.mark.parametrize(
    "name, damage",
    [
        ("photos128.png", lambda content: content[:9000]),
        ("photos128.png", lambda content: b"GIF89a"),
        ("photos128.csv", lambda content: b"\xff" + content),
        ("photos128.csv", lambda content: content[:1500]),
        ("photos128.csv", lambda content: content.replace(b"kind", b"k", 1)),
        ("photos128.csv", lambda content: b""),
    ],
)
def test_damage_is_named(data_copy, name, damage):
    path = data_copy / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=rf"{name}.*reinstall the course"):
        clean_photos()


def resources(files):
    """Return a Qt resource file of one folder, "a", with these files."""
    entries, names, data = [], b"", b""
    for name, flags in [("", 2), ("a", 2), *((n, f) for n, f, _ in files)]:
        entries.append((len(names), flags))
        text = name.encode("utf-16-be")
        names += struct.pack(">HI", len(name), 0) + text
    starts = []
    for _, flags, content in files:
        starts.append(len(data))
        if flags & 1:
            content = struct.pack(">I", len(content)) + zlib.compress(content)
        data += struct.pack(">I", len(content)) + content
    children = [(1, 1), (len(files), 2), *((0, start) for start in starts)]
    tree = b"".join(
        struct.pack(">IHIIQ", *entry, *child, 0)
        for entry, child in zip(entries, children, strict=True)
    )
    offsets = (20, 20 + len(tree), 20 + len(tree) + len(data))
    return b"qres" + struct.pack(">4I", 2, *offsets) + tree + data + names


def test_photos_are_found_in_resource_files_and_beside(tmp_path):
    find = maker("make_photos128").find
    blob = resources([("x.webp", 0, b"plain"), ("y.webp", 1, b"packed" * 9)])
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.rcc").write_bytes(blob)
    assert find("a/x.webp", tmp_path) == b"plain"
    assert find("a/y.webp", tmp_path) == b"packed" * 9
    (tmp_path / "deep" / "z.jpg").write_bytes(b"file")
    assert find("deep/z.jpg", tmp_path) == b"file"
    with pytest.raises(FileNotFoundError, match="a/z.jpg is nowhere"):
        find("a/z.jpg", tmp_path)
    (tmp_path / "b.rcc").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="must begin with qres"):
        find("b/x.webp", tmp_path)


def test_a_tile_is_a_square_reduced_by_three_or_more():
    make = maker("make_photos128")
    assert (make.SIDE, make.COLUMNS) == (module.SIDE, module.COLUMNS)
    image = Image.new("RGB", (600, 500), "red")
    image.paste("blue", (100, 50, 484, 434))
    content = io.BytesIO()
    image.save(content, "PNG")
    tile = make.tile(content.getvalue(), 100, 50, 384)
    assert tile.size == (128, 128)
    assert tile.getcolors() == [(128 * 128, (0, 0, 255))]
    with pytest.raises(ValueError, match="384 pixels or more, got 383"):
        make.tile(content.getvalue(), 100, 50, 383)


def test_importing_it_imports_nothing_heavy(heavy_after):
    found = heavy_after(
        "import course_utils.clean_photos",
        "PIL",
        "torch",
        "matplotlib",
        "skimage",
        "sklearn",
    )
    assert found == []
