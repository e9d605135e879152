"""Twelve remedies for imbalance: a loss, or a way to draw faces.

All are tried on one network and one budget of steps; the thirteenth,
moving thresholds, needs no training. Used in week 5.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch.nn import functional as F

from course_utils import imbalance
from course_utils.week5_tutorial import FocalLoss

LDAM_SCALE = 10.0


def _same(logits):
    return logits


@dataclass(frozen=True)
class Remedy:
    """What changes in training, and how its answers are read.

    loss: `loss(logits, targets)`, both `(batch, attributes)`, a scalar.
    probabilities: `probabilities(progress)`, 0 to 1, the chance of each
        face to be drawn; None: all alike.
    logits_of: what the remedy takes for log-odds, of the net's answers.
    threshold: the method's own: one probability, or `(attributes,)`.
    """

    loss: Callable = F.binary_cross_entropy_with_logits
    probabilities: Callable | None = None
    logits_of: Callable = _same
    threshold: Any = 0.5


def remedies(labels):
    """Return the remedies for a training set with these labels.

    Args:
        labels: `(n, attributes)` bool, of the training faces.

    Returns:
        dict from a name to a `Remedy`; the first is plain cross-entropy.

    Raises:
        ValueError: an attribute that never or always holds.
    """
    return {
        "plain": Remedy(),
        **_reweighted(labels),
        **_shifted(labels),
        **_resampled(labels),
    }


def _reweighted(labels):
    count, positives = len(labels), labels.sum(axis=0)
    frequencies = positives / count
    capped = imbalance.capped_pos_weights(frequencies)
    balanced = imbalance.balanced_pos_weights(frequencies)
    both = imbalance.class_balanced_weights(positives, count)
    weighted, focal = imbalance.weighted_bce, imbalance.focal_loss
    return {
        "weights (1-f)/f": Remedy(partial(weighted, pos_weight=balanced)),
        "weights up to 50": Remedy(partial(weighted, pos_weight=capped)),
        "focal": Remedy(focal),
        "focal, alpha 0.25": Remedy(partial(focal, alpha=0.25)),
        "focal, tutorial's": Remedy(FocalLoss(pos_weight=capped)),
        "class-balanced": Remedy(
            partial(weighted, pos_weight=both[0], neg_weight=both[1])
        ),
    }


def _shifted(labels):
    count, positives = len(labels), labels.sum(axis=0)
    frequencies = positives / count
    odds = imbalance.log_odds(frequencies)
    margins = {"positives": positives, "count": count, "scale": LDAM_SCALE}
    return {
        "LDAM": Remedy(
            partial(imbalance.ldam_loss, **margins),
            logits_of=lambda logits: LDAM_SCALE * logits,
        ),
        "logit adjustment": Remedy(
            partial(imbalance.logit_adjusted_bce, frequencies=frequencies),
            logits_of=lambda logits: logits + odds,
            threshold=frequencies,
        ),
        "diversity penalty": Remedy(partial(_penalised, frequencies)),
    }


def _penalised(frequencies, logits, targets):
    plain = F.binary_cross_entropy_with_logits(logits, targets)
    return plain + imbalance.diversity_penalty(logits, frequencies)


def _resampled(labels):
    chances = imbalance.oversampling_probabilities(labels)
    return {
        "oversampling": Remedy(probabilities=lambda progress: chances),
        "curriculum": Remedy(
            probabilities=partial(imbalance.curriculum_probabilities, labels)
        ),
    }
