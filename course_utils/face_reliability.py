"""Does what was promised come true? The numbers of a reliability diagram.

Used in week 5.
"""

import numpy as np

from course_utils.face_groups import check_probabilities

BINS = 10


def reliability_curve(labels, scores, bins=BINS):
    """Return what was promised and what came true, all answers pooled.

    Bins have equal widths, as a reliability diagram's have;
    `multilabel.calibration_error` has bins of equal counts, and keeps
    attributes apart.

    Args:
        labels: bool, of any shape.
        scores: probabilities, 0 to 1, of the same shape.
        bins: how many, 1 or more.

    Returns:
        `(predicted, observed, counts)`, one number for each bin that holds
        an answer: mean score, share of positives, number of answers.

    Raises:
        ValueError: shapes that differ, labels that are not bool, scores out
            of 0 to 1, no bin.

    Used in week 5. Niculescu-Mizil and Caruana, "Predicting Good
    Probabilities with Supervised Learning" (2005).
    """
    labels, scores = (np.reshape(a, (-1, 1)) for a in (labels, scores))
    check_probabilities(labels, scores)
    if bins < 1:
        raise ValueError(f"bins must be 1 or more, got {bins}")
    which = np.minimum(scores * bins, bins - 1).astype(int).ravel()
    counts, predicted, observed = (
        np.bincount(which, weights, bins)
        for weights in (None, scores.ravel(), labels.ravel())
    )
    full = counts > 0
    counts = counts[full]
    return predicted[full] / counts, observed[full] / counts, counts
