# %% [markdown]
# # Week 6 · Attention as denoising
#
# {{badges}}
#
# A patch of a noisy photo is worth little. Fifty patches that look like it are
# worth much: average them, and the noise cancels. Who looks like whom? That is
# a softmax over similarities, with queries equal to keys. Non-local means, graph
# smoothing, the E step of EM and attention turn out to be one operation. The
# tutorial that this week grew from promised four attention heads that tune such
# a denoiser, "20-30% faster" and "15-25% better". As printed, no piece of its
# code runs. You will build what it describes, try it fairly, find it wanting,
# and then make it work.
#
# **You will be able to**
# - write non-local means, graph smoothing and the E step as attention;
# - put a method on trial: equal starts, baselines, many photos, intervals;
# - see why a rule that asks only "did the loss rise?" cannot settle;
# - give every pixel its own parameters, and say what the gain is made of;
# - train a denoiser that never sees a clean photo;
# - derive EM for a mixture, and use the mixture as a prior.
#
# **Time**: two sittings of about 75 minutes; the computer works for up to three.
# **Needs**: week 1; a little PyTorch from section 4 on.
#
# **Contents**: [1 One operation](#s1) · [2 The system as promised](#s2) ·
# [3 On trial](#s3) · [4 Made to work](#s4) · [5 Without clean photos](#s5) ·
# [6 Real EM](#s6) · [7 The ladder](#s7) · [8 Claims and quiz](#s8)
#
# {{nav}}

# %% tags=["setup"]
setup(week=6)

# %%
import numpy as np
import torch

import course_utils.graph_networks as graph_networks
import course_utils.graph_results as graph_results
import course_utils.graph_training as training
import course_utils.mixture_prior as mixture_prior
import course_utils.patch_graph as graph
import course_utils.week6_controller as controller
import course_utils.week6_printed as printed
import course_utils.week6_tutorial as tutorial
from course_utils import attention, check, claim, mixture, show
from course_utils.clean_photos import as_floats, clean_photos, training_crops
from course_utils.graph_widgets import graph_explorer, graph_sliders
from course_utils.ladder import lead, noisy_copies, psnr, run_ladder
from course_utils.plots import source


def refuted(text, measured, **options):
    """A claim of the source tutorial that the measurement must sink."""
    claim(text, measured, by="source tutorial", expect="refuted", **options)

# %% [markdown]
# Where we are going: a photo with noise of 25 (the standard deviation, of 255),
# a blur, the patch graph with four learned heads, and the photo that nobody
# showed them. **Predict**: what does a blur lose that attention keeps?

# %%
photos = clean_photos()
clean = as_floats(photos.images)  # (24, 128, 128, 3), from 0 to 1
NOISE = 25 / 255
noisy = noisy_copies(clean, NOISE, seed=0)
runs = graph_results.runs()
four_heads, _ = graph_networks.shipped_net("four heads")
chosen = list(photos.names).index("kingfisher")
cu.graph_figures.side_by_side({
    "noisy": noisy[chosen],
    "blurred": graph_results.tuned(runs, "gaussian")(noisy[chosen], NOISE),
    "four heads": training.denoised(four_heads, noisy[chosen])},
    clean[chosen], zoom=(40, 40, 40), alt="A photo with noise, blurred, "
    "denoised by four heads, and clean. The heads keep edges that blur loses.")

# %% [markdown]
# You should see the blur leave grain and soften edges, and the heads clear flat
# areas and keep edges, at some cost in fine texture: a blur averages neighbours
# in place, attention neighbours in looks. (PSNR, peak
# signal-to-noise ratio, is $-10 \log_{10}$ of the mean squared error, in dB.)
#
# **Warm-up.** Three questions about week 5; the answers are folded.
#
# <details><summary>What is the difference between self-attention and
# cross-attention?</summary>
#
# Where queries come from. In self-attention from the same tokens as keys and
# values; in cross-attention from elsewhere, such as a list of questions.
#
# </details>
#
# <details><summary>A softmax gets logits from -0.01 to 0.01. What does its output
# look like, and what would sharpen it?</summary>
#
# Nearly uniform. A lower temperature, by which all logits are divided.
#
# </details>
#
# <details><summary>A map beat "uniform" by far. What else had it to beat?</summary>
#
# A template that never looks. This week the template is a blur.
#
# </details>
#
# <a id="s1"></a>
# ## 1 One operation, four names
#
# The tokens of this week are patches: the 5 x 5 pixels around every pixel, 75
# numbers in colour. Here is one of 24 photos that no network of this course was
# trained on, with noise, and a few of its tokens.

# %%
patches, centers = graph.extract_patches(noisy[chosen])
print("patches", patches.shape, "= (pixels, 5 * 5 * 3)")

# %% [markdown]
# ### Exercise 1: patches that attend to each other
# difficulty 2 of 3 · 8 minutes
#
# Patches are the tokens, and each is query, key and value at once. For two
# patches, let $d^2$ be the *mean* squared difference of their numbers. The
# score is $-d^2 / (2 \sigma^2)$, and a softmax over the keys makes the matrix S,
# which is this week's `attn`. The bandwidth $\sigma$ sets week 1's temperature,
# $2 \sigma^2$.

# %% tags=["exercise"]
def my_attention_rows(patches, sigma):
    """How patches attend to patches, (pixels, pixels); rows sum to 1.

    patches: (pixels, width), one patch a row, its numbers side by side
    sigma: > 0, also so small that a patch is like itself alone
    """
    return ...

# %%
check.week6.attention_rows(my_attention_rows)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `patches[:, None] - patches` has shape (pixels, pixels, width): every patch
# less every other. Square, and take the mean over the last axis. The largest
# score of a row is a patch's own, and it is 0: so exp cannot overflow, and no
# row is 0 throughout.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_attention_rows(patches, sigma):
#     squares = (patches[:, None] - patches) ** 2
#     weights = np.exp(-squares.mean(axis=2) / (2 * sigma**2))
#     return weights / weights.sum(axis=1, keepdims=True)
# ```
#
# </details>
#
# Two things make it a *graph*: patches attend only to those within a radius, as
# under week 1's mask, and only these are stored. The source calls such functions
# and defines none:

# %%
source(graph.build_patch_graph_radius)

# %% [markdown]
# Are graph and attention the same numbers? On 12 x 13 pixels both fit on the
# screen. And is the squared distance a dot product, as attention has it? Written
# out, $|q - k|^2 = |q|^2 - 2 q \cdot k + |k|^2$; the softmax over keys does not
# see $|q|^2$. **Predict** both differences.

