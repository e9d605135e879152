"""The patch graph in PyTorch: the same numbers, and gradients."""

import numpy as np
import pytest
import torch

from course_utils import patch_graph
from course_utils.learned_graph import (
    FAR,
    attention,
    average,
    distances,
    offsets,
    overlap,
    patches_of,
    shifted,
    smooth,
)

SHAPE = (2, 3, 7, 9)


def images(shape=SHAPE, dtype=torch.float64):
    return torch.rand(shape, dtype=dtype, generator=torch.manual_seed(0))


def inside(radius, shape=SHAPE):
    """Say which neighbours lie in the image, (1, neighbours, ...)."""
    places = np.indices(shape[2:]).T  # (width, height, 2)
    there = [places + np.array(step) for step in offsets(radius).tolist()]
    exists = [((at >= 0) & (at < shape[2:])).all(2).T for at in there]
    return torch.from_numpy(np.array(exists))[None]


# The same numbers


@pytest.mark.parametrize("radius, count", [(1, 5), (1.5, 9), (2, 13), (5, 81)])
def test_offsets_are_all_within_a_radius_and_their_opposites(radius, count):
    steps = offsets(radius).tolist()
    assert len(steps) == count and [0, 0] in steps
    assert sorted([-row, -column] for row, column in steps) == sorted(steps)
    assert max(np.hypot(*step) for step in steps) <= radius


def test_shifted_sees_each_pixel_s_neighbour():
    values = torch.arange(81.0).view(1, 1, 9, 9)
    steps = offsets(2)
    for step, seen in zip(steps.tolist(), shifted(values, steps), strict=True):
        assert seen.shape == (1, 1, 5, 5)
        assert seen[0, 0, 1, 3] == values[0, 0, 3 + step[0], 5 + step[1]]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tau": 0.6, "steps": 3},
        {"radius": 1},
        {"radius": 2.9, "patch_side": 1},
        {"radius": 3, "patch_side": 3, "noise": 0.1, "steps": 2},
        {"radius": 20, "sigma": 0.5},
        {"steps": 0},
    ],
)
@pytest.mark.parametrize("shape", [SHAPE, (2, 1, 5, 6)])
def test_a_batch_is_smoothed_as_the_sparse_graph_does(shape, options):
    batch = images(shape)
    options = {"sigma": 0.15, "tau": 1.0} | options
    found = smooth(batch, **options)
    for image, smoothed in zip(batch, found, strict=True):
        expected = patch_graph.denoise(image.movedim(0, 2), **options)
        assert np.abs(smoothed.movedim(0, 2).numpy() - expected).max() < 1e-6


@pytest.mark.parametrize("side", [1, 3, 5])
def test_distances_are_those_of_patches(side):
    batch, radius = images(), 2
    apart = distances(batch, radius, side)
    patches, centers = patch_graph.extract_patches(
        batch[1].movedim(0, 2).numpy(), side
    )
    for n, step in enumerate(offsets(radius).tolist()):
        for i, place in enumerate(centers):
            there = place + step
            found = apart[1, n, *place].item()
            if (there < 0).any() or (there >= SHAPE[2:]).any():
                assert found == FAR
                continue
            other = patches[there[0] * SHAPE[3] + there[1]]
            assert found == pytest.approx(((patches[i] - other) ** 2).mean())


@pytest.mark.parametrize("side", [1, 3, 5])
def test_patches_are_those_of_the_sparse_graph_and_lay_back(side):
    batch = images()
    patches = patches_of(batch, side)
    expected, _ = patch_graph.extract_patches(
        batch[1].movedim(0, 2).numpy(), side
    )
    ours = patches[1].unflatten(0, (3, side, side)).permute(3, 4, 1, 2, 0)
    np.testing.assert_array_equal(ours.reshape(expected.shape), expected)
    torch.testing.assert_close(overlap(patches, batch.shape), batch)
    other = torch.rand_like(patches)
    rows = other[1].unflatten(0, (3, side, side)).permute(3, 4, 1, 2, 0)
    laid = patch_graph.reconstruct(
        rows.reshape(expected.shape).numpy(), (7, 9, 3)
    )
    found = overlap(other, batch.shape)[1].movedim(0, 2)
    np.testing.assert_allclose(found, laid)


# Attention


@pytest.mark.parametrize("radius", [1, 2.5, 8])
@pytest.mark.parametrize("sigma", [1e-3, 0.1, 10.0])
def test_attention_sums_to_1_and_is_0_outside(radius, sigma):
    attn = attention(distances(images(dtype=torch.float32), radius), sigma)
    torch.testing.assert_close(attn.sum(1), torch.ones(2, 7, 9))
    beside = inside(radius).expand_as(attn)
    assert (attn[~beside] == 0).all() and (attn >= 0).all()
    if sigma == 10:
        assert (attn[beside] > 0).all()


