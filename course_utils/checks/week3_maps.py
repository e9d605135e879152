"""Checks of week 3, second half: maps, their scores, and rollout."""

import numpy as np

from course_utils import attention, attention_maps
from course_utils.checks.engine import exercise, expect
from course_utils.checks.properties import expect_shape, random, same


@exercise(week=3, title="Maps as large as their image, for any patch size")
def enlarge(attempt):
    """Judge `my_enlarge(maps, height, width)`."""
    maps = random(3, 4, 6)
    out = attempt(maps, 32, 48)  # patches of 8
    right = maps.repeat(8, axis=-2).repeat(8, axis=-1)
    expect(
        out.shape != (3, 64, 96),
        "This is still 16 times as large. For an image of 32 x 48 pixels and "
        "4 x 6 entries, how large is a patch?",
    )
    expect(
        out.shape != (3, 48, 32),
        "Height and width are exchanged: rows go with the height.",
    )
    expect(
        out.shape != (32, 18, 48) and out.shape != (24, 32, 6),
        "The axis of the heads has been enlarged; the image lies in the last "
        "two.",
    )
    expect_shape(out, (3, 32, 48), "(heads, height, width)")
    wrong = {
        "The map is repeated like wallpaper: each entry should be repeated "
        "where it is.": np.tile(maps, (1, 8, 8)),
        "A reshape has mixed rows up: look at the result as a picture.": (
            np.repeat(maps, 64).reshape(3, 32, 48)
        ),
        "The entries are spread over the area; a map keeps its values, each "
        "fills its patch.": right / 64,
    }
    for hint, answer in wrong.items():
        expect(not same(out, answer), hint)
    expect(
        same(out, right),
        "Right shape, wrong numbers: each entry should fill its own patch.",
    )
    other = attempt(maps, 64, 96)
    expect(
        same(other, maps.repeat(16, axis=-2).repeat(16, axis=-1)),
        "Right for patches of 8, wrong for patches of 16.",
    )


@exercise(week=3, title="The fewest entries that hold a share of the sum")
def mass_mask(attempt):
    """Judge `my_mass_mask(values, keep)`."""
    values = 2 * attention.softmax(1.5 * random(1, 30))[0].reshape(5, 6)
    out = attempt(values)
    expect_shape(out, (5, 6), "(rows, cols)")
    expect(
        out.dtype == bool,
        "Return booleans, True where an entry is kept.",
    )
    right = attention_maps.mass_mask(values)
    flat = np.sort(values.ravel())
    wrong = {
        "You keep the smallest entries that hold the share; begin with the "
        "largest.": _smallest_first(values),
        "You keep what is above 60% of the maximum. The share is one of the "
        "sum.": values >= 0.6 * values.max(),
        "You keep 60% of the entries, not of their sum.": (
            values >= flat[int(round(0.4 * flat.size))]
        ),
        "You keep what is above the 60% quantile: a share of the entries, "
        "not of their sum.": values > np.quantile(values, 0.6),
        "One entry too few: together yours hold less than the share.": (
            right & (values > values[right].min())
        ),
        "One entry too many: the share was reached before the last one.": (
            right | (values == values[~right].max())
        ),
        "The values do not sum to 1, here they sum to 2: compare with their "
        "own sum.": attention_maps.mass_mask(values, 0.3),
    }
    for hint, answer in wrong.items():
        expect(not same(out, answer), hint)
    expect(
        same(out, right),
        "Right shape, wrong entries. In [[5, 3], [1, 1]] the 5 and the 3 "
        "should be kept.",
    )
    expect(
        same(attempt(values, keep=0.9), attention_maps.mass_mask(values, 0.9)),
        "With keep=0.9 the mask is wrong: does every place use the argument?",
    )
    one = np.zeros((2, 3))
    one[1, 1] = 7
    expect(
        same(attempt(one), one > 0),
        "A map with all its weight in one entry should keep that one alone.",
    )


def _smallest_first(values):
    flat = values.ravel()
    order = np.argsort(flat)
    before = np.cumsum(flat[order]) - flat[order]
    mask = np.zeros(flat.size, bool)
    mask[order] = before < 0.6 * flat.sum()
    return mask.reshape(values.shape)


