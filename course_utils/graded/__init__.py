"""Graded tasks of the weekly assignments: what students see of them.

`graded.week1.cosine_attention(cosine_attention)` judges an answer by the
task's visible properties, shows which hold, and returns the points. The
instructor's kit (`course_utils.grading`) judges the same properties with
numbers drawn from a secret seed, and hidden ones besides.
"""

from importlib import import_module

from course_utils.graded.engine import Task, later, summary

__all__ = ["Task", "later", "summary"]
_WEEKS = tuple(f"week{i}" for i in range(1, 7))


def __getattr__(name):
    if name in _WEEKS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"course_utils.graded has no {name!r}")


def tasks(week):
    """Return the tasks of a week, {name: Task}, in the assignment's order.

    Args:
        week: 1 to 6.
    """
    module = import_module(f"{__name__}.week{week}")
    return {t.name: t for t in vars(module).values() if isinstance(t, Task)}
