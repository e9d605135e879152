"""Week 5's checks accept right answers and name each misconception."""

import subprocess
import sys

import mistakes_week5 as made
import numpy as np
import pytest
import torch
import wrong_week5_attention
import wrong_week5_losses
import wrong_week5_scores
from judged import cases_of, each_hostile, stub_of

from course_utils import check, checks, imbalance, multilabel_scores
from course_utils.week5_tutorial import FocalLoss


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))


RIGHT = {
    name: getattr(made, name)
    for name in (
        "pos_weights",
        "average_precision",
        "cross_attention",
        "read",
        "focal_loss",
        "weighted_focal",
        "adjusted_loss",
        "best_threshold",
        "diagnose_scores",
    )
}
ALSO_RIGHT = [
    ("pos_weights", made.pos_weights_by_counting),
    ("average_precision", made.average_precision_by_loop),
    ("average_precision", made.by_library("average_precision_score")),
    ("cross_attention", made.cross_attention_by_einsum),
    ("read", made.read_by_matmul),
    ("focal_loss", made.focal_by_tanh),
    ("best_threshold", made.threshold_by_sorting),
    ("diagnose_scores", made.by_range),
]


WRONG = {
    **wrong_week5_attention.WRONG,
    **wrong_week5_losses.WRONG,
    **wrong_week5_scores.WRONG,
}
CASES = cases_of(WRONG)


def verdict(name, attempt):
    return getattr(check.week5, name)(attempt)


@pytest.mark.parametrize(("name", "right"), [*RIGHT.items(), *ALSO_RIGHT])
def test_right_answer_passes(name, right):
    result = verdict(name, right)
    assert result.state == "correct", result.message


@pytest.mark.parametrize("name", RIGHT)
def test_untouched_stub_is_not_attempted(name):
    assert verdict(name, stub_of(RIGHT[name])).state == "not attempted"


@pytest.mark.parametrize(("name", "wrong", "words"), CASES)
def test_wrong_answer_gets_its_hint(name, wrong, words):
    result = verdict(name, wrong)
    assert result.state == "incorrect"
    assert words in result.message, result.message


def test_every_exercise_has_wrong_answers_with_hints_of_their_own():
    assert checks.names(5) == list(RIGHT)
    assert set(RIGHT) == set(WRONG)
    for name, cases in WRONG.items():
        hints = {verdict(name, wrong).message for wrong, _ in cases}
        assert len(hints) >= len({words for _, words in cases}) >= 10


@pytest.mark.parametrize("name", RIGHT)
@each_hostile
def test_hostile_answer_is_incorrect_without_a_traceback(name, hostile):
    result = verdict(name, hostile)
    assert result.state == "incorrect"
    assert "could not be tested" not in result.message


@pytest.mark.parametrize("name", RIGHT)
def test_changing_the_input_is_noticed(name):
    def in_place(array, *args):
        array[...] = 0
        return RIGHT[name](array + 1, *args)

    assert "in place" in verdict(name, in_place).message


def test_the_checks_of_week_5_are_listed_without_torch():
    code = (
        "import sys; from course_utils import checks; checks.names(5); "
        "assert not {'torch', 'sklearn', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def drawn():
    """Return logits and targets as tensors, and frequencies."""
    torch.manual_seed(0)
    f = torch.tensor([0.05, 0.2, 0.5, 0.9], dtype=torch.float64)
    targets = (torch.rand(200, 4, dtype=torch.float64) < f).double()
    return torch.randn(200, 4, dtype=torch.float64) + targets, targets, f


def near(ours, theirs):
    return np.allclose(ours, theirs, rtol=1e-5)


def test_right_losses_are_those_of_the_package():
    given = logits, targets, f = drawn()
    x, y, rates = (tensor.numpy() for tensor in given)
    weights = imbalance.balanced_pos_weights(targets.mean(dim=0))
    assert near(made.pos_weights(y), weights)
    focal = imbalance.focal_loss(logits, targets, gamma=1.5)
    assert near(made.focal_loss(x, y, 1.5), focal)
    plain = imbalance.weighted_bce(logits, targets, weights)
    assert near(made.weighted_focal(x, y, weights.numpy(), 0), plain)
    adjusted = imbalance.logit_adjusted_bce(*given)
    assert near(made.adjusted_loss(x, y, rates), adjusted)


def test_the_exhibit_is_the_tutorials_focal_loss():
    logits, targets, f = drawn()
    published = FocalLoss(gamma=2, pos_weight=1 / f)(logits, targets)
    given = (tensor.numpy() for tensor in (logits, targets, 1 / f))
    assert near(made.tutorials_focal(*given), published)


def test_right_scores_are_those_of_the_package():
    logits, targets, _ = (tensor.numpy() for tensor in drawn())
    labels = targets == 1
    precision = multilabel_scores.average_precision(labels, logits)
    thresholds = multilabel_scores.best_thresholds(labels, logits)
    for i, column in enumerate(logits.T):
        of_one = targets[:, i].astype(int), column
        assert near(made.average_precision(*of_one), precision[i])
        best = made.f1_of(labels[:, i], column >= thresholds[i])
        found = column >= made.best_threshold(*of_one)
        assert near(made.f1_of(labels[:, i], found), best)
