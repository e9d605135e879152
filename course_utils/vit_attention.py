"""Read, and switch off, the attention of a Vision Transformer.

`course_utils.vit` computes attention in one fused kernel, which never keeps
the weights. They are recomputed here from the queries and keys that the
model itself produced, caught by hooks. Taught in week 3.
"""

import math
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from course_utils.vit_weights import MEAN, STD

MAX_BYTES = 2**31  # of attention read at once; a laptop survives it


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image made ready for a Vision Transformer by `prepare`.

    `tensor` is ``(1, 3, height, width)`` float32, normalised; `grid` its
    ``(rows, cols)`` in patches; `image` ``(height, width, 3)`` uint8 the
    pixels that the model gets to see; `note` says what was done.
    """

    tensor: torch.Tensor
    grid: tuple
    image: np.ndarray
    note: str


def prepare(image, patch_size, how="crop", mean=MEAN, std=STD):
    """Fit a photo to the patch grid and normalise it.

    Args:
        image: ``(height, width, 3)`` uint8, red, green, blue.
        patch_size: side of a patch in pixels.
        how: "crop" drops what does not fill a patch at the bottom and on
            the right; "pad" completes it there by repeating the last row
            and column.
        mean, std: of the three channels, of pixels from 0 to 1.

    Returns:
        `Prepared`; its `note` states what was done to the image.

    Raises:
        TypeError: not an array of uint8.
        ValueError: not of shape (height, width, 3), no patch fits, an
            unknown `how`.

    Taught in week 3.
    """
    image = _checked_image(image, patch_size)
    if how not in ("crop", "pad"):
        raise ValueError(f'how must be "crop" or "pad", got {how!r}')
    before = image.shape[:2]
    if how == "crop":
        sides = [side // patch_size * patch_size for side in before]
        image = image[: sides[0], : sides[1]]
    else:
        missing = [-side % patch_size for side in before]
        image = np.pad(image, [*((0, m) for m in missing), (0, 0)], "edge")
    pixels = image.astype(np.float32) / 255
    scaled = (pixels - np.float32(mean)) / np.float32(std)
    tensor = torch.from_numpy(np.moveaxis(scaled, -1, 0).copy())[None]
    grid = tuple(side // patch_size for side in image.shape[:2])
    note = _note(before, image.shape[:2], grid, patch_size)
    return Prepared(tensor, grid, image.copy(), note)


def read_attention(model, images, layers=None):
    """Return the attention weights of a model while it sees images.

    Args:
        model: `course_utils.vit.VisionTransformer`.
        images: ``(batch, channels, height, width)``, normalised.
        layers: which blocks to read, counted from 0; None reads all.

    Returns:
        ``(layers, batch, heads, tokens, tokens)`` on the CPU, rows sum to
        1, without gradients. Token 0 is the class token.

    Raises:
        TypeError: images are not a tensor of floats, or `layers` no list.
        ValueError: images of another shape, no such layer, or a result of
            more than `MAX_BYTES`.

    Taught in week 3.
    """
    return _read(model, images, layers, lambda scores: scores.softmax(-1))


def read_scores(model, images, layers=None):
    """Return the logits: queries times keys, divided by sqrt(head_dim).

    The softmax of their rows is what `read_attention` returns; see there
    for arguments, shape and errors. Taught in week 3.
    """
    return _read(model, images, layers, lambda scores: scores)


@contextmanager
def without_heads(model, heads):
    """Silence attention heads for the length of a ``with`` block.

    Their outputs are set to 0 just before the output projection of their
    block; weights stay as they are.

    Args:
        model: `course_utils.vit.VisionTransformer`.
        heads: dict from layer to the list of its heads, both counted from
            0, for example ``{5: [0, 2]}``.

    Raises:
        ValueError: no such layer or head.

    Taught in week 3. Michel, Levy and Neubig, "Are Sixteen Heads Really
    Better than One?" (2019), section 2.
    """
    blocks = _blocks(model, heads)
    factors = [
        _head_factors(block.attn, layer, heads[layer])
        for layer, block in zip(heads, blocks, strict=True)
    ]
    handles = []
    try:
        for block, factor in zip(blocks, factors, strict=True):
            hook = _multiply_input(factor)
            handles.append(block.attn.proj.register_forward_pre_hook(hook))
        yield model
    finally:
        for handle in handles:
            handle.remove()


def _read(model, images, layers, finish):
    """Run the model; return what `finish` makes of every layer's scores."""
    if layers is None:
        layers = range(len(model.blocks))
    layers = _several(layers, "layers")
    attns = [block.attn for block in _blocks(model, layers)]
    _check_images(model, images, attns)
    found = {}

    def catch(linear, inputs, qkv):
        attn = next(a for a in attns if a.qkv is linear)
        query, key, _ = attn.split(qkv)
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        found[linear] = finish(scores).cpu()

    handles = [a.qkv.register_forward_hook(catch) for a in attns]
    try:
        with torch.no_grad():
            model(images.to(model.pos_embed))
    finally:
        for handle in handles:
            handle.remove()
    return torch.stack([found[attn.qkv] for attn in attns])


