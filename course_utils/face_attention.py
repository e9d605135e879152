"""Where attributes look: maps over faces, and their course in a training.

Used in week 5.
"""

import numpy as np

from course_utils import plots
from course_utils.explorer import drawing
from course_utils.explorer.pixels import colormap, nearest
from course_utils.face_groups import readable
from course_utils.metrics import energy_over_area

FRAME = 128  # pixels, side of a map in the animation
SHADES = 31  # of its colours above 0; few, so that a GIF stays small


def attention_maps(images, attn, queries, masks=None):
    """Draw where attributes look: a row for each face.

    All maps share one colour scale, so that a flat map looks flat; it ends
    where 0.5% of the weights are larger.

    Args:
        images: `(faces, side, side, 3)` uint8.
        attn: `(faces, queries, keys)`, rows sum to 1, keys a square grid.
        queries: names of the queries.
        masks: `(faces, queries, side, side)` bool, the place of the
            attribute, outlined; all False where it has none. Below such a
            map stands how many times its share of the picture the place
            receives (`metrics.energy_over_area`).

    Returns:
        A figure.

    Raises:
        ValueError: shapes that do not fit, or rows that do not sum to 1.

    Used in week 5.
    """
    import matplotlib.pyplot as plt

    maps = _checked_maps(images, attn, queries) * attn.shape[-1]
    masks = _checked_masks(masks, images, queries)
    top = np.quantile(maps, 0.995)
    rows, columns = maps.shape[0], maps.shape[1] + 1
    fig, axes = plt.subplots(
        rows,
        columns,
        figsize=(1.45 * columns + 0.8, 1.65 * rows + 0.3),
        squeeze=False,
        layout="constrained",
    )
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    for ax, title in zip(axes[0], ["face", *queries], strict=True):
        ax.set_title(readable(title), fontsize=9)
    for face, line in enumerate(axes):
        line[0].imshow(images[face])
        for query, ax in enumerate(line[1:]):
            drawn = _over(ax, images[face], maps[face, query], top)
            if masks is not None:
                _outline(ax, masks[face, query], maps[face, query])
    label = "weight (1: uniform)"
    fig.colorbar(drawn, ax=axes, shrink=0.8, extend="max", label=label)
    return fig


def _checked_maps(images, attn, queries):
    """Return attention as (faces, queries, grid, grid)."""
    count, side = images.shape[:2]
    grid = int(np.sqrt(attn.shape[-1]))
    fits = attn.shape[:-1] == (count, len(queries)) and count and len(queries)
    if not fits or grid**2 != attn.shape[-1] or side % grid:
        raise ValueError(
            f"attention needs shape ({count}, {len(queries)}, keys), keys a "
            f"square grid that divides {side} pixels, got {attn.shape}"
        )
    attn = np.asarray(attn, dtype=float)
    if not np.allclose(attn.sum(axis=-1), 1, atol=0.01):
        raise ValueError(
            "rows of attention must sum to 1, got sums from "
            f"{attn.sum(axis=-1).min():.3g} to {attn.sum(axis=-1).max():.3g}"
        )
    return attn.reshape(*attn.shape[:2], grid, grid)


def _checked_masks(masks, images, queries):
    if masks is None:
        return None
    expected = (len(images), len(queries), *images.shape[1:3])
    if np.shape(masks) != expected:
        raise ValueError(f"masks need shape {expected}, got {np.shape(masks)}")
    return np.asarray(masks, dtype=bool)


def _over(ax, image, weights, top):
    """Draw a map over a grey face; return what a colour bar needs."""
    side = len(image)
    ax.imshow(image.mean(axis=-1), "gray", vmin=0, vmax=255)
    return ax.imshow(
        weights,
        "viridis",
        vmin=0,
        vmax=top,
        alpha=0.6,
        extent=(-0.5, side - 0.5, side - 0.5, -0.5),
    )


def _outline(ax, mask, weights):
    """Outline a place, and say how much of the map it receives."""
    if not mask.any():
        return
    for colour, width in (("black", 2.5), ("white", 1)):
        ax.contour(mask, [0.5], colors=colour, linewidths=width)
    energy = energy_over_area(weights[None], mask[None])[0]
    ax.set_xlabel(f"{energy:.1f} x its area", fontsize=8)


