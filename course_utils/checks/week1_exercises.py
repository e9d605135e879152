"""Checks of week 1, exercises 1 to 3: weights, attention, masks."""

import numpy as np

from course_utils import attention
from course_utils.checks.engine import exercise, expect
from course_utils.checks.properties import (
    expect_shape,
    random,
    same,
    survives,
)


@exercise(week=1, title="A softmax that never overflows")
def softmax(attempt):
    """Judge `my_softmax(logits, axis, temperature)`."""
    logits = np.array([[1.0, 2.0, 4.0], [0.0, 0.0, 5.0]])
    out = attempt(logits)
    expect_shape(out, (2, 3), "(rows, columns)")
    expect(
        not np.allclose(out.sum(axis=0), 1),
        "Your columns sum to 1, but the rows should: the default axis is the "
        "last one.",
    )
    expect(
        np.allclose(out.sum(axis=-1), 1) and (out > 0).all(),
        "Every row should be positive and sum to 1. Does the sum keep its "
        "axis, so that each row is divided by its own total?",
    )
    expect(
        np.allclose(np.log(out[0, 2] / out[0, 0]), 3),
        "The log of the ratio of two weights should be the difference of "
        "their logits. Are these exponentials?",
    )
    _expect_axis_and_range(attempt, logits)
    twice = attempt(logits, temperature=2.0)
    expect(
        not same(twice, out),
        "temperature changes nothing yet: the logits are to be divided by it.",
    )
    expect(
        same(twice, attempt(logits / 2)),
        "temperature=2 should do the same as logits half as large: above 1 "
        "it flattens, below 1 it sharpens.",
    )
    expect(
        np.isfinite(attempt(logits, temperature=1e-3)).all(),
        "A temperature of 0.001 gives NaN: dividing by it makes the logits "
        "large again. Is the largest exponent still 0 after the division?",
    )


def _expect_axis_and_range(attempt, logits):
    expect(
        np.allclose(attempt(logits.T, axis=0).sum(axis=0), 1),
        "With axis=0 the columns should sum to 1. Does every step that "
        "reduces use the argument?",
    )
    expect(
        np.isfinite(attempt(np.array([[1000.0, 1001.0, 999.0]]))).all(),
        "Logits near 1000 give NaN: exp(1000) overflows. Adding one number "
        "to every logit leaves the weights alone; which number makes the "
        "largest exponent harmless?",
    )
    expect(
        same(attempt(logits + 1000), attempt(logits)),
        "Adding 1000 to every logit changes the weights: nothing overflows, "
        "but differences between the logits are lost.",
    )
    expect(
        np.isfinite(attempt(np.array([[0.0, 1.0], [-2000, -2001]]))).all(),
        "Two rows 2000 apart give NaN: one number was subtracted from all "
        "rows, but each row needs its own.",
    )
    expect(
        np.isfinite(attempt(np.array([[0.0, -1500.0, -3000.0]]))).all(),
        "Logits far apart in one row give NaN. After your subtraction, is "
        "every exponent 0 or below?",
    )


@exercise(week=1, title="Scaled dot-product attention, any leading axes")
def scaled_attention(attempt):
    """Judge `my_attention(query, key, value)`."""
    query, key, value = random(5, 4), random(7, 4) * 1.5, random(7, 6)
    out = attempt(query, key, value)
    expect_shape(out, (5, 6), "(queries, value_dim)")
    weights, logits = attention.softmax, query @ key.T
    wrong = {
        "The logits are not scaled: the root of head_dim is missing.": weights(
            logits
        ),
        "You divided by head_dim, not by its root: it is the standard "
        "deviation that should become 1.": weights(logits / 4),
        "You multiplied by the root of head_dim: the logits are to come "
        "back to a spread of 1.": weights(logits * 2),
        "Your columns sum to 1: every query should share out weight 1 among "
        "the keys, which are the last axis.": weights(logits / 2, axis=0),
        "The scale comes after the softmax, so the weights no longer sum to "
        "1.": weights(logits) / 2,
    }
    for hint, attn in wrong.items():
        expect(not same(out, attn @ value), hint)
    for length in (5, 6, 7):
        expect(
            not same(out, weights(logits / np.sqrt(length)) @ value),
            "You divided by the root of the wrong length: head_dim is how "
            "many products each dot product sums.",
        )
    expect(
        same(out, weights(logits / 2) @ value),
        "Right shape, wrong numbers. Check one query and two keys by hand: "
        "dot products, scale, softmax, weighted sum.",
    )
    heads = random(2, 3, 5, 4), random(2, 3, 7, 4), random(2, 3, 7, 6)
    right, _ = attention.scaled_dot_product_attention(*heads)
    expect(
        survives(attempt, right, *heads),
        "Right for matrices, but not with (batch, heads) in front: only the "
        "last two axes of key should change places, and .T reverses all.",
    )


@exercise(week=1, title="A mask that survives a row with nothing allowed")
def masked_softmax(attempt):
    """Judge `my_masked_softmax(logits, mask)`."""
    logits, mask = random(5, 7), np.tri(5, 7, 2, dtype=bool)
    out = attempt(logits, mask)
    expect_shape(out, (5, 7), "(queries, keys)")
    expect(
        np.isfinite(out).all(),
        "There is NaN in rows that may attend to something. 0 times "
        "infinity is NaN: choose between two values, do not multiply.",
    )
    expect(
        out[mask].any(),
        "All weight went to the forbidden keys: True means may attend.",
    )
    expect(
        (out[~mask] == 0).all(),
        "Forbidden keys still get weight. Which logit gives a weight of "
        "exactly 0? (It is not 0, and not a small number.)",
    )
    expect(
        np.allclose(out.sum(axis=-1), 1),
        "Rows no longer sum to 1: weights were removed after the softmax. "
        "Forbid the keys before it.",
    )
    right = attention.softmax(np.where(mask, logits, -np.inf))
    expect(
        same(out, right),
        "Among the allowed keys, the weights should be the softmax of their "
        "logits, as if the others did not exist.",
    )
    expect(
        same(attempt(np.where(mask, logits, 1000.0), mask), right),
        "A forbidden logit of 1000 spoils its row. Which logits does your "
        "code see before the mask comes into play?",
    )
    mask[2] = False
    row = attempt(logits, mask)[2]
    expect(
        np.isfinite(row).all(),
        "A row with no key allowed gives NaN. What is the largest of its "
        "logits, and what is left when you subtract it from itself?",
    )
    expect(
        (row == 0).all(),
        "A row with no key allowed should be all zeros; yours still gives "
        "out weight.",
    )
