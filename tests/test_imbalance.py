"""Losses for rare attributes: by hand, by PyTorch, by what they learn."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from course_utils.imbalance import (
    balanced_pos_weights,
    capped_pos_weights,
    class_balanced_weights,
    curriculum_probabilities,
    diversity_penalty,
    focal_loss,
    ldam_loss,
    ldam_margins,
    log_odds,
    logit_adjusted_bce,
    oversampling_probabilities,
    weighted_bce,
)

FREQUENCIES = [0.02, 0.1, 0.5, 0.8]
POSITIVES = [20, 100, 500, 800]  # of 1000
LOSSES = {
    "weighted": lambda z, y: weighted_bce(z, y, [9.0, 3.0, 1.0, 0.2]),
    "two-sided": lambda z, y: weighted_bce(
        z, y, *class_balanced_weights(POSITIVES, 1000)
    ),
    "focal": focal_loss,
    "focal, alpha": lambda z, y: focal_loss(z, y, 0.5, alpha=0.25),
    "LDAM": lambda z, y: ldam_loss(z, y, POSITIVES, 1000),
    "adjusted": lambda z, y: logit_adjusted_bce(z, y, FREQUENCIES),
}


@pytest.fixture
def batch():
    """Logits and targets of 64 faces and 4 attributes."""
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(64, 4, generator=generator)
    uniform = torch.rand(64, 4, generator=generator)
    return logits, (uniform < torch.tensor(FREQUENCIES)).float()


def bce(logits, targets, **named):
    return F.binary_cross_entropy_with_logits(logits, targets, **named)


def slope(loss, constant, share):
    """Return a loss's gradient at a constant, for shares of positives."""
    targets = torch.zeros(1000, len(share))
    for i, part in enumerate(share):
        targets[: round(1000 * part), i] = 1
    logits = constant.clone().requires_grad_()
    loss(logits.expand_as(targets), targets).backward()
    return logits.grad


# Weights


def test_balanced_weights_make_both_answers_weigh_the_same():
    f = torch.tensor(FREQUENCIES)
    weights = balanced_pos_weights(FREQUENCIES)
    assert torch.allclose(f * weights, 1 - f)
    assert weights.dtype == torch.float32


def test_a_balanced_constant_is_undecided():
    weights = balanced_pos_weights(FREQUENCIES)

    def loss(logits, targets):
        return weighted_bce(logits, targets, weights)

    undecided = torch.zeros(4)
    assert slope(loss, undecided, FREQUENCIES).abs().max() < 1e-6
    assert (slope(loss, undecided + 0.1, FREQUENCIES) > 1e-4).all()


def test_capped_weights_are_those_of_the_tutorial():
    frequencies = [0.0005, 0.0224, 0.5, 0.9995]
    expected = [50, 1 / 0.0234, 1 / 0.501, 1]
    found = capped_pos_weights(frequencies)
    assert found.tolist() == pytest.approx(expected)
    assert capped_pos_weights(frequencies, cap=10).max() == 10


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_frequencies_may_be_of_any_kind(kind):
    given = kind(FREQUENCIES)
    for function in (balanced_pos_weights, capped_pos_weights, log_odds):
        assert torch.allclose(function(given), function(FREQUENCIES))


def test_log_odds_undo_the_sigmoid():
    found = log_odds(FREQUENCIES).sigmoid()
    assert found.tolist() == pytest.approx(FREQUENCIES)


def test_class_balanced_weights_by_hand():
    positive, negative = class_balanced_weights([2, 5], 10, beta=0.5)
    few, many = 1 / (1 - 0.5**2), 1 / (1 - 0.5**8)  # times 1 - beta
    expected = 2 * few / (few + many)
    assert positive.tolist() == pytest.approx([expected, 1])
    assert (positive + negative).tolist() == pytest.approx([2, 2])


def test_class_balanced_weights_from_equal_to_inverse_frequency():
    equal = class_balanced_weights(POSITIVES, 1000, beta=0)
    assert torch.equal(torch.stack(equal), torch.ones(2, 4))
    positive, negative = class_balanced_weights(POSITIVES, 1000, beta=1 - 1e-9)
    f = torch.tensor(FREQUENCIES)
    assert torch.allclose(positive, 2 * (1 - f), rtol=1e-4)
    assert torch.allclose(negative, 2 * f, rtol=1e-4)
    between, _ = class_balanced_weights(POSITIVES, 1000, beta=0.99)
    assert 1 < between[0] < positive[0]


