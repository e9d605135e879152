"""The three networks of week 4: shipped, or trained at preset `full`."""

import functools
import os
from pathlib import Path

import numpy as np
import torch

from course_utils.bundled import bundled
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
    """Return Accelerate's `Accelerator` for the preset in force."""
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
    """
    recipe = RECIPES[kind]
    return sr_training(
        make_net(kind),
        images,
        steps=steps,
        accelerator=accelerator,
        diffusion=standard_diffusion() if recipe["diffusion"] else None,
        rate=recipe["rate"],
        batch=batch,
        seed=_session().seed,
    )


def networks():
    """Return the trained networks, and what is known of each.

    At preset `quick` those that ship with the course. At `full` they are
    trained on the session's data, which a GPU should do; an interrupted
    training goes on where it was when this is called again.

    Returns:
        `(nets, origins)`: dicts from a key of `RECIPES` to a U-Net on the
        CPU, and to a dict of text to text with "origin" and "trained".
    """
    get = _session().pick(quick=load_net, full=_train)
    found = {kind: get(kind) for kind in RECIPES}
    nets = {kind: net for kind, (net, _) in found.items()}
    return nets, {kind: origin for kind, (_, origin) in found.items()}


def runs():
    """Return the longer runs of week 4, a dict of arrays.

    slots: what stood in the U-Net's slot. regression_psnr `(slots, seeds,
        pictures)`, regression_losses `(slots, seeds, steps)`,
        regression_size `(slots, 2)`: parameters, multiply-adds.
    diffused: which of them were diffusion, too. diffusion_losses
        `(diffused, seeds, steps)`, diffusion_one and diffusion_mean
        `(diffused, seeds, pictures)`: PSNR.
    readers: of a reference. reference_psnr `(readers, seeds, pictures)`.
    counts: steps of sampling. sampler_psnr and sampler_sharpness
        `(ddim and ddpm, counts, pictures)`.
    """
    with np.load(bundled("week4_runs.npz")) as stored:
        return dict(stored)


def _train(kind):
    folder = _checkpoint_folder()
    images = _images()
    torch.manual_seed(_session().seed)
    doing, average = training(kind, images, LONG, accelerator())
    doing.run(kind, path=folder / f"sr_{kind}.checkpoint")
    told = f"{LONG:,} steps, batches of {BATCH}"
    where = f"trained by this notebook on {_session().data} data"
    return average.cpu(), {"origin": where, "trained": told}


@functools.cache
def _images():
    from course_utils.pictures import pictures

    images = pictures(NUM_TRAIN, split="train", seed=0).images
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def _checkpoint_folder():
    import pooch

    home = os.environ.get("COURSE_CACHE") or pooch.os_cache(
        "attention-measured"
    )
    return Path(home).expanduser()


def _session():
    from course_utils.runtime import current_session

    session = current_session()
    if session is None:
        raise RuntimeError("run the setup cell first: setup(week=4)")
    return session
