"""The mixture: against scikit-learn, by theory, and what it refuses."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from course_utils import mixture as module
from course_utils.attention import scaled_dot_product_attention
from course_utils.clean_photos import training_crops
from course_utils.mixture import (
    FLOOR,
    Mixture,
    e_step,
    fit,
    isotropic_responsibilities,
    log_gaussian,
    log_joint,
    m_step,
    start,
)
from course_utils.mixture_prior import random_patches


def random_mixture(components=4, width=3, seed=0):
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(components, width, width))
    return Mixture(
        rng.dirichlet(np.full(components, 3.0)),
        rng.normal(size=(components, width)),
        roots @ roots.swapaxes(1, 2) + 0.1 * np.eye(width),
    )


def draw(mixture, count, seed=0):
    """Return patches from the mixture, and which component made each."""
    rng = np.random.default_rng(seed)
    made_by = rng.choice(len(mixture.weights), count, p=mixture.weights)
    white = rng.normal(size=(count, mixture.means.shape[1]))
    roots = np.linalg.cholesky(mixture.covariances)[made_by]
    return mixture.means[made_by] + np.einsum(
        "nij,nj->ni", roots, white
    ), made_by


def as_sklearn(mixture):
    """Return scikit-learn's mixture with the same parameters."""
    found = GaussianMixture(len(mixture.weights), reg_covar=0)
    found.weights_, found.means_ = mixture.weights, mixture.means
    found.covariances_ = mixture.covariances
    precisions = np.linalg.inv(mixture.covariances)
    found.precisions_cholesky_ = np.linalg.cholesky(precisions)
    return found


def one_step_of_sklearn(mixture, patches):
    model = GaussianMixture(
        len(mixture.weights),
        reg_covar=0,
        max_iter=1,
        weights_init=mixture.weights,
        means_init=mixture.means,
        precisions_init=np.linalg.inv(mixture.covariances),
    )
    with pytest.warns(UserWarning, match="did not converge"):
        return model.fit(patches)


@pytest.fixture(scope="module")
def photo_patches():
    crops = training_crops(50, 16, seed=0)
    return random_patches(crops, 3, 600, seed=0)


@pytest.fixture
def known():
    return random_mixture()


@pytest.fixture
def patches(known):
    return draw(known, 500)[0]


# Against libraries


def test_the_density_is_that_of_scipy(known, patches):
    arguments = known.means[1], known.covariances[1]
    expected = multivariate_normal.logpdf(patches, *arguments)
    np.testing.assert_allclose(log_gaussian(patches, *arguments), expected)


def test_the_e_step_is_that_of_scikit_learn(known, patches):
    responsibilities, log_likelihood = e_step(patches, known)
    model = as_sklearn(known)
    np.testing.assert_allclose(
        responsibilities, model.predict_proba(patches), atol=1e-12
    )
    assert log_likelihood == pytest.approx(model.score(patches), rel=1e-12)


def test_a_step_of_em_is_that_of_scikit_learn(known, patches):
    found = m_step(patches, e_step(patches, known)[0], floor=1e-12)
    expected = one_step_of_sklearn(known, patches)
    np.testing.assert_allclose(found.weights, expected.weights_, rtol=1e-9)
    np.testing.assert_allclose(found.means, expected.means_, rtol=1e-9)
    np.testing.assert_allclose(
        found.covariances, expected.covariances_, atol=1e-9
    )


def test_noise_widens_every_component(known, patches):
    wider = Mixture(
        known.weights, known.means, known.covariances + 0.2**2 * np.eye(3)
    )
    expected = e_step(patches, wider)
    found = e_step(patches, known, noise=0.2)
    np.testing.assert_allclose(found[0], expected[0], atol=1e-12)
    assert found[1] == pytest.approx(expected[1])
    assert found[1] != pytest.approx(e_step(patches, known)[1])


# Responsibilities


def test_rows_sum_to_1_however_far_the_patch(known):
    far = np.array([[0.0, 0, 0], [1e6, -1e6, 1e6]])
    responsibilities, log_likelihood = e_step(far, known)
    assert responsibilities.sum(axis=1) == pytest.approx([1, 1])
    assert (responsibilities >= 0).all() and np.isfinite(log_likelihood)


def test_a_component_of_weight_0_makes_nothing(known, patches):
    weights = np.array([0, 0.5, 0.25, 0.25])
    mixture = Mixture(weights, known.means, known.covariances)
    responsibilities, log_likelihood = e_step(patches, mixture)
    assert (responsibilities[:, 0] == 0).all()
    assert np.isfinite(log_likelihood)


def test_round_components_are_attention_with_a_bias_for_short_keys():
    rng = np.random.default_rng(0)
    patches, keys = rng.normal(size=(20, 5)), rng.normal(size=(7, 5))
    sigma = 0.7
    # A sixth entry carries the bias; attention divides by sqrt(6).
    query = np.column_stack([patches / sigma**2, np.ones(20)]) * np.sqrt(6)
    bias = -(keys**2).sum(axis=1) / (2 * sigma**2)
    key = np.column_stack([keys, bias])
    _, attn = scaled_dot_product_attention(query, key, key)
    found = isotropic_responsibilities(patches, keys, sigma)
    np.testing.assert_allclose(found, attn, atol=1e-12)
    _, unbiased = scaled_dot_product_attention(
        query[:, :5] * np.sqrt(5 / 6), keys, keys
    )
    assert np.abs(found - unbiased).max() > 0.1


