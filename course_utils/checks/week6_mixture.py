"""Checks of week 6: the E step and the M step of a Gaussian mixture."""

import numpy as np

from course_utils.attention import softmax
from course_utils.checks.engine import exercise, expect
from course_utils.checks.properties import (
    expect_none_of,
    expect_shape,
    random,
    same,
)


@exercise(week=6, title="Responsibilities: attention to learned keys")
def responsibilities(attempt):
    """Judge `my_responsibilities(patches, weights, means, sigma)`."""
    given = _mixture([0.6, 0.3, 0.1], 7, 5, 0.8)
    out = attempt(*given)
    expect(
        out.shape != (3, 7),
        "There is a row for each component: patches ask, so each patch has a "
        "row, and each component a column.",
    )
    expect_shape(out, (7, 3), "(patches, components)")
    logits = _logits(*given)
    expect_none_of(out, _wrong_shares(logits))
    expect_none_of(out, _wrong_logits(*given))
    expect(
        np.allclose(out.sum(axis=1), 1),
        "The rows do not sum to 1: every patch comes from some component.",
    )
    expect(
        same(out, softmax(logits)),
        "The rows sum to 1, but the numbers are wrong. If all means are "
        "alike, the responsibilities should be the weights.",
    )
    other = _mixture([0.2, 0.8], 4, 3, 1.9)
    expect(
        same(attempt(*other), softmax(_logits(*other))),
        "Right for 7 patches, 3 components, 5 numbers and sigma 0.8, wrong "
        "for 4, 2, 3 and 1.9: where is one of them written as a number?",
    )
    _expect_far(attempt, *given)


def _mixture(weights, count, width, sigma):
    """Return patches, weights, means and sigma."""
    rows = random(count + len(weights), width)
    return rows[:count], np.array(weights), rows[count:], sigma


def _squared(patches, means):
    """Return squared distances, summed, (patches, components)."""
    return ((patches[:, None] - means) ** 2).sum(axis=2)


def _logits(patches, weights, means, sigma):
    return np.log(weights) - _squared(patches, means) / (2 * sigma**2)


def _expect_far(attempt, patches, weights, means, sigma):
    """Expect exact shares where every density is a 0."""
    far = 50 * patches, weights, 2 * means, sigma
    out = attempt(*far)
    expect(
        np.isfinite(out).all(),
        "NaN for patches far from every mean: each density is rounded to 0, "
        "and 0 is divided by 0. Shift the logarithms before the exponential.",
    )
    expect(
        same(out, softmax(_logits(*far))),
        "Wrong for patches far from every mean: the nearest component should "
        "take nearly all. Add nothing to the densities, cut nothing off, and "
        "shift each row by its own largest logarithm.",
    )


def _wrong_shares(logits):
    joint = np.exp(logits)
    return {
        "These are logarithms: take the exponential.": logits,
        "These are logarithms of responsibilities: take the exponential.": (
            np.log(softmax(logits))
        ),
        "These are weighted densities, not yet divided by their sum over the "
        "components.": joint,
        "The softmax runs over the patches: each component shares itself "
        "out. It is the patch that must come from somewhere.": (
            softmax(logits, axis=0)
        ),
        "All patches and components together sum to 1: each row should.": (
            joint / joint.sum()
        ),
        "Each patch belongs to its best component alone: that is k-means. "
        "Here patches share themselves out.": (
            np.eye(logits.shape[1])[logits.argmax(axis=1)]
        ),
    }


def _wrong_logits(patches, weights, means, sigma):
    d2, double = _squared(patches, means), 2 * sigma**2
    log, width = np.log(weights), patches.shape[1]
    plain = softmax(-d2 / double)
    soft = {
        "The weights are left out: a common component should get more.": (
            -d2 / double
        ),
        "This is the mean of squares, as in exercise 1. A density of 5 "
        "numbers is a product of 5, so its logarithm is a sum.": (
            log - d2 / width / double
        ),
        "sigma is not squared.": log - d2 / (2 * sigma),
        "The 2 of 2 sigma**2 is missing.": log - d2 / sigma**2,
        "sigma is not used.": log - d2 / 2,
        "You multiply by sigma**2: `d2 / 2 * sigma**2` divides by the 2 "
        "alone.": log - d2 / 2 * sigma**2,
        "This is the distance, not its square: d2 needs no root.": (
            log - np.sqrt(d2) / double
        ),
        "The sign of the distances is wrong: the farthest mean gets most.": (
            log + d2 / double
        ),
        "The weights themselves are added to the logits: outside of the "
        "exponential they multiply, so inside it is their logarithm.": (
            weights - d2 / double
        ),
        "The weights multiply the logits: they belong outside of the "
        "exponential.": -weights * d2 / double,
        "The logarithm of the weights is taken off: it should be added.": (
            -log - d2 / double
        ),
        "The scores are dot products: a Gaussian takes distances.": (
            log + patches @ means.T / sigma**2
        ),
    }
    return {hint: softmax(logits) for hint, logits in soft.items()} | {
        "The weights multiply what already sums to 1: bring them in before "
        "you divide by the sum.": weights * plain,
    }


