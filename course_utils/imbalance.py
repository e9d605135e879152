"""Losses, weights and sampling for attributes that few faces have.

Logits and targets are float tensors `(batch, attributes)`, targets 0 or 1.
A loss returns its mean over both, a scalar with a gradient. What is known
of the training labels, `(attributes,)`, may be a tensor, array or list:
frequencies are shares of positives, between 0 and 1; positives are numbers
of faces, 1 to count - 1. Weights come as float32 tensors.

All raise ValueError for shapes that do not fit, targets other than 0 and 1
and numbers out of range; the losses also TypeError for what is not a
tensor of floats. Used in week 5.
"""

import torch
from torch.nn import functional as F

from course_utils.imbalance_inputs import (
    check_above_zero,
    check_logits,
    check_loss,
    checked_counts,
    checked_frequencies,
    checked_labels,
    checked_weights,
    one_each,
)

CAP = 50.0  # largest weight, as in the source tutorial


def log_odds(frequencies):
    """Return log(f / (1 - f)): the logit of an attribute's frequency.

    `(attributes,)`: 0 for half, below for rarer. As the bias of a new
    classifier it spares training the steps that would find it. Lin et al.,
    "Focal Loss for Dense Object Detection" (2017), section 3.3. Used in
    week 5.
    """
    return torch.logit(checked_frequencies(frequencies)).float()


def balanced_pos_weights(frequencies):
    """Return (1 - f) / f: with it, both answers weigh the same in all.

    `(attributes,)`, for `weighted_bce`: 1 for half, 43 for the 2.2% of
    Bald, below 1 for an attribute of most faces. Used in week 5.
    """
    frequencies = checked_frequencies(frequencies)
    return ((1 - frequencies) / frequencies).float()


def capped_pos_weights(frequencies, cap=CAP):
    """Return the source tutorial's weights: 1 / (f + 0.001), 1 to cap.

    `(attributes,)`, for `weighted_bce`. About `balanced_pos_weights` plus
    1: nearly the same for the rare, but at least 1 for the common, whose
    negatives are the rare answer. Used in week 5.
    """
    if not cap >= 1:
        raise ValueError(f"cap must be 1 or more, got {cap}")
    weights = 1 / (checked_frequencies(frequencies) + 0.001)
    return weights.clamp(1, cap).float()


def class_balanced_weights(positives, count, beta=0.9999):
    """Return weights of positives and negatives by their effective number.

    n faces count for (1 - beta^n) / (1 - beta), for the next one may be
    much like the others; the weight is the inverse. beta = 0 weighs both
    answers alike, beta towards 1 by inverse frequency.

    Args:
        positives: `(attributes,)`, number of faces with the attribute.
        count: number of all faces.
        beta: 0 or more, below 1.

    Returns:
        Two tensors `(attributes,)`, of positives and negatives, which sum
        to 2; give both to `weighted_bce`.

    Used in week 5. Cui et al., "Class-Balanced Loss Based on Effective
    Number of Samples" (2019), proposition 1 and section 4.
    """
    if not 0 <= beta < 1:
        raise ValueError(f"beta must be 0 or more and below 1, got {beta}")
    both = checked_counts(positives, count)
    weights = (1 - beta) / (1 - beta**both)
    positive, negative = (2 * weights / weights.sum(dim=0)).float()
    return positive, negative


def weighted_bce(logits, targets, pos_weight, neg_weight=None):
    """Return binary cross-entropy with a weight for each answer.

    Args:
        logits, targets: `(batch, attributes)`.
        pos_weight: `(attributes,)`, above 0, of faces with the attribute.
        neg_weight: the same of faces without it; None is 1 for all.

    Returns:
        Scalar. The weights are not divided out: the larger, the larger
        the loss and its gradient.

    Used in week 5. King and Zeng, "Logistic Regression in Rare Events
    Data" (2001), section 4.2.
    """
    check_loss(logits, targets)
    pos_weight = checked_weights("pos_weight", pos_weight, logits)
    if neg_weight is None:
        neg_weight = torch.ones_like(pos_weight)
    neg_weight = checked_weights("neg_weight", neg_weight, logits)
    weight = targets * pos_weight + (1 - targets) * neg_weight
    return F.binary_cross_entropy_with_logits(logits, targets, weight)


def focal_loss(logits, targets, gamma=2.0, alpha=None):
    """Return the focal loss, which all but forgets what is easy.

    -alpha_t (1 - p_t)^gamma log(p_t), where p_t is the probability given
    to the right answer. It comes from the plain cross-entropy: a weight
    inside p_t would be taken for doubt.

    Args:
        logits, targets: `(batch, attributes)`.
        gamma: 0, plain cross-entropy, or more.
        alpha: weight of positives, between 0 and 1, negatives get
            1 - alpha; None weighs neither.

    Returns:
        Scalar.

    Used in week 5. Lin et al., "Focal Loss for Dense Object Detection"
    (2017), equations 4 and 5.
    """
    check_loss(logits, targets)
    if not 0 <= gamma < float("inf"):
        raise ValueError(f"gamma must be 0 or more, got {gamma}")
    if alpha is not None and not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}")
    right = logits * (2 * targets - 1)  # the right answer's logit
    # The power is taken by its logarithm, or its gradient would not be
    # finite where p_t is 1 to rounding and gamma below 1.
    loss = -(gamma * F.logsigmoid(-right)).exp() * F.logsigmoid(right)
    if alpha is not None:
        loss = loss * (alpha * targets + (1 - alpha) * (1 - targets))
    return loss.mean()


