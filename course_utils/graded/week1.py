"""Graded tasks of week 1, in the order of the assignment."""

import numpy as np

from course_utils import attention
from course_utils.graded.engine import Task

cosine_attention = Task(
    1, "cosine_attention", "Attention by angle, not by length", points=4
)
leaking_input = Task(
    1, "leaking_input", "An input that shows the bug of the finite mask", 3
)
grouped_attention = Task(
    1, "grouped_attention", "Several heads share a key head", points=4
)
relative_bias = Task(
    1, "relative_bias", "A bias for each offset on a grid", points=4
)
absorb = Task(
    1, "absorb", "Attention that sees its keys block by block", points=5
)


def _cosine_input(rng):
    """Draw query (2, 3, 5, 4) and key (2, 3, 7, 4)."""
    return rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(2, 3, 7, 4))


@cosine_attention.needs(
    "For query (batch, heads, queries, head_dim) and key (batch, heads, "
    "keys, head_dim) the result should have shape (batch, heads, queries, "
    "keys)."
)
def _cosine_shape(answer, rng):
    query, key = _cosine_input(rng)
    return answer(query, key, 0.5).shape == (2, 3, 5, 7)


@cosine_attention.needs(
    "Another query should get other weights, and so should another key."
)
def _cosine_depends(answer, rng):
    query, key = _cosine_input(rng)
    before = answer(query, key, 0.5)
    other_query, other_key = answer(-query, key, 0.5), answer(query, -key, 0.5)
    moved = [abs(x - before).max() > 0.01 for x in (other_query, other_key)]
    return all(moved)


@cosine_attention.property(
    1,
    "Weights are positive and every row sums to 1.",
    "Rows should sum to 1, nowhere negative: over which axis do you divide?",
)
def _cosine_rows(answer, rng):
    attn = answer(*_cosine_input(rng), 0.5)
    return (attn > 0).all() and np.allclose(attn.sum(-1), 1, atol=1e-5)


@cosine_attention.property(
    1,
    "No length matters, neither a query's nor a key's.",
    "A longer query or key got other weights: only the angle counts.",
)
def _cosine_length(answer, rng):
    query, key = _cosine_input(rng)
    long_query = query * rng.uniform(2, 9, size=(2, 3, 5, 1))
    long_key = key * rng.uniform(2, 9, size=(2, 3, 7, 1))
    before = answer(query, key, 0.5)
    return np.allclose(answer(long_query, long_key, 0.5), before, atol=1e-5)


def _leak(answer, fill, num_queries, num_keys):
    """Return the smallest weight that a row puts on its forbidden keys."""
    logits, mask = answer(fill, num_queries, num_keys)
    if not logits.shape == mask.shape == (num_queries, num_keys):
        return 0
    attn = attention.softmax(np.where(mask != 0, logits, fill))
    return np.where(mask != 0, 0, attn).sum(axis=-1).min()


@leaking_input.needs(
    "Return two arrays (num_queries, num_keys): finite logits and a mask. "
    "In every row the mask allows some key and forbids some key."
)
def _leak_input(answer, rng):
    shape = tuple(int(n) for n in rng.integers(3, 9, size=2))
    logits, mask = answer(-1e-9, *shape)
    mixed = (mask != 0).any(axis=-1) & (mask == 0).any(axis=-1)
    fits = logits.shape == mask.shape == shape
    return fits and np.isfinite(logits).all() and mixed.all()


@leaking_input.property(
    1,
    "With the typo -1e-9, forbidden keys take over 0.9 of every row.",
    "Allowed keys still win. Which logits lose even against 0?",
)
def _leak_typo(answer, rng):
    return _leak(answer, -1e-9, 5, 7) > 0.9


@leaking_input.property(
    1,
    "With -10000 they do, too.",
    "This fill is far below your allowed logits, so nothing leaks. They "
    "may depend on it.",
)
def _leak_bert(answer, rng):
    return _leak(answer, -10_000.0, 4, 2) > 0.9


def _grouped_input(rng, heads=6, groups=2):
    """Draw query (2, heads, 5, 4), key (2, groups, 7, 4), value (..., 3)."""
    return (
        rng.normal(size=(2, heads, 5, 4)),
        rng.normal(size=(2, groups, 7, 4)),
        rng.normal(size=(2, groups, 7, 3)),
    )


@grouped_attention.needs(
    "For query (batch, heads, queries, head_dim) and value (batch, groups, "
    "keys, value_dim) the result should have shape (batch, heads, queries, "
    "value_dim)."
)
def _grouped_shape(answer, rng):
    return answer(*_grouped_input(rng)).shape == (2, 6, 5, 3)


@grouped_attention.needs(
    "The result should change with the query, with the key and with the "
    "value."
)
def _grouped_depends(answer, rng):
    query, key, value = _grouped_input(rng)
    before = answer(query, key, value)
    others = (-query, key, value), (query, -key, value), (query, key, -value)
    moved = [abs(answer(*other) - before).max() > 0.01 for other in others]
    return all(moved)


@grouped_attention.property(
    1,
    "With as many groups as heads it is ordinary attention.",
    "Give every head its own key and value head: the result should be "
    "softmax(query key^T / sqrt(head_dim)) value.",
)
def _grouped_ordinary(answer, rng):
    arrays = _grouped_input(rng, groups=6)
    right, _ = attention.scaled_dot_product_attention(*arrays)
    return np.allclose(answer(*arrays), right, atol=1e-4)


