"""Checks of the museum of week 1: six real bugs out of tutorials.

In exhibits 1 to 4 the learner writes the property test. The check runs it
on the repaired function, on the bug, and on related bugs.
"""

import numpy as np

from course_utils.attention import sinusoidal_1d, split_heads
from course_utils.attention import softmax as normalise
from course_utils.checks.engine import exercise, expect
from course_utils.checks.properties import (
    expect_answers,
    expect_shape,
    random,
    same,
)


def _over_the_matrix(query, key):
    logits = query @ key.T
    return normalise(logits.ravel()).reshape(logits.shape)


def _without_exponential(query, key):
    logits = query @ key.T
    centred = logits - logits.mean(axis=1, keepdims=True)
    return centred + 1 / len(key)


@exercise(week=1, title="Exhibit 1 caught: softmax over the wrong axis")
def axis_test(attempt):
    """Judge `my_axis_test(weights_of)`."""
    cases = (
        (
            lambda query, key: normalise(query @ key.T),
            True,
            "Your test fails the repaired function, whose rows sum to 1. "
            "Compare with a tolerance.",
        ),
        (
            lambda query, key: normalise(query @ key.T, axis=0),
            False,
            "Your test passes the exhibit. Along which axis do its weights "
            "sum to 1, and along which should they?",
        ),
        (
            _over_the_matrix,
            False,
            "Your test passes weights that sum to 1 over the whole matrix: "
            "test each row.",
        ),
        (
            lambda query, key: len(query) * _over_the_matrix(query, key),
            False,
            "Your test passes rows with sums of all sizes, because the total "
            "of the matrix is right: what should each row sum to?",
        ),
        (
            _without_exponential,
            False,
            "Your test passes rows that sum to 1 but are partly negative: "
            "that is no average.",
        ),
    )
    expect_answers(attempt, cases)


