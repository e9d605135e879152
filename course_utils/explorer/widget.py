"""AttentionExplorer: the object a lesson shows as the last line of a cell."""

import base64
import html
import json
from importlib import resources

from course_utils.explorer import fallback, inputs, packing, pixels


class AttentionExplorer:
    """Click a patch of a photo, see where that query attends.

    Shown as the last line of a cell. It needs no kernel and no network:
    everything is inside the page. Arrow keys work, and every move is also
    said in words.

    Args:
        image: uint8 (height, width) or (height, width, 3), the picture the
            model saw. Patches are height // rows by width // cols pixels
            from the top left corner; what remains is shown as a border.
        attn: (queries, keys), (heads, queries, keys) or (layers, heads,
            queries, keys), rows sum to 1. Queries and keys are the patches
            of the grid, row by row. With a class token, drop it first:
            attn[..., 1:, 1:] divided by its sum over the last axis.
        grid: (rows, cols) of patches.
        alt: what the picture shows, in words.
        titles: one name per head; default "head 0", "head 1", ...
        query: (row, col) shown first, counted from 0; default the middle.
        cmap: "viridis" or "cividis".
        max_bytes: limit on the html. When it is tight, weights are rounded
            more coarsely, to `error` times the largest weight of their row
            (0.2% if there is room, at worst 7%). The largest weight, its
            place and the entropy are never rounded so.

    Raises:
        ValueError: bad shapes, NaN, negative weights, rows that do not sum
            to 1 within 0.001, an empty alt, too much data for max_bytes.

    Taught in week 1, used again in weeks 3 to 6.
    """

    def __init__(
        self,
        image,
        attn,
        grid,
        *,
        alt,
        titles=None,
        query=None,
        cmap="viridis",
        max_bytes=700_000,
    ):
        self.grid = rows, cols = inputs.as_grid(grid)
        self.image = inputs.as_image(image, self.grid)
        self.attn = inputs.as_attention(attn, self.grid)
        self.alt = inputs.as_text(alt)
        self.titles = inputs.as_titles(titles, self.attn.shape[1])
        self.query = inputs.as_query(query, self.grid)
        self.patch = self.image.shape[0] // rows, self.image.shape[1] // cols
        self.lut = pixels.lut(cmap)
        self._html, self.levels = self._build(max_bytes)

    @property
    def error(self):
        """Largest rounding error of a weight, as a share of its row's max."""
        return 0.5 / self.levels

    def sentence(self):
        """Say in words where the first query attends (first layer, head)."""
        row, col = self.query
        index = row * self.grid[1] + col
        weights = self.attn[:1, :1, index]
        largest, where, entropy = (
            part.item() for part in packing.summary(weights)
        )
        key = divmod(where, self.grid[1])
        return (
            f"Query row {row}, column {col}, {self.titles[0]}: the largest "
            f"weight {largest:.2g} is at row {key[0]}, column {key[1]}; "
            f"entropy {entropy:.2f} nats."
        )

    def _config(self):
        """Everything the JavaScript module needs but the weights."""
        return {
            "alt": self.alt,
            "rows": self.grid[0],
            "cols": self.grid[1],
            "patch": self.patch,
            "size": self.image.shape[:2],
            "layers": [f"layer {i}" for i in range(self.attn.shape[0])],
            "heads": self.titles,
            "image": packing.data_uri(self.image),
            "lut": base64.b64encode(self.lut.tobytes()).decode(),
        }

    def _static(self):
        """Return the <img> for where scripts do not run."""
        index = self.query[0] * self.grid[1] + self.query[1]
        weights = self.attn[0, 0, index].reshape(self.grid)
        source = packing.data_uri(
            fallback.picture(self.image, self.patch, weights, self.query), 75
        )
        alt = html.escape(
            f"{self.alt} Left: the photo with the query patch outlined. "
            f"Right: its attention map. {self.sentence()}"
        )
        return (
            f'<img data-fallback class="dark-light" alt="{alt}" '
            f'src="{source}" style="max-width:100%">'
        )

    def _build(self, max_bytes):
        """Return the html, and how finely the weights could be stored."""
        config, static = self._config(), self._static()
        empty = {"payload": "", "levels": 255, "delta": False}
        page = html.escape(_page({**config, **empty}, self.query))
        room = max_bytes - len(static) - len(page) - 1000
        packed = packing.pack(self.attn, room)
        page = html.escape(_page({**config, **packed}, self.query))
        title = html.escape(f"Attention explorer. {self.alt}")
        frame = (
            f'<iframe title="{title}" srcdoc="{page}" scrolling="no" '
            'style="display:block;width:100%;height:0;border:0;'
            'color-scheme:light"></iframe>'
        )
        style = "background:#fff;color-scheme:light;max-width:1040px"
        return f'<div style="{style}">{static}{frame}</div>', packed["levels"]

    def _repr_html_(self):
        return self._html

    def __repr__(self):
        layers, heads = self.attn.shape[:2]
        return (
            f"AttentionExplorer({self.grid[0]} x {self.grid[1]} patches, "
            f"layers={layers}, heads={heads}): {self.alt}"
        )


def _page(config, query):
    """Return the html document inside the frame."""
    files = resources.files("course_utils.explorer")
    read = {
        name: (files / name).read_text(encoding="utf-8")
        for name in ("explorer.css", "explorer.js", "frame.js")
    }
    state = json.dumps({"config": config, "query": query})
    state = state.replace("<", "\\u003c")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Attention explorer</title><style>{read['explorer.css']}"
        "</style></head><body><main>"
        '<h1 class="unseen">Attention explorer</h1>'
        '<div id="explorer"></div></main>'
        f'<script type="application/json" id="state">{state}</script>'
        f'<script type="module">{read["explorer.js"]}{read["frame.js"]}'
        "</script></body></html>"
    )
