"""Look at what attribute queries attend to, the rare ones above all.

The course's explorer with several faces in one page and a filter by how
rare an attribute is. Its JavaScript is explorer/faces.js.
"""

import base64
import gzip

import numpy as np

from course_utils import face_explorer_inputs as given
from course_utils.explorer import fallback, inputs, packing, page, pixels
from course_utils.explorer.tokens import Tokens
from course_utils.explorer.views import Views
from course_utils.face_groups import check_frequencies
from course_utils.multilabel import COMMON, RARE, rarity

SCRIPTS = (*page.PARTS, "faces.js", "frame.js")
STYLES = (*page.STYLES, "faces.css")


class FaceExplorer:
    """The page that `face_explorer` makes: the last line of a cell.

    Attributes: `alt` (what it shows, in words), `error` (the largest
    rounding error of a weight, as a share of its row's largest weight).
    """

    def __init__(self, html, levels, alt):
        self._html, self.alt = html, alt
        self.error = 0.5 / levels + packing.ROUNDING

    def _repr_html_(self):
        return self._html

    def __repr__(self):
        return f"FaceExplorer: {self.alt}"


def face_explorer(
    images,
    attn,
    labels,
    scores,
    names,
    frequencies,
    *,
    alt,
    masks=None,
    thresholds=0.5,
    grid=(8, 8),
    face=0,
    attribute=None,
    max_bytes=500_000,
):
    """Choose a face, an attribute, a layer and a head; see the map.

    Shown as the last line of a cell; it needs no kernel and no network. A
    filter lists all attributes, the rare or the common ones, and says so;
    if it takes away the chosen attribute, it names the one shown instead.
    Beside the face, the map and the overlay stand label, score, frequency,
    largest weight, entropy and the share inside the attribute's region.

    Args:
        images: `(faces, height, width, 3)` uint8.
        attn: `(faces, layers, heads, attributes, keys)`, rows sum to 1;
            keys are the patches of `grid` in reading order. NumPy or torch.
        labels: `(faces, attributes)` bool.
        scores: `(faces, attributes)` probabilities, 0 to 1.
        names: one per attribute; underscores show as spaces.
        frequencies: `(attributes,)`, share of faces labelled yes.
        alt: what the faces are, in words, for those who cannot see them.
        masks: `(faces, attributes, height, width)` bool, the region of an
            attribute in each face; all False where there is none.
        thresholds: one number or `(attributes,)`: yes is predicted from
            this score on; infinity never.
        grid: (rows, cols) of patches.
        face: number of the face shown first.
        attribute: name of the one shown first; default the rarest.
        max_bytes: limit on the html. When it is tight, weights are rounded
            more coarsely, which the page states.

    Returns:
        `FaceExplorer`.

    Raises:
        ValueError: shapes that do not fit each other, values out of their
            range, an unknown name, too much data for max_bytes.

    Used in week 5.
    """
    grid, alt = inputs.as_grid(grid), inputs.as_text(alt)
    attn = given.as_attention(attn, grid)
    count, *_, queries, _ = attn.shape
    images = given.as_images(images, count, grid)
    names = given.as_names(names, queries)
    labels = given.as_labels(labels, (count, queries))
    scores = given.as_scores(scores, (count, queries))
    frequencies = check_frequencies(names, frequencies)
    thresholds = given.as_thresholds(thresholds, queries)
    regions = given.as_regions(masks, queries, images)
    start = given.as_start(face, attribute, names, frequencies, count)
    facts = {
        "alt": alt,
        "named": names,
        "labels": labels.ravel().tolist(),
        "scores": scores.ravel().round(4).tolist(),
        "predicted": (scores >= thresholds).ravel().tolist(),
        "frequencies": frequencies.round(5).tolist(),
        "thresholds": _finite(thresholds),
        "groups": rarity_groups(frequencies),
        "regions": _packed(regions),
    }
    html, levels = _page(facts, images, attn, grid, start, max_bytes)
    return FaceExplorer(html, levels, alt)


