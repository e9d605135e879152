"""The trial of week 6 treats its three rules alike."""

import numpy as np
import pytest
import torch

from course_utils import learned_graph, noise, patch_graph
from course_utils import week6_controller as controller
from course_utils import week6_trial as trials

OPTIONS = {"steps": 2, "radius": 2}
LEVEL = 25 / 255


def pair(count, seed):
    """Noisy and clean pictures of 10x12 pixels."""
    rng = np.random.default_rng(seed)
    phases = rng.uniform(0, 6, size=(count, 1, 1, 3))
    down, across = np.indices((10, 12))[..., None] / 4
    clean = 0.5 + 0.2 * (np.sin(down + phases) + np.sin(across - phases))
    noisy = [noise.add_noise(x, LEVEL, [seed, i]) for i, x in enumerate(clean)]
    return np.array(noisy), clean


TRAIN, TEST = pair(3, 0), pair(2, 1)


def run(rule, start=(0.3, 0.1), iterations=3, **options):
    return trials.trial(
        rule, TRAIN, TEST, start, iterations, **(OPTIONS | options)
    )


@pytest.mark.parametrize("rule", ["standard", "attention"])
def test_the_tutorial_s_rules_are_m_steps(rule):
    found = run(rule, iterations=4)
    learner = controller.EMParameterLearning(
        rule == "attention", 0.3, 0.1, OPTIONS["steps"], OPTIONS["radius"]
    )
    for done in range(4):
        assert found["sigma"][done] == pytest.approx(learner.params["sigma"])
        assert found["tau"][done] == pytest.approx(learner.params["tau"])
        controller.m_step(learner, *TRAIN)
    assert found["loss"] == pytest.approx(learner.losses)


@pytest.mark.parametrize("rule", trials.RULES)
def test_lists_of_images_will_do(rule):
    lists = ([list(part) for part in pair] for pair in (TRAIN, TEST))
    found = trials.trial(rule, *lists, (0.3, 0.1), 1, **OPTIONS)
    assert found["psnr"] == pytest.approx(run(rule, iterations=1)["psnr"])


def test_adam_s_first_step_is_downhill_in_both():
    found = run("adam", iterations=1, learning_rate=0.1)
    noisy, clean = (
        torch.tensor(x).permute(0, 3, 1, 2).double() for x in TRAIN
    )

    def loss(log_sigma, logit_tau):
        sigma, tau = np.exp(log_sigma), 1 / (1 + np.exp(-logit_tau))
        got = learned_graph.smooth(noisy, sigma, tau, **OPTIONS)
        return ((got - clean) ** 2).mean().item()

    at = np.log(0.3), np.log(0.1 / 0.9)
    assert found["loss"][0] == pytest.approx(loss(*at), rel=1e-4)
    slope = [loss(at[0] + 0.01, at[1]), loss(at[0], at[1] + 0.01)]
    signs = np.sign(np.array(slope) - loss(*at))
    # Adam's first step is the learning rate, against the slope.
    after = np.log(found["sigma"][1]), np.log(1 / (1 / found["tau"][1] - 1))
    assert np.subtract(after, at) == pytest.approx(-0.1 * signs, rel=1e-2)
    assert found["tau"][1] < 1


def test_adam_goes_lower_than_both_rules():
    ends = {r: run(r, iterations=25)["loss"][-1] for r in trials.RULES}
    assert ends["adam"] < 0.9 * min(ends["standard"], ends["attention"])


@pytest.mark.parametrize("rule", trials.RULES)
def test_all_rules_see_the_same_batches(rule):
    found = run(rule, iterations=2, batch_size=2, seed=4)
    rows = np.random.default_rng(4).permutation(3)[:2]
    restored = [patch_graph.denoise(x, 0.3, 0.1, **OPTIONS) for x in TRAIN[0]]
    errors = ((restored - TRAIN[1]) ** 2).mean(axis=(1, 2, 3))
    assert found["loss"][0] == pytest.approx(errors[rows].mean(), rel=1e-4)
    assert found["loss"][0] != pytest.approx(errors.mean(), rel=1e-4)


def test_scores_come_every_few_iterations_and_at_the_end():
    found = run("standard", iterations=5, score_every=2)
    assert found["scored"].tolist() == [0, 2, 4, 5]
    assert found["psnr"].shape == (4, 2)
    for score, done in zip(found["psnr"], found["scored"], strict=True):
        at = found["sigma"][done], found["tau"][done]
        assert score == pytest.approx(trials.psnr(TEST, *at, **OPTIONS))


def test_psnr_is_scikit_image_s_after_clipping():
    from skimage.metrics import peak_signal_noise_ratio

    bright = TEST[0] + 0.2, TEST[1]
    for tau, used in ((0.5, 0.5), (1.3, 1.0)):  # above 1 counts as 1
        expected = [
            peak_signal_noise_ratio(
                y,
                patch_graph.denoise(x, 0.1, used, **OPTIONS).clip(0, 1),
                data_range=1,
            )
            for x, y in zip(*bright, strict=True)
        ]
        ours = trials.psnr(bright, 0.1, tau, **OPTIONS)
        assert ours == pytest.approx(expected)


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"rule": "em"}, "one of standard, attention, adam, not 'em'"),
        ({"start": (0, 0.1)}, "sigma must be above 0"),
        ({"start": (0.3, 1.0)}, "tau must start between 0 and 1"),
        ({"iterations": 0}, "iterations must be 1 or more"),
        ({"batch_size": 4}, "batch_size must be 1 to 3"),
        ({"batch_size": 0}, "batch_size must be 1 to 3"),
        ({"train": (TRAIN[0], TRAIN[1][:1])}, "got 3 and 1"),
        ({"test": (TEST[0] * np.nan, TEST[1])}, "NaN"),
        ({"test": ([], [])}, "one or more noisy images"),
    ],
)
def test_bad_trials_are_refused_before_they_start(changed, said):
    right = {
        "rule": "standard", "train": TRAIN, "test": TEST,
        "start": (0.3, 0.1), "iterations": 1,
    }  # fmt: skip
    with pytest.raises(ValueError, match=said):
        trials.trial(**(right | changed))


def test_mixed_sizes_are_refused():
    small = TRAIN[0][0, :9], TRAIN[1][0, :9]
    mixed = [[*part, image] for part, image in zip(TRAIN, small, strict=True)]
    with pytest.raises(ValueError, match="of one size"):
        trials.trial("adam", mixed, TEST, (0.3, 0.1), 1)
