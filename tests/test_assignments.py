"""Every graded assignment: what it gives for right and wrong answers, and
that a release holds nothing of a solution or a hidden test."""

import functools
import importlib
import re

import nbformat
import numpy as np
import pytest
from authoring import assignments, build, lesson

from course_utils import graded
from course_utils.graded.answers import Answer
from course_utils.grading import hidden

SEEDS = (1, 2**62 + 11)
AUTOGRADED = 20
PATHS = lesson.assignments()
SOLUTION = re.compile(
    r"BEGIN SOLUTION[^\n]*\n(.*?)^[^\n]*END SOLUTION", re.M | re.S
)
STUB_LINES = 25  # characters; shorter lines say nothing


def by_name(path):
    return path.stem[:5]


@pytest.fixture(params=PATHS, ids=by_name)
def path(request):
    return request.param


def source_of(path):
    built = assignments.COURSE / "source" / path.stem[:5]
    return nbformat.read(built / f"{path.stem}.ipynb", 4)


def release_of(path):
    built = assignments.COURSE / "release" / path.stem[:5]
    return nbformat.read(built / f"{path.stem}.ipynb", 4)


def tasks_of(path):
    return hidden.load(source_of(path))


def code_of(notebook):
    return [c.source for c in notebook.cells if c.cell_type == "code"]


def wrong_of(path):
    return importlib.import_module(f"wrong_graded_{path.stem[:5]}").WRONG


@functools.cache
def solutions_of(path):
    """Return the names that an assignment's solutions define."""
    names = {"cu": __import__("course_utils"), "__name__": "lesson"}
    return lesson.definitions(path, names)


def mark(cell):
    return cell.metadata.get("nbgrader", {})


WRONG = [
    pytest.param(
        path, name, function, points, id=f"{by_name(path)}-{name}-{i}"
    )
    for path in PATHS
    for name, cases in wrong_of(path).items()
    for i, (_, function, points) in enumerate(cases)
]
TASKS = [
    pytest.param(path, name, id=f"{by_name(path)}-{name}")
    for path in PATHS
    for name in graded.tasks(int(path.stem[4]))
]


def test_there_is_one_a_week():
    assert [path.stem[:5] for path in PATHS] == [
        f"week{i}" for i in range(1, 7)
    ]


def test_built_notebooks_are_what_their_source_builds(path):
    for fresh, committed in (
        (assignments.instructors(path), source_of(path)),
        (assignments.students(path), release_of(path)),
    ):
        assert fresh.cells == committed.cells
        assert fresh.metadata == committed.metadata


def test_shape_of_an_assignment(path):
    notebook = release_of(path)
    tasks = tasks_of(path)
    assert 4 <= len(tasks) <= 6
    assert sum(task.points for task in tasks.values()) == AUTOGRADED
    assert list(tasks) == list(graded.tasks(int(path.stem[4])))
    manual = [c for c in notebook.cells if mark(c).get("solution")
              and mark(c).get("grade")]  # fmt: skip
    assert len(manual) == 1 and manual[0].cell_type == "markdown"
    prose = "\n".join(
        c.source for c in notebook.cells if c.cell_type == "markdown"
    )
    badge = build.links.badge_row(build.published(path))
    assert badge in prose
    assert "| criterion | points |" in prose and "two hours" in prose
    assert 15 <= len(notebook.cells) <= 45
    assert f"graded.summary({path.stem[4]})" in code_of(notebook)[-1]


def test_every_task_has_visible_and_hidden_properties(path):
    for task in tasks_of(path).values():
        seen = [p for p in task.properties if p.points and not p.hidden]
        later = [p for p in task.properties if p.hidden]
        assert seen and later, task.name
        assert sum(p.points for p in later) >= task.points / 3, task.name
        assert all(p.says and p.hint for p in seen + later), task.name


def test_a_release_tells_no_solution_and_no_hidden_test(path):
    secrets = set()
    for cell in source_of(path).cells:
        regions = SOLUTION.findall(cell.source)
        regions += hidden.REGION.findall(cell.source)
        for region in regions:
            secrets |= {line.strip(" #") for line in region.splitlines()}
    released = "\n".join(cell.source for cell in release_of(path).cells)
    shown = {line.strip(" #") for line in released.splitlines()}
    long = {
        line
        for line in secrets
        if len(line) > STUB_LINES and not line.startswith(("import", "from"))
    }
    assert len(long) > 20
    assert not long & shown
    assert not [line for line in long if len(line) > 40 and line in released]
    assert "HIDDEN" not in released and "SOLUTION" not in released


def test_lines_of_code_fit_a_laptop(path):
    for code in code_of(source_of(path)):
        for line in code.splitlines():
            assert len(line) <= 79 or "%pip" in line, line


@pytest.mark.parametrize("seed", (*SEEDS, 3, 44, 555))
@pytest.mark.parametrize(("path", "name"), TASKS)
def test_the_solution_gets_full_points_whatever_the_seed(path, name, seed):
    tasks, functions = tasks_of(path), solutions_of(path)
    report = tasks[name].judge(Answer(functions[name], name), seed)
    assert report.points == report.most, report


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("path", "name", "function", "points"), WRONG)
def test_a_wrong_answer_scores_what_it_should(
    path, name, function, points, seed
):
    report = tasks_of(path)[name].judge(Answer(function, name), seed)
    assert report.points == points, report
    assert points < report.most


def test_three_typical_mistakes_are_known(path):
    cases = wrong_of(path)
    assert set(cases) <= set(graded.tasks(int(path.stem[4])))
    assert sum(map(len, cases.values())) >= 8


def echo(*args, **_):
    return args[0] if args else 0


HOSTILE = {
    "zero": lambda *_, **__: 0.0,
    "one": lambda *_, **__: np.ones(()),
    "empty": lambda *_, **__: np.zeros((0,)),
    "empty like": lambda *a, **_: np.zeros((0, *np.shape(a[0])[1:])),
    "nan": lambda *_, **__: np.full((2, 3), np.nan),
    "nan like": lambda *a, **_: np.full(np.shape(a[0]), np.nan),
    "infinite": lambda *_, **__: float("inf"),
    "echo": echo,
    "ones like": lambda *a, **_: np.ones(np.shape(a[0])),
    "zeros like": lambda *a, **_: np.zeros(np.shape(a[0])),
    "text": lambda *_, **__: "correct",
    "true": lambda *_, **__: True,
    "dict": lambda *_, **__: {},
    "tuple": lambda *_, **__: (np.ones(3), np.ones(3)),
}


@pytest.mark.parametrize("function", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(("path", "name"), TASKS)
def test_an_answer_that_is_none_earns_a_quarter_at_most(
    path, name, function
):
    report = tasks_of(path)[name].judge(Answer(function, name), SEEDS[0])
    assert report.points <= report.most / 4, report
