"""Make the runs that week 2 ships in data/week2_runs.npz.

    python benchmarks/week2_runs.py mnist     # tutorial's network, seeds
    python benchmarks/week2_runs.py readers   # marked digit, seeds 0 to 2
    python benchmarks/week2_runs.py curves    # marked digit, longer
    python benchmarks/week2_runs.py tiles     # marked digit, small tokens
    python benchmarks/week2_runs.py full      # full recipe, held-out digits
    python benchmarks/week2_runs.py pack      # gather the parts

Networks, training and settings come from the lesson itself. Each step
leaves a part in --parts; together they take about an hour on two cores.
Weights differ in the last digits from machine to machine.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "lessons")]

import course_utils as cu  # noqa: E402
from course_utils import datasets, keras_models, scenes  # noqa: E402

MNIST_SEEDS = range(1, 5)
MNIST_EPOCHS = 5
READER_SEEDS = range(3)
CANVASES = 14_000
CURVE_EPOCHS = 12
TILE_EPOCHS = 8
FULL_EPOCHS = 15
HELD_OUT = 10_000


def lesson():
    """Return the lesson's definitions by name."""
    from authoring.lesson import definitions

    cu.import_quietly("tensorflow")
    path = ROOT / "lessons" / "week2_multi_head_attention.py"
    return definitions(path, {"__name__": "lesson"})


def make_mnist(week, args):
    """Answers of five networks to the 2,000 test digits, several seeds."""
    digits = datasets.load("mnist", source="bundled")
    x, y = week["scaled"](digits.x_train), digits.y_train
    x_test = week["scaled"](digits.x_test)
    keras = week["keras"]
    blocks = {name: (block, {}) for name, block in week["BLOCKS"].items()}
    without = {"norm": keras.layers.Identity}
    blocks["without NormL"] = (week["BLOCKS"]["tutorial"], without)
    answers = []
    for name, (block, options) in blocks.items():
        runs = []
        for seed in MNIST_SEEDS:
            net = week["train_mnist"](
                name, block, x, y, MNIST_EPOCHS, seed, **options
            )
            runs.append(keras_models.classify(net, x_test))
            print(name, seed, (runs[-1] == digits.y_test).mean(), flush=True)
        answers.append(runs)
    return {"mnist_answers": np.array(answers, np.uint8)}


def make_readers(week, args):
    """Weights of the four readers for each seed, and their accuracies."""
    digits = datasets.load("mnist", source="bundled")
    scene = test_scene(digits)
    weights, accuracy = {}, np.zeros((len(week["NAMES"]), len(READER_SEEDS)))
    for i, name in enumerate(week["NAMES"]):
        for seed in READER_SEEDS:
            net = week["train_reader"](
                name, *training_canvases(digits, seed), seed=seed
            )
            flat = np.concatenate([w.ravel() for w in net.get_weights()])
            weights[f"{name}, seed {seed}"] = flat.astype(np.float16)
            answers = keras_models.classify(net, scene.canvases[..., None])
            right = answers == scene.labels
            accuracy[i, seed] = right.mean()
            print(name, seed, accuracy[i, seed], flush=True)
    return {**weights, "reader_accuracy": accuracy}


def make_curves(week, args):
    """Accuracy after each epoch of a longer training, one run each."""
    digits = datasets.load("mnist", source="bundled")
    scene = test_scene(digits)
    canvases = scene.canvases[..., None]
    base = week["keras"].callbacks.Callback

    class Curve(base):
        def __init__(self):
            super().__init__()
            self.points = []

        def on_epoch_end(self, epoch, logs=None):
            answers = keras_models.classify(self.model, canvases)
            right = answers == scene.labels
            self.points.append(right.mean())
            print(epoch + 1, self.points[-1], flush=True)

    curves = []
    for name in week["NAMES"]:
        print(name)
        curve = Curve()
        week["train_reader"](
            name,
            *training_canvases(digits, seed=0),
            CURVE_EPOCHS,
            callbacks=[curve],
        )
        curves.append(curve.points)
    return {"reader_curves": np.array(curves)}


