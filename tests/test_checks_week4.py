"""Week 4's checks accept right answers and name each misconception."""

import subprocess
import sys

import mistakes_week4 as made
import mistakes_week4_torch as debugged
import numpy as np
import pytest
import torch
from judged import cases_of, each_hostile, stub_of

from course_utils import check, checks, diffusion, super_resolution, unet
from course_utils.mixers import SelfAttention


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))


RIGHT = {
    "reduce": made.reduce,
    "consistent": made.consistent,
    "add_noise": made.add_noise,
    "clean_from_v": made.clean_from_v,
    "time_embedding": made.time_embedding,
    "attention_block": made.attention_block,
    "reverse_step": made.reverse_step,
    "ddim_step": made.ddim_step,
    "training_input": debugged.training_input,
    "sampler": debugged.sampler,
}
ALSO_RIGHT = [
    ("reduce", made.reduce_by_loop),
    ("consistent", made.consistent_by_loop),
    ("reverse_step", made.reverse_by_noise),
    ("time_embedding", made.embedded(lambda i, half: -2 * i / (2 * half))),
    ("training_input", debugged.prepared(reduce=debugged.resized("area"))),
    (
        "sampler",
        debugged.walked(then=lambda bars, t: bars[t - 1] if t else 1.0),
    ),
    ("sampler", debugged.walked(last=lambda x: x.clamp(-1, 1))),
]


