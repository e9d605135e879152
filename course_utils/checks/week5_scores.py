"""Checks of week 5: frequencies, scores, thresholds."""

import numpy as np

from course_utils.checks.engine import exercise, expect
from course_utils.checks.properties import (
    expect_none_of,
    expect_number,
    expect_shape,
    same,
    survives,
)


@exercise(week=5, title="Weights with which yes and no weigh the same")
def pos_weights(attempt):
    """Judge `my_pos_weights(labels)`."""
    labels = _labels((2, 6, 30, 60, 96), 120)
    out = attempt(labels)
    expect(
        out.shape != (120,),
        "There is a weight for each face: take the frequency of each "
        "attribute, over the faces.",
    )
    expect(
        out.shape != (),
        "One weight for all: each attribute has a frequency of its own.",
    )
    expect_shape(out, (5,), "(attributes,)")
    expect_none_of(out, _wrong_weights(labels))
    positives = labels.sum(axis=0)
    expect(
        np.allclose(out * positives, 120 - positives),
        "Both answers should weigh the same: the weight times the number of "
        "faces with an attribute should be the number of those without it.",
    )
    other = _labels((1, 5, 3), 7)
    expect(
        same(attempt(other), np.array([6, 2 / 5, 4 / 3])),
        "Right for 120 faces and 5 attributes, wrong for 7 and 3: where is a "
        "size written as a number?",
    )


def _labels(positives, count):
    """Return labels, (count, attributes), with so many positives each."""
    faces = np.arange(count)[:, None]
    return (faces < np.array(positives)).astype(int)


def _wrong_weights(labels):
    f = labels.mean(axis=0)
    right = (1 - f) / f
    return {
        "This is 1 / f, as in the tutorial's table: the positives then weigh "
        "as much as all faces, and more than the negatives.": 1 / f,
        "This is 1 / (f + 0.001), cut off at 1 and 50, as in the tutorial: "
        "one too many for a rare attribute, and a common one, whose "
        "negatives are the rare answer, keeps at least 1.": (
            np.clip(1 / (f + 0.001), 1, 50)
        ),
        "This is f / (1 - f): what is rare gets the least weight.": 1 / right,
        "These are the frequencies: what is rare should weigh more.": f,
        "This is 1 - f: it tells rare attributes hardly apart. Twice as rare "
        "should weigh about twice as much.": 1 - f,
        "The weights are cut off at the tutorial's 50: nothing is to be cut "
        "off here.": np.minimum(right, 50),
        "The weights are at least 1: where most faces have an attribute, its "
        "positives should weigh less than 1.": np.maximum(right, 1),
        "The weights are cut off at 1 and 50: nothing is to be cut off "
        "here.": np.clip(right, 1, 50),
        'This is 1 / (2f), scikit-learn\'s "balanced". It goes with another '
        "weight for the negatives; here those weigh 1.": 1 / (2 * f),
        "The weights are scaled so that their mean is 1: then they are no "
        "longer what balances yes and no.": right / right.mean(),
        "This is the logarithm of the ratio: weights multiply, and are never "
        "negative.": np.log(right),
        "The root of the ratio evens out half of the difference only.": (
            np.sqrt(right)
        ),
    }


@exercise(week=5, title="Average precision, which no constant fools")
def average_precision(attempt):
    """Judge `my_average_precision(labels, scores)`."""
    labels, scores = _faces()
    out = attempt(labels, scores)
    expect_number(out)
    expect_none_of(out, _wrong_precision(labels, scores))
    expect(
        same(out, _average_precision(labels, scores)),
        "The number is wrong. By hand: if, from the largest score down, the "
        "labels are 1, 0, 1, it is (1/1 + 2/3) / 2.",
    )
    logits = np.log(scores / (1 - scores))
    expect(
        same(out, attempt(labels, logits)),
        "Logits instead of probabilities change the result: only the order "
        "of the scores should count.",
    )
    few = np.array([0, 1, 1, 0, 1]), np.array([0.3, -2.0, 0.8, 0.5, 0.1])
    expect(
        survives(attempt, np.array((1 + 2 / 4 + 3 / 5) / 3), *few),
        "Right for 24 faces, wrong for 5: where is a size written as a "
        "number?",
    )


def _faces():
    """Return 24 labels, 6 of them 1, and scores that rank them fairly.

    The seed is one with which no two of the usual mistakes agree.
    """
    labels = np.zeros(24, dtype=int)
    labels[[2, 5, 9, 13, 14, 20]] = 1
    noise = np.random.default_rng(7806).normal(size=24)
    return labels, 1 / (1 + np.exp(1.2 - 1.5 * labels - noise))


def _precision(labels, scores):
    """Return hits and precision down to each rank, largest score first."""
    hits = labels[np.argsort(-scores)]
    return hits, hits.cumsum() / np.arange(1, len(hits) + 1)


def _average_precision(labels, scores):
    hits, precision = _precision(labels, scores)
    return precision[hits == 1].mean()


