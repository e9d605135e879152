# %% [markdown]
# # Week 2, graded: a layer taken apart
#
# {{badges}}
#
# The lesson put an attention layer on trial. Now you do what one does with a
# layer that has passed: feed it several images at once, load weights that
# another library trained, read one vector out of it, ask what each head adds,
# and judge a comparison by more than its best run. Each of these goes wrong in
# practice without any error message.
#
# **Hand in** this one notebook. It is planned for about two hours.
#
# **Allowed**: NumPy, Keras with its `ops`, and all of `course_utils`. Your
# functions get NumPy arrays and may return NumPy arrays or tensors of Keras.
# Nothing is trained here.
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
# | 1 | `packing_mask` | 3 |
# | 2 | `torch_to_keras` | 5 |
# | 3 | `attention_pool` | 4 |
# | 4 | `expected_best` | 4 |
# | 5 | `head_share` | 4 |
# | 6 | analysis, in words | 10 |

# %% tags=["setup"]
setup(week=2)

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers, ops

from course_utils import (
    attention,
    datasets,
    graded,
    keras_models,
    plots,
    scenes,
)

rng = np.random.default_rng(0)
digits = datasets.load("mnist", source="bundled")
stored = np.load(datasets.bundled("week2_runs.npz"))

# %% [markdown]
# ## 1 Several images in one sequence
#
# Images of different sizes have different numbers of tokens. Padding each to
# the longest wastes work; NaViT (Dehghani and others, "Patch n' Pack", 2023)
# puts several images one after the other into one sequence, and a mask keeps
# them apart.
#
# Keras's `attention_mask` is (batch, queries, keys) with True where a query
# *may* look. (PyTorch's boolean masks are not of one mind: in
# `nn.MultiheadAttention` True forbids, in `scaled_dot_product_attention` it
# allows.) Padding tokens need a decision, since a row without any key has no
# sensible weights: let each of them look at itself, and nothing else.

# %% answer="packing_mask"
def packing_mask(image_of_token):
    """Return the mask that keeps packed images apart, as Keras wants it.

    image_of_token: ints (batch, tokens), the number of the image that each
    token belongs to, in any order; -1 is padding.
    Returns booleans (batch, queries, keys), True = may attend: tokens of the
    same image see each other, a padding token sees only itself, and nobody
    else sees it.
    """
    ### BEGIN SOLUTION
    query, key = image_of_token[:, :, None], image_of_token[:, None, :]
    itself = np.eye(image_of_token.shape[1], dtype=bool)
    return (query == key) & (query != -1) | itself
    ### END SOLUTION


# %% graded="packing_mask"
graded.week2.packing_mask(packing_mask)

### BEGIN HIDDEN TESTS
@graded.week2.packing_mask.hidden(
    1,
    "Padding sees itself, and nothing else sees it.",
    "All padding has the same number, and yet is not one image.",
)
def packing_padding(answer, rng):
    images = rng.permuted([[0, 0, 0, 5, 5, -1, -1, -1, -1]] * 2, axis=1)
    mask = answer(images) != 0
    itself = np.eye(9, dtype=bool)
    for allowed, padding in zip(mask, images == -1, strict=True):
        if (allowed[padding] != itself[padding]).any():
            return False
        if (allowed[:, padding] != itself[:, padding]).any():
            return False
    return True


### END HIDDEN TESTS

# %% [markdown]
# A layer that gets two images packed should say the same about each as when
# it gets them alone.

# %%
with graded.later():
    keras.utils.set_random_seed(0)
    layer = layers.MultiHeadAttention(num_heads=3, key_dim=4)
    one, two = (rng.normal(size=(1, n, 12)).astype("float32") for n in (5, 7))
    packed = np.concatenate([one, two], axis=1)  # (1, 12, 12)
    mask = packing_mask(np.array([5 * [0] + 7 * [1]]))
    alone = np.concatenate([layer(one, one), layer(two, two)], axis=1)
    for name, chosen in (("with your mask", mask), ("without", None)):
        out = layer(packed, packed, attention_mask=chosen)
        print(f"{name}: largest difference {np.abs(out - alone).max():.0e}")

