"""Checks of week 6: how much noise, and how large an error, unseen."""

import numpy as np

from course_utils.checks.engine import exercise, expect
from course_utils.checks.properties import (
    expect_none_of,
    expect_number,
    random,
    same,
    survives,
)

MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])


@exercise(week=6, title="The noise of a picture, from the picture alone")
def noise_level(attempt):
    """Judge `my_noise_level(image)`."""
    image = _picture(9, 13)
    out = attempt(image)
    expect_number(out)
    residual = _filtered(image)
    expect_none_of(out, _wrong_levels(residual, image))
    expect_none_of(out, _wrong_residuals(image))
    expect(
        np.isclose(float(attempt(_ramp(9, 13))), 0, atol=1e-9),
        "A smooth ramp has no noise, but yours does: the residual of a plane "
        "is 0 at every inner pixel.",
    )
    expect(
        same(attempt(3 * image), 3 * out),
        "Three times the contrast is three times the noise: the estimate is "
        "a standard deviation.",
    )
    expect(
        same(out, np.asarray(_level(residual))),
        "The number is wrong. Is the mask at each inner pixel multiplied by "
        "all nine pixels around it, and the mean taken of absolute values?",
    )
    other = _picture(6, 5)
    expect(
        survives(attempt, np.asarray(_level(_filtered(other))), other),
        "Right for 9 x 13 pixels, wrong for 6 x 5: where is a size written as "
        "a number?",
    )


def _ramp(height, width):
    return np.add.outer(0.03 * np.arange(height), 0.05 * np.arange(width))


def _picture(height, width):
    return _ramp(height, width) + 0.1 * random(height, width)


