"""Checks of week 5: losses for answers that are rarely yes."""

import numpy as np

from course_utils.checks.engine import exercise, expect
from course_utils.checks.properties import (
    expect_none_of,
    expect_number,
    random,
    same,
)


@exercise(week=5, title="Focal loss, for logits of any size")
def focal_loss(attempt):
    """Judge `my_focal_loss(logits, targets, gamma)`."""
    logits, targets = _answers(6, 4)
    out = attempt(logits, targets)
    expect_number(out)
    expect_none_of(out, _wrong_focal(logits, targets))
    expect(
        same(attempt(logits, targets, 0.0), _bce(logits, targets).mean()),
        "With gamma = 0 plain cross-entropy should come out, the mean of "
        "-log(p_t). Is gamma used, or a number in its place?",
    )
    expect(
        same(out, _focal(logits, targets).mean()),
        "Plain cross-entropy is right, with gamma = 0; the factor (1 - "
        "p_t)**gamma is wrong.",
    )
    other = *_answers(3, 5), 0.5
    expect(
        same(attempt(*other), _focal(*other).mean()),
        "Right for 6 faces, 4 attributes and gamma 2, wrong for 3, 5 and "
        "0.5: where is one of them written as a number?",
    )
    _expect_exact(attempt, _focal(*LARGE).mean())


# Sure and right, sure and wrong: logits and targets, (batch, attributes).
LARGE = (
    np.array([[1000.0, -1000.0], [1000.0, -1000.0]]),
    np.array([[1.0, 0.0], [0.0, 1.0]]),
)


def _answers(batch, attributes):
    """Return logits, and targets that mix 0 and 1 in each attribute."""
    targets = np.add.outer(np.arange(batch), np.arange(attributes)) % 3 == 0
    return 2 * random(batch, attributes), targets.astype(float)


def _bce(logits, targets):
    """Return binary cross-entropy, (batch, attributes)."""
    return np.logaddexp(0, np.where(targets == 1, -logits, logits))


def _focal(logits, targets, gamma=2.0):
    """Return the focal loss of each answer, (batch, attributes)."""
    bce = _bce(logits, targets)
    return (1 - np.exp(-bce)) ** gamma * bce


def _expect_exact(attempt, right, *more):
    """Expect the right mean for logits of 1000 and -1000."""
    out = attempt(*LARGE, *more)
    expect(
        np.isfinite(out),
        f"For logits of 1000 and -1000 the loss is {out}: exp overflows, or "
        "log gets a 0. np.logaddexp(0, x) is log(1 + exp(x)) for any x.",
    )
    expect(
        same(out, right),
        f"For logits of 1000 and -1000 the loss is {out:.6g} instead of "
        f"{right:.6g}: if you cut p or the logits off, or add a small number "
        "inside the log, who is sure and wrong gets off too lightly.",
    )


def _wrongly_averaged(terms):
    return {
        "This is the sum: take the mean over all answers.": terms.sum(),
        "This is a sum over attributes: take the mean over both axes.": (
            terms.sum(axis=1).mean()
        ),
        "This is a sum over faces: take the mean over both axes.": (
            terms.sum(axis=0).mean()
        ),
        "The sign is wrong: log(p) is negative, and a loss is not.": (
            -terms.mean()
        ),
    }


def _wrong_focal(logits, targets):
    bce = _bce(logits, targets)
    pt, p = np.exp(-bce), 1 / (1 + np.exp(-logits))
    terms = _focal(logits, targets)
    mean = bce.mean()
    alpha = np.where(targets == 1, 0.25, 0.75)
    return _wrongly_averaged(terms) | {
        "This is plain cross-entropy: the factor is missing.": bce.mean(),
        "The factor is p_t**gamma: it keeps what is easy, and forgets what "
        "is hard.": (pt**2 * bce).mean(),
        "The factor has p, the probability of yes, where p_t belongs, that of "
        "the right answer: they differ if the target is 0.": (
            ((1 - p) ** 2 * bce).mean()
        ),
        "Positives alone count: where the target is 0, the right answer is "
        "no, and it has a loss, too.": (targets * terms).mean(),
        "The factor is computed from the mean of the cross-entropy: each "
        "answer has its own.": (1 - np.exp(-mean)) ** 2 * mean,
        "gamma multiplies: it is a power.": (2 * (1 - pt) * bce).mean(),
        "p_t is the probability of the wrong answer: which targets change "
        "the logit's sign?": _focal(-logits, targets).mean(),
        "This is the factor alone: it multiplies -log(p_t).": (
            ((1 - pt) ** 2).mean()
        ),
        "There is an alpha of 0.25 in it. That is equation 5; asked for is "
        "equation 4, without.": (alpha * terms).mean(),
    }


@exercise(week=5, title="The tutorial's weighted focal loss, mended")
def weighted_focal(attempt):
    """Judge `my_weighted_focal(logits, targets, pos_weight, gamma)`."""
    given = *_answers(6, 4), np.array([0.3, 3.0, 8.0, 50.0])
    out = attempt(*given)
    expect_number(out)
    expect_none_of(out, _wrongly_weighted(*given))
    expect(
        same(attempt(*given[:2], np.ones(4)), _focal(*given[:2]).mean()),
        "With weights of 1 the focal loss of exercise 5 should come out.",
    )
    expect(
        same(out, _weighted(*given).mean()),
        "Right for weights of 1, wrong for others. Only the losses of the "
        "positives should change with the weights, in proportion to them.",
    )
    other = *_answers(3, 5), np.arange(1.0, 6.0), 0.5
    expect(
        same(attempt(*other), _weighted(*other).mean()),
        "Right for 6 faces, 4 attributes and gamma 2, wrong for 3, 5 and "
        "0.5: where is one of them written as a number?",
    )
    weights = np.array([3.0, 5.0])
    _expect_exact(attempt, _weighted(*LARGE, weights).mean(), weights)


