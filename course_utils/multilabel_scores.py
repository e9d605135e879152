"""Scores of many attributes at once, one number for each attribute.

Labels are bool arrays `(n, attributes)`, a row for each face; scores, such
as probabilities, and bool predictions have the same shape. What cannot be
said, such as the average precision of an attribute that no face has, is
NaN; means should skip it. Used in week 5.

All raise ValueError for shapes that do not fit, labels or predictions that
are not bool, and scores that are not finite.
"""

import numpy as np

RARE = 0.10  # an attribute of fewer faces is rare
COMMON = 0.30  # one of more is common
BINS = 10


def rarity(frequencies):
    """Return which attributes are rare, in the middle, common, or any.

    Args:
        frequencies: `(attributes,)`, shares of positives, 0 to 1.

    Returns:
        Dict of `(attributes,)` bool arrays: "rare" (below 10%), "middle",
        "common" (above 30%) and "all".

    Raises:
        ValueError: frequencies in another shape or out of 0 to 1.

    Used in week 5. The source tutorial's limits.
    """
    frequencies = np.asarray(frequencies, dtype=float)
    inside = (frequencies >= 0) & (frequencies <= 1)
    if frequencies.ndim != 1 or not len(frequencies) or not inside.all():
        raise ValueError(
            "frequencies must be shares from 0 to 1 in one row, got shape "
            f"{frequencies.shape}: labels.mean(axis=0) gives them"
        )
    rare, common = frequencies < RARE, frequencies > COMMON
    return {
        "rare": rare,
        "middle": ~(rare | common),
        "common": common,
        "all": np.ones(len(frequencies), dtype=bool),
    }


def average_precision(labels, scores):
    """Return the area under each precision-recall curve, in steps.

    Only the order of the scores matters, and a threshold none. Chance, and
    any constant, gets the attribute's frequency.

    Returns:
        `(attributes,)`, 0 to 1; NaN for an attribute that no face has.

    Used in week 5. scikit-learn's `average_precision_score`, of all
    attributes at once: the bootstrap needs it thousands of times.
    """
    labels, scores = _checked(labels, scores)
    order = np.argsort(-scores, axis=0)
    hits = np.take_along_axis(labels, order, axis=0)
    ranked = np.take_along_axis(scores, order, axis=0)
    found = hits.cumsum(axis=0)
    precision = found / np.arange(1, len(labels) + 1)[:, None]
    # Equal scores stand or fall together: all get the last one's precision.
    last = np.ones(labels.shape, dtype=bool)
    last[:-1] = ranked[:-1] != ranked[1:]
    rows = np.where(last, np.arange(len(labels))[:, None], len(labels))
    rows = np.minimum.accumulate(rows[::-1], axis=0)[::-1]
    precision = np.take_along_axis(precision, rows, axis=0)
    return _ratio((precision * hits).sum(axis=0), found[-1])


def balanced_accuracy(labels, predictions):
    """Return the mean of the shares found among positives and negatives.

    Returns:
        `(attributes,)`, 0 to 1; any constant gets 0.5. NaN if all faces,
        or none, have the attribute.

    Used in week 5. scikit-learn's `balanced_accuracy_score`.
    """
    labels, predictions = _checked(labels, predictions, kind=bool)
    found = _ratio((labels & predictions).sum(axis=0), labels.sum(axis=0))
    left = _ratio((~labels & ~predictions).sum(axis=0), (~labels).sum(axis=0))
    return (found + left) / 2


def f1(labels, predictions):
    """Return the harmonic mean of precision and recall.

    Returns:
        `(attributes,)`, 0 to 1; always "no" gets 0 and always "yes"
        2f / (1 + f), with f the attribute's frequency. NaN for an
        attribute that no face has.

    Used in week 5. scikit-learn's `f1_score`.
    """
    labels, predictions = _checked(labels, predictions, kind=bool)
    both = 2 * (labels & predictions).sum(axis=0)
    either = labels.sum(axis=0) + predictions.sum(axis=0)
    return np.where(labels.any(axis=0), _ratio(both, either), np.nan)


def accuracy(labels, predictions):
    """Return the share of right answers, `(attributes,)`.

    The one score here that always "no" does well at: 1 - f. Used in
    week 5.
    """
    labels, predictions = _checked(labels, predictions, kind=bool)
    return (labels == predictions).mean(axis=0)


def positive_rate(predictions):
    """Return the share of "yes", `(attributes,)`, 0 to 1.

    Compare it with the frequency: 0 and 1 are the two ways to collapse.
    Used in week 5.
    """
    predictions, _ = _checked(predictions, predictions, kind=bool)
    return predictions.mean(axis=0)


