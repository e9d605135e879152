"""Scores of super-resolved pictures: by hand, by scikit-image, by symmetry."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from course_utils import sr_scores
from course_utils.crops import crops
from course_utils.pictures import as_tensor
from course_utils.sr_scores import (
    NAMES,
    consistency,
    gradient_energy,
    patch_distance,
    print_scores,
    psnr,
    scores,
    sharpness,
    ssim,
    steps_to,
)
from course_utils.super_resolution import enlarge, reduce

OF_PAIRS = (psnr, ssim, sharpness, consistency, patch_distance)


class OnGpu(torch.Tensor):
    """A tensor that NumPy gets from the CPU only, as if it were on a GPU."""

    def cpu(self):
        return self.as_subclass(torch.Tensor)

    def numpy(self, *arguments, **named):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    __array__ = numpy


@pytest.fixture(scope="module")
def truth():
    return as_tensor(crops(12, split="test", seed=1).images)


@pytest.fixture(scope="module")
def blurred(truth):
    return enlarge(reduce(truth)).clamp(0, 1)


def noisy(pictures, spread=0.05):
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(pictures.shape, generator=generator)
    return (pictures + spread * noise).clamp(0, 1)


def channels_last(pictures):
    return pictures.permute(0, 2, 3, 1).numpy()


# PSNR and SSIM


def test_psnr_by_hand():
    truth = torch.full((3, 3, 8, 8), 0.5)
    pictures = truth.clone()
    pictures[0] += 0.1  # mean squared error 0.01
    pictures[1, :, :4] -= 0.1  # half of that
    expected = [20, 20 + 10 * math.log10(2), 100]
    assert psnr(pictures, truth) == pytest.approx(expected, abs=1e-4)


def test_equal_pictures_get_100_and_no_warning(truth):
    assert psnr(truth, truth).tolist() == [100] * 12
    assert psnr(truth + 1e-7, truth).max() == 100


def test_psnr_is_that_of_scikit_image(truth):
    pictures = noisy(truth)
    pairs = zip(channels_last(truth), channels_last(pictures), strict=True)
    expected = [peak_signal_noise_ratio(*p, data_range=1) for p in pairs]
    found = psnr(pictures, truth)
    assert found.shape == (12,)
    assert found == pytest.approx(expected, abs=1e-3)


def test_ssim_is_that_of_scikit_image(truth, blurred):
    pairs = zip(channels_last(blurred), channels_last(truth), strict=True)
    expected = [
        structural_similarity(*pair, channel_axis=-1, data_range=1)
        for pair in pairs
    ]
    found = ssim(blurred, truth)
    assert found.shape == (12,)
    assert found == pytest.approx(expected, abs=1e-4)
    assert ssim(truth, truth) == pytest.approx(1)


@pytest.mark.parametrize("score", [psnr, ssim, consistency])
def test_more_noise_is_worse(score, truth):
    means = [score(noisy(truth, s), truth).mean() for s in (0.02, 0.1, 0.3)]
    assert means == sorted(means, reverse=True)


# Sharpness and consistency


def test_gradient_energy_by_hand():
    picture = torch.zeros(1, 3, 2, 3)
    picture[:, :, :, 1] = torch.tensor([0.5, 1.0])
    across = 2 * (0.5**2 + 1**2) / 4
    down = 0.5**2 / 3
    assert gradient_energy(picture) == pytest.approx([across + down])


def test_edges_count_the_same_whichever_way_they_run(truth):
    turned = truth.rot90(1, (2, 3))
    assert gradient_energy(turned) == pytest.approx(gradient_energy(truth))


def test_real_pictures_are_as_sharp_as_real_ones(truth, blurred):
    assert sharpness(truth, truth).mean() == pytest.approx(1)
    assert sharpness(truth, truth).std() > 0.1  # of all pictures together
    assert sharpness(blurred, truth).mean() < 0.6
    assert sharpness(noisy(truth, 0.2), truth).mean() > 1.5


def test_sharpness_is_a_share_of_energy(truth):
    half = 0.5 + (truth - 0.5) / 2
    assert sharpness(half, truth).mean() == pytest.approx(0.25)


def test_flat_truth_has_no_sharpness():
    flat = torch.full((2, 3, 8, 8), 0.5)
    with pytest.raises(ValueError, match="true pictures are flat"):
        sharpness(torch.rand(2, 3, 8, 8), flat)
    assert sharpness(flat, torch.rand(2, 3, 8, 8)).tolist() == [0, 0]


def test_a_back_projected_picture_is_consistent(truth):
    truth = 0.3 + 0.4 * truth
    answer = noisy(truth).clamp(0.2, 0.8)
    mended = answer + enlarge(reduce(truth) - reduce(answer), "nearest")
    assert 20 < consistency(answer, truth).mean() < 50
    assert (consistency(mended, truth) >= 60).all()
    assert psnr(mended, truth).max() < 40  # and yet it is another picture


def test_nearest_neighbours_are_consistent_and_bicubic_is_not(truth, blurred):
    nearest = enlarge(reduce(truth), "nearest")
    assert (consistency(nearest, truth) >= 60).all()
    assert consistency(blurred, truth).mean() < 60


# Patches


def test_the_same_patches_are_at_distance_0(truth):
    assert patch_distance(truth, truth) == 0


def test_it_does_not_matter_which_picture_is_which(truth):
    assert patch_distance(truth.flip(0), truth) < 1e-5
    assert patch_distance(truth.roll(5, dims=0), truth) < 1e-5


def test_distance_grows_with_blur(truth):
    away = [truth]
    for _ in range(3):
        away.append(torch.nn.functional.avg_pool2d(
            away[-1], 3, 1, 1, count_include_pad=False
        ))  # fmt: skip
    found = [patch_distance(pictures, truth) for pictures in away]
    assert found == sorted(found) and found[1] > 0.1


def test_a_constant_is_not_noticed_but_contrast_is(truth):
    dark = 0.5 * truth
    assert patch_distance(dark + 0.25, dark) < 1e-4
    assert patch_distance(dark, truth) > 0.1


def test_distance_is_symmetric_and_scales_with_pixels(truth, blurred):
    there = patch_distance(blurred, truth)
    assert patch_distance(truth, blurred) == pytest.approx(there)
    half = patch_distance(0.5 * blurred, 0.5 * truth)
    assert half == pytest.approx(there / 2, rel=1e-4)


def test_one_patch_against_none_by_hand():
    """Its length, along a direction of 147 dimensions, in pixels x 100."""
    patch = torch.rand(1, 3, 7, 7, generator=torch.Generator().manual_seed(0))
    length = (patch - patch.mean()).norm()
    found = patch_distance(patch, torch.ones_like(patch), directions=3000)
    expected = 100 * length * math.sqrt(2 / (math.pi * 147))
    assert found == pytest.approx(expected.item(), rel=0.05)


def test_directions_are_drawn_by_seed_alone(truth, blurred):
    before = torch.get_rng_state()
    found = [patch_distance(blurred, truth, seed=s) for s in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), before)
    assert found[0] == found[1] != found[2]
    assert found[2] == pytest.approx(found[0], rel=0.2)
    few = patch_distance(blurred, truth, directions=1)
    assert few != found[0]


@pytest.mark.parametrize(
    "changed, error, words",
    [
        ({"directions": 0}, ValueError, "directions must be 1 or more"),
        ({"directions": 2.0}, TypeError, "directions must be a whole"),
        ({"seed": -1}, ValueError, "seed must be 0 or more"),
    ],
)
def test_directions_that_cannot_be_are_named(truth, changed, error, words):
    with pytest.raises(error, match=words):
        patch_distance(truth, truth, **changed)


# What all scores have in common


def test_scores_are_all_of_them_by_name(truth, blurred):
    found = scores(blurred, truth)
    assert tuple(found) == NAMES
    for name, function in zip(NAMES, OF_PAIRS, strict=False):
        assert found[name].shape == (12,)
        assert np.array_equal(found[name], function(blurred, truth)), name


@pytest.mark.parametrize("score", OF_PAIRS)
@pytest.mark.parametrize("sizes", [(8, 12), (16, 8)])
def test_pictures_need_not_be_square(score, sizes):
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(2, 3, *sizes, generator=generator)
    assert np.isfinite(score(noisy(truth), truth)).all()


@pytest.mark.parametrize("score", OF_PAIRS)
def test_gradients_and_gpus_are_no_hindrance(score, truth, blurred):
    expected = score(blurred, truth)
    learning = blurred.clone().requires_grad_()
    assert np.array_equal(score(learning, truth), expected)
    assert learning.requires_grad
    away = [x.as_subclass(OnGpu) for x in (blurred, truth)]
    with pytest.raises(TypeError, match="cuda"):
        away[0].numpy()
    assert np.array_equal(score(*away), expected)
    energy = gradient_energy(away[0])
    assert np.array_equal(energy, gradient_energy(blurred))


@pytest.mark.parametrize("score", OF_PAIRS)
def test_half_precision_will_do(score, truth, blurred):
    found = score(blurred.bfloat16(), truth.bfloat16())
    assert found == pytest.approx(score(blurred, truth), rel=0.1)


@pytest.mark.parametrize("score", OF_PAIRS)
@pytest.mark.parametrize(
    "pictures, truth, error, words",
    [
        (torch.rand(2, 3, 8, 8), torch.rand(3, 3, 8, 8), ValueError, "alike"),
        (torch.rand(1, 3, 8, 8), torch.rand(3, 3, 8, 8), ValueError, "alike"),
        (torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 4), ValueError, "alike"),
        (torch.rand(3, 8, 8), torch.rand(3, 8, 8), ValueError, "need shape"),
        (torch.rand(2, 1, 8, 8), torch.rand(2, 1, 8, 8), ValueError, "shape"),
        (torch.rand(0, 3, 8, 8), torch.rand(0, 3, 8, 8), ValueError,
         "no picture"),
        (torch.rand(2, 3, 8, 8) / 0, torch.rand(2, 3, 8, 8), ValueError,
         "NaN or infinite"),
        (torch.rand(2, 3, 8, 8), torch.full((2, 3, 8, 8), torch.nan),
         ValueError, "NaN or infinite"),
        (torch.ones(2, 3, 8, 8).byte(), torch.rand(2, 3, 8, 8), TypeError,
         "divide by 255"),
        (np.ones((2, 3, 8, 8)), torch.rand(2, 3, 8, 8), TypeError, "tensor"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_named(score, pictures, truth, error, words):
    with pytest.raises(error, match=words):
        score(pictures, truth)


@pytest.mark.parametrize(
    "score, shape, words",
    [
        (ssim, (1, 3, 4, 8), "of 4x8 are too small: this score needs 7"),
        (patch_distance, (1, 3, 8, 4), "of 8x4 are too small"),
        (sharpness, (1, 3, 1, 8), "of 1x8 .* needs 2"),
        (consistency, (1, 3, 6, 8), "not a multiple of 4"),
    ],
)
def test_pictures_that_are_too_small_are_named(score, shape, words):
    with pytest.raises(ValueError, match=words):
        score(torch.rand(shape), torch.rand(shape))


# Steps and table


def test_steps_to_a_level_by_hand():
    losses = [1.0] * 10 + [0.0] * 10
    found = [steps_to(losses, level, window=4) for level in (1, 0.5, 0, -1)]
    assert found == [4, 12, 14, float("inf")]
    assert steps_to(np.array(losses), 0.5, window=1) == 11


def test_the_first_time_counts():
    assert steps_to([3.0, 1, 3, 3, 1, 1], 1, window=1) == 2
    assert steps_to([3.0, 1, 3, 3, 1, 1], 1, window=2) == 6


def test_a_window_may_be_as_long_as_all():
    assert steps_to(np.linspace(1, 0, 50), 0.51) == 50
    with pytest.raises(ValueError, match="50 steps, but there are only 49"):
        steps_to(np.linspace(1, 0, 49), 5)


@pytest.mark.parametrize(
    "losses, level, window, error, words",
    [
        ([1.0, math.nan], 1, 1, ValueError, "finite numbers"),
        ([1.0, 2.0], math.nan, 1, ValueError, "finite numbers"),
        ([[1.0, 2.0]], 1, 1, ValueError, "in one row"),
        ([1.0, 2.0], 1, 0, ValueError, "window must be 1 or more"),
        ([1.0, 2.0], 1, 1.5, TypeError, "window must be a whole"),
    ],
)
def test_losses_that_are_none_are_named(losses, level, window, error, words):
    with pytest.raises(error, match=words):
        steps_to(losses, level, window)


def test_the_table_s_layout(capsys):
    even = {"PSNR": [27.3] * 3, "SSIM": [0.5] * 3, "sharpness": [1.0] * 3,
            "consistency": [100.0] * 3}  # fmt: skip
    print_scores({"bicubic": even, "regression, long": even})
    lines = capsys.readouterr().out.splitlines()
    width = 18 + 4 * 22
    assert lines[0].split() == list(NAMES)
    assert lines[1] == (
        "bicubic               27.30 [27.3, 27.3]"
        "     0.50 [0.50, 0.50]     1.00 [1.00, 1.00]"
        " 100.00 [100.0, 100.0]"
    )
    assert [len(line) for line in lines] == [width] * 3
    assert lines[2] == "regression, long".ljust(18) + lines[1][18:]


def test_intervals_are_those_of_the_bootstrap(capsys, truth, blurred):
    found = scores(blurred, truth)
    print_scores({"bicubic": found})
    mean, low, high = sr_scores.bootstrap_interval(found["PSNR"])
    assert low < mean < high
    assert f"{mean:.2f} [{low:.1f}, {high:.1f}]" in capsys.readouterr().out


@pytest.mark.parametrize(
    "changed, error, words",
    [
        ({"SSIM": None}, KeyError, "SSIM"),
        ({"PSNR": [20.0]}, ValueError, "2 or more finite"),
        ({"PSNR": [20.0, math.nan]}, ValueError, "2 or more finite"),
    ],
)
def test_a_table_is_printed_whole_or_not_at_all(capsys, changed, error, words):
    good = {name: [1.0, 2.0] for name in NAMES}
    bad = {k: v for k, v in {**good, **changed}.items() if v is not None}
    with pytest.raises(error, match=words):
        print_scores({"good": good, "bad": bad})
    assert capsys.readouterr().out == ""
