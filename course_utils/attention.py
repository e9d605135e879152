"""Attention in plain NumPy: the reference every week is measured against.

Week 1 derives each of these functions; later weeks import them. Shapes are
written the same way everywhere: tokens are ``(batch, tokens, width)``,
attention is ``(batch, heads, queries, keys)`` and its rows sum to 1.
Making tokens out of an image is in `course_utils.tokens`; its functions can
be had from here too.
"""

import numpy as np

from course_utils.attention_inputs import (
    apply_mask,
    as_float,
    check_heads,
    check_shapes,
)
from course_utils.tokens import patchify, sinusoidal_1d, sinusoidal_2d

__all__ = [
    "entropy",
    "mean_distance",
    "merge_heads",
    "multi_head_attention",
    "patchify",
    "scaled_dot_product_attention",
    "sinusoidal_1d",
    "sinusoidal_2d",
    "softmax",
    "split_heads",
]


def softmax(logits, axis=-1, temperature=1.0):
    """Turn logits into weights that are positive and sum to 1.

    The largest logit is subtracted first, which changes nothing in exact
    arithmetic and keeps the exponential from overflowing.

    Args:
        logits: array of any shape, in any range. ``-inf`` means "never".
        axis: the axis along which the weights sum to 1 (the keys).
        temperature: > 0; logits are divided by it. Below 1 sharpens, above
            1 flattens.

    Returns:
        Weights of the same shape. A row of nothing but ``-inf`` (all keys
        masked) has no best key: it becomes all zeros, not NaN.

    Raises:
        ValueError: logits hold NaN or ``+inf``, or have no entries along
            `axis`, or temperature is not positive.
        TypeError: logits are not real numbers.

    Taught in week 1. Stable form: Goodfellow, Bengio and Courville, "Deep
    Learning" (2016), section 4.1.
    """
    logits = as_float(logits, "logits")
    if np.isposinf(logits).any():
        raise ValueError("logits contain +inf: no finite weights exist")
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    if logits.ndim == 0 or logits.shape[axis] == 0:
        raise ValueError(
            f"softmax over axis {axis} of shape {logits.shape}: no keys there"
        )
    peak = logits.max(axis=axis, keepdims=True)
    peak = np.where(np.isneginf(peak), 0, peak)
    weights = np.exp((logits - peak) / temperature)
    total = weights.sum(axis=axis, keepdims=True)
    return weights / np.where(total == 0, 1, total)


def scaled_dot_product_attention(query, key, value, mask=None):
    """Average the values, weighted by how well each query fits each key.

    ``softmax(query @ key^T / sqrt(head_dim)) @ value``.

    Args:
        query: ``(..., queries, head_dim)``; ``...`` is usually batch, heads.
        key: ``(..., keys, head_dim)``.
        value: ``(..., keys, value_dim)``.
        mask: None, or booleans that broadcast to ``(..., queries, keys)``;
            True where the query may look at the key.

    Returns:
        ``(out, attn)``: out ``(..., queries, value_dim)`` and attn
        ``(..., queries, keys)`` whose rows sum to 1. A query that may look
        at no key gets a row of zeros and a zero output. An empty batch
        gives empty arrays of the right shape.

    Raises:
        ValueError: shapes that do not fit, no keys at all, NaN.
        TypeError: not numbers, or a mask that is not boolean.

    Taught in week 1. Vaswani et al., "Attention Is All You Need" (2017),
    equation 1.
    """
    query, key, value = (
        as_float(array, name)
        for array, name in ((query, "query"), (key, "key"), (value, "value"))
    )
    check_shapes(query, key, value)
    logits = query @ key.swapaxes(-2, -1)  # (..., queries, keys)
    logits = logits / np.sqrt(query.shape[-1]).astype(logits.dtype)
    if mask is not None:
        logits = apply_mask(logits, mask)
    attn = softmax(logits, axis=-1)
    return attn @ value, attn