# %% [markdown]
# ## 2 Weights from the other library
#
# Most published weights are PyTorch's. Its `nn.MultiheadAttention` of width 12
# with 3 heads stores four arrays, and computes $y = x W^\top + b$:
#
# | PyTorch | shape | what |
# |---|---|---|
# | `in_proj_weight` | (36, 12) | query, key, value under each other, (out, in) |
# | `in_proj_bias` | (36,) | the same order |
# | `out_proj.weight` | (12, 12) | (out, in); the inputs are the heads, side by side |
# | `out_proj.bias` | (12,) | |
#
# Keras stores eight, and computes $y = x W + b$ with the heads as an axis of
# their own: kernels (width, heads, head_dim) on the way in and (heads,
# head_dim, width) on the way out. All sizes fit for several wrong ways of
# getting there, and a layer with scrambled weights runs as well as any.

# %% answer="torch_to_keras"
def torch_to_keras(in_weight, in_bias, out_weight, out_bias, num_heads):
    """Return the weights of PyTorch's attention layer in Keras's layout.

    in_weight (3 * width, width), in_bias (3 * width,), out_weight (width,
    width), out_bias (width,): as nn.MultiheadAttention stores them.
    num_heads: divides width; head_dim = width / num_heads.
    Returns a dict of eight arrays: query_kernel, key_kernel and value_kernel
    (width, heads, head_dim), query_bias, key_bias and value_bias (heads,
    head_dim), output_kernel (heads, head_dim, width), output_bias (width,).
    """
    ### BEGIN SOLUTION
    width = len(out_bias)
    split = num_heads, width // num_heads
    kernels, biases = np.split(in_weight, 3), np.split(in_bias, 3)
    ported = {}
    for i, name in enumerate(("query", "key", "value")):
        # (out, in) -> (in, out), and out is heads x head_dim
        ported[f"{name}_kernel"] = kernels[i].T.reshape(width, *split)
        ported[f"{name}_bias"] = biases[i].reshape(split)
    ported["output_kernel"] = out_weight.T.reshape(*split, width)
    ported["output_bias"] = out_bias
    return ported
    ### END SOLUTION


# %% graded="torch_to_keras"
graded.week2.torch_to_keras(torch_to_keras)

### BEGIN HIDDEN TESTS
def _stored_by_torch(rng):
    shapes = (36, 12), (36,), (12, 12), (12,)
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


def _attended(query, key, value):
    """(batch, tokens, heads, head_dim) each -> the same."""
    logits = np.einsum("bqhd,bkhd->bhqk", query, key) / 2
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    attn = odds / odds.sum(axis=-1, keepdims=True)
    return np.einsum("bhqk,bkhd->bqhd", attn, value)


def _projected(weights, tokens):
    """Query, key and value as Keras computes them."""
    return [
        np.einsum("btw,whd->bthd", tokens, weights[f"{name}_kernel"])
        + weights[f"{name}_bias"]
        for name in ("query", "key", "value")
    ]


@graded.week2.torch_to_keras.hidden(
    1,
    "Query, key and value of every head are PyTorch's.",
    "Number the entries of a 12 x 12 matrix and follow one of them: row r, "
    "column c belongs to output r. Which head is that?",
)
def port_projections(answer, rng):
    weight, bias, *rest = _stored_by_torch(rng)
    given = rng.normal(size=(2, 5, 12))
    right = (given @ weight.T + bias).reshape(2, 5, 3, 3, 4)
    found = _projected(answer(weight, bias, *rest, 3), given)
    return np.allclose(np.stack(found, axis=2), right, atol=1e-3)


@graded.week2.torch_to_keras.hidden(
    1,
    "The output projection is PyTorch's.",
    "out_proj.weight is (out, in), and its inputs are the heads side by "
    "side.",
)
def port_output(answer, rng):
    arrays = _stored_by_torch(rng)
    kernel = answer(*arrays, 3)["output_kernel"]
    heads = rng.normal(size=(2, 5, 3, 4))
    right = heads.reshape(2, 5, 12) @ arrays[2].T
    found = np.einsum("bthd,hdw->btw", heads, kernel)
    return np.allclose(found, right, atol=1e-3)


