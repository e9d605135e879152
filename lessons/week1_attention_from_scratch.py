# %% [markdown]
# # Week 1 · Attention from scratch, in NumPy
#
# {{badges}}
#
# A photo is cut into 713 tiles, and every tile asks all the others: who here
# is like me? The answers are weights that sum to 1, and each tile takes home
# the weighted average of what it found. That is attention, the whole of it.
# This week you write it in plain NumPy, break it the way published code has
# been broken, and measure each thing said about it.
#
# **You will be able to**
# - write softmax and scaled dot-product attention, and say why each piece is
#   there;
# - split, merge and project heads, and prove your code equal to PyTorch's and
#   Keras's;
# - mask keys, attend to another sequence, and test whether order matters;
# - give tokens a position, in one dimension and in two;
# - turn a photo into tokens and predict what N tokens cost;
# - catch a wrong attention layer with a test of three lines.
#
# **Time**: 75 minutes, and 25 more for the museum of bugs. **Needs**: Python,
# and NumPy's `@`, `reshape` and broadcasting. No GPU, no training.
#
# **Contents**: [1 Softmax](#s1) · [2 Loops](#s2) ·
# [3 Query, key, value](#s3) · [4 The scale](#s4) · [5 Heads](#s5) ·
# [6 Masks](#s6) · [7 Order](#s7) · [8 Cost](#s8) · [9 A photo](#s9) ·
# [10 Museum](#s10) · [11 Claims and quiz](#s11)
#
# {{nav}}

# %% tags=["setup"]
setup(week=1)

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_utils import attention, check, claim, datasets, plots, show

rng = np.random.default_rng(0)

# %% [markdown]
# Here is where we are going: one tile of the saucer asks, and the saucer
# answers. By section 9 you will have written every step.

# %%
photo = datasets.photo("coffee")[:368, :496]  # (368, 496, 3)
colour = attention.patchify(photo / 255, 16).reshape(713, 256, 3).mean(1)
gap = ((colour[:, None] - colour) ** 2).sum(axis=-1)  # (713, 713)
attn = attention.softmax(-200 * gap)[10 * 31 + 6].reshape(23, 31)
fig, axes = plt.subplots(1, 2, figsize=(9, 3.3))
axes[0].imshow(photo)
axes[0].add_patch(plt.Rectangle((96, 160), 16, 16, fill=0, ec="w", lw=2))
axes[1].imshow(attn)
for ax, title in zip(axes, ["one tile asks", "its weights"], strict=True):
    ax.set(title=title, xticks=[], yticks=[])
show(fig, alt="Left: a red cup and saucer on a wooden table, a white square "
     "on the left of the saucer. Right: the weights of that tile, bright on "
     "both sides of the saucer, dark on coffee, cup and most of the table.")

# %% [markdown]
# **Warm-up.** Three questions on what you bring along; the answers are folded.
#
# <details><summary>A has shape (5, 4) and B has shape (7, 4). What is the
# shape of A @ B.T, and what is its entry in row 2, column 6?</summary>
#
# (5, 7). It is the dot product of row 2 of A with row 6 of B: 35 dot products
# in one expression. This is the first line of attention.
#
# </details>
#
# <details><summary>Two arrows of length 1 have the dot product 1, 0 or -1.
# How do they lie?</summary>
#
# In the same direction, at a right angle, in opposite directions. A dot
# product measures agreement, but also length: longer arrows give larger
# numbers, a fact that shows in section 2 and bites in section 4.
#
# </details>
#
# <details><summary>Which of these can be the output of a softmax:
# [0.2, 0.3, 0.5], [0.5, 0.6, -0.1], [1, 0, 0]?</summary>
#
# The first. Softmax weights are positive and sum to 1. The third can only be
# approached: exp never gives 0 exactly (but computers round, and logits can
# be minus infinity; section 6).
#
# </details>
#
# **The recipe.** The source tutorial of this week describes six steps. They
# are all right but the first, which its own code never takes.
#
# | step | in its words | in this notebook |
# |---|---|---|
# | 1 | features from a pre-trained CNN | any vectors will do: colours, pixels, patches |
# | 2 | queries, keys and values | three matrix products (section 3) |
# | 3 | scores by dot product | `query @ key.T` (section 2), scaled (section 4) |
# | 4 | weights | a softmax over the keys (section 1) |
# | 5 | weighted sum | `weights @ value` (section 2) |
# | 6 | repeat for every element | nothing to repeat: matrices do all at once |

# %% [markdown]
# <a id="s1"></a>
# ## 1 How do scores become weights?
#
# Scores (the field says *logits*) are any numbers; weights are positive and
# sum to 1. The softmax gets from one to the other:
# $w_k = e^{s_k} / \sum_j e^{s_j}$.
#
# **Predict**: the second call gets the same logits plus 1000. What comes out?

# %%
# NBVAL_CHECK_OUTPUT
def naive_softmax(logits):
    return np.exp(logits) / np.exp(logits).sum()


print(naive_softmax(np.array([2.0, 1.0, 0.0])).round(3))
with np.errstate(over="ignore", invalid="ignore"):
    print(naive_softmax(np.array([1002.0, 1001.0, 1000.0])))

# %% [markdown]
# You should see three weights, then three times `nan`: exp(1000) is infinite
# in floating point, and infinity divided by infinity is not a number. Yet the
# weights ought to be the same, because adding $c$ to all logits multiplies
# top and bottom of the fraction by $e^c$.
#
# ### Exercise 1: a softmax that never overflows
# difficulty 1 of 3 · 5 minutes
#
# Use that freedom. Also divide the logits by a *temperature*.

# %% tags=["exercise"]
def my_softmax(logits, axis=-1, temperature=1.0):
    """Turn logits of any size into weights that sum to 1 along `axis`.

    logits: floats of any shape, to be divided by temperature (> 0).
    Returns an array of the same shape.
    """
    return ...

# %%
check.week1.softmax(my_softmax)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Which number may you subtract from a row so that its largest exponent is 0?
# `keepdims=True` keeps an axis of length 1, so that broadcasting works for
# every `axis`.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_softmax(logits, axis=-1, temperature=1.0):
#     largest = logits.max(axis=axis, keepdims=True)
#     weights = np.exp((logits - largest) / temperature)
#     return weights / weights.sum(axis=axis, keepdims=True)
# ```
#
# </details>

# %% [markdown]
# **Predict**: which temperature makes the softmax pick the largest logit, and
# which a plain average? Then move the slider.

# %%
cu.sliders.softmax_temperature([2.0, 1.0, 0.0, -1.0], attention.softmax)

