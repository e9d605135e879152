"""What week 6's source tutorial printed is not what its formulas give."""

import numpy as np
import pytest

from course_utils import week6_printed as printed

# The softmax examples


@pytest.mark.parametrize(
    "name, right, error",
    [
        ("main example", [0.387, 0.142, 0.259, 0.212], 0.063),
        ("airplane", [0.134, 0.366, 0.201, 0.299], 0.134),
        ("frog", [0.366, 0.134, 0.299, 0.201], 0.134),
    ],
)
def test_no_printed_example_is_its_own_softmax(name, right, error):
    scores, weights = printed.EXAMPLES[name]
    ours = printed.recomputed(scores)
    assert ours == pytest.approx(right, abs=5e-4)
    wrong = np.abs(ours - weights).max()
    assert wrong == pytest.approx(error, abs=1e-3)


def test_no_temperature_gives_the_main_example():
    scores, weights = printed.EXAMPLES["main example"]
    temperatures = np.linspace(0, 10, 1001)
    apart = [
        np.abs(printed.recomputed(scores, t) - weights).max()
        for t in temperatures
    ]
    assert min(apart) == pytest.approx(0.045, abs=1e-3)
    assert temperatures[np.argmin(apart)] == pytest.approx(2.68, abs=0.01)


def test_equal_weights_are_printed_for_unequal_scores():
    scores, weights = printed.EXAMPLES["airplane"]
    _, _, color, spatial = weights
    assert color == spatial
    _, _, color, spatial = printed.recomputed(scores)
    assert spatial / color == pytest.approx(1.49, abs=0.01)


@pytest.mark.parametrize("name", printed.FACTORS)
def test_the_products_are_right_for_the_wrong_weights(name):
    scores, weights = printed.EXAMPLES[name]

    def factors(w):
        texture, structure, color, spatial = w
        sigma = 1 + 0.02 * (texture + color)
        return sigma, 1 + 0.05 * (spatial + structure)

    assert factors(weights) == pytest.approx(printed.FACTORS[name])
    right = {"airplane": (1.0067, 1.0332), "frog": (1.0133, 1.0168)}[name]
    ours = factors(printed.recomputed(scores))
    assert ours == pytest.approx(right, abs=1e-4)


def test_a_higher_temperature_sharpens_here():
    flat, _, sharp = (
        printed.recomputed([0, 0.5, 1], t).max() for t in (0, 1, 9)
    )
    assert flat == pytest.approx(1 / 3) and sharp > 0.98


def test_scores_up_to_1_allow_no_weight_above_0_711():
    assert printed.recomputed([1, 0, 0, 0]).max() == pytest.approx(
        0.711, abs=5e-4
    )


def test_large_scores_do_not_overflow():
    assert printed.recomputed([1e4, 0, 0, 0]).tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize(
    "scores", [[], [[1, 2]], [0.5, np.nan], [np.inf, 0], 0.5]
)
def test_scores_that_are_none_are_refused(scores):
    with pytest.raises(ValueError, match="finite numbers in one row"):
        printed.recomputed(scores)


# The fences


def test_no_fence_runs():
    met = [
        ("NameError", "mean"),
        ("SyntaxError", "cannot contain assignment"),
        ("NameError", "loss_delta"),
        ("UnboundLocalError", "sigma"),
        ("NameError", "batch_size"),
        ("NameError", "self"),
        ("NameError", "self"),
    ]
    said = printed.run_fences()
    assert list(said) == list(printed.FENCES)
    for (error, message), (name, part) in zip(said.values(), met, strict=True):
        assert error == name and part in message and "\n" not in message


def test_a_fence_that_runs_is_not_called_an_error(monkeypatch):
    monkeypatch.setattr(printed, "FENCES", {"one": "x = 1", "two": "x"})
    said = printed.run_fences()
    assert said["one"] == ("none", "no error")
    assert said["two"][0] == "NameError"  # each has its own namespace


# The status and the console


def test_the_status_is_no_number_of_steps_from_the_defaults():
    sigma = printed.STATUS["global_sigma"] / printed.DEFAULTS["sigma"]
    tau = printed.STATUS["global_tau"] / printed.DEFAULTS["tau"]
    assert np.log(sigma) / np.log(1.02) == pytest.approx(0.75, abs=0.01)
    assert np.log(tau) / np.log(1.05) == pytest.approx(1.67, abs=0.01)


def test_the_printed_weights_at_least_sum_to_1():
    examples = [weights for _, weights in printed.EXAMPLES.values()]
    for weights in (*examples, printed.CONSOLE):
        assert sum(weights) == pytest.approx(1)


# A rule without a fixed point


@pytest.mark.parametrize("step, share", [(0.02, 0.5050), (0.05, 0.5125)])
def test_the_balanced_share_leaves_the_mean_logarithm_alone(step, share):
    p = printed.balanced_share(step)
    assert p == pytest.approx(share, abs=5e-5)
    drift = p * np.log(1 + step) + (1 - p) * np.log(1 - step)
    assert drift == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    "step, decreases, times",
    [(0.02, 100, 7.24), (0.05, 100, 131.5), (0.02, 300, 380)],
)
def test_growth_is_compound(step, decreases, times):
    assert printed.growth(step, decreases) == pytest.approx(times, rel=1e-3)


@pytest.mark.parametrize("step", [0.02, 0.05, 0.02 * 0.323])
def test_doubling_steps_double(step):
    steps = printed.doubling_steps(step)
    assert printed.growth(step, steps) == pytest.approx(2)


@pytest.mark.parametrize("step", [0, 1, -0.02, 2, np.nan])
def test_a_step_that_is_no_share_is_refused(step):
    for function in (printed.balanced_share, printed.doubling_steps):
        with pytest.raises(ValueError, match="above 0 and below 1"):
            function(step)
    with pytest.raises(ValueError, match="above 0 and below 1"):
        printed.growth(step, 1)
