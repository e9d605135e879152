"""Figures of week 6 in pixels: graphs on photos, matrices, maps.

All but `side_by_side`, which shows its own, return a figure for
`plots.show`, which adds the alt text. Curves are in `graph_curves`, bars in
`graph_bars`, mixtures in `mixture_figures`. Photos are floats (height,
width, 3) from 0 to 1. Used in week 6.
"""

import numpy as np

from course_utils import plots
from course_utils.noise import checked_image

MARKED = "#ff00c8"  # the explorer's colour of a query
MOST_TOKENS = 400  # of a matrix; a cell would be smaller than a pixel
COLUMNS = 4  # of maps in a row


def graph_on_photo(image, query, weights, radius, *, patch_side=5):
    """Draw a query patch, its neighbours, and its row of the matrix.

    Left the photo; in the middle its part within the radius, a dot on each
    neighbour, larger and brighter with its weight; right the row of the
    attention matrix as a map of that part. The query itself often has most
    weight: the scale ends at the largest weight of another pixel.

    Args:
        image: `(height, width, 3)`.
        query: (row, column) of the pixel that asks.
        weights: `(pixels,)`, its row of the attention matrix, dense or
            SciPy sparse; sums to 1.
        radius, patch_side: of the graph, pixels.

    Returns:
        A figure.

    Raises:
        TypeError, ValueError: a bad image, a query outside it, weights of
            another number or sum.

    Used in week 6.
    """
    import matplotlib.pyplot as plt

    image = np.clip(checked_image(image), 0, 1)
    row = _checked_row(image, query, weights)
    others = row.copy()
    others[*query] = 0
    top = max(others.max(), 1e-12)
    fig, (photo, near, heat) = plt.subplots(
        1, 3, figsize=(10, 3.6), layout="constrained"
    )
    photo.imshow(image)
    _outline(photo, query, 2 * radius + 1, ls="--")
    _outline(photo, query, patch_side)
    near.imshow(image)
    _neighbours(near, row, top)
    drawn = heat.imshow(row, cmap="cividis", vmin=0, vmax=top)
    fig.colorbar(drawn, ax=heat, extend="max", label="weight", fraction=0.05)
    for ax in (near, heat):
        _outline(ax, query, 1)
        _window(ax, query, radius, image.shape)
    photo.set_title("dashed: the part shown on the right")
    near.set_title(
        f"{np.count_nonzero(others)} neighbours, larger: more weight"
    )
    heat.set_title(f"row of the matrix; itself {row[*query]:.2f}")
    return fig


def _checked_row(image, query, weights):
    """Return the weights as a map `(height, width)`, or raise."""
    shape = image.shape[:2]
    inside = [0 <= at < side for at, side in zip(query, shape, strict=True)]
    if not all(inside):
        raise ValueError(
            f"query {tuple(query)} lies outside the photo of {shape[0]} rows "
            f"and {shape[1]} columns"
        )
    weights = _dense(weights).ravel()
    if weights.size != shape[0] * shape[1]:
        raise ValueError(
            f"give one weight a pixel, {shape[0] * shape[1]}, got "
            f"{weights.size}: the query's row of the attention matrix"
        )
    if not abs(weights.sum() - 1) < 1e-3:
        raise ValueError(
            f"the row's weights must sum to 1, got {weights.sum():.4g}: use "
            "compute_self_similarity first"
        )
    return weights.reshape(shape)


def _dense(matrix):
    """Return a SciPy sparse or NumPy array as dense floats."""
    if hasattr(matrix, "toarray"):
        matrix = matrix.toarray()
    return np.asarray(matrix, dtype=float)


def _outline(ax, middle, side, ls="-"):
    """Outline a square around a pixel: bright on black."""
    from matplotlib.patches import Rectangle

    corner = middle[1] - side / 2, middle[0] - side / 2
    for colour, width in (("black", 3.5), (MARKED, 1.7)):
        ax.add_patch(
            Rectangle(
                corner, side, side, ec=colour, fc="none", lw=width, ls=ls
            )
        )


def _neighbours(ax, row, top):
    rows, columns = np.nonzero(row)
    share = np.minimum(row[rows, columns] / top, 1)
    ax.scatter(
        columns,
        rows,
        s=4 + 56 * share,
        c=share,
        cmap="cividis",
        vmin=0,
        vmax=1,
        edgecolors="white",
        linewidths=0.6,
    )


