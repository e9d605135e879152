"""See the patch graph at work: an explorer and sliders.

Photos are floats (height, width, 3) from 0 to 1. Used in week 6.
"""

import numpy as np
from scipy import sparse

from course_utils import patch_graph
from course_utils.explorer import AttentionExplorer, drawing
from course_utils.explorer.pixels import colormap, nearest
from course_utils.explorer.slider_figure import slider_figure
from course_utils.ladder import psnr
from course_utils.noise import checked_image

MOST_BYTES = 250_000  # of an explorer's html
MOST_PIXELS = 32 * 32  # of its photo: each is a query, too
MOST_MOVED = 64 * 64  # pixels of a photo that follows sliders
LARGEST_RADIUS = 7  # of the sliders
NEGLIGIBLE = 1e-9  # weight; below float32's smallest normal one they are slow
PANEL, GAP, HEAD, LETTERS = 384, 20, 44, 24  # pixels, before it is shrunk
SHOWN = 1000  # pixels, width of the four panels on the page


def graph_explorer(
    image,
    *,
    alt,
    sigmas=(0.1, 0.2, 0.4),
    radius=5,
    patch_side=5,
    noise=0.0,
):
    """Click a pixel of a small photo, see its neighbours in the graph.

    Each pixel is a token, the centre of its patch; the "heads" are the
    attention matrices of the patch graph at several bandwidths.

    Args:
        image: floats `(height, width, 3)`, at most 1024 pixels; noise may
            carry values beyond 0 to 1, they are clipped for show only.
            24x24 pixels leave room for four exact heads.
        alt: what the photo shows, in words.
        sigmas: bandwidths, one head each.
        radius, patch_side, noise: see `patch_graph.denoise`.

    Returns:
        `AttentionExplorer` of at most 250 kB; its `error` says how coarsely
        weights had to be rounded for that.

    Raises:
        TypeError, ValueError: a bad image, one of too many pixels, or what
            the patch graph and the explorer refuse.

    Used in week 6.
    """
    image = _checked_crop(image, MOST_PIXELS, patch_side)
    return AttentionExplorer(
        _bytes(image),
        _graph_heads(image, sigmas, radius, patch_side, noise),
        image.shape[:2],
        alt=alt,
        titles=[f"sigma {sigma:g}" for sigma in sigmas],
        max_bytes=MOST_BYTES,
    )


def _checked_crop(image, most, least_side):
    """Return a photo in colour that is small enough, or raise."""
    image = checked_image(image, least_side=least_side)
    height, width, channels = image.shape
    if channels != 3:
        raise ValueError(
            f"the photo needs 3 channels, got {channels}: repeat the grey "
            "one with image.repeat(3, axis=2)"
        )
    if height * width > most:
        side = int(most**0.5)
        raise ValueError(
            f"{height}x{width} pixels are too many to show, {most:,} is the "
            f"most: cut out a part, image[:{side}, :{side}]"
        )
    return image


def _graph_heads(image, sigmas, radius, patch_side, noise):
    """Return dense attention `(heads, pixels, pixels)`, one per sigma."""
    patches, centers = patch_graph.extract_patches(image, patch_side)
    heads = [
        patch_graph.compute_self_similarity(
            patch_graph.build_patch_graph_radius(
                centers, patches, sigma, radius, noise
            )
        ).toarray()
        for sigma in sigmas
    ]
    return np.array(heads, dtype=np.float32)


def _bytes(image):
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)