def make_tiles(week, args):
    """Accuracy of readers whose tokens are tiles of 8 x 8 pixels."""
    digits = datasets.load("mnist", source="bundled")
    scene = test_scene(digits)
    x, y = training_canvases(digits, seed=0)
    accuracy = []
    for name in ("no mixing", "over positions"):
        week["keras"].utils.set_random_seed(0)
        net = keras_models.train(
            tile_reader(week, name),
            x,
            y,
            label=name,
            epochs=TILE_EPOCHS,
            batch_size=64,
            peak_rate=3e-3,
        )
        answers = keras_models.classify(net, scene.canvases[..., None])
        accuracy.append((answers == scene.labels).mean())
        print(name, accuracy[-1], flush=True)
    return {"tile_accuracy": np.array(accuracy)}


def tile_reader(week, name):
    """The lesson's reader, but each token sees one tile and no more."""
    keras, layers, width = week["keras"], week["layers"], week["WIDTH"]
    canvas = keras.Input((56, 56, 1))
    x = layers.Conv2D(128, 8, 8)(canvas)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(width, 1)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Reshape((49, width))(x) + week["CODE"]
    x = x + week["MIXERS"][name](layers.LayerNormalization()(x))
    x = x + week["perceptron"](layers.LayerNormalization()(x))
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(canvas, layers.Dense(10, "softmax")(x))


def make_full(week, args):
    """Print the accuracy of the full recipe on digits held out.

    Nothing of it ships: the course gives on only what comes with it.
    """
    if args.train_file:
        with np.load(args.train_file) as archive:
            x, y = archive["x"].reshape(-1, 28, 28), archive["y"]
    else:
        real = datasets.load("mnist", source="real")
        x, y = real.x_train, real.y_train
    net = week["best_recipe"](
        week["scaled"](x[:-HELD_OUT]), y[:-HELD_OUT], FULL_EPOCHS
    )
    answers = keras_models.classify(net, week["scaled"](x[-HELD_OUT:]))
    print("full", (answers == y[-HELD_OUT:]).mean(), flush=True)
    return {}


def training_canvases(digits, seed):
    """The lesson's training canvases of preset "quick", other seeds too."""
    scene = scenes.marked_digits(
        digits.x_train, digits.y_train, CANVASES, seed=seed
    )
    return scene.canvases[..., None], scene.labels


def test_scene(digits):
    """The lesson's test canvases."""
    return scenes.marked_digits(digits.x_test, digits.y_test, 2000, seed=99)


def pack(parts, data):
    """Gather the parts into the file that ships."""
    everything = {}
    for step in SHIPPED:
        with np.load(parts / f"{step}.npz") as archive:
            everything.update(archive)
    shipped = {k: v for k, v in everything.items() if ", seed 0" not in k}
    np.savez_compressed(data / "week2_runs.npz", **shipped)


SHIPPED = ("mnist", "readers", "curves", "tiles")
MAKERS = {
    "mnist": make_mnist,
    "readers": make_readers,
    "curves": make_curves,
    "tiles": make_tiles,
    "full": make_full,
}


def main():
    """Make one part, or pack them."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("step", choices=[*MAKERS, "pack"])
    parser.add_argument("--parts", type=Path, default=Path(".cache/week2"))
    parser.add_argument(
        "--train-file", help=".npz with x, y: MNIST's 60,000 training digits"
    )
    args = parser.parse_args()
    args.parts.mkdir(parents=True, exist_ok=True)
    if args.step == "pack":
        pack(args.parts, ROOT / "data")
        return
    made = MAKERS[args.step](lesson(), args)
    np.savez_compressed(args.parts / f"{args.step}.npz", **made)


if __name__ == "__main__":
    main()
