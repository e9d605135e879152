"""Checks of week 6: patches that attend to patches, and what they become."""

import numpy as np

from course_utils.attention import softmax
from course_utils.checks.engine import exercise, expect
from course_utils.checks.properties import (
    expect_none_of,
    expect_shape,
    random,
    same,
)


@exercise(week=6, title="Patches that attend to each other")
def attention_rows(attempt):
    """Judge `my_attention_rows(patches, sigma)`."""
    patches, sigma = random(7, 12), 0.6
    out = attempt(patches, sigma)
    expect(
        out.shape != (12, 12),
        "The columns of the table are compared: the tokens are its rows.",
    )
    expect_shape(out, (7, 7), "(pixels, pixels)")
    expect_none_of(out, _wrong_distances(patches, sigma))
    expect_none_of(out, _wrong_weights(_scores(patches, sigma)))
    expect(
        np.allclose(out.sum(axis=1), 1),
        "The rows do not sum to 1: each patch shares out one whole.",
    )
    expect(
        same(out, softmax(_scores(patches, sigma))),
        "The rows sum to 1, but the numbers are wrong. By hand: if patches of "
        "two numbers differ by 1 and by 3, d2 is (1 + 9) / 2.",
    )
    expect(
        same(attempt(patches[:5, :3], 1.7), _rows(patches[:5, :3], 1.7)),
        "Right for 7 patches of 12 numbers and sigma 0.6, wrong for 5, 3 and "
        "1.7: where is one of them written as a number?",
    )
    _expect_narrow(attempt, patches)


def _scores(patches, sigma):
    squares = (patches[:, None] - patches) ** 2
    return -squares.mean(axis=2) / (2 * sigma**2)


def _rows(patches, sigma):
    return softmax(_scores(patches, sigma))


def _expect_narrow(attempt, patches):
    """Expect exact rows for a sigma that makes every other patch a 0."""
    out = attempt(patches, 1e-3)
    expect(
        np.isfinite(out).all(),
        "NaN for sigma = 0.001: exp of a large number is infinite, and if a "
        "whole row is 0, 0 is divided by 0. Which score should be the largest "
        "of its row, and how large is it?",
    )
    expect(
        same(out, np.eye(7)),
        "For sigma = 0.001 each of these patches is like itself alone, and "
        "should give itself all the weight. Nothing may be cut off or added.",
    )


def _wrong_distances(patches, sigma):
    difference = patches[:, None] - patches
    d2, double = (difference**2).mean(axis=2), 2 * sigma**2
    means = patches.mean(axis=1)
    products = patches @ patches.T
    return {
        "The squared differences are added up: take their mean, or sigma "
        "means something else for every size of patch.": (
            softmax(-12 * d2 / double)
        ),
        "sigma is not squared: d2 is a square, and so is what it is divided "
        "by.": softmax(-d2 / (2 * sigma)),
        "The 2 of 2 sigma**2 is missing.": softmax(-d2 / sigma**2),
        "sigma is not used.": softmax(-d2 / 2),
        "You multiply by sigma**2: `d2 / 2 * sigma**2` divides by the 2 "
        "alone.": softmax(-d2 / 2 * sigma**2),
        "The sign is missing: the patch most unlike gets most of the "
        "weight.": softmax(d2 / double),
        "This is the distance, not its square: d2 needs no root.": (
            softmax(-np.sqrt(d2) / double)
        ),
        "These are absolute differences: a Gaussian takes squares.": (
            softmax(-abs(difference).mean(axis=2) / double)
        ),
        "You compare the means of patches. Then all patches of one "
        "brightness are alike: square first, then take the mean.": (
            softmax(-((means[:, None] - means) ** 2) / double)
        ),
        "The scores are dot products, as in week 1. Here they are "
        "distances.": softmax(products / np.sqrt(12)),
    }


def _wrong_weights(scores):
    weights = np.exp(scores)
    others = weights * (1 - np.eye(len(weights)))
    return {
        "These are the scores: softmax makes weights of them.": scores,
        "These are affinities, exp(score): a patch with many like it gives "
        "away more than one whole. Divide each row by its sum.": weights,
        "The softmax runs over the queries: columns sum to 1, rows should.": (
            softmax(scores, axis=0)
        ),
        "All pairs together sum to 1: each row should.": (
            weights / weights.sum()
        ),
        "The exponential is missing: divided by their sum, distances give "
        "most to the patch most unlike.": (
            scores / scores.sum(axis=1, keepdims=True)
        ),
        "A patch leaves itself out. It is a key like any other, the one at "
        "distance 0.": others / others.sum(axis=1, keepdims=True),
    }


@exercise(week=6, title="One picture out of many patches")
def overlap(attempt):
    """Judge `my_reconstruct(patches, shape)`."""
    patches = random(6, 8, 3, 3)
    out = attempt(patches, (6, 8))
    expect(
        out.shape != (8, 10),
        "The picture still has the margin over which patches hang: cut it "
        "off.",
    )
    expect_shape(out, (6, 8), "(height, width)")
    expect_none_of(out, _wrongly_placed(patches))
    expect(
        same(attempt(np.ones((6, 8, 3, 3)), (6, 8)), np.ones((6, 8))),
        "Patches that are 1 throughout should give a picture that is 1 "
        "throughout, at the border, too: there fewer patches overlap.",
    )
    expect(
        same(out, _averaged(patches)),
        "A white picture comes out white, but the numbers are not in their "
        "places. Fill one patch with 1 to 9 and all others with 0: where "
        "should the 5 be?",
    )
    expect(
        same(
            attempt(random(7, 6, 5, 5), (7, 6)), _averaged(random(7, 6, 5, 5))
        ),
        "Right for 6 x 8 pixels and patches of 3 x 3, wrong for 7 x 6 and 5 x "
        "5: where is a size written as a number?",
    )


