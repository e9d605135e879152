"""The twelve remedies: each trains, does what its name says, is read right."""

import numpy as np
import pytest
import torch
from random_faces import random_faces
from torch.nn import functional as F

from course_utils import imbalance
from course_utils.attribute_training import attribute_training
from course_utils.cross_attention import AttributeNetwork
from course_utils.remedies import Remedy, remedies
from course_utils.training import make_accelerator
from course_utils.week5_tutorial import FocalLoss

FACES = random_faces(40, 4)
LABELS = FACES.labels
TARGETS = torch.from_numpy(LABELS).float()
FREQUENCIES = torch.from_numpy(LABELS.mean(axis=0)).float()
FOUND = remedies(LABELS)
NAMES = [
    "plain", "weights (1-f)/f", "weights up to 50", "focal",
    "focal, alpha 0.25", "focal, tutorial's", "class-balanced", "LDAM",
    "logit adjustment", "diversity penalty", "oversampling", "curriculum",
]  # fmt: skip
RESAMPLED = ["oversampling", "curriculum"]


def random_logits(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(TARGETS.shape, generator=generator)


def slope(name, constants):
    """Return the loss's gradient at a constant answer to every attribute."""
    constants = torch.as_tensor(constants).clone().requires_grad_()
    FOUND[name].loss(constants.expand_as(TARGETS), TARGETS).backward()
    return constants.grad


def test_there_are_twelve_and_plain_comes_first():
    assert list(FOUND) == NAMES
    assert FOUND["plain"] == Remedy()
    assert Remedy().loss is F.binary_cross_entropy_with_logits


@pytest.mark.parametrize("name", NAMES)
def test_each_trains(name):
    torch.manual_seed(0)
    remedy = FOUND[name]
    net = AttributeNetwork(LABELS.mean(axis=0), width=8, num_heads=2, depth=1)
    before = net.bias.detach().clone()
    training, _ = attribute_training(
        net, FACES, steps=2, batch=4, accelerator=make_accelerator(cpu=True),
        loss=remedy.loss, probabilities=remedy.probabilities,
    )  # fmt: skip
    training.run()
    assert np.isfinite(training.losses).all()
    for parameter in (net.bias, net.answer, net.encoder[0].weight):
        assert parameter.grad.isfinite().all()
        assert parameter.grad.norm() > 0
    assert (net.bias != before).all()


def test_no_two_are_the_same():
    logits = random_logits()
    losses = {
        name: remedy.loss(logits, TARGETS).item()
        for name, remedy in FOUND.items()
        if name not in RESAMPLED
    }
    assert len({round(loss, 4) for loss in losses.values()}) == 10
    for name in RESAMPLED:
        assert FOUND[name].loss is FOUND["plain"].loss
    others = set(NAMES) - set(RESAMPLED)
    assert all(FOUND[name].probabilities is None for name in others)


# Where a constant comes to rest tells what a loss holds right.


@pytest.mark.parametrize("name", ["plain", "diversity penalty"])
def test_these_rest_at_the_frequency(name):
    rest = FREQUENCIES.logit()
    assert slope(name, rest).abs().max() < 1e-6
    assert (slope(name, rest - 1) < -1e-3).all()
    assert (slope(name, rest + 1) > 1e-3).all()


@pytest.mark.parametrize("name", ["weights (1-f)/f", "logit adjustment"])
def test_these_rest_at_even_odds(name):
    assert slope(name, torch.zeros(4)).abs().max() < 1e-6
    assert (slope(name, -torch.ones(4)) < 0).all()
    assert (slope(name, torch.ones(4)) > 0).all()


def test_class_balanced_rests_at_even_odds_when_faces_are_few():
    assert slope("class-balanced", torch.zeros(4)).abs().max() < 1e-3


def test_capped_weights_pull_the_rare_up_and_leave_the_common():
    rarest, *_, commonest = slope("weights up to 50", torch.zeros(4))
    assert abs(rarest) < 0.01
    plain = slope("plain", torch.zeros(4))[3].item()
    # 1 / (f + 0.001) is 1.02 for the attribute of all faces but one
    assert commonest.item() == pytest.approx(plain, rel=0.03)


def test_the_diversity_penalty_is_added_to_plain():
    logits = random_logits()
    penalty = imbalance.diversity_penalty(logits, FREQUENCIES)
    plain = FOUND["plain"].loss(logits, TARGETS)
    found = FOUND["diversity penalty"].loss(logits, TARGETS)
    assert penalty > 0
    assert found.item() == pytest.approx((plain + penalty).item())


def test_focal_losses_are_the_paper_s_and_the_tutorial_s():
    logits = random_logits()
    right = torch.where(TARGETS == 1, logits, -logits)
    hard = (1 - right.sigmoid()) ** 2 * -F.logsigmoid(right)
    weighed = torch.where(TARGETS == 1, 0.25 * hard, 0.75 * hard)
    caps = imbalance.capped_pos_weights(FREQUENCIES)
    expected = {
        "focal": hard.mean(),
        "focal, alpha 0.25": weighed.mean(),
        "focal, tutorial's": FocalLoss(pos_weight=caps)(logits, TARGETS),
    }
    for name, value in expected.items():
        torch.testing.assert_close(FOUND[name].loss(logits, TARGETS), value)


# How answers are read


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_log_odds_unless_the_loss_scales_or_shifts(name):
    logits = random_logits()
    read = FOUND[name].logits_of(logits)
    assert read.shape == logits.shape
    changed = name in ("LDAM", "logit adjustment")
    assert torch.equal(read, logits) != changed


def test_logit_adjustment_says_yes_where_the_raw_logit_does():
    remedy, logits = FOUND["logit adjustment"], random_logits()
    logits[0] = torch.tensor([1e-3, -1e-3, 1e-3, -1e-3])
    scores = remedy.logits_of(logits).sigmoid()
    yes = scores.numpy() >= remedy.threshold
    assert np.array_equal(yes, logits > 0)
    others = set(NAMES) - {"logit adjustment"}
    assert all(FOUND[name].threshold == 0.5 for name in others)


def test_logit_adjustment_reads_what_its_loss_trained():
    remedy, logits = FOUND["logit adjustment"], random_logits()
    loss = FOUND["plain"].loss(remedy.logits_of(logits), TARGETS)
    torch.testing.assert_close(remedy.loss(logits, TARGETS), loss)


def test_ldam_reads_at_the_scale_of_its_loss():
    """Far from any margin, one logit more costs what it is read as."""
    remedy = FOUND["LDAM"]
    wrong = 10 * (1 - 2 * TARGETS)
    costs = [remedy.loss(k * wrong, TARGETS).item() for k in (1, 1.1)]
    worth = remedy.logits_of(torch.ones(1)).item()
    assert costs[1] - costs[0] == pytest.approx(worth, rel=1e-3)


def test_ldam_asks_for_more_than_a_bare_win_of_the_rare():
    """A yes must win by a margin, by most for the rarest attribute."""
    remedy, gained = FOUND["LDAM"], []
    for attribute in (0, 3):
        targets = torch.zeros(1, 4)
        targets[0, attribute] = 1
        logits = 10 * (2 * targets - 1)
        logits[0, attribute] = 0
        gained.append(remedy.loss(logits, targets).item())
    plain = np.log(2) / 4
    assert gained[0] > 1.5 * gained[1] > 1.5 * plain


# Which faces are drawn


@pytest.mark.parametrize("name", RESAMPLED)
@pytest.mark.parametrize("progress", [0, 0.5, 1])
def test_chances_are_one_a_face_and_sum_to_1(name, progress):
    chances = FOUND[name].probabilities(progress)
    assert chances.shape == (40,) and (chances > 0).all()
    assert chances.sum().item() == pytest.approx(1)


def test_the_rarest_is_drawn_most_to_the_end_or_at_first():
    over, curriculum = (FOUND[name].probabilities for name in RESAMPLED)
    rarest = LABELS[:, 0].argmax()
    for progress in (0, 0.5, 1):
        assert over(progress).argmax() == rarest
        assert torch.equal(over(progress), over(0))
    assert over(0)[rarest] > 10 / 40
    assert torch.equal(curriculum(0), over(0))
    half = (over(0) + 1 / 40) / 2
    torch.testing.assert_close(curriculum(0.5), half)
    torch.testing.assert_close(curriculum(1), torch.full_like(half, 1 / 40))


# Bad input


@pytest.mark.parametrize("value", [False, True])
def test_an_attribute_that_never_or_always_holds_is_named(value):
    labels = LABELS.copy()
    labels[:, 2] = value
    with pytest.raises(ValueError, match="attribute 2"):
        remedies(labels)
