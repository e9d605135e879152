"""Denoisers that need no training, all called alike, and their tuning.

    settings = tune(non_local_means, GRIDS["non_local_means"], photos,
                    noise=25 / 255, seed=0).settings
    estimate = non_local_means(noisy_photo, 25 / 255, **settings)

Images are floats `(height, width, 3)`, 0 to 1 before the noise; `noise` is
its standard deviation on that scale, above 0, at most 1. An estimate has
the image's shape and is not clipped: `psnr` does that. What is named in
noises is a multiple of `noise`, so that a setting of one level is a fair
guess at another. Most are scikit-image's.

All raise TypeError or ValueError as `noise.checked_image`, and ValueError
for one channel, a noise out of range, and settings that are not above 0.
Used in week 6.
"""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from course_utils.graph_checks import check_positive
from course_utils.ladder import checked_photos, noisy_copies, psnr
from course_utils.noise import check_noise, checked_image
from course_utils.patch_graph import denoise
from course_utils.progress_bar import track

GRIDS = {
    "gaussian": {
        "width": (0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.5, 1.8, 2.2, 2.7)
    },
    "total_variation": {
        "weight": (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4)
    },
    "bilateral": {
        "sigma_color": (1.0, 1.5, 2.0, 2.5, 3.0, 4.0),
        "sigma_spatial": (0.75, 1.0, 1.5, 2.0, 3.0),
    },
    "non_local_means": {
        "h": (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3),
        "patch_size": (3, 5, 7, 9),
        "patch_distance": (2, 3, 5, 8),
        "fast": (False,),
    },
    "patch_graph_denoise": {
        "sigma": (0.3, 0.4, 0.5, 0.6, 0.75),
        "radius": (3, 5, 7),
        "patch_side": (3, 5),
    },
}


def noisy(image, noise):
    """Return the image as it is: what every method must beat.

    Used in week 6.
    """
    return _checked(image, noise)


def gaussian(image, noise, width):
    """Blur every channel; the noise's level is not asked for.

    width: standard deviation in pixels, above 0. Used in week 6.
    """
    from skimage.filters import gaussian

    image = _checked(image, noise, width=width)
    return gaussian(image, width, mode="reflect", channel_axis=2)


def total_variation(image, noise, weight):
    """Find the image with little total variation that fits best.

    weight: of the variation, in noises. Chambolle, "An Algorithm for Total
    Variation Minimization and Applications" (2004). Used in week 6.
    """
    from skimage.restoration import denoise_tv_chambolle

    image = _checked(image, noise, weight=weight)
    return denoise_tv_chambolle(image, weight * noise, channel_axis=2)


def bilateral(image, noise, sigma_color, sigma_spatial):
    """Average near pixels of a like colour: attention to single pixels.

    The course's own, since scikit-image 0.26 reads its table of weights of
    nearness with a wrong row length, so that they belong to other pixels.
    Tomasi and Manduchi, "Bilateral Filtering for Gray and Color Images"
    (1998).

    Args:
        image, noise: see the module.
        sigma_color: bandwidth in noises, of the root mean square
            difference of two colours.
        sigma_spatial: bandwidth in pixels; 3 times as far off, it ends.

    Used in week 6.
    """
    image = _checked(
        image, noise, sigma_color=sigma_color, sigma_spatial=sigma_spatial
    )
    height, width, _ = image.shape
    reach = math.ceil(3 * sigma_spatial)
    around = np.pad(image, [(reach, reach)] * 2 + [(0, 0)], "reflect")
    total, sums = np.zeros_like(image), np.zeros((height, width, 1))
    for row, column in np.ndindex(2 * reach + 1, 2 * reach + 1):
        there = around[row : row + height, column : column + width]
        apart = np.mean((there - image) ** 2, axis=2, keepdims=True)
        steps = (row - reach) ** 2 + (column - reach) ** 2
        logit = -apart / (sigma_color * noise) ** 2 - steps / sigma_spatial**2
        weight = np.exp(logit / 2)
        total += weight * there
        sums += weight
    return total / sums


