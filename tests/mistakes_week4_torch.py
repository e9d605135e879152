"""Right and plausible wrong answers to week 4's exercises in PyTorch."""

import torch
from torch.nn import functional as F


def shrunk(high):
    return F.avg_pool2d(high, 4)


def grown(low, high, mode="bilinear"):
    return F.interpolate(low, size=high.shape[2:], mode=mode)


def mixed(x0, noise, bar):
    bar = bar.view(-1, 1, 1, 1)
    return bar.sqrt() * x0 + (1 - bar).sqrt() * noise


def prepared(
    reduce=shrunk, enlarge=grown, step=lambda t, bars: t.long(),
    fine=lambda x: 2 * x - 1, coarse=lambda x: 2 * x - 1, mix=mixed,
    join=lambda noisy, low: [noisy, low],
):  # fmt: skip
    """A training input, with parts that may be wrong."""

    def attempt(high, t, noise, alpha_bars):
        low = coarse(enlarge(reduce(high), high))
        bar = alpha_bars[step(t, alpha_bars)]
        return torch.cat(join(mix(fine(high), noise, bar), low), dim=1)

    return attempt


training_input = prepared()


def resized(how, **more):
    return lambda x: F.interpolate(x, scale_factor=0.25, mode=how, **more)


def aligned(low, high):
    return F.interpolate(
        low, size=high.shape[2:], mode="bilinear", align_corners=True
    )


def coarse_noised_too(high, t, noise, alpha_bars):
    out = training_input(high, t, noise, alpha_bars)
    low = mixed(out[:, 3:], noise, alpha_bars[t.long()])
    return torch.cat([out[:, :3], low], dim=1)


def coarse_of_the_noisy(high, t, noise, alpha_bars):
    noisy = training_input(high, t, noise, alpha_bars)[:, :3]
    return torch.cat([noisy, grown(shrunk(noisy), high)], dim=1)


def mapped_last(high, t, noise, alpha_bars):
    low = grown(shrunk(high), high)
    noisy = mixed(high, noise, alpha_bars[t.long()])
    return 2 * torch.cat([noisy, low], dim=1) - 1


def unshaped(x0, noise, bar):
    return bar.sqrt() * x0 + (1 - bar).sqrt() * noise


def squared(x0, noise, bar):
    bar = bar.view(-1, 1, 1, 1)
    return bar * x0 + (1 - bar) * noise


def walked(
    times=lambda count: range(count - 1, -1, -1),
    step_number=lambda t, batch: torch.full((batch,), t),
    inputs=lambda x, coarse, first: torch.cat([x, coarse], dim=1),
    start=lambda noise, coarse: noise,
    guess=lambda x, eps, bar: (x - (1 - bar).sqrt() * eps) / bar.sqrt(),
    clamp=lambda x0: x0.clamp(-1, 1),
    then=lambda bars, t: bars[t - 1] if t else torch.ones(()),
    after=lambda x, x0: x,
    step_of=lambda step, *args: step(*args),
    last=lambda x: x,
):
    """A sampler, with parts that may be wrong."""

    def attempt(predict_noise, step, alpha_bars, coarse, noise):
        x = start(noise, coarse)
        for i, t in enumerate(times(len(alpha_bars))):
            number = step_number(t, len(x))
            eps = predict_noise(inputs(x, coarse, i == 0), number)
            x0 = clamp(guess(x, eps, alpha_bars[t]))
            args = x, x0, alpha_bars[t], then(alpha_bars, t)
            x = after(step_of(step, *args), x0)
        return last(x)

    return attempt


sampler = walked()


def six_channels_walk(predict_noise, step, alpha_bars, coarse, noise):
    """The tutorial's: noise is taken off the condition, too."""
    x = torch.cat([noise, coarse], dim=1)
    for t in reversed(range(len(alpha_bars))):
        bar = alpha_bars[t]
        eps = predict_noise(x, torch.full((len(x),), t))
        x = (x - (1 - bar).sqrt() * eps) / bar.sqrt()
    return x


def condition_piles_up(predict_noise, step, alpha_bars, coarse, noise):
    x = noise
    for t in reversed(range(len(alpha_bars))):
        x = torch.cat([x, coarse], dim=1)
        predict_noise(x, torch.full((len(x),), t))
    return x


