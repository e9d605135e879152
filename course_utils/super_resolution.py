"""Super-resolution by 4: the task, two losses, two ways to answer.

Pictures are `(batch, 3, height, width)`, 0 to 1. Networks do not see or
make pictures, but *residuals*: what the enlarged coarse picture misses,
divided by `RESIDUAL`, so that it has about unit variance. Used in week 4.
"""

import torch
from torch.nn import functional as F

from course_utils import diffusion as diffusing
from course_utils.diffusion_inputs import check_choice, check_whole
from course_utils.sr_inputs import (
    FACTOR,
    check_coarse,
    check_condition,
    check_kind,
    check_pictures,
)

ENLARGEMENTS = ("nearest", "bilinear", "bicubic")
RESIDUAL = 0.07  # standard deviation of the residual, on training crops


def reduce(high):
    """Return the coarse picture: each pixel is the mean of its 16.

    Args:
        high: `(batch, 3, height, width)`, 0 to 1, sides multiples of 4.

    Returns:
        `(batch, 3, height / 4, width / 4)`.

    Raises:
        TypeError: not a tensor of floats.
        ValueError: grey or another shape, none, a side that is no multiple
            of 4, NaN, or values beyond 0 to 1.
    """
    check_pictures(high)
    return F.avg_pool2d(high, FACTOR)


def enlarge(low, how="bicubic"):
    """Return a coarse picture at 4 times its size.

    Args:
        low: `(batch, 3, height, width)`.
        how: "nearest", "bilinear" or "bicubic". The last may overshoot 0
            and 1 a little.

    Returns:
        `(batch, 3, 4 * height, 4 * width)`.

    Raises:
        TypeError: not a tensor of floats.
        ValueError: grey or another shape, none, or an unknown `how`.
    """
    check_choice("enlargement", how, ENLARGEMENTS)
    check_kind(low)
    corners = None if how == "nearest" else False
    return F.interpolate(
        low, scale_factor=FACTOR, mode=how, align_corners=corners
    )


def back_project(high, low):
    """Return the picture nearest to `high` whose reduction is `low`.

    Adds to each 4x4 block the constant that is missing (Irani and Peleg,
    "Improving Resolution by Image Registration", 1991).

    Args:
        high: `(batch, 3, 4 * height, 4 * width)`, 0 to 1.
        low: `(batch, 3, height, width)`.
    """
    return high + enlarge(low - reduce(high), "nearest")


def regression_loss(net, high):
    """Mean squared error of the residual; 1 is about bicubic's own.

    Args:
        net: a U-Net with 3 channels going in.
        high: see `reduce`, for errors, too.
    """
    coarse = enlarge(reduce(high))
    start = torch.zeros(len(high), dtype=torch.long, device=high.device)
    missing = (high - coarse) / RESIDUAL
    return F.mse_loss(net(2 * coarse - 1, start).float(), missing)


def diffusion_loss(net, diffusion, high):
    """Mean squared error of the target at random steps.

    Args:
        net: a U-Net with 6 channels going in.
        diffusion: a `Diffusion`.
        high: see `reduce`, for errors, too.

    Draws one step for each picture, spread evenly over the batch, which
    makes the loss less noisy (Kingma et al., "Variational Diffusion
    Models", 2021, appendix I.1).
    """
    count, device = len(high), high.device
    coarse = enlarge(reduce(high))
    share = (torch.arange(count) + torch.rand(1)) / count
    t = (share * len(diffusion)).long().clamp(max=len(diffusion) - 1)
    t = t.to(device)
    x0 = (high - coarse) / RESIDUAL
    noise = torch.randn(x0.shape).to(device)
    x_t = diffusion.add_noise(x0, noise, t)
    answer = net(torch.cat([x_t, 2 * coarse - 1], dim=1), t).float()
    return F.mse_loss(answer, diffusion.target_of(x0, noise, t))


@torch.no_grad()
def regress(net, low):
    """Return the picture that a regression network sees in a coarse one.

    Args:
        net: a U-Net trained by `regression_loss`.
        low: `(batch, 3, height, width)`, 0 to 1.

    Returns:
        `(batch, 3, 4 * height, 4 * width)`, 0 to 1.

    Raises TypeError or ValueError for pictures that are none, see `reduce`
    (sides may be any), and for a network of another kind.
    """
    check_coarse(low)
    coarse = enlarge(low)
    start = torch.zeros(len(low), dtype=torch.long, device=low.device)
    residual = net(2 * coarse - 1, start).float()
    return (coarse + RESIDUAL * residual).clamp(0, 1)


def x0_predictor(net, diffusion, low):
    """Return `predict_x0(x_t, t)` for `diffusion.sample`.

    The coarse picture is handed to the network beside x_t at every step.
    What is clamped is the guess of the clean picture, to 0 and 1; x_t is
    noise in good part and must stay as it is.

    Raises TypeError or ValueError for pictures that are none, see `reduce`
    (sides may be any); `predict_x0` does for an x_t of another shape.
    """
    check_coarse(low)
    coarse = enlarge(low)
    darkest, lightest = -coarse / RESIDUAL, (1 - coarse) / RESIDUAL

    def predict_x0(x_t, t):
        check_condition(x_t, coarse)
        answer = net(torch.cat([x_t, 2 * coarse - 1], dim=1), t).float()
        x0 = diffusion.x0_of(answer, x_t, t)
        return x0.clamp(darkest, lightest)

    return predict_x0


def super_resolve(
    net, diffusion, low, *, seed=0, steps=25, method="ddim", watch=None
):
    """Draw one fine picture for each coarse one.

    Args:
        net: a U-Net trained by `diffusion_loss`.
        diffusion: the `Diffusion` it was trained for.
        low: `(batch, 3, height, width)`, 0 to 1.
        seed: of the noise; the same seed, the same pictures.
        steps, method, watch: see `diffusion.sample`.

    Returns:
        `(batch, 3, 4 * height, 4 * width)`, 0 to 1.

    Raises:
        TypeError: low is not a tensor of floats; seed or steps not whole.
        ValueError: grey pictures or of another shape, none, NaN, or beyond
            0 to 1; unknown method; seed or steps out of range; a network
            of another kind.
    """
    check_whole("seed", seed, 0)
    check_coarse(low)
    generator = torch.Generator().manual_seed(seed)
    coarse = enlarge(low)
    noise = torch.randn(coarse.shape, generator=generator).to(low.device)
    if low.device.type != "cpu":
        generator = torch.Generator(low.device).manual_seed(seed)
    x0 = diffusing.sample(
        x0_predictor(net, diffusion, low), diffusion, noise, steps=steps,
        method=method, generator=generator, watch=watch,
    )  # fmt: skip
    return (coarse + RESIDUAL * x0).clamp(0, 1)
