# %% [markdown]
# # Week 1, graded: attention as it runs today
#
# {{badges}}
#
# In the lesson you wrote attention as its paper has it. What runs today is
# often a little different: it compares angles, shares keys among heads, knows
# where a patch lies, and never holds the whole matrix of weights. Here you
# write these four variants, and find the input that exposes a bug of several
# published programs.
#
# **Hand in** this one notebook. It is planned for about two hours.
#
# **Allowed**: NumPy, and everything in `course_utils.attention`. No PyTorch,
# no TensorFlow; the tasks do not need them.
#
# **Points**: 30. Five functions give 20. The cell below each function shows
# at once which of its properties hold and what they are worth; the rest is
# judged after you hand in, and everything once more with other numbers. A
# function that has only some of the properties earns their points. The
# written answer at the end gives 10, marked by hand by a rubric that you can
# read.
#
# | | function | points |
# |---|---|---|
# | 1 | `cosine_attention` | 4 |
# | 2 | `leaking_input` | 3 |
# | 3 | `grouped_attention` | 4 |
# | 4 | `relative_bias` | 4 |
# | 5 | `absorb` | 5 |
# | 6 | analysis, in words | 10 |

# %% tags=["setup"]
setup(week=1)

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_utils import attention, graded, measure, plots

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1 Attention by angle
#
# A dot product grows with the length of its vectors, so one long key can win
# against every query; the mini-example of the lesson was stuck for that
# reason. Swin Transformer V2 (Liu and others, 2022) compares angles instead:
#
# $$\mathrm{logit}_{qk} = \frac{\cos(q, k)}{\tau}, \qquad
# \cos(q, k) = \frac{q \cdot k}{|q|\,|k|}$$
#
# No logit can exceed $1/\tau$, however wide the head is. One case needs a
# decision: a blank token is all zeros and has no angle. Give it cosine 0 with
# everything.

# %% answer="cosine_attention"
def cosine_attention(query, key, temperature):
    """Return attention weights by the cosine of the angle.

    query: (batch, heads, queries, head_dim).
    key: (batch, heads, keys, head_dim).
    temperature: > 0, divides the cosines.
    Returns (batch, heads, queries, keys), rows sum to 1. The cosine with a
    vector of zeros counts as 0.
    """
    ### BEGIN SOLUTION
    lengths = [np.linalg.norm(x, axis=-1, keepdims=True) for x in (query, key)]
    query, key = (
        x / np.where(length == 0, 1, length)
        for x, length in zip((query, key), lengths, strict=True)
    )
    cosine = query @ key.swapaxes(-2, -1)  # (batch, heads, queries, keys)
    return attention.softmax(cosine, temperature=temperature)
    ### END SOLUTION


# %% graded="cosine_attention"
graded.week1.cosine_attention(cosine_attention)

### BEGIN HIDDEN TESTS
def _drawn_cosines(rng):
    query, key = rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(2, 3, 7, 4))
    dots = np.einsum("bhqd,bhkd->bhqk", query, key)
    long_query = np.sqrt(np.einsum("bhqd,bhqd->bhq", query, query))
    long_key = np.sqrt(np.einsum("bhkd,bhkd->bhk", key, key))
    return query, key, dots / long_query[..., None] / long_key[:, :, None]


@graded.week1.cosine_attention.hidden(
    1,
    "Weights follow the cosine and the temperature.",
    "Work out one row by hand: two keys at known angles, temperature 0.3.",
)
def cosine_formula(answer, rng):
    query, key, cosine = _drawn_cosines(rng)
    temperature = rng.uniform(0.2, 0.5)
    odds = np.exp(cosine / temperature)
    right = odds / odds.sum(axis=-1, keepdims=True)
    return np.allclose(answer(query, key, temperature), right, atol=1e-4)


