"""What week 5's source tutorial printed, and the arithmetic behind it.

The numbers of its README and of its notebook's outputs, as evidence; cells
count from 0, lines are the README's, "001-9" is a row of the course's list of
what the tutorial promises. Its code is in `week5_tutorial`. Used in week 5.
"""

import numpy as np

# Lines 140-143 (001-16): frequency, all-negative accuracy, weight applied.
IMBALANCE = {
    "Bald": (0.023, 0.977, 43.5),
    "Mustache": (0.041, 0.959, 24.4),
    "Wearing_Necktie": (0.051, 0.949, 19.6),
    "Young": (0.770, 0.230, 1.3),
}

# Lines 148-151 (001-17 to 20): positive rate, F1. No cell has the two rows
# in the middle; the last is contradicted by the run below.
EVOLUTION = {
    "Naive BCELoss": (0.0, 0.000),
    "Standard Weights": (0.05, 0.15),
    "Focal Loss": (0.18, 0.42),
    "Aggressive Focal": (0.25, 0.58),
}

# Cell 15: as the notebook counted them in 960 training faces.
NOTEBOOK_FREQUENCIES = {
    "Male": 0.4188,
    "Young": 0.7844,
    "Smiling": 0.4823,
    "Eyeglasses": 0.0635,
    "Attractive": 0.4917,
    "Blond_Hair": 0.1229,
    "Black_Hair": 0.2521,
    "Wearing_Hat": 0.0594,
    "Heavy_Makeup": 0.3812,
    "Bald": 0.0302,
}

# Cell 13 (001-17): training loss of epochs 1 to 3; validation after each.
NAIVE_LOSSES = (0.6254, 0.6202, 0.6179)
NAIVE_ACCURACY, NAIVE_RATE = 0.687, 0.0
# Cell 15 (001-20): "SUCCESS", validation in epochs 2 to 10, all the same.
SUCCESS_ACCURACY, SUCCESS_F1, SUCCESS_RATE = 0.313, 0.4768, 1.0
# Cell 26, plain weights up to 10 (the largest used was 6.69): refutes "50x
# weights necessary (not 10x)" of line 155. F1 is the mean over attributes.
CAPPED_ACCURACY, CAPPED_MACRO_F1, CAPPED_RATE = 0.797, 0.430, 0.2902
# By attribute, in the order of NOTEBOOK_FREQUENCIES. Wearing_Hat (0.0) got
# a tick, Bald (0.0) two: their positive rates are near their frequencies.
CAPPED_F1 = 0.722, 0.856, 0.558, 0.044, 0.671, 0.593, 0.222, 0.0, 0.633, 0.0


def focal_weight(probability, pos_weight=1.0, gamma=2.0):
    """Return `FocalLoss`'s factor for a positive given this probability.

    pt is exp(-pos_weight * -log p) = p**pos_weight: too small for every p
    between 0 and 1 if the weight is above 1. With weight 50, p = 0.97 is
    treated as p = 0.22 (001-21). Lin et al., "Focal Loss for Dense Object
    Detection" (2017), equation 4, means the factor for pos_weight = 1.
    """
    return (1 - np.asarray(probability) ** pos_weight) ** gamma


def best_constant(frequencies, pos_weight, gamma=2.0):
    """Return the probability that a blind network does best to answer.

    It is where the mean of `FocalLoss` is least if every face gets the same
    answer. With the tutorial's weights it is above 0.5 for all ten of its
    attributes, which is its "SUCCESS": yes to everything (001-20). To
    0.001, between 0.001 and 0.999.

    Args:
        frequencies, pos_weight: `(attributes,)`, one each.
        gamma: 0 for weighted binary cross-entropy.

    Returns:
        `(attributes,)` probabilities.

    Raises:
        ValueError: frequencies that are not between 0 and 1.
    """
    frequencies = np.asarray(frequencies, dtype=float)
    if not ((frequencies > 0) & (frequencies < 1)).all():
        raise ValueError("frequencies must be above 0 and below 1")
    p = np.linspace(0.001, 0.999, 999)[:, None]
    positive = -np.asarray(pos_weight) * np.log(p)
    negative = -np.log(1 - p)
    positive, negative = (
        (1 - np.exp(-bce)) ** gamma * bce for bce in (positive, negative)
    )
    loss = frequencies * positive + (1 - frequencies) * negative
    return p[loss.argmin(axis=0), 0]


def always_yes(base_rate):
    """Return accuracy and micro-F1 of the constant answer yes.

    base_rate: share of positives among all labels, p. Accuracy is p, and so
    is precision; recall is 1, F1 = 2p / (1 + p). The tutorial's "SUCCESS"
    is this to the last printed digit (001-20).

    Raises:
        ValueError: base_rate outside 0 to 1.
    """
    _check_share("base_rate", base_rate)
    return base_rate, 2 * base_rate / (1 + base_rate)


def f1_range(positive_rate, base_rate):
    """Return micro-F1 of blind and of perfect answers at a positive rate.

    Blind: precision is the base rate p. Perfect: the smaller of both rates
    is all hits. F1 = 2 hits / (r + p). What the table prints for r (001-17
    to 20) lies in between: it is possible, and was never measured.

    Args:
        positive_rate: share of answers that are yes, r.
        base_rate: share of labels that are, p; above 0.

    Returns:
        F1 for hits r * p, and for hits min(r, p).

    Raises:
        ValueError: a rate outside 0 to 1, or a base_rate of 0.
    """
    _check_share("positive_rate", positive_rate)
    _check_share("base_rate", base_rate)
    if base_rate == 0:
        raise ValueError("base_rate is 0: without positives there is no F1")
    rates = positive_rate, base_rate
    return tuple(
        2 * hits / sum(rates)
        for hits in (positive_rate * base_rate, min(rates))
    )


def warm_restart_rates(steps, doubled_at=()):
    """Return cell 15's learning rate at each step, `(steps,)` (001-25).

    Meant for epochs, CosineAnnealingWarmRestarts(T_0=10, T_mult=2) would
    never restart in 10; stepped after every batch, of which an epoch has
    157, it does so 7 times. The promised warm-up is missing.
    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm
    Restarts" (2017), equation 5.

    Args:
        steps: batches in all, 1 or more.
        doubled_at: steps before which the rate is doubled, as the tutorial
            does with a stuck network (001-27): the scheduler takes it back
            after one batch.

    Raises:
        ValueError: steps below 1.
    """
    import torch

    if steps < 1:
        raise ValueError(f"steps must be 1 or more, not {steps!r}")
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], 5e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
        optimizer, T_0=10, T_mult=2
    )
    rates = []
    for step in range(steps):
        if step in doubled_at:
            optimizer.param_groups[0]["lr"] *= 2
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(rates)


def _check_share(name, value):
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is a share, 0 to 1, not {value!r}")
