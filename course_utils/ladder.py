"""Denoisers side by side: the same photos, the same noise, one ladder.

    ladder = run_ladder({"noisy": noisy, "mine": my_method}, photos,
                        noises=(15 / 255, 25 / 255, 50 / 255), seed=0)
    print_ladder(ladder)
    gain = bootstrap_interval(lead(ladder, "mine", "noisy", 25 / 255))

Photos are floats `(n, height, width, 3)`, 0 to 1; noises are standard
deviations on that scale. Estimates are clipped to 0 to 1 before they are
scored. Used in week 6.
"""

import time
from dataclasses import dataclass

import numpy as np

from course_utils.metrics import bootstrap_interval
from course_utils.noise import add_noise, check_noise, checked_image
from course_utils.progress_bar import ProgressBar

LEAST_SIDE = 7  # pixels, of SSIM's window
MARKERS = ("o", "s", "^", "D", "v", "P")  # of noises in a figure
SPREAD = 0.15  # rows between the markers of two noises


@dataclass(frozen=True, eq=False)
class Ladder:
    """What `run_ladder` measured.

    methods: their names, m of them.
    noises: k standard deviations, 0 to 1.
    psnr: `(m, k, photos)`, dB.
    ssim: `(m, k, photos)`, at most 1.
    seconds: `(m, k)`, median over the photos.
    """

    methods: tuple
    noises: tuple
    psnr: np.ndarray
    ssim: np.ndarray
    seconds: np.ndarray


def run_ladder(methods, photos, noises, seed):
    """Let every method denoise every photo at every noise, and score it.

    Each photo gets its own noise, the same for all methods and, but for
    its strength, at all levels: differences of two methods are paired.

    Args:
        methods: dict from name to a function of a noisy image and the
            noise that returns an image of the same shape.
        photos, noises: see the module.
        seed: of the noise, a whole number, 0 or more.

    Returns:
        `Ladder`.

    Raises:
        TypeError, ValueError: no method, photos or noises of use; see
            `checked_photos` and `noise.check_noise`.
        RuntimeError: a method failed, or returned something else than an
            image of that shape; names method, photo and noise.

    Used in week 6.
    """
    photos, noises = checked_photos(photos), tuple(noises)
    if not methods or not noises:
        raise ValueError("a ladder needs a method and a noise, or more")
    for noise in noises:
        check_noise(noise)
    found = np.empty((3, len(methods), len(noises), len(photos)))
    with ProgressBar("denoising", found[0].size) as bar:
        for k, noise in enumerate(noises):
            copies = noisy_copies(photos, noise, seed)
            for m, (name, method) in enumerate(methods.items()):
                for i, photo in enumerate(photos):
                    where = f"{name!r}, photo {i}, noise {level(noise)}"
                    found[:, m, k, i] = _run(
                        method, copies[i], noise, photo, where
                    )
                    bar.update(note=name)
    seconds = np.median(found[2], axis=-1)
    return Ladder(tuple(methods), noises, found[0], found[1], seconds)


def _run(method, image, noise, photo, where):
    """Return PSNR, SSIM and seconds of one method on one photo."""
    start = time.perf_counter()
    try:
        estimate = np.asarray(method(image.copy(), noise))
    except Exception as error:
        raise RuntimeError(f"{where}: {error}") from error
    seconds = time.perf_counter() - start
    if estimate.shape != photo.shape:
        raise RuntimeError(
            f"{where}: the estimate has shape {estimate.shape}, the photo "
            f"{photo.shape}"
        )
    if not np.isfinite(estimate).all():
        raise RuntimeError(f"{where}: the estimate holds NaN or infinity")
    return psnr(estimate, photo), ssim(estimate, photo), seconds


def print_ladder(ladder, seconds=True):
    """Print PSNR in dB and SSIM of every method, means over the photos.

    Args:
        ladder: what `run_ladder` returned.
        seconds: also print the median time of a photo. Without it the
            table is the same on every run.

    Used in week 6.
    """
    names = max(len("noise of 255"), *map(len, ladder.methods))
    head = "   PSNR   SSIM" + ("  seconds" if seconds else "")
    levels = [level(noise).center(len(head)) for noise in ladder.noises]
    lines = ["noise of 255".ljust(names) + "".join(levels)]
    lines.append(" " * names + head * len(levels))
    for m, name in enumerate(ladder.methods):
        cells = [_cell(ladder, m, k, seconds) for k in range(len(levels))]
        lines.append(name.ljust(names) + "".join(cells))
    print("\n".join(line.rstrip() for line in lines))


def _cell(ladder, m, k, seconds):
    scores = f"{ladder.psnr[m, k].mean():7.2f}{ladder.ssim[m, k].mean():7.3f}"
    return scores + (f"{ladder.seconds[m, k]:9.3f}" if seconds else "")


