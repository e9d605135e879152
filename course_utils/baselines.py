"""Maps that know nothing of the image's objects: what a map must beat."""

import numpy as np


def centre_prior(rows, cols, *, spread=0.2):
    """Return a map that always points at the middle: the first baseline.

    Args:
        rows, cols: size of the map, at least 1.
        spread: standard deviation of the bell, as a share of each side;
            0.2 does best on the validation scenes of week 3.

    Returns:
        `(rows, cols)`, above 0, sum 1, largest in the middle, mirrored
        exactly: where the middle lies between entries, they tie.

    Raises:
        ValueError: a size below 1, or a spread that is not above 0.

    Used in week 3. Tatler, "The central fixation bias in scene viewing"
    (2007), on how well such a map does where photographers aim.
    """
    if min(rows, cols) < 1 or not spread > 0:
        raise ValueError(
            "rows and cols must be at least 1 and spread above 0; got "
            f"{rows}, {cols} and {spread}"
        )
    down, across = (
        np.exp(-0.5 * (np.arange(1 - n, n, 2) / (2 * n * spread)) ** 2)
        for n in (rows, cols)
    )
    prior = np.outer(down, across)
    return prior / prior.sum()


def colour_contrast(image, grid):
    """Return how far each patch's colour is from the image's.

    Saliency without learning: the second baseline.

    Args:
        image: `(..., height, width, 3)` uint8, one image or several.
        grid: (rows, cols); height a multiple of rows, width of cols.

    Returns:
        `(..., rows, cols)`, distance 0 or more between the mean colour of
        the patch and of the image, in units of CIE Lab.

    Raises:
        TypeError: the image is not uint8.
        ValueError: no colour image, or a grid that does not fit.

    Used in week 3. Achanta et al., "Frequency-tuned Salient Region
    Detection" (2009), with the patch's mean in place of their blur.
    """
    from skimage.color import rgb2lab

    image = np.asarray(image)
    if image.dtype != np.uint8:
        raise TypeError(f"the image must be uint8, got {image.dtype}")
    rows, cols = grid
    fits = image.ndim >= 3 and image.shape[-1] == 3 and image.size
    fits = fits and min(grid) >= 1
    if not fits or image.shape[-3] % rows or image.shape[-2] % cols:
        raise ValueError(
            f"a grid of {rows} x {cols} patches does not fit an image of "
            f"shape {image.shape}: expected (..., height, width, 3), height "
            f"a multiple of {rows} and width of {cols}"
        )
    lab = rgb2lab(image)
    *batch, height, width, _ = image.shape
    patches = lab.reshape(
        *batch, rows, height // rows, cols, width // cols, 3
    ).mean(axis=(-4, -2))  # (..., rows, cols, 3)
    mean = patches.mean(axis=(-3, -2), keepdims=True)
    return np.linalg.norm(patches - mean, axis=-1)
