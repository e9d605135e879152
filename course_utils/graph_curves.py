"""Figures of week 6 in curves; see `graph_figures`.

Markers or dashes differ wherever colours do. Used in week 6.
"""

import numpy as np

DASHES = ("-", "--", ":", "-.", (0, (7, 2, 1, 2, 1, 2)), (0, (1, 4)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "p", "h")
DOTS = 12  # markers on a curve, at most: more would hide its dashes


def controllers(trajectories, optimum):
    """Draw where several rules take the parameters, step by step.

    Args:
        trajectories: dict from rule to its parameters: dict from name,
            such as "sigma", to `(steps,)` numbers above 0. What optimum
            does not name is left out.
        optimum: dict from name to the best value, drawn dashed.

    Returns:
        A figure, one panel a parameter, logarithmic.

    Raises:
        ValueError: no rule or too many, a parameter that a rule lacks, or
            values not above 0.

    Used in week 6.
    """
    check_count("rules", trajectories, DASHES)
    for rule, path in trajectories.items():
        for name in optimum:
            _check_path(rule, name, path)
    fig, axes = panels(len(optimum))
    for ax, (name, best) in zip(axes, optimum.items(), strict=True):
        for i, (rule, path) in enumerate(trajectories.items()):
            curve(ax, np.arange(len(path[name])), path[name], i, rule)
        ax.axhline(best, color="0.3", ls=(0, (5, 5)), lw=1.2)
        ax.set_title(f"level dashed line: the optimum, {best:.3g}")
        ax.set(xlabel="step", ylabel=name)
        logarithmic(ax, "y")
    axes[0].legend(frameon=False, fontsize=9)
    return fig


def check_count(kind, things, looks):
    if not 1 <= len(things) <= len(looks):
        raise ValueError(f"give 1 to {len(looks)} {kind}, got {len(things)}")


def _check_path(rule, name, path):
    if name not in path:
        raise ValueError(
            f"rule {rule!r} has no {name!r}, only {', '.join(path)}"
        )
    values = np.asarray(path[name], dtype=float)
    if values.ndim != 1 or not (values > 0).all():
        raise ValueError(
            f"{name} of rule {rule!r} must be numbers above 0 in one row: "
            "the axis is logarithmic"
        )


def panels(count):
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(
        1,
        count,
        figsize=(6 if count == 1 else 10, 3.6),
        squeeze=False,
        layout="constrained",
    )
    return fig, axes[0]


def curve(ax, x, values, place, label, **looks):
    """Draw one curve with the colour, dashes and marker of its place."""
    ax.plot(
        x,
        values,
        color=f"C{place}",
        ls=DASHES[place],
        marker=MARKERS[place],
        markevery=max(1, len(x) // DOTS),
        ms=5,
        label=label,
        **looks,
    )


def logarithmic(ax, name):
    """Make the axis "x" or "y" logarithmic, with plain numbers."""
    from matplotlib.ticker import LogLocator, NullLocator

    axis = getattr(ax, f"{name}axis")
    getattr(ax, f"set_{name}scale")("log")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")


def risk_curves(sigmas, true_risk, estimated_risk):
    """Draw the error over sigma, and what SURE says of it.

    SURE is Stein's unbiased risk estimate (Stein, "Estimation of the Mean
    of a Multivariate Normal Distribution", 1981): it needs the noise level
    but no clean image. The minimum of each curve is marked.

    Args:
        sigmas: n bandwidths above 0.
        true_risk: `(n,)`, mean squared error to the clean image.
        estimated_risk: `(n,)`, SURE; chance may bring it below 0.

    Returns:
        A figure.

    Raises:
        ValueError: other lengths, NaN, sigmas not above 0.

    Used in week 6.
    """
    sigmas = np.asarray(sigmas, dtype=float)
    curves = {
        "true error, needs the clean image": np.asarray(true_risk),
        "SURE, needs the noise level only": np.asarray(estimated_risk),
    }
    for name, values in curves.items():
        check_row(name, values, sigmas)
    if not (sigmas > 0).all():
        raise ValueError("sigmas must be above 0: the axis is logarithmic")
    fig, (ax,) = panels(1)
    for i, (name, values) in enumerate(curves.items()):
        low = values.argmin()
        curve(ax, sigmas, values, i, f"{name}: least at {sigmas[low]:.3g}")
        ax.plot(sigmas[low], values[low], "*", ms=17, color=f"C{i}",
                mec="black")  # fmt: skip
    ax.set(xlabel="sigma", ylabel="mean squared error")
    logarithmic(ax, "x")
    fig.legend(loc="outside upper left", frameon=False, fontsize=9)
    return fig


def check_row(name, values, along):
    if values.shape != along.shape or not np.isfinite(values).all():
        raise ValueError(
            f"{name}: give {along.size} finite numbers, one a sigma, got "
            f"shape {values.shape}"
        )


def convergence(histories, steps):
    """Draw PSNR by iteration: the median of runs and their range.

    Args:
        histories: dict from name to `(runs, points)` PSNR in dB, one row a
            seed or photo.
        steps: `(points,)`, the iterations at which they were scored.

    Returns:
        A figure: lines are medians, bands go from the lowest run to the
        highest.

    Raises:
        ValueError: no history or too many, runs of different lengths, NaN,
            points that are not those of steps.

    Used in week 6.
    """
    check_count("histories", histories, DASHES)
    runs = {name: _runs(name, some, steps) for name, some in histories.items()}
    fig, (ax,) = panels(1)
    for i, (name, some) in enumerate(runs.items()):
        low, high = some.min(axis=0), some.max(axis=0)
        ax.fill_between(steps, low, high, color=f"C{i}", alpha=0.15, lw=0)
        for edge in (low, high):
            ax.plot(steps, edge, color=f"C{i}", ls=DASHES[i], lw=0.7)
        curve(ax, steps, np.median(some, axis=0), i, name, lw=2.2)
    ax.set(xlabel="iteration", ylabel="PSNR (dB)")
    ax.set_title("median, and from the lowest run to the highest")
    ax.legend(frameon=False, fontsize=9)
    return fig


def _runs(name, some, steps):
    some = np.atleast_2d(np.asarray(some, dtype=float))
    fits = some.ndim == 2 and some.shape[1] == len(steps)
    if not fits or not np.isfinite(some).all():
        raise ValueError(
            f"{name}: give finite PSNR (runs, points), a point for each "
            f"step, got shape {some.shape}"
        )
    return some
