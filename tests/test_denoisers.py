"""Denoisers: what they promise, by symmetry, by hand and side by side."""

import inspect
from functools import partial

import numpy as np
import pytest

from course_utils import denoisers as de
from course_utils import patch_graph as pg
from course_utils.ladder import psnr
from course_utils.measure import peak_bytes
from course_utils.noise import add_noise

NOISE = 25 / 255
METHODS = {
    "gaussian": partial(de.gaussian, width=0.8),
    "total_variation": partial(de.total_variation, weight=0.8),
    "bilateral": partial(de.bilateral, sigma_color=1.5, sigma_spatial=1.5),
    "non_local_means": partial(de.non_local_means, h=0.7, patch_distance=3),
    "patch_graph_denoise": partial(
        de.patch_graph_denoise, sigma=0.5, radius=3
    ),
}
each_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
down, across = np.mgrid[:24, :20] / 24
PHOTO = np.stack(
    [down, (across > 0.4) * 0.6 + 0.2, np.sin(5 * down) * across / 2 + 0.5], 2
)
NOISY = add_noise(PHOTO, NOISE, seed=1)


def middle_weights(side):
    """Return scikit-image's weights of a patch's pixels, mean 1."""
    step = np.arange(side) - side // 2
    weights = np.exp(-(step[:, None] ** 2 + step**2) / (side - 1) ** 2 * 8)
    return weights / weights.mean()


@each_method
def test_noise_is_less_and_the_image_given_stays(method):
    image = NOISY.copy()
    estimate = method(image, NOISE)
    assert estimate.shape == PHOTO.shape and estimate.dtype == np.float64
    assert psnr(estimate, PHOTO) > psnr(NOISY, PHOTO) + 2
    assert np.array_equal(image, NOISY)


def test_noisy_changes_nothing():
    assert np.array_equal(de.noisy(NOISY, NOISE), NOISY)


@each_method
def test_settings_in_noises_follow_the_contrast(method):
    half = method(0.5 * NOISY, 0.5 * NOISE)
    assert np.allclose(half, 0.5 * method(NOISY, NOISE), atol=1e-6)


@each_method
def test_brightness_does_not_matter_even_below_0(method):
    darker = method(NOISY - 0.7, NOISE)
    assert np.allclose(darker, method(NOISY, NOISE) - 0.7, atol=2e-4)


@each_method
def test_a_flat_image_stays_flat(method):
    flat = np.full((16, 16, 3), 0.3)
    assert np.allclose(method(flat, NOISE), flat)


@pytest.mark.parametrize("name", ["gaussian", "bilateral"])
def test_left_and_right_are_alike(name):
    method = METHODS[name]
    mirrored = method(NOISY[:, ::-1], NOISE)[:, ::-1]
    assert np.allclose(method(NOISY, NOISE), mirrored)


def test_bilateral_by_hand():
    row, column, near = 12, 10, np.s_[6:19, 4:17]
    apart = ((NOISY[near] - NOISY[row, column]) ** 2).mean(axis=2)
    step = np.arange(-6, 7)
    weights = np.exp(-apart / (2 * (1.5 * NOISE) ** 2))
    weights *= np.exp(-(step[:, None] ** 2 + step**2) / (2 * 2.0**2))
    wanted = np.average(NOISY[near].reshape(-1, 3), 0, weights.ravel())
    found = de.bilateral(NOISY, NOISE, sigma_color=1.5, sigma_spatial=2.0)
    assert found[row, column] == pytest.approx(wanted)


def test_bilateral_of_any_colour_is_a_gaussian():
    found = de.bilateral(NOISY, NOISE, sigma_color=1e4, sigma_spatial=1.0)
    wanted = de.gaussian(NOISY, NOISE, width=1.0)
    inside = np.s_[4:-4, 4:-4]
    assert np.allclose(found[inside], wanted[inside], atol=2e-3)


@pytest.mark.parametrize("noise", [15 / 255, 25 / 255, 50 / 255])
def test_the_patch_graph_without_overlap_is_non_local_means(noise):
    image = add_noise(PHOTO, noise, seed=0)
    patches, centers = pg.extract_patches(image, 5)
    middle = np.sqrt(middle_weights(5)).reshape(1, 25, 1)
    patches = (patches.reshape(-1, 25, 3) * middle).reshape(-1, 75)
    affinities = pg.build_patch_graph_radius(
        centers, patches, 0.6 * noise / np.sqrt(2), radius=5.65, noise=noise
    )
    attn = pg.compute_self_similarity(affinities)
    ours = (attn @ image.reshape(-1, 3)).reshape(image.shape)
    theirs = de.non_local_means(image, noise, h=0.6, fast=False)
    assert abs(psnr(ours, PHOTO) - psnr(theirs, PHOTO)) < 0.2
    assert psnr(ours, theirs) > psnr(theirs, PHOTO) + 6


