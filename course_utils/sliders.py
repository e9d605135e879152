"""Sliders whose picture follows the hand.

A move costs a few milliseconds of Python, because pictures are made with
NumPy and Pillow instead of being plotted anew. `slider_figure` serves any
function that returns a picture; the others are ready for week 1 and take
the lesson's own functions as arguments.
"""

import numpy as np

from course_utils.explorer import drawing
from course_utils.explorer.drawing import bars
from course_utils.explorer.pixels import colormap
from course_utils.explorer.slider_figure import SliderFigure, slider_figure

__all__ = [
    "SliderFigure",
    "bars",
    "colormap",
    "positional_encoding",
    "positional_encoding_2d",
    "slider_figure",
    "softmax_temperature",
]


def softmax_temperature(logits, softmax, labels=None, *, last=5.0):
    """Slide the temperature of a softmax and watch its weights.

    Args:
        logits: (n,) numbers, 2 <= n <= 12.
        softmax: the lesson's function; it gets logits / temperature.
        labels: n short names; default "key 0", "key 1", ...
        last: the highest temperature; the lowest is 0.05.

    Returns:
        SliderFigure. Black lines mark the weights at temperature 1.

    Raises:
        ValueError: logits that are not 2 to 12 finite numbers.

    Taught in week 1 (Hinton et al. 2015, eq. 1).
    """
    logits = np.asarray(logits, dtype=float)
    fits = logits.ndim == 1 and 2 <= logits.size <= 12
    if not (fits and np.isfinite(logits).all()):
        raise ValueError(
            "logits must be 2 to 12 finite numbers in one row, got shape "
            f"{logits.shape}"
        )
    if labels is None:
        labels = [f"key {index}" for index in range(logits.size)]
    plain = np.asarray(softmax(logits))
    uniform = 1 / logits.size

    def draw(temperature):
        weights = np.asarray(softmax(logits / temperature))
        picture = bars(
            weights,
            labels,
            marks=plain,
            level=(uniform, "uniform"),
            ylabel="weight (black line: at temperature 1)",
        )
        some = weights[weights > 0]
        return picture, (
            f"Temperature {temperature:.2f}: the largest weight is "
            f"{weights.max():.2f}, on {labels[weights.argmax()]}; entropy "
            f"{(some * np.log(1 / some)).sum():.2f} of "
            f"{np.log(logits.size):.2f} nats."
        )

    return slider_figure(
        draw,
        "t-temperature",
        temperature=(0.05, last, 0.05, 1.0),
        alt="Bar chart of the softmax weights of a row of logits.",
    )


def positional_encoding(encode, *, num_positions=64, width=32, max_width=128):
    """Slide over the positions of a 1-D encoding: what each looks like.

    Args:
        encode: the lesson's function, encode(num_positions, width) ->
            (num_positions, width), values from -1 to 1.
        num_positions: length of the sequence.
        width: channels at first, even; the slider goes from 4 to
            `max_width`.

    Returns:
        SliderFigure: the encoding with the chosen position outlined, and
        the cosine similarity of that position with every other.

    Taught in week 1 (Vaswani et al. 2017, section 3.5).
    """

    def draw(position, width):
        table = np.asarray(encode(num_positions, width), dtype=float)
        alike = _cosine(table, position)
        far = int(alike.argmin())
        left = drawing.heat(
            table,
            (560, 640),
            vmin=-1,
            vmax=1,
            cell=(position, None),
            title="encoding, from -1 (dark) to 1 (bright)",
            xlabel="channel",
            ylabel="position",
        )
        right = drawing.curve(
            alike,
            position,
            (560, 640),
            low=-1,
            high=1,
            xlabel="position",
            ylabel=f"cosine similarity with position {position}",
        )
        step = position + 1 if position + 1 < num_positions else position - 1
        return drawing.beside(left, right), (
            f"Position {position}, {width} channels: the similarity with "
            f"its neighbour {step} is {alike[step]:.2f}, the lowest is "
            f"{alike[far]:.2f}, with position {far}."
        )

    return slider_figure(
        draw,
        "t-positions",
        position=(0, num_positions - 1, 1, 16),
        width=(4, max_width, 2, width),
        alt="Left: the positional encoding as a heat map, positions down, "
        "channels across. Right: similarity of one position with all.",
    )


def positional_encoding_2d(encode, *, rows=14, cols=14, width=64):
    """Slide over the patches of a 2-D encoding: which ones look alike.

    Args:
        encode: the lesson's function, encode(rows, cols, width) ->
            (rows * cols, width) or (rows, cols, width).
        rows, cols: the grid of patches.
        width: channels.

    Returns:
        SliderFigure: map of the cosine similarity with the chosen patch.

    Taught in week 1 (Dosovitskiy et al. 2021, appendix D.4).
    """
    table = np.asarray(encode(rows, cols, width), dtype=float)
    table = table.reshape(rows * cols, -1)
    lowest = min(_cosine(table, i).min() for i in range(len(table)))

    def draw(row, column):
        alike = _cosine(table, row * cols + column).reshape(rows, cols)
        far = np.unravel_index(alike.argmin(), alike.shape)
        picture = drawing.heat(
            alike,
            (640, 600),
            vmin=lowest,
            vmax=1,
            cell=(row, column),
            title=f"cosine similarity, {lowest:.2f} (dark) to 1 (bright)",
            xlabel="column",
            ylabel="row",
        )
        return picture, (
            f"Patch row {row}, column {column}: the least similar patch is "
            f"row {far[0]}, column {far[1]}, at {alike[far]:.2f}; the mean "
            f"over all patches is {alike.mean():.2f}."
        )

    return slider_figure(
        draw,
        "t-positions-2d",
        row=(0, rows - 1, 1, rows // 2),
        column=(0, cols - 1, 1, cols // 2),
        alt="Map of a grid of patches, coloured by how similar their "
        "positional encodings are to that of the outlined patch.",
    )


def _cosine(table, index):
    """Cosine similarity of row `index` of `table` with every row."""
    lengths = np.linalg.norm(table, axis=1)
    return table @ table[index] / (lengths * lengths[index])
