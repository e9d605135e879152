"""Diffusion: equal to `diffusers`, true to its formulas, and strict."""

import re
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler

from course_utils import week4_tutorial
from course_utils.diffusion import (
    METHODS,
    TARGETS,
    Diffusion,
    chosen_steps,
    cosine_schedule,
    ddim_step,
    ddpm_step,
    from_betas,
    linear_schedule,
    sample,
)

PACKAGE = Path(__file__).resolve().parents[1] / "course_utils"
TOTAL = 1000
SCHEDULES = {
    "linear": linear_schedule(TOTAL),
    "squaredcos_cap_v2": cosine_schedule(TOTAL),
}
PREDICTED = {"noise": "epsilon", "x0": "sample", "v": "v_prediction"}
MEAN, STD = 0.3, 0.5  # of data that are normal: their denoiser is known
# For errors: two pictures and their steps, alpha_bar now and then.
X, T = torch.zeros(2, 3, 8, 8), torch.tensor([0, 9])
NOW, THEN = torch.tensor(0.5), torch.tensor(0.9)
READY = Diffusion(linear_schedule(10))
FIFTY = Diffusion(cosine_schedule(50))


def theirs(kind, schedule, target="noise", count=TOTAL, bars=None):
    """A scheduler of diffusers; bars replace its own table."""
    own = {"variance_type": "fixed_small"}
    if kind is DDIMScheduler:
        own = {"set_alpha_to_one": True}
    scheduler = kind(
        num_train_timesteps=TOTAL, beta_schedule=schedule, clip_sample=False,
        prediction_type=PREDICTED[target], timestep_spacing="trailing", **own,
    )  # fmt: skip
    scheduler.set_timesteps(count)
    if bars is not None:
        scheduler.alphas_cumprod = bars
    return scheduler


def drawn(seed=0, batch=32, dtype=torch.float):
    """Clean pictures of unit variance, noise, and fresh noise."""
    generator = torch.Generator().manual_seed(seed)
    shape = (3, batch, 3, 8, 8)
    return torch.randn(shape, generator=generator, dtype=dtype).unbind(0)


def far(one, other):
    return (one - other).abs().max().item()


# Equal to diffusers


def test_the_package_itself_does_without_diffusers():
    for path in PACKAGE.rglob("*.py"):
        code = path.read_text("utf-8")
        assert not re.search(r"^\s*(from|import) diffusers", code, re.M), path


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_those_of_diffusers(name):
    bars = theirs(DDPMScheduler, name).alphas_cumprod
    assert far(SCHEDULES[name], bars) < 1e-6
    assert far(SCHEDULES[name].log(), bars.log()) < 5e-5  # the small ones too


@pytest.mark.parametrize("kind", [DDPMScheduler, DDIMScheduler])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 25, 30, 50, 250, 999, TOTAL])
def test_steps_are_chosen_as_diffusers_does(kind, count):
    chosen = theirs(kind, "linear", count=count).timesteps
    assert chosen_steps(TOTAL, count).tolist() == chosen.tolist()


@pytest.mark.parametrize("name", SCHEDULES)
def test_noise_and_velocity_are_those_of_diffusers(name):
    bars, scheduler = SCHEDULES[name], theirs(DDPMScheduler, name)
    x0, noise, _ = drawn()
    t = torch.linspace(0, TOTAL - 1, len(x0)).long()
    x_t = Diffusion(bars).add_noise(x0, noise, t)
    assert far(x_t, scheduler.add_noise(x0, noise, t)) < 1e-5
    v = Diffusion(bars, "v").target_of(x0, noise, t)
    assert far(v, scheduler.get_velocity(x0, noise, t)) < 1e-5


