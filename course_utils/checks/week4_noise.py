"""Checks of week 4: into the noise, and what a prediction stands for."""

import numpy as np

from course_utils.checks.engine import exercise, expect
from course_utils.checks.properties import expect_shape, same

BATCH_OF_PICTURES = "(batch, 3, height, width)"


def draw(*shapes):
    """Return standard normal arrays, all different, the same every time."""
    rng = np.random.default_rng(7)
    return [rng.normal(size=shape) for shape in shapes]


@exercise(week=4, title="From a clean picture to step t at once")
def add_noise(attempt):
    """Judge `my_add_noise(x0, noise, t, alpha_bars)`."""
    bars = np.array([0.9, 0.7, 0.35, 0.05])
    _expect_a_factor_per_picture(attempt, bars)
    x0, noise = draw((2, 3, 5, 7), (2, 3, 5, 7))
    t = np.array([3, 1])
    out = attempt(x0, noise, t, bars)
    expect_shape(out, x0.shape, BATCH_OF_PICTURES)
    expect(
        same(out, attempt(x0, noise, t, bars)),
        "Two calls with the same arguments differ: use the noise that is "
        "handed in, do not draw your own.",
    )
    for hint, answer in _wronglynoised(x0, noise, t, bars).items():
        expect(not same(out, answer), hint)
    expect(
        same(out, noised(x0, noise, bars[t])),
        "Right shape, wrong numbers. If x0 and the noise have variance 1, so "
        "has x_t: what must the squares of the two factors sum to?",
    )


def _expect_a_factor_per_picture(attempt, bars):
    """Sizes for which a forgotten reshape goes unnoticed."""
    x0, noise = draw((7, 3, 5, 7), (7, 3, 5, 7))
    t = np.array([0, 1, 2, 3, 2, 1, 0])
    root, rest = np.sqrt(bars[t]), np.sqrt(1 - bars[t])
    out = attempt(x0, noise, t, bars)
    expect(
        not same(out, root * x0 + rest * noise),
        "With as many pictures as columns of pixels this runs, but each "
        "column has a step of its own, not each picture. In front of which "
        "axes do the factors belong?",
    )


def noised(x0, noise, bars):
    """Return x_t; bars: alpha_bar of each picture, or one for all."""
    bars = np.reshape(bars, (-1, 1, 1, 1))
    return np.sqrt(bars) * x0 + np.sqrt(1 - bars) * noise


def _wronglynoised(x0, noise, t, bars):
    bar = bars[t][:, None, None, None]
    root, rest = np.sqrt(bar), np.sqrt(1 - bar)
    before = np.sqrt(1 - bars[t - 1])
    return {
        "alpha_bar and 1 - alpha_bar are variances, the factors are not.": bar
        * x0
        + (1 - bar) * noise,
        "The factor of the noise is still a variance.": (
            root * x0 + (1 - bar) * noise
        ),
        "The factor of the picture is still a variance.": (
            bar * x0 + rest * noise
        ),
        "The factors sum to 1; variances should. 1 minus a root is not the "
        "root of 1 minus something.": root * x0 + (1 - root) * noise,
        "Every picture gets the step of the first: t has one for each.": (
            noised(x0, noise, bars[t[0]])
        ),
        "Picture and noise are exchanged: at step 0 hardly any noise should "
        "be there.": noised(noise, x0, bars[t]),
        "The picture does not fade while noise is added: x_t has more "
        "variance than x0.": x0 + rest * noise,
        "You multiply up what is multiplied up already: alpha_bars are not "
        "alphas.": noised(x0, noise, np.cumprod(bars)[t]),
        "You treat alpha_bars as betas: they are what is left of the "
        "picture.": noised(x0, noise, np.cumprod(1 - bars)[t]),
        "You are one step off: t counts from 0, and at step 0 there is some "
        "noise already.": noised(x0, noise, bars[t - 1]),
        "The factors belong to different steps.": (
            root * x0 + before[:, None, None, None] * noise
        ),
        "The picture fades, but no noise comes.": root * x0,
        "The noise is subtracted. That is as good in distribution; the rest "
        "of the lesson adds it.": root * x0 - rest * noise,
    }


@exercise(week=4, title="The clean picture that a v stands for")
def clean_from_v(attempt):
    """Judge `my_clean(v, x_t, alpha_bar)`."""
    x0, noise = draw((2, 3, 5, 7), (2, 3, 5, 7))
    bar = np.array([0.8, 0.1]).reshape(2, 1, 1, 1)
    root, rest = np.sqrt(bar), np.sqrt(1 - bar)
    v, x_t = root * noise - rest * x0, noised(x0, noise, bar)
    out = attempt(v, x_t, bar)
    expect_shape(out, x0.shape, BATCH_OF_PICTURES)
    wrong = {
        "This is the noise. Eliminate the other unknown.": noise,
        "A sign is wrong: put x_t and v into your result, and see what is "
        "left of the noise.": root * x_t + rest * v,
        "This is minus the clean picture.": -x0,
        "This would be right if the network predicted the noise; here it "
        "predicts v.": (x_t - rest * v) / root,
        "The roots are missing: the factors are those of the mixture.": (
            bar * x_t - (1 - bar) * v
        ),
        "The two factors are exchanged: with hardly any noise, x_t is "
        "nearly the picture.": rest * x_t - root * v,
        "This is v as it came.": v,
        "This is x_t as it came.": x_t,
        "The factors are right, but both pictures use the first "
        "alpha_bar.": root[0] * x_t - rest[0] * v,
        "v is left out: x_t, made stronger, still holds its noise.": (
            x_t / root
        ),
        "This is x0 times its factor in x_t.": root * x0,
    }
    for hint, answer in wrong.items():
        expect(not same(out, answer), hint)
    expect(
        same(out, x0),
        "Right shape, wrong numbers. Mix an x0 and a noise of your own to "
        "x_t and v: your function should give the x0 back.",
    )
