"""Scores of maps whose answer is known by hand, by chance or by symmetry."""

import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from course_utils import metrics
from course_utils.metrics import (
    bootstrap_interval,
    energy_over_area,
    jaccard,
    knn_accuracy,
    pointing_game,
    pointing_hits,
)

RNG = np.random.default_rng(0)
# A 2x3 grid of 4-pixel patches: the object fills the first patch and half
# of the second, 24 of 96 pixels.
MASK = np.zeros((1, 8, 12), bool)
MASK[0, :4, :6] = True


def peak_at(row, col, shape=(3, 5)):
    grid = np.zeros(shape)
    grid[row, col] = 1
    return grid


def masks_at_random(count, side=24, *, seed=0):
    """Rectangles of random places and sizes."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, side, side), bool)
    for mask in masks:
        (top, left), (high, wide) = rng.integers(12, size=(2, 2))
        mask[top : top + high + 2, left : left + wide + 2] = True
    return masks


def test_maximum_inside_and_outside():
    maps = np.stack([peak_at(0, 0), peak_at(2, 4), peak_at(1, 3)])
    boxes = np.array([[0, 0, 8, 8], [0, 0, 8, 8], [8, 24, 8, 8]])
    assert pointing_game(maps, boxes, first=4, step=8) == pytest.approx(2 / 3)


def test_edges_belong_to_the_box_as_pixels_do():
    maps = peak_at(1, 1)[None]  # centre at pixel 12, 12
    for y, inside in ((12, 1), (13, 0), (11, 1), (10, 0)):
        box = np.array([[y, 12, 2, 1]])
        assert pointing_game(maps, box, first=4, step=8) == inside


def test_rows_are_not_columns():
    box = np.array([[4, 28, 1, 1]])
    assert pointing_game(peak_at(0, 3)[None], box, first=4, step=8) == 1
    assert pointing_game(peak_at(2, 0)[None], box, first=4, step=8) == 0


@pytest.mark.parametrize(
    ("maps", "boxes", "words"),
    [
        (np.zeros((2, 9)), np.zeros((2, 4)), "maps need shape"),
        (np.zeros((2, 3, 3)), np.zeros((3, 4)), "maps need shape"),
        (np.zeros((0, 3, 3)), np.zeros((0, 4)), "n at least 1"),
        (np.full((1, 3, 3), np.nan), np.zeros((1, 4)), "NaN"),
    ],
)
def test_bad_input_of_the_pointing_game_is_named(maps, boxes, words):
    with pytest.raises(ValueError, match=words):
        pointing_game(maps, boxes, first=0, step=1)


def test_hits_by_hand():
    for place, share in (((0, 0), 1), ((0, 1), 0.5), ((1, 0), 0), ((0, 2), 0)):
        found = pointing_hits(peak_at(*place, shape=(2, 3))[None], MASK)
        assert found.tolist() == [share]
    tie = np.array([[[1.0, 1, 0], [0, 0, 1]]])
    assert pointing_hits(tie, MASK) == pytest.approx((1 + 0.5 + 0) / 3)


def test_hits_of_single_pixels_are_the_pointing_game():
    masks = masks_at_random(40)
    maps = RNG.random(masks.shape)
    boxes = [
        (*np.argwhere(m).min(0), *(np.ptp(np.argwhere(m), axis=0) + 1))
        for m in masks
    ]
    share = pointing_game(maps, np.array(boxes), first=0, step=1)
    hits = pointing_hits(maps, masks)
    assert set(hits) == {0, 1} and hits.mean() == share


def test_energy_by_hand():
    maps = np.array([[[2.0, 4, 1], [1, 1, 1]]])
    share = (2 * 1 + 4 * 0.5) / 10
    assert energy_over_area(maps, MASK) == pytest.approx(share / 0.25)
    assert energy_over_area(MASK.astype(float), MASK) == pytest.approx(4)
    assert energy_over_area(~MASK, MASK) == pytest.approx(0)


def test_jaccard_by_hand():
    found = np.array([[[True, True, False], [False, False, False]]])
    # 24 pixels of the object are within the 32 that were found.
    assert jaccard(found, MASK) == pytest.approx(24 / 32)
    assert jaccard(~found, MASK) == pytest.approx(0)
    assert jaccard(MASK, MASK) == pytest.approx(1)
    assert jaccard(np.zeros_like(found), MASK) == pytest.approx(0)


def test_jaccard_is_that_of_scikit_learn_scene_by_scene():
    truth, found = masks_at_random(30), masks_at_random(30, seed=1)
    expected = [
        jaccard_score(t.ravel(), f.ravel())
        for t, f in zip(truth, found, strict=True)
    ]
    scores = jaccard(found, truth)
    np.testing.assert_allclose(scores, expected)
    np.testing.assert_allclose(jaccard(truth, found), scores)
    assert 0 < scores.mean() < 0.5 and scores.shape == (30,)


@pytest.mark.parametrize(
    ("score", "maps"),
    [
        (pointing_hits, RNG.random((30, 4, 6))),
        (energy_over_area, RNG.random((30, 4, 6))),
        (jaccard, RNG.random((30, 4, 6)) > 0.5),
    ],
)
def test_scores_of_scenes(score, maps):
    """What every score of scenes must keep."""
    masks = masks_at_random(30)
    scores = score(maps, masks)
    assert scores.shape == (30,) and len(set(scores)) > 2
    large = maps.repeat(6, axis=1).repeat(4, axis=2)  # of whole patches
    np.testing.assert_allclose(score(large, masks), scores)
    for flip in (np.s_[:, ::-1], np.s_[:, :, ::-1]):
        np.testing.assert_allclose(score(maps[flip], masks[flip]), scores)
    each = [
        float(score(maps[i : i + 1], masks[i : i + 1])[0]) for i in range(30)
    ]
    np.testing.assert_allclose(each, scores)


@pytest.mark.parametrize("score", [pointing_hits, energy_over_area])
def test_scale_of_a_map_does_not_matter(score):
    maps, masks = RNG.random((20, 6, 6)), masks_at_random(20)
    scales = RNG.random((20, 1, 1)) + 0.1
    np.testing.assert_allclose(score(maps * scales, masks), score(maps, masks))


def test_chance():
    masks = masks_at_random(4000)
    area = masks.mean(axis=(1, 2))
    flat = np.ones((4000, 6, 6))
    np.testing.assert_allclose(pointing_hits(flat, masks), area)
    np.testing.assert_allclose(energy_over_area(flat, masks), 1)
    np.testing.assert_allclose(jaccard(flat > 0, masks), area)
    blind = RNG.random((4000, 6, 6))
    assert pointing_hits(blind, masks).mean() == pytest.approx(
        area.mean(), abs=0.02
    )
    assert energy_over_area(blind, masks).mean() == pytest.approx(1, abs=0.02)


FLAT = np.ones((2, 4, 4))
TWO = np.ones((2, 8, 8), bool)


@pytest.mark.parametrize("score", [pointing_hits, energy_over_area, jaccard])
@pytest.mark.parametrize(
    ("maps", "masks", "words"),
    [
        (FLAT[0], TWO, "maps need shape"),
        (FLAT[:1], TWO, r"got \(1, 4, 4\) and bool \(2, 8, 8\)"),
        (FLAT[:0], TWO[:0], "maps need shape"),
        (FLAT[:, :3], TWO, "height a multiple of rows"),
        (FLAT, TWO[:, :, :6], "width of cols"),
        (FLAT, TWO[:, :2], "height a multiple of rows"),
        (FLAT, TWO * 255, r"and int64 \(2, 8, 8\)"),
        (FLAT, TWO & [[[True]], [[False]]], "mask 1 holds no object"),
    ],
)
def test_bad_scenes_are_named(score, maps, masks, words):
    maps = maps.astype(bool) if score is jaccard else maps
    with pytest.raises(ValueError, match=words):
        score(maps, masks)


@pytest.mark.parametrize("score", [pointing_hits, energy_over_area])
@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_maps_that_are_not_finite_are_named(score, odd):
    with pytest.raises(ValueError, match="NaN or infinity"):
        score(FLAT * odd, TWO)


def test_energy_of_no_map_is_named():
    for maps in (FLAT * 0, FLAT - 2, FLAT * [[[1]], [[0]]]):
        with pytest.raises(ValueError, match="without negative entries"):
            energy_over_area(maps, TWO)


def test_a_map_that_was_not_thresholded_has_no_jaccard():
    with pytest.raises(ValueError, match="threshold the map first"):
        jaccard(FLAT, TWO)


def test_interval_by_hand():
    same = bootstrap_interval([0.5, 0.5, 0.5])
    assert same == (0.5, 0.5, 0.5)
    interval = bootstrap_interval([0.0, 1.0], seed=3)
    assert interval == (0.5, 0.0, 1.0)  # a quarter of samples is all 0
    assert str(interval) == "0.500 [0.000, 1.000]"
    assert bootstrap_interval([0, 1], level=0.4) == (0.5, 0.5, 0.5)


def test_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    for level, least, most in ((0.95, 0.91, 0.98), (0.6, 0.52, 0.68)):
        held = 0
        for seed in range(300):
            scores = rng.exponential(size=80)  # skewed, mean 1
            interval = bootstrap_interval(
                scores, level=level, repeats=300, seed=seed
            )
            held += interval.low <= 1 <= interval.high
        assert least <= held / 300 <= most


def test_interval_is_as_wide_as_theory_says():
    scores = RNG.normal(size=400)
    mean, low, high = bootstrap_interval(scores)
    error = scores.std() / 400**0.5
    assert mean == pytest.approx(scores.mean())
    assert (high - low) == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert low < mean < high


def test_interval_is_seeded():
    scores = RNG.random(50)
    assert bootstrap_interval(scores) == bootstrap_interval(scores)
    assert bootstrap_interval(scores) != bootstrap_interval(scores, seed=1)


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        ([], {}, "2 or more finite numbers"),
        ([0.5], {}, "2 or more finite numbers"),
        ([[0.5, 0.5]], {}, r"got shape \(1, 2\)"),
        ([0.5, np.nan], {}, "finite"),
        ([0, 1], {"level": 95}, "level must lie between 0 and 1"),
        ([0, 1], {"level": 0}, "level must lie between 0 and 1"),
        ([0, 1], {"repeats": 10}, "repeats be at least 100"),
    ],
)
def test_bad_intervals_are_named(values, options, words):
    with pytest.raises(ValueError, match=words):
        bootstrap_interval(values, **options)


def clusters(count, spread, *, seed):
    """Features round five directions, and which one each is round."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(5, size=count)
    centres = np.random.default_rng(9).normal(size=(5, 16))
    return centres[labels] + spread * rng.normal(size=(count, 16)), labels


