import numpy as np
import pytest

from course_utils import progress
from course_utils.checks.engine import Verdict, exercise, expect


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))


@exercise(week=1, title="Doubles every number")
def double(attempt):
    x = np.arange(6.0).reshape(2, 3)
    out = attempt(x)
    expect(out.shape == (2, 3), "Keep the shape.")
    expect(np.allclose(out, 2 * x), "Twice, not once.")


@exercise(week=1, title="Counts")
def count(attempt):
    expect(attempt.value == 713, "Whole patches only.")


def stub(x):
    """Double it."""
    return ...


def raises_not_implemented(x):
    raise NotImplementedError


@pytest.mark.parametrize(
    "attempt",
    [None, ..., stub, raises_not_implemented, lambda x: (..., ...)],
)
def test_untouched(attempt):
    assert double(attempt).state == "not attempted"
    assert count(None).state == count(...).state == "not attempted"


def test_correct_answers():
    assert double(lambda x: 2 * x).state == "correct"
    assert double(lambda x: (2 * x).tolist()).state == "correct"
    assert count(713).state == "correct"


def test_tensors_are_welcome():
    import tensorflow as tf
    import torch

    tensor = torch.ones((), requires_grad=True)
    assert double(lambda x: torch.tensor(x) * tensor * 2).state == "correct"
    assert double(lambda x: tf.constant(x) * 2).state == "correct"


def changes_input(x):
    x *= 2
    return x


def divides_by_zero(x):
    return 1 // 0


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda x: x, "Twice, not once."),
        (lambda x: x.T, "Keep the shape."),
        (lambda x: x * np.nan, "Twice, not once."),
        (changes_input, "changes its input in place"),
        (divides_by_zero, "divides_by_zero raised ZeroDivisionError"),
        (lambda x: None, "returned None: does every path"),
        (lambda: 1, "raised TypeError"),
        (lambda x: "text", "should return an array of numbers, not the str"),
        (lambda x: {"a": 1}, "should return an array of numbers"),
        (lambda x: [[1], [1, 2]], "not an array of numbers"),
        (lambda x: stub, "should return an array of numbers, not a function"),
        (713, "write the name without brackets"),
        (np.ones(3), "not an array of shape (3,)"),
    ],
)
def test_wrong_answers_get_a_hint_and_no_traceback(attempt, message):
    verdict = double(attempt)
    assert verdict.state == "incorrect"
    assert message in verdict.message


def test_the_input_of_a_crash_is_described():
    assert "an array of shape (2, 3)" in double(divides_by_zero).message


def test_results_no_test_foresaw_become_verdicts():
    verdict = count(np.arange(3))
    assert verdict.state == "incorrect"
    assert count("many").state == "incorrect"


def test_warnings_stay_silent(recwarn):
    assert double(lambda x: x / 0).state == "incorrect"
    assert len(recwarn) == 0


def test_an_interrupt_is_not_swallowed():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        double(interrupted)


def test_verdicts_reach_the_ledger():
    double(stub)
    count(712)
    assert progress.load()["1"]["count"] == "incorrect"
    count(713)
    double(lambda x: 2 * x)
    assert progress.load()["1"] == {"count": "correct", "double": "correct"}


def test_html_is_escaped_and_never_colour_alone():
    html = Verdict("a<b", "incorrect", "x & y")._repr_html_()
    assert "a&lt;b" in html
    assert "x &amp; y" in html
    assert "incorrect" in html
    assert 'role="status"' in html


def test_long_messages_are_cut():
    def shouts(x):
        raise RuntimeError("a" * 5000)

    assert len(double(shouts).message) < 400