def _filtered(image, mask=MASK):
    """Return the residual of each inner pixel."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    return (windows * mask).sum(axis=(2, 3))


def _level(residual):
    return np.sqrt(np.pi / 2) * abs(residual).mean() / 6


def _wrong_levels(residual, image):
    mean, root = abs(residual).mean(), np.sqrt(np.pi / 2)
    return {
        "This is the spread of the picture: most of it is what the picture "
        "shows. Filter that away first.": image.std(),
        "The root is missing: the factor is the root of pi / 2.": (
            np.pi / 2 * mean / 6
        ),
        "The factor is missing: the mean absolute value of a Gaussian is "
        "smaller than its standard deviation.": mean / 6,
        "The factor is upside down: a mean absolute value is smaller than "
        "the standard deviation.": mean / root / 6,
        "You divide by 36, the sum of the mask's squares. That is by how "
        "much the mask raises the variance.": root * mean / 36,
        "The 6 is missing: the residual has more noise than the picture, by "
        "the mask.": root * mean,
        "You divide by 9, the number of the mask's entries.": root * mean / 9,
        "You divide by 16, the sum of the mask's absolute values. Noise does "
        "not add up like that.": root * mean / 16,
        "The mean is of the residual with its sign, and noise cancels: take "
        "absolute values.": root * residual.mean() / 6,
        "The mean is of the residual with its sign, and noise cancels: take "
        "absolute values first.": abs(root * residual.mean() / 6),
        "This is the root of the mean square. It would do for noise alone; "
        "an edge, squared, counts for much more.": residual.std() / 6,
        "This is the root of the mean square. It would do for noise alone; "
        "an edge counts for much more.": np.sqrt((residual**2).mean()) / 6,
        "The sum is divided by the number of all pixels; only inner pixels "
        "have a residual.": _level(residual) * residual.size / image.size,
        "This is the sum: take the mean.": _level(residual) * residual.size,
        "This is the variance: asked for is its root.": _level(residual) ** 2,
        "This is a median, not a mean.": root * np.median(abs(residual)) / 6,
    }


def _wrong_residuals(image):
    cross = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    ones = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
    modes = {
        "zeros": "constant",
        "its border, repeated": "edge",
        "a reflection": "reflect",
        "the other side of the picture": "wrap",
    }
    padded = {
        f"The picture is continued by {name}: only pixels with all eight "
        "neighbours count.": _level(_filtered(np.pad(image, 1, mode)))
        for name, mode in modes.items()
    }
    return padded | {
        "The picture is continued by zeros, two deep: only pixels with all "
        "eight neighbours count.": _level(_filtered(np.pad(image, 2))),
        "The mask is the cross of a Laplacian: here the corners count, "
        "too.": _level(_filtered(image, cross)),
        "The mask has -1 all around: corners count 1, sides -2.": (
            _level(_filtered(image, ones))
        ),
        "The signs of the mask are not its own: its sum should be 0.": (
            _level(_filtered(image, abs(MASK)))
        ),
    }


@exercise(week=6, title="An error, without the clean picture")
def sure(attempt):
    """Judge `my_sure(noisy, denoiser, noise, probe, nudge)`."""
    noisy, probe = random(5, 8), np.sign(random(8, 5)).T
    out = attempt(noisy, _denoise, 0.3, probe)
    expect_number(out)
    expect_none_of(out, _wrongly_estimated(noisy, probe))
    same_again = attempt(noisy, lambda image: image.copy(), 0.3, probe)
    expect(
        same(same_again, np.asarray(0.09)),
        "A denoiser that returns its input has an error of noise**2, here "
        f"0.09; you say {float(same_again):.4g}.",
    )
    flat = attempt(noisy, lambda image: np.full((5, 8), 0.4), 0.3, probe)
    expect(
        same(flat, np.asarray(((noisy - 0.4) ** 2).mean() - 0.09)),
        "A denoiser that returns grey whatever it sees has no divergence. "
        "Then only the misfit is left, less noise**2.",
    )
    expect(
        same(out, np.asarray(_sure(noisy, 0.3, probe))),
        "Right for a denoiser that returns its input, and for one that "
        "returns grey, but wrong between them.",
    )
    _expect_handed_over(attempt)


def _expect_handed_over(attempt):
    """Expect that noise, probe and nudge are the ones handed in."""
    noisy, probe, seen = random(4, 3), random(3, 4).T, []

    def denoise(image):
        seen.append(image.copy())
        return _denoise(image)

    out = attempt(noisy, denoise, 0.1, probe, 0.05)
    expect(
        same(out, np.asarray(_sure(noisy, 0.1, probe))),
        "Right for noise 0.3 and a probe of 1 and -1, wrong for noise 0.1 "
        "and a probe of other numbers: use what is handed in.",
    )
    expect(
        any(same(image, noisy + 0.05 * probe) for image in seen),
        "The denoiser has not seen the picture with nudge times the probe "
        "added to it. Is nudge used?",
    )


def _denoise(image):
    """Return a blur that is not symmetric, and a bias."""
    return 0.5 * image + 0.2 * np.roll(image, 1, axis=1) + 0.1


def _sure(noisy, noise, probe):
    misfit = ((_denoise(noisy) - noisy) ** 2).mean()
    response = _denoise(noisy + probe) - _denoise(noisy)
    return misfit - noise**2 + 2 * noise**2 * (probe * response).mean()


def _wrongly_estimated(noisy, probe, noise=0.3, nudge=1e-3):
    denoised = _denoise(noisy)
    misfit = ((denoised - noisy) ** 2).mean()
    response = _denoise(noisy + probe) - denoised
    variance, divergence = noise**2, (probe * response).mean()
    right = _sure(noisy, noise, probe)
    nudged = (probe * _denoise(noisy + nudge * probe)).mean() / nudge
    return {
        "This is the misfit alone: it is 0 for a denoiser that does "
        "nothing.": misfit,
        "The divergence is missing: a denoiser that does nothing would have "
        "an error below 0.": misfit - variance,
        "-noise**2 is missing.": right + variance,
        "noise**2 is added; it is taken away: it is what the misfit to a "
        "noisy picture holds too much.": right + 2 * variance,
        "The factor 2 of the divergence is missing.": (
            right - variance * divergence
        ),
        "The divergence is taken away: a denoiser that follows the noise "
        "should be worse.": right - 4 * variance * divergence,
        "The divergence is summed, but the misfit is a mean over pixels.": (
            right + 2 * variance * divergence * (noisy.size - 1)
        ),
        "The misfit is summed: all three terms are per pixel.": (
            right + misfit * (noisy.size - 1)
        ),
        "All is summed: asked for is the error per pixel.": right * noisy.size,
        "You do not divide by nudge: the response to a small nudge is "
        "small.": right + 2 * variance * divergence * (nudge - 1),
        "noise is not squared: it is a standard deviation, and these terms "
        "are variances.": misfit - noise + 2 * noise * divergence,
        "In the divergence noise is not squared.": (
            misfit - variance + 2 * noise * divergence
        ),
        "The response is not multiplied by the probe: up and down cancel.": (
            misfit - variance + 2 * variance * response.mean()
        ),
        "What is denoised without the nudge is not taken off: the response "
        "is what the nudge changes.": misfit
        - variance
        + 2 * variance * nudged,
        "The misfit is not squared.": (
            right - misfit + abs(denoised - noisy).mean()
        ),
        "This is the root: asked for is the mean squared error.": (
            np.sqrt(right)
        ),
    }