def test_neighbours_know_clusters_and_nothing_of_noise():
    gallery, queries = clusters(300, 0.2, seed=0), clusters(300, 0.2, seed=1)
    assert knn_accuracy(*gallery, *queries) == 1
    noise = RNG.normal(size=(300, 16))
    blind = knn_accuracy(noise, gallery[1], RNG.normal(size=(300, 16)),
                         queries[1])  # fmt: skip
    assert blind == pytest.approx(0.2, abs=0.08)


def test_neighbours_by_hand():
    """Cosine, not distance; and nearer ones count for more."""
    gallery = [[10.0, 0.0], [0.5, 0.5], [0.4, 0.6]]
    labels = [7, 3, 3]
    # By distance the second is nearest; by angle the first.
    assert knn_accuracy(gallery, labels, [[1.0, 0.1]], [7], 1) == 1
    # One near neighbour outvotes two far ones.
    assert knn_accuracy(gallery, labels, [[1.0, 0.1]], [7], 3) == 1
    assert knn_accuracy(gallery, labels, [[1.0, 0.9]], [3], 3) == 1
    both = [[1.0, 0.1], [1.0, 0.9]]
    assert knn_accuracy(gallery, labels, both, [7, 7], 3) == 0.5


def test_neighbours_do_not_see_length():
    gallery, queries = clusters(100, 1.0, seed=0), clusters(100, 1.0, seed=1)
    stretched = queries[0] * (RNG.random((100, 1)) + 0.1)
    score = knn_accuracy(*gallery, *queries)
    assert knn_accuracy(*gallery, stretched, queries[1]) == score
    assert 0.3 < score < 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gallery": np.ones(5)}, r"got \(5,\) and \(5,\)"),
        ({"gallery_labels": [0, 1]}, r"got \(5, 3\) and \(2,\)"),
        ({"query_labels": [0]}, r"got \(4, 3\) and \(1,\)"),
        ({"neighbours": 6}, "neighbours must be 1 to 5"),
        ({"neighbours": 0}, "neighbours must be 1 to 5"),
        ({"queries": np.full((4, 3), np.nan)}, "NaN"),
        ({"queries": np.ones((4, 2))}, "2 features"),
    ],
)
def test_bad_neighbours_are_named(change, words):
    good = {
        "gallery": RNG.random((5, 3)),
        "gallery_labels": [0, 1, 0, 1, 0],
        "queries": RNG.random((4, 3)),
        "query_labels": [0, 1, 0, 1],
        "neighbours": 3,
    }
    assert 0 <= knn_accuracy(**good) <= 1
    with pytest.raises(ValueError, match=words):
        knn_accuracy(**{**good, **change})


def test_every_public_name_is_there():
    assert all(callable(getattr(metrics, name)) for name in metrics.__all__)
