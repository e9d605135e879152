# %% [markdown]
# # Week 4 · Diffusion super-resolution, with attention put to the test
#
# {{badges}}
#
# Eight by eight pixels hold a face, a cup, a brick. What did the 32 x 32
# pixels look like that they came from? Many pictures fit. A network trained
# to be right on average answers with their blur; a diffusion model draws one
# of them, sharp, and another with each seed. This week you build both, with
# every step checked, and then ask what attention adds. The source tutorial
# never measured it. You will, in two tasks.
#
# **You will be able to**
# - reduce a picture without aliasing, and say what a careless way costs;
# - judge pictures by scores that disagree, beside baselines that cost nothing;
# - write the forward process, three targets, and the steps of DDPM and DDIM;
# - read six crashes of a real tutorial, and mend the faults that do not crash;
# - show why the sharpest answer has the worst score, and measure doubt;
# - test an attention layer against an equal one, over seeds;
# - name a task that attention solves and rivals of equal size do not.
#
# **Time**: two sittings of 75 minutes; the computer works for about five.
# **Needs**: weeks 1 and 2, a little PyTorch; section 2 of week 3 helps.
#
# **Contents**: [1 The task](#s1) · [2 Regression](#s2) · [3 Noise](#s3) ·
# [4 Back from noise](#s4) · [5 A tutorial, mended](#s5) ·
# [6 Sharp or right](#s6) · [7 What attention adds](#s7) ·
# [8 Where it is needed](#s8) · [9 Claims and quiz](#s9)
#
# {{nav}}

# %% tags=["setup"]
setup(week=4)

# %%
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import course_utils.diffusion as diffusing
import course_utils.sr_figures as sr_figures
import course_utils.sr_networks as sr_networks
import course_utils.sr_plots as sr_plots
import course_utils.sr_scores as sr_scores
import course_utils.super_resolution as sr
import course_utils.week4_tutorial as tutorial
from course_utils import attention, check, claim, mixers, reference, show, unet
from course_utils.pictures import as_tensor, pictures
from course_utils.plots import source
from course_utils.sr_scores import psnr, scores


def refuted(text, measured, **options):
    """A claim of the source tutorial that the measurement must sink."""
    claim(text, measured, by="source tutorial", expect="refuted", **options)

# %% [markdown]
# Where we are going: regression, which seeks the mean, and one sample of a
# diffusion model. **Predict**, before you run: which of the two middle
# columns would you rather look at, and which is nearer to the truth? Note your
# answer; section 6 counts.

# %%
num_test = session.pick(quick=100, full=400)
truth = as_tensor(pictures(num_test, split="test", seed=1).images)
low = sr.reduce(truth)  # (batch, 3, 8, 8)
diffusion = diffusing.Diffusion(diffusing.cosine_schedule(1000), target="v")
nets, origins = sr_networks.networks()
regressed = sr.regress(nets["regression"], low)
sample = sr.super_resolve(nets["attention"], diffusion, low, steps=100)
SHOWN = [21, 67, 4, 25]  # chosen by eye, to be looked at
columns = {"8 x 8": low, "mean": regressed, "sample": sample, "true": truth}
sr_figures.compare({k: v[SHOWN] for k, v in columns.items()}, alt="A cup, a "
                   "pagoda, a rock, peaks: coarse, smooth, sharp, true.")

# %% [markdown]
# **Warm-up.** Three questions on week 3; the answers are folded.
#
# <details><summary>Attention weights have shape (4, 4, 64, 64) for pictures
# cut into 8 x 8 places. What are the four numbers?</summary>
#
# Batch, heads, queries, keys: 64 places ask 64 places.
#
# </details>
#
# <details><summary>A network with attention scores higher than one without.
# Name two reasons that have nothing to do with attention.</summary>
#
# It has more parameters, or it computes more; or one seed was luckier. Equal
# size and several seeds rule these out.
#
# </details>
#
# <details><summary>Why must the head with the best map be chosen on other
# scenes than those reported?</summary>
#
# The best of several noisy scores is too high. Chosen on the test, it is
# partly chosen by luck.
#
# </details>
#
# <a id="s1"></a>
# ## 1 What is lost, and how is it measured?
#
# A coarse pixel is the mean of the 16 that it replaces. That is all: the
# task of the week is to undo it, as far as it can be undone. Our pictures
# are 32 x 32 crops, at three scales, of 10 photos for training, 3 for
# validation and 5 for the test, so no test scene has been seen. Crops that
# hardly lose anything, such as clear sky, are drawn again.
# (`setup(week=4, data="real")` takes CIFAR-10 instead.)

# %%
train_images = pictures(5000, split="train", seed=0).images
cu.plots.images(list(train_images[:10]), alt="Ten crops: grey grass, a "
                "mast, a bowl's rim, a shadow, a petal, green slopes, water.")

# %% [markdown]
# The source tutorial reduces by `F.interpolate(..., 0.25, mode="bilinear")`.
# That looks at the four pixels around each centre, and at no others: what
# lies between them is not blurred but skipped, and fine stripes turn into
# false ones (*aliasing*). **Predict**: how many of 16 pixels count, and how
# many dB does that cost, if both are enlarged alike? (*PSNR*, in dB, is
# 10 log10 of 1 over the mean squared error: 3 dB more is half the squared
# error.)

# %%
# NBVAL_CHECK_OUTPUT
seen = [tutorial.reduce_bilinear(one_lit.reshape(1, 1, 4, 4)).item() > 0
        for one_lit in torch.eye(16)]
claim("pixels of 16 that the tutorial's reduction looks at", sum(seen),
      equals=4, baseline=("ours", 16))
careless = sr.enlarge(tutorial.reduce_bilinear(truth), "bicubic")
careful = sr.enlarge(low, "bicubic")
claim("means of 16 against the tutorial's 4 pixels, both enlarged alike (dB)",
      psnr(careful, truth).mean() - psnr(careless, truth).mean(),
      at_least=0.4, baseline=("the tutorial's", psnr(careless, truth).mean()))

# %% [markdown]
# You should see 4 of 16. A harder, aliased task was set without a word, and
# every network trained on it would have learned to undo a fault of its data.
#
# ### Exercise 1: every pixel counts
# difficulty 1 of 3 · 5 minutes
#
# Reduce pictures so that every pixel counts. In NumPy.

# %% tags=["exercise"]
def my_reduce(images):
    """Coarse pictures: each pixel is the mean of its 4 x 4 block.

    images: (n, height, width, 3), sides multiples of 4, not always equal
    Returns (n, height / 4, width / 4, 3).
    """
    return ...

