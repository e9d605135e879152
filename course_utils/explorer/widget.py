"""AttentionExplorer: the object a lesson shows as the last line of a cell."""

from course_utils.explorer import inputs, packing, page, pixels
from course_utils.explorer.tokens import as_tokens
from course_utils.explorer.views import Views


class AttentionExplorer:
    """Choose a query on a photo, see where it attends.

    Shown as the last line of a cell. It needs no kernel and no network:
    everything is inside the page. Pointing at a patch previews it, a click
    or the arrow keys choose it, and every move is also said in words.
    Beside each head there are the mean over the heads that are switched on
    and, for self-attention of several layers, the rollout up to the chosen
    layer: heads averaged, mixed half and half with the identity, rows
    divided by their sum, layers multiplied (Abnar and Zuidema 2020).

    With p = rows * cols patches, attn[..., queries, keys] is one of::

        self-attention         (..., p, p)
        with a class token     (..., 1 + p, 1 + p), the class token first
        cross-attention        (..., q, p) or (..., q, 1 + p), and
                               queries= with q names

    Every map shows weights on patches only. How much of the weight falls
    on the class token is said beside it; it is never dropped silently, and
    the entropy counts it.

    Args:
        image: uint8 (height, width) or (height, width, 3), the picture the
            model saw. Patches are height // rows by width // cols pixels
            from the top left corner; what remains is shown as a border.
        attn: (queries, keys), (heads, queries, keys) or (layers, heads,
            queries, keys), a NumPy array or a torch tensor, as the softmax
            made it: rows sum to 1. Patches are in reading order.
        grid: (rows, cols) of patches.
        alt: what the picture shows, in words.
        titles: one name per head; default "head 0", "head 1", ...
        query: shown first: (row, col) counted from 0, "class token", or
            the name of a query. Default: the middle patch, or the first
            name.
        queries: names of the queries of cross-attention, one each.
        class_token: whether token 0 is a class token; None finds out from
            the number of keys.
        layer: shown first, -1 is the last; default the first.
        layers: the layers to show, for example [0, 5, 11]; default all.
            The rollout still counts those that are left out.
        cmap: "viridis" or "cividis".
        max_bytes: limit on the html. When it is tight, weights are rounded
            more coarsely, to `error` times the largest weight of their row
            (0.2% if there is room, at worst 7%), which the page states. The
            largest weight, its place and the entropy are never rounded so.
            Default: 0.7 MB, or 1.4 or 2.8 MB if even 7% does not fit.

    Raises:
        ValueError: bad shapes, keys that are no grid, NaN, negative
            weights, rows that do not sum to 1 within 0.001, an empty alt,
            unknown queries or layers, too much data for max_bytes.

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
        queries=None,
        class_token=None,
        layer=None,
        layers=None,
        cmap="viridis",
        max_bytes=None,
    ):
        rows, cols = grid = inputs.as_grid(grid)
        self.image = inputs.as_image(image, grid)
        self.attn = inputs.as_attention(attn)
        depth, heads = self.attn.shape[:2]
        self.tokens = as_tokens(self.attn.shape, grid, class_token, queries)
        for each in self.attn:  # one at a time: less memory
            inputs.check_rows(each)
        self.alt = inputs.as_text(alt)
        self.titles = inputs.as_titles(titles, heads)
        self.layers = inputs.as_layers(layers, depth)
        self.start = (
            inputs.as_layer(layer, self.layers, depth),
            inputs.as_query(query, self.tokens),
        )
        self.patch = self.image.shape[0] // rows, self.image.shape[1] // cols
        self.lut = pixels.lut(cmap)
        views = Views(self.attn, self.tokens, self.layers)
        self._html, self.levels = page.build(self, views, max_bytes)

    @property
    def error(self):
        """Largest rounding error of a weight, as a share of its row's max."""
        return 0.5 / self.levels + packing.ROUNDING

    def sentence(self):
        """Say in words where the first query attends (first layer, head)."""
        place, query = self.start
        layer, tokens = self.layers[place], self.tokens
        weights = self.attn[layer, 0, query]
        largest, where, on_class, entropy = (
            part.item()
            for part in packing.summary(weights, tokens.class_token)
        )
        of_layer = f", layer {layer}" if len(self.attn) > 1 else ""
        row, col = divmod(where, tokens.grid[1])
        on_patch = " on a patch" if tokens.class_token else ""
        rest = f"{on_class:.2g} of the weight is on the class token; "
        return (
            f"Query {tokens.words(query)}{of_layer}, {self.titles[0]}: the "
            f"largest weight{on_patch} {largest:.2g} is at row {row}, column "
            f"{col}; {rest if tokens.class_token else ''}"
            f"entropy {entropy:.2f} nats."
        )

    def _repr_html_(self):
        return self._html

    def __repr__(self):
        heads, rows, cols = self.attn.shape[1], *self.tokens.grid
        return (
            f"AttentionExplorer({rows} x {cols} patches, "
            f"layers={len(self.layers)}, heads={heads}): {self.alt}"
        )
