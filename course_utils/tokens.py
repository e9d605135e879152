"""From an image to tokens: patches, and codes that say where each one was.

Taught in week 1, used in every later week.
"""

import numpy as np


def sinusoidal_1d(num_positions, width, base=10000.0):
    """Write each position as sines and cosines of many wavelengths.

    Channel 2i holds ``sin(position / base**(2i / width))`` and channel
    2i + 1 the cosine of the same angle, so wavelengths grow from 2 pi to
    almost ``2 pi base``.

    Args:
        num_positions: how many positions, >= 0.
        width: channels; positive and even (sine and cosine come in pairs).
        base: how far the wavelengths stretch; > 1.

    Returns:
        ``(num_positions, width)`` floats in [-1, 1].

    Raises:
        ValueError: odd or non-positive width, negative num_positions, or
            base not above 1.

    Taught in week 1. Vaswani et al. (2017), section 3.5.
    """
    if width < 2 or width % 2:
        raise ValueError(f"width must be even and positive, got {width}")
    if num_positions < 0:
        raise ValueError(f"num_positions must be >= 0, got {num_positions}")
    if not base > 1:
        raise ValueError(f"base must be above 1, got {base}")
    positions = np.arange(num_positions)[:, None]  # (positions, 1)
    even = np.arange(0, width, 2)  # 2i of the formula: 0, 2, 4, ...
    angles = positions / base ** (even / width)  # (positions, width / 2)
    codes = np.empty((num_positions, width))
    codes[:, 0::2] = np.sin(angles)
    codes[:, 1::2] = np.cos(angles)
    return codes


def sinusoidal_2d(rows, cols, width, base=10000.0):
    """Code a grid: half the channels for the row, half for the column.

    Args:
        rows, cols: size of the grid, in patches.
        width: channels; a positive multiple of 4.
        base: see `sinusoidal_1d`.

    Returns:
        ``(rows * cols, width)`` in reading order, as `patchify` gives.

    Raises:
        ValueError: width is not a positive multiple of 4, or a negative
            grid size.

    Taught in week 1. The fixed code of Chen, Xie and He, "An Empirical
    Study of Training Self-Supervised Vision Transformers" (2021).
    """
    if width < 4 or width % 4:
        raise ValueError(f"width must be a multiple of 4, got {width}")
    by_row = sinusoidal_1d(rows, width // 2, base)
    by_col = sinusoidal_1d(cols, width // 2, base)
    return np.concatenate(
        [np.repeat(by_row, cols, axis=0), np.tile(by_col, (rows, 1))], axis=1
    )


def patchify(image, patch_size):
    """Cut an image into square patches, in reading order, and flatten them.

    Args:
        image: ``(height, width)`` or ``(height, width, channels)``.
        patch_size: side of a patch in pixels. A border that does not fill
            a patch is dropped at the bottom and on the right.

    Returns:
        ``(rows * cols, patch_size * patch_size * channels)`` of the dtype
        of the image, with rows = height // patch_size.

    Raises:
        ValueError: not an image shape, or no patch fits.

    Taught in week 1. Dosovitskiy et al., "An Image is Worth 16x16 Words"
    (2021), section 3.1.
    """
    image = np.asarray(image)
    if image.ndim not in (2, 3):
        raise ValueError(
            "image needs shape (height, width) or (height, width, channels), "
            f"got {image.shape}"
        )
    if not isinstance(patch_size, (int, np.integer)) or patch_size < 1:
        raise ValueError(f"patch_size must be an int >= 1, got {patch_size}")
    rows, cols = image.shape[0] // patch_size, image.shape[1] // patch_size
    if rows == 0 or cols == 0:
        raise ValueError(
            f"no {patch_size} x {patch_size} patch fits into an image of "
            f"{image.shape[0]} x {image.shape[1]} pixels"
        )
    kept = image[: rows * patch_size, : cols * patch_size]
    # (rows, patch_size, cols, patch_size, channels)
    blocks = kept.reshape(rows, patch_size, cols, patch_size, -1)
    return blocks.swapaxes(1, 2).reshape(rows * cols, -1)