def test_each_pixel_may_have_its_own_bandwidth_and_noise():
    apart = distances(images(), 2)
    left = (torch.arange(9) < 4).expand(2, 1, 7, 9)
    sigma, noise = (torch.where(left, *pair) for pair in ((0.1, 0.3), (0, 1)))
    noise = 0.05 * noise
    both = attention(apart, sigma, noise)
    expected = attention(apart, 0.1), attention(apart, 0.3, 0.05)
    torch.testing.assert_close(both, torch.where(left, *expected))
    assert (expected[0] - expected[1]).abs().max() > 0.1


def test_what_stands_outside_the_image_does_not_count():
    batch, radius = images(), 2
    attn = attention(distances(batch, radius), 0.2)
    found = [
        average(
            attn, torch.nn.functional.pad(batch, [2] * 4, value=value), radius
        )
        for value in (0.0, 99.0)
    ]
    torch.testing.assert_close(*found)


# Gradients


@pytest.mark.parametrize("options", [{}, {"steps": 2, "noise": 0.05}])
def test_gradients_of_sigma_and_tau_are_right(options):
    batch = images((2, 1, 4, 5))
    start = [torch.tensor(x, dtype=torch.float64) for x in (0.2, 0.6)]
    for value in start:
        value.requires_grad_()

    def function(sigma, tau):
        return smooth(batch, sigma, tau, radius=2, patch_side=3, **options)

    assert torch.autograd.gradcheck(function, start)


def test_gradients_of_images_maps_and_noise_are_right():
    batch = images((1, 1, 4, 5)).requires_grad_()
    sigma = (0.1 + images((1, 1, 4, 5)) / 5).requires_grad_()
    noise = torch.tensor(0.05, dtype=torch.float64, requires_grad=True)

    def function(batch, sigma, noise):
        return attention(distances(batch, 1.5, 3), sigma, noise)

    assert torch.autograd.gradcheck(function, (batch, sigma, noise))


@pytest.mark.parametrize("sigma", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize("colour", [False, True])
def test_no_gradient_is_nan_at_the_border_or_in_a_single_colour(sigma, colour):
    batch = images(dtype=torch.float32)
    batch = torch.full_like(batch, 0.3) if colour else batch
    leaves = [batch, torch.tensor(sigma), torch.tensor(0.9)]
    for leaf in leaves:
        leaf.requires_grad_()
    smooth(*leaves, steps=2, radius=3).square().sum().backward()
    assert all(leaf.grad.isfinite().all() for leaf in leaves)
    assert batch.grad.abs().min() > 0


def test_sigma_and_tau_are_found_by_gradient():
    clean = torch.full((1, 1, 12, 12), 0.2)
    clean[..., 6:] = 0.8
    torch.manual_seed(0)
    noisy = clean + 0.1 * torch.randn_like(clean)
    settings = torch.tensor([-3.0, 0.0], requires_grad=True)
    optimizer = torch.optim.Adam([settings], lr=0.2)
    errors = []
    for _ in range(30):
        sigma, tau = settings[0].exp(), settings[1].sigmoid()
        found = smooth(noisy, sigma, tau, radius=3, patch_side=3)
        errors.append((found - clean).square().mean())
        optimizer.zero_grad()
        errors[-1].backward()
        optimizer.step()
    assert errors[-1] < 0.5 * errors[0]


# Bad input


@pytest.mark.parametrize(
    "wrong, message",
    [
        *(({"sigma": s}, f"sigma must be above 0 and finite, got {s}")
          for s in (0.0, -0.5, np.nan, np.inf)),
        ({"sigma": torch.tensor(0.0)}, "sigma must be above 0"),
        ({"tau": 0.0}, "tau must be above 0"),
        ({"tau": torch.tensor(-1.0)}, "tau must be above 0"),
        ({"tau": 1.5}, "tau must be at most 1, got 1.5: above it a step"),
        ({"patch_side": 4}, "patch_side is an odd .* got 4"),
        ({"patch_side": 0}, "patch_side is an odd .* got 0"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        smooth(images(), **({"sigma": 0.1, "tau": 1.0} | wrong))


@pytest.mark.parametrize(
    "numbers, words",
    [
        ({"radius": 0.5}, "radius must be at least 1"),
        ({"steps": -1}, "steps is a whole number"),
        ({"steps": 1.5}, "steps is a whole number"),
        ({"noise": 25}, "papers' level 25"),
        ({"noise": -0.1}, "papers' level 25"),
        ({"sigma": 0.0}, "sigma must be above 0"),
        ({"tau": 1.1}, "tau must be at most 1"),
        ({"patch_side": 4}, "odd whole number"),
    ],
)
def test_numbers_out_of_range_are_named(numbers, words):
    given = {"sigma": 0.1, "tau": 1.0, "radius": 2, **numbers}
    with pytest.raises(ValueError, match=words):
        smooth(torch.rand(1, 3, 9, 9), **given)


@pytest.mark.parametrize("shape", [(3, 9, 9), (1, 3, 4, 9)])
def test_images_that_are_no_batch_or_too_small_are_named(shape):
    with pytest.raises(ValueError, match="batch, channels, height, width"):
        smooth(torch.rand(shape), 0.1, 1.0, radius=2)
