"""Scenes whose truth is known, in splits that share nothing."""

import itertools

import numpy as np
import pytest
from PIL import Image

from course_utils import pasted_objects as module
from course_utils.pasted_objects import (
    BACKGROUNDS,
    SPLITS,
    objects,
    pasted_objects,
)

COUNTS = {"train": 256, "validation": 48, "test": 80}
# Of 300 test scenes of 96 pixels with seed 0.
FIRST_LABELS = [78, 6, 22, 32, 18, 48, 71, 11]
FIRST_PHOTOS = [3, 3, 0, 2, 4, 1, 0, 3]
FIRST_AREAS = [722, 896, 607, 541]  # pixels


@pytest.fixture(scope="module")
def scenes():
    """The 300 scenes that week 3 scores maps on."""
    return pasted_objects(300, split="test", size=96, seed=0)


@pytest.fixture(scope="module")
def empty():
    """The same scenes with nothing pasted on them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image.Image, "paste", lambda *arguments: None)
        return pasted_objects(300, split="test", size=96, seed=0).images


def on_grey(tiles):
    """Tiles as they look on mid grey, reduced to 16x16 pixels, as rows."""
    alpha = tiles[..., 3:] / 255
    seen = tiles[..., :3] * alpha + 128 * (1 - alpha)
    blocks = seen.reshape(len(tiles), 16, 4, 16, 4, 3).mean(axis=(2, 4))
    return blocks.reshape(len(tiles), -1)


def boxes(masks):
    """Top, left, height, width of each mask, (n, 4)."""
    down, across = masks.any(axis=2), masks.any(axis=1)
    top, left = down.argmax(axis=1), across.argmax(axis=1)
    bottom = masks.shape[1] - down[:, ::-1].argmax(axis=1)
    right = masks.shape[2] - across[:, ::-1].argmax(axis=1)
    return np.stack([top, left, bottom - top, right - left], axis=1)


def test_what_a_scene_is(scenes):
    assert scenes.images.shape == (300, 96, 96, 3)
    assert scenes.images.dtype == np.uint8
    assert scenes.masks.shape == (300, 96, 96)
    assert scenes.masks.dtype == bool
    assert scenes.labels.shape == scenes.backgrounds.shape == (300,)
    assert len(scenes.names) == 80
    assert repr(scenes) == (
        "PastedObjects(300 scenes of 96x96 pixels, 80 objects)"
    )


@pytest.mark.parametrize("split", SPLITS)
def test_objects_of_a_split(split):
    names, tiles = objects(split)
    assert len(names) == len(set(names)) == COUNTS[split] == len(tiles)
    assert tiles.shape[1:] == (64, 64, 4) and tiles.dtype == np.uint8
    cover = (tiles[..., 3] > 127).mean(axis=(1, 2))
    assert (cover >= 0.3).all()
    with pytest.raises(ValueError, match="read-only"):
        tiles[0] = 0


@pytest.mark.parametrize("one, other", list(itertools.combinations(SPLITS, 2)))
def test_splits_share_neither_objects_nor_photos(one, other):
    assert not set(BACKGROUNDS[one]) & set(BACKGROUNDS[other])
    (names, tiles), (others, other_tiles) = objects(one), objects(other)
    assert not set(names) & set(others)
    assert not set(map(bytes, tiles)) & set(map(bytes, other_tiles))
    a, b = on_grey(tiles), on_grey(other_tiles)
    nearest = min(((row - b) ** 2).mean(axis=1).min() for row in a) ** 0.5
    assert nearest > 12  # grey levels: no glyph is a copy of another


@pytest.mark.parametrize("split", SPLITS)
def test_photos_of_a_split_are_bundled_and_differ(split):
    photos = [np.asarray(module._photo(name)) for name in BACKGROUNDS[split]]
    assert len(set(map(bytes, photos))) == len(BACKGROUNDS[split])


def test_same_seed_same_scenes(scenes):
    again = pasted_objects(300, split="test", size=96, seed=0)
    for part in ("images", "masks", "labels", "backgrounds"):
        one, two = getattr(scenes, part), getattr(again, part)
        np.testing.assert_array_equal(one, two)
    other = pasted_objects(300, split="test", size=96, seed=1)
    assert (other.images != scenes.images).any(axis=(1, 2, 3)).all()
    assert (other.labels != scenes.labels).any()


def test_a_seed_gives_what_it_gave(scenes):
    """The shipped weights and the lesson's claims rest on these scenes."""
    assert scenes.labels[:8].tolist() == FIRST_LABELS
    assert scenes.backgrounds[:8].tolist() == FIRST_PHOTOS
    assert scenes.masks[:4].sum(axis=(1, 2)) == pytest.approx(
        FIRST_AREAS, rel=0.02
    )


