# %% [markdown]
# # Week 4, graded: one sample, the mean, and what a gate can hide
#
# {{badges}}
#
# One sample of the diffusion model had less PSNR than regression. Was the
# model worse, or did the score ask for something that one sample cannot
# give? Here you compute from four samples what infinitely many would score,
# choose how much dice a step throws, and put answers right that no camera
# could have taken. Before that come two faults that do not crash, a schedule
# that never ends in noise and a gate that never opens, and attention that
# fetches detail by likeness.
#
# **Hand in** this notebook, nothing else. It is planned for about two hours.
# NumPy, PyTorch and everything in `course_utils` are allowed.
#
# **Points**: six functions, 20 points, and one question in words, 10. Below
# each function a cell shows the properties that you can see, what each is
# worth and whether it holds. After you hand in, the same properties and some
# hidden ones are judged with other numbers. The question is marked by hand,
# by the table that stands with it.

# %% tags=["setup"]
setup(week=4)

# %%
import functools

import numpy as np
import torch
from matplotlib import pyplot as plt

import course_utils.diffusion as diffusing
import course_utils.sr_figures as sr_figures
import course_utils.super_resolution as sr
from course_utils import graded, reference, show
from course_utils.pictures import as_tensor, pictures
from course_utils.sr_scores import patch_distance, sharpness
from course_utils.sr_weights import load_net

found = pictures(30, split="test", seed=1, source="bundled")
truth = as_tensor(found.images)  # (30, 3, 32, 32)
low = sr.reduce(truth)  # (30, 3, 8, 8)
coarse = sr.enlarge(low)


def decibels(answer, wanted):
    """PSNR of the mean squared error over all pictures, in dB."""
    return -10 * (answer - wanted).square().mean().log10().item()

# %% [markdown]
# ## 1 Does it end in noise?
#
# 3 points
#
# Sampling starts from pure noise. Training, at its last step, shows the
# network $\sqrt{\bar\alpha_T}\,x_0 + \sqrt{1 - \bar\alpha_T}\,\varepsilon$,
# which is pure noise only if $\bar\alpha_T = 0$. In widely used schedules it
# is not: a rest of the picture shines through, above all its brightness, and
# the network learns to rely on it. Lin and others ("Common Diffusion Noise
# Schedules and Sample Steps are Flawed", 2024) mend this by shifting and then
# stretching the *root* $\sqrt{\bar\alpha_t}$, so that the last becomes 0 and
# the first stays.

# %% answer="end_in_noise"
def end_in_noise(alpha_bars):
    """Shift and stretch the roots of a schedule so that the last is 0.

    alpha_bars: (steps,), falling, 1 > first > last >= 0. In NumPy.
    Returns (steps,): alpha_bars again, the first as it was, the last 0.
    """
    ### BEGIN SOLUTION
    roots = np.sqrt(alpha_bars)
    first, last = roots[0], roots[-1]
    roots = (roots - last) * first / (first - last)
    return roots**2
    ### END SOLUTION

# %% graded="end_in_noise"
graded.week4.end_in_noise(end_in_noise)

### BEGIN HIDDEN TESTS
@graded.week4.end_in_noise.hidden(
    1.5,
    "Roots are shifted and stretched, all by the same numbers.",
    "The new roots should lie on a straight line over the old ones. Is the "
    "root taken before anything else?",
)
def noise_roots(answer, rng):
    right = []
    for steps in (4, 11):
        bars = np.cumprod(rng.uniform(0.8, 0.97, size=steps))
        old, new = np.sqrt(bars), np.sqrt(np.abs(answer(bars)))
        wanted = np.interp(old, [old[-1], old[0]], [0, old[0]])
        right.append(new.shape == (steps,)
                     and np.allclose(new, wanted, atol=1e-4))
    return all(right)
### END HIDDEN TESTS

# %% [markdown]
# Three schedules of 1,000 steps: the lesson's two, and that of latent
# diffusion (roots of beta rise evenly from those of 0.00085 to 0.012).

