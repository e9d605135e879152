"""Checks of week 4: the tutorial's sampler, mended."""

import numpy as np

from course_utils.checks.engine import Incorrect, exercise, expect
from course_utils.checks.properties import expect_shape
from course_utils.checks.week4_debug import expect_untouched, near
from course_utils.checks.week4_spy import (
    Spy,
    expect_network_asked_well,
    given,
    noted,
    times_of,
)


@exercise(week=4, title="The tutorial's sampler, mended")
def sampler(attempt):
    """Judge `my_sampler(predict_noise, step, alpha_bars, coarse, noise)`."""
    bars = 0.97, 0.85, 0.7, 0.5, 0.3, 0.15
    _expect_a_walk(attempt, *given(bars, (2, 3, 4, 5)))
    try:
        _expect_a_walk(attempt, *given((0.9, 0.6, 0.2), (1, 3, 8, 4)))
    except Incorrect as error:
        raise Incorrect(
            "Right for 6 steps and 2 pictures, wrong for 3 steps and 1: "
            "where is a size written as a number?"
        ) from error


def _expect_a_walk(attempt, bars, coarse, noise):
    spy = Spy(bars, coarse, noise)
    copies = [tensor.clone() for tensor in spy.given]
    try:
        out = attempt(spy.predict_noise, spy.step, *copies)
    except Incorrect as error:
        _name_crash(error, spy)
        raise
    expect_untouched(attempt, zip(copies, spy.given, strict=True))
    expect(
        len(spy.asked) > 0,
        "predict_noise was never called: the network does not take part.",
    )
    expect_network_asked_well(spy)
    _expect_steps(spy)
    _expect_clean_guesses(spy)
    _expect_alpha_bars(spy)
    expect_shape(out, tuple(noise.shape), "(batch, 3, height, width)")
    last = spy.stepped[-1].returned
    expect(
        not near(out, (last + 1) / 2),
        "Every step is right. Return the picture as it is, from -1 to 1; it "
        "is not asked for from 0 to 1.",
    )
    expect(
        near(out, last),
        "Every step is right, but what is returned is not what the last one "
        "gave.",
    )


def _name_crash(error, spy):
    """Name the crashes of the tutorial, and of what stands near them."""
    cause = error.__cause__
    said, count = str(cause or ""), len(spy.given[0])
    first = times_of(spy.asked[:1])
    expect(
        not (isinstance(cause, IndexError) and first == [count]),
        "IndexError: of T steps, counted from 0, which one is the last?",
    )
    expect(
        not isinstance(cause, IndexError),
        "IndexError: what looks something up in alpha_bars has to be a whole "
        "number, and less than their number. The tutorial's t is a float.",
    )
    six = spy.asked and spy.asked[0].inputs.shape[1:2] == (6,)
    expect(
        not (six and "must match" in said),
        f"torch says: {said.partition(' at ')[0]}. Six channels go into the "
        "network and three come out: the coarse picture is not a part of "
        "what noise is taken off. And has each factor a shape that fits?",
    )


def _expect_steps(spy):
    noise = noted(spy.given[2])
    reached = [noise, *(step.returned for step in spy.stepped)]
    seen = [call.inputs[:, :3] for call in spy.asked]
    pairs = list(zip(seen, reached, strict=False))
    expect(
        len(spy.stepped) > 0,
        "`step` was never called: it is handed in to go one step back.",
    )
    expect(
        all(near(x, before) for x, before in pairs)
        or not all(near(x, before.clip(-1, 1)) for x, before in pairs[1:]),
        "x_t is clamped, as in the tutorial. It is noise in good part, with "
        "numbers beyond 1, and the network knows it so from training. What "
        "must lie from -1 to 1 is something else.",
    )
    expect(
        len(spy.stepped) == len(spy.asked),
        f"The network was asked {len(spy.asked)} times and `step` called "
        f"{len(spy.stepped)} times: at each t both once, the last included.",
    )
    expect(
        all(near(x, before) for x, before in pairs),
        "What one step returns should be what the network sees at the next. "
        "Yours is changed on the way, or lost.",
    )


def _expect_clean_guesses(spy):
    for call, step in zip(spy.asked, spy.stepped, strict=True):
        expect(
            near(step.x_t, call.inputs[:, :3]),
            "`step` should get the x_t that the network has just seen.",
        )
    guesses = [_guess(spy, *pair) for pair in enumerate(spy.asked)]
    found = [step.x0 for step in spy.stepped]
    expect(
        not _all(found, [call.answer for call in spy.asked]),
        "`step` gets the predicted noise where it needs x0. Which clean "
        "picture do x_t and that noise imply?",
    )
    expect(
        not _all(found, guesses),
        "x0 is not clamped. Early guesses lie far outside -1 to 1, where no "
        "picture is.",
    )
    expect(
        not _all(found, [guess.clip(0, 1) for guess in guesses]),
        "x0 is clamped to 0..1: half of all brightnesses are lost. Here "
        "pictures go from -1 to 1.",
    )
    expect(
        all(np.abs(x0).max() <= 1 + 1e-6 for x0 in found),
        "`step` gets an x0 with numbers beyond -1 to 1.",
    )
    expect(
        _all(found, [guess.clip(-1, 1) for guess in guesses]),
        "x0 is not what x_t and the predicted noise imply. Solve x_t = "
        "sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) noise for it, with the "
        "alpha_bar of step t.",
    )


def _guess(spy, i, call):
    """Return the x0 that the i-th call of the predictor implies."""
    bar = spy.given[0].numpy()[-1 - i]
    x_t = call.inputs[:, :3]
    return (x_t - np.sqrt(1 - bar) * call.answer) / np.sqrt(bar)


def _all(left, right):
    return all(near(a, b) for a, b in zip(left, right, strict=True))


def _expect_alpha_bars(spy):
    bars = spy.given[0].numpy()
    now = [np.unique(step.now) for step in spy.stepped]
    then = [np.unique(step.then) for step in spy.stepped]
    at, earlier = bars[::-1, None], bars[:-1][::-1, None]
    expect(
        not (_all(then, at) and not _all(now, at)),
        "`now` and `then` are exchanged: x_t is at `now`, the walk goes to "
        "`then`.",
    )
    expect(
        _all(now, at),
        "`now` should be the alpha_bar of step t, one number.",
    )
    expect(
        not near(then[-1], bars[-1:]),
        "At t = 0 the last `then` is alpha_bars[-1]. In Python that is the "
        "other end of the list: pure noise. What is alpha_bar where no noise "
        "is left?",
    )
    expect(
        not _all(then[:-1], at[:-1]),
        "`then` is the same as `now`: no step is taken.",
    )
    expect(
        _all(then[:-1], earlier),
        "`then` is not the alpha_bar of the step that comes next on the walk "
        "back.",
    )
    expect(
        not near(then[-1], bars[:1]),
        "The last step stays where it is, at the alpha_bar of step 0: some "
        "noise is left in the picture.",
    )
    expect(
        near(then[-1], np.ones(1)),
        "The last `then` is wrong: what is alpha_bar of a picture without "
        "noise?",
    )
