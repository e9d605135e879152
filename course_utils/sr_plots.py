"""Figures of week 4 that its lesson only has to call.

What they show is computed in the lesson or comes from `sr_networks.runs`.
"""

import numpy as np
import torch

from course_utils import plots
from course_utils.diffusion_inputs import check_whole

STYLES = ("--", "-", ":", "-.")
SCORES = ("psnr", "sharpness")
HEADINGS = ("the tutorial's clock", "waves")


def schedules(bars):
    """Return a figure of alpha_bar by step.

    Args:
        bars: dict from name to `(steps,)`, one to four.

    Raises:
        ValueError: none, or more than there are styles of lines.
    """
    import matplotlib.pyplot as plt

    if not 1 <= len(bars) <= len(STYLES):
        raise ValueError(
            f"one to {len(STYLES)} schedules can be drawn, got {len(bars)}"
        )
    fig, ax = plt.subplots()
    for style, (name, bar) in zip(STYLES, bars.items(), strict=False):
        ax.plot(_array(bar), style, label=name)
    ax.set(xlabel="step t", ylabel=r"$\bar\alpha_t$, the picture's share")
    ax.legend(frameon=False)
    return fig


def clocks(raw, waves):
    """Return a figure of two time embeddings, each `(steps, width)`.

    Raises:
        ValueError: another shape.
    """
    import matplotlib.pyplot as plt

    raw, waves = _array(raw), _array(waves)
    for codes in (raw, waves):
        if codes.ndim != 2 or not codes.size:
            raise ValueError(
                f"an embedding needs shape (steps, width), got {codes.shape}"
            )
    fig, axes = plt.subplots(1, 2, figsize=(9, 3))
    for ax, codes, heading in zip(axes, (raw, waves), HEADINGS, strict=True):
        plots.heatmap(ax, codes[::8].T, "step / 8", "channel", heading)
    fig.tight_layout()
    return fig


def sampler_curves(runs):
    """Return a figure: PSNR and sharpness by the number of steps.

    Args:
        runs: see `sr_networks.runs`.

    Raises:
        KeyError: an array is missing.
        ValueError: scores of another shape.
    """
    import matplotlib.pyplot as plt

    for score in SCORES:
        shape = runs[f"sampler_{score}"].shape
        if len(shape) != 3 or shape[:2] != (2, len(runs["counts"])):
            raise ValueError(
                f"sampler_{score} needs shape (2, {len(runs['counts'])}, "
                f"pictures), got {shape}"
            )
    fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.2))
    labels = ("PSNR (dB)", "sharpness (real: 1)")
    for ax, score, label in zip(axes, SCORES, labels, strict=True):
        means = runs[f"sampler_{score}"].mean(axis=-1)
        lines = {"DDIM": means[0], "DDPM": means[1]}
        plots.curves(ax, runs["counts"], lines, "steps", label)
        ax.tick_params(axis="x", labelrotation=60)
    fig.tight_layout()
    return fig


def slot_dots(names, gains):
    """Return a figure: one row of dots for each name, one dot for each run.

    Args:
        names: n texts.
        gains: `(n, runs)` in dB.

    Raises:
        ValueError: another number of rows than of names, or NaN.
    """
    import matplotlib.pyplot as plt

    gains = _checked_gains(gains, names)
    fig, ax = plt.subplots(figsize=(7.5, 3.2))
    for row, gain in enumerate(gains):
        ax.plot(gain, np.full(len(gain), row), "o", color="C0")
    ax.axvline(0, color="0.4", lw=1)
    ax.set(
        yticks=range(len(names)),
        yticklabels=names,
        xlabel="PSNR over the equal perceptron (dB), a dot for each seed",
    )
    ax.invert_yaxis()
    return fig


def print_slots(runs, gains):
    """Print what stood in the slot: its size, its work, what it gained.

    Args:
        runs: see `sr_networks.runs`.
        gains: `(slots, seeds)` in dB, over the first.

    Raises:
        ValueError: another number of rows than of slots, or NaN.
    """
    gains = _checked_gains(gains, runs["slots"])
    sizes = runs["regression_size"]
    for name, size, gain in zip(runs["slots"], sizes, gains, strict=True):
        parameters, work = 100 * (size / sizes[0] - 1)
        seeds = "".join(f"{value:+8.3f}" for value in gain)
        print(
            f"{name:24}{parameters:+6.1f}% parameters {work:+6.1f}% work "
            f"{seeds} dB"
        )


def as_photo(picture, times=8):
    """Return one `(3, height, width)` picture as uint8, each pixel larger.

    Args:
        picture: tensor or array, 0 to 1; values beyond are clipped.
        times: pixels down and across that one becomes.

    Returns:
        `(times * height, times * width, 3)` uint8.

    Raises:
        TypeError: times is not a whole number.
        ValueError: another shape, NaN, or times less than 1.
    """
    check_whole("times", times, 1)
    pixels = _array(picture)
    if pixels.ndim != 3 or len(pixels) != 3:
        raise ValueError(
            f"one picture needs shape (3, height, width), got {pixels.shape}"
        )
    if np.isnan(pixels).any():
        raise ValueError("the picture holds NaN")
    pixels = np.moveaxis(pixels, 0, 2)
    pixels = np.round(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def _array(values):
    """Return a tensor, on any device, or what else there is, as an array."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().float().numpy()
    return np.asarray(values)


def _checked_gains(gains, names):
    gains = _array(gains)
    if gains.ndim != 2 or len(gains) != len(names):
        raise ValueError(
            f"gains need shape ({len(names)}, runs), a row for each name, "
            f"got {gains.shape}"
        )
    if not np.isfinite(gains).all():
        raise ValueError("gains hold NaN or infinite values")
    return gains
