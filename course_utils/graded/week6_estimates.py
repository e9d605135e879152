"""Week 6, graded: gains of smoothing, a patch prior, an honest risk."""

import numpy as np

from course_utils.graded.engine import Task

smoothing_gain = Task(
    6, "smoothing_gain", "What smoothing does to each pattern", points=3
)


def some_affinities(rng, n=7):
    """Return symmetric affinities (n, n) of nodes of unlike degree."""
    weights = rng.uniform(0.05, 1, (n, n)) * np.geomspace(0.2, 5, n)
    weights = weights + weights.T
    np.fill_diagonal(weights, 1)
    return weights


@smoothing_gain.needs(
    "Return two arrays (n,), eigenvalues and gains, of real numbers that "
    "change with the affinities."
)
def _gain_shape(answer, rng):
    one, gain = answer(some_affinities(rng), 0.7, 3)
    other, _ = answer(some_affinities(rng), 0.7, 3)
    real = one.dtype.kind == gain.dtype.kind == "f"
    shapes = one.shape == gain.shape == (7,)
    return real and shapes and np.abs(one - other).max() > 1e-3


@smoothing_gain.property(
    1,
    "Largest eigenvalue first; it is 1, and what is even everywhere stays.",
    "Rows of S sum to 1, so S times ones is ones. Is S symmetric, as the "
    "routine that you call believes?",
)
def _gain_first(answer, rng):
    values, gain = answer(some_affinities(rng), 0.7, 3)
    first = np.allclose([values[0], gain[0]], 1, atol=1e-4)
    return first and (np.diff(values) <= 1e-9).all()


@smoothing_gain.property(
    1,
    "The gains sum to the trace of the smoothing matrix.",
    "Write ((1 - tau) I + tau S)^steps out as a matrix: its eigenvalues are "
    "the gains.",
)
def _gain_trace(answer, rng):
    weights = some_affinities(rng)
    step = 0.6 * weights / weights.sum(axis=1, keepdims=True)
    step = step + 0.4 * np.eye(7)
    _, gain = answer(weights, 0.6, 4)
    trace = np.trace(np.linalg.matrix_power(step, 4))
    return np.isclose(gain.sum(), trace, rtol=1e-4)


map_patches = Task(
    6, "map_patches", "Patches cleaned by their likeliest component", points=4
)


def some_mixture(rng, width=9):
    """Return weights (3,) and covariances (3, width, width)."""
    factors = rng.normal(size=(3, width, width))
    factors *= np.array([0.02, 0.1, 0.3])[:, None, None]
    covariances = factors @ factors.swapaxes(1, 2) / width
    return np.array([0.5, 0.3, 0.2]), covariances


@map_patches.needs(
    "For patches (n, width) the result should have shape (n, width) and "
    "change with the noise."
)
def _map_shape(answer, rng):
    patches, mixture = rng.random((5, 9)), some_mixture(rng)
    one, other = answer(patches, *mixture, 0.1), answer(patches, *mixture, 0.3)
    return one.shape == (5, 9) and np.abs(one - other).max() > 1e-3


@map_patches.property(
    1,
    "A brighter patch gives the same answer, brighter.",
    "The components have mean 0 and know nothing of brightness: take each "
    "patch's own mean off first, and put it back at the end.",
)
def _map_bright(answer, rng):
    patches, mixture = rng.random((5, 9)), some_mixture(rng)
    dark, light = (answer(patches + c, *mixture, 0.1) for c in (0, 2.5))
    change = np.abs(dark - patches).max() > 1e-3
    return change and np.allclose(light, dark + 2.5, atol=1e-3)


@map_patches.property(
    1,
    "Patches far from everything, of 400 numbers, find their component.",
    "A density of 400 numbers is too small or too large for any floating-"
    "point number: work with its logarithm (np.linalg.slogdet), and never "
    "take the exponential.",
)
def _map_far(answer, rng):
    patches = 5 * rng.normal(size=(3, 400))
    covariances = np.stack([1e-6 * np.eye(400), 4 * np.eye(400)])
    found = answer(patches, np.array([0.9, 0.1]), covariances, 0.01)
    return np.allclose(found, patches, rtol=1e-2, atol=1e-2)


attention_risk = Task(
    6, "attention_risk", "The error of attention, without the truth", points=4
)


def some_values(rng, n=40, noise=0.1):
    """Return noisy values (n,) of a signal with two levels."""
    level = np.where(rng.random(n) < 0.4, 0.2, 0.7)
    return level + noise * rng.normal(size=n)


@attention_risk.needs(
    "Return one number, which changes with sigma and with the noise."
)
def _risk_number(answer, rng):
    values = some_values(rng)
    found = answer(values, 0.1, 0.1)
    wider, louder = answer(values, 0.3, 0.1), answer(values, 0.1, 0.2)
    apart = abs(found - wider), abs(found - louder)
    return found.shape == () and min(apart) > 1e-5


@attention_risk.property(
    1,
    "A tiny sigma changes nothing: the risk is noise^2.",
    "Each value attends to itself alone and comes back as it was. Misfit 0, "
    "divergence 1: what is left of the three terms?",
)
def _risk_tiny(answer, rng):
    values = rng.permutation(np.linspace(0, 1, 20))
    return np.isclose(answer(values, 0.01, 0.2), 0.04, rtol=0.01)


@attention_risk.property(
    1,
    "A huge sigma averages all: the risk is that of the mean.",
    "All weights are 1 / n, and stay so. Terms are means over the values, "
    "the divergence included.",
)
def _risk_huge(answer, rng):
    values = some_values(rng, n=20)
    expected = values.var() - 0.04 + 2 * 0.04 / 20
    return np.isclose(answer(values, 1e3, 0.2), expected, rtol=1e-3)