@graded.week2.torch_to_keras.hidden(
    1,
    "The whole layer gives the same output in both libraries.",
    "Build both layers, as in the cell below your function, and compare.",
)
def port_layer(answer, rng):
    arrays = _stored_by_torch(rng)
    weights = answer(*arrays, 3)
    tokens = rng.normal(size=(2, 5, 12)) / 4
    theirs = (tokens @ arrays[0].T + arrays[1]).reshape(2, 5, 3, 3, 4)
    theirs = _attended(*np.moveaxis(theirs, 2, 0)).reshape(2, 5, 12)
    ours = np.einsum("bthd,hdw->btw", _attended(*_projected(weights, tokens)),
                     weights["output_kernel"]) + weights["output_bias"]
    return np.allclose(ours, theirs @ arrays[2].T + arrays[3], atol=1e-3)


### END HIDDEN TESTS

# %% [markdown]
# The proof, with both libraries. (The order of Keras's `set_weights` is that
# of your docstring: kernel, bias, kernel, bias.)

# %%
with graded.later():
    import torch

    torch.manual_seed(0)
    theirs = torch.nn.MultiheadAttention(12, 3, batch_first=True)
    torch.nn.init.normal_(theirs.in_proj_bias)
    state = [part.numpy() for part in theirs.state_dict().values()]
    ported = torch_to_keras(*state, 3)  # in the order of the table
    x = rng.normal(size=(2, 5, 12)).astype("float32")
    ours = layers.MultiHeadAttention(num_heads=3, key_dim=4)
    ours(x, x)  # build
    ours.set_weights([ported[f"{part}_{kind}"] for part in
                      ("query", "key", "value", "output")
                      for kind in ("kernel", "bias")])
    right = theirs(*3 * [torch.tensor(x)])[0].detach().numpy()
    print(f"largest difference {np.abs(ours(x, x) - right).max():.0e}")

# %% [markdown]
# ## 3 One vector for an image
#
# The lesson's reader averages its tokens, the important ones with the others.
# *Attention pooling* lets a learned query choose: one query per head, the
# tokens are keys and values at once, and each head pools its own slice of the
# width. (Set Transformer, Lee and others, 2019, has it with projections.) With
# $x_t^h$ the slice of token $t$ for head $h$:
#
# $$a_t^h = \mathrm{softmax}_t \left( q^h \cdot x_t^h / \sqrt{d} \right),
# \qquad \mathrm{out} = \left[ \sum_t a_t^1 x_t^1, \; \sum_t a_t^2 x_t^2,
# \; \dots \right]$$

# %% answer="attention_pool"
def attention_pool(tokens, query, mask):
    """Pool tokens into one vector, each head by its own query.

    tokens: (batch, tokens, width).
    query: (heads, head_dim) with heads * head_dim = width; head h owns the
    channels h * head_dim to (h + 1) * head_dim - 1 of every token.
    mask: booleans (batch, tokens), True = a real token, False = padding;
    every image has a real token.
    Returns (batch, width). Padding has no influence, however large it is.
    """
    ### BEGIN SOLUTION
    batch, count, width = tokens.shape
    num_heads, head_dim = query.shape
    heads = ops.reshape(tokens, (batch, count, num_heads, head_dim))
    logits = ops.einsum("hd,bthd->bht", query, heads) / head_dim**0.5
    attn = ops.softmax(ops.where(mask[:, None, :], logits, -np.inf))
    pooled = ops.einsum("bht,bthd->bhd", attn, heads)
    return ops.reshape(pooled, (batch, width))
    ### END SOLUTION


# %% graded="attention_pool"
graded.week2.attention_pool(attention_pool)

### BEGIN HIDDEN TESTS
@graded.week2.attention_pool.hidden(
    1,
    "Padding has no influence, however large its numbers are.",
    "Padding of 10,000 and more moved the result. Where is it taken out, "
    "and by how much?",
)
def pool_padding(answer, rng):
    tokens = rng.normal(size=(2, 7, 12)).astype("float32")
    query = rng.normal(size=(3, 4)).astype("float32")
    mask = rng.permuted(np.arange(7) < np.array([[5], [3]]), axis=1)
    loud = np.where(mask[:, :, None], tokens, 5e4 * tokens)
    before, after = (answer(x.astype("float32"), query, mask)
                     for x in (tokens, loud))
    return np.allclose(before, after, atol=1e-4)


