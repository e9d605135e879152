"""What week 5's source tutorial printed is what its arithmetic allows."""

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from course_utils import week5_printed as printed
from course_utils import week5_tutorial as tutorial

SHARES = np.array(list(printed.NOTEBOOK_FREQUENCIES.values()))
WEIGHTS = tutorial.calculate_aggressive_pos_weights(SHARES).numpy()
RAREST = 4_547 / 202_599  # Bald, of CelebA's 40


def entropy(shares):
    return -(shares * np.log(shares) + (1 - shares) * np.log(1 - shares))


# The imbalance table


def table():
    return map(np.array, zip(*printed.IMBALANCE.values(), strict=True))


def test_the_table_s_weights_are_not_its_function_s():
    frequencies, _, weights = table()
    assert np.allclose((1 / frequencies).round(1), weights)
    by_function = tutorial.calculate_aggressive_pos_weights(frequencies)
    by_function = by_function.numpy()
    assert by_function.round(1) == pytest.approx([41.7, 23.8, 19.2, 1.3])
    assert ((1 - frequencies) / frequencies)[0] == pytest.approx(42.5, abs=0.1)


def test_all_negative_is_the_wrong_baseline_for_a_common_attribute():
    frequencies, all_negative, _ = table()
    assert np.allclose(all_negative, 1 - frequencies)
    majority = np.maximum(frequencies, 1 - frequencies)
    assert majority[-1] == 0.77 and all_negative[-1] == pytest.approx(0.23)
    assert np.allclose(majority[:-1], all_negative[:-1])


def test_half_of_the_table_is_not_in_the_notebook():
    missing = set(printed.IMBALANCE) - set(printed.NOTEBOOK_FREQUENCIES)
    assert missing == {"Mustache", "Wearing_Necktie"}


def test_no_attribute_of_celeba_reaches_the_limit_of_50():
    weights = tutorial.calculate_aggressive_pos_weights
    rarest = weights([RAREST])
    assert rarest.item() == pytest.approx(42.65, abs=0.01)
    assert weights([0.0191]).item() < 50 == weights([0.0189]).item()


# The naive run


def test_the_naive_network_learned_one_constant():
    reached = printed.NAIVE_LOSSES[-1]
    assert reached == pytest.approx(entropy(SHARES.mean()), abs=5e-4)
    assert entropy(SHARES).mean() < reached - 0.1  # a constant for each
    all_negative = 1 - printed.SUCCESS_ACCURACY
    assert all_negative == pytest.approx(printed.NAIVE_ACCURACY)


# The "SUCCESS"


def test_success_is_the_constant_yes():
    accuracy, f1 = printed.always_yes(printed.SUCCESS_ACCURACY)
    assert accuracy == printed.SUCCESS_ACCURACY
    assert round(f1, 4) == printed.SUCCESS_F1


def test_always_yes_agrees_with_scikit_learn():
    labels = np.random.default_rng(0).random((500, 10)) < SHARES
    accuracy, f1 = printed.always_yes(labels.mean())
    yes = np.ones_like(labels)
    assert accuracy == pytest.approx((labels == yes).mean())
    assert f1 == pytest.approx(f1_score(labels, yes, average="micro"))


def test_macro_f1_cannot_tell_a_network_from_the_constant_yes():
    constant = np.mean([printed.always_yes(share)[1] for share in SHARES])
    learned = np.mean(printed.CAPPED_F1)
    assert round(learned, 3) == printed.CAPPED_MACRO_F1
    assert abs(learned - constant) < 0.01
    assert printed.CAPPED_ACCURACY - printed.SUCCESS_ACCURACY > 0.4


# Losses


def test_focal_weight_of_an_easy_positive_is_a_hard_one_s():
    assert printed.focal_weight(0.97) == pytest.approx(0.0009)
    heavy = printed.focal_weight(0.97, 50)
    assert heavy == pytest.approx(printed.focal_weight(0.218), abs=1e-3)
    assert heavy > 600 * printed.focal_weight(0.97)


def test_focal_weight_is_too_large_for_every_probability():
    p = np.linspace(0.001, 0.999, 999)
    for weight in (1.3, 15.5, 50):
        assert (
            printed.focal_weight(p, weight) > printed.focal_weight(p)
        ).all()


