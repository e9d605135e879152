"""Noise is white, Gaussian and as strong as asked; its guess is close."""

import numpy as np
import pytest

from course_utils.noise import add_noise, checked_image, estimate_noise

LEVELS = [5 / 255, 15 / 255, 25 / 255, 50 / 255, 100 / 255]
GREY = np.full((64, 64, 3), 0.5)


def ramp(height=40, width=50):
    """A picture of slopes down and across, another in each channel."""
    down, across = np.indices((height, width))[..., None] / 100
    return 0.2 + down * [0.1, 0.5, 1] + across * [0.6, 0.3, 0]


# Adding it


@pytest.mark.parametrize("level", LEVELS)
def test_noise_is_as_strong_as_asked_and_has_mean_0(level):
    added = add_noise(GREY, level, seed=1) - GREY
    assert added.std() == pytest.approx(level, rel=0.02)
    assert abs(added.mean()) < 4 * level / np.sqrt(added.size)
    # Of Gaussian noise, 31.7% lies beyond one standard deviation.
    assert np.mean(np.abs(added) > level) == pytest.approx(0.317, abs=0.015)


def test_noise_is_white_in_rows_columns_and_channels():
    added = add_noise(GREY, 0.1, seed=2) - GREY
    for axis in range(3):
        near = np.moveaxis(added, axis, 0)
        pairs = np.corrcoef(near[:-1].ravel(), near[1:].ravel())
        assert abs(pairs[0, 1]) < 0.04


def test_noise_is_not_clipped_and_leaves_its_input_alone():
    image = np.zeros((16, 16, 3))
    assert add_noise(image, 0.2, seed=0).min() < -0.3
    assert not image.any()
    np.testing.assert_array_equal(add_noise(image, 0, seed=0), image)


def test_the_seed_decides_and_levels_share_their_noise():
    first, again, other = (add_noise(GREY, 0.1, s) for s in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.05
    twice = add_noise(GREY, 0.2, 3)
    np.testing.assert_allclose(twice - GREY, 2 * (first - GREY), atol=1e-12)
    pair = add_noise(GREY, 0.1, [3, 1])
    assert np.abs(pair - first).mean() > 0.05


# Guessing it


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("image", [GREY, GREY[:, :, :1], ramp()])
def test_pure_noise_is_guessed_within_a_tenth(image, level):
    noisy = add_noise(image, level, seed=5)
    assert estimate_noise(noisy) == pytest.approx(level, rel=0.1)


def test_the_guess_is_the_mean_over_channels():
    noisy = add_noise(GREY, 0.1, seed=6)
    noisy[:, :, 1] = 0.5 + 2 * (noisy[:, :, 1] - 0.5)
    noisy[:, :, 2] = 0.5
    apart = [estimate_noise(noisy[:, :, [i]]) for i in range(3)]
    assert apart == pytest.approx([0.1, 0.2, 0], rel=0.1)
    assert estimate_noise(noisy) == pytest.approx(np.mean(apart))


def test_slopes_and_a_single_colour_are_no_noise_but_texture_is():
    assert estimate_noise(GREY) == 0
    assert estimate_noise(ramp()) < 1e-12
    board = GREY + 0.1 * (np.indices((64, 64)).sum(axis=0) % 2)[..., None]
    assert estimate_noise(board) > 0.05


# Images that are none


def test_an_image_comes_back_as_its_own_float64():
    image = np.float32(GREY)
    found = checked_image(image)
    assert found.dtype == np.float64 and found.shape == GREY.shape
    found[:] = 0
    assert (image == 0.5).all()
    own = checked_image(GREY)
    assert own is not GREY and not np.shares_memory(own, GREY)


def test_noise_may_carry_a_pixel_beyond_0_to_1():
    for value in (-3, 4):
        assert checked_image(np.full((3, 3, 1), float(value))).max() == value


def spoilt(value):
    image = GREY.copy()
    image[3, 4, 1] = value
    return image


@pytest.mark.parametrize("function", [checked_image, estimate_noise])
@pytest.mark.parametrize(
    "image, error, message",
    [
        (np.uint8(GREY * 255), TypeError, "got uint8: divide.* by 255"),
        (np.ones((9, 9, 3), int), TypeError, "got int64: divide.* by 255"),
        (GREY > 0, TypeError, "holds floats from 0 to 1, got bool"),
        (None, TypeError, "holds floats from 0 to 1, got object"),
        (GREY * 255, ValueError, "0 to 1.*got 127.5 to 127.5: divide by 255"),
        (-GREY * 7, ValueError, "got -3.5 to -3.5"),
        (spoilt(4.1), ValueError, "up to 3 beyond.*0.5 to 4.1"),
        (spoilt(np.nan), ValueError, "1 values of the image are NaN or inf"),
        (spoilt(-np.inf), ValueError, "NaN or infinite: replace them"),
        (GREY[:, :, 0], ValueError, r"1 or 3 channels, got shape \(64, 64\)"),
        (GREY[:, :, :2], ValueError, r"got shape \(64, 64, 2\)"),
        (np.ones((9, 9, 4)), ValueError, r"got shape \(9, 9, 4\)"),
        (GREY.transpose(2, 0, 1), ValueError, r"channels.*\(3, 64, 64\)"),
        (GREY[None], ValueError, r"got shape \(1, 64, 64, 3\)"),
        (GREY[:2], ValueError, "at least 3 pixels, got 2x64"),
        (GREY[:, :0], ValueError, "at least 3 pixels, got 64x0"),
    ],
)
def test_what_is_wrong_with_an_image_is_said(function, image, error, message):
    with pytest.raises(error, match=message):
        function(image)


def test_a_smallest_side_may_be_asked():
    assert checked_image(GREY[:7], least_side=7).shape == (7, 64, 3)
    with pytest.raises(ValueError, match="at least 7 pixels, got 6x64"):
        checked_image(GREY[:6], least_side=7)


@pytest.mark.parametrize("noise", [-0.1, 1.01, 25, np.nan, np.inf])
def test_a_noise_that_cannot_be_is_named(noise):
    with pytest.raises(
        ValueError, match=f"got {noise}: write 25 / 255 for the papers' level"
    ):
        add_noise(GREY, noise, seed=0)


def test_noise_and_patch_graph_import_nothing_heavy(heavy_after):
    found = heavy_after(
        "import course_utils.noise, course_utils.patch_graph",
        "torch",
        "matplotlib",
        "plotly",
        "sklearn",
        "skimage",
    )
    assert found == []
