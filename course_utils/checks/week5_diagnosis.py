"""Checks of week 5: a diagnosis from scores alone."""

import numpy as np

from course_utils.checks.engine import Incorrect, exercise, expect

NAMES = "constant", "all negative", "all positive", "rare ignored", "fine"
MIXED = np.array([0.02, 0.06, 0.3, 0.5, 0.8])  # frequencies


@exercise(week=5, title="The collapse has a name")
def diagnose_scores(attempt):
    """Judge `my_diagnosis(scores, frequencies)`."""
    for hint, (name, rates) in _rates().items():
        _expect_name(attempt, name, _scores(rates), MIXED, hint)
    for hint, (name, scores) in _constants().items():
        _expect_name(attempt, name, scores, MIXED, hint)
    for hint, frequencies in _one_sided().items():
        scores = _scores(frequencies)
        _expect_name(attempt, "fine", scores, frequencies, hint)


def _expect_name(attempt, name, scores, frequencies, hint):
    said = attempt.raw(scores, frequencies)
    if not isinstance(said, str) or said not in NAMES:
        raise Incorrect(
            f"{attempt.name} should return one of {', '.join(NAMES)}, as a "
            f"string, not {str(said)[:40]!r}."
        )
    expect(said == name, f'"{said}" where "{name}" is right. {hint}')


def _scores(rates):
    """Return scores of 50 faces, above 0.5 at these rates, (50, attributes).

    Each attribute's spread evenly over 0.45, in an order of their own.
    """
    ramp = (np.arange(50)[:, None] + 7 * np.arange(len(rates))) % 50
    return 0.5 + 0.45 * ((ramp + 0.5) / 50 - 1 + rates)


def _rates():
    """Return hint -> name, rates of yes."""
    ignored = np.where(MIXED < 0.1, 0, MIXED)
    return {
        "Every score is above 0.5, the tutorial's SUCCESS: a high rate of "
        "yes is no sign of health.": ("all positive", np.ones(5)),
        "Scores differ from face to face, but none is above 0.5. That leaves "
        "out the rare ones, too: the first name that fits counts.": (
            "all negative",
            np.zeros(5),
        ),
        "Two attributes have a frequency below 0.1, and no face gets a yes "
        "for them; for the others many do.": ("rare ignored", ignored),
        "Scores spread, and each attribute gets yes about as often as it "
        "occurs.": ("fine", MIXED),
        "The attribute without a yes has a frequency of 0.5. Which are rare "
        "is told by the frequencies, not by the scores.": (
            "fine",
            np.array([0.02, 0.06, 0.3, 0, 0.8]),
        ),
        "One face in 50 gets a yes, for a common attribute: not all is "
        "negative, and no rare attribute gets any.": (
            "rare ignored",
            np.array([0, 0, 0, 0.02, 0]),
        ),
        'One of the two rare attributes gets a yes: for "rare ignored" '
        "neither may.": ("fine", np.array([0, 0.06, 0.3, 0.5, 0.8])),
    }


def _constants():
    """Return hint -> name, scores that do not spread, or hardly."""
    none = np.zeros((50, 5))
    noise = 1e-3 * (_scores(MIXED) - 0.5)
    one = np.where(np.arange(5) == 4, 0.8, _scores(MIXED))
    return {
        'All scores are 0.42. There is no yes either, but "constant" comes '
        "first.": ("constant", none + 0.42),
        "Every face gets the frequencies as its scores. Their mean is right, "
        "and attributes differ, but faces do not: take the spread over faces, "
        "one number for each attribute.": ("constant", none + MIXED),
        "The scores of an attribute have a spread of 0.00013: they are not "
        "equal, but it is below 0.001.": ("constant", noise + MIXED),
        'All scores are near 0.9, and so a yes, but "constant" comes first.': (
            "constant",
            noise + 0.9,
        ),
        "One attribute's scores are constant, and four spread: "
        '"constant" is when all are.': ("fine", one),
    }


def _one_sided():
    """Return hint -> frequencies that all lie on one side of 0.1."""
    return {
        "No attribute is rare here, so none is ignored, and most answers "
        "should be yes. What does any() say of an empty array?": (
            np.array([0.7, 0.8, 0.9, 0.98])
        ),
        "Every attribute is rare here, and gets yes about as often as it "
        "occurs: a low rate of yes is no collapse.": (
            np.array([0.02, 0.04, 0.06])
        ),
    }
