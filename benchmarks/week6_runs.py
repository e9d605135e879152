"""Make the runs that week 6 ships in data/week6_runs.npz.

    python benchmarks/week6_runs.py

Settings of every denoiser, tuned on training photos; gates and heads,
trained with several seeds on one budget; the source tutorial's rules
against Adam on the real denoiser. Finished parts are kept in --parts, so
that an interrupted call goes on. Numbers differ a little from machine to
machine.
"""

import argparse
import io
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from course_utils import denoisers, graph_training, week6_trial  # noqa: E402
from course_utils.clean_photos import (  # noqa: E402
    as_floats,
    clean_photos,
    training_crops,
)
from course_utils.files import write_at_once  # noqa: E402
from course_utils.graph_networks import GraphDenoiser  # noqa: E402
from course_utils.ladder import noisy_copies, psnr  # noqa: E402
from course_utils.training import make_accelerator  # noqa: E402

SEEDS = range(3)
LEVELS = (5, 15, 25, 50)  # of 255
TUNED = (15, 25, 50)
STEPS = 300
WATCH_EVERY = 25  # steps
NETS = {  # knows, heads, layers, told the true level, objective
    "nothing": ("nothing", "one", 1, False, "clean"),
    "true level": ("noise", "one", 1, True, "clean"),
    "estimated level": ("noise", "one", 1, False, "clean"),
    "four scores": ("four scores", "one", 1, False, "clean"),
    "both": ("both", "one", 1, False, "clean"),
    "four heads mixed": ("both", "four mixed", 1, False, "clean"),
    "four heads added": ("both", "four added", 1, False, "clean"),
    "risk estimate": ("noise", "one", 1, True, "risk estimate"),
    "second shot": ("noise", "one", 1, True, "second shot"),
}
STARTS = ((0.3, 0.1), (0.05, 0.05))
BATCHES = (24, 8)
ITERATIONS = 60
SIDE = 32  # pixels, of the photos on which rules are tried


def settings_part(method, level):
    """Tune one denoiser at one level, a dict of arrays."""
    photos = as_floats(training_crops(10, 96, seed=7))
    found = denoisers.tune(
        getattr(denoisers, method), denoisers.GRIDS[method], photos,
        level / 255, seed=1,
    )  # fmt: skip
    print(method, level, found.settings, found.psnr, found.at_edge)
    return {"settings": json.dumps(found.settings), "psnr": found.psnr}


def net_part(name, seed):
    """Train and judge one network, a dict of arrays."""
    knows, heads, layers, known, objective = NETS[name]
    torch.manual_seed(seed)
    doing, average = graph_training.denoising_training(
        GraphDenoiser(knows, heads, layers),
        training_crops(1000, 40, seed=seed),
        steps=STEPS, accelerator=make_accelerator("no"), known=known,
        objective=objective, seed=seed,
    )  # fmt: skip
    few = as_floats(training_crops(12, 64, split="validation", seed=0))
    start = time.time()
    doing.run(
        watch=graph_training.watcher(average, few), watch_every=WATCH_EVERY
    )
    minutes = (time.time() - start) / 60
    notes = [doing.notes[step] for step in sorted(doing.notes)]
    return {
        "psnr": judged(average, known),
        "watched": [note["psnr"] for note in notes],
        "losses": doing.losses,
        "minutes": minutes,
        **(heads_judged(average, notes) if heads == "four added" else {}),
    }


def judged(net, known):
    """Return PSNR on the test photos, `(levels, photos)`."""
    photos = as_floats(clean_photos().images)
    rows = []
    for level in LEVELS:
        noisy = noisy_copies(photos, level / 255, seed=0)
        found = graph_training.denoised(
            net, noisy, level / 255 if known else None
        )
        rows.append([psnr(*pair) for pair in zip(found, photos, strict=True)])
    return np.array(rows)


