"""The longer runs of week 6, and denoisers with the settings they found.

Used in week 6.
"""

import functools
import json

import numpy as np

from course_utils import denoisers, mixture_prior
from course_utils import week6_printed as printed
from course_utils.bundled import bundled
from course_utils.graph_curves import convergence
from course_utils.graph_networks import SHIPPED, shipped_net
from course_utils.graph_training import denoised
from course_utils.patch_graph import denoise
from course_utils.week6_controller import RADIUS
from course_utils.week6_printed import HEADS
from course_utils.week6_trial import RULES

METHODS = {
    "Gaussian": "gaussian",
    "total variation": "total_variation",
    "bilateral": "bilateral",
    "non-local means": "non_local_means",
    "patch graph": "patch_graph_denoise",
}


def runs():
    """Return the longer runs of week 6, a dict of arrays.

    levels: noises of the nets, of 255; tuned: those of settings and trials.
    settings_settings, settings_psnr: for each method of `denoisers.GRIDS`
    and each level, in this order: the best settings as JSON, and their PSNR
    on crops of training photos. nets: names; with "nets_" before it, one row a
    seed and net, seeds first: psnr `(runs, levels, photos)`; watched
    `(runs, looks)`, on validation photos; losses; minutes; and of the net
    "four heads added", one row a seed: weights `(levels, photos, heads)`,
    along `(looks, heads)`, without `(heads, levels, photos)`, PSNR with one
    head silenced. With "trials_" before it, one row for each level, start,
    rule and batch, in this order: see `week6_trial.trial`.

    Raises:
        FileNotFoundError: the bundled file is missing.
    """
    with np.load(bundled("week6_runs.npz")) as stored:
        return dict(stored)


def by_net(runs, key):
    """Return one array of the nets as a dict from net to one row a seed."""
    names, rows = list(runs["nets"]), runs[f"nets_{key}"]
    rows = rows.reshape(-1, len(names), *rows.shape[1:])
    return {str(name): rows[:, i] for i, name in enumerate(names)}


def settings(runs, method, level):
    """Return the settings tuned for a method of `denoisers` at a level.

    Args:
        runs: from `runs`.
        method: its name.
        level: noise of 255; the tuned level next to it counts.

    Raises:
        KeyError: a method that was not tuned.
    """
    methods = list(denoisers.GRIDS)
    if method not in methods:
        raise KeyError(f"{method!r} was not tuned: {', '.join(methods)}")
    tuned = runs["tuned"]
    nearest = int(np.argmin(np.abs(tuned - level)))
    place = methods.index(method) * len(tuned) + nearest
    return json.loads(str(runs["settings_settings"][place]))


def tuned(runs, method):
    """Return a method of `denoisers` as a function of image and noise.

    It uses the settings of the tuned level next to the noise.
    """
    run = getattr(denoisers, method)
    best = functools.partial(settings, runs, method)
    return lambda image, noise: run(image, noise, **best(255 * noise))


def trials(runs, key):
    """Return one array of the trials by `(levels, starts, rules, batches)`.

    Starts are (0.3, 0.1), the source's, and (0.05, 0.05); rules those of
    `week6_trial.RULES`; batches all crops at once, and 8 at a time. After
    these come the axes of `week6_trial.trial`.
    """
    values = runs[f"trials_{key}"]
    shape = len(runs["tuned"]), 2, len(RULES), 2
    return values.reshape(*shape, *values.shape[1:])


def print_trials(runs):
    """Print the PSNR at the end of every trial, means over the photos."""
    end = trials(runs, "psnr")[..., -1, :].mean(axis=-1)
    print("start                    (0.3, 0.1)       (0.05, 0.05)")
    print("crops an update          all      8        all      8")
    for level, by_start in zip(runs["tuned"], end, strict=True):
        for r, rule in enumerate(RULES):
            cells = "    ".join(
                "".join(f"{value:7.2f}" for value in row[r])
                for row in by_start
            )
            print(f"noise {level}, {rule:11}{cells}")