def _wrong_precision(labels, scores):
    hits, precision = _precision(labels, scores)
    at, yes = hits == 1, scores > 0.5
    recall = hits.cumsum() / hits.sum()
    pairs = scores[labels == 1][:, None] > scores[labels == 0]
    lower = np.concatenate([[1], precision[:-1]])
    steps = np.diff(recall, prepend=0)
    upper = np.maximum.accumulate(precision[::-1])[::-1]
    return {
        "The smallest score comes first: argsort ascends, and the largest "
        "should lead.": _average_precision(labels, -scores),
        "The faces are in the order in which they came: sort them by score, "
        "largest first.": _average_precision(labels, np.arange(24)[::-1]),
        "The mean is over all ranks: take it over the positives alone.": (
            precision.mean()
        ),
        "This is recall, averaged over the positives: it is the same for any "
        "ranking. Precision divides by the faces so far.": recall[at].mean(),
        "The sum over the positives is divided by the number of all faces: "
        "divide by that of the positives.": precision[at].sum() / 24,
        'This is accuracy at 0.5. It needs a threshold, and always "no" '
        "does well at it.": (yes == labels).mean(),
        "This is precision at 0.5: no threshold is asked for.": (
            labels[yes].mean()
        ),
        "This is the area under the ROC curve: it asks how often a positive "
        "beats a negative, and divides by the many negatives.": pairs.mean(),
        "Ranks begin at 1: the best face is 1 of 1.": (
            hits.cumsum() / np.arange(2, 26)
        )[at].mean(),
        "The face itself is left out where it should be counted: of the "
        "faces down to here, this one included.": (
            (hits.cumsum() - hits) / np.arange(1, 25)
        )[at].mean(),
        "This is the largest precision. Take the mean over all "
        "positives.": precision.max(),
        "The trapezoids of an area smooth the steps, and promise precision "
        "between two ranks that no threshold has.": (
            (steps * (lower + precision) / 2).sum()
        ),
        "Precision is replaced by the best that comes later, as in PASCAL "
        "VOC: here it counts as it is.": upper[at].mean(),
        "This is the frequency, which any constant gets.": labels.mean(),
        "argsort of argsort gives each face its rank. To sort the labels, "
        "take argsort once.": _average_precision(labels, -np.argsort(-scores)),
    }


@exercise(week=5, title="The threshold with the largest F1")
def best_threshold(attempt):
    """Judge `my_best_threshold(labels, scores)`."""
    labels, scores = _faces()
    out = attempt(labels, scores)
    expect_number(out)
    expect_none_of(out, _wrong_thresholds(labels, scores))
    _expect_best(out, labels, scores)
    logits = np.log(scores / (1 - scores))
    _expect_best(attempt(labels, logits), labels, logits)
    few = np.array([0.7, 0.4, 0.9, 0.2])
    for labels in ([1, 1, 0, 1], [0, 0, 1, 0]):
        labels = np.array(labels)
        _expect_best(attempt(labels, few), labels, few)


def _f1(labels, scores):
    """Return F1 with each score as the threshold, (n,)."""
    said = scores >= scores[:, None]
    return 2 * said @ labels / (labels.sum() + said.sum(axis=1))


def _expect_best(out, labels, scores):
    lowest, highest, count = scores.min(), scores.max(), len(scores)
    where = f"of {count} scores from {lowest:.2f} to {highest:.2f}"
    among = np.isclose(scores, out, rtol=0, atol=1e-8)
    expect(
        among.any(),
        f"{out:.4g} is not one {where}: between two scores nothing changes, "
        "and a grid of round numbers can miss the best.",
    )
    f1 = _f1(labels, scores)
    best, found = f1.max(), f1[among].max()
    expect(
        np.isclose(best, found),
        f"The threshold {out:.4g}, {where}, has an F1 of {found:.3f}; there "
        f"is one with {best:.3f}. Have you tried them all, the smallest and "
        "the largest, too?",
    )


def _wrong_thresholds(labels, scores):
    f1, order = _f1(labels, scores), np.argsort(scores)
    said = scores >= scores[:, None]
    right = said == labels
    found, left = right[:, labels == 1], right[:, labels == 0]
    balanced = found.mean(axis=1) + left.mean(axis=1)
    negatives = 2 * left.sum(axis=1)
    negatives = negatives / (negatives + (~right).sum(axis=1))
    best = scores[f1.argmax()]
    return {
        "This is the largest F1 itself: at which score is it reached?": (
            f1.max()
        ),
        "This is a place in the list, not the score that stands there.": (
            f1.argmax()
        ),
        "This is a place in the sorted list, not the score that stands "
        "there.": f1[order].argmax(),
        "The places are mixed up: F1 is for sorted scores, but you look the "
        "threshold up in the unsorted ones.": scores[f1[order].argmax()],
        "0.5 is the habit to be tested.": 0.5,
        "At this threshold accuracy is largest, not F1: with few positives "
        "it would rather say no.": scores[right.mean(axis=1).argmax()],
        "At this threshold balanced accuracy is largest, not F1.": (
            scores[balanced.argmax()]
        ),
        "At this threshold precision is largest: it finds the surest alone, "
        "and recall counts as much.": (
            scores[(said @ labels / said.sum(axis=1)).argmax()]
        ),
        "At this threshold recall is largest: everybody is said to be.": (
            scores.min()
        ),
        "At this threshold as many are said to be as are. F1 asks for "
        "hits.": np.sort(scores)[-labels.sum()],
        "One score too low: you say yes above the threshold, and asked for "
        "is `scores >= t`, the threshold included.": (
            scores[scores < best].max()
        ),
        'This is the best F1 of "no": hits are positives that get a '
        "yes.": scores[negatives.argmax()],
    }
