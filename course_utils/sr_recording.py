"""What goes on while a picture is drawn: each step, and its attention.

Pictures are `(3, height, width)` tensors, 0 to 1, on the CPU. Used in
week 4; `sr_figures` draws what is recorded here.
"""

import contextlib
from dataclasses import dataclass, replace

import torch

from course_utils.diffusion import chosen_steps
from course_utils.sr_inputs import check_coarse
from course_utils.sr_scores import psnr
from course_utils.super_resolution import RESIDUAL, enlarge, super_resolve


@dataclass(frozen=True, eq=False)
class Recording:
    """The steps on the way from noise to one fine picture.

    times: the step t of each, falling; `steps` ints.
    noisy: `(steps, 3, height, width)`, x_t as a picture: the enlarged
        coarse one + RESIDUAL * x_t. Not clamped; whoever shows it must
        clamp to 0 and 1, and say so.
    guesses: `(steps, 3, height, width)`, the predicted x0 as a picture,
        0 to 1. The last is the result.
    levels: noise level sqrt(1 - alpha_bar) of each, floats; 1 is noise
        alone.
    coarse: `(3, height / 4, width / 4)`, what was enlarged.
    truth: `(3, height, width)`, or None.
    """

    times: list
    noisy: torch.Tensor
    guesses: torch.Tensor
    levels: list
    coarse: torch.Tensor
    truth: torch.Tensor | None = None

    def __len__(self):
        return len(self.times)

    def __repr__(self):
        high, wide = self.guesses.shape[-2:]
        return f"Recording({len(self)} steps, {high}x{wide} pixels)"

    @property
    def psnr(self):
        """PSNR of each guess in dB, `(steps,)`, or None without a truth."""
        if self.truth is None:
            return None
        return psnr(self.guesses, self.truth.expand_as(self.guesses))

    def with_truth(self, truth):
        """Return the same, with a truth to compare with.

        Args:
            truth: `(3, height, width)` or `(1, 3, height, width)`; None
                keeps what is there.

        Raises:
            ValueError: another shape.
        """
        if truth is None:
            return self
        truth = truth.detach().cpu().float()
        expected = self.guesses.shape[1:]
        if truth.shape not in (expected, (1, *expected)):
            raise ValueError(
                f"the truth has shape {tuple(truth.shape)}, but the picture "
                f"is {tuple(expected)}"
            )
        return replace(self, truth=truth.reshape(expected))


def record(
    net, diffusion, low, *, truth=None, seed=0, steps=25, method="ddim"
):
    """Draw one fine picture and keep every step.

    Args:
        net, diffusion, seed, steps, method: see `super_resolve`.
        low: `(1, 3, height, width)`, one coarse picture, 0 to 1.
        truth: the fine one, `(1, 3, 4 * height, 4 * width)`, or None.

    Returns:
        `Recording`.

    Raises TypeError or ValueError as `super_resolve` does; ValueError for
    more than one picture, or a truth of another size.
    """
    _check_single(low)
    times, noisy, guesses = [], [], []

    def watch(t, x_t, x0):
        times.append(t)
        noisy.append(x_t[0].detach().float().cpu())
        guesses.append(x0[0].detach().float().cpu())

    super_resolve(
        net, diffusion, low, seed=seed, steps=steps, method=method, watch=watch
    )
    coarse = low.detach().float().cpu()
    start = enlarge(coarse)
    bars = diffusion.alpha_bars.detach().cpu()[times]
    return Recording(
        times,
        start + RESIDUAL * torch.stack(noisy),
        (start + RESIDUAL * torch.stack(guesses)).clamp(0, 1),
        (1 - bars).sqrt().tolist(),
        coarse[0],
    ).with_truth(truth)


@torch.no_grad()
def attention_of(net, x, steps):
    """Return the attention in a network, read by hooks as it runs.

    Args:
        net: a `UNet`, or another network in which modules have a method
            `weights` that takes what their `forward` does.
        x, steps: what goes into the network.

    Returns:
        Dict from the module's name to `(batch, heads, queries, keys)`;
        empty if nothing attends. The network is not changed.
    """
    with _listening(net) as heard:
        net(x, steps)
    return {name: calls[-1] for name, calls in heard.items() if calls}


def attention_over_time(
    net, diffusion, low, *, chosen, name="mix2", seed=0, steps=25,
    method="ddim",
):  # fmt: skip
    """Return the attention of one module at some moments of a sampling.

    Args:
        net, diffusion, seed, steps, method: see `super_resolve`.
        low: `(1, 3, height, width)`, one coarse picture, 0 to 1.
        chosen: which steps to return, counted from 0 (noise alone);
            negative ones count from the last.
        name: of the module, as in `attention_of`.

    Returns:
        `(len(chosen), heads, queries, keys)` on the CPU, in the order of
        `chosen`. The step t of each is `record(...).times[place]`.

    Raises TypeError or ValueError as `super_resolve` does; ValueError for
    more than one picture, a module that does not attend, or a step that is
    not among those taken.
    """
    _check_single(low)
    places = _places(chosen, len(chosen_steps(len(diffusion), steps)))
    with _listening(net) as heard:
        if name not in heard:
            raise ValueError(
                f"no module {name!r} with attention in this network; there "
                f"are: {', '.join(heard) or 'none'}"
            )
        super_resolve(
            net, diffusion, low, seed=seed, steps=steps, method=method
        )
    calls = heard[name]
    return torch.stack([calls[place][0].float().cpu() for place in places])


@contextlib.contextmanager
def _listening(net):
    """Yield a dict from the name of each module with `weights` to a list.

    At every call of the module its attention is added to the list.
    """
    heard, hooks = {}, []

    def listen(name):
        def hook(module, inputs, named):
            heard[name].append(module.weights(*inputs, **named).detach())

        return hook

    try:
        for name, module in net.named_modules():
            if callable(getattr(module, "weights", None)):
                heard[name] = []
                hooks.append(
                    module.register_forward_pre_hook(
                        listen(name), with_kwargs=True
                    )
                )
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


def _check_single(low):
    check_coarse(low)
    if len(low) != 1:
        raise ValueError(
            f"one picture is recorded at a time, got {len(low)}: take low[:1]"
        )


def _places(chosen, steps):
    """Return chosen steps, none of them negative."""
    try:
        places = [range(steps)[place] for place in chosen]
    except (TypeError, IndexError):
        raise ValueError(
            f"chosen must list steps from 0 to {steps - 1}, for example "
            f"[0, {steps // 2}, -1]; got {chosen!r}"
        ) from None
    if not places:
        raise ValueError("chosen is empty: name at least one step")
    return places


def as_image(picture):
    """Return `(3, height, width)`, clamped, as `(height, width, 3)` uint8.

    Raises:
        ValueError: another shape.
    """
    if picture.ndim != 3 or len(picture) != 3:
        raise ValueError(
            "a picture to show needs shape (3, height, width), got "
            f"{tuple(picture.shape)}"
        )
    picture = torch.as_tensor(picture).detach().cpu().float().clamp(0, 1)
    return (255 * picture.permute(1, 2, 0)).round().byte().numpy()
