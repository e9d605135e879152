"""Week 5's source tutorial errs as it is said to."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_utils import week5_printed as printed
from course_utils import week5_tutorial as tutorial

WIDTH, HEADS, QUERIES, KEYS = 16, 4, 5, 9
SHARES = torch.tensor(list(printed.NOTEBOOK_FREQUENCIES.values()))


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def inputs(batch=3):
    return torch.randn(batch, QUERIES, WIDTH), torch.randn(batch, KEYS, WIDTH)


def shuffle(weight):
    with torch.no_grad():
        weight.copy_(
            weight.flatten()[torch.randperm(weight.numel())].view_as(weight)
        )


# The einsum


def test_every_query_gets_all_values_added_up():
    block = tutorial.BuggyCrossAttention(WIDTH, HEADS)
    asking, tokens = inputs()
    out, attn = block(asking, tokens)
    assert out.shape == asking.shape
    assert attn.shape == (3, HEADS, QUERIES, KEYS)
    assert torch.allclose(attn.sum(-1), torch.ones(3, HEADS, QUERIES))
    mean = block.to_v(tokens).mean(dim=1, keepdim=True)
    expected = block.to_out(KEYS * mean).expand_as(out)
    assert torch.allclose(out, expected, atol=1e-5)


@pytest.mark.parametrize("repaired", [False, True])
def test_the_letter_decides_whether_queries_and_keys_learn(repaired):
    block = tutorial.BuggyCrossAttention(WIDTH, HEADS, repaired)
    out, _ = block(*inputs())
    (out * torch.randn_like(out)).sum().backward()
    values = block.to_v.weight.grad.norm()
    for projection in (block.to_q, block.to_k):
        share = projection.weight.grad.norm() / values
        assert share > 1e-2 if repaired else share < 1e-5


@pytest.mark.parametrize("repaired", [False, True])
def test_shuffled_query_weights_change_the_maps_but_not_the_answer(repaired):
    block = tutorial.BuggyCrossAttention(WIDTH, HEADS, repaired)
    asking, tokens = inputs()
    out, attn = block(asking, tokens)
    shuffle(block.to_q.weight)
    other_out, other_attn = block(asking, tokens)
    assert (other_attn - attn).abs().max() > 0.01
    change = (other_out - out).abs().max()
    assert change > 0.01 if repaired else change < 1e-5


def test_repaired_it_is_multi_head_attention():
    block = tutorial.BuggyCrossAttention(WIDTH, HEADS, repaired=True)
    theirs = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    parts = block.to_q.weight, block.to_k.weight, block.to_v.weight
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat(parts))
        theirs.in_proj_bias.zero_()
    theirs.out_proj.load_state_dict(block.to_out.state_dict())
    asking, tokens = inputs()
    out, attn = theirs(asking, tokens, tokens, average_attn_weights=False)
    ours, our_attn = block(asking, tokens)
    assert torch.allclose(ours, out, atol=1e-5)
    assert torch.allclose(our_attn, attn, atol=1e-6)


def test_heads_that_do_not_divide_the_width_are_named():
    with pytest.raises(ValueError, match="5 heads do not divide width 16"):
        tutorial.BuggyCrossAttention(WIDTH, 5)


# The network


def test_the_encoder_is_linear():
    encoder = tutorial.ImprovedFacialImageEncoder(24, 4, embed_dim=6)
    first, second = torch.randn(2, 2, 3, 24, 24)
    constant = encoder(torch.zeros(1, 3, 24, 24))
    both = encoder(2 * first - second)
    added = 2 * encoder(first) - encoder(second)
    assert torch.allclose(both, added, atol=1e-5)
    assert (constant - encoder.pos_embed).abs().max() > 0.01


def test_the_encoder_is_one_convolution():
    encoder = tutorial.ImprovedFacialImageEncoder(24, 4, embed_dim=6)
    scales = torch.zeros(6, 7, 7)
    scales[:, 3, 3] = 1
    for conv in encoder.multi_scale:
        edge = (7 - conv.kernel_size[0]) // 2
        scales += F.pad(conv.weight[:, 0], [edge] * 4)
    patch = encoder.patch_embed.weight  # (6, 3, 4, 4)
    kernel = torch.einsum("dyx,dcij->dcyixj", scales / 4, patch)
    kernel = kernel.reshape(6, 3, 28, 28)
    images = torch.randn(2, 3, 24, 24)
    tokens = F.conv2d(images, kernel, stride=4, padding=12)
    tokens = tokens.flatten(2).mT + encoder(torch.zeros(1, 3, 24, 24))
    assert torch.allclose(encoder(images), tokens, atol=1e-5)


def small_network(repaired=False):
    return tutorial.CrossAttentionFacialAttributeNetwork(
        10, 32, 4, depth=2, img_size=28, patch_size=2, repaired=repaired
    )


def test_network_has_the_notebook_s_parameters():
    net = tutorial.CrossAttentionFacialAttributeNetwork()
    ours = sum(p.numel() for p in net.parameters())
    # Published 3,424,257: heads there are 64 wide, not 256 / 8.
    wider = 3 * 4 * 256 * (8 * 64 - 256)
    assert ours + wider == 3_424_257


def test_network_s_answers_do_not_depend_on_its_attention():
    net = small_network()
    images = torch.randn(2, 3, 28, 28)
    logits, maps = net(images)
    assert logits.shape == (2, 10)
    assert [attn.shape for attn in maps] == 2 * [(2, 4, 10, 196)]
    for layer in net.cross_attention_layers:
        shuffle(layer.to_q.weight)
        shuffle(layer.to_k.weight)
    assert torch.allclose(net(images)[0], logits, atol=1e-5)


def entropy(shares):
    return -(shares * shares.log() + (1 - shares) * (1 - shares).log())


@pytest.mark.parametrize("repaired", [False, True])
def test_the_letter_makes_one_constant_of_ten_frequencies(repaired):
    """Pictures of noise: only the frequencies of the labels can be learned.

    The published letter learns their mean, and so says no to everything.
    """
    net = small_network(repaired)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-3)
    losses = []
    for _ in range(80):
        images = torch.randn(16, 3, 28, 28)
        labels = (torch.rand(16, 10) < SHARES).float()
        logits, _ = net(images)
        loss = F.binary_cross_entropy_with_logits(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    rates = torch.sigmoid(logits).mean(dim=0)
    reached = np.mean(losses[-40:])
    if repaired:
        assert reached < entropy(SHARES).mean() + 0.03
        assert rates.std() > 0.15 and rates[1] > 0.5  # Young
    else:
        assert reached > entropy(SHARES.mean()) - 0.03
        assert rates.std() < 0.02 and rates.max() < 0.5


def test_one_classifier_serves_all_attributes():
    net = small_network()
    before = net.classifier[-1].bias.clone()
    tutorial.initialise_bias(net.classifier, SHARES.numpy())
    assert before.shape == (1,)
    assert torch.equal(net.classifier[-1].bias, before)
    images = torch.randn(2, 3, 28, 28)
    logits, _ = net(images)
    with torch.no_grad():
        net.classifier[-1].bias += 3
    assert torch.allclose(net(images)[0], logits + 3, atol=1e-5)


# Losses


@pytest.mark.parametrize("weight", [1.0, 32.0, 50.0])
def test_focal_loss_takes_p_to_the_power_of_the_weight(weight):
    p = torch.tensor([[0.97]])
    loss = tutorial.FocalLoss(pos_weight=torch.tensor([weight]))
    got = loss(torch.logit(p), torch.ones(1, 1)).item()
    bce = -weight * math.log(0.97)
    assert got == pytest.approx((1 - 0.97**weight) ** 2 * bce, rel=1e-3)
    right = (1 - 0.97) ** 2 * bce
    assert (got == pytest.approx(right, rel=1e-3)) == (weight == 1)


def test_focal_loss_without_gamma_is_weighted_bce():
    logits, weight = torch.randn(8, 10), torch.rand(10) * 50
    targets = (torch.rand(8, 10) < 0.5).float()
    ours = tutorial.FocalLoss(0, weight)(logits, targets)
    theirs = nn.BCEWithLogitsLoss(pos_weight=weight)(logits, targets)
    assert torch.allclose(ours, theirs)


def test_aggressive_weights_are_held_to_1_and_50():
    weights = tutorial.calculate_aggressive_pos_weights([0.01, 0.023, 1.0])
    assert weights.dtype == torch.float32
    assert weights.numpy() == pytest.approx([50, 1 / 0.024, 1])


def test_the_penalty_would_have_stopped_the_training():
    logits = torch.full((4, 10), -5.0, requires_grad=True)
    loss = logits.square().mean()
    penalised = tutorial.with_diversity_penalty(loss, logits)
    assert penalised.item() > loss.item() + 2
    with pytest.raises(RuntimeError, match="does not require grad"):
        penalised.backward()


def test_the_penalty_stays_away_from_positive_predictions():
    loss = torch.tensor(1.0)
    assert tutorial.with_diversity_penalty(loss, torch.zeros(4, 10)) is loss


def test_a_thresholded_rate_has_no_gradient_to_fix_anything_with():
    logits = torch.randn(8, 10, requires_grad=True) - 5
    rate = (torch.sigmoid(logits) > 0.5).float().mean()
    penalty, _ = tutorial.emergency_fixes(torch.ones(10), rate)
    assert penalty.item() == pytest.approx(-math.log(1e-8), rel=1e-4)
    assert not penalty.requires_grad


def test_the_third_fix_drops_the_weights_that_the_first_doubles():
    weights = torch.tensor([1 / 0.024])
    for _ in range(5):
        _, criterion = tutorial.emergency_fixes(weights, torch.tensor(0.0))
    assert weights.item() == pytest.approx(32 / 0.024)  # 1,333: no limit
    assert criterion.gamma == 3 and criterion.pos_weight is None
    tutorial.emergency_fixes(weights, torch.tensor(0.2))
    assert weights.item() == pytest.approx(32 / 0.024)


# Pictures and widgets


def test_the_concept_figure_is_chance():
    first = tutorial.concept_maps(np.random.default_rng(0))
    second = tutorial.concept_maps(np.random.default_rng(1))
    assert [x.shape for x in first] == [(8, 8), (5, 8)]
    assert all(np.allclose(x.sum(axis=1), 1) for x in first + second)
    both = np.concatenate([x.ravel() for x in first])
    other = np.concatenate([x.ravel() for x in second])
    assert abs(np.corrcoef(both, other)[0, 1]) < 0.3


@pytest.mark.parametrize("scale", [0.0, 1.0, 100.0])
def test_intensity_is_the_same_for_any_map(scale):
    logits = scale * np.random.default_rng(0).normal(size=(2, 10, 196))
    attn = torch.softmax(torch.tensor(logits), dim=-1).numpy()
    intensity, focus = tutorial.intensity_and_focus(attn)
    assert np.allclose(intensity, 1 / 196, atol=1e-9)
    if scale == 0:
        assert np.allclose(focus, math.log(196), atol=1e-3)
    else:
        assert focus.mean() < math.log(196) - 0.3


@pytest.mark.parametrize(
    "chosen, rarity, shown",
    [
        (0, "All", 0),
        (0, "Rare (<10%)", 3),  # Male was chosen, Eyeglasses appear
        (9, "Rare (<10%)", 9),
        (0, "Imbalanced (<30%)", 3),
        (9, "Common (>30%)", 0),
    ],
)
def test_the_filter_swaps_the_attribute(chosen, rarity, shown):
    frequencies = list(printed.NOTEBOOK_FREQUENCIES.values())
    assert tutorial.shown_attribute(chosen, rarity, frequencies) == shown


def test_a_filter_that_nothing_passes_shows_what_it_should_hide():
    assert tutorial.shown_attribute(1, "Rare (<10%)", [0.5, 0.6]) == 0


def test_yes_to_everything_is_a_success_with_a_tick():
    assert tutorial.attribute_status(1.0) == "✅"
    assert tutorial.attribute_status(0.05) == "❌"
    assert tutorial.verdict(1.0) == "SUCCESS"
    assert tutorial.verdict(0.1) == "PARTIAL SUCCESS"


# Crashes


def test_the_fences_of_the_readme_crash():
    met = [
        ("NameError", "inner_dim"),
        ("NameError", "attr_names"),
        ("TypeError", "list"),
        ("NameError", "widgets"),
        ("SyntaxError", "invalid syntax"),
        ("NameError", "positive_rate"),
        ("TypeError", "must be Tensor, not float"),
    ]
    chain = tutorial.crashes()
    assert [doing for doing, _, _ in chain] == list(tutorial.FENCES)
    for (_, error, message), (name, part) in zip(chain, met, strict=True):
        assert error == name and part in message and "\n" not in message


def test_a_fence_that_runs_is_not_called_a_crash(monkeypatch):
    monkeypatch.setattr(tutorial, "FENCES", {"add": "1 + 1"})
    assert tutorial.crashes() == [("add", "none", "no crash")]
