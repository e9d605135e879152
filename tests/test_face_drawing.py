"""Drawn faces: each attribute shows, at its place and nowhere else."""

from collections import Counter

import numpy as np
import pytest
from scipy import ndimage

from course_utils import face_looks, face_scene
from course_utils.face_drawing import (
    ATTRIBUTE_REGIONS,
    REGIONS,
    draw_face,
)
from course_utils.face_labels import ATTRIBUTES, index_of, sample_attributes
from course_utils.face_pen import luma

FACES = 24  # for each attribute, without it and with it
PLAIN = dict.fromkeys(ATTRIBUTES, False)


def face(attributes, seed):
    return draw_face(attributes, np.random.default_rng([7, seed]))


def where(regions, attribute):
    """Return `(64, 64)` bool, the regions where an attribute shows."""
    names = ATTRIBUTE_REGIONS[attribute]
    bits = sum(1 << REGIONS.index(name) for name in names)
    return (regions & np.uint32(bits)) > 0


@pytest.fixture(scope="module")
def labels():
    drawn = sample_attributes(400, np.random.default_rng(3))
    drawn[:, index_of("Blurry")] = False  # it would hide what is looked for
    return drawn


@pytest.fixture(scope="module")
def drawn(labels):
    return [face(one, i) for i, one in enumerate(labels)]


@pytest.fixture(scope="module")
def pairs(labels):
    """Attribute: for each face `(change (64, 64), regions)`."""
    found = {}
    for k, name in enumerate(ATTRIBUTES):
        found[name] = []
        for i in range(FACES):
            without, having = labels[i].copy(), labels[i].copy()
            without[k], having[k] = False, True
            (first, _), (second, regions) = face(without, i), face(having, i)
            change = (second.astype(float) - first) ** 2
            found[name].append((change.sum(axis=2), regions))
    return found


def test_what_a_face_is(drawn):
    for image, regions in drawn[:20]:
        assert image.shape == (64, 64, 3) and image.dtype == np.uint8
        assert regions.shape == (64, 64) and regions.dtype == np.uint32
        assert regions.max() < 1 << len(REGIONS)


def test_the_generator_decides_alone(labels, drawn):
    for i in (0, 5):
        for first, again in zip(drawn[i], face(labels[i], i), strict=True):
            np.testing.assert_array_equal(first, again)
    assert (drawn[0][0] != face(labels[0], 1)[0]).mean() > 0.9


def test_as_many_numbers_are_drawn_whatever_the_attributes_are():
    after = set()
    for attributes in (np.zeros(40, bool), np.ones(40, bool)):
        rng = np.random.default_rng(0)
        draw_face(attributes, rng)
        after.add(rng.random())
    assert len(after) == 1


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_shows(pairs, name):
    energy = np.array([change.sum() for change, _ in pairs[name]])
    if name == "Attractive":
        assert not energy.any()
        return
    # Some are hidden: bangs under a hat, or a nose behind a leaf.
    assert np.mean(energy > 0) > 0.8
    assert np.median(np.sqrt(energy)) > 100  # as 1 pixel, black to white


@pytest.mark.parametrize("name", ATTRIBUTE_REGIONS)
def test_an_attribute_shows_at_its_place_alone(pairs, name):
    inside = total = area = 0
    for change, regions in pairs[name]:
        place = ndimage.binary_dilation(where(regions, name), iterations=2)
        inside += change[place].sum()
        total += change.sum()
        area += place.mean() / FACES
    # Brows and beards have the hair's colour.
    assert inside > 0.85 * total
    assert area < 0.45  # a place, not the whole picture


def test_every_attribute_but_two_has_a_place():
    assert set(ATTRIBUTES) - set(ATTRIBUTE_REGIONS) == {
        *("Attractive", "Blurry"),
    }
    used = {name for names in ATTRIBUTE_REGIONS.values() for name in names}
    assert used == set(REGIONS)


def test_places_are_in_the_picture(drawn):
    for name in ATTRIBUTE_REGIONS:
        sizes = np.array([where(r, name).sum() for _, r in drawn])
        assert np.mean(sizes >= 6) > 0.98


def test_faces_move_turn_and_grow(drawn):
    mouths = [where(regions, "Smiling") for _, regions in drawn]
    centres = np.array(
        [np.argwhere(m).mean(axis=0) for m in mouths if m.any()]
    )
    assert (centres.std(axis=0) > 2).all()
    sizes = np.array([mask.sum() for mask in mouths if mask.any()])
    assert np.quantile(sizes, 0.9) > 1.4 * np.quantile(sizes, 0.1)


def test_about_one_face_in_seven_is_partly_hidden():
    looks = [
        face_looks.draw_look(np.random.default_rng(i)) for i in range(900)
    ]
    kinds = Counter(
        (len(shapes[0]), len(shapes))
        for shapes, _ in map(face_scene.hider_shapes, looks)
        if shapes
    )
    assert len(kinds) == 3 and min(kinds.values()) > 20
    assert 0.12 < sum(kinds.values()) / len(looks) < 0.18


def test_what_is_hidden_is_in_no_region(labels, monkeypatch):
    for i in range(20):
        monkeypatch.setattr(face_scene, "HIDDEN", 0)
        free, free_regions = face(labels[i], i)
        monkeypatch.setattr(face_scene, "HIDDEN", 1)
        hidden, regions = face(labels[i], i)
        changed = (free != hidden).any(axis=2)
        lost = free_regions != regions
        assert lost.any() and not regions[lost].any()
        assert changed[lost].mean() > 0.95
        deep = ndimage.binary_erosion(
            changed & (free_regions > 0), iterations=2
        )
        assert lost[deep].mean() > 0.95


def test_nothing_but_pale_skin_changes_the_skin():
    for seed in range(20):
        look = face_looks.draw_look(np.random.default_rng(seed))
        usual = face_looks.skin_colour(PLAIN, look)
        for name in set(ATTRIBUTES) - {"Pale_Skin"}:
            assert face_looks.skin_colour(PLAIN | {name: True}, look) == usual
        pale = face_looks.skin_colour(PLAIN | {"Pale_Skin": True}, look)
        assert luma(pale) > 224 > 212 > luma(usual)


def test_skin_takes_all_human_tones():
    tones = [
        luma(face_looks.skin_colour(PLAIN, face_looks.draw_look(rng)))
        for rng in map(np.random.default_rng, range(500))
    ]
    counts, _ = np.histogram(tones, bins=5, range=(64, 206))
    assert counts.sum() == 500 and counts.min() > 60


@pytest.mark.parametrize("fill", [False, True])
def test_attributes_that_exclude_each_other_are_drawn_all_the_same(fill):
    for seed in range(50):
        image, _ = face(np.full(40, fill), seed)
        assert image.std() > 5


def test_any_attributes_will_do():
    rng = np.random.default_rng(0)
    for attributes in rng.random((100, 40)) < 0.5:
        draw_face(attributes, rng)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (np.zeros(39, bool), r"40 bools.*bool of shape \(39,\)"),
        (np.zeros((1, 40), bool), r"bool of shape \(1, 40\)"),
        (np.zeros(40), r"float64 of shape \(40,\)"),
        ([1] * 40, r"int64 of shape \(40,\)"),
    ],
)
def test_what_is_wrong_is_named(wrong, message):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=message):
        draw_face(wrong, rng)
    assert rng.random() == np.random.default_rng(0).random()


def test_the_modules_import_nothing_heavy(heavy_after):
    found = heavy_after(
        "import course_utils.face_drawing",
        "PIL",
        "torch",
        "scipy",
        "matplotlib",
        "sklearn",
    )
    assert found == []
