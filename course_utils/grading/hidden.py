"""Load an assignment's tasks with their hidden properties.

They stand in the instructor's notebook, in the graded cells, between
nbgrader's marks, and are executed here, on the trusted side.
"""

import re
import textwrap

import numpy as np

REGION = re.compile(
    r"BEGIN HIDDEN TESTS[^\n]*\n(.*?)^[^\n]*END HIDDEN TESTS",
    re.MULTILINE | re.DOTALL,
)


def load(source):
    """Return the tasks of an instructor's notebook, {grade id: Task}.

    Args:
        source: notebook with hidden properties in its graded cells.

    Raises:
        ValueError: points of a task's properties do not add up.
    """
    import course_utils as cu
    from course_utils import graded

    week = int(re.search(r"graded\.week(\d)\.", _all_code(source))[1])
    tasks = {}
    for cell in source.cells:
        mark = cell.metadata.get("nbgrader", {})
        if cell.cell_type != "code" or not mark.get("grade"):
            continue
        task = graded.tasks(week)[mark["grade_id"]]
        task.forget_hidden()
        for code in REGION.findall(cell.source):
            names = {"np": np, "cu": cu, "graded": graded}
            exec(compile(textwrap.dedent(code), task.name, "exec"), names)
        _check(task)
        tasks[task.name] = task
    return tasks


def _all_code(source):
    return "\n".join(c.source for c in source.cells if c.cell_type == "code")


def _check(task):
    given = sum(wanted.points for wanted in task.properties)
    if abs(given - task.points) > 1e-9:
        raise ValueError(
            f"{task.name}: its properties give {given:g} points, "
            f"{task.points:g} are announced"
        )