@graded.week1.cosine_attention.hidden(
    1,
    "A blank query looks everywhere alike, a blank key has cosine 0.",
    "Blank vectors have length 0, and what divides by it is not a number.",
)
def cosine_blank(answer, rng):
    query, key, cosine = _drawn_cosines(rng)
    query[:, :, 2], key[:, :, 4] = 0, 0
    cosine[:, :, 2], cosine[..., 4] = 0, 0
    odds = np.exp(cosine / 0.5)
    right = odds / odds.sum(axis=-1, keepdims=True)
    return np.allclose(answer(query, key, 0.5), right, atol=1e-4)


### END HIDDEN TESTS

# %% [markdown]
# Does the width of a head still matter? The largest weight of a row, averaged
# over 200 random rows of 64 keys. Beside it the same without any scale, as in
# section 4 of the lesson.

# %%
with graded.later():
    for width in (4, 64, 1024):
        query = rng.normal(size=(1, 1, 200, width))
        key = rng.normal(size=(1, 1, 64, width))
        angle = cosine_attention(query, key, 0.1).max(axis=-1).mean()
        raw = attention.softmax(query @ key.swapaxes(-2, -1))
        print(f"head_dim {width:4}: by angle {angle:.2f}, "
              f"unscaled dot product {raw.max(axis=-1).mean():.2f}")

# %% [markdown]
# Cosines of random vectors shrink as the width grows, so this softmax errs
# the other way: it flattens. Swin V2 *learns* its temperature, one for each
# head.
#
# ## 2 A mask with a hole
#
# To forbid a key, give it a logit of minus infinity. Much code writes a large
# negative number instead, and some of it a number that is not even large:
# gluonts filled with 1e-9 where -1e9 was meant (pull request 1401),
# RibonanzaNet with -1e-9 (issue 5). Softmax turns a logit near 0 into a weight
# like any other. A reviewer of the first remarked that it is "probably fine
# most of the time". When is it not? And is a really large number safe?
# TransformerLens masked with -100000, until a trained language model turned
# out to have true logits below that (issue 318).
#
# You get the exhibit. Write the function that exposes it, for any fill.

# %%
def exhibit_fill(logits, mask, fill):
    """Weights where the mask is False ought to be 0. They are not."""
    return attention.softmax(np.where(mask, logits, fill))


logits = np.array([[3.0, 2.0, 1.0]])
mask = np.array([[True, True, False]])
print("looks harmless:", exhibit_fill(4 * logits, mask, -1e-9).round(4))

# %% answer="leaking_input"
def leaking_input(fill, num_queries, num_keys):
    """Return logits and a mask on which `exhibit_fill` fails badly.

    fill: number below 0 that the exhibit puts in place of forbidden logits.
    num_keys: at least 2.
    Returns (logits, mask), both (num_queries, num_keys): finite logits, and
    booleans, True = allowed. Every row allows some key and forbids some key.
    With them, forbidden keys together get over 0.9 of every row's weight.
    """
    ### BEGIN SOLUTION
    mask = np.zeros((num_queries, num_keys), dtype=bool)
    mask[:, 0] = True
    logits = np.full(mask.shape, fill - 20.0)  # allowed ones lose to fill
    return logits, mask
    ### END SOLUTION


# %% graded="leaking_input"
graded.week1.leaking_input(leaking_input)

### BEGIN HIDDEN TESTS
@graded.week1.leaking_input.hidden(
    1,
    "Any fill leaks: no finite number is a mask.",
    "Your logits were made for the fills that you could see.",
)
def leak_any(answer, rng):
    fill = -(10 ** rng.uniform(4.5, 6))
    logits, mask = answer(fill, 6, 3)
    odds = np.where(mask != 0, logits, fill)
    odds = np.exp(odds - odds.max(axis=-1, keepdims=True))
    forbidden = np.where(mask != 0, 0, odds).sum(axis=-1)
    return (forbidden / odds.sum(axis=-1) > 0.9).all()


### END HIDDEN TESTS