# %%
beta_roots = torch.linspace(0.00085**0.5, 0.012**0.5, 1000).double()
schedules = {"linear": diffusing.linear_schedule(),
             "cosine": diffusing.cosine_schedule(),
             "latent diffusion": diffusing.from_betas(beta_roots**2)}
with graded.later():
    for name, bars in schedules.items():
        new = end_in_noise(bars.double().numpy())
        print(f"{name:17} signal left in the last step: "
              f"{bars[-1].sqrt():.5f}, mended {new[-1]**0.5:.5f}")

# %% [markdown]
# ## 2 Two zeros
#
# 3 points
#
# A gate `gamma` of 0 starts attention as if it were not there. Setting the
# last projection to 0 does the same. Each is good advice by itself, so
# people do both. Find out what that does: for the gated residual block
#
# $$\text{loss} = \text{mean}\big((x + \gamma\, \text{out}\, W -
# \text{target})^2\big)$$
#
# with `out` what attention fetched and $W$ the projection, return the
# gradient by $W$ and that by $\gamma$. Autograd or a pencil, as you like.

# %% answer="gate_gradients"
def gate_gradients(x, out, target, weight, gamma):
    """Gradients of the mean squared error of x + gamma * out @ weight.

    x, out, target: (batch, tokens, width), tensors; weight: (width, width)
    gamma: a number. The mean is over all entries.
    Returns (gradient by weight, (width, width); gradient by gamma, one
    number).
    """
    ### BEGIN SOLUTION
    error = x + gamma * out @ weight - target
    slope = 2 * error / error.numel()
    by_weight = gamma * (out.mT @ slope).sum(dim=0)
    by_gamma = (slope * (out @ weight)).sum()
    return by_weight, by_gamma
    ### END SOLUTION

# %% graded="gate_gradients"
graded.week4.gate_gradients(gate_gradients)

### BEGIN HIDDEN TESTS
@graded.week4.gate_gradients.hidden(
    1.5,
    "The gradient by weight is right in every entry.",
    "The gradient by weight is not what small steps of each entry show. "
    "Check the factor of the mean, and rows against columns.",
)
def gate_every_weight(answer, rng):
    import torch

    x, out, target = rng.normal(size=(3, 2, 5, 3))
    weight, wanted = rng.normal(size=(3, 3)), np.zeros((3, 3))
    for place in np.ndindex(3, 3):
        step = np.zeros((3, 3))
        step[place] = 1e-3
        high, low = (((x + 0.7 * out @ (weight + sign * step) - target) ** 2)
                     .mean() for sign in (1, -1))
        wanted[place] = (high - low) / 2e-3
    parts = [torch.tensor(p).float() for p in (x, out, target, weight)]
    return np.allclose(answer(*parts, 0.7)[0], wanted, atol=1e-4)
### END HIDDEN TESTS

# %% [markdown]
# Now let your gradients train it, from three starts. **Predict** which of
# them learn.

# %%
torch.manual_seed(0)
x, out = torch.randn(2, 8, 5, 4)
target = x + out @ torch.randn(4, 4)
STARTS = {"gamma 0": (0.5, 0.0), "projection 0": (0.0, 0.5), "both 0": (0, 0)}


def losses_from(scale, gamma, steps=150, rate=0.5):
    """Losses of gradient descent from weight scale * random, and gamma."""
    weight, losses = scale * torch.randn(4, 4), []
    for _ in range(steps):
        missed = x + gamma * out @ weight - target
        losses.append(missed.square().mean().item())
        by_weight, by_gamma = gate_gradients(x, out, target, weight, gamma)
        weight = weight - rate * by_weight
        gamma = gamma - rate * float(by_gamma)
    return losses


with graded.later():
    curves = {name: losses_from(*start) for name, start in STARTS.items()}
    fig, ax = plt.subplots(figsize=(6, 3))
    for style, (name, losses) in zip(["-", "--", ":"], curves.items(),
                                     strict=True):
        ax.plot(losses, style, lw=2, label=name)
    ax.set(xlabel="step", ylabel="loss")
    ax.legend(frameon=False)
    show(fig, alt="Loss by step from three starts: gamma 0 and projection 0 "
         "both fall to nearly nothing, both 0 is a level line.")