@exercise(week=3, title="A head chosen before the test")
def honest_score(attempt):
    """Judge `my_honest_score(validation, test)`."""
    validation = 0.3 + 0.1 * random(20, 4)
    test = 0.3 + 0.1 * np.random.default_rng(2).normal(size=(30, 4))
    validation[:, 2] += 0.2  # best on validation
    validation[3, 0] = 5.0  # one lucky scene
    validation[:, 0] -= 0.2
    validation[:, 3] -= 0.4  # worst
    test[:, 1] += 0.2  # best on the test
    out = attempt(validation, test)
    expect(
        out.shape == (),
        "Return one number: the mean over the test scenes of one head.",
    )
    wrong = {
        "The head was chosen on the test: its scores may only be "
        "reported.": test.mean(axis=0).max(),
        "A head was chosen for each test scene anew: that looks at the "
        "answers even more often.": test.max(axis=1).mean(),
        "This is the best head's score on the validation scenes; report the "
        "test.": validation.mean(axis=0).max(),
        "This is the mean over all heads: choose one.": test.mean(),
        "You chose the head with the luckiest single scene; choose by the "
        "mean over scenes.": test[:, 0].mean(),
        "You chose the head that is worst on validation.": (
            test[:, validation.mean(axis=0).argmin()].mean()
        ),
        "This is the sum over scenes: take the mean.": test[:, 2].sum(),
    }
    for hint, answer in wrong.items():
        expect(not np.isclose(out, answer, atol=1e-9), hint)
    expect(
        np.isclose(out, test[:, 2].mean(), atol=1e-9),
        "Not the mean test score of the head that is best on validation. "
        "Axis 0 counts scenes, axis 1 heads.",
    )


@exercise(week=3, title="Rollout whose rows sum to 1")
def rollout(attempt):
    """Judge `my_rollout(attn)`."""
    attn = attention.softmax(3 * random(4, 2, 3, 5, 5))  # batch 2, heads 3
    out = attempt(attn)
    expect(
        out.shape != (5, 5),
        "One matrix for each image of the batch, please.",
    )
    expect(
        out.shape != (3, 5, 5),
        "You averaged over the batch and kept the heads: which axis is which?",
    )
    expect_shape(out, (2, 5, 5), "(batch, tokens, tokens)")
    wrong = {
        "The layers are multiplied in the wrong order: the last layer stands "
        "on the left.": _rolled(attn[::-1]),
        "The residual connection is missing: half of each layer is the "
        "identity.": _rolled(attn, residual=0),
        "This is the mean over layers; they should be multiplied.": (
            np.stack([_step(layer) for layer in attn]).mean(axis=0)
        ),
        "This is the last layer alone.": _step(attn[-1]),
        "You take the largest weight of all heads; average them.": _rolled(
            attn.max(axis=2, keepdims=True)
        ),
        "You multiply entry by entry; layers follow one another by matrix "
        "products.": np.prod([_step(layer) for layer in attn], axis=0),
    }
    for hint, answer in wrong.items():
        expect(not same(out, answer), hint)
    expect(
        np.allclose(out.sum(axis=-1), 1, atol=1e-8),
        "The rows do not sum to 1. Either columns were divided, or sums of "
        "the wrong rows: look at shapes, with a batch in front.",
    )
    expect(
        same(out, _rolled(attn)),
        "The rows sum to 1, but the numbers are wrong. For a single layer "
        "the result is half its mean over heads and half the identity.",
    )
    half = attn.copy()
    half[:, :, :, :, 2] = 0  # dropped weights: rows no longer sum to 1
    expect(
        np.allclose(attempt(half).sum(axis=-1), 1, atol=1e-8),
        "If weights have been dropped, so that rows of attention do not sum "
        "to 1, the rows of the result should all the same: divide each row "
        "by its own sum.",
    )


def _step(layer, residual=0.5):
    """(batch, heads, tokens, tokens) -> (batch, tokens, tokens)."""
    mean = layer.mean(axis=1)
    mixed = residual * np.eye(mean.shape[-1]) + (1 - residual) * mean
    return mixed / mixed.sum(axis=-1, keepdims=True)


def _rolled(attn, residual=0.5):
    result = np.eye(attn.shape[-1])
    for layer in attn:
        result = _step(layer, residual) @ result
    return result
