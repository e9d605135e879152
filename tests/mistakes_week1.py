"""Plausible wrong answers to the exercises of week 1, each with a reason."""

import numpy as np

from course_utils import attention
from course_utils.attention import softmax as weights_of


def exponentials(logits, axis, temperature, peak):
    weights = np.exp((logits - peak) / temperature)
    return weights / weights.sum(axis=axis, keepdims=True)


def softmax_no_peak(logits, axis=-1, temperature=1.0):
    return exponentials(logits, axis, temperature, 0)


def softmax_one_peak(logits, axis=-1, temperature=1.0):
    return exponentials(logits, axis, temperature, logits.max())


def softmax_wrong_axis(logits, axis=0, temperature=1.0):
    return weights_of(logits, 0, temperature)


def softmax_total(logits, axis=-1, temperature=1.0):
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def softmax_axis_ignored(logits, axis=-1, temperature=1.0):
    return weights_of(logits, -1, temperature)


def softmax_no_temperature(logits, axis=-1, temperature=1.0):
    return weights_of(logits, axis)


def softmax_times_temperature(logits, axis=-1, temperature=1.0):
    return weights_of(logits * temperature, axis)


def softmax_base_two(logits, axis=-1, temperature=1.0):
    return weights_of(logits * np.log(2), axis, temperature)


def softmax_clipped(logits, axis=-1, temperature=1.0):
    return exponentials(np.clip(logits, -700, 700), axis, temperature, 0)


def softmax_mean(logits, axis=-1, temperature=1.0):
    middle = logits.mean(axis=axis, keepdims=True)
    return exponentials(logits, axis, temperature, middle)


def softmax_peak_undivided(logits, axis=-1, temperature=1.0):
    peak = logits.max(axis=axis, keepdims=True)
    return exponentials(logits / temperature, axis, 1.0, peak)


def softmax_scalar(logits, axis=-1, temperature=1.0):
    return weights_of(logits, axis, temperature).sum(axis=axis)


def attend(scale=None, axis=-1, late=1.0, transpose=None):
    """A variant of scaled dot-product attention, right by default."""

    def attention_variant(query, key, value):
        turned = key.T if transpose else key.swapaxes(-2, -1)
        divide = np.sqrt(query.shape[-1]) if scale is None else scale(query)
        attn = weights_of(query @ turned / divide, axis=axis) / late
        return attn @ value

    return attention_variant


def root_of_keys(query, key, value):
    return weights_of(query @ key.T / np.sqrt(len(key))) @ value


def values_forgotten(query, key, value):
    return weights_of(query @ key.T / np.sqrt(query.shape[-1]))


def squared_distance(query, key, value):
    gaps = ((query[:, None] - key) ** 2).sum(axis=-1)
    return weights_of(-gaps) @ value


def mask_zero_logits(logits, mask):
    return weights_of(logits * mask)


def mask_after(logits, mask):
    return weights_of(logits) * mask


def mask_inverted(logits, mask):
    return weights_of(np.where(mask, -np.inf, logits))


def mask_times_infinity(logits, mask):
    shifted = logits + (1 - mask) * -np.inf
    weights = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def mask_nan_row(logits, mask):
    logits = np.where(mask, logits, -np.inf)
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def mask_uniform_row(logits, mask):
    attn = weights_of(np.where(mask, logits, -np.inf))
    attn[~mask.any(axis=-1)] = 1 / logits.shape[-1]
    return attn


def mask_renormalised(logits, mask):
    attn = weights_of(logits) * mask
    total = attn.sum(axis=-1, keepdims=True)
    return attn / np.where(total == 0, 1, total)


def mask_even_shares(logits, mask):
    total = mask.sum(axis=-1, keepdims=True)
    return mask / np.where(total == 0, 1, total)


def order_of(tokens):
    return np.random.default_rng(0).permutation(len(tokens))


def order_same(layer, tokens):
    same = np.arange(len(tokens))
    return np.allclose(layer(tokens[same]), layer(tokens)[same])


def order_invariance(layer, tokens):
    return np.allclose(layer(tokens[order_of(tokens)]), layer(tokens))


def order_of_channels(layer, tokens):
    order = np.random.default_rng(0).permutation(tokens.shape[1])
    return np.allclose(layer(tokens[:, order]), layer(tokens)[:, order])