def test_fast_non_local_means_is_what_its_docstring_says():
    row, column, h = 12, 10, 0.9 * NOISE * 5 / 4
    windows = np.lib.stride_tricks.sliding_window_view(NOISY, (4, 4), (0, 1))
    patches = windows.reshape(*windows.shape[:2], -1)  # 1 before to 2 after
    own, near = patches[row - 1, column - 1], np.s_[6:17, 4:15]
    apart = ((patches[near] - own) ** 2).mean(axis=2) - 2 * NOISE**2
    power = np.maximum(apart, 0) / h**2
    weights = np.where(power > 5, 0, np.exp(-power))  # its shortest ones
    pixels = NOISY[7:18, 5:16].reshape(-1, 3)
    wanted = np.average(pixels, 0, weights.ravel())
    found = de.non_local_means(NOISY, NOISE, h=0.9, patch_distance=5)
    assert found[row, column] == pytest.approx(wanted, abs=2e-3)


@each_method
@pytest.mark.parametrize(
    "image, noise, error, words",
    [
        (PHOTO, 25, ValueError, "25 / 255"),
        (PHOTO, 0, ValueError, "noise must be above 0"),
        (PHOTO + np.nan, NOISE, ValueError, "NaN"),
        (PHOTO * 255, NOISE, ValueError, "divide by 255"),
        (PHOTO[..., :1], NOISE, ValueError, "colour"),
        (PHOTO[..., 0], NOISE, ValueError, "got shape"),
        ((PHOTO * 255).astype(np.uint8), NOISE, TypeError, "divide"),
    ],
)
def test_bad_input_is_named(method, image, noise, error, words):
    with pytest.raises(error, match=words):
        method(image, noise)


@pytest.mark.parametrize("name", METHODS)
def test_a_setting_of_0_is_named(name):
    for keyword in de.GRIDS[name]:
        settings = {key: values[0] for key, values in de.GRIDS[name].items()}
        if keyword in ("fast", "patch_side"):
            continue
        with pytest.raises(ValueError, match=f"^{keyword} must be"):
            getattr(de, name)(PHOTO, NOISE, **settings | {keyword: 0})


def test_an_even_patch_is_refused_not_made_larger():
    with pytest.raises(ValueError, match="odd"):
        de.non_local_means(PHOTO, NOISE, 0.6, patch_size=4)
    with pytest.raises(ValueError, match="odd"):
        de.patch_graph_denoise(PHOTO, NOISE, 0.6, patch_side=4)


@pytest.mark.parametrize("name", METHODS)
def test_the_grids_are_in_order_and_fit(name):
    arguments = inspect.signature(getattr(de, name)).bind(
        None, None, **de.GRIDS[name]
    )
    assert arguments
    for values in de.GRIDS[name].values():
        assert list(values) == sorted(set(values)) and len(values) > 0


# --- tune


def constant(image, noise, level, tint=0.0):
    return np.full(image.shape, level) + np.array([tint, 0, 0])


GREY = np.full((2, 8, 8, 3), 0.5)


def test_tune_finds_the_best_and_keeps_all_scores():
    grid = {"level": (0.2, 0.5, 0.6), "tint": (0.0, 0.3)}
    found = de.tune(constant, grid, GREY, NOISE, seed=0)
    assert found.settings == {"level": 0.5, "tint": 0.0}
    assert found.at_edge == ("tint",)
    assert found.scores.shape == (3, 2)
    assert found.scores[0, 0] == pytest.approx(-20 * np.log10(0.3), abs=1e-3)
    assert found.psnr == found.scores[1, 0] == found.scores.max()


@pytest.mark.parametrize("levels", [(0.5, 0.6), (0.3, 0.5)])
def test_both_ends_are_edges_but_not_those_of_one_value(levels):
    grid = {"level": levels, "tint": (0.0,)}
    found = de.tune(constant, grid, GREY, NOISE, seed=0)
    assert found.at_edge == ("level",)


def test_tune_averages_over_photos_with_noise_of_their_own():
    seen = []

    def spy(image, noise, level):
        seen.append(image)
        return np.full(image.shape, level)

    photos = np.stack([GREY[0], GREY[0] + 0.3])
    found = de.tune(spy, {"level": (0.5, 0.6)}, photos, NOISE, seed=3)
    one = [psnr(GREY[0] + 0.1, photo) for photo in photos]
    assert found.scores[1] == pytest.approx(np.mean(one))
    assert np.array_equal(seen[:2], seen[2:])
    assert not np.allclose(seen[0] - photos[0], seen[1] - photos[1])
    assert np.array_equal(seen[1], add_noise(photos[1], NOISE, [3, 1]))


def test_a_method_without_settings_is_scored_too():
    found = de.tune(de.noisy, {}, GREY, NOISE, seed=0)
    assert found.settings == {} and found.at_edge == ()
    assert found.psnr == pytest.approx(-20 * np.log10(NOISE), abs=0.5)


def test_a_parameter_without_values_is_named():
    with pytest.raises(ValueError, match="no value of level"):
        de.tune(constant, {"level": ()}, GREY, NOISE, seed=0)


def test_the_patch_graphs_memory_is_linear_in_pixels():
    small, large = (np.full((n, n, 3), 0.5) for n in (40, 80))
    ours = partial(de.patch_graph_denoise, sigma=0.5, radius=3)
    ratio = peak_bytes(ours, large, NOISE) / peak_bytes(ours, small, NOISE)
    assert ratio < 4.6