def best_thresholds(labels, scores):
    """Return the thresholds at which F1 is largest on these faces.

    Choose them on the validation split: on the faces that are then scored,
    they would be told the answers.

    Returns:
        `(attributes,)`; predict `scores >= thresholds`. Infinity, always
        "no", for an attribute that no face has.

    Used in week 5. Exact, from scikit-learn's `precision_recall_curve`.
    """
    from sklearn.metrics import precision_recall_curve

    labels, scores = _checked(labels, scores)
    best = np.full(labels.shape[1], np.inf)
    for i in np.flatnonzero(labels.any(axis=0)):
        precision, recall, thresholds = precision_recall_curve(
            labels[:, i], scores[:, i]
        )
        both = precision[:-1] * recall[:-1]  # the last has no threshold
        score = _ratio(both, precision[:-1] + recall[:-1])
        best[i] = thresholds[np.nanargmax(score)]
    return best


def reliability(labels, scores, bins=BINS):
    """Return what was promised and what came true, in bins of scores.

    Bins hold equally many faces, for those of equal width would put nearly
    all faces of a rare attribute into the first. Equal scores share a bin.

    Args:
        labels: `(n, attributes)` bool.
        scores: `(n, attributes)` probabilities, 0 to 1.
        bins: how many, 1 or more.

    Returns:
        Three arrays `(bins, attributes)`: mean probability, share of
        positives (both NaN in an empty bin), and number of faces.

    Raises:
        ValueError: scores out of 0 to 1, or no bin; see above.

    Used in week 5. scikit-learn's `calibration_curve` by quantiles.
    """
    labels, scores = _checked(labels, scores)
    _check_probabilities(scores)
    if bins != int(bins) or bins < 1:
        raise ValueError(f"bins must be a whole number, 1 or more, got {bins}")
    edges = np.quantile(scores, np.arange(1, bins) / bins, axis=0)
    which = (scores > edges[:, None]).sum(axis=0)
    attributes = labels.shape[1]
    which = (which * attributes + np.arange(attributes)).ravel()
    count, promised, true = (
        np.bincount(which, weights, bins * attributes).reshape(bins, -1)
        for weights in (None, scores.ravel(), labels.ravel())
    )
    return _ratio(promised, count), _ratio(true, count), count


def calibration_error(labels, scores, bins=BINS):
    """Return the expected calibration error, in bins as `reliability`.

    The mean distance of probability and share of positives, weighted by
    faces. Chance alone keeps it above 0, the more the fewer faces are in a
    bin. The constant f gets 0: this score, alone, can be fooled.

    Returns:
        `(attributes,)`, 0 to 1.

    Raises:
        ValueError: as `reliability`.

    Used in week 5. Nixon et al., "Measuring Calibration in Deep Learning"
    (2019), adaptive bins.
    """
    promised, true, count = reliability(labels, scores, bins)
    gaps = np.nan_to_num(np.abs(promised - true))
    return (count * gaps).sum(axis=0) / len(labels)


def brier(labels, scores):
    """Return the mean squared error of probabilities, `(attributes,)`.

    The constant f gets f (1 - f). Brier, "Verification of Forecasts
    Expressed in Terms of Probability" (1950). Raises ValueError for scores
    out of 0 to 1 as well. Used in week 5.
    """
    labels, scores = _checked(labels, scores)
    _check_probabilities(scores)
    return ((scores - labels) ** 2).mean(axis=0)


def check_alike(labels, values):
    """Raise ValueError unless both have one shape (n, attributes)."""
    labels, values = np.shape(labels), np.shape(values)
    if len(labels) != 2 or 0 in labels or labels != values:
        raise ValueError(
            "labels and scores or predictions need the same shape (n, "
            f"attributes), got {labels} and {values}"
        )


def _checked(labels, values, kind=float):
    """Return labels and values of a kind as arrays, or raise."""
    labels, values = np.asarray(labels), np.asarray(values)
    check_alike(labels, values)
    for name, array in (("labels", labels), ("predictions", values)):
        if array.dtype != bool and (name == "labels" or kind is bool):
            raise ValueError(
                f"{name} must be bool, got {array.dtype}: compare labels "
                "with > 0, scores with >= thresholds"
            )
    if kind is float and not np.isfinite(values).all():
        raise ValueError("scores hold NaN or infinity: find where from")
    return labels, values.astype(kind)


def _check_probabilities(scores):
    if scores.min() < 0 or scores.max() > 1:
        raise ValueError(
            "scores must be probabilities, 0 to 1, got "
            f"{scores.min():.3g} to {scores.max():.3g}: take the sigmoid of "
            "logits"
        )


def _ratio(over, under):
    """Return over / under, and NaN for 0 / 0, without a warning."""
    with np.errstate(invalid="ignore"):
        return np.divide(over, under)
