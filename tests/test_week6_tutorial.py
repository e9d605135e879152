"""Week 6's tutorial rules fail where they are said to; descent does not."""

import math

import numpy as np
import pytest

from course_utils import week6_tutorial as tutorial
from course_utils.week6_printed import LOSSES, growth

BEST = 0.5
LOSS = tutorial.bowl(BEST)
# As measured on photos: texture + color = 0.323.
ATTENTION = {
    "texture": 0.22, "structure": 0.43, "color": 0.103, "spatial": 0.247,
}  # fmt: skip
BOTH = pytest.mark.parametrize("attention", [None, ATTENTION])


def test_the_bowl_has_its_floor_at_the_best():
    assert LOSS(math.log(BEST)) == 0
    assert LOSS(math.log(1.0)) == pytest.approx(math.log(2) ** 2)
    assert LOSS(math.log(0.25)) == pytest.approx(LOSS(math.log(1.0)))


# The rules on the bowl


@BOTH
def test_above_the_best_a_rule_two_cycles_where_it_starts(attention):
    sigmas = tutorial.follow(LOSS, 1.0, 400, attention)
    assert tutorial.arrival(sigmas, BEST) == math.inf
    moves = np.sign(np.diff(sigmas))
    assert (moves[1:] == -moves[:-1]).all()
    step = 0.02 * (1 if attention is None else 0.323)
    assert sigmas[-1] == pytest.approx((1 - step**2) ** 200)
    assert sigmas[-1] > 0.92


def test_below_the_best_the_standard_rule_passes_it_and_collapses():
    sigmas = tutorial.follow(LOSS, 0.25, 400)
    assert tutorial.arrival(sigmas, BEST) == 33
    assert sigmas[-1] == pytest.approx(0.007, abs=1e-3)
    assert (np.diff(sigmas[-200:]) < 0).all()


def test_smaller_steps_only_put_the_collapse_off():
    sigmas = tutorial.follow(LOSS, 0.25, 2000, ATTENTION)
    assert tutorial.arrival(sigmas, BEST) == 100
    assert sigmas[400] == pytest.approx(BEST, rel=0.05)
    assert sigmas[-1] < 0.001


def test_noise_makes_a_random_walk_of_the_best_start():
    ends = [
        tutorial.follow(LOSS, BEST, 400, noise=0.1, seed=seed)[-1]
        for seed in range(60)
    ]
    low, high = np.quantile(ends, [0.05, 0.95])
    assert low < 0.8 * BEST and high > 1.2 * BEST
    again = tutorial.follow(LOSS, BEST, 400, noise=0.1, seed=0)
    assert again[-1] == ends[0]


def test_a_constant_loss_lets_sigma_grow():
    sigmas = tutorial.follow(lambda log_x: 1.0, 0.3, 100)
    assert sigmas[-1] / 0.3 == pytest.approx(growth(0.02, 100))


# Losses that sigma has no part in


def test_the_tutorial_s_own_losses_double_sigma():
    epochs, losses = zip(*LOSSES.items(), strict=True)
    falling = np.interp(np.linspace(0, 5, 36), epochs, losses)
    sigmas = tutorial.follow_losses(falling, 0.3)
    assert sigmas[-1] == pytest.approx(0.60, abs=1e-3)
    weighted = tutorial.follow_losses(falling, 0.3, ATTENTION)
    assert weighted[-1] == pytest.approx(0.3 * growth(0.02 * 0.323, 35))


def test_one_update_follows_each_change():
    sigmas = tutorial.follow_losses([0.5, 0.4, 0.6, 0.6], 1.0)
    assert sigmas == pytest.approx([1, 1.02, 1.02 * 0.98, 1.02 * 0.98 * 1.02])


# Descent


@pytest.mark.parametrize("start", [1.0, 0.25, 0.1])
def test_descent_arrives_from_both_sides_and_stays(start):
    sigmas = tutorial.gradient_follow(LOSS, start, 200)
    assert tutorial.arrival(sigmas, BEST) < 20
    assert sigmas[-1] == pytest.approx(BEST, rel=1e-3)


def test_sgd_is_its_formula():
    sigmas = tutorial.gradient_follow(LOSS, 1.0, 1, learning_rate=0.1)
    log_sigma = -0.1 * 2 * (0 - math.log(BEST))
    assert sigmas == pytest.approx([1.0, math.exp(log_sigma)])


def test_arrival_counts_the_start_as_step_0():
    assert tutorial.arrival([0.49, 0.9], BEST) == 0
    assert tutorial.arrival([0.9, 0.8, 0.52], BEST) == 2
    assert tutorial.arrival([0.9, 0.8], BEST) == math.inf
    assert tutorial.arrival([0.9, 0.8], BEST, within=0.7) == 1


# Bad input


@pytest.mark.parametrize("follow", ["follow", "gradient_follow"])
@pytest.mark.parametrize(
    "start, steps, said",
    [
        (0, 10, "start must be above 0"),
        (math.nan, 10, "start must be above 0"),
        (0.3, 0, "steps must be 1 or more"),
    ],
)
def test_bad_runs_are_refused(follow, start, steps, said):
    with pytest.raises(ValueError, match=said):
        getattr(tutorial, follow)(LOSS, start, steps)


@pytest.mark.parametrize("losses", [[0.5], [], [[0.5, 0.4]]])
def test_too_few_losses_are_refused(losses):
    with pytest.raises(ValueError, match="2 or more losses in one row"):
        tutorial.follow_losses(losses, 0.3)


def test_a_loss_that_becomes_nan_is_named():
    with pytest.raises(ValueError, match="loss_delta is NaN"):
        tutorial.follow(lambda log_x: math.nan, 0.3, 5)


@pytest.mark.parametrize("best", [0, -1, math.inf])
def test_no_best_is_refused(best):
    with pytest.raises(ValueError, match="best must be above 0"):
        tutorial.bowl(best)