# %%
tokens, places = graph.extract_patches(noisy[chosen][60:72, 60:73])
squares = ((tokens[:, None] - tokens) ** 2).mean(axis=2)
far = np.linalg.norm(places[:, None] - places, axis=2) > 5  # pixels


def masked_softmax(logits):
    return attention.softmax(np.where(far, -np.inf, logits))


attn = masked_softmax(-squares / (2 * 0.1**2))  # (queries, keys)
affinities = graph.build_patch_graph_radius(places, tokens, 0.1, radius=5)
sparse = graph.compute_self_similarity(affinities)
claim("the patch graph is masked attention (largest difference)",
      np.abs(sparse.toarray() - attn).max(), at_most=1e-6)
scale = tokens.shape[1] * 0.1**2
dot = (tokens @ tokens.T - (tokens**2).sum(axis=1) / 2) / scale
claim("so is a dot product with a bias for each key",
      np.abs(masked_softmax(dot) - attn).max(), at_most=1e-6)

# %%
show(cu.graph_figures.same_matrix(attn, sparse), alt="Two attention matrices "
     "of 156 pixels, equal: bands beside the diagonal, brighter where patches "
     "are alike.")

# %% [markdown]
# You should see bands: a pixel attends to its row, and to the rows above and
# below. That is the first name, attention: a query is a key is a patch, and twice
# the square of sigma, the *bandwidth*, is week 1's temperature.
#
# **The second name.** Averaging the pixels in the middle of the patches with
# these weights is *non-local means* (Buades, Coll and Morel, 2005). Scikit-image
# has it, too, with two details: the middle of a patch counts more (a Gaussian),
# and the noise's share of each distance, 2 noise², is taken off. With the same
# bandwidth, on six photos:

# %%
place = np.arange(-2, 3)  # pixels from the middle of a patch
gauss = np.exp(-(place[:, None] ** 2 + place**2) / 2).reshape(25, 1)
counts = np.sqrt(25 * gauss / gauss.sum())
middle = np.s_[32:96, 32:96]
gaps = []
for x, y in zip(noisy[:6], clean[:6], strict=True):
    tokens, places = graph.extract_patches(x[middle])
    tokens = (tokens.reshape(-1, 25, 3) * counts).reshape(tokens.shape)
    affinities = graph.build_patch_graph_radius(  # it divides by h^2, we
        places, tokens, 0.8 * NOISE / 2**0.5, 5.6, NOISE)  # by 2 sigma^2
    values = x[middle].reshape(-1, 3)  # (pixels, channels)
    ours = graph.compute_self_similarity(affinities) @ values
    theirs = cu.denoisers.non_local_means(
        x[middle], NOISE, h=0.8, patch_distance=5, fast=False)
    gaps.append(psnr(ours.reshape(theirs.shape), y[middle])
                - psnr(theirs, y[middle]))
claim("PSNR, our attention less scikit-image's non-local means (dB)", gaps,
      at_least=-0.2, at_most=0.2, per="photo")

# %% [markdown]
# You should see them agree within a tenth of a decibel or so; our window is
# round, its window is square.
#
# **The third name.** *Graph smoothing* applies the matrix again and again.
#
# ### Exercise 2: smooth, and smooth again
# difficulty 1 of 3 · 5 minutes
#
# Attention reads S @ values once. Graph smoothing is more careful, and repeats:
# each step keeps the share $1 - \tau$ of what is there, and takes the share
# $\tau$ from S @ what is there. S stays the same throughout: one attention
# matrix, applied again and again.

# %% tags=["exercise"]
def my_smoothing(S, values, tau, steps):
    """The values after so many smoothing steps, (pixels, width).

    S: (pixels, pixels), rows sum to 1
    values: (pixels, width); stays as it is
    tau: from 0, which changes nothing, to 1
    steps: how often, a whole number
    """
    return ...

# %%
check.week6.smoothing(my_smoothing)

# %% [markdown]
# <details><summary>Hint</summary>
#
# A loop, and one line inside it: a new array, made of the old one twice. Use
# `+=` nowhere: it would write into the array that the caller still needs.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_smoothing(S, values, tau, steps):
#     for _ in range(steps):
#         values = (1 - tau) * values + tau * (S @ values)
#     return values
# ```
#
# </details>
#
# One step with tau 1 is one attention layer; with a smaller tau, a layer with a
# residual connection. What is smoothed are whole patches, which overlap; that
# every patch has its say on every pixel it covers is worth something. How much?
#
# ### Exercise 3: one picture out of many patches
# difficulty 3 of 3 · 10 minutes
#
# Every pixel has a patch, with the pixel at its centre, so the tokens overlap,
# and each says something about its neighbours, too. Make a picture of them:
# each pixel is the average of what all patches that cover it say. Patches hang
# over the border; what lies outside is dropped. Grey, to keep it short.

# %% tags=["exercise"]
def my_reconstruct(patches, shape):
    """Average overlapping patches into one grey picture, (height, width).

    patches: (height, width, side, side); patches[y, x] is centred on pixel
        (y, x); side is odd
    shape: (height, width)
    """
    return ...

# %%
check.week6.overlap(my_reconstruct)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Make a canvas of zeros with a margin of side // 2 all round, and a second one
# that counts. Loop over the side x side places inside a patch, not over
# pixels: `patches[:, :, dy, dx]` is a whole picture, to be added to the canvas
# dy rows down and dx columns to the right. Divide, and cut the margin off.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_reconstruct(patches, shape):
#     (height, width), side = shape, patches.shape[2]
#     total, count = np.zeros((2, height + side - 1, width + side - 1))
#     for dy, dx in np.ndindex(side, side):
#         total[dy : dy + height, dx : dx + width] += patches[:, :, dy, dx]
#         count[dy : dy + height, dx : dx + width] += 1
#     edge = side // 2
#     return (total / count)[edge : edge + height, edge : edge + width]
# ```
#
# </details>

# %%
rows = graph.compute_self_similarity(graph.build_patch_graph_radius(
    centers, patches, sigma=0.5 * NOISE, radius=5, noise=NOISE))
smoothed = graph.graph_smoothing(rows, tau=1, steps=1) @ patches
middles = smoothed.reshape(-1, 25, 3)[:, 12].reshape(clean[chosen].shape)
overlapping = graph.reconstruct(smoothed, clean[chosen].shape)
print(f"PSNR noisy {psnr(noisy[chosen], clean[chosen]):.2f}, middles "
      f"{psnr(middles, clean[chosen]):.2f}, overlapping patches "
      f"{psnr(overlapping, clean[chosen]):.2f} dB")