@graded.week2.attention_pool.hidden(
    1,
    "Every head pools its own slice by its own weights.",
    "Compute one head of one image by hand, with the scale of the lesson.",
)
def pool_heads(answer, rng):
    tokens = rng.normal(size=(2, 5, 12)).astype("float32")
    query = 2 * rng.normal(size=(3, 4)).astype("float32")
    out = answer(tokens, query, np.ones((2, 5), bool))
    right = []
    for head, asked in enumerate(query):
        part = tokens[:, :, 4 * head : 4 * head + 4]
        odds = np.exp(part @ asked / 2)[:, :, None]
        right.append((odds * part).sum(axis=1) / odds.sum(axis=1))
    return np.allclose(out, np.concatenate(right, axis=1), atol=1e-4)


### END HIDDEN TESTS

# %% [markdown]
# ## 4 The best of how many runs?
#
# A report gives one accuracy per network: "the best run". How good a best run
# is depends on how many there were. Dodge and others ("Show Your Work", 2019)
# ask for the number behind it. Take the $n$ scores that you have as what a run
# can give, each with probability $1/n$. A budget of $k$ runs draws $k$ scores,
# *with* replacement, and keeps the largest. What is it on average? Compute it
# exactly, without drawing anything: first find the probability that all $k$
# are at most the $i$-th smallest score.

# %% answer="expected_best"
def expected_best(scores, budget):
    """Return the mean of the largest of `budget` draws from the scores.

    scores: (n,) results of n runs, in any order.
    budget: draws, at least 1, with replacement; may exceed n.
    Returns one number, exact: no random draws.
    """
    ### BEGIN SOLUTION
    count = len(scores)
    # the largest of all draws is at most the i-th smallest score
    at_most = (np.arange(count + 1) / count) ** budget
    return (np.sort(scores) * np.diff(at_most)).sum()
    ### END SOLUTION


# %% graded="expected_best"
graded.week2.expected_best(expected_best)

### BEGIN HIDDEN TESTS
@graded.week2.expected_best.hidden(
    1,
    "Two runs and a budget of two: worked out by hand.",
    "Four equally likely pairs of draws. In how many is the larger score?",
)
def best_pair(answer, rng):
    low, high = np.sort(rng.normal(size=2))
    found = answer(np.array([high, low]), 2)
    return np.allclose(found, (low + 3 * high) / 4, atol=1e-4)


@graded.week2.expected_best.hidden(
    1,
    "It is the mean over all possible draws.",
    "List all draws of three from four scores, with replacement: 64 of them.",
)
def best_all(answer, rng):
    scores = rng.normal(size=4)
    draws = scores[np.indices((4, 4, 4))]  # (3 draws, 4, 4, 4)
    found = answer(scores, 3)
    return np.allclose(found, draws.max(axis=0).mean(), atol=1e-4)


### END HIDDEN TESTS

# %% [markdown]
# Now the four runs of each network on MNIST that came with the lesson. Suppose
# a paper tries its own layer more often than the baseline. How many tries make
# up for the gap between the best and the worst of the four?

# %%
NETS = ["plain CNN", "tutorial", "corrected", "1x1 layers"]
scores = (stored["mnist_answers"][:4] == digits.y_test).mean(axis=-1)
with graded.later():
    budgets = [1, 2, 4, 8, 16]
    lines = {name: [100 * expected_best(runs, k) for k in budgets]
             for name, runs in zip(NETS, scores, strict=True)}
    fig, ax = plt.subplots(figsize=(6, 3))
    plots.curves(ax, budgets, lines, "runs tried, the best one reported",
                 "expected test accuracy (%)")
    cu.show(fig, alt="Four rising curves of expected best accuracy against "
            "the number of runs tried. At any number they lie within half a "
            "percentage point; from 1 run to 16 each rises by more.")
    for name, line in lines.items():
        print(f"{name:12}", *(f"{value:6.2f}" for value in line))

# %% [markdown]
# (Two cautions. With four runs the curve cannot pass the best of the four;
# what a fifth run would give, nobody knows. And picking a run by its *test*
# accuracy is wrong at any budget: pick on validation data.)
#
# ## 5 What does a head add?
#
# The output projection multiplies the heads side by side with one matrix. That
# is the same as a *sum*, one term per head (Elhage and others, "A Mathematical
# Framework for Transformer Circuits", 2021):
#
# $$\mathrm{out}_q = b + \sum_h c^h_q, \qquad
# c^h_q = \Big( \sum_k a^h_{qk} v^h_k \Big) W_O^h$$
#
# A head that looks sharply at a small value adds little; the weights alone do
# not show it (Kobayashi and others, "Attention is Not Only a Weight", 2020).
# So measure the length $|c^h_q|$, average it over all queries of all images,
# and express it as a share of the sum over heads.

