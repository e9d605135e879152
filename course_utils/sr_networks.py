"""The three networks of week 4: shipped, or trained at preset `full`."""

import numpy as np
import torch

from course_utils.bundled import bundled
from course_utils.files import checkpoint_path
from course_utils.live import live_losses
from course_utils.pictures import pictures
from course_utils.runtime import current_session
from course_utils.sr_training import BATCH, sr_training
from course_utils.sr_weights import (
    RECIPES,
    load_net,
    make_net,
    standard_diffusion,
)
from course_utils.training import make_accelerator

NUM_TRAIN = 40_000  # pictures, at preset full
LONG = 20_000  # steps, at preset full


def accelerator():
    """Return Accelerate's `Accelerator` for the preset in force.

    float32 at `quick`; at `full` what is fast, see `make_accelerator`.

    Raises:
        RuntimeError: `setup` has not been called.
    """
    return make_accelerator(_session().pick(quick="no", full="fast"))


def training(kind, images, steps, accelerator, batch=BATCH):
    """Set up the training of a network of `sr_weights.RECIPES`.

    Args:
        kind: a key of `RECIPES`.
        images: `(n, 3, height, width)` uint8 tensor.
        steps: number of steps.
        accelerator: see `training.make_accelerator`.
        batch: pictures a step.

    Returns:
        `(training, average)`, as `sr_training.sr_training` does.

    Raises:
        RuntimeError: `setup` has not been called.
        TypeError, ValueError: an unknown kind, or as `sr_training` does.
    """
    seed = _session().seed
    net = make_net(kind)
    recipe = RECIPES[kind]
    return sr_training(
        net,
        images,
        steps=steps,
        accelerator=accelerator,
        diffusion=standard_diffusion() if recipe["diffusion"] else None,
        rate=recipe["rate"],
        batch=batch,
        seed=seed,
    )


def short_run(kind, images, steps, batch=32):
    """Train a network for a few steps, with the loss drawn live.

    Args:
        kind: a key of `RECIPES`.
        images: `(n, height, width, 3)` uint8 array.
        steps: number of steps.
        batch: pictures a step.

    Returns:
        `(training, average)`: a `Training` that is done, and the network
        whose weights are the running average, on the CPU.

    Raises as `training` does.
    """
    torch.manual_seed(_session().seed)
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
    doing, average = training(kind, tensor, steps, accelerator(), batch)
    with live_losses(doing, kind):
        doing.run(kind)
    return doing, average.cpu()


def networks():
    """Return the trained networks, and what is known of each.

    At preset `quick` those that ship with the course. At `full` they are
    trained on the session's data, which a GPU should do; an interrupted
    training goes on where it was when this is called again.

    Returns:
        `(nets, origins)`: dicts from a key of `RECIPES` to a U-Net on the
        CPU, and to a dict of text to text with "origin" and "trained".

    Raises:
        RuntimeError: `setup` has not been called.
        FileNotFoundError, ValueError: a bundled file is missing or damaged,
            or at `full` a checkpoint; see also `pictures.pictures`.
    """
    found = _session().pick(quick=_shipped, full=_trained)()
    nets = {kind: net for kind, (net, _) in found.items()}
    return nets, {kind: origin for kind, (_, origin) in found.items()}


def runs():
    """Return the longer runs of week 4, a dict of arrays.

    slots: what stood in the U-Net's slot. regression_psnr and
        regression_ssim `(slots, seeds, pictures)`, regression_losses
        `(slots, seeds, steps)`, regression_gamma `(slots, seeds)`,
        regression_size `(slots, 2)`: parameters, multiply-adds.
    diffused: which of them were diffusion, too. diffusion_losses
        `(diffused, seeds, steps)`; PSNR of one sample, diffusion_one, and
        of the mean of four, diffusion_mean, and diffusion_sharpness,
        `(diffused, seeds, pictures)`.
    readers: of a reference. reference_psnr `(readers, seeds, pictures)`;
        of attention alone, reference_hits `(seeds, pictures, tiles)`: 1
        where the largest weight is on the right tile.
    counts: steps of sampling. sampler_psnr and sampler_sharpness
        `(ddim and ddpm, counts, pictures)`.

    Raises:
        FileNotFoundError: the bundled file is missing.
    """
    with np.load(bundled("week4_runs.npz")) as stored:
        return dict(stored)


def _shipped():
    return {kind: load_net(kind) for kind in RECIPES}


def _trained():
    data = pictures(NUM_TRAIN, split="train", seed=0)
    return {kind: _train(kind, data) for kind in RECIPES}


def _train(kind, data):
    images = torch.from_numpy(data.images).permute(0, 3, 1, 2)
    torch.manual_seed(_session().seed)
    doing, average = training(kind, images, LONG, accelerator())
    doing.run(kind, path=checkpoint_path(f"sr_{kind}", data.source))
    told = {
        "origin": f"trained by this notebook on {data.source} data",
        "trained": f"{LONG:,} steps, batches of {BATCH}",
    }
    return average.cpu(), told


def _session():
    session = current_session()
    if session is None:
        raise RuntimeError("run the setup cell first: setup(week=4)")
    return session