@grouped_attention.property(
    1,
    "A group's key and value reach three consecutive heads and no other.",
    "Of 6 heads and 2 groups, heads 0, 1, 2 should read group 0. We changed "
    "group 1: which heads moved?",
)
def _grouped_reach(answer, rng):
    query, key, value = _grouped_input(rng)
    before = answer(query, key, value)
    key[:, 1], value[:, 1] = -key[:, 1], 2 - value[:, 1]
    moved = abs(answer(query, key, value) - before).max(axis=(0, 2, 3))
    return (moved[:3] < 1e-5).all() and (moved[3:] > 0.01).all()


def _table(rng, rows, cols):
    """Draw a table for 3 heads: (3, 2 rows - 1, 2 cols - 1)."""
    return rng.normal(size=(3, 2 * rows - 1, 2 * cols - 1))


@relative_bias.needs(
    "A table (3, 7, 9) on a grid of 4 x 5 should give (3, 20, 20), and "
    "another table another bias."
)
def _bias_shape(answer, rng):
    table = _table(rng, 4, 5)
    bias, other = answer(table, (4, 5)), answer(-table, (4, 5))
    return bias.shape == (3, 20, 20) and abs(bias - other).max() > 0.1


@relative_bias.property(
    1,
    "A token's bias towards itself is the middle of the table.",
    "Offset (0, 0) stands in the middle, at [rows - 1, cols - 1].",
)
def _bias_self(answer, rng):
    table = _table(rng, 4, 5)
    bias = answer(table, (4, 5))
    own = np.diagonal(bias, axis1=1, axis2=2)  # (heads, tokens)
    return own.shape == (3, 20) and np.allclose(own, table[:, 3, 4, None])


@relative_bias.property(
    1,
    "Only the offset counts: move both tokens, and the bias stays.",
    "Two pairs with the same offset got two numbers. Are rows and columns "
    "of a token found in reading order?",
)
def _bias_moves(answer, rng):
    bias = answer(_table(rng, 4, 5), (4, 5)).reshape(3, 4, 5, 4, 5)
    here, there = bias[:, :-1, :-1, :-1, :-1], bias[:, 1:, 1:, 1:, 1:]
    return np.allclose(here, there) and np.ptp(bias) > 0.1


def _blocks(rng, count=12, size=3, scale=1.0):
    """Draw query (5, 4) and `count` blocks of key (size, 4), value (., 6)."""
    query = scale * rng.normal(size=(5, 4))
    keys = rng.normal(size=(count, size, 4))
    return query, keys, rng.normal(size=(count, size, 6))


def _fed(answer, query, keys, values):
    """Return the state after all blocks."""
    state = None
    for key, value in zip(keys, values, strict=True):
        state = answer(state, query, key, value)
    return state


@absorb.needs(
    "Return the tuple (peak, total, mixed), of shapes (queries,), "
    "(queries,) and (queries, value_dim), with or without a state."
)
def _absorb_shape(answer, rng):
    state = _fed(answer, *_blocks(rng, count=2))
    return [part.shape for part in state] == [(5,), (5,), (5, 6)]


@absorb.needs(
    "The state should change with the query, with the value, and with what "
    "was absorbed before."
)
def _absorb_depends(answer, rng):
    query, keys, values = _blocks(rng, count=2)
    before = _fed(answer, query, keys, values)[2]
    alone = answer(None, query, keys[1], values[1])[2]
    others = [_fed(answer, -query, keys, values)[2]]
    others += [_fed(answer, query, keys, -values)[2], alone]
    return all(abs(other - before).max() > 0.01 for other in others)


@absorb.property(
    1,
    "After one block, mixed / total is attention over that block.",
    "Start with one block and no state: peak is each row's largest logit, "
    "total and mixed sum exp(logit - peak).",
)
def _absorb_one(answer, rng):
    query, keys, values = _blocks(rng, count=1, size=7)
    _, total, mixed = _fed(answer, query, keys, values)
    right, _ = attention.scaled_dot_product_attention(
        query, keys[0], values[0]
    )
    return np.allclose(mixed / total[:, None], right, atol=1e-4)


@absorb.property(
    1,
    "Twelve blocks give what one large block gives.",
    "What was summed before used the old peak. By which factor does it "
    "change when the peak does, and does everything get that factor?",
)
def _absorb_split(answer, rng):
    query, keys, values = _blocks(rng)
    _, total, mixed = _fed(answer, query, keys, values)
    _, whole, at_once = answer(
        None, query, keys.reshape(-1, 4), values.reshape(-1, 6)
    )
    ratio, right = mixed / total[:, None], at_once / whole[:, None]
    return np.allclose(ratio, right, atol=1e-4)


@absorb.property(
    1,
    "The peak is the largest logit so far and never falls.",
    "A later block of small logits should leave the peak as it was.",
)
def _absorb_peak(answer, rng):
    query, keys, values = _blocks(rng)
    state, peaks = None, []
    for key, value in zip(keys, values, strict=True):
        state = answer(state, query, key, value)
        peaks.append(state[0])
    first = answer(None, query, keys[0], values[0])[0]
    largest = answer(None, query, keys.reshape(-1, 4), values.reshape(-1, 6))
    grows = (np.diff(peaks, axis=0) >= -1e-5).all()
    started = np.allclose(peaks[0], first) and np.ptp(peaks) > 0.01
    return grows and started and np.allclose(peaks[-1], largest[0], atol=1e-4)
