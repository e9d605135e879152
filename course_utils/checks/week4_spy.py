"""What the check of week 4's sampler watches with.

A spy stands for the network and for the step, and notes what it is asked.
"""

from typing import NamedTuple

import numpy as np

from course_utils.checks.engine import expect
from course_utils.checks.properties import expect_shape
from course_utils.checks.week4_debug import near


class Asked(NamedTuple):
    """What the predictor was called with, and what it answered."""

    inputs: np.ndarray
    t: object
    answer: np.ndarray


class Stepped(NamedTuple):
    """What the step was called with, and what it returned."""

    x_t: np.ndarray
    x0: np.ndarray
    now: np.ndarray
    then: np.ndarray
    returned: np.ndarray


class Spy:
    """A predictor and a step; `asked` and `stepped` list their calls."""

    def __init__(self, bars, coarse, noise):
        import torch

        self.torch = torch
        self.given = bars, coarse, noise
        self.asked, self.stepped = [], []
        draw = torch.Generator().manual_seed(9)
        shape = (2 * len(bars) + 2, *noise.shape)
        self.answers = torch.randn(shape, generator=draw)

    def predict_noise(self, inputs, t):
        answer = self.answers[len(self.asked) % len(self.answers)]
        t = t.clone() if hasattr(t, "clone") else t  # may be changed later
        self.asked.append(Asked(noted(inputs), t, noted(answer)))
        return answer.clone()

    def step(self, x_t, x0, now, then):
        share = np.asarray(noted(then), float).reshape(-1)[:1]
        share = self.torch.from_numpy(share).float()
        returned = share * x0 + 1.8 * (1 - share) * x_t
        values = x_t, x0, now, then, returned
        self.stepped.append(Stepped(*map(noted, values)))
        return returned


def noted(value):
    """Return a tensor or number as an array that nothing changes later."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.array(value)


def given(bars, shape):
    """Return alpha_bars, the coarse picture and the noise."""
    import torch

    draw = torch.Generator().manual_seed(5)
    coarse = 2 * torch.rand(shape, generator=draw) - 1
    return torch.tensor(bars), coarse, torch.randn(shape, generator=draw)


def times_of(asked):
    """Return the first number of every t, or None where there is none."""
    return [
        int(t.flatten()[0]) if hasattr(t, "flatten") and t.numel() else t
        for _, t, _ in asked
    ]


def expect_network_asked_well(spy):
    """Expect six channels, whole steps from last to first, the condition."""
    _expect_inputs(spy)
    _expect_times(spy)
    _expect_condition(spy)


def _expect_inputs(spy):
    coarse = spy.given[1]
    batch, _, height, width = coarse.shape
    depths = [
        call.inputs.shape[1] if call.inputs.ndim == 4 else 0
        for call in spy.asked
    ]
    expect(
        set(depths) != {3},
        "The network gets three channels: at every step it should also see "
        "the coarse picture.",
    )
    expect(
        not (depths[0] == 6 and 3 in depths),
        "The network sees the coarse picture at the first step only; it has "
        "no memory.",
    )
    most = next((depth for depth in depths if depth > 6), 6)
    expect(
        most == 6,
        f"The network gets {most} channels: the coarse picture has "
        "become a part of x. Put the two together for the network only, and "
        "walk on with three channels.",
    )
    for call in spy.asked:
        expect_shape(
            call.inputs, (batch, 6, height, width), "(batch, 6, height, width)"
        )


def _expect_times(spy):
    torch, count, batch = spy.torch, len(spy.given[0]), len(spy.given[1])
    times = [call.t for call in spy.asked]
    expect(
        all(isinstance(t, torch.Tensor) for t in times),
        "t reaches the network as a plain number: it takes a tensor with a "
        "step for each picture.",
    )
    expect(
        not any(t.is_floating_point() for t in times),
        "t reaches the network as floats, as in the tutorial; steps are "
        "counted: torch.long.",
    )
    expect(
        all(tuple(t.shape) == (batch,) for t in times),
        f"t should have shape (batch,) = ({batch},), a step for each "
        f"picture, not {tuple(times[0].shape)}.",
    )
    expect(
        all(t.dtype == torch.long for t in times),
        f"t should be torch.long, not {times[0].dtype}.",
    )
    expect(
        all(bool((t == t[0]).all()) for t in times),
        "The pictures of one batch are at different steps: all walk together.",
    )
    found, right = times_of(spy.asked), list(range(count))[::-1]
    expect(
        found != right[::-1],
        "The walk goes from little noise to much: it should begin where all "
        "is noise.",
    )
    expect(
        found[0] != count,
        "The walk begins at T; of T steps, counted from 0, that is one too "
        "far.",
    )
    expect(
        found != right[:-1],
        "The walk stops at step 1: some noise is left, and step 0 takes it "
        "off.",
    )
    expect(
        found == right,
        "Each step should ask the network once, from the last one down to "
        f"0. With {count} steps yours asks at t = {_listed(found)}.",
    )


def _listed(times):
    text = ", ".join(map(str, times[:8]))
    return text + (", ..." if len(times) > 8 else "")


def _expect_condition(spy):
    coarse, noise = (noted(tensor) for tensor in spy.given[1:])
    first = spy.asked[0].inputs
    expect(
        not near(first, np.concatenate([coarse, noise], axis=1)),
        "The two pictures are exchanged: the noisy one comes first, as in "
        "training.",
    )
    expect(
        not near(first[:, 3:], 2 * coarse - 1),
        "The coarse picture comes in from -1 to 1 already; you map it once "
        "more.",
    )
    expect(
        not near(first[:, 3:], (coarse + 1) / 2),
        "The coarse picture reaches the network from 0 to 1; in training it "
        "was from -1 to 1, as it comes in.",
    )
    expect(
        near(first[:, 3:], coarse),
        "The last three channels should be the coarse picture as it was "
        "handed in.",
    )
    expect(
        all(near(call.inputs[:, 3:], coarse) for call in spy.asked),
        "At the first step the network sees the coarse picture, later "
        "something else: it is the same at every step.",
    )
    expect(
        not near(first[:, :3], coarse),
        "The walk begins at the coarse picture; the network was trained to "
        "begin at noise.",
    )
    expect(
        near(first[:, :3], noise) or near(first[:, :3], noise.clip(-1, 1)),
        "The walk should begin at the noise that is handed in; yours begins "
        "elsewhere.",
    )
