"""Checks of week 6: the source's weights and its controller, mended."""

import numpy as np

from course_utils.attention import softmax
from course_utils.checks.engine import Incorrect, exercise, expect
from course_utils.checks.properties import (
    expect_none_of,
    expect_number,
    same,
)
from course_utils.week6_printed import EXAMPLES

SCORES, PRINTED = EXAMPLES["main example"]


@exercise(week=6, title="Four scores, four weights")
def printed(attempt):
    """Judge `my_weights(scores, temperature)`, also as an exhibit."""
    out = _weights(attempt, SCORES)
    expect_none_of(out, _wrongly_weighted(np.array(SCORES)))
    expect(
        np.isclose(out.sum(), 1),
        f"The weights sum to {out.sum():.4g}: divide by what they sum to.",
    )
    ratio = out[0] / out[3]
    expect(
        np.isclose(np.log(ratio), 2 * (0.8 - 0.5)),
        "The weights sum to 1, but the logarithm of the ratio of two weights "
        "should be T times the difference of their scores.",
    )
    expect(same(out, softmax(2 * np.array(SCORES))), "The numbers are wrong.")
    other = [0.3, 0.1, 0.7]
    expect(
        same(_weights(attempt, other, 5), softmax(5 * np.array(other))),
        "Right for four scores and T = 2.0, wrong for three scores and T = 5: "
        "where is one of them written as a number?",
    )
    _expect_large(attempt)


def _weights(attempt, scores, *temperature):
    """Return one weight for each score; name the list's two faults."""
    try:
        out = attempt(list(scores), *temperature)
    except Incorrect as error:
        expect(
            "multiply sequence" not in str(error.__cause__),
            "TypeError: a list cannot be multiplied by 2.0, only repeated a "
            "whole number of times. Which type can be multiplied?",
        )
        raise
    count = len(scores)
    expect(
        out.shape[:1] != (2 * count,) and out.shape[:1] != (5 * count,),
        f"{out.size} weights for {count} scores: the scores are a list, and a "
        "list times a whole number is the list repeated.",
    )
    expect(
        out.shape == (count,),
        f"{count} weights are asked for, in one row, not an array of shape "
        f"{out.shape}.",
    )
    return out


def _wrongly_weighted(scores):
    exponential = np.exp(2 * scores)
    return {
        "These are the numbers that the source prints. Its formula gives "
        "others.": np.array(PRINTED),
        "The scores are divided by T. The field's temperature divides, but "
        "the source's formula multiplies: its T is an inverse "
        "temperature.": softmax(scores / 2),
        "The temperature is not used, or cancels: it belongs inside the "
        "exponential.": softmax(scores),
        "The weights are not divided by their sum.": exponential,
        "The temperature multiplies what is already a weight: they sum to "
        "2.": 2 * softmax(scores),
        "The exponential is missing: these are the scores' shares of their "
        "sum.": scores / scores.sum(),
        "You divide by the largest: weights sum to 1.": (
            exponential / exponential.max()
        ),
        "T is added: the same number for all scores cancels, whatever it "
        "is. Multiply.": np.exp(scores + 2) / np.exp(scores).sum(),
        "The score is the base: it belongs in the exponent.": (
            scores**2 / (scores**2).sum()
        ),
        "These are sigmoids: each score is weighed on its own.": (
            1 / (1 + np.exp(-2 * scores))
        ),
        "The least score gets most: a minus too many.": softmax(-2 * scores),
    }


def _expect_large(attempt):
    large = [900.0, 899.5, -900.0]
    out = _weights(attempt, large)
    expect(
        np.isfinite(out).all(),
        "NaN for scores of 900: exp(1800) is infinite. Which number may be "
        "taken off all scores without a change of the weights?",
    )
    expect(
        same(out, softmax(2 * np.array(large))),
        "Right for small scores, wrong for scores of 900: they may be "
        "shifted, all by the same number, but not cut off.",
    )


def _bend(x):
    """Return a loss with its optimum at 0.2, not symmetric around it."""
    return np.log(x / 0.2) ** 2 + 0.5 * np.log(x / 0.2) ** 3


