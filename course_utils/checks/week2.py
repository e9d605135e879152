"""Checks of week 2, in the order of the lesson."""

import numpy as np

from course_utils import attention
from course_utils.checks.engine import exercise, expect
from course_utils.checks.properties import (
    expect_answers,
    expect_shape,
    random,
    same,
)


@exercise(week=2, title="An influence table by nudging")
def influence(attempt):
    """Judge `my_influence(block, tokens, step)`."""
    between, within = random(5, 5), random(4, 3)
    tokens = random(5, 4)
    out = attempt(lambda x: between @ x @ within, tokens)
    expect_shape(out, (5, 5), "(outputs, nudged tokens)")
    expect(
        not np.allclose(out, 0),
        "Nothing moves. Is the nudged copy the one that goes through the "
        "block, and is the step added to all channels of one token?",
    )
    signed = between * within.sum()
    table = np.abs(between) * np.abs(within.sum(axis=0)).sum()
    expect(
        (out >= 0).all() and not np.allclose(out, np.abs(signed), atol=1e-4),
        "Changes of opposite sign cancel: take absolute values before you "
        "sum over channels.",
    )
    expect(
        not np.allclose(out, table.T, atol=1e-4),
        "Rows and columns are exchanged: row i is about output i, column j "
        "about nudged token j.",
    )
    expect(
        not np.allclose(out, table * 1e-3, atol=1e-6),
        "These are changes, not yet rates: the step is still in them.",
    )
    expect(
        not np.allclose(out, table / 3, atol=1e-4),
        "Sum over the channels of the output; you took their mean.",
    )
    _expect_fresh_nudges(attempt, out, table, tokens)


def _expect_fresh_nudges(attempt, out, table, tokens):
    expect(
        not np.allclose(out[:, 0], table[:, 0], atol=1e-4)
        or np.allclose(out, table, atol=1e-4),
        "Column 0 is right and the others are not: do the nudges pile up? "
        "Every token needs a fresh copy.",
    )
    expect(
        np.allclose(out, table, atol=1e-4),
        "Right shape, wrong numbers. Try a block that returns its input: "
        "which table must come out?",
    )
    wide = attempt(lambda x: x**2, 1 + tokens**2, step=0.1)
    rate = (2 * (1 + tokens**2) + 0.1).sum(axis=1)
    expect(
        np.allclose(wide, np.diag(rate), atol=1e-6),
        "With step=0.1 the numbers are wrong: does every place use the "
        "argument?",
    )


@exercise(week=2, title="Positions attend to positions")
def mix(attempt):
    """Judge `my_mix(query, key, value)`."""
    query, key, value = random(3, 2, 5, 3, 4)  # batch 2, tokens 5, heads 3
    right = _mixed(query, key, value)
    out = attempt(query, key, value)
    expect(
        out.shape != (2, 3, 5, 4),
        "The heads are still in front of the tokens: put the axes back "
        "before you return.",
    )
    expect_shape(out, (2, 5, 3, 4), "(batch, tokens, heads, head_dim)")
    logits = np.einsum("bihd,bkhd->bhik", query, key)
    wrong = {
        "Still the tutorial's version: the heads of one token attend to "
        "each other. Which two axes does the matrix product pair?": (
            attention.scaled_dot_product_attention(query, key, value)[0]
        ),
        "A reshape only renumbers: token 1 of head 0 is now something else. "
        "Axes have to be exchanged.": _by_reshape(query, key, value),
        "The scale is missing: the root of head_dim.": _average(logits, value),
        "The scale is not the root of head_dim. After exchanging axes, "
        "which one is the last?": _average(logits / np.sqrt(5), value),
        "The weights sum to 1 over the queries; each query should share out "
        "weight 1 among the keys.": _average(logits / 2, value, axis=-2),
    }
    for hint, answer in wrong.items():
        expect(not same(out, answer), hint)
    expect(
        same(out, right),
        "Right shape, wrong numbers. Look at one head alone: [:, :, 0] of "
        "all three, and week 1's attention.",
    )


def _average(logits, value, axis=-1):
    attn = attention.softmax(logits, axis=axis)  # (batch, heads, i, k)
    return np.einsum("bhik,bkhd->bihd", attn, value)


def _mixed(query, key, value):
    return _average(np.einsum("bihd,bkhd->bhik", query, key) / 2, value)


def _by_reshape(query, key, value):
    swapped = (x.reshape(2, 3, 5, 4) for x in (query, key, value))
    out, _ = attention.scaled_dot_product_attention(*swapped)
    return out.reshape(2, 5, 3, 4)


@exercise(week=2, title="A test that fails on one-sided logits")
def sign_test(attempt):
    """Judge `my_sign_test(logits_of)`."""
    cases = (
        (
            lambda x: x @ x.T,
            True,
            "Your test fails plain dot products, which have both signs. Are "
            "your tokens negative in places, and are there enough of them?",
        ),
        (
            lambda x: np.maximum(x, 0) @ np.maximum(x, 0).T,
            False,
            "Your test passes the tutorial's logits, with ReLU on queries "
            "and keys. Which of the two signs can they never have?",
        ),
        (
            lambda x: -np.maximum(x, 0) @ np.maximum(x, 0).T,
            False,
            "Your test passes logits that are never positive: both signs "
            "must occur.",
        ),
        (
            lambda x: np.maximum(x, 0) @ x.T,
            True,
            "Your test fails a ReLU on the queries alone. Its logits have "
            "both signs; test the logits, not what they are made of.",
        ),
    )
    expect_answers(attempt, cases)


