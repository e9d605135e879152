"""Diffusion written out: schedules, noise, targets, DDPM and DDIM steps.

x0 is a clean picture of about unit variance, x_t its noisy version at step
t, from 0 (hardly any noise) to `steps - 1` (hardly anything else):

    x_t = sqrt(alpha_bar) * x0 + sqrt(1 - alpha_bar) * noise

Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models" (2020),
equation 4. Used in week 4.
"""

import torch

from course_utils.diffusion_inputs import (
    check_alpha_bars,
    check_batch,
    check_betas,
    check_choice,
    check_pair,
    check_same_shape,
    check_steps,
    check_tensor,
    check_whole,
)

TARGETS = ("noise", "x0", "v")
METHODS = ("ddim", "ddpm")


def linear_schedule(steps=1000, start=1e-4, end=0.02):
    """Return alpha_bar of each step, for betas that grow evenly.

    Args:
        steps: number of steps, 2 or more.
        start, end: first and last beta, more than 0 and less than 1.

    Returns:
        `(steps,)`, falling from almost 1. Ho et al. (2020), section 4.

    Raises:
        TypeError: steps is not a whole number.
        ValueError: steps, start or end out of range.
    """
    check_whole("steps", steps, 2)
    return from_betas(torch.linspace(start, end, steps, dtype=torch.double))


def cosine_schedule(steps=1000, offset=0.008, most=0.999):
    """Return alpha_bar of each step, along a squared cosine.

    Args:
        steps: number of steps, 2 or more.
        offset: keeps the first betas from being tiny.
        most: largest beta, more than 0 and less than 1.

    Returns:
        `(steps,)`. Nichol and Dhariwal, "Improved Denoising Diffusion
        Probabilistic Models" (2021), equation 17.

    Raises:
        TypeError: steps is not a whole number.
        ValueError: steps or most out of range.
    """
    check_whole("steps", steps, 2)
    share = torch.arange(steps + 1, dtype=torch.double) / steps
    wanted = torch.cos((share + offset) / (1 + offset) * torch.pi / 2) ** 2
    return from_betas((1 - wanted[1:] / wanted[:-1]).clamp(max=most))


def from_betas(betas):
    """Return alpha_bar, the running product of 1 - beta, `(steps,)`.

    Raises:
        TypeError: betas are not a tensor of floats.
        ValueError: a beta of 0 or less, or of 1 or more; fewer than two.
    """
    check_betas(betas)
    return torch.cumprod(1 - betas.double(), dim=0).float()


class Diffusion:
    """A schedule, and what the network is asked to predict.

    alpha_bars: `(steps,)`, see `cosine_schedule`.
    target: "noise", "x0", or "v" (Salimans and Ho, "Progressive
        Distillation for Fast Sampling of Diffusion Models", 2022).

    Raises ValueError for an unknown target or alpha_bars that do not fall,
    TypeError for alpha_bars that are not a tensor of floats. Methods take
    pictures `(batch, channels, height, width)` and t `(batch,)`; they raise
    the same for shapes that do not fit, and for a t that is not whole
    (TypeError) or out of range (ValueError).
    """

    def __init__(self, alpha_bars, target="v"):
        check_choice("target", target, TARGETS)
        check_alpha_bars(alpha_bars)
        self.alpha_bars, self.target = alpha_bars, target

    def __len__(self):
        return len(self.alpha_bars)

    def alpha_bar(self, t):
        """Return alpha_bar at steps t, `(batch, 1, 1, 1)`, on t's device.

        Args:
            t: `(batch,)` whole numbers from 0 to `steps - 1`.
        """
        check_steps(t, len(self))
        return self.alpha_bars.to(t.device)[t][:, None, None, None]

    def add_noise(self, x0, noise, t):
        """Return x_t: jump from the clean picture to step t at once."""
        check_same_shape("noise", noise, "x0", x0)
        signal, spread = self._parts("x0", x0, t)
        return signal * x0 + spread * noise

    def target_of(self, x0, noise, t):
        """Return what the network should predict at steps t."""
        check_same_shape("noise", noise, "x0", x0)
        signal, spread = self._parts("x0", x0, t)
        if self.target == "x0":
            return x0
        if self.target == "noise":
            return noise
        return signal * noise - spread * x0

    def x0_of(self, prediction, x_t, t):
        """Return the clean picture that a prediction stands for."""
        check_same_shape("the prediction", prediction, "x_t", x_t)
        signal, spread = self._parts("x_t", x_t, t)
        if self.target == "x0":
            return prediction
        if self.target == "noise":
            return (x_t - spread * prediction) / signal
        return signal * x_t - spread * prediction

    def _parts(self, name, pictures, t):
        """Return how much is signal and how much noise, as factors."""
        alpha_bar = self.alpha_bar(t)
        check_batch(name, pictures, t)
        return alpha_bar.sqrt(), (1 - alpha_bar).sqrt()


