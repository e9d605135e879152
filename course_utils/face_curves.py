"""Figures of how attributes were learned: attention, remedies, training.

Each function returns a figure for `plots.show`, which adds the alt text.
Used in week 5.
"""

import numpy as np

from course_utils.face_groups import GROUPS, check_frequencies, groups_of


def attention_flow(entropy, frequencies):
    """Draw how focused attention is, layer by layer, rare against common.

    Left: each attribute a thin line, the mean of each group a thick one.
    Right: the last layer, by frequency.

    Args:
        entropy: `(layers, attributes)`, as a share of log(keys), 0 to 1.
        frequencies: `(attributes,)`, between 0 and 1.

    Returns:
        A figure.

    Raises:
        ValueError: shapes that do not fit, values out of range.

    Used in week 5.
    """
    import matplotlib.pyplot as plt

    entropy = _checked_entropy(entropy)
    frequencies = check_frequencies(entropy[0], frequencies)
    fig, (flow, last) = plt.subplots(
        1, 2, figsize=(9.5, 3.4), sharey=True, layout="constrained"
    )
    for name, members in groups_of(frequencies).items():
        _flow(flow, entropy[:, members], GROUPS[name])
        _scatter(last, frequencies[members], entropy[-1, members], name)
    for ax in (flow, last):
        ax.axhline(1, color="0.6", lw=1)
    flow.set(xlabel="layer", ylabel="entropy / log(keys)")
    flow.set_xticks(range(1, len(entropy) + 1))
    flow.set_title("line on top: uniform attention", fontsize=9)
    flow.legend(frameon=False, fontsize=8)
    last.set(xlabel="faces that have it (%)", xscale="log")
    last.set_title(f"layer {len(entropy)}", fontsize=9)
    _percent_ticks(last)
    return fig


def _checked_entropy(entropy):
    entropy = np.asarray(entropy, dtype=float)
    if entropy.ndim != 2 or not entropy.size:
        raise ValueError(
            f"entropy needs shape (layers, attributes), got {entropy.shape}"
        )
    # Rounding may bring uniform attention a little above 1.
    if not ((entropy >= 0) & (entropy <= 1.001)).all():
        raise ValueError(
            "entropy must be a share of log(keys), 0 to 1, got "
            f"{entropy.min():.3g} to {entropy.max():.3g}: divide it by "
            "log(keys)"
        )
    return entropy


def _flow(ax, entropy, look):
    """Draw a group's attributes thin, and their mean thick."""
    layers = range(1, len(entropy) + 1)
    ax.plot(layers, entropy, color=look.colour, lw=0.5, alpha=0.4)
    ax.plot(
        layers,
        entropy.mean(axis=1),
        look.marker + look.dash,
        color=look.colour,
        lw=2.5,
        label=f"{look.label}, mean of {entropy.shape[1]}",
    )


def _scatter(ax, frequencies, values, name):
    """Draw values of a group's attributes by frequency, in per cent."""
    look = GROUPS[name]
    ax.plot(
        100 * frequencies, values, look.marker, color=look.colour, alpha=0.8
    )


def _percent_ticks(ax):
    """Label a logarithmic axis of per cent with plain numbers."""
    ticks = (2, 5, 10, 20, 50)
    ax.minorticks_off()
    ax.set_xticks(ticks, [str(tick) for tick in ticks])


def remedy_dots(names, values, baseline=None, *, xlabel="score"):
    """Draw what each remedy reached: a dot for each seed, and the range.

    Args:
        names: n remedies, the first on top.
        values: `(n, seeds)`, or a dict from what they are to such arrays:
            one panel each.
        baseline: a number to draw as a dashed line, or a dict of them by
            panel; those without have none.
        xlabel: what the values are, if they are no dict.

    Returns:
        A figure.

    Raises:
        ValueError: another number of rows than of names, NaN, a baseline
            of a panel that is not there.

    Used in week 5.
    """
    import matplotlib.pyplot as plt

    if not isinstance(values, dict):
        values = {xlabel: values}
        baseline = {} if baseline is None else {xlabel: baseline}
    baseline = baseline or {}
    values = {key: _runs(key, some, names) for key, some in values.items()}
    if unknown := {*baseline} - {*values}:
        raise ValueError(
            f"baseline of {', '.join(sorted(unknown))}, but the panels are "
            f"{', '.join(values)}"
        )
    fig, axes = plt.subplots(
        1,
        len(values),
        figsize=(2.2 + 2.6 * len(values), 0.9 + 0.27 * len(names)),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for ax, (title, runs) in zip(axes[0], values.items(), strict=True):
        _dots(ax, runs)
        if title in baseline:
            ax.axvline(baseline[title], color="0.4", ls="--", lw=1)
        ax.set_xlabel(title)
        ax.grid(axis="y", color="0.9")
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].set_ylim(len(names) - 0.4, -0.6)
    return fig


