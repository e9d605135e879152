"""Week 1's own definitions, as the lesson writes them, and its exhibits."""

import math

import numpy as np
import pytest
from authoring import lesson

from course_utils import attention, check

SOURCE = lesson.LESSONS / "week1_attention_from_scratch.py"
ITEMS = {item.name: item for item in lesson.exercises(SOURCE)}
WEEK = lesson.definitions(SOURCE, {"cu": __import__("course_utils")})
RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))


def test_naive_softmax_is_right_until_it_overflows():
    small = np.array([2.0, 1.0, 0.0])
    assert np.allclose(WEEK["naive_softmax"](small), attention.softmax(small))
    with np.errstate(all="ignore"):
        assert np.isnan(WEEK["naive_softmax"](small + 1000)).all()


def test_loops_and_matrices_agree_for_other_lengths():
    query, key = RANDOM.normal(size=(5, 4)), RANDOM.normal(size=(7, 4))
    value = RANDOM.normal(size=(7, 6))
    loops = WEEK["attention_loops"](query, key, value)
    assert loops.shape == (5, 6)
    assert np.allclose(loops, WEEK["attention_matrices"](query, key, value))
    scaled, _ = attention.scaled_dot_product_attention(2 * query, key, value)
    assert np.allclose(loops, scaled)  # head_dim 4: scale 1/2, times 2


def test_heads_of_the_lesson_are_those_of_the_package():
    tokens = RANDOM.normal(size=(2, 5, 12))
    split = WEEK["split_heads"](tokens, 3)
    assert np.array_equal(split, attention.split_heads(tokens, 3))
    assert np.array_equal(WEEK["merge_heads"](split), tokens)


def test_layer_of_the_lesson_is_that_of_the_package():
    tokens = RANDOM.normal(size=(2, 5, 12))
    weights = {
        name: (RANDOM.normal(size=(12, 12)), RANDOM.normal(size=12))
        for name in ("query", "key", "value", "output")
    }
    ours = WEEK["multi_head_attention"](tokens, weights, 3)
    theirs = attention.multi_head_attention(tokens, weights, 3)
    assert all(map(np.allclose, ours, theirs))


def seed_code_literally(num_positions, width):
    """The source tutorial's loops."""
    code = np.zeros((num_positions, width))
    for pos in range(num_positions):
        for i in range(0, width, 2):
            code[pos, i] = math.sin(pos / 10000 ** ((2 * i) // width))
            exponent = (2 * (i + 1)) // width
            code[pos, i + 1] = math.cos(pos / 10000**exponent)
    return code


@pytest.mark.parametrize("width", [2, 12, 64])
def test_seed_code_is_the_tutorials(width):
    ours = WEEK["seed_code"](50, width)
    assert np.allclose(ours, seed_code_literally(50, width))


def test_seed_code_has_two_wavelengths_whatever_the_width():
    for width in (64, 384):
        code = WEEK["seed_code"](713, width)
        assert len(np.unique(code.round(9), axis=1).T) == 4  # 2 sin, 2 cos


def test_decoding_depends_on_the_code_alone():
    assert WEEK["decoded"](attention.sinusoidal_1d(50, 64), 0) == 1
    assert WEEK["decoded"](np.ones((50, 64)), 0) == 1 / 50


def test_nearest_is_a_gaussian_kernel():
    features = RANDOM.normal(size=(9, 3))
    attn = WEEK["nearest"](features, 2.0)
    standard = (features - features.mean(0)) / features.std(0)
    gaps = ((standard[:, None] - standard) ** 2).sum(axis=-1)
    assert np.allclose(attn, attention.softmax(-gaps))
    assert (attn.argmax(axis=1) == np.arange(9)).all()


def exhibit(name):
    """Run an exhibit's cell; return the buggy function."""
    namespace = dict(WEEK)
    exec(ITEMS[name].stub, namespace)
    (bug,) = [n for n in namespace if n.startswith("exhibit_")]
    return namespace[bug]


def solution(name):
    namespace = dict(WEEK)
    exec(ITEMS[name].solution, namespace)
    return namespace[ITEMS[name].call.split("(")[1].rstrip(")")]


def mask_first(logits, mask):
    return attention.softmax(np.where(mask, logits, -np.inf))


def code_by_patch(patches):
    code = attention.sinusoidal_1d(len(patches), 2 * patches[0].size)
    return patches + code[:, ::2].reshape(patches.shape)


REPAIRED = {
    "axis_test": lambda query, key: attention.softmax(query @ key.T),
    "split_test": attention.split_heads,
    "mask_test": mask_first,
    "position_test": code_by_patch,
}


@pytest.mark.parametrize("name", REPAIRED)
def test_property_fails_on_the_exhibit_and_passes_on_the_repair(name):
    holds = solution(name)
    assert not holds(exhibit(name))
    assert holds(REPAIRED[name])


@pytest.mark.parametrize(
    ("name", "hint"),
    [("crop", "second bracket"), ("rollout", "rows do not sum to 1")],
)
def test_exhibits_to_repair_are_caught(name, hint):
    verdict = getattr(check.week1, name)(exhibit(name))
    assert verdict.state == "incorrect"
    assert hint in verdict.message


def test_exhibits_run_and_have_the_right_shape():
    query, key = RANDOM.normal(size=(5, 4)), RANDOM.normal(size=(7, 4))
    assert exhibit("axis_test")(query, key).shape == (5, 7)
    tokens = RANDOM.normal(size=(2, 5, 12))
    assert exhibit("split_test")(tokens, 3).shape == (2, 3, 5, 4)
    mask = np.tri(5, 7, dtype=bool)
    assert exhibit("mask_test")(query @ key.T, mask).shape == (5, 7)
    patches = np.zeros((6, 16, 3))
    assert exhibit("position_test")(patches).shape == (6, 16, 3)
    assert exhibit("rollout")(np.ones((3, 5, 5))).shape == (5, 5)
