"""Week 4's source tutorial crashes, and errs in silence, as it is said to."""

import functools
import inspect
import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from course_utils import week4_tutorial as tutorial

CHANNELS = 32
MET = [
    ("ModuleNotFoundError", "torchvision"),
    ("NameError", "UNet"),
    ("NameError", "train_diffusion"),
    ("IndexError", "indices must be long"),
    ("RuntimeError", "expanded size of the tensor (128)"),
    ("RuntimeError", "size of tensor a (6)"),
]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def code():
    return tutorial.repaired()


@pytest.fixture
def without_torchvision(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


# Crashes


def test_the_six_crashes_come_in_this_order(without_torchvision):
    chain = tutorial.crash_chain()
    assert [doing for doing, _, _ in chain] == [
        crash.doing for crash in tutorial.CRASHES
    ]
    assert len(chain) == len(MET)
    for (_, error, message), (name, part) in zip(chain, MET, strict=True):
        assert error == name and part in message and "\n" not in message


def test_where_torchvision_is_installed_five_crashes_are_left(
    without_torchvision, monkeypatch
):
    before = tutorial.crash_chain()
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace())
    after = tutorial.crash_chain()
    assert after[0][1:] == ("none", "no crash here")
    assert after[1:] == before[1:]


def test_the_chain_leaves_the_learner_s_random_numbers_alone():
    expected = torch.rand(3)
    torch.manual_seed(0)
    tutorial.crash_chain()
    assert torch.equal(torch.rand(3), expected)


def test_every_change_alters_published_code_and_nothing_twice():
    published = "".join(map(inspect.getsource, tutorial.PUBLISHED))
    changes = [crash.published for crash in tutorial.CRASHES]
    assert [published.count(text) for text in changes if text] == [1, 5, 1, 1]


def test_repairs_leave_the_published_code_as_it_was(code):
    with pytest.raises(RuntimeError, match="expanded size"):
        tutorial.UNetWithAttention()(torch.zeros(1, 3, 8, 8), torch.zeros(1))
    out = code.UNetWithAttention()(torch.zeros(1, 3, 8, 8), torch.zeros(1))
    assert out.shape == (1, 3, 8, 8)


@pytest.mark.parametrize("count", [-1, 7, "6"])
def test_a_wrong_number_of_repairs_is_named(count):
    with pytest.raises(ValueError, match="from 0 to 6"):
        tutorial.repaired(count)


def test_after_six_repairs_it_runs_to_its_end(code):
    pictures = torch.rand(2, 3, 16, 16) * 2 - 1
    sampled = code.main([(pictures, None)], epochs=1, T=5)
    assert [x.shape for x in sampled] == 2 * [(1, 3, 16, 16)]
    assert all(x.isfinite().all() for x in sampled)


def test_repaired_training_learns(code):
    model = code.UNetWithAttention(in_channels=6)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    step = functools.partial(
        code.train_step, model, code.DiffusionProcess(), optimizer
    )
    pictures = torch.zeros(8, 3, 16, 16)
    losses = [step(pictures) for _ in range(40)]
    assert torch.tensor(losses).isfinite().all()
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])


# Silent errors


def test_the_first_step_moves_gamma_but_not_query_key_value(code):
    model = code.UNetWithAttention(in_channels=6)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = {n: p.clone() for n, p in model.attention.named_parameters()}
    pictures = torch.rand(2, 3, 16, 16) * 2 - 1
    code.train_step(model, code.DiffusionProcess(), optimizer, pictures)
    for name, weights in model.attention.named_parameters():
        still = bool((weights.grad == 0).all())
        assert still == (name != "gamma"), name
        assert torch.equal(weights, before[name]) == still


def test_attention_adds_gamma_times_the_formula():
    block = tutorial.SelfAttention(16, size=(8, 8))
    x = 10 * torch.randn(2, 16, 4, 4)
    assert torch.equal(block(x), x)
    nn.init.constant_(block.gamma, 0.5)
    query, key, value = (
        part(x).flatten(2).mT for part in (block.query, block.key, block.value)
    )
    mixed = nn.functional.scaled_dot_product_attention(query, key, value)
    right = x + 0.5 * mixed.mT.reshape(x.shape)
    assert torch.allclose(block(x), right, atol=1e-5)


