"""Denoising with a Gaussian mixture as the prior of clean patches.

    prior, _ = fit_prior(training_crops(1000, 24, seed=0), seed=0)
    estimate = denoise(noisy_photo, prior, noise=25 / 255)

The mixture has seen clean patches only, and no noise at all: whatever the
noise, its variance is added to the covariances. Patches are taken as they
are, with their mean and all channels together.
"""

import numpy as np

from course_utils.clean_photos import as_floats
from course_utils.graph_checks import check_positive, check_side
from course_utils.mixture import check_whole, e_step, fit
from course_utils.noise import check_noise
from course_utils.patch_graph import extract_patches, reconstruct

PATCH_SIDE = 5  # pixels


def fit_prior(
    crops,
    patch_side=PATCH_SIDE,
    num_components=30,
    patches_count=20_000,
    steps=15,
    *,
    seed,
):
    """Fit a mixture to patches of clean crops, with a progress bar.

    Args:
        crops: `(n, height, width, channels)` uint8, as `training_crops`
            returns them.
        patch_side: odd, pixels, no more than a crop's.
        num_components: of the mixture, 1 to patches_count.
        patches_count: how many patches are drawn, with replacement.
        steps: of EM, 1 or more.
        seed: whole number, 0 or more.

    Returns:
        `(mixture, history)`, see `mixture.fit`.

    Raises:
        TypeError: the crops are not uint8.
        ValueError: crops of another shape or smaller than a patch, a
            number out of range.

    Used in week 6.
    """
    check_whole("patches_count", patches_count, 1)
    patches = random_patches(crops, patch_side, patches_count, seed)
    return fit(patches, num_components, steps, seed, progress="EM")


def random_patches(crops, patch_side, count, seed):
    """Cut patches at random places out of crops.

    Args:
        crops, patch_side, seed: see `fit_prior`.
        count: how many, 1 or more.

    Returns:
        `(count, patch_side**2 * channels)` float64 from 0 to 1, in the
        order of `patch_graph.extract_patches`.

    Raises:
        TypeError, ValueError: see `fit_prior`.

    Used in week 6.
    """
    check_side(patch_side)
    check_whole("count", count, 1)
    check_whole("seed", seed, 0)
    crops = np.asarray(crops)
    if crops.ndim != 4 or not len(crops) or min(crops.shape[1:3]) < patch_side:
        raise ValueError(
            "crops are (n, height, width, channels), n at least 1 and sides "
            f"at least the patch's {patch_side}, got shape {crops.shape}"
        )
    windows = np.lib.stride_tricks.sliding_window_view(
        as_floats(crops), (patch_side, patch_side), axis=(1, 2)
    )  # (n, rows, columns, channels, side, side)
    rng = np.random.default_rng(seed)
    drawn = tuple(rng.integers(size, size=count) for size in windows.shape[:3])
    patches = np.moveaxis(windows[drawn], 1, 3)
    return patches.reshape(count, -1).astype(np.float64)


def posterior_mean(patches, mixture, noise):
    """Return the best guess of the clean patches behind noisy ones.

    Each component offers Wiener's estimate, which draws a patch towards
    its mean along the directions in which it varies less than the noise.
    The responsibilities average them: attention whose values depend on
    the query. No estimate has a smaller expected squared error if the
    mixture is right.

    Args:
        patches: `(n, width)`, noisy.
        mixture: `Mixture` of clean patches.
        noise: standard deviation of the noise, above 0, at most 1.

    Returns:
        `(n, width)`.

    Raises:
        ValueError: noise out of range, or patches that do not fit.

    Taught in week 6. Zoran and Weiss, "From Learning Models of Natural
    Image Patches to Whole Image Restoration" (2011), section 4, take the
    estimate of the likeliest component alone.
    """
    check_positive("noise", noise)
    responsibilities, _ = e_step(patches, mixture, noise)
    blur = noise**2 * np.eye(patches.shape[1])
    estimate = np.zeros(patches.shape)
    for share, mean, covariance in zip(
        responsibilities.T, mixture.means, mixture.covariances, strict=True
    ):
        wiener = np.linalg.solve(covariance + blur, covariance)
        estimate += share[:, None] * (mean + (patches - mean) @ wiener)
    return estimate


def denoise(image, mixture, noise, patch_side=PATCH_SIDE):
    """Denoise all overlapping patches, and average where they overlap.

    The paper goes on: EPLL repeats this on the result, for less noise each
    time.

    Args:
        image: floats `(height, width, channels)`, see `checked_image`.
        mixture: of clean patches of this side and these channels.
        noise: standard deviation of the noise, above 0, at most 1.
        patch_side: odd, pixels.

    Returns:
        float64 image of the same shape, not clipped.

    Raises:
        TypeError, ValueError: as `posterior_mean` and `extract_patches`.

    Taught in week 6.
    """
    check_noise(noise)
    patches, _ = extract_patches(image, patch_side)
    return reconstruct(
        posterior_mean(patches, mixture, noise), np.shape(image)
    )
