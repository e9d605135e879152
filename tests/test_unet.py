"""The U-Net of week 4, and what may stand in its slot."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.mixers import (
    MIXERS,
    CrossAttention,
    LinearAttention,
    Nothing,
    Perceptron,
    SelfAttention,
    make_mixer,
)
from course_utils.unet import (
    TIME_WIDTH,
    ResBlock,
    UNet,
    multiplications,
    time_embedding,
)

CHANNELS, HEADS = 16, 4
KINDS = [kind for kind in MIXERS if kind != "nothing"]
ATTENTION = ["attention", "linear", "cross"]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def mixer(kind, gamma=1.0, **options):
    """A mixer in double precision, with norms that do something."""
    torch.manual_seed(1)
    made = MIXERS[kind](CHANNELS, HEADS, gamma=gamma, **options).double()
    nn.init.normal_(made.norm.weight)
    nn.init.normal_(made.norm.bias)
    return made


def inputs(height=5, width=6):
    """What comes in, and a coarse picture of another size."""
    x = torch.randn(2, CHANNELS, height, width, dtype=torch.double)
    return x, torch.rand(2, 3, 4, 7, dtype=torch.double)


def near(one, other, most=1e-12):
    return (one - other).abs().max().item() < most


def places(x):
    """(batch, channels, height, width) -> (batch, tokens, channels)."""
    return x.flatten(2).transpose(1, 2)


# Attention


@pytest.mark.parametrize("kind", ["attention", "cross"])
def test_attention_is_that_of_pytorch(kind):
    slot, (x, coarse) = mixer(kind, gamma=0.75), inputs()
    three = slot.query_key_value(x, coarse)
    assert near(slot.attend(*three), F.scaled_dot_product_attention(*three))
    heads = F.scaled_dot_product_attention(*three)
    out = heads.transpose(2, 3).reshape(x.shape)
    assert near(slot(x, coarse), x + 0.75 * slot.proj(out))


def test_self_attention_is_multi_head_attention_with_the_same_weights():
    slot, (x, coarse) = mixer("attention"), inputs()
    twin = nn.MultiheadAttention(CHANNELS, HEADS, batch_first=True).double()
    with torch.no_grad():
        twin.in_proj_weight.copy_(slot.qkv.weight[..., 0, 0])
        twin.in_proj_bias.copy_(slot.qkv.bias)
        twin.out_proj.weight.copy_(slot.proj.weight[..., 0, 0])
        twin.out_proj.bias.copy_(slot.proj.bias)
    tokens = places(slot.norm(x))
    out, attn = twin(tokens, tokens, tokens, average_attn_weights=False)
    assert near(places(slot(x, coarse) - x), out)
    assert near(slot.weights(x, coarse), attn)


@pytest.mark.parametrize("kind", ATTENTION)
def test_weights_are_shares_of_the_keys(kind):
    slot, (x, coarse) = mixer(kind), inputs()
    keys = coarse if kind == "cross" else x
    attn = slot.weights(x, coarse)
    assert attn.shape == (2, HEADS, 5 * 6, keys[0, 0].numel())
    assert (attn > 0).all()
    assert near(attn.sum(dim=-1), torch.ones(attn.shape[:-1]))
    assert attn.std() > 1e-3  # and not all alike


@pytest.mark.parametrize("kind", ATTENTION)
def test_what_is_added_is_the_weights_times_the_values(kind):
    slot, (x, coarse) = mixer(kind, gamma=-2.0), inputs()
    value = slot.query_key_value(x, coarse)[2]
    mean = (slot.weights(x, coarse) @ value).transpose(2, 3).reshape(x.shape)
    assert near(slot(x, coarse), x - 2 * slot.proj(mean))


def test_linear_attention_is_its_formula():
    """Katharopoulos et al. (2020), equation 4, place by place."""
    slot, (x, coarse) = mixer("linear"), inputs(2, 3)
    query, key, value = slot.query_key_value(x, coarse)
    out = slot.attend(query, key, value)
    for i in range(6):
        alike = ((F.elu(query[:, :, i : i + 1]) + 1) * (F.elu(key) + 1)).sum(3)
        share = alike / alike.sum(dim=2, keepdim=True)
        assert near(out[:, :, i], (share[..., None] * value).sum(dim=2))


@pytest.mark.parametrize("kind", ["attention", "linear", "perceptron"])
def test_places_have_no_order(kind):
    slot, (x, coarse) = mixer(kind), inputs()
    order = torch.randperm(30)
    shuffled = x.flatten(2)[..., order].reshape(x.shape)
    expected = slot(x, coarse).flatten(2)[..., order]
    assert near(slot(shuffled, coarse).flatten(2), expected)
    assert not near(slot(shuffled, coarse), slot(x, coarse), 0.1)


def changed_at_one_place(x):
    """Exchange two channels of a group at one place: norms do not notice."""
    other = x.clone()
    other[:, [0, 1], 2, 3] = x[:, [1, 0], 2, 3]
    return other


@pytest.mark.parametrize("kind", KINDS)
def test_who_hears_of_a_change_at_one_place(kind):
    slot, (x, coarse) = mixer(kind), inputs()
    moved = slot(changed_at_one_place(x), coarse) - slot(x, coarse)
    moved = moved.abs().amax(dim=(0, 1))
    assert moved[2, 3] > 0.01
    moved[2, 3] = 0
    if kind in ("attention", "linear"):
        assert (moved > 1e-6).sum() == 29  # everybody
    else:
        assert moved.max() < 1e-12  # nobody else


def test_a_perceptron_s_places_meet_in_the_norm_alone():
    slot, (x, coarse) = mixer("perceptron"), inputs()
    louder = x.clone()
    louder[:, :, 0, 0] *= 3
    assert not near(
        slot(louder, coarse)[..., 1, 1], slot(x, coarse)[..., 1, 1]
    )
    slot.norm = nn.Identity()
    moved = (slot(louder, coarse) - slot(x, coarse)).abs().amax(dim=(0, 1))
    assert moved[0, 0] > 0.01 and moved.flatten()[1:].max() == 0


def test_cross_attention_asks_of_x_and_is_answered_by_the_coarse_picture():
    slot, (x, coarse) = mixer("cross"), inputs()
    other_x, other_coarse = torch.randn_like(x), torch.rand_like(coarse)
    query, key, value = slot.query_key_value(x, coarse)
    same_x = slot.query_key_value(x, other_coarse)
    same_coarse = slot.query_key_value(other_x, coarse)
    assert torch.equal(query, same_x[0])
    assert not near(key, same_x[1], 0.01) and not near(value, same_x[2], 0.01)
    assert torch.equal(key, same_coarse[1])
    assert torch.equal(value, same_coarse[2])
    assert not near(query, same_coarse[0], 0.01)
    assert not near(slot(x, coarse), slot(x, other_coarse), 1e-3)


@pytest.mark.parametrize("kind", ["attention", "linear", "perceptron"])
def test_others_do_not_look_at_the_coarse_picture(kind):
    slot, (x, coarse) = mixer(kind), inputs()
    assert torch.equal(slot(x, coarse), slot(x, torch.rand_like(coarse)))


# Gamma


@pytest.mark.parametrize("kind", MIXERS)
def test_a_slot_starts_empty(kind):
    x, coarse = torch.randn(2, CHANNELS, 4, 4), torch.rand(2, 3, 4, 4)
    assert torch.equal(make_mixer(kind, CHANNELS, HEADS)(x, coarse), x)


@pytest.mark.parametrize("gamma", [0.0, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_first_gradients_wait_for_gamma(kind, gamma):
    slot, (x, coarse) = mixer(kind, gamma=gamma), inputs()
    (slot(x, coarse) * torch.randn_like(x)).sum().backward()
    assert slot.gamma.grad.abs() > 0.01
    for name, parameter in slot.named_parameters():
        if name != "gamma":
            assert bool(parameter.grad.any()) == (gamma != 0), name


# The network


def awake(*arguments, **options):
    """A small U-Net whose zeros of the start are zeros no more."""
    torch.manual_seed(2)
    net = UNet(*arguments, **{"widths": (8, 16), **options})
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.1)
    for name, parameter in net.named_parameters():
        if name.endswith("gamma"):
            nn.init.ones_(parameter)
    return net


@pytest.mark.parametrize("kind", MIXERS)
@pytest.mark.parametrize("everywhere", [False, True])
@pytest.mark.parametrize("size", [(4, 4), (32, 32), (64, 48)])
def test_pictures_of_any_size_whose_sides_are_multiples_of_4(
    kind, everywhere, size
):
    net = awake(6, mixer=kind, everywhere=everywhere)
    out = net(torch.randn(2, 6, *size), torch.tensor([0, 999]))
    assert out.shape == (2, 3, *size) and out.isfinite().all()
    assert out.std() > 0.01


@pytest.mark.parametrize("everywhere", [False, True])
def test_mixers_stand_where_they_are_asked_for(everywhere):
    net = UNet(6, (8, 16), "attention", 2, everywhere)
    assert type(net.mix2) is SelfAttention and net.mix2.num_heads == 2
    assert net.mix2.proj.out_channels == 16
    for slot in (net.mix1, net.mix3):
        assert type(slot) is (SelfAttention if everywhere else Nothing)
    expected = [LinearAttention, CrossAttention, Perceptron, Nothing]
    kinds = ["linear", "cross", "perceptron", "nothing"]
    found = [type(UNet(6, (8, 16), kind).mix2) for kind in kinds]
    assert found == expected


def test_slots_see_the_coarse_picture_at_its_own_size():
    seen = []
    net = awake(6, mixer="cross", everywhere=True)
    for slot in (net.mix1, net.mix2, net.mix3):
        slot.register_forward_hook(
            lambda module, given, out: seen.append(given)
        )
    x = torch.randn(2, 6, 16, 24)
    net(x, torch.tensor([3, 4]))
    assert [tuple(h.shape[1:]) for h, _ in seen] == [
        (8, 8, 12), (16, 4, 6), (8, 8, 12),
    ]  # fmt: skip
    for _, coarse in seen:
        assert torch.equal(coarse, F.avg_pool2d(x[:, 3:], 4))


def test_the_time_moves_every_block():
    net = awake(6)
    blocks = [m for m in net.modules() if isinstance(m, ResBlock)]
    assert len(blocks) == 6
    one, other = time_embedding(torch.tensor([10, 700]), TIME_WIDTH)
    for block in blocks:
        x = torch.randn(1, block.conv1.in_channels, 4, 4)
        early, late = block(x, one[None]), block(x, other[None])
        assert not near(early, late, 0.01)
    net(
        torch.randn(2, 6, 8, 8), torch.tensor([1, 2])
    ).square().sum().backward()
    assert all(block.time.weight.grad.any() for block in blocks)


def test_a_block_scales_and_shifts_between_its_convolutions():
    block = ResBlock(8, 16)
    nn.init.normal_(block.conv2.weight)
    x, time = torch.randn(3, 8, 4, 4), torch.randn(3, TIME_WIDTH)
    scale, shift = block.time(time).split(16, dim=1)
    h = block.norm2(block.conv1(F.silu(block.norm1(x))))
    h = h * (1 + scale[..., None, None]) + shift[..., None, None]
    assert near(block(x, time), block.skip(x) + block.conv2(F.silu(h)), 1e-5)


def test_a_block_starts_as_a_wire():
    block, x = ResBlock(8, 8), torch.randn(2, 8, 4, 4)
    out = block(x, torch.randn(2, TIME_WIDTH))
    assert near(out, x + block.conv2.bias[:, None, None], 1e-6)


def test_times_are_written_as_diffusers_does():
    from diffusers.models.embeddings import get_timestep_embedding

    steps = torch.tensor([0, 1, 10, 500, 999])
    theirs = get_timestep_embedding(steps, 64, downscale_freq_shift=0)
    assert near(time_embedding(steps, 64), theirs, 1e-4)


def test_pictures_of_a_batch_do_not_meet():
    net = awake(6, mixer="attention", everywhere=True).eval()
    x, steps = torch.randn(3, 6, 16, 16), torch.tensor([5, 400, 990])
    alone = [net(x[i : i + 1], steps[i : i + 1]) for i in range(3)]
    assert near(net(x, steps), torch.cat(alone), 1e-5)
    assert not near(net(x, steps), net(x, steps.flip(0)), 1e-3)


def test_settings_make_the_same_network_again():
    net = awake(3, mixer="cross", num_heads=2, everywhere=True)
    again = UNet(**net.settings)
    again.load_state_dict(net.state_dict())
    x, steps = torch.randn(1, 3, 8, 8), torch.zeros(1)
    assert torch.equal(net(x, steps), again(x, steps))


def test_attention_and_its_control_cost_the_same():
    pair = [UNet(6, (48, 96), kind) for kind in ("attention", "perceptron")]
    sizes = [sum(p.numel() for p in net.parameters()) for net in pair]
    x, steps = torch.zeros(1, 6, 32, 32), torch.zeros(1)
    costs = [multiplications(net, x, steps) for net in pair]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.02)
    assert costs[0] == pytest.approx(costs[1], rel=0.02)
    slots = [sum(p.numel() for p in net.mix2.parameters()) for net in pair]
    assert slots[0] == pytest.approx(slots[1], rel=0.02) and slots[0] > 30_000


def test_multiplications_are_those_counted_by_hand():
    layer = nn.Conv2d(3, 8, 3, padding=1)
    by_hand = 2 * (10 * 12) * 8 * (3 * 3 * 3)  # batch, places, out, in
    assert multiplications(layer, torch.zeros(2, 3, 10, 12)) == by_hand
    assert multiplications(nn.Linear(5, 7), torch.zeros(4, 5)) == 4 * 5 * 7
    n, c, d = 5 * 6, CHANNELS, CHANNELS // HEADS
    convolutions = n * c * 3 * c + n * c * c  # qkv and proj
    for kind, attending in (
        ("attention", 2 * n * n * c),
        ("linear", 2 * n * d * c + n * c),
    ):
        slot, x = MIXERS[kind](c, HEADS), torch.zeros(1, c, 5, 6)
        cost = multiplications(slot, x, torch.zeros(1, 3, 2, 2))
        assert cost == convolutions + attending


# Errors


@pytest.mark.parametrize(
    "message, call",
    [
        ("unknown mixer 'mlp': choose one of at", lambda: UNet(mixer="mlp")),
        (
            "3 heads do not divide 64",
            lambda: UNet(mixer="cross", num_heads=3),
        ),
        ("0 heads do not", lambda: make_mixer("linear", 8, 0)),
        ("5 heads do not divide 16 ch", lambda: SelfAttention(16, 5)),
        ("5 heads do not divide 16 ch", lambda: CrossAttention(16, 5)),
        ("two multiples of 8.*got .12, 16", lambda: UNet(6, (12, 16))),
        ("two multiples of 8.*got .8,.", lambda: UNet(6, (8,))),
        ("two multiples of 8.*got .0, 8", lambda: UNet(6, (0, 8))),
        ("in_channels is 1: the last three", lambda: UNet(1)),
    ],
)
def test_networks_that_cannot_be_are_named(message, call):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "shape, steps, message",
    [
        ((2, 3, 8, 8), (2,), r"\(batch, 6, height, width\), got \(2, 3, 8, 8"),
        ((6, 8, 8), (6,), "x needs shape"),
        ((2, 6, 10, 8), (2,), "the height of x is 10: .*multiple of 4"),
        ((2, 6, 8, 6), (2,), "the width of x is 6: .*multiple of 4"),
        ((2, 6, 0, 8), (2,), "the height of x is 0"),
        ((2, 6, 8, 8), (1,), r"steps need shape \(2,\), .*got \(1,\)"),
        ((2, 6, 8, 8), (2, 1), r"steps need shape \(2,\), .*got \(2, 1\)"),
        ((2, 6, 8, 8), (), r"steps need shape \(2,\), .*got \(\)"),
    ],
)
def test_inputs_that_do_not_fit_are_named(shape, steps, message):
    net = UNet(6, (8, 16))
    net.stem.register_forward_pre_hook(lambda *_: pytest.fail("went on"))
    with pytest.raises(ValueError, match=message):
        net(torch.zeros(shape), torch.zeros(steps))
