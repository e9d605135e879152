"""The explorer's static picture: photo and map of one query, side by side.

It is what a reader sees where scripts do not run: on GitHub, in a notebook
that is not trusted yet, in print.
"""

import numpy as np

from course_utils.explorer import pixels

WIDTH = 360
GAP = 16


def picture(image, patch, weights, query):
    """Draw the photo with the query outlined beside the map of `weights`.

    Args:
        image: uint8 (height, width, 3).
        patch: (height, width) of a patch in pixels.
        weights: (rows, cols), attention of `query` to every patch.
        query: (row, col); None outlines nothing.

    Returns:
        uint8 (height, 2 * WIDTH + GAP, 3), on white.
    """
    scale = WIDTH / image.shape[1]
    height = round(image.shape[0] * scale)
    photo = _resize(image, (height, WIDTH))
    covered = [
        round(side * count * scale)
        for side, count in zip(patch, weights.shape, strict=True)
    ]
    colours = pixels.colormap(weights, vmin=0, size=covered)
    pale = (photo * 0.3 + 255 * 0.7).astype(np.uint8)
    pale[: covered[0], : covered[1]] = photo[: covered[0], : covered[1]]
    photo, heat = pale, pale.copy()
    under = photo[: covered[0], : covered[1]].mean(axis=2, keepdims=True)
    heat[: covered[0], : covered[1]] = colours * 0.8 + under * 0.2
    gap = np.full((height, GAP, 3), 255, np.uint8)
    if query is None:
        return np.hstack([photo, gap, heat])
    cell = [query[axis] * patch[axis] * scale for axis in (0, 1)]
    cell += [(query[axis] + 1) * patch[axis] * scale for axis in (0, 1)]
    return np.hstack([_outline(photo, cell), gap, _outline(heat, cell)])


def _resize(image, size):
    """Scale to (height, width): smooth for photos, blocks when tiny."""
    from PIL import Image

    if image.shape[1] < size[1] // 2:
        return pixels.nearest(image, size)
    return np.asarray(Image.fromarray(image).resize(size[::-1]))


def _outline(image, cell):
    """Outline `cell` (top, left, bottom, right): accent on white on black."""
    from PIL import Image, ImageDraw

    canvas = Image.fromarray(image)
    top, left, bottom, right = (round(side) for side in cell)
    draw = ImageDraw.Draw(canvas)
    for colour, outset, width in (
        ("black", 5, 5),
        ("white", 4, 4),
        (pixels.ACCENT, 3, 3),
    ):
        box = [left - outset, top - outset, right + outset, bottom + outset]
        draw.rectangle(box, None, colour, width)
    return np.asarray(canvas)