# %%
show(cu.graph_figures.graph_on_photo(
    noisy[chosen], (64, 38), rows[[64 * 128 + 38]], radius=5), alt="A noisy "
    "photo; dots on the neighbours of one pixel, larger with their weight.")

# %% [markdown]
# You should see the weight follow a narrow trail, along the edge.
#
# **Look at it.** Click a pixel of this noisy crop: where does it attend? The
# heads are three bandwidths. **Predict**: which pixels attend most widely?

# %%
graph_explorer(noisy[chosen][52:76, 26:50], sigmas=(0.03, 0.06, 0.12),
               noise=NOISE, radius=6, alt="Part of a noisy photo.")

# %% [markdown]
# You should see a pixel in a flat area ask its whole neighbourhood, and one on
# an edge ask along the edge. With a small bandwidth hardly anyone helps; with a
# large one attention is a blur.
#
# **Drag.** Four parameters; the picture and its PSNR follow. **Predict** the
# best sigma for one step with tau 1, then beat it by any other combination.

# %%
graph_sliders(clean[chosen][middle], noisy[chosen][middle], noise=NOISE,
              alt="A noisy photo, smoothed over its patch graph, and clean.")

# %% [markdown]
# You should see the best sigma near half the noise. Outside of a running notebook
# the picture stands still. For a photo of your own, put
# `cu.clean_photos.own_photo("path")` in place of `clean[chosen]`.
#
# **To take away**: a patch graph is self-attention whose queries are its keys.
#
# <a id="s2"></a>
# ## 2 The system as promised
#
# The source's text has seven pieces of Python. Do they run?

# %%
# NBVAL_CHECK_OUTPUT
fences = printed.run_fences()
for name, (error, _) in fences.items():
    print(f"{name:36} {error}")
refuted("its code runs (pieces without an error, of 7)",
        sum(error == "none" for error, _ in fences.values()), at_least=1)

# %% [markdown]
# You should see seven errors (some pieces are excerpts of a file that nobody
# supplied; the source cites its line numbers). What it describes can be built. Four
# *scores* of the patches (texture, structure, color, spatial) go through a
# softmax; the four weights scale how much two numbers, sigma and tau, grow when
# the loss fell, and shrink when it rose. Gaps had to be filled (what is "std of
# the RGB channels"?); each choice stands in a docstring. Its seven stages:

# %%
source(controller.weighted_parameter_update, controller.m_step)

# %% [markdown]
# Three epochs on eight small photos, with its own console:

# %%
learner = controller.EMParameterLearning(radius=5)
batch = np.s_[:8, 44:84, 44:84]
for epoch in cu.track(range(3), "epochs"):
    restored = controller.m_step(learner, noisy[batch], clean[batch])
    print(learner.console_line(epoch).replace("\n", ""),
          learner.get_status(), sep="\n  ")
claim("PSNR gained over the noisy photos (dB)", [
    psnr(ours, y) - psnr(x, y) for ours, x, y in zip(
        restored, noisy[batch], clean[batch], strict=True)], at_least=0.5,
    per="photo", expect="undecided")

# %% [markdown]
# You should see it run, and gain on most photos. Have its heads any part in that?
#
# ### The printed examples
#
# ### Exercise 4: eight weights for four heads
# difficulty 1 of 3 · 5 minutes
#
# The source's `softmax(scores * temperature=2.0)` does not parse. The nearest
# line that runs is in the exhibit; run the check on `exhibit_weights` to hear
# what it does to a list. Then write what the source's formula says,
# $w_i = e^{f_i T} / \sum_j e^{f_j T}$: the same softmax as over patches, now over
# four heads.

# %% tags=["exercise"]
def exhibit_weights(scores, temperature=2):
    weights = np.exp(scores * temperature)
    return weights / weights.sum()


def my_weights(scores, temperature=2.0):
    """One weight for each score; they sum to 1.

    scores: a list of numbers of any size, positive or negative
    temperature: T of the source's formula, > 0
    """
    return ...

# %%
check.week6.printed(my_weights)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `[1, 2] * 2` is `[1, 2, 1, 2]`; an array does what the formula means. And as
# in week 1: the largest logit may be taken off all, before exp overflows.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_weights(scores, temperature=2.0):
#     logits = np.array(scores) * temperature
#     weights = np.exp(logits - logits.max())
#     return weights / weights.sum()
# ```
#
# </details>
#
# Three times the source prints four scores and their weights. **Predict**: is
# the airplane's structure at 0.50?

# %%
# NBVAL_CHECK_OUTPUT
off = []
for name, (scores, weights) in printed.EXAMPLES.items():
    ours = printed.recomputed(scores)
    off.append(np.abs(ours - weights).max())
    print(f"{name:13} printed {weights}, right {ours.round(3)}")
refuted("its printed weights are its softmax (largest difference)", off,
        at_most=0.005, per="example")
claim("largest weight that scores from 0 to 1 can get",
      printed.recomputed([1, 0, 0, 0]).max(), at_most=0.72)

# %% [markdown]
# You should see none of them right. Its T multiplies, so it is an inverse
# temperature; and no scores from 0 to 1 give a head more than 0.72. (Noise takes
# scores beyond 1, see section 3.)
#
# **To take away**: an example that nobody computed is a drawing.
#
# <a id="s3"></a>
# ## 3 On trial
#
# **First charge: the rule cannot settle.** Each fall of the loss multiplies sigma
# by 1.02, each rise by 0.98, whatever the size of the change (no change counts
# as a fall). So sigma stands still only if falls and rises nearly balance, and a
# loss that falls for another reason, such as the rest of a network learning,
# drives it away. The source's loss goes from 0.5 to 0.15; say in 36 steps:

# %%
# NBVAL_CHECK_OUTPUT
print(f"sigma rests with {printed.balanced_share(0.02):.2%} falls")
falling = tutorial.follow_losses(np.geomspace(
    printed.LOSSES[0], printed.LOSSES[5], 37), printed.DEFAULTS["sigma"])
claim("growth of sigma in 36 falls that it had no part in",
      falling[-1] / falling[0], at_least=2)

# %% [markdown]
# And when only sigma matters? The simplest loss with one optimum is
# $(\log \sigma - \log \sigma^*)^2$. Five walks from above and below it, with
# the standard rule, the weighted one, and plain gradient descent on log sigma.
# **Predict** which arrive.