# %%
check.week4.reduce(my_reduce)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Cut the axis of rows into two, block and row inside the block, and likewise
# the axis of columns. Then average over the two axes that count inside a
# block.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_reduce(images):
#     n, height, width, _ = images.shape
#     cut = images.reshape(n, height // 4, 4, width // 4, 4, 3)
#     return cut.mean(axis=(2, 4))
# ```
#
# </details>
#
# **The ladder starts with what costs nothing.** Three ways to enlarge, each
# a line. Beside PSNR we ask for *SSIM* (likeness of local structure, at most
# 1), *sharpness* (energy of the differences between neighbours, as a share
# of real photos') and *consistency*: reduce the answer again; is it the
# coarse picture that we were given? **Predict**: which leads in consistency?

# %%
# NBVAL_CHECK_OUTPUT
table = {how: scores(sr.enlarge(low, how).clamp(0, 1), truth)
         for how in ("nearest", "bilinear", "bicubic")}
sr_scores.print_scores(table)
bicubic = table["bicubic"]["PSNR"]

# %% [markdown]
# You should see bicubic lead in PSNR, while nearest neighbours, which look
# worst, are perfectly consistent, and the sharpest (edges of blocks count as
# sharp, too). No score alone says "good". In brackets are 95% bootstrap
# intervals; they speak of other crops of these five photos.
#
# ### Exercise 2: what no network should break
# difficulty 2 of 3 · 8 minutes
#
# Whatever a network invents, its coarse picture should be the one it was
# given. Change an answer as little as possible, so that it is.

# %% tags=["exercise"]
def my_consistent(high, low):
    """The picture nearest to `high` whose reduction is exactly `low`.

    high: (n, height, width, 3); low: (n, height / 4, width / 4, 3)
    Reduced by the mean of 4 x 4 blocks, as in exercise 1; changed as
    little as possible; not clipped. Returns (n, height, width, 3).
    """
    return ...

# %%
check.week4.consistent(my_consistent)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Take one block: its mean is off by some amount, in each colour. Which number,
# the same for all 16 pixels, puts it right? Bring these numbers to full size
# with `repeat`, along rows and along columns.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_consistent(high, low):
#     n, height, width, _ = high.shape
#     cut = high.reshape(n, height // 4, 4, width // 4, 4, 3)
#     missing = low - cut.mean(axis=(2, 4))
#     return high + missing.repeat(4, axis=1).repeat(4, axis=2)
# ```
#
# </details>

# %%
mended = sr.back_project(careful.clamp(0, 1), low).clamp(0, 1)
by_a_line = (psnr(mended, truth) - bicubic).mean()
claim("bicubic, made consistent: PSNR gained (dB)", by_a_line, at_least=0.1)

# %% [markdown]
# You should see a gain without any learning: whoever leaves out this baseline
# sells it as the network's. **To take away**: know what your data threw away,
# and what a line of code gets back.
#
# <a id="s2"></a>
# ## 2 How far does regression get?
#
# A *U-Net* reduces, works, enlarges again, and hands what it saw on the way
# down across to the way up. Ours works on 16 x 16 places (2 x 2 pixels each,
# laid side by side as channels by `pixel_unshuffle`) and on 8 x 8. It
# predicts the *residual*, what the bicubic picture misses, scaled to about
# unit variance. Between its blocks is one open slot, `mix2`: in section 7 it
# holds attention; for now a perceptron of the same size.

# %%
source(unet.ResBlock, unet.UNet.forward)

# %% [markdown]
# A *GroupNorm* takes off the mean and divides by the spread, group by group of
# channels, picture by picture. The tutorial says it "works better than
# BatchNorm for small batches". One reason can be made exact: **predict** what
# happens to one picture's output when its neighbours in the batch change.

# %%
features = torch.randn(3, 16, 8, 8)
others = torch.cat([features[:1], 3 * features[1:]])
group, batch = [(norm(features)[0] - norm(others)[0]).abs().max().item()
                for norm in (nn.GroupNorm(8, 16), nn.BatchNorm2d(16))]
claim("GroupNorm: a picture's output when the rest of its batch changes",
      group, at_most=1e-6, baseline=("BatchNorm", batch))

# %% [markdown]
# Now train: a short run of about a minute; at preset `quick` the long run
# ships with the course. Both use a learning rate that climbs and then falls,
# gradients clipped to length 1, and a running average of the weights (*EMA*),
# which answers afterwards. The loss is the mean squared error of the residual;
# 1 is about what bicubic gets. **Predict**: does a minute beat bicubic?

# %%
training, beginner = sr_networks.short_run(
    "regression", train_images, session.pick(quick=200, full=1000))

# %%
table["regression, here"] = scores(sr.regress(beginner, low), truth)
table["regression, long"] = scores(regressed, truth)
print("long:", origins["regression"]["trained"])
sr_scores.print_scores(table)
here, long = (table[f"regression, {run}"]["PSNR"] - bicubic
              for run in ("here", "long"))
claim("a short regression beats bicubic (PSNR gained, dB)", here.mean(),
      at_least=0.1)
claim("the long run: PSNR gained over bicubic (dB)", long.mean(),
      at_least=0.7, baseline=("bicubic made consistent", by_a_line))
known = as_tensor(train_images[:num_test])
seen = sr.regress(nets["regression"], sr.reduce(known))
gained = psnr(seen, known) - psnr(sr.enlarge(sr.reduce(known)), known)
claim("the same, on crops of photos that it was trained on (dB)",
      gained.mean(), at_least=1.2, baseline=("on others", long.mean()))

# %% [markdown]
# You should see two gaps. On photos that it knows, the long run gains far more
# than on others: ten photos are few, and what it learned of them does not all
# carry over (part of the gap may be that these are easier). That is why test photos must be of other scenes. And
# sharpness rises but stays far from 1. That is no failure of training. Of all the pictures that fit the coarse one, mean squared error is
# smallest for their *average*, and an average of sharp pictures is blurred.
#
# **To take away**: regression answers "what is the mean of all that fits?"
#
# <a id="s3"></a>
# ## 3 What is a noisy picture?
#
# To draw one picture instead of the mean, diffusion learns to remove noise.
# It starts from the clean picture $x_0$ (here: the residual) and adds noise
# in $T = 1000$ steps. Step t keeps $\sqrt{1-\beta_t}$ of what was there and
# adds noise of variance $\beta_t$. With $\bar\alpha_t$ the product of all
# $1 - \beta$ so far, any step can be reached at once ($\varepsilon$ is standard
# normal noise):
#
# $$x_t = \sqrt{\bar\alpha_t}\, x_0 + \sqrt{1 - \bar\alpha_t}\,
# \varepsilon$$
#
# Signal down, noise up: the squares of the two factors sum to 1.

# %%
bars = {"linear": diffusing.linear_schedule(),
        "cosine": diffusing.cosine_schedule()}
show(sr_plots.schedules(bars), alt="Two curves fall from 1 to 0: linear "
     "early, near 0 from step 700 on; cosine evenly.")
