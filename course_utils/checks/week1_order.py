"""Checks of week 1, exercises 4 to 6: order, positions, patches."""

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
            lambda tokens: tokens * np.arange(8),
            True,
            "Scaling each channel by a number of its own treats all tokens "
            "alike, but your test says no: what is to be shuffled, tokens or "
            "channels?",
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
        not np.isclose(slopes[1], np.sin(10000 ** (-1 / 12))),
        "The wavelengths grow too slowly: if you count pairs 0, 1, 2, the 2 "
        "of the formula is still to come.",
    )
    expect(
        not np.isclose(slopes[1], np.sin(10000 ** (2 / 12))),
        "The waves get shorter from pair to pair; they should get longer. "
        "On which side of the fraction is the power?",
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