def test_splits_differ_at_the_same_seed():
    labels = [pasted_objects(50, split=s, seed=0).labels for s in SPLITS]
    assert labels[0].max() >= 80 and labels[1].max() < 48
    assert (labels[1] != labels[2]).any()


def test_the_mask_is_where_the_object_was_pasted(scenes, empty):
    change = np.abs(scenes.images.astype(int) - empty).sum(axis=3)
    outside = ~scenes.masks
    # Outside, only the soft edge of an object (alpha up to a half) shows.
    grown = scenes.masks.copy()
    for axis, step in itertools.product((1, 2), (-1, 1)):
        grown |= np.roll(scenes.masks, step, axis)
    assert (change[~grown] > 0).mean() < 0.02
    assert change[~grown].mean() < 1 < 60 < change[scenes.masks].mean()
    # Inside, nearly every pixel changed.
    assert (change[scenes.masks] > 0).mean() > 0.98
    assert (change[outside] > 0).mean() < 0.1


def test_objects_lie_fully_inside(scenes, monkeypatch):
    placed = []
    real = module._place

    def place(tile, size, shares, rng):
        cutout, corner = real(tile, size, shares, rng)
        placed.append((*corner, *cutout.size))
        return cutout, corner

    monkeypatch.setattr(module, "_place", place)
    again = pasted_objects(300, split="test", size=96, seed=0)
    np.testing.assert_array_equal(again.masks, scenes.masks)
    left, top, wide, high = np.array(placed).T
    assert (left >= 0).all() and (left + wide <= 96).all()
    assert (top >= 0).all() and (top + high <= 96).all()
    sides = np.maximum(wide, high) / 96
    assert sides.min() >= 0.34 and sides.max() <= 0.66
    assert sides.min() < 0.38 and sides.max() > 0.62  # the whole range


def test_masks_have_the_size_that_is_told(scenes):
    found = boxes(scenes.masks)
    sides = found[:, 2:].max(axis=1) / 96
    assert sides.max() <= 0.66
    assert np.quantile(sides, 0.1) > 0.33
    area = scenes.masks.mean(axis=(1, 2))
    assert area.min() > 0.02
    assert area.max() < 0.45


def test_places_are_uniform_where_the_object_fits():
    masks = pasted_objects(1500, split="train", size=64, seed=0).masks
    top, left, high, wide = boxes(masks).T
    for first, side in ((top, high), (left, wide)):
        place = (first + 0.5) / (64 - side + 1)  # 0 to 1 where it fits
        counts = np.histogram(place, bins=5, range=(0, 1))[0]
        assert len(place) == counts.sum()
        assert np.abs(counts / 300 - 1).max() < 0.2


def test_objects_are_mirrored_and_turned_as_told():
    tile = np.zeros((64, 64, 4), np.uint8)
    tile[16:48, 8:32] = (255, 0, 0, 255)  # red on the left
    tile[16:48, 32:56] = (0, 0, 255, 255)
    rng, angles = np.random.default_rng(0), []
    for _ in range(400):
        cutout, _ = module._place(tile, 96, module.OBJECT_SIDES, rng)
        pixels = np.asarray(cutout).astype(int)
        solid = pixels[..., 3] > 200
        red, blue = (
            np.argwhere(solid & (pixels[..., c] > 200)).mean(axis=0)
            for c in (0, 2)
        )
        down, across = blue - red
        angles.append(np.degrees(np.arctan2(down, across)))
    angles = np.array(angles)
    mirrored = np.abs(angles) > 90
    assert 0.4 < mirrored.mean() < 0.6
    turn = (angles + 90) % 180 - 90
    assert 40 < turn.max() < 47 and -47 < turn.min() < -40
    assert abs(turn.mean()) < 4 and turn.std() == pytest.approx(26, abs=3)