# %%
BEST = 0.1
weights = controller.compute_attention_weights(*printed.EXAMPLES["frog"][0])
loss = tutorial.bowl(BEST)
walks = {
    "standard, from above": tutorial.follow(loss, 0.2, 400),
    "weighted, from above": tutorial.follow(loss, 0.2, 400, weights),
    "standard, from below": tutorial.follow(loss, 0.05, 400),
    "weighted, from below": tutorial.follow(loss, 0.05, 400, weights),
    "gradient descent": tutorial.gradient_follow(loss, 0.2, 400)}
show(cu.graph_curves.controllers(
    {name: {"sigma": walk} for name, walk in walks.items()},
    {"sigma": BEST}), alt="Five walks of sigma. From above, both rules stay "
    "where they start. From below they pass the optimum and fall. Gradient "
    "descent arrives at once.")
long = [tutorial.follow(loss, start, 4000, rule)[-100:]
        for rule in (None, weights) for start in np.geomspace(0.02, 0.5, 15)]
refuted("the rules converge (share of the last 100 of 4,000 steps within 5% "
        "of the optimum)", [np.mean(np.abs(walk / BEST - 1) < 0.05)
                            for walk in long], at_least=0.9, per="walk")
claim("gradient descent arrives (steps)", tutorial.arrival(
    walks["gradient descent"], BEST), at_most=30)

# %% [markdown]
# You should see why. Above the optimum growing raises the loss, so the rule
# shrinks, the loss falls, so it grows: a step up, a step down, for ever. Below,
# growing lowers the loss, so it climbs, and passes the optimum. Once a rise has
# turned it round below the optimum, shrinking raises the loss, so it shrinks
# further. (The weighted rule may hover near the optimum for hundreds of steps.) A
# sign of *change* is no derivative: it does not say which way sigma had moved.
#
# ### Exercise 5: a step that comes to rest
# difficulty 2 of 3 · 8 minutes
#
# The source's rule only asks whether the loss rose, so its step never shrinks,
# and sigma, the bandwidth of the attention, finds no rest. Walk down the slope
# instead: at the optimum it is 0. As sigma is positive, walk on log x. The
# slope there is a *central difference*: the loss with log x nudged up, less the
# loss with log x nudged down, divided by how far apart they are. Then log x
# falls by rate times slope.

# %% tags=["exercise"]
def my_step(x, loss, rate=0.1, nudge=1e-3):
    """x after one step of gradient descent on log x, a number > 0.

    x: > 0; loss: a function of x that returns a number
    rate: by how much log x falls if the slope is 1
    nudge: how far log x is moved, up and down, to find the slope
    """
    return ...

# %%
check.week6.settled(my_step)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Add nudge to log x, and x is multiplied by `np.exp(nudge)`. The two places are
# two nudges apart: mind the brackets. The step itself is one more such factor,
# and it makes x smaller where the loss rises with x.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_step(x, loss, rate=0.1, nudge=1e-3):
#     rise = loss(x * np.exp(nudge)) - loss(x * np.exp(-nudge))
#     return x * np.exp(-rate * rise / (2 * nudge))
# ```
#
# </details>
#
# **Second charge: "bigger effective steps", "20-30% faster".** Its weights sum to
# 1, and each parameter's step is scaled by two of them. On our 24 photos, 32 x 32
# pixels of each (the source is about CIFAR-10), against the standard rule's step:

# %%
# NBVAL_CHECK_OUTPUT
def source_weights(image):
    """The tutorial's four weights for one image, in the order of HEADS."""
    scores = controller.compute_patch_features(*graph.extract_patches(image))
    return np.array([*controller.compute_attention_weights(
        *scores).values()])


tiny = np.s_[:, 48:80, 48:80]
on_clean = np.array([source_weights(image) for image in clean[tiny]])
shares = on_clean[:, [0, 2]].sum(axis=1), on_clean[:, [1, 3]].sum(axis=1)
refuted("feature-aware updates make bigger steps (sigma and tau, ratio)",
        shares, at_least=1, per="step")

# %% [markdown]
# You should see every step smaller. And "faster convergence" has nothing to be
# measured on, since neither rule converges.
#
# **Third charge: "15-25% better".** The real denoiser, five smoothing steps, 24
# crops to learn from and our 24 photos to be judged on (all 32 x 32 pixels), 60
# updates, radius 5, from two starts, with all crops at once or 8 at a time. Both
# rules, and Adam (rate 0.1), which gets derivatives of the same two numbers.
# (Stored; made by `benchmarks/week6_runs.py`.) **Predict** the order.

# %%
graph_results.print_trials(runs)
show(graph_results.walks(runs, level=25, start=0), alt="PSNR by update from "
     "the source's start: Adam climbs, the weighted rule stays, the standard "
     "one falls.")

# %%
end = graph_results.trials(runs, "psnr")[..., -1, :].mean(axis=-1)
standard, weighted, adam = np.moveaxis(end, 2, 0).reshape(3, -1)
claim("15-25% better: weighted over standard (dB; 0.7 is 15% less error)",
      weighted - standard, at_least=0.7, per="case", by="source tutorial",
      expect="undecided")
better = np.maximum(weighted, standard)
claim("cases in which Adam beats both rules, same two numbers (share)",
      (adam > better).mean(), at_least=0.9, baseline=(
          "its mean lead (dB)", (adam - better).mean()))
falls = graph_results.trials(runs, "loss")[:, 0, :2, 0]  # its own start
refuted("the loss falls to even half of itself by update 5 (ratio)",
        falls[..., 5] / falls[..., 0], at_most=0.5, per="case")

# %% [markdown]
# ("Attention" is the weighted rule.) You should see two cases in which it wins by as
# much as it promised, read kindly: 15% less squared error. (Of PSNR it would be 3
# dB.) In others it loses by more. Adam, with derivatives, is ahead in all cases but
# one. No loss falls as the source tells it.
#
# **Fourth charge: what do the heads see?** The source reads "high structure
# attention" as "sharp edges". Give it the same photos, clean and with noise.
# **Predict** the structure weight at noise 50.

# %%
# NBVAL_CHECK_OUTPUT
by_noise = {"clean": on_clean}
for level in (15, 25, 50):
    by_noise[f"noise {level}"] = np.array([
        source_weights(image)
        for image in noisy_copies(clean[tiny], level / 255, seed=0)])
