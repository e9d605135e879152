"""What the reference in `attention` accepts, and what it says otherwise."""

import numpy as np


def as_float(array, name):
    """Return `array` as floats, or say clearly why it cannot be used."""
    array = np.asarray(array)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must be an array of real numbers, got {array.dtype}"
        )
    if not np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float64)
    if np.isnan(array).any():
        raise ValueError(f"{name} contains NaN: find where it came from first")
    return array


def check_heads(width, num_heads):
    """Raise unless `num_heads` is a positive int that divides `width`."""
    if not isinstance(num_heads, (int, np.integer)) or num_heads < 1:
        raise ValueError(f"num_heads must be a positive int, got {num_heads}")
    if width % num_heads:
        raise ValueError(
            f"num_heads={num_heads} does not divide the width {width}; "
            "choose a divisor so that every head gets the same head_dim"
        )


def check_shapes(query, key, value):
    """Raise ValueError unless the three arrays fit together."""
    for name, array in (("query", query), ("key", key), ("value", value)):
        if array.ndim < 2:
            raise ValueError(
                f"{name} needs shape (..., tokens, head_dim), "
                f"got {array.shape}"
            )
    if query.shape[-1] != key.shape[-1] or query.shape[-1] == 0:
        raise ValueError(
            "query and key are compared by dot products and need the same "
            f"head_dim > 0, got {query.shape[-1]} and {key.shape[-1]}"
        )
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(
            f"one value per key: got {key.shape[-2]} keys and "
            f"{value.shape[-2]} values"
        )
    try:
        np.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    except ValueError:
        raise ValueError(
            "the leading (batch, heads) axes do not fit together: "
            f"{query.shape}, {key.shape}, {value.shape}"
        ) from None


def apply_mask(logits, mask):
    """Return logits with -inf where `mask` is False."""
    mask = np.asarray(mask)
    if mask.dtype != bool:
        raise TypeError(
            f"mask must be boolean (True = may attend), got {mask.dtype}"
        )
    try:
        fits = np.broadcast_shapes(mask.shape, logits.shape) == logits.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"mask of shape {mask.shape} does not broadcast to "
            f"(..., queries, keys) = {logits.shape}"
        )
    return np.where(mask, logits, -np.inf)
