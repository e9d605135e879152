"""The mixture as prior: against closed forms, and on photos."""

import numpy as np
import pytest
from skimage.restoration import denoise_nl_means

from course_utils import mixture_prior as module
from course_utils.clean_photos import as_floats, clean_photos, training_crops
from course_utils.ladder import psnr
from course_utils.mixture import Mixture, e_step
from course_utils.mixture_prior import (
    denoise,
    fit_prior,
    posterior_mean,
    random_patches,
)
from course_utils.noise import add_noise
from course_utils.patch_graph import extract_patches, reconstruct

NOISE = 25 / 255


@pytest.fixture(scope="module")
def prior():
    crops = training_crops(200, 24, seed=0)
    return fit_prior(crops, 3, 10, 4000, 10, seed=0)[0]


@pytest.fixture(scope="module")
def photo():
    return as_floats(clean_photos(1).images[0])[32:96, 32:96].astype(float)


@pytest.fixture(scope="module")
def noisy(photo):
    return add_noise(photo, NOISE, seed=0)


def gaussian(mean, covariance):
    """Return a mixture of one component."""
    return Mixture(np.ones(1), np.array([mean]), np.array([covariance]))


# The estimate of a patch


def test_one_round_gaussian_shrinks_towards_its_mean():
    """By hand: variance 0.03 of signal, 0.01 of noise, so 3/4 is kept."""
    mixture = gaussian([0.5, 0.2], 0.03 * np.eye(2))
    found = posterior_mean(np.array([[0.9, 0.2], [0.5, 0.6]]), mixture, 0.1)
    assert found == pytest.approx(np.array([[0.8, 0.2], [0.5, 0.5]]))


