"""Scenes whose truth is known: what is where, and which one counts."""

from dataclasses import dataclass

import numpy as np

IMAGE_SIDE = 28  # pixels of an MNIST digit
DIGIT_SIDE = 14  # pixels of a digit on the canvas: halved
BAR_HEIGHT = 2  # pixels
INK = 0.2  # brightness from which a pixel counts as part of the digit


@dataclass(frozen=True, eq=False)
class MarkedDigits:
    """Canvases with several digits, one of them marked by a bar.

    canvases: `(count, canvas, canvas)` float32, 0 background to 1.
    labels: `(count,)` int64, the marked digit: what is to be read.
    boxes: `(count, num_digits, 4)` int64, each digit's y, x, height, width
        in pixels from the top left; no two of a canvas overlap.
    marked: `(count,)` int64, which of the boxes holds the marked digit.
    digits: `(count, num_digits)` int64, the label of every digit.
    masks: `(count, canvas, canvas)` bool, the marked digit's ink.
    bars: `(count, canvas, canvas)` bool, the bar.
    """

    canvases: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray
    marked: np.ndarray
    digits: np.ndarray
    masks: np.ndarray
    bars: np.ndarray

    def __repr__(self):
        count, num_digits = self.digits.shape
        side = self.canvases.shape[1]
        return (
            f"MarkedDigits({count:,} canvases of {side}x{side} pixels, "
            f"{num_digits} digits each)"
        )


def marked_digits(images, labels, count, *, num_digits=3, canvas=56, seed):
    """Scatter real digits over canvases and mark one of each by a bar.

    The task is to name the marked digit. All digits look alike but for the
    bar, and none keeps to a place: a model has to find the bar and read
    what is under it, not elsewhere. Week 2 uses the task because plain
    MNIST cannot tell whether attention helps. Naming any of three digits
    at random is right in 0.4 of the canvases (1/3, and by luck 1/10 of
    the other 2/3).

    Digits are drawn with replacement, halved by averaging 2x2 pixels, and
    placed one after the other, each where it overlaps none before it. The
    bar is 2 pixels high, as bright as can be, and covers the top edge of
    the marked digit's box.

    Args:
        images: `(n, 28, 28)`, uint8 0 to 255 or float 0 to 1. For a test
            set give other images than for the training set.
        labels: `(n,)` whole numbers, one for each image.
        count: number of canvases, at least 1.
        num_digits: digits on a canvas, at least 1.
        canvas: side of a canvas in pixels. 56 has room for 3 digits
            wherever they fall, 84 for 7.
        seed: whole number, 0 or more; the same seed, the same canvases.

    Returns:
        `MarkedDigits`.

    Raises:
        TypeError: a count or a seed that is no whole number.
        ValueError: wrong shapes or values, nothing to draw from, or more
            digits than the canvas is sure to have room for.
    """
    small, labels = _checked_digits(images, labels)
    _check_whole(count=(count, 1), num_digits=(num_digits, 1))
    _check_whole(canvas=(canvas, DIGIT_SIDE), seed=(seed, 0))
    _check_room(num_digits, canvas)
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(small), size=(count, num_digits))
    corners = _places(rng, count, num_digits, canvas)
    marked = rng.integers(num_digits, size=count)

    digits = labels[chosen]
    boxes = np.concatenate(
        [corners, np.full_like(corners, DIGIT_SIDE)], axis=-1
    )
    canvases, masks, bars = _draw(small[chosen], corners, marked, canvas)
    answer = digits[np.arange(count), marked]
    return MarkedDigits(canvases, answer, boxes, marked, digits, masks, bars)


def _draw(small, corners, marked, canvas):
    """Return canvases, ink masks and bar masks, `(count, canvas, canvas)`.

    small: `(count, num_digits, 14, 14)`; corners: `(count, num_digits, 2)`.
    """
    every = np.arange(len(small))
    canvases = np.zeros((len(small), canvas, canvas), np.float32)
    masks = np.zeros(canvases.shape, bool)
    bars = np.zeros(canvases.shape, bool)
    canvases[_pixels(corners, DIGIT_SIDE)] = small
    here = corners[every, marked][:, None]
    masks[_pixels(here, DIGIT_SIDE)] = small[every, marked][:, None] >= INK
    bars[_pixels(here, BAR_HEIGHT)] = True
    canvases[bars] = 1
    return canvases, masks & ~bars, bars


def _places(rng, count, num_digits, canvas):
    """Draw top left corners, `(count, num_digits, 2)`, none overlapping."""
    corners = np.zeros((count, num_digits, 2), np.int64)
    for index in range(num_digits):
        todo = np.arange(count)
        while todo.size:
            trial = rng.integers(canvas - DIGIT_SIDE + 1, size=(todo.size, 2))
            gaps = np.abs(corners[todo, :index] - trial[:, None])
            free = ~(gaps < DIGIT_SIDE).all(-1).any(-1)
            corners[todo[free], index] = trial[free]
            todo = todo[~free]
    return corners


def _pixels(corners, height):
    """Return the index of the pixels of boxes, top `height` rows of each.

    corners: `(count, boxes, 2)`. Indexing `(count, canvas, canvas)` gives
    `(count, boxes, height, DIGIT_SIDE)`.
    """
    y, x = corners[..., 0, None, None], corners[..., 1, None, None]
    scene = np.arange(len(corners))[:, None, None, None]
    return scene, y + np.arange(height)[:, None], x + np.arange(DIGIT_SIDE)


def _checked_digits(images, labels):
    """Return halved images `(n, 14, 14)` float32 0 to 1, labels int64."""
    images, labels = np.asarray(images), np.asarray(labels)
    n = len(images) if images.ndim else 0
    if images.shape != (n, IMAGE_SIDE, IMAGE_SIDE) or n == 0:
        raise ValueError(
            f"images have shape {images.shape}: expected (n, 28, 28) with "
            "n at least 1"
        )
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels have shape {labels.shape} and type {labels.dtype}: "
            f"expected ({n},), whole numbers, one for each image"
        )
    if images.dtype == np.uint8:
        images = images.astype(np.float32) / 255
    elif images.dtype.kind != "f" or not ((images >= 0) & (images <= 1)).all():
        raise ValueError(
            "images must be uint8 from 0 to 255, or floats from 0 to 1 "
            f"without NaN; got type {images.dtype}"
        )
    blocks = images.reshape(n, DIGIT_SIDE, 2, DIGIT_SIDE, 2)
    return blocks.mean((2, 4)).astype(np.float32), labels.astype(np.int64)


def _check_whole(**values):
    for name, (value, least) in values.items():
        whole = isinstance(value, (int, np.integer))
        if not whole or isinstance(value, bool):
            raise TypeError(f"{name} must be a whole number, got {value!r}")
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")


def _check_room(num_digits, canvas):
    """Raise unless a place is left for every digit, wherever others fell.

    A digit rules out at most (2 * 14 - 1)^2 corners for the next ones.
    """
    blocked = (2 * DIGIT_SIDE - 1) ** 2
    most = ((canvas - DIGIT_SIDE + 1) ** 2 - 1) // blocked + 1
    if num_digits > most:
        raise ValueError(
            f"a canvas of {canvas} pixels is sure to have room for {most} "
            f"digits, not {num_digits}: ask for fewer digits or a larger "
            "canvas"
        )
