"""Draw with NumPy and Pillow: fast enough to follow a slider."""

import functools

import numpy as np

INK = (27, 31, 36)
MUTED = (87, 96, 106)
ACCENT = (255, 0, 200)


@functools.cache
def lut(name="viridis"):
    """Return matplotlib's colour map `name` as uint8 (256, 3)."""
    import matplotlib

    try:
        table = matplotlib.colormaps[name]
    except KeyError:
        raise ValueError(
            f"no colour map {name!r}; the course uses viridis and cividis"
        ) from None
    return np.rint(table(np.arange(256))[:, :3] * 255).astype(np.uint8)


def colormap(matrix, vmin=None, vmax=None, name="viridis", size=None):
    """Colour a matrix by a table look-up, each entry a block of pixels.

    Args:
        matrix: (rows, cols) numbers.
        vmin, vmax: values of the first and last colour; default the
            smallest and largest entry. Values outside are clipped.
        name: colour map, "viridis" or "cividis".
        size: (height, width) in pixels, nearest neighbour; default one
            pixel an entry.

    Returns:
        uint8 (height, width, 3).
    """
    matrix = np.asarray(matrix, dtype=float)
    if matrix.ndim != 2 or matrix.size == 0:
        raise ValueError(
            f"matrix must be (rows, cols), not empty; got {matrix.shape}"
        )
    if not np.isfinite(matrix).all():
        raise ValueError("matrix holds NaN or infinity: nothing to colour")
    vmin = matrix.min() if vmin is None else vmin
    vmax = matrix.max() if vmax is None else vmax
    span = vmax - vmin if vmax > vmin else 1.0
    index = np.clip((matrix - vmin) / span * 256, 0, 255)
    colours = lut(name)[index.astype(np.uint8)]
    return colours if size is None else nearest(colours, size)


def nearest(image, size):
    """Scale (rows, cols, ...) to `size` (height, width), nearest pixel."""
    rows = np.arange(size[0]) * image.shape[0] // size[0]
    cols = np.arange(size[1]) * image.shape[1] // size[1]
    return image[rows][:, cols]


@functools.cache
def font(size):
    """Return Pillow's own font, so that no font need be installed."""
    from PIL import ImageFont

    return ImageFont.load_default(size=size)