# %% [markdown]
# ## 3 Keys for several heads
#
# A model that writes one token after the other keeps the keys and values of
# all earlier ones in memory, for every head. Multi-query attention (Shazeer,
# "Fast Transformer Decoding", 2019) keeps one key and one value head for all
# query heads. Grouped-query attention (Ainslie and others, 2023) keeps a few:
# with 6 heads in 2 groups, heads 0, 1, 2 read group 0 and heads 3, 4, 5 read
# group 1.
#
# The number of groups divides the number of heads. Mind the order of the
# heads: the wrong one has the right shape and runs, but reads weights that
# were trained elsewhere with the wrong heads.

# %% answer="grouped_attention"
def grouped_attention(query, key, value):
    """Scaled dot-product attention whose heads share keys and values.

    query: (batch, heads, queries, head_dim).
    key: (batch, groups, keys, head_dim), groups divides heads.
    value: (batch, groups, keys, value_dim).
    Returns (batch, heads, queries, value_dim): head h reads group
    h // (heads / groups), the first heads the first group.
    """
    ### BEGIN SOLUTION
    size = query.shape[1] // key.shape[1]  # heads per group
    key, value = (np.repeat(x, size, axis=1) for x in (key, value))
    return attention.scaled_dot_product_attention(query, key, value)[0]
    ### END SOLUTION


# %% graded="grouped_attention"
graded.week1.grouped_attention(grouped_attention)

### BEGIN HIDDEN TESTS
def _one_head(query, key, value):
    odds = np.exp(query @ key.swapaxes(-2, -1) / np.sqrt(query.shape[-1]))
    return odds / odds.sum(axis=-1, keepdims=True) @ value


@graded.week1.grouped_attention.hidden(
    1,
    "With one group, every head reads it (multi-query attention).",
    "Compare each head with plain attention on the one key and value head.",
)
def grouped_one(answer, rng):
    query = rng.normal(size=(2, 6, 5, 4))
    key, value = rng.normal(size=(2, 1, 7, 4)), rng.normal(size=(2, 1, 7, 3))
    right = _one_head(query, key, value)
    return np.allclose(answer(query, key, value), right, atol=1e-4)