# %% [markdown]
# You should see one bar take everything near temperature 0, and all bars draw
# level as it rises. Their order never changes.
#
# **To take away**: softmax looks only at *differences* of logits; temperature
# stretches or shrinks them.
#
# <a id="s2"></a>
# ## 2 How does one token ask the others?
#
# Four tokens, each a colour. Every token compares its hue with all four hues
# (dot products), turns the scores into weights, and mixes the colours by these
# weights. The source tutorial gives this as pseudocode with three nested
# loops; here it runs. (The pseudocode has no projections and no scale, and
# leaves query, key and value to be "filled with actual values". Ours are
# arguments; projections and scale get sections of their own.)

# %%
def attention_loops(query, key, value):
    """(queries, head_dim), (keys, head_dim), (keys, value_dim) -> out."""
    out = np.zeros((len(query), value.shape[1]))
    for i in range(len(query)):
        logits = [sum(query[i] * row) for row in key]
        weights = attention.softmax(logits)
        for j in range(value.shape[1]):
            for k in range(len(key)):
                out[i, j] += weights[k] * value[k, j]
    return out

# %%
NAMES = ["sky", "sea", "sand", "sun"]
COLOURS = np.array([[5, 7, 9], [1, 4, 7], [9, 8, 5], [10, 7, 1]]) / 10
hue = 3 * (COLOURS - COLOURS.mean(axis=1, keepdims=True))  # (4, 3)
mixed = attention_loops(hue, hue, COLOURS)
weights = attention_loops(hue, hue, np.eye(4))
fig, axes = plt.subplots(1, 2, figsize=(7, 2.8), sharey=True)
plots.heatmap(axes[0], weights, "key", "query", "weights", values=True)
axes[0].set(xticks=range(4), xticklabels=NAMES, yticks=range(4))
axes[0].set(yticklabels=NAMES)
axes[1].imshow(np.stack([COLOURS, mixed], axis=1))  # (4, 2, 3)
axes[1].set(xticks=[0, 1], xticklabels=["value", "out"], title="colours")
show(fig, alt="Left: a 4 by 4 matrix of weights; sky and sea look at each "
     "other, sand and sun at each other. Right: the four colours before and "
     "after; the two blues have come closer, and so have the yellows.")

# %% [markdown]
# You should see that the two blues share their attention, and so do the two
# yellows. Every row sums to 1. But the matrix is not symmetric: sand gives
# most of its attention to sun, and sun keeps most for itself, because
# its hue is the longer arrow (second warm-up question). (A small trick on the
# way: with the identity matrix as values, the output *is* the weights.)
#
# Now the same without loops. **Predict**: how many times faster is it at 256
# tokens: 10, 100, 1,000?

# %%
def attention_matrices(query, key, value):
    logits = query @ key.T  # (queries, keys)
    weights = attention.softmax(logits)  # rows sum to 1
    return weights @ value  # (queries, value_dim)


assert np.allclose(attention_matrices(hue, hue, COLOURS), mixed)

# %%
sizes, speedup = [16, 32, 64, 128, 256], []
for size in cu.track(sizes, "timing loops"):
    arrays = rng.normal(size=(3, size, 32))
    slow = cu.measure.best_of(2, attention_loops, *arrays)
    speedup.append(slow / cu.measure.best_of(50, attention_matrices, *arrays))
fig, ax = plt.subplots(figsize=(6, 2.6))
lines = {"loops / matrices": speedup, "100 times": 5 * [100]}
plots.curves(ax, sizes, lines, "tokens", "time, as a ratio", log="xy")
show(fig, alt="Line chart with logarithmic axes: the speed-up of matrices "
     "over loops climbs at first and ends far above the line at 100.")
