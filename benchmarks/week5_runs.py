"""Make the runs that week 5 ships in data/week5_runs.npz.

    python benchmarks/week5_runs.py

Three ways to read a picture, and twelve remedies for imbalance, each with
several seeds on one budget: the same faces, network and steps. Finished runs
are kept in --parts, so that an interrupted call goes on. Numbers differ a
little from machine to machine.
"""

import argparse
import io
import sys
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from course_utils import attribute_training as training  # noqa: E402
from course_utils import face_maps, multilabel  # noqa: E402
from course_utils.cross_attention import KINDS, AttributeNetwork  # noqa: E402
from course_utils.faces import faces  # noqa: E402
from course_utils.files import write_at_once  # noqa: E402
from course_utils.remedies import remedies  # noqa: E402
from course_utils.training import make_accelerator  # noqa: E402

SEEDS = range(3)
STEPS = 1200
WATCH_EVERY = 200  # steps
COUNTS = {"train": 12000, "validation": 1500, "test": 2000}
REMEDIES = (
    "plain", "weights (1-f)/f", "weights up to 50", "focal",
    "focal, alpha 0.25", "focal, tutorial's", "class-balanced", "LDAM",
    "logit adjustment", "diversity penalty", "oversampling", "curriculum",
)  # fmt: skip
MOST_FACES = 500  # of the test, for the score of an attribute's maps


def split(name):
    return faces(COUNTS[name], split=name, workers=1)


def trained(kind, seed, remedy):
    """Train one network; return it, its `Training` and the minutes."""
    train = split("train")
    torch.manual_seed(seed)
    net = AttributeNetwork(train.labels.mean(axis=0), kind=kind)
    doing, average = training.attribute_training(
        net, train, steps=STEPS, accelerator=make_accelerator("bf16"),
        loss=remedy.loss, probabilities=remedy.probabilities, seed=seed,
    )  # fmt: skip
    few = split("validation").take(range(min(300, COUNTS["validation"])))
    start = time.time()
    doing.run(
        watch=training.watcher(net, average, few), watch_every=WATCH_EVERY
    )
    return average, doing, (time.time() - start) / 60


def judged(net, remedy):
    """Return the scores of a network on the test faces, by attribute."""
    validation, test = split("validation"), split("test")
    asked = net, validation.images, remedy.logits_of
    on_validation, _ = training.answers(*asked)
    scores, attn = training.answers(net, test.images, remedy.logits_of)
    thresholds = multilabel.best_thresholds(validation.labels, on_validation)
    found = {}
    for name, at in (("fixed", remedy.threshold), ("tuned", thresholds)):
        report = multilabel.report(test.labels, scores, at)
        for key, value in report.items():
            found[f"{name}_{key.replace(' ', '_')}"] = value
    found["thresholds"] = thresholds
    found["drawn_ap"] = multilabel.average_precision(test.drawn, scores)
    found |= face_maps.map_scores(attn, test, most=MOST_FACES)
    return found


def run(kind, remedy, seed):
    """Train and judge one network, a dict of arrays."""
    chosen = remedies(split("train").labels)[remedy]
    net, doing, minutes = trained(kind, seed, chosen)
    notes = [doing.notes[step] for step in sorted(doing.notes)]
    return {
        **judged(net, chosen),
        "losses": doing.losses,
        "rates": [note["rates"] for note in notes],
        "entropy": [note["entropy"] for note in notes],
        "query_gradient": [note["query_gradient"] for note in notes],
        "minutes": minutes,
    }


CASES = {
    "kind": [(kind, "plain", s) for kind in KINDS for s in SEEDS],
    "remedy": [("attention", name, s) for name in REMEDIES for s in SEEDS],
}


def run_case(case, parts):
    """Return a run, from its part or anew."""
    kind, remedy, seed = case
    place = f"{kind}_{REMEDIES.index(remedy)}_{seed}.npz"
    part = parts / place
    if not part.exists():
        content = io.BytesIO()
        np.savez(content, **run(*case))
        write_at_once(part, content.getvalue())
    with np.load(part) as stored:
        found = dict(stored)
    print(*case, f"{np.nanmean(found['drawn_ap']):.3f}", flush=True)
    return found


def collect(parts):
    """Return all arrays, "group_key": `(compared, seeds, ...)`."""
    arrays = {"kinds": list(KINDS), "remedies": list(REMEDIES)}
    for group, cases in CASES.items():
        runs = [run_case(case, parts) for case in cases]
        for key in runs[0]:
            rows = np.array([run[key] for run in runs], np.float32)
            shape = len(cases) // len(SEEDS), len(SEEDS), *rows.shape[1:]
            arrays[f"{group}_{key}"] = rows.reshape(shape)
    arrays["frequencies"] = split("train").labels.mean(axis=0)
    return arrays


def main():
    """Make the runs that are missing, then the file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--parts", type=Path, default=Path(".cache/week5"))
    parser.add_argument(
        "--seed", type=int, choices=SEEDS, help="of one seed; no file"
    )
    arguments = parser.parse_args()
    arguments.parts.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    if arguments.seed is not None:
        for case in dict.fromkeys(sum(CASES.values(), [])):
            if case[2] == arguments.seed:
                run_case(case, arguments.parts)
        return
    arrays = collect(arguments.parts)
    np.savez_compressed(ROOT / "data" / "week5_runs.npz", **arrays)


if __name__ == "__main__":
    main()
