"""Week 6's source tutorial on trial: its two rules against descent.

On a loss that anyone can check with a pencil; `week6_trial` is the same
on the denoiser. The rules are `week6_controller`'s. Used in week 6.
"""

import math

import numpy as np

from course_utils.graph_checks import check_positive
from course_utils.week6_controller import (
    standard_update,
    weighted_parameter_update,
)


def bowl(best):
    """Return the loss (log x - log best)**2, a function of log x.

    One minimum, no noise, and a slope that is known: if a rule fails here,
    no data set is to blame. log x may be a number or a tensor.

    Raises:
        ValueError: best not above 0.

    Used in week 6.
    """
    check_positive("best", best)
    return lambda log_x: (log_x - math.log(best)) ** 2


def follow(loss, start, steps, attention=None, noise=0.0, seed=0):
    """Let a rule of the tutorial move one parameter, sigma.

    Before each step the loss is compared with the one before; the first
    has none, and counts as a decrease.

    Args:
        loss: function of log sigma, such as `bowl`.
        start: sigma, above 0.
        steps: how many, 1 or more.
        attention: dict of the four weights, for the weighted rule; None is
            the standard rule.
        noise: standard deviation of what is added to each loss, as a
            mini-batch would.
        seed: of the noise.

    Returns:
        `(steps + 1,)` values of sigma, the start included.

    Raises:
        ValueError: a start not above 0, no steps, bad attention weights, a
            loss that becomes NaN.

    Used in week 6.
    """
    _check_run(start, steps)
    rng = np.random.default_rng(seed)
    sigmas, before = [start], math.inf
    for extra in noise * rng.standard_normal(steps):
        now = loss(math.log(sigmas[-1])) + extra
        sigmas.append(_moved(sigmas[-1], now - before, attention))
        before = now
    return np.array(sigmas)


def follow_losses(losses, start, attention=None):
    """Let a rule move sigma by losses that sigma has no part in.

    So it is in the tutorial's training, where the loss of a whole network
    falls because the network learns.

    Args:
        losses: `(updates + 1,)` numbers, one after another.
        start, attention: as for `follow`.

    Returns:
        `(updates + 1,)` values of sigma: the start, then one an update.

    Raises:
        ValueError: fewer than 2 losses, NaN; see `follow`.

    Used in week 6.
    """
    losses = np.asarray(losses, dtype=float)
    if losses.ndim != 1 or len(losses) < 2:
        raise ValueError(
            f"give 2 or more losses in one row, got shape {losses.shape}"
        )
    check_positive("start", start)
    sigmas = [start]
    for delta in np.diff(losses):
        sigmas.append(_moved(sigmas[-1], delta, attention))
    return np.array(sigmas)


def gradient_follow(loss, start, steps, learning_rate=0.1):
    """Let gradient descent move log sigma on the same loss.

    Args:
        loss, start, steps: as for `follow`; loss takes a tensor.
        learning_rate: above 0, in units of log sigma.

    Returns:
        `(steps + 1,)` values of sigma, the start included.

    Raises:
        ValueError: see `follow`.

    Used in week 6.
    """
    import torch

    _check_run(start, steps)
    log_sigma = torch.tensor(
        math.log(start), dtype=torch.float64, requires_grad=True
    )
    descent = torch.optim.SGD([log_sigma], lr=learning_rate)
    sigmas = [start]
    for _ in range(steps):
        descent.zero_grad()
        loss(log_sigma).backward()
        descent.step()
        sigmas.append(math.exp(log_sigma.item()))
    return np.array(sigmas)


def arrival(sigmas, best, within=0.05):
    """Return the first step at which sigma is near the best, or infinity.

    Args:
        sigmas: `(steps + 1,)`, the start first.
        best: above 0.
        within: how near, as a share of best.

    Raises:
        ValueError: best not above 0.

    Used in week 6.
    """
    check_positive("best", best)
    near = np.flatnonzero(np.abs(np.divide(sigmas, best) - 1) < within)
    return int(near[0]) if len(near) else math.inf


def _moved(sigma, loss_delta, attention):
    params = {"sigma": sigma, "tau": 1.0}
    if attention is None:
        return standard_update(params, loss_delta)["sigma"]
    return weighted_parameter_update(params, attention, loss_delta)["sigma"]


def _check_run(start, steps):
    check_positive("start", start)
    if steps < 1:
        raise ValueError(f"steps must be 1 or more, got {steps}")
