"""The checks of week 1: solutions pass, each mistake gets its own hint."""

import numpy as np
import pytest
from authoring import lesson
from mistakes_week1 import KEY, QUERY, WRONG

from course_utils import check

SOURCE = lesson.LESSONS / "week1_attention_from_scratch.py"
ITEMS = {item.name: item for item in lesson.exercises(SOURCE)}
DEFINITIONS = lesson.definitions(SOURCE, {"cu": __import__("course_utils")})


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))


def attempt_of(name, text):
    """Run a stub or solution; return what its check is called with."""
    namespace = dict(DEFINITIONS)
    exec(text, namespace)
    return namespace[ITEMS[name].call.split("(")[1].rstrip(")")]


def judge(name, attempt):
    return getattr(check.week1, name)(attempt)


CASES = [
    pytest.param(name, wrong, id=f"{name}-{i}")
    for name, attempts in WRONG.items()
    for i, wrong in enumerate(attempts)
]


@pytest.mark.parametrize("name", ITEMS)
def test_solution_of_the_lesson_is_correct(name):
    verdict = judge(name, attempt_of(name, ITEMS[name].solution))
    assert verdict.state == "correct", verdict.message


@pytest.mark.parametrize("name", ITEMS)
def test_stub_counts_as_not_attempted(name):
    assert judge(name, attempt_of(name, ITEMS[name].stub)).state == (
        "not attempted"
    )


@pytest.mark.parametrize(("name", "wrong"), CASES)
def test_wrong_answers_get_a_hint(name, wrong):
    verdict = judge(name, wrong)
    assert verdict.state == "incorrect"
    assert "raised" not in verdict.message
    assert "could not be tested" not in verdict.message


@pytest.mark.parametrize("name", ITEMS)
def test_each_mistake_has_a_hint_of_its_own(name):
    hints = [judge(name, wrong).message for wrong in WRONG[name]]
    assert len(set(hints)) == len(hints) >= 3


def raises(*args, **kwargs):
    raise ValueError("operands could not be broadcast together")


def returns_text(*args, **kwargs):
    return "0.5"


def returns_nan(*args, **kwargs):
    return np.full((5, 7), np.nan)


@pytest.mark.parametrize("name", ITEMS)
@pytest.mark.parametrize("hostile", [raises, returns_text, returns_nan, 7])
def test_hostile_answers_meet_a_verdict_not_a_traceback(name, hostile):
    verdict = judge(name, hostile)
    assert verdict.state == "incorrect"
    assert len(verdict.message) > 20


ARRAYS = sorted(
    {"softmax", "scaled_attention", "masked_softmax", "order_test"}
    | {"patchify", "crop", "rollout"}
)


@pytest.mark.parametrize("name", ARRAYS)
def test_right_answers_that_spoil_their_input_are_told(name):
    right = attempt_of(name, ITEMS[name].solution)

    def spoils(*args, **kwargs):
        result = right(*args, **kwargs)
        for array in args:
            if isinstance(array, np.ndarray):
                array[...] = 0
        return result

    assert "in place" in judge(name, spoils).message


def test_a_learners_assert_counts_as_a_failed_property():
    def with_assert(weights):
        attn = weights(QUERY, KEY)
        assert np.allclose(attn.sum(axis=-1), 1), "rows"
        assert (attn >= 0).all()
        return True

    assert judge("axis_test", with_assert).state == "correct"


def test_loops_are_as_good_as_reshapes():
    def with_loops(image, patch_size):
        height, width = image.shape[:2]
        return [
            image[y : y + patch_size, x : x + patch_size].ravel()
            for y in range(0, height - patch_size + 1, patch_size)
            for x in range(0, width - patch_size + 1, patch_size)
        ]

    assert judge("patchify", with_loops).state == "correct"