def _runs(title, runs, names):
    runs = np.asarray(runs, dtype=float)
    if runs.ndim != 2 or len(runs) != len(names) or not runs.size:
        raise ValueError(
            f"{title}: values need shape ({len(names)}, seeds), a row for "
            f"each remedy, got {runs.shape}"
        )
    if not np.isfinite(runs).all():
        raise ValueError(f"{title}: values hold NaN or infinity")
    return runs


def _dots(ax, runs):
    rows = np.arange(len(runs))
    ax.hlines(rows, runs.min(axis=1), runs.max(axis=1), color="C0", lw=3,
              alpha=0.35)  # fmt: skip
    for row, some in zip(rows, runs, strict=True):
        ax.plot(some, np.full(len(some), row), "o", ms=5, color="C0")
    ax.plot(runs.mean(axis=1), rows, "|", ms=13, mew=2, color="black")


def training_panels(history, average_precision=None):
    """Draw six panels of a training; what was not recorded says so.

    Args:
        history: a `diagnosis.History`.
        average_precision: `(epochs, attributes)` on validation faces, or
            None.

    Returns:
        A figure: loss, average precision, positive rate against the true
        one, learning rate, entropy of attention, gradient of the queries.

    Raises:
        ValueError: average_precision of another shape than the rates.

    Used in week 5.
    """
    import matplotlib.pyplot as plt

    rates = np.asarray(history.rates, dtype=float)
    if average_precision is not None:
        average_precision = np.asarray(average_precision, dtype=float)
        if average_precision.shape != rates.shape:
            raise ValueError(
                f"average_precision needs shape {rates.shape}, like the "
                f"rates, got {average_precision.shape}"
            )
    groups = groups_of(history.frequencies)
    fig, axes = plt.subplots(2, 3, figsize=(10, 5), layout="constrained")
    loss, precision, positive, rate, entropy, gradient = axes.flat
    _line(loss, history.losses, "look", "training loss")
    _by_group(precision, average_precision, groups, "average precision")
    _by_group(positive, rates, groups, "positive rate")
    for name, members in groups.items():
        true = np.asarray(history.frequencies)[members].mean()
        positive.axhline(true, color=GROUPS[name].colour, lw=1)
    positive.set_title("thin lines: the true rate", fontsize=9)
    positive.legend(frameon=False, fontsize=7)
    _line(rate, history.learning_rates, "step", "learning rate", "")
    _line(entropy, history.attn_entropy, "look", "entropy / log(keys)")
    entropy.set_ylim(0, 1.05)
    _line(gradient, history.query_gradient, "look", "gradient of queries")
    return fig


def _line(ax, values, xlabel, ylabel, marker="o"):
    """Draw one curve from 1 on, or say that there is none."""
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if values is None:
        _say_missing(ax)
        return
    values = np.asarray(values, dtype=float)
    ax.plot(range(1, len(values) + 1), values, marker + "-", ms=3)
    ax.set_ylim(bottom=min(0, np.nanmin(values, initial=0)))
    if missing := np.isnan(values).sum():
        ax.set_title(f"{missing} of {len(values)} are NaN", fontsize=9)


def _by_group(ax, values, groups, ylabel):
    """Draw the mean of each group by epoch."""
    ax.set(xlabel="look", ylabel=ylabel, ylim=(0, 1))
    if values is None:
        _say_missing(ax)
        return
    epochs = range(1, len(values) + 1)
    for name, members in groups.items():
        look = GROUPS[name]
        ax.plot(
            epochs,
            np.nanmean(values[:, members], axis=1),
            look.marker + look.dash,
            ms=4,
            color=look.colour,
            label=look.label,
        )


def _say_missing(ax):
    ax.set(xticks=[], yticks=[])
    ax.text(0.5, 0.5, "not recorded", ha="center", transform=ax.transAxes)
