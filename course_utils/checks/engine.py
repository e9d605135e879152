"""The engine of the checks: verdicts with a hint, never a traceback.

A check is a function that takes the learner's attempt and calls `expect`
for each property, from the shape to the full behaviour; the first that
does not hold decides the hint. The decorator `exercise` turns it into
`check.weekN.name`.
"""

import functools
import html
import sys
import warnings
from dataclasses import dataclass

import numpy as np

from course_utils import progress

STATES = progress.ORDER
MARKS = {"not attempted": "○", "incorrect": "✗", "correct": "✓"}
COLOURS = {
    "not attempted": "#595959",
    "incorrect": "#a33b00",
    "correct": "#00623f",
}


class NotAttempted(Exception):
    """The learner's stub is still untouched."""


class Incorrect(Exception):
    """The attempt breaks a property; the message is the hint."""


@dataclass(frozen=True)
class Verdict:
    """What a check says: `state` is one of `STATES`."""

    name: str
    state: str
    message: str

    def __repr__(self):
        mark = MARKS[self.state]
        return f"{mark} {self.name}: {self.state}. {self.message}"

    def _repr_html_(self):
        colour = COLOURS[self.state]
        return (
            f'<div role="status" style="border-left:4px solid {colour};'
            'padding:.4em .8em;background:#fff;color:#1a1a1a">'
            f'<strong style="color:{colour}">{MARKS[self.state]} '
            f"{html.escape(self.name)}: {self.state}.</strong> "
            f"{html.escape(self.message)}</div>"
        )


class Attempt:
    """A guarded wrapper round what the learner handed in.

    Calling it calls the learner's function on copies of the arguments and
    returns an array; `raw` returns the result as it is. An untouched stub
    raises `NotAttempted`; anything that goes wrong raises `Incorrect`
    with a message for the learner.
    """

    def __init__(self, target, name):
        self.target = target
        self.name = name

    def __call__(self, *args, **kwargs):
        result = self.raw(*args, **kwargs)
        try:
            array = np.asarray(_to_numpy(result))
        except Exception as error:
            raise Incorrect(
                f"{self.name} returned a {type(result).__name__} that is "
                "not an array of numbers."
            ) from error
        if array.dtype.kind not in "biufc":
            raise Incorrect(
                f"{self.name} should return an array of numbers, not "
                f"{_describe(result)}."
            )
        return array

    def raw(self, *args, **kwargs):
        """Call the learner's function on copies; return its result."""
        if not callable(self.target):
            raise Incorrect(
                f"the check needs the function itself, not "
                f"{_describe(self.target)}: write the name without brackets."
            )
        inputs = [_copy(a) for a in args]
        named = {key: _copy(value) for key, value in kwargs.items()}
        result = _guarded(self.target, self.name, inputs, named)
        if _changed(inputs, args) or _changed(named.values(), kwargs.values()):
            raise Incorrect(
                f"{self.name} changes its input in place; work on a copy, so "
                "that the caller's array stays as it was."
            )
        return result

    @property
    def value(self):
        """The attempt itself, for exercises whose answer is a value."""
        if self.target is None or untouched(self.target):
            raise NotAttempted
        return self.target


class Exercise:
    """A check that can be called: `check.week1.softmax(fn)`."""

    def __init__(self, test, week, title):
        self.test, self.week, self.title = test, week, title
        self.name = test.__name__
        functools.update_wrapper(self, test)

    def __call__(self, attempt=None):
        """Judge the attempt, note it in the ledger, return the `Verdict`."""
        verdict = self._judge(attempt)
        progress.record(self.week, self.name, verdict.state)
        return verdict

    def _judge(self, target):
        if target is None or untouched(target):
            return self._open()
        name = getattr(target, "__name__", None) or self.name
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                self.test(Attempt(target, name))
        except NotAttempted:
            return self._open()
        except Incorrect as error:
            return Verdict(self.name, "incorrect", str(error))
        except Exception as error:  # a result no property test foresaw
            return Verdict(self.name, "incorrect", _unforeseen(name, error))
        return Verdict(self.name, "correct", f"{self.title}: all tests pass.")

    def _open(self):
        return Verdict(
            self.name, "not attempted", "Fill in the stub, then run me again."
        )


def exercise(week, title):
    """Turn a property test into a check.

    Args:
        week: lesson number.
        title: what a correct answer achieves, shown with the verdict.
    """
    return lambda test: Exercise(test, week, title)


def expect(condition, hint):
    """Raise `Incorrect(hint)` unless the condition holds."""
    if not bool(np.all(condition)):
        raise Incorrect(hint)


def _guarded(function, name, args, kwargs):
    try:
        result = function(*args, **kwargs)
    except NotImplementedError as error:
        raise NotAttempted from error
    except Exception as error:
        shapes = ", ".join(_describe(a) for a in args) or "no arguments"
        raise Incorrect(
            f"{name} raised {type(error).__name__}: {_short(error)} "
            f"It was called with {shapes}."
        ) from error
    if untouched(result):
        raise NotAttempted
    if result is None:
        raise Incorrect(
            f"{name} returned None: does every path through it end in a "
            "return?"
        )
    return result


def untouched(value):
    """Stubs end in `return ...`; None is what a forgotten return gives."""
    if isinstance(value, tuple):
        return bool(value) and all(untouched(item) for item in value)
    return value is Ellipsis


def _to_numpy(value):
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    return value


def _copy(value):
    return value.copy() if isinstance(value, np.ndarray) else value


def _changed(after, before):
    return any(
        isinstance(old, np.ndarray)
        and not np.array_equal(new, old, equal_nan=old.dtype.kind in "fc")
        for new, old in zip(after, before, strict=True)
    )


def _describe(value):
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"an array of shape {tuple(shape)}"
    if callable(value):
        return "a function"
    text = repr(value)
    if len(text) > 40:
        text = text[:37] + "..."
    return f"the {type(value).__name__} {text}"


def _short(error):
    text = " ".join(str(error).split()) or "no message"
    text = text if len(text) <= 200 else text[:197] + "..."
    return text if text.endswith((".", "!", "?")) else text + "."


def _unforeseen(name, error):
    return (
        f"what {name} returned could not be tested "
        f"({type(error).__name__}: {_short(error)}) "
        "Compare its shape and type with the docstring."
    )
