"""What a gate is told of every pixel, and what four heads compare.

In PyTorch, for batches, with gradients. Used in week 6.
"""

import math

import torch
from torch.nn import functional

from course_utils.learned_graph import (
    FAR,
    distances,
    offsets,
    patches_of,
    shifted,
)
from course_utils.noise import MASK

SCORE_SIDE = 5  # pixels, of the patches that are scored


def estimate_noise(images):
    """`noise.estimate_noise` for a batch, with gradients.

    Returns:
        `(batch, 1, 1, 1)` standard deviations.
    """
    mask = torch.as_tensor(MASK, dtype=images.dtype, device=images.device)
    channels = images.shape[1]
    left = functional.conv2d(
        images, mask.expand(channels, 1, 3, 3), groups=channels
    )
    size = left.abs().mean(dim=(1, 2, 3), keepdim=True)
    return math.sqrt(math.pi / 2) * size / 6


def patch_scores(images, radius):
    """Return the four scores of the patch around every pixel.

    As `week6_heads.patch_scores` defines them, but for the last: the
    spread of the neighbours' places over 10, the same everywhere but near
    the border.

    Returns:
        `(batch, 4, height, width)`, texture, structure, color, spatial.
    """
    tiles = patches_of(images, SCORE_SIDE).unflatten(
        1, (images.shape[1], SCORE_SIDE, SCORE_SIDE)
    )  # (batch, channels, side, side, height, width)
    across, down = (
        tiles.diff(dim=axis).abs().mean((1, 2, 3)) for axis in (3, 2)
    )
    texture = tiles.flatten(2, 3).std(2, correction=0).mean(1)
    color = tiles.mean((2, 3)).std(1, correction=0)
    scores = [part / 0.1 for part in (texture, across + down, color)]
    spatial = _spread(images, radius) / 10
    return torch.cat([torch.stack(scores, 1), spatial], dim=1)


def four_distances(images, radius, patch_side):
    """Return how far neighbours are in texture, structure, color, place.

    Texture is what a 3x3 mean takes away, structure the slopes, color the
    3x3 mean. The place's distance is 0 to 0.01, the scale of the others.

    Returns:
        Four tensors `(batch, neighbours, height, width)`, `FAR` where there
        is no neighbour.
    """
    padded = functional.pad(images, [1] * 4, mode="reflect")
    smooth = functional.avg_pool2d(padded, 3, stride=1)
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    slopes = torch.cat([across, down], dim=1) / 2
    apart = [
        distances(part, radius, patch_side)
        for part in (images - smooth, slopes, smooth)
    ]
    far = (offsets(radius) ** 2).sum(dim=1).to(images).view(1, -1, 1, 1)
    place = torch.where(apart[0] == FAR, FAR, far / (10 * radius) ** 2)
    return [*apart, place]


def _spread(images, radius):
    """Root mean square distance of each pixel's neighbours, pixels."""
    steps = offsets(radius)
    inside = functional.pad(torch.ones_like(images[:1, :1]), [int(radius)] * 4)
    exists = torch.cat([*shifted(inside, steps)], dim=1)
    far = (steps**2).sum(dim=1).to(images).view(1, -1, 1, 1)
    mean = (exists * far).sum(1, keepdim=True) / exists.sum(1, keepdim=True)
    return mean.sqrt().expand(len(images), -1, -1, -1)
