"""Figures of super-resolution: a sampling, comparisons, uncertainty.

Pictures are tensors, channels first, 0 to 1. Used in week 4. What happens
during a sampling is recorded by `sr_recording`, whose names are here, too.
"""

import numpy as np

from course_utils import plots
from course_utils.explorer import drawing
from course_utils.explorer.pixels import nearest
from course_utils.explorer.slider_figure import slider_figure
from course_utils.sr_recording import (
    Recording,
    as_image,
    attention_of,
    attention_over_time,
    record,
)
from course_utils.sr_scores import psnr
from course_utils.sr_spread import (
    calibration,
    show_calibration,
    show_spread,
    spread_map,
)
from course_utils.super_resolution import RESIDUAL

__all__ = [
    "Recording",
    "as_image",
    "attention_of",
    "attention_over_time",
    "calibration",
    "compare",
    "frames",
    "record",
    "scrubber",
    "show_calibration",
    "show_spread",
    "spread_map",
]

SHOWN = 256  # pixels, height of a picture in the scrubber (drawn: twice that)
FRAME = 192  # pixels, height of a picture in the animation
CLAMPED = (
    f"x_t is shown as the enlarged coarse picture + {RESIDUAL} x_t, clamped "
    "to 0 and 1 for show only."
)


def scrubber(recording, truth=None):
    """Slide through the steps of a sampling.

    Args:
        recording: a `Recording` of 2 or more steps.
        truth: the fine picture, to be shown beside it; default the one
            that was recorded, if any.

    Returns:
        SliderFigure: x_t, the guess of the clean picture and the truth.
    """
    recording = recording.with_truth(truth)
    count = len(recording)
    if count < 2:
        raise ValueError("a scrubber needs a recording of 2 or more steps")
    scores = recording.psnr

    def draw(step):
        place = step - 1
        said = (
            f"Step {step} of {count}, t = {recording.times[place]}: noise "
            f"level {recording.levels[place]:.2f}"
        )
        if scores is not None:
            said += f"; PSNR of the guess {scores[place]:.1f} dB"
        return _strip(recording, place, 2 * SHOWN, 26), f"{said}. {CLAMPED}"

    others = "" if scores is None else " Right: the true picture."
    return slider_figure(
        draw,
        "t-scrubber",
        step=(1, count, 1, (count + 1) // 2),
        alt="A picture on its way out of noise. Left: the noisy x_t. Middle: "
        f"the clean picture that the network guesses from it.{others}",
    )


def frames(recording, truth=None, *, colours=240):
    """Return one frame for each step, for `plots.gif`.

    Args:
        recording, truth: as for `scrubber`.
        colours: of the palette that all frames share, 240 at most. So a
            GIF stores them as they are; without, each would be dithered. 25
            frames take 0.2 MB, with DDPM's fresh noise 0.5 MB, or 0.3 MB in
            48 colours.

    Returns:
        List of uint8 `(height, width, 3)`: x_t (shown as in `scrubber`),
        the guess, and the truth.
    """
    recording = recording.with_truth(truth)
    strips = [_strip(recording, i, FRAME, 13) for i in range(len(recording))]
    return np.split(_few_colours(np.concatenate(strips), colours), len(strips))


def _few_colours(image, count):
    """Return the image in few colours: median cut, then k-means.

    They are chosen on every fourth row and column, which is faster; the
    nearest of them replaces each colour.
    """
    from PIL import Image

    some = Image.fromarray(image[::4, ::4]).quantize(count, kmeans=1)
    reduced = Image.fromarray(image).quantize(
        palette=some, dither=Image.Dither.NONE
    )
    return np.asarray(reduced.convert("RGB"))


def _strip(recording, place, height, size):
    """Draw x_t, the guess and the truth of one step side by side.

    height: of each picture in pixels; size: of the captions.
    """
    scores = recording.psnr
    scored = "" if scores is None else f", {scores[place]:.1f} dB"
    panels = [
        (f"x_t, t = {recording.times[place]}", recording.noisy[place]),
        (f"guess of x0{scored}", recording.guesses[place]),
    ]
    if recording.truth is not None:
        panels.append(("truth", recording.truth))
    drawn = [_captioned(words, part, height, size) for words, part in panels]
    return drawing.beside(*drawn, gap=size)


def _captioned(words, picture, height, size):
    """Enlarge a picture, nearest neighbour, under a line of words."""
    from PIL import Image

    image = as_image(picture)
    width = round(height * image.shape[1] / image.shape[0])
    head = round(1.7 * size)
    panel, pen = drawing.canvas(head + height, width)
    drawing.text(pen, (0, size // 4), words, size=size)
    panel.paste(Image.fromarray(nearest(image, (height, width))), (0, head))
    return np.asarray(panel)


def compare(pictures, titles=None, *, truth=None, zoom=None, alt):
    """Show answers of several methods side by side, one row a picture.

    Args:
        pictures: dict from title to `(n, 3, height, width)`, or a list of
            rows, each a list of `(3, height, width)`. Coarse pictures are
            shown as large as fine ones.
        titles: one for each column; None takes those of the dict.
        truth: `(n, 3, height, width)`: the PSNR is written under each
            picture of this size, but for the truth itself.
        zoom: (y, x, side) in pixels of the fine picture: that detail is
            outlined, and shown magnified below.
        alt: what is to be seen.

    Raises:
        ValueError: rows of different lengths, another number of titles or
            truths, a detail that is not within the picture.
    """
    rows, titles = _table(pictures, titles)
    if truth is not None and len(truth) != len(rows):
        raise ValueError(f"{len(rows)} rows need as many truths")
    size = max(tuple(part.shape[1:]) for part in rows[0])
    if zoom is not None:
        _check_zoom(zoom, size)
    fig, axes = _axes(len(rows), len(titles), size, zoom)
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title)
    for number, row in enumerate(rows):
        for column, picture in enumerate(row):
            ax = axes[number * (2 if zoom else 1), column]
            _show_picture(ax, picture, size)
            if truth is not None:
                ax.set_xlabel(_score(picture, truth[number]))
            if zoom is not None:
                _show_detail(ax, axes[2 * number + 1, column], zoom, picture)
    plots.show(fig, alt=alt)


def _table(pictures, titles):
    """Return rows of pictures and the titles of columns."""
    if isinstance(pictures, dict):
        titles = list(pictures) if titles is None else titles
        counts = {title: len(part) for title, part in pictures.items()}
        if len({*counts.values()}) != 1:
            raise ValueError(f"give as many pictures of each; got {counts}")
        rows = [*zip(*pictures.values(), strict=True)]
    else:
        rows = [[*row] for row in pictures]
    lengths = {len(row) for row in rows}
    if not rows or lengths != {len(titles or ())}:
        raise ValueError(
            f"each row needs one picture a title: {titles} for rows of "
            f"{[len(row) for row in rows]}"
        )
    return rows, titles


def _check_zoom(zoom, size):
    if len(zoom) != 3:
        raise ValueError(f"zoom must be (y, x, side), got {zoom}")
    (y, x, side), (high, wide) = zoom, size
    if not (side > 0 and 0 <= y <= high - side and 0 <= x <= wide - side):
        raise ValueError(
            f"the detail (y, x, side) = {tuple(zoom)} is not within "
            f"{high} x {wide} pixels"
        )


def _axes(rows, columns, size, zoom):
    """Return figure and axes; with a zoom there are two rows for each."""
    import matplotlib.pyplot as plt

    each = 2 * size[0] / size[1], 2.0
    heights = [each[0] + 0.25, each[1]] if zoom else [each[0] + 0.25]
    return plt.subplots(
        rows * len(heights),
        columns,
        figsize=(2 * columns, rows * sum(heights) + 0.3),
        height_ratios=rows * heights,
        squeeze=False,
        layout="constrained",
    )


def _show_picture(ax, picture, size):
    """Draw a picture of any size over the fine picture's pixels."""
    extent = (0, size[1], size[0], 0)
    ax.imshow(as_image(picture), extent=extent, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def _score(picture, truth):
    """Return the PSNR in words, "" where there is none to give."""
    if picture.shape != truth.shape or picture.equal(truth):
        return ""
    return f"{psnr(picture[None], truth[None])[0]:.1f} dB"


def _show_detail(ax, below, zoom, picture):
    """Outline the detail in `ax`, and show it magnified in `below`."""
    y, x, side = zoom
    size = ax.get_ylim()[0], ax.get_xlim()[1]
    right, bottom = x + side, y + side
    for colour, width in (("black", 3.5), ("white", 1.5)):
        ax.plot(
            [x, right, right, x, x],
            [y, y, bottom, bottom, y],
            color=colour,
            lw=width,
            clip_on=False,
        )
    _show_picture(below, picture, size)
    below.set(xlim=(x, x + side), ylim=(y + side, y))