@exercise(week=6, title="A step that comes to rest at the optimum")
def settled(attempt):
    """Judge `my_step(x, loss, rate, nudge)`."""
    out = attempt(0.6, _bend)
    expect_number(out)
    expect_none_of(out, _wrong_directions(0.6) | _wrong_slopes(0.6))
    for optimum in (0.2, 7.0):
        stayed = float(attempt(optimum, _bowl(optimum)))
        expect(
            np.isclose(stayed, optimum, rtol=1e-7),
            f"At the optimum, {optimum:g}, of a loss that rises alike on both "
            f"sides, the step goes to {stayed:.6g}: it should stay.",
        )
    expect(
        same(out, np.asarray(_stepped(0.6))),
        "At the optimum the step stays, elsewhere it is wrong. If loss is "
        "log x itself, its slope on log x is 1 everywhere, and log x should "
        "fall by the rate.",
    )
    expect(
        same(attempt(1.7, _bend, 0.03), np.asarray(_stepped(1.7, 0.03))),
        "Right for x = 0.6 and rate 0.1, wrong for 1.7 and 0.03: where is one "
        "of them written as a number?",
    )
    wide = attempt(0.6, _bend, 0.1, 0.2)
    expect(
        same(wide, np.asarray(_stepped(0.6, nudge=0.2))),
        "Right for nudge 0.001, wrong for 0.2. Is it used? It is nudged up "
        "and down on log x: x times exp(nudge), x times exp(-nudge).",
    )


def _bowl(optimum):
    return lambda x: np.log(x / optimum) ** 2


def _slope(x, nudge=1e-3):
    """Return the slope of the loss on log x."""
    up, down = _bend(x * np.exp(nudge)), _bend(x * np.exp(-nudge))
    return (up - down) / (2 * nudge)


def _stepped(x, rate=0.1, nudge=1e-3):
    return x * np.exp(-rate * _slope(x, nudge))


def _wrong_directions(x):
    """Return hint -> x after a step, rate 0.1, the slope being right."""
    slope = _slope(x)
    return {
        "The step goes uphill: the loss gets larger.": (
            x * np.exp(0.1 * slope)
        ),
        "The slope is one on log x, but the step is taken on x. So x can "
        "become negative.": x - 0.1 * slope,
        "The slope is one by x, and so is the step. A step of 0.1 is then "
        "small for x = 10 and large for x = 0.1: walk on log x.": (
            x - 0.1 * slope / x
        ),
        "The step is on log x, but the slope is one by x: nudge log x, too.": x
        * np.exp(-0.1 * slope / x),
        "x times (1 - rate * slope) is nearly right for small steps, and "
        "negative for large ones.": x * (1 - 0.1 * slope),
        "This is log x after the step: return x.": np.log(x) - 0.1 * slope,
        "This is how far log x moves: return x, after the step.": -0.1 * slope,
        "This is the factor by which x moves: return x, after the step.": (
            np.exp(-0.1 * slope)
        ),
        "Only the sign of the slope counts. Then every step is as long as "
        "the last, at the optimum, too: the controller's fault.": (
            x * np.exp(-0.1 * np.sign(slope))
        ),
        "The rate is not used: the whole slope is one step.": (
            x * np.exp(-slope)
        ),
    }


def _wrong_slopes(x, h=1e-3):
    """Return hint -> x after a step, with another slope on log x."""
    here, up, down = _bend(x), _bend(x * np.exp(h)), _bend(x * np.exp(-h))
    slopes = {
        "x stands still, or nearly. `a / 2 * nudge` divides by the 2 alone: "
        "it needs brackets.": 0,
        "The difference is divided by nudge, but the two places are 2 nudges "
        "apart.": (up - down) / h,
        "The difference is not divided by how far apart the places are: the "
        "step is hardly one.": up - down,
        "The difference is divided by 2, not by 2 nudges.": (up - down) / 2,
        "This is a forward difference, from here to one side. It comes to "
        "rest half a nudge beside the optimum: look to both sides.": (
            (up - here) / h
        ),
        "This is a backward difference, from one side to here. It comes to "
        "rest half a nudge beside the optimum: look to both sides.": (
            (here - down) / h
        ),
        "You nudge down what has been nudged up, and are back where you "
        "began: both nudges start from x.": (up - here) / (2 * h),
        "The loss itself takes the place of its slope: at the optimum it "
        "need not be 0.": here,
    }
    return {hint: x * np.exp(-0.1 * s) for hint, s in slopes.items()}
