"""Figures of week 6 about mixtures of patches; see `graph_figures`.

Used in week 6.
"""

import numpy as np

from course_utils.graph_curves import check_row, curve, panels


def likelihood(history):
    """Draw the log-likelihood by EM step; steps that lost are marked.

    EM never lowers the likelihood of what it is trained on (Dempster,
    Laird and Rubin, "Maximum Likelihood from Incomplete Data via the EM
    Algorithm", 1977, theorem 1).

    Args:
        history: `(steps,)`, 2 or more, mean log-likelihood of a patch.

    Returns:
        A figure; its title says how many steps lowered it.

    Raises:
        ValueError: fewer than 2 steps, NaN.

    Used in week 6.
    """
    history = np.asarray(history, dtype=float)
    if history.ndim != 1 or len(history) < 2:
        raise ValueError("history needs 2 or more numbers in one row")
    check_row("history", history, history)
    fig, (ax,) = panels(1)
    steps = np.arange(len(history))
    curve(ax, steps, history, 0, "training patches")
    # Rounding moves the last digits up and down once EM has converged.
    slack = 1e-9 * np.abs(history).max()
    lost = steps[1:][np.diff(history) < -slack]
    ax.plot(lost, history[lost], "x", ms=11, mew=2.5, color="black")
    ax.set_title(f"{len(lost)} of {len(history) - 1} steps went down")
    ax.set(xlabel="EM step", ylabel="log-likelihood of a patch (nats)")
    return fig


def components(covariances, side, weights, *, shown=8, vectors=4):
    """Draw in which directions the components of a mixture vary most.

    Zoran and Weiss, "From Learning Models of Natural Image Patches to
    Whole Image Restoration" (2011), figure 6.

    Args:
        covariances: `(k, width, width)`, width is side * side * 3.
        side: of a patch, pixels.
        weights: `(k,)`, share of each component; the largest are shown.
        shown: components, one column each.
        vectors: leading eigenvectors of each, one tile each.

    Returns:
        A figure. Eigenvectors have neither sign nor scale of a colour: 0
        is drawn grey.

    Raises:
        ValueError: covariances that do not fit the side, or weights that
            do not fit them; NaN.

    Used in week 6.
    """
    import matplotlib.pyplot as plt

    covariances = _checked_components(covariances, side, weights)
    order = np.argsort(-np.asarray(weights), kind="stable")[:shown]
    # eigh sorts from the smallest eigenvalue up, vectors in columns.
    leading = np.linalg.eigh(covariances[order]).eigenvectors[:, :, ::-1]
    tiles = _about_grey(leading[:, :, :vectors].swapaxes(1, 2))
    tiles = tiles.reshape(-1, side, side, 3)
    fig, axes = plt.subplots(
        vectors,
        len(order),
        figsize=(1.2 * len(order), 0.35 + 1.2 * vectors),
        squeeze=False,
        layout="constrained",
    )
    for ax, tile in zip(axes.T.flat, tiles, strict=True):
        ax.imshow(tile)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    for ax, number in zip(axes[0], order, strict=True):
        ax.set_title(f"{number}: {weights[number]:.1%}", fontsize=10)
    return fig


def _checked_components(covariances, side, weights):
    covariances = np.asarray(covariances, dtype=float)
    width = side * side * 3
    if covariances.shape != (len(covariances), width, width):
        raise ValueError(
            f"patches of {side}x{side} pixels have {width} numbers: give "
            f"covariances (k, {width}, {width}), got {covariances.shape}"
        )
    if np.shape(weights) != covariances.shape[:1]:
        raise ValueError(
            f"{len(covariances)} components need as many weights, got shape "
            f"{np.shape(weights)}"
        )
    if not np.isfinite(covariances).all():
        raise ValueError("the mixture holds NaN or infinity")
    return covariances


def _about_grey(tiles):
    """Scale each tile to 0 to 1 with 0 at grey, its largest entry bright."""
    where = np.abs(tiles).argmax(axis=-1, keepdims=True)
    extreme = np.take_along_axis(tiles, where, axis=-1)
    return 0.5 + 0.5 * tiles / np.where(extreme == 0, 1, extreme)
