"""Super-resolution with a reference: where the detail is, and who finds it."""

import random

import numpy as np
import pytest
import torch

from course_utils.crops import crops
from course_utils.reference import (
    HIDDEN,
    TILE,
    TOKENS,
    Reader,
    as_pictures,
    as_tiles,
    reference_loss,
    shuffled,
    train_reader,
)
from course_utils.super_resolution import enlarge, reduce


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def fine(count=3):
    generator = torch.Generator().manual_seed(5)
    return torch.rand(count, 3, 32, 32, generator=generator)


def uint8(count=48):
    images = crops(count, split="train", seed=0).images
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def reordered(pictures, order):
    """Put tile order[i] of each picture at place i."""
    return as_pictures(as_tiles(pictures, TILE)[:, order])


def reader(kind, strength=1.0):
    """An untrained reader; a larger strength makes its attention uneven."""
    made = Reader(kind).requires_grad_(False)
    if kind == "attention":
        made.query[-1].weight.mul_(strength)
    return made


def near(one, other, most=1e-5):
    return one.shape == other.shape and (one - other).abs().max() < most


# Tiles


@pytest.mark.parametrize("side", [2, 8, 16])
def test_tiles_are_cut_row_by_row(side):
    high = fine()
    tiles, across = as_tiles(high, side), 32 // side
    assert tiles.shape == (3, across**2, 3 * side**2)
    for row in range(across):
        for column in range(across):
            cut = high[:, :, side * row :, side * column :]
            cut = cut[:, :, :side, :side].flatten(1)
            assert torch.equal(tiles[:, across * row + column], cut)


def test_pictures_that_are_not_square_can_be_cut_too():
    high = torch.rand(1, 3, 4, 6)
    tiles = as_tiles(high, 2)
    assert torch.equal(tiles[:, 3], high[:, :, 2:, :2].flatten(1))


def test_putting_together_undoes_cutting():
    high = fine()
    assert torch.equal(as_pictures(as_tiles(high, TILE)), high)
    tiles = torch.randn(2, 16, 192)
    assert torch.equal(as_tiles(as_pictures(tiles), TILE), tiles)


@pytest.mark.parametrize(
    "pictures, side, error, words",
    [
        (fine(), 5, ValueError, "5 pixels do not fit pictures of 32x32"),
        (torch.rand(1, 3, 8, 6), 4, ValueError, "of 8x6"),
        (torch.rand(1, 3, 6, 8), 4, ValueError, "of 6x8"),
        (fine(), 64, ValueError, "do not fit"),
        (fine(), 0, ValueError, "side must be 1 or more"),
        (fine(), 8.0, TypeError, "side must be a whole number"),
        (fine()[0], 8, ValueError, "need shape"),
        (fine()[:, :1], 8, ValueError, "need shape"),
        (fine().byte(), 8, TypeError, "floats"),
        (fine().numpy(), 8, TypeError, "tensor"),
    ],
)
def test_tiles_that_do_not_fit_are_named(pictures, side, error, words):
    with pytest.raises(error, match=words):
        as_tiles(pictures, side)


@pytest.mark.parametrize("shape", [(2, 16, 48), (2, 15, 192), (16, 192)])
def test_tiles_of_other_pictures_are_not_put_together(shape):
    with pytest.raises(ValueError, match=r"shape \(batch, 16, 192\), got"):
        as_pictures(torch.rand(shape))


# The reference


def test_places_say_where_the_detail_of_each_tile_is():
    high = fine(4)
    moved, places = shuffled(high)
    assert moved.shape == high.shape and places.shape == (4, TOKENS)
    wanted, there = as_tiles(high, TILE), as_tiles(moved, TILE)
    for picture in range(4):
        assert sorted(places[picture].tolist()) == list(range(TOKENS))
        for i, place in enumerate(places[picture]):
            assert torch.equal(there[picture, place], wanted[picture, i])


def test_every_picture_is_shuffled_in_its_own_way():
    moved, places = shuffled(fine(1).expand(8, 3, 32, 32))
    assert len({tuple(row.tolist()) for row in places}) == 8
    assert (places != torch.arange(TOKENS)).any(dim=1).all()
    assert not torch.equal(moved[0], moved[1])


def test_all_tiles_come_to_all_places():
    _, places = shuffled(torch.zeros(2000, 3, 32, 32))
    counts = torch.nn.functional.one_hot(places, TOKENS).sum(dim=0)
    assert near(counts.double(), torch.full((16, 16), 125.0).double(), 60)


