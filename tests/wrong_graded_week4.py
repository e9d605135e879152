"""Typical wrong answers to week 4's assignment, and what they earn."""

import numpy as np
import torch


def _shift_bars(bars):
    """Shift and stretch alpha_bar itself, not its root."""
    return (bars - bars[-1]) * bars[0] / (bars[0] - bars[-1])


def _shift_only(bars):
    return (np.sqrt(bars) - np.sqrt(bars[-1])) ** 2


def _last_only(bars):
    return np.append(bars[:-1], 0)


def _last_in_place(bars):
    bars[-1] = 0
    return bars


def _gate(x, out, target, weight, gamma, *, factor=2.0, turned=False):
    """Both gradients, the loss's factor and an order as one may have it."""
    slope = factor * (x + gamma * out @ weight - target) / x.numel()
    by_weight = gamma * (out.mT @ slope).sum(dim=0)
    if turned:
        by_weight = by_weight.T
    return by_weight, (slope * (out @ weight)).sum()


def _gate_with(**change):
    return lambda *args: _gate(*args, **change)


def _gate_sum(x, *rest):
    """The gradients of a sum of squares, not of a mean."""
    return _gate(x, *rest, factor=2.0 * x.numel())


def _gamma_detached(*args):
    by_weight, by_gamma = _gate(*args)
    return by_weight, 0 * by_gamma


def _gamma_left_out(x, out, target, weight, gamma):
    """The gradient by gamma * weight, taken for that by weight."""
    by_weight, by_gamma = _gate(x, out, target, weight, gamma)
    slope = 2 * (x + gamma * out @ weight - target) / x.numel()
    return (out.mT @ slope).sum(dim=0), by_gamma


def _fetch(coarse, keys, values, temperature, *, power=2, axis=-1):
    logits = -(torch.cdist(coarse, keys) ** power) / temperature
    return logits.softmax(dim=axis) @ values


def _fetch_with(**change):
    return lambda *args: _fetch(*args, **change)


def _dot_product(coarse, keys, values, temperature):
    logits = coarse @ keys.mT / temperature
    return logits.softmax(dim=-1) @ values


def _nearest_only(coarse, keys, values, temperature):
    return _fetch(coarse, keys, values, 1e-4)


def _step(
    x_t, x0, now, then, eta, noise, *, keep_all=False, power=0.5,
    inside=False, stale=False,
):  # fmt: skip
    """A step of DDIM with one of its parts done in another way."""
    share = (1 - then) / (1 - now) * (1 - now / then)
    sigma = np.sqrt(eta * share) if inside else eta * share**power
    old = (x_t - np.sqrt(now) * x0) / np.sqrt(1 - now)
    kept = np.sqrt(1 - then - (0 if keep_all else sigma**2))
    return np.sqrt(then) * x0 + kept * (x_t if stale else old) + sigma * noise


def _step_with(**change):
    return lambda *args: _step(*args, **change)


def _error(samples, truth, *, ddof=1, share=True, clip=False):
    """The estimate with one of its parts done in another way."""
    scatter = samples.var(axis=0, ddof=ddof)
    scatter = scatter / (len(samples) if share else 1)
    found = (samples.mean(axis=0) - truth) ** 2 - scatter
    found = found.mean(axis=(1, 2, 3))
    return np.maximum(found, 0) if clip else found


def _error_with(**change):
    return lambda *args: _error(*args, **change)


def _error_of_four(samples, truth):
    return ((samples.mean(axis=0) - truth) ** 2).mean(axis=(1, 2, 3))


def _mean_of_errors(samples, truth):
    return ((samples - truth) ** 2).mean(axis=(0, 2, 3, 4))


def _error_of_all(samples, truth):
    return _error(samples, truth).mean()


def _shift(high, low):
    """Put the mean of every block right."""
    n, height, width, _ = high.shape
    cut = high.reshape(n, height // 4, 4, width // 4, 4, 3)
    missing = low - cut.mean(axis=(2, 4))
    return high + missing.repeat(4, axis=1).repeat(4, axis=2)


def _shift_then_clip(high, low):
    return np.clip(_shift(high, low), 0, 1)


def _clip_then_shift(high, low):
    return _shift(np.clip(high, 0, 1), low)


def _by_turns(high, low):
    for _ in range(400):
        high = np.clip(_shift(high, low), 0, 1)
    return high


WRONG = {
    "end_in_noise": [
        ("shifts alpha_bar, not its root", _shift_bars, 1.5),
        ("shifts, does not stretch", _shift_only, 0.5),
        ("sets the last to 0, no more", _last_only, 1.5),
        ("writes into the caller's schedule", _last_in_place, 0),
    ],
    "gate_gradients": [
        ("a sum in place of the mean", _gate_sum, 1),
        ("the square's 2 is forgotten", _gate_with(factor=1.0), 1),
        ("rows and columns exchanged", _gate_with(turned=True), 1.5),
        ("gamma gets no gradient", _gamma_detached, 0),
        ("gamma left out of the weight's gradient", _gamma_left_out, 0.5),
    ],
    "fetch_tiles": [
        ("a dot product in place of the distance", _dot_product, 1),
        ("the distance is not squared", _fetch_with(power=1), 2),
        ("weights sum to 1 over queries", _fetch_with(axis=-2), 0.5),
        ("always cold", _nearest_only, 1.5),
    ],
    "stochastic_step": [
        ("fresh noise comes on top of all the old",
         _step_with(keep_all=True), 1),
        ("the variance taken for the spread", _step_with(power=1), 2),
        ("eta scales the variance", _step_with(inside=True), 3),
        ("x_t taken for its noise", _step_with(stale=True), 0),
    ],
    "error_of_mean": [
        ("nothing subtracted", _error_of_four, 1),
        ("variance with K, not K - 1", _error_with(ddof=0), 1),
        ("variance not divided by K", _error_with(share=False), 1),
        ("clipped at 0", _error_with(clip=True), 1),
        ("the mean of the samples' errors", _mean_of_errors, 1),
        ("one number for all pictures", _error_of_all, 0),
    ],
    "nearest_valid": [
        ("shifted, then clipped", _shift_then_clip, 1),
        ("clipped, then shifted", _clip_then_shift, 1),
        ("shifted and clipped by turns", _by_turns, 2.5),
        ("only shifted", _shift, 1),
    ],
}  # fmt: skip
