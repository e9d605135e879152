"""Week 4's own definitions, and the networks and runs that it ships."""

import numpy as np
import pytest
import torch
from authoring import lesson

import course_utils as cu
from course_utils import (
    sr_networks,
    sr_scores,
    sr_weights,
    super_resolution,
    week4_tutorial,
)
from course_utils.bundled import bundled
from course_utils.crops import crops
from course_utils.pictures import as_tensor

PATH = lesson.LESSONS / "week4_diffusion_super_resolution.py"
KINDS = tuple(sr_weights.RECIPES)


@pytest.fixture(scope="module")
def week():
    session = type("Session", (), {"pick": lambda self, quick, full: quick})()
    return lesson.definitions(
        PATH, {"__name__": "lesson", "cu": cu, "session": session}
    )


@pytest.fixture(scope="module")
def truth():
    return as_tensor(crops(24, split="test", seed=7).images)


def test_guess_of_the_noise_is_the_best_there_is(week):
    """No line through x_t and the noise in it fits better."""
    torch.manual_seed(0)
    bars = cu.diffusion.linear_schedule()
    told = {"linear": cu.diffusion.Diffusion(bars, target="noise")}
    week["exact_noise"].__globals__.update(told, MEAN=0.8, STD=0.1)
    for t in (100, 500, 900):
        clean = 0.8 + 0.1 * torch.randn(200_000, 1, 1, 1)
        noise, times = torch.randn_like(clean), torch.full((len(clean),), t)
        x_t = bars[t].sqrt() * clean + (1 - bars[t]).sqrt() * noise
        slope, offset = np.polyfit(x_t.flatten(), noise.flatten(), 1)
        best = slope * x_t + offset
        assert (week["exact_noise"](x_t, times) - best).abs().mean() < 0.01


def test_attention_s_first_gradient_is_nothing_only_at_gamma_0(week):
    assert week["first_gradient"](0) == 0
    assert week["first_gradient"](1) > 1e-5


def test_the_tutorial_s_clock_has_one_direction(week):
    codes = week4_tutorial.time_embedding(128)(torch.arange(1000.0)[:, None])
    assert week["leading_share"](codes.detach()) > 0.999
    waves = cu.unet.time_embedding(torch.arange(1000), 128)
    assert week["leading_share"](waves) < 0.6


@pytest.mark.parametrize("kind", KINDS)
def test_shipped_networks_say_where_they_come_from(kind):
    net, told = sr_weights.load_net(kind)
    recipe = sr_weights.RECIPES[kind]
    assert net.settings["mixer"] == recipe["mixer"]
    steps = f"{recipe['steps']:,} of {recipe['steps']:,} steps"
    assert told["trained"].startswith(steps)
    for key in ("data", "seed", "hardware", "software", "precision"):
        assert told[key]


def test_shipped_regression_beats_bicubic_and_is_smooth(truth):
    net, _ = sr_weights.load_net("regression")
    low = super_resolution.reduce(truth)
    found = super_resolution.regress(net, low)
    bicubic = super_resolution.enlarge(low).clamp(0, 1)
    gain = sr_scores.psnr(found, truth) - sr_scores.psnr(bicubic, truth)
    assert gain.mean() > 0.6
    assert sr_scores.sharpness(found, truth).mean() < 0.5


@pytest.mark.parametrize("kind", ["diffusion", "attention"])
def test_shipped_samples_are_sharp_and_consistent(kind, truth):
    net, _ = sr_weights.load_net(kind)
    low = super_resolution.reduce(truth)
    diffusion = sr_weights.standard_diffusion()
    found = super_resolution.super_resolve(net, diffusion, low)
    assert sr_scores.sharpness(found, truth).mean() > 0.5
    assert sr_scores.consistency(found, truth).mean() > 50


def test_shipped_runs_hold_what_is_told_of_them():
    runs = sr_networks.runs()
    slots, readers = len(runs["slots"]), len(runs["readers"])
    assert runs["slots"][0].startswith("perceptron")
    assert runs["slots"][2:4].tolist() == [
        "attention, 4 heads", "4 heads, gamma from 0",
    ]  # fmt: skip
    assert runs["readers"][[0, -1]].tolist() == ["attention", "U-Net"]
    assert runs["regression_psnr"].shape == (slots, 3, 400)
    assert runs["regression_size"].shape == (slots, 2)
    assert runs["reference_psnr"].shape == (readers, 3, 400)
    assert runs["diffusion_losses"].shape[:2] == (2, 3)
    shape = (2, len(runs["counts"]), 100)
    assert runs["sampler_psnr"].shape == shape
    assert runs["sampler_sharpness"].shape == shape
    numbers = [a for a in runs.values() if a.dtype.kind == "f"]
    assert all(np.isfinite(array).all() for array in numbers)
    assert bundled("week4_runs.npz").stat().st_size < 300_000
