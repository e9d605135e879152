"""How good is a super-resolved picture? Five answers that disagree.

Pictures are tensors `(batch, 3, height, width)`, 0 to 1, on any device.
Scores come one for each picture, so that `metrics.bootstrap_interval` can
say how far to trust their mean. Used in week 4.

All raise TypeError for what is not a tensor of floats, and ValueError for
grey or no pictures, NaN, or pictures and truth of different shapes.
"""

import numpy as np
import torch
from torch.nn import functional as F

from course_utils.diffusion_inputs import check_whole
from course_utils.metrics import bootstrap_interval
from course_utils.sr_inputs import check_alike, check_kind
from course_utils.super_resolution import reduce

NAMES = ("PSNR", "SSIM", "sharpness", "consistency")
MOST_DB = 100.0  # of equal pictures: their PSNR would be infinite
PATCH = 7  # pixels, of what `patch_distance` and SSIM's window compare


def psnr(pictures, truth):
    """Return the peak signal-to-noise ratio in dB, `(batch,)`.

    10 log10(1 / mean squared error): 3 dB more is half the error. Equal
    pictures get 100, the most.
    """
    pictures, truth = _pair(pictures, truth)
    error = (pictures - truth).square().mean(dim=(1, 2, 3)).double()
    return (-10 * error.clamp_min(10 ** (-MOST_DB / 10)).log10()).numpy()


def ssim(pictures, truth):
    """Return the structural similarity, `(batch,)`, at most 1.

    scikit-image's, with its standard window of 7 pixels. Wang et al.,
    "Image Quality Assessment" (2004).

    Raises:
        ValueError: pictures smaller than the window; see above.
    """
    from skimage.metrics import structural_similarity

    pictures, truth = _pair(pictures, truth)
    _check_side(pictures, PATCH)
    options = {"channel_axis": 0, "data_range": 1}
    pairs = zip(pictures.numpy(), truth.numpy(), strict=True)
    return np.array([structural_similarity(*p, **options) for p in pairs])


def gradient_energy(pictures):
    """Return the mean squared difference of neighbours, `(batch,)`.

    Raises:
        ValueError: a side of one pixel, which has no neighbour; see above.
    """
    pictures = _checked(pictures)
    _check_side(pictures, 2)
    across = pictures.diff(dim=3).square().mean(dim=(1, 2, 3))
    down = pictures.diff(dim=2).square().mean(dim=(1, 2, 3))
    return (across + down).numpy()


def sharpness(pictures, truth):
    """Return the gradient energy as a share of the true one's mean.

    `(batch,)`; its mean is 1 for pictures as sharp as real ones.

    Raises:
        ValueError: true pictures that are flat; see `gradient_energy`.
    """
    pictures, truth = _pair(pictures, truth)
    real = gradient_energy(truth).mean()
    if not real > 0:
        raise ValueError(
            "the true pictures are flat, each of one colour: no sharpness "
            "can be a share of theirs"
        )
    return gradient_energy(pictures) / real


def consistency(pictures, truth):
    """Return how well the coarse pictures agree, in dB, `(batch,)`.

    Raises TypeError or ValueError as `super_resolution.reduce` does.
    """
    pictures, truth = _pair(pictures, truth)
    return psnr(reduce(pictures), reduce(truth))


def scores(pictures, truth):
    """Return the scores of `NAMES`, a dict of `(batch,)` arrays."""
    functions = (psnr, ssim, sharpness, consistency)
    named = zip(NAMES, functions, strict=True)
    return {name: score(pictures, truth) for name, score in named}


def patch_distance(pictures, truth, directions=200, seed=0):
    """Return how unlike real patches the patches of pictures are.

    Sliced Wasserstein distance of all 7x7 patches, each less its mean:
    along random directions, the mean difference of sorted numbers. It does
    not ask whether a picture is the right one, only whether such patches
    occur as often in real ones. Rabin et al., "Wasserstein Barycenter and
    its Application to Texture Mixing" (2011).

    Args:
        pictures, truth: `(batch, 3, height, width)`, of equal shapes; they
            may show different scenes.
        directions: number of directions.
        seed: of the directions.

    Returns:
        A float, 0 for the same patches; in units of pixel values times 100.

    Raises:
        TypeError: directions or seed not whole; see above.
        ValueError: no direction, a negative seed, or pictures smaller than
            a patch; see above.
    """
    check_whole("directions", directions, 1)
    check_whole("seed", seed, 0)
    pictures, truth = _pair(pictures, truth)
    _check_side(pictures, PATCH)
    generator = torch.Generator().manual_seed(seed)
    across = torch.randn(3 * PATCH**2, directions, generator=generator)
    across = F.normalize(across, dim=0)
    sides = [_along(part, across) for part in (pictures, truth)]
    return 100 * (sides[0] - sides[1]).abs().mean().item()


def _along(pictures, directions):
    patches = F.unfold(pictures, PATCH, stride=3)  # (batch, 147, places)
    patches = patches.transpose(1, 2).reshape(-1, directions.shape[0])
    patches = patches - patches.mean(dim=1, keepdim=True)
    return (patches @ directions).sort(dim=0).values


def steps_to(losses, level, window=50):
    """Return the first step at which the running mean reaches a level.

    Args:
        losses: `(steps,)`, finite numbers.
        level: the loss to come down to.
        window: steps that the mean is taken over, at most all.

    Returns:
        Number of steps done; infinity if it is never reached.

    Raises:
        TypeError: a window that is not whole.
        ValueError: losses or a level that are no finite numbers, a window
            longer than the losses.
    """
    check_whole("window", window, 1)
    losses = np.asarray(losses, dtype=float)
    if losses.ndim != 1 or not np.isfinite([*losses, level]).all():
        raise ValueError(
            "losses must be finite numbers in one row, and level one, got "
            f"shape {losses.shape} and {level}"
        )
    if window > len(losses):
        raise ValueError(
            f"the window is {window} steps, but there are only {len(losses)}"
        )
    smooth = np.convolve(losses, np.ones(window) / window, "valid")
    low = np.flatnonzero(smooth <= level)
    return int(low[0]) + window if len(low) else float("inf")


def print_scores(table):
    """Print a table of scores with 95% intervals over pictures.

    Args:
        table: dict from method to what `scores` returned, for 2 or more
            pictures.

    Raises:
        KeyError: a score of `NAMES` is missing.
        ValueError: scores of one picture alone, or NaN.
    """
    lines = [f"{'':18}" + "".join(f"{name:>22}" for name in NAMES)]
    for method, found in table.items():
        cells = [_cell(found[name]) for name in NAMES]
        lines.append(f"{method:18}" + "".join(f"{c:>22}" for c in cells))
    print("\n".join(lines))


def _cell(values):
    mean, low, high = bootstrap_interval(values)
    digits = 2 if abs(mean) < 10 else 1
    return f"{mean:.2f} [{low:.{digits}f}, {high:.{digits}f}]"


def _pair(pictures, truth):
    """Return both on the CPU in float32, without gradients, or raise."""
    pictures, truth = _checked(pictures), _checked(truth)
    check_alike(pictures, truth)
    return pictures, truth


def _checked(pictures):
    check_kind(pictures)
    pictures = pictures.detach().cpu().float()
    if not pictures.isfinite().all():
        raise ValueError("pictures hold NaN or infinite values")
    return pictures


def _check_side(pictures, least):
    height, width = pictures.shape[2:]
    if min(height, width) < least:
        raise ValueError(
            f"pictures of {height}x{width} are too small: this score needs "
            f"{least} or more pixels a side"
        )