def _blocks(model, layers):
    depth = len(model.blocks)
    for layer in layers:
        if not _counts(layer, depth):
            raise ValueError(
                f"no layer {layer!r}: the model has layers 0 to {depth - 1}"
            )
    return [model.blocks[layer] for layer in layers]


def _counts(number, end):
    """Is this a whole number from 0 to `end` - 1, Python's or NumPy's?"""
    whole = isinstance(number, (int, np.integer))
    return whole and not isinstance(number, bool) and 0 <= number < end


def _several(numbers, what):
    """Return a list of what must be one: a lone number is a slip."""
    if not isinstance(numbers, Iterable):
        raise TypeError(
            f"{what} must be a list, for example [{numbers}], got {numbers!r}"
        )
    return list(numbers)


def _check_images(model, images, attns):
    if not torch.is_tensor(images) or not images.is_floating_point():
        raise TypeError("images must be a tensor of floats: see prepare")
    if images.ndim != 4 or not attns:
        raise ValueError(
            "expected images (batch, channels, height, width) and at least "
            f"one layer, got shape {tuple(images.shape)}, {len(attns)} layers"
        )
    batch, channels, height, width = images.shape
    expected = model.patch_embed.proj.in_channels
    if batch == 0 or channels != expected:
        raise ValueError(
            f"expected at least one image of {expected} channels, got shape "
            f"{tuple(images.shape)}"
        )
    tokens = 1 + (height // model.patch_size) * (width // model.patch_size)
    num_heads = sum(attn.num_heads for attn in attns)
    size = batch * num_heads * tokens**2 * model.pos_embed.element_size()
    if size > MAX_BYTES:
        raise ValueError(
            f"the attention of {tokens:,} tokens in {num_heads} heads and "
            f"{batch} images takes {size / 2**30:.1f} GiB: make the images "
            "smaller, pass fewer of them, or choose some layers"
        )


def _head_factors(attn, layer, heads):
    """Return (width,) factors: 0 for the channels of `heads`, else 1."""
    factors = torch.ones(
        attn.num_heads, attn.proj.in_features // attn.num_heads
    )
    for head in _several(heads, "heads"):
        if not _counts(head, attn.num_heads):
            raise ValueError(
                f"no head {head!r} in layer {layer}: it has heads 0 to "
                f"{attn.num_heads - 1}"
            )
        factors[head] = 0
    return factors.flatten()


def _multiply_input(factor):
    def hook(module, inputs):
        return (inputs[0] * factor.to(inputs[0]),)

    return hook


def _checked_image(image, patch_size):
    if not isinstance(patch_size, (int, np.integer)) or patch_size < 1:
        raise ValueError(f"patch_size must be an int >= 1, got {patch_size}")
    if getattr(image, "dtype", None) != np.uint8:
        found = getattr(image, "dtype", type(image).__name__)
        raise TypeError(
            f"the image must be an array of uint8 (0 to 255), got {found}: "
            "datasets.photo(path) reads files as such"
        )
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            "the image needs shape (height, width, 3), red, green, blue; "
            f"got {image.shape}"
        )
    if min(image.shape[:2]) < patch_size:
        raise ValueError(
            f"no {patch_size} x {patch_size} patch fits into an image of "
            f"{image.shape[0]} x {image.shape[1]} pixels"
        )
    return image


def _note(before, after, grid, patch_size):
    """Say in one sentence what `prepare` did."""
    size = f"{before[0]} x {before[1]} pixels (height x width)"
    patches = f"{grid[0]} x {grid[1]} patches of {patch_size} x {patch_size}"
    changes = [b - a for a, b in zip(before, after, strict=True)]
    if not any(changes):
        return f"{size}, used whole: {patches}."
    verb, did = "cropped", "dropped"
    if max(changes) > 0:
        verb, did = "padded", "repeated"
    where = ("row", "at the bottom"), ("column", "on the right")
    parts = [
        f"{abs(change)} {what}{'s' * (abs(change) > 1)} {did} {side}"
        for change, (what, side) in zip(changes, where, strict=True)
        if change
    ]
    now = f"{after[0]} x {after[1]}"
    return f"{size}, {verb} to {now} ({', '.join(parts)}): {patches}."
