"""Super-resolution with a reference: the detail is there, but elsewhere.

A second picture holds the 16 tiles of the fine one, sharp but in another
order. Whoever looks for the right tile can copy it. Used in week 4.
"""

import torch
from torch import nn
from torch.nn import functional as F

from course_utils.progress_bar import track
from course_utils.sr_training import draw
from course_utils.super_resolution import FACTOR, RESIDUAL, enlarge, reduce

TILE = 8  # pixels, side of a tile
SIDE = 32  # pixels, side of a picture
GRID = SIDE // TILE  # tiles down and across
TOKENS = GRID**2
PIXELS = 3 * TILE**2  # numbers of a fine tile
COARSE = 3 * (TILE // FACTOR) ** 2  # numbers of a coarse tile
# The width of the perceptron that every kind has, such that all kinds have
# as many parameters as attention, to 1%.
HIDDEN = {"attention": 96, "mixer": 181, "mean": 192, "alone": 285}


def as_tiles(pictures, side):
    """(batch, 3, height, width) -> (batch, tiles, 3 * side * side)."""
    tiles = F.unfold(pictures, side, stride=side)
    return tiles.transpose(1, 2)


def as_pictures(tiles):
    """(batch, 16, 192) -> (batch, 3, 32, 32)."""
    return F.fold(tiles.transpose(1, 2), SIDE, TILE, stride=TILE)


def shuffled(high, generator=None):
    """Return reference pictures, and where each tile's detail is.

    Args:
        high: `(batch, 3, 32, 32)`, the fine pictures.
        generator: a `torch.Generator`, or None.

    Returns:
        `(references, places)`: `(batch, 3, 32, 32)`, and `(batch, 16)`,
        for each tile of the fine picture its number in the reference.
    """
    order = torch.rand(len(high), TOKENS, generator=generator).argsort(dim=1)
    tiles = as_tiles(high, TILE)
    moved = tiles.gather(1, order[..., None].expand_as(tiles))
    return as_pictures(moved), order.argsort(dim=1)


class Reader(nn.Module):
    """Sharpen each coarse tile, with or without a look at the reference.

    kind: how a tile reads the 16 tiles of the reference: "attention" (by
        likeness), "mean" (their mean), "mixer" (a learned mix for each
        place) or "alone" (not at all). All have as many parameters.
    """

    def __init__(self, kind, width=96):
        super().__init__()
        if kind not in HIDDEN:
            raise ValueError(
                f"unknown kind {kind!r}: choose one of {', '.join(HIDDEN)}"
            )
        self.kind = kind
        self.own = _perceptron(COARSE + PIXELS, HIDDEN[kind], PIXELS)
        if kind != "alone":
            self.value = nn.Linear(PIXELS, PIXELS)
        if kind == "attention":
            self.query = _perceptron(COARSE, width, width)
            self.key = _perceptron(PIXELS, width, width)
        if kind == "mixer":
            self.mix = _perceptron(TOKENS, 8 * TOKENS, TOKENS)

    def weights(self, low, reference):
        """Return the attention, (batch, 1, queries, keys)."""
        query = self.query(4 * as_tiles(low, TILE // FACTOR))
        key = self.key(4 * as_tiles(reference, TILE))
        logits = query @ key.transpose(1, 2) * query.shape[-1] ** -0.5
        return logits.softmax(dim=-1)[:, None]

    def read(self, low, reference):
        value = self.value(as_tiles(reference, TILE))  # (batch, keys, 192)
        if self.kind == "mean":
            return value.mean(dim=1, keepdim=True)
        if self.kind == "mixer":
            return self.mix(value.transpose(1, 2)).transpose(1, 2)
        return self.weights(low, reference)[:, 0] @ value

    def forward(self, low, reference):
        """(batch, 3, 8, 8), (batch, 3, 32, 32) -> (batch, 3, 32, 32)."""
        low, reference = 2 * low - 1, 2 * reference - 1
        coarse = as_tiles(enlarge(low), TILE)
        small = as_tiles(low, TILE // FACTOR)
        out = coarse + RESIDUAL * self.own(torch.cat([small, coarse], dim=2))
        if self.kind != "alone":
            out = out + self.read(low, reference)
        return as_pictures(out + 1) / 2


def _perceptron(inputs, hidden, outputs):
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs)
    )


def reference_loss(net, high):
    """Mean squared error, as a share of about what bicubic's is."""
    reference, _ = shuffled(high)
    return F.mse_loss(net(reduce(high), reference), high) / RESIDUAL**2


def train_reader(net, images, steps, rate=4e-3, batch=64):
    """Train a network that gets a coarse picture and a reference.

    Args:
        net: `net(low, reference)` returns fine pictures.
        images: `(n, 3, 32, 32)` uint8 tensor.
        steps: number of steps; the rate climbs to `rate`, falls to 0.
    """
    optimizer = torch.optim.AdamW(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=steps
    )
    for _ in track(range(steps), f"{steps:,} steps"):
        optimizer.zero_grad()
        reference_loss(net, draw(images, batch)).backward()
        optimizer.step()
        schedule.step()
