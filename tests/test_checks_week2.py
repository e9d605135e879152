"""Week 2's checks accept right answers and name each misconception."""

import inspect

import numpy as np
import pytest

from course_utils import attention, check
from course_utils.attention import softmax


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))


def influence(block, tokens, step=1e-3):
    before = block(tokens)
    columns = []
    for j in range(len(tokens)):
        nudged = tokens + step * (np.arange(len(tokens)) == j)[:, None]
        columns.append(np.abs(block(nudged) - before).sum(axis=1) / step)
    return np.stack(columns, axis=1)


def influence_pile_up(block, tokens, step=1e-3):
    before, nudged = block(tokens), tokens.copy()
    table = np.zeros((len(tokens), len(tokens)))
    for j in range(len(tokens)):
        nudged[j] += step
        table[:, j] = np.abs(block(nudged) - before).sum(axis=1) / step
    return table


def influence_signed(block, tokens, step=1e-3):
    before = block(tokens)
    eye = np.eye(len(tokens))
    moved = [block(tokens + step * e[:, None]) - before for e in eye]
    return np.stack([m.sum(axis=1) / step for m in moved], axis=1)


def mix(query, key, value):
    query, key, value = (x.swapaxes(1, 2) for x in (query, key, value))
    out, _ = attention.scaled_dot_product_attention(query, key, value)
    return out.swapaxes(1, 2)


def mix_with(scale, axis=-1):
    def attempt(query, key, value):
        query, key, value = (x.swapaxes(1, 2) for x in (query, key, value))
        logits = query @ key.swapaxes(-2, -1) / scale
        return (softmax(logits, axis=axis) @ value).swapaxes(1, 2)

    return attempt


def mix_reshaped(query, key, value):
    parts = (x.reshape(2, 3, 5, 4) for x in (query, key, value))
    out, _ = attention.scaled_dot_product_attention(*parts)
    return out.reshape(2, 5, 3, 4)


def mix_unreturned(query, key, value):
    return mix(query, key, value).swapaxes(1, 2)


def sign_test(logits_of):
    tokens = np.random.default_rng(0).normal(size=(50, 8))
    logits = logits_of(tokens)
    return bool(logits.min() < 0 < logits.max())


def sign_test_on_positive(logits_of):
    logits = logits_of(np.random.default_rng(0).random((50, 8)))
    return bool(logits.min() < 0 < logits.max())


def sign_test_of_one(compare):
    def attempt(logits_of):
        logits = logits_of(np.random.default_rng(0).normal(size=(50, 8)))
        return bool(compare(logits))

    return attempt


def sign_test_too_strict(logits_of):
    tokens = np.random.default_rng(0).normal(size=(50, 8))
    logits = logits_of(tokens)
    both = logits.min() < 0 < logits.max()
    return bool(both and np.allclose(logits, logits.T))


def spread(attn):
    rows = attention.entropy(attn)
    return rows.mean(axis=(0, 2)) / np.log(attn.shape[-1])


def spread_nan(attn):
    rows = -(attn * np.log(attn)).sum(axis=-1)
    return rows.mean(axis=(0, 2)) / np.log(attn.shape[-1])


def hidden_units(width, kernel):
    goal = 4 * (width * width + width)
    fixed = width * kernel * kernel + width + width
    return round((goal - fixed) / (2 * width + 1))


def hidden_half_biased(width, kernel):
    fixed = width * kernel * kernel + width + width
    return round((4 * width**2 - fixed) / (2 * width + 1))


def recall(confusion):
    return np.diag(confusion) / np.maximum(confusion.sum(axis=1), 1)


def receptive_field(kernels, strides):
    size = step = 1
    for kernel, stride in zip(kernels, strides, strict=True):
        size += (kernel - 1) * step
        step *= stride
    return size, step


def field_early_stride(kernels, strides):
    size = step = 1
    for kernel, stride in zip(kernels, strides, strict=True):
        step *= stride
        size += (kernel - 1) * step
    return size, step


def field_of_three(kernels, strides):
    return 1 + 2 * sum(int(np.prod(strides[:i])) for i in range(3)), int(
        np.prod(strides)
    )


def flipped(function):
    return lambda *args, **named: np.transpose(function(*args, **named))


def times(function, factor):
    return lambda *args, **named: function(*args, **named) * factor


RIGHT = {
    "influence": influence,
    "mix": mix,
    "sign_test": sign_test,
    "spread": spread,
    "hidden_units": hidden_units,
    "recall": recall,
    "receptive_field": receptive_field,
}