def test_between_keys_of_equal_length_attention_needs_no_bias():
    rng = np.random.default_rng(1)
    patches, keys = rng.normal(size=(20, 5)), rng.normal(size=(7, 5))
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    query = patches / 0.7**2 * np.sqrt(5)
    _, attn = scaled_dot_product_attention(query, keys, keys)
    found = isotropic_responsibilities(patches, keys, 0.7)
    np.testing.assert_allclose(found, attn, atol=1e-12)


def test_round_components_are_a_mixture_s_responsibilities():
    rng = np.random.default_rng(2)
    patches, keys = rng.normal(size=(20, 5)), rng.normal(size=(4, 5))
    covariances = np.broadcast_to(0.7**2 * np.eye(5), (4, 5, 5))
    alike = Mixture(np.full(4, 0.25), keys, covariances)
    found = isotropic_responsibilities(patches, keys, 0.7)
    np.testing.assert_allclose(found, e_step(patches, alike)[0], atol=1e-12)


# EM


def blobs():
    return draw(random_mixture(6, 4, seed=3), 400, seed=3)[0]


def few_distinct():
    return np.random.default_rng(0).integers(3, size=(200, 2)) / 10.0


def flat():
    """Return patches along a line: nearly all variances hit the floor."""
    along = np.random.default_rng(0).normal(size=(150, 1))
    return along * np.ones((1, 6))


@pytest.mark.parametrize("make", [blobs, few_distinct, flat, None])
@pytest.mark.parametrize("floor", [FLOOR, 0.05])
def test_no_step_loses_likelihood(make, floor, photo_patches):
    patches = make() if make else photo_patches
    mixture, history = fit(patches, 5, 25, 1, floor)
    assert len(history) == 25 and np.isfinite(history).all()
    assert (np.diff(history) >= -1e-9 * np.abs(history[1:])).all()
    assert e_step(patches, mixture)[1] == pytest.approx(history[-1])
    assert np.linalg.eigvalsh(mixture.covariances).min() >= floor * 0.999


def test_em_gains_likelihood(photo_patches):
    _, history = fit(photo_patches, 5, 25, 1)
    assert history[-1] > history[0] + 0.5


def test_a_floor_added_to_the_diagonal_loses_likelihood(monkeypatch):
    """What the docstring says of scikit-learn's way, and why we clip."""
    monkeypatch.setattr(
        module, "at_least", lambda c, floor: c + floor * np.eye(len(c))
    )
    _, history = fit(flat(), 5, 25, 1, 0.05)
    assert np.diff(history).min() < -1e-6


def test_the_clipped_covariance_is_the_likeliest_allowed():
    rng = np.random.default_rng(0)
    patches = rng.normal(size=(300, 3)) * [1.0, 0.3, 0.01]
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    patches, floor = patches @ turn, 0.05
    best = m_step(patches, np.ones((300, 1)), floor)
    highest = e_step(patches, best)[1]
    for _ in range(200):
        change = rng.normal(size=(3, 3)) * 0.02
        other = best.covariances[0] + change @ change.T - 0.01 * np.eye(3)
        allowed = module.at_least(other, floor)[None]
        rival = Mixture(best.weights, best.means, allowed)
        assert e_step(patches, rival)[1] <= highest + 1e-12


def test_a_planted_mixture_is_found():
    planted = Mixture(
        np.array([0.5, 0.3, 0.2]),
        np.array([[0.0, 0], [4, 0], [0, 4]]),
        np.array(
            [[[1, 0.8], [0.8, 1]], [[0.2, 0], [0, 1]], [[1, 0], [0, 0.1]]]
        ),
    )
    patches, made_by = draw(planted, 6000)
    found, _ = fit(patches, 3, 60, seed=0)
    order = [
        np.square(found.means - mean).sum(axis=1).argmin()
        for mean in planted.means
    ]
    assert sorted(order) == [0, 1, 2]
    assert found.weights[order] == pytest.approx(planted.weights, abs=0.03)
    assert found.means[order] == pytest.approx(planted.means, abs=0.1)
    assert found.covariances[order] == pytest.approx(
        planted.covariances, abs=0.1
    )
    chosen = e_step(patches, found)[0][:, order].argmax(axis=1)
    assert np.mean(chosen == made_by) > 0.95


def test_starts_are_hard_and_drawn_by_seed(patches):
    found = [start(patches, 5, seed) for seed in (0, 0, 1)]
    assert set(found[0].ravel()) == {0, 1}
    assert (found[0].sum(axis=1) == 1).all()
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_an_empty_component_harms_nobody(patches):
    responsibilities = np.zeros((len(patches), 3))
    responsibilities[:, :2] = e_step(patches, random_mixture(2))[0]
    found = m_step(patches, responsibilities)
    without = m_step(patches, responsibilities[:, :2])
    assert found.weights[2] < 1e-12
    assert found.means[:2] == pytest.approx(without.means)
    assert e_step(patches, found)[1] == pytest.approx(
        e_step(patches, without)[1]
    )


