"""Super-resolution: the task, the losses, the answers, and bad input."""

import pytest
import torch

from course_utils import super_resolution as sr
from course_utils.diffusion import (
    METHODS,
    TARGETS,
    Diffusion,
    cosine_schedule,
    from_betas,
    linear_schedule,
)
from course_utils.super_resolution import RESIDUAL, enlarge, reduce
from course_utils.unet import UNet

HUNDRED = Diffusion(cosine_schedule(100))


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def net(in_channels, std=0.1):
    """A small untrained network; what it says is noise, of some size."""
    torch.manual_seed(1)
    made = UNet(in_channels, (8, 16), "attention").eval()
    torch.nn.init.normal_(made.out.weight, std=std)
    return made  # with gradients, which answers must not keep


def low(height=4, width=6):
    return torch.rand(2, 3, height, width)


def near(one, other, most=1e-5):
    return one.shape == other.shape and (one - other).abs().max() < most


# The task


def test_a_coarse_pixel_is_the_mean_of_its_16():
    high = torch.rand(2, 3, 8, 12)
    found = reduce(high)
    assert found.shape == (2, 3, 2, 3)
    for row in range(2):
        for column in range(3):
            block = high[:, :, 4 * row :, 4 * column :][..., :4, :4]
            assert near(found[..., row, column], block.mean(dim=(2, 3)), 1e-6)


@pytest.mark.parametrize("how", sr.ENLARGEMENTS)
def test_enlarging_is_by_4_and_keeps_what_is_even(how):
    assert enlarge(low(), how).shape == (2, 3, 16, 24)
    even = torch.full((1, 3, 4, 4), 0.3)
    assert near(enlarge(even, how), torch.full((1, 3, 16, 16), 0.3), 1e-6)


def test_enlargements_are_three_and_bicubic_is_the_usual_one():
    coarse = low()
    blocks = coarse.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
    assert torch.equal(enlarge(coarse, "nearest"), blocks)
    assert near(reduce(enlarge(coarse, "nearest")), coarse, 1e-6)
    assert torch.equal(enlarge(coarse), enlarge(coarse, "bicubic"))
    # A ramp stays one, inside, about the same centres of pixels; PyTorch's
    # cubic (a = -0.75) bends it a little.
    ramp = torch.arange(8.0).div(8).expand(1, 3, 8, 8)
    for how, most in (("bilinear", 1e-6), ("bicubic", 0.006)):
        middle = enlarge(ramp, how)[0, 0, 16, 8:24]
        expected = ((torch.arange(8.0, 24) + 0.5) / 4 - 0.5) / 8
        assert near(middle, expected, most)
    assert not near(enlarge(coarse, "bilinear"), enlarge(coarse), 0.01)


def test_bicubic_alone_overshoots():
    edge = torch.zeros(1, 3, 4, 4)
    edge[..., 2:] = 1
    for how in sr.ENLARGEMENTS:
        beyond = enlarge(edge, how).clamp(0, 1) != enlarge(edge, how)
        assert bool(beyond.any()) == (how == "bicubic")


# Losses


def residual_of(high):
    return (high - enlarge(reduce(high))) / RESIDUAL


def test_regression_is_asked_for_the_residual():
    high = torch.rand(3, 3, 8, 8)
    seen = []

    def knows(x, steps):
        seen.append((x, steps))
        return residual_of(high) + 2

    assert near(sr.regression_loss(knows, high), torch.tensor(4.0))
    ((x, steps),) = seen
    assert near(x, 2 * enlarge(reduce(high)) - 1)
    assert steps.tolist() == [0, 0, 0] and steps.dtype == torch.int64
    idle = sr.regression_loss(lambda x, steps: torch.zeros_like(x), high)
    assert near(idle, residual_of(high).square().mean(), 1e-3)