def _window(ax, query, radius, shape):
    """Show only the part within the radius, cut at the border."""
    lows = [max(at - radius, 0) - 0.5 for at in query]
    highs = [
        min(at + radius, side - 1) + 0.5
        for at, side in zip(query, shape[:2], strict=True)
    ]
    ax.set(xlim=(lows[1], highs[1]), ylim=(highs[0], lows[0]))
    ax.locator_params(integer=True, nbins=6)


def same_matrix(dense, sparse, titles=("dense softmax", "sparse patch graph")):
    """Draw two attention matrices beside each other, and what differs.

    Args:
        dense, sparse: `(n, n)`, n at most 400, NumPy or SciPy sparse.
        titles: of the two.

    Returns:
        A figure of both on one scale; the largest difference is in its
        heading. The scale is that of the square root, so that small
        weights can be seen beside the diagonal.

    Raises:
        ValueError: matrices of different shapes, too large, or with NaN.

    Used in week 6.
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import PowerNorm

    pair = [_dense(matrix) for matrix in (dense, sparse)]
    shape = pair[0].shape
    if pair[1].shape != shape or len(shape) != 2 or max(shape) > MOST_TOKENS:
        raise ValueError(
            f"give two matrices (n, n), n at most {MOST_TOKENS}, got shapes "
            f"{shape} and {pair[1].shape}: cut out a smaller photo"
        )
    if not all(np.isfinite(matrix).all() for matrix in pair):
        raise ValueError("a matrix holds NaN or infinity")
    norm = PowerNorm(0.5, vmin=0, vmax=max(part.max() for part in pair))
    fig, axes = plt.subplots(
        1, 2, figsize=(9, 4.2), sharey=True, layout="constrained"
    )
    for ax, title, matrix in zip(axes, titles, pair, strict=True):
        drawn = ax.imshow(matrix, cmap="cividis", norm=norm)
        ax.set(title=title, xlabel="key")
    axes[0].set_ylabel("query")
    fig.colorbar(drawn, ax=axes, label="weight", fraction=0.05)
    apart = np.abs(pair[0] - pair[1]).max()
    fig.suptitle(f"largest difference {apart:.1e}", fontsize=11)
    return fig


def parameter_maps(image, maps):
    """Draw a photo beside maps of what every patch chose for itself.

    Args:
        image: `(height, width, 3)`.
        maps: dict from name, such as "sigma" or "texture head", to
            `(height, width)` numbers.

    Returns:
        A figure; each map has a colour bar of its own.

    Raises:
        TypeError, ValueError: a bad image, no map, or one of another
            shape or with NaN.

    Used in week 6.
    """
    image = np.clip(checked_image(image), 0, 1)
    if not maps:
        raise ValueError("give at least one map, name -> (height, width)")
    for name, values in maps.items():
        fits = np.shape(values) == image.shape[:2]
        if not (fits and np.isfinite(values).all()):
            raise ValueError(
                f"map {name!r} needs finite numbers, one a pixel, shape "
                f"{image.shape[:2]}, got {np.shape(values)}"
            )
    fig, axes = _grid(1 + len(maps), 2.45, 2.3)
    axes[0].imshow(image)
    axes[0].set_title("photo")
    for ax, (name, values) in zip(axes[1:], maps.items(), strict=False):
        plots.heatmap(ax, values, None, None, name, cmap="cividis")
    return fig


def _grid(count, width, height):
    """Return a figure and `count` bare axes, at most COLUMNS in a row."""
    import matplotlib.pyplot as plt

    columns = min(count, COLUMNS)
    rows = -(-count // columns)
    fig, axes = plt.subplots(
        rows,
        columns,
        figsize=(width * columns, height * rows),
        squeeze=False,
        layout="constrained",
    )
    for place, ax in enumerate(axes.flat):
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        ax.set_visible(place < count)
    return fig, axes.flat


def side_by_side(images, clean, *, zoom, alt):
    """Show what several methods made of a photo, and the clean photo.

    Args:
        images: dict from title to `(height, width, 3)`, clipped for show.
        clean: of that shape; the PSNR to it is written under the others.
        zoom, alt: see `sr_figures.compare`.

    Used in week 6.
    """
    import torch

    from course_utils.sr_figures import compare

    pictures = {
        title: torch.from_numpy(np.clip(image, 0, 1)).permute(2, 0, 1)[None]
        for title, image in {**images, "clean": clean}.items()
    }
    compare(pictures, truth=pictures["clean"], zoom=zoom, alt=alt)
