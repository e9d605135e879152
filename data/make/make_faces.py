"""Train the network of week 5 that ships in data/.

    python data/make/make_faces.py data/face_attributes.safetensors

Plain cross-entropy on procedural faces. An interrupted training goes on
from FILE.checkpoint when called again.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SEED = 0
NUM_FACES = 24_000
STEPS = 8000
WATCH_EVERY = 250  # steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    if arguments.out.suffix != ".safetensors":
        parser.error(f"out must end in .safetensors, got {arguments.out}")

    import torch

    from course_utils.attribute_training import attribute_training
    from course_utils.cross_attention import AttributeNetwork
    from course_utils.face_networks import save_net
    from course_utils.faces import faces
    from course_utils.training import make_accelerator

    torch.set_num_threads(1)
    train = faces(NUM_FACES, split="train", seed=SEED)
    torch.manual_seed(SEED)
    training, average = attribute_training(
        AttributeNetwork(train.labels.mean(axis=0)),
        train,
        steps=STEPS,
        accelerator=make_accelerator("fast"),
        seed=SEED,
    )
    start = time.time()

    def watch():
        minutes = (time.time() - start) / 60
        told = f"{training.done:,} of {training.steps:,} steps, batches of 64"
        told += f", {minutes:.0f} minutes"
        recent = training.losses[-WATCH_EVERY:]
        print(told, sum(recent) / max(len(recent), 1), flush=True)
        save_net(arguments.out, average, metadata(told, training))
        return minutes

    checkpoint = arguments.out.with_suffix(".checkpoint")
    training.run(watch=watch, watch_every=WATCH_EVERY, path=checkpoint)
    checkpoint.unlink()


def metadata(trained, training):
    """Return what a file says of itself, a dict of text to text.

    Args:
        trained: how far: steps, batches, time.
        training: the `Training`, of which device and precision are told.
    """
    from course_utils.weights import made_here

    return {
        "origin": "this course's network for 40 attributes, cross-attention",
        "trained": trained,
        "data": f"{NUM_FACES:,} procedural faces, course_utils.faces",
        "seed": str(SEED),
        "made by": "data/make/make_faces.py",
        **made_here(training.accelerator),
    }


if __name__ == "__main__":
    main()
