"""Checks of week 5: queries that read from the tokens of a picture."""

import numpy as np

from course_utils.attention import scaled_dot_product_attention, softmax
from course_utils.checks.engine import Incorrect, exercise, expect
from course_utils.checks.properties import expect_shape, random, same

READ = "(batch, heads, queries, head_dim)"
WEIGHTS = "(batch, heads, queries, keys)"


@exercise(week=5, title="Cross-attention, more keys than queries")
def cross_attention(attempt):
    """Judge `my_cross_attention(query, key, value)`."""
    query, key, value = _drawn(5, 7)
    out, attn = _both(attempt, query, key, value)
    expect(
        not (out.shape[-1:] == (7,) and attn.shape[-1:] == (4,)),
        "The two are exchanged: first what is read, then the weights.",
    )
    expect(
        attn.shape[-2:] != (7, 5),
        "The weights have a row for each key. Each query asks: it should "
        "have a row, and each key a column.",
    )
    expect(
        attn.shape[-2:] not in ((5, 5), (7, 7)),
        "One set of tokens asks itself: that is self-attention. Here the "
        "queries ask the keys.",
    )
    expect_shape(attn, (2, 3, 5, 7), WEIGHTS)
    _expect_weights(attn, query, key)
    expect_shape(out, (2, 3, 5, 4), READ)
    _expect_values_read(out, attn, value)
    _expect_stable(attempt)
    others = _drawn(6, 6)
    expect(
        all(map(same, _both(attempt, *others), _right(*others))),
        "Right for 5 queries and 7 keys, wrong for 6 of both: where do you "
        "look at a size, or write it as a number?",
    )


def _drawn(queries, keys):
    """Return query, key and value, of distinct numbers."""
    tokens = 2 * random(2, 3, queries + 2 * keys, 4)
    return np.split(tokens, [queries, queries + keys], axis=2)


def _right(query, key, value):
    return scaled_dot_product_attention(query, key, value)


def _both(attempt, *args):
    """Return out and attn as arrays, or say what came instead."""
    result = attempt.raw(*args)
    expect(
        isinstance(result, tuple | list) and len(result) == 2,
        "Two things should be returned: what is read, and the weights, as "
        "in `return out, attn`.",
    )
    out, attn = (np.asarray(part) for part in result)
    expect(
        out.dtype.kind in "iuf" and attn.dtype.kind in "iuf",
        "Both, out and attn, should be arrays of numbers.",
    )
    return out, attn


def _expect_weights(attn, query, key):
    logits = query @ key.swapaxes(2, 3)
    scaled = logits / 2
    for hint, answer in _wrong_weights(logits, query, key).items():
        expect(not same(attn, answer), hint)
    expect(
        not same(attn, scaled),
        "The weights are still logits: softmax makes positive numbers of "
        "them that sum to 1.",
    )
    expect(
        np.allclose(attn.sum(axis=-1), 1),
        "The rows of the weights do not sum to 1: each query shares out one "
        "whole among the keys.",
    )
    expect(
        same(attn, softmax(scaled)),
        "The rows of the weights sum to 1, but the numbers are wrong. Give "
        "one query and one key large numbers in one channel: they should "
        "find each other.",
    )


def _wrong_weights(logits, query, key):
    batch, heads, keys, head_dim = key.shape
    reshaped = query @ key.reshape(batch, heads, head_dim, keys) / 2
    all_keys = logits.reshape(batch, -1)
    return {
        "The scale is missing: with head_dim 4 the logits are twice as large "
        "as they should be, and softmax too sure.": softmax(logits),
        "The logits are divided by head_dim, not by its root.": (
            softmax(logits / head_dim)
        ),
        "The logits are divided by the root of the number of keys: it is "
        "head_dim whose terms a dot product adds up.": (
            softmax(logits / np.sqrt(keys))
        ),
        "The logits are divided by the root of the whole width, heads x "
        "head_dim. Each dot product has head_dim terms.": (
            softmax(logits / np.sqrt(heads * head_dim))
        ),
        "The logits are multiplied by the root of head_dim: divide.": (
            softmax(logits * np.sqrt(head_dim))
        ),
        "The softmax runs over the queries: each key shares itself out. It "
        "is the query whose weights sum to 1.": softmax(logits / 2, axis=2),
        "The softmax runs over the heads: each should share out one whole of "
        "its own.": softmax(logits / 2, axis=1),
        "The softmax runs over the batch: the weights of one face depend on "
        "who else is there.": softmax(logits / 2, axis=0),
        "The softmax runs over all numbers of a face, without an axis: each "
        "query should have 1 to share out.": (
            softmax(all_keys / 2).reshape(logits.shape)
        ),
        "reshape does not transpose: it keeps the order of the numbers and "
        "cuts the rows anew. Exchange the two axes instead.": (
            softmax(reshaped)
        ),
    }