# %% [markdown]
# ## 3 Fetch by likeness
#
# 3 points
#
# Section 8 of the lesson trained attention to find each tile's detail in a
# shuffled reference, and noted that a rule of one line does better: take the
# nearest tile. That rule is attention, too, at temperature 0. With coarse
# tiles as queries $q$, the reduced reference tiles as keys $k$ and its fine
# tiles as values,
#
# $$\text{attn}_{ij} \propto
# e^{-\lVert q_i - k_j \rVert^2 / \text{temperature}}$$
#
# A dot product in place of the distance runs as well, and prefers bright
# tiles to right ones.

# %% answer="fetch_tiles"
def fetch_tiles(coarse, keys, values, temperature):
    """Mean of the values, weighted by how near their keys are.

    coarse: (batch, queries, dim); keys: (batch, keys, dim)
    values: (batch, keys, width); temperature: above 0. In PyTorch.
    Weights of a query go with exp(-squared distance / temperature) and sum
    to 1 over keys. Returns (batch, queries, width).
    """
    ### BEGIN SOLUTION
    apart = coarse[:, :, None] - keys[:, None]  # (batch, queries, keys, dim)
    logits = -apart.square().sum(dim=-1) / temperature
    return logits.softmax(dim=-1) @ values
    ### END SOLUTION

# %% graded="fetch_tiles"
graded.week4.fetch_tiles(fetch_tiles)

### BEGIN HIDDEN TESTS
@graded.week4.fetch_tiles.hidden(
    1,
    "In between, weights follow the squared distance.",
    "At a temperature in between the weights are others. Is the distance "
    "squared, and is it divided by the temperature as it is?",
)
def fetch_between(answer, rng):
    import torch

    coarse, keys = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 6, 4))
    values = rng.normal(size=(2, 6, 5))
    wanted = np.zeros((2, 3, 5))
    for b, i in np.ndindex(2, 3):
        weights = np.exp(-((coarse[b, i] - keys[b]) ** 2).sum(axis=1) / 3)
        wanted[b, i] = weights @ values[b] / weights.sum()
    parts = [torch.tensor(p).float() for p in (coarse, keys, values)]
    return np.allclose(answer(*parts, 3.0), wanted, atol=1e-4)


@graded.week4.fetch_tiles.hidden(
    0.5,
    "Hot, every tile gets the mean of all values.",
    "At a very high temperature all keys should count alike: over which "
    "axis do weights sum to 1?",
)
def fetch_hot(answer, rng):
    import torch

    parts = [torch.tensor(rng.normal(size=size)).float()
             for size in ((2, 3, 4), (2, 6, 4), (2, 6, 5))]
    wanted = parts[2].mean(dim=1, keepdim=True).repeat(1, 3, 1)
    return np.allclose(answer(*parts, 1e6), wanted, atol=1e-3)
### END HIDDEN TESTS

# %% [markdown]
# Which temperature is best? If coarse tiles and keys are exact, the coldest.
# If the coarse picture is noisy (here by 0.03), doubt pays:

# %%
def fetched(noise, temperature):
    """Fine pictures put together from a shuffled reference."""
    generator = torch.Generator().manual_seed(0)
    moved, _ = reference.shuffled(truth, generator)
    noisy = low + noise * torch.randn(low.shape, generator=generator)
    tiles = fetch_tiles(
        reference.as_tiles(noisy, 2), reference.as_tiles(sr.reduce(moved), 2),
        reference.as_tiles(moved, 8), temperature)
    return reference.as_pictures(tiles)


with graded.later():
    print("bicubic:", f"{decibels(coarse.clamp(0, 1), truth):.1f} dB")
    for noise in (0, 0.03):
        line = {t: f"{decibels(fetched(noise, t), truth):.1f}"
                for t in (1e-4, 1e-3, 1e-2, 0.1, 1)}
        print(f"noise {noise}: dB by temperature", line)