structure = [found[:, 1].mean() for found in by_noise.values()]
refuted("high structure weight means sharp edges: it falls when noise hides "
        "them (change from clean to noise 50)", structure[-1] - structure[0],
        at_most=0)
spatial = [controller.compute_patch_features(*graph.extract_patches(image))[3]
           for image in clean[tiny]]
claim("spread of the spatial score over photos", np.std(spatial),
      at_most=1e-9, baseline=("its weight at 128 x 128", source_weights(
          clean[0])[3]))

# %%
show(cu.graph_bars.weights_by(by_noise, printed.HEADS), alt="Bars of the four "
     "weights, clean and at three noises: structure grows to nearly 1.")

# %% [markdown]
# You should see the structure head take everything as noise grows: differences
# of neighbours are what white noise has most of. The heads are a noise meter.
# And the spatial head says how large the photo is: the same for all photos of a
# size, and nearly all the weight for a larger one.
#
# **To take away**: a trial needs equal starts, a baseline that works, and
# someone who asks what the features measure.
#
# <a id="s4"></a>
# ## 4 Made to work
#
# If heads measure noise, measure noise, in four lines.
#
# ### Exercise 6: how much noise is in a picture?
# difficulty 2 of 3 · 8 minutes
#
# The noise level sets how sharp the attention should be. Immerkaer (1996) reads
# it off the picture. Lay the mask `[[1, -2, 1], [-2, 4, -2], [1, -2, 1]]` on
# every inner pixel, multiply, add up: flat areas and smooth ramps vanish, noise
# stays, with a standard deviation 6 times as large (the squares of the mask sum
# to 36). For a Gaussian the mean absolute value times $\sqrt{\pi / 2}$ is the
# standard deviation.

# %% tags=["exercise"]
def my_noise_level(image):
    """Immerkaer's estimate of the noise's standard deviation, a number.

    image: (height, width), grey, at least 3 x 3
    """
    return ...

# %%
check.week6.noise_level(my_noise_level)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `np.lib.stride_tricks.sliding_window_view(image, (3, 3))` is an array of all
# 3 x 3 windows, one for each inner pixel: (height - 2, width - 2, 3, 3). Sum
# over the last two axes, then take absolute values, then the mean.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_noise_level(image):
#     mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
#     windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
#     residual = (windows * mask).sum(axis=(2, 3))
#     return np.sqrt(np.pi / 2) * np.abs(residual).mean() / 6
# ```
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
guessed = {level: np.array([255 * cu.noise.estimate_noise(image) for image in
                            noisy_copies(clean, level / 255, seed=0)])
           for level in (5, 15, 25, 50)}
for level, found in guessed.items():
    print(f"noise {level}: guessed {found.mean():.1f}, "
          f"{found.min():.1f} to {found.max():.1f}")
claim("guess over truth at noise 25 (mean)", guessed[25].mean() / 25,
      equals=1, tolerance=0.1, baseline=("at noise 5", guessed[5].mean() / 5))

# %% [markdown]
# You should see good guesses from 15 on; at 5, texture is taken for noise.
#
# Now a *gate*: a small network that is told something of every pixel, and answers
# with parameters for that pixel: what to take off the distances, sigma, tau. It is
# trained through the attention, by gradient, on crops with noise from 5 to 55.
# What it is told is the experiment:
#
# | told | what the gate can do |
# |---|---|
# | nothing | one setting for all, learned |
# | true level | one setting for each level: an oracle |
# | estimated level | the same, without an oracle |
# | four scores | the source's idea: from features to parameters, pixel by pixel |
# | both | levels and features |
#
# And two kinds of heads, in the spirit of the source's list of dreams. Each has a
# distance of its own (these are ours): what a 3 x 3 mean takes away (texture),
# slopes (structure),
# the 3 x 3 mean itself (color), and places (spatial). *Mixed*: four softmaxes, and
# the gate mixes what they say, as multi-head attention does. *Added*: the gate
# weighs the four distances, one softmax over their sum, so that a key must be
# alike in all that counts.

# %%
source(graph_networks.GraphDenoiser.attend, graph_networks.GraphDenoiser.step)

# %% [markdown]
# Train the last kind briefly, and watch: PSNR on validation photos, what the
# heads weigh, and two of the parameters. **Predict** which head gains weight.

# %%
crops = training_crops(1000, 40, seed=0)
few = as_floats(training_crops(6, 64, split="validation", seed=0))
doing, average = training.denoising_training(
    graph_networks.GraphDenoiser("both", "four added"), crops,
    steps=session.pick(quick=160, full=2000), seed=session.seed,
    accelerator=cu.training.make_accelerator("no"))
watched = cu.graph_monitor.run_watched(doing, average, few, "heads", every=20)
claim("PSNR gained in this training, noise 25 (dB)",
      watched[-1] - watched[0], at_least=0.3)

# %% [markdown]
# You should see the PSNR jump early, and color take the lead: where
# noise is strong, the mean of a few pixels is what can still be compared.
#
# Three seeds of each, 300 steps; PSNR on the 24 photos, the same for all seeds.
# (The last two rows belong to section 5.) **Predict**: how much of
# the way from "nothing" to "four heads" does a noise estimate go?

# %%
# NBVAL_CHECK_OUTPUT
graph_results.print_nets(runs)

# %%
by_net = graph_results.by_net(runs, "psnr")  # (seeds, levels, photos)
mean_of = {name: by_net[name].mean(axis=(1, 2)) for name in by_net}
whole = mean_of["four heads added"] - mean_of["nothing"]
claim("share of the gain that a noise estimate alone brings",
      (mean_of["estimated level"] - mean_of["nothing"]) / whole,
      at_least=0.8, per="seed", baseline=("four scores alone", (
          (mean_of["four scores"] - mean_of["nothing"]) / whole).mean()))
claim("four scores, once the level is estimated (dB)",
      mean_of["both"] - mean_of["estimated level"], at_most=0.15,
      per="seed")
claim("four heads, mixed, over one (dB)",
      mean_of["four heads mixed"] - mean_of["both"], at_most=-0.2, per="seed")
claim("four heads, added, over one (dB)",
      mean_of["four heads added"] - mean_of["both"], at_least=0.2, per="seed",
      expect="refuted")
gained = (by_net["four heads added"] - by_net["both"]).mean(axis=2)
claim("four heads, added, over one at noise 50 (dB)", gained[:, 3],
      at_least=0.2, per="seed", baseline=("at 15", gained[:, 1].mean()))