@graded.week1.grouped_attention.hidden(
    1,
    "Every head agrees with attention on its own group.",
    "Take 8 heads in 4 groups, compute head 5 alone, and compare.",
)
def grouped_each(answer, rng):
    query = rng.normal(size=(2, 8, 5, 4))
    key, value = rng.normal(size=(2, 4, 7, 4)), rng.normal(size=(2, 4, 7, 3))
    out = answer(query, key, value)
    heads = [_one_head(query[:, h], key[:, h // 2], value[:, h // 2])
             for h in range(8)]
    return np.allclose(out, np.stack(heads, axis=1), atol=1e-4)


### END HIDDEN TESTS

# %% [markdown]
# ## 4 Where, as seen from here
#
# In the lesson a position was a code added to the token. Swin Transformer
# (Liu and others, 2021) adds a learned number to each *logit* instead, looked
# up by the offset from query to key. A grid of 4 x 5 patches has offsets from
# -3 to 3 down and from -4 to 4 to the right, so the table of one head is
# 7 x 9, with offset (0, 0) in its middle:
#
# $$\mathrm{bias}_{qk} = \mathrm{table}[\mathrm{rows} - 1 +
# \mathrm{row}_k - \mathrm{row}_q,\;\; \mathrm{cols} - 1 +
# \mathrm{col}_k - \mathrm{col}_q]$$
#
# Tokens are patches in reading order. The table knows nothing of where the
# query is: what it learns in one corner, it has learned everywhere.

# %% answer="relative_bias"
def relative_bias(table, grid):
    """Look up a bias for every pair of patches by their offset.

    table: (heads, 2 * rows - 1, 2 * cols - 1).
    grid: (rows, cols) of patches, tokens in reading order.
    Returns (heads, tokens, tokens), at [h, query, key] the entry of the
    offset (key row - query row, key col - query col); tokens = rows * cols.
    """
    ### BEGIN SOLUTION
    rows, cols = grid
    row, col = np.divmod(np.arange(rows * cols), cols)
    down = row - row[:, None]  # (queries, keys), key minus query
    right = col - col[:, None]
    return table[:, rows - 1 + down, cols - 1 + right]
    ### END SOLUTION


# %% graded="relative_bias"
graded.week1.relative_bias(relative_bias)

### BEGIN HIDDEN TESTS
@graded.week1.relative_bias.hidden(
    1,
    "The key to the right and the key below are not mixed up or mirrored.",
    "From patch (0, 0), the right neighbour has offset (0, 1): key minus "
    "query, and columns last.",
)
def bias_neighbours(answer, rng):
    table = rng.normal(size=(3, 7, 9))
    bias = answer(table, (4, 5))
    pairs = {(0, 1): (3, 5), (1, 0): (3, 3), (6, 11): (4, 4), (11, 6): (2, 4)}
    return all(np.allclose(bias[:, query, key], table[:, down, right])
               for (query, key), (down, right) in pairs.items())


@graded.week1.relative_bias.hidden(
    1,
    "Every entry is right, on a tall grid and on a wide one.",
    "Write it with four loops on a grid of 2 x 3, and compare.",
)
def bias_every(answer, rng):
    for rows, cols in ((5, 3), (2, 6)):
        table = rng.normal(size=(2, 2 * rows - 1, 2 * cols - 1))
        places = [(r, c) for r in range(rows) for c in range(cols)]
        right = [[table[:, rows - 1 + k[0] - q[0], cols - 1 + k[1] - q[1]]
                  for k in places] for q in places]
        right = np.moveaxis(np.array(right), -1, 0)
        bias = answer(table, (rows, cols))
        if bias.shape != right.shape or not np.allclose(bias, right):
            return False
    return True


### END HIDDEN TESTS

# %% [markdown]
# Three tables written by hand, seen from two patches of a 7 x 11 grid: far
# keys cost more (as ALiBi has it, Press and others, 2022), the row counts
# more than the column, and a window outside of which all is forbidden.

# %%
with graded.later():
    offset = np.indices((13, 21)) - np.array([6, 10])[:, None, None]
    far, window = np.hypot(*offset), abs(offset).max(axis=0) <= 2
    tables = np.stack([-far / 2, -abs(offset[0]) - abs(offset[1]) / 8,
                       np.where(window, 0, -np.inf)])
    bias = relative_bias(tables, (7, 11))  # (3, 77, 77)
    attn = attention.softmax(bias)  # (heads, queries, keys)
    maps = [attn[:, 0], attn[:, 3 * 11 + 8]]  # two queries
    titles = [f"{name}, from {place}" for place in ("(0, 0)", "(3, 8)")
              for name in ("near", "row", "window")]
    plots.images(list(np.reshape(maps, (6, 7, 11))), titles, columns=3,
                 cmap="viridis", alt="Six maps of 7 by 11 patches. Near: a "
                 "spot round the query. Row: a stripe along its row. Window: "
                 "a flat square round it, cut off at the corner.")

# %% [markdown]
# ## 5 Never the whole row
#
# A softmax seems to need all logits of its row: the largest to subtract, the
# sum to divide by. It does not. Keep, for each query, the largest logit so
# far, the sum of exponentials, and the sum of weighted values, both relative
# to that peak:
#
# $$m = \max_k s_k, \qquad \ell = \sum_k e^{s_k - m}, \qquad
# o = \sum_k e^{s_k - m} v_k$$
#
# When a new block of keys brings a larger peak, what was summed so far is
# relative to the wrong one, and a factor puts it right. Attention is $o /
# \ell$, at any time. This is Milakov and Gimelshein's "Online normalizer
# calculation for softmax" (2018); FlashAttention (Dao and others, 2022)
# builds on it. Logits are $s = q \cdot k / \sqrt{d}$ with $d$ the head_dim.
#
# Your function takes the state so far and one block. Its state may not grow.

# %% answer="absorb"
def absorb(state, query, key, value):
    """Add a block of keys and values to the running sums of attention.

    state: None before the first block, then what the last call returned.
    query: (queries, head_dim), the same in every call.
    key: (keys, head_dim) and value: (keys, value_dim), one block.
    Returns (peak, total, mixed): peak (queries,), the largest logit so far;
    total (queries,), the sum of exp(logit - peak) over all keys so far;
    mixed (queries, value_dim), the sum of exp(logit - peak) * value.
    """
    ### BEGIN SOLUTION
    logits = query @ key.T / np.sqrt(query.shape[-1])  # (queries, keys)
    peak = logits.max(axis=-1)
    if state is not None:
        peak = np.maximum(peak, state[0])
    weights = np.exp(logits - peak[:, None])
    total, mixed = weights.sum(axis=-1), weights @ value
    if state is None:
        return peak, total, mixed
    shrink = np.exp(state[0] - peak)  # at most 1
    return peak, total + shrink * state[1], mixed + shrink[:, None] * state[2]
    ### END SOLUTION


# %% graded="absorb"
graded.week1.absorb(absorb)

### BEGIN HIDDEN TESTS
def _absorbed(answer, query, key, value, ends):
    state = None
    for rows in np.split(np.arange(len(key)), ends):
        state = answer(state, query, key[rows], value[rows])
    _, total, mixed = state
    return mixed / total[:, None]


def _in_one_go(query, key, value):
    logits = query @ key.T / np.sqrt(query.shape[-1])
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return odds @ value / odds.sum(axis=-1, keepdims=True)


@graded.week1.absorb.hidden(
    1,
    "Blocks of any size give scaled dot-product attention.",
    "Blocks of 1, 7 and 16 keys should agree with "
    "attention.scaled_dot_product_attention over all 24.",
)
def absorb_any(answer, rng):
    query, key = 2 * rng.normal(size=(5, 4)), rng.normal(size=(24, 4))
    value = rng.normal(size=(24, 6))
    out = _absorbed(answer, query, key, value, [1, 8])
    return np.allclose(out, _in_one_go(query, key, value), atol=1e-4)


@graded.week1.absorb.hidden(
    1,
    "Logits in the thousands do no harm, whichever block has the largest.",
    "Which of your exponents can be large and positive? It should be none.",
)
def absorb_large(answer, rng):
    query, key = 4e3 * rng.normal(size=(5, 4)), rng.normal(size=(24, 4))
    value = rng.normal(size=(24, 6))
    out = _absorbed(answer, query, key, value, range(2, 24, 2))
    return np.allclose(out, _in_one_go(query, key, value), atol=1e-2)


### END HIDDEN TESTS

# %% [markdown]
# ## 6 What does it save, and what does it cost?
#
# Below, your `absorb` runs over 1,024 queries and more and more keys, beside
# the attention of the lesson. Memory is the peak held during the call. Time is
# a ratio, since seconds belong to a machine.

# %%
def streamed(query, key, value, block):
    """Attention by `absorb`, `block` keys at a time."""
    state = None
    for start in range(0, len(key), block):
        part = slice(start, start + block)
        state = absorb(state, query, key[part], value[part])
    return state[2] / state[1][:, None]


def compare(num_keys, block):
    """Return MB at once, MB streamed, time ratio, largest difference."""
    query = rng.normal(size=(1024, 32))
    inputs = query, *rng.normal(size=(2, num_keys, 32))
    at_once = attention.scaled_dot_product_attention
    difference = at_once(*inputs)[0] - streamed(*inputs, block)
    ratio = measure.best_of(3, streamed, *inputs, block) / measure.best_of(
        3, at_once, *inputs)
    peaks = (measure.peak_bytes(at_once, *inputs),
             measure.peak_bytes(streamed, *inputs, block))
    return *(peak / 1e6 for peak in peaks), ratio, abs(difference).max()


# %%
KEYS, BLOCKS = [512, 1024, 2048, 4096], [16, 64, 256, 1024]


def report(name, sizes, table):
    print(f"{name:>6}  MB at once  MB streamed  time ratio  difference")
    for size, (once, little, ratio, gap) in zip(sizes, table, strict=True):
        print(f"{size:6}  {once:10.1f}  {little:11.2f}  {ratio:10.1f}  "
              f"{gap:10.0e}")


def draw(ax, name, sizes, table):
    once, little, *_ = np.transpose(table)
    lines = {"at once": once, "streamed": little}
    plots.curves(ax, sizes, lines, name, "peak memory (MB)", log="xy")


# %%
with graded.later():
    by_keys = [compare(keys, 128) for keys in KEYS]
    by_block = [compare(4096, block) for block in BLOCKS]
    report("keys", KEYS, by_keys)
    report("block", BLOCKS, by_block)
    fig, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    draw(axes[0], "keys, block 128", KEYS, by_keys)
    draw(axes[1], "block size, 4,096 keys", BLOCKS, by_block)
    cu.show(fig, alt="Two charts of peak memory with logarithmic axes. "
            "Against the number of keys, one line rises, the other is flat; "
            "against the block size, the lines approach each other.")

# %% [markdown]
# **Question.** Your program has to attend over all 187,500 pixels of the
# lesson's photo (375 x 500) on a laptop with 16 GB. In 200 to 350 words, with
# numbers from *your* two tables: does streaming make it possible, which block
# size would you choose, and what does streaming not save? Add at least one
# measurement of your own that the tables lack, in a cell below, and say what
# it shows. (Fewer queries, a wider head, float32, blocks in another order, a
# forecast that you then check: your choice.)
#
# | criterion | points | full marks if |
# |---|---|---|
# | memory | 3 | both laws are read off the table (how memory depends on keys, at once and streamed, and on the block) and carried over to 187,500 pixels by a calculation that can be followed |
# | block size | 2 | a choice, with its price in time and memory from the second table |
# | what is not saved | 2 | the number of multiplications, with the reason; and time as measured, not as hoped |
# | exactness | 1 | the differences are named and explained: same sum, other order of rounding |
# | own measurement | 2 | it answers a question asked beforehand, and its limits are said |

# %%
# Your own measurement goes here.

# %% [markdown] manual="analysis" points=10
# ### BEGIN SOLUTION
# **Model answer** (its numbers are from one run, on two CPU cores). *Memory.*
# At once, twice the keys took twice the memory: 12.7 MB at 512 keys, 101 MB
# at 4,096. With 1,024 queries that is 24 bytes per pair, three arrays of
# queries x keys in float64. Streamed, memory stayed at 3.4 MB whatever the
# keys, since the state has a fixed size; it grew with the block, because one
# block's logits are queries x block. For the photo, queries and keys are both
# 187,500. At once: 24 bytes x 187,500 squared is about 840 GB. Streamed at
# block 128: 3.4 MB / 1,024 x 187,500 is about 0.6 GB. So it is possible.
#
# *Block.* I take 64. The time ratio was 1.0 at 16 and about 0.5 from 64 on,
# where Python's price for each call no longer counts; larger blocks gained
# little and took more memory, 25 MB at 1,024 against 2 MB.
#
# *Not saved.* Every query still meets every key: the multiplications are the
# same, queries x keys x (head_dim + value_dim), and rescaling comes on top.
# That streaming was faster all the same surprised me; small arrays stay in
# the processor's cache, I suppose, but have not tested. Either way the time
# for 187,500 pixels grows with their square: (187,500 / 4,096) squared is
# over 2,000 times the work of 4,096 by 4,096.
#
# *Exactness.* The differences are below 1e-15, rounding in float64: the same
# sum in another order, no approximation.
#
# *Own measurement.* Does the order of blocks matter? I handed over the keys
# and values of 4,096 keys in reversed order, block 64: the largest difference
# was 1e-16, so it does not. One draw of random inputs; peaked logits would be
# the next thing to try.
# ### END SOLUTION

# %% [markdown]
# ## Before you hand in
#
# 1. Restart the kernel and run all cells, from top to bottom.
# 2. Read the table that the last cell prints.
# 3. Save the notebook, download it, and hand in this one file.

# %%
graded.summary(1)
