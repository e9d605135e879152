"""Histories of trainings that never were: a healthy one, and changes."""

import numpy as np

from course_utils.diagnosis import History

FREQUENCIES = np.array([0.02, 0.04, 0.06, 0.08, 0.15, 0.25, 0.4, 0.5, 0.8])
NAMES = (
    *("Bald", "Mustache", "Wearing_Necktie", "Gray_Hair", "Bangs"),
    *("Big_Nose", "Wavy_Hair", "Smiling", "Young"),
)
FACES, EPOCHS = 1000, 8


def simulated(signal=3.0, seed=0):
    """Return labels, and calibrated scores that know something of them.

    Labels are drawn from the scores, as a perfectly calibrated model's
    are; `signal` is the spread of the logits over faces.
    """
    rng = np.random.default_rng(seed)
    noise = signal * rng.normal(size=(FACES, len(FREQUENCIES)))
    low, high = np.full(len(FREQUENCIES), -30.0), np.full(9, 30.0)
    for _ in range(60):  # bisection: biases that give the frequencies
        bias = (low + high) / 2
        above = sigmoid(noise + bias).mean(axis=0) > FREQUENCIES
        low, high = np.where(above, low, bias), np.where(above, bias, high)
    scores = sigmoid(noise + bias)
    return rng.random(scores.shape) < scores, scores


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


LABELS, SCORES = simulated()


def rates_at(scores, thresholds=0.5):
    """Return rates that come to what the last scores give."""
    last = (scores >= thresholds).mean(axis=0)
    return np.linspace(FREQUENCIES, last, EPOCHS)


def history(scores=SCORES, thresholds=0.5, **changes):
    """Return a healthy history, with changes."""
    fields = {
        "names": NAMES,
        "frequencies": FREQUENCIES,
        "rates": rates_at(scores, thresholds),
        "losses": np.geomspace(0.7, 0.3, EPOCHS),
        "scores": scores,
        "labels": LABELS,
        "attn_entropy": np.linspace(0.99, 0.6, EPOCHS),
        "query_gradient": np.linspace(0.1, 0.01, EPOCHS),
        "learning_rates": np.cos(np.linspace(0, np.pi / 2, 30 * EPOCHS)),
        "threshold_from": "validation",
    }
    return History(**{**fields, **changes})


def of_rates(last, **changes):
    """Return a history of nothing but rates that stay the same."""
    rates = np.tile(last, (EPOCHS, 1))
    return History(rates=rates, frequencies=FREQUENCIES, **changes)
