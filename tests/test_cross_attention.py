"""Cross-attention, its two rivals, and the network around them."""

import json

import pytest
import torch
from torch import nn

from course_utils.cross_attention import (
    GRID,
    KINDS,
    AttributeNetwork,
    CrossAttention,
    MeanPooling,
    SummedValues,
)

BATCH, QUERIES, KEYS, WIDTH, HEADS = 2, 5, 7, 12, 3
FREQUENCIES = [0.02, 0.3, 0.5, 0.9]


def asked(kind=CrossAttention):
    """Return a module in double precision, its queries and its tokens."""
    torch.manual_seed(0)
    module = kind(WIDTH, HEADS).double()
    asking = torch.randn(BATCH, QUERIES, WIDTH).double()
    return module, asking, torch.randn(BATCH, KEYS, WIDTH).double()


def small(frequencies=FREQUENCIES, **options):
    """Return a network whose answers depend on the picture."""
    torch.manual_seed(0)
    options = {"width": 16, "num_heads": 2, **options}
    net = AttributeNetwork(frequencies, **options)
    nn.init.normal_(net.answer)
    return net


def images(count=3):
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, 3, 64, 64, generator=generator)


every_kind = pytest.mark.parametrize("kind", KINDS.values())


# Attention


@pytest.mark.parametrize("heads", [1, 3, 12])
def test_it_is_pytorch_s_multihead_attention(heads):
    _, asking, tokens = asked()
    ours = CrossAttention(WIDTH, heads).double()
    theirs = nn.MultiheadAttention(WIDTH, heads, batch_first=True).double()
    inputs = ours.query, ours.key, ours.value
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([x.weight for x in inputs]))
        theirs.in_proj_bias.copy_(torch.cat([x.bias for x in inputs]))
    theirs.out_proj.load_state_dict(ours.proj.state_dict())
    out, attn = ours(asking, tokens)
    expected, weights = theirs(
        asking, tokens, tokens, average_attn_weights=False
    )
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(attn, weights)


@every_kind
def test_weights_of_a_query_sum_to_1(kind):
    module, asking, tokens = asked(kind)
    attn = module(asking, tokens)[1]
    assert attn.shape == (BATCH, HEADS, QUERIES, KEYS)
    assert (attn >= 0).all()
    torch.testing.assert_close(attn.sum(dim=-1), torch.ones_like(attn[..., 0]))


@every_kind
def test_the_order_of_tokens_moves_the_weights_alone(kind):
    module, asking, tokens = asked(kind)
    order = torch.randperm(KEYS)
    out, attn = module(asking, tokens)
    moved, weights = module(asking, tokens[:, order])
    torch.testing.assert_close(moved, out)
    torch.testing.assert_close(weights, attn[..., order])


@every_kind
def test_each_query_is_answered_for_itself(kind):
    module, asking, tokens = asked(kind)
    some = torch.tensor([3, 0])
    out, attn = module(asking, tokens)
    fewer, weights = module(asking[:, some], tokens)
    torch.testing.assert_close(fewer, out[:, some])
    torch.testing.assert_close(weights, attn[:, :, some])


@every_kind
def test_heads_that_do_not_divide_the_width_are_named(kind):
    for heads in (0, 5, 24):
        with pytest.raises(ValueError, match=f"the width 12, got {heads}"):
            kind(WIDTH, heads)


# Its rivals


def gradients(kind):
    """Return the gradient of each parameter at a loss of many terms."""
    module, asking, tokens = asked(kind)
    out, _ = module(asking, tokens)
    (out * torch.randn_like(out)).sum().backward()
    return {name: p.grad for name, p in module.named_parameters()}


def test_the_slip_leaves_queries_and_keys_without_a_gradient():
    slip, right = gradients(SummedValues), gradients(CrossAttention)
    for name in ("query.weight", "query.bias", "key.weight"):
        assert slip[name].norm() < 1e-12 * slip["value.weight"].norm()
        assert right[name].norm() > 1e-3 * right["value.weight"].norm()


def test_the_slip_adds_up_all_values():
    module, asking, tokens = asked(SummedValues)
    out, attn = module(asking, tokens)
    summed = module.value(KEYS * tokens.mean(dim=1))
    summed = summed + (KEYS - 1) * module.value.bias  # one bias a token
    expected = module.proj(summed)[:, None].expand_as(out)
    torch.testing.assert_close(out, expected)
    nn.init.normal_(module.query.weight)
    again, other = module(asking, tokens)
    torch.testing.assert_close(again, out)
    assert not torch.allclose(other, attn)  # what is drawn does change


def test_the_mean_answers_all_queries_alike_from_the_mean_alone():
    module, asking, tokens = asked(MeanPooling)
    out, attn = module(asking, tokens)
    assert torch.equal(out, out[:, :1].expand_as(out))
    assert torch.equal(attn, torch.full_like(attn, 1 / KEYS))
    noise = torch.randn_like(tokens)
    noise = noise - noise.mean(dim=1, keepdim=True)
    torch.testing.assert_close(module(asking, tokens + noise)[0], out)
    assert not torch.allclose(module(asking, tokens + 1)[0], out)


