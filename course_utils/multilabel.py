"""Scores of many attributes that a constant cannot fool, and their tables.

The scores of `multilabel_scores` under one roof, with the baselines that
belong beside them and intervals over faces. Labels are bool arrays
`(n, attributes)`; scores are probabilities of the same shape. Used in
week 5.
"""

import numpy as np

from course_utils.metrics import Interval
from course_utils.multilabel_scores import (
    COMMON,
    RARE,
    accuracy,
    average_precision,
    balanced_accuracy,
    best_thresholds,
    brier,
    calibration_error,
    check_alike,
    f1,
    positive_rate,
    rarity,
    reliability,
)

__all__ = [
    "COMMON",
    "RARE",
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "best_thresholds",
    "bootstrap_over_faces",
    "brier",
    "calibration_error",
    "f1",
    "group_scores",
    "positive_rate",
    "print_report",
    "rarity",
    "reliability",
    "report",
    "trivial",
]
COLUMNS = ("AP", "macro-F1", "bal. acc.", "yes/true", "ECE")
NAME = 24  # characters of a row's name; five columns of 11 follow


def report(labels, scores, thresholds=0.5, chosen=None):
    """Return all scores of all attributes.

    Args:
        labels: `(n, attributes)` bool.
        scores: `(n, attributes)` probabilities, 0 to 1.
        thresholds: one, or `(attributes,)`; the answer is yes from there.
        chosen: mask or indices of the attributes to score; None for all.

    Returns:
        Dict from name to `(attributes,)` array: "average precision", "F1",
        "balanced accuracy", "accuracy", "positive rate", "true rate",
        "calibration error" and "Brier".

    Raises:
        ValueError: as the scores do; thresholds that do not fit.

    Used in week 5.
    """
    scores, thresholds = np.asarray(scores), np.asarray(thresholds)
    if thresholds.shape not in ((), scores.shape[1:]):
        raise ValueError(
            "thresholds must be one number, or one for each attribute: got "
            f"shape {thresholds.shape} for scores {scores.shape}"
        )
    chosen = slice(None) if chosen is None else chosen
    found = _all_scores(labels, scores, scores >= thresholds)
    return {name: values[chosen] for name, values in found.items()}


def trivial(labels_train, labels_test, seed=0):
    """Return the reports of three answers that never look at a face.

    "all negative" and "all positive" are sure of one answer;
    "prior-random" says yes as often as the training labels do, at random,
    and gives that frequency as its probability.

    Args:
        labels_train: `(m, attributes)` bool, for the frequencies.
        labels_test: `(n, attributes)` bool, to be scored on.
        seed: of the random answers.

    Returns:
        Dict from name to what `report` returns.

    Raises:
        ValueError: labels that are not bool or differ in attributes.

    Used in week 5.
    """
    labels_train, labels_test = map(np.asarray, (labels_train, labels_test))
    frequencies = positive_rate(labels_train)
    if labels_test.shape[1:] != frequencies.shape:
        raise ValueError(
            "labels of training and test differ in attributes: "
            f"{labels_train.shape} and {labels_test.shape}"
        )
    rng = np.random.default_rng(seed)
    drawn = rng.random(labels_test.shape) < frequencies
    answers = {
        "all negative": (np.zeros_like(drawn), 0.0),
        "all positive": (np.ones_like(drawn), 1.0),
        "prior-random": (drawn, frequencies),
    }
    return {
        name: _all_scores(
            labels_test, np.broadcast_to(scores, drawn.shape), predictions
        )
        for name, (predictions, scores) in answers.items()
    }