def both_steps(name, target, count, i, bars, table=None):
    """Return the largest differences of one x0, DDIM and DDPM step."""
    times = chosen_steps(TOTAL, count)
    now = bars[times[i]]
    then = bars[times[i + 1]] if i + 1 < count else torch.ones_like(now)
    diffusion, t = Diffusion(bars, target), times[i].expand(32)
    x0, noise, _ = drawn(i, dtype=bars.dtype)
    x_t = diffusion.add_noise(x0, noise, t)
    said = diffusion.target_of(x0, noise, t)
    guess = diffusion.x0_of(said, x_t, t)
    generator = torch.Generator().manual_seed(7)
    fresh = torch.randn(x_t.shape, generator=generator, dtype=x_t.dtype)
    stepped = ddpm_step(x_t, guess, now, then, fresh)
    ddpm = theirs(DDPMScheduler, name, target, count, table)
    other = ddpm.step(said, times[i], x_t, generator=generator.manual_seed(7))
    unit = now.sqrt().item() if target == "noise" else 1
    found = [
        far(guess, other.pred_original_sample) * unit,
        far(stepped, other.prev_sample),
    ]
    if TOTAL % count == 0:  # else its DDIM goes to steps it did not choose
        ddim = theirs(DDIMScheduler, name, target, count, table)
        other = ddim.step(said, times[i], x_t).prev_sample
        found.append(far(ddim_step(x_t, guess, now, then), other))
    return found