claim("at 256 tokens, matrix products are at least 100 times as fast",
      speedup[-1] // 100 * 100, at_least=100, baseline=("loops", 1))

# %% [markdown]
# You should see the ratio climb, perhaps with a dip at the end: a NumPy call
# costs something even for few tokens, so it pays off with many. The numbers
# are the same, and so is the count of multiplications; but one call hands them
# all to compiled code, while loops pay for Python's bookkeeping at nearly
# every one.
#
# **To take away**: attention is two matrix products with a softmax in between.
#
# <a id="s3"></a>
# ## 3 Why query, key and value?
#
# So far one vector did three jobs. Three matrices, learned in training, give
# each job its own: $Q = X W_Q$, $K = X W_K$, $V = X W_V$.
#
# | | it says | for a tile of the saucer, perhaps |
# |---|---|---|
# | query | what I am looking for | "the rest of this round thing" |
# | key | what I can be found by | "red, at the left, smooth" |
# | value | what I hand over if found | "my edge curves to the right" |
#
# A token may look for one thing and offer another: a spoon can seek its cup
# while the cup ignores the spoon. These sentences are a crutch, of course; the
# vectors only ever meet in dot products.
#
# The source tutorial shows this on a mini-example: two tokens of five positive
# numbers, projections drawn uniformly from 0 to 1, without a seed. We draw
# 2,000 of them at once, as one array with an axis in front. **Predict**: how
# does token 1 divide its attention between the two?

# %%
EMBEDDING = np.array([[1, 2, 3, 7, 8], [4, 5, 6, 9, 10]])


def mini_example(tokens, draw):
    """Weights of 2,000 random projections: (2000, queries, keys)."""
    query = tokens @ draw(size=(2000, 5, 2))  # (2000, tokens, head_dim)
    key = tokens @ draw(size=(2000, 5, 2))
    return attention.softmax(query @ key.swapaxes(-2, -1) / np.sqrt(2))


standard = (EMBEDDING - EMBEDDING.mean(0)) / EMBEDDING.std(0)
written = mini_example(EMBEDDING, rng.uniform)
mended = mini_example(standard / np.sqrt(5), rng.normal)

# %%
fig, ax = plt.subplots(figsize=(6, 2.4))
ax.hist([written[:, 0, 1], mended[:, 0, 1]], bins=np.linspace(0, 1, 21),
        label=["as written", "mended"])
ax.set(xlabel="weight of token 1 on token 2", ylabel="draws")
ax.legend(frameon=False)
show(fig, alt="Histogram of the weight on token 2 over 2,000 draws. As "
     "written, all draws are in the last bin, at 1; mended, they spread.")
stuck = [(w[:, :, 1] > 0.999).all(axis=1).mean() for w in (written, mended)]
claim("the mini-example as written saturates on token 2 (share of draws)",
      stuck[0], equals=1, baseline=("mended", stuck[1]))

# %% [markdown]
# You should see a single spike at 1. Every number of token 2 is larger than
# its neighbour in token 1, and nothing can be negative, so token 2's key wins
# against every query, in every draw. Such a softmax is *saturated*: a small
# change of the logits hardly changes the weights, so hardly any gradient flows
# and training can barely start. Centred features and zero-mean projections
# mend it.
# (The example also announces two heads and makes one, of size 5 // 2.)
#
# **To take away**: logits should start around 0, with a spread of about 1.
#
# <a id="s4"></a>
# ## 4 Why divide by the root of head_dim?
#
# Take two vectors of independent random numbers with mean 0 and variance 1.
# Their dot product adds up head_dim products, which have mean 0 and variance
# 1, too. Variances add. **Predict**: the standard deviation of the
# logits at head_dim 256, and what that does to the weights on 64 keys. We
# measure how evenly weights are spread by their *entropy*: 0 if one key has
# everything, log 64 if all share alike.

# %%
dims, table = [1, 4, 16, 64, 256, 1024], []
for dim in dims:
    query, key = rng.normal(size=(2, 64, dim))
    for logits in (query @ key.T, query @ key.T / np.sqrt(dim)):
        spread = attention.entropy(attention.softmax(logits)).mean()
        table.append((logits.std(), spread))
table = np.reshape(table, (6, 2, 2))  # (dims, raw or scaled, std or entropy)

# %%
fig, axes = plt.subplots(1, 2, figsize=(9, 3))
for part, name in enumerate(["std of the logits", "entropy (nats)"]):
    lines = {"raw": table[:, 0, part], "scaled": table[:, 1, part]}
    plots.curves(axes[part], dims, lines, "head_dim", name)
show(fig, alt="Against head_dim: the spread of raw logits grows to 32 and the "
     "entropy of their weights falls to nearly 0; scaled, both stay level.")
claim("scaled logits have standard deviation 1, from head_dim 16 to 1,024",
      table[2:, 1, 0], equals=1, tolerance=0.1, per="width")
claim("unscaled, wide heads saturate (entropy / uniform at head_dim 256)",
      table[4, 0, 1] / np.log(64), at_most=0.1, by="paper: Vaswani 2017",
      baseline=("scaled", table[4, 1, 1] / np.log(64)))

# %% [markdown]
# You should see raw logits spread like the root of head_dim, and their weights
# collapse onto one key. Scaled, both stay level. So it is the *root* that we
# divide by, since it is the standard deviation that has grown. The paper only
# suspects this; now it is measured, for random vectors at least.
#
# ### Exercise 2: scaled dot-product attention
# difficulty 2 of 3 · 5 minutes
#
# Write $\mathrm{softmax}(Q K^\top / \sqrt{d})\, V$ for matrices, and for any
# number of axes in front of them.

# %% tags=["exercise"]
def my_attention(query, key, value):
    """Scaled dot-product attention.

    query (..., queries, head_dim), key (..., keys, head_dim) and
    value (..., keys, value_dim) give (..., queries, value_dim).
    """
    return ...

# %%
check.week1.scaled_attention(my_attention)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Start from `attention_matrices`. `.T` turns *all* axes round; you want only
# the last two exchanged. Which of the arrays knows head_dim?
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_attention(query, key, value):
#     logits = query @ key.swapaxes(-2, -1)  # (..., queries, keys)
#     logits = logits / np.sqrt(query.shape[-1])
#     return attention.softmax(logits) @ value
# ```
#
# </details>

# %% [markdown]
# **To take away**: the scale keeps the softmax soft, whatever the width.
#
# <a id="s5"></a>
# ## 5 What do several heads add?
#
# One softmax gives one average per query. Two questions ("who has my colour?"
# and "who is next to me?") need two. Making the layer twice would cost twice
# as much, so the width is cut into slices instead. Each slice, a *head*,
# attends by itself; the results are put side by side again, and one last
# matrix lets them mix.

# %%
def split_heads(tokens, num_heads):
    batch, count, width = tokens.shape
    cut = tokens.reshape(batch, count, num_heads, width // num_heads)
    return cut.transpose(0, 2, 1, 3)  # (batch, heads, tokens, head_dim)


def merge_heads(heads):
    batch, num_heads, count, head_dim = heads.shape
    rows = heads.transpose(0, 2, 1, 3)  # (batch, tokens, heads, head_dim)
    return rows.reshape(batch, count, num_heads * head_dim)


def multi_head_attention(tokens, weights, num_heads):
    """(batch, tokens, width) -> out of the same shape, and attn."""
    query, key, value = (
        split_heads(tokens @ weights[name][0] + weights[name][1], num_heads)
        for name in ("query", "key", "value")
    )  # each (batch, heads, tokens, head_dim)
    logits = query @ key.swapaxes(-2, -1) / np.sqrt(query.shape[-1])
    attn = attention.softmax(logits)  # (batch, heads, tokens, tokens)
    matrix, bias = weights["output"]
    return merge_heads(attn @ value) @ matrix + bias, attn


# %% [markdown]
# Why the transpose in `split_heads`? Reshaping straight to (batch, heads,
# tokens, head_dim) gives the same shape. **Predict** what it does to five
# tokens, numbered 0 to 4. We look at the three heads side by side.

# %%
numbers = np.repeat(np.arange(5.0), 12).reshape(1, 5, 12)
heads = {"split_heads": split_heads(numbers, 3),
         "reshape only": numbers.reshape(1, 3, 5, 4)}
fig, axes = plt.subplots(1, 2, figsize=(9, 2.6))
for ax, (name, parts) in zip(axes, heads.items(), strict=True):
    side_by_side = np.concatenate(list(parts[0]), axis=1)  # (5, 12)
    plots.heatmap(ax, side_by_side, "3 heads of 4 channels", "token", name)
    ax.vlines([3.5, 7.5], -0.5, 4.5, color="white", lw=5)
show(fig, alt="Two matrices of 5 tokens by 3 heads of 4 channels, coloured by "
     "token. With split_heads each row has one colour; with reshape only, "
     "head 0 holds nothing but tokens 0 and 1.")

# %% [markdown]
# You should see clean rows on the left. On the right, head 0 never hears of
# tokens 2 to 4. Such a layer may still pass a test of training (section 10
# has a case); that is what makes it dangerous.
#
# The source tutorial has a subtler slip. It computes the scale from the width
# *before* the heads split it, and what it then calls the output is never
# merged nor projected. **Predict**: the spread of its logits, for width 96 in
# 8 heads.

# %%
query, key = split_heads(rng.normal(size=(2, 300, 96)), 8)  # (8, 300, 12)
logits = query @ key.swapaxes(-2, -1)  # (8, 300, 300)
claim("scaled by the width before the split, logits are too flat (std)",
      (logits / np.sqrt(96)).std(), equals=np.sqrt(12 / 96), tolerance=0.02,
      baseline=("root of head_dim", (logits / np.sqrt(12)).std()))

# %% [markdown]
# You should see about a third of the spread that was wanted: each head has 12
# numbers, but is scaled as if it had 96. (Its "Approach 2", with 2 heads, is
# off by the root of 2 in the same way.)
#
# Do several heads see more, as the source tutorial says? A clean test: each
# token must report its left *and* its right neighbour, in separate channels.
# Both sides get the best output matrix there is (least squares), and the
# single head the best of eleven mixtures of left and right. The report is 16
# wide, two heads have 8 channels each, and a single one may have all 16: it
# gains nothing, since the tokens hold only 8 numbers.

# %%
tokens = rng.normal(size=(500, 8))
left, right = (np.roll(np.eye(500), step, axis=1) for step in (1, -1))
target = np.concatenate([left @ tokens, right @ tokens], axis=1)


def explained(*heads):
    seen = np.concatenate([attn @ tokens for attn in heads], axis=1)
    missed = np.linalg.lstsq(seen, target)[1].sum()
    return 1 - missed / (target**2).sum()


one_head = max(explained(part * left + (1 - part) * right)
               for part in np.linspace(0, 1, 11))
claim("two heads capture relations that one cannot (share explained)",
      explained(left, right), at_least=0.99, by="source tutorial",
      baseline=("best single head", one_head))

# %% [markdown]
# You should see everything explained by two heads and about half by one: a
# single average cannot keep two neighbours apart.
#
# Now the proof that our layer is *the* layer: copy the weights of PyTorch's
# and then of Keras's into it, biases included, and compare the outputs.

# %%
import torch

PARTS = ["query", "key", "value", "output"]
tokens = rng.normal(size=(2, 5, 12)).astype("float32")
torch.manual_seed(session.seed)
layer = torch.nn.MultiheadAttention(12, 3, batch_first=True)
torch.nn.init.normal_(layer.in_proj_bias)
kernel, bias, *out = (part.numpy() for part in layer.state_dict().values())
kernels = [part.T for part in (*np.split(kernel, 3), out[0])]
pairs = zip(kernels, (*np.split(bias, 3), out[1]), strict=True)
weights = dict(zip(PARTS, pairs, strict=True))
theirs = layer(*3 * [torch.tensor(tokens)])[0].detach().numpy()
claim("our layer equals torch.nn.MultiheadAttention (largest difference)",
      np.abs(multi_head_attention(tokens, weights, 3)[0] - theirs).max(),
      at_most=1e-5)

# %%
keras = cu.import_quietly("keras")
keras.utils.set_random_seed(session.seed)
layer = keras.layers.MultiHeadAttention(num_heads=3, key_dim=4)
layer.build(tokens.shape, tokens.shape)
layer.set_weights([part + 0.1 for part in layer.get_weights()])
arrays = layer.get_weights()  # kernel, bias, kernel, bias, ...
kernels = [kernel.reshape(12, 12) for kernel in arrays[::2]]
pairs = zip(kernels, [bias.ravel() for bias in arrays[1::2]], strict=True)
copied = dict(zip(PARTS, pairs, strict=True))
theirs = np.array(layer(tokens, tokens))
claim("our layer equals keras.layers.MultiHeadAttention (largest difference)",
      np.abs(multi_head_attention(tokens, copied, 3)[0] - theirs).max(),
      at_most=1e-5)

# %% [markdown]
# You should see differences far below the band: rounding. PyTorch, Keras and
# we store the same matrices in three layouts, which is why a copied weight
# teaches more than a diagram.
#
# **To take away**: heads are several averages for as many multiplications as
# one. (Only the weights take more room: one matrix per head.)
#
# <a id="s6"></a>
# ## 6 Who may look at whom?
#
# Nothing says that queries and keys come from the same tokens. In
# *cross-attention*, 5 queries (the words of a caption, say) look at 7 keys
# (the patches of an image). And a *mask* forbids pairs: padding, the future,
# another image of the batch.
#
# **Predict** both shapes; and what the last row of weights sums to, where no
# key is allowed at all.

# %%
# NBVAL_CHECK_OUTPUT
query = rng.normal(size=(2, 3, 5, 4))  # (batch, heads, queries, head_dim)
key, value = rng.normal(size=(2, 2, 3, 7, 4))  # (batch, heads, keys, ...)
mask = np.tri(5, 7, 2, dtype=bool)  # True = may attend
mask[4] = False
out, attn = attention.scaled_dot_product_attention(query, key, value, mask)
print(mask.astype(int), "out", out.shape, "attn", attn.shape)
print("sums of rows:", attn.sum(axis=-1)[0, 0].round(6))

# %% [markdown]
# You should see 5 x 7 weights per head, and rows that sum to 1 but for the
# last: our reference returns zeros there, and its docstring says so. A naive
# softmax returns NaN, which one layer later is everywhere.
#
# ### Exercise 3: a masked softmax
# difficulty 2 of 3 · 5 minutes
#
# Write it so that both hold: forbidden weights are exactly 0, and a row
# without any key is harmless.

# %% tags=["exercise"]
def my_masked_softmax(logits, mask):
    """Softmax over the keys that each query may attend to.

    logits and mask: (queries, keys); mask is True where allowed.
    Forbidden weights are exactly 0; a row with no key allowed is all 0.
    """
    return ...

# %%
check.week1.masked_softmax(my_masked_softmax)

# %% [markdown]
# <details><summary>Hint</summary>
#
# exp of minus infinity is exactly 0, and `np.where` chooses. For the row with
# nothing allowed, the maximum is minus infinity too: put a harmless number in
# its place before you subtract, and mind the division at the end.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_masked_softmax(logits, mask):
#     logits = np.where(mask, logits, -np.inf)
#     largest = logits.max(axis=-1, keepdims=True)
#     largest = np.where(np.isneginf(largest), 0, largest)
#     weights = np.exp(logits - largest)
#     total = weights.sum(axis=-1, keepdims=True)
#     return weights / np.where(total == 0, 1, total)
# ```
#
# </details>

# %% [markdown]
# **To take away**: forbid *before* the softmax, and decide what an empty row
# means before you meet one.
#
# <a id="s7"></a>
# ## 7 Does attention know the order?
#
# Let $P$ be a matrix that shuffles tokens. Queries, keys and values come out
# shuffled alike, so the logits become $P Q K^\top P^\top$. Softmax works on
# each row, so the weights are shuffled the same way, and the output is
# $P\,\mathrm{softmax}(Q K^\top)\,P^\top P V$. Since $P^\top P$ is the
# identity, that is $P$ times the old output. Shuffled tokens give the same
# outputs, shuffled: attention is *permutation equivariant*. And a proof makes
# a test.
#
# ### Exercise 4: a test for order
# difficulty 2 of 3 · 6 minutes
#
# Here you write the test. It will be run on layers that should pass and on
# layers that should not.

# %% tags=["exercise"]
def my_order_test(layer, tokens):
    """Is the layer permutation-equivariant?

    layer: function from (tokens, width) to (tokens, width).
    Returns True if shuffling the tokens only shuffles the outputs.
    """
    return ...

# %%
check.week1.order_test(my_order_test)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `tokens[order]` with a random `order` of all indices is a shuffle. Two ways
# lead to a shuffled output: shuffle first, or run first. Compare with
# `np.allclose`; sums in another order differ in the last digits.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_order_test(layer, tokens):
#     order = np.random.default_rng(0).permutation(len(tokens))
#     return np.allclose(layer(tokens[order]), layer(tokens)[order])
# ```
#
# </details>

# %%
order = np.array([3, 0, 4, 1, 2])
code = attention.sinusoidal_1d(5, 12).astype("float32")


def moved(extra):
    """Largest change of an output, followed to its new place."""
    before, _ = multi_head_attention(tokens + extra, weights, 3)
    after, _ = multi_head_attention(tokens[:, order] + extra, weights, 3)
    return np.abs(after - before[:, order]).max()


claim("shuffling tokens only shuffles the outputs (largest change)",
      moved(0), at_most=1e-5, baseline=("with positions added", moved(code)))

# %% [markdown]
# You should see a change of rounding size only, and a real one as soon as
# positions are added. For images the first is fatal: a face and the same face
# with its patches shuffled are one and the same. So each token gets a *code*
# of its position added, sines and cosines of many wavelengths. For position
# $p$, width $d$ and pairs of channels $i$ = 0, 1, 2, ...:
#
# $$\mathrm{PE}(p, 2i) = \sin(p / 10000^{2i/d}), \qquad
# \mathrm{PE}(p, 2i+1) = \cos(p / 10000^{2i/d}).$$
#
# Think of clock hands: fast ones tell neighbours apart, slow ones tell
# morning from evening.
#
# ### Exercise 5: sinusoidal code
# difficulty 2 of 3 · 6 minutes

# %% tags=["exercise"]
def my_sinusoidal(num_positions, width):
    """Code positions 0, 1, 2, ... in an even number of channels.

    Returns (num_positions, width): sines in the even channels, cosines of
    the same angles in the odd ones.
    """
    return ...

# %%
check.week1.sinusoidal(my_sinusoidal)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The even channel numbers 0, 2, 4, ... are already the $2i$ of the formula.
# With positions as a column and these as a row, broadcasting makes the whole
# table of angles. `out[:, 0::2]` is every other column.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_sinusoidal(num_positions, width):
#     positions = np.arange(num_positions)[:, None]
#     two_i = np.arange(0, width, 2)
#     angles = positions / 10000 ** (two_i / width)
#     out = np.zeros((num_positions, width))
#     out[:, 0::2] = np.sin(angles)
#     out[:, 1::2] = np.cos(angles)
#     return out
# ```
#
# </details>

# %% [markdown]
# For a grid of patches, half of the channels code the row and half the column
# (`attention.sinusoidal_2d`). **Predict**: the dot products of one patch's
# code with all others, as a map.

# %%
code = attention.sinusoidal_1d(64, 64)  # (positions, width)
grid_code = attention.sinusoidal_2d(23, 31, 64)  # (713, width)
near = (grid_code @ grid_code[8 * 31 + 14] / 32).reshape(23, 31)
fig, axes = plt.subplots(1, 3, figsize=(11, 2.8), layout="constrained")
plots.heatmap(axes[0], code, "channel", "position", "the code")
plots.heatmap(axes[1], code @ code.T / 32, "position", "position", "likeness")
plots.heatmap(axes[2], near, "column", "row", "likeness to (8, 14)")
show(fig, alt="Left: the code, fast waves in the first channels, slow ones in "
     "the last. Middle: likeness of positions, bright on the diagonal. Right: "
     "likeness to the patch (8, 14), a bright spot with a cross through it.")

# %% [markdown]
# You should see bright diagonals: likeness depends on distance alone, high at
# first and then fading. In two dimensions a row part and a column part are
# added, hence the cross. The last third of the channels hardly moves; their
# wavelengths are made for thousands of positions.
#
# The source tutorial writes the exponent as `(2 * i) // width`, with an `i`
# that already counts 0, 2, 4. Does it matter? Put each code to work: add a
# little noise to the codes of 713 positions, and let every noisy code ask
# which clean one is nearest. (That is attention, at temperature 0.)
# **Predict** how many find home.

# %%
def seed_code(num_positions, width):
    """The source tutorial's positional code, exponents as written."""
    channel = np.arange(width)
    rate = 10000 ** ((2 * channel) // width)
    angles = np.arange(num_positions)[:, None] / rate
    return np.where(channel % 2, np.cos(angles), np.sin(angles))


def decoded(code, seed):
    """Share of positions that are read back from a noisy code."""
    noise = np.random.default_rng(seed).normal(size=code.shape)
    fit = (code + 0.05 * noise) @ code.T - (code**2).sum(axis=1) / 2
    return (fit.argmax(axis=1) == np.arange(len(code))).mean()

# %%
codes = {"as written": seed_code(713, 64),
         "correct": attention.sinusoidal_1d(713, 64)}
share = {name: [decoded(c, s) for s in range(5)] for name, c in codes.items()}
fig, ax = plt.subplots(figsize=(9, 2.8))
for width, (name, code) in zip([1, 3], codes.items(), strict=True):
    ax.plot((code @ code[0] / 32)[:150], lw=width, label=name)
ax.set(xlabel="position", ylabel="likeness to position 0", xticks=[0, 44, 88])
ax.legend(ncols=2, loc=(0, 1.02), frameon=False)
show(fig, alt="Likeness to position 0. As written it swings from 0 to 1 and "
     "is back at 1 at 44 and 88; correct, it falls to about a half.")
claim("the tutorial's code tells 713 positions apart (share decoded)",
      share["as written"], at_least=0.99, by="source tutorial",
      expect="refuted", baseline=("correct code", min(share["correct"])))

# %% [markdown]
# You should see about half of them lost. Whole-number division leaves only the
# exponents 0 and 1, hence the wavelengths $2\pi$ and $20000\pi$ at any width.
# One is too short, the other too long. Position 44 is seven turns of the first
# (44 / 7 is nearly $2\pi$) and looks like position 0. For RGB pixels, where
# the tutorial uses it first, three channels hold one wave and a slow ramp,
# [sin, cos, ramp], added to colours between 0 and 1.
#
# **Predict**: how does the peak change from width 4 to width 64? Then slide.

# %%
cu.sliders.positional_encoding(attention.sinusoidal_1d)

# %% [markdown]
# You should see that with 4 channels the likeness swings, much as in the
# tutorial's code, and other positions come close; with 64 the peak is alone.
#
# **To take away**: attention sees a *set*. Order is something we add.
#
# <a id="s8"></a>
# ## 8 What do N tokens cost?
#
# Every token meets every token: $N^2$ weights. We measure time and peak memory
# up to 2,048 tokens, extrapolate, and hold the forecast against 4,096, which
# is an image of 64 x 64 with one token per pixel. **Predict** the memory for
# all pixels of a 375 x 500 photo.

# %%
counts, seconds, gigabytes = [512, 1024, 2048, 4096], [], []
layer = attention.scaled_dot_product_attention
for count in cu.track(counts, "measuring cost"):
    arrays = rng.normal(size=(3, count, 64)).astype("float32")
    seconds.append(cu.measure.best_of(3, layer, *arrays))
    gigabytes.append(cu.measure.peak_bytes(layer, *arrays) / 1e9)
per_pair = gigabytes[2] / 2048**2  # all that the forecast knows

# %%
fig, axes = plt.subplots(1, 2, figsize=(9, 2.8))
far = np.array([*counts, 375 * 500])
seconds = np.array(seconds)
times = {"measured": seconds / seconds[0], "N squared": (far[:4] / 512) ** 2}
plots.curves(axes[0], counts, times, "tokens", "time / time of 512", log="xy")
memory = {"measured": [*gigabytes, np.nan], "N squared": per_pair * far**2,
          "a laptop": 5 * [16]}
plots.curves(axes[1], far, memory, "tokens", "peak memory (GB)", log="xy")
axes[1].set_xticks([512, 4096, far[-1]], ["512", "4,096", "187,500"])
show(fig, alt="Two charts with logarithmic axes: memory rises like N squared, "
     "time roughly so; 16 GB are used up long before 187,500 tokens.")
claim("memory at 4,096 tokens is as N squared forecasts (ratio)",
      gigabytes[3] / (per_pair * 4096**2), equals=1, tolerance=0.1)
claim("time at 4,096 tokens is within a factor 5 of the forecast (ratio)",
      round(seconds[3] / (4 * seconds[2]), 1), at_least=0.2, at_most=5)
claim("all pixels of a 375 x 500 photo would need (GB, one head)",
      per_pair * far[-1] ** 2, at_least=100, baseline="16 in a laptop")

# %% [markdown]
# You should see memory on a line of slope 2: twice the tokens, four times the
# memory. Time follows roughly: it also depends on the processor's cache, and
# on what else the machine is doing.
#
# The source tutorial calls attention dearer than convolution, in parameters
# and in computation. We count at width 64, layer against layer (one 3 x 3
# convolution) and block against block: attention and its two-layer perceptron,
# 4 times as wide inside, against the two convolutions of a residual block.
# **Predict** which has more of which.
#
# And its own example with 64 x 64 images reshapes each image to one row of
# 12,288 numbers before `np.matmul`. How many tokens is that?

# %%
WIDTH, TOKENS = 64, 64 * 64
conv, attend = 9 * WIDTH**2 + WIDTH, 4 * (WIDTH**2 + WIDTH)
block = attend + 8 * WIDTH**2 + 5 * WIDTH  # attention and perceptron
claim("attention needs more parameters than convolution (ratio)",
      [attend / conv, block / (2 * conv)], at_least=1, per="pair",
      by="source tutorial", expect="refuted", baseline=("convolution", 1))
multiply = TOKENS * 4 * WIDTH**2 + 2 * TOKENS**2 * WIDTH
claim("over 64 x 64 pixels attention computes more (products, ratio)",
      multiply / (TOKENS * 9 * WIDTH**2), at_least=1, by="source tutorial")
image = rng.random((3, 8, 8, 3)).reshape(3, -1, 8 * 8 * 3)  # small will do
claim("in the np.matmul example pixels attend (tokens per image)",
      layer(image, image, image)[1].shape[-1], at_least=64,
      by="source tutorial", expect="refuted")

# %% [markdown]
# You should see the parameters refuted and the computation confirmed: over so
# many tokens, attention is cheap to store and dear to run. (Choose well what
# to compare: a whole block against one convolution has more parameters, 12
# squares of the width against 9.)
#
# And one row is one token: it attends to itself with weight 1, whatever query
# and key say. The tutorial's second version does attend over pixels, with 4096
# x 4096 weights for each of 2 heads and 3 images; but its queries are made
# from 3 colours, so however wide they are drawn, there are only 3 numbers in
# them.
#
# **To take away**: the cost is in the pairs, so make fewer tokens.
#
# <a id="s9"></a>
# ## 9 What does a photo attend to?
#
# Fewer tokens: cut the photo into patches of 16 x 16 pixels. A patch,
# flattened, is a token of width 16 x 16 x 3 = 768.
#
# ### Exercise 6: patches
# difficulty 3 of 3 · 7 minutes

# %% tags=["exercise"]
def my_patchify(image, patch_size):
    """Cut (height, width, channels) into patches, in reading order.

    Returns (rows * cols, patch_size * patch_size * channels). A border that
    does not fill a patch is dropped, at the bottom and on the right.
    """
    return ...

# %%
check.week1.patchify(my_patchify)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Crop first. Then reshape to five axes, (rows, patch_size, cols, patch_size,
# channels): which two must change places before the last reshape, so that a
# patch's pixels lie together? Two loops and a list are a fine answer, too.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_patchify(image, patch_size):
#     rows, cols = (side // patch_size for side in image.shape[:2])
#     image = image[: rows * patch_size, : cols * patch_size]
#     cut = image.reshape(rows, patch_size, cols, patch_size, -1)
#     return cut.swapaxes(1, 2).reshape(rows * cols, -1)
# ```
#
# </details>

# %%
# NBVAL_CHECK_OUTPUT
image = datasets.photo("coffee") / 255  # (375, 500, 3)
patches = attention.patchify(image, 16)  # (713, 768)
grid = 375 // 16, 500 // 16
print("grid", grid, "tokens", patches.shape)
print(f"pixels dropped: {1 - patches.size / image.size:.1%}")

# %% [markdown]
# You should see 713 tokens, and 2.7% of the pixels gone without a word: 375
# and 500 are not multiples of 16. Now to attention, first as an untrained
# network does it: 8 heads, query and key projected by matrices as PyTorch
# draws them. **Predict** the map.

# %%
def linear(fan_in, fan_out):
    return rng.uniform(-1, 1, size=(fan_in, fan_out)) / np.sqrt(fan_in)


query, key = (split_heads((patches @ linear(768, 192))[None], 8)
              for _ in range(2))  # each (1, 8, 713, 24)
_, untrained = attention.scaled_dot_product_attention(query, key, key)
claim("untrained attention is all but uniform (entropy in nats, per head)",
      attention.entropy(untrained).mean(axis=(0, 2)), at_least=6.5, per="head",
      baseline=("uniform", np.log(713)))

# %% [markdown]
# You should see every head at the entropy of no preference at all. A picture
# of it would be one flat colour; the source tutorial prints the 713 x 713
# numbers.
#
# Learning has to wait for week 2. But structure can be had by hand, if query
# and key hold something that means something. *Nothing below is learned.*
# Three heads compare mean colour, texture (how strongly brightness changes,
# down and across) and position. One trick makes a dot product prefer the
# *nearest* key instead of the longest: subtract half its squared length,
# because $q \cdot k - |k|^2/2$ is largest where $|q - k|$ is smallest.

# %%
def nearest(features, sharpness):
    """(tokens, channels) -> (tokens, tokens), high where features agree."""
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    length = (features**2).sum(axis=1)  # (tokens,)
    logits = features @ features.T - length / 2  # one length per key
    return attention.softmax(sharpness * logits)


slopes = [np.abs(slope) for slope in np.gradient(image.mean(axis=2))]
rough = [attention.patchify(slope, 16).mean(axis=1) for slope in slopes]
code = attention.sinusoidal_2d(*grid, 64)  # all of one length
by_hand = np.stack([
    nearest(patches.reshape(713, 256, 3).mean(axis=1), 8),
    nearest(np.log(np.stack(rough, axis=1) + 1e-3), 8),
    attention.softmax(code @ code.T / 2),
])  # (heads, queries, keys)

# %%
cu.AttentionExplorer(
    photo, by_hand, grid, query=(10, 6),
    titles=["colour", "texture", "position"], alt="A cup of coffee on a red "
    "saucer: click a patch to see where it attends by each head.")

# %% [markdown]
# Click on the coffee, the rim, the wood and the saucer; the arrow keys work
# too. You should see the colour head go from one side of the saucer to the
# other, the texture head find equally smooth or rough places anywhere, and the
# position head light up around your click.
#
# A picture can be picked to please. So, in numbers: how much weight do patches
# left of the cup put on the saucer's far side, compared with an even spread?
# And how far does the position head look?

# %%
maps = by_hand.reshape(3, *grid, *grid)  # heads, query row, col, key row, col
seen = maps[:, 8:14, 6:9, 9:15, 24:27].sum(axis=(3, 4)).mean(axis=(1, 2))
gain = seen / (18 / 713)  # the far side is 18 of 713 patches
claim("the colour head finds the saucer's far side (weight / uniform)",
      gain[0], at_least=3, baseline=("position head", gain[2]))
uniform = attention.mean_distance(np.full((713, 713), 1 / 713), grid)
claim("the position head stays near (mean distance in patches)",
      attention.mean_distance(by_hand[2], grid), at_most=8,
      baseline=("uniform", uniform))

# %% [markdown]
# You should see several times the even share from the colour head, less than
# that share from the position head, and a position head that looks about half
# as far as chance.
#
# **To take away**: attention itself knows nothing about images. It finds what
# query and key are made to say; learning is how they come to say it.
#
# <a id="s10"></a>
# ## 10 The museum of bugs
#
# Six bugs that were published, in tutorials and in libraries. All of them run,
# and all but the fifth return the right shape. In rooms 1 to 4 *you write the
# test*: a function that returns True for correct code and False for the
# exhibit. The check runs it on repaired code, on the exhibit, and on relatives
# of it that you have not seen. In rooms 5 and 6 you repair. More exhibits you
# have met on the way: the overflow, the scale, the exponents, the single
# token.
#
# ### Exhibit 1: the wrong axis
# difficulty 1 of 3 · 3 minutes
#
# Found in a widely read collection of annotated papers (labml, issue 146),
# where image quality did not betray it, and in a ViT notebook
# (nerminnuraydogan/vision-transformer, issue 1).

# %% tags=["exercise"]
def exhibit_axis(query, key):
    return attention.softmax(query @ key.T, axis=0)


def my_axis_test(weights_of):
    """Does weights_of(query, key) return (queries, keys) weights: nowhere
    negative, rows summing to 1?"""
    return ...

# %%
check.week1.axis_test(my_axis_test)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Make random queries and keys, with more keys than queries. The docstring
# names two properties; join them with `and`.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_axis_test(weights_of):
#     random = np.random.default_rng(0)
#     attn = weights_of(random.normal(size=(5, 4)), random.normal(size=(7, 4)))
#     return np.allclose(attn.sum(axis=-1), 1) and (attn >= 0).all()
# ```
#
# </details>

# %% [markdown]
# ### Exhibit 2: reshape without transpose
# difficulty 2 of 3 · 4 minutes
#
# FuxiCTR had it from a tutorial (issue 30). Its mirror image, in the merge,
# sat in a "transformer from scratch" that passed its own training test
# (jsbaan, pull request 6).

# %% tags=["exercise"]
def exhibit_split(tokens, num_heads):
    batch, count, _ = tokens.shape
    return tokens.reshape(batch, num_heads, count, -1)


def my_split_test(split):
    """Does split(tokens, num_heads) turn (batch, tokens, width) into (batch,
    heads, tokens, head_dim), each token's numbers in its own place?"""
    return ...

# %%
check.week1.split_test(my_split_test)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Fill two images with numbers that say which image and token they are, as in
# the picture of section 5. After the split, what must stand at
# `[image, head, token]`?
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_split_test(split):
#     names = np.arange(10.0).reshape(2, 5, 1)  # one number per token
#     heads = split(np.repeat(names, 12, axis=2), 3)  # (2, 3, 5, 4)
#     return np.array_equal(heads, names[:, None] + np.zeros((2, 3, 5, 4)))
# ```
#
# </details>

# %% [markdown]
# ### Exhibit 3: the mask after the softmax
# difficulty 2 of 3 · 3 minutes
#
# Mended in the EVA model of timm in 2024 (pull request 2236). There, what was
# forbidden did not even become 0, but minus infinity.

# %% tags=["exercise"]
def exhibit_mask(logits, mask):
    return attention.softmax(logits) * mask


def my_mask_test(masked_weights):
    """Does masked_weights(logits, mask) return 0 where mask is False, and
    weights in the rest of each row? All arrays are (queries, keys)."""
    return ...

# %%
check.week1.mask_test(my_mask_test)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Two properties again: one about the entries where the mask is False, one
# about each row. Let every row keep some key.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_mask_test(masked_weights):
#     logits = np.random.default_rng(0).normal(size=(5, 7))
#     mask = np.tri(5, 7, 2, dtype=bool)
#     attn = masked_weights(logits, mask)
#     return (attn[~mask] == 0).all() and np.allclose(attn.sum(axis=-1), 1)
# ```
#
# </details>

# %% [markdown]
# ### Exhibit 4: one code for all patches
# difficulty 2 of 3 · 4 minutes
#
# The source tutorial hands over patches as (patches, pixels, channels) and
# counts positions along axis 1. Every patch gets the same code, so for the
# order of patches the code is worth nothing.

# %% tags=["exercise"]
def exhibit_position(patches):
    code = attention.sinusoidal_1d(patches.shape[1], 4)[:, :3]
    return patches + code  # (patches, pixels, channels)


def my_position_test(add_code):
    """Does add_code, from and to (patches, pixels, channels), give every
    patch a code that no other patch has?"""
    return ...

# %%
check.week1.position_test(my_position_test)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Blank patches are all alike. After `add_code`, how many *different* rows are
# there? `np.unique` takes an axis.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_position_test(add_code):
#     coded = add_code(np.zeros((20, 16, 3))).reshape(20, -1)
#     return len(np.unique(coded.round(6), axis=0)) == 20
# ```
#
# </details>

# %% [markdown]
# ### Exhibit 5: the softmax of a crop
# difficulty 1 of 3 · 3 minutes
#
# To look at a few weights of a trained network, the source tutorial cuts out
# logits and takes their softmax. It cuts with two brackets in a row, which is
# one bug and hides another: repair both.

# %% tags=["exercise"]
def exhibit_crop(logits, size):
    return attention.softmax(logits[:size][:size])


def my_crop(logits, size):
    """Top left (size, size) corner of the weights of (queries, keys)."""
    return ...

# %%
check.week1.crop(my_crop)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Weights depend on all keys of the row. What has to come first, the crop or
# the softmax? And print `exhibit_crop(logits, 2).shape` for 6 x 9 logits.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_crop(logits, size):
#     return attention.softmax(logits)[:size, :size]
# ```
#
# </details>

# %% [markdown]
# ### Exhibit 6: rows divided by columns
# difficulty 3 of 3 · 4 minutes
#
# *Rollout* follows attention through layers: half of each layer is its own
# input (the skip connection), rows are normalised, and the matrices are
# multiplied. A much copied code for it (vit-explain, issue 16) first drops
# weak weights, so that the rows have different sums; then a `keepdims` is
# missing. For square matrices, nothing complains.

# %% tags=["exercise"]
def exhibit_rollout(layers):
    result = np.eye(layers.shape[-1])
    for attn in layers:  # first layer first
        step = attn + np.eye(len(attn))
        result = step / step.sum(axis=-1) @ result
    return result


def my_rollout(layers):
    """(layers, tokens, tokens) -> (tokens, tokens), rows summing to 1."""
    return ...


# %%
check.week1.rollout(my_rollout)

# %% [markdown]
# <details><summary>Hint</summary>
#
# A row of sums has shape (tokens,). Dividing a matrix by it divides column j
# by sum j. Which shape would divide row i by sum i?
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def my_rollout(layers):
#     result = np.eye(layers.shape[-1])
#     for attn in layers:
#         step = attn + np.eye(len(attn))
#         result = step / step.sum(axis=-1, keepdims=True) @ result
#     return result
# ```
#
# </details>

# %% [markdown]
# **To take away**: a shape that fits proves nothing. Rows that sum to 1,
# tokens that arrive, shuffles that commute: these do.
#
# <a id="s11"></a>
# ## 11 What was claimed, what was measured
#
# A refuted row is a claim of the source tutorial, tested as it states or codes
# it.

# %%
cu.claims_table()

# %% [markdown]
# ## Quiz
#
# <details><summary>1. You add 5 to every logit of one row. What happens to the
# output of attention?</summary>
#
# Nothing. Softmax sees differences only. Adding 5 to one *column* would
# matter: that key wins more often.
#
# </details>
#
# <details><summary>2. Head_dim goes from 64 to 256 and somebody forgets the
# scale. What do gradients look like at the start?</summary>
#
# Logits spread with standard deviation 16, so nearly every row is one-hot,
# and where the softmax is flat, gradients vanish. Most queries get stuck with
# the key that chance gave them.
#
# </details>
#
# <details><summary>3. einsum('bhqk, bhvd -> bhqd', attn, value) has two names
# for the key axis. What does it compute?</summary>
#
# k and v are summed separately: the weights sum to 1, the values add up. Each
# query gets the same sum of all values, and attention never reaches the
# output. This bug is real, too; week 5 measures its damage.
#
# </details>
#
# <details><summary>4. A model with no positional code reads tiles of a digit.
# Can it tell a 6 from a 9?</summary>
#
# Only if the tiles differ in themselves. A 9 is a 6 turned round, and turned
# tiles are other tiles; but a 6 with its tiles shuffled is the same to it.
#
# </details>
#
# <details><summary>5. You halve the patch size. What happens to tokens, and
# to the memory of the attention matrix?</summary>
#
# Four times the tokens, sixteen times the memory.
#
# </details>
#
# ## Glossary
#
# **logits**: scores before the softmax. **attn**: weights, (batch, heads,
# queries, keys), rows sum to 1. **width**: numbers per token. **head_dim**:
# width / heads. **entropy**: spread of a row, 0 to log(keys), in nats.
# **equivariant**: shuffled in, shuffled out. **saturated**: one weight near 1.
#
# ## Further reading
#
# - A. Vaswani and others, *Attention Is All You Need* (2017): sections 3.2
#   and 3.5 are this notebook.
# - A. Dosovitskiy and others, *An Image is Worth 16x16 Words* (2021): patches.
# - A. Buades, B. Coll, J.-M. Morel, *A Non-Local Algorithm for Image
#   Denoising* (2005): section 9 by hand, before attention had its name.
# - M. Phuong and M. Hutter, *Formal Algorithms for Transformers* (2022): every
#   shape, as pseudocode.
# - S. Abnar and W. Zuidema, *Quantifying Attention Flow in Transformers*
#   (2020): rollout.
#
# **Next week**: query and key begin to learn. A tutorial's Keras layer attends
# to the wrong axis; you find out by differentiating it, and repair it. In week
# 3 a trained network, the one that the source tutorial could not load, moves
# into the explorer you have just used.
#
# {{nav}}
