"""Does what was promised come true? Reliability diagrams.

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


def reliability_plot(answers, bins=BINS):
    """Draw what share came true of what was predicted.

    Args:
        answers: dict from a name to `(labels, scores)`, of one to four
            networks or groups of attributes; see `reliability_curve`.
        bins: how many.

    Returns:
        A figure: curves beside the line where both agree, and below how
        many answers each bin holds.

    Raises:
        ValueError: none or more than four; as `reliability_curve`.

    Used in week 5.
    """
    import matplotlib.pyplot as plt

    styles = ("o-", "s--", "^:", "D-.")
    if not 1 <= len(answers) <= len(styles):
        raise ValueError(
            f"one to {len(styles)} curves can be drawn, got {len(answers)}"
        )
    curves = {
        name: reliability_curve(*pair, bins) for name, pair in answers.items()
    }
    fig, (ax, below) = plt.subplots(
        2,
        1,
        figsize=(4.6, 5),
        sharex=True,
        height_ratios=(4, 1),
        layout="constrained",
    )
    ax.plot([0, 1], [0, 1], color="0.6", lw=1, label="calibrated")
    for style, (name, curve) in zip(styles, curves.items(), strict=False):
        predicted, observed, counts = curve
        ax.plot(predicted, observed, style, label=name)
        below.plot(predicted, counts, style)
    ax.set(ylabel="share of positives", xlim=(0, 1), ylim=(0, 1))
    ax.legend(frameon=False)
    below.set(xlabel="mean score of a bin", ylabel="answers", yscale="log")
    return fig