def step_left_out(predict_noise, step, alpha_bars, coarse, noise):
    x = noise
    for t in reversed(range(len(alpha_bars))):
        number = torch.full((len(x),), t)
        eps, bar = predict_noise(torch.cat([x, coarse], 1), number), 0.5
        x = x - bar * eps
    return x


def last_step_left_out(predict_noise, step, alpha_bars, coarse, noise):
    def unless_last(step, x, x0, now, then):
        return x0 if now == alpha_bars[0] else step(x, x0, now, then)

    walk = walked(step_of=unless_last)
    return walk(predict_noise, step, alpha_bars, coarse, noise)


def two_pictures_only(predict_noise, step, alpha_bars, coarse, noise):
    walk = walked(step_number=lambda t, batch: torch.full((2,), t))
    return walk(predict_noise, step, alpha_bars, coarse, noise)


# exercise -> (wrong answer, words of its hint)
DEBUGGED = {
    "training_input": [
        (prepared(step=lambda t, bars: t), "t arrives as floats"),
        (prepared(enlarge=lambda low, high: low), "still small"),
        (lambda h, t, n, a: mixed(2 * h - 1, n, a[t.long()]), "Three chan"),
        (prepared(join=lambda x, low: [x, low, x, low]), "Twelve channels"),
        (prepared(join=lambda x, low: [low, x]), "noisy one comes first"),
        (prepared(reduce=resized("bilinear")), "never at the other 12"),
        (prepared(reduce=lambda x: x[:, :, ::4, ::4]), "one pixel of each"),
        (prepared(reduce=resized("bicubic")), "reduction is bicubic"),
        (prepared(reduce=resized("bilinear", antialias=True)), "antialias=T"),
        (coarse_noised_too, "added to the coarse picture"),
        (coarse_of_the_noisy, "made of the noisy one"),
        (prepared(coarse=lambda x: x), "coarse picture is still from 0"),
        (prepared(coarse=lambda x: 4 * x - 3), "-1..1 twice"),
        (prepared(enlarge=aligned), "align_corners"),
        (
            prepared(enlarge=lambda x, high: grown(x, high, "nearest")),
            "enlarged in blocks",
        ),
        (
            prepared(enlarge=lambda x, high: grown(x, high, "bicubic")),
            "enlarged bicubically",
        ),
        (prepared(reduce=lambda x: x), "would only have to copy it"),
        (prepared(coarse=lambda x: 1 - 2 * x), "picture of one colour"),
        (prepared(mix=unshaped), "In front of which axes"),
        (
            prepared(step=lambda t, bars: t.long()[:1]),
            "step of the first",
        ),
        (
            prepared(step=lambda t, bars: (t / len(bars)).long()),
            "gets step 0",
        ),
        (prepared(step=lambda t, bars: t.long() - 1), "one step off"),
        (prepared(fine=lambda x: x), "noise spreads around 0"),
        (mapped_last, "noise is doubled"),
        (prepared(mix=lambda x, noise, bar: x), "No noise"),
        (
            prepared(mix=squared),
            "roots are missing",
        ),
        (
            prepared(step=lambda t, bars: t.long() + 1),
            "out of bounds",
        ),
        (
            prepared(mix=lambda x, n, b: mixed(n, x, b)),
            "hardly any noise",
        ),
        (
            prepared(fine=lambda x: grown(2 * shrunk(x) - 1, x)),
            "over the coarse picture",
        ),
        (
            prepared(mix=lambda x, n, b: mixed(x, torch.randn_like(n), b)),
            "do not draw your own",
        ),
        (prepared(mix=lambda x, n, b: mixed(x, -n, b)), "With noise 0"),
        (
            lambda h, t, n, a: training_input(h.sub_(0), t, n.mul_(2), a),
            "in place",
        ),
        (
            lambda h, t, n, a: training_input(
                h, t.repeat(2)[:8] if len(t) == 8 else t * 0, n, a
            ),
            "wrong for 3 pictures",
        ),
    ],
    "sampler": [
        (walked(inputs=lambda x, low, first: x), "three channels"),
        (
            walked(
                inputs=lambda x, low, first: torch.cat(
                    [x, low] if first else [x], 1
                )
            ),
            "first step only",
        ),
        (
            walked(then=lambda bars, t: bars[torch.tensor(t - 1.0)]),
            "tutorial's t is a float",
        ),
        (condition_piles_up, "gets 9 channels"),
        (six_channels_walk, "not a part of what noise is taken off"),
        (walked(step_number=lambda t, n: t), "plain number"),
        (walked(step_number=lambda t, n: torch.full((n,), t / 1)), "floats"),
        (walked(step_number=lambda t, n: torch.tensor([t])), "not (1,)"),
        (
            walked(step_number=lambda t, n: torch.full((n,), t).int()),
            "torch.int32",
        ),
        (walked(step_number=lambda t, n: t - torch.arange(n)), "all walk"),
        (walked(times=lambda count: range(count)), "from little noise"),
        (walked(times=lambda count: range(count, -1, -1)), "IndexError: of T"),
        (
            lambda p, s, a, *both: sampler(p, s, torch.cat([a[:1], a]), *both),
            "begins at T",
        ),
        (walked(times=lambda count: range(count - 1, 0, -1)), "stops at st"),
        (walked(times=lambda count: range(count - 1, -1, -2)), "t = 5, 3, 1"),
        (
            walked(inputs=lambda x, low, first: torch.cat([low, x], 1)),
            "are exchanged: the noisy one",
        ),
        (
            walked(inputs=lambda x, low, _: torch.cat([x, 2 * low - 1], 1)),
            "once more",
        ),
        (
            walked(inputs=lambda x, low, _: torch.cat([x, low / 2 + 0.5], 1)),
            "from 0 to 1; in training",
        ),
        (
            walked(inputs=lambda x, low, _: torch.cat([x, 0 * low], 1)),
            "as it was handed in",
        ),
        (
            walked(
                inputs=lambda x, low, first: torch.cat([x, low * first], 1)
            ),
            "same at every step",
        ),
        (walked(start=lambda noise, low: low), "begins at the coarse"),
        (walked(start=lambda n, low: torch.randn_like(n)), "elsewhere"),
        (step_left_out, "never called: it is"),
        (walked(after=lambda x, x0: x.clamp(-1, 1)), "x_t is clamped"),
        (last_step_left_out, "called 5 times"),
        (walked(after=lambda x, x0: x0), "or lost"),
        (
            walked(step_of=lambda step, x, *rest: step(x / 2, *rest)),
            "has just seen",
        ),
        (
            walked(guess=lambda x, eps, bar: eps, clamp=lambda x0: x0),
            "needs x0",
        ),
        (walked(clamp=lambda x0: x0), "x0 is not clamped"),
        (walked(clamp=lambda x0: x0.clamp(0, 1)), "clamped to 0..1"),
        (walked(clamp=lambda x0: x0.clamp(-2, 2)), "numbers beyond -1"),
        (walked(guess=lambda x, eps, bar: x - eps), "Solve x_t"),
        (
            walked(step_of=lambda step, x, x0, a, b: step(x, x0, b, a)),
            "`now` and `then` are exchanged",
        ),
        (
            walked(step_of=lambda step, x, x0, a, b: step(x, x0, 1 - a, b)),
            "alpha_bar of step t, one number",
        ),
        (walked(then=lambda bars, t: bars[t - 1]), "other end of the list"),
        (walked(then=lambda bars, t: bars[t] if t else 1), "no step is taken"),
        (
            walked(then=lambda bars, t: bars[max(t - 2, 0)] if t else 1),
            "comes next on the walk",
        ),
        (walked(then=lambda bars, t: bars[max(t - 1, 0)]), "stays where it"),
        (walked(then=lambda bars, t: bars[t - 1] if t else 0), "is wrong"),
        (walked(last=lambda x: (x + 1) / 2), "not asked for from 0 to 1"),
        (walked(last=lambda x: 0 * x), "what is returned"),
        (two_pictures_only, "wrong for 3 steps and 1"),
        (lambda predict, step, bars, *both: both[1], "does not take part"),
        (lambda p, s, a, low, x: sampler(p, s, a, low.mul_(0), x), "in place"),
    ],
}