# %% [markdown]
# You should see nearly all of the gain come from one number, the level of noise,
# even if it is only estimated. The four scores of a single patch are a poor meter
# of it, and beside a good one they add next to nothing. Four heads that vote are
# worse than one that compares whole patches; four distances in one softmax
# help where noise is strong, and cost a little at 15. So the source's idea works
# once parameters are learned by gradient, for a reason that it does not name.
#
# Every pixel has parameters of its own now. What did the gate choose for our
# photo? (In this picture: the stored network, which saw more crops for longer.)

# %%
with torch.inference_mode():
    pixels = torch.tensor(noisy[chosen]).float().permute(2, 0, 1)[None]
    said = four_heads.parameters_for(pixels)[0]
maps = dict(zip(printed.HEADS, said["weights"][0].numpy(), strict=True))
show(cu.graph_figures.parameter_maps(noisy[chosen], {
    "tau": said["tau"][0, 0].numpy(), **maps}), alt="A noisy photo, and maps "
    "of tau and of the weights of four heads: they differ between the bird "
    "and the blurred background.")

# %% [markdown]
# You should see the maps follow the picture: along edges texture, structure and
# place weigh more; the bird's breast is compared by color.
#
# **Who relies on which head?** Silence one at a time in the three networks of the
# table, the rest left as trained; and ask what its weight depends on: the level of
# noise, or the kind of photo (animal, building, food, and so on).

# %%
# NBVAL_CHECK_OUTPUT
lost = graph_results.silenced(runs)  # (heads, levels), dB
claim("color over the next, in PSNR lost without it, noise 15 to 50 (dB)",
      lost[2, 1:] - np.delete(lost, 2, axis=0)[:, 1:].max(axis=0),
      at_least=0.3, per="level")
claim("PSNR lost without places, noise 15 to 50 (dB)", lost[3, 1:],
      at_most=0.1, per="level", baseline=("at noise 5", lost[3, 0]))
by_level, by_kind = graph_results.explained(runs, photos.kinds)
claim("variance of a head's log weight: explained by noise over by kind",
      by_level / by_kind, at_least=10, per="head")

# %%
show(cu.graph_bars.weights_by(
    graph_results.weight_groups(runs, photos.kinds), printed.HEADS),
    alt="Bars of four weights at four noises and for seven kinds of photos: "
    "noise moves them far more.")

# %% [markdown]
# You should see the networks rely on color from noise 15 on, and on places at noise
# 5 only; and that what moves the weights is the noise, far more than the kind of
# photo. "Learns different parameters for different image types" is, again, mostly
# a noise meter.
#
# **To take away**: before you praise a gate, tell a simpler one what it knows.
#
# <a id="s5"></a>
# ## 5 Without clean photos
#
# Who has the clean photo? In medicine, astronomy, on old film: often nobody. Stein
# (1981) found that the error can be estimated without it.
#
# ### Exercise 7: an error without the clean picture
# difficulty 3 of 3 · 10 minutes
#
# Stein's estimate says how good a denoiser f is, attention or not, from the
# noisy picture y and the noise's level. Its terms are means over pixels: the misfit
# $(f(y) - y)^2$, less $\mathrm{noise}^2$, plus $2\,\mathrm{noise}^2$ times the
# *divergence*, by how much f follows the noise. Ramani, Blu and Unser (2008)
# find it with a probe b of random signs and a small nudge h: the mean of
# $b \cdot (f(y + h b) - f(y)) / h$.

# %% tags=["exercise"]
def my_sure(noisy, denoiser, noise, probe, nudge=1e-3):
    """Estimate the mean squared error of denoiser(noisy), a number.

    noisy: array of any shape; denoiser: returns an array of its shape
    noise: standard deviation of the noise
    probe: shape of noisy, random numbers of mean 0 and variance 1
    nudge: h, small
    """
    return ...

# %%
check.week6.sure(my_sure)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Denoise twice: as it is, and with a little of the probe added. Three means,
# each over all pixels. Test it on a denoiser that returns its input: the
# misfit is 0, the divergence 1, and the error noise squared, as it should be.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_sure(noisy, denoiser, noise, probe, nudge=1e-3):
#     denoised = denoiser(noisy)
#     response = (denoiser(noisy + nudge * probe) - denoised) / nudge
#     divergence = (probe * response).mean()
#     misfit = ((denoised - noisy) ** 2).mean()
#     return misfit - noise**2 + 2 * noise**2 * divergence
# ```
#
# </details>
#
# For many bandwidths, on eight photos (the figure shows the first): the true error,
# and the estimate that never saw the clean photo. **Predict** how far apart the
# two minima are.

# %%
def smoothed_by(sigma):
    return lambda image: graph.denoise(image, sigma, radius=4, noise=NOISE)


sigmas = NOISE * np.geomspace(0.15, 2, 9)
small = np.s_[:8, 40:88, 40:88]
pairs = zip(noisy[small], clean[small], strict=True)
curves = np.array([[
    [np.mean((smoothed_by(sigma)(x) - y) ** 2),
     cu.noise.estimate_risk(x, smoothed_by(sigma), NOISE)]
    for sigma in sigmas] for x, y in cu.track(pairs, "photos", total=8)])
true_risk, estimated = curves[:, :, 0], curves[:, :, 1]  # (photos, sigmas)
show(cu.graph_curves.risk_curves(sigmas, true_risk[0], estimated[0]),
     alt="Error over sigma and its estimate: two curves close together with "
     "minima side by side.")
rows, best = np.arange(8), estimated.argmin(axis=1)
claim("cost of choosing sigma without the clean photo (dB)",
      10 * np.log10(true_risk[rows, best] / true_risk.min(axis=1)),
      at_most=0.2, per="photo")

# %% [markdown]
# You should see the two curves nearly touch, and next to nothing lost by the
# choice. What works for one number works for a network: the same gate, trained
# on the clean photo, on the risk estimate, or on a second noisy shot of the same
# scene (Lehtinen and others, 2018). (Stored; the level was told to all three. The
# noise was drawn afresh at each step, so a scene was seen with much noise.)

# %%
# NBVAL_CHECK_OUTPUT
for name in ("risk estimate", "second shot"):
    claim(f"trained on a {name} instead of clean photos: cost (dB)",
          mean_of["true level"] - mean_of[name], at_least=-0.15,
          at_most=0.15, per="seed")

