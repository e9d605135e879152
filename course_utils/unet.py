"""The U-Net of week 4, with a slot in which attention is put to the test.

The picture is cut into 2x2 pixels (16x16 places), then reduced to 8x8
places and back. In the bottleneck, and if asked also at 16x16, stands a
*mixer*: attention of some kind, or an equally large perceptron that looks
at one place at a time (the control).
"""

import torch
from torch import nn
from torch.nn import functional as F

from course_utils.mixers import make_mixer

GROUPS = 8  # of channels that are normalised together
TIME_WIDTH = 128
PATCH = 2  # pixels; a place of the network is PATCH x PATCH of them


def time_embedding(steps, width):
    """Write step numbers as sines and cosines of many wavelengths.

    Args:
        steps: `(batch,)`, 0 or more.
        width: even number of channels.

    Returns:
        `(batch, width)`, sines first. Ho, Jain and Abbeel, "Denoising
        Diffusion Probabilistic Models" (2020), after Vaswani et al. (2017).
    """
    half = width // 2
    powers = torch.arange(half, device=steps.device) / half
    angles = steps.float()[:, None] * 10_000**-powers  # (batch, half)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class ResBlock(nn.Module):
    """Two convolutions; the time scales and shifts what is between them.

    `forward(x, time)`: x `(batch, in_channels, height, width)`, time
    `(batch, TIME_WIDTH)`. Returns `(batch, channels, height, width)`.
    Perez et al., "FiLM: Visual Reasoning with a General Conditioning Layer"
    (2018).
    """

    def __init__(self, in_channels, channels):
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, in_channels)
        self.conv1 = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.time = nn.Linear(TIME_WIDTH, 2 * channels)
        self.norm2 = nn.GroupNorm(GROUPS, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)  # a block starts as a wire
        same = in_channels == channels
        self.skip = nn.Identity() if same else nn.Conv2d(
            in_channels, channels, 1
        )  # fmt: skip

    def forward(self, x, time):
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.time(time)[:, :, None, None].chunk(2, dim=1)
        h = self.norm2(h) * (1 + scale) + shift
        return self.skip(x) + self.conv2(F.silu(h))


class UNet(nn.Module):
    """Predict a picture from pictures, the step, and the coarse picture.

    in_channels: of what goes in: 3 (regression), or 6 (diffusion: the
        noisy picture and the enlarged coarse one).
    widths: channels at 16x16 and at 8x8 places.
    mixer: what stands in the bottleneck, a key of `mixers.MIXERS`.
    num_heads: of the mixer.
    everywhere: a mixer at 16x16 places, too, on the way down and up.

    `forward(x, steps)`: x `(batch, in_channels, height, width)`, sides
    multiples of 4; steps `(batch,)`. Returns `(batch, 3, height, width)`.
    The enlarged coarse picture is the last three channels of x. Ronneberger
    et al., "U-Net" (2015); Ho et al. (2020). Used in week 4.

    Raises ValueError for channels, widths, heads or mixers that cannot be,
    and in `forward` for an x or steps of another shape.
    """

    def __init__(
        self, in_channels=6, widths=(64, 128), mixer="perceptron",
        num_heads=4, everywhere=False,
    ):  # fmt: skip
        _check_settings(in_channels, widths)
        super().__init__()
        self.settings = {
            "in_channels": in_channels, "widths": list(widths),
            "mixer": mixer, "num_heads": num_heads, "everywhere": everywhere,
        }  # fmt: skip
        wide, deep = widths

        def mix(channels, wanted=True):
            kind = mixer if wanted else "nothing"
            return make_mixer(kind, channels, num_heads)

        self.time = nn.Sequential(
            nn.Linear(TIME_WIDTH // 2, TIME_WIDTH), nn.SiLU(),
            nn.Linear(TIME_WIDTH, TIME_WIDTH), nn.SiLU(),
        )  # fmt: skip
        self.stem = nn.Conv2d(in_channels * PATCH**2, wide, 3, padding=1)
        self.down1, self.mix1 = ResBlock(wide, wide), mix(wide, everywhere)
        self.reduce = nn.Conv2d(wide, deep, 3, stride=2, padding=1)
        self.down2 = ResBlock(deep, deep)
        self.middle1, self.mix2 = ResBlock(deep, deep), mix(deep)
        self.middle2 = ResBlock(deep, deep)
        self.up2 = ResBlock(2 * deep, deep)
        self.enlarge = nn.Conv2d(deep, wide, 3, padding=1)
        self.up1, self.mix3 = ResBlock(2 * wide, wide), mix(wide, everywhere)
        self.norm = nn.GroupNorm(GROUPS, wide)
        self.out = nn.Conv2d(wide, 3 * PATCH**2, 3, padding=1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x, steps):
        _check_input(x, steps, self.settings["in_channels"])
        time = self.time(time_embedding(steps, TIME_WIDTH // 2))
        coarse = F.avg_pool2d(x[:, -3:], 4)
        h = self.stem(F.pixel_unshuffle(x, PATCH))  # (batch, wide, 16, 16)
        first = self.mix1(self.down1(h, time), coarse)
        second = self.down2(self.reduce(first), time)  # (batch, deep, 8, 8)
        h = self.middle1(second, time)
        h = self.middle2(self.mix2(h, coarse), time)
        h = self.up2(torch.cat([h, second], dim=1), time)
        h = self.enlarge(F.interpolate(h, scale_factor=2))
        h = self.up1(torch.cat([h, first], dim=1), time)
        h = F.silu(self.norm(self.mix3(h, coarse)))
        return F.pixel_shuffle(self.out(h), PATCH)


def _check_settings(in_channels, widths):
    if len(widths) != 2 or any(w < 1 or w % GROUPS for w in widths):
        raise ValueError(
            f"widths must be two multiples of {GROUPS}, at 16x16 and at 8x8 "
            f"places, got {tuple(widths)}"
        )
    if in_channels < 3:
        raise ValueError(
            f"in_channels is {in_channels}: the last three channels hold the "
            "coarse picture, so take 3 (regression) or 6 (diffusion)"
        )


def _check_input(x, steps, in_channels):
    if x.ndim != 4 or x.shape[1] != in_channels:
        raise ValueError(
            f"x needs shape (batch, {in_channels}, height, width), got "
            f"{tuple(x.shape)}: networks for regression take the enlarged "
            "coarse picture (3 channels), for diffusion x_t before it (6)"
        )
    for name, side in zip(("height", "width"), x.shape[2:], strict=True):
        if side < 4 or side % 4:
            raise ValueError(
                f"the {name} of x is {side}: it must be a multiple of 4, "
                "since it is halved twice"
            )
    if steps.shape != x.shape[:1]:
        raise ValueError(
            f"steps need shape ({len(x)},), one for each picture; got "
            f"{tuple(steps.shape)}"
        )


def multiplications(net, *inputs):
    """Return the multiply-adds of one forward pass.

    Those of convolutions and matrix products; norms, softmax and the like
    are left out.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(*inputs)
    return counter.get_total_flops() // 2