def test_attention_s_share_of_the_parameters(code):
    with_it = code.UNetWithAttention(in_channels=6, out_channels=3)
    without = code.UNet(6, 3)
    assert parameters(with_it) - parameters(without) == 20_641
    assert parameters(with_it.attention) == 20_641
    assert parameters(with_it) == 493_668


def time_table(embed, steps=1000):
    with torch.no_grad():
        return embed(torch.arange(float(steps)).view(-1, 1))


@pytest.mark.parametrize("repairs", [0, 6])
def test_the_time_embedding_is_one_number(repairs):
    table = time_table(tutorial.repaired(repairs).time_embedding(CHANNELS))
    assert table.shape == (1000, CHANNELS * (4 if repairs else 1))
    values = torch.linalg.svdvals(table)
    assert values[0] ** 2 / (values**2).sum() > 0.999
    rms = table.square().mean(dim=1).sqrt()
    assert rms[0] < 1 and rms[999] > 100


def test_a_sinusoidal_embedding_is_more_than_one_number():
    rates = 10_000 ** -(torch.arange(64) / 64)
    angles = torch.arange(1000)[:, None] * rates
    values = torch.linalg.svdvals(torch.cat([angles.sin(), angles.cos()], 1))
    assert values[0] ** 2 / (values**2).sum() < 0.7


def test_reduction_sees_4_pixels_of_16():
    high = torch.rand(2, 3, 32, 24)
    low = tutorial.reduce_bilinear(high)
    blocks = high.unfold(2, 4, 4).unfold(3, 4, 4)  # (2, 3, 8, 6, 4, 4)
    centres = blocks[..., 1:3, 1:3].mean(dim=(-2, -1))
    assert low.shape == centres.shape == (2, 3, 8, 6)
    assert (low - centres).abs().max() < 1e-6
    assert (low - blocks.mean(dim=(-2, -1))).abs().max() > 0.1

    kept = torch.zeros(4, 4, dtype=torch.bool)
    kept[1:3, 1:3] = True
    other = torch.where(kept.repeat(8, 6), high, torch.rand_like(high))
    assert torch.equal(tutorial.reduce_bilinear(other), low)


def test_clamping_clips_a_third_of_the_noise():
    noise = torch.randn(1_000_000)
    assert tutorial.clipped_share(noise) == pytest.approx(0.3173, abs=0.005)
    assert noise.clamp(-1, 1).std().item() == pytest.approx(0.718, abs=0.005)
    assert tutorial.clipped_share(torch.tensor([-1.0, 0, 1, 1.5])) == 0.25


def exact_predictor(mean, std):
    """Return E[noise | x_t] for pixels that are N(mean, std)."""
    alpha_bars = tutorial.DiffusionProcess().alpha_bars

    def predict(x, t):
        kept = alpha_bars[t.long()]
        variance = kept * std**2 + 1 - kept
        return (1 - kept).sqrt() * (x - kept.sqrt() * mean) / variance

    return predict


@pytest.mark.parametrize(
    "mean, std, clamped_mean, clamped_std",
    [(0.0, 0.5, 0.0, 0.416), (0.8, 0.1, 0.781, 0.093)],
)
def test_clamping_bends_what_an_exact_denoiser_draws(
    mean, std, clamped_mean, clamped_std
):
    predict, noise = exact_predictor(mean, std), torch.randn(20, 3, 32, 32)
    free = tutorial.sample_clamped(predict, noise, clamp=False)
    held = tutorial.sample_clamped(predict, noise)
    assert free.mean().item() == pytest.approx(mean, abs=0.004)
    assert free.std().item() == pytest.approx(std, abs=0.004)
    assert held.mean().item() == pytest.approx(clamped_mean, abs=0.004)
    assert held.std().item() == pytest.approx(clamped_std, abs=0.004)


def test_sampler_is_the_tutorial_s(code):
    model = code.UNetWithAttention(in_channels=6)
    process = code.DiffusionProcess(T=5)
    low = torch.rand(1, 3, 16, 16)
    torch.manual_seed(1)
    theirs = code.sample_diffusion(model, process, low, img_size=(16, 16))
    torch.manual_seed(1)
    ours = tutorial.sample_clamped(
        lambda x, t: model(torch.cat([x, low], dim=1), t),
        torch.randn(1, 3, 16, 16),
        T=5,
    )
    assert torch.equal(theirs, ours)