def graph_sliders(clean, noisy, *, alt, noise=0.0):
    """Slide sigma, tau, steps and radius; the photo and its PSNR follow.

    Args:
        clean, noisy: floats `(height, width, 3)` of one photo, from 0 to 1
            before noise, at most 64x64 pixels.
        alt: what the photo shows, in words.
        noise: see `patch_graph.denoise`.

    Returns:
        SliderFigure: the noisy photo, the result, the clean one, and the
        attention of the middle pixel. The slider of steps starts at 0,
        where the result is the noisy photo.

    Raises:
        TypeError, ValueError: bad photos, two of different shapes, or too
            many pixels.

    Used in week 6.
    """
    side = 2 * LARGEST_RADIUS + 1  # so that the attention map fits
    clean = _checked_crop(clean, MOST_MOVED, side)
    noisy = _checked_crop(noisy, MOST_MOVED, side)
    if clean.shape != noisy.shape:
        raise ValueError(
            "clean and noisy must be the same photo, got shapes "
            f"{clean.shape} and {noisy.shape}"
        )
    graph = _Graph(noisy, noise)
    before = psnr(noisy, clean)

    def draw(sigma, tau, steps, radius):
        attn = graph.attention(sigma, radius)
        smoothing = patch_graph.graph_smoothing(attn, tau, steps)
        patches = smoothing @ graph.patches
        result = patch_graph.reconstruct(patches, noisy.shape)
        row, own = graph.middle(attn)
        after = psnr(result, clean)
        return _panels(noisy, result, clean, row), (
            f"PSNR {before:.2f} dB noisy, {after:.2f} dB smoothed: "
            f"{after - before:+.2f} dB. In one step the middle pixel gives "
            f"itself {own:.0%} of its attention."
        )

    return slider_figure(
        draw,
        "t-graph",
        sigma=(0.02, 0.3, 0.01, 0.1),
        tau=(0.05, 1.0, 0.05, 1.0),
        steps=(0, 10, 1, 1),
        radius=(1, LARGEST_RADIUS, 1, 5),
        show_width=SHOWN,
        alt=f"{alt} From left to right: noisy, smoothed over the patch "
        "graph, clean, and the attention of the middle pixel to those "
        "inside the frame around it.",
    )


class _Graph:
    """The patch graph of one photo at any bandwidth and radius, quickly.

    Comparing patches takes most of the time, so it is done once, for the
    largest radius and sigma = 1; as exp(-d2 / (2 sigma^2)) =
    exp(-d2 / 2) ** (1 / sigma^2), a power gives the others.
    """

    def __init__(self, image, noise):
        self.shape = image.shape[:2]
        patches, centers = patch_graph.extract_patches(image)
        self.patches = patches.astype(np.float32)  # half the time of float64
        self.centers, self.kept = centers, {}
        self.widest = patch_graph.build_patch_graph_radius(
            centers, patches, 1.0, LARGEST_RADIUS, noise
        )

    def within(self, radius):
        """Return the affinities at sigma = 1 up to a radius, kept."""
        if radius not in self.kept:
            pairs = self.widest.tocoo()
            rows, columns = pairs.coords
            apart = self.centers[rows] - self.centers[columns]
            near = (apart**2).sum(axis=1) <= radius**2
            entries = pairs.data[near], (rows[near], columns[near])
            nearer = sparse.coo_array(entries, pairs.shape)
            self.kept[radius] = nearer.tocsr()
        return self.kept[radius]

    def attention(self, sigma, radius):
        """Return the sparse attention matrix, float32."""
        affinities = self.within(radius).copy()
        affinities.data **= 1 / sigma**2
        attn = patch_graph.compute_self_similarity(affinities)
        attn.data[attn.data < NEGLIGIBLE] = 0
        attn.eliminate_zeros()
        return attn.astype(np.float32)

    def middle(self, attn):
        """Return the middle pixel's attention around it, and to itself."""
        height, width = self.shape
        at = height // 2, width // 2
        row = attn[[at[0] * width + at[1]]].toarray().reshape(self.shape)
        top, left = (place - LARGEST_RADIUS for place in at)
        side = 2 * LARGEST_RADIUS + 1
        return row[top : top + side, left : left + side], row[at]


def _panels(noisy, result, clean, row):
    """Draw the four pictures side by side, as high as each other."""
    others = row.copy()
    others[LARGEST_RADIUS, LARGEST_RADIUS] = 0  # it would outshine them
    attended = colormap(row, 0, max(others.max(), NEGLIGIBLE))
    return drawing.beside(
        _panel("noisy", _bytes(noisy), framed=True),
        _panel("smoothed", _bytes(result)),
        _panel("clean", _bytes(clean)),
        _panel("attention inside the frame", attended),
        gap=GAP,
    )


def _panel(words, picture, framed=False):
    """Enlarge a picture, nearest neighbour, under a line of words.

    framed: outline the part that the attention map shows.
    """
    from PIL import Image

    height, width = picture.shape[:2]
    zoom = PANEL / height
    panel, pen = drawing.canvas(HEAD + PANEL, round(zoom * width))
    drawing.text(pen, (0, 4), words, size=LETTERS)
    large = nearest(picture, (PANEL, panel.width))
    panel.paste(Image.fromarray(large), (0, HEAD))
    if framed:
        left, top = width // 2 - LARGEST_RADIUS, height // 2 - LARGEST_RADIUS
        side = zoom * (2 * LARGEST_RADIUS + 1)
        left, top = zoom * left, HEAD + zoom * top
        drawing.frame(pen, [left, top, left + side, top + side])
    return np.asarray(panel)
