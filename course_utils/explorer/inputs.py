"""Turn the explorer's arguments into clean arrays, or say what is wrong."""

import numpy as np


def as_grid(grid):
    """Return `grid` as (rows, cols), two positive integers."""
    try:
        rows, cols = (int(side) for side in grid)
    except (TypeError, ValueError):
        raise ValueError(
            f"grid must be (rows, columns), two integers; got {grid!r}"
        ) from None
    if rows < 1 or cols < 1:
        raise ValueError(f"grid needs at least one row and column: {grid!r}")
    return rows, cols


def as_image(image, grid):
    """Return `image` as uint8 (height, width, 3), big enough for `grid`."""
    image = np.asarray(image)
    if image.dtype != np.uint8:
        raise ValueError(
            f"image must be uint8 with values 0 to 255, got {image.dtype}; "
            'for values 0 to 1 use (image * 255).round().astype("uint8")'
        )
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            "image must have shape (height, width) or (height, width, 3), "
            f"got {image.shape}"
        )
    if image.shape[0] < grid[0] or image.shape[1] < grid[1]:
        raise ValueError(
            f"image of {image.shape[0]} x {image.shape[1]} pixels is too "
            f"small for a grid of {grid[0]} x {grid[1]} patches"
        )
    return image


def as_attention(attn, grid):
    """Return `attn` as floats (layers, heads, queries, keys), checked."""
    if hasattr(attn, "detach"):  # a torch tensor, on whatever device
        attn = attn.detach().cpu()
    attn = np.asarray(attn)
    if attn.ndim not in (2, 3, 4) or attn.dtype.kind != "f":
        raise ValueError(
            "attn must be floats of shape (queries, keys), (heads, queries, "
            "keys) or (layers, heads, queries, keys), got "
            f"{attn.dtype} of shape {attn.shape}"
        )
    attn = attn.reshape((1,) * (4 - attn.ndim) + attn.shape)
    if 0 in attn.shape:
        raise ValueError(f"attn is empty: shape {attn.shape}")
    _check_tokens(attn.shape, grid)
    _check_rows(attn)
    return attn


def _check_tokens(shape, grid):
    """Queries and keys must both be the patches of the grid."""
    queries, keys = shape[-2:]
    patches = grid[0] * grid[1]
    if queries == keys == patches:
        return
    hint = ""
    if queries == keys == patches + 1:
        hint = (
            "; one token more looks like a class token: drop it with "
            "attn = attn[..., 1:, 1:] and make the rows sum to 1 again "
            "with attn / attn.sum(-1, keepdims=True)"
        )
    raise ValueError(
        f"attn has {queries} queries and {keys} keys, but a grid of "
        f"{grid[0]} x {grid[1]} has {patches} patches{hint}"
    )


def _check_rows(attn):
    """Every row must be a distribution: finite, not negative, sum 1."""
    if not np.isfinite(attn).all():
        raise ValueError("attn holds NaN or infinity; was a row all masked?")
    if attn.min() < 0:
        raise ValueError(
            f"attn holds negative weights (down to {attn.min():.3g}); "
            "pass the weights after softmax, not the logits"
        )
    worst = np.abs(attn.sum(axis=-1, dtype=np.float64) - 1).max()
    if worst > 1e-3:
        raise ValueError(
            f"every row of attn must sum to 1, one is off by {worst:.3g}; "
            "pass the weights after softmax over the last axis (keys)"
        )


def as_text(alt):
    """Return the description of the picture, which must say something."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(
            "alt must say in words what the image shows, for learners who "
            "cannot see it"
        )
    return " ".join(alt.split())


def as_titles(titles, heads):
    """Return one name per head; by default "head 0", "head 1", ..."""
    if titles is None:
        return [f"head {index}" for index in range(heads)]
    titles = [titles] if isinstance(titles, str) else [*map(str, titles)]
    if len(titles) != heads:
        raise ValueError(
            f"titles must name each head: {len(titles)} titles for "
            f"{heads} heads"
        )
    return titles


def as_query(query, grid):
    """Return the first query (row, column); by default the middle patch."""
    if query is None:
        return grid[0] // 2, grid[1] // 2
    try:
        row, col = (int(index) for index in query)
    except (TypeError, ValueError):
        raise ValueError(
            f"query must be (row, column), two integers; got {query!r}"
        ) from None
    if not (0 <= row < grid[0] and 0 <= col < grid[1]):
        raise ValueError(
            f"query {(row, col)} lies outside the grid of {grid[0]} rows "
            f"and {grid[1]} columns (both count from 0)"
        )
    return row, col
