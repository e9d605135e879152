"""Super-resolution with a reference: the detail is there, but elsewhere.

A second picture holds the 16 tiles of the fine one, sharp but in another
order. Whoever looks for the right tile can copy it. Used in week 4.
"""

import torch
from torch import nn
from torch.nn import functional as F

from course_utils.diffusion_inputs import check_whole
from course_utils.progress_bar import track
from course_utils.sr_inputs import (
    check_coarse,
    check_kind,
    check_pictures,
    check_training,
)
from course_utils.sr_training import draw
from course_utils.super_resolution import FACTOR, RESIDUAL, enlarge, reduce
from course_utils.weights import at_rest

TILE = 8  # pixels, side of a tile
SIDE = 32  # pixels, side of a picture
GRID = SIDE // TILE  # tiles down and across
TOKENS = GRID**2
PIXELS = 3 * TILE**2  # numbers of a fine tile
SMALL = TILE // FACTOR  # pixels, side of a coarse tile
COARSE = 3 * SMALL**2  # numbers of a coarse tile
# The width of the perceptron that every kind has, such that all kinds have
# as many parameters as attention, to 1%.
HIDDEN = {"attention": 96, "mixer": 181, "mean": 192, "alone": 285}


def as_tiles(pictures, side):
    """Cut pictures into square tiles, row by row.

    Args:
        pictures: `(batch, 3, height, width)`, of any values.
        side: of a tile in pixels; it divides height and width.

    Returns:
        `(batch, tiles, 3 * side * side)`: all pixels of a colour, then of
        the next.

    Raises:
        TypeError: not a tensor of floats, or side is not whole.
        ValueError: another shape, none, or tiles that do not fit.
    """
    check_kind(pictures)
    check_whole("side", side, 1)
    height, width = pictures.shape[2:]
    if height % side or width % side:
        raise ValueError(
            f"tiles of {side} pixels do not fit pictures of {height}x{width}: "
            "side must divide both"
        )
    tiles = F.unfold(pictures, side, stride=side)
    return tiles.transpose(1, 2)


def as_pictures(tiles):
    """Put 16 tiles of 8x8 pixels together; undoes `as_tiles`.

    Args:
        tiles: `(batch, 16, 192)`.

    Returns:
        `(batch, 3, 32, 32)`.

    Raises:
        ValueError: another shape.
    """
    if tiles.ndim != 3 or tiles.shape[1:] != (TOKENS, PIXELS):
        raise ValueError(
            f"tiles need shape (batch, {TOKENS}, {PIXELS}), got "
            f"{tuple(tiles.shape)}"
        )
    return F.fold(tiles.transpose(1, 2), SIDE, TILE, stride=TILE)


def shuffled(high, generator=None):
    """Return reference pictures, and where each tile's detail is.

    Args:
        high: `(batch, 3, 32, 32)`, 0 to 1, the fine pictures.
        generator: a `torch.Generator` on the CPU, or None.

    Returns:
        `(references, places)`: `(batch, 3, 32, 32)`, and `(batch, 16)`,
        for each tile of the fine picture its number in the reference.

    Raises:
        TypeError: not a tensor of floats.
        ValueError: another shape, none, NaN, or values beyond 0 to 1.
    """
    _check_fine("fine pictures", high)
    order = torch.rand(len(high), TOKENS, generator=generator).argsort(dim=1)
    order = order.to(high.device)
    tiles = as_tiles(high, TILE)
    moved = tiles.gather(1, order[..., None].expand_as(tiles))
    return as_pictures(moved), order.argsort(dim=1)


def _check_fine(name, pictures):
    check_pictures(pictures)
    if pictures.shape[2:] != (SIDE, SIDE):
        raise ValueError(
            f"the {name} need shape (batch, 3, {SIDE}, {SIDE}), got "
            f"{tuple(pictures.shape)}"
        )


def _check_pair(low, reference):
    _check_fine("reference", reference)
    check_coarse(low)
    side = SIDE // FACTOR
    if low.shape != (len(reference), 3, side, side):
        raise ValueError(
            "the coarse pictures need shape (batch, 3, "
            f"{side}, {side}), one for each of the {len(reference)} "
            f"references; got {tuple(low.shape)}"
        )