def _canvas(patches):
    """Return sum and number of what covers each pixel, margin included."""
    height, width, side, _ = patches.shape
    total, count = np.zeros((2, height + side - 1, width + side - 1))
    for y, x in np.ndindex(height, width):
        total[y : y + side, x : x + side] += patches[y, x]
        count[y : y + side, x : x + side] += 1
    return total, count


def _averaged(patches, first=None):
    """Return the average, cut out from row and column `first` on."""
    height, width, side, _ = patches.shape
    first = side // 2 if first is None else first
    total, count = _canvas(patches)
    return (total / count)[first : first + height, first : first + width]


def _last(patches):
    """Return what the last patch over each pixel says."""
    height, width, side, _ = patches.shape
    picture = np.zeros((height + side - 1, width + side - 1))
    for y, x in np.ndindex(height, width):
        picture[y : y + side, x : x + side] = patches[y, x]
    return picture[1:-1, 1:-1]


def _wrongly_placed(patches):
    """Return hint -> picture, for patches of 3 x 3."""
    total, count = _canvas(patches)
    inner, inner_count = _canvas(patches[1:-1, 1:-1])
    around = [
        np.roll(patches[:, :, y, x], (y - 1, x - 1), axis=(0, 1))
        for y, x in np.ndindex(3, 3)
    ]
    return {
        "You divide by side**2 everywhere. At the border fewer patches "
        "overlap, and it gets dark: count them, pixel by pixel.": (
            total[1:-1, 1:-1] / 9
        ),
        "This is the sum of what overlaps, not its average.": (
            total[1:-1, 1:-1]
        ),
        "Each pixel comes from the centre of its own patch. The other "
        "patches that cover it have a say, too.": patches[:, :, 1, 1],
        "Each pixel gets the mean of its own patch, which blurs. Average "
        "what all patches say about this pixel.": patches.mean(axis=(2, 3)),
        "Each patch lies turned round, its top at the bottom: a number above "
        "the centre belongs to a pixel above.": (
            _averaged(patches[:, :, ::-1, ::-1])
        ),
        "Rows and columns are exchanged inside the patches.": (
            _averaged(patches.swapaxes(2, 3))
        ),
        "Each patch lies with its first corner on its pixel: its centre "
        "belongs there.": _averaged(patches, 0),
        "Each patch lies with its last corner on its pixel: its centre "
        "belongs there.": _averaged(patches, 2),
        "What hangs over one side comes in again on the other: it belongs "
        "outside.": np.mean(around, axis=0),
        "Patches that hang over the border are left out. The part of them "
        "that lies inside counts.": inner / inner_count,
        "Each patch overwrites those before it: average them.": (
            _last(patches)
        ),
    }


@exercise(week=6, title="Smoothing, step by step")
def smoothing(attempt):
    """Judge `my_smoothing(S, values, tau, steps)`."""
    S, values = softmax(2 * random(7, 7)), random(7, 3)
    out = attempt(S, values, 0.3, 4)
    expect_shape(out, (7, 3), "(pixels, width)")
    expect_none_of(out, _wrongly_smoothed(S, values))
    expect(
        same(attempt(S, values, 0.3, 1), 0.7 * values + 0.3 * S @ values),
        "A single step is wrong: it should leave the share 1 - tau of each "
        "value as it is, and take the share tau from the average that S "
        "makes.",
    )
    expect(
        same(out, _smoothed(S, values, 0.3, 4)),
        "One step is right, four are wrong: each should start from what the "
        "one before made.",
    )
    other = softmax(2 * random(5, 5)), random(5, 2), 0.9, 2
    expect(
        same(attempt(*other), _smoothed(*other)),
        "Right for 7 pixels, width 3, tau 0.3 and 4 steps, wrong for 5, 2, "
        "0.9 and 2: where is one of them written as a number?",
    )


def _smoothed(S, values, tau, steps):
    for _ in range(steps):
        values = (1 - tau) * values + tau * S @ values
    return values


def _wrongly_smoothed(S, values):
    """Return hint -> values, for tau 0.3 and 4 steps."""
    average = S @ values
    power = np.linalg.matrix_power(S, 4)
    back, added, left = values, values, values
    for _ in range(4):
        back = 0.7 * values + 0.3 * S @ back
        added = added + 0.3 * S @ added
        left = left - 0.3 * S @ left
    return {
        "Nothing has happened.": values,
        "Only one step: repeat it, each time on what came out.": (
            0.7 * values + 0.3 * average
        ),
        "tau is exchanged with 1 - tau: a small tau should change little.": (
            _smoothed(S, values, 0.7, 4)
        ),
        "S is transposed: row i holds the weights with which pixel i reads "
        "the others. Its rows sum to 1, its columns do not.": (
            _smoothed(S.T, values, 0.3, 4)
        ),
        "Each step mixes with the values of the beginning, not with those of "
        "the step before: this comes to rest near the noisy picture.": back,
        "S is applied four times, and the mixing once: each step mixes.": (
            0.7 * values + 0.3 * power @ values
        ),
        "tau is not used: values are replaced by their averages.": (
            power @ values
        ),
        "S ** steps takes powers of the single weights: apply the matrix "
        "again and again.": 0.7 * values + 0.3 * S**4 @ values,
        "The average of S is added, and nothing taken away: values grow with "
        "each step. Keep the share 1 - tau.": added,
        "The average is taken away: a step should move towards it.": left,
        "One step too few.": _smoothed(S, values, 0.3, 3),
        "One step too many.": _smoothed(S, values, 0.3, 5),
    }