def test_a_generator_settles_the_order_and_nothing_else_is_drawn():
    before = torch.get_rng_state()
    found = [
        shuffled(fine(), torch.Generator().manual_seed(seed))
        for seed in (3, 3, 4)
    ]
    assert torch.equal(torch.get_rng_state(), before)
    for one, other in zip(found[0], found[1], strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(found[0][1], found[2][1])


def test_without_a_generator_torch_s_seed_settles_the_order():
    torch.manual_seed(7)
    _, one = shuffled(fine())
    torch.manual_seed(7)
    _, other = shuffled(fine())
    _, third = shuffled(fine())
    assert torch.equal(one, other) and not torch.equal(one, third)


@pytest.mark.parametrize(
    "high, error, words",
    [
        (torch.rand(2, 3, 16, 16), ValueError, r"shape \(batch, 3, 32, 32\)"),
        (torch.rand(2, 3, 32, 64), ValueError, r"shape \(batch, 3, 32, 32\)"),
        (torch.rand(3, 32, 32), ValueError, "need shape"),
        (torch.rand(0, 3, 32, 32), ValueError, "no picture"),
        (torch.full((1, 3, 32, 32), torch.nan), ValueError, "look for NaN"),
        (255 * fine(), ValueError, "0 to 1"),
        (fine().byte(), TypeError, "divide by 255"),
        (fine().numpy(), TypeError, "must be a tensor"),
    ],
)
def test_pictures_that_cannot_be_shuffled_are_named(high, error, words):
    with pytest.raises(error, match=words):
        shuffled(high)


# Readers


def test_all_kinds_are_of_the_same_size():
    sizes = [sum(p.numel() for p in Reader(k).parameters()) for k in HIDDEN]
    assert len(sizes) == 4
    assert max(sizes) < 1.01 * min(sizes)


@pytest.mark.parametrize("kind", HIDDEN)
def test_answers_are_pictures_one_for_each(kind):
    low, other = reduce(fine()), fine().flip(0)
    net = reader(kind)
    both = net(low, other)
    assert both.shape == (3, 3, 32, 32)
    alone = [net(low[i : i + 1], other[i : i + 1]) for i in range(3)]
    assert near(torch.cat(alone), both)


@pytest.mark.parametrize("kind", HIDDEN)
def test_who_reads_nothing_and_adds_nothing_enlarges(kind):
    net = reader(kind)
    net.own[-1].weight.zero_(), net.own[-1].bias.zero_()
    if kind == "mixer":
        net.mix[-1].weight.zero_(), net.mix[-1].bias.zero_()
    elif kind != "alone":
        net.value.weight.zero_(), net.value.bias.zero_()
    low = reduce(fine())
    assert near(net(low, fine()), enlarge(low))


def test_what_each_kind_notices_of_the_reference():
    """Another reference; the same one in another order."""
    low, high, other = reduce(fine()), fine(), fine().flip(0)
    order = torch.randperm(TOKENS)
    notices = {}
    for kind in HIDDEN:
        net = reader(kind, strength=30)
        answer = net(low, high)
        changed = [net(low, x) for x in (other, reordered(high, order))]
        notices[kind] = [not near(answer, x) for x in changed]
    assert notices == {
        "attention": [True, False],
        "mean": [True, False],
        "mixer": [True, True],
        "alone": [False, False],
    }


def test_only_attention_reads_by_what_the_coarse_tile_is():
    lows, high = (reduce(fine()), reduce(fine().flip(2))), fine()
    for kind in ("attention", "mean", "mixer"):
        net = reader(kind, strength=30)
        one, other = (net.read(low, high) for low in lows)
        assert near(one, other, 1e-6) == (kind != "attention")


def test_weights_are_shares_of_16_tiles():
    attn = reader("attention", 30).weights(reduce(fine()), fine())
    assert attn.shape == (3, 1, 16, 16)
    assert (attn >= 0).all()
    assert near(attn.sum(dim=-1), torch.ones(3, 1, 16))
    assert attn.max() > 2 / 16  # the test's reader does prefer some


def test_weights_follow_the_tiles():
    net, order = reader("attention", 30), torch.randperm(TOKENS)
    low, high = reduce(fine()), fine()
    attn = net.weights(low, high)
    moved = net.weights(low, reordered(high, order))
    assert near(moved, attn[..., order])
    assert not near(moved, attn, 1e-3)
    turned = net.weights(reordered_coarse(low, order), high)
    assert near(turned, attn[:, :, order])


def reordered_coarse(low, order):
    tiles = as_tiles(low, 2)[:, order].unflatten(2, (3, 2, 2))
    rows = tiles.unflatten(1, (4, 4)).permute(0, 3, 1, 4, 2, 5)
    return rows.reshape(low.shape)


def test_weights_are_those_that_the_answer_is_made_with():
    net, low, high = reader("attention", 30), reduce(fine()), fine()
    torch.nn.init.eye_(net.value.weight), net.value.bias.zero_()
    read = net(low, high)
    net.value.weight.zero_()
    read = read - net(low, high)
    attn = net.weights(low, high)[:, 0]
    expected = as_pictures(attn @ as_tiles(2 * high - 1, TILE)) / 2
    assert near(read, expected)


@pytest.mark.parametrize("kind", HIDDEN)
def test_gradients_reach_every_part(kind):
    net = Reader(kind)
    reference_loss(net, fine()).backward()
    for name, parameter in net.named_parameters():
        if name == "key.2.bias":  # moves all logits of a query alike
            assert parameter.grad.abs().max() < 1e-6
        else:
            assert parameter.grad.abs().max() > 1e-6, name


def test_an_unknown_kind_is_named():
    known = "'nearest': choose one of attention, mixer, mean, alone"
    with pytest.raises(ValueError, match=known):
        Reader("nearest")


@pytest.mark.parametrize("kind", ["mean", "mixer", "alone"])
def test_who_does_not_attend_has_no_weights(kind):
    with pytest.raises(ValueError, match=f"{kind!r} has no attention"):
        Reader(kind).weights(reduce(fine()), fine())


@pytest.mark.parametrize(
    "low, high, error, words",
    [
        (torch.rand(3, 3, 16, 16), fine(), ValueError, "coarse pictures need"),
        (torch.rand(2, 3, 8, 8), fine(), ValueError, "of the 3 references"),
        (torch.rand(1, 3, 8, 8), fine(), ValueError, "of the 3 references"),
        (torch.rand(3, 1, 8, 8), fine(), ValueError, "need shape"),
        (torch.rand(3, 3, 8, 8), torch.rand(3, 3, 8, 8), ValueError,
         "the reference need"),
        (torch.full((3, 3, 8, 8), torch.nan), fine(), ValueError, "NaN"),
        (torch.rand(3, 3, 8, 8), fine() * torch.nan, ValueError, "NaN"),
        (torch.rand(3, 3, 8, 8), 2 * fine() - 1, ValueError, "0 to 1"),
        (torch.ones(3, 3, 8, 8).byte(), fine(), TypeError, "floats"),
    ],
)  # fmt: skip
def test_pictures_that_do_not_fit_are_named(low, high, error, words):
    net = Reader("attention")
    for call in (net, net.weights, Reader("alone")):
        with pytest.raises(error, match=words):
            call(low, high)


# Training


def test_bicubic_s_loss_is_about_1():
    high = uint8(200).float() / 255
    loss = reference_loss(lambda low, _: enlarge(low), high)
    assert 0.5 < loss < 2


@pytest.mark.parametrize(
    "kind, share",
    [("attention", 0.8), ("mean", 0.8), ("mixer", 0.8), ("alone", 0.99)],
)
def test_the_loss_falls(kind, share):
    """Who reads the reference starts with noise; alone, with bicubic."""
    net, images = Reader(kind), uint8()
    high = images.float() / 255
    before = seeded_loss(net, high)
    train_reader(net, images, 40, batch=16)
    assert seeded_loss(net, high) < share * before


def seeded_loss(net, high):
    torch.manual_seed(1)
    with torch.no_grad():
        return reference_loss(net, high).item()


def test_the_rate_climbs_and_falls_to_0(monkeypatch):
    rates, step = [], torch.optim.AdamW.step

    def watched(self, *arguments):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    train_reader(Reader("alone"), uint8(4), 20, rate=0.002, batch=2)
    top = rates.index(max(rates))
    assert len(rates) == 20 and 0 < top < 19
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert max(rates) == pytest.approx(0.002, rel=0.05)
    assert rates[-1] < 1e-6


def trained(seed):
    torch.manual_seed(seed)
    net = Reader("attention")
    train_reader(net, uint8(6), 3, batch=4)
    return net.state_dict()


def test_torch_s_seed_settles_all_that_is_random():
    one = trained(3)
    random.seed(99), np.random.seed(99)
    untouched = random.getstate(), np.random.get_state()[1].tolist()
    other, third = trained(3), trained(4)
    assert untouched == (random.getstate(), np.random.get_state()[1].tolist())
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert not all(torch.equal(one[key], third[key]) for key in one)


@pytest.mark.parametrize(
    "changed, error, words",
    [
        ({"steps": 0}, ValueError, "steps must be 1 or more"),
        ({"steps": 2.0}, TypeError, "steps must be a whole number"),
        ({"batch": 0}, ValueError, "batch must be 1 or more"),
        ({"rate": 0}, ValueError, "rate must be more than 0"),
        ({"images": fine()}, TypeError, "uint8"),
        ({"images": uint8(2)[:0]}, ValueError, "n of 1 or more"),
        ({"images": uint8(2)[..., :16]}, ValueError, r"\(n, 3, 32, 32\)"),
        ({"images": uint8(2).permute(0, 2, 3, 1)}, ValueError, "need shape"),
    ],
)
def test_a_training_that_cannot_start_says_why(changed, error, words):
    net = Reader("alone")
    before = [p.detach().clone() for p in net.parameters()]
    options = {"images": uint8(2), "steps": 1, "batch": 1, **changed}
    with pytest.raises(error, match=words):
        train_reader(net, **options)
    kept = zip(before, net.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in kept)


def test_a_loss_that_is_no_number_stops_the_training():
    net = Reader("alone")
    torch.nn.init.constant_(net.own[0].weight, torch.nan)
    with pytest.raises(FloatingPointError, match="nan at step 0"):
        train_reader(net, uint8(2), 3, batch=1)


def test_one_step_is_a_training():
    net = Reader("mean")
    before = [p.detach().clone() for p in net.parameters()]
    train_reader(net, uint8(2), 1, batch=1)
    moved = zip(before, net.parameters(), strict=True)
    assert not any(torch.equal(one, other) for one, other in moved)
