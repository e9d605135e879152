"""What the tests of several weeks' checks have in common."""

import inspect

import numpy as np
import pytest

# Answers of learners, or of those who try to break a check.
HOSTILE = {
    "raises": lambda *args: 1 / 0,
    "text": lambda *args: "a string",
    "nan": lambda *args: np.full((2, 2), np.nan),
    "nan scalar": lambda *args: float("nan"),
    "pair": lambda *args: (np.nan, np.nan),
    "triple": lambda *args: (np.nan, np.nan, np.nan),
    "none": lambda *args: None,
    "empty": lambda *args: [],
    "no args": lambda: 1,
}
each_hostile = pytest.mark.parametrize(
    "hostile", HOSTILE.values(), ids=HOSTILE
)


def cases_of(wrong):
    """Return (name, wrong answer, words of its hint) as parameters.

    Args:
        wrong: dict from exercise to pairs of a wrong answer and words.
    """
    return [
        pytest.param(name, answer, words, id=f"{name}-{i}")
        for name, cases in wrong.items()
        for i, (answer, words) in enumerate(cases)
    ]


def stub_of(right):
    """Return a stub with as many parameters as a right answer."""
    count = len(inspect.signature(right).parameters)
    names = ", ".join(f"{letter}=0" for letter in "abcdef"[:count])
    return eval(f"lambda {names}: ...")