# %% [markdown]
# ## 4 A step with as much dice as one likes
#
# 4 points
#
# DDIM throws no dice, DDPM throws many. Song, Meng and Ermon ("Denoising
# Diffusion Implicit Models", 2021, equations 12 and 16) put both on one scale:
# $\eta = 0$ is DDIM, $\eta = 1$ is DDPM. With *now* and *then* for
# $\bar\alpha$ at this step and at the earlier one, fresh noise has the spread
#
# $$\sigma = \eta \sqrt{\frac{1 - \text{then}}{1 - \text{now}}}
# \sqrt{1 - \frac{\text{now}}{\text{then}}}$$
#
# What was noise in $x_t$ stays noise, but less of it, so that old and fresh
# together have variance $1 - \text{then}$. How much less, you work out.

# %% answer="stochastic_step"
def stochastic_step(x_t, x0, now, then, eta, noise):
    """x at an earlier step, with eta times DDPM's fresh noise. In NumPy.

    x_t, x0, noise: (batch, 3, height, width); x0 is a guess, noise fresh
    now, then: numbers, alpha_bar at this step and at the one to go to,
    now <= then <= 1, now < 1; eta: 0 to 1
    Returns (batch, 3, height, width).
    """
    ### BEGIN SOLUTION
    sigma = eta * np.sqrt((1 - then) / (1 - now) * (1 - now / then))
    old = (x_t - np.sqrt(now) * x0) / np.sqrt(1 - now)
    kept = np.sqrt(1 - then - sigma**2)
    return np.sqrt(then) * x0 + kept * old + sigma * noise
    ### END SOLUTION

# %% graded="stochastic_step"
graded.week4.stochastic_step(stochastic_step)

### BEGIN HIDDEN TESTS
@graded.week4.stochastic_step.hidden(
    1,
    "With eta = 1 it is DDPM's step.",
    "With eta = 1 mean and variance should be DDPM's (exercise 6).",
)
def step_of_ddpm(answer, rng):
    now, then = 0.2, 0.45
    x_t, x0, noise = rng.normal(size=(3, 2, 3, 4, 4))
    beta = 1 - now / then
    mean = np.sqrt(then) * beta * x0 / (1 - now)
    mean = mean + np.sqrt(now / then) * (1 - then) * x_t / (1 - now)
    spread = np.sqrt(beta * (1 - then) / (1 - now))
    found = answer(x_t, x0, now, then, 1.0, noise)
    return (found.shape == x_t.shape
            and np.allclose(found, mean + spread * noise, atol=1e-4))


@graded.week4.stochastic_step.hidden(
    1,
    "In between, eta scales the spread of the fresh noise.",
    "With eta = 0.5 the fresh noise should have half the spread that it has "
    "with eta = 1, and x0 and the old noise have what is theirs.",
)
def step_in_between(answer, rng):
    now, then = 0.2, 0.45
    x0, old, fresh = rng.normal(size=(3, 2, 3, 4, 4))
    x_t = np.sqrt(now) * x0 + np.sqrt(1 - now) * old
    half = 0.25 * (1 - then) / (1 - now) * (1 - now / then)  # variance
    wanted = np.sqrt(then) * x0 + np.sqrt(half) * fresh
    wanted = wanted + np.sqrt(1 - then - half) * old
    found = answer(x_t, x0, now, then, 0.5, fresh)
    return found.shape == x_t.shape and np.allclose(found, wanted, atol=1e-4)
### END HIDDEN TESTS

# %% [markdown]
# Draw with it: the lesson's network with attention, 20 steps, four samples
# with each eta. They are kept for the sections below, so run this cell again
# after every change of `stochastic_step`.

# %%
net, _ = load_net("attention")
diffusion = diffusing.Diffusion(diffusing.cosine_schedule(), target="v")


def draw(eta, seed, steps=20):
    """One fine picture for each coarse one, 0 to 1."""
    rng = np.random.default_rng(seed)
    predict_x0 = sr.x0_predictor(net, diffusion, low)
    times = diffusing.chosen_steps(len(diffusion), steps).tolist()
    bars = [*diffusion.alpha_bars[times].tolist(), 1.0]
    x = rng.normal(size=coarse.shape)
    for i, t in enumerate(times):
        at = torch.full((len(x),), t)
        x0 = predict_x0(torch.from_numpy(x).float(), at).double().numpy()
        fresh = rng.normal(size=x.shape)
        x = stochastic_step(x, x0, bars[i], bars[i + 1], eta, fresh)
    return (coarse + sr.RESIDUAL * torch.from_numpy(x).float()).clamp(0, 1)


