"""Training for super-resolution: it learns, resumes, and says what failed."""

import copy
import math
import os
import signal

import pytest
import torch

from course_utils import recipe
from course_utils.diffusion import Diffusion, cosine_schedule
from course_utils.schedules import warm_up_cosine
from course_utils.sr_training import draw, sr_training
from course_utils.super_resolution import regression_loss
from course_utils.training import CheckpointError, make_accelerator
from course_utils.unet import UNet

STEPS, BATCH = 6, 4
DIFFUSION = Diffusion(cosine_schedule(100), "v")


def dotted(count=12, height=8, width=8):
    """Pictures with detail that can be learned: uint8, channels first.

    Every 4x4 pixels have a brighter middle, however they are turned.
    """
    generator = torch.Generator().manual_seed(0)
    shape = count, 3, height // 4 + 1, width // 4 + 1
    blocks = torch.randint(60, 128, shape, generator=generator)
    high = blocks.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
    rows, columns = (torch.arange(n) % 4 % 3 > 0 for n in high.shape[2:])
    high = torch.where(rows[:, None] & columns, 2 * high, high)
    return high[..., :height, :width].byte()


def make(images=None, kind="regression", mixer="attention", **options):
    torch.manual_seed(0)
    diffusion = DIFFUSION if kind == "diffusion" else None
    net = UNet(6 if diffusion else 3, options.pop("widths", (8, 16)), mixer)
    options = {"steps": STEPS, "batch": BATCH, "seed": 3, **options}
    images = dotted() if images is None else images
    return sr_training(
        net, images, accelerator=make_accelerator(cpu=True),
        diffusion=diffusion, **options,
    )  # fmt: skip


def state(training):
    return {
        f"{name}.{key}": value.clone()
        for name, net in training.modules.items()
        for key, value in net.state_dict().items()
    }


def far(one, other):
    return (one.double() - other.double()).abs().max().item()


def assert_same(one, other):
    assert one.losses == other.losses
    for key, value in state(one).items():
        assert torch.equal(value, state(other)[key]), key


# It learns


@pytest.mark.parametrize(
    "kind, share", [("regression", 0.5), ("diffusion", 1)]
)
def test_the_loss_falls(kind, share):
    training, _ = make(kind=kind, steps=80, batch=8, rate=5e-3)
    training.run()
    early, late = training.losses[:10], training.losses[-10:]
    assert sum(late) < 0.8 * share * sum(early)


def test_the_average_does_better_than_the_start_and_is_at_rest():
    training, average = make(steps=80, batch=8, rate=5e-3)
    high = dotted().float() / 255
    before = regression_loss(average, high).item()
    training.run()
    assert regression_loss(average, high).item() < 0.7 * before
    assert not average.training
    assert not any(p.requires_grad for p in average.parameters())
    assert training.modules["average"] is average
    assert training.modules["net"].training


def test_the_average_is_what_its_formula_says():
    training, average = make(rate=0.1)
    net = training.modules["net"]
    expected = [p.detach().clone().double() for p in net.parameters()]
    after, memories = training.after_step, []

    def follow(step):
        after(step)
        memories.append((1 + step) / (10 + step))
        for mean, now in zip(expected, net.parameters(), strict=True):
            mean.lerp_(now.detach().double(), 1 - memories[-1])

    training.after_step = follow
    training.run()
    assert memories[0] == 0.1 and len(memories) == STEPS
    slow = list(average.parameters())
    assert all(far(*both) < 1e-6 for both in zip(slow, expected, strict=True))
    pairs = zip(slow, net.parameters(), strict=True)
    assert max(far(*both) for both in pairs) > 1e-3  # no copy of the last


def test_the_average_s_memory_ends_at_a_thousand_steps():
    training, average = make()
    before = average.out.bias.clone()
    with torch.no_grad():
        training.modules["net"].out.bias.add_(1)
    training.after_step(10**6)
    assert far(average.out.bias, before + 0.001) < 1e-6