def test_focal_weight_is_the_loss_s():
    logit, weight = torch.tensor([[1.5]]), torch.tensor([20.0])
    focal = tutorial.FocalLoss(pos_weight=weight)(logit, torch.ones(1, 1))
    plain = tutorial.FocalLoss(0, weight)(logit, torch.ones(1, 1))
    p = torch.sigmoid(logit).item()
    ratio = (focal / plain).item()
    assert ratio == pytest.approx(printed.focal_weight(p, 20), rel=1e-4)


def test_blind_the_tutorial_s_loss_says_yes_to_all_ten():
    answers = printed.best_constant(SHARES, WEIGHTS)
    assert answers.min() > 0.57 and answers.max() < 0.67


def test_right_weights_in_its_focal_loss_still_say_yes_to_the_rare():
    right = (1 - SHARES) / SHARES
    assert np.allclose(printed.best_constant(SHARES, right, gamma=0), 0.5)
    answers = printed.best_constant(SHARES, right)
    assert (answers[SHARES < 0.1] > 0.57).all()


def test_weights_1_over_f_alone_say_yes_to_all():
    answers = printed.best_constant(SHARES, 1 / SHARES, gamma=0)
    assert answers == pytest.approx(1 / (2 - SHARES), abs=1e-3)
    assert (answers > 0.5).all()


def test_best_constant_is_where_the_loss_is_least():
    loss = tutorial.FocalLoss(pos_weight=torch.tensor([15.5]))
    targets = (torch.arange(1000) < 64).float()[:, None]
    best = printed.best_constant([0.064], [15.5])[0]

    def at(p):
        p = torch.full((1000, 1), p, dtype=torch.float64)
        return loss(torch.logit(p), targets.double()).item()

    assert at(best) < min(at(best - 0.01), at(best + 0.01))


@pytest.mark.parametrize("share", [0.0, 1.0, 1.2, np.nan])
def test_best_constant_names_a_bad_frequency(share):
    with pytest.raises(ValueError, match="above 0 and below 1"):
        printed.best_constant([0.5, share], [1, 1])


# The table that was never run


@pytest.mark.parametrize("base_rate", [SHARES.mean(), 0.313, 0.2205])
def test_every_row_is_possible_and_better_than_chance(base_rate):
    for rate, f1 in printed.EVOLUTION.values():
        blind, perfect = printed.f1_range(rate, base_rate)
        assert blind <= f1 <= perfect
        assert (blind < f1 < perfect) == (rate > 0)


def test_the_run_contradicts_the_last_row():
    rate, f1 = printed.EVOLUTION["Aggressive Focal"]
    assert rate < printed.SUCCESS_RATE and f1 > printed.SUCCESS_F1


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.8])
def test_f1_range_is_what_such_answers_reach(rate):
    rng = np.random.default_rng(0)
    scores = rng.random(200_000)
    labels = scores > 1 - 0.3  # a share of 0.3, ranked perfectly
    blind, perfect = printed.f1_range(rate, labels.mean())
    guesses = rng.random(labels.shape) < rate
    assert f1_score(labels, guesses) == pytest.approx(blind, abs=0.01)
    chosen = scores > 1 - rate
    assert f1_score(labels, chosen) == pytest.approx(perfect, abs=0.01)


def test_rates_out_of_range_are_named():
    with pytest.raises(ValueError, match="positive_rate is a share.*31.3"):
        printed.f1_range(31.3, 0.3)
    with pytest.raises(ValueError, match="base_rate is a share"):
        printed.always_yes(-0.1)
    with pytest.raises(ValueError, match="without positives"):
        printed.f1_range(0.0, 0.0)


# The learning rate


def test_the_rate_restarts_seven_times_and_never_warms_up():
    rates = printed.warm_restart_rates(10 * 157)
    assert rates.shape == (1570,)
    restarts = np.flatnonzero(np.diff(rates) > 0) + 1
    assert restarts.tolist() == [10, 30, 70, 150, 310, 630, 1270]
    assert rates[0] == rates.max() == 5e-4
    assert np.allclose(rates[restarts], 5e-4)


def test_two_epochs_end_with_next_to_no_rate():
    ends = printed.warm_restart_rates(10 * 157)[156::157]
    assert np.flatnonzero(ends < 1e-6).tolist() == [3, 7]  # of epochs 4 and 8


def test_a_doubled_rate_lasts_for_one_batch():
    plain = printed.warm_restart_rates(40)
    doubled = printed.warm_restart_rates(40, doubled_at=[20])
    assert doubled[20] == pytest.approx(2 * plain[20])
    assert np.allclose(np.delete(doubled, 20), np.delete(plain, 20))


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match="1 or more, not 0"):
        printed.warm_restart_rates(0)
