"""Week 5, graded: class-balanced weights, their price, a score by group."""

import numpy as np

from course_utils.graded.engine import Task

GROUPS = ("rare", "middle", "common")

class_weights = Task(
    5, "class_weights", "Weights by an effective number of faces", points=3
)


@class_weights.needs(
    "For counts (classes,) the result should have shape (classes,), and "
    "other counts should get other weights."
)
def _weights_shape(answer, rng):
    counts = rng.integers(5, 500, size=5)
    few, many = answer(counts, 0.99), answer(counts**2 + counts[::-1], 0.99)
    return few.shape == (5,) and not np.allclose(few, many)


@class_weights.property(
    1,
    "Weights sum to the number of classes, the smallest class weighs most.",
    "Divide by the sum and multiply by the number of classes; the fewer "
    "faces a class has, the larger should its weight be.",
)
def _weights_sum(answer, rng):
    counts = np.sort(rng.choice(np.arange(2, 200), size=5, replace=False))
    weights = answer(counts, 0.99)
    return np.isclose(weights.sum(), 5) and (np.diff(weights) < 0).all()


@class_weights.property(
    1,
    "beta = 0 weighs all classes alike, beta = 1 by inverse frequency.",
    "The two ends: at beta = 0 every class counts for one face, at beta = 1 "
    "for all its faces. What does the formula say at beta = 1, as typed?",
)
def _weights_ends(answer, rng):
    counts = rng.integers(2, 500, size=5) * np.array([1, 2, 3, 5, 7])
    alike, inverse = answer(counts, 0.0), answer(counts, 1.0) * counts
    return np.ptp(alike) < 1e-6 and np.allclose(inverse, inverse[0])


undo_weights = Task(
    5, "undo_weights", "Probabilities again, after a weighted loss", points=2
)


@undo_weights.needs(
    "For scores (n, attributes) and pos_weight (attributes,) the result "
    "should have shape (n, attributes) and change with the weights."
)
def _undone_shape(answer, rng):
    scores, weights = rng.uniform(0.2, 0.8, (5, 3)), rng.uniform(2, 50, 3)
    one, other = answer(scores, weights), answer(scores, 2 * weights)
    return one.shape == (5, 3) and np.abs(one - other).min() > 1e-3


@undo_weights.property(
    1,
    "A weight of 1 changes nothing, one above 1 lowers a score, one below "
    "raises it; 0 and 1 stay.",
    "A network whose positives weigh 10 says yes too often: bring its "
    "scores down. What was certain, 0 or 1, stays certain.",
)
def _undone_direction(answer, rng):
    scores = np.sort(rng.uniform(0.05, 0.95, (5, 3)), axis=0)
    scores = np.concatenate([np.zeros((1, 3)), scores, np.ones((1, 3))])
    found = answer(scores, np.array([1.0, 20.0, 0.05]))
    kept = np.allclose(found[:, 0], scores[:, 0], atol=1e-5)
    ends = np.allclose(found[[0, -1]], scores[[0, -1]], atol=1e-5)
    lower = (found[1:-1, 1] < scores[1:-1, 1]).all()
    higher = (found[1:-1, 2] > scores[1:-1, 2]).all()
    return kept and ends and lower and higher


lift_by_group = Task(
    5, "lift_by_group", "Average precision beside its baseline", points=3
)


def drawn_faces(rng, frequencies, count=200):
    """Return labels (count, attributes), each often enough to be scored."""
    shares = np.asarray(frequencies)
    numbers = np.maximum(3, np.round(shares * count)).astype(int)
    order = rng.random((count, len(shares))).argsort(axis=0)
    return order < numbers


def numbers_of(found):
    """Return the three groups' lifts as one array, in `GROUPS`' order."""
    return np.array([float(found[name]) for name in GROUPS])


@lift_by_group.needs(
    'Return a dict with a number for each of "rare", "middle" and "common", '
    "which depends on the scores."
)
def _lift_shape(answer, rng):
    shares = np.array([0.05, 0.08, 0.2, 0.5, 0.6])
    labels = drawn_faces(rng, shares)
    blind = answer(labels, rng.random(labels.shape), shares)
    seeing = answer(labels, labels + rng.random(labels.shape), shares)
    return (numbers_of(seeing) - numbers_of(blind) > 0.1).all()


@lift_by_group.property(
    1,
    "A constant answer gets 0 in every group, a perfect one 1.",
    "What is the average precision of a constant on these faces, and how "
    "far is it from there to 1? The baseline is that of the faces scored.",
)
def _lift_ends(answer, rng):
    shares = np.array([0.05, 0.08, 0.2, 0.25, 0.5, 0.6])
    labels = drawn_faces(rng, shares)
    train = shares * np.array([0.6, 1.1, 1.2, 0.7, 1.3, 0.9])
    constant = numbers_of(answer(labels, np.full(labels.shape, 0.3), train))
    perfect = numbers_of(answer(labels, labels * 0.8 + 0.1, train))
    return np.allclose(constant, 0, atol=1e-6) and np.allclose(perfect, 1)


@lift_by_group.property(
    1,
    "An attribute that nobody here has, or everybody, is left out.",
    "Nothing can be ranked where all labels are alike: leave such an "
    "attribute out of its group's mean, which otherwise is NaN.",
)
def _lift_missing(answer, rng):
    shares = np.array([0.05, 0.08, 0.2, 0.25, 0.5, 0.6])
    labels = drawn_faces(rng, shares)
    scores = labels + rng.random(labels.shape)
    before = numbers_of(answer(labels, scores, shares))
    nobody = np.zeros((len(labels), 1), bool)
    labels = np.concatenate([labels, nobody, ~nobody], axis=1)
    scores = np.concatenate([scores, rng.random((len(labels), 2))], axis=1)
    after = numbers_of(answer(labels, scores, np.append(shares, [0.01, 0.9])))
    return np.allclose(before, after) and np.isfinite(after).all()