# %% answer="head_share"
def head_share(attn, value, kernel):
    """Return how much each head adds to the output, as shares of 1.

    attn: (batch, heads, queries, keys), rows sum to 1.
    value: (batch, heads, keys, head_dim).
    kernel: (heads, head_dim, width), Keras's output kernel.
    Returns (heads,): the Euclidean length over width of the head's term,
    averaged over batch and queries, divided by the sum over heads.
    """
    ### BEGIN SOLUTION
    seen = attn @ value  # (batch, heads, queries, head_dim)
    added = seen @ kernel  # (batch, heads, queries, width)
    length = np.linalg.norm(added, axis=-1).mean(axis=(0, 2))
    return length / length.sum()
    ### END SOLUTION


# %% graded="head_share"
graded.week2.head_share(head_share)

### BEGIN HIDDEN TESTS
def _three_heads(rng):
    attn = rng.dirichlet(np.ones(7), size=(2, 3, 5))
    value = rng.normal(size=(2, 3, 7, 4))
    return attn, value, rng.normal(size=(3, 4, 12))


@graded.week2.head_share.hidden(
    1,
    "A head three times as strong counts three times as much.",
    "We multiplied the kernel of head 1 by 3. Is a length squared somewhere?",
)
def share_triple(answer, rng):
    attn, value, kernel = _three_heads(rng)
    before = answer(attn, value, kernel)
    kernel[1] *= 3
    right = before * [1, 3, 1]
    return np.allclose(answer(attn, value, kernel), right / right.sum(),
                       atol=1e-4)


@graded.week2.head_share.hidden(
    1,
    "The shares agree with one length per image, head and query.",
    "First a length for each query, then the mean: opposite terms cancel in "
    "a mean, lengths do not.",
)
def share_each(answer, rng):
    attn, value, kernel = _three_heads(rng)
    lengths = np.zeros((2, 3, 5))
    for image, head, query in np.ndindex(2, 3, 5):
        term = attn[image, head, query] @ value[image, head] @ kernel[head]
        lengths[image, head, query] = np.sqrt((term**2).sum())
    right = lengths.sum(axis=(0, 2)) / lengths.sum()
    return np.allclose(answer(attn, value, kernel), right, atol=1e-4)


### END HIDDEN TESTS

# %% [markdown]
# ## 6 Which head would be missed?
#
# Back to the task *read the digit under the bar*. Two trained readers came
# with the lesson (the weights of its seeds 1 and 2). Here they get Keras's own
# attention as their mixer; the weights fit, since only the layout differs.

# %%
GRID = (7, 7)
WIDTH = 48
CODE = attention.sinusoidal_2d(*GRID, WIDTH, base=100).astype("float32") / 2