claim("steps with less than 2% of the variance left, linear (share)",
      (bars["linear"] < 0.02).float().mean().item(), at_least=0.25,
      baseline=("cosine", (bars["cosine"] < 0.02).float().mean().item()))

# %% [markdown]
# You should see the linear schedule spend at least a quarter of its steps on
# what is noise already. We take the cosine (Nichol and Dhariwal, 2021).
#
# ### Exercise 3: jump to any step
# difficulty 1 of 3 · 6 minutes
#
# The formula above, for a batch in which every picture is at a step of its own.

# %% tags=["exercise"]
def my_add_noise(x0, noise, t, alpha_bars):
    """x_t, the clean picture x0 after t steps of noise, at once.

    x0, noise: (batch, 3, height, width)
    t: (batch,) whole numbers, one step for each picture
    alpha_bars: (steps,), falling. Returns (batch, 3, height, width).
    """
    return ...

# %%
check.week4.add_noise(my_add_noise)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `alpha_bars[t]` has shape (batch,): give it three more axes of length 1.
# alpha_bar is the share of the picture in the variance; factors are roots of
# shares.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_add_noise(x0, noise, t, alpha_bars):
#     alpha_bar = alpha_bars[t].reshape(-1, 1, 1, 1)
#     return np.sqrt(alpha_bar) * x0 + np.sqrt(1 - alpha_bar) * noise
# ```
#
# </details>
#
# Does the jump keep its promise? For pixels of mean 0.8 and spread 0.5, mean
# and spread after 300 steps follow from the formula.

# %%
many, t = 0.8 + 0.5 * torch.randn(20_000, 3, 2, 2), 300
x_t = diffusion.add_noise(many, torch.randn_like(many),
                          torch.full((len(many),), t))
bar = diffusion.alpha_bars[t]
expected = [bar.sqrt() * 0.8, (bar * 0.25 + 1 - bar).sqrt()]
claim("mean and spread of x_t at step 300 (difference from the formula)",
      [abs(x_t.mean() - expected[0]), abs(x_t.std() - expected[1])],
      at_most=0.01, per="number")

# %% [markdown]
# **What should the network say?** The noise $\varepsilon$, the clean picture
# $x_0$, or a mixture, $v = \sqrt{\bar\alpha}\,\varepsilon -
# \sqrt{1-\bar\alpha}\,x_0$: each can be turned into the others. They differ
# in what an error costs. Where hardly any signal is left, a small error in
# $\varepsilon$ becomes a huge one in $x_0$. Suppose each is off by 0.1.
# **Predict** the error of $x_0$ at step 990.

# %%
# NBVAL_CHECK_OUTPUT
x0, noise = torch.randn(2, 4, 3, 8, 8)
times, off = torch.tensor([100, 500, 900, 990]), {}
for target in diffusing.TARGETS:
    process = diffusing.Diffusion(diffusion.alpha_bars, target)
    x_t = process.add_noise(x0, noise, times)
    answer = process.target_of(x0, noise, times) + 0.1
    off[target] = (process.x0_of(answer, x_t, times) - x0).abs()[:, 0, 0, 0]
    print(f"{target:6} error of x0:", off[target].numpy().round(2))
claim("an error of 0.1 in the noise, as error of x0 at step 990",
      off["noise"][-1], at_least=4, baseline=("v", off["v"][-1]))

# %% [markdown]
# You should see v as good as the noise at first and as good as $x_0$ at the
# end, while the noise's error grows more than 40-fold. We use v (Salimans and
# Ho, 2022).
#
# ### Exercise 4: from v to the picture
# difficulty 2 of 3 · 8 minutes
#
# Given $x_t$ and $v$, solve for the picture.

# %% tags=["exercise"]
def my_clean(v, x_t, alpha_bar):
    """The clean picture x0 that x_t and a prediction v stand for.

    v = sqrt(alpha_bar) * noise - sqrt(1 - alpha_bar) * x0
    v, x_t: (batch, 3, height, width); alpha_bar: (batch, 1, 1, 1)
    Returns (batch, 3, height, width).
    """
    return ...

# %%
check.week4.clean_from_v(my_clean)

# %% [markdown]
# <details><summary>Hint</summary>
#
# There are two equations, for x_t and for v, and two unknowns. Multiply each
# by one of the two roots, so that the noise drops out of their difference;
# the squares of the roots sum to 1.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_clean(v, x_t, alpha_bar):
#     return np.sqrt(alpha_bar) * x_t - np.sqrt(1 - alpha_bar) * v
# ```
#
# </details>
#
# **What time is it?** The network must know how much noise there is. The
# tutorial hands the number t to a small network, and calls it enhanced.
# **Predict**: how much of the 1,000 embeddings' energy lies outside a single
# direction?

# %%
def leading_share(embedded):
    """Share of the energy in the strongest direction, of (steps, width)."""
    energy = torch.linalg.svdvals(embedded) ** 2
    return (energy[0] / energy.sum()).item()


raw = tutorial.time_embedding(128)(torch.arange(1000.0)[:, None]).detach()
waves = unet.time_embedding(torch.arange(1000), 128)
show(sr_plots.clocks(raw, waves), alt="Left: rows that grow evenly with "
     "the step, up or down. Right: waves, fast above, slow below.")
refuted("enhanced time embedding: energy outside its strongest direction",
        1 - leading_share(raw), at_least=0.05,
        baseline=("waves", 1 - leading_share(waves)))

# %% [markdown]
# You should see one direction on the left: the number t again, as large as
# hundreds where normalised features are around 1. Ours enters every block, as
# a scale and a shift; the tutorial's enters one.
#
# ### Exercise 5: a clock of waves
# difficulty 1 of 3 · 6 minutes
#
# Write step numbers as sines and cosines of many wavelengths, as week 1 did
# for positions.

# %% tags=["exercise"]
def my_time_embedding(steps, width):
    """Step numbers as waves: all sines first, then all cosines.

    Angle i is step * 10000**(-i / (width / 2)), i = 0 .. width / 2 - 1.
    steps: (batch,); width: even. Returns (batch, width).
    """
    return ...

# %%
check.week4.time_embedding(my_time_embedding)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Make the factors first, half as many as channels. A column of steps times a
# row of factors gives all angles; put sines and cosines side by side.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_time_embedding(steps, width):
#     half = width // 2
#     factors = 10_000.0 ** (-np.arange(half) / half)
#     angles = steps[:, None] * factors
#     return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
# ```
#
# </details>
#
# **To take away**: a schedule, a target and a clock. Each can be checked
# alone, before any network is trained.
#
# <a id="s4"></a>
# ## 4 How does one get back from noise?
#
# Step by step. At each, the network guesses $x_0$; the guess is bad at first
# and need not be good, since only a small step is taken towards it. *DDPM*
# (Ho and others, 2020) draws the earlier picture from the distribution that
# $x_t$ and $x_0$ leave open: a weighted sum of both, and a little fresh
# noise. Write *now* for $\bar\alpha$ at this step and *then* for $\bar\alpha$
# at the earlier one.
#
# ### Exercise 6: one step of DDPM
# difficulty 2 of 3 · 8 minutes
#
# With $\alpha$ = now / then and $\beta = 1 - \alpha$, the earlier picture has
#
# $$\text{mean} = \frac{\sqrt{\text{then}}\,\beta\, x_0 +
# \sqrt{\alpha}\,(1 - \text{then})\, x_t}{1 - \text{now}}, \qquad
# \text{variance} = \frac{\beta\,(1 - \text{then})}{1 - \text{now}}$$

