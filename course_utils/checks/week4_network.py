"""Checks of week 4: the network is told the time, and places attend."""

import numpy as np

from course_utils import attention
from course_utils.checks.engine import exercise, expect
from course_utils.checks.properties import (
    expect_shape,
    random,
    same,
    survives,
)


@exercise(week=4, title="Step numbers as waves of many lengths")
def time_embedding(attempt):
    """Judge `my_time_embedding(steps, width)`."""
    steps = np.array([0, 1, 7, 40, 250])
    out = attempt(steps, 8)
    expect(
        out.shape != (5, 4),
        "Half of the channels are missing: each angle gives two numbers.",
    )
    expect(
        out.shape != (5, 16),
        "Twice as many channels as asked for: how many angles fill `width`?",
    )
    expect(
        out.shape != (8, 5),
        "Steps and channels are exchanged: one row for each step.",
    )
    expect_shape(out, (5, 8), "(batch, width)")
    expect(
        np.linalg.matrix_rank(np.nan_to_num(out)) > 1,
        "All rows are multiples of one another: in however many channels, "
        "the step has a single direction, and a layer that follows sees one "
        "number. That is the tutorial's nn.Linear(1, ...).",
    )
    for hint, answer in _wrongly_embedded(steps, 8).items():
        expect(not same(out, answer), hint)
    expect(
        same(out, _embedded(steps, 8)),
        "Right shape, wrong numbers. At step 0 every angle is 0: which row "
        "must come out? At step 1 the first angle is 1.",
    )
    expect(
        survives(attempt, _embedded(steps, 12), steps, 12),
        "Right for width 8, wrong for width 12: where is a size written as "
        "a number?",
    )


def _embedded(steps, width, exponents=None):
    half = width // 2
    if exponents is None:
        exponents = -np.arange(half) / half
    angles = steps[:, None] * 10_000.0**exponents
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def _wrongly_embedded(steps, width):
    half, places = width // 2, np.arange(width // 2)
    right = _embedded(steps, width)
    sines, cosines = np.split(right, 2, axis=1)
    degrees = np.radians(steps[:, None] * 10_000.0 ** (-places / half))
    pairs = np.stack([sines, cosines], axis=-1)
    return {
        "Sines and cosines alternate, as in Vaswani et al.; asked for are "
        "two blocks.": pairs.reshape(len(steps), width),
        "The cosines come first, as in diffusers with flip_sin_to_cos: here "
        "they come second.": np.concatenate([cosines, sines], axis=1),
        "These are sines twice. A sine alone does not tell an angle: two "
        "angles of each turn have the same.": np.tile(sines, 2),
        "These are cosines twice. A cosine alone does not tell an angle: two "
        "angles of each turn have the same.": np.tile(cosines, 2),
        "Your last exponent is exactly -1. So do the code of Ho et al. and "
        "the default of diffusers' get_timestep_embedding "
        "(downscale_freq_shift=1); the docstring here divides by one "
        "more.": _embedded(steps, width, -places / (half - 1)),
        "The sign of the exponent: angles should grow more slowly from "
        "channel to channel, not ten thousand times as fast.": (
            _embedded(steps, width, places / half)
        ),
        "The exponents go only half way: the longest wave is too short to "
        "tell late steps apart.": _embedded(steps, width, -places / width),
        "The exponents go twice as far as they should.": (
            _embedded(steps, width, -2 * places / half)
        ),
        "The angles are turned into radians, but they are meant as radians "
        "already.": np.concatenate([np.sin(degrees), np.cos(degrees)], 1),
        "All channels have the same wavelength: let them slow down from "
        "channel to channel.": _embedded(steps, width, 0 * places),
        "i counts from 0: the first wave is the step itself.": (
            _embedded(steps, width, -(places + 1) / half)
        ),
    }


@exercise(week=4, title="Attention between the places of a picture")
def attention_block(attempt):
    """Judge `my_attention_block(x, w_query, w_key, w_value, gamma, heads)`."""
    x = random(2, 6, 4, 5)  # batch 2, 3 heads of 2 channels, 20 places
    weights = random(3, 6, 6)
    args = (x, *weights, 0.7, 3)
    out = attempt(*args)
    expect(
        out.shape != (2, 6, 20) and out.shape != (2, 20, 6),
        "The places are still in a row: make a picture of them again.",
    )
    expect(
        out.shape != (2, 6, 5, 4),
        "Height and width are exchanged.",
    )
    expect_shape(out, x.shape, "(batch, channels, height, width)")
    _expect_places_to_attend(attempt, x, weights)
    for hint, answer in _wrongly_attended(*args).items():
        expect(not same(out, answer), hint)
    expect(
        same(out, _attended(*args)),
        "Right shape, wrong numbers. With num_heads=1 and gamma=1 it is "
        "week 1's attention of tokens x[0].reshape(channels, -1).T, added "
        "to x.",
    )
    other = (*args[:4], -0.4, 2)
    expect(
        survives(attempt, _attended(*other), *other),
        "Right for 3 heads and gamma 0.7, wrong for 2 heads and gamma -0.4: "
        "where is a size written as a number?",
    )