STEPS = [
    (count, place)
    for count in (TOTAL, 25)
    for place in (0, 1, count // 2, count - 2, count - 1)
]


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("count, place", STEPS)
def test_steps_are_those_of_diffusers(name, target, count, place):
    # x0 from noise is divided by sqrt(alpha_bar), down to 5e-5: its
    # differences count in units of that factor. At step 1 of the linear
    # schedule diffusers' 1 - alpha_bar, 3e-4, is a product in float32.
    near = 2e-5 if (name, count, place) == ("linear", TOTAL, 998) else 1e-5
    found = both_steps(name, target, count, place, SCHEDULES[name])
    assert len(found) == 3
    assert max(found) < near


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("count, place", [*STEPS, (30, 0), (30, 17), (30, 29)])
def test_in_double_precision_and_by_one_table_they_are_equal(
    name, target, count, place
):
    bars = SCHEDULES[name].double()
    found = both_steps(name, target, count, place, bars, table=bars)
    assert max(found) < 1e-9  # diffusers' last variance is 1e-20, not 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("target", TARGETS)
def test_a_whole_walk_ends_where_that_of_diffusers_does(method, target):
    kind = DDIMScheduler if method == "ddim" else DDPMScheduler
    scheduler = theirs(kind, "squaredcos_cap_v2", target, 25)
    diffusion = Diffusion(SCHEDULES["squaredcos_cap_v2"], target)
    noise, generator = drawn()[1], torch.Generator()

    def net(x, t):  # any function of both will do
        share = (1 - diffusion.alpha_bar(t)).sqrt()
        return x.roll(1, -1) * 0.1 + (x * share if target == "noise" else 0)

    ours = sample(
        lambda x, t: diffusion.x0_of(net(x, t), x, t), diffusion, noise,
        steps=25, method=method, generator=generator.manual_seed(3),
    )  # fmt: skip
    generator.manual_seed(3)
    x = noise
    random = {} if method == "ddim" else {"generator": generator}
    for t in scheduler.timesteps:
        said = net(x, t.expand(len(x)))
        x = scheduler.step(said, t, x, **random).prev_sample
    assert far(ours, x) < 1e-4 * max(1, x.abs().max().item())


# Noise and targets


def test_noisy_pictures_have_the_moments_of_the_formula():
    diffusion = Diffusion(cosine_schedule(TOTAL))
    generator = torch.Generator().manual_seed(0)
    x0 = 0.7 + 0.4 * torch.randn(1, 1, 500, 500, generator=generator)
    for step in (0, 250, 500, 750, 999):
        noise = torch.randn(x0.shape, generator=generator)
        x_t = diffusion.add_noise(x0, noise, torch.tensor([step]))
        bar = diffusion.alpha_bars[step].item()
        variance = bar * 0.4**2 + 1 - bar
        assert x_t.mean().item() == pytest.approx(0.7 * bar**0.5, abs=0.01)
        assert x_t.var().item() == pytest.approx(variance, rel=0.015)
        both = torch.stack([x0.flatten(), x_t.flatten()])
        together = torch.corrcoef(both)[0, 1].item()
        expected = 0.4 * bar**0.5 / variance**0.5
        assert together == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("bars", SCHEDULES.values(), ids=SCHEDULES)
def test_unit_variance_is_preserved(bars):
    generator = torch.Generator().manual_seed(1)
    x0, noise = torch.randn(2, 20, 3, 64, 64, generator=generator).unbind(0)
    t = torch.linspace(0, TOTAL - 1, 20).long()
    v = Diffusion(bars, "v")
    for x in (v.add_noise(x0, noise, t), v.target_of(x0, noise, t)):
        assert far(x.var(dim=(1, 2, 3)), torch.ones(20)) < 0.06


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_leads_back_to_the_picture(target):
    bars = cosine_schedule(TOTAL).double()
    diffusion = Diffusion(bars, target)
    x0, noise, _ = drawn(batch=TOTAL, dtype=torch.double)
    t = torch.arange(TOTAL)
    x_t = diffusion.add_noise(x0, noise, t)
    again = diffusion.x0_of(diffusion.target_of(x0, noise, t), x_t, t)
    error = (again - x0).abs().amax(dim=(1, 2, 3)) * bars.sqrt()
    assert error.max().item() < 1e-14


def test_each_picture_gets_its_own_step():
    diffusion = Diffusion(linear_schedule(10), "v")
    x0, noise, _ = drawn(batch=10)
    t = torch.randperm(10, generator=torch.Generator().manual_seed(0))
    together = diffusion.add_noise(x0, noise, t)
    parts = zip(x0.split(1), noise.split(1), t.split(1), strict=True)
    alone = [diffusion.add_noise(*part) for part in parts]
    assert torch.equal(together, torch.cat(alone))
    assert torch.equal(together, diffusion.add_noise(x0, noise, t.int()))


# Walks with a denoiser that cannot be better


def posterior(bar):
    """Mean (as a function of x_t) and std of x0 given x_t, for our data."""
    spread = STD**2 * bar + 1 - bar
    gain = STD**2 * bar**0.5 / spread
    std = STD * ((1 - bar) / spread) ** 0.5
    return lambda x: MEAN + gain * (x - bar**0.5 * MEAN), std


def walked(method, steps, predict=None, pixels=500):
    """Return the end of a walk from noise, `pixels` squared."""
    diffusion = Diffusion(cosine_schedule(TOTAL))
    generator = torch.Generator().manual_seed(2)
    shape = (1, 1, pixels, pixels)
    noise = torch.randn(shape, generator=generator, dtype=torch.double)
    noise = (noise - noise.mean()) / noise.std()  # DDIM draws no more

    def exact(x, t):
        return posterior(diffusion.alpha_bars[t[0]].item())[0](x)

    return sample(
        predict or exact, diffusion, noise, steps=steps, method=method,
        generator=generator,
    )  # fmt: skip


@pytest.mark.parametrize("steps", [1, 2, 10])
def test_ddpm_with_drawn_x0_reproduces_the_data_in_any_steps(steps):
    """With x0 drawn from its posterior, each step is exact, not its mean."""
    bars, generator = cosine_schedule(TOTAL), torch.Generator().manual_seed(5)

    def predict(x, t):
        mean, std = posterior(bars[t[0]].item())
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        return mean(x) + std * noise

    end = walked("ddpm", steps, predict)
    # Standard errors of 250,000 pixels: 0.001 and 0.0007.
    assert end.mean().item() == pytest.approx(MEAN, abs=0.004)
    assert end.std().item() == pytest.approx(STD, abs=0.003)


@pytest.mark.parametrize("method, most", [("ddim", 0.01), ("ddpm", 0.025)])
def test_the_exact_denoiser_reproduces_the_data(method, most):
    """What is missing of std is due to finite steps: twice them halve it."""
    coarse, fine = walked(method, 100), walked(method, 200)
    assert fine.mean().item() == pytest.approx(MEAN, abs=0.004)
    lost = [1 - end.std().item() / STD for end in (coarse, fine)]
    assert 0 < lost[1] < most
    assert lost[0] / lost[1] == pytest.approx(2, abs=0.4)
    assert 2 * lost[1] - lost[0] == pytest.approx(0, abs=0.009)


def test_clamping_what_is_noise_ruins_the_data():
    """The tutorial's sampler, beside ours, both with the exact denoiser."""
    bars = week4_tutorial.repaired().DiffusionProcess(TOTAL).alpha_bars

    def noise_in(x, t):
        bar = bars[int(t)].item()
        x0 = posterior(bar)[0](x)
        return (x - bar**0.5 * x0) / (1 - bar) ** 0.5

    torch.manual_seed(0)
    noise = torch.randn(1, 1, 200, 200)
    clamped = week4_tutorial.sample_clamped(noise_in, noise, TOTAL)
    assert abs(clamped.std().item() - STD) > 0.05
    ours = walked("ddpm", 200, pixels=200)
    assert abs(ours.std().item() - STD) < 0.02
    assert (ours.abs() > 1).float().mean() > 0.05  # nor should it be


# Walks


def rolled(x, t):
    return 0.9 * x.roll(1, -1)


def walk(predict=rolled, **options):
    return sample(predict, FIFTY, drawn()[1], **options)


@pytest.mark.parametrize("method", METHODS)
def test_one_known_picture_is_found_from_any_noise(method):
    x0 = drawn()[0]
    assert far(walk(lambda x, t: x0, steps=7, method=method), x0) < 1e-6


def test_ddim_is_deterministic_and_ddpm_seeded():
    def end(method, seed):
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        return walk(steps=10, method=method, generator=generator)

    assert torch.equal(end("ddim", 0), end("ddim", 1))
    assert torch.equal(end("ddpm", 0), end("ddpm", 0))
    assert far(end("ddpm", 0), end("ddpm", 1)) > 0.01


def test_the_watch_sees_every_step_and_disturbs_nothing():
    seen = []
    end = walk(steps=5, watch=lambda *three: seen.append(three))
    assert [t for t, _, _ in seen] == [49, 39, 29, 19, 9]
    assert torch.equal(seen[0][1], drawn()[1])
    for (t, x, x0), (after, x_after, _) in zip(seen, seen[1:], strict=False):
        assert torch.equal(x0, rolled(x, t))
        now, then = FIFTY.alpha_bars[[t, after]]
        assert torch.equal(x_after, ddim_step(x, x0, now, then))
    assert torch.equal(end, seen[-1][2])  # the last step ends at its x0
    assert torch.equal(end, walk(steps=5))


def test_a_walk_asks_for_one_step_a_picture_and_keeps_no_gradient():
    asked = []
    weight = torch.ones(1, requires_grad=True)

    def predict(x, t):
        asked.append(t)
        return weight * x

    end = walk(predict, steps=2)
    assert [t.tolist() for t in asked] == [[49] * 32, [24] * 32]
    assert {t.dtype for t in asked} == {torch.int64}
    assert not end.requires_grad


def test_chosen_steps_fall_evenly_from_the_last():
    for total in range(1, 41):
        for count in range(1, total + 1):
            times = chosen_steps(total, count)
            assert len(times) == count and times[0] == total - 1
            gaps = -times.diff()
            assert times[-1] >= 0 and (gaps >= 1).all()
            spread = [*gaps.tolist(), int(times[-1]) + 1]
            assert max(spread) - min(spread) <= 1


def test_schedules_fall_from_picture_to_noise():
    for bars in (linear_schedule(TOTAL), cosine_schedule(TOTAL)):
        assert bars.shape == (TOTAL,) and bars.dtype == torch.float32
        assert (bars.diff() < 0).all()
        assert bars[0] > 0.999 and bars[-1] < 1e-4
    assert from_betas(NOW.new_tensor([0.5, 0.25])).tolist() == [0.5, 0.375]


# Errors


@pytest.mark.parametrize(
    "error, message, call",
    [
        (ValueError, "steps must be 2 or", lambda: linear_schedule(1)),
        (ValueError, "steps must be 2 or", lambda: cosine_schedule(0)),
        (TypeError, "steps must be a who", lambda: cosine_schedule(10.0)),
        (ValueError, "beta of step 0 is 0", lambda: linear_schedule(5, 0.0)),
        (ValueError, "beta of step 4 is", lambda: linear_schedule(5, 0.1, 1)),
        (ValueError, "step 9 is 1:", lambda: cosine_schedule(10, most=1.0)),
        (ValueError, "is nan", lambda: from_betas(T * torch.nan)),
        (ValueError, "2 or more betas", lambda: from_betas(torch.ones(1) / 2)),
        (TypeError, "betas must be a tensor", lambda: from_betas([0.1, 0.2])),
        (ValueError, "must fall", lambda: Diffusion(torch.tensor([0.5, 0.6]))),
        (ValueError, "must fall", lambda: Diffusion(torch.tensor([1.0, 0.6]))),
        (ValueError, "must fall", lambda: Diffusion(torch.tensor([0.9]))),
        (TypeError, "alpha_bars must", lambda: Diffusion([0.9, 0.5])),
        (ValueError, "unknown target 'eps'", lambda: Diffusion(THEN, "eps")),
        (TypeError, "got torch.float32", lambda: READY.alpha_bar(T.float())),
        (TypeError, "got int", lambda: READY.add_noise(X, X, 3)),
        (ValueError, "0 to 9.*0 to 10", lambda: READY.alpha_bar(T // 9 * 10)),
        (ValueError, "got -1 to", lambda: READY.add_noise(X, X, T - 1)),
        (ValueError, "t needs shape", lambda: READY.alpha_bar(T[:, None])),
        (ValueError, "x0 needs sha", lambda: READY.add_noise(X[0], X[0], T)),
        (ValueError, "and t .batch", lambda: READY.target_of(X, X, T[:1])),
        (ValueError, "noise has shape", lambda: READY.add_noise(X, X[:1], T)),
        (ValueError, "noise has shape", lambda: READY.target_of(X, X[:1], T)),
        (ValueError, "prediction has", lambda: READY.x0_of(X[:, :1], X, T)),
        (TypeError, "noise must be", lambda: READY.add_noise(X, 0, T)),
        (TypeError, "now must be", lambda: ddim_step(X, X, 0.5, THEN)),
        (TypeError, "then must be", lambda: ddpm_step(X, X, NOW, 1, X)),
        (ValueError, "now < then", lambda: ddim_step(X, X, THEN, NOW)),
        (ValueError, "now < then", lambda: ddpm_step(X, X, NOW, NOW, X)),
        (ValueError, "then <= 1", lambda: ddpm_step(X, X, NOW, 3 * NOW, X)),
        (ValueError, "x0 has", lambda: ddim_step(X, X[:1], NOW, THEN)),
        (ValueError, "noise has", lambda: ddpm_step(X, X, NOW, THEN, X[:1])),
        (ValueError, "from 1 to 10 steps", lambda: chosen_steps(10, 11)),
        (ValueError, "steps must be 1", lambda: chosen_steps(10, 0)),
        (TypeError, "steps must be a", lambda: chosen_steps(10, 2.5)),
    ],
)  # fmt: skip
def test_bad_input_is_named(error, message, call):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "error, message, options",
    [
        (ValueError, "unknown method 'euler'", {"method": "euler"}),
        (ValueError, "choose from 1 to 10 steps, got 25", {}),
        (TypeError, "steps must be a whole", {"steps": 5.0}),
        (TypeError, "noise must be a tensor", {"noise": X.int()}),
    ],
)  # fmt: skip
def test_a_walk_is_refused_before_it_starts(error, message, options):
    def predict(x, t):
        raise AssertionError("the network was run")

    with pytest.raises(error, match=message):
        sample(predict, READY, **{"noise": X, **options})


def test_a_guess_of_another_shape_is_named():
    with pytest.raises(ValueError, match="x0 has shape .*and x_t"):
        sample(lambda x, t: x[:, :1], READY, X, steps=2)