@exercise(week=6, title="The M step: weights, means and one sigma")
def m_step(attempt):
    """Judge `my_m_step(patches, responsibilities)`."""
    patches, shares = random(9, 4), softmax(2 * random(9, 3))
    weights, means, sigma = _three(attempt, patches, shares)
    right = _refitted(patches, shares)
    expect_shape(weights, (3,), "(components,)")
    expect_none_of(weights, _wrong_weights(shares))
    expect(
        same(weights, right[0]),
        "The weights are wrong: each is the share of all patches that its "
        "component takes.",
    )
    expect(
        means.shape != (4, 3),
        "The means lie in columns: each component has a row.",
    )
    expect_shape(means, (3, 4), "(components, width)")
    expect_none_of(means, _wrong_means(patches, shares))
    expect(
        same(means, right[1]),
        "The means are wrong. A component that takes two patches, each "
        "whole, and nothing else, should lie half-way between them.",
    )
    expect(
        sigma.shape == (),
        "sigma is one number for all components, not an array of shape "
        f"{sigma.shape}.",
    )
    expect_none_of(sigma, _wrong_sigmas(patches, shares, right[1]))
    expect(
        same(sigma, right[2]),
        "Weights and means are right, sigma is wrong: how far are the numbers "
        "of a patch from a mean, squared and weighted by responsibility?",
    )
    other = random(6, 5), softmax(random(6, 2))
    expect(
        all(map(same, _three(attempt, *other), _refitted(*other))),
        "Right for 9 patches, 4 numbers and 3 components, wrong for 6, 5 and "
        "2: where is a size written as a number?",
    )


def _three(attempt, patches, shares):
    """Return weights, means and sigma, or say what came instead."""
    result = attempt.raw(patches, shares)
    expect(
        isinstance(result, tuple | list) and len(result) == 3,
        "Three things should be returned, as in `return weights, means, "
        "sigma`.",
    )
    found = [np.asarray(part) for part in result]
    expect(
        all(part.dtype.kind in "iuf" for part in found),
        "weights, means and sigma should all be numbers.",
    )
    return found


def _refitted(patches, shares):
    taken = shares.sum(axis=0)
    means = shares.T @ patches / taken[:, None]
    spread = (shares * _squared(patches, means)).sum() / patches.size
    return taken / len(patches), means, np.asarray(np.sqrt(spread))


def _wrong_weights(shares):
    taken, largest = shares.sum(axis=0), shares.argmax(axis=1)
    return {
        "The weights sum to the number of patches: divide by it.": taken,
        "The weights are divided by the number of components, not of "
        "patches.": taken / shares.shape[1],
        "All weights are alike: a component that takes more weighs more.": (
            np.full(3, 1 / 3)
        ),
        "Each patch counts for its best component alone: its "
        "responsibilities are shares.": np.eye(3)[largest].mean(axis=0),
    }


def _wrong_means(patches, shares):
    totals, hard = shares.T @ patches, np.eye(3)[shares.argmax(axis=1)]
    return {
        "The means are divided by the number of patches: divide each by what "
        "its own component takes.": totals / len(patches),
        "These are sums: divide each by what its component takes.": totals,
        "All means are the mean of all patches: weigh each patch by its "
        "responsibility.": np.tile(patches.mean(axis=0), (3, 1)),
        "Each patch counts for its best component alone, as in k-means.": (
            hard.T @ patches / hard.sum(axis=0)[:, None]
        ),
    }


def _wrong_sigmas(patches, shares, means):
    d2, size = _squared(patches, means), patches.size
    count, width = patches.shape
    variance = (shares * d2).sum() / size
    blend = ((patches - shares @ means) ** 2).mean()
    nearest = d2[np.arange(count), shares.argmax(axis=1)].sum() / size
    roots = {
        "The squares are not divided by the width: sigma is the spread of "
        "one number of a patch, not of the whole patch.": variance * width,
        "The squares are taken from the mean of all patches: take each "
        "component's own.": patches.var(axis=0).mean(),
        "This is the spread of all numbers, whatever patch and component "
        "they belong to.": patches.var(),
        "The squares are not weighted by responsibility.": d2.mean() / width,
        "The responsibilities weigh the squares, but they are divided by the "
        "number of components, too. They already sum to 1 for each patch.": (
            variance / 3
        ),
        "The squares are divided by one patch too few.": (
            variance * count / (count - 1)
        ),
        "The squares are summed: take their mean.": variance * size,
        "The squares are divided by the width, not by the number of "
        "patches.": variance * count,
        "The means are mixed before the distance is taken: that leaves out "
        "the doubt between components. Squares first, then the weights.": (
            blend
        ),
        "Each patch counts for its best component alone.": nearest,
    }
    return {hint: np.sqrt(found) for hint, found in roots.items()} | {
        "This is the variance: sigma is its root.": variance,
        "The root comes too early: average the squares, then take one root.": (
            shares * np.sqrt(d2 / width)
        ).sum()
        / count,
    }