def _expect_places_to_attend(attempt, x, weights):
    """With queries of 0, every key has the same weight."""
    value = np.einsum("oc,bchw->bohw", weights[2], x)
    out = attempt(x, 0 * weights[0], weights[1], weights[2], 1.0, 3)
    heads = value.reshape(2, 3, 2, 4, 5).mean(axis=2, keepdims=True)
    heads = heads.repeat(2, axis=2).reshape(x.shape)
    for answer in (value.mean(axis=1, keepdims=True), heads):
        expect(
            not same(out, x + answer),
            "Channels attend to channels: with queries of 0 each channel "
            "gets the mean of the channels. Each place should get the mean "
            "of all places.",
        )
    lines = value.mean(axis=2, keepdims=True), value.mean(-1, keepdims=True)
    for answer in lines:
        expect(
            not same(out, x + answer),
            "Places attend only within their own row or column. All places "
            "are the tokens: put height and width into one axis.",
        )


def _tokens(x, num_heads):
    """(batch, channels, height, width) -> (batch, heads, places, dim)."""
    batch, channels = x.shape[:2]
    cut = x.reshape(batch, num_heads, channels // num_heads, -1)
    return cut.swapaxes(2, 3)


def _out(query, key, value, scale=None, axis=-1):
    """(batch, heads, places, dim), by attention."""
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    attn = attention.softmax(query @ key.swapaxes(2, 3) * scale, axis=axis)
    return attn @ value


def _joined(out, shape):
    return out.swapaxes(2, 3).reshape(shape)


def _projected(x, *weights):
    return [np.einsum("oc,bchw->bohw", w, x) for w in weights]


def _attended(x, w_query, w_key, w_value, gamma, num_heads, **how):
    maps = _projected(x, w_query, w_key, w_value)
    out = _out(*(_tokens(m, num_heads) for m in maps), **how)
    return x + gamma * _joined(out, x.shape)


def _wrongly_attended(x, w_query, w_key, w_value, gamma, num_heads):
    args = (x, w_query, w_key, w_value, gamma, num_heads)
    maps = _projected(*args[:4])
    added = _attended(*args) - x
    channels = x.shape[1]
    turned = x.swapaxes(2, 3)
    order = np.arange(channels).reshape(-1, num_heads).T.ravel()
    mixed = [_tokens(m[:, order], num_heads) for m in maps]
    cut = [
        m.reshape(2, channels, -1).swapaxes(1, 2).reshape(2, num_heads, -1, 2)
        for m in maps
    ]
    loose = _out(*(_tokens(m, num_heads) for m in maps))
    width_first = _joined(loose, turned.shape).swapaxes(2, 3)
    return {
        "The residual connection is missing: x is not added.": added,
        "gamma scales x; it should scale what is added to x.": (
            gamma * x + added / gamma
        ),
        "gamma scales both, x and what is added to it.": gamma * x + added,
        "gamma is not used.": x + added / gamma,
        "The scale is missing.": _attended(*args, scale=1),
        "The scale is made from all channels; each head has only "
        "some of them.": _attended(*args, scale=channels**-0.5),
        "You divide by head_dim itself, not by its root.": (
            _attended(*args, scale=num_heads / channels)
        ),
        "The weights sum to 1 over the queries; each place should share out "
        "weight 1 among the keys.": _attended(*args, axis=-2),
        "The matrices are transposed: they are applied to the channels from "
        "the left.": _attended(
            x, w_query.T, w_key.T, w_value.T, gamma, num_heads
        ),
        "Queries and keys are exchanged.": _attended(
            x, w_key, w_query, w_value, gamma, num_heads
        ),
        "The heads are ignored: this is one head of all channels.": (
            _attended(*args[:5], 1)
        ),
        "The channels go to the heads in turn, like cards; each head should "
        "get a block of neighbours.": x
        + gamma * _joined(_out(*mixed), x.shape)[:, np.argsort(order)],
        "A reshape only renumbers: on the way in, the channels of one head "
        "come from several places. Axes have to be exchanged.": (
            x + gamma * _joined(_out(*cut), x.shape)
        ),
        "A reshape only renumbers: on the way out, places and channels are "
        "mixed up. Exchange axes before you make the picture again.": (
            x + gamma * loose.reshape(x.shape)
        ),
        "Height and width are exchanged in what is added: read the places "
        "and put them back in the same order.": x + gamma * width_first,
    }