# %% [markdown]
# You should see no cost that one would notice. The risk estimate needs the level
# of the noise, the second shot a scene that holds still.
#
# **To take away**: an error can be estimated without the truth, if the noise is
# known, or there is a second shot.
#
# <a id="s6"></a>
# ## 6 Real EM
#
# The source calls its rule EM, expectation maximisation. There is an EM for
# patches, and its E step is attention once more. Suppose every clean patch comes
# from one of K Gaussians, and nobody tells which. *E step*: how likely is each
# Gaussian, given the patch? A softmax over K learned keys. *M step*: move the keys
# to the patches that attend to them. That is the fourth name. (In an exercise
# below, $w_k$ is how often component k is drawn.)
#
# ### Exercise 8: responsibilities
# difficulty 2 of 3 · 8 minutes
#
# In the E step patches attend to a few learned keys, the means of a Gaussian
# mixture. Each patch shares itself out in proportion to
# $w_k \exp(-d_k^2 / (2 \sigma^2))$. Here $d_k^2$ is the *sum* of squared
# differences, not their mean as in exercise 1: a density of many independent
# numbers is a product, so its exponent is a sum. For far patches every
# exponential is 0 in floating point: work with logarithms.

# %% tags=["exercise"]
def my_responsibilities(patches, weights, means, sigma):
    """The share of each component in each patch; rows sum to 1.

    patches: (n, width), also far from every mean
    weights: (components,), positive, sum to 1
    means: (components, width)
    sigma: standard deviation of every number, in every component
    Returns (n, components).
    """
    return ...

# %%
check.week6.responsibilities(my_responsibilities)

# %% [markdown]
# <details><summary>Hint</summary>
#
# As attention: `patches[:, None] - means` has shape (n, components, width). A
# weight that multiplies outside of exp is added inside, as its logarithm. Take
# each row's largest logit off the row, then exp, then divide by the row's sum.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_responsibilities(patches, weights, means, sigma):
#     squares = ((patches[:, None] - means) ** 2).sum(axis=2)
#     logits = np.log(weights) - squares / (2 * sigma**2)
#     shares = np.exp(logits - logits.max(axis=1, keepdims=True))
#     return shares / shares.sum(axis=1, keepdims=True)
# ```
#
# </details>
#
# ### Exercise 9: learn the keys
# difficulty 3 of 3 · 10 minutes
#
# In the M step the keys learn from who attended to them. A component's weight
# is its share of all patches; its mean is the average of the patches, each
# counted by its responsibility. One sigma serves all: its square is the squared
# difference of a number to the component's new mean, averaged over numbers,
# patches and, by responsibility, components.

# %% tags=["exercise"]
def my_m_step(patches, responsibilities):
    """New parameters of the mixture: weights, means, sigma.

    patches: (n, width)
    responsibilities: (n, components), rows sum to 1
    weights: (components,); means: (components, width); sigma: one number
    """
    return ...

# %%
check.week6.m_step(my_m_step)

# %% [markdown]
# <details><summary>Hint</summary>
#
# How many patches does each component take, in all? Fractions count. That
# divides the weighted sums, `responsibilities.T @ patches`, row by row. For
# sigma, squared distances as in exercise 8, each times its responsibility;
# their sum is spread over n x width numbers.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_m_step(patches, responsibilities):
#     taken = responsibilities.sum(axis=0)
#     means = responsibilities.T @ patches / taken[:, None]
#     squares = ((patches[:, None] - means) ** 2).sum(axis=2)
#     variance = (responsibilities * squares).sum() / patches.size
#     return taken / len(patches), means, np.sqrt(variance)
# ```
#
# </details>
#
# Give each component a covariance in place of one sigma, and a key is an
# ellipsoid: the logit is a distance measured in the component's own shape. Both
# steps, as the course uses them:

# %%
source(mixture.e_step, mixture.m_step)

# %% [markdown]
# Fit it to clean patches of the training photos. **Predict**: can a step of EM
# lower the likelihood? And could a step of the source's "EM" raise its loss?

# %%
prior, history = mixture_prior.fit_prior(
    training_crops(400, 64, seed=1), seed=session.seed)
show(cu.mixture_figures.likelihood(history), alt="Mean log-likelihood of a "
     "patch by EM step: it rises at each, first fast, then slowly.")
claim("EM never loses likelihood (smallest gain of a step, nats)",
      np.diff(history).min(), at_least=-1e-9)
losses = graph_results.trials(runs, "loss")[:, :, :2, 0]  # all crops
claim("unlike EM, the source's loss rises (share of updates)",
      (np.diff(losses, axis=-1) > 0).mean(), at_least=0.05)
keys = tokens[:6]  # round, alike, equally frequent components
claim("its E step is attention with a bias for each key (difference)", np.abs(
    mixture.isotropic_responsibilities(tokens, keys, 0.5) - attention.softmax(
        (tokens @ keys.T - (keys**2).sum(axis=1) / 2) / 0.5**2)).max(),
    at_most=1e-9)

# %%
show(cu.mixture_figures.components(
    prior.covariances, mixture_prior.PATCH_SIDE, prior.weights),
    alt="Small pictures of the directions in which the patches of eight "
    "components vary most: flat colours first, then slopes and edges.")

# %% [markdown]
# A column is a component, its share on top, below it the directions in which its
# patches vary most (colours show no sign or scale). You should see keys that nobody
# designed: flat colour first, then slopes and edges. The likelihood never falls, as
# Dempster, Laird and Rubin (1977) proved, and Ingrassia and Rocci (2007) for a
# variance with a floor, as here. The source's rule has no hidden variable (which
# component made this patch?), no likelihood and no such promise.
#
# **As a prior.** A noisy patch asks the same keys, each widened by the noise. What
# it reads is not a stored value but what each component would make of it: the
# patch shrunk into the ellipsoid (Zoran and Weiss, 2011).

# %%
source(mixture_prior.posterior_mean)

# %% [markdown]
# **To take away**: E is attention to learned keys, M is learning them.
#
# <a id="s7"></a>
# ## 7 The ladder
#
# Everything on the same photos and the same noise. *Total variation* looks for the
# image with the least sum of slopes that fits; a *bilateral* filter is attention to
# single pixels; SSIM compares structure, 1 at best. What is not learned is tuned for
# each level on training photos (but the source's defaults); the learned ones guess
# the level; the prior is told it. (At `quick`, the middle 64 x 64 pixels of 24 photos.)
# **Predict** where the source's defaults stand at noise 15.

# %%
methods = graph_results.methods(runs, prior)
part = session.pick(quick=np.s_[:, 32:96, 32:96], full=np.s_[:])
LEVELS = (15 / 255, 25 / 255, 50 / 255)
ladder = run_ladder(methods, clean[part], LEVELS, seed=0)
cu.ladder.print_ladder(ladder)