@exercise(week=2, title="Entropy as a share of its maximum, for each head")
def spread(attempt):
    """Judge `my_spread(attn)`."""
    attn = attention.softmax(2 * random(2, 3, 5, 7))
    rows = attention.entropy(attn)  # (batch, heads, queries)
    right = rows.mean(axis=(0, 2)) / np.log(7)
    out = attempt(attn)
    expect(
        out.shape != (),
        "One number per head, please: the heads are not averaged.",
    )
    expect_shape(out, (3,), "(heads,)")
    wrong = {
        "This is the entropy in nats: a share is still to be made of it.": (
            right * np.log(7)
        ),
        "You divided by the log of the number of queries; a row is spread "
        "over keys.": right * np.log(7) / np.log(5),
        "You divided by the number of keys, not by the largest possible "
        "entropy.": right * np.log(7) / 7,
        "Average over batch and queries; you summed.": right * 10,
    }
    for hint, answer in wrong.items():
        expect(not same(out, answer), hint)
    expect(
        same(out, right),
        "Right shape, wrong numbers: test it on uniform weights, which must "
        "give 1 for every head.",
    )
    extreme = np.zeros((2, 3, 5, 7))
    extreme[..., 0] = 1
    expect(
        same(attempt(extreme), np.zeros(3)),
        "All weight on one key should give exactly 0, not NaN: 0 log 0 "
        "counts as 0.",
    )


@exercise(week=2, title="Equal parameters, biases included")
def hidden_units(attempt):
    """Judge `my_hidden_units(width, kernel)`."""
    out = attempt.raw(64, 7)
    expect(
        isinstance(out, (int, np.integer)) and not isinstance(out, bool),
        "Units are counted: return an int, rounded to the nearest.",
    )
    expect(
        out != 103,
        "You rounded down; the nearest count is one more.",
    )
    expect(
        out != round((3 * 4160 - 3200 - 64) / 129),
        "Attention has four dense layers: query, key, value, and the "
        "projection at the end.",
    )
    expect(
        out > 0,
        "The convolution came out larger than all of attention. Depthwise "
        "means one filter per channel, not one per pair of channels.",
    )
    expect(
        out != round((4 * 4160 - 3200 - 64) / 64),
        "There are two dense layers in the convolution, to hidden and back.",
    )
    expect(
        out != round((4 * 4160 - 64 * 7 - 128) / 129),
        "A filter extends in two directions of the image.",
    )
    sizes = (64, 7), (20, 3), (12, 5), (3, 1)
    expect(
        all(attempt.raw(w, k) == _hidden(w, k) for w, k in sizes),
        "Close, but not right for every width and kernel. Are all biases in, "
        "on both sides?",
    )


def _hidden(width, kernel):
    goal = 4 * (width**2 + width)
    fixed = width * kernel**2 + width + width
    return round((goal - fixed) / (2 * width + 1))


@exercise(week=2, title="Recall from a confusion matrix")
def recall(attempt):
    """Judge `my_recall(confusion)`."""
    confusion = np.array([[8, 2, 0, 0], [1, 3, 1, 0], [3, 0, 6, 1], [0] * 4])
    out = attempt(confusion)
    expect(
        out.shape != (),
        "This is one number for all classes; give one for each.",
    )
    expect_shape(out, (4,), "(classes,)")
    expect(
        np.isfinite(out).all(),
        "The class that never occurs gives NaN; its recall should be 0.",
    )
    wrong = {
        "This is precision: of what was read as a class, how much is right. "
        "Recall asks about the true class.": [8 / 12, 3 / 5, 6 / 7, 0],
        "You divided by all samples, not by those of the class.": (
            np.diag(confusion) / 25
        ),
        "These are the shares that were missed.": [0.2, 0.4, 0.4, 0],
    }
    for hint, answer in wrong.items():
        expect(not np.allclose(out, answer), hint)
    expect(
        np.allclose(out, [0.8, 0.6, 0.6, 0]),
        "Right shape, wrong numbers. In the first row 8 of 10 are right.",
    )


@exercise(week=2, title="The receptive field of a stack of convolutions")
def receptive_field(attempt):
    """Judge `my_receptive_field(kernels, strides)`."""
    out = attempt([3, 3, 3], [2, 2, 2])
    expect_shape(out, (2,), "(size, step)")
    size, step = out
    expect(
        (size, step) != (8, 15),
        "Size and step are exchanged.",
    )
    expect(
        step != 6,
        "Strides do not add up: after a stride of 2, the next stride of 2 "
        "steps over twice as many pixels.",
    )
    expect(
        step == 8,
        "The step is wrong: by how many pixels does the input move when the "
        "last output moves by one?",
    )
    expect(
        size != 7,
        "You counted as if all strides were 1: the places of a later kernel "
        "lie further apart.",
    )
    expect(
        size != 29,
        "Each kernel's own stride counts too early: it spreads the outputs, "
        "so it matters only for the next layer.",
    )
    expect(size == 15, "The size is wrong. One layer first: 3 pixels.")
    expect(
        same(attempt([2, 5, 3], [1, 3, 2]), np.array([12, 6])),
        "Right for our stem, wrong for kernels 2, 5, 3 with strides 1, 3, 2.",
    )
