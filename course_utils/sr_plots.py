"""Figures of week 4 that its lesson only has to call.

What they show is computed in the lesson or comes from `sr_networks.runs`.
"""

import numpy as np

from course_utils import plots

STYLES = ("--", "-", ":", "-.")
SCORES = ("psnr", "sharpness")
HEADINGS = ("the tutorial's clock", "waves")


def schedules(bars):
    """Return a figure of alpha_bar by step.

    Args:
        bars: dict from name to `(steps,)`, at most four.
    """
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots()
    for style, (name, bar) in zip(STYLES, bars.items(), strict=False):
        ax.plot(bar, style, label=name)
    ax.set(xlabel="step t", ylabel=r"$\bar\alpha_t$, the picture's share")
    ax.legend(frameon=False)
    return fig


def clocks(raw, waves):
    """Return a figure of two time embeddings, each `(steps, width)`."""
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 2, figsize=(9, 3))
    for ax, codes, heading in zip(axes, (raw, waves), HEADINGS, strict=True):
        plots.heatmap(ax, codes[::8].T, "step / 8", "channel", heading)
    fig.tight_layout()
    return fig


def sampler_curves(runs):
    """Return a figure: PSNR and sharpness by the number of steps.

    Args:
        runs: see `sr_networks.runs`.
    """
    import matplotlib.pyplot as plt

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
    """
    import matplotlib.pyplot as plt

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
    """
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
        picture: tensor, 0 to 1.
        times: pixels down and across that one becomes.
    """
    pixels = np.moveaxis(np.asarray(picture), 0, 2)
    pixels = np.round(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    return pixels.repeat(times, axis=0).repeat(times, axis=1)
