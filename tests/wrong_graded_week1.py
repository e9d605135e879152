"""Wrong answers to week 1's assignment, and what each of them earns."""

import numpy as np


def softmax(logits, axis=-1):
    odds = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return odds / odds.sum(axis=axis, keepdims=True)


def unit(x, axis=-1):
    return x / np.linalg.norm(x, axis=axis, keepdims=True)


def transposed(x):
    return x.swapaxes(-2, -1)


def only_query_normed(query, key, temperature):
    return softmax(unit(query) @ transposed(key) / temperature)


def no_guard(query, key, temperature):
    return softmax(unit(query) @ transposed(unit(key)) / temperature)


def times_temperature(query, key, temperature):
    return softmax(unit(query) @ transposed(unit(key)) * temperature)


def over_queries(query, key, temperature):
    logits = unit(query) @ transposed(unit(key)) / temperature
    return softmax(logits, axis=-2)


def constant_logits(fill, num_queries, num_keys):
    mask = np.arange(num_keys) < 1
    shape = num_queries, num_keys
    return np.full(shape, -100.0), np.broadcast_to(mask, shape)


def made_for_bert(fill, num_queries, num_keys):
    logits, mask = constant_logits(fill, num_queries, num_keys)
    return 150 * logits, mask


def above_fill(fill, num_queries, num_keys):
    logits, mask = constant_logits(fill, num_queries, num_keys)
    return np.full(logits.shape, fill + 20), mask


def all_forbidden(fill, num_queries, num_keys):
    shape = num_queries, num_keys
    return np.full(shape, fill - 20), np.zeros(shape, bool)


def attend(query, key, value, scale=None):
    scale = scale or np.sqrt(query.shape[-1])
    return softmax(query @ transposed(key) / scale) @ value


def tiled(query, key, value):
    repeats = (1, query.shape[1] // key.shape[1], 1, 1)
    return attend(query, np.tile(key, repeats), np.tile(value, repeats))


def repeated(query, key, value, **options):
    size = query.shape[1] // key.shape[1]
    key, value = (np.repeat(x, size, axis=1) for x in (key, value))
    return attend(query, key, value, **options)


def without_scale(query, key, value):
    return repeated(query, key, value, scale=1.0)


def first_group_only(query, key, value):
    return attend(query, key[:, :1], value[:, :1])


def not_grouped(query, key, value):
    return attend(query, key, value)


def offsets(grid):
    rows, cols = grid
    row, col = np.divmod(np.arange(rows * cols), cols)
    return row - row[:, None], col - col[:, None]


def mirrored(table, grid):
    down, right = offsets(grid)
    return table[:, grid[0] - 1 - down, grid[1] - 1 - right]


def from_a_corner(table, grid):
    down, right = offsets(grid)
    return table[:, down, right]  # negative numbers count from the end


def either_side(table, grid):
    down, right = offsets(grid)
    return table[:, grid[0] - 1 + abs(down), grid[1] - 1 + abs(right)]


def in_columns(table, grid):
    rows, cols = grid
    col, row = np.divmod(np.arange(rows * cols), rows)
    down, right = row - row[:, None], col - col[:, None]
    return table[:, rows - 1 + down, cols - 1 + right]


def absorber(rescale=True, both=True, running=True, scale=True, shift=True):
    """Return `absorb` with one part left out."""

    def absorb(state, query, key, value):
        logits = query @ key.T / (np.sqrt(query.shape[-1]) if scale else 1)
        peak = logits.max(axis=-1) * shift
        if state is None:
            odds = np.exp(logits - peak[:, None])
            return peak, odds.sum(axis=-1), odds @ value
        if running:
            peak = np.maximum(peak, state[0])
        odds = np.exp(logits - peak[:, None])
        factor = np.exp(state[0] - peak) if rescale else np.ones(len(peak))
        total = odds.sum(axis=-1) + factor * state[1]
        old = factor[:, None] * state[2] if both else state[2]
        return peak, total, odds @ value + old

    return absorb


def latest_block(state, query, key, value):
    return absorber()(None, query, key, value)


def with_one_axis_more(state, query, key, value):
    peak, total, mixed = absorber()(state, query, key, value)
    return peak[:, None], total, mixed


# task -> (what is wrong, function, points)
WRONG = {
    "cosine_attention": [
        ("keys keep their length", only_query_normed, 1),
        ("blank tokens give NaN", no_guard, 3),
        ("multiplies by the temperature", times_temperature, 2),
        ("softmax over the queries", over_queries, 1),
    ],
    "leaking_input": [
        ("one logit for every fill", constant_logits, 1),
        ("logits for the fills that can be seen", made_for_bert, 2),
        ("allowed keys win", above_fill, 0),
        ("no key is allowed", all_forbidden, 0),
    ],
    "grouped_attention": [
        ("tile in place of repeat", tiled, 2),
        ("no scale", without_scale, 1),
        ("every head reads group 0", first_group_only, 1),
        ("relies on broadcasting", not_grouped, 0),
    ],
    "relative_bias": [
        ("query minus key", mirrored, 2),
        ("offset 0 at the corner", from_a_corner, 1),
        ("left and right alike", either_side, 2),
        ("tokens in columns", in_columns, 1),
    ],
    "absorb": [
        ("the old sums keep the old peak", absorber(rescale=False), 2),
        ("only total is rescaled", absorber(both=False), 2),
        ("the peak is the last block's", absorber(running=False), 3),
        ("no peak is subtracted", absorber(shift=False), 3),
        ("no scale", absorber(scale=False), 3),
        ("forgets earlier blocks", latest_block, 0),
        ("peak keeps an axis", with_one_axis_more, 0),
    ],
}
