"""What the checks of several exercises have in common."""

import numpy as np

from course_utils.checks.engine import Incorrect, expect


def random(*shape):
    """Return the same standard normal numbers for the same shape."""
    return np.random.default_rng(1).normal(size=shape)


def same(left, right):
    """Return whether shape and numbers agree."""
    return left.shape == right.shape and np.allclose(left, right, atol=1e-8)


def expect_shape(out, shape, names):
    """Expect a shape; name its axes in the hint."""
    expect(
        out.shape == shape,
        f"The result should have shape {names} = {shape}, not {out.shape}.",
    )


def expect_none_of(out, wrong):
    """Expect that `out` is no wrong answer of a dict hint -> answer."""
    for hint, answer in wrong.items():
        expect(not same(out, np.asarray(answer)), hint)


def expect_number(out):
    """Expect a single number, an array without axes."""
    expect(
        out.shape == (),
        f"One number is asked for, not an array of shape {out.shape}.",
    )


def expect_answers(attempt, cases, *args):
    """Expect that the learner's own test judges each case as it should.

    Args:
        attempt: guarded test, which takes a function and returns a bool.
        cases: (function, right answer, hint if the test says otherwise).
        args: handed to the test after the function.
    """
    for function, answer, hint in cases:
        expect(_answer(attempt, function, *args) == answer, hint)


def _answer(attempt, *args):
    """Return what the learner's test says; a failed assert means False."""
    try:
        answer = attempt.raw(*args)
    except Incorrect as error:
        if isinstance(error.__cause__, AssertionError):
            return False
        raise
    if not isinstance(answer, (bool, np.bool_)):
        raise Incorrect(
            f"{attempt.name} should return True or False, not "
            f"{type(answer).__name__}. np.allclose and .all() turn arrays "
            "into one answer."
        )
    return bool(answer)


def survives(attempt, right, *args):
    """Return whether the attempt runs on `args` and gives `right`."""
    try:
        return same(attempt(*args), right)
    except Incorrect:
        return False