@functools.cache
def samples(eta):
    """Four samples for each coarse picture, (4, 30, 3, 32, 32)."""
    return torch.stack([draw(eta, seed) for seed in range(4)])


with graded.later():
    columns = {"8 x 8": low, "eta 0": samples(0)[0], "eta 1": samples(1)[0],
               "true": truth}
    sr_figures.compare({k: v[[4, 21]] for k, v in columns.items()}, alt="Two "
                       "pictures, coarse, as one sample with eta 0, as one "
                       "with eta 1, and as they are.")

# %% [markdown]
# ## 5 What would infinitely many samples score?
#
# 3 points
#
# The mean of $K$ samples has two errors: that of the true mean of the model,
# and what is left of the samples' scatter, since $K$ is small. The first is
# what we want to know. The second has an expectation that you can estimate
# from the samples themselves: their variance (unbiased, with $K - 1$) divided
# by $K$. Subtract it:
#
# $$\text{error} = \text{mean}_\text{pixels}\Big( (\bar s - y)^2 -
# \frac{\text{var}(s)}{K} \Big)$$
#
# For a single picture the estimate may come out below 0, by chance. It must
# stay there, or averages over pictures are too high.

# %% answer="error_of_mean"
def error_of_mean(samples, truth):
    """Squared error that the mean of infinitely many samples would have.

    samples: (k, pictures, 3, height, width), k of 2 or more; truth:
    (pictures, 3, height, width). In NumPy.
    Returns (pictures,), an estimate without bias, below 0 now and then.
    """
    ### BEGIN SOLUTION
    squared = (samples.mean(axis=0) - truth) ** 2
    scatter = samples.var(axis=0, ddof=1) / len(samples)
    return (squared - scatter).mean(axis=(1, 2, 3))
    ### END SOLUTION

# %% graded="error_of_mean"
graded.week4.error_of_mean(error_of_mean)

### BEGIN HIDDEN TESTS
@graded.week4.error_of_mean.hidden(
    1,
    "The estimate of each picture is right, also below 0.",
    "An estimate is off. Is the variance that with K - 1, is it divided by "
    "K, and are estimates below 0 left as they are?",
)
def error_by_hand(answer, rng):
    truth = rng.uniform(size=(40, 3, 2, 4))
    samples = truth + rng.normal(size=(3, *truth.shape))
    mean = samples.sum(axis=0) / 3
    scatter = ((samples - mean) ** 2).sum(axis=0) / 2 / 3
    wanted = ((mean - truth) ** 2 - scatter).mean(axis=(1, 2, 3))
    found = answer(samples, truth)
    return found.shape == (40,) and np.allclose(found, wanted, atol=1e-4)


@graded.week4.error_of_mean.hidden(
    0.5,
    "A picture's estimate does not depend on the others.",
    "The first picture got another estimate without the others beside it.",
)
def error_alone(answer, rng):
    truth = rng.uniform(size=(5, 3, 2, 4))
    samples = truth + rng.normal(size=(3, *truth.shape))
    both = answer(samples, truth)[0], answer(samples[:, :1], truth[:1])[0]
    return np.allclose(*both, atol=1e-5)
### END HIDDEN TESTS

# %%
regressed = sr.regress(load_net("regression")[0], low)
with graded.later():
    for eta in (0, 1):
        drawn = samples(eta)
        limit = error_of_mean(drawn.double().numpy(), truth.double().numpy())
        print(f"eta {eta}: one sample {decibels(drawn[0], truth):.2f} dB, "
              f"mean of 4 {decibels(drawn.mean(dim=0), truth):.2f} dB, "
              f"of infinitely many {-10 * np.log10(limit.mean()):.2f} dB")
    print(f"regression: {decibels(regressed, truth):.2f} dB")