# %% tags=["exercise"]
def my_reverse_step(x_t, x0, now, then, noise):
    """x one step earlier, drawn by DDPM with the posterior's variance.

    x_t, x0, noise: (batch, 3, height, width); x0 is a guess
    now, then: numbers, alpha_bar at this step and at the earlier one,
    which is 1 at the end. Returns (batch, 3, height, width).
    """
    return ...

# %%
check.week4.reverse_step(my_reverse_step)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Compute alpha first, then the mean, then the variance, each on a line of its
# own. What the noise is multiplied by is not the variance itself. With then = 1
# nothing but x0 should be left, without an `if`.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_reverse_step(x_t, x0, now, then, noise):
#     alpha = now / then
#     of_x0 = np.sqrt(then) * (1 - alpha) / (1 - now)
#     of_x_t = np.sqrt(alpha) * (1 - then) / (1 - now)
#     variance = (1 - alpha) * (1 - then) / (1 - now)
#     return of_x0 * x0 + of_x_t * x_t + np.sqrt(variance) * noise
# ```
#
# </details>
#
# *DDIM* (Song and others, 2021) draws nothing. It asks which noise the guess
# implies, and adds just as much of it as the earlier step should have. Start
# and end are then tied together, and steps may be long.
#
# ### Exercise 7: a step without dice
# difficulty 2 of 3 · 6 minutes
#
# Solve for the noise, then mix anew.

# %% tags=["exercise"]
def my_ddim_step(x_t, x0, now, then):
    """x at an earlier step, near or far, without fresh noise.

    x_t, x0: (batch, 3, height, width); x0 is a guess
    now, then: numbers, alpha_bar at this step and at the one to go to,
    which is 1 at the end. Returns (batch, 3, height, width).
    """
    return ...

# %%
check.week4.ddim_step(my_ddim_step)

# %% [markdown]
# <details><summary>Hint</summary>
#
# x_t is a mixture, and you know one of its two parts: solve for the other.
# Then mix the same two parts anew, in the proportions of `then`.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_ddim_step(x_t, x0, now, then):
#     noise = (x_t - np.sqrt(now) * x0) / np.sqrt(1 - now)
#     return np.sqrt(then) * x0 + np.sqrt(1 - then) * noise
# ```
#
# </details>
#
# **Is the walk right?** There is a case in which the best guess is known:
# pixels that are normal, with mean 0.8 and spread 0.1. Walk with the exact
# guess, and what comes out must be such pixels. The tutorial clamps $x_t$ to
# -1 and 1 after every step, "to valid range". But $x_t$ is noise in good
# part. **Predict** what the clamp does to mean and spread.

# %%
MEAN, STD = 0.8, 0.1
linear = diffusing.Diffusion(diffusing.linear_schedule(), target="noise")
start = torch.randn(1, 3, 100, 100)


def exact_noise(x, t):
    """The best guess of the noise in x_t, for pixels N(MEAN, STD^2)."""
    bar = linear.alpha_bar(t.long())
    spread = bar * STD**2 + 1 - bar
    return (1 - bar).sqrt() * (x - bar.sqrt() * MEAN) / spread


def exact_x0(x, t):
    return linear.x0_of(exact_noise(x, t), x, t)


ends = {method: diffusing.sample(exact_x0, linear, start, steps=1000,
                                method=method) for method in ("ddpm", "ddim")}
for name, clamp in (("tutorial's", True), ("not clamped", False)):
    ends[name] = tutorial.sample_clamped(exact_noise, start, clamp=clamp)
for name, end in ends.items():
    print(f"{name:12} mean {end.mean():.3f}, spread {end.std():.3f}")
print(f"clipped at the first step: {tutorial.clipped_share(start):.1%}")

# %%
claim("DDPM and DDIM return the pixels that they should (spread)",
      [ends[k].std() for k in ("ddpm", "ddim")], equals=STD,
      tolerance=0.005, per="sampler")
missed = {name: abs(end.mean() - MEAN) for name, end in ends.items()}
refuted("x_t may be clamped at every step (error of the mean)",
        missed["tutorial's"], at_most=0.01, baseline=("clamped at the end",
        abs(ends["not clamped"].clamp(-1, 1).mean() - MEAN)))

# %% [markdown]
# You should see a third of the noise clipped at once, and pixels that end a
# little too dark and too alike: the walk has left the states for which the
# guess is right. What may be clamped is the *guess* of $x_0$: that is a
# picture. The sampler of the lesson does so. (Our tests compare steps at both
# ends and in the middle, and whole walks, with the `diffusers` library.)
#
# **Train it.** The coarse picture is handed to the network beside $x_t$, as
# three more channels. A short run first.

# %%
source(sr.diffusion_loss, sr.x0_predictor)

# %%
training, _ = sr_networks.short_run(
    "diffusion", train_images, session.pick(quick=200, full=1000))
claim("loss of v after the short run (last 50 steps; guessing 0 gets 1)",
      np.mean(training.losses[-50:]), at_most=0.75)

# %% [markdown]
# You should see the loss fall fast at first, then slowly: good samples need the
# long run, which answers from here on. Watch it draw: left $x_t$, then what the
# network guesses behind it, then the truth.

# %%
one = slice(SHOWN[0], SHOWN[0] + 1)  # a batch of one
recording = sr_figures.record(nets["attention"], diffusion, low[one],
                              truth=truth[one])
cu.plots.gif(sr_figures.frames(recording), alt="Noise turns into a picture; "
             "beside it the guess, first smooth, then sharp, and the truth.")

# %%
sr_figures.scrubber(recording)

# %% [markdown]
# Drag the slider. You should see the guess begin as the blurred mean, just
# like regression, since pure noise tells nothing. It commits to details as
# the noise falls.
#
# **How many steps?** Each costs one call of the network. **Predict**: does
# PSNR rise with the number of steps?

# %%
runs = sr_networks.runs()  # longer runs, made by benchmarks/week4_runs.py
show(sr_plots.sampler_curves(runs), alt="Over 1 to 1,000 steps, PSNR falls "
     "and levels off, sharpness climbs towards 1, DDPM behind DDIM.")
sharp, right = (runs[f"sampler_{score}"].mean(axis=-1)
                for score in ("sharpness", "psnr"))  # (methods, counts)
