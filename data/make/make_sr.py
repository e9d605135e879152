"""Train the networks of week 4 that ship in data/.

    python data/make/make_sr.py regression data/sr_regression.safetensors
    python data/make/make_sr.py diffusion data/sr_diffusion.safetensors
    python data/make/make_sr.py attention data/sr_attention.safetensors

The last two differ only in what stands in the U-Net's slot: a perceptron,
or self-attention with four heads. An interrupted training goes on from
FILE.checkpoint when called again.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SEED = 0
NUM_CROPS = 20_000


def main():
    from course_utils.sr_weights import RECIPES

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=RECIPES)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    if arguments.out.suffix != ".safetensors":
        parser.error(f"out must end in .safetensors, got {arguments.out}")

    import torch

    from course_utils.crops import crops
    from course_utils.sr_training import sr_training
    from course_utils.sr_weights import make_net, save_net, standard_diffusion
    from course_utils.training import make_accelerator

    torch.set_num_threads(1)
    recipe = RECIPES[arguments.kind]
    images = crops(NUM_CROPS, split="train", seed=SEED).images
    torch.manual_seed(SEED)
    training, average = sr_training(
        make_net(arguments.kind),
        torch.from_numpy(images).permute(0, 3, 1, 2),
        steps=recipe["steps"],
        accelerator=make_accelerator("fast"),
        diffusion=standard_diffusion() if recipe["diffusion"] else None,
        rate=recipe["rate"],
        seed=SEED,
    )
    start = time.time()

    def watch():
        minutes = (time.time() - start) / 60
        told = f"{training.done:,} of {training.steps:,} steps, batches of 64"
        told += f", {minutes:.0f} minutes"
        recent = training.losses[-250:]
        print(told, sum(recent) / max(len(recent), 1), flush=True)
        origin = metadata(recipe, told, training)
        save_net(arguments.out, average, origin)
        return minutes

    checkpoint = arguments.out.with_suffix(".checkpoint")
    training.run(watch=watch, watch_every=250, path=checkpoint)
    checkpoint.unlink()


def metadata(recipe, trained, training):
    """Return what a file says of itself, a dict of text to text.

    Args:
        recipe: one of `sr_weights.RECIPES`.
        trained: how far: steps, batches, time.
        training: the `Training`, of which device and precision are told.
    """
    from course_utils.weights import made_here

    return {
        "origin": f"this course's U-Net for super-resolution: {recipe['is']}",
        "trained": trained,
        "data": f"{NUM_CROPS:,} crops of 10 photos, course_utils.crops",
        "seed": str(SEED),
        "made by": "data/make/make_sr.py",
        **made_here(training.accelerator),
    }


if __name__ == "__main__":
    main()
