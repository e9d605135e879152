"""Train data/vit_dino.safetensors and data/vit_supervised.safetensors.

    python data/make/make_vit.py dino data/vit_dino.safetensors
    python data/make/make_vit.py supervised data/vit_supervised.safetensors

Runs the code of lessons/week3_bonus_train_dino.py at its preset `full`.
An interrupted training goes on from FILE.checkpoint when called again.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "lessons")]

SEED = 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=("dino", "supervised"))
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()

    import torch
    from authoring import lesson

    from course_utils.vit_weights import SMALL, save_vit

    source = next((ROOT / "lessons").glob("week3_bonus_*.py"))
    bonus = lesson.definitions(source)
    bonus["accelerator"] = bonus["make_accelerator"]("fast")
    recipe = bonus["RECIPES"]["full"]
    scenes = bonus["draw_scenes"](recipe, "train", recipe["scenes"], seed=0)
    images = torch.from_numpy(scenes.images).permute(0, 3, 1, 2)
    torch.manual_seed(SEED)
    if arguments.kind == "dino":
        model = bonus["Dino"](SMALL)
        training = bonus["dino_training"](model, images, recipe, seed=SEED)
        vit = model.teacher[0]
    else:
        labels = torch.from_numpy(scenes.labels)
        model = bonus["Labelled"](SMALL)
        training = bonus["labelled_training"](
            model, images, labels, recipe, seed=SEED
        )
        vit = model.vit
    start = time.time()
    checkpoint = arguments.out.with_suffix(".checkpoint")

    def watch():
        minutes = (time.time() - start) / 60
        note = f"{training.done:,} of {training.steps:,} steps, batches of "
        note += f"{bonus['BATCH']}, {minutes:.0f} minutes"
        print(note, training.losses[-1:], flush=True)
        save_vit(arguments.out, vit, metadata(arguments.kind, note, training))
        return minutes

    training.run(watch=watch, watch_every=250, path=checkpoint)


def metadata(kind, note, training):
    from course_utils.weights import made_here

    how = {
        "dino": "this course's small ViT, trained with DINO, without labels",
        "supervised": "its twin, trained with labels on the same scenes",
    }
    return {
        "origin": f"{how[kind]} (20,000 scenes of pasted objects)",
        "trained": note,
        "seed": str(SEED),
        "made by": "data/make/make_vit.py",
        **made_here(training.accelerator),
    }


if __name__ == "__main__":
    main()