fast = list(runs["counts"]).index(25)
claim("DDIM in 25 steps keeps of DDPM's sharpness in 1,000 (ratio)",
      sharp[0, fast] / sharp[1, -1], at_least=0.7,
      baseline=("in 1 step", sharp[0, 0] / sharp[1, -1]))
claim("and loses in PSNR (dB; < 0: gains)", right[1, -1] - right[0, fast],
      at_most=0.2, baseline=("in 100", right[1, -1] - right[0, fast + 2]))

# %% [markdown]
# You should see PSNR *fall* as steps are added, and sharpness rise. One step
# is regression: the mean. Each further step trades the mean for detail, and
# section 6 says why detail costs PSNR. So 25 steps, 40 times cheaper than
# 1,000, are ahead in PSNR and behind in sharpness; for pictures to be looked at
# we take 100.
#
# **To take away**: test a sampler with an exact guess before you blame the
# network.
#
# <a id="s5"></a>
# ## 5 Can you mend a tutorial?
#
# The source tutorial promises super-resolution by diffusion, with attention,
# in one script. On two random pictures and ten steps we run it as published,
# repair the least that lets it go on, run it again, and so on. **Predict** how
# often it stops.

# %%
crashes = tutorial.crash_chain()
for doing, error, message in crashes:
    print(f"{doing}\n    {error}: {message[:70]}")
refuted("the script runs as published (crashes)",
        sum(error != "none" for _, error, _ in crashes), equals=0)

# %% [markdown]
# You should see six (five where torchvision is installed), and each names
# its cause. A seventh waits for those with a GPU: the table of the schedule
# stays behind on the CPU. Crashes are the friendly faults. What is left after
# six repairs runs, and is wrong: pictures aliased, one number for a clock
# (exercise 5 replaced it), noise clamped, models of unequal size compared on
# one training picture. Two exercises mend crashes and silent errors. Here is
# what to mend first (its pictures come from -1 to 1, ours from 0 to 1):

# %%
source(tutorial.DiffusionProcess.forward_process, tutorial.train_step)

# %% [markdown]
# ### Exercise 8: mend the training
# difficulty 3 of 3 · 12 minutes
#
# Mend what `train_step` gives to the network, in PyTorch. Both pictures go in
# from -1 to 1 (2 * picture - 1), the coarse one reduced by means of 4 x 4 blocks
# and enlarged by `F.interpolate`, bilinear.

# %% tags=["exercise"]
def my_training_input(high, t, noise, alpha_bars):
    """What the network sees: (batch, 6, height, width).

    First the fine picture, -1 to 1, with noise at step t; then the coarse
    one, enlarged (bilinear, corners not aligned), -1 to 1.
    high, noise: (batch, 3, height, width), high from 0 to 1; t: (batch,),
    whole numbers as floats; alpha_bars: (steps,).
    """
    return ...

# %%
check.week4.training_input(my_training_input)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The tutorial's lines come in the right order; two of them are wrong: how it
# reduces, and the type of t where it is an index. `F.avg_pool2d` takes means
# of blocks. The pictures arrive from 0 to 1: map both before noise is added.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_training_input(high, t, noise, alpha_bars):
#     low = F.avg_pool2d(high, 4)  # every pixel counts
#     low = F.interpolate(low, size=high.shape[2:], mode="bilinear")
#     alpha_bar = alpha_bars[t.long()].view(-1, 1, 1, 1)
#     x0 = 2 * high - 1
#     noisy = alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise
#     return torch.cat([noisy, 2 * low - 1], dim=1)
# ```
#
# </details>
#
# And its sampler. `condition` is never used by the reverse step; to get the
# coarse picture in, the tutorial hands the step six channels.

# %%
source(tutorial.DiffusionProcess.reverse_process, tutorial.sample_diffusion)

# %% [markdown]
# ### Exercise 9: mend the sampler
# difficulty 3 of 3 · 15 minutes
#
# Walk from the last step to step 0. At each: ask the network, which sees x
# and the coarse picture (6 channels) and t, `torch.long`, one for each picture;
# compute $x_0$ from the noise it predicts; clamp $x_0$, and nothing else, to
# -1..1; go one step back.

# %% tags=["exercise"]
def my_sampler(predict_noise, step, alpha_bars, coarse, noise):
    """Walk from noise to a picture, (batch, 3, height, width), -1 to 1.

    predict_noise(inputs, t): (batch, 6, h, w), (batch,) -> (batch, 3, h, w)
    step(x_t, x0, now, then): x one step earlier; now, then: alpha_bar at
    both ends of the step, 1 at the end of the walk. alpha_bars: (steps,)
    coarse: (batch, 3, h, w), full size, -1 to 1; noise: the same shape
    """
    return ...

# %%
check.week4.sampler(my_sampler)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Keep x with three channels, and put the coarse picture beside it for the
# network only. x0 is the tutorial's mixture solved for the picture. Put a 1 in
# front of alpha_bars, and `then` is at the same index as t, at the end as well.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_sampler(predict_noise, step, alpha_bars, coarse, noise):
#     x = noise
#     earlier = torch.cat([torch.ones(1), alpha_bars])
#     for t in reversed(range(len(alpha_bars))):
#         now, then = alpha_bars[t], earlier[t]
#         times = torch.full((len(x),), t, dtype=torch.long)
#         predicted = predict_noise(torch.cat([x, coarse], dim=1), times)
#         x0 = (x - (1 - now).sqrt() * predicted) / now.sqrt()
#         x = step(x, x0.clamp(-1, 1), now, then)
#     return x
# ```
#
# </details>
#
# **To take away**: a crash tells you where. For the faults that run, you need
# an expectation: a number that must come out, and a test that says so.
#
# <a id="s6"></a>
# ## 6 Sharp or right?
#
# Regression, one sample, and the mean of eight samples, on photos of other
# scenes. *Realism* asks whether 7 x 7 patches like these occur as often in
# the true pictures (sliced Wasserstein distance, less is better). **Predict** the
# order in PSNR and in realism.

# %%
samples = torch.stack([
    sample, *(sr.super_resolve(nets["attention"], diffusion, low, steps=100,
                               seed=seed)
              for seed in cu.track(range(1, 8), "sampling"))])
answers = {"bicubic": careful.clamp(0, 1), "regression": regressed,
           "one sample": sample, "mean of 8": samples.mean(dim=0)}
table = {name: scores(found, truth) for name, found in answers.items()}
sr_scores.print_scores(table)
unreal = {k: sr_scores.patch_distance(v, truth) for k, v in answers.items()}
print("realism (distance):", {k: f"{v:.2f}" for k, v in unreal.items()})
db = {name: (table[name]["PSNR"] - bicubic).mean() for name in table}
claim("mean of 8 samples over bicubic (PSNR, dB)", db["mean of 8"],
      at_least=0.3, baseline=("regression", db["regression"]))
