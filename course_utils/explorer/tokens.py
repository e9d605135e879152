"""What the queries and keys of an attention tensor stand for."""

import math
from dataclasses import dataclass

CLASS_TOKEN = "class token"


@dataclass(frozen=True)
class Tokens:
    """The keys are the patches of a grid, perhaps after a class token.

    Attributes:
        grid: (rows, cols) of the patches, stored row by row.
        class_token: whether key 0 is the class token.
        names: one name per query for cross-attention; None when the
            queries are the same tokens as the keys.
    """

    grid: tuple
    class_token: bool = False
    names: tuple | None = None

    @property
    def count(self):
        """Number of keys."""
        return self.grid[0] * self.grid[1] + self.class_token

    @property
    def named(self):
        """Names of the queries that are no patches, in their order."""
        if self.names is not None:
            return self.names
        return (CLASS_TOKEN,) if self.class_token else ()

    def patch_at(self, query):
        """Return (row, col) of query number `query`, None if it is named."""
        if query < len(self.named):
            return None
        return divmod(query - len(self.named), self.grid[1])

    def words(self, query):
        """Return what to call query number `query`."""
        place = self.patch_at(query)
        if place is None:
            return self.named[query]
        return f"row {place[0]}, column {place[1]}"


def as_tokens(shape, grid, class_token=None, names=None):
    """Return the Tokens of an attention tensor, or say what does not fit.

    Args:
        shape: (layers, heads, queries, keys).
        grid: (rows, cols).
        class_token: True, False, or None to tell from the number of keys.
        names: one name per query, or None for self-attention.
    """
    if class_token not in (None, True, False):
        raise ValueError(
            "class_token must be True, False or None (find out), got "
            f"{class_token!r}"
        )
    queries, keys = shape[-2:]
    names = as_names(names, queries)
    extra = keys - grid[0] * grid[1]
    found = extra == 1 if class_token is None else bool(class_token)
    if extra != found:
        raise ValueError(_wrong_keys(keys, grid, class_token))
    if names is None and queries != keys:
        raise ValueError(
            f"attn has {queries} queries and {keys} keys: queries that are "
            f"not the keys need names, queries=[...] with {queries} of them"
        )
    return Tokens(grid, found, names)


def as_names(names, count):
    """Return the queries' names as a tuple of different strings, or None."""
    if names is None:
        return None
    if isinstance(names, str):
        names = [names]
    names = tuple(" ".join(str(name).split()) for name in names)
    if len(names) != count:
        raise ValueError(
            f"queries must name each query: {len(names)} names for "
            f"{count} queries"
        )
    if "" in names or len(set(names)) < count:
        raise ValueError(
            f"queries must be different names, none empty; got {[*names]}"
        )
    return names


def _wrong_keys(keys, grid, class_token):
    """Say that the keys do not fit the grid, and what would."""
    patches = grid[0] * grid[1]
    told = (
        f"attn has {keys} keys, but a grid of {grid[0]} x {grid[1]} has "
        f"{patches} patches"
    )
    extra = keys - patches
    if extra == 1:
        return f"{told}; the one more is a class token? Leave out class_token"
    if extra == 0:
        return f"{told}: there is no class token; leave out class_token"
    if 1 < extra <= 8 and class_token is not False:
        return (
            f"{told}. Tokens besides one class token and the patches "
            "(registers?) cannot be shown: drop their rows and columns, "
            "then divide by attn.sum(axis=-1, keepdims=True)"
        )
    fits = [
        f"{rows} x {cols}{more}"
        for count, more in ((keys, ""), (keys - 1, " and a class token"))
        for rows, cols in _sides(count)
        if cols <= 3 * rows
    ]
    would = f"; {keys} keys would fit {' or '.join(fits)}" if fits else ""
    return f"{told}{would}. Pass the grid (rows, cols) that the model used"


def _sides(count):
    """Return the squarest grid of `count` patches, in a list, if any."""
    rows = [r for r in range(1, math.isqrt(count) + 1) if count % r == 0]
    return [(rows[-1], count // rows[-1])] if rows else []