# Losses


def test_weighted_bce_is_pytorchs(batch):
    weights = torch.tensor([40.0, 9, 1, 0.25])
    found = weighted_bce(*batch, weights)
    assert torch.isclose(found, bce(*batch, pos_weight=weights))


def test_negatives_are_weighted_as_positives_are(batch):
    logits, targets = batch
    one, other = torch.tensor([[4.0, 3, 2, 1], [0.5, 1, 5, 2]])
    found = weighted_bce(logits, targets, one, other)
    mirrored = weighted_bce(-logits, 1 - targets, other, one)
    assert torch.isclose(found, mirrored)
    assert not torch.isclose(found, weighted_bce(logits, targets, one))


def test_focal_loss_is_the_formula_of_the_paper(batch):
    logits, targets = batch
    p = logits.double().sigmoid()
    p_t = torch.where(targets == 1, p, 1 - p)
    alpha_t = torch.where(targets == 1, 0.25, 0.75)
    plain = -((1 - p_t) ** 3) * p_t.log()
    assert focal_loss(*batch, 3).item() == pytest.approx(plain.mean().item())
    expected = (alpha_t * plain).mean().item()
    assert focal_loss(*batch, 3, 0.25).item() == pytest.approx(expected)


def test_gamma_0_is_cross_entropy(batch):
    assert torch.isclose(focal_loss(*batch, gamma=0), bce(*batch))
    half = focal_loss(*batch, gamma=0, alpha=0.5)
    assert torch.isclose(half, bce(*batch) / 2)


def test_focal_loss_forgets_what_is_easy():
    target = torch.ones(1, 1)
    shares = [
        (focal_loss(z * target, target) / bce(z * target, target)).item()
        for z in (-4, 0, 4)
    ]
    expected = [
        torch.tensor(z).sigmoid().item() ** 2 for z in (4.0, 0.0, -4.0)
    ]
    assert shares == pytest.approx(expected, rel=1e-4)


def test_the_rarer_answer_has_the_larger_margin():
    positive, negative = ldam_margins(POSITIVES, 1000, max_margin=0.8)
    assert positive[0] == pytest.approx(0.8)
    assert (positive.diff() < 0).all() and (negative.diff() > 0).all()
    assert positive[0] > negative[0] and positive[3] < negative[3]
    assert positive[2] == negative[2]
    ratio = (positive / negative).tolist()
    n = np.array(POSITIVES)
    assert ratio == pytest.approx(((1000 - n) / n) ** 0.25)


def test_ldam_is_the_softmax_of_the_paper(batch):
    """Two classes, whose scores are z / 2 and -z / 2."""
    logits, targets = batch
    positive, negative = ldam_margins(POSITIVES, 1000)
    expected = []
    for i in range(4):
        pair = torch.stack([-logits[:, i], logits[:, i]], dim=1) / 2
        right = targets[:, i].long()
        margins = torch.stack([negative[i], positive[i]])
        pair = pair - F.one_hot(right, 2) * margins
        expected.append(F.cross_entropy(7 * pair, right))
    found = ldam_loss(logits, targets, POSITIVES, 1000, scale=7)
    assert torch.isclose(found, torch.stack(expected).mean())


def test_ldam_s_scale_trades_places_with_its_margin(batch):
    logits, targets = batch
    one = ldam_loss(logits, targets, POSITIVES, 1000, 0.5, scale=10)
    other = ldam_loss(10 * logits, targets, POSITIVES, 1000, 5, scale=1)
    assert torch.isclose(one, other)
    without = ldam_loss(logits, targets, POSITIVES, 1000, 1e-7, scale=1)
    assert torch.isclose(without, bce(logits, targets))


