"""Failures of the training itself, read from a `diagnosis.History`.

Each function returns a `Finding`, or None where the history does not show
its failure or lacks what would show it. Used in week 5, through
`diagnosis.diagnose`.
"""

from typing import NamedTuple

import numpy as np

ROUNDING = 1e-5  # unused queries get gradients below 1e-6, used ones 1e-2
UNIFORM = 1e-6  # of the largest entropy, for float32 rounds it too
ONE_KEY = 0.01  # of uniform entropy: of 64 keys, one gets 99.5%
JUMP = 2.0  # times the rate before: no smooth schedule doubles in a step
REGAINED = 0.5  # of what the loss had come down, and
GROWN = 0.1  # of the lowest loss: more than epochs differ by noise


class Finding(NamedTuple):
    """A failure's name, the numbers that show it, and what to try."""

    name: str
    evidence: str
    advice: str


def diverged(history):
    """The loss, scores or gradients are not finite, or the loss grows."""
    advice = (
        "Lower the learning rate by 10, warm it up, clip the gradient's "
        "norm at 1; look for log(0) and division by 0 in the loss."
    )
    for name in ("losses", "scores", "query_gradient", "attn_entropy"):
        values = getattr(history, name)
        if values is not None and not np.isfinite(values).all():
            count = np.size(values) - np.isfinite(values).sum()
            evidence = f"{name}: {count} of {values.size} are not finite"
            return Finding("diverged", evidence, advice)
    if history.losses is None:
        return None
    first, lowest, last = history.losses[[0, history.losses.argmin(), -1]]
    least = max(REGAINED * (first - lowest), GROWN * abs(lowest))
    if last - lowest <= least:
        return None
    evidence = (
        f"the loss began at {first:.3g}, came down to {lowest:.3g} and "
        f"ended at {last:.3g}"
    )
    return Finding("diverged", evidence, advice)


def leaking_threshold(history):
    """Thresholds were chosen on the faces that they are scored on."""
    if history.threshold_from != "test":
        return None
    return Finding(
        "leaking threshold",
        "the thresholds were chosen on the test split, so its scores "
        "flatter the model",
        "Choose thresholds on the validation split and use the test split "
        "once, at the end.",
    )


def frozen_attention(history):
    """No gradient reaches the queries, or all weights stay equal."""
    gradient, entropy = history.query_gradient, history.attn_entropy
    if gradient is not None and gradient.max() <= ROUNDING:
        evidence = (
            "the query projection's gradient is at most "
            f"{gradient.max():.1g} in every epoch: nothing but rounding"
        )
    elif entropy is not None and entropy.min() >= 1 - UNIFORM:
        evidence = (
            "the attention is uniform in every epoch: its entropy is "
            f"{entropy.min():.6f} of the most or above"
        )
    else:
        return None
    return Finding(
        "frozen attention",
        evidence,
        "Compare the layer with nn.MultiheadAttention: in its einsum, "
        "weights and values must share the letter of the keys. Shuffle the "
        "query projection: the output must change.",
    )


def collapsed_attention(history):
    """In the last epoch the average query attends to a single key.

    Zhai et al., "Stabilizing Transformer Training by Preventing Attention
    Entropy Collapse" (2023).
    """
    entropy = history.attn_entropy
    if entropy is None or not entropy[-1] <= ONE_KEY:
        return None
    return Finding(
        "attention collapsed",
        f"the attention's mean entropy ends at {entropy[-1]:.2g} of the "
        "most: each query looks at one key only",
        "Lower or warm up the learning rate; normalise queries and keys; "
        "check the factor 1/sqrt(width of a head).",
    )


def restarts(history):
    """The learning rate restarts within an epoch, or every epoch or two.

    Restarts that are epochs apart are a method: Loshchilov and Hutter,
    "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017). A
    warm-up is no restart, for the rate has not fallen before.
    """
    if history.learning_rates is None:
        return None
    rates, epochs = history.learning_rates, len(history.rates)
    before, after = rates[:-1], rates[1:]
    fallen = before < np.maximum.accumulate(rates)[:-1]
    jumps = 1 + np.flatnonzero(
        fallen & (after > before) & (after >= JUMP * before)
    )
    if not len(jumps):
        return None
    shortest, epoch = np.diff(jumps, prepend=0).min(), len(rates) / epochs
    # A rate may be noted before or after the step, hence the 1.
    if shortest + 1 >= epoch and len(jumps) <= epochs / 2:
        return None
    return Finding(
        "learning-rate restarts",
        f"the rate jumps up {len(jumps)} times in {epochs} epochs; the "
        f"shortest cycle has {shortest} steps, an epoch {epoch:.4g}",
        "Step the scheduler once per epoch or give its periods in steps; "
        "or use one warm-up and one cosine for the whole training.",
    )
