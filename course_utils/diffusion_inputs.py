"""Errors that name what is wrong with what a diffusion is given."""

from numbers import Integral

import torch


def check_choice(name, value, choices):
    """Raise ValueError unless value is one of the choices."""
    if value not in choices:
        raise ValueError(
            f"unknown {name} {value!r}: choose one of {', '.join(choices)}"
        )


def check_whole(name, value, least):
    """Raise TypeError or ValueError unless value is a whole number."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(
            f"{name} must be a whole number (int), got {value!r} of type "
            f"{type(value).__name__}"
        )
    if value < least:
        raise ValueError(f"{name} must be {least} or more, got {value}")


def check_tensor(name, value):
    """Raise TypeError unless value is a tensor of floats."""
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        kind = getattr(value, "dtype", type(value).__name__)
        raise TypeError(f"{name} must be a tensor of floats, got {kind}")


def check_betas(betas):
    """Raise TypeError or ValueError unless every beta is between 0 and 1."""
    check_tensor("betas", betas)
    if betas.ndim != 1 or len(betas) < 2:
        raise ValueError(
            "a schedule needs 2 or more betas in a row, got shape "
            f"{tuple(betas.shape)}"
        )
    inside = (betas > 0) & (betas < 1)
    if not inside.all():
        first = int((~inside).nonzero()[0])
        raise ValueError(
            f"beta of step {first} is {betas[first].item():.4g}: each must "
            "be more than 0 (or the step adds no noise) and less than 1 (or "
            "nothing of the picture is left)"
        )


def check_alpha_bars(alpha_bars):
    """Raise TypeError or ValueError unless they fall, between 1 and 0."""
    check_tensor("alpha_bars", alpha_bars)
    falls = alpha_bars.ndim == 1 and len(alpha_bars) >= 2
    falls = falls and bool((alpha_bars.diff() < 0).all())
    if not falls or not 0 < alpha_bars[-1] < alpha_bars[0] < 1:
        raise ValueError(
            "alpha_bars must fall from step to step, all less than 1 and "
            "more than 0: make them with linear_schedule, cosine_schedule "
            "or from_betas"
        )


def check_steps(t, total):
    """Raise TypeError or ValueError unless t counts steps of a schedule."""
    whole = (torch.int32, torch.int64)
    if not isinstance(t, torch.Tensor) or t.dtype not in whole:
        kind = t.dtype if isinstance(t, torch.Tensor) else type(t).__name__
        raise TypeError(
            f"t must be a tensor of whole numbers (torch.long), got {kind}: "
            "it is used as an index"
        )
    if t.ndim != 1:
        raise ValueError(
            f"t needs shape (batch,), one step a picture; got {tuple(t.shape)}"
        )
    if len(t) and not 0 <= int(t.min()) <= int(t.max()) < total:
        raise ValueError(
            f"t must lie from 0 to {total - 1}, the steps of the schedule; "
            f"got {int(t.min())} to {int(t.max())}"
        )


def check_pair(now, then):
    """Raise TypeError or ValueError unless a step leads from now to then."""
    check_tensor("now", now)
    check_tensor("then", then)
    if not ((now > 0) & (now < then) & (then <= 1)).all():
        raise ValueError(
            "a step back needs 0 < now < then <= 1: alpha_bar at this step, "
            f"and at the earlier one, where it is larger; got now = {now} and "
            f"then = {then}"
        )


def check_batch(name, pictures, t):
    """Raise TypeError or ValueError unless each picture has its step."""
    check_tensor(name, pictures)
    if pictures.ndim != 4 or len(pictures) != len(t):
        raise ValueError(
            f"{name} needs shape (batch, channels, height, width) and t "
            f"(batch,); got {tuple(pictures.shape)} and {tuple(t.shape)}"
        )


def check_same_shape(name, array, other_name, other):
    """Raise TypeError or ValueError unless two tensors are alike."""
    check_tensor(name, array)
    check_tensor(other_name, other)
    if array.shape != other.shape:
        raise ValueError(
            f"{name} has shape {tuple(array.shape)} and {other_name} "
            f"{tuple(other.shape)}: they must be alike"
        )
