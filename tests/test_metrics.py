"""The pointing game on maps whose answer is known."""

import numpy as np
import pytest

from course_utils.metrics import pointing_game


def peak_at(row, col, shape=(3, 5)):
    grid = np.zeros(shape)
    grid[row, col] = 1
    return grid


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
def test_bad_input_is_named(maps, boxes, words):
    with pytest.raises(ValueError, match=words):
        pointing_game(maps, boxes, first=0, step=1)
