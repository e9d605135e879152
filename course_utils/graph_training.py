"""Train a `GraphDenoiser`, with clean photos or without any.

Three objectives for the same network: the clean photo; Stein's unbiased
risk estimate, which needs the noise level but no clean photo; a second
noisy shot of the same scene, which needs neither. Used in week 6.
"""

import numpy as np
import torch

from course_utils.ladder import noisy_copies, psnr
from course_utils.noise import check_noise, checked_image
from course_utils.recipe import averaged_training

OBJECTIVES = ("clean", "risk estimate", "second shot")
LEVELS = (5 / 255, 55 / 255)  # noise, drawn evenly between
BATCH = 4
RATE = 0.02  # learning rate at its peak
MOST_MEMORY = 0.98  # of the running average
NUDGE = 1e-3  # of the images, for a derivative


def denoising_training(
    net, crops, *, steps, accelerator, objective="clean", known=False,
    levels=LEVELS, rate=RATE, batch=BATCH, seed=0,
):  # fmt: skip
    """Set up a training; `run` of what is returned trains.

    Each error is divided by noise^1.5, about what is left of it, so that
    all levels count alike.

    Args:
        net: `net(noisy, noise)`, such as a `GraphDenoiser`.
        crops: `(n, side, side, 3)` uint8, clean; with another objective
            than "clean" nothing but noisy versions of them is used.
        steps: number of steps.
        accelerator: see `training.make_accelerator`.
        objective: one of `OBJECTIVES`.
        known: whether the net is told the true level; else it gets None.
        levels: smallest and largest noise.
        rate, batch, seed: see `recipe.averaged_training`.

    Returns:
        `(training, average)`: a `Training`, and the network whose weights
        are the running average.

    Raises:
        TypeError, ValueError: unknown objective, levels out of order, or
            crops of another type or shape.
    """
    if objective not in OBJECTIVES:
        raise ValueError(
            f"unknown objective {objective!r}: choose one of "
            f"{', '.join(OBJECTIVES)}"
        )
    _check_crops(crops)
    if not 0 < levels[0] <= levels[1] <= 1:
        raise ValueError(f"levels go from above 0 to 1, got {levels}")
    device = accelerator.device
    net = net.to(device)
    pixels = torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2)
    loss = {
        "clean": _to_clean,
        "risk estimate": risk_estimate,
        "second shot": _to_second_shot,
    }[objective]

    def loss_at(step):
        chosen = torch.randint(len(pixels), (batch,))
        clean = pixels[chosen].to(device).float() / 255
        noise = torch.empty(batch, 1, 1, 1, device=device).uniform_(*levels)

        def denoiser(noisy):
            return net(noisy, noise if known else None)

        errors = loss(denoiser, clean, noise)
        return (errors / noise.flatten() ** 1.5).mean()

    return averaged_training(
        net, loss_at, steps=steps, accelerator=accelerator, rate=rate,
        batch=batch, seed=seed, most_memory=MOST_MEMORY,
    )  # fmt: skip


def risk_estimate(denoiser, clean, noise):
    """Estimate the squared error of each image from its noisy version.

    Stein, "Estimation of the Mean of a Multivariate Normal Distribution"
    (1981); the divergence by one random probe as in Ramani, Blu and Unser,
    "Monte-Carlo SURE" (2008), eq. 14.

    Args:
        denoiser: function of a batch.
        clean: `(batch, channels, height, width)`, only to be made noisy.
        noise: `(batch, 1, 1, 1)` standard deviations.

    Returns:
        `(batch,)`; its mean over the noise is the mean squared error.
    """
    noisy = clean + noise * torch.randn_like(clean)
    probe = torch.randn_like(clean)
    found = denoiser(noisy)
    moved = (denoiser(noisy + NUDGE * probe) - found) / NUDGE
    misfit = mean_square(found - noisy)
    divergence = (probe * moved).mean(dim=(1, 2, 3))
    variance = noise.flatten() ** 2
    return misfit - variance + 2 * variance * divergence


