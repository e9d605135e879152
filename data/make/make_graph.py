"""Train the two patch-graph denoisers of week 6 that ship in data/.

    python data/make/make_graph.py

An interrupted training goes on from data/*.checkpoint when called again.
"""

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SEED = 0
NUM_CROPS, SIDE = 4000, 48
STEPS = {"graph_one_head": 2000, "graph_four_heads": 1200}
NETS = {
    "graph_one_head": {"heads": "one", "layers": 1},
    "graph_four_heads": {"heads": "four added", "layers": 2},
}
RADIUS = 7  # pixels


def make(name):
    """Train one of `NETS` and write it to data/."""
    import torch

    from course_utils.clean_photos import training_crops
    from course_utils.graph_networks import GraphDenoiser, save_net
    from course_utils.graph_training import denoising_training
    from course_utils.training import make_accelerator

    torch.manual_seed(SEED)
    training, average = denoising_training(
        GraphDenoiser("both", radius=RADIUS, **NETS[name]),
        training_crops(NUM_CROPS, SIDE, seed=SEED),
        steps=STEPS[name],
        accelerator=make_accelerator("no"),
        seed=SEED,
    )
    out = ROOT / "data" / f"{name}.safetensors"
    checkpoint = out.with_suffix(".checkpoint")
    start = time.time()
    training.run(name, path=checkpoint)
    minutes = (time.time() - start) / 60
    save_net(out, average, metadata(name, training, minutes))
    checkpoint.unlink()


def metadata(name, training, minutes):
    """Return what a file says of itself, a dict of text to text."""
    from course_utils.weights import made_here

    return {
        "origin": f"this course's patch-graph denoiser, {name}",
        "trained": f"{training.steps:,} steps, batches of {training.batch}, "
        f"{minutes:.0f} minutes",
        "data": f"{NUM_CROPS:,} crops of the bundled training photos, noise "
        "of 5 to 55 of 255",
        "seed": str(SEED),
        "made by": "data/make/make_graph.py",
        **made_here(training.accelerator),
    }


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    for net in NETS:
        make(net)