def print_nets(runs):
    """Print the PSNR of every net at every level, and their mean."""
    levels = "".join(f"{level:7d}" for level in runs["levels"])
    print(f"{'noise of 255':18}{levels}   mean")
    for name, values in by_net(runs, "psnr").items():
        row = values.mean(axis=(0, 2))
        cells = "".join(f"{value:7.2f}" for value in (*row, row.mean()))
        print(f"{name:18}{cells}")


def methods(runs, prior):
    """Return the rungs of the ladder: dict from name to denoiser.

    Args:
        runs: from `runs`.
        prior: a `Mixture` of clean patches.

    Raises:
        FileNotFoundError, ValueError: see `graph_networks.shipped_net`.
    """
    rungs = {"noisy": denoisers.noisy}
    for words, name in METHODS.items():
        rungs[words] = tuned(runs, name)
    rungs["source's defaults"] = source_defaults
    for name in SHIPPED:
        net, _ = shipped_net(name)
        rungs[f"learned, {name}"] = functools.partial(_blind, net)
    rungs["mixture prior"] = lambda image, noise: mixture_prior.denoise(
        image, prior, noise
    )
    return rungs


def source_defaults(image, _):
    """Smooth with the source tutorial's parameters, whatever the noise."""
    sigma, tau, steps = printed.DEFAULTS.values()
    return denoise(image, sigma, tau, steps, RADIUS)


def _blind(net, image, _):
    return denoised(net, image)


def silenced(runs):
    """Return and print what the PSNR loses without each head, dB.

    Returns:
        `(4, levels)`, means over seeds and photos. The rest of the network
        stays as it was trained.
    """
    whole = by_net(runs, "psnr")["four heads added"].mean(axis=2)
    lost = whole - runs["nets_without"].mean(axis=3).swapaxes(0, 1)
    lost = lost.mean(axis=1)
    print(f"{'PSNR lost, noise':18}", *(f"{x:6d}" for x in runs["levels"]))
    for head, row in zip(HEADS, lost, strict=True):
        print(f"without {head:10}", *(f"{value:6.2f}" for value in row))
    return lost


def weight_groups(runs, kinds):
    """Return heads' weights by noise and by kind of photo.

    Args:
        runs: from `runs`.
        kinds: `(photos,)` texts, of the test photos.

    Returns:
        dict from group to `(photos, 4)`, rows divided by their sums; kinds
        at noise 25.
    """
    weights = runs["nets_weights"].mean(axis=0)  # (levels, photos, heads)
    shares = weights / weights.sum(axis=2, keepdims=True)
    levels = list(runs["levels"])
    groups = {
        f"noise {level}": row
        for level, row in zip(levels, shares, strict=True)
    }
    at25 = shares[levels.index(25)]
    names = sorted(set(map(str, kinds)))
    return groups | {kind: at25[kinds == kind] for kind in names}


def explained(runs, kinds):
    """Return what moves the heads' weights: noise, or the kind of photo.

    Shares of the variance of log weights over levels and photos, as in an
    analysis of variance.

    Args:
        runs, kinds: as for `weight_groups`.

    Returns:
        `(by_level, by_kind)`, `(4,)` each, 0 to 1.
    """
    logs = np.log(runs["nets_weights"].mean(axis=0))
    total = logs.var(axis=(0, 1))
    by_level = logs.mean(axis=1).var(axis=0)
    of_photos = logs.mean(axis=0)
    by_kind = np.stack([of_photos[kinds == k].mean(axis=0) for k in kinds])
    return by_level / total, by_kind.var(axis=0) / total


def walks(runs, level, start):
    """Draw the PSNR along the trials with all crops an update.

    Args:
        runs: from `runs`.
        level: noise of 255, one of runs["tuned"].
        start: 0 for the source's (0.3, 0.1), 1 for (0.05, 0.05).

    Returns:
        A figure: the median over photos and their range.
    """
    place = list(runs["tuned"]).index(level)
    by_rule = trials(runs, "psnr")[
        place, start, :, 0
    ]  # (rules, looks, photos)
    return convergence(
        {rule: row.T for rule, row in zip(RULES, by_rule, strict=True)},
        runs["trials_scored"][0],
    )
