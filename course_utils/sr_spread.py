"""Does the spread of several answers tell where they are wrong?

Several fine pictures are drawn for each coarse one. Where they differ, the
sampler is unsure; where their mean differs from the truth, it is wrong.
Used in week 4.
"""

import numpy as np

from course_utils import plots
from course_utils.sr_recording import as_image


def spread_map(samples, truth):
    """Return how far samples differ, and how far their mean is off.

    Args:
        samples: `(k, n, 3, height, width)`: k answers, 2 or more, to each
            of n coarse pictures.
        truth: `(n, 3, height, width)`.

    Returns:
        `(spread, error)`, each `(n, height, width)`, in pixel values from 0
        to 1: the standard deviation over the k answers, and the error of
        their mean without its sign. Both are root mean squares over the
        three colours, so that they can be compared: where truth and answers
        are drawn from the same distribution, the mean of error**2 is
        (1 + 1 / k) times that of spread**2.

    Raises:
        ValueError: shapes that do not fit, or fewer than 2 answers.
    """
    shape = tuple(samples.shape)
    if samples.ndim != 5 or shape[2] != 3 or shape[0] < 2:
        raise ValueError(
            "samples need shape (k, n, 3, height, width), k of 2 or more, "
            f"got {shape}: torch.stack of k batches makes it"
        )
    if shape[1:] != tuple(truth.shape):
        raise ValueError(
            f"the truth needs shape {shape[1:]}, got {tuple(truth.shape)}"
        )
    samples, truth = samples.detach().double(), truth.detach().double()
    spread = samples.var(dim=0).mean(dim=1).sqrt()
    error = (samples.mean(dim=0) - truth).square().mean(dim=1).sqrt()
    return spread.cpu().numpy(), error.cpu().numpy()


def calibration(spread, error, bins=8):
    """Return mean spread and root mean squared error, bin by bin.

    Args:
        spread, error: arrays of the same shape, see `spread_map`.
        bins: number of bins. Pixels are sorted by spread and cut into bins
            of equal count.

    Returns:
        `(spreads, errors)`, each `(bins,)`, spreads rising. About equal
        (see `spread_map`) where the spread tells the error. With few
        answers the spread is itself uncertain: the lowest bin then holds
        pixels whose spread is low by chance, and looks overconfident.

    Raises:
        ValueError: shapes that differ, or fewer pixels than bins.
    """
    spread, error = np.asarray(spread), np.asarray(error)
    if spread.shape != error.shape:
        raise ValueError(
            f"spread has shape {spread.shape}, error {error.shape}: they "
            "must be alike"
        )
    if not 1 <= bins <= spread.size:
        raise ValueError(f"bins must be 1 to {spread.size}, got {bins}")
    order = np.argsort(spread, axis=None, kind="stable")
    parts = np.array_split(order, bins)
    spreads = [spread.flat[part].mean() for part in parts]
    squares = [np.square(error.flat[part]).mean() for part in parts]
    return np.array(spreads), np.sqrt(squares)


def show_spread(spread, error, truth=None, *, alt):
    """Show maps of spread and error side by side, one row for each picture.

    Args:
        spread, error: `(n, height, width)`, see `spread_map`. Each has one
            scale for all rows: viridis for the spread, cividis for the
            error.
        truth: `(n, 3, height, width)`, shown on the left, or None.
        alt: what is to be seen.

    Raises:
        ValueError: no map, or another number of one than of the others.
    """
    import matplotlib.pyplot as plt

    columns = {} if truth is None else {"truth": truth}
    columns |= {"spread": spread, "error of the mean": error}
    counts = {title: len(column) for title, column in columns.items()}
    rows, width = len(spread), len(columns)
    if not rows or {*counts.values()} != {rows}:
        raise ValueError(f"give as many of each, 1 or more; got {counts}")
    size = (1.8 * width, 1.75 * rows + 0.8)
    fig, axes = plt.subplots(
        rows, width, figsize=size, squeeze=False, layout="constrained"
    )
    for ax in axes.flat:
        ax.axis("off")
    for column, (title, parts) in zip(axes.T, columns.items(), strict=True):
        column[0].set_title(title)
        if title == "truth":
            for ax, picture in zip(column, parts, strict=True):
                ax.imshow(as_image(picture), interpolation="nearest")
        else:
            _maps(column, parts, "viridis" if title == "spread" else "cividis")
    plots.show(fig, alt=alt)


def _maps(axes, maps, colours):
    """Draw maps one below the other on one scale, with its colour bar."""
    top = float(np.max(maps))
    for ax, part in zip(axes, maps, strict=True):
        drawn = ax.imshow(
            part, colours, vmin=0, vmax=top, interpolation="nearest"
        )
    axes[0].figure.colorbar(
        drawn, ax=axes, location="bottom", label="of 0 to 1, dark: 0"
    )


def show_calibration(spread, error, bins=8, *, alt):
    """Show the error against the spread, with the line where they agree.

    Args:
        spread, error, bins: as for `calibration`.
        alt: what is to be seen.
    """
    import matplotlib.pyplot as plt

    spreads, errors = calibration(spread, error, bins)
    top = 1.1 * max(spreads.max(), errors.max())
    fig, ax = plt.subplots(figsize=(4.2, 3.6))
    ax.plot([0, top], [0, top], "--", color="0.5", label="error = spread")
    ax.plot(spreads, errors, "o-", label=f"measured, {bins} bins")
    ax.set(
        xlabel="mean spread of a bin",
        ylabel="root mean squared error",
        xlim=(0, top),
        ylim=(0, top),
    )
    ax.legend(frameon=False)
    plots.show(fig, alt=alt)