def test_the_recipe_is_adamw_with_a_schedule_and_clipped_gradients():
    rates = []
    training, _ = make(steps=60, rate=2e-3)
    training.loss_at = lambda step: (
        rates.append(training.optimizer.param_groups[0]["lr"])
        or sum(p.square().sum() for p in training.modules["net"].parameters())
    )
    training.run()
    expected = [warm_up_cosine(i, 60, 2e-3, recipe.WARM_UP) for i in range(60)]
    assert rates == pytest.approx(expected) and len(set(rates)) > 50
    assert max(rates) == pytest.approx(2e-3) and rates[-1] < 2e-4
    assert type(training.optimizer.optimizer) is torch.optim.AdamW
    (group,) = training.optimizer.param_groups
    assert group["weight_decay"] == 0.01 and training.clip == 1.0
    norms = [p.grad.norm() for p in training.modules["net"].parameters()]
    assert torch.stack(norms).norm().item() == pytest.approx(1, abs=1e-4)


# It resumes


def interrupted(path, kind, at):
    training, _ = make(kind=kind)
    loss_at = training.loss_at

    def disturbed(step):
        if step == at:
            os.kill(os.getpid(), signal.SIGINT)
        return loss_at(step)

    training.loss_at = disturbed
    with pytest.raises(KeyboardInterrupt, match="stopped after"):
        training.run(path=path)
    return training


@pytest.mark.parametrize("kind", ["regression", "diffusion"])
def test_interrupted_and_resumed_is_bit_identical(kind, tmp_path, capsys):
    whole, _ = make(kind=kind)
    whole.run()
    path = tmp_path / "checkpoint"
    stopped = interrupted(path, kind, at=2)
    assert stopped.done == 3
    resumed, average = make(kind=kind)
    torch.rand(7)  # what was drawn meanwhile does not matter
    resumed.run(path=path)
    assert "going on after 3 of 6 steps" in capsys.readouterr().out
    assert_same(whole, resumed)
    assert resumed.modules["average"] is average


def test_the_seed_decides():
    one, again, other = (make(seed=seed)[0] for seed in (3, 3, 4))
    for training in (one, again, other):
        training.run()
    assert_same(one, again)
    assert one.losses != other.losses


@pytest.mark.parametrize(
    "options, said",
    [
        ({"mixer": "perceptron"}, "another training|other shapes"),
        ({"widths": (16, 16)}, "other shapes"),
        ({"kind": "diffusion"}, "other shapes"),
        ({"steps": 9}, "another training"),
        ({"seed": 4}, "another training"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused(options, said, tmp_path):
    path = tmp_path / "checkpoint"
    training, _ = make()
    training.run(path=path)
    other, _ = make(**options)
    before = state(other)
    with pytest.raises(CheckpointError, match=f"({said}).*start afresh"):
        other.run(path=path)
    assert other.done == 0
    assert all(torch.equal(before[k], v) for k, v in state(other).items())


# It says what failed


def test_a_loss_that_is_nan_names_the_step_and_the_rate():
    training, _ = make(rate=5e-3)
    loss_at = training.loss_at
    training.loss_at = lambda step: (
        loss_at(step) * (torch.nan if step == 2 else 1)
    )
    rate = warm_up_cosine(2, STEPS, 5e-3, recipe.WARM_UP)
    with pytest.raises(
        FloatingPointError,
        match=rf"loss is nan at step 2, learning rate {rate:.3g}: lower",
    ):
        training.run()
    assert training.done == 2


def test_weights_that_blow_up_are_noticed_by_the_loss():
    training, _ = make()
    with torch.no_grad():
        training.modules["net"].out.bias.fill_(torch.inf)
    with pytest.raises(FloatingPointError, match="loss is inf at step 0"):
        training.run()


def full(step):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


@pytest.mark.parametrize(
    "batch, advice",
    [(64, "of 64: try batch=32 "), (5, "of 5: try batch=2 "),
     (1, "of 1: try smaller pictures")],
)  # fmt: skip
def test_a_full_gpu_names_a_batch_to_try(batch, advice):
    training, _ = make(batch=batch)
    before = state(training)
    training.loss_at = full
    with pytest.raises(
        torch.OutOfMemoryError,
        match=f"^out of memory at step 0 with batches {advice}.*CUDA out of",
    ) as caught:
        training.run()
    # Nothing holds on to the frames, and so to the tensors, of the failure.
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert training.done == 0
    assert all(torch.equal(before[k], v) for k, v in state(training).items())


# Pictures drawn


def test_pictures_are_drawn_turned_and_mirrored_eight_ways():
    image = torch.arange(48, dtype=torch.uint8).reshape(1, 3, 4, 4)
    ways = {}
    for seed in range(80):
        torch.manual_seed(seed)
        found = draw(image, 2) * 255
        assert torch.equal(found[0], found[1])  # all alike
        ways[tuple(found[0].round().flatten().int().tolist())] = found[0]
    assert len(ways) == 8
    for way in ways.values():
        assert torch.equal(
            way.round().flatten(1).sort().values.byte(), image[0].flatten(1)
        )


def test_pictures_are_drawn_evenly_as_floats_from_0_to_1():
    images = torch.arange(5, dtype=torch.uint8)[:, None, None, None] * 50
    images = images.expand(5, 3, 4, 8)
    torch.manual_seed(0)
    found = draw(images, 2000)
    assert found.dtype == torch.float32 and len(found) == 2000
    assert found.shape[1:] in ((3, 4, 8), (3, 8, 4))
    values, counts = (
        (found[:, 0, 0, 0] * 255).round().unique(return_counts=True)
    )
    assert values.tolist() == [0, 50, 100, 150, 200]
    assert counts.min() > 320
    assert draw(torch.full((1, 3, 4, 4), 255).byte(), 1).max() == 1


def test_pictures_need_not_be_square():
    training, _ = make(dotted(height=4, width=12))
    training.run()
    assert training.done == STEPS


# The schedule


def test_the_rate_climbs_then_falls_along_a_cosine():
    rates = [warm_up_cosine(i, 110, 0.5, 10) for i in range(111)]
    assert rates[:3] == pytest.approx([0.05, 0.1, 0.15])
    assert rates[9] == rates[10] == 0.5  # no jump
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[35] == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)) / 2)
    assert rates[60] == pytest.approx(0.25)
    assert rates[110] == 0 == warm_up_cosine(500, 110, 0.5, 10)
    assert rates[109] > 0


