"""What changes along a training: rates, and running averages of weights."""

import math

import torch


def cosine(start, end, step, steps):
    """Return the value at `step` of half a cosine from `start` to `end`.

    Step 0 gives `start`; `steps` and all beyond give `end`. Loshchilov and
    Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017),
    equation 5.
    """
    share = min(max(step / max(steps, 1), 0), 1)
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def warm_up_cosine(step, steps, peak, warm_up):
    """Return the learning rate: linear climb, then half a cosine to 0."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return cosine(peak, 0, step - warm_up, steps - warm_up)


@torch.no_grad()
def average_into(average, module, momentum):
    """Move `average` a little towards `module`, parameter by parameter.

    ``average = momentum * average + (1 - momentum) * module``. Buffers are
    copied.
    """
    pairs = zip(average.parameters(), module.parameters(), strict=True)
    for slow, fast in pairs:
        slow.lerp_(fast, 1 - momentum)
    for slow, fast in zip(average.buffers(), module.buffers(), strict=True):
        slow.copy_(fast)
