"""Scores that scikit-learn and scikit-image lack."""

import numpy as np


def pointing_game(maps, boxes, *, first, step):
    """In which share of images is the map's maximum on the object?

    Args:
        maps: `(n, rows, cols)`, one map per image, larger is stronger.
        boxes: `(n, 4)`, y, x, height, width of each object in pixels.
        first: pixel, down and across, at the centre of the map's entry
            (0, 0).
        step: pixels from one entry to the next.

    Returns:
        Share from 0 to 1. Compare it with a trivial map: chance, the
        middle of the image, the brightest spot.

    Raises:
        ValueError: shapes that do not fit, NaN, or no image at all.

    Used in week 2. Zhang et al., "Top-down Neural Attention by Excitation
    Backprop" (2016).
    """
    maps, boxes = np.asarray(maps), np.asarray(boxes)
    if maps.ndim != 3 or len(maps) == 0 or boxes.shape != (len(maps), 4):
        raise ValueError(
            "maps need shape (n, rows, cols) and boxes (n, 4), n at least "
            f"1; got {maps.shape} and {boxes.shape}"
        )
    if np.isnan(maps).any():
        raise ValueError("maps contain NaN: find where it came from first")
    peak = maps.reshape(len(maps), -1).argmax(axis=1)
    place = np.stack(np.unravel_index(peak, maps.shape[1:]), axis=1)
    centre = first + step * place  # (n, 2), in pixels
    inside = (centre >= boxes[:, :2]) & (centre < boxes[:, :2] + boxes[:, 2:])
    return inside.all(axis=1).mean()