def lead(ladder, method, over, noise):
    """Return by how much one method beats another, photo by photo.

    Args:
        ladder: what `run_ladder` returned.
        method, over: names of two methods.
        noise: one of the ladder's.

    Returns:
        `(photos,)` differences of PSNR in dB, above 0 where `method` is
        better; for `metrics.bootstrap_interval`.

    Raises:
        ValueError: a method or noise that the ladder does not have.

    Used in week 6.
    """
    k = _position("noise", noise, ladder.noises)
    better, worse = (
        ladder.psnr[_position("method", name, ladder.methods), k]
        for name in (method, over)
    )
    return better - worse


def ladder_figure(ladder, over="noisy"):
    """Draw by how much each method beats another, at every noise.

    Dots are means over the photos, bars 95% bootstrap intervals of the
    paired differences: other photos would give other means.

    Args:
        ladder: what `run_ladder` returned, of 2 or more photos and at
            most 6 noises.
        over: the method to compare with; it has no row of its own.

    Returns:
        A figure: one row a method, one marker a noise.

    Raises:
        ValueError: `over` is unknown or the only method; too few photos
            or too many noises.

    Used in week 6.
    """
    import matplotlib.pyplot as plt

    names = [name for name in ladder.methods if name != over]
    _check_drawable(ladder, names, over)
    gains = [
        [bootstrap_interval(lead(ladder, name, over, s)) for name in names]
        for s in ladder.noises
    ]
    size = (7, 1 + 0.45 * len(names))
    fig, ax = plt.subplots(figsize=size, layout="constrained")
    ax.axvline(0, color="0.4", lw=1)
    for k, noise in enumerate(ladder.noises):
        beside = SPREAD * (k - (len(ladder.noises) - 1) / 2)
        _draw_gains(ax, gains[k], beside, MARKERS[k], f"noise {level(noise)}")
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set_xlabel(f"PSNR over {over} (dB), mean and 95% interval")
    fig.legend(loc="outside right upper", frameon=False)
    return fig


def _draw_gains(ax, gains, beside, marker, label):
    """Draw the dots and intervals of one noise, a bit beside the rows."""
    means, low, high = np.transpose(gains)
    rows = np.arange(len(gains)) + beside
    ends = (means - low, high - means)
    ax.errorbar(means, rows, xerr=ends, fmt=marker, capsize=2, label=label)


def psnr(estimate, clean):
    """Return the peak signal-to-noise ratio of a clipped estimate, dB.

    Both `(height, width, 3)`. Used in week 6.
    """
    from course_utils import sr_scores

    return float(sr_scores.psnr(_picture(estimate), _picture(clean))[0])


def ssim(estimate, clean):
    """Return the structural similarity of a clipped estimate, at most 1.

    Both `(height, width, 3)`, 7 or more pixels a side. Used in week 6.
    """
    from course_utils import sr_scores

    return float(sr_scores.ssim(_picture(estimate), _picture(clean))[0])


def level(noise):
    """Return a noise as the papers write it: "25" for 25 / 255."""
    return f"{255 * noise:g}"


def noisy_copies(photos, noise, seed):
    """Return photos with noise, `(n, height, width, 3)`, not clipped.

    Each has its own, which depends on seed and its place alone: the same
    for every method, and but for its strength at every level.
    """
    return np.stack(
        [add_noise(photo, noise, [seed, i]) for i, photo in enumerate(photos)]
    )


def checked_photos(photos):
    """Return clean photos as one float64 array, or say what is wrong.

    Args:
        photos: expected `(n, height, width, 3)` floats, 0 to 1, n of 1 or
            more, 7 or more pixels a side; or a list of such photos.

    Raises:
        TypeError, ValueError: something else, or photos of several sizes.
    """
    if len(photos) == 0:
        raise ValueError("there is no photo")
    shapes = sorted({np.shape(photo) for photo in photos})
    if len(shapes) > 1 or len(shapes[0]) != 3 or shapes[0][2] != 3:
        raise ValueError(
            "photos are of one size, (n, height, width, 3), got photos of "
            f"{', '.join(map(str, shapes))}"
        )
    photos = np.stack([checked_image(photo, LEAST_SIDE) for photo in photos])
    if photos.min() < 0 or photos.max() > 1:
        raise ValueError(
            f"clean photos go from 0 to 1, got {photos.min():g} to "
            f"{photos.max():g}: give them before the noise"
        )
    return photos


def _picture(image):
    """Return one image as `sr_scores` takes it, clipped."""
    import torch

    clipped = np.clip(np.asarray(image, dtype=np.float64), 0, 1)
    return torch.from_numpy(clipped.transpose(2, 0, 1)[None])


def _check_drawable(ladder, names, over):
    if over not in ladder.methods or not names:
        raise ValueError(
            f"the ladder has {', '.join(map(repr, ladder.methods))}: "
            f"{over!r} and at least one more are needed"
        )
    if len(ladder.noises) > len(MARKERS):
        raise ValueError(
            f"there are markers for {len(MARKERS)} noises, got "
            f"{len(ladder.noises)}"
        )


def _position(kind, wanted, known):
    if wanted not in known:
        raise ValueError(
            f"the ladder has no {kind} {wanted!r}: choose one of "
            f"{', '.join(map(repr, known))}"
        )
    return known.index(wanted)