def _check_crops(crops):
    if getattr(crops, "dtype", None) != np.uint8:
        raise TypeError("crops are a uint8 array, as training_crops cuts it")
    if crops.ndim != 4 or crops.shape[3] != 3 or not len(crops):
        raise ValueError(
            "crops are (n, side, side, 3), n at least 1, got shape "
            f"{crops.shape}"
        )


def mean_square(difference):
    """Return the mean square of each image, `(batch,)`."""
    return (difference**2).mean(dim=(1, 2, 3))


def _to_clean(denoiser, clean, noise):
    noisy = clean + noise * torch.randn_like(clean)
    return mean_square(denoiser(noisy) - clean)


def _to_second_shot(denoiser, clean, noise):
    first, second = (clean + noise * torch.randn_like(clean) for _ in "12")
    return mean_square(denoiser(first) - second)


@torch.inference_mode()
def denoised(net, images, noise=None):
    """Denoise one image or several with a network.

    Args:
        net: `net(noisy, noise)` with the radius of its graph, such as a
            `GraphDenoiser`.
        images: `(height, width, 3)` or `(n, height, width, 3)` floats.
        noise: the true standard deviation, or None: it is estimated.

    Returns:
        float64 array of the same shape.

    Raises:
        TypeError, ValueError: images of several sizes, not larger than the
            radius of the graph, not in colour; see `noise.checked_image`.
    """
    sizes = sorted({np.shape(image) for image in images})
    if len(sizes) > 1:
        raise ValueError(
            f"images of one call have one size, got {sizes}: give them one "
            "by one"
        )
    if noise is not None:
        check_noise(noise)
    images = np.asarray(images)
    if images.shape[-1] != 3:
        raise ValueError(
            f"the network takes colour images, got shape {images.shape}: "
            "repeat the channel of a grey one"
        )
    batch = [
        checked_image(image, least_side=int(net.radius) + 1)
        for image in (images if images.ndim == 4 else images[None])
    ]
    device = next(net.parameters()).device
    found = []
    for image in batch:
        pixels = torch.tensor(image, dtype=torch.float32, device=device)
        level = None
        if noise is not None:
            level = torch.full((1, 1, 1, 1), noise, device=device)
        out = net(pixels.permute(2, 0, 1)[None], level)[0]
        found.append(out.permute(1, 2, 0).double().cpu().numpy())
    return np.stack(found).reshape(images.shape)


def watcher(average, photos, noise=25 / 255):
    """Return a `watch` for `Training.run`: a score, and what a gate says.

    It notes, as a dict: psnr, the mean over photos, dB; and for each map
    of `GraphDenoiser.parameters_for` in its first layer the mean over
    pixels and photos, `(1,)` or `(4,)`.

    Args:
        average: the `GraphDenoiser` that is watched.
        photos: `(n, height, width, 3)` floats, 0 to 1; none trained on.
        noise: standard deviation at which it is watched.
    """
    noisy = noisy_copies(photos, noise, seed=0)

    def watch():
        found = denoised(average, noisy)
        scores = [psnr(*pair) for pair in zip(found, photos, strict=True)]
        return {"psnr": np.mean(scores), **gate_means(average, noisy)}

    return watch


@torch.inference_mode()
def gate_means(net, images):
    """Return the mean of each of the gate's maps in the first layer.

    Args:
        net: a `GraphDenoiser`.
        images: `(n, height, width, 3)` floats, noisy.

    Returns:
        dict of `(1,)` or `(4,)` arrays, means over pixels and images.
    """
    device = next(net.parameters()).device
    pixels = torch.tensor(images, dtype=torch.float32, device=device)
    first = net.parameters_for(pixels.permute(0, 3, 1, 2))[0]
    return {
        name: values.mean(dim=(0, 2, 3)).cpu().numpy()
        for name, values in first.items()
    }