# %% [markdown]
# ## 6 Right at once
#
# 4 points
#
# The lesson made answers consistent by one number for each block, and then
# clamped them to 0 and 1. The clamp moves means again: what it returned was
# *not* consistent, and nobody noticed. Ask for both at once: of all pictures
# with pixels from 0 to 1 whose blocks have the given means, the one nearest
# to yours. For each block and colour it has the form
#
# $$x = \text{clip}(\text{high} + \lambda,\, 0,\, 1)$$
#
# with one number $\lambda$ for the 16 pixels. Shifting and clipping by turns
# does not find it. But the mean of $x$ grows with $\lambda$, so halving an
# interval does.

# %% answer="nearest_valid"
def nearest_valid(high, low):
    """The nearest picture from 0 to 1 whose 4 x 4 blocks have given means.

    high: (n, height, width, 3), any numbers; sides multiples of 4
    low: (n, height / 4, width / 4, 3), 0 to 1, ends included. In NumPy.
    Returns (n, height, width, 3); means are right to 1e-4.
    """
    ### BEGIN SOLUTION
    n, height, width, _ = high.shape
    cut = high.reshape(n, height // 4, 4, width // 4, 4, 3)
    wanted = low[:, :, None, :, None]
    least = -cut.max(axis=(2, 4), keepdims=True)  # all pixels become 0
    most = 1 - cut.min(axis=(2, 4), keepdims=True)  # all become 1
    for _ in range(40):
        middle = (least + most) / 2
        mean = np.clip(cut + middle, 0, 1).mean(axis=(2, 4), keepdims=True)
        least = np.where(mean < wanted, middle, least)
        most = np.where(mean < wanted, most, middle)
    return np.clip(cut + (least + most) / 2, 0, 1).reshape(high.shape)
    ### END SOLUTION

# %% graded="nearest_valid"
graded.week4.nearest_valid(nearest_valid)

### BEGIN HIDDEN TESTS
def graded_blocks(pictures):
    n, height, width, _ = pictures.shape
    cut = pictures.reshape(n, height // 4, 4, width // 4, 4, 3)
    return cut.transpose(0, 1, 3, 5, 2, 4).reshape(-1, 16)


@graded.week4.nearest_valid.hidden(
    1.5,
    "It is the nearest: one shift for a block, clipped, and no more.",
    "There is a nearer picture. In a block all pixels that end between 0 and "
    "1 move by the same number, and the others stop at 0 or 1 on the way.",
)
def valid_nearest(answer, rng):
    high = rng.normal(0.5, 0.7, size=(2, 12, 8, 3))
    low = rng.uniform(0.1, 0.9, size=(2, 3, 2, 3))
    found = answer(high, low)
    if found.shape != high.shape:
        return False
    before, after = graded_blocks(high), graded_blocks(found)
    means = np.allclose(after.mean(axis=1), low.reshape(-1), atol=1e-4)
    inside = (after > 1e-3) & (after < 1 - 1e-3)
    count = inside.sum(axis=1)
    shift = ((after - before) * inside).sum(axis=1) / np.maximum(count, 1)
    moved = np.clip(before + shift[:, None], 0, 1)
    return means and np.allclose(moved[count > 0], after[count > 0],
                                 atol=2e-3)


@graded.week4.nearest_valid.hidden(
    0.5,
    "Black and white blocks come out black and white.",
    "Where the coarse pixel is 0 all 16 pixels must be 0, and where it is 1 "
    "all must be 1.",
)
def valid_extremes(answer, rng):
    high = rng.normal(0.5, 0.7, size=(1, 4, 8, 3))
    low = np.zeros((1, 1, 2, 3))
    low[:, :, 1] = 1
    found = answer(high, low)
    wanted = low.repeat(4, axis=1).repeat(4, axis=2)
    return found.shape == high.shape and np.allclose(found, wanted, atol=1e-3)
### END HIDDEN TESTS

# %% [markdown]
# What is it worth? Consistency is the PSNR of the coarse picture of the
# answer, in dB.

# %%
def mended(answer):
    """nearest_valid for tensors with channels first."""
    last = (part.permute(0, 2, 3, 1).double().numpy()
            for part in (answer, low))
    return torch.from_numpy(nearest_valid(*last)).permute(0, 3, 1, 2).float()


def print_mended(name, answer):
    """Consistency and PSNR: as it is, shifted and clamped, yours."""
    lesson = sr.back_project(answer, low).clamp(0, 1)
    for how, new in (("as it is", answer), ("shift, clamp", lesson),
                     ("nearest valid", mended(answer))):
        print(f"{name:11} {how:14} consistency "
              f"{min(decibels(sr.reduce(new), low), 100):5.1f} dB, "
              f"PSNR {decibels(new, truth):.2f} dB")


with graded.later():
    print_mended("bicubic", coarse.clamp(0, 1))
    print_mended("regression", regressed)
    print_mended("one sample", samples(0)[0])

# %% [markdown]
# ## 7 Which answer for whom?
#
# 10 points, marked by hand
#
# All of it in one table. *Sharpness* is a share of real photos', *realism* a
# distance between patches (less is better), both as in the lesson.

# %%
with graded.later():
    answers = {"bicubic": coarse.clamp(0, 1), "regression": regressed}
    for eta in (0, 1):
        drawn = samples(eta)
        answers[f"eta {eta}, one sample"] = drawn[0]
        answers[f"eta {eta}, mean of 4"] = drawn.mean(dim=0)
    for name, answer in answers.items():
        final = mended(answer)
        print(f"{name:18} PSNR {decibels(final, truth):.2f} dB, sharpness "
              f"{sharpness(final, truth).mean():.2f}, realism "
              f"{patch_distance(final, truth):.2f}")

# %% [markdown]
# **The question.** Two customers: a museum that prints enlarged pictures, and
# a laboratory that measures brightness in them. A colleague says: "Regression
# has more PSNR than a sample. The diffusion model is the worse model." In 150
# to 300 words, with numbers from your tables: is that so? Which answer do you
# give to each customer, with which eta, and what did `nearest_valid` add?
#
# | criterion | points |
# |---|---|
# | judges the claim by one sample, mean of 4 and infinitely many | 3 |
# | says what PSNR rewards, and why one sample must lose by it | 2 |
# | names what eta trades, with numbers of both | 1 |
# | gives each customer an answer that follows from the numbers | 2 |
# | says what nearest_valid adds, answer by answer | 1 |
# | names a limit: 30 crops of 5 photos, 20 steps, one training, four samples | 1 |

# %% [markdown] manual="analysis" points=10
# ### BEGIN SOLUTION
# The claim compares two different questions. PSNR asks for the mean of all
# pictures that fit. A sample is one of them: it has the error of the model's
# mean and its own scatter besides, so it must lose. Judged by its mean, the
# diffusion model is not worse: with eta = 0 one sample has 22.7 dB, the mean
# of four 23.8 dB, and infinitely many would have 24.3 dB; with eta = 1 it is
# 23.3, 24.1 and 24.4 dB. Regression has 24.1 dB. What the model lacks is only
# averaging. (The lead of the last number is small, and I have no interval
# for it.)
#
# eta = 1 throws dice, yet its samples are smoother: sharpness 0.40 against
# 0.53, realism 0.96 against 0.74, for 0.6 dB more. With few steps fresh
# noise is not worked off as well, or so I guess.
#
# The museum gets one sample with eta = 0: sharpest and most real, and the
# least right, which must be said beside the print. The laboratory gets
# regression or the mean of four with eta = 1 (24.1 dB both), after
# nearest_valid, since its measurements are means over areas: their coarse
# pictures are then exact. That step adds 0.2 dB to bicubic and nearly nothing
# to the networks' PSNR; they were consistent to 50 dB and more before.
#
# Limits: 30 crops of 5 photos, 20 steps, one training of each network, and
# four seeds.
# ### END SOLUTION

# %% [markdown]
# ## Before you hand in
#
# Restart the kernel and run all cells from top to bottom: what counts is
# what the notebook does then. The table shows what the visible properties
# say. Then download the notebook (File, Download) and hand in this one file,
# under the name it has.

# %%
graded.summary(4)
