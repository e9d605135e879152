"""Pictures with alt text and colour-blind-safe colours."""

import base64
import html
import io

import numpy as np

MIN_ALT = 20
DPI = 100
IMAGE_COLUMNS = 5


def show(fig, alt):
    """Show a Matplotlib figure with its alt text, then close it.

    Emits HTML with ``<img alt>`` (Jupyter ignores alt text on plain PNG
    outputs), the PNG itself, and the alt text as plain text.

    Args:
        fig: a Matplotlib figure.
        alt: what is to be seen, for those who cannot see it; at least 20
            characters.

    Raises:
        ValueError: the alt text is missing or too short to say anything.
    """
    alt = checked_alt(alt)
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=DPI, bbox_inches="tight")
    plt.close(fig)
    _display_picture(with_palette(buffer), "png", alt)


def heatmap(
    ax,
    matrix,
    xlabel,
    ylabel,
    title=None,
    values=False,
    vmin=None,
    vmax=None,
    cmap="viridis",
):
    """Draw a matrix as a heat map with a colour bar on a given axis.

    Args:
        ax: Matplotlib axis.
        matrix: (rows, columns).
        xlabel, ylabel: what columns and rows are.
        title: heading, or None.
        values: also write each number (small matrices).
        vmin, vmax: ends of the colour scale; default the data's.
        cmap: "viridis" or another perceptually uniform map.

    Returns:
        The drawn image (Matplotlib `AxesImage`).
    """
    matrix = np.asarray(matrix, dtype=float)
    if matrix.ndim != 2:
        raise ValueError(f"a heat map needs a matrix, got {matrix.shape}")
    picture = ax.imshow(matrix, cmap=cmap, vmin=vmin, vmax=vmax)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if title:
        ax.set_title(title)
    ax.figure.colorbar(picture, ax=ax, fraction=0.046, pad=0.04)
    if values:
        _write_values(ax, matrix, picture.norm)
    return picture


def curves(ax, x, lines, xlabel, title=None, *, log="x"):
    """Draw labelled curves over the same points of a given axis.

    Each curve has its own marker and dashes, so that colour is never the
    only difference. The points of x become the ticks.

    Args:
        ax: Matplotlib axis.
        x: positions, shared by all curves.
        lines: dict from label to one number per position.
        xlabel: what x is.
        title: heading, or None.
        log: which axes are logarithmic: "", "x", "y" or "xy".

    Raises:
        ValueError: a curve has another length than x.
    """
    styles = ("o-", "s--", "^:", "D-.")
    for i, (label, values) in enumerate(lines.items()):
        if len(values) != len(x):
            raise ValueError(
                f"curve {label!r} has {len(values)} values for {len(x)} points"
            )
        ax.plot(x, values, styles[i % len(styles)], label=label)
    if "x" in log:
        ax.set_xscale("log")
    if "y" in log:
        ax.set_yscale("log")
    ax.minorticks_off()
    ax.set_xticks(x, [f"{value:,}" for value in x])
    ax.set_xlabel(xlabel)
    if title:
        ax.set_title(title)
    if len(lines) > 1:
        ax.legend(frameon=False)


def images(pictures, titles=None, *, alt, columns=IMAGE_COLUMNS, cmap="gray"):
    """Show pictures side by side.

    Args:
        pictures: list of (height, width) or (height, width, 3) arrays.
        titles: one text per picture, or None.
        alt: what is to be seen.
        columns: pictures per row.
        cmap: colour map of those with one channel.

    Raises:
        ValueError: no picture, or another number of titles.
    """
    import matplotlib.pyplot as plt

    if len(pictures) == 0:
        raise ValueError("there is no picture to show")
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"{len(pictures)} pictures, {len(titles)} titles")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    size = (1.9 * columns, 2.1 * rows)
    fig, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for i, (ax, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        ax.imshow(picture, cmap=cmap)
        if titles is not None:
            ax.set_title(titles[i], fontsize=10)
    fig.tight_layout()
    show(fig, alt=alt)


def gif(frames, alt, seconds=0.15):
    """Show frames as an animated GIF that loops.

    Args:
        frames: list of (height, width, 3) uint8 arrays of one size.
        alt: what is to be seen.
        seconds: time per frame.
    """
    alt = checked_alt(alt)
    import imageio.v3 as iio

    buffer = io.BytesIO()
    iio.imwrite(
        buffer,
        np.stack(frames),
        extension=".gif",
        duration=int(1000 * seconds),
        loop=0,
    )
    _display_picture(buffer.getvalue(), "gif", alt)


def source(*parts):
    """Return the code of functions and classes, to be shown in colour.

    Args:
        parts: functions or classes of a module; they are shown as they
            stand there, in this order.

    Used in week 4.
    """
    import inspect

    from IPython.display import Code

    return Code("\n".join(map(inspect.getsource, parts)), language="python")


def use_course_style():
    """Set fonts and the colour-blind-safe cycle (Petroff 2021)."""
    import matplotlib.pyplot as plt

    plt.style.use("petroff10")
    plt.rcParams.update(
        {
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": 11,
            "figure.figsize": (7, 3.5),
            "font.size": 10,
            "image.interpolation": "nearest",
        }
    )


def checked_alt(alt):
    """Return an alt text in one line; ValueError if it says too little."""
    if not isinstance(alt, str) or len(alt.strip()) < MIN_ALT:
        raise ValueError(
            "alt text is missing or too short: say in a sentence what the "
            f"picture shows (at least {MIN_ALT} characters)"
        )
    return " ".join(alt.split())


def with_palette(buffer):
    """Store a PNG with 256 colours: a third of the size, to the same eye."""
    from PIL import Image

    smaller = io.BytesIO()
    with Image.open(buffer) as picture:
        # The default method would shift single bright colours.
        coverage = Image.Quantize.MAXCOVERAGE
        reduced = picture.convert("RGB").quantize(256, coverage)
    reduced.save(smaller, "png", optimize=True)
    return smaller.getvalue()


def _display_picture(data, kind, alt):
    from IPython.display import display

    encoded = base64.b64encode(data).decode()
    bundle = {
        "text/html": f'<img class="dark-light" style="max-width:100%;'
        f'background:#fff" alt="{html.escape(alt)}" '
        f'src="data:image/{kind};base64,{encoded}">',
        "text/plain": alt,
    }
    if kind == "png":
        bundle["image/png"] = encoded
    display(bundle, raw=True)


def _write_values(ax, matrix, norm):
    """Write the numbers, dark on light cells and light on dark ones."""
    for (row, column), value in np.ndenumerate(matrix):
        light = float(norm(value)) > 0.6
        ax.text(
            column,
            row,
            f"{value:.2f}",
            ha="center",
            va="center",
            fontsize=8,
            color="black" if light else "white",
        )