class Reader(nn.Module):
    """Sharpen each coarse tile, with or without a look at the reference.

    kind: how a tile reads the 16 tiles of the reference: "attention" (by
        likeness), "mean" (their mean), "mixer" (a learned mix for each
        place) or "alone" (not at all). All have as many parameters.

    Raises ValueError for another kind, and for pictures that do not fit.
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
        _check_attends(self)
        _check_pair(low, reference)
        query = self.query(4 * as_tiles(2 * low - 1, SMALL))
        key = self.key(4 * as_tiles(2 * reference - 1, TILE))
        logits = query @ key.transpose(1, 2) * query.shape[-1] ** -0.5
        return logits.softmax(dim=-1)[:, None]

    def read(self, low, reference):
        """Return what each tile reads, (batch, 16 or 1, 192)."""
        value = self.value(as_tiles(2 * reference - 1, TILE))
        if self.kind == "mean":
            return value.mean(dim=1, keepdim=True)
        if self.kind == "mixer":
            return self.mix(value.transpose(1, 2)).transpose(1, 2)
        return self.weights(low, reference)[:, 0] @ value

    def forward(self, low, reference):
        """(batch, 3, 8, 8), (batch, 3, 32, 32) -> (batch, 3, 32, 32)."""
        _check_pair(low, reference)
        coarse = as_tiles(enlarge(2 * low - 1), TILE)
        small = as_tiles(2 * low - 1, SMALL)
        out = coarse + RESIDUAL * self.own(torch.cat([small, coarse], dim=2))
        if self.kind != "alone":
            out = out + self.read(low, reference)
        return as_pictures(out + 1) / 2


def _perceptron(inputs, hidden, outputs):
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs)
    )


def _check_attends(reader):
    if reader.kind != "attention":
        raise ValueError(
            f"a reader of kind {reader.kind!r} has no attention: take "
            'Reader("attention")'
        )


def reference_loss(net, high):
    """Mean squared error, as a share of about what bicubic's is.

    Args:
        net: `net(low, reference)` returns fine pictures.
        high: see `shuffled`, for errors, too.
    """
    reference, _ = shuffled(high)
    return F.mse_loss(net(reduce(high), reference), high) / RESIDUAL**2


def train_reader(net, images, steps, rate=4e-3, batch=64):
    """Train a network that gets a coarse picture and a reference.

    Args:
        net: `net(low, reference)` returns fine pictures.
        images: `(n, 3, 32, 32)` uint8 tensor.
        steps: number of steps; the rate climbs to `rate`, falls to 0.
        rate: learning rate at its peak.
        batch: pictures a step.

    Raises:
        TypeError: images are not a uint8 tensor, steps or batch not whole.
        ValueError: images of another shape, none; steps, rate or batch out
            of range.
        FloatingPointError: the loss is no number.
    """
    check_whole("steps", steps, 1)
    check_training(net, images, None, rate, batch)
    if images.shape[2:] != (SIDE, SIDE):
        raise ValueError(
            f"images need shape (n, 3, {SIDE}, {SIDE}), got "
            f"{tuple(images.shape)}"
        )
    device = next(net.parameters()).device
    optimizer = torch.optim.AdamW(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=steps
    )
    for step in track(range(steps), f"{steps:,} steps"):
        optimizer.zero_grad()
        loss = reference_loss(net, draw(images, batch).to(device))
        _check_loss(loss, step, rate)
        loss.backward()
        optimizer.step()
        schedule.step()


def _check_loss(loss, step, rate):
    if not loss.isfinite():
        raise FloatingPointError(
            f"the loss is {loss.item()} at step {step}: a peak rate lower "
            f"than {rate} may help"
        )


def trained(kind, images, steps, seed=0):
    """Return a `Reader`, trained and at rest.

    Args:
        kind: see `Reader`.
        images: `(n, 32, 32, 3)` uint8 array.
        steps: number of steps.
        seed: of its weights and of what it sees.
    """
    torch.manual_seed(seed)
    reader = Reader(kind)
    train_reader(reader, torch.from_numpy(images).permute(0, 3, 1, 2), steps)
    return at_rest(reader)