def ldam_margins(positives, count, max_margin=0.5):
    """Return the margins of positives and negatives, C / n^(1/4).

    Two tensors `(attributes,)`, in units of logits. C makes the margin of
    the rarest answer of all max_margin, above 0. Used in week 5; see
    `ldam_loss` and, for positives and count, `class_balanced_weights`.
    """
    check_above_zero("max_margin", max_margin)
    margins = checked_counts(positives, count) ** -0.25
    positive, negative = (max_margin * margins / margins.max()).float()
    return positive, negative


def ldam_loss(logits, targets, positives, count, max_margin=0.5, scale=10.0):
    """Return the label-distribution-aware margin loss of yes and no.

    Cross-entropy after the right answer lost its margin: it must win by
    more than that, and by most where few faces were seen.

    Args:
        logits, targets: `(batch, attributes)`.
        positives, count, max_margin: as for `ldam_margins`.
        scale: factor of logits and margins, above 0. Logits without bounds
            can grow by themselves: scale 10 at margin 0.5 is the same loss
            as scale 1 at margin 5. At scale 1, half a logit hardly tells
            it from plain cross-entropy. The paper's code has 30, for
            logits that are cosines.

    Returns:
        Scalar. The network's probability is sigmoid(scale * logit).

    Used in week 5. Cao et al., "Learning Imbalanced Datasets with
    Label-Distribution-Aware Margin Loss" (2019), equations 12 and 13, for
    two classes and without the paper's deferred re-weighting.
    """
    check_loss(logits, targets)
    check_above_zero("scale", scale)
    positive, negative = (
        one_each("positives", margins, logits)
        for margins in ldam_margins(positives, count, max_margin)
    )
    harder = logits - targets * positive + (1 - targets) * negative
    return F.binary_cross_entropy_with_logits(scale * harder, targets)


def logit_adjusted_bce(logits, targets, frequencies, tau=1.0):
    """Return cross-entropy of the logits plus tau times the log-odds.

    The sum learns log(p / (1 - p)), so the logit learns only what the face
    adds to the frequency: with tau 1 it is above 0 where the attribute is
    likelier than usual.

    Args:
        logits, targets: `(batch, attributes)`.
        frequencies: `(attributes,)`, of the training labels.
        tau: finite; 0 is plain cross-entropy.

    Returns:
        Scalar. Decide by the logits alone for balanced accuracy; for
        probabilities add tau * log_odds(frequencies) to them first.

    Used in week 5. Menon et al., "Long-Tail Learning via Logit Adjustment"
    (2021), equation 10, for two classes.
    """
    check_loss(logits, targets)
    if not abs(tau) < float("inf"):
        raise ValueError(f"tau must be a finite number, got {tau}")
    prior = one_each("frequencies", log_odds(frequencies), logits)
    return F.binary_cross_entropy_with_logits(logits + tau * prior, targets)


def diversity_penalty(logits, frequencies):
    """Return how far the batch's mean prediction is from the frequency.

    Kullback-Leibler divergence of frequency and mean probability, averaged
    over attributes. All-negative and all-positive networks pay, and feel a
    gradient, which the source tutorial's share of thresholded predictions
    does not have. A constant answer at the frequency pays nothing.

    Args:
        logits: `(batch, attributes)`; in a small batch the frequency is
            only met by chance.
        frequencies: `(attributes,)`, of the training labels.

    Returns:
        Scalar, 0 or more, to add to a loss.

    Used in week 5.
    """
    check_logits("logits", logits)
    rate = one_each("frequencies", checked_frequencies(frequencies), logits)
    # log mean exp, for a mean near 0 or 1 would round its gradient away
    size = rate.new_tensor(len(logits)).log()
    yes = F.logsigmoid(logits).logsumexp(dim=0) - size
    no = F.logsigmoid(-logits).logsumexp(dim=0) - size
    against = rate * (rate.log() - yes)
    against = against + (1 - rate) * ((1 - rate).log() - no)
    return against.mean()


def oversampling_probabilities(labels, cap=CAP):
    """Return how likely each face is drawn, so that rare ones come often.

    A face counts for its rarest attribute: the largest 1 / f among those
    it has, at most cap; for 1 if it has none. Most faces have some rare
    attribute, so with CelebA's 40 at their frequencies, drawn one by one,
    those below 10% come only 1.7 times as often.

    Args:
        labels: `(n, attributes)`, 0 or 1.
        cap: 1 or more.

    Returns:
        `(n,)` float64 tensor, sum 1, for `torch.multinomial`.

    Used in week 5. The repeat factor sampling of Gupta et al., "LVIS: A
    Dataset for Large Vocabulary Instance Segmentation" (2019), with 1 / f
    where they take its root.
    """
    labels = checked_labels(labels)
    if not cap >= 1:
        raise ValueError(f"cap must be 1 or more, got {cap}")
    # An attribute that no face has is never multiplied by more than 0.
    rarity = (1 / labels.mean(dim=0)).clamp(1, cap)
    weights = (labels * rarity).amax(dim=1).clamp_min(1)
    return weights / weights.sum()


def curriculum_probabilities(labels, progress):
    """Return how likely each face is drawn at a point of training.

    At first that of `oversampling_probabilities`, at last the same for all
    faces, and a mixture on the way.

    Args:
        labels: `(n, attributes)`, 0 or 1.
        progress: share of training done, 0 to 1.

    Returns:
        `(n,)` float64 tensor, sum 1, for `torch.multinomial`.

    Used in week 5. Wang et al., "Dynamic Curriculum Learning for
    Imbalanced Data Classification" (2019), reversed: there sampling ends
    balanced.
    """
    if not 0 <= progress <= 1:
        raise ValueError(f"progress must lie from 0 to 1, got {progress}")
    rare_first = oversampling_probabilities(labels)
    return (1 - progress) * rare_first + progress / len(rare_first)
