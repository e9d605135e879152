"""Gated patch graphs: what the gate is told, and what it decides."""

import itertools

import numpy as np
import pytest
import torch

from course_utils import noise, patch_graph, week6_heads
from course_utils.clean_photos import clean_photos
from course_utils.graph_networks import (
    HEADS,
    KNOWS,
    TYPICAL,
    GraphDenoiser,
    estimate_noise,
    four_distances,
    load_net,
    patch_scores,
    save_net,
    shipped_net,
)
from course_utils.graph_training import denoised
from course_utils.ladder import noisy_copies, psnr
from course_utils.learned_graph import FAR, distances, offsets, smooth
from course_utils.weights import write_weights

ALL = list(itertools.product(KNOWS, HEADS))
SHAPE = (2, 3, 9, 11)
LOW, HIGH = (torch.full((2, 1, 1, 1), n / 255) for n in (5, 50))


def images(shape=SHAPE, seed=0):
    """Random pixels, alike enough for a gate at its start to mix them."""
    return 0.3 + 0.4 * torch.rand(shape, generator=torch.manual_seed(seed))


def make(knows="both", heads="one", *, drawn=True, **options):
    """A network whose gate, unless at its start, answers at random."""
    torch.manual_seed(0)
    net = GraphDenoiser(knows, heads, **{"radius": 2, "width": 8, **options})
    if drawn:
        torch.nn.init.normal_(net.gate[2].weight, std=0.3)
        torch.nn.init.normal_(net.gate[2].bias, std=0.3)
    return net


def far(one, other):
    return (one - other).abs().max().item()


# What the gate may know


def test_the_noise_s_guess_is_numpy_s_for_each_image():
    batch = 0.5 + torch.tensor([0.02, 0.2]).view(2, 1, 1, 1) * images()
    found = estimate_noise(batch)
    assert found.shape == (2, 1, 1, 1)
    expected = [
        noise.estimate_noise(x.movedim(0, 2).double().numpy()) for x in batch
    ]
    assert found.flatten().tolist() == pytest.approx(expected, rel=1e-5)


def test_three_scores_are_the_tutorial_s():
    batch = images()
    found = patch_scores(batch, radius=2)
    assert found.shape == (
        2,
        len(("texture", "structure", "color", "spatial")),
        *SHAPE[2:],
    )
    for image, scores in zip(batch, found, strict=True):
        expected = week6_heads.patch_scores(
            *patch_graph.extract_patches(image.movedim(0, 2).numpy())
        )
        ours = scores.flatten(1).T.numpy()
        np.testing.assert_allclose(ours[:, :3], expected[:, :3], rtol=1e-4)


def test_the_fourth_score_is_the_spread_of_the_neighbours_places():
    found = patch_scores(images(), radius=2)[:, 3]
    places = torch.cartesian_prod(torch.arange(9), torch.arange(11)).double()
    apart = torch.cdist(places, places).square()
    apart[apart > 4 + 1e-9] = torch.nan
    expected = apart.nanmean(dim=1).sqrt().view(9, 11) / 10
    assert far(found, expected) < 1e-6
    inner = found[:, 2:-2, 2:-2]
    assert (
        far(inner, inner[0, 0, 0]) == 0
        and (found[:, 0] < inner[0, 0, 0]).all()
    )


def test_texture_structure_and_colour_tell_different_pictures_apart():
    down, across = np.indices((9, 11))
    pictures = {
        "red": np.broadcast_to([[[0.9]], [[0.1]], [[0.1]]], (3, 9, 11)),
        "stripes": np.broadcast_to(0.5 + 0.2 * (across % 2), (3, 9, 11)),
        "slope": np.broadcast_to(down / 10, (3, 9, 11)),
    }
    batch = torch.tensor(np.stack([*pictures.values()]), dtype=torch.float32)
    texture, structure, color, _ = patch_scores(batch, 2)[:, :, 4, 5].T
    assert color.argmax() == 0 and color[1:].max() < 1e-5
    assert structure.argmax() == 1 and texture.argmax() == 2
    assert texture[0] < 1e-5 and structure[0] < 1e-5


# Four distances


def test_four_distances_are_of_detail_slopes_means_and_place():
    batch, radius = images(), 2
    texture, structure, color, place = four_distances(batch, radius, 3)
    for apart in (texture, structure, color, place):
        assert apart.shape == (2, len(offsets(radius)), 9, 11)
        assert (apart[:, 0, 0] == FAR).all()  # two rows above the first
    steps = (offsets(radius) ** 2).sum(dim=1)
    assert far(place[0, :, 4, 4], steps / 400) < 1e-7

    # A constant does not matter to the first two; a mean alone to the third.
    there = texture < FAR
    shifted = four_distances(batch + 0.3, radius, 3)
    for apart, other in zip(
        (texture, structure, color), shifted, strict=False
    ):
        assert far(apart[there], other[there]) < 1e-5
    down = torch.arange(9.0).view(9, 1).expand(1, 3, 9, 11) / 20
    inner = np.s_[..., 4:-4, 4:-4]  # where no mirrored pixel is seen
    plain = [part[inner] for part in four_distances(down, radius, 3)[:3]]
    rows = offsets(radius)[:, 0].view(1, -1, 1, 1) / 20
    assert plain[0].max() < 1e-9 and plain[1].max() < 1e-9
    assert far(plain[2], rows**2) < 1e-6


