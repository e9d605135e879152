"""Checks of week 3, first half: from a photo to attention weights."""

import numpy as np

from course_utils import attention
from course_utils.checks.engine import exercise, expect
from course_utils.checks.properties import expect_shape, random, same


@exercise(week=3, title="The middle of an image, in whole patches")
def centre_crop(attempt):
    """Judge `my_centre_crop(image, patch_size)`."""
    image = random(27, 38, 3)  # patches of 4: loses 3 rows and 2 columns
    out = attempt(image, 4)
    expect(
        out.shape != (36, 24, 3),
        "Height and width are exchanged: axis 0 of an image counts rows.",
    )
    expect(
        out.shape != (28, 40, 3),
        "The result is larger than the image: crop, do not pad.",
    )
    expect_shape(out, (24, 36, 3), "whole patches of 4 out of (27, 38, 3)")
    wrong = {
        "You keep the top left corner: everything is lost at the bottom and "
        "on the right.": image[:24, :36],
        "You keep the bottom right corner: everything is lost at the top "
        "and on the left.": image[3:, 2:],
        "Of 3 rows to lose, 2 go from the top: the extra one should be lost "
        "at the bottom.": image[2:26, 1:37],
    }
    for hint, answer in wrong.items():
        expect(not same(out, answer), hint)
    expect(
        same(out, image[1:25, 1:37]),
        "Right shape, wrong part of the image. With 3 rows to lose, which "
        "row of the image should be row 0 of the result?",
    )
    whole = attempt(image[:24, :36], 4)
    expect(
        whole.size > 0,
        "An image that fits exactly comes back empty: a slice that ends at "
        "-0 ends at the beginning.",
    )
    expect(
        same(whole, image[:24, :36]),
        "An image that fits exactly should come back as it is.",
    )
    expect(
        same(attempt(image, 5), image[1:26, 1:36]),
        "With patches of 5 the result is wrong: does every place use the "
        "argument?",
    )


@exercise(week=3, title="Parameters counted from the sizes")
def parameters(attempt):
    """Judge `my_parameters(image_size, patch_size, width, depth)`."""
    sizes = (32, 8, 12, 5)
    found = attempt.raw(*sizes)
    expect(
        not isinstance(found, (bool, str)) and np.isscalar(found),
        "Return one whole number.",
    )
    right = _count(*sizes)
    for hint, missing in _often_missed(*sizes).items():
        expect(found != right - missing, hint)
    expect(
        found == right,
        f"For image_size 32, patch_size 8, width 12 and depth 5 this is not "
        f"the number of parameters: it is too "
        f"{'large' if found > right else 'small'}. Compare a part at a time "
        "with parameters(toy, ...) of a toy of your own.",
    )
    expect(
        attempt.raw(48, 4, 24, 2) == _count(48, 4, 24, 2),
        "Right for one network and wrong for another, with image_size 48, "
        "patch_size 4, width 24, depth 2: what have you taken as fixed?",
    )
    expect(
        isinstance(found, (int, np.integer)),
        "The number is right; return it as an int, not as a float.",
    )