@pytest.mark.parametrize("split", SPLITS)
def test_every_object_and_every_photo_occurs(split):
    scenes = pasted_objects(2500, split=split, size=32, seed=0)
    assert set(scenes.labels) == set(range(COUNTS[split]))
    assert set(scenes.backgrounds) == set(range(len(BACKGROUNDS[split])))
    counts = np.bincount(scenes.backgrounds) / 2500 * len(BACKGROUNDS[split])
    assert np.abs(counts - 1).max() < 0.25


def test_a_label_names_the_object_and_a_background_the_photo(scenes, empty):
    """Colours of the object and of the photo, found again in the scene."""
    names, tiles = objects("test")
    for name, rgb in (("strawberry", 0), ("leafy_green", 1), ("dress", 2)):
        where = scenes.labels == names.index(name)
        assert where.any()
        colours = scenes.images[where][scenes.masks[where]].mean(axis=0)
        assert colours.argmax() == rgb
    for index, name in enumerate(BACKGROUNDS["test"]):
        photo = np.asarray(module._photo(name)).mean(axis=(0, 1))
        own = empty[scenes.backgrounds == index].mean(axis=(0, 1, 2))
        assert np.abs(own - photo).max() < 40


@pytest.mark.parametrize("size", [32, 48, 512])
def test_sizes(size):
    scenes = pasted_objects(3, size=size, seed=np.int64(5))
    assert scenes.images.shape == (3, size, size, 3)
    assert scenes.masks.any(axis=(1, 2)).all()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"split": "val"}, ValueError, "choose one of train, validation, te"),
        ({"split": None}, ValueError, "unknown split None"),
        ({"count": 0}, ValueError, "count must be 1 to 1,000,000, got 0"),
        ({"count": 2.5}, TypeError, "count must be a whole number, got 2.5"),
        ({"count": True}, TypeError, "count must be a whole number"),
        ({"size": 31}, ValueError, "size must be 32 to 512, got 31"),
        ({"size": 513}, ValueError, "size must be 32 to 512, got 513"),
        ({"size": "64"}, TypeError, "size must be a whole number, got '64'"),
        ({"seed": -1}, ValueError, "seed must be 0 to .*, got -1"),
        ({"seed": None}, TypeError, "seed must be a whole number, got None"),
    ],
)
def test_bad_arguments_are_named(change, error, words):
    with pytest.raises(error, match=words):
        pasted_objects(**{"count": 2, "seed": 0, **change})


def test_given_labels_give_other_scenes_of_the_same_objects():
    first = pasted_objects(30, seed=0)
    again = pasted_objects(30, seed=1, labels=first.labels)
    assert (again.labels == first.labels).all()
    assert not (again.images == first.images).all((1, 2, 3)).any()
    same = pasted_objects(30, seed=0, labels=first.labels)
    assert (same.images == first.images).all()


@pytest.mark.parametrize(
    "labels, said",
    [
        ([0, 1], "must be 3 whole numbers"),
        ([0.0, 1.0, 2.0], "must be 3 whole numbers"),
        ([0, 1, 256], "must be 0 to 255"),
        ([0, -1, 2], "must be 0 to 255"),
    ],
)
def test_labels_that_name_no_object_are_refused(labels, said):
    with pytest.raises(ValueError, match=said):
        pasted_objects(3, seed=0, labels=labels)


def test_sides_decide_how_large_objects_are():
    small = pasted_objects(40, seed=0, sides=(0.3, 0.3))
    large = pasted_objects(40, seed=0, sides=(0.9, 0.9))
    for scenes, share in ((small, 0.3), (large, 0.9)):
        for mask in scenes.masks:
            spans = [np.ptp(np.flatnonzero(mask.any(axis))) for axis in (0, 1)]
            assert max(spans) + 1 <= round(64 * share) + 1
    assert large.masks.mean() > 5 * small.masks.mean()
    with pytest.raises(ValueError, match="the smaller first"):
        pasted_objects(3, seed=0, sides=(0.9, 0.3))
    with pytest.raises(ValueError, match="from 0.1 to 1"):
        pasted_objects(3, seed=0, sides=(0.5, 1.2))


@pytest.mark.parametrize("sides", [0.5, (0.2, 0.3, 0.4), ("a", "b")])
def test_sides_that_are_no_pair_are_refused(sides):
    with pytest.raises(ValueError, match="two shares"):
        pasted_objects(3, seed=0, sides=sides)