def test_slopes_are_half_the_difference_of_two_neighbours():
    ramp = torch.zeros(1, 1, 15, 15)
    ramp[..., 8:] = torch.arange(7) * 0.1  # flat, then 0.1 a pixel
    _, structure, _, _ = four_distances(ramp, 4, 1)
    right = offsets(4).tolist().index([0, 4])
    # A slope of 0.1 against none; across is one of two directions.
    assert structure[0, right, 7, 6].item() == pytest.approx(0.1**2 / 2)


# The network


@pytest.mark.parametrize("patch_side", [1, 3, 5])
def test_with_one_head_it_starts_as_the_plain_patch_graph(patch_side):
    net = make(drawn=False, radius=3, patch_side=patch_side)
    tau = torch.sigmoid(torch.tensor(2.0))
    expected = smooth(
        images(), TYPICAL / 2, tau, 1, 3, patch_side, noise=TYPICAL
    )
    assert far(net(images()), expected) < 1e-5
    assert far(expected, images()) > 0.1


def test_layers_follow_each_other():
    net = make(layers=2)
    first, second = net.parameters_for(images())
    assert far(first["sigma"], second["sigma"]) > 1e-3
    once = net.step(images(), net.attend(images(), first), first["tau"])
    twice = net.step(once, net.attend(once, second), second["tau"])
    assert far(net(images()), twice) == 0


@pytest.mark.parametrize("knows, heads", ALL)
def test_what_is_decided_is_in_range_and_averages(knows, heads):
    net = make(knows, heads)
    (said,) = net.parameters_for(images())
    assert ((said["tau"] > 0) & (said["tau"] < 1)).all()
    assert (said["sigma"] > 0).all() and (said["noise"] > 0).all()
    for values in said.values():
        assert values.shape[1] in (1, 3, 4)
        assert (*values.shape[:1], *values.shape[2:]) == (2, 9, 11)
    if heads == "four mixed":
        assert far(said["mixture"].sum(1), torch.ones(1)) < 1e-5
        assert said["mixture"].min() > 0
    attn = net.attend(images(), said)
    assert attn.shape == (2, len(offsets(2)), 9, 11) and (attn >= 0).all()
    assert far(attn.sum(1), torch.ones(1)) < 1e-5
    found = net(images())
    assert found.shape == SHAPE
    assert found.min() >= images().min() and found.max() <= images().max()
    plain = torch.full(SHAPE, 0.3)
    assert far(net(plain), plain) < 1e-5


@pytest.mark.parametrize("heads", HEADS)
def test_no_weight_lies_outside_the_image(heads):
    net = make(heads=heads)
    attn = net.attend(images(), net.parameters_for(images())[0])
    outside = distances(images(), 2, 3) == FAR
    assert outside.any() and (attn[outside] == 0).all()


@pytest.mark.parametrize("knows, heads", ALL)
def test_the_loss_reaches_every_weight_of_the_gate(knows, heads):
    net = make(knows, heads, layers=2)
    said = [v for part in net.parameters_for(images()) for v in part.values()]
    sum((v.log() * torch.rand_like(v)).sum() for v in said).backward()
    for name, values in net.named_parameters():
        rows = values.grad.view(len(values), -1).abs().amax(dim=1)
        if knows == "nothing" and name == "gate.0.weight":
            assert not rows.any()  # its input is 0
        else:
            assert (rows > 1e-3).all(), name


@pytest.mark.parametrize("heads", HEADS)
def test_every_answer_of_the_gate_counts(heads):
    net = make(heads=heads)
    (asked,) = net.parameters_for(images())
    # Little noise: where much is taken off, all places are equally far.
    values = {"tau": 0.8, "sigma": 0.1, "noise": 0.02, "mixture": 0.25}
    said = {
        name: torch.full_like(asked[name], values.get(name, 0.5))
        for name in asked
    }
    for leaf in said.values():
        leaf.requires_grad_()
    found = net.step(images(), net.attend(images(), said), said["tau"])
    (found - images(seed=1)).square().mean().backward()
    for name, leaf in said.items():
        assert leaf.grad.isfinite().all()
        each = leaf.grad.abs().amax(dim=(0, 2, 3))
        assert (each > 1e-6).all(), name


