"""Crops of the bundled photos: the same for ever, in disjoint splits."""

import hashlib
import shutil

import numpy as np
import pytest

from course_utils import bundled, photos
from course_utils import crops as module
from course_utils.crops import SCALES, crops, cut, pyramid
from course_utils.pasted_objects import BACKGROUNDS, SPLITS

# The shipped networks were trained on such crops, and are judged on them.
PINNED = {
    ("train", 0): "f0523013489c5b902cafaaf28a5a713a",
    ("validation", 0): "27903300717e948975ff5390cf7d5dfa",
    ("test", 3): "a8648c17ab219e8ca8001dd3b71cb447",
}


@pytest.fixture(scope="module")
def all_splits():
    return {split: crops(400, split=split, seed=0) for split in SPLITS}


@pytest.fixture
def noise():
    """Return a function that makes a photo of noise."""
    rng = np.random.default_rng(0)
    return lambda *sides: rng.integers(256, size=(*sides, 3), dtype=np.uint8)


def content(images):
    return {image.tobytes() for image in images}


def holds(photo, crop):
    """Say whether a crop stands in a photo, pixel for pixel."""
    height, width = (side - 31 for side in photo.shape[:2])
    starts = (photo[:height, :width] == crop[0, 0]).all(axis=2)
    return any(
        (photo[y : y + 32, x : x + 32] == crop).all()
        for y, x in np.argwhere(starts)
    )


@pytest.mark.parametrize("split, seed", PINNED)
def test_crops_stay_the_same_for_ever(split, seed):
    images = crops(20, split=split, seed=seed).images
    found = hashlib.sha256(images).hexdigest()
    assert found[:32] == PINNED[split, seed]


def test_what_crops_are(all_splits):
    for split, found in all_splits.items():
        assert found.images.shape == (400, 32, 32, 3)
        assert found.images.dtype == np.uint8
        assert found.photos.shape == found.scales.shape == (400,)
        assert set(found.scales) == set(SCALES)
        assert set(found.photos) == set(range(len(BACKGROUNDS[split])))
        assert found.names == BACKGROUNDS[split]
    assert repr(all_splits["validation"]) == (
        "Crops(400 of 32x32 pixels from 3 photos: sunset, gravel, chelsea)"
    )


@pytest.mark.parametrize("split", SPLITS)
def test_a_crop_stands_in_the_photo_it_names_at_its_scale(all_splits, split):
    found = all_splits[split]
    for i in range(12):
        levels = pyramid(photos.photo(found.names[found.photos[i]]))
        level = levels[SCALES.index(found.scales[i])]
        assert holds(level, found.images[i])


def test_splits_share_no_photo_and_no_crop(all_splits):
    names = [name for found in all_splits.values() for name in found.names]
    assert len(names) == len(set(names)) == 18
    each = [content(found.images) for found in all_splits.values()]
    assert len(set.union(*each)) == sum(map(len, each)) > 1190


