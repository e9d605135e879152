"""Turn the explorer's arguments into clean values, or say what is wrong."""

import numpy as np


def as_grid(grid):
    """Return `grid` as (rows, cols), two positive integers."""
    try:
        rows, cols = (int(side) for side in grid)
    except (TypeError, ValueError):
        raise ValueError(
            f"grid must be (rows, columns), two integers; got {grid!r}"
        ) from None
    if rows < 1 or cols < 1:
        raise ValueError(f"grid needs at least one row and column: {grid!r}")
    return rows, cols


def as_image(image, grid):
    """Return `image` as uint8 (height, width, 3), big enough for `grid`."""
    image = np.asarray(image)
    if image.dtype != np.uint8:
        raise ValueError(
            f"image must be uint8 with values 0 to 255, got {image.dtype}; "
            'for values 0 to 1 use (image * 255).round().astype("uint8")'
        )
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            "image must have shape (height, width) or (height, width, 3), "
            f"got {image.shape}"
        )
    if image.shape[0] < grid[0] or image.shape[1] < grid[1]:
        raise ValueError(
            f"image of {image.shape[0]} x {image.shape[1]} pixels is too "
            f"small for a grid of {grid[0]} x {grid[1]} patches"
        )
    return image


def as_attention(attn):
    """Return `attn` as floats (layers, heads, queries, keys)."""
    if hasattr(attn, "detach"):  # a torch tensor, on whatever device
        attn = attn.detach().cpu()
        if attn.dtype.itemsize < 4:  # NumPy has no bfloat16
            attn = attn.float()
    attn = np.asarray(attn)
    if attn.ndim not in (2, 3, 4) or attn.dtype.kind != "f":
        raise ValueError(
            "attn must be floats of shape (queries, keys), (heads, queries, "
            "keys) or (layers, heads, queries, keys), of one image; got "
            f"{attn.dtype} of shape {attn.shape}"
        )
    if attn.dtype.itemsize < 4:
        attn = attn.astype(np.float32)
    attn = attn.reshape((1,) * (4 - attn.ndim) + attn.shape)
    if 0 in attn.shape:
        raise ValueError(f"attn is empty: shape {attn.shape}")
    return attn


def check_rows(attn):
    """Every row must be a distribution: finite, not negative, sum 1."""
    if not np.isfinite(attn).all():
        raise ValueError("attn holds NaN or infinity; was a row all masked?")
    if attn.min() < 0:
        raise ValueError(
            f"attn holds negative weights (down to {attn.min():.3g}); "
            "pass the weights after softmax, not the logits"
        )
    worst = np.abs(attn.sum(axis=-1, dtype=np.float64) - 1).max()
    if worst > 1e-3:
        raise ValueError(
            f"every row of attn must sum to 1, one is off by {worst:.3g}; "
            "pass the weights after softmax over the last axis (keys), in "
            "float32 and with all their columns"
        )


def as_text(alt):
    """Return the description of the picture, which must say something."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(
            "alt must say in words what the image shows, for learners who "
            "cannot see it"
        )
    return " ".join(alt.split())


def as_titles(titles, heads):
    """Return one name per head; by default "head 0", "head 1", ..."""
    if titles is None:
        return [f"head {index}" for index in range(heads)]
    titles = [titles] if isinstance(titles, str) else [*map(str, titles)]
    if len(titles) != heads:
        raise ValueError(
            f"titles must name each head: {len(titles)} titles for "
            f"{heads} heads"
        )
    return titles


def as_layers(layers, count):
    """Return the shown layers' numbers, rising; by default all."""
    if layers is None:
        return [*range(count)]
    try:
        numbers = [range(count)[layer] for layer in layers]
    except (TypeError, IndexError):
        raise ValueError(
            f"layers must list layers from 0 to {count - 1} (negative ones "
            f"count from the last), for example [0, -1]; got {layers!r}"
        ) from None
    if not numbers:
        raise ValueError("layers is empty: name at least one layer to show")
    return sorted(set(numbers))


def as_layer(layer, shown, count):
    """Return the place in `shown` of the layer to start with."""
    if layer is None:
        return 0
    (number,) = as_layers([layer], count)
    if number not in shown:
        raise ValueError(f"layer {layer} is not among those shown: {shown}")
    return shown.index(number)


def as_query(query, tokens):
    """Return the number of the query to start with.

    `query` is (row, column), a name, or None: the first of the named
    queries of cross-attention, else the patch in the middle.
    """
    rows, cols = tokens.grid
    if isinstance(query, str) or tokens.names is not None:
        name = tokens.names[0] if query is None else query
        if name not in tokens.named:
            raise ValueError(
                f"no query is named {name!r}; there are: "
                f"{', '.join(tokens.named) or 'patches only, (row, column)'}"
            )
        return tokens.named.index(name)
    row, col = (rows // 2, cols // 2) if query is None else _pair(query)
    if not (0 <= row < rows and 0 <= col < cols):
        raise ValueError(
            f"query {(row, col)} lies outside the grid of {rows} rows "
            f"and {cols} columns (both count from 0)"
        )
    return len(tokens.named) + row * cols + col


def _pair(query):
    """Return `query` as two integers."""
    try:
        row, col = (int(index) for index in query)
    except (TypeError, ValueError):
        raise ValueError(
            f"query must be (row, column), two integers; got {query!r}"
        ) from None
    return row, col
