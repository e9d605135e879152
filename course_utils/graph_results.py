"""The longer runs of week 6, and denoisers with the settings they found.

Used in week 6.
"""

import functools
import json

import numpy as np

from course_utils import denoisers
from course_utils.bundled import bundled


def runs():
    """Return the longer runs of week 6, a dict of arrays.

    levels: noises of the nets, of 255; tuned: those of settings and trials.
    settings_settings, settings_psnr: for each method of `denoisers.GRIDS`
    and each level, in this order: the best settings as JSON, and their PSNR
    on validation photos. nets: names; with "nets_" before it, one row a
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
