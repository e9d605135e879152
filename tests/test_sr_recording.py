"""What is recorded of a sampling is what happened, attention included."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from course_utils import sr_figures, unet
from course_utils.diffusion import Diffusion, chosen_steps, cosine_schedule
from course_utils.explorer import AttentionExplorer
from course_utils.sr_scores import psnr
from course_utils.super_resolution import (
    RESIDUAL,
    enlarge,
    reduce,
    super_resolve,
)

DIFFUSION = Diffusion(cosine_schedule(100), target="v")


def make_net(mixer="attention", **options):
    """An untrained network whose answer is not zero."""
    torch.manual_seed(0)
    net = unet.UNet(widths=(8, 16), mixer=mixer, **options)
    torch.nn.init.normal_(net.out.weight, std=0.1)
    return net


@pytest.fixture(scope="module")
def net():
    return make_net()


@pytest.fixture(scope="module")
def truth():
    generator = torch.Generator().manual_seed(1)
    return torch.rand(1, 3, 32, 32, generator=generator)


@pytest.fixture(scope="module")
def recording(net, truth):
    return sr_figures.record(
        net, DIFFUSION, reduce(truth), truth=truth, seed=4
    )


@pytest.mark.parametrize("method", ["ddim", "ddpm"])
def test_a_recording_is_the_sampling_itself(net, truth, method):
    low = reduce(truth)
    given = {"seed": 4, "steps": 7, "method": method}
    made = sr_figures.record(net, DIFFUSION, low, truth=truth, **given)
    result = super_resolve(net, DIFFUSION, low, **given)
    assert torch.allclose(made.guesses[-1], result[0], atol=1e-6)
    assert made.times == chosen_steps(100, 7).tolist()
    assert len(made) == 7 and repr(made) == "Recording(7 steps, 32x32 pixels)"
    bars = DIFFUSION.alpha_bars[made.times]
    np.testing.assert_allclose(made.levels, (1 - bars).sqrt())
    noise = torch.randn(1, 3, 32, 32, generator=torch.manual_seed(4))
    begun = enlarge(low)[0] + RESIDUAL * noise[0]
    assert torch.allclose(made.noisy[0], begun, atol=1e-6)
    assert made.psnr[-1] == pytest.approx(psnr(result, truth)[0], abs=1e-3)
    assert not made.guesses.equal(made.guesses[-1:].expand_as(made.guesses))


def test_a_truth_may_come_later(recording, truth):
    without = sr_figures.record(make_net(), DIFFUSION, reduce(truth), seed=4)
    assert without.psnr is None
    np.testing.assert_allclose(
        without.with_truth(truth[0]).psnr, recording.psnr, atol=1e-3
    )


def test_what_cannot_be_recorded_is_named(net, truth):
    low = reduce(truth)
    with pytest.raises(ValueError, match="one picture .* got 2"):
        sr_figures.record(net, DIFFUSION, low.expand(2, -1, -1, -1))
    with pytest.raises(ValueError, match=r"truth has shape \(1, 3, 8, 8\)"):
        sr_figures.record(net, DIFFUSION, low, truth=low, steps=2)
    with pytest.raises(ValueError, match="pixels lie between"):
        sr_figures.record(net, DIFFUSION, low - 3)


# --- attention


def input_of(net, x, steps):
    """What reaches the bottleneck's mixer, step by step."""
    time = net.time(unet.time_embedding(steps, unet.TIME_WIDTH // 2))
    first = net.down1(net.stem(F.pixel_unshuffle(x, 2)), time)
    return net.middle1(net.down2(net.reduce(first), time), time)


def hooks_of(net):
    return [m for m in net.modules() if m._forward_pre_hooks]


@torch.no_grad()
def test_attention_is_what_the_layer_computes(net):
    x, steps = torch.randn(2, 6, 32, 32), torch.tensor([3, 60])
    found = sr_figures.attention_of(net, x, steps)
    assert found.keys() == {"mix2"}
    mix, heads = net.mix2, net.mix2.num_heads
    qkv = mix.qkv(mix.norm(input_of(net, x, steps))).flatten(2)
    query, key = qkv.reshape(2, 3, heads, -1, 64).unbind(1)[:2]
    logits = torch.einsum("bhdq,bhdk->bhqk", query, key)
    expected = (logits / query.shape[2] ** 0.5).softmax(dim=-1)
    assert found["mix2"].shape == (2, 4, 64, 64)
    assert torch.allclose(found["mix2"], expected, atol=1e-6)


@pytest.mark.parametrize("mixer", ["attention", "linear", "cross"])
def test_every_kind_of_attention_can_be_read(mixer):
    net = make_net(mixer, everywhere=True)
    x, steps = torch.randn(1, 6, 32, 32), torch.tensor([5])
    before = net(x, steps)
    found = sr_figures.attention_of(net, x, steps)
    assert found.keys() == {"mix1", "mix2", "mix3"}
    for attn in found.values():
        assert torch.allclose(attn.sum(dim=-1), torch.ones(1), atol=1e-5)
        assert attn.min() >= 0 and not attn.requires_grad
    assert found["mix1"].shape[2] == 256
    assert torch.equal(net(x, steps), before) and not hooks_of(net)


def test_a_network_without_attention_has_none():
    x, steps = torch.randn(1, 6, 32, 32), torch.tensor([5])
    assert sr_figures.attention_of(make_net("perceptron"), x, steps) == {}


def test_hooks_are_removed_after_an_error(net, monkeypatch):
    steps = torch.tensor([5])
    with pytest.raises(ValueError, match="x needs shape"):
        sr_figures.attention_of(net, torch.randn(1, 3, 32, 32), steps)
    assert not hooks_of(net)
    monkeypatch.setattr(net.mix2, "weights", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sr_figures.attention_of(net, torch.randn(1, 6, 32, 32), steps)
    assert not hooks_of(net)


def test_attention_over_time_is_that_of_the_sampling(net, truth):
    low, seen = reduce(truth), []
    super_resolve(
        net, DIFFUSION, low, seed=4, steps=6,
        watch=lambda t, x_t, x0: seen.append((t, x_t)),
    )  # fmt: skip
    attn = sr_figures.attention_over_time(
        net, DIFFUSION, low, chosen=[-1, 0, 2], seed=4, steps=6
    )
    assert attn.shape == (3, 4, 64, 64) and not hooks_of(net)
    for found, place in zip(attn, (5, 0, 2), strict=True):
        t, x_t = seen[place]
        x = torch.cat([x_t, 2 * enlarge(low) - 1], dim=1)
        right = sr_figures.attention_of(net, x, torch.tensor([t]))["mix2"]
        assert torch.allclose(found, right[0], atol=1e-6)
    explorer = AttentionExplorer(
        sr_figures.as_image(truth[0]), attn, (8, 8), alt="Texture."
    )
    assert "layers=3, heads=4" in repr(explorer)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"chosen": [6]}, r"steps from 0 to 5, .* got \[6\]"),
        ({"chosen": 3}, "must list steps"),
        ({"chosen": []}, "chosen is empty"),
        ({"chosen": [0], "name": "mix1"}, "no module 'mix1' .*: mix2"),
    ],
)
def test_moments_that_are_not_there_are_named(net, truth, given, message):
    with pytest.raises(ValueError, match=message):
        sr_figures.attention_over_time(
            net, DIFFUSION, reduce(truth), steps=6, **given
        )
    assert not hooks_of(net)
