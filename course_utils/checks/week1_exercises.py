"""Checks of the six exercises along the way of week 1."""

import numpy as np

from course_utils import attention
from course_utils.checks.engine import exercise, expect
from course_utils.checks.properties import (
    expect_answers,
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
        np.isfinite(attempt(np.array([[0.0, 1.0], [-2000, -2001]]))).all(),
        "Two rows 2000 apart give NaN: one number was subtracted from all "
        "rows, but each row needs its own.",
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
        "You divided by the root of the wrong length: head_dim is how many "
        "products each dot product sums.": weights(logits / np.sqrt(7)),
        "Your columns sum to 1: every query should share out weight 1 among "
        "the keys, which are the last axis.": weights(logits / 2, axis=0),
        "The scale comes after the softmax, so the weights no longer sum to "
        "1.": weights(logits) / 2,
    }
    for hint, attn in wrong.items():
        expect(not same(out, attn @ value), hint)
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


def _attend(tokens, mask=None):
    return attention.scaled_dot_product_attention(
        tokens, tokens, tokens, mask
    )[0]


def _attend_with_code(tokens):
    return _attend(tokens + attention.sinusoidal_1d(*tokens.shape))


def _look_back(tokens):
    return _attend(tokens, np.tri(len(tokens), dtype=bool))


def _smooth(tokens):
    return tokens + np.roll(tokens, 1, axis=0) + np.roll(tokens, -1, axis=0)


@exercise(week=1, title="A test that tells whether order matters")
def order_test(attempt):
    """Judge `my_order_test(layer, tokens)`."""
    cases = (
        (
            lambda tokens: 2 * tokens,
            True,
            "Doubling each token is equivariant, but your test says no. "
            "Shuffled tokens give shuffled outputs: compare with the outputs "
            "in the same new order.",
        ),
        (
            _attend,
            True,
            "Plain self-attention is equivariant, but your test says no. "
            "Sums in another order differ in the last digit: compare with a "
            "tolerance.",
        ),
        (
            _attend_with_code,
            False,
            "Attention on tokens with a positional code depends on order, "
            "but your test says it does not. Are the tokens really shuffled?",
        ),
        (
            lambda tokens: np.sort(tokens, axis=0),
            False,
            "Sorting gives the same output whatever the order. Your test "
            "takes that for equivariance: outputs must follow the shuffle.",
        ),
        (
            _smooth,
            False,
            "Adding two neighbours survives a rotation or a reversal, but "
            "not a shuffle: your test needs a real one.",
        ),
        (
            _look_back,
            False,
            "Attention that may only look back depends on order, and your "
            "test missed it: shuffle all tokens.",
        ),
    )
    expect_answers(attempt, cases, random(6, 8))


@exercise(week=1, title="Sines and cosines of many wavelengths")
def sinusoidal(attempt):
    """Judge `my_sinusoidal(num_positions, width)`."""
    out = attempt(7, 12)
    expect_shape(out, (7, 12), "(num_positions, width)")
    expect(
        np.allclose(out[0, 0::2], 0) and np.allclose(out[0, 1::2], 1),
        "At position 0 the even channels (sines) should be 0 and the odd "
        "ones (cosines) 1.",
    )
    expect(
        np.allclose(out[:, 0], np.sin(np.arange(7))),
        "Channel 0 should be the sine of the position itself, in radians: "
        "its exponent is 0.",
    )
    slopes = attempt(2, 12)[1, 0::2]  # small angles: nearly the frequencies
    expect(
        len(np.unique(slopes.round(9))) == 6,
        "Six pairs should have six wavelengths; yours repeat. // rounds an "
        "exponent down to a whole number.",
    )
    expect(
        np.allclose(out[:, 0::2] ** 2 + out[:, 1::2] ** 2, 1),
        "A sine and the cosine next to it should share one angle, so that "
        "their squares sum to 1. Does the cosine have an exponent of its "
        "own?",
    )
    expect(
        not np.isclose(slopes[1], np.sin(10000 ** (-4 / 12))),
        "The wavelengths grow too fast: if you count 0, 2, 4, the 2 of the "
        "formula is in already.",
    )
    expect(
        same(out, attention.sinusoidal_1d(7, 12)),
        "The first channels are right, later ones not. From pair to pair the "
        "angle should shrink by one factor, to nearly 1/10000.",
    )


@exercise(week=1, title="An image cut into tokens")
def patchify(attempt):
    """Judge `my_patchify(image, patch_size)`."""
    image = np.arange(6 * 9 * 3.0).reshape(6, 9, 3)
    out = attempt(image, 3)
    expect(
        out.ndim == 2,
        "Return one row per patch: the grid of patches becomes one axis, "
        "the pixels and channels of a patch the other.",
    )
    expect_shape(out, (6, 27), "(patches, pixels * channels)")
    expect(
        not same(out, image.reshape(6, 27)),
        "This only reshapes: your first token is a strip of the top rows. "
        "The rows of a patch lie apart in memory, so axes must change "
        "places.",
    )
    right = attention.patchify(image, 3)
    expect(
        not same(out, right[[0, 3, 1, 4, 2, 5]]),
        "The patches run down the columns; they should come in reading "
        "order, row by row.",
    )
    expect(
        same(out, right),
        "The first row should be image[:3, :3], flattened, and so on for "
        "each patch; yours mixes or reorders pixels.",
    )
    wide = random(8, 10, 3)
    expect(
        survives(attempt, attention.patchify(wide, 3), wide, 3),
        "An 8 x 10 image has no whole number of 3 x 3 patches: drop the "
        "border at the bottom and on the right.",
    )
