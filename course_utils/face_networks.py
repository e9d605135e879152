"""The network of week 5: shipped, or trained at preset `full`; and runs."""

from pathlib import Path

import numpy as np
import torch

from course_utils import multilabel
from course_utils.attribute_training import (
    BATCH,
    answers,
    attribute_training,
    watcher,
)
from course_utils.bundled import REINSTALL, bundled
from course_utils.cross_attention import AttributeNetwork
from course_utils.face_data import face_data
from course_utils.faces import faces
from course_utils.files import checkpoint_path
from course_utils.live import live_losses
from course_utils.runtime import current_session
from course_utils.training import make_accelerator
from course_utils.weights import load, write_weights

FILE = "face_attributes.safetensors"
NUM_TRAIN = 60_000  # faces, at preset full
LONG = 15_000  # steps, at preset full


def save_net(path, net, metadata):
    """Write an `AttributeNetwork`; see `weights.write_weights`."""
    write_weights(path, net, net.settings, metadata)


def load_net(path=None):
    """Return a trained network and what its file says of itself.

    Args:
        path: of a file that `save_net` wrote; None is the course's own.

    Returns:
        `(net, metadata)`: an `AttributeNetwork` on the CPU, float32,
        without gradients, and a dict of text to text.

    Raises:
        ValueError: the file is damaged, or of another architecture.
        FileNotFoundError: no such file.
    """
    if path is not None:
        return _load(Path(path).expanduser())
    try:
        return _load(bundled(FILE))
    except ValueError as error:
        raise ValueError(f"{error}; {REINSTALL}") from error


def _load(path):
    return load(AttributeNetwork, path, "an AttributeNetwork of week 5")


def network():
    """Return the trained network, and what is known of it.

    At preset `quick` the one that ships with the course. At `full` it is
    trained on more drawn faces, which a GPU should do; an interrupted
    training goes on where it was when this is called again.

    Returns:
        `(net, origin)`: an `AttributeNetwork` on the CPU, and a dict of
        text to text with "origin" and "trained".

    Raises:
        RuntimeError: `setup` has not been called.
        FileNotFoundError, ValueError: the bundled file is missing or
            damaged, or at `full` a checkpoint.
    """
    return _session().pick(quick=load_net, full=_trained)()


def short_run(train, validation, steps, *, kind="attention", watch=None):
    """Train a network for a few steps, with the loss drawn live.

    Args:
        train: a `Faces`.
        validation: a `Faces`, to be watched on, see
            `attribute_training.watcher`.
        steps: number of steps.
        kind: see `cross_attention.KINDS`.
        watch: called with the average at each look, for example to keep
            its maps.

    Returns:
        `(training, average)`: a `Training` that is done, and the network
        whose weights are the running average, on the CPU.

    Raises as `attribute_training.attribute_training` does, RuntimeError if
    `setup` has not been called.
    """
    session = _session()
    torch.manual_seed(session.seed)
    net = AttributeNetwork(train.labels.mean(axis=0), kind=kind)
    doing, average = attribute_training(
        net, train, steps=steps, accelerator=accelerator(), seed=session.seed
    )
    look = watcher(net, average, validation)

    def both():
        if watch is not None:
            watch(average)
        return look()

    with live_losses(doing, kind):
        doing.run(kind, watch=both, watch_every=max(1, steps // 10))
    return doing, average.cpu()


def on_photos(count=12_000, steps=1200):
    """Give the short run to CelebA, if `setup` chose it, and print scores.

    Args:
        count: photos to train on; a quarter as many are scored on.
        steps: number of steps.

    Raises as `face_data.face_data` and `short_run` do.
    """
    if _session().data == "bundled":
        print('drawn faces only: see setup(week=5, data="real" or a folder)')
        return
    train = face_data(count, "train")
    new = face_data(count // 4, "validation")
    _, net = short_run(train, new.take(range(min(500, len(new)))), steps)
    scores, _ = answers(net, new.images)
    rows = multilabel.trivial(train.labels, new.labels)
    rows["the short run"] = multilabel.report(new.labels, scores)
    multilabel.print_report(rows, multilabel.rarity(train.labels.mean(axis=0)))


def accelerator():
    """Return Accelerate's `Accelerator` for the preset in force.

    float32 at `quick`; at `full` what is fast, see `make_accelerator`.

    Raises:
        RuntimeError: `setup` has not been called.
    """
    return make_accelerator(_session().pick(quick="no", full="fast"))


def runs():
    """Return the longer runs of week 5, a dict of arrays.

    kinds, remedies: what was compared. With "kind_" and "remedy_" before
    them, `(compared, seeds, ...)`: of the test faces, by attribute, the
    scores of `multilabel.report`, once at the method's own threshold,
    "fixed_", and once at thresholds tuned on validation faces, "tuned_";
    those thresholds;
    drawn_ap, the average precision against what was drawn; energy and
    pointing, see `face_maps.map_scores`; losses, one a step; rates, entropy
    `(looks, attributes)` and query_gradient `(looks,)` along the training;
    minutes. frequencies: `(attributes,)`, of the training labels.

    Raises:
        FileNotFoundError: the bundled file is missing.
    """
    with np.load(bundled("week5_runs.npz")) as stored:
        return dict(stored)


def _trained():
    session = _session()
    train = faces(NUM_TRAIN, split="train")
    torch.manual_seed(session.seed)
    doing, average = attribute_training(
        AttributeNetwork(train.labels.mean(axis=0)),
        train,
        steps=LONG,
        accelerator=accelerator(),
        seed=session.seed,
    )
    doing.run("attributes", path=checkpoint_path("faces", "bundled"))
    told = {
        "origin": "trained by this notebook on drawn faces",
        "trained": f"{LONG:,} steps, batches of {BATCH}",
    }
    return average.cpu(), told


def _session():
    session = current_session()
    if session is None:
        raise RuntimeError("run the setup cell first: setup(week=5)")
    return session
