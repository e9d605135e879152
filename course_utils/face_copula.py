"""Random yes-no labels with given frequencies, correlations and rules.

A Gaussian copula: correlated normal numbers, each cut at a threshold
(Emrich and Piedmonte, "A Method for Generating High-Dimensional
Multivariate Binary Variates", 1991). Rules then forbid what cannot be,
which moves frequencies and correlations; a fixed point over thresholds and
correlations moves them back. Used in week 5 through
`course_utils.face_labels`.
"""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np

ROUNDS = 8  # of the fixed point
DRAWS = 120_000  # on which it measures what the rules do
FIRST_STEPS, STEPS = 600, 20  # projections before the rounds, in each
LEAST_EIGENVALUE = 1e-3  # of the normal numbers' correlation matrix


class Copula(NamedTuple):
    """What turns independent normal numbers into labels.

    factor: `(labels, labels)`, times its transpose is the correlation.
    thresholds: `(labels,)`; a label is True where its number is larger.
    """

    factor: np.ndarray
    thresholds: np.ndarray

    def cut(self, normal):
        """Return labels `(labels, n)` bool of numbers `(labels, n)`."""
        return self.factor @ normal > self.thresholds[:, None]


def fit(frequencies, correlations, apply_rules):
    """Find the copula whose labels are right after the rules.

    What the rules do to frequencies and correlations is measured on the
    same draws in every round, and asked for in the other direction.

    Args:
        frequencies: `(labels,)` floats above 0 and below 1.
        correlations: dict from a pair of rows (i, j) to the wanted phi.
            Pairs that the rules decide alone do not belong here.
        apply_rules: function that changes labels `(labels, n)` in place.

    Returns:
        `Copula`.

    Used in week 5.
    """
    size = len(frequencies)
    normal = np.random.default_rng(0).standard_normal((size, DRAWS))
    pairs = np.array(list(correlations))
    wanted = np.array(list(correlations.values()))
    aims, thresholds = wanted, -quantiles(frequencies)
    matrix, steps = np.eye(size), FIRST_STEPS
    for _ in range(ROUNDS):
        values = tetrachoric(aims, thresholds[pairs])
        matrix = complete(matrix, pairs, values, steps)
        copula, steps = Copula(factor(matrix), thresholds), STEPS
        shares, phis = _after_rules(copula, normal, pairs, apply_rules)
        thresholds = thresholds + quantiles(shares) - quantiles(frequencies)
        aims = aims + (wanted - phis) / 2
    return copula


def _after_rules(copula, normal, pairs, apply_rules):
    """Return the labels' frequencies and phis once the rules are applied.

    Before the rules the frequencies are known exactly, so only what the
    rules change is estimated from the draws.
    """
    labels = copula.cut(normal)
    before = labels.mean(axis=1)
    apply_rules(labels)
    exact = [NormalDist().cdf(-t) for t in copula.thresholds]
    shares = exact + labels.mean(axis=1) - before
    return np.clip(shares, 1e-3, 1 - 1e-3), phi(labels, pairs)


def quantiles(shares):
    """Return the normal distribution's quantiles of shares, 0 to 1."""
    return np.array([NormalDist().inv_cdf(share) for share in shares])


def phi(labels, pairs):
    """Return the correlation of each pair of labels.

    Args:
        labels: `(labels, n)` bool, none of them constant.
        pairs: `(pairs, 2)` whole numbers, rows of `labels`.

    Returns:
        `(pairs,)` floats, -1 to 1.
    """
    shares = labels.mean(axis=1)
    both = [(labels[i] & labels[j]).mean() for i, j in pairs]
    spread = np.sqrt(shares * (1 - shares))
    excess = both - shares[pairs].prod(axis=1)
    return excess / spread[pairs].prod(axis=1)


def tetrachoric(phis, thresholds):
    """Return the correlations of normal numbers whose labels have a phi.

    The share of both above their thresholds grows from that of independent
    numbers by the integral of the normal density over the correlation
    (Plackett, "A Reduction Formula for Normal Multivariate Integrals",
    1954), here over its arc sine, where it is smooth.

    Args:
        phis: `(pairs,)` floats, the wanted correlations of the labels.
        thresholds: `(pairs, 2)` floats.

    Returns:
        `(pairs,)` floats within ±0.997; the bound where none will do.
    """
    angle = np.linspace(-1.5, 1.5, 1201)
    sine, cosine = np.sin(angle), np.cos(angle)
    found = []
    for wanted, (s, t) in zip(phis, thresholds, strict=True):
        exponent = (s * s + t * t - 2 * s * t * sine) / (2 * cosine**2)
        density = np.exp(-exponent) / (2 * np.pi)
        middles = (density[1:] + density[:-1]) / 2
        gained = np.append(0, np.cumsum(middles)) * (angle[1] - angle[0])
        f, g = NormalDist().cdf(-s), NormalDist().cdf(-t)
        excess = wanted * np.sqrt(f * (1 - f) * g * (1 - g))
        start = gained[len(angle) // 2]
        found.append(np.interp(start + excess, gained, angle))
    return np.sin(found)


def complete(matrix, pairs, values, steps):
    """Move a matrix towards a correlation matrix that has given entries.

    Alternating projections: set the entries, then drop what is not
    positive definite; the other entries move only in the second (Higham,
    "Computing the Nearest Correlation Matrix", 2002).

    Args:
        matrix: `(size, size)` floats, symmetric, where to start.
        pairs: `(pairs, 2)` whole numbers, rows.
        values: `(pairs,)` floats, -1 to 1.
        steps: how often.

    Returns:
        `(size, size)` floats, positive definite.
    """
    matrix, (i, j) = matrix.copy(), pairs.T
    for _ in range(steps):
        matrix[i, j] = matrix[j, i] = values
        np.fill_diagonal(matrix, 1)
        roots, vectors = np.linalg.eigh(matrix)
        roots = np.maximum(roots, LEAST_EIGENVALUE)
        matrix = vectors * roots @ vectors.T
    return matrix


def factor(matrix):
    """Return the Cholesky factor of a matrix scaled to a unit diagonal."""
    scale = np.sqrt(np.diag(matrix))
    return np.linalg.cholesky(matrix / scale / scale[:, None])