def heads_judged(net, notes):
    """Return what the heads weigh, and what each is worth.

    weights: `(levels, photos, heads)`, means over the photo. along:
    `(looks, heads)`, during the training. without: PSNR with one head's
    weight set to 0, `(heads, levels, photos)`.
    """
    photos = as_floats(clean_photos().images)
    weights = [
        [
            graph_training.gate_means(net, noisy[None])["weights"]
            for noisy in noisy_copies(photos, level / 255, seed=0)
        ]
        for level in LEVELS
    ]
    without = [judged(Silenced(net, head), False) for head in range(4)]
    return {
        "weights": weights,
        "along": [note["weights"] for note in notes],
        "without": without,
    }


class Silenced(torch.nn.Module):
    """A `GraphDenoiser` of which one head's distance counts for nothing."""

    def __init__(self, net, head):
        super().__init__()
        self.net, self.head, self.radius = net, head, net.radius

    def forward(self, noisy, noise=None):
        images = noisy
        for parameters in self.net.parameters_for(noisy, noise):
            parameters["weights"][:, self.head] = 0
            attn = self.net.attend(images, parameters)
            images = self.net.step(images, attn, parameters["tau"])
        return images


def trial_part(rule, start, level, batch):
    """Let one rule find sigma and tau, a dict of arrays."""
    train = as_floats(training_crops(24, SIDE, seed=5))
    middle = slice(64 - SIDE // 2, 64 + SIDE // 2)
    test = as_floats(clean_photos().images)[:, middle, middle]
    pairs = [
        (noisy_copies(clean, level / 255, seed), clean)
        for seed, clean in ((2, train), (3, test))
    ]
    return week6_trial.trial(
        rule, *pairs, start, ITERATIONS, batch_size=batch, radius=5
    )


def parts(group):
    """Yield the name, the function and the arguments of every part."""
    if group == "settings":
        for method in denoisers.GRIDS:
            for level in TUNED:
                yield f"{method}_{level}", settings_part, (method, level)
    elif group == "nets":
        for seed in SEEDS:
            for name in NETS:
                yield (
                    f"{name}_{seed}".replace(" ", "-"),
                    net_part,
                    (name, seed),
                )
    else:
        for level in TUNED:
            for s, start in enumerate(STARTS):
                for rule in week6_trial.RULES:
                    for batch in BATCHES:
                        name = f"{rule}_{s}_{level}_{batch}"
                        yield name, trial_part, (rule, start, level, batch)


def run_part(folder, name, function, arguments):
    """Return a part, from its file or anew."""
    file = folder / f"{name}.npz"
    if not file.exists():
        content = io.BytesIO()
        np.savez(content, **function(*arguments))
        write_at_once(file, content.getvalue())
        print(name, flush=True)
    with np.load(file) as stored:
        return dict(stored)


def collect(group, folder):
    """Return all arrays of a group, stacked in the order of its parts."""
    found = [run_part(folder, *part) for part in parts(group)]
    arrays = {}
    for key in dict.fromkeys(key for part in found for key in part):
        rows = [part[key] for part in found if key in part]
        arrays[f"{group}_{key}"] = np.array(rows)
    return arrays


GROUPS = ("settings", "nets", "trials")


def main():
    """Make the parts that are missing, then the file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--parts", type=Path, default=Path(".cache/week6"))
    parser.add_argument("--group", choices=GROUPS, help="only that; no file")
    arguments = parser.parse_args()
    arguments.parts.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    if arguments.group:
        collect(arguments.group, arguments.parts)
        return
    arrays = {"levels": LEVELS, "tuned": TUNED, "nets": list(NETS)}
    for group in GROUPS:
        arrays |= collect(group, arguments.parts)
    for key, values in arrays.items():
        if np.asarray(values).dtype == np.float64:
            arrays[key] = np.asarray(values, np.float32)
    np.savez_compressed(ROOT / "data" / "week6_runs.npz", **arrays)


if __name__ == "__main__":
    main()
