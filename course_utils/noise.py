"""White Gaussian noise: adding it, and guessing how strong it is."""

import numpy as np

FARTHEST = 3.0  # how far beyond 0 to 1 noise may carry a pixel
MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
CHANNELS = (1, 3)


def checked_image(image, least_side=3):
    """Return an image as float64, or say what is wrong with it.

    Args:
        image: expected floats `(height, width, channels)`, 1 or 3
            channels, 0 to 1 before noise; noise may carry a pixel up to
            3 beyond.
        least_side: the smallest side allowed, pixels.

    Raises:
        TypeError: no floats; whole numbers from 0 to 255 must be divided.
        ValueError: another shape, too small, NaN or infinite, or values
            that look like 0 to 255.
    """
    image = np.asarray(image)
    if not np.issubdtype(image.dtype, np.floating):
        raise TypeError(
            f"an image holds floats from 0 to 1, got {image.dtype}: "
            "divide whole numbers from 0 to 255 by 255"
        )
    if image.ndim != 3 or image.shape[2] not in CHANNELS:
        raise ValueError(
            "an image is (height, width, channels) with 1 or 3 channels, "
            f"got shape {image.shape}"
        )
    if min(image.shape[:2]) < least_side:
        raise ValueError(
            f"both sides must be at least {least_side} pixels, got "
            f"{image.shape[0]}x{image.shape[1]}"
        )
    _check_values(image)
    return image.astype(np.float64)


def add_noise(image, noise, seed):
    """Return an image with white Gaussian noise, not clipped.

    Args:
        image: as `checked_image` expects it.
        noise: standard deviation on the scale of the pixels, 0 or more;
            the papers' level 25 is 25 / 255.
        seed: whole number, 0 or more, or a list of them.

    Returns:
        float64 array of the image's shape; values beyond 0 to 1 occur.

    Raises:
        TypeError, ValueError: see `checked_image`; a noise below 0, not
            finite, or above 1 (did you mean noise / 255?).

    Used in week 6.
    """
    image = checked_image(image)
    check_noise(noise)
    rng = np.random.default_rng(seed)
    return image + noise * rng.standard_normal(image.shape)


def estimate_noise(image):
    """Guess the standard deviation of the noise in an image.

    A mask that cancels slopes in both directions leaves mostly noise
    (Immerkaer, "Fast Noise Variance Estimation", 1996, eq. 4). Fine
    texture is mistaken for noise, so a clean photo gets more than 0.

    Args:
        image: as `checked_image` expects it.

    Returns:
        A number on the scale of the pixels, the mean over channels.

    Raises:
        TypeError, ValueError: see `checked_image`.

    Taught in week 6.
    """
    from scipy.signal import convolve2d

    image = checked_image(image)
    left = [
        np.abs(convolve2d(channel, MASK, mode="valid")).mean()
        for channel in np.moveaxis(image, 2, 0)
    ]
    return float(np.sqrt(np.pi / 2) * np.mean(left) / 6)


def estimate_risk(image, denoiser, noise, seed=0, nudge=1e-3):
    """Estimate the mean squared error of a denoiser without the clean image.

    Stein, "Estimation of the Mean of a Multivariate Normal Distribution"
    (1981), with one random probe for the divergence: Ramani, Blu and Unser,
    "Monte-Carlo SURE" (2008).

    Args:
        image: noisy, an array of any shape.
        denoiser: function of such an array that returns one.
        noise: standard deviation of the white noise in it.
        seed: of the probe, random signs.
        nudge: how much of the probe is added, on the scale of the image.

    Returns:
        A number; its mean over the noise is the mean squared error.

    Taught in week 6.
    """
    probe = np.random.default_rng(seed).choice([-1.0, 1.0], image.shape)
    found = denoiser(image)
    moved = (denoiser(image + nudge * probe) - found) / nudge
    misfit = np.mean((found - image) ** 2)
    return misfit - noise**2 + 2 * noise**2 * np.mean(probe * moved)


def check_noise(noise):
    """Raise a ValueError unless a noise is a number from 0 to 1."""
    if not 0 <= noise <= 1:
        raise ValueError(
            "noise is a standard deviation on the scale of pixels from 0 to "
            f"1, got {noise}: write 25 / 255 for the papers' level 25"
        )


def _check_values(image):
    if not np.isfinite(image).all():
        raise ValueError(
            f"{np.sum(~np.isfinite(image)):,} values of the image are NaN or "
            "infinite: replace them first"
        )
    if image.min() < -FARTHEST or image.max() > 1 + FARTHEST:
        raise ValueError(
            "pixels go from 0 to 1 (noise may carry them up to "
            f"{FARTHEST:g} beyond), got {image.min():g} to {image.max():g}: "
            "divide by 255?"
        )
