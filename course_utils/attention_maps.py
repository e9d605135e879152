"""From a transformer's attention to maps over the image, in NumPy.

Shapes as everywhere: attention is ``(..., heads, queries, keys)`` and its
rows sum to 1; token 0 is the class token, the patches follow in reading
order. Taught in week 3.
"""

import numpy as np

from course_utils.attention_inputs import as_float

ROW_SUM_TOLERANCE = 1e-3  # half precision is this far off, logits further
ROUNDING = 1e-12  # a share of the sum: equal entries must not tip a count


def class_maps(attn, grid):
    """Return what the class token attends to, as one map per head.

    It is the class token's row of the attention without its first column,
    the class token itself. The rest is NOT renormalised: a map sums to 1
    minus the weight that the class token gives itself.

    Args:
        attn: ``(..., heads, tokens, tokens)``, rows sum to 1.
        grid: ``(rows, cols)`` of the patches; 1 + rows * cols = tokens.

    Returns:
        ``(..., heads, rows, cols)``, entries from 0 to 1.

    Raises:
        ValueError: the grid does not hold that many patches, or attn is
            not square, holds NaN, or its rows do not sum to 1 (logits?).
        TypeError: not numbers.

    Taught in week 3. Caron et al., "Emerging Properties in Self-Supervised
    Vision Transformers" (2021), figures 1 and 3.
    """
    attn = _checked(attn, "attn (..., heads, tokens, tokens)", 3)
    rows, cols = grid
    if attn.shape[-1] != 1 + rows * cols:
        raise ValueError(
            f"a {rows} x {cols} grid and a class token make "
            f"{1 + rows * cols} tokens, but attn has {attn.shape[-1]}"
        )
    return attn[..., 0, 1:].reshape(*attn.shape[:-2], rows, cols)


def upsample(maps, patch_size):
    """Enlarge maps to pixels: every entry becomes a patch of its value.

    Args:
        maps: ``(..., rows, cols)``.
        patch_size: side of a patch in pixels, the model's own.

    Returns:
        ``(..., rows * patch_size, cols * patch_size)``, nearest neighbour:
        it covers the image as cropped or padded to whole patches.

    Raises:
        ValueError: fewer than 2 axes, or patch_size is not an int >= 1.

    Taught in week 3.
    """
    maps = np.asarray(maps)
    if maps.ndim < 2:
        raise ValueError(
            f"maps need shape (..., rows, cols), got {maps.shape}"
        )
    if not isinstance(patch_size, (int, np.integer)) or patch_size < 1:
        raise ValueError(f"patch_size must be an int >= 1, got {patch_size}")
    return maps.repeat(patch_size, axis=-2).repeat(patch_size, axis=-1)


def mass_mask(maps, keep=0.6):
    """Mark the smallest set of entries that holds a share of the sum.

    The largest entries are taken first (of equal ones the first in reading
    order) until they hold at least `keep` of the map's own sum. Every map
    is treated by itself.

    Args:
        maps: ``(..., rows, cols)``, entries >= 0.
        keep: share of the sum, above 0 and at most 1.

    Returns:
        ``(..., rows, cols)`` booleans.

    Raises:
        ValueError: keep out of range, NaN, infinite or negative entries,
            or a map that is 0 everywhere.
        TypeError: not numbers.

    Taught in week 3. Caron et al. (2021), section 4.2.2: 60%.
    """
    if not 0 < keep <= 1:
        raise ValueError(f"keep must be above 0 and at most 1, got {keep}")
    maps = as_float(maps, "maps").astype(np.float64)
    if maps.ndim < 2:
        raise ValueError(
            f"maps need shape (..., rows, cols), got {maps.shape}"
        )
    if (maps < 0).any() or np.isinf(maps).any():
        raise ValueError("maps hold entries that are negative or infinite")
    flat = maps.reshape(*maps.shape[:-2], -1)
    order = np.argsort(-flat, axis=-1, kind="stable")
    mass = np.take_along_axis(flat, order, axis=-1).cumsum(axis=-1)
    if (mass[..., -1:] == 0).any():
        raise ValueError("a map is 0 everywhere: it has no mass to keep")
    enough = mass >= keep * mass[..., -1:] * (1 - ROUNDING)
    taken = np.arange(flat.shape[-1]) <= enough.argmax(axis=-1)[..., None]
    mask = np.empty(flat.shape, bool)
    np.put_along_axis(mask, order, taken, axis=-1)
    return mask.reshape(maps.shape)


def rollout(attn, residual=0.5):
    """Follow attention through all layers back to the input tokens.

    Of each layer: average the heads, mix with the identity (the residual
    connection carries a token past the attention), divide every ROW by its
    sum; then multiply, later layers from the left.

    Args:
        attn: ``(layers, ..., heads, tokens, tokens)``, rows sum to 1.
        residual: share of the identity, from 0 (attention alone) to 1.

    Returns:
        ``(..., tokens, tokens)``; row i says how much of each input token
        reaches output token i, and sums to 1.

    Raises:
        ValueError: residual out of range; no layers, attn not square,
            holds NaN, or its rows do not sum to 1.
        TypeError: not numbers.

    Taught in week 3. Abnar and Zuidema, "Quantifying Attention Flow in
    Transformers" (2020), section 3.
    """
    if not 0 <= residual <= 1:
        raise ValueError(f"residual must lie from 0 to 1, got {residual}")
    attn = _checked(attn, "attn (layers, ..., heads, tokens, tokens)", 4)
    identity = np.eye(attn.shape[-1])
    flow = identity
    for layer in attn:
        mean = layer.mean(axis=-3, dtype=np.float64)  # (..., tokens, tokens)
        mixed = residual * identity + (1 - residual) * mean
        flow = mixed / mixed.sum(axis=-1, keepdims=True) @ flow
    return flow


def _checked(attn, name, num_axes):
    """Return attention as floats, or say why it is none."""
    attn = as_float(attn, "attn")
    if attn.ndim < num_axes or attn.shape[-1] != attn.shape[-2]:
        raise ValueError(f"expected {name}, got shape {attn.shape}")
    if 0 in attn.shape:
        raise ValueError(f"{name} is empty: its shape is {attn.shape}")
    gap = np.abs(attn.sum(axis=-1, dtype=np.float64) - 1).max()
    if gap > ROW_SUM_TOLERANCE or attn.min() < 0:
        raise ValueError(
            "attn must hold weights whose rows sum to 1 (they are off by up "
            f"to {gap:.3g}, the smallest entry is {attn.min():.3g}): take "
            "it after the softmax, with all its columns"
        )
    return attn
