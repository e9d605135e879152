"""Training gated patch graphs: objectives, resuming, and what is watched."""

import os
import signal

import numpy as np
import pytest
import torch

from course_utils.graph_networks import GraphDenoiser, estimate_noise
from course_utils.graph_training import (
    OBJECTIVES,
    denoised,
    denoising_training,
    gate_means,
    mean_square,
    risk_estimate,
    watcher,
)
from course_utils.ladder import noisy_copies, psnr
from course_utils.training import CheckpointError, make_accelerator

STEPS = 6
NOISE = 25 / 255


def dotted(count=12, side=12):
    """Crops of blocks of a few colours: uint8, channels last."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(60, 200, (count, 2, 2, 3), dtype=np.uint8)
    return blocks.repeat(side // 2, axis=1).repeat(side // 2, axis=2)


def make(net=None, crops=None, **options):
    torch.manual_seed(0)
    if net is None:
        net = GraphDenoiser(
            options.pop("knows", "both"), radius=2, width=8,
            layers=options.pop("layers", 1),
        )  # fmt: skip
    crops = dotted() if crops is None else crops
    return denoising_training(
        net, crops, accelerator=make_accelerator(cpu=True),
        **({"steps": STEPS, "seed": 3} | options),
    )  # fmt: skip


class Scaled(torch.nn.Module):
    """The simplest denoiser: one number times the image."""

    def __init__(self, factor):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(float(factor)))
        self.seen = []

    def forward(self, noisy, noise):
        self.seen.append((noisy, noise))
        return self.factor * noisy


def blur(noisy):
    """A denoiser that is linear, with a divergence of 1/9 a pixel."""
    around = torch.nn.functional.pad(noisy, [1] * 4, mode="circular")
    return torch.nn.functional.avg_pool2d(around, 3, stride=1)


def state(training):
    return {
        f"{name}.{key}": value.clone()
        for name, net in training.modules.items()
        for key, value in net.state_dict().items()
    }


def assert_same(one, other):
    assert one.losses == other.losses
    for key, value in state(one).items():
        assert torch.equal(value, state(other)[key]), key


# Objectives


def test_mean_square_is_of_each_image():
    difference = torch.tensor([1.0, 2.0]).view(2, 1, 1, 1).expand(2, 3, 4, 5)
    assert mean_square(difference).tolist() == [1, 4]


def test_a_risk_estimate_is_right_on_average_for_each_image():
    torch.manual_seed(0)
    draws = 4000
    shape = (3, 8, 8)
    clean = torch.stack([torch.full(shape, 0.5), torch.rand(shape)])
    noise = torch.tensor([0.1, 0.3]).view(2, 1, 1, 1)
    many, levels = (x.repeat_interleave(draws, dim=0) for x in (clean, noise))
    found = risk_estimate(blur, many, levels).view(2, draws)
    # Bias of the blur, and what it leaves of the noise.
    expected = mean_square(blur(clean) - clean) + noise.flatten() ** 2 / 9
    spread = found.std(dim=1) / draws**0.5
    assert ((found.mean(dim=1) - expected).abs() < 4 * spread).all()
    assert (spread < 0.02 * expected).all()


def test_a_risk_estimate_is_right_for_a_denoiser_that_is_not_linear():
    torch.manual_seed(0)
    clean = torch.rand(1, 1, 8, 8).round().expand(6000, 3, 8, 8)
    noise = torch.full((6000, 1, 1, 1), 0.3)

    def soft(noisy):
        return torch.sigmoid(6 * (noisy - 0.5))

    found = risk_estimate(soft, clean, noise)
    true = mean_square(soft(clean + noise * torch.randn_like(clean)) - clean)
    spread = (found.var() + true.var()).sqrt() / 6000**0.5
    assert (found.mean() - true.mean()).abs() < 4 * spread
    assert spread < 0.02 * true.mean()


def test_a_risk_estimate_needs_nothing_but_the_noisy_image():
    clean = torch.rand(2, 3, 8, 8, generator=torch.manual_seed(0))
    noise = torch.tensor([0.1, 0.3]).view(2, 1, 1, 1)
    torch.manual_seed(1)
    found = risk_estimate(lambda noisy: 0 * noisy + 0.5, clean, noise)
    torch.manual_seed(1)
    noisy = clean + noise * torch.randn_like(clean)
    expected = mean_square(noisy - 0.5) - noise.flatten() ** 2
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_all_objectives_have_the_same_optimum(objective):
    crops = dotted()
    power = np.mean((crops / 255) ** 2)
    losses = []
    for factor in (0, 0.5, 1):
        training, _ = make(
            Scaled(factor), crops, objective=objective, batch=800,
            levels=(0.3, 0.3),
        )  # fmt: skip
        torch.manual_seed(0)
        losses.append(training.loss_at(0).item())
    # A loss that is quadratic in the factor has its least value here.
    first, middle, last = losses
    best = (3 * first - 4 * middle + last) / (first - 2 * middle + last) / 4
    assert best == pytest.approx(power / (power + 0.3**2), rel=0.02)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_noisy_image_as_it_is_costs_the_noise_squared(objective):
    training, _ = make(
        Scaled(1), objective=objective, levels=(0.2, 0.2), batch=64
    )
    torch.manual_seed(0)
    loss = training.loss_at(0).item() * 0.2**1.5
    times = 2 if objective == "second shot" else 1
    assert loss == pytest.approx(times * 0.2**2, rel=0.05)


def test_errors_count_alike_at_all_levels():
    for level in (0.05, 0.4):
        training, _ = make(Scaled(1), levels=(level, level), batch=64)
        torch.manual_seed(0)
        loss = training.loss_at(0).item()
        assert loss == pytest.approx(level**2 / level**1.5, rel=0.05)


@pytest.mark.parametrize("known", [False, True])
def test_levels_are_drawn_evenly_and_told_only_if_known(known):
    net = Scaled(1)
    training, _ = make(
        net, np.full((1, 16, 16, 3), 128, np.uint8), known=known,
        batch=400, levels=(0.1, 0.3),
    )  # fmt: skip
    torch.manual_seed(0)
    training.loss_at(0)
    ((noisy, told),) = net.seen
    found = estimate_noise(noisy).flatten()
    assert abs(found.mean() - 0.2) < 0.01
    assert abs(found.std() - 0.2 / 12**0.5) < 0.01
    if not known:
        assert told is None
        return
    assert told.shape == (400, 1, 1, 1)
    assert 0.1 <= told.min() < 0.11 and 0.29 < told.max() <= 0.3
    assert torch.corrcoef(torch.stack([found, told.flatten()]))[0, 1] > 0.9


# Training


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_training_helps_whatever_the_objective(objective):
    clean = dotted(4) / 255
    noisy = noisy_copies(clean, 50 / 255, seed=9)  # it starts set for 25

    def score(net):
        found = denoised(net, noisy)
        return np.mean([psnr(*p) for p in zip(found, clean, strict=True)])

    training, average = make(objective=objective, steps=40, batch=6)
    before = score(average)
    training.run()
    assert score(average) > before + 2
    assert not average.training
    assert not any(p.requires_grad for p in average.parameters())


def interrupted(path, at, **options):
    training, _ = make(**options)
    loss_at = training.loss_at

    def disturbed(step):
        if step == at:
            os.kill(os.getpid(), signal.SIGINT)
        return loss_at(step)

    training.loss_at = disturbed
    with pytest.raises(KeyboardInterrupt, match="stopped after"):
        training.run(path=path)
    return training


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_interrupted_and_resumed_is_bit_identical(objective, tmp_path, capsys):
    options = {"objective": objective, "layers": 2}
    whole, _ = make(**options)
    whole.run()
    path = tmp_path / "checkpoint"
    stopped = interrupted(path, at=2, **options)
    assert stopped.done == 3
    resumed, average = make(**options)
    torch.rand(7)  # what was drawn meanwhile does not matter
    resumed.run(path=path)
    assert "going on after 3 of 6 steps" in capsys.readouterr().out
    assert_same(whole, resumed)
    assert resumed.modules["average"] is average


def test_the_seed_decides():
    one, again, other = (make(seed=seed)[0] for seed in (3, 3, 4))
    for training in (one, again, other):
        training.run()
    assert_same(one, again)
    assert one.losses != other.losses


@pytest.mark.parametrize(
    "options", [{"knows": "noise"}, {"layers": 2}, {"steps": 9}, {"seed": 4}]
)
def test_a_checkpoint_of_another_training_is_refused(options, tmp_path):
    path = tmp_path / "checkpoint"
    make()[0].run(path=path)
    other, _ = make(**options)
    with pytest.raises(CheckpointError, match="start afresh"):
        other.run(path=path)
    assert other.done == 0


# Using it


def trained_enough():
    torch.manual_seed(0)
    net = GraphDenoiser("both", "four mixed", radius=2, width=8)
    torch.nn.init.normal_(net.gate[2].weight, std=0.3)
    return net.eval()


def test_denoised_is_the_network_image_by_image():
    net = trained_enough()
    photos = noisy_copies(dotted(2) / 255, NOISE, seed=0)
    found = denoised(net, photos)
    assert found.dtype == np.float64 and found.shape == photos.shape
    pixels = torch.tensor(photos, dtype=torch.float32).permute(0, 3, 1, 2)
    expected = net(pixels).permute(0, 2, 3, 1).detach().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(denoised(net, photos[1]), found[1])
    level = torch.full((2, 1, 1, 1), 0.3)
    told = net(pixels, level).permute(0, 2, 3, 1).detach().numpy()
    np.testing.assert_allclose(denoised(net, photos, 0.3), told, atol=1e-6)
    assert np.abs(told - found).max() > 1e-3


def test_gate_means_are_of_the_first_layer_s_maps():
    net = trained_enough()
    photos = noisy_copies(dotted(3) / 255, NOISE, seed=0)
    found = gate_means(net, photos)
    assert {name: v.shape for name, v in found.items()} == {
        "tau": (1,), "sigma": (4,), "noise": (3,), "mixture": (4,)
    }  # fmt: skip
    assert found["mixture"].sum() == pytest.approx(1, abs=1e-5)
    each = [gate_means(net, photos[i : i + 1]) for i in range(3)]
    for name, mean in found.items():
        expected = np.mean([one[name] for one in each], axis=0)
        np.testing.assert_allclose(mean, expected, rtol=1e-5)


def test_what_is_watched_is_noted_before_and_after():
    photos = dotted(3) / 255
    training, average = make(rate=0.3)
    training.run(watch=watcher(average, photos, noise=0.2))
    first, last = training.notes[0], training.notes[STEPS]
    assert sorted(first) == ["noise", "psnr", "sigma", "tau"]
    assert first["sigma"] != last["sigma"]
    noisy = noisy_copies(photos, 0.2, seed=0)
    scores = [
        psnr(*p) for p in zip(denoised(average, noisy), photos, strict=True)
    ]
    assert last["psnr"] == pytest.approx(np.mean(scores))
    assert last["tau"] == gate_means(average, noisy)["tau"].tolist()


# Bad input


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"objective": "sure"}, "unknown objective 'sure': choose one of cl"),
        ({"levels": (0, 0.1)}, r"from above 0 to 1, got \(0, 0.1\)"),
        ({"levels": (0.2, 0.1)}, r"got \(0.2, 0.1\)"),
        ({"levels": (5, 55)}, r"got \(5, 55\)"),
        ({"levels": (np.nan, 0.1)}, r"got \(nan, 0.1\)"),
        ({"batch": 0}, "batch must be a whole number from 1 .* got 0"),
        ({"steps": 0}, "steps must be a whole number from 1 .* got 0"),
        ({"seed": -1}, "seed must be a whole number from 0 .* got -1"),
    ],
)
def test_a_training_that_cannot_be_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        make(**wrong)


# What it refuses


@pytest.mark.parametrize(
    "images, words",
    [
        ([np.zeros((9, 9, 3)), np.zeros((9, 8, 3))], "have one size"),
        (np.zeros((9, 9, 1)), "takes colour images"),
        (np.zeros((9, 9, 3), np.uint8), "divide whole numbers"),
        (np.full((9, 9, 3), 200.0), "divide by 255"),
        (np.full((9, 9, 3), np.nan), "NaN or infinite"),
        (np.zeros((2, 9, 3)), "at least 3 pixels"),
    ],
)
def test_images_that_cannot_be_denoised_are_named(images, words):
    net = GraphDenoiser(radius=2)
    with pytest.raises((TypeError, ValueError), match=words):
        denoised(net, images)


@pytest.mark.parametrize("noise", [-0.1, np.nan, 25])
def test_a_level_that_cannot_be_is_named(noise):
    with pytest.raises(ValueError, match="25 / 255 for the papers'"):
        denoised(GraphDenoiser(radius=2), np.zeros((9, 9, 3)), noise)


def test_a_single_colour_stays_what_it_is():
    plain = np.full((12, 12, 3), 0.3)
    for heads in ("one", "four mixed", "four added"):
        found = denoised(GraphDenoiser(heads=heads, radius=2), plain)
        np.testing.assert_allclose(found, plain, atol=1e-6)


@pytest.mark.parametrize(
    "crops, words",
    [
        (np.zeros((4, 16, 16, 3)), "uint8"),
        ([np.zeros((16, 16, 3), np.uint8)], "uint8"),
        (np.zeros((4, 3, 16, 16), np.uint8), "side, side, 3"),
        (np.zeros((0, 16, 16, 3), np.uint8), "n at least 1"),
    ],
)
def test_crops_that_cannot_be_trained_on_are_named(crops, words):
    with pytest.raises((TypeError, ValueError), match=words):
        denoising_training(
            GraphDenoiser(radius=2), crops, steps=1,
            accelerator=make_accelerator("no", cpu=True),
        )  # fmt: skip
