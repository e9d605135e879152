"""Week 5, graded: one remedy of four, judged by its own properties.

`remedy_name` says which function of the notebook is the remedy. Whichever
it is, five points are to be had in four steps, so no choice is cheaper.
"""

import numpy as np
import torch

from course_utils.graded.engine import Task

REMEDIES = ("margin_loss", "head_overlap", "face_chances", "extra_faces")
MARGIN = 2.0  # logits, of the rarest answer
LATE = 0.8  # share of training after which weights count

remedy_name = Task(
    5, "remedy_name", "A remedy of your choice: four to choose from", points=5
)


def chosen(answer):
    """Return the name of the remedy, and the function of that name."""
    name = str(answer())
    return name, answer.other(name)


def some_logits(rng, attributes=3):
    """Return logits, targets and positives of a batch, as tensors."""
    logits = torch.tensor(rng.normal(size=(6, attributes))).float()
    targets = torch.tensor(rng.random((6, attributes)) < 0.5).float()
    targets[0], targets[1] = 1, 0
    positives = torch.tensor(rng.integers(20, 400, size=attributes))
    return logits, targets, positives


def some_attn(rng, heads=3):
    """Return attention (2, heads, 5, 7), rows sum to 1."""
    weights = rng.random((2, heads, 5, 7)) ** 3 + 1e-3
    weights = weights / weights.sum(axis=-1, keepdims=True)
    return torch.tensor(weights).float()


def some_labels(rng, count=60):
    """Return labels (count, 4) bool of shares .05, .2, .5 and .6."""
    numbers = np.round(np.array([0.05, 0.2, 0.5, 0.6]) * count)
    return rng.random((count, 4)).argsort(axis=0) < numbers


@remedy_name.needs(
    'Return one of "margin_loss", "head_overlap", "face_chances" and '
    '"extra_faces", and fill in the function of that name.'
)
def _remedy_known(answer, rng):
    return str(answer()) in REMEDIES


@remedy_name.needs(
    "The remedy's result has another shape than its docstring says, or does "
    "not depend on its input."
)
def _remedy_depends(answer, rng):
    name, remedy = chosen(answer)
    if name == "margin_loss":
        logits, targets, positives = some_logits(rng)
        one = remedy(logits, targets, positives, 1000, 0.1)
        other = remedy(logits + 1, targets, positives, 1000, 0.1)
        return one.shape == () and abs(one - other) > 1e-4
    if name == "head_overlap":
        one, other = remedy(some_attn(rng)), remedy(some_attn(rng))
        return one.shape == () and abs(one - other) > 1e-6
    labels = some_labels(rng)
    if name == "face_chances":
        one, other = remedy(labels, 1.0), remedy(labels[::-1].copy(), 1.0)
        return one.shape == (60,) and not np.allclose(one, other)
    few = remedy(labels, some_labels(rng, 200), 0, 0.1)
    many = remedy(labels, some_labels(rng, 200), 0, 0.15)
    return few.ndim == 1 and 0 < len(few) < len(many)


@remedy_name.property(
    1,
    "Your remedy is right where it can be reckoned by hand.",
    "Work out the simplest case on paper: logits at the margin; heads that "
    "are all alike, or have no place in common; training that has not "
    "begun; extra faces that lack the attribute.",
)
def _remedy_by_hand(answer, rng):
    name, remedy = chosen(answer)
    if name == "margin_loss":  # right by just its margin: undecided
        logits, half = torch.tensor([[MARGIN], [-MARGIN]]), torch.tensor([50])
        found = remedy(logits, (logits > 0).float(), half, 100, 0.0)
        return np.isclose(found, np.log(2), atol=1e-5)
    if name == "head_overlap":
        alike = some_attn(rng)[:, :1].expand(2, 3, 5, 7)
        apart = torch.eye(3)[None, :, None].expand(2, 3, 5, 3)
        found = remedy(alike), remedy(apart)
        return np.allclose(found, (1, 0), atol=1e-5)
    labels = some_labels(rng)
    if name == "face_chances":
        return np.allclose(remedy(labels, 0.0), 1 / 60)
    pool = some_labels(rng, 200)
    found = remedy(labels, pool, 1, 0.4).astype(int)
    right = pool[found, 1].all() and len(set(found.tolist())) == len(found)
    return right and found.ndim == 1


@remedy_name.property(
    1,
    "Your remedy pushes the right way.",
    "Which way should it push? A loss by its gradient: positives up, "
    "negatives down, the rare harder; heads apart. Chances: the rare come "
    "more often as training goes on. Extra faces: just enough of them.",
)
def _remedy_pushes(answer, rng):
    name, remedy = chosen(answer)
    if name == "margin_loss":
        logits, targets = np.zeros((2, 2)), np.array([[1.0, 1.0], [0.0, 0.0]])
        rare = np.array([20, 400])
        (yes, often), no = remedy.gradient(logits, targets, rare, 1000, 0.1)
        return yes < 1.02 * often < 0 and (no > 0).all()
    if name == "head_overlap":
        attn = some_attn(rng).numpy()
        step = attn - 0.05 * remedy.gradient(attn)
        return remedy(torch.tensor(step)) < remedy(torch.tensor(attn)) - 1e-5
    labels = some_labels(rng)
    if name == "face_chances":
        rare = labels[:, 0]
        found = [remedy(labels, progress)[rare] for progress in (0, 0.5, 1)]
        return (np.diff(found, axis=0) > 1e-4).all()
    found = remedy(labels, some_labels(rng, 200), 0, 0.1).astype(int)
    has, count = labels[:, 0].sum() + len(found), 60 + len(found)
    return has / count >= 0.1 > (has - 1) / (count - 1)