def group_scores(found, mask):
    """Return the means of a report over a group of attributes.

    Args:
        found: what `report` returned.
        mask: `(attributes,)` bool, such as one of `rarity`.

    Returns:
        Dict from `COLUMNS` to a float; NaN where no attribute can be
        scored. "yes/true" is the mean positive rate over the mean true
        one: 1 is as often as it should be.

    Raises:
        ValueError: a mask of another length.

    Used in week 5.
    """
    rates = found["true rate"]
    if np.shape(mask) != rates.shape:
        raise ValueError(
            f"the group is a mask of shape {np.shape(mask)}, the report has "
            f"{len(rates)} attributes"
        )
    names = "average precision", "F1", "balanced accuracy", "calibration error"
    ap, macro_f1, balanced, ece = (_mean(found[n][mask]) for n in names)
    true = rates[mask].sum()
    often = found["positive rate"][mask].sum() / true if true else np.nan
    values = (ap, macro_f1, balanced, float(often), ece)
    return dict(zip(COLUMNS, values, strict=True))


def print_report(rows, groups):
    """Print a table for each group of attributes.

    Args:
        rows: dict from a method's name to what `report` returned; put the
            baselines of `trivial` first.
        groups: dict from a group's name to its mask, as `rarity` returns;
            one without attributes is left out.

    Raises:
        ValueError: a mask that does not fit a report.

    Used in week 5.
    """
    lines = []
    for group, mask in groups.items():
        if not np.any(mask):
            continue
        title = f"{group} ({np.sum(mask)} attributes)"
        lines.append(_line(title, COLUMNS))
        for name, found in rows.items():
            values = group_scores(found, mask).values()
            cells = ["-" if np.isnan(v) else f"{v:.3f}" for v in values]
            lines.append(_line(name, cells))
        lines.append("")
    print("\n".join(lines[:-1]))


def bootstrap_over_faces(
    labels,
    scores,
    metric=average_precision,
    group=None,
    against=None,
    repeats=200,
    seed=0,
):
    """Return a group's mean score and how far other faces might move it.

    Faces are drawn with all their attributes, which are not independent.
    The interval says nothing of another training run. Few positives raise
    average precision, and drawing raises it again: with about 10 to the
    rarest attribute, 90% of intervals hold the truth, and the others lie
    above it. `calibration_error` grows so much that its interval misleads.

    Args:
        labels: `(n, attributes)` bool.
        scores: `(n, attributes)`, or predictions, as the metric takes.
        metric: function of labels and scores, returns `(attributes,)`.
        group: mask or indices of attributes; None for all.
        against: scores of another method on the same faces; the interval
            is then that of scores' lead over them.
        repeats: how many samples to draw, at least 100.
        seed: the same seed, the same interval.

    Returns:
        `Interval(mean, low, high)`, 95%. An attribute that no drawn face
        has is left out of that sample's mean.

    Raises:
        ValueError: too few repeats; as the metric does.

    Used in week 5. The percentile interval of Efron, "Bootstrap Methods:
    Another Look at the Jackknife" (1979).
    """
    if repeats < 100:
        raise ValueError(f"repeats must be at least 100, got {repeats}")
    group = slice(None) if group is None else group
    rivals = [scores] if against is None else [scores, against]
    for rival in rivals:
        check_alike(labels, rival)
    labels, *rivals = (np.asarray(a)[:, group] for a in (labels, *rivals))

    def lead(faces):
        means = [_mean(metric(labels[faces], r[faces])) for r in rivals]
        return means[0] - sum(means[1:])

    rng, n = np.random.default_rng(seed), len(labels)
    found = lead(slice(None))
    drawn = [lead(rng.integers(n, size=n)) for _ in range(repeats)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Interval(found, float(low), float(high))


def _all_scores(labels, scores, predictions):
    return {
        "average precision": average_precision(labels, scores),
        "F1": f1(labels, predictions),
        "balanced accuracy": balanced_accuracy(labels, predictions),
        "accuracy": accuracy(labels, predictions),
        "positive rate": positive_rate(predictions),
        "true rate": positive_rate(labels),
        "calibration error": calibration_error(labels, scores),
        "Brier": brier(labels, scores),
    }


def _mean(values):
    """Return the mean of what is not NaN; NaN if that is nothing."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def _line(name, cells):
    return f"{name[:NAME]:{NAME}}" + "".join(f"{cell:>11}" for cell in cells)
