"""Errors that name what is wrong with pictures for super-resolution."""

import math

import torch

from course_utils.diffusion_inputs import check_whole

FACTOR = 4


def check_pictures(pictures):
    """Raise TypeError or ValueError unless these can be reduced by 4."""
    check_kind(pictures)
    _check_sides(pictures.shape[2:])
    _check_range(pictures)


def check_coarse(pictures):
    """Raise TypeError or ValueError unless these can be made fine."""
    check_kind(pictures)
    _check_range(pictures)


def check_kind(pictures):
    """Raise TypeError or ValueError unless these are pictures in colour.

    Their values may be anything: a residual is a picture here.
    """
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
            f"{tuple(pictures.shape)}; repeat the channel of a grey one, add "
            "an axis to one alone: picture[None]"
        )
    if not pictures.numel():
        raise ValueError(
            "there is no picture in the batch, or not one pixel: the shape "
            f"is {tuple(pictures.shape)}"
        )


def _check_sides(sides):
    for name, side in zip(("height", "width"), sides, strict=True):
        if side < FACTOR:
            raise ValueError(
                f"the {name} is {side}: pictures need {FACTOR} or more pixels "
                "a side"
            )
        if side % FACTOR:
            raise ValueError(
                f"the {name} is {side}, not a multiple of {FACTOR}: crop "
                f"it to {side // FACTOR * FACTOR}"
            )


def _check_range(pictures):
    low, high = pictures.min().item(), pictures.max().item()
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"pixels lie between {low:.4g} and {high:.4g}; expected 0 to 1. "
            "Divide values from 0 to 255 by 255; look for NaN"
        )


def check_condition(x_t, coarse):
    """Raise TypeError or ValueError unless the coarse picture fits x_t."""
    check_kind(x_t)
    if x_t.shape != coarse.shape:
        raise ValueError(
            f"x_t has shape {tuple(x_t.shape)}, but the condition, the "
            f"enlarged coarse picture, has {tuple(coarse.shape)}: they must "
            "be alike"
        )


def check_alike(pictures, truth):
    """Raise ValueError unless pictures and truth have the same shape."""
    if pictures.shape != truth.shape or pictures.ndim != 4:
        raise ValueError(
            f"pictures have shape {tuple(pictures.shape)} and the true ones "
            f"{tuple(truth.shape)}: they must be alike, (batch, 3, height, "
            "width)"
        )


def check_training(net, images, diffusion, rate, batch):
    """Raise TypeError or ValueError unless a training can start."""
    if not isinstance(images, torch.Tensor) or images.dtype != torch.uint8:
        kind = getattr(images, "dtype", type(images).__name__)
        raise TypeError(
            f"images must be a uint8 tensor, 0 to 255, got {kind}: they are "
            "divided by 255 batch by batch"
        )
    if images.ndim != 4 or images.shape[1] != 3 or not len(images):
        raise ValueError(
            "images need shape (n, 3, height, width), n of 1 or more, got "
            f"{tuple(images.shape)}; of channels last, take "
            "images.permute(0, 3, 1, 2)"
        )
    _check_sides(images.shape[2:])
    check_whole("batch", batch, 1)
    if not 0 < rate < math.inf:
        raise ValueError(f"rate must be more than 0, got {rate}")
    needed = 3 if diffusion is None else 6
    # A learner's own network says nothing of itself.
    takes = getattr(net, "settings", {}).get("in_channels", needed)
    if takes != needed:
        raise ValueError(
            f"the net takes {takes} channels, but "
            f"{'regression' if diffusion is None else 'diffusion'} needs "
            f"{needed}: UNet(in_channels={needed})"
        )