def test_as_many_components_as_patches_will_do():
    patches = np.random.default_rng(0).normal(size=(6, 2))
    mixture, history = fit(patches, 6, 3, 0)
    assert np.isfinite(history).all()
    assert sorted(mixture.weights) == pytest.approx([1 / 6] * 6)


def test_single_precision_patches_lose_nothing(patches):
    single = patches.astype(np.float32)
    _, expected = fit(single.astype(float), 3, 3, 0)
    assert np.array_equal(fit(single, 3, 3, 0)[1], expected)


def test_one_patch_has_responsibilities(known):
    assert e_step(np.zeros((1, 3)), known)[0].shape == (1, 4)


def test_progress_is_shown_if_it_has_a_label(patches, monkeypatch):
    labels = []

    def track(rounds, label):
        labels.append(label)
        return rounds

    monkeypatch.setattr(module, "track", track)
    fit(patches, 2, 1, 0)
    fit(patches, 2, 1, 0, progress="EM")
    assert labels == ["EM"]


# Errors


@pytest.mark.parametrize(
    "wrong, words",
    [
        (np.zeros(5), "are \\(n, width\\), got shape \\(5,\\)"),
        (np.zeros((0, 3)), "got shape \\(0, 3\\)"),
        (np.full((5, 3), np.nan), "15 values are NaN or infinite"),
        (np.full((5, 3), np.inf), "NaN or infinite"),
    ],
)
def test_patches_that_are_none_are_named(known, wrong, words):
    for call in (
        lambda: log_joint(wrong, known),
        lambda: m_step(wrong, np.ones((len(wrong), 1))),
        lambda: fit(wrong, 2, 1, 0),
        lambda: isotropic_responsibilities(wrong, np.ones((2, 3)), 1),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_patches_of_another_width_are_named(known):
    with pytest.raises(ValueError, match="width 5 do not fit .* width 3"):
        e_step(np.zeros((2, 5)), known)
    with pytest.raises(ValueError, match="width 5 do not fit .* width 3"):
        isotropic_responsibilities(np.zeros((2, 5)), np.zeros((2, 3)), 1)


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"num_components": 501}, "num_components .* 1 to 500, got 501"),
        ({"num_components": 0}, "num_components .* got 0"),
        ({"steps": 0}, "steps must be a whole number, 1 or more, got 0"),
        ({"steps": 2.5}, "steps must be a whole number"),
        ({"steps": True}, "steps must be a whole number"),
        ({"seed": -1}, "seed must be a whole number, 0 or more"),
        ({"floor": 0}, "floor must be above 0"),
        ({"floor": -1e-3}, "floor must be above 0"),
        ({"floor": np.nan}, "floor must be above 0"),
    ],
)
def test_what_cannot_be_fitted_is_named_at_once(
    patches, changed, words, monkeypatch
):
    monkeypatch.setattr(module, "start", None)  # no work before the checks
    asked = {"num_components": 2, "steps": 1, "seed": 0} | changed
    with pytest.raises(ValueError, match=words):
        fit(patches, **asked)


@pytest.mark.parametrize(
    "responsibilities, words",
    [
        (np.ones(500), "responsibilities need shape \\(500, components\\)"),
        (np.ones((499, 1)), "\\(500, components\\), got \\(499, 1\\)"),
        (np.full((500, 2), 0.4), "off by 0.2"),
        (np.full((500, 2), np.nan), "off by nan"),
        (np.tile([1.5, -0.5], (500, 1)), "0 or more"),
    ],
)
def test_responsibilities_that_are_none_are_named(
    patches, responsibilities, words
):
    with pytest.raises(ValueError, match=words):
        m_step(patches, responsibilities)


@pytest.mark.parametrize(
    "weights, means, covariances, words",
    [
        ([1.0], (1, 3), (1, 3, 2), "width, width"),
        ([0.5, 0.5], (1, 3), (1, 3, 3), "got"),
        ([0.5, 0.6], (2, 3), (2, 3, 3), "sum that is off by 0.1"),
        ([1.5, -0.5], (2, 3), (2, 3, 3), "0 or more"),
        ([], (0, 3), (0, 3, 3), "components"),
        ([1.0], (3,), (1, 3, 3), "means"),
    ],
)
def test_parts_that_do_not_fit_are_named(weights, means, covariances, words):
    with pytest.raises(ValueError, match=words):
        Mixture(np.array(weights), np.zeros(means), np.ones(covariances))


def test_noise_and_bandwidth_out_of_range_are_named(known, patches):
    with pytest.raises(ValueError, match="write 25 / 255"):
        e_step(patches, known, noise=25)
    for sigma in (0, -1, np.nan):
        with pytest.raises(ValueError, match="sigma must be above 0"):
            isotropic_responsibilities(patches, known.means, sigma)


def test_the_repr_is_short(known):
    assert repr(known) == "Mixture(4 components of width 3)"
