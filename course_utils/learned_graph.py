"""The patch graph in PyTorch: whole batches, and gradients.

On the pixel grid a graph of radius r needs no list of pairs. Its
neighbours are the image itself, shifted by each of about pi * r**2
offsets, so that attention is `(batch, offsets, height, width)`: a window
of keys for every query, memory linear in pixels times neighbours.
"""

import torch
from torch.nn import functional

from course_utils.graph_checks import (
    check_positive,
    check_radius,
    check_side,
    check_steps,
    check_tau,
)
from course_utils.noise import check_noise

FAR = 1e6  # a distance; not infinite, since 0 times infinity is no gradient


def offsets(radius):
    """Return the steps to all neighbours within a radius.

    Args:
        radius: pixels, at least 1.

    Returns:
        `(neighbours, 2)` int64 tensor, rows and columns, (0, 0) included.
    """
    reach = torch.arange(-int(radius), int(radius) + 1)
    steps = torch.cartesian_prod(reach, reach)
    return steps[(steps**2).sum(dim=1) <= radius**2]


def shifted(values, steps):
    """Yield values as seen from each offset: values[x + step].

    Args:
        values: `(batch, channels, height, width)`, the whole padded area,
            larger than what is wanted by the longest step on each side.
        steps: `(neighbours, 2)`, from `offsets`.

    Yields:
        `(batch, channels, inner height, inner width)` views.
    """
    reach = int(steps.abs().max())
    height, width = (side - 2 * reach for side in values.shape[2:])
    for row, column in steps.tolist():
        top, left = reach + row, reach + column
        yield values[:, :, top : top + height, left : left + width]


def distances(images, radius, patch_side=5):
    """Mean squared differences of patches, for every pixel and offset.

    Args:
        images: `(batch, channels, height, width)`.
        radius: of the graph, pixels.
        patch_side: odd, pixels; patches are mirrored at the border.

    Returns:
        `(batch, neighbours, height, width)`; `FAR` where a neighbour would
        lie outside the image, so that its weight is 0.

    Raises:
        ValueError: an even patch_side, or images that are no batch or are
            smaller than a patch.

    Used in week 6.
    """
    check_side(patch_side)
    if images.dim() != 4 or min(images.shape[2:]) < patch_side:
        raise ValueError(
            "images are (batch, channels, height, width), no side below the "
            f"patch's {patch_side} pixels, got {tuple(images.shape)}"
        )
    steps, margin = offsets(radius), patch_side // 2
    reach = int(radius)
    mirrored = functional.pad(images, [margin] * 4, mode="reflect")
    around = functional.pad(mirrored, [reach] * 4)
    inside = functional.pad(torch.ones_like(images[:, :1]), [reach] * 4)
    found = [
        ((mirrored - there) ** 2).mean(dim=1)
        for there in shifted(around, steps)
    ]
    apart = functional.avg_pool2d(torch.stack(found, 1), patch_side, stride=1)
    exists = torch.cat([*shifted(inside, steps)], dim=1)
    return apart.masked_fill(exists == 0, FAR)


def attention(apart, sigma, noise=0.0):
    """Turn distances into weights: a softmax over each pixel's neighbours.

    Args:
        apart: `(batch, neighbours, height, width)`, from `distances`.
        sigma: bandwidth, above 0: a number, or one for each pixel,
            `(batch, 1, height, width)`.
        noise: what is taken off: 2 noise^2, see `patch_graph`; a number or
            a tensor like sigma.

    Returns:
        `attn`, shaped as `apart`; sums to 1 over the neighbours, and is 0
        where there is none.

    Used in week 6.
    """
    apart = functional.relu(apart - 2 * noise**2)
    return torch.softmax(-apart / (2 * sigma**2), dim=1)


def average(attn, values, radius):
    """Average the values of each pixel's neighbours: attn @ values.

    Args:
        attn: `(batch, neighbours, height, width)`.
        values: `(batch, channels, height + 2 reach, width + 2 reach)`, with
            whatever stands outside the image; reach is the radius in whole
            pixels.
        radius: of the graph, pixels.

    Returns:
        `(batch, channels, height, width)`.

    Used in week 6.
    """
    weights = attn.unsqueeze(2).unbind(dim=1)
    seen = shifted(values, offsets(radius))
    total = 0
    for weight, there in zip(weights, seen, strict=True):
        total = total + weight * there
    return total


def smooth(images, sigma, tau, steps=1, radius=5, patch_side=5, noise=0.0):
    """Smooth images over their own patch graphs, with gradients.

    The same numbers as `patch_graph.denoise`, for a whole batch.

    Args:
        images: `(batch, channels, height, width)` floats.
        sigma, tau: numbers or tensors without axes; gradients reach them.
        steps, radius, patch_side, noise: see `patch_graph.denoise`.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: sigma not above 0, tau not above 0 or above 1, another
            number out of range; see `distances`.

    Used in week 6.
    """
    check_positive("sigma", float(torch.as_tensor(sigma).detach()))
    check_tau(float(torch.as_tensor(tau).detach()))
    check_radius(radius)
    check_steps(steps)
    check_noise(noise)
    apart = distances(images, radius, patch_side)
    attn = attention(apart, sigma, noise)
    patches, reach = patches_of(images, patch_side), int(radius)
    for _ in range(steps):
        around = functional.pad(patches, [reach] * 4)
        patches = (1 - tau) * patches + tau * average(attn, around, radius)
    return overlap(patches, images.shape)


def patches_of(images, patch_side):
    """Return the patch around every pixel, mirrored at the border.

    Args:
        images: `(batch, channels, height, width)`.
        patch_side: odd, pixels.

    Returns:
        `(batch, channels * patch_side**2, height, width)`.
    """
    margin = patch_side // 2
    mirrored = functional.pad(images, [margin] * 4, mode="reflect")
    patches = functional.unfold(mirrored, patch_side)
    return patches.unflatten(2, tuple(images.shape[2:]))


def overlap(patches, shape):
    """Lay patches over each other and average where they overlap.

    Args:
        patches: as `patches_of` returns them.
        shape: `(batch, channels, height, width)` of the images.

    Returns:
        Tensor of that shape.
    """
    side = round((patches.shape[1] / shape[1]) ** 0.5)
    margin = side // 2
    canvas = [length + 2 * margin for length in shape[2:]]
    total, count = (
        functional.fold(values.flatten(2), canvas, side)
        for values in (patches, torch.ones_like(patches))
    )
    inside = slice(margin, -margin or None)
    return (total / count)[:, :, inside, inside]