def _weighted(logits, targets, pos_weight, gamma=2.0):
    weight = np.where(targets == 1, pos_weight, 1)
    return weight * _focal(logits, targets, gamma)


def _wrongly_weighted(logits, targets, pos_weight):
    bce, terms = _bce(logits, targets), _focal(logits, targets)
    right = _weighted(logits, targets, pos_weight)
    weight = np.where(targets == 1, pos_weight, 1)
    inside = (1 - np.exp(-weight * bce)) ** 2
    alpha = np.where(targets == 1, pos_weight, 1 - pos_weight)
    negatives = np.where(targets == 1, 1, pos_weight)
    return _wrongly_averaged(right) | {
        "p_t is taken from the weighted cross-entropy, as in the tutorial, "
        "and is no probability of anything: with weight 50, 0.97 becomes "
        "0.22. Doubling a weight should double the loss of its positives, "
        "and here it does not.": (inside * weight * bce).mean(),
        "The weight is inside p_t, and only there: it should multiply the "
        "loss, and leave p_t alone.": (inside * bce).mean(),
        "The weights are not used.": terms.mean(),
        "The weights multiply negatives, too: those weigh 1.": (
            (pos_weight * terms).mean()
        ),
        "The weights multiply the negatives instead of the positives.": (
            (negatives * terms).mean()
        ),
        "The weight is inside the power, and counts twice over: it belongs "
        "outside.": ((weight**2) * terms).mean(),
        "Negatives weigh 1 - pos_weight: that is how alpha works, which is "
        "below 1. Here they weigh 1.": (alpha * terms).mean(),
        "You divide by the sum of the weights: asked for is the mean over "
        "all answers.": right.sum() / weight.sum(),
        "This is weighted cross-entropy: the factor (1 - p_t)**gamma is "
        "missing.": (weight * bce).mean(),
        "Positives alone count: negatives weigh 1.": (targets * right).mean(),
    }


@exercise(week=5, title="Cross-entropy of adjusted logits")
def adjusted_loss(attempt):
    """Judge `my_adjusted_loss(logits, targets, frequencies)`."""
    given = *_answers(6, 4), np.array([0.02, 0.1, 0.3, 0.8])
    out = attempt(*given)
    expect_number(out)
    expect_none_of(out, _wrongly_adjusted(*given))
    half = np.full(4, 0.5)
    expect(
        same(attempt(*given[:2], half), _bce(*given[:2]).mean()),
        "With frequencies of 0.5 the log-odds are 0, and plain cross-entropy "
        "should come out, the mean of -log(p_t).",
    )
    expect(
        same(out, _adjusted(*given).mean()),
        "Right for frequencies of 0.5, wrong for others: to each attribute's "
        "logit, log(f / (1 - f)) should be added.",
    )
    other = *_answers(3, 5), np.array([0.2, 0.3, 0.4, 0.6, 0.7])
    expect(
        same(attempt(*other), _adjusted(*other).mean()),
        "Right for 6 faces and 4 attributes, wrong for 3 and 5: where is a "
        "size written as a number?",
    )
    f = np.array([0.02, 0.8])
    _expect_exact(attempt, _adjusted(*LARGE, f).mean(), f)


def _adjusted(logits, targets, frequencies):
    prior = np.log(frequencies / (1 - frequencies))
    return _bce(logits + prior, targets)


def _wrongly_adjusted(logits, targets, f):
    bce, odds = _bce(logits, targets), f / (1 - f)
    return _wrongly_averaged(_adjusted(logits, targets, f)) | {
        "The log-odds are subtracted. That belongs to the use of a network "
        "trained without them; in training they are added.": (
            _adjusted(logits, targets, 1 - f).mean()
        ),
        "This is plain cross-entropy: the log-odds are missing.": bce.mean(),
        "log(f) alone is for softmax, where each class has a logit. Here yes "
        "has one and no has none: log(f / (1 - f)).": (
            _bce(logits + np.log(f), targets).mean()
        ),
        "The odds are added, their logarithm should be.": (
            _bce(logits + odds, targets).mean()
        ),
        "The frequencies are added, their log-odds should be.": (
            _bce(logits + f, targets).mean()
        ),
        "The log-odds multiply the logits: add them.": (
            _bce(logits * np.log(odds), targets).mean()
        ),
        "The log-odds are added to the loss. There they have no gradient: "
        "add them to the logits.": (bce + np.log(odds)).mean(),
        "The logits of positives alone are adjusted. A network does not know "
        "the targets: adjust all.": (
            _bce(logits + targets * np.log(odds), targets).mean()
        ),
        "These are weights of (1 - f) / f: here no answer has a weight, the "
        "logits move.": (np.where(targets == 1, 1 / odds, 1) * bce).mean(),
        "Targets are exchanged: the probability of yes is that of the right "
        "answer where the target is 1.": (
            _adjusted(logits, 1 - targets, f).mean()
        ),
    }