def non_local_means(
    image, noise, h, patch_size=5, patch_distance=5, fast=True
):
    """Average pixels whose patches are alike, with scikit-image.

    Weights are exp(-max(d2 - 2 noise^2, 0) / (h noise)^2), where d2 is the
    mean squared difference of two patches; noise alone makes it 2 noise^2.
    Buades, Coll and Morel, "A Non-Local Algorithm for Image Denoising"
    (2005); the fast one: Froment, "Parameter-Free Fast Pixelwise Non-Local
    Means Denoising" (2014).

    Args:
        image, noise: see the module.
        h: in noises.
        patch_size: odd, pixels.
        patch_distance: pixels to each side; the window is a square.
        fast: False is the method as published: pixels in the middle of a
            patch count more. True is scikit-image's short cut, in which
            patches are one pixel smaller and h is patch_size /
            (patch_size - 1) times as large.

    Used in week 6.
    """
    from skimage.restoration import denoise_nl_means

    if patch_size < 1 or patch_size % 2 != 1:
        raise ValueError(
            f"patch_size must be an odd whole number, got {patch_size}"
        )
    image = _checked(image, noise, h=h, patch_distance=patch_distance)
    return denoise_nl_means(
        image,
        patch_size,
        patch_distance,
        h * noise,
        fast_mode=fast,
        sigma=noise,
        channel_axis=2,
    )


def patch_graph_denoise(
    image, noise, sigma, tau=1.0, steps=1, radius=5, patch_side=5
):
    """Smooth the image over its own patch graph: attention.

    As in `non_local_means`, 2 noise^2 is taken off the distances.

    Args:
        image, noise: see the module.
        sigma: bandwidth in noises.
        tau, steps, radius, patch_side: see `patch_graph.denoise`.

    Used in week 6.
    """
    image = _checked(image, noise, sigma=sigma)
    return denoise(image, sigma * noise, tau, steps, radius, patch_side, noise)


@dataclass(frozen=True, eq=False)
class Tuning:
    """What `tune` found.

    settings: the best ones, a dict for the method's keywords.
    psnr: their mean PSNR over the photos, dB.
    scores: that of all settings, one axis for each parameter of the grid.
    at_edge: parameters whose best value is the first or last of several;
        beyond it might be a better one, so widen the grid.
    """

    settings: dict
    psnr: float
    scores: np.ndarray
    at_edge: tuple


def tune(method, grid, clean_images, noise, seed):
    """Try all settings of a grid; return the best by mean PSNR.

    Args:
        method: one of this module, or called alike.
        grid: dict from parameter to its values in order, as in `GRIDS`;
            an empty one for a method that has none.
        clean_images: `(n, height, width, 3)` floats, 0 to 1: photos that
            neither train nor test anything.
        noise: see the module.
        seed: of the noise, a whole number; each photo gets its own, and
            every setting the same.

    Returns:
        `Tuning`. Of settings that are equally good, the first.

    Raises:
        TypeError, ValueError: no such photos, a bad noise, a parameter
            without values; or what the method raises.

    Used in week 6.
    """
    photos = checked_photos(clean_images)
    check_noise(noise)
    for name, values in grid.items():
        if len(values) == 0:
            raise ValueError(f"the grid has no value of {name} to try")
    pairs = list(zip(noisy_copies(photos, noise, seed), photos, strict=True))
    points = [
        dict(zip(grid, point, strict=True))
        for point in product(*grid.values())
    ]
    scores = [
        np.mean([psnr(method(x, noise, **point), y) for x, y in pairs])
        for point in track(points, "tuning")
    ]
    best = points[np.argmax(scores)]
    shape = [len(values) for values in grid.values()]
    return Tuning(
        best, max(scores), np.reshape(scores, shape), _at_edge(best, grid)
    )


def _at_edge(best, grid):
    return tuple(
        name
        for name, values in grid.items()
        if len(values) > 1 and best[name] in (values[0], values[-1])
    )


def _checked(image, noise, **settings):
    """Return the image as float64 if all can be used."""
    image = checked_image(image)
    if image.shape[2] != 3:
        raise ValueError(
            f"these denoisers take colour images, got shape {image.shape}: "
            "repeat the channel of a grey one"
        )
    check_noise(noise)
    check_positive("noise", noise)
    for name, value in settings.items():
        check_positive(name, value)
    return image
