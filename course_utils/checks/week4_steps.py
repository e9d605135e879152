"""Checks of week 4: steps back, from noise to a picture."""

import numpy as np

from course_utils.checks.engine import exercise, expect
from course_utils.checks.properties import expect_shape, same
from course_utils.checks.week4_noise import BATCH_OF_PICTURES, draw, noised


@exercise(week=4, title="One step back, with fresh noise")
def reverse_step(attempt):
    """Judge `my_reverse_step(x_t, x0, now, then, noise)`."""
    x_t, x0, noise = draw((2, 3, 4, 5), (2, 3, 4, 5), (2, 3, 4, 5))
    out = attempt(x_t, x0, 0.5, 0.8, noise)
    expect_shape(out, x0.shape, BATCH_OF_PICTURES)
    expect(
        np.isfinite(out).all(),
        "NaN: a root of something negative. On the way back alpha_bar grows. "
        "Which of `now` and `then` is the larger, and which is divided by "
        "which?",
    )
    for hint, answer in _wrongly_reversed(x_t, x0, noise).items():
        expect(not same(out, answer), hint)
    mean = attempt(x_t, x0, 0.5, 0.8, 0 * noise)
    expect(
        same(mean, _reversed(x_t, x0, 0.5, 0.8, 0 * noise)),
        "The mean is wrong: with noise 0 the step should give it. Its two "
        "weights are in equation 7 of Ho et al., in three letters: alpha, "
        "alpha_bar now, alpha_bar then.",
    )
    expect(
        same(out, _reversed(x_t, x0, 0.5, 0.8, noise)),
        "The mean is right; the spread of the noise is not.",
    )
    last = attempt(x_t, x0, 0.4, 1.0, noise)
    expect(
        np.isfinite(last).all(),
        "At the end, with then = 1, the result is not finite: what becomes "
        "0 there, and do you divide by it?",
    )
    expect(
        same(last, x0),
        "At the end, with then = 1, x0 should come out alone: your last step "
        "still adds noise.",
    )
    expect(
        same(
            attempt(x_t, x0, 0.05, 0.9, noise),
            _reversed(x_t, x0, 0.05, 0.9, noise),
        ),
        "Right for one pair of alpha_bars, wrong for 0.05 and 0.9: does "
        "every place use the arguments?",
    )


def _mean_weights(now, then):
    alpha = now / then
    of_x0 = np.sqrt(then) * (1 - alpha) / (1 - now)
    of_x_t = np.sqrt(alpha) * (1 - then) / (1 - now)
    return of_x0, of_x_t


def _reversed(x_t, x0, now, then, noise):
    of_x0, of_x_t = _mean_weights(now, then)
    variance = (1 - now / then) * (1 - then) / (1 - now)
    return of_x0 * x0 + of_x_t * x_t + np.sqrt(variance) * noise


def _wrongly_reversed(x_t, x0, noise, now=0.5, then=0.8):
    of_x0, of_x_t = _mean_weights(now, then)
    mean = of_x0 * x0 + of_x_t * x_t
    beta = 1 - now / then
    variance = beta * (1 - then) / (1 - now)
    fresh = np.sqrt(variance) * noise
    return {
        "The variance of your noise is beta, as in the tutorial. Ho et al. "
        "allow both (section 3.2); asked for is the posterior's, their "
        "beta with a tilde, which vanishes at the end.": (
            mean + np.sqrt(beta) * noise
        ),
        "The noise is multiplied by a variance: what makes a standard "
        "deviation of it?": mean + variance * noise,
        "You go to step `then` by noising x0 anew: that forgets x_t, and "
        "with it everything the walk has found so far.": (
            noised(x0, noise, then)
        ),
        "This is the DDIM step: it uses the noise that x0 and x_t imply. "
        "Here part of the noise is fresh.": _implied(x_t, x0, now, then),
        "This is the mean alone: the fresh noise is missing.": mean,
        "x0 and x_t have each other's weight: near the end, x0 should have "
        "nearly all of it.": of_x0 * x_t + of_x_t * x0 + fresh,
        "The roots in the mean are missing: one in the weight of x0, one in "
        "that of x_t.": (
            of_x0 * np.sqrt(then) * x0 + of_x_t * np.sqrt(now / then) * x_t
        )
        + fresh,
        "x_t is left out of the mean.": of_x0 * x0 + fresh,
        "x0 is left out of the mean.": of_x_t * x_t + fresh,
        "The noise has its spread at step `then`, as if x0 were noised anew; "
        "x_t brings noise of its own.": mean + np.sqrt(1 - then) * noise,
    }


