"""Marked digits: the truth they claim is the truth on the canvas."""

import numpy as np
import pytest

from course_utils import datasets, scenes


@pytest.fixture(scope="module")
def digits():
    return datasets.load("mnist", "bundled")


@pytest.fixture(scope="module")
def made(digits):
    return scenes.marked_digits(digits.x_train, digits.y_train, 2000, seed=0)


def flat_images(n):
    """Images, each of one brightness, that tell which one was drawn."""
    levels = np.linspace(0.3, 0.9, n, dtype=np.float32)
    return np.ones((n, 28, 28), np.float32) * levels[:, None, None], levels


def crop(scene, box):
    y, x, height, width = box
    return scene[y : y + height, x : x + width]


def test_shapes_types_and_ranges(made):
    assert made.canvases.shape == (2000, 56, 56)
    assert made.canvases.dtype == np.float32
    assert made.canvases.min() == 0 and made.canvases.max() == 1
    assert made.labels.shape == made.marked.shape == (2000,)
    assert made.boxes.shape == (2000, 3, 4)
    assert made.digits.shape == (2000, 3)
    assert made.masks.shape == made.bars.shape == (2000, 56, 56)
    assert made.masks.dtype == made.bars.dtype == bool
    assert (made.boxes[..., 2:] == 14).all()
    corners = made.boxes[..., :2]
    assert corners.min() == 0 and corners.max() == 56 - 14


def test_boxes_never_overlap(made):
    painted = np.zeros(made.canvases.shape, int)
    for index in range(2000):
        for box in made.boxes[index]:
            crop(painted[index], box)[:] += 1
    assert painted.max() == 1
    assert (painted.sum((1, 2)) == 3 * 14 * 14).all()
    assert not made.canvases[painted == 0].any()


def test_exactly_one_bar_and_it_is_where_it_is_said(made):
    # A bar is 14 pixels of full brightness in a row; no digit has that.
    full = made.canvases == 1
    runs = np.lib.stride_tricks.sliding_window_view(full, 14, axis=2).all(-1)
    assert (runs.sum((1, 2)) == scenes.BAR_HEIGHT).all()
    for index in range(2000):
        y, x, _, _ = made.boxes[index, made.marked[index]]
        assert np.argwhere(runs[index]).tolist() == [[y, x], [y + 1, x]]
        assert np.argwhere(made.bars[index])[0].tolist() == [y, x]
        assert np.argwhere(made.bars[index])[-1].tolist() == [y + 1, x + 13]
    assert (made.bars.sum((1, 2)) == 2 * 14).all()
    assert (made.canvases[made.bars] == 1).all()


def test_label_is_the_marked_digit_and_pixels_are_its_picture():
    images, levels = flat_images(10)
    labels = np.arange(10)[::-1]
    made = scenes.marked_digits(images, labels, 300, seed=1)
    every = np.arange(300)
    assert (made.labels == made.digits[every, made.marked]).all()
    for index in range(300):
        for place, box in enumerate(made.boxes[index]):
            level = crop(made.canvases[index], box)[-1, 0]
            drawn = int(np.abs(levels - level).argmin())
            assert level == pytest.approx(levels[drawn], abs=1e-6)
            assert made.digits[index, place] == labels[drawn]


def test_digits_are_halved_by_averaging(digits, made):
    halved = digits.x_train.reshape(-1, 14, 2, 14, 2).mean((2, 4)) / 255
    halved = halved.reshape(len(halved), -1)
    for index in range(20):
        for place in range(3):
            if place == made.marked[index]:
                continue
            seen = crop(made.canvases[index], made.boxes[index, place])
            gaps = np.abs(halved - seen.ravel()).max(1)
            assert gaps.min() < 1e-6
            drawn = gaps.argmin()
            assert digits.y_train[drawn] == made.digits[index, place]


def test_mask_is_the_ink_of_the_marked_digit(made):
    assert not (made.masks & made.bars).any()
    assert made.masks.any((1, 2)).all()
    for index in range(2000):
        box = made.boxes[index, made.marked[index]]
        inside = crop(made.masks[index], box)
        assert inside.sum() == made.masks[index].sum()
        below = crop(made.canvases[index], box)[scenes.BAR_HEIGHT :]
        expected = below >= scenes.INK
        np.testing.assert_array_equal(inside[scenes.BAR_HEIGHT :], expected)


def test_same_seed_same_canvases(digits, made):
    again = scenes.marked_digits(digits.x_train, digits.y_train, 2000, seed=0)
    other = scenes.marked_digits(digits.x_train, digits.y_train, 2000, seed=1)
    for field in vars(made):
        np.testing.assert_array_equal(
            getattr(made, field), getattr(again, field)
        )
    assert (made.labels != other.labels).mean() > 0.8
    assert (made.boxes != other.boxes).any((1, 2)).all()


def test_global_seed_is_left_alone(digits):
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    scenes.marked_digits(digits.x_test, digits.y_test, 5, seed=3)
    np.testing.assert_array_equal(before, np.random.get_state()[1])


