"""A Gaussian mixture on image patches, fitted by EM.

    mixture, history = fit(patches, num_components=30, steps=15, seed=0)
    responsibilities, log_likelihood = e_step(patches, mixture)

Patches are queries, components are keys: each component says how likely it
is to have made a patch, and a softmax over components turns that into
responsibilities, rows of attention. The M step moves every key to where
its responsibilities are. Dempster, Laird and Rubin, "Maximum Likelihood
from Incomplete Data via the EM Algorithm" (1977); for mixtures see Bishop,
"Pattern Recognition and Machine Learning" (2006), section 9.2.

Patches are `(n, width)` finite numbers. All raise ValueError for what is
not, and for parts that do not fit.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from course_utils.attention import softmax
from course_utils.graph_checks import check_positive
from course_utils.noise import check_noise
from course_utils.progress_bar import track

FLOOR = (1 / 255) ** 2  # variance of one grey level, the finest step stored
NEVER_ZERO = 10 * np.finfo(float).eps  # patches; as in scikit-learn
ROUNDING = 1e-9  # of sums that should be 1


@dataclass(frozen=True, eq=False)
class Mixture:
    """Gaussians and how often each is drawn.

    weights: `(components,)`, 0 or more, sum 1.
    means: `(components, width)`.
    covariances: `(components, width, width)`, symmetric, positive definite.

    Raises ValueError if shapes do not fit or the weights are none.
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    def __post_init__(self):
        weights, means, covariances = map(np.shape, vars(self).values())
        fits = weights == means[:1] and covariances == (*means, *means[1:])
        if len(means) != 2 or 0 in means or not fits:
            raise ValueError(
                "a mixture has weights (components,), means (components, "
                "width) and covariances (components, width, width), got "
                f"{weights}, {means} and {covariances}"
            )
        _check_shares("weights", self.weights[None], 1)

    def __repr__(self):
        return "Mixture({} components of width {})".format(*self.means.shape)


def log_gaussian(patches, mean, covariance):
    """Return the log density of a Gaussian at every patch, `(n,)`, in nats.

    Cholesky's factor stands for the inverse and the determinant, which
    would lose digits or underflow.

    Args:
        patches: `(n, width)`.
        mean, covariance: `(width,)` and `(width, width)`.

    Raises:
        numpy.linalg.LinAlgError: the covariance is not positive definite.

    Taught in week 6. Bishop (2006), equation 2.43.
    """
    root = np.linalg.cholesky(covariance)
    white = solve_triangular(root, (patches - mean).T, lower=True)
    squares = np.einsum("wn,wn->n", white, white)
    log_volume = np.log(np.diag(root)).sum()
    return -squares / 2 - log_volume - len(mean) / 2 * np.log(2 * np.pi)


def log_joint(patches, mixture, noise=0.0):
    """Return the logits of EM's attention, log w_k + log N(x | k).

    White noise in the patches adds its variance to every covariance: a
    mixture of clean patches is one of noisy patches too.

    Args:
        patches: `(n, width)`, the queries.
        mixture: `Mixture`, the keys.
        noise: standard deviation of the noise in the patches, 0 to 1.

    Returns:
        `(n, components)`, in nats; -inf for a component of weight 0.

    Raises:
        ValueError: noise out of range; see above.

    Taught in week 6. Bishop (2006), equation 9.7.
    """
    patches = _checked(patches, mixture.means.shape[1])
    check_noise(noise)
    blur = noise**2 * np.eye(patches.shape[1])
    keys = zip(mixture.means, mixture.covariances, strict=True)
    densities = [log_gaussian(patches, m, c + blur) for m, c in keys]
    with np.errstate(divide="ignore"):  # log 0 is -inf: never chosen
        return np.log(mixture.weights) + np.stack(densities, axis=1)


def e_step(patches, mixture, noise=0.0):
    """Ask for every patch which component made it.

    Args:
        patches, mixture, noise: as for `log_joint`.

    Returns:
        `(responsibilities, log_likelihood)`: `(n, components)`, rows sum
        to 1, and the mean over patches of log p(x), in nats.

    Raises:
        ValueError: see `log_joint`.

    Taught in week 6. Bishop (2006), equations 9.13 and 9.14.
    """
    logits = log_joint(patches, mixture, noise)
    return softmax(logits), float(logsumexp(logits, axis=1).mean())


def m_step(patches, responsibilities, floor=FLOOR):
    """Return the mixture that fits best, given who made what.

    A variance below the floor is raised to it, or a component would
    shrink onto a single patch and the likelihood would have no maximum.
    Among all covariances without a variance below the floor, this is the
    likeliest, so that EM still never loses likelihood. (Adding a constant
    to the diagonal instead, as scikit-learn does, can lose some.)
    Ingrassia and Rocci, "Constrained Monotone EM Algorithms for Finite
    Mixture of Multivariate Gaussians" (2007).

    Args:
        patches: `(n, width)`.
        responsibilities: `(n, components)`, 0 or more, rows sum to 1.
        floor: the least variance in any direction, above 0.

    Returns:
        `Mixture`. A component that no patch chose keeps a weight of
        next to nothing.

    Raises:
        ValueError: floor not above 0, no responsibilities; see above.

    Taught in week 6. Bishop (2006), equations 9.24 to 9.26.
    """
    patches = _checked(patches)
    check_positive("floor", floor)
    _check_shares("responsibilities", responsibilities, len(patches))
    totals = responsibilities.sum(axis=0) + NEVER_ZERO
    means = responsibilities.T @ patches / totals[:, None]
    covariances = np.empty((*means.shape, means.shape[1]))
    for k, mean in enumerate(means):
        apart = patches - mean
        weighted = responsibilities[:, k, None] * apart
        covariances[k] = at_least(weighted.T @ apart / totals[k], floor)
    return Mixture(totals / totals.sum(), means, covariances)