def attention_gif(
    image, attn, names, steps, *, alt, masks=None, columns=6, seconds=0.25
):
    """Show how attention changed during a training, as a looping GIF.

    Args:
        image, attn, names, steps, masks, columns: see `attention_frames`.
        alt: what is to be seen.
        seconds: time for each frame.

    Raises:
        ValueError: as `attention_frames`; too short an alt text.

    Used in week 5.
    """
    frames = attention_frames(
        image, attn, names, steps, masks=masks, columns=columns
    )
    plots.gif(frames, alt=alt, seconds=seconds)


def attention_frames(image, attn, names, steps, *, masks=None, columns=6):
    """Return one frame for each step: the face, and a map for each query.

    The maps are not laid over the face: so a GIF stays small, about
    0.1 MB for 20 frames of 11 maps.

    Args:
        image: `(side, side, 3)` uint8.
        attn: `(steps, queries, keys)`, rows sum to 1, keys a square grid.
        names: of the queries.
        steps: `(steps,)` whole numbers, written above each frame.
        masks: `(queries, side, side)` bool, outlined, or None.
        columns: most panels in a row.

    Returns:
        List of uint8 `(height, width, 3)`. All maps share one colour scale,
        from 0 to the largest weight.

    Raises:
        ValueError: shapes that do not fit, or rows that do not sum to 1.

    Used in week 5.
    """
    repeated = np.broadcast_to(image, (len(attn), *image.shape))
    maps = _checked_maps(repeated, attn, names)
    if len(steps) != len(attn):
        raise ValueError(f"{len(attn)} maps of attention, {len(steps)} steps")
    if masks is not None:
        masks = _checked_masks([masks], image[None], names)[0]
    face, shades = _few_colours(image), maps / maps.max()
    return [
        _sheet(
            [face, *_panels(some, masks)],
            ["face", *map(readable, names)],
            columns,
            f"step {step}, weights from 0 (dark) to {maps.max():.2f} (bright)",
        )
        for step, some in zip(steps, shades, strict=True)
    ]


def _few_colours(image):
    """Enlarge a face, in so few colours that a GIF need not dither."""
    from PIL import Image

    small = Image.fromarray(image).quantize(100, dither=Image.Dither.NONE)
    return nearest(np.asarray(small.convert("RGB")), (FRAME, FRAME))


def _panels(maps, masks):
    """Colour maps, 0 to 1, in few shades, and outline the masks."""
    size = (FRAME, FRAME)
    coarse = np.rint(maps * SHADES) / SHADES
    panels = [colormap(part, 0, 1, size=size) for part in coarse]
    for panel, mask in zip(
        panels, [] if masks is None else masks, strict=False
    ):
        large = nearest(mask, size)
        panel[_rim(~large) & ~large] = 0
        panel[_rim(large) & large] = 255
    return panels


def _rim(mask):
    """Return the pixels whose four neighbours are not all in the mask."""
    wide = np.pad(mask, 1, mode="edge")
    inner = wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    return ~inner


def _sheet(panels, names, columns, heading):
    """Put captioned panels into rows below a heading."""
    from PIL import Image

    rows = -(-len(panels) // columns)
    columns = -(-len(panels) // rows)  # rows of about equal length
    wide, high = FRAME + 8, FRAME + 24
    sheet, pen = drawing.canvas(26 + rows * high, columns * wide)
    drawing.text(pen, (4, 4), heading, size=15)
    places = [
        (place % columns * wide + 4, 26 + place // columns * high)
        for place in range(len(panels))
    ]
    for (x, y), name in zip(places, names, strict=True):
        drawing.text(pen, (x, y + 2), name, size=13)
    sheet = sheet.quantize(16).convert("RGB")  # greys of letters' edges
    for (x, y), panel in zip(places, panels, strict=True):
        sheet.paste(Image.fromarray(panel), (x, y + 20))
    return np.asarray(sheet)