def _implied(x_t, x0, now, then):
    """Go from `now` to `then` with the noise that x_t and x0 imply."""
    return noised(x0, (x_t - np.sqrt(now) * x0) / np.sqrt(1 - now), then)


@exercise(week=4, title="A long step back, without fresh noise")
def ddim_step(attempt):
    """Judge `my_ddim_step(x_t, x0, now, then)`."""
    x0, noise = draw((2, 3, 4, 5), (2, 3, 4, 5))
    now, then = 0.2, 0.7
    x_t = noised(x0, noise, now)
    right = noised(x0, noise, then)
    out = attempt(x_t, x0, now, then)
    expect_shape(out, x0.shape, BATCH_OF_PICTURES)
    expect(
        same(out, attempt(x_t, x0, now, then)),
        "Two calls differ: you draw fresh noise. DDIM keeps the noise that "
        "is in x_t already.",
    )
    for hint, answer in _wrongly_implied(x_t, x0, noise).items():
        expect(not same(out, answer), hint)
    near = attempt(noised(x0, noise, 0.45), x0, 0.45, 0.451)
    expect(
        same(out, right)
        or not np.allclose(near, noised(x0, noise, 0.451), atol=1e-3),
        "Nearly right between neighbouring steps, wrong for a jump from 0.2 "
        "to 0.7: such a formula has been shortened for small steps. First "
        "find the noise in x_t, then mix anew.",
    )
    expect(
        same(out, right),
        "Right shape, wrong numbers. Make x_t of an x0 and a noise of your "
        "own: the result should be the same two, mixed for `then`.",
    )
    expect(
        same(attempt(x_t, x0, now, 1.0), x0),
        "With then = 1 exactly x0 should come out.",
    )


def _wrongly_implied(x_t, x0, noise, now=0.2, then=0.7):
    alone = x_t - np.sqrt(now) * x0
    of_x0, of_x_t = _mean_weights(now, then)
    return {
        "Only x0 is left: that is less noise than step `then` has. Which "
        "noise belongs to it?": np.sqrt(then) * x0,
        "The noise is found, but has not its full strength: x_t holds it "
        "weakened.": np.sqrt(then) * x0 + np.sqrt(1 - then) * alone,
        "`now` and `then` are exchanged: x_t is at `now`.": (
            _implied(x_t, x0, then, now)
        ),
        "alpha_bar and 1 - alpha_bar are variances, the factors are not.": then
        * x0
        + (1 - then) * (x_t - now * x0) / (1 - now),
        "The roots are missing where you look for the noise.": (
            noised(x0, (x_t - now * x0) / (1 - now), then)
        ),
        "The roots are missing where you mix anew.": (
            then * x0 + (1 - then) * noise
        ),
        "You mix x_t itself with x0, as if it were the noise: it still "
        "holds the picture.": noised(x0, x_t, then),
        "This is the mean of the DDPM step: without its fresh noise there is "
        "too little noise left.": of_x0 * x0 + of_x_t * x_t,
        "This is x0: a jump to the end, whatever `then` is.": x0,
        "This is x_t: nothing has moved.": x_t,
        "This is the noise alone: mix it with x0.": noise,
        "The noise is subtracted where it should be added.": (
            noised(x0, -noise, then)
        ),
    }
