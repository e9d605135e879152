"""The trivial maps are as trivial as they say."""

import numpy as np
import pytest
from skimage.color import rgb2lab

from course_utils.baselines import centre_prior, colour_contrast


@pytest.mark.parametrize("grid", [(1, 1), (3, 5), (6, 6), (14, 9)])
def test_prior_is_largest_in_the_middle_and_falls_off(grid):
    prior = centre_prior(*grid)
    assert prior.shape == grid and prior.sum() == pytest.approx(1)
    assert (prior > 0).all()
    np.testing.assert_array_equal(prior, prior[::-1, ::-1])
    np.testing.assert_array_equal(prior, prior[::-1])
    half = prior[: (grid[0] + 1) // 2, : (grid[1] + 1) // 2]
    assert (np.diff(half, axis=0) > 0).all()
    assert (np.diff(half, axis=1) > 0).all()
    assert half[-1, -1] == prior.max()


def test_prior_knows_its_spread():
    rows, cols = 40, 60
    for spread in (0.05, 0.1):
        prior = centre_prior(rows, cols, spread=spread)
        for axis, side in ((1, rows), (0, cols)):
            place = (np.arange(side) + 0.5) / side
            share = prior.sum(axis=axis)
            variance = share @ (place - share @ place) ** 2
            assert variance**0.5 == pytest.approx(spread, rel=0.02)


@pytest.mark.parametrize(
    "bad", [{"rows": 0}, {"cols": 0}, {"spread": 0}, {"spread": np.nan}]
)
def test_bad_prior_is_named(bad):
    with pytest.raises(ValueError, match="rows and cols must be at least 1"):
        centre_prior(**{"rows": 3, "cols": 3, **bad})


def test_contrast_by_hand():
    image = np.zeros((8, 12, 3), np.uint8)
    image[:4, 4:8] = (255, 0, 0)  # one patch of six
    red = rgb2lab(np.array([[[255, 0, 0]]], np.uint8))[0, 0]  # black is 0
    found = colour_contrast(image, (2, 3))
    expected = np.full((2, 3), np.linalg.norm(red) / 6)
    expected[0, 1] *= 5
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_contrast_of_one_colour_is_none():
    image = np.full((8, 8, 3), 77, np.uint8)
    np.testing.assert_allclose(colour_contrast(image, (2, 2)), 0, atol=1e-9)


def test_contrast_is_of_colour_as_eyes_see_it():
    """Not of brightness alone, and not in RGB."""
    image = np.zeros((4, 12, 3), np.uint8)
    image[:] = (119, 119, 119)  # as light as the red below
    image[:, :4] = (230, 0, 60)
    lightness = rgb2lab(image)[0, ::4, 0]
    assert abs(lightness[0] - lightness[1]) < 3
    found = colour_contrast(image, (1, 3))[0]
    assert found[0] > 30 and found[0] == pytest.approx(2 * found[1])


def test_contrast_of_several_images():
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(4, 12, 18, 3), dtype=np.uint8)
    found = colour_contrast(images, (2, 3))
    assert found.shape == (4, 2, 3)
    for image, one in zip(images, found, strict=True):
        np.testing.assert_allclose(colour_contrast(image, (2, 3)), one)
    np.testing.assert_allclose(
        colour_contrast(images[:, ::-1], (2, 3)), found[:, ::-1]
    )


@pytest.mark.parametrize(
    ("image", "grid", "error", "words"),
    [
        (np.zeros((8, 8, 3)), (2, 2), TypeError, "uint8, got float64"),
        (np.zeros((8, 8), np.uint8), (2, 2), ValueError, "does not fit"),
        (np.zeros((8, 8, 4), np.uint8), (2, 2), ValueError, "does not fit"),
        (np.zeros((8, 8, 3), np.uint8), (3, 2), ValueError, "multiple of 3"),
        (np.zeros((8, 8, 3), np.uint8), (2, 3), ValueError, "width of 3"),
        (np.zeros((8, 8, 3), np.uint8), (0, 3), ValueError, "does not fit"),
        (np.zeros((8, 8, 3), np.uint8), (16, 4), ValueError, "16 x 4"),
    ],
)
def test_bad_contrast_is_named(image, grid, error, words):
    with pytest.raises(error, match=words):
        colour_contrast(image, grid)