def split_heads(tokens, num_heads):
    """Cut the width of every token into `num_heads` consecutive slices.

    Args:
        tokens: ``(..., tokens, width)``.
        num_heads: how many heads; must divide width.

    Returns:
        ``(..., heads, tokens, head_dim)`` with head_dim = width / num_heads.

    Raises:
        ValueError: num_heads does not divide width, or fewer than 2 axes.

    Taught in week 1. Vaswani et al. (2017), section 3.2.2.
    """
    tokens = np.asarray(tokens)
    if tokens.ndim < 2:
        raise ValueError(
            f"tokens need shape (..., tokens, width), got {tokens.shape}"
        )
    *lead, count, width = tokens.shape
    check_heads(width, num_heads)
    cut = tokens.reshape(*lead, count, num_heads, width // num_heads)
    return cut.swapaxes(-3, -2)  # (..., heads, tokens, head_dim)


def merge_heads(heads):
    """Put the heads of every token side by side: undo `split_heads`.

    Args:
        heads: ``(..., heads, tokens, head_dim)``.

    Returns:
        ``(..., tokens, heads * head_dim)``.

    Raises:
        ValueError: fewer than 3 axes.

    Taught in week 1. Vaswani et al. (2017), section 3.2.2.
    """
    heads = np.asarray(heads)
    if heads.ndim < 3:
        raise ValueError(
            f"heads need shape (..., heads, tokens, head_dim), got "
            f"{heads.shape}"
        )
    *lead, num_heads, count, head_dim = heads.shape
    side_by_side = heads.swapaxes(-3, -2)  # (..., tokens, heads, head_dim)
    return side_by_side.reshape(*lead, count, num_heads * head_dim)


def multi_head_attention(tokens, weights, num_heads, context=None, mask=None):
    """Project, split, attend in every head, merge, project.

    Args:
        tokens: ``(batch, queries, width)``: they ask.
        weights: dict with keys "query", "key", "value" and "output"; each
            is a pair ``(matrix (in, out), bias (out,))``.
        num_heads: must divide the width the query matrix produces.
        context: ``(batch, keys, width)``: they are asked; None means the
            tokens themselves (self-attention).
        mask: None, or booleans broadcasting to
            ``(batch, heads, queries, keys)``; True = may attend.

    Returns:
        ``(out, attn)``: ``(batch, queries, width)`` and
        ``(batch, heads, queries, keys)``.

    Raises:
        ValueError: wrong shapes, NaN, a head count that does not divide
            the width, a projection missing from `weights`.
        TypeError: not numbers, or a mask that is not boolean.

    Taught in week 1. Vaswani et al. (2017), section 3.2.2.
    """
    missing = {"query", "key", "value", "output"} - set(weights)
    if missing:
        raise ValueError(f"weights lack the projections {sorted(missing)}")
    context = tokens if context is None else context

    def project(array, name):
        array = as_float(array, "tokens" if name == "query" else "context")
        matrix, bias = (np.asarray(part) for part in weights[name])
        if array.ndim != 3 or array.shape[-1] != matrix.shape[0]:
            raise ValueError(
                f"the {name} projection maps width {matrix.shape[0]}; it "
                f"cannot take an array of shape {array.shape}"
            )
        return array @ matrix + bias

    query, key, value = (
        split_heads(project(array, name), num_heads)
        for array, name in (
            (tokens, "query"),
            (context, "key"),
            (context, "value"),
        )
    )
    heads, attn = scaled_dot_product_attention(query, key, value, mask)
    matrix, bias = weights["output"]
    return merge_heads(heads) @ matrix + bias, attn


def entropy(attn):
    """How spread out each row of attention is, in nats.

    Args:
        attn: ``(..., queries, keys)``, rows sum to 1.

    Returns:
        ``(..., queries)`` between 0 (all on one key) and ``log(keys)``
        (uniform). A row of zeros (everything masked) counts as 0.

    Raises:
        ValueError: NaN or negative weights.

    Taught in week 1. Shannon, "A Mathematical Theory of Communication"
    (1948).
    """
    attn = as_float(attn, "attn")
    if (attn < 0).any():
        raise ValueError("attn has negative entries: these are not weights")
    logs = np.log(np.where(attn > 0, attn, 1))
    return np.abs((attn * logs).sum(axis=-1))


def mean_distance(attn, grid):
    """How far a head looks on average, in patches.

    Args:
        attn: ``(..., tokens, tokens)`` over the patches of one image in
            reading order, rows sum to 1.
        grid: ``(rows, cols)`` with rows * cols = tokens.

    Returns:
        ``(...)``: the distance between query and key, averaged over keys
        by weight and over queries evenly.

    Raises:
        ValueError: attn is not square, or the grid does not hold that many
            patches, or NaN.

    Taught in week 1. Dosovitskiy et al. (2021), section 4.5 ("attention
    distance").
    """
    attn = as_float(attn, "attn")
    rows, cols = grid
    count = rows * cols
    if attn.shape[-2:] != (count, count):
        raise ValueError(
            f"a {rows} x {cols} grid has {count} patches, but attn has shape "
            f"{attn.shape}"
        )
    places = np.indices((rows, cols)).reshape(2, count).T  # (tokens, 2)
    gaps = places[:, None, :] - places[None, :, :]  # (tokens, tokens, 2)
    distance = np.hypot(gaps[..., 0], gaps[..., 1])
    return (attn * distance).sum(axis=-1).mean(axis=-1)