def test_the_seed_decides_alone():
    first, again, other = (crops(50, seed=s).images for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not content(first) & content(other)
    np.random.seed(0)
    np.testing.assert_array_equal(crops(50, seed=1).images, first)


def test_crops_are_free_to_be_written_to():
    crops(20, seed=1).images[:] = 0
    assert crops(20, seed=1).images.any()


@pytest.mark.parametrize("split", SPLITS)
def test_hardly_any_crop_lacks_detail(all_splits, split):
    lost = [module.detail(crop) for crop in all_splits[split].images]
    assert np.mean(np.array(lost) < module.LEAST_DETAIL) < 0.01


def test_detail_is_what_the_means_of_blocks_lose():
    crop = np.zeros((32, 32, 3), np.uint8)
    crop[:, ::2] = 255  # stripes: every block has mean 0.5
    assert module.detail(crop) == pytest.approx(0.5)
    steps = np.arange(8).repeat(4)  # one level for each block: none lost
    crop[:] = 10 * steps[:, None, None]
    assert module.detail(crop) == pytest.approx(0, abs=1e-9)


def test_flat_places_are_drawn_again(noise, monkeypatch):
    photo = np.full((300, 300, 3), 200, np.uint8)  # a clear sky
    photo[250:] = noise(50, 300)

    def share_of_flat():
        images, _, _ = cut([(photo,)], 100, np.random.default_rng(0))
        return np.mean([module.detail(crop) < 0.02 for crop in images])

    assert share_of_flat() == 0
    monkeypatch.setattr(module, "LEAST_DETAIL", 0)
    assert share_of_flat() > 0.7


def test_a_photo_without_detail_is_cut_all_the_same():
    flat = np.full((40, 40, 3), 7, np.uint8)
    images, _, _ = cut([(flat,)], 3, np.random.default_rng(0))
    assert (images == 7).all()


def test_photos_and_scales_are_equally_likely(noise):
    pyramids = [pyramid(noise(140, 150)) for _ in range(4)]
    rng = np.random.default_rng(0)
    _, which, scales = cut(pyramids, 6000, rng)
    assert np.abs(np.bincount(which) / 1500 - 1).max() < 0.1
    assert np.abs(np.bincount(scales) / 2000 - 1).max() < 0.1


@pytest.mark.parametrize(
    "sides, fitting",
    [
        ((128, 200), 3),
        ((126, 128), 3),  # 31.5 pixels are rounded to 32
        ((125, 200), 2),
        ((62, 300), 1),
        ((32, 32), 1),
        ((31, 500), 0),
    ],
)
def test_a_photo_is_used_at_the_scales_where_a_crop_fits(
    noise, sides, fitting
):
    levels = pyramid(noise(*sides))
    assert len(levels) == fitting
    for level, scale in zip(levels, SCALES, strict=False):
        assert level.shape == (*(round(s * scale) for s in sides), 3)


def test_a_small_photo_is_as_likely_as_a_large_one(noise):
    pyramids = [pyramid(noise(side, side)) for side in (140, 70, 40)]
    rng = np.random.default_rng(0)
    images, which, scales = cut(pyramids, 6000, rng)
    assert np.abs(np.bincount(which) / 2000 - 1).max() < 0.1
    counts = [np.bincount(scales[which == i], minlength=3) for i in range(3)]
    expected = [[667, 667, 667], [1000, 1000, 0], [2000, 0, 0]]
    assert np.abs(np.array(counts) - expected).max() < 120
    assert (np.array(counts)[np.array(expected) == 0] == 0).all()
    for i in range(10):
        assert holds(pyramids[which[i]][scales[i]], images[i])


def test_a_photo_is_reduced_without_aliasing():
    # Stripes of 3 pixels are too fine for half the size: decimation would
    # turn them into coarse false ones of full contrast.
    stripes = np.zeros((240, 240, 3), np.uint8)
    stripes[:, ::3] = 255
    whole, half, quarter = pyramid(stripes)
    inner = slice(8, -8)
    assert whole.std() > 115 and stripes[::2, ::2].std() > 115
    assert half[inner, inner].std() < 20
    assert quarter[inner, inner].std() < 3
    assert abs(half[inner, inner].mean() - 85) < 1
    assert abs(quarter[inner, inner].mean() - 85) < 1
    np.testing.assert_array_equal(whole, stripes)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"count": 0}, "count must be a whole number, 1 or more, got 0"),
        ({"count": 2.5}, "count must be .* got 2.5"),
        ({"count": True}, "count must be .* got True"),
        ({"count": "9"}, "count must be .* got '9'"),
        ({"seed": -1}, "seed must be a whole number, 0 or more, got -1"),
        ({"seed": None}, "seed must be .* got None"),
        ({"split": "tset"}, "'tset': choose one of train, validation, test"),
        ({"split": None}, "unknown split None"),
    ],
)
def test_what_is_wrong_is_named(wrong, message):
    asked = {"count": 4, "seed": 0} | wrong
    with pytest.raises(ValueError, match=message):
        crops(asked.pop("count"), **asked)


def test_whole_numbers_of_numpy_will_do():
    found = crops(np.int64(3), seed=np.uint8(1)).images
    np.testing.assert_array_equal(found, crops(3, seed=1).images)


@pytest.fixture
def data_copy(monkeypatch, tmp_path):
    """A copy of the bundled data that a test may damage."""
    folder = shutil.copytree(bundled.data_folder(), tmp_path / "data")
    monkeypatch.setattr(bundled, "data_folder", lambda: folder)
    module._bundled_pyramid.cache_clear()
    yield folder
    module._bundled_pyramid.cache_clear()


def test_a_damaged_bundled_photo_is_named(data_copy):
    path = data_copy / "gravel.jpg"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match="gravel.jpg.*reinstall the course"):
        crops(4, split="validation", seed=0)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="gravel.jpg is missing"):
        crops(4, split="validation", seed=0)
    assert len(crops(4, split="test", seed=0).images) == 4


def test_modules_of_week_4s_data_import_nothing_heavy(heavy_after):
    found = heavy_after(
        "import course_utils as cu\ncu.crops, cu.pictures, cu.cifar\n"
        "import course_utils.own_photos",
        "PIL",
        "pyarrow",
        "torch",
        "requests",
        "pooch",
    )
    assert found == []