def test_a_schedule_without_or_with_nothing_but_warm_up():
    assert warm_up_cosine(0, 10, 2.0, 0) == 2.0
    assert warm_up_cosine(5, 10, 2.0, 0) == pytest.approx(1.0)
    assert warm_up_cosine(3, 4, 2.0, 8) == 1.0


# Bad input


@pytest.mark.parametrize(
    "error, message, options",
    [
        (TypeError, "uint8 tensor.*got torch.float32",
         {"images": dotted() / 255}),
        (TypeError, "got uint8", {"images": dotted().numpy()}),
        (TypeError, "got list", {"images": [1]}),
        (ValueError, r"\(12, 8, 8, 3\).*permute\(0, 3, 1, 2\)",
         {"images": dotted().permute(0, 2, 3, 1)}),
        (ValueError, r"got \(12, 1, 8, 8\)", {"images": dotted()[:, :1]}),
        (ValueError, r"got \(3, 8, 8\)", {"images": dotted()[0]}),
        (ValueError, r"n of 1 or more, got \(0,", {"images": dotted()[:0]}),
        (ValueError, "width is 6, not a multiple of 4",
         {"images": dotted(width=6)}),
        (ValueError, "batch must be 1 or more, got 0", {"batch": 0}),
        (TypeError, "batch must be a whole number", {"batch": 8.0}),
        (ValueError, "rate must be more than 0, got 0", {"rate": 0}),
        (ValueError, "rate must be more than 0, got nan",
         {"rate": math.nan}),
        (ValueError, "steps must be a whole number", {"steps": 0}),
        (ValueError, "seed must be a whole number", {"seed": -1}),
    ],
)  # fmt: skip
def test_a_training_that_cannot_be_is_named(error, message, options):
    with pytest.raises(error, match=message):
        make(**options)


@pytest.mark.parametrize(
    "takes, diffusion, message",
    [
        (6, None, r"takes 6 .*regression needs 3: UNet\(in_channels=3\)"),
        (3, DIFFUSION, r"takes 3 .*diffusion needs 6: UNet\(in_channels=6"),
    ],
)
def test_a_network_for_something_else_is_named(takes, diffusion, message):
    net = UNet(takes, (8, 16))
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(ValueError, match=message):
        sr_training(
            net, dotted(), steps=2, diffusion=diffusion,
            accelerator=make_accelerator(cpu=True),
        )  # fmt: skip
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


def test_a_network_of_the_learner_s_own_may_be_trained():
    class Bare(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x, steps):
            return self.layer(x)

    training, _ = sr_training(
        Bare(), dotted(), steps=2, accelerator=make_accelerator(cpu=True)
    )
    training.run()
    assert training.done == 2
