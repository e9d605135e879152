"""Errors that name what is wrong with pictures for super-resolution."""

import torch

FACTOR = 4


def check_pictures(pictures):
    """Raise TypeError or ValueError unless these can be reduced by 4."""
    if not isinstance(pictures, torch.Tensor):
        raise TypeError(
            "pictures must be a tensor, got "
            f"{type(pictures).__name__}: pictures.as_tensor makes one"
        )
    if not pictures.is_floating_point():
        raise TypeError(
            f"pictures must be floats from 0 to 1, got {pictures.dtype}: "
            "divide by 255"
        )
    if pictures.ndim != 4 or pictures.shape[1] != 3:
        raise ValueError(
            "pictures need shape (batch, 3, height, width), got "
            f"{tuple(pictures.shape)}; repeat the channel of a grey one"
        )
    _check_sides(pictures.shape[2:])
    _check_range(pictures)


def _check_sides(sides):
    for name, side in zip(("height", "width"), sides, strict=True):
        if side < FACTOR or side % FACTOR:
            raise ValueError(
                f"the {name} is {side}, not a multiple of {FACTOR}: crop "
                f"it to {max(side // FACTOR, 1) * FACTOR}"
            )


def _check_range(pictures):
    if not pictures.numel():
        raise ValueError("there is no picture in the batch")
    low, high = pictures.min().item(), pictures.max().item()
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"pixels lie between {low:.4g} and {high:.4g}; expected 0 to 1. "
            "Divide values from 0 to 255 by 255; look for NaN"
        )


def check_condition(x_t, coarse):
    """Raise ValueError unless the enlarged coarse picture fits x_t."""
    if x_t.shape != coarse.shape:
        raise ValueError(
            f"x_t has shape {tuple(x_t.shape)}, but the condition, the "
            f"enlarged coarse picture, has {tuple(coarse.shape)}: they must "
            "be alike"
        )