@pytest.mark.parametrize("tau", [0, 0.5, 1])
def test_adjustment_shifts_the_optimum_by_tau_times_the_prior(tau):
    """The best logit is log p / (1 - p) less tau log f / (1 - f)."""
    share = [0.1, 0.1, 0.3, 0.9]

    def loss(logits, targets):
        return logit_adjusted_bce(logits, targets, FREQUENCIES, tau)

    best = log_odds(share) - tau * log_odds(FREQUENCIES)
    assert slope(loss, best, share).abs().max() < 1e-6
    assert (slope(loss, best + 0.1, share) > 1e-4).all()


def test_adjusted_logits_say_yes_above_the_frequency():
    share = [0.1, 0.05, 0.6, 0.7]
    pull = slope(LOSSES["adjusted"], torch.zeros(4), share)
    assert (pull < 0).tolist() == [True, False, True, False]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("size", [1.0, 500.0])
def test_losses_and_gradients_stay_finite(batch, name, size):
    logits = (size * batch[0]).requires_grad_()
    loss = LOSSES[name](logits, batch[1])
    loss.backward()
    assert loss.ndim == 0 and loss.isfinite()
    assert logits.grad.isfinite().all()
    wrong = logits.detach().sign() != 2 * batch[1] - 1
    assert (logits.grad[wrong] != 0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_a_step_down_the_gradient_is_towards_the_answer(batch, name):
    logits = batch[0].clone().requires_grad_()
    LOSSES[name](logits, batch[1]).backward()
    assert (logits.grad * (2 * batch[1] - 1) <= 0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_attributes_do_not_mix(batch, name):
    logits, targets = batch
    logits = logits.clone().requires_grad_()
    LOSSES[name](logits, targets).backward()
    first = logits.grad[:, 0].clone()
    changed = logits.detach().clone()
    changed[:, 1:] += 1
    changed.requires_grad_()
    LOSSES[name](changed, targets).backward()
    assert torch.allclose(changed.grad[:, 0], first)


# The penalty


def test_the_penalty_by_hand():
    logits = torch.tensor([[0.0, 2.0], [-1.0, 3.0]])
    q = logits.sigmoid().mean(dim=0)
    f = torch.tensor([0.2, 0.7])
    expected = f * (f / q).log() + (1 - f) * ((1 - f) / (1 - q)).log()
    found = diversity_penalty(logits, f)
    assert found.item() == pytest.approx(expected.mean().item(), rel=1e-5)


def test_the_frequency_costs_nothing_and_all_else_does():
    still = log_odds(FREQUENCIES).expand(8, 4)
    assert abs(diversity_penalty(still, FREQUENCIES).item()) < 1e-6
    for shift in (-3, -0.5, 0.5, 3):
        assert diversity_penalty(still + shift, FREQUENCIES) > 0.01


@pytest.mark.parametrize("constant", [-200.0, -5.0, 5.0, 200.0])
def test_a_collapsed_network_feels_the_penalty(constant):
    logits = torch.full((16, 4), constant, requires_grad=True)
    diversity_penalty(logits, FREQUENCIES).backward()
    pull = -math.copysign(1, constant)
    assert (logits.grad * pull < -1e-4).all()


# Sampling


@pytest.fixture(scope="module")
def labels():
    rng = np.random.default_rng(0)
    return rng.random((4000, 4)) < [0.01, 0.05, 0.3, 0.8]


def test_a_face_counts_for_its_rarest_attribute():
    labels = [[1, 1], [0, 1], [0, 1], [0, 0]]  # f: 1/4 and 3/4
    expected = np.array([4, 4 / 3, 4 / 3, 1])
    found = oversampling_probabilities(labels)
    assert found.tolist() == pytest.approx(expected / expected.sum())
    expected[0] = 2
    found = oversampling_probabilities(labels, cap=2)
    assert found.tolist() == pytest.approx(expected / expected.sum())


def test_the_rarer_an_attribute_the_more_often_it_comes(labels):
    drawn = oversampling_probabilities(labels).numpy() @ labels
    gain = drawn / labels.mean(axis=0)
    assert gain[0] > 10 > gain[1] > 3 > gain[2] > 0.5


def test_an_attribute_that_no_face_has_changes_nothing(labels):
    more = np.hstack([labels, np.zeros((4000, 1), bool)])
    one, other = map(oversampling_probabilities, (labels, more))
    assert torch.equal(one, other)


def test_the_curriculum_ends_with_the_natural_distribution(labels):
    first, half, last = (
        curriculum_probabilities(labels, t) for t in (0, 0.5, 1)
    )
    assert torch.equal(first, oversampling_probabilities(labels))
    assert torch.allclose(last, torch.full((4000,), 1 / 4000).double())
    assert torch.allclose(half, (first + last) / 2)
    assert half.sum().item() == pytest.approx(1)


# Errors


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize(
    "logits, targets, error, words",
    [
        (torch.zeros(3, 4), torch.zeros(4, 4), ValueError, "same shape"),
        (torch.zeros(3, 4), torch.zeros(1, 4), ValueError, "same shape"),
        (torch.zeros(4), torch.zeros(4), ValueError, r"\(batch, attributes"),
        (torch.zeros(0, 4), torch.zeros(0, 4), ValueError, "1 or more"),
        (torch.zeros(3, 4), -torch.ones(3, 4), ValueError, "0 or 1; CelebA"),
        (torch.zeros(3, 4), torch.zeros(3, 4).bool(), TypeError, "float"),
        (np.zeros((3, 4)), torch.zeros(3, 4), TypeError, "logits must be"),
    ],
)  # fmt: skip
def test_batches_that_do_not_fit_are_named(
    loss, logits, targets, error, words
):
    with pytest.raises(error, match=words):
        loss(logits, targets)


@pytest.mark.parametrize("wrong", [0, 1, -0.1, 3, math.nan])
@pytest.mark.parametrize(
    "function",
    [
        balanced_pos_weights,
        capped_pos_weights,
        log_odds,
        lambda f: logit_adjusted_bce(torch.zeros(2, 2), torch.ones(2, 2), f),
        lambda f: diversity_penalty(torch.zeros(2, 2), f),
    ],
)
def test_frequencies_out_of_range_are_named(function, wrong):
    with pytest.raises(ValueError, match="of attribute 1 is .* between 0"):
        function([0.5, wrong])
    with pytest.raises(ValueError, match="frequencies must be in one row"):
        function([[0.5, 0.5]])


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda z: weighted_bce(z, z, [1.0] * 3), "pos_weight are for 3"),
        (lambda z: weighted_bce(z, z, [1.0] * 4, [1.0]), "neg_weight are"),
        (lambda z: weighted_bce(z, z, [1, 1, 1, 0]), "above 0, got 0 to 1"),
        (lambda z: weighted_bce(z, z, [1, 1, 1, math.inf]), "finite"),
        (lambda z: logit_adjusted_bce(z, z, [0.5]), "frequencies are for 1"),
        (lambda z: diversity_penalty(z, [0.5]), "frequencies are for 1"),
        (lambda z: ldam_loss(z, z, [5] * 3, 9), "positives are for 3"),
        (lambda z: ldam_loss(z, z, POSITIVES, 1000, scale=0), "scale"),
        (lambda z: ldam_loss(z, z, POSITIVES, 1000, 0), "max_margin"),
        (lambda z: focal_loss(z, z, gamma=-1), "gamma must be 0 or more"),
        (lambda z: focal_loss(z, z, alpha=1), "alpha must lie between"),
        (lambda z: logit_adjusted_bce(z, z, FREQUENCIES, math.nan), "tau"),
        (lambda z: capped_pos_weights(FREQUENCIES, 0.5), "cap must be 1"),
        (lambda z: class_balanced_weights([0, 5], 10), "attribute 0 has 0"),
        (lambda z: class_balanced_weights([5, 10], 10), "1 has 10 positives"),
        (lambda z: ldam_margins([0.5, 0.2], 10), "not frequencies"),
        (lambda z: class_balanced_weights([5], 10, 1), "beta must be 0 or"),
        (lambda z: oversampling_probabilities(z[0]), "labels need shape"),
        (lambda z: oversampling_probabilities(z - 1), "labels must be 0 or 1"),
        (lambda z: oversampling_probabilities(z, 0), "cap must be 1"),
        (lambda z: curriculum_probabilities(z, 1.1), "progress must lie"),
    ],
)
def test_numbers_that_cannot_be_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(torch.zeros(2, 4))
