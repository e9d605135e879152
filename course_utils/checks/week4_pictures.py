"""Checks of week 4: coarse pictures, and fine ones that agree with them."""

import numpy as np

from course_utils.checks.engine import exercise, expect
from course_utils.checks.properties import (
    expect_shape,
    random,
    same,
    survives,
)

AXES = "(n, height / 4, width / 4, 3)"


@exercise(week=4, title="Coarse pictures for which every pixel counts")
def reduce(attempt):
    """Judge `my_reduce(images)`."""
    images = random(5, 8, 16, 3)
    square = images[:, :, :8]
    expect(
        not survives(attempt, _reduced(square), square)
        or survives(attempt, _reduced(images), images),
        "Right for square pictures, wrong for 8 x 16 pixels: height and "
        "width are two numbers.",
    )
    out = attempt(images)
    shapes = {
        "The colours have been averaged away: red stays red.": (5, 2, 4),
        "The width is not reduced: a block has 4 columns, too.": (5, 2, 16, 3),
        "The height is not reduced: a block has 4 rows, too.": (5, 8, 4, 3),
        "Height and width are exchanged: axis 1 counts rows.": (5, 4, 2, 3),
        "All pictures together gave one: axis 0 counts them, leave it "
        "alone.": (2, 4, 3),
        "The result is as large as the picture: one pixel a block, not "
        "16.": images.shape,
    }
    for hint, shape in shapes.items():
        expect(out.shape != shape, hint)
    expect_shape(out, (5, 2, 4, 3), AXES)
    for hint, answer in _wrongly_reduced(images).items():
        expect(not same(out, answer), hint)
    expect(
        same(out, _reduced(images)),
        "Right shape, wrong numbers. Try a picture in which each block has "
        "one colour of its own: it should come back, block by block.",
    )
    tall = random(1, 12, 4, 3)
    expect(
        survives(attempt, _reduced(tall), tall),
        "Right for 8 x 16 pixels, wrong for 12 x 4: where is a size written "
        "as a number?",
    )


def _wrongly_reduced(images):
    blocks = _blocks(images)
    mixed = images.reshape(5, 2, 4, 16, 3).mean(axis=3)
    far = images.reshape(5, 4, 2, 4, 4, 3).mean(axis=(1, 3))
    picked = {
        f"One pixel of each block is kept (row {i}, column {j}), 15 are "
        "thrown away: fine stripes turn into something else.": (
            images[:, i::4, j::4]
        )
        for i in range(4)
        for j in range(4)
    }
    return picked | {
        "This is the mean of the 4 pixels in the middle of each block: 12 "
        "pixels of 16 are never looked at. Change one at a corner, and the "
        "result should change.": blocks[:, :, 1:3, :, 1:3].mean(axis=(2, 4)),
        "A reshape has cut the picture wrongly: what you average lies in "
        "one row, not in a square. Which axis is cut into which two?": mixed,
        "The pixels that you average lie far apart. In which order do the "
        "two parts of a cut axis come?": far,
        "This is the sum of each block: white would come out as 16.": (
            blocks.sum(axis=(2, 4))
        ),
        "One axis is averaged, the other summed.": blocks.mean((2, 4)) * 4,
        "This is the largest value of each block: thin bright lines would "
        "grow.": blocks.max(axis=(2, 4)),
        "This is the median of each block: every pixel should count.": (
            np.median(blocks, axis=(2, 4))
        ),
    }


@exercise(week=4, title="Agreement with the coarse picture, at least change")
def consistent(attempt):
    """Judge `my_consistent(high, low)`."""
    draw = np.random.default_rng(4)
    high, low = draw.random((5, 8, 16, 3)), draw.random((5, 2, 4, 3))
    out = attempt(high, low)
    expect(
        out.shape != low.shape,
        "This is as small as `low`: return the fine picture, corrected.",
    )
    expect_shape(out, high.shape, "(n, height, width, 3)")
    for hint, answer in _wrongly_corrected(high, low).items():
        expect(not same(out, answer), hint)
    expect(
        same(_reduced(out), low),
        "Reduce your result: it is not `low`. Look at a single block: how "
        "far off is its mean?",
    )
    expect(
        same(out, _corrected(high, low)),
        "It agrees with `low`, but has changed more than needed. The least "
        "change is the same for all 16 pixels of a block.",
    )
    tall = draw.random((1, 12, 4, 3)), draw.random((1, 3, 1, 3))
    expect(
        survives(attempt, _corrected(*tall), *tall),
        "Right for 8 x 16 pixels, wrong for 12 x 4: where is a size written "
        "as a number?",
    )


def _wrongly_corrected(high, low):
    missing = low - _reduced(high)
    tiled = np.tile(missing, (1, 4, 4, 1))
    return {
        "This is the coarse picture, enlarged: it agrees, but all detail of "
        "`high` is lost.": _enlarged(low),
        "This is `high` as it came.": high,
        "You add the coarse picture to one that has its own brightness "
        "already. What is missing?": high + _enlarged(low),
        "The sign is wrong: what is too dark becomes darker still.": (
            high - _enlarged(missing)
        ),
        "The correction is repeated like wallpaper (np.tile): each number "
        "should fill its own block.": high + tiled,
        "The correction is enlarged smoothly: within a block it is no longer "
        "constant, so means come out wrong again.": high + _smooth(missing),
        "You multiply each block. It agrees, too, but changes light pixels "
        "more than dark ones, and explodes where a block is nearly black: "
        "the least change is not a factor.": (
            high * _enlarged(low / _reduced(high))
        ),
        "Values outside 0..1 are cut off, and with them the agreement: "
        "reduce your result and compare.": (
            np.clip(_corrected(high, low), 0, 1)
        ),
        "One correction for the whole picture: every block lacks something "
        "else.": high + missing.mean(axis=(1, 2), keepdims=True),
        "One correction for all three colours: each lacks something "
        "else.": high + _enlarged(missing.mean(axis=-1, keepdims=True)),
        "What a block lacks is shared out among its pixels: look at their "
        "mean, not at their sum.": high + _enlarged(missing) / 16,
    }


def _blocks(images):
    """Cut pictures: (n, row of blocks, row, column of blocks, column, 3)."""
    n, height, width, colours = images.shape
    return images.reshape(n, height // 4, 4, width // 4, 4, colours)


def _reduced(images):
    return _blocks(images).mean(axis=(2, 4))


def _enlarged(small):
    return small.repeat(4, axis=1).repeat(4, axis=2)


def _corrected(high, low):
    return high + _enlarged(low - _reduced(high))


def _smooth(small):
    """Enlarge bilinearly, the centres of pixels in their place."""
    for axis in (1, 2):
        count = small.shape[axis]
        places = (np.arange(4 * count) + 0.5) / 4 - 0.5
        small = np.apply_along_axis(
            lambda line, at=places, n=count: np.interp(at, np.arange(n), line),
            axis,
            small,
        )
    return small