# exercise -> (wrong answer, words of its hint)
WRONG = {
    "influence": [
        (flipped(influence), "exchanged"),
        (influence_signed, "opposite sign"),
        (times(influence, 1e-3), "step is still in"),
        (times(influence, 1 / 3), "took their mean"),
        (influence_pile_up, "pile up"),
        (times(influence, 2), "returns its input"),
        (times(influence, 0), "Nothing moves"),
        (lambda b, t, step=1e-3: influence(b, t), "With step=0.1"),
        (lambda b, t, step=1e-3: influence(b, t)[0], "should have shape"),
    ],
    "mix": [
        (
            lambda q, k, v: attention.scaled_dot_product_attention(q, k, v)[0],
            "Still the tutorial's",
        ),
        (mix_reshaped, "only renumbers"),
        (mix_unreturned, "put the axes back"),
        (mix_with(1), "scale is missing"),
        (mix_with(np.sqrt(5)), "not the root"),
        (mix_with(2, axis=-2), "over the queries"),
        (lambda q, k, v: v, "one head alone"),
    ],
    "sign_test": [
        (sign_test_on_positive, "fails plain dot products"),
        (lambda logits_of: True, "passes the tutorial's"),
        (sign_test_of_one(lambda x: x.min() < 0), "never positive"),
        (sign_test_too_strict, "queries alone"),
        (lambda logits_of: 1.0, "True or False"),
    ],
    "spread": [
        (lambda a: attention.entropy(a).mean(axis=(0, 2)), "in nats"),
        (
            lambda a: attention.entropy(a).mean(axis=(0, 2)) / np.log(5),
            "number of queries",
        ),
        (lambda a: attention.entropy(a).mean(axis=(0, 2)) / 7, "largest poss"),
        (lambda a: spread(a) * 10, "you summed"),
        (lambda a: spread(a).mean(), "One number per head"),
        (spread_nan, "not NaN"),
        (lambda a: spread(a) ** 2, "uniform weights"),
    ],
    "hidden_units": [
        (lambda w, k: int((4160 * 4 - 3264) / 129), "rounded down"),
        (lambda w, k: 13376 / 129, "return an int"),
        (lambda w, k: round((3 * 4160 - 3264) / 129), "four dense"),
        (lambda w, k: round((16640 - w * w * k * k) / 129), "one filter per"),
        (lambda w, k: round((16640 - 3264) / 64), "two dense layers"),
        (lambda w, k: round((16640 - w * k - 2 * w) / 129), "two directions"),
        (hidden_half_biased, "Are all biases in"),
    ],
    "recall": [
        (lambda c: np.diag(c) / np.maximum(c.sum(axis=0), 1), "precision"),
        (lambda c: np.diag(c) / c.sum(axis=1), "gives NaN"),
        (lambda c: np.diag(c) / c.sum(), "all samples"),
        (lambda c: np.trace(c) / c.sum(), "one number for all"),
        (lambda c: (c.sum(axis=1) > 0) - recall(c), "were missed"),
        (lambda c: recall(c) ** 2, "8 of 10"),
    ],
    "receptive_field": [
        (lambda k, s: receptive_field(k, s)[::-1], "exchanged"),
        (lambda k, s: (15, sum(s)), "do not add up"),
        (lambda k, s: (15, 2), "last output moves by one"),
        (lambda k, s: (1 + sum(k) - len(k), 8), "as if all strides"),
        (field_early_stride, "too early"),
        (lambda k, s: (16, 8), "3 pixels"),
        (field_of_three, "Right for our stem"),
    ],
}
CASES = [
    pytest.param(name, wrong, words, id=f"{name}-{i}")
    for name, cases in WRONG.items()
    for i, (wrong, words) in enumerate(cases)
]


def verdict(name, attempt):
    return getattr(check.week2, name)(attempt)


@pytest.mark.parametrize("name", RIGHT)
def test_right_answer_passes(name):
    assert verdict(name, RIGHT[name]).state == "correct"


@pytest.mark.parametrize("name", RIGHT)
def test_untouched_stub_is_not_attempted(name):
    count = len(inspect.signature(RIGHT[name]).parameters)
    stubs = {
        1: lambda a: ...,
        2: lambda a, b: ...,
        3: lambda a, b, c=None: ...,
    }
    if name == "influence":
        stubs[3] = lambda a, b, step=1: ...
    assert verdict(name, stubs[count]).state == "not attempted"


@pytest.mark.parametrize(("name", "wrong", "words"), CASES)
def test_wrong_answer_gets_its_hint(name, wrong, words):
    result = verdict(name, wrong)
    assert result.state == "incorrect"
    assert words in result.message


def test_every_exercise_has_three_wrong_answers_with_hints_of_their_own():
    from course_utils import checks

    assert checks.names(2) == list(RIGHT)
    for name, cases in WRONG.items():
        hints = {verdict(name, wrong).message for wrong, _ in cases}
        assert len(hints) == len(cases) >= 3


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize(
    "hostile",
    [
        lambda *args, **named: 1 / 0,
        lambda *args, **named: "a string",
        lambda *args, **named: np.full((2, 2), np.nan),
        lambda *args, **named: [],
        lambda: 1,
    ],
    ids=["raises", "text", "nan", "empty", "no arguments"],
)
def test_hostile_answer_is_incorrect_without_a_traceback(name, hostile):
    assert verdict(name, hostile).state == "incorrect"


def test_changing_the_input_is_noticed():
    def in_place(attn):
        attn += 1e-9
        return spread(attn)

    assert "in place" in verdict("spread", in_place).message
