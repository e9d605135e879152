"""Figures of week 6 that compare: heads by group, methods by time.

See `graph_figures`. Used in week 6.
"""

import numpy as np

from course_utils.graph_curves import MARKERS, check_count, panels


def weights_by(groups, head_names):
    """Draw the weights of heads by group: class of image, noise level.

    Args:
        groups: dict from name to `(heads,)` weights that sum to 1, or
            `(n, heads)`, one row an image: bars are means, lines reach one
            standard deviation to each side.
        head_names: one for each head.

    Returns:
        A figure, one panel a head and one bar a group, so that groups
        are compared on a common line.

    Raises:
        ValueError: no group, another number of heads, weights that are
            negative or do not sum to 1.

    Used in week 6.
    """
    import matplotlib.pyplot as plt

    rows = [_weights(name, w, head_names) for name, w in groups.items()]
    if not rows:
        raise ValueError("give at least one group of weights")
    means = np.array([some.mean(axis=0) for some in rows])
    spread = np.array([some.std(axis=0) for some in rows])
    fig, axes = plt.subplots(
        1,
        len(head_names),
        figsize=(10, 1 + 0.34 * len(rows)),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for i, (ax, head) in enumerate(zip(axes[0], head_names, strict=True)):
        _bars(ax, means[:, i], spread[:, i])
        ax.set(title=head, xlabel="mean, ± 1 SD" if spread.any() else "weight")
    axes[0, 0].set_yticks(range(len(rows)), groups)
    axes[0, 0].set(xlim=(0, 1.35), ylim=(len(rows) - 0.4, -0.6))
    axes[0, 0].set_xticks((0, 0.5, 1))
    return fig


def _weights(name, weights, head_names):
    weights = np.atleast_2d(np.asarray(weights, dtype=float))
    if weights.ndim != 2 or weights.shape[1] != len(head_names):
        raise ValueError(
            f"group {name!r} needs a weight for each of {len(head_names)} "
            f"heads, got shape {weights.shape}"
        )
    whole = np.allclose(weights.sum(axis=1), 1, atol=1e-3)
    if not (whole and weights.size and weights.min() >= 0):
        raise ValueError(
            f"weights of group {name!r} must be 0 or more and sum to 1"
        )
    return weights


def _bars(ax, means, spread):
    rows = np.arange(len(means))
    ax.barh(rows, means, height=0.7, color="C0", alpha=0.7)
    seen = spread > 0
    ax.errorbar(means[seen], rows[seen], xerr=spread[seen], fmt="none",
                ecolor="black", capsize=2, lw=1)  # fmt: skip
    for row, (mean, wide) in enumerate(zip(means, spread, strict=True)):
        ax.text(mean + wide + 0.03, row, f"{mean:.2f}", va="center",
                fontsize=9)  # fmt: skip


def trade_off(names, psnr_gain, seconds):
    """Draw what each method gains against the time it takes.

    Args:
        names: n methods, 12 at most.
        psnr_gain: `(n,)`, dB above the noisy image; may be negative.
        seconds: `(n,)`, above 0, of one image.

    Returns:
        A figure; the legend lists methods from the largest gain down.

    Raises:
        ValueError: too many names, other lengths, seconds not above 0.

    Used in week 6.
    """
    check_count("methods", names, MARKERS)
    gains, seconds = np.asarray(psnr_gain), np.asarray(seconds)
    if not gains.shape == seconds.shape == (len(names),):
        raise ValueError(
            f"{len(names)} methods need as many gains and seconds, got "
            f"shapes {gains.shape} and {seconds.shape}"
        )
    if not ((seconds > 0).all() and np.isfinite(gains).all()):
        raise ValueError("gains must be finite and seconds above 0")
    fig, (ax,) = panels(1)
    fig.set_figwidth(9)
    ax.axhline(0, color="0.4", ls="--", lw=1)
    for place, i in enumerate(np.argsort(-gains, kind="stable")):
        ax.plot(
            seconds[i],
            gains[i],
            MARKERS[place],
            ms=10,
            mec="black",
            color=f"C{place}",
            label=f"{names[i]}: {gains[i]:+.2f} dB, {seconds[i]:.2g} s",
        )
    ax.set(xscale="log", xlabel="seconds for an image")
    ax.set_ylabel("PSNR above the noisy image (dB)")
    ax.grid(color="0.9")
    fig.legend(loc="outside right center", frameon=False, fontsize=9)
    return fig