claim("one sample's sharpness (real photos: 1)",
      table["one sample"]["sharpness"].mean(), at_least=0.7, at_most=1.15,
      baseline=("regression", table["regression"]["sharpness"].mean()))
claim("realism: regression's distance over the sample's",
      unreal["regression"] / unreal["one sample"], at_least=2,
      baseline=("bicubic's", unreal["bicubic"] / unreal["one sample"]))

# %% [markdown]
# You should see the winner in realism come last in PSNR: the sample is the most
# real and the least right. The mean of samples gives up detail and gets its
# decibels back.
# No training can end this: if samples are drawn as they should be, one is
# as far from the mean as the truth is, on average, and its squared error is
# *twice* the mean's (3 dB less). Blau and Michaeli (2018) call it the
# perception-distortion trade-off.
#
# Averaging K samples divides their own scatter by K, so their mean should have
# (1 + 1/K) times the least possible error. **Predict**: how many dB from four
# samples to eight?

# %%
sizes = (1, 2, 4, 8)
means = [psnr(samples[:k].mean(dim=0), truth).mean() for k in sizes]
rule = means[-1] + 10 * np.log10(1 + 1 / 8) - 10 * np.log10(
    1 + 1 / np.array(sizes))
print("measured:", np.round(means, 2), "rule:", rule.round(2))
claim("the rule of 1 + 1/K predicts PSNR at K = 2 and 4 (dB off, from K = 8)",
      np.abs(means - rule)[1:3], at_most=0.5, per="K",
      baseline=("if K did not matter", means[-1] - means[1]))

# %% [markdown]
# You should see the rule come close for 2 and 4, and one sample do better than
# it says: ours vary too little, being less sharp than real pictures. Eight
# samples still lack half a decibel to their own limit.
#
# **Doubt, as a by-product.** Where samples disagree, the coarse picture left
# it open. Is their spread large where the error is? (Baseline: the slope of the
# bicubic picture, which needs no samples.)

# %%
spread, error = sr_figures.spread_map(samples, truth)
sr_figures.show_spread(spread[SHOWN], error[SHOWN], truth[SHOWN], alt="Both "
                       "the samples' spread and error are bright at edges.")
told, made = sr_figures.calibration(spread, error)
print("spread:", told.round(3), "\nerror: ", made.round(3))
slope = np.hypot(*np.gradient(careful.mean(dim=1).numpy(), axis=(1, 2)))
_, plain = sr_figures.calibration(torch.from_numpy(slope), error)
claim("error of the most and the least doubtful eighth (ratio)",
      made[-1] / made[0], at_least=8, baseline=("slope", plain[-1] / plain[0]))

# %% [markdown]
# You should see both maps bright at edges and dark in flat parts, and error
# grow with spread from bin to bin, faster than with slope. The order is right,
# the size is not: errors exceed the spread, so the samples are too sure.
#
# **To take away**: say which question you ask, the mean or a member. One
# number cannot rank answers to both.
#
# <a id="s7"></a>
# ## 7 What does attention add?
#
# In the slot `mix2`, at 8 x 8 places, our second diffusion network has
# self-attention with 4 heads. (The tutorial's has one, with keys an eighth as
# wide.) The layer in full:

# %%
source(mixers.SelfAttention)

# %% [markdown]
# ### Exercise 10: attention over places
# difficulty 3 of 3 · 12 minutes
#
# Write it in NumPy, without norm and projection.

# %% tags=["exercise"]
def my_attention_block(x, w_query, w_key, w_value, gamma, num_heads):
    """x + gamma * (attention of all places to all places of x).

    x: (batch, channels, height, width). Each w: (channels, channels),
    times the channels of a place: w @ x[b, :, row, column].
    Heads are blocks of neighbouring channels. Returns the shape of x.
    """
    return ...

# %%
check.week4.attention_block(my_attention_block)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Flatten height and width into one axis, then a matrix can be applied from
# the left to all places at once. Cut the channels into (heads, head_dim) and
# put the places in front of head_dim: from there it is week 1. Go back the way
# you came.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_attention_block(x, w_query, w_key, w_value, gamma, num_heads):
#     flat = x.reshape(*x.shape[:2], -1)  # (batch, channels, places)
#
#     def heads(w):  # (batch, heads, places, head_dim)
#         cut = (w @ flat).reshape(len(x), num_heads, -1, flat.shape[-1])
#         return cut.swapaxes(2, 3)
#
#     query, key, value = heads(w_query), heads(w_key), heads(w_value)
#     logits = query @ key.swapaxes(2, 3) / np.sqrt(query.shape[-1])
#     out = attention.softmax(logits) @ value
#     return x + gamma * out.swapaxes(2, 3).reshape(x.shape)
# ```
#
# </details>
#
# **gamma starts at 0**, so the slot starts empty and does no harm at first. It
# has a price that the tutorial does not tell. **Predict** the first gradients of
# query, key and value.

# %%
def first_gradient(gamma):
    """Largest gradient of qkv in a fresh network's first step."""
    torch.manual_seed(0)
    block = mixers.SelfAttention(96, 4, gamma)
    features, wanted = torch.randn(2, 4, 96, 8, 8)
    (block(features, None) - wanted).square().sum().backward()
    return block.qkv.weight.grad.abs().max().item()


claim("gamma = 0: largest first gradient of query, key and value",
      first_gradient(0), equals=0, baseline=("gamma = 1", first_gradient(1)))

# %% [markdown]
# You should see exactly 0: in the first step only gamma learns. It learns
# slowly, too, since what it scales is still random. So in the trial gamma
# starts at 1 in all rows but one.
#
# **The trial.** Seven things in the slot, three seeds each, 400 steps, the
# same crops, trained as regression, since its PSNR needs no sampling. The
# control is a perceptron with as many parameters, which looks at one place at
# a time, but for its norm. Differences are taken seed by seed, on 400 test crops. **Predict**:
# which row leads, by how many decibels?

# %%
gains = runs["regression_psnr"].mean(axis=-1)  # (slots, seeds)
gains = gains - gains[0]
sr_plots.print_slots(runs, gains)
show(sr_plots.slot_dots(runs["slots"][1:], gains[1:]), alt="Dots of six kinds "
     "of attention lie within 0.15 dB of the control.")
refuted("higher quality: attention's gain over an equal perceptron (PSNR, dB)",
        gains[2], at_least=0.1, per="seed")
claim("no kind of attention moves PSNR by more than 0.15 dB",
      np.abs(gains[1:]).max(axis=1), at_most=0.15, per="kind", baseline=(
    "control, by seed", np.ptp(runs["regression_psnr"][0].mean(-1))))
claim("four heads and control are equal in parameters and work (ratios)",
      np.divide(*runs["regression_size"][[2, 0]]), equals=1, tolerance=0.02,
      per="ratio")
