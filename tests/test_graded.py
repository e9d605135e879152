"""Tasks, properties, points, and what students read about them."""

import numpy as np
import pytest

from course_utils.checks.engine import Incorrect
from course_utils.graded import engine
from course_utils.graded.answers import Answer, plain


@pytest.fixture
def task():
    doubled = engine.Task(9, "doubled", "Twice as much", points=5)

    @doubled.needs("The shape should stay.")
    def shape(answer, rng):
        x = rng.normal(size=(2, 3))
        return answer(x).shape == x.shape

    @doubled.property(2, "Zero stays zero.", "What is twice nothing?")
    def zero(answer, rng):
        return np.all(answer(np.zeros((2, 3))) == 0)

    @doubled.property(1, "It is additive.", "Try a + b.")
    def additive(answer, rng):
        a, b = rng.normal(size=(2, 4))
        return np.allclose(answer(a + b), answer(a) + answer(b))

    return doubled


def judged(task, function, **options):
    return task.judge(Answer(function, task.name), **options)


def test_points_are_those_of_the_properties_that_hold(task):
    assert judged(task, lambda x: 2 * x).points == 3
    assert judged(task, lambda x: x**2).points == 2
    assert judged(task, lambda x: x + 1).points == 0


def test_without_its_needs_nothing_counts(task):
    report = judged(task, lambda x: np.zeros(7))
    assert report.points == 0
    assert [line.hint for line in report.lines] == ["The shape should stay."]


def test_a_hidden_property_adds_up_and_may_be_given_twice(task):
    for _ in range(2):

        @task.hidden(2, "It is twice as much.", "Compare with 2 * x.")
        def twice(answer, rng):
            x = rng.normal(size=3)
            return np.allclose(answer(x), 2 * x)

    assert judged(task, lambda x: 2 * x).points == 5
    assert judged(task, lambda x: 3 * x).points == 3
    task.forget_hidden()
    assert judged(task, lambda x: 3 * x).points == 3


def test_students_are_told_what_is_judged_later(task):
    report = judged(task, lambda x: 2 * x)
    assert report.to_come == 2
    assert "After you hand in, 2 more will be judged" in repr(report)
    assert "Zero stays zero." in report._repr_html_()
    assert "Try a + b." not in repr(report)


def test_a_stub_counts_as_not_attempted(task):
    def stub(x):
        raise NotImplementedError

    report = judged(task, stub)
    assert report.points == 0 and not report.lines
    assert "not attempted" in repr(report)


def test_the_seed_decides_the_numbers(task):
    drawn = []

    def spy(x):
        drawn.append(x.copy())
        return 2 * x

    for seed in (1, 1, 2):
        judged(task, spy, seed=seed)
    one, again, other = drawn[:: len(drawn) // 3]
    assert np.array_equal(one, again) and not np.allclose(one, other)


def test_an_error_costs_the_property_and_is_told(task):
    def broken(x):
        if x.ndim == 1:
            raise KeyError("axes")
        return 2 * x

    report = judged(task, broken)
    assert report.points == 2
    assert "KeyError" in report.lines[-1].hint


def test_what_a_student_wrote_is_escaped(task):
    def evil(x):
        raise ValueError("<script>alert(1)</script>")

    shown = judged(task, evil)._repr_html_()
    assert "<script" not in shown and "&lt;script" in shown


def test_calling_a_task_shows_a_report_and_returns_points(task, capsys):
    assert task(lambda x: 2 * x) == 3
    assert "3 of 5 points" in capsys.readouterr().out
    assert task(...) == 0 and task.last.lines == ()


class Liar:
    """Claims to be equal to everything, as array or not."""

    def __eq__(self, other):
        return True

    def __array__(self, dtype=None, copy=None):
        raise AttributeError("not today")


def test_an_object_that_equals_everything_is_no_number(task):
    assert judged(task, lambda x: Liar()).points == 0
    with pytest.raises(Incorrect):
        plain(Liar(), "f")
    with pytest.raises(Incorrect):
        plain({"a": object()}, "f")


def test_subclasses_of_arrays_become_plain_arrays():
    class Agreeable(np.ndarray):
        def __eq__(self, other):
            return True

    tricky = np.zeros(3).view(Agreeable)
    assert type(plain(tricky, "f")) is np.ndarray


def test_lists_tuples_and_dicts_keep_their_order_and_names():
    value = plain({"a": (1, [2.0, 3.0]), "b": "text"}, "f")
    assert value["b"] == "text"
    assert value["a"][0] == 1 and np.array_equal(value["a"][1], [2, 3])
    ragged = plain([np.zeros(2), np.zeros(3)], "f")
    assert [x.shape for x in ragged] == [(2,), (3,)]


def test_gradient_is_pytorchs_and_a_detached_one_is_named():
    answer = Answer(lambda x: (x**2).sum(), "f")
    grad = answer.gradient(np.array([1.0, -3.0]))
    assert np.allclose(grad, [2, -6])
    detached = Answer(lambda x: (x.detach() ** 2).sum(), "f")
    with pytest.raises(Incorrect, match="no gradient"):
        detached.gradient(np.array([1.0]))


def test_gradient_of_an_argument_that_is_not_used_is_zero():
    answer = Answer(lambda x, y: x * 1, "f")
    grad = answer.gradient(np.ones(2), np.ones(3), of=0)
    assert np.array_equal(grad, [1, 1])
    mixed = Answer(lambda x, y: (x * 2).sum() + 0 * y.sum(), "f")
    assert np.array_equal(mixed.gradient(np.ones(2), np.ones(3), of=1),
                          np.zeros(3))  # fmt: skip


def test_another_function_of_the_notebook_can_be_asked_for():
    names = {}
    exec("def f(x): return x\ndef g(x): return 2 * x", names)
    answer = Answer(names["f"], "f")
    assert answer.other("g")(3) == 6
    with pytest.raises(Incorrect, match="no h"):
        answer.other("h")


def test_a_cell_waits_for_its_answer(capsys):
    with engine.later():
        raise NotImplementedError("an answer is still to be written")
    assert capsys.readouterr().out.startswith("Not yet: an answer")
    with pytest.raises(ZeroDivisionError), engine.later():
        1 / 0  # noqa: B018