def _count(image_size, patch_size, width, depth):
    patches = (image_size // patch_size) ** 2
    embed = 3 * patch_size**2 * width + width
    block = 12 * width**2 + 13 * width  # attention, perceptron, two norms
    return embed + (2 + patches) * width + depth * block + 2 * width


def _often_missed(image_size, patch_size, width, depth):
    """Return what is forgotten: hint -> how many parameters it has."""
    patches = (image_size // patch_size) ** 2
    return {
        "The class token itself is missing, or its position: it has a vector "
        "of its own and one in the positions.": width,
        "Class token and its position are missing.": 2 * width,
        "The positions of the patches are missing.": patches * width,
        "The norm after the last block is missing, or the norms have one "
        "vector too few somewhere.": 2 * width,
        "The norms inside the blocks are missing.": depth * 4 * width,
        "The norms have two vectors each, a scale and a shift.": (
            depth * 2 * width + width
        ),
        "The output projection of attention is missing: qkv is three "
        "matrices, proj is the fourth.": depth * (width**2 + width),
        "Biases are missing: all layers have one, those of the perceptron "
        "and of attention too.": depth * 9 * width + width,
        "The biases of the perceptron are missing, or not as wide as its "
        "layers.": depth * 5 * width,
        "The biases of attention are missing.": depth * 4 * width,
        "Patches have three colours: the embedding sees patch_size x "
        "patch_size x 3 numbers.": 2 * patch_size**2 * width,
        "The perceptron has two layers: there and back.": (
            depth * (4 * width**2 + width)
        ),
        "This is one block; there are `depth` of them.": (
            (depth - 1) * (12 * width**2 + 13 * width)
        ),
    }


@exercise(week=3, title="Attention weights from the output of qkv")
def weights(attempt):
    """Judge `my_weights(qkv, num_heads)`."""
    qkv = 2 * random(2, 5, 36)  # batch 2, tokens 5, heads 3, head_dim 4
    parts = qkv.reshape(2, 5, 3, 3, 4).transpose(2, 0, 3, 1, 4)
    query, key, value = parts
    out = attempt(qkv, 3)
    expect(
        out.shape != (2, 5, 3, 3),
        "These are heads attending to heads, week 2's bug: bring the heads "
        "in front of the tokens.",
    )
    expect_shape(out, (2, 3, 5, 5), "(batch, heads, tokens, tokens)")
    wrong = {
        "These are the scores: the softmax is missing.": _logits(query, key),
        "The weights of each column sum to 1; it should be each row, over "
        "the keys.": attention.softmax(_logits(query, key), axis=-2),
        "The scale is missing.": attention.softmax(2 * _logits(query, key)),
        "The scale is made from the width; each head has only head_dim "
        "channels.": attention.softmax(_logits(query, key) / np.sqrt(3)),
        "Queries and keys are exchanged.": _weights(key, query),
        "You compare queries with values: the order is query, key, "
        "value.": _weights(query, value),
        "The last axis counts query, key, value first and heads inside "
        "them. You cut it into heads first.": _weights(
            *qkv.reshape(2, 5, 3, 3, 4).transpose(3, 0, 2, 1, 4)[:2]
        ),
        "A reshape only renumbers: to bring heads in front of tokens, axes "
        "have to be exchanged.": _weights(
            *(x.reshape(2, 3, 5, 4) for x in np.split(qkv, 3, axis=-1)[:2])
        ),
    }
    for hint, answer in wrong.items():
        expect(not same(out, answer), hint)
    expect(
        same(out, _weights(query, key)),
        "Right shape, wrong numbers. Try num_heads=1: then query, key and "
        "value are the three thirds of the last axis.",
    )
    wide = attempt(qkv, 2)
    expect_shape(wide, (2, 2, 5, 5), "(batch, heads, tokens, tokens)")
    halves = qkv.reshape(2, 5, 3, 2, 6).transpose(2, 0, 3, 1, 4)
    expect(
        same(wide, _weights(*halves[:2])),
        "Right for 3 heads, wrong for 2: where is a size written as a number?",
    )


def _logits(query, key):
    return query @ key.swapaxes(-2, -1) / np.sqrt(query.shape[-1])


def _weights(query, key):
    return attention.softmax(_logits(query, key))


@exercise(week=3, title="Patches in another order")
def shuffle(attempt):
    """Judge `my_shuffle(image, patch_size, order)`."""
    image = random(6, 8)  # patches of 2: a grid of 3 x 4
    order = np.array([4, 0, 7, 2, 11, 1, 8, 3, 10, 5, 9, 6])
    out = attempt(image, 2, order)
    expect_shape(out, (6, 8), "(height, width)")
    expect(
        not same(out, image),
        "Nothing has moved: a reordered copy has to be put back together.",
    )
    right = _shuffled(image, 2, order)
    wrong = {
        "This is the order backwards: you put patch i in place order[i], "
        "not patch order[i] in place i.": _shuffled(
            image, 2, np.argsort(order)
        ),
        "The patches are cut by a reshape alone: their pixels come from one "
        "row of the image, not from a square.": (
            image.reshape(12, 4)[order].reshape(6, 8)
        ),
        "Cut rightly, but joined by a reshape alone: walk back the way you "
        "came.": _cut(image, 2)[order].reshape(6, 8),
        "The pixels inside the patches have moved: rows and columns of each "
        "patch are exchanged.": _joined(
            _cut(image, 2)[order].swapaxes(1, 2), (6, 8)
        ),
        "Patches count row by row of the image; yours count column by "
        "column.": _shuffled(image.T, 2, order).T,
    }
    for hint, answer in wrong.items():
        expect(not same(out, answer), hint)
    expect(
        same(out, right),
        "Right shape, wrong pixels. Try an order that exchanges patch 0 and "
        "patch 1 only, on an image of numbered patches.",
    )
    big = random(9, 6)
    turn = np.array([5, 4, 3, 2, 1, 0])
    expect(
        same(attempt(big, 3, turn), _shuffled(big, 3, turn)),
        "Right for one image, wrong for 9 x 6 pixels with patches of 3: does "
        "every place use the argument?",
    )


def _cut(image, side):
    rows, cols = (n // side for n in image.shape)
    cut = image.reshape(rows, side, cols, side).swapaxes(1, 2)
    return cut.reshape(-1, side, side)


def _joined(patches, shape):
    side = patches.shape[1]
    rows, cols = (n // side for n in shape)
    grid = patches.reshape(rows, cols, side, side).swapaxes(1, 2)
    return grid.reshape(shape)


def _shuffled(image, side, order):
    return _joined(_cut(image, side)[order], image.shape)