def test_one_gaussian_is_ridge_regression():
    """The estimate minimises |x - y|^2 / noise^2 + its Mahalanobis norm."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    covariance, mean = root @ root.T * 0.01, rng.normal(size=4)
    noisy = rng.normal(size=(1, 4))
    inverse = np.linalg.inv(covariance)
    found = posterior_mean(noisy, gaussian(mean, covariance), 0.1)
    gradient = (found - noisy) / 0.1**2 + (found - mean) @ inverse
    assert np.abs(gradient).max() < 1e-8


def test_the_estimate_is_tweedie_s():
    """x + noise^2 d log p(x) / dx: Robbins (1956), by differences."""
    rng = np.random.default_rng(0)
    roots = 0.3 * rng.normal(size=(3, 2, 2))
    mixture = Mixture(
        np.array([0.2, 0.5, 0.3]),
        rng.normal(size=(3, 2)) / 2,
        roots @ roots.swapaxes(1, 2) + 0.01 * np.eye(2),
    )
    point, tiny = np.array([0.1, -0.2]), 1e-5
    slopes = [
        (
            e_step(point[None] + step, mixture, 0.2)[1]
            - e_step(point[None] - step, mixture, 0.2)[1]
        )
        / (2 * tiny)
        for step in tiny * np.eye(2)
    ]
    found = posterior_mean(point[None], mixture, 0.2)[0]
    assert found == pytest.approx(point + 0.2**2 * np.array(slopes), abs=1e-8)


def test_no_scaled_estimate_errs_less_on_patches_of_the_mixture():
    """The posterior mean is the best guess on average, if the prior is."""
    rng = np.random.default_rng(0)
    means = np.array([[0.2, 0.2, 0.2], [0.8, 0.5, 0.1]])
    covariances = np.stack([0.01 * np.eye(3), 0.02 * np.ones((3, 3))])
    covariances += 1e-4 * np.eye(3)
    mixture = Mixture(np.array([0.6, 0.4]), means, covariances)
    made_by = rng.choice(2, 20_000, p=mixture.weights)
    roots = np.linalg.cholesky(covariances)[made_by]
    clean = means[made_by] + np.einsum(
        "nij,nj->ni", roots, rng.normal(size=(20_000, 3))
    )
    noisy = clean + 0.1 * rng.normal(size=clean.shape)
    best = posterior_mean(noisy, mixture, 0.1)
    errors = [
        np.mean((noisy + share * (best - noisy) - clean) ** 2)
        for share in (0, 0.9, 1, 1.1)
    ]
    assert np.argmin(errors) == 2
    wrong_noise = posterior_mean(noisy, mixture, 0.15)
    assert np.mean((wrong_noise - clean) ** 2) > errors[2]


def test_hardly_any_noise_leaves_patches_as_they_are(prior, photo):
    patches = extract_patches(photo, 3)[0]
    found = posterior_mean(patches, prior, 1e-5)
    assert np.abs(found - patches).max() < 1e-4


# Whole photos


def test_denoising_is_estimates_that_overlap(prior, noisy):
    patches, _ = extract_patches(noisy, 3)
    expected = reconstruct(posterior_mean(patches, prior, NOISE), noisy.shape)
    assert np.array_equal(denoise(noisy, prior, NOISE, 3), expected)


@pytest.mark.parametrize("noise", [15 / 255, NOISE, 50 / 255])
def test_the_prior_beats_non_local_means(prior, photo, noise):
    """Even a small one of a second, at settings that suit these photos."""
    noisy = add_noise(photo, noise, seed=0)
    rival = denoise_nl_means(
        noisy, 5, 9, 0.6 * noise, sigma=noise, channel_axis=2
    )
    ours = psnr(denoise(noisy, prior, noise, 3), photo)
    assert ours > psnr(rival, photo) > psnr(noisy, photo)


def test_a_photo_need_not_be_square(prior, noisy):
    whole = denoise(noisy, prior, NOISE, 3)
    part = denoise(noisy[:20, :40], prior, NOISE, 3)
    assert part.shape == (20, 40, 3)
    assert part[:16, :36] == pytest.approx(whole[:16, :36], abs=1e-9)


# Training


def test_patches_are_those_of_the_crops():
    crops = np.random.default_rng(0).integers(
        256, size=(2, 6, 5, 3), dtype=np.uint8
    )
    every = [extract_patches(as_floats(crop), 3)[0] for crop in crops]
    inside = [p.reshape(6, 5, 27)[1:-1, 1:-1].reshape(-1, 27) for p in every]
    expected = np.unique(np.concatenate(inside), axis=0)
    found = np.unique(random_patches(crops, 3, 1000, seed=0), axis=0)
    assert found == pytest.approx(expected)  # all 24 places of both crops


def test_training_is_repeatable_and_learns():
    crops = training_crops(50, 16, seed=0)
    mixture, history = fit_prior(crops, 3, 4, 500, 5, seed=1)
    again, _ = fit_prior(crops, 3, 4, 500, 5, seed=1)
    other, _ = fit_prior(crops, 3, 4, 500, 5, seed=2)
    assert mixture.means.shape == (4, 27) and len(history) == 5
    assert (np.diff(history) > 0).all()
    assert np.array_equal(mixture.means, again.means)
    assert not np.array_equal(mixture.means, other.means)


def test_more_components_know_clean_patches_better():
    crops = training_crops(200, 24, seed=0)
    unseen = training_crops(50, 24, split="validation", seed=0)
    unseen = random_patches(unseen, 3, 3000, seed=0)
    found = [
        e_step(unseen, fit_prior(crops, 3, k, 4000, 10, seed=0)[0])[1]
        for k in (1, 10)
    ]
    assert found[1] > found[0] + 3


# Errors


@pytest.mark.parametrize("noise", [0, -0.1, np.nan, 25])
def test_noise_out_of_range_is_named(prior, noisy, noise):
    with pytest.raises(ValueError, match="noise"):
        denoise(noisy, prior, noise)


def test_patches_that_do_not_fit_the_prior_are_named(prior):
    with pytest.raises(ValueError, match="width 75 do not fit .* width 27"):
        posterior_mean(np.zeros((2, 75)), prior, NOISE)
    with pytest.raises(ValueError, match="noise must be above 0"):
        posterior_mean(np.zeros((2, 27)), prior, 0)


@pytest.mark.parametrize(
    "change, side, error, words",
    [
        (lambda x: x, 5, ValueError, "width 75 do not fit .* width 27"),
        (lambda x: x[..., :1], 3, ValueError, "width 9 do not fit"),
        (lambda x: x, 4, ValueError, "odd"),
        (lambda x: x[:2], 3, ValueError, "at least 3 pixels, got 2x64"),
        (lambda x: x * np.nan, 3, ValueError, "NaN or infinite"),
        (lambda x: x * 255, 3, ValueError, "divide by 255"),
        (lambda x: x.astype(np.uint8), 3, TypeError, "255"),
        (lambda x: x[..., 0], 3, ValueError, "height, width, channels"),
    ],
)
def test_what_cannot_be_denoised_is_named(
    prior, noisy, change, side, error, words
):
    with pytest.raises(error, match=words):
        denoise(change(noisy), prior, NOISE, side)


@pytest.mark.parametrize(
    "changed, error, words",
    [
        ({"crops": np.zeros((2, 16, 16, 3))}, TypeError, "uint8"),
        ({"crops": np.zeros((16, 16, 3), np.uint8)}, ValueError, "got shape"),
        ({"crops": np.zeros((0, 16, 16, 3), np.uint8)}, ValueError, "n at"),
        ({"crops": np.zeros((2, 16, 4, 3), np.uint8)}, ValueError, "5"),
        ({"patch_side": 4}, ValueError, "odd"),
        ({"patches_count": 0}, ValueError, "patches_count"),
        ({"patches_count": 10.0}, ValueError, "patches_count"),
        ({"num_components": 51}, ValueError, "num_components .* 1 to 50"),
        ({"steps": 0}, ValueError, "steps"),
        ({"seed": None}, ValueError, "seed"),
    ],
)
def test_what_cannot_be_trained_is_named(changed, error, words):
    asked = {
        "crops": np.zeros((2, 16, 16, 3), np.uint8),
        "patch_side": 5,
        "patches_count": 50,
        "num_components": 2,
        "steps": 1,
        "seed": 0,
    } | changed
    with pytest.raises(error, match=words):
        fit_prior(**asked)


def test_the_bar_says_em(monkeypatch):
    seen = {}
    monkeypatch.setattr(
        module, "fit", lambda *_, progress: seen.update(label=progress)
    )
    fit_prior(np.zeros((1, 8, 8, 3), np.uint8), 3, 1, 5, 1, seed=0)
    assert seen == {"label": "EM"}
