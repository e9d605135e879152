"""Make the runs that week 3 ships in data/week3_runs.npz.

    python benchmarks/week3_positions.py

Five position codes, three seeds each: the lesson's own reader, trained on
8,000 digits for 4 epochs; kept are its answers to the 2,000 test digits as
they are, and with their patches shuffled. Finished runs are kept in
--parts, so that an interrupted call goes on; together they take some ten
minutes on one core. Answers differ a little from machine to machine.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "lessons")]

import course_utils as cu  # noqa: E402
from course_utils import datasets, torch_models  # noqa: E402

SEEDS = range(3)
EPOCHS = 4


def lesson():
    """Return the lesson's definitions by name."""
    from authoring.lesson import definitions

    path = ROOT / "lessons" / "week3_vit_and_dino.py"
    return definitions(path, {"__name__": "lesson", "cu": cu})


def answers(week, name, seed, digits):
    """Train one reader; return its answers, `(2, test digits)`."""
    net = torch_models.train_classifier(
        week["digit_reader"](name, seed),
        digits.x_train[:, None] / 255,
        digits.y_train,
        label=name,
        epochs=EPOCHS,
    )
    mixed = torch_models.shuffle_patches(digits.x_test, 4, seed=0)
    tests = (digits.x_test, mixed)
    return [torch_models.classify(net, x[:, None] / 255) for x in tests]


def main():
    """Make the runs that are missing, then the file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--parts", type=Path, default=Path(".cache/week3"))
    parts = parser.parse_args().parts
    parts.mkdir(parents=True, exist_ok=True)
    week, digits = lesson(), datasets.load("mnist", source="bundled")
    runs = []
    for i, name in enumerate(week["CODES"]):
        for seed in SEEDS:
            part = parts / f"{i}_{seed}.npy"
            if not part.exists():
                found = answers(week, name, seed, digits)
                np.save(part, np.array(found, np.uint8))
            runs.append(np.load(part))
            right = (runs[-1] == digits.y_test).mean(axis=-1)
            print(f"{name:17} seed {seed}: {right.round(3)}", flush=True)
    shape = (len(week["CODES"]), len(SEEDS), 2, -1)
    np.savez_compressed(
        ROOT / "data" / "week3_runs.npz",
        answers=np.reshape(runs, shape),
        codes=list(week["CODES"]),
        epochs=EPOCHS,
    )


if __name__ == "__main__":
    main()