def _expect_values_read(out, attn, value):
    expect(
        not same(out, _summed(attn, value)),
        "The weights are right, and then each query gets all values added "
        "up, whatever its weights: the tutorial's slip.",
    )
    expect(
        same(out, attn @ value),
        "The weights are right, but what is read is not the values averaged "
        "by them.",
    )


def _expect_stable(attempt):
    """Expect exact weights where exp overflows, or gives 0 throughout."""
    query, key, value = _drawn(5, 7)
    found = _both(attempt, 1000 * query, key, value)
    expect(
        all(np.isfinite(part).all() for part in found),
        "NaN for large logits: exp of 1,000 is infinite, and if exp of a "
        "whole row is 0, 0 is divided by 0. First take off each row its own "
        "largest logit.",
    )
    expect(
        all(map(same, found, _right(1000 * query, key, value))),
        "Right for small logits, wrong for large ones. They may be shifted, "
        "all of a row by the same number, but not cut off.",
    )


@exercise(week=5, title="The tutorial's reading, mended")
def read(attempt):
    """Judge `my_read(attn, value)`."""
    attn, value = softmax(2 * random(2, 3, 5, 7)), random(2, 3, 7, 4)
    out = _read(attempt, attn, value)
    expect(
        out.shape != (2, 5, 4),
        "The heads are gone: each reads its own values, and the result "
        "keeps them apart.",
    )
    expect(
        out.shape != (2, 3, 4),
        "The queries are gone: each should have a row of its own.",
    )
    expect_shape(out, (2, 3, 5, 4), READ)
    turned = _read(attempt, attn[..., ::-1].copy(), value)
    expect(
        not same(out, turned),
        "Changing attn changes nothing: turn its rows round, so that every "
        "query looks elsewhere, and the result is the same. Over which axis "
        "should attn and value be multiplied and summed together?",
    )
    for hint, answer in _wrongly_read(attn, value).items():
        expect(not same(out, answer), hint)
    expect(
        same(out, attn @ value),
        "Right shape, wrong numbers. Let a query give all its weight to one "
        "key: it should read that key's value, and no other.",
    )
    square = softmax(2 * random(1, 2, 6, 6)), random(1, 2, 6, 6)
    expect(
        same(_read(attempt, *square), square[0] @ square[1]),
        "Right for 5 queries and 7 keys, wrong for 6 of both: where do you "
        "look at a size, or write it as a number?",
    )


def _read(attempt, attn, value):
    """Return what is read; name the crash of exchanged axes."""
    try:
        return attempt(attn, value)
    except Incorrect as error:
        said = str(error.__cause__ or "")
        expect(
            not ("mismatch" in said or "broadcast" in said),
            f"{error} Of the axes of attn, (batch, heads, queries, keys), "
            "and value, (batch, heads, keys, head_dim), which are summed "
            "over together?",
        )
        raise


def _summed(attn, value):
    """Return the tutorial's reading: attn and value summed apart."""
    total = value.sum(axis=2, keepdims=True)
    return attn.sum(axis=-1, keepdims=True) * total


def _wrongly_read(attn, value):
    largest = np.eye(attn.shape[-1])[attn.argmax(axis=-1)]
    return {
        "Each query reads from the key with its largest weight alone. The "
        "other keys count, too, by their weights.": largest @ value,
        "The average is divided by the number of keys once more: the weights "
        "already sum to 1.": attn @ value / attn.shape[-1],
        "Every head reads with the mean of all heads' weights: use each "
        "head's own.": attn.mean(axis=1, keepdims=True) @ value,
        "Every head reads the same values, those of all heads added up: use "
        "each head's own.": attn @ value.sum(axis=1, keepdims=True),
        "Softmax is applied once more: attn is weights already.": (
            softmax(attn) @ value
        ),
    }
