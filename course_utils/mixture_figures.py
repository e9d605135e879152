"""Figures of week 6 about mixtures of patches; see `graph_figures`.

Used in week 6.
"""

import numpy as np

from course_utils.graph_curves import check_row, curve, panels


def likelihood(
    history, other=None, labels=("training patches", "held-out patches")
):
    """Draw the log-likelihood by EM step; steps that lost are marked.

    EM never lowers the likelihood of what it is trained on (Dempster,
    Laird and Rubin, "Maximum Likelihood from Incomplete Data via the EM
    Algorithm", 1977, theorem 1).

    Args:
        history: `(steps,)`, 2 or more, mean log-likelihood of a patch.
        other: `(steps,)` of other patches, or None.
        labels: of the two.

    Returns:
        A figure; its title says how many steps lowered the first curve.

    Raises:
        ValueError: fewer than 2 steps, other lengths, NaN.

    Used in week 6.
    """
    history = np.asarray(history, dtype=float)
    if history.ndim != 1 or len(history) < 2:
        raise ValueError("history needs 2 or more numbers in one row")
    curves = [history] if other is None else [history, np.asarray(other)]
    fig, (ax,) = panels(1)
    steps = np.arange(len(history))
    for i, (label, values) in enumerate(zip(labels, curves, strict=False)):
        check_row(label, values, history)
        curve(ax, steps, values, i, label)
    # Rounding moves the last digits up and down once EM has converged.
    slack = 1e-9 * np.abs(history).max()
    lost = steps[1:][np.diff(history) < -slack]
    ax.plot(lost, history[lost], "x", ms=11, mew=2.5, color="black")
    ax.set_title(
        f"{labels[0]}: {len(lost)} of {len(history) - 1} steps went down"
    )
    ax.set(xlabel="EM step", ylabel="log-likelihood of a patch (nats)")
    ax.legend(frameon=False, fontsize=9)
    return fig


def components(arrays, side, weights=None, *, shown=8, vectors=4):
    """Draw what the components of a mixture of patches look like.

    Args:
        arrays: covariances `(k, width, width)`: below each component its
            leading eigenvectors, in which its patches vary most (Zoran
            and Weiss, "From Learning Models of Natural Image Patches to
            Whole Image Restoration", 2011, figure 6); or means
            `(k, width)`. width is side * side * 3.
        side: of a patch, pixels.
        weights: `(k,)`, share of each component; the largest are shown,
            else the first.
        shown: components, one column each.
        vectors: eigenvectors of each.

    Returns:
        A figure. Eigenvectors, and means that are not within 0 to 1, have
        neither sign nor scale of a colour: 0 is drawn grey.

    Raises:
        ValueError: arrays that do not fit the side, or weights that do not
            fit the arrays; NaN.

    Used in week 6.
    """
    import matplotlib.pyplot as plt

    arrays = _checked_components(arrays, side, weights)
    order = np.arange(len(arrays))
    if weights is not None:
        order = np.argsort(-np.asarray(weights), kind="stable")
    order = order[:shown]
    tiles = _tiles(arrays[order], vectors)
    rows, tiles = tiles.shape[1], tiles.reshape(-1, side, side, 3)
    fig, axes = plt.subplots(
        rows,
        len(order),
        figsize=(1.2 * len(order), 0.35 + 1.2 * rows),
        squeeze=False,
        layout="constrained",
    )
    for ax, tile in zip(axes.T.flat, tiles, strict=True):
        ax.imshow(tile)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    for ax, number in zip(axes[0], order, strict=True):
        share = "" if weights is None else f": {weights[number]:.1%}"
        ax.set_title(f"{number}{share}", fontsize=10)
    return fig


def _checked_components(arrays, side, weights):
    arrays = np.asarray(arrays, dtype=float)
    width = side * side * 3
    if arrays.ndim not in (2, 3) or {*arrays.shape[1:]} != {width}:
        raise ValueError(
            f"patches of {side}x{side} pixels have {width} numbers: give "
            f"means (k, {width}) or covariances (k, {width}, {width}), got "
            f"{arrays.shape}"
        )
    if weights is not None and np.shape(weights) != arrays.shape[:1]:
        raise ValueError(
            f"{len(arrays)} components need as many weights, got shape "
            f"{np.shape(weights)}"
        )
    if not np.isfinite(arrays).all():
        raise ValueError("the mixture holds NaN or infinity")
    return arrays


def _tiles(arrays, vectors):
    """Return colours `(k, tiles, width)` of means or of covariances."""
    if arrays.ndim == 2:
        inside = arrays.min() >= 0 and arrays.max() <= 1
        return arrays[:, None] if inside else _about_grey(arrays[:, None])
    # eigh sorts from the smallest eigenvalue up, vectors in columns.
    leading = np.linalg.eigh(arrays).eigenvectors[:, :, ::-1]
    return _about_grey(leading[:, :, :vectors].swapaxes(1, 2))


def _about_grey(tiles):
    """Scale each tile to 0 to 1 with 0 at grey, its largest entry bright."""
    where = np.abs(tiles).argmax(axis=-1, keepdims=True)
    extreme = np.take_along_axis(tiles, where, axis=-1)
    return 0.5 + 0.5 * tiles / np.where(extreme == 0, 1, extreme)