def test_marked_digit_is_uniform_over_index_and_place(digits):
    count = 9000
    made = scenes.marked_digits(digits.x_train, digits.y_train, count, seed=5)
    share = np.bincount(made.marked, minlength=3) / count
    np.testing.assert_allclose(share, 1 / 3, atol=0.02)
    # The bar is where any digit may be: no place gives it away.
    edges = np.linspace(0, 42, 4)
    corners = made.boxes[np.arange(count), made.marked, :2].T
    all_corners = made.boxes[..., :2].reshape(-1, 2).T
    bins = (edges, edges)
    marked = np.histogram2d(*corners, bins=bins)[0] / count
    everyone = np.histogram2d(*all_corners, bins=bins)[0] / (3 * count)
    np.testing.assert_allclose(marked, everyone, atol=0.02)
    np.testing.assert_allclose(marked, marked.T, atol=0.02)
    np.testing.assert_allclose(marked, marked[::-1, ::-1], atol=0.02)
    assert marked.min() > 0.04  # also the middle, with 1/9 if all were equal


def test_reading_any_digit_is_right_in_two_fifths(digits):
    balanced = np.arange(10).repeat(2)
    images = np.zeros((20, 28, 28), np.uint8)
    made = scenes.marked_digits(images, balanced, 9000, seed=2)
    assert (made.digits[:, 0] == made.labels).mean() == pytest.approx(
        0.4, abs=0.02
    )


def test_train_and_test_canvases_share_no_digit():
    images, levels = flat_images(40)
    labels = np.zeros(40, int)
    sides = []
    for half, seed in ((slice(0, 20), 0), (slice(20, 40), 0)):
        made = scenes.marked_digits(images[half], labels[half], 500, seed=seed)
        seen = np.unique(np.round(made.canvases, 5))
        sides.append(set(seen.tolist()) - {0.0, 1.0})
    assert len(sides[0]) == len(sides[1]) == 20
    assert not sides[0] & sides[1]


def test_uint8_and_float_images_give_the_same(digits):
    whole = scenes.marked_digits(digits.x_test, digits.y_test, 9, seed=0)
    share = scenes.marked_digits(digits.x_test / 255, digits.y_test, 9, seed=0)
    np.testing.assert_allclose(whole.canvases, share.canvases, atol=1e-6)


def test_input_is_not_changed(digits):
    before = digits.x_test.copy()
    scenes.marked_digits(digits.x_test, digits.y_test, 9, seed=0)
    np.testing.assert_array_equal(digits.x_test, before)


@pytest.mark.parametrize(
    "num_digits, canvas", [(1, 14), (2, 41), (3, 56), (7, 84), (14, 112)]
)
def test_fullest_canvas_always_finds_a_place(digits, num_digits, canvas):
    options = {"num_digits": num_digits, "canvas": canvas, "seed": 0}
    made = scenes.marked_digits(digits.x_test, digits.y_test, 300, **options)
    assert made.canvases.shape == (300, canvas, canvas)
    gaps = np.abs(made.boxes[:, :, None, :2] - made.boxes[:, None, :, :2])
    overlap = (gaps < 14).all(-1).sum((1, 2))
    assert (overlap == num_digits).all()  # each with itself alone
    with pytest.raises(ValueError, match=f"room for {num_digits} digits"):
        options["num_digits"] += 1
        scenes.marked_digits(digits.x_test, digits.y_test, 300, **options)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"images": np.zeros((5, 32, 32), "u1")}, r"\(n, 28, 28\)"),
        ({"images": np.zeros((5, 28, 28, 1), "u1")}, r"\(n, 28, 28\)"),
        ({"images": np.zeros((0, 28, 28), "u1")}, "n at least 1"),
        ({"images": 3}, r"shape \(\)"),
        ({"images": np.zeros((5, 28, 28), int)}, "uint8 from 0 to 255"),
        ({"images": np.full((5, 28, 28), 255.0)}, "floats from 0 to 1"),
        ({"images": np.full((5, 28, 28), np.nan)}, "without NaN"),
        ({"labels": np.zeros(4, int)}, r"expected \(5,\)"),
        ({"labels": np.zeros((5, 10), int)}, r"expected \(5,\)"),
        ({"labels": np.zeros(5)}, "whole numbers"),
        ({"count": 0}, "count must be at least 1"),
        ({"num_digits": 0}, "num_digits must be at least 1"),
        ({"num_digits": 4}, "room for 3 digits, not 4"),
        ({"canvas": 13}, "canvas must be at least 14"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_bad_values_are_named(change, message):
    good = {
        "images": np.zeros((5, 28, 28), np.uint8),
        "labels": np.zeros(5, int),
        "count": 2,
        "seed": 0,
    }
    scenes.marked_digits(**good)
    with pytest.raises(ValueError, match=message):
        scenes.marked_digits(**good | change)


@pytest.mark.parametrize(
    "name, value",
    [("count", 2.0), ("count", True), ("seed", None), ("num_digits", "3")],
)
def test_bad_types_are_named(name, value):
    good = {"count": 2, "seed": 0}
    images, labels = np.zeros((5, 28, 28), np.uint8), np.zeros(5, int)
    with pytest.raises(TypeError, match=f"{name} must be a whole number"):
        scenes.marked_digits(images, labels, **good | {name: value})