def order_either(layer, tokens):
    order = order_of(tokens)
    after = layer(tokens[order])
    return np.allclose(after, layer(tokens)[order]) or np.allclose(
        after, layer(tokens)
    )


def order_exact(layer, tokens):
    order = order_of(tokens)
    return np.array_equal(layer(tokens[order]), layer(tokens)[order])


def order_reversed(layer, tokens):
    return np.allclose(layer(tokens[::-1]), layer(tokens)[::-1])


def order_array(layer, tokens):
    order = order_of(tokens)
    return np.isclose(layer(tokens[order]), layer(tokens)[order])


def code_of(exponent):
    """A variant of the sinusoidal code with its own exponents."""

    def sinusoidal_variant(num_positions, width):
        channel = np.arange(width)
        rate = 10000.0 ** exponent(channel, width)
        angles = np.arange(num_positions)[:, None] / rate
        return np.where(channel % 2, np.cos(angles), np.sin(angles))

    return sinusoidal_variant


def even(channel):
    return channel - channel % 2


def code_swapped(num_positions, width):
    right = attention.sinusoidal_1d(num_positions, width)
    return right.reshape(-1, width // 2, 2)[:, :, ::-1].reshape(-1, width)


def code_in_halves(num_positions, width):
    right = attention.sinusoidal_1d(num_positions, width)
    return np.concatenate([right[:, 0::2], right[:, 1::2]], axis=1)


def code_degrees(num_positions, width):
    positions = np.radians(np.arange(num_positions))[:, None]
    angles = positions / 10000 ** (even(np.arange(width)) / width)
    return np.where(np.arange(width) % 2, np.cos(angles), np.sin(angles))


def patches_by_reshape(image, patch_size):
    return image.reshape(-1, patch_size * patch_size * image.shape[2])


def patches_in_grid(image, patch_size):
    rows, cols = (side // patch_size for side in image.shape[:2])
    return attention.patchify(image, patch_size).reshape(rows, cols, -1)


def patches_by_column(image, patch_size):
    turned = image.transpose(1, 0, 2)
    patches = attention.patchify(turned, patch_size)
    shape = (-1, patch_size, patch_size, image.shape[2])
    back = patches.reshape(shape).swapaxes(1, 2)
    return back.reshape(patches.shape)


def patches_transposed(image, patch_size):
    patches = attention.patchify(image, patch_size)
    shape = (-1, patch_size, patch_size, image.shape[2])
    return patches.reshape(shape).swapaxes(1, 2).reshape(patches.shape)


def patches_no_border(image, patch_size):
    height, width, channels = image.shape
    cut = image.reshape(
        height // patch_size, patch_size, width // patch_size, patch_size, -1
    )
    size = patch_size * patch_size * channels
    return cut.swapaxes(1, 2).reshape(-1, size)


def patches_grey(image, patch_size):
    return attention.patchify(image.mean(axis=2), patch_size)


RANDOM = np.random.default_rng(0)
QUERY, KEY = RANDOM.normal(size=(5, 4)), RANDOM.normal(size=(7, 4))
TOKENS = RANDOM.normal(size=(2, 5, 12))
LOGITS, MASK = RANDOM.normal(size=(5, 7)), np.tri(5, 7, 1, dtype=bool)


def rolled(normalise=None, residual=1.0, backwards=False, at_end=False):
    """A variant of rollout, right by default."""

    def rollout_variant(layers):
        result = np.eye(layers.shape[-1])
        for attn in layers:
            step = attn + residual * np.eye(len(attn))
            if not at_end:
                step = step / (normalise or row_sums)(step)
            result = result @ step if backwards else step @ result
        return result / row_sums(result) if at_end else result

    return rollout_variant


def row_sums(matrix):
    return matrix.sum(axis=-1, keepdims=True)


WRONG = {
    "softmax": [
        softmax_no_peak,
        softmax_one_peak,
        softmax_wrong_axis,
        softmax_total,
        softmax_axis_ignored,
        softmax_no_temperature,
        softmax_times_temperature,
        softmax_base_two,
        softmax_clipped,
        softmax_mean,
        softmax_peak_undivided,
        softmax_scalar,
    ],
    "scaled_attention": [
        attend(scale=lambda query: 1),
        attend(scale=lambda query: query.shape[-1]),
        attend(scale=lambda query: 1 / np.sqrt(query.shape[-1])),
        root_of_keys,
        attend(axis=0),
        attend(scale=lambda query: 1, late=2),
        attend(transpose=True),
        values_forgotten,
        squared_distance,
    ],
    "masked_softmax": [
        mask_zero_logits,
        mask_after,
        mask_inverted,
        mask_times_infinity,
        mask_nan_row,
        mask_uniform_row,
        mask_renormalised,
        mask_even_shares,
        lambda logits, mask: weights_of(logits).sum(axis=-1),
    ],
    "order_test": [
        order_same,
        order_invariance,
        order_either,
        order_of_channels,
        order_exact,
        order_reversed,
        order_array,
    ],
    "sinusoidal": [
        code_of(lambda channel, width: (2 * channel) // width),
        code_of(lambda channel, width: 2 * even(channel) / width),
        code_of(lambda channel, width: channel / width),
        code_of(lambda channel, width: even(channel) / width / 2),
        code_of(lambda channel, width: -even(channel) / width),
        code_of(lambda channel, width: even(channel) / (width - 2)),
        code_swapped,
        code_degrees,
        lambda num_positions, width: attention.sinusoidal_1d(
            width, num_positions + 1
        ),
    ],
    "patchify": [
        patches_by_reshape,
        patches_in_grid,
        patches_by_column,
        patches_transposed,
        patches_no_border,
        patches_grey,
    ],
    "axis_test": [
        lambda weights: True,
        lambda weights: (
            np.isclose(weights(QUERY, KEY).sum(), 1)
            or np.allclose(weights(QUERY, KEY).sum(axis=-1), 1)
        ),
        lambda weights: bool(
            np.isclose(weights(QUERY, KEY).sum(), 5)
            and (weights(QUERY, KEY) >= 0).all()
        ),
        lambda weights: np.allclose(weights(QUERY, KEY).sum(axis=-1), 1),
        lambda weights: np.allclose(weights(QUERY, KEY).sum(axis=0), 1),
        lambda weights: weights(QUERY, KEY).sum(axis=-1) == 1,
    ],
    "split_test": [
        lambda split: split(TOKENS, 3).shape == (2, 3, 5, 4),
        lambda split: bool(
            np.ptp(
                split(np.repeat(np.arange(5.0), 12).reshape(1, 5, 12), 3),
                axis=(0, 1, 3),
            ).max()
            == 0
        ),
        lambda split: np.array_equal(
            split(TOKENS[:1], 3)[:, 1], TOKENS[:1, :, 4:8]
        ),
        lambda split: np.array_equal(split(TOKENS, 3)[:, 1], TOKENS[:, 4:8]),
    ],
    "mask_test": [
        lambda masked: bool((masked(LOGITS, MASK)[~MASK] == 0).all()),
        lambda masked: np.allclose(masked(LOGITS, MASK).sum(axis=-1), 1),
        lambda masked: (
            np.allclose(masked(LOGITS, MASK).sum(axis=-1), 1)
            and bool((masked(LOGITS, MASK) == 0).any())
        ),
        lambda masked: bool((masked(LOGITS, MASK)[MASK] == 0).all()),
    ],
    "position_test": [
        lambda add: add(np.zeros((20, 16, 3))).shape == (20, 16, 3),
        lambda add: bool(np.ptp(add(np.zeros((20, 16, 3))), axis=0).max() > 0),
        lambda add: np.allclose(add(np.zeros((20, 16, 3))), 0),
        lambda add: (
            len(np.unique(add(np.zeros((20, 16, 3)))[:, 0, 0].round(6))) == 20
        ),
    ],
    "crop": [
        lambda logits, size: weights_of(logits[:size][:size]),
        lambda logits, size: weights_of(logits[:size, :size]),
        lambda logits, size: weights_of(logits, axis=0)[:size, :size],
        lambda logits, size: weights_of(logits)[-size:, -size:],
        lambda logits, size: weights_of(logits),
    ],
    "rollout": [
        rolled(normalise=lambda step: step.sum(axis=-1)),
        rolled(normalise=lambda step: step.sum(axis=0, keepdims=True)),
        rolled(residual=0.0),
        rolled(backwards=True),
        rolled(at_end=True),
        rolled(residual=2.0),
    ],
}