def test_the_mean_uses_every_parameter():
    found = gradients(MeanPooling)
    for name, gradient in found.items():
        assert (gradient != 0).all(), name
    shapes = {name: g.shape for name, g in found.items()}
    attention = asked(CrossAttention)[0].named_parameters()
    assert shapes == {name: p.shape for name, p in attention}


# The network


@pytest.mark.parametrize("kind", KINDS)
def test_answers_start_at_the_frequencies(kind):
    net = AttributeNetwork(FREQUENCIES, kind=kind)
    started = net(images()).sigmoid()
    expected = torch.tensor(FREQUENCIES).expand(3, -1)
    torch.testing.assert_close(started, expected)
    assert torch.equal(AttributeNetwork(num_attributes=5)(images()),
                       torch.zeros(3, 5))  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_attention_comes_by_layer_head_and_attribute(kind):
    net = small(kind=kind, depth=3)
    logits, attn = net.answers(images())
    assert logits.shape == (3, 4)
    assert attn.shape == (3, 3, 2, 4, GRID**2)
    torch.testing.assert_close(attn.sum(dim=-1), torch.ones(3, 3, 2, 4))
    assert torch.equal(net(images()), logits)


def test_layers_are_those_of_the_blocks_in_turn():
    net = small()
    _, attn = net.answers(images())
    asking = net.queries.expand(3, -1, -1)
    first, weights = net.blocks[0](asking, net.tokens(images()))
    torch.testing.assert_close(attn[:, 0], weights)
    _, weights = net.blocks[1](first, net.tokens(images()))
    torch.testing.assert_close(attn[:, 1], weights)


def test_a_picture_is_answered_the_same_in_any_company():
    net = small()
    logits, attn = net.answers(images())
    alone, weights = net.answers(images()[1:2])
    torch.testing.assert_close(logits[1:2], alone)
    torch.testing.assert_close(attn[1:2], weights)


@pytest.mark.parametrize("row, column", [(1, 6), (5, 2)])
def test_tokens_come_row_by_row(row, column):
    net, before = small(), images(1)
    after = before.clone()
    after[..., 8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = 1
    moved = (net.tokens(after) - net.tokens(before)).norm(dim=-1)
    assert moved.shape == (1, GRID**2)
    place = moved.argmax().item()
    assert abs(place // GRID - row) <= 1 and abs(place % GRID - column) <= 1


def test_each_attribute_has_its_own_query_answer_and_bias():
    net = small()
    logits = net(images())
    for parameter in (net.queries, net.answer, net.bias):
        before = parameter.detach().clone()
        with torch.no_grad():
            parameter[2] += torch.randn_like(parameter[2])
        changed = ~torch.isclose(net(images()), logits).all(dim=0)
        assert changed.tolist() == [False, False, True, False]
        with torch.no_grad():
            parameter.copy_(before)


@pytest.mark.parametrize(
    "kind, idle", [("attention", "cross.key.bias"), ("mean", "norm1.")]
)
def test_all_of_the_network_learns_but(kind, idle):
    """Softmax does not see the keys' bias, the mean no query."""
    net = small(kind=kind)
    (net(images()) * torch.randn(3, 4)).sum().backward()
    for name, parameter in net.named_parameters():
        moved = parameter.grad is not None and parameter.grad.norm() > 1e-6
        assert moved != (idle in name), name


def test_the_kinds_are_equal_in_parameters():
    nets = [AttributeNetwork(FREQUENCIES, kind=kind) for kind in KINDS]
    sizes = {sum(p.numel() for p in net.parameters()) for net in nets}
    assert len(nets) == 3 and len(sizes) == 1
    assert [type(net.blocks[0].cross) for net in nets] == [*KINDS.values()]


@pytest.mark.parametrize("kind", KINDS)
def test_settings_make_the_network_again(kind):
    net = small(kind=kind, depth=3)
    again = AttributeNetwork(**json.loads(json.dumps(net.settings)))
    again.load_state_dict(net.state_dict())
    assert again.settings == net.settings
    for one, other in zip(
        net.answers(images()), again.answers(images()), strict=True
    ):
        assert torch.equal(one, other)


# Bad input


@pytest.mark.parametrize(
    "given, message",
    [
        ({}, "give frequencies, or num_attributes"),
        ({"num_attributes": 0}, "num_attributes .1 or more"),
        ({"num_attributes": 2.0}, "num_attributes .1 or more"),
        ({"frequencies": [0.5, 0.0]}, "above 0 and below 1.*never"),
        ({"frequencies": [0.5, 1.0]}, "above 0 and below 1.*always"),
        ({"frequencies": [0.5, torch.nan]}, "above 0 and below 1"),
        ({"frequencies": [[0.5, 0.2]]}, "one row of numbers"),
        ({"frequencies": [0.5], "kind": "max"}, "attention, mean, summed"),
        ({"frequencies": [0.5], "num_heads": 7}, "the width 64, got 7"),
    ],
)
def test_a_network_that_cannot_be_is_named(given, message):
    with pytest.raises(ValueError, match=message):
        AttributeNetwork(**given)


@pytest.mark.parametrize(
    "shape", [(3, 64, 64), (2, 64, 64, 3), (2, 3, 32, 32), (2, 1, 64, 64)]
)
def test_images_of_another_shape_are_named(shape):
    with pytest.raises(ValueError, match=r"\(batch, 3, 64, 64\), got \("):
        small()(torch.zeros(shape))