def ddpm_step(x_t, x0, now, then, noise):
    """Draw the picture one step earlier, given a guess of x0.

    Args:
        x_t, x0, noise: `(batch, ...)`.
        now, then: alpha_bar at this step and at the one to go to (1 at the
            end), tensors. They need not be neighbours.

    Returns:
        x at the earlier step: mean and variance of Ho et al. (2020),
        equations 6 and 7.

    Raises:
        TypeError: now or then is not a tensor of floats.
        ValueError: shapes differ, or then is not the earlier step.
    """
    check_same_shape("x0", x0, "x_t", x_t)
    check_same_shape("noise", noise, "x_t", x_t)
    check_pair(now, then)
    alpha = now / then
    of_x0 = then.sqrt() * (1 - alpha) / (1 - now)
    of_x_t = alpha.sqrt() * (1 - then) / (1 - now)
    variance = (1 - alpha) * (1 - then) / (1 - now)
    return of_x0 * x0 + of_x_t * x_t + variance.sqrt() * noise


def ddim_step(x_t, x0, now, then):
    """Go to an earlier step with the noise that x0 and x_t imply.

    Args, returns, raises: as for `ddpm_step`, without fresh noise. Song,
    Meng and Ermon, "Denoising Diffusion Implicit Models" (2021), equation
    12, with sigma = 0.
    """
    check_same_shape("x0", x0, "x_t", x_t)
    check_pair(now, then)
    noise = (x_t - now.sqrt() * x0) / (1 - now).sqrt()
    return then.sqrt() * x0 + (1 - then).sqrt() * noise


def chosen_steps(total, count):
    """Return `count` of `total` steps, evenly spaced, last first.

    The last step, which is pure noise, is always among them ("trailing":
    Lin et al., "Common Diffusion Noise Schedules and Sample Steps are
    Flawed", 2024, section 3.3).

    Raises:
        TypeError: total or count is not a whole number.
        ValueError: count is not from 1 to total.
    """
    check_whole("total", total, 1)
    check_whole("steps", count, 1)
    if count > total:
        raise ValueError(f"choose from 1 to {total} steps, got {count}")
    places = torch.arange(count, 0, -1, dtype=torch.double) * total / count
    return places.round().long() - 1


@torch.no_grad()
def sample(
    predict_x0, diffusion, noise, *, steps=25, method="ddim",
    generator=None, watch=None,
):  # fmt: skip
    """Walk from noise to a picture.

    Args:
        predict_x0: `predict_x0(x_t, t)`, a guess of the clean picture; t is
            `(batch,)`.
        diffusion: a `Diffusion`.
        noise: `(batch, ...)` standard normal numbers to start from.
        steps: how many of the steps are taken, see `chosen_steps`.
        method: "ddim", or "ddpm", which adds fresh noise.
        generator: a `torch.Generator` for that noise, or None.
        watch: called as `watch(t, x_t, x0)` at every step, or None.

    Returns:
        `(batch, ...)`.

    Raises:
        TypeError: noise is not a tensor of floats, steps not whole.
        ValueError: unknown method, steps out of range, or a guess of
            another shape than x_t.
    """
    check_tensor("noise", noise)
    check_choice("method", method, METHODS)
    times = chosen_steps(len(diffusion), steps).tolist()
    bars = [diffusion.alpha_bars[t].to(noise.device) for t in times]
    x = noise
    for i, t in enumerate(times):
        x0 = predict_x0(x, torch.full((len(x),), t, device=x.device))
        if watch is not None:
            watch(t, x, x0)
        then = bars[i + 1] if i + 1 < steps else torch.ones_like(bars[i])
        if method == "ddim":
            x = ddim_step(x, x0, bars[i], then)
        else:
            fresh = torch.empty_like(x).normal_(generator=generator)
            x = ddpm_step(x, x0, bars[i], then, fresh)
    return x