def reader(seed):
    """The lesson's reader over positions, with its stored weights."""
    canvas = keras.Input((56, 56, 1))
    x = layers.Conv2D(16, 3, 2, "same", activation="relu")(canvas)
    x = layers.Conv2D(32, 3, 2, "same")(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(WIDTH, 3, 2, "same")(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Reshape((49, WIDTH))(x) + CODE
    tokens = layers.LayerNormalization(name="tokens")(x)
    x = x + layers.MultiHeadAttention(4, 12, name="mixer")(tokens, tokens)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    net = keras.Model(canvas, layers.Dense(10, "softmax")(x))
    weights = stored[f"over positions, seed {seed}"]
    return keras_models.set_flat_weights(net, weights)


# %%
scene = scenes.marked_digits(digits.x_test, digits.y_test, 1000, seed=99)
canvases = scene.canvases[..., None]  # (1000, 56, 56, 1)


def accuracy(net):
    return (keras_models.classify(net, canvases) == scene.labels).mean()


def accuracy_without(net, heads):
    """Accuracy with the output kernel of some heads set to 0."""
    mixer = net.get_layer("mixer")
    weights = mixer.get_weights()
    broken = [weight.copy() for weight in weights]
    broken[6][heads] = 0  # output kernel (heads, head_dim, width)
    mixer.set_weights(broken)
    without = accuracy(net)
    mixer.set_weights(weights)
    return without


def inside(net):
    """Return attn, value and output kernel of the mixer on the canvases."""
    mixer = net.get_layer("mixer")
    before = keras.Model(net.input, net.get_layer("tokens").output)
    tokens = before.predict(canvases, verbose=0)
    _, attn = mixer(tokens, tokens, return_attention_scores=True)
    *_, kernel, bias, out_kernel, _ = mixer.get_weights()
    value = np.einsum("btw,whd->bhtd", tokens, kernel) + bias[:, None]
    return np.asarray(attn), value, out_kernel


# %%
with graded.later():
    for seed in (1, 2):
        net = reader(seed)
        attn, value, kernel = inside(net)
        share = head_share(attn, value, kernel)
        spread = attention.entropy(attn).mean(axis=(0, 2)) / np.log(49)
        whole = accuracy(net)
        print(f"reader {seed}: accuracy {whole:.3f}, without any head "
              f"{accuracy_without(net, [0, 1, 2, 3]):.3f}")
        for head in range(4):
            drop = whole - accuracy_without(net, [head])
            print(f"  head {head}: share {share[head]:.2f}, entropy share "
                  f"{spread[head]:.2f}, accuracy lost {drop:.3f}")

# %% [markdown]
# **Question.** A colleague wants to remove one head of each reader to save
# time, and proposes to choose it by a cheap number: the smallest share, or
# the most spread-out weights. In 200 to 350 words, with numbers from *your*
# table: what would you advise? Add at least one measurement of your own, in
# the cell below, and say what it shows: for example two heads removed at once
# (do the losses add up?), other canvases (how much does a loss vary by
# chance?), or the head's mean output in its place instead of 0.
#
# | criterion | points | full marks if |
# |---|---|---|
# | evidence | 3 | both cheap numbers are held against the accuracy lost, for both readers, with the cases that agree and the cases that do not |
# | uncertainty | 2 | says how far a loss on 1,000 canvases, and eight heads, can be trusted, by a standard error or a second set of canvases |
# | why | 2 | one reason why a head may add much and not be missed, or the reverse (terms that all classes share, heads that do the same, a network that never trained without it) |
# | own measurement | 2 | it answers a question asked beforehand, and its limits are said |
# | advice | 1 | a clear recommendation that follows from the numbers |

# %%
# Your own measurement goes here.

# %% [markdown] manual="analysis" points=10
# ### BEGIN SOLUTION
# **Model answer** (its numbers are from one run, on a CPU). *Evidence.* In
# reader 1 both cheap numbers name head 2: the smallest share (0.17), the most
# spread-out weights (0.46), and indeed the smallest loss (0.020). The largest
# share, 0.33 for head 1, also goes with the largest loss, 0.174. But head 0
# adds more than head 3 (0.27 against 0.23) and is missed no more (0.080 and
# 0.086). In reader 2 both numbers name head 3 (share 0.16, entropy share 0.52,
# loss 0.008). Head 2, with 0.20 and 0.41, cost nothing (-0.002), and head 0,
# with 0.22, cost 0.018. Head 1, with 0.43, is indispensable (0.196).
#
# *Uncertainty.* A loss is a mean of differences on the same 1,000 canvases;
# its standard error was 0.006 to 0.014. So 0.008 and -0.002 are the same
# number. On 1,000 other canvases (seed 100) reader 2 lost 0.016, 0.166, 0.022
# and 0.018: the head that seemed free cost as much as the other two. The
# large losses stayed large. Eight heads of two readers are few.
#
# *Why.* A share measures length, not direction: a term that is much the same
# for every digit is long and changes no answer. And heads can stand in for
# each other.
#
# *Own measurement.* Do losses add up? I removed pairs of heads. In reader 1,
# heads 0 and 3 cost 0.080 and 0.086 alone, and 0.229 together: more than the
# sum, so each covers for the other. Heads 0 and 2 cost 0.082 together, less
# than 0.100. So no single number per head can rank pairs. One task, two
# readers, canvases of one kind.
#
# *Advice.* Use the share to rule out the head with the largest; among the
# small ones, test by ablation on canvases kept for that purpose. I would
# remove head 2 of reader 1 and head 3 of reader 2, expect a loss of about one
# point in a hundred, and train on for a little afterwards.
# ### END SOLUTION

# %% [markdown]
# ## Before you hand in
#
# 1. Restart the kernel and run all cells, from top to bottom.
# 2. Read the table that the last cell prints.
# 3. Save the notebook, download it, and hand in this one file.

# %%
graded.summary(2)