@pytest.mark.parametrize("target", TARGETS)
def test_diffusion_is_asked_for_the_target(target):
    diffusion = Diffusion(cosine_schedule(100).double(), target)
    high = torch.rand(5, 3, 8, 8).double()
    x0, coarse = residual_of(high), 2 * enlarge(reduce(high)) - 1

    def knows(x, t):
        """Works the noise out of x_t, which it can: it knows x0."""
        assert near(x[:, 3:], coarse)
        bar = diffusion.alpha_bar(t)
        noise = (x[:, :3] - bar.sqrt() * x0) / (1 - bar).sqrt()
        noises.append(noise)
        return diffusion.target_of(x0, noise, t) + 3

    noises = []
    loss = sr.diffusion_loss(knows, diffusion, high)
    assert loss.item() == pytest.approx(9, abs=1e-3)
    assert noises[0].std().item() == pytest.approx(1, abs=0.15)


def test_steps_are_spread_over_the_batch_and_all_occur():
    drawn = []
    high = torch.rand(8, 3, 4, 4)
    diffusion = Diffusion(linear_schedule(16))

    def watches(x, t):
        drawn.append(t)
        return x[:, :3]

    for _ in range(60):
        sr.diffusion_loss(watches, diffusion, high)
    together = torch.stack(drawn)  # (60, 8), each of its own eighth
    assert torch.equal(together // 2, torch.arange(8).expand(60, 8))
    counts = together.flatten().bincount(minlength=16)
    assert counts.min() > 10 and len(counts) == 16


def test_steps_and_noise_are_seeded():
    def loss(seed):
        torch.manual_seed(seed)
        return sr.diffusion_loss(sees_six, HUNDRED, torch.full_like(HIGH, 0.5))

    sees_six = net(6)
    assert loss(0) == loss(0) and loss(0) != loss(1)


# Answers


def test_regression_adds_its_residual():
    coarse = low()
    said = sr.regress(lambda x, steps: 0.5 * x, coarse)
    big = enlarge(coarse)
    assert near(said, (big + RESIDUAL * (big - 0.5)).clamp(0, 1))
    nothing = sr.regress(lambda x, steps: torch.zeros_like(x), coarse)
    assert near(nothing, big.clamp(0, 1), 1e-6)


@pytest.mark.parametrize("std", [0.1, 100.0])
@pytest.mark.parametrize("height, width", [(1, 1), (4, 6), (12, 8)])
def test_answers_are_pictures_of_4_times_the_size(std, height, width):
    coarse = low(height, width)
    answers = [sr.regress(net(3, std), coarse)]
    for method in METHODS:
        answers.append(
            sr.super_resolve(
                net(6, std), HUNDRED, coarse, steps=3, method=method
            )
        )
    for answer in answers:
        assert answer.shape == (2, 3, 4 * height, 4 * width)
        assert answer.min() >= 0 and answer.max() <= 1
        assert answer.dtype == torch.float32 and not answer.requires_grad


@pytest.mark.parametrize("target", TARGETS)
def test_the_guess_is_clamped_and_x_t_is_not(target):
    coarse, seen = low(), []
    big = enlarge(coarse)

    def wild(x, t):
        seen.append(x)
        return 30 * torch.randn_like(x[:, :3])

    diffusion = Diffusion(cosine_schedule(100), target)
    predict = sr.x0_predictor(wild, diffusion, coarse)
    x_t, t = 9 * torch.randn(2, 3, 16, 24), torch.tensor([50, 90])
    pictures = big + RESIDUAL * predict(x_t, t)
    assert pictures.min() > -1e-6 and pictures.max() < 1 + 1e-6
    assert (pictures < 1e-6).any() and (pictures > 1 - 1e-6).any()
    assert torch.equal(seen[0][:, :3], x_t)  # beyond 0 and 1, and left so
    assert near(seen[0][:, 3:], 2 * big - 1)


def test_a_guess_within_the_limits_is_left_as_it_is():
    coarse = low() * 0.5 + 0.25
    wanted = 0.3 * torch.randn(2, 3, 16, 24)
    for target in TARGETS:
        diffusion = Diffusion(cosine_schedule(100), target)

        def knows(x, t, diffusion=diffusion):
            bar = diffusion.alpha_bar(t)
            noise = (x[:, :3] - bar.sqrt() * wanted) / (1 - bar).sqrt()
            return diffusion.target_of(wanted, noise, t)

        found = sr.super_resolve(knows, diffusion, coarse, steps=4)
        assert near(found, enlarge(coarse) + RESIDUAL * wanted, 1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_the_seed_decides_alone(method):
    def drawn(seed, noise_before=0):
        torch.manual_seed(noise_before)
        return sr.super_resolve(
            six, HUNDRED, coarse, seed=seed, steps=4, method=method
        )

    six, coarse = net(6), low()
    assert torch.equal(drawn(3), drawn(3, noise_before=9))
    assert not near(drawn(3), drawn(4), 0.01)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    sr.super_resolve(six, HUNDRED, coarse, steps=2, method=method)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("method", METHODS)
def test_neither_the_layout_in_memory_nor_company_changes_a_picture(method):
    def drawn(coarse, layout):
        return sr.super_resolve(
            net(6).to(memory_format=layout), HUNDRED, coarse, steps=4,
            method=method,
        )  # fmt: skip

    plain, last = torch.contiguous_format, torch.channels_last
    coarse = low()
    one = drawn(coarse, plain)
    assert near(one, drawn(coarse, last), 1e-4)
    assert near(one, drawn(coarse.to(memory_format=last), plain), 1e-4)
    if method == "ddim":  # DDPM draws for the batch as a whole, each step
        assert near(one[:1], drawn(coarse[:1], plain), 1e-4)


def test_the_watch_sees_each_step():
    seen = []
    sr.super_resolve(
        net(6),
        HUNDRED,
        low(),
        steps=4,
        watch=lambda *three: seen.append(three),
    )
    assert [t for t, _, _ in seen] == [99, 74, 49, 24]
    assert {tuple(x.shape) for three in seen for x in three[1:]} == {
        (2, 3, 16, 24)
    }


# Bad input

HIGH = torch.full((2, 3, 8, 8), 0.5)
BAD = [
    (TypeError, "must be a tensor, got ndarray", HIGH.numpy()),
    (TypeError, "got torch.uint8: divide by 255", HIGH.mul(255).byte()),
    (TypeError, "got torch.int64", HIGH.long()),
    (ValueError, r"got \(2, 1, 8, 8\); repeat the channel", HIGH[:, :1]),
    (ValueError, r"got \(3, 8, 8\).*picture\[None\]", HIGH[0]),
    (ValueError, r"got \(8, 8\)", HIGH[0, 0]),
    (ValueError, r"got \(2, 8, 8, 3\)", HIGH.permute(0, 2, 3, 1)),
    (ValueError, "no picture in the batch", HIGH[:0]),
    (ValueError, "not one pixel", HIGH[..., :0]),
]
OUT_OF_RANGE = [
    (ValueError, "between 0 and 255; expected 0 to 1.*by 255", HIGH * 510),
    (ValueError, "between -1 and", HIGH - 1.5),
    (ValueError, "look for NaN", HIGH.where(HIGH[:1] > 9, torch.nan)),
]
OUT_OF_RANGE[0][2][0, 0, 0, 0] = 0
SIDES = [
    (ValueError, "the height is 7, not a multiple of 4: crop it to 4", (7, 8)),
    (
        ValueError,
        "the width is 10, not a multiple of 4: crop it to 8",
        (8, 10),
    ),
    (ValueError, "the width is 3: pictures need 4 or more", (8, 3)),
]


def fails(*_):
    raise AssertionError("the network was run")


TAKES_HIGH = {
    "reduce": reduce,
    "regression_loss": lambda x: sr.regression_loss(fails, x),
    "diffusion_loss": lambda x: sr.diffusion_loss(fails, HUNDRED, x),
}
TAKES_LOW = {
    "regress": lambda x: sr.regress(fails, x),
    "x0_predictor": lambda x: sr.x0_predictor(fails, HUNDRED, x),
    "super_resolve": lambda x: sr.super_resolve(fails, HUNDRED, x),
}
TAKES_ANY = {**TAKES_HIGH, **TAKES_LOW}


@pytest.mark.parametrize("error, message, pictures", BAD + OUT_OF_RANGE)
@pytest.mark.parametrize("name", TAKES_ANY)
def test_what_is_no_picture_is_named(name, error, message, pictures):
    with pytest.raises(error, match=message):
        TAKES_ANY[name](pictures)


@pytest.mark.parametrize("error, message, pictures", BAD)
def test_enlarge_names_it_too_but_takes_residuals(error, message, pictures):
    with pytest.raises(error, match=message):
        enlarge(pictures)
    assert enlarge(HIGH - 3).shape == (2, 3, 32, 32)


@pytest.mark.parametrize("error, message, sides", SIDES)
@pytest.mark.parametrize("name", TAKES_HIGH)
def test_sides_that_cannot_be_reduced_are_named(name, error, message, sides):
    with pytest.raises(error, match=message):
        TAKES_HIGH[name](torch.rand(2, 3, *sides))


def test_an_unknown_enlargement_is_named():
    with pytest.raises(ValueError, match="unknown enlargement 'cubic'.*bicub"):
        enlarge(HIGH, "cubic")


@pytest.mark.parametrize(
    "error, message, options",
    [
        (ValueError, "unknown method 'ddmp': choose one", {"method": "ddmp"}),
        (ValueError, "choose from 1 to 100 steps, got 101", {"steps": 101}),
        (ValueError, "steps must be 1 or more, got 0", {"steps": 0}),
        (TypeError, "steps must be a whole number", {"steps": 2.5}),
        (ValueError, "seed must be 0 or more", {"seed": -1}),
        (TypeError, "seed must be a whole number", {"seed": 0.5}),
    ],
)
def test_bad_choices_are_named_before_the_network_runs(
    error, message, options
):
    with pytest.raises(error, match=message):
        sr.super_resolve(fails, HUNDRED, low(), **options)


@pytest.mark.parametrize(
    "error, message, t",
    [
        (ValueError, "from 0 to 99.*got 0 to 100", torch.tensor([0, 100])),
        (ValueError, "got -1 to 5", torch.tensor([-1, 5])),
        (TypeError, "whole numbers .*float32", torch.tensor([1.0, 2.0])),
        (ValueError, r"one step a picture; got \(\)", torch.tensor(5)),
        (ValueError, "t .batch,.; got", torch.tensor([5])),
    ],
)
def test_steps_that_are_none_are_named(error, message, t):
    predict = sr.x0_predictor(lambda x, t: x[:, :3], HUNDRED, low())
    with pytest.raises(error, match=message):
        predict(torch.randn(2, 3, 16, 24), t)


@pytest.mark.parametrize(
    "shape", [(2, 3, 16, 16), (1, 3, 16, 24), (2, 3, 4, 6)]
)
def test_a_condition_of_another_shape_is_named(shape):
    predict = sr.x0_predictor(fails, HUNDRED, low())
    with pytest.raises(ValueError, match=r"condition.*\(2, 3, 16, 24\)"):
        predict(torch.randn(shape), torch.tensor([1, 2])[: shape[0]])


@pytest.mark.parametrize(
    "call, takes",
    [
        (lambda: sr.regression_loss(net(6), HIGH), 6),
        (lambda: sr.regress(net(6), HIGH), 6),
        (lambda: sr.diffusion_loss(net(3), HUNDRED, HIGH), 3),
        (lambda: sr.super_resolve(net(3), HUNDRED, HIGH), 3),
    ],
)
def test_a_network_of_another_kind_is_named(call, takes):
    with pytest.raises(ValueError, match=rf"shape \(batch, {takes}, height"):
        call()


@pytest.mark.parametrize("beta", [0.0, 1.0, -0.1, 1.5])
def test_betas_that_add_nothing_or_leave_nothing_are_named(beta):
    with pytest.raises(ValueError, match="beta of step 1 is"):
        Diffusion(from_betas(torch.tensor([0.1, beta, 0.2])))


def test_a_schedule_of_one_step_is_named():
    for make in (linear_schedule, cosine_schedule):
        with pytest.raises(ValueError, match="steps must be 2 or more, got 1"):
            make(1)


def test_the_residual_is_of_about_unit_variance_in_the_bundled_crops():
    from course_utils.crops import crops
    from course_utils.pictures import as_tensor

    high = as_tensor(crops(400, split="train", seed=0).images)
    assert residual_of(high).std().item() == pytest.approx(1, abs=0.1)