claim("gamma from 0: its size after the trial's steps", np.abs(
    runs["regression_gamma"][3]), at_most=0.05, per="seed",
    baseline=("from 1", runs["regression_gamma"][2].mean()))

# %% [markdown]
# You should see all dots within 0.15 dB of the control. The row that starts at
# gamma 0 is the best control of all: after 400 steps gamma is still next to
# nothing, so its slot is empty, and it scores like the rest. This trial ranks
# nothing then: not attention, not the perceptron. And whoever starts at gamma
# 0 and trains briefly has judged an empty slot. (Two scales cost a fifth more
# work. No run from gamma 1 diverged: gamma 0 was not needed for stability.)
#
# Is attention at least *faster* to learn, as the tutorial expects? We ask when
# each diffusion run reaches the loss that its control has after half its
# steps. **Predict** the ratio.

# %%
level = runs["diffusion_losses"][0, :, 100:200].mean(axis=1)  # (seeds,)
reached = [[sr_scores.steps_to(*pair) for pair in zip(run, level, strict=True)]
           for run in runs["diffusion_losses"]]
refuted("faster convergence: attention's steps as a share of the control's",
        np.divide(reached[1], reached[0]), at_most=0.8, per="seed",
        baseline=("control", 1))

# %% [markdown]
# You should see ratios around 1.
#
# **Look at it.** The two diffusion networks of the long run differ in the
# slot alone. Same noise, same photos (two chosen by eye; the numbers are of
# all). **Predict**: can you tell them apart?

# %%
without = sr.super_resolve(nets["diffusion"], diffusion, low, steps=100)
columns = {"original": truth, "low resolution": sr.enlarge(low, "nearest"),
           "without": without, "with attention": sample}
sr_figures.compare({k: v[SHOWN[:2]] for k, v in columns.items()},
                   truth=truth[SHOWN[:2]], zoom=(8, 8, 12), alt="Two photos: "
                   "original, 8 x 8, and two samples that look alike.")
right, sharp = (np.diff(runs[f"diffusion_{score}"].mean(axis=-1), axis=0)[0]
                for score in ("one", "sharpness"))  # (seeds,)
claim("attention's gain in a sample's PSNR (dB; short runs): none", right,
      at_most=0.1, per="seed", baseline=("gain in sharpness", sharp.mean()))
refuted("better texture, fewer artefacts: distance to real patches, with / "
        "without attention (long runs)", unreal["one sample"]
        / sr_scores.patch_distance(without, truth), at_most=0.8)
claim("gamma after the long runs, from 0 (attention, perceptron)", [
    nets[k].mix2.gamma.item() for k in ("attention", "diffusion")],
    at_least=0.2, per="network")

# %% [markdown]
# You should see two draws of the same kind. In the short runs attention's
# samples are less right and a little sharper, which section 6 knows as a trade,
# not as a gain; after the long runs (one seed) little of it is left. Both long
# runs started at gamma 0, and 8,000 steps were enough to leave it. Where does
# attention look? Click places of the picture; the *heads* of the explorer are
# moments of the sampling, from noise to picture (each averaged over the four
# heads).

# %%
attn = sr_figures.attention_over_time(
    nets["attention"], diffusion, low[one], chosen=(0, 8, 16, 24)).mean(dim=1)
entropy = attention.entropy(attn.numpy()).mean(axis=-1) / np.log(64)
print("entropy / log 64, by moment:", entropy.round(2))
cu.AttentionExplorer(
    sr_plots.as_photo(truth[one][0]), attn, (8, 8), alt="A photo, see above.",
    titles=[f"t = {recording.times[place]}" for place in (0, 8, 16, 24)])

# %% [markdown]
# You should see the weights grow more even as the picture comes out of the
# noise. (The explorer draws the true photo, which the network never sees.)
#
# **What the tutorial says attention does here**, put to numbers: it focuses
# on regions that need refinement (our reading: places with lost detail receive
# more weight), and it skips simple areas (a flat picture costs less).
# **Predict** both.

# %%
middle = torch.full((num_test,), 500)
x_t = diffusion.add_noise((truth - careful) / sr.RESIDUAL,
                          torch.randn_like(truth), middle)
received = sr_figures.attention_of(nets["attention"], torch.cat(
    [x_t, 2 * careful - 1], dim=1), middle)["mix2"].mean(dim=(1, 2))
lost = F.avg_pool2d((truth - careful).abs().mean(1, True), 4).flatten(1)
ties = [np.corrcoef(a, b)[0, 1] for a, b in zip(received, lost, strict=True)]
refuted("it focuses on what needs refinement: correlation over places, mean "
        "over pictures", np.mean(ties), at_least=0.5)
work = [unet.multiplications(nets["attention"], torch.cat(
    [x, x], dim=1), torch.zeros(1, dtype=torch.long)) for x in
    (torch.zeros(1, 3, 32, 32), truth[:1])]
refuted("it processes uniform regions more efficiently (work on a flat "
        "picture / on a photo)", work[0] / work[1], at_most=0.99)

# %% [markdown]
# You should see no positive tie: places with lost detail receive no more
# weight. And the very same work (counted, so exact) for a flat picture and for
# a busy one: softmax attention compares every pair, whatever is there.
#
# **What does it cost?** **Predict** memory and time at three times the side.

# %%
grown = {}
for kind in ("attention", "linear"):
    layer = mixers.make_mixer(kind, 32, 4).requires_grad_(False)
    seconds = [cu.measure.best_of(3, layer, torch.randn(1, 32, side, side),
                                  None) for side in (16, 48)]
    grown[kind] = round(seconds[1] / seconds[0])
print("weights of 4 heads, by side:", {
    side: f"{4 * 4 * side**4 / 1e6:.2f} MB" for side in (8, 16, 48)})
claim("9 times the places: softmax attention's time (ratio)",
      grown["attention"], at_least=20, baseline=("linear", grown["linear"]))

# %% [markdown]
# You should see why attention sits at 8 x 8: there the weights take 0.07 MB a
# picture, at 48 x 48 a thousand times as much. Two of the tutorial's three
# mitigations are this one, and it applies it. The third, linear attention, then
# has little left to save.
#
# **To take away**: with equal size, several seeds and photos it has not seen,
# attention adds nothing measurable *here*. Nor do convolutions lack reach: eight
# layers of 3 x 3 at 8 x 8 places reach eight places each way, which is the whole
# picture. Our guess is that nearby pixels already say what can be known.
#
# <a id="s8"></a>
# ## 8 Where is attention needed?
#
# Where the answer is in the picture, but anywhere. Suppose that there is a
# second photo of the same things, sharp, in which everything has moved: a
# *reference*. We make one by cutting the fine picture into 16 tiles and
# shuffling them. Each coarse tile must find its own. (An easy case: the right
# tile is there, unchanged.)

