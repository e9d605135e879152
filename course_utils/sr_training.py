"""Train a U-Net of week 4, for regression or for diffusion.

What is not the loss is in `course_utils.recipe`.
"""

import torch

from course_utils.recipe import averaged_training
from course_utils.sr_inputs import check_training
from course_utils.super_resolution import diffusion_loss, regression_loss

BATCH = 64
MOST_MEMORY = 0.999  # of the running average


def sr_training(
    net, images, *, steps, accelerator, diffusion=None, rate=1e-3,
    batch=BATCH, seed=0,
):  # fmt: skip
    """Set up a training; `run` of what is returned trains.

    Args:
        net: a `UNet` with 3 channels going in, or 6 if `diffusion` is given.
        images: `(n, 3, height, width)` uint8 tensor.
        steps: number of steps.
        accelerator: see `training.make_accelerator`.
        diffusion: a `Diffusion`, or None for regression.
        rate: learning rate at its peak.
        batch: pictures a step.
        seed: of the pictures drawn, of steps and noise.

    Returns:
        `(training, average)`: a `Training`, and the network whose weights
        are the running average.

    Raises:
        TypeError: images are not a uint8 tensor, batch or steps not whole.
        ValueError: images of another shape, none, or with a side that is no
            multiple of 4; batch, rate or seed out of range; a net with
            another number of channels going in.
    """
    check_training(net, images, diffusion, rate, batch)
    device = accelerator.device
    net = net.to(device, memory_format=torch.channels_last)

    def loss_at(step):
        high = draw(images, batch).to(device)
        if diffusion is None:
            return regression_loss(net, high)
        return diffusion_loss(net, diffusion, high)

    return averaged_training(
        net, loss_at, steps=steps, accelerator=accelerator, rate=rate,
        batch=batch, seed=seed, most_memory=MOST_MEMORY,
    )  # fmt: skip


def draw(images, count):
    """Draw pictures, all turned and mirrored by chance.

    Args:
        images: `(n, 3, height, width)` uint8 tensor.
        count: how many, drawn with replacement.

    Returns:
        `(count, 3, height, width)` floats, 0 to 1; all turned by the same
        quarter turns, after which height and width may have changed places.
    """
    chosen = torch.randint(len(images), (count,))
    pictures = images[chosen].float() / 255
    turns = int(torch.randint(4, (1,)))
    if torch.rand(1) < 0.5:
        pictures = pictures.flip(3)
    return pictures.rot90(turns, (2, 3))
