"""The engine of graded tasks: properties, each worth points, each a hint.

A property is a function `(answer, rng) -> bool`. It draws its inputs from
`rng`, calls `answer` (see `answers.Answer`), and says whether what came back
is right. The same property serves a student, with seed 0 and at once, and
the instructor, with a secret seed and through a sandbox.
"""

import contextlib
import warnings
import zlib
from dataclasses import dataclass

import numpy as np

from course_utils.checks.engine import Incorrect, NotAttempted, untouched
from course_utils.graded.answers import Answer
from course_utils.graded.report import Line, Report, show

VISIBLE_SEED = 0


@dataclass(frozen=True)
class Property:
    """One thing that must hold; without points, nothing counts unless it
    does."""

    test: object
    points: float
    says: str
    hint: str
    hidden: bool = False


class Task:
    """One graded task; its name is that of the function asked for.

    Args:
        week: 1 to 6.
        name: the student's function, and nbgrader's grade_id.
        title: what a right answer achieves, shown with the report.
        points: in all, hidden properties included.
        seconds: that one call of the function may take when graded; an
            answer that trains needs more.
    """

    def __init__(self, week, name, title, points, seconds=10):
        self.week, self.name, self.title = week, name, title
        self.points, self.seconds = float(points), seconds
        self.properties = []
        self.last = None

    def needs(self, hint):
        """Add a condition without which no property earns anything."""
        return self._add(0, "", hint, hidden=False)

    def property(self, points, says, hint):
        """Add a property that students see.

        Args:
            points: what it is worth.
            says: the property, as a sentence; always shown.
            hint: shown if it does not hold; guides, gives nothing away.
        """
        return self._add(points, says, hint, hidden=False)

    def hidden(self, points, says, hint):
        """Add a property that is judged only after handing in.

        Both sentences are shown in the feedback. A property of the same
        name is replaced, so that a cell may run twice.
        """
        return self._add(points, says, hint, hidden=True)

    def forget_hidden(self):
        """Remove all hidden properties."""
        self.properties = [p for p in self.properties if not p.hidden]

    def __call__(self, answer):
        """Judge the answer, show the report, return the points (float)."""
        if answer is None or untouched(answer):
            self.last = self._open()
        else:
            self.last = self.judge(Answer(answer, self.name))
        show(self.last)
        return self.last.points

    def judge(self, answer, seed=VISIBLE_SEED):
        """Return the `Report` of an answer.

        Args:
            answer: an `Answer`, or what behaves like one.
            seed: inputs are drawn from it; what is right holds for all.
        """
        lines = []
        for wanted in self.properties:
            try:
                holds, said = _holds(wanted, answer, seed)
            except NotAttempted:
                return self._open()
            line = (wanted.points, holds, wanted.hidden, wanted.says)
            lines.append(Line(*line, "" if holds else said))
            if not holds and not wanted.points:
                break
        return Report(self.name, self.title, self.points, tuple(lines))

    def _open(self):
        return Report(self.name, self.title, self.points, ())

    def _add(self, points, says, hint, hidden):
        def register(test):
            same = test.__name__
            kept = [p for p in self.properties if p.test.__name__ != same]
            new = Property(test, points, says, hint, hidden)
            self.properties = [*kept, new]
            return test

        return register


def _holds(wanted, answer, seed):
    """Return whether a property holds and what to say if it does not."""
    name = wanted.test.__name__
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return bool(np.all(wanted.test(answer, rng))), wanted.hint
    except NotAttempted:
        raise
    except Incorrect as error:
        return False, str(error)
    except Exception:  # a result that the property did not foresee
        return False, wanted.hint


@contextlib.contextmanager
def later():
    """Let a cell that uses an answer wait until the answer is written.

    A stub raises NotImplementedError; one line says so in its place.
    """
    try:
        yield
    except NotImplementedError as error:
        print(f"Not yet: {error or 'an answer above is still to be written'}.")


def summary(week):
    """Show what the visible properties of a week's tasks say so far.

    Args:
        week: 1 to 6. Tasks whose cell has not run yet count as open.
    """
    from course_utils import graded
    from course_utils.graded.report import Summary

    reports = [t.last or t._open() for t in graded.tasks(week).values()]
    show(Summary(week, tuple(reports)))