# %%
moved, places = reference.shuffled(truth, torch.Generator().manual_seed(0))
columns = {"coarse": low, "reference": moved, "wanted": truth}
sr_figures.compare({k: v[SHOWN] for k, v in columns.items()}, alt="Photos as "
                   "8 x 8 pixels, sharp with 16 tiles shuffled, and whole.")

# %%
source(reference.Reader)

# %% [markdown]
# Three rivals with as many parameters: one reads the *mean* of the tiles, one
# *mixes* them by weights learned for each place, one stays *alone*.
# **Predict** the order, in decibels.

# %%
reader, average = (
    reference.trained(kind, train_images, session.pick(quick=800, full=4000))
    for kind in ("attention", "mean"))
for net in (average, reader):
    over = psnr(net(low, moved).clamp(0, 1), truth) - bicubic
    print(f"{net.kind:10} {over.mean():+.1f} dB over bicubic")

# %%
scored = runs["reference_psnr"].mean(axis=-1)  # (readers, seeds)
for name, values in zip(runs["readers"], scored, strict=True):
    print(f"{name:10} {values.round(2)} dB")
claim("with a reference, attention over the best rival of equal size (dB)",
      scored[0] - scored[1:4].max(axis=0), at_least=6, per="seed")
claim("and over the U-Net that sees both pictures, ten times as large (dB)",
      scored[0] - scored[4], at_least=6, per="seed",
      baseline=("the U-Net", scored[4].mean()))

# %% [markdown]
# You should see attention at least 6 dB ahead, more than anything else moved
# this week, also of a U-Net ten times as large. (That one had 400 steps of
# twenty times the length, at the readers' learning rate.) A convolution gives
# each neighbour a fixed weight; what is wanted lies in another place each time,
# so contents have to be compared. This is what is true of "long-range
# dependencies": not distance, but a place that varies.
#
# Now the map has a truth: we know where each tile went. But two tiles of sky
# look nearly alike when coarse, and a learned comparison confuses them. So we
# ask apart: the quarter of tiles most unlike any other of their picture, and
# all.

# %%
weights = reader.weights(low, moved)  # (batch, 1, 16, 16)
hits = (weights[:, 0].argmax(dim=-1) == places).float()  # (batch, 16)
small = reference.as_tiles(low, 2)  # (batch, 16, 12)
apart = (torch.cdist(small, small) + 9 * torch.eye(16)).amin(dim=-1)
coarse = reference.as_tiles(sr.reduce(moved), 2)
by_hand = (torch.cdist(small, coarse).argmin(dim=-1) == places).float()
claim("largest weight on the right tile, in the quarter most unlike any other",
      hits[apart > apart.quantile(0.75)].mean(), at_least=0.9, baseline=(
    "the quarter most alike", hits[apart < apart.quantile(0.25)].mean()))
claim("the same, of all tiles (share; chance is 1/16)", hits.mean(),
      at_least=0.5, baseline=("nearest coarse tile, by hand", by_hand.mean()))

# %% [markdown]
# You should see the right tile found nearly always where tiles differ, and a
# rule of one line that does better than training and would copy every tile
# exactly: reduce the reference, take the nearest. It knows how coarse pictures
# are made; attention had to find that out. Choose a query and see where its
# detail is taken from:

# %%
cu.AttentionExplorer(
    sr_plots.as_photo(moved[one][0]), weights[one][0], (4, 4),
    queries=[f"row {i // 4}, column {i % 4}" for i in range(16)],
    alt="The reference: a photo of a red cup, its 16 tiles shuffled.")

# %% [markdown]
# **To take away**: attention is a way to fetch from a place that depends on
# content. Ask of a task whether anything must be fetched.
#
# <a id="s9"></a>
# ## 9 What was claimed, what was measured?

# %%
cu.claims_table()

# %% [markdown]
# **Quiz.** Answer first, then unfold.
#
# <details><summary>1. A diffusion model has 1 dB less PSNR than regression.
# Is it worse?</summary>
#
# For the mean, yes; as a picture, it may be better: an ideal sample has
# 3 dB less than the ideal mean. Ask for sharpness, realism and the mean of
# several samples.
#
# </details>
#
# <details><summary>2. Samples come out grey and too smooth. Which two lines
# of the sampler do you look at first?</summary>
#
# Whether $x_t$ is clamped, and whether noise is added in the right amount.
# An exact denoiser tells in seconds.
#
# </details>
#
# <details><summary>3. "With attention: 22.80 dB, without: 22.78." What do you
# ask?</summary>
#
# How many seeds, how large the spread between them, equal parameters and
# compute, and how many test pictures from how many scenes.
#
# </details>
#
# <details><summary>4. Why does the exercise on consistency cost nothing and
# never harm?</summary>
#
# It moves every block's mean to where the truth has it. Error in the mean
# disappears, detail stays as it was.
#
# </details>
#
# <details><summary>5. Inpainting a hole in a brick wall, from the rest of
# the wall: would attention help?</summary>
#
# Probably: detail is elsewhere in the picture, in a place that depends on
# content. Test it against an equal control.
#
# </details>
#
# **Further reading**
# - Ronneberger and others, "U-Net" (2015). Wu and He, "Group Normalization"
#   (2018). Wang and others, "Image Quality Assessment" (2004): SSIM.
# - Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models" (2020).
# - Song, Meng and Ermon, "Denoising Diffusion Implicit Models" (2021).
# - Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models"
#   (2021): the cosine schedule.
# - Salimans and Ho, "Progressive Distillation for Fast Sampling of Diffusion
#   Models" (2022): the target v.
# - Saharia and others, "Image Super-Resolution via Iterative Refinement"
#   (2021): the coarse picture as three more channels.
# - Blau and Michaeli, "The Perception-Distortion Tradeoff" (2018).
# - Zhang and others, "Self-Attention Generative Adversarial Networks" (2019):
#   gamma. Katharopoulos and others, "Transformers are RNNs" (2020): linear
#   attention.
# - Yang and others, "Learning Texture Transformer Network for Image
#   Super-Resolution" (2020): references, at full size.
#
# **Glossary**: *aliasing*: false patterns where detail was skipped, not
# averaged. *$\bar\alpha_t$*: the share of the variance at step t that is
# picture. *Back-projection*: making an answer consistent with its coarse
# picture. *DDPM, DDIM*: walks from noise to a picture, with and without fresh
# noise. *EMA*: a running average of the weights. *PSNR*: error in decibels.
# *Residual*: what the enlarged coarse picture misses. *v*: a target between
# noise and picture. Earlier words: [week
# 1](week1_attention_from_scratch.ipynb), [week
# 2](week2_multi_head_attention.ipynb), [week 3](week3_vit_and_dino.ipynb).
#
# **Next**: in week 5 the queries are not places at all, but questions: *does
# this face wear glasses?*
#
# {{nav}}