def rarity_groups(frequencies):
    """Return what the filter offers, in its order.

    Args:
        frequencies: `(attributes,)`, between 0 and 1.

    Returns:
        List of dicts with `title` and `members`, numbers of attributes:
        all, those below 10% and those above 30%.

    Used in week 5.
    """
    kept = rarity(frequencies)
    titles = {
        "all": "All",
        "rare": f"Rare, below {RARE:.0%}",
        "common": f"Common, above {COMMON:.0%}",
    }
    return [
        {"title": title, "members": np.flatnonzero(kept[name]).tolist()}
        for name, title in titles.items()
    ]


def _page(facts, images, attn, grid, start, max_bytes):
    """Return the html and how finely the weights could be stored.

    The explorer knows queries, not faces: those of all faces stand one
    after another, attributes within faces.
    """
    _, layers, heads, queries, keys = attn.shape
    face, attribute = start
    stacked = attn.transpose(1, 2, 0, 3, 4).reshape(layers, heads, -1, keys)
    views = Views(
        stacked, Tokens(grid, names=facts["named"]), [*range(layers)]
    )
    config = {**facts, **_layout(views, images, grid)}
    state = {"query": face * queries + attribute, "layer": layers - 1}
    still = _still(config, images[face], attn[face, -1, :, attribute], start)
    files = {"scripts": SCRIPTS, "styles": STYLES}
    try:
        return page.fill(config, state, still, views, [max_bytes], **files)
    except ValueError:
        raise ValueError(
            f"attn of shape {attn.shape} with its faces does not fit into "
            f"{max_bytes:,} bytes: pass fewer faces, layers or heads, or a "
            "larger max_bytes"
        ) from None


def _layout(views, images, grid):
    """Return the part of the page's configuration that is no fact."""
    depth, heads, queries, _ = views.attn.shape
    height, width = images.shape[1:3]
    return {
        "rows": grid[0],
        "cols": grid[1],
        "size": (height, width),
        "patch": (height // grid[0], width // grid[1]),
        "images": [packing.data_uri(image) for image in images],
        "layers": views.layers,
        "depth": depth,
        "heads": inputs.as_titles(None, heads),
        "mean": views.mean,
        "rollout": views.rollout,
        "queries": queries,
        "classToken": False,
        "crossed": True,
        "lut": base64.b64encode(pixels.lut().tobytes()).decode(),
    }


def _still(config, image, heads, start):
    """Return the <img> for where scripts do not run.

    Args:
        heads: `(heads, keys)`, the maps of the face and attribute to start
            with in the last layer; their mean is shown.
    """
    face, attribute = start
    weights, cols = heads.mean(axis=0), config["cols"]
    largest, where, _, entropy = packing.summary(weights)
    row, col = divmod(int(where), cols)
    label = config["labels"][face * len(config["named"]) + attribute]
    drawn = fallback.picture(
        image, config["patch"], weights.reshape(config["rows"], cols), None
    )
    return page.picture(
        drawn,
        f"{config['alt']} Left: face {face}, labelled "
        f"{'yes' if label else 'no'} for {config['named'][attribute]}. "
        "Right: the attention map of this attribute, last layer, mean over "
        f"heads: the largest weight {largest:.2g} is at row {row}, column "
        f"{col}; entropy {entropy:.2f} nats.",
    )


def _finite(thresholds):
    """Return them as a list; JSON has no infinity, so that is None."""
    finite = np.where(np.isinf(thresholds), None, thresholds.round(4))
    return finite.tolist()


def _packed(regions):
    """Return regions, one bit a pixel, zipped, as base64; None stays."""
    if regions is None:
        return None
    bits = np.packbits(regions, axis=-1).tobytes()
    return base64.b64encode(gzip.compress(bits, mtime=0)).decode()