# exercise -> (wrong answer, words of its hint)
WRONG = {
    **made.PICTURES,
    "add_noise": [
        (made.naively, "each column has a step of its own"),
        (made.own_noise, "do not draw your own"),
        (made.noised(made.same, lambda b: 1 - b), "the factors are not"),
        (made.noised(np.sqrt, lambda b: 1 - b), "of the noise is still"),
        (made.noised(made.same, made.rest), "of the picture is still"),
        (made.noised(np.sqrt, lambda b: 1 - np.sqrt(b)), "factors sum to 1"),
        (
            lambda x, n, t, a: made.add_noise(x, n, 0 * t + t[0], a),
            "step of the first",
        ),
        (lambda x, n, t, a: made.add_noise(n, x, t, a), "are exchanged"),
        (made.noised(np.ones_like, made.rest), "does not fade"),
        (
            lambda x, n, t, a: made.add_noise(x, n, t, np.cumprod(a)),
            "are not alphas",
        ),
        (
            lambda x, n, t, a: made.add_noise(x, n, t, np.cumprod(1 - a)),
            "as betas",
        ),
        (lambda x, n, t, a: made.add_noise(x, n, t - 1, a), "one step off"),
        (
            lambda x, n, t, a: (
                made.add_noise(x, 0 * n, t, a)
                + made.add_noise(0 * x, n, t - 1, a)
            ),
            "belong to different steps",
        ),
        (made.noised(np.sqrt, lambda b: 0), "no noise comes"),
        (
            lambda x, n, t, a: made.add_noise(x, -n, t, a),
            "noise is subtracted",
        ),
        (made.noised(lambda b: 0, np.sqrt), "must the squares"),
        (lambda x, n, t, a: made.add_noise(x, n, t, a)[0], "should have sh"),
    ],
    "clean_from_v": [
        (lambda v, x, a: made.rest(a) * x + np.sqrt(a) * v, "is the noise"),
        (lambda v, x, a: np.sqrt(a) * x + made.rest(a) * v, "A sign is wro"),
        (lambda v, x, a: -made.clean_from_v(v, x, a), "minus the clean"),
        (
            lambda v, x, a: (x - made.rest(a) * v) / np.sqrt(a),
            "if the network predicted the noise",
        ),
        (lambda v, x, a: a * x - (1 - a) * v, "roots are missing"),
        (lambda v, x, a: made.rest(a) * x - np.sqrt(a) * v, "two factors"),
        (lambda v, x, a: v, "v as it came"),
        (lambda v, x, a: x, "x_t as it came"),
        (lambda v, x, a: made.clean_from_v(v, x, a[0]), "the first alpha_b"),
        (lambda v, x, a: x / np.sqrt(a), "v is left out"),
        (
            lambda v, x, a: np.sqrt(a) * made.clean_from_v(v, x, a),
            "times its factor",
        ),
        (lambda v, x, a: 2 * x, "Mix an x0"),
        (
            lambda v, x, a: made.clean_from_v(v, x, a[:, None]),
            "should have shape",
        ),
    ],
    "time_embedding": [
        (lambda s, w: np.repeat(s[:, None], w, axis=1), "single direction"),
        (
            lambda s, w: s[:, None] / 1000 * np.linspace(-1, 1, w),
            "single direction",
        ),
        (lambda s, w: made.time_embedding(s, w)[:, : w // 2], "Half of the"),
        (lambda s, w: made.time_embedding(s, 2 * w), "Twice as many"),
        (lambda s, w: made.time_embedding(s, w).T, "one row for each"),
        (
            made.embedded(lambda i, half: -i / half, made.interleaved),
            "alternate",
        ),
        (
            made.embedded(lambda i, h: -i / h, order=(np.cos, np.sin)),
            "flip_sin_to_cos",
        ),
        (
            made.embedded(lambda i, h: -i / h, order=(np.sin, np.sin)),
            "A sine alone",
        ),
        (
            made.embedded(lambda i, h: -i / h, order=(np.cos, np.cos)),
            "A cosine alone",
        ),
        (made.embedded(lambda i, half: -i / (half - 1)), "downscale_freq"),
        (made.embedded(lambda i, half: i / half), "sign of the exponent"),
        (made.embedded(lambda i, half: -i / (2 * half)), "only half way"),
        (made.embedded(lambda i, half: -2 * i / half), "twice as far"),
        (
            lambda s, w: made.time_embedding(np.radians(s), w),
            "radians already",
        ),
        (made.embedded(lambda i, half: 0.0 * i), "same wavelength"),
        (made.embedded(lambda i, half: -(i + 1) / half), "i counts from 0"),
        (lambda s, w: made.time_embedding(2 * s, w), "At step 0"),
        (made.embedded(lambda i, half: -i / 4), "wrong for width 12"),
    ],
    "attention_block": [
        (
            made.attend(
                join=lambda x, s: x.reshape(*s[:2], -1),
                out=lambda x, gamma, added: added,
            ),
            "still in a row",
        ),
        (
            made.attend(
                out=lambda x, g, added: (x + g * added).swapaxes(2, 3)
            ),
            "Height and width are exchanged.",
        ),
        (made.attend(out=lambda x, g, added: added[:1]), "should have sh"),
        (made.over_channels(per_head=False), "Channels attend"),
        (made.along_rows, "own row or column"),
        (made.attend(out=lambda x, g, added: g * added), "x is not added"),
        (made.attend(out=lambda x, g, added: g * x + added), "scales x;"),
        (made.attend(out=lambda x, g, added: g * (x + added)), "both, x"),
        (made.attend(out=lambda x, g, added: x + added), "not used"),
        (made.attend(scale=lambda dim, channels: 1), "scale is missing"),
        (made.attend(scale=lambda dim, channels: channels**-0.5), "from all"),
        (made.attend(scale=lambda dim, channels: 1 / dim), "not by its root"),
        (made.attend(axis=-2), "over the queries"),
        (
            lambda x, q, k, v, *rest: made.attention_block(
                x, q.T, k.T, v.T, *rest
            ),
            "transposed",
        ),
        (
            lambda x, q, k, *rest: made.attention_block(x, k, q, *rest),
            "Queries and keys",
        ),
        (
            lambda *args: made.attention_block(*args[:5], 1),
            "heads are ignored",
        ),
        (made.attend(split=made.in_turn, join=made.join_in_turn), "cards"),
        (made.attend(split=made.split_by_reshape), "on the way in"),
        (
            made.attend(join=lambda x, s: x.swapaxes(2, 3).reshape(s)),
            "on the way out",
        ),
        (made.attend(join=made.join_turned), "same order"),
        (made.attend(scale=lambda dim, channels: 2), "week 1's attention"),
        (
            lambda *args: made.attention_block(*args[:5], 3),
            "wrong for 2 heads",
        ),
    ],
    "reverse_step": [
        (
            lambda x, x0, a, b, n: made.reverse_step(x, x0, b, a, n),
            "root of something negative",
        ),
        (made.spread(lambda a, b: np.sqrt(1 - a / b)), "as in the tutorial"),
        (made.spread(made.variance), "multiplied by a variance"),
        (lambda x, x0, a, b, n: made.mix(x0, n, b), "forgets x_t"),
        (lambda x, x0, a, b, n: made.ddim_step(x, x0, a, b), "DDIM step"),
        (made.spread(lambda a, b: 0), "the mean alone"),
        (
            lambda x, x0, a, b, n: made.reverse_step(x0, x, a, b, n),
            "each other's weight",
        ),
        (
            lambda x, x0, a, b, n: made.reverse_step(
                np.sqrt(a / b) * x, np.sqrt(b) * x0, a, b, n
            ),
            "roots in the mean",
        ),
        (
            lambda x, x0, *rest: made.reverse_step(0 * x, x0, *rest),
            "x_t is left out",
        ),
        (
            lambda x, x0, *rest: made.reverse_step(x, 0 * x0, *rest),
            "x0 is left out",
        ),
        (made.spread(lambda a, b: np.sqrt(1 - b)), "as if x0 were noised"),
        (
            lambda x, x0, *rest: made.reverse_step(2 * x, x0, *rest),
            "The mean is wrong",
        ),
        (made.spread(lambda a, b: 0.3), "spread of the noise is not"),
        (
            made.spread(lambda a, b: max(made.variance(a, b), 0.01) ** 0.5),
            "still adds noise",
        ),
        (
            made.spread(
                lambda a, b: np.divide(1 - b, 1 - b) * made.deviation(a, b)
            ),
            "do you divide by it",
        ),
        (
            lambda x, x0, a, b, n: made.reverse_step(x, x0, max(a, 0.1), b, n),
            "0.05 and 0.9",
        ),
        (lambda x, x0, a, b, n: n[0], "should have shape"),
    ],
    "ddim_step": [
        (
            lambda x, x0, a, b: made.mix(
                x0, np.random.normal(size=x.shape), b
            ),
            "draw fresh noise",
        ),
        (lambda x, x0, a, b: np.sqrt(b) * x0, "Only x0 is left"),
        (
            lambda x, x0, a, b: made.mix(x0, x - np.sqrt(a) * x0, b),
            "full strength",
        ),
        (lambda x, x0, a, b: made.ddim_step(x, x0, b, a), "are exchanged"),
        (
            lambda x, x0, a, b: b * x0 + (1 - b) * (x - a * x0) / (1 - a),
            "variances",
        ),
        (
            lambda x, x0, a, b: made.mix(x0, (x - a * x0) / (1 - a), b),
            "look for the noise",
        ),
        (
            lambda x, x0, a, b: (
                made.ddim_step(x, x0, a, b) * np.sqrt(b)
                if b == 1
                else b * x0 + (1 - b) * (x - np.sqrt(a) * x0) / made.rest(a)
            ),
            "where you mix anew",
        ),
        (lambda x, x0, a, b: made.mix(x0, x, b), "mix x_t itself"),
        (made.posterior, "mean of the DDPM step"),
        (lambda x, x0, a, b: x0, "a jump to the end"),
        (lambda x, x0, a, b: x, "nothing has moved"),
        (
            lambda x, x0, a, b: (x - np.sqrt(a) * x0) / made.rest(a),
            "the noise alone",
        ),
        (
            lambda x, x0, a, b: (
                2 * np.sqrt(b) * x0 - made.ddim_step(x, x0, a, b)
            ),
            "noise is subtracted",
        ),
        (made.by_slope, "shortened for small steps"),
        (lambda x, x0, a, b: 2 * x, "the same two, mixed"),
        (
            lambda x, x0, a, b: made.ddim_step(x, x0, a, min(b, 0.99)),
            "exactly x0",
        ),
        (lambda x, x0, a, b: x[0], "should have shape"),
    ],
    **debugged.DEBUGGED,
}
CASES = cases_of(WRONG)
IN_NUMPY = [name for name in RIGHT if name not in debugged.DEBUGGED]


def verdict(name, attempt):
    return getattr(check.week4, name)(attempt)


@pytest.mark.parametrize(
    ("name", "right"),
    [*RIGHT.items(), *ALSO_RIGHT],
)
def test_right_answer_passes(name, right):
    result = verdict(name, right)
    assert result.state == "correct", result.message


@pytest.mark.parametrize("name", RIGHT)
def test_untouched_stub_is_not_attempted(name):
    assert verdict(name, stub_of(RIGHT[name])).state == "not attempted"


@pytest.mark.parametrize(("name", "wrong", "words"), CASES)
def test_wrong_answer_gets_its_hint(name, wrong, words):
    result = verdict(name, wrong)
    assert result.state == "incorrect"
    assert words in result.message, result.message


def test_every_exercise_has_wrong_answers_with_hints_of_their_own():
    assert set(checks.names(4)) == set(RIGHT) == set(WRONG)
    for name, cases in WRONG.items():
        hints = {verdict(name, wrong).message for wrong, _ in cases}
        assert len(hints) == len({words for _, words in cases}) >= 4


@pytest.mark.parametrize("name", RIGHT)
@each_hostile
def test_hostile_answer_is_incorrect_without_a_traceback(name, hostile):
    assert verdict(name, hostile).state == "incorrect"


@pytest.mark.parametrize("name", IN_NUMPY)
def test_changing_the_input_is_noticed(name):
    def in_place(array, *args):
        array[...] = 0
        return RIGHT[name](array, *args)

    assert "in place" in verdict(name, in_place).message


def test_the_checks_of_week_4_are_listed_without_torch():
    code = (
        "import sys; from course_utils import checks; checks.names(4); "
        "assert not {'torch', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def near(array, tensor):
    return np.allclose(array, tensor.detach().numpy(), atol=1e-5)


def test_right_answers_are_those_of_the_package():
    torch.manual_seed(0)
    x_t, x0, noise = torch.randn(3, 2, 3, 4, 8)
    now, then, steps = torch.tensor(0.3), torch.tensor(0.8), torch.arange(9)
    args = x_t, x0, now, then
    arrays = x_t.numpy(), x0.numpy(), 0.3, 0.8
    high = torch.rand(2, 3, 8, 12)
    rows = high.permute(0, 2, 3, 1).numpy()
    low = super_resolution.reduce(high).permute(0, 2, 3, 1)
    assert near(made.reduce(rows), low)
    assert near(made.ddim_step(*arrays), diffusion.ddim_step(*args))
    found = made.reverse_step(*arrays, noise.numpy())
    assert near(found, diffusion.ddpm_step(*args, noise))
    embedded = unet.time_embedding(steps, 16)
    assert near(made.time_embedding(steps.numpy(), 16), embedded)
    walk = diffusion.Diffusion(diffusion.cosine_schedule(10))
    t, v = torch.tensor([2, 8]), noise
    bar = walk.alpha_bar(t).numpy()
    found = made.clean_from_v(v.numpy(), x_t.numpy(), bar)
    assert near(found, walk.x0_of(v, x_t, t))
    found = made.add_noise(
        arrays[1], noise.numpy(), t.numpy(), walk.alpha_bars.numpy()
    )
    assert near(found, walk.add_noise(x0, noise, t))


def test_attention_is_that_of_the_package():
    block = SelfAttention(16, num_heads=4, gamma=0.5)
    block.norm = torch.nn.Identity()
    torch.nn.init.zeros_(block.qkv.bias)
    torch.nn.init.zeros_(block.proj.bias)
    torch.nn.init.dirac_(block.proj.weight)
    x = torch.randn(2, 16, 3, 5)
    weights = block.qkv.weight.detach().numpy()[..., 0, 0].reshape(3, 16, 16)
    found = made.attention_block(x.numpy(), *weights, 0.5, 4)
    assert near(found, block(x, None))


def test_the_sampler_is_that_of_the_package():
    torch.manual_seed(0)
    bars = diffusion.cosine_schedule(12)
    noise, coarse = torch.randn(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    walk = diffusion.Diffusion(bars, target="noise")

    def predict_noise(inputs, t):
        return inputs[:, :3] * t.view(-1, 1, 1, 1) / 12 - inputs[:, 3:]

    def predict_x0(x_t, t):
        answer = predict_noise(torch.cat([x_t, coarse], dim=1), t)
        return walk.x0_of(answer, x_t, t).clamp(-1, 1)

    found = debugged.sampler(
        predict_noise, diffusion.ddim_step, bars, coarse, noise
    )
    right = diffusion.sample(predict_x0, walk, noise, steps=12)
    assert near(found, right)