def test_who_knows_nothing_has_one_setting_for_all():
    for heads in HEADS:
        net = make("nothing", heads)
        first, second = (
            net.parameters_for(images(seed=seed), level)[0]
            for seed, level in ((0, LOW), (1, HIGH))
        )
        for name, values in first.items():
            assert far(values, second[name]) == 0
            assert far(values, values[:1, :, :1, :1]) == 0


@pytest.mark.parametrize(
    "knows, used", [*zip(KNOWS, (0, 1, 0, 1), strict=True)]
)
def test_the_noise_is_used_by_who_knows_it(knows, used):
    net = make(knows)
    assert (far(net(images(), LOW), net(images(), HIGH)) > 1e-3) == used
    guessed = net(images(), estimate_noise(images()))
    assert far(net(images()), guessed) == 0
    (said,) = net.parameters_for(images(), torch.cat([LOW[:1], HIGH[1:]]))
    if knows == "noise":  # alike in an image, another in the next
        assert far(said["tau"], said["tau"][:, :, :1, :1]) == 0
        assert far(said["tau"][0], said["tau"][1]) > 1e-3


@pytest.mark.parametrize(
    "knows, used", [*zip(KNOWS, (0, 0, 1, 1), strict=True)]
)
def test_the_scores_are_used_by_who_knows_them(knows, used):
    (said,) = make(knows).parameters_for(images(), LOW)
    spread = np.ptp(said["sigma"].detach().numpy(), axis=(2, 3))
    assert ((spread > 1e-3) == used).all()


@pytest.mark.parametrize("heads", HEADS)
def test_mirrored_and_turned_pictures_are_treated_alike(heads):
    net = make(heads=heads, layers=2)
    found = net(images())
    assert far(net(images().flip(3)), found.flip(3)) < 1e-4
    assert far(net(images().flip(2)), found.flip(2)) < 1e-4
    turned = net(images().transpose(2, 3))
    assert far(turned, found.transpose(2, 3)) < 1e-4


def test_each_image_of_a_batch_is_on_its_own():
    net = make(heads="four mixed")
    alone = net(images()[1:])
    assert far(net(images())[1:], alone) < 1e-6


@pytest.mark.parametrize("heads", HEADS)
def test_no_gradient_is_nan_where_nothing_varies(heads):
    net = make(heads=heads)
    net(torch.full(SHAPE, 0.3)).square().sum().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())


# Files


@pytest.mark.parametrize("heads", HEADS)
def test_a_network_comes_back_from_its_file(heads, tmp_path):
    net, path = make("four scores", heads, layers=2), tmp_path / "net"
    save_net(path, net, {"origin": "made by a test"})
    found, metadata = load_net(path)
    assert found.architecture == net.architecture
    assert metadata["origin"] == "made by a test"
    assert not any(p.requires_grad for p in found.parameters())
    assert far(found(images()), net(images())) < 2e-3  # float16
    assert far(net(images()), make("four scores", heads)(images())) > 0.02


def test_files_of_something_else_are_refused(tmp_path):
    path = tmp_path / "net"
    with pytest.raises(FileNotFoundError, match="no file of weights"):
        load_net(path)
    for settings in ({"widths": [8]}, {"heads": "nine"}, {"patch_side": 2}):
        write_weights(path, make(), settings, {"origin": "a test"})
        with pytest.raises(ValueError, match="is not of a GraphDenoiser"):
            load_net(path)
    write_weights(path, make(), {"heads": "four mixed"}, {"origin": "a test"})
    with pytest.raises(ValueError, match="another architecture: gate.0"):
        load_net(path)


@pytest.mark.parametrize(
    "name, heads", [("one head", HEADS[:1]), ("four heads", HEADS[1:])]
)
def test_shipped_networks_denoise_without_being_told_the_noise(name, heads):
    net, _ = shipped_net(name)
    assert net.knows == "both" and net.heads in heads
    photos = clean_photos(2).images[:, 40:88, 40:88] / 255
    noisy = noisy_copies(photos, 50 / 255, seed=0)
    gains = [
        psnr(found, photo) - psnr(image, photo)
        for found, photo, image in zip(
            denoised(net, noisy), photos, noisy, strict=True
        )
    ]
    assert min(gains) > 4  # the gate at its start: 0.1 dB


def test_a_network_that_is_not_shipped_is_named():
    with pytest.raises(ValueError, match="one of one head, four heads, not"):
        shipped_net("two heads")


# Bad input


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"knows": "all"}, "unknown knows 'all': choose one of nothing, noi"),
        ({"knows": None}, "unknown knows None"),
        ({"heads": "four"}, "unknown heads 'four': choose one of one, four m"),
        ({"patch_side": 4}, "patch_side is an odd whole number.*got 4"),
    ],
)
def test_a_network_that_cannot_be_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        GraphDenoiser(**wrong)


@pytest.mark.parametrize("name", ["layers", "radius", "width"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_network_of_nothing_is_named(name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least 1"):
        GraphDenoiser(**{name: value})
