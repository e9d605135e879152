"""Patches and positional codes: what week 1 says of them."""

import numpy as np
import pytest

from course_utils import tokens

RANDOM = np.random.default_rng(0)


def nearest(code, noise):
    """For each noisy code, the index of the nearest clean one."""
    noisy = code + noise * RANDOM.normal(size=code.shape)
    gaps = ((noisy[:, None] - code) ** 2).sum(axis=-1)
    return gaps.argmin(axis=1)


def test_code_of_width_2_is_a_circle():
    code = tokens.sinusoidal_1d(5, 2)
    angles = np.arange(5)
    assert np.allclose(code, np.stack([np.sin(angles), np.cos(angles)], 1))


def test_wavelengths_grow_from_2_pi_by_one_factor():
    code = tokens.sinusoidal_1d(2, 12)
    frequencies = np.arctan2(code[1, 0::2], code[1, 1::2])
    assert np.isclose(frequencies[0], 1)
    ratios = frequencies[1:] / frequencies[:-1]
    assert np.allclose(ratios, 10000 ** (-2 / 12))


def test_likeness_of_positions_depends_on_their_distance_alone():
    code = tokens.sinusoidal_1d(40, 16)
    likeness = code @ code.T
    for distance in range(40):
        diagonal = np.diagonal(likeness, distance)
        assert np.allclose(diagonal, diagonal[0])


def test_positions_can_be_read_back():
    assert (nearest(tokens.sinusoidal_1d(713, 64), 0.05) == range(713)).all()
    grid = tokens.sinusoidal_2d(23, 31, 64)
    assert (nearest(grid, 0.05) == range(713)).all()


def test_half_of_the_grid_code_is_the_row_half_the_column():
    code = tokens.sinusoidal_2d(3, 5, 8).reshape(3, 5, 8)
    assert np.array_equal(code[:, 0, :4], tokens.sinusoidal_1d(3, 4))
    assert np.array_equal(code[0, :, 4:], tokens.sinusoidal_1d(5, 4))
    assert (code[..., :4] == code[:, :1, :4]).all()
    assert (code[..., 4:] == code[:1, :, 4:]).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: tokens.sinusoidal_1d(5, 7),
        lambda: tokens.sinusoidal_1d(5, 0),
        lambda: tokens.sinusoidal_1d(-1, 8),
        lambda: tokens.sinusoidal_1d(5, 8, base=1),
        lambda: tokens.sinusoidal_2d(2, 3, 6),
        lambda: tokens.sinusoidal_2d(2, -3, 8),
    ],
)
def test_codes_that_cannot_be(call):
    with pytest.raises(ValueError, match="must be"):
        call()


def test_no_positions_give_an_empty_code():
    assert tokens.sinusoidal_1d(0, 8).shape == (0, 8)


@pytest.mark.parametrize("shape", [(6, 9), (6, 9, 3), (8, 11, 3)])
def test_patches_are_windows_in_reading_order(shape):
    image = RANDOM.integers(0, 256, size=shape, dtype=np.uint8)
    patches = tokens.patchify(image, 3)
    windows = [
        image[y : y + 3, x : x + 3].ravel() for y in (0, 3) for x in (0, 3, 6)
    ]
    assert patches.dtype == np.uint8
    assert np.array_equal(patches, windows)


@pytest.mark.parametrize(
    ("shape", "size", "message"),
    [
        ((6,), 3, "image needs shape"),
        ((2, 6, 9, 3), 3, "image needs shape"),
        ((6, 9, 3), 0, "patch_size"),
        ((6, 9, 3), 1.5, "patch_size"),
        ((6, 9, 3), 7, "no 7 x 7 patch fits"),
        ((0, 9, 3), 3, "no 3 x 3 patch fits"),
    ],
)
def test_images_that_cannot_be_cut(shape, size, message):
    with pytest.raises(ValueError, match=message):
        tokens.patchify(np.zeros(shape), size)
