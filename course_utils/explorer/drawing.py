"""Small charts drawn with Pillow, for pictures that follow a slider.

Drawn at twice the size they are shown at, so that text stays sharp.
"""

import numpy as np

from course_utils.explorer.pixels import ACCENT, INK, MUTED, colormap, font

BLUE = (33, 102, 172)
RULE = (208, 215, 222)
SMALL = 26


def canvas(height, width):
    """Return (image, draw): a white picture and the pen to draw on it."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (width, height), "white")
    return image, ImageDraw.Draw(image)


def text(draw, place, words, anchor="la", size=SMALL, fill=INK):
    """Write `words` with the `anchor` (Pillow's code) at `place` (x, y)."""
    draw.text(
        place,
        words,
        fill,
        font(size),
        anchor,
        stroke_width=3,
        stroke_fill="white",
    )


def bars(values, labels, *, top=1.0, marks=None, ylabel="weight", level=None):
    """Draw a bar chart: each bar with its value above, its label below.

    Args:
        values: (n,) numbers from 0 to `top`.
        labels: n short texts.
        top: upper end of the vertical axis.
        marks: (n,) numbers drawn as short black lines, to compare with.
        ylabel: what the bars measure.
        level: (number, words), a dashed line across all bars.

    Returns:
        uint8 (520, width, 3), at twice the size to show it at.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(labels) != len(values):
        raise ValueError(
            f"bars need one label per value: {len(labels)} labels for "
            f"values of shape {values.shape}"
        )
    if not (np.isfinite(values).all() and values.min() >= 0):
        raise ValueError("bars need finite values that are not negative")
    step = max(110, 1000 // len(values))
    half = 0.32 * step
    left, floor, ceiling = 110, 450, 70
    right = left + step * len(values)
    image, draw = canvas(520, right + 30)
    unit = (floor - ceiling) / top
    _axis(draw, (left, right), (floor, ceiling), top, ylabel)
    middles = left + step * (np.arange(len(values)) + 0.5)
    tops = floor - unit * np.minimum(values, top)
    for x, y in zip(middles, tops, strict=True):
        draw.rectangle([x - half, y, x + half, floor], BLUE)
    if level is not None:
        y = floor - unit * level[0]
        dashes(draw, left, right, y)
        text(draw, (right, y - 8), level[1], "rs", SMALL - 4, MUTED)
    if marks is not None:
        heights = floor - unit * np.minimum(marks, top)
        for x, y in zip(middles, heights, strict=True):
            draw.line([x - half - 10, y, x + half + 10, y], INK, 4)
        tops = np.minimum(tops, heights)
    for x, y, value, label in zip(middles, tops, values, labels, strict=True):
        text(draw, (x, y - 10), f"{value:.2f}", "ms")
        text(draw, (x, floor + 14), label, "ma")
    return np.asarray(image)


def dashes(draw, left, right, y):
    """Draw a dashed horizontal line."""
    for x in range(int(left), int(right), 22):
        draw.line([x, y, min(x + 12, right), y], MUTED, 3)


def _axis(draw, across, upright, top, ylabel):
    """Draw rules at 0, half and `top`, labelled on the left."""
    (left, right), (floor, ceiling) = across, upright
    for share in (0, 0.5, 1):
        y = floor - share * (floor - ceiling)
        draw.line([left, y, right, y], RULE if share else INK, 2)
        text(draw, (left - 14, y), f"{share * top:g}", "rm", fill=MUTED)
    text(draw, (8, 8), ylabel)


def curve(values, at, size, *, low, high, xlabel, ylabel):
    """Draw `values` against their index; a ring and a rule mark `at`.

    Args:
        values: (n,) numbers from `low` to `high`.
        at: the index to mark.
        size: (height, width) of the picture in pixels.
        xlabel, ylabel: axis names.

    Returns:
        uint8 (height, width, 3).
    """
    height, width = size
    left, right, floor, ceiling = 70, width - 20, height - 80, 70
    image, draw = canvas(height, width)
    x = left + (right - left) * (np.arange(len(values)) + 0.5) / len(values)
    y = floor - (floor - ceiling) * (np.asarray(values) - low) / (high - low)
    for value in (low, (low + high) / 2, high):
        rule = floor - (floor - ceiling) * (value - low) / (high - low)
        draw.line([left, rule, right, rule], RULE, 2)
        text(draw, (left - 12, rule), f"{value:g}", "rm", fill=MUTED)
    draw.line([x[at], floor, x[at], ceiling], ACCENT, 3)
    draw.line(list(zip(x, y, strict=True)), BLUE, 5, joint="curve")
    ring(draw, (x[at], y[at]))
    text(draw, (8, 8), ylabel)
    text(draw, (left, floor + 14), "0", "ma", fill=MUTED)
    text(draw, (right, floor + 14), str(len(values) - 1), "ra", fill=MUTED)
    text(draw, ((left + right) / 2, floor + 14), xlabel, "ma")
    return np.asarray(image)


def ring(draw, centre, radius=11):
    """Draw a ring of the accent colour, edged in white."""
    x, y = centre
    for colour, reach, width in (("white", 3, 11), (ACCENT, 0, 6)):
        size = radius + reach
        box = [x - size, y - size, x + size, y + size]
        draw.ellipse(box, None, colour, width)


def heat(matrix, size, *, vmin, vmax, cell, title, xlabel, ylabel):
    """Draw a matrix in colours, one cell (or a whole row) outlined.

    Args:
        matrix: (rows, cols) numbers.
        size: (height, width) of the picture in pixels.
        vmin, vmax: values of the first and last colour.
        cell: (row, col) to outline; col None outlines the whole row.
        title, xlabel, ylabel: words over, under and beside it.

    Returns:
        uint8 (height, width, 3).
    """
    from PIL import Image

    matrix = np.asarray(matrix, dtype=float)
    rows, cols = matrix.shape
    height, width = size
    top, left = 70, 70
    high, wide = height - top - 80, width - left - 20
    image, draw = canvas(height, width)
    colours = colormap(matrix, vmin, vmax, size=(high, wide))
    image.paste(Image.fromarray(colours), (left, top))
    row, col = cell
    first, last = (0, cols) if col is None else (col, col + 1)
    frame(
        draw,
        [
            left + first * wide / cols,
            top + row * high / rows,
            left + last * wide / cols,
            top + (row + 1) * high / rows,
        ],
    )
    text(draw, (8, 8), title)
    text(draw, (left + wide / 2, height - 66), xlabel, "ma")
    text(draw, (left, height - 66), "0", "ma", fill=MUTED)
    text(draw, (left + wide, height - 66), str(cols - 1), "ra", fill=MUTED)
    text(draw, (left - 12, top), "0", "ra", fill=MUTED)
    text(draw, (left - 12, top + high), str(rows - 1), "rs", fill=MUTED)
    sideways(image, (8, top + high / 2), ylabel)
    return np.asarray(image)


def frame(draw, box):
    """Outline `box` (left, top, right, bottom): accent, white, black."""
    for colour, out, width in (
        ("black", 9, 9),
        ("white", 7, 7),
        (ACCENT, 5, 5),
    ):
        edges = [box[0] - out, box[1] - out, box[2] + out, box[3] + out]
        draw.rectangle([round(edge) for edge in edges], None, colour, width)


def sideways(image, place, words):
    """Write `words` from bottom to top, centred on `place` (left, y)."""
    length = int(font(SMALL).getlength(words)) + 2
    label, draw = canvas(SMALL + 10, length)
    text(draw, (0, 0), words)
    image.paste(
        label.rotate(90, expand=True),
        (int(place[0]), int(place[1] - length / 2)),
    )


def beside(*pictures, gap=40):
    """Join pictures of equal height side by side on white."""
    blank = np.full((pictures[0].shape[0], gap, 3), 255, np.uint8)
    row = [part for picture in pictures for part in (blank, picture)]
    return np.hstack(row[1:])