# %%
show(cu.ladder.ladder_figure(ladder), alt="Gain over the noisy photo by "
     "method at three noises: the mixture prior leads, the source's defaults "
     "trail.")


def surely(method, over):
    """The low end of the 95% interval of the lead, one at each level."""
    return [cu.metrics.bootstrap_interval(
        lead(ladder, method, over, noise)).low for noise in LEVELS]


refuted("its defaults denoise: lead over the noisy photo at noise 15 (dB)",
        lead(ladder, "source's defaults", "noisy", LEVELS[0]).mean(),
        at_least=0)
for rung, least in (("patch graph", -0.1), ("learned, four heads", -0.1),
                    ("mixture prior", 0.3)):
    claim(f"{rung} over non-local means (dB, low end of the 95% interval)",
          surely(rung, "non-local means"), at_least=least, per="level")
claim("mixture prior over learned, four heads (dB, low end)", surely(
    "mixture prior", "learned, four heads"), at_least=0, per="level",
    expect="undecided")

# %% [markdown]
# You should see the source's defaults below the noisy photo at noise 15, in the mean
# (with the radius of 10 that its status shows). The patch graph, tuned, stands
# level with scikit-image's non-local means or above: they are one operation.
# Learned parameters, which are told no level, hold that place for all levels at
# once. The mixture prior, which learned what patches look like, is ahead of all at
# 15 and 25; at 50 four heads, told nothing, draw level with it in PSNR.

# %%
at25 = [lead(ladder, name, "noisy", LEVELS[1]).mean() for name in methods]
show(cu.graph_bars.trade_off(
    list(methods)[1:], at25[1:], ladder.seconds[1:, 1]), alt="Gain at noise "
    "25 against seconds: Gaussian is the fastest, the mixture prior the best.")

# %% [markdown]
# **Another data set.** "Better transfer", says the source; nobody asked its rule. We
# ask ours, on pictures of 32 x 32 pixels that neither gate nor prior has seen (with
# `data="real"`, CIFAR-10):

# %%
others = cu.pictures.pictures(24, split="test", seed=0)
moved = run_ladder({name: methods[name] for name in (
    "non-local means", "patch graph", "learned, four heads",
    "mixture prior")}, as_floats(others.images), LEVELS[1:2], seed=1)
cu.ladder.print_ladder(moved, seconds=False)
claim("mixture prior over non-local means on these (dB)", lead(
    moved, "mixture prior", "non-local means", LEVELS[1]).mean(), at_least=0.3)

# %% [markdown]
# You should see the prior lead here, too.
#
# **To take away**: what was learned about patches beats what a photo knows of
# itself; what was promised about heads has to be measured like anything else.
#
# <a id="s8"></a>
# ## 8 What was claimed, what was measured?

# %%
cu.claims_table()

# %% [markdown]
# The source lists benefits, and dreams. What became of them:
#
# | it says | here |
# |---|---|
# | updates specialised by type of image | all patches go on one heap: one set of weights a batch |
# | stable; converges by epoch 5 | no walk on a parabola rests |
# | texture-aware, structure-aware | its heads follow the noise |
# | one formula for sigma and tau | its code has another for tau |
# | steps, radius and parameters of each head are learned | no rule moves or reads them |
# | parameters for each head, mixed | heads mixed, not parameters: worse than one head |
# | different weights for each region | every pixel has its own; the gain is the noise's level |
# | heads created and pruned | none created; silenced in section 4 |
# | CLIP and text prompts; augmentation | not built, not asked |
# | head weights by class of image | level explains more than kind |
#
# **Quiz.** Answer first, then unfold.
#
# <details><summary>1. In which sense is sigma a temperature?</summary>
#
# The logits are distances over 2 sigma²: large sigma, uniform attention; small
# sigma, each patch attends to itself.
#
# </details>
#
# <details><summary>2. A rule multiplies a parameter by 1.02 when the loss fell,
# by 0.98 when it rose. Why does it not find the optimum?</summary>
#
# It does not know in which direction it had moved. Above the optimum it steps to
# and fro; below it climbs, passes it, and once turned round runs away.
#
# </details>
#
# <details><summary>3. Features plus a gate gain 3 dB. What control is
# missing?</summary>
#
# A gate that is told one number, the noise level, estimated from the same photo.
#
# </details>
#
# <details><summary>4. How can one know a denoiser's error without the clean
# photo?</summary>
#
# From its misfit to the noisy one and from how much it follows the noise
# (Stein), or by comparing with a second noisy shot.
#
# </details>
#
# <details><summary>5. What are query, key and value in the E step and in the
# mixture prior?</summary>
#
# The patch; a component; what the component makes of the patch. The M step learns
# the keys.
#
# </details>
#
# **Further reading**
# - Buades, Coll and Morel, "A Non-Local Algorithm for Image Denoising" (2005);
#   "Non-Local Means Denoising" (2011).
# - Wang and others, "Non-local Neural Networks" (2018): the same line, in
#   networks.
# - Immerkaer, "Fast Noise Variance Estimation" (1996).
# - Stein, "Estimation of the Mean of a Multivariate Normal Distribution" (1981);
#   Ramani, Blu and Unser, "Monte-Carlo SURE" (2008); Lehtinen and others,
#   "Noise2Noise" (2018).
# - Dempster, Laird and Rubin, "Maximum Likelihood from Incomplete Data via the EM
#   Algorithm" (1977); Ingrassia and Rocci, "Constrained Monotone EM Algorithms for
#   Finite Mixture of Multivariate Gaussians" (2007); Zoran and Weiss, "From
# Learning Models of Natural Image
#   Patches to Whole Image Restoration" (2011).
#
# **Glossary**: *affinity*: a weight of likeness, before rows are divided by their
# sums. *Bandwidth*: sigma of a Gaussian of distances. *Non-local means*: averaging
# pixels whose patches are alike. *Responsibility*: the posterior probability of
# a component.
# *SURE*: Stein's unbiased risk estimate. Earlier words:
# [week 1](week1_attention_from_scratch.ipynb), [week
# 2](week2_multi_head_attention.ipynb), [week 3](week3_vit_and_dino.ipynb),
# [week 4](week4_diffusion_super_resolution.ipynb), [week
# 5](week5_cross_attention.ipynb).
#
# **This was the last week.** You came from a softmax in NumPy; the
# [index](index.ipynb) shows what you solved on the way.
#
# {{nav}}