def _split_by_reshape(tokens, num_heads):
    batch, count, width = tokens.shape
    return tokens.reshape(batch, num_heads, count, width // num_heads)


def _split_mixing_images(tokens, num_heads):
    batch, count, width = tokens.shape
    cut = tokens.reshape(count, batch, num_heads, width // num_heads)
    return cut.transpose(1, 2, 0, 3)


@exercise(week=1, title="Exhibit 2 caught: heads split by reshape alone")
def split_test(attempt):
    """Judge `my_split_test(split)`."""
    cases = (
        (
            split_heads,
            True,
            "Your test fails the right function, which gives (batch, heads, "
            "tokens, head_dim). Which number do you expect where?",
        ),
        (
            _split_by_reshape,
            False,
            "Your test passes the exhibit: its shape is right, its numbers "
            "are not. Give each token a number of its own and see where it "
            "ends up.",
        ),
        (
            lambda tokens, num_heads: 0 * split_heads(tokens, num_heads),
            False,
            "Your test passes a split that returns only zeros: say which "
            "numbers must arrive.",
        ),
        (
            _split_mixing_images,
            False,
            "Your test passes a split that mixes the images of a batch. Use "
            "at least 2, and let them differ.",
        ),
    )
    expect_answers(attempt, cases)


@exercise(week=1, title="Exhibit 3 caught: the mask after the softmax")
def mask_test(attempt):
    """Judge `my_mask_test(masked_weights)`."""
    cases = (
        (
            lambda logits, mask: normalise(np.where(mask, logits, -np.inf)),
            True,
            "Your test fails the right function. True means may attend; "
            "leave each row at least one key.",
        ),
        (
            lambda logits, mask: normalise(logits) * mask,
            False,
            "Your test passes the exhibit. Its forbidden weights are 0, as "
            "they should be; what about the rest of the row?",
        ),
        (
            lambda logits, mask: normalise(np.where(mask, logits, 1e-9)),
            False,
            "Your test passes a famous typo, 1e-9 where -1e9 was meant: "
            "forbidden keys keep weight.",
        ),
        (
            lambda logits, mask: normalise(np.where(mask, -np.inf, logits)),
            False,
            "Your test passes a mask with True and False exchanged: say "
            "which keys must have weight 0.",
        ),
    )
    expect_answers(attempt, cases)


def _code_inside(patches):
    return patches + sinusoidal_1d(patches.shape[1], 4)[:, :3]


def _code_alternating(patches):
    return patches + (np.arange(len(patches)) % 2)[:, None, None]


def _code_in_one_channel(patches):
    return patches + np.arange(len(patches))[:, None, None] * np.eye(3)[2]


def _code_by_patch(patches):
    code = sinusoidal_1d(len(patches), 2 * patches[0].size)
    return patches + code[:, ::2].reshape(patches.shape)


@exercise(week=1, title="Exhibit 4 caught: the same code for every patch")
def position_test(attempt):
    """Judge `my_position_test(add_code)`."""
    cases = (
        (
            _code_by_patch,
            True,
            "Your test fails a function whose codes do differ from patch to "
            "patch. Look at what it added, whatever the numbers.",
        ),
        (
            _code_in_one_channel,
            True,
            "Your test fails a code that sits in the last channel alone, yet "
            "differs from patch to patch: compare whole patches.",
        ),
        (
            _code_inside,
            False,
            "Your test passes the exhibit. Feed it patches that are all "
            "alike: whatever differs between them afterwards is position.",
        ),
        (
            _code_alternating,
            False,
            "Your test passes a code that repeats with every second patch: "
            "compare every pair, not only neighbours.",
        ),
    )
    expect_answers(attempt, cases)


@exercise(week=1, title="Exhibit 5 repaired: the crop of a softmax")
def crop(attempt):
    """Judge `my_crop(logits, size)`."""
    logits = 2 * random(6, 9)
    out = attempt(logits, 4)
    expect(
        out.shape != (4, 9),
        "The second bracket cut the rows again. One bracket with a comma "
        "cuts rows and columns.",
    )
    expect_shape(out, (4, 4), "(size, size)")
    expect(
        not np.allclose(out.sum(axis=-1), 1),
        "Each row of your crop sums to 1, as if the other keys did not "
        "exist: their exponentials belong in the total.",
    )
    expect(
        not same(out, normalise(logits, axis=0)[:4, :4]),
        "The softmax should run over the keys, the last axis.",
    )
    expect(
        same(out, normalise(logits)[:4, :4]),
        "These are not the top left weights of the whole attention matrix.",
    )


def _rows_to_one(matrix):
    return matrix / matrix.sum(axis=-1, keepdims=True)


def _product(layers):
    return np.linalg.multi_dot(list(layers)[::-1])


@exercise(week=1, title="Exhibit 6 repaired: rollout with rows that sum to 1")
def rollout(attempt):
    """Judge `my_rollout(layers)`."""
    layers = normalise(2 * random(3, 5, 5))
    layers = np.where(layers < 0.1, 0, layers)  # weak weights discarded
    skip = layers + np.eye(5)
    steps = _rows_to_one(skip)
    out = attempt(layers)
    expect_shape(out, (5, 5), "(tokens, tokens)")
    expect(
        not np.allclose(out.sum(axis=0), 1),
        "Your columns sum to 1: divide each row by its own sum.",
    )
    expect(
        np.allclose(out.sum(axis=-1), 1),
        "The rows do not sum to 1. Print the shape of a layer and of its "
        "row sums: along which axis does the division broadcast?",
    )
    expect(
        not same(out, _rows_to_one(_product(skip))),
        "Normalise every layer, not only the product: layers that lost much "
        "weight count for less now.",
    )
    expect(
        not same(out, _product(_rows_to_one(layers))),
        "The skip connection is missing: half of what a layer hands on is "
        "its own input.",
    )
    expect(
        not same(out, _product(steps[::-1])),
        "The layers are multiplied in the wrong order: a later layer looks "
        "at what the earlier ones made.",
    )
    expect(
        same(out, _product(steps)),
        "The rows sum to 1, but this is not the product of the layers, each "
        "with its skip connection and normalised.",
    )