def at_least(covariance, floor):
    """Raise a covariance's small eigenvalues to the floor; see `m_step`."""
    variances, directions = np.linalg.eigh(covariance)
    return directions * np.maximum(variances, floor) @ directions.T


def fit(patches, num_components, steps, seed, floor=FLOOR, progress=None):
    """Fit a mixture to patches: M step, E step, and again.

    It starts with each patch given to the nearest of `num_components`
    patches drawn far apart by k-means++ (Arthur and Vassilvitskii, 2007).
    Responsibilities drawn at random would make all components nearly the
    same, and EM slow to tell them apart.

    Args:
        patches: `(n, width)`.
        num_components: 1 to n.
        steps, seed: whole numbers, at least 1 and 0.
        floor: see `m_step`.
        progress: label of a progress bar; None shows none.

    Returns:
        `(mixture, history)`: a `Mixture`, and `(steps,)`, the mean
        log-likelihood after each step, in nats. It never falls, and the
        last is that of the mixture.

    Raises:
        ValueError: a number out of range; see above and `m_step`.

    Taught in week 6.
    """
    patches = _checked(patches)
    check_positive("floor", floor)
    check_whole("num_components", num_components, 1, len(patches))
    check_whole("steps", steps, 1)
    check_whole("seed", seed, 0)
    responsibilities = start(patches, num_components, seed)
    history = []
    rounds = range(steps)
    for _ in track(rounds, progress) if progress else rounds:
        mixture = m_step(patches, responsibilities, floor)
        responsibilities, log_likelihood = e_step(patches, mixture)
        history.append(log_likelihood)
    return mixture, np.array(history)


def start(patches, num_components, seed):
    """Give every patch to the nearest of some patches drawn far apart.

    Returns `(n, components)` of 0 and 1. Used in week 6; see `fit`.
    """
    from sklearn.cluster import kmeans_plusplus

    drawn, _ = kmeans_plusplus(patches, num_components, random_state=seed)
    nearest = cdist(patches, drawn).argmin(axis=1)
    return np.eye(num_components)[nearest]


def isotropic_responsibilities(patches, keys, sigma):
    """Return softmax(-|x - key|^2 / (2 sigma^2)) over the keys.

    Those of round components, alike and equally frequent. The square is
    |x|^2 - 2 x . key + |key|^2, of which the softmax cancels |x|^2: what
    is left is dot-product attention with a bias against long keys.

    Args:
        patches: `(n, width)`, the queries.
        keys: `(components, width)`, the means.
        sigma: the bandwidth, above 0; sigma squared is the temperature.

    Returns:
        `(n, components)`, rows sum to 1.

    Raises:
        ValueError: sigma not above 0; see above.

    Taught in week 6. Bishop (2006), equation 9.42.
    """
    keys = _checked(keys)
    patches = _checked(patches, keys.shape[1])
    check_positive("sigma", sigma)
    squares = cdist(patches, keys, "sqeuclidean")
    return softmax(-squares / 2, temperature=sigma**2)


def _checked(patches, width=None):
    patches = np.asarray(patches, dtype=float)
    if patches.ndim != 2 or patches.size == 0:
        raise ValueError(
            f"patches and keys are (n, width), got shape {patches.shape}"
        )
    if width not in (None, patches.shape[1]):
        raise ValueError(
            f"patches of width {patches.shape[1]} do not fit components of "
            f"width {width}: give the same patch side and channels to both"
        )
    if not np.isfinite(patches).all():
        raise ValueError(
            f"{np.sum(~np.isfinite(patches)):,} values are NaN or infinite: "
            "replace them first"
        )
    return patches


def _check_shares(name, rows, count):
    """Raise unless each of `count` rows could be a softmax's."""
    if rows.ndim != 2 or len(rows) != count or rows.size == 0:
        raise ValueError(
            f"{name} need shape ({count}, components), got {rows.shape}"
        )
    off = np.abs(rows.sum(axis=1) - 1).max()
    if not (off <= ROUNDING and rows.min() >= 0):
        raise ValueError(
            f"{name} are 0 or more and sum to 1, got a least of "
            f"{rows.min():g} and a sum that is off by {off:g}"
        )


def check_whole(name, value, low, high=np.inf):
    """Raise a ValueError unless value is whole, low to high."""
    whole = isinstance(value, (int, np.integer))
    if not whole or isinstance(value, bool) or not low <= value <= high:
        limits = f"{low} or more" if high == np.inf else f"{low} to {high}"
        raise ValueError(
            f"{name} must be a whole number, {limits}, got {value!r}"
        )
