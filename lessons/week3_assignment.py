# %% [markdown]
# # Week 3, graded: is the map worth its picture?
#
# {{badges}}
#
# The lesson scored maps against masks, and two maps that know nothing came
# out ahead. Here you build a score on which a map that always points at the
# middle gets exactly 0, and a second judge that needs no mask: show the
# network only the patches that a map calls important, and see whether it
# still says the same of the image. On the way you find a bug that sat in
# well-known code, and mend another.
#
# **Hand in** this notebook, nothing else. It is planned for about two hours.
# NumPy, PyTorch and everything in `course_utils` are allowed.
#
# **Points**: five functions, 20 points, and one question in words, 10.
# Below each function a cell shows the properties that you can see, what each
# is worth and whether it holds. After you hand in, the same properties and
# some hidden ones are judged with other numbers. The question is marked by
# hand, by the table that stands with it.

# %% tags=["setup"]
setup(week=3)

# %%
import numpy as np
import torch

from course_utils import graded, metrics, plots, torch_models, vit_attention
from course_utils.attention import entropy, softmax
from course_utils.vit_weights import load_vit

GRID = (12, 12)
models = {name: load_vit(name) for name in ("supervised", "dino")}
scenes = torch_models.scenes_for(models["dino"], 100, "test")
pixels = torch_models.pixels_of(models["dino"], scenes.images).cpu()

# %% [markdown]
# ## 1 Show some patches only
#
# 3 points
#
# A ViT reads a list of tokens and never asks how many there should be. So
# patches can be left out, if each of the others keeps the position it had:
# drop tokens *after* positions were added. (He and others, "Masked
# Autoencoders Are Scalable Vision Learners", 2022, train on a quarter of
# the patches in this way.) Every image keeps patches of its own, and the
# class token always stays. Patch 0 is the first patch: the class token has
# no number.

# %% answer="keep_patches"
def keep_patches(tokens, keep):
    """Keep the class token and some patches of each image. In PyTorch.

    tokens: (batch, 1 + patches, width), class token first
    keep: (batch, kept) whole numbers, patches counted from 0, in any order
    Returns (batch, 1 + kept, width): class token, then the kept patches in
    the order of `keep`. Gradients reach the tokens that are kept.
    """
    ### BEGIN SOLUTION
    first = torch.zeros_like(keep[:, :1])
    places = torch.cat([first, keep + 1], dim=1)  # (batch, 1 + kept)
    rows = torch.arange(len(tokens))[:, None]
    return tokens[rows, places]
    ### END SOLUTION

# %% graded="keep_patches"
graded.week3.keep_patches(keep_patches)

### BEGIN HIDDEN TESTS
@graded.week3.keep_patches.hidden(
    1,
    "Every image gets its own patches, in the order asked for.",
    "Some patch is not where `keep` puts it. Are the lists of all images "
    "used, and is their order left as it is?",
)
def kept_in_order(answer, rng):
    import torch

    tokens = rng.normal(size=(3, 11, 4))
    keep = np.stack([rng.permutation(10)[:6] for _ in range(3)])
    keep[:, :2] = np.sort(keep[:, :2])[:, ::-1]  # never in reading order
    found = answer(torch.from_numpy(tokens), torch.from_numpy(keep))
    wanted = [[one[0], *(one[1 + i] for i in chosen)]
              for one, chosen in zip(tokens, keep, strict=True)]
    return found.shape == (3, 7, 4) and np.allclose(found, wanted, atol=1e-6)


@graded.week3.keep_patches.hidden(
    0.5,
    "Gradients reach what is kept, and nothing else.",
    "The gradient should be 1 at the kept tokens and 0 at the others.",
)
def kept_gradient(answer, rng):
    tokens = rng.normal(size=(2, 8, 4)).astype(np.float32)
    first = rng.permutation(7)[:3]
    keep = np.stack([first, (first + 1) % 7])
    wanted = np.zeros(tokens.shape)
    wanted[:, 0] = 1
    wanted[np.arange(2)[:, None], keep + 1] = 1
    return np.array_equal(answer.gradient(tokens, keep), wanted)
### END HIDDEN TESTS

# %% [markdown]
# With it, the course's ViT can look at part of an image. `class_token` is
# ready; the first check is that keeping everything changes nothing, and
# that the order in which patches come does not matter: each brings its
# position along.

# %%
@torch.no_grad()
def class_token(model, pixels, keep):
    """Class tokens (batch, width) of images of which patches are kept."""
    first = model.cls_token.expand(len(pixels), -1, -1)
    tokens = torch.cat([first, model.patch_embed(pixels)], dim=1)
    tokens = keep_patches(tokens + model.positions(*GRID), keep)
    for block in model.blocks:
        tokens = block(tokens)
    return model.norm(tokens)[:, 0]


with graded.later():
    model, few = models["dino"].model, pixels[:10]
    order = torch.randperm(144).repeat(10, 1)
    with torch.no_grad():
        gap = (class_token(model, few, order) - model(few)).abs().max()
    print(f"all patches, shuffled: largest difference {gap:.0e}")

# %% [markdown]
# ## 2 Which scale did they use?
#
# 4 points
#
# Scores are divided by the root of `head_dim`. Until January 2021 a widely
# copied ViT, vit-pytorch, divided by the root of the whole width instead (its
# issue 65), and so did the code of a lecture that many learn from
# (karpathy/ng-video-lecture, pull request 6, 2023). Nothing crashes. Weights
# sum to 1; they are only too flat.
#
# Suppose that you have a network's queries, keys and weights, and not its
# code. With the unknown scale $s$,
#
# $$\text{attn}_{ij} = \frac{e^{s\, q_i \cdot k_j}}{\sum_l
# e^{s\, q_i \cdot k_l}}$$
#
# Find $s$. The sum in the denominator is another one in each row, and some
# weights are exactly 0: the key was masked, or the number too small to be
# stored.

# %% answer="found_scale"
def found_scale(query, key, attn):
    """The factor by which a network multiplied its scores. In NumPy.

    query: (heads, queries, head_dim); key: (heads, keys, head_dim)
    attn: (heads, queries, keys), softmax of the scaled scores; weights that
    are exactly 0 say nothing, and every row has at least two others
    Returns one number, the same for all heads.
    """
    ### BEGIN SOLUTION
    scores = query @ key.swapaxes(-1, -2)
    seen = attn > 0
    logs = np.log(np.where(seen, attn, 1))

    def centred(rows):
        mean = (rows * seen).sum(axis=-1, keepdims=True)
        mean = mean / seen.sum(axis=-1, keepdims=True)
        return (rows - mean) * seen

    scores, logs = centred(scores), centred(logs)
    return (scores * logs).sum() / (scores**2).sum()
    ### END SOLUTION

# %% graded="found_scale"
graded.week3.found_scale(found_scale)

### BEGIN HIDDEN TESTS
def graded_parts(rng, scale):
    query = rng.normal(size=(2, 6, 9))
    key = rng.normal(size=(2, 8, 9)) + 1
    logits = scale * query @ key.swapaxes(-1, -2)
    attn = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return query, key, attn / attn.sum(axis=-1, keepdims=True)


@graded.week3.found_scale.hidden(
    1,
    "Any scale is found, not only the one of the textbook.",
    "A scale between 0.05 and 0.6 was to be found and was not.",
)
def scale_of_any(answer, rng):
    scales = rng.uniform(0.05, 0.6, size=3)
    found = [answer(*graded_parts(rng, scale)) for scale in scales]
    return np.allclose(found, scales, rtol=1e-3)


@graded.week3.found_scale.hidden(
    1,
    "Weights of 0 are left out.",
    "Key 0 was masked, its weights are 0, and their logarithm is minus "
    "infinity. Leave those entries out.",
)
def scale_of_masked(answer, rng):
    query, key, attn = graded_parts(rng, 0.25)
    attn[..., 0] = 0
    attn = attn / attn.sum(axis=-1, keepdims=True)
    return np.isclose(answer(query, key, attn), 0.25, rtol=1e-3)
### END HIDDEN TESTS

# %% [markdown]
# Try it on a real network: the last layer of the course's ViT (width 128, 4
# heads of 32), with its own weights and with those that the bug would make
# of the same queries and keys.

# %%
def query_key(model, pixels):
    """Query and key of the last layer, (heads, tokens, head_dim) each."""
    caught, layer = [], model.blocks[-1].attn
    hook = layer.qkv.register_forward_hook(lambda *a: caught.append(a[2]))
    model(pixels)
    hook.remove()
    query, key, _ = layer.split(caught[0].detach())
    return query[0].numpy(), key[0].numpy()


with graded.later():
    model = models["supervised"].model
    query, key = query_key(model, pixels[:1])
    own = vit_attention.read_attention(model, pixels[:1], [5])[0, 0].numpy()
    faulty = softmax(query @ key.swapaxes(-1, -2) / 128**0.5)
    for name, attn in (("the network's", own), ("with the bug", faulty)):
        flat = entropy(attn).mean() / np.log(attn.shape[-1])
        scale = found_scale(query, key, attn)
        print(f"{name:14} 1 / scale^2 = {scale**-2:.1f}, "
              f"entropy / log 145 = {flat:.2f}")

# %% [markdown]
# ## 3 Rollout that keeps its shares
#
# 5 points
#
# Rollout averages the heads. One may also take the largest weight of any
# head, or the smallest, and drop all but the largest weights. vit-explain,
# of the lesson, offers all that, and mixes with the identity *before* it
# divides: by then rows of weights do not sum to 1, so the share of the
# residual connection is no longer a half, but whatever the fusion left.
# Write it so that each step is a share. For every layer, in this order:
#
# 1. fuse the heads: mean, max or min;
# 2. in each row keep the `keep` largest weights, set the others to 0;
# 3. divide each row by its sum;
# 4. mix: half the identity, half the result of 3;
# 5. multiply onto what earlier layers gave (later layers from the left).
#
# (Abnar and Zuidema, "Quantifying Attention Flow in Transformers", 2020, for
# the mean of all weights.)

# %% answer="fused_rollout"
def fused_rollout(attn, fusion, keep):
    """Follow attention through all layers; every row stays a share.

    attn: (layers, heads, tokens, tokens), first layer first, rows sum to 1,
    all weights of a row different. In NumPy.
    fusion: "mean", "max" or "min", over heads
    keep: how many weights of each fused row are kept, 1 to tokens
    Returns (tokens, tokens), rows sum to 1.
    """
    ### BEGIN SOLUTION
    fuse = {"mean": np.mean, "max": np.max, "min": np.min}[fusion]
    result = np.eye(attn.shape[-1])
    for layer in fuse(attn, axis=1):
        least = np.sort(layer, axis=-1)[:, -keep, None]
        kept = np.where(layer >= least, layer, 0)
        shares = kept / kept.sum(axis=-1, keepdims=True)
        result = (np.eye(len(layer)) + shares) / 2 @ result
    return result
    ### END SOLUTION

# %% graded="fused_rollout"
graded.week3.fused_rollout(fused_rollout)

### BEGIN HIDDEN TESTS
def graded_rollout(attn, fusion, keep):
    flow = np.eye(attn.shape[-1])
    for heads in attn:
        fused = getattr(heads, fusion)(axis=0)
        rank = (-fused).argsort(axis=-1).argsort(axis=-1)
        fused = fused * (rank < keep)
        shares = fused / fused.sum(axis=-1, keepdims=True)
        flow = 0.5 * flow + 0.5 * shares @ flow
    return flow


@graded.week3.fused_rollout.hidden(
    1.5,
    "All weights kept: layers in the right order, for each fusion.",
    "With all weights kept a fusion comes out wrong. Does it change what it "
    "should, and does the last layer multiply from the left?",
)
def rollout_of_all(answer, rng):
    attn = rng.dirichlet(np.ones(7), size=(5, 3, 7))
    return all(
        np.allclose(answer(attn, how, 7), graded_rollout(attn, how, 7),
                    atol=1e-5)
        for how in ("mean", "max", "min")
    )


@graded.week3.fused_rollout.hidden(
    1,
    "Few weights kept: the largest of each row, after the fusion.",
    "With 2 of 7 weights kept the result is another. Are the largest of "
    "each row kept, chosen after the heads were fused?",
)
def rollout_of_few(answer, rng):
    attn = rng.dirichlet(np.ones(7), size=(5, 3, 7))
    return all(
        np.allclose(answer(attn, how, 2), graded_rollout(attn, how, 2),
                    atol=1e-5)
        for how in ("mean", "max")
    )
### END HIDDEN TESTS

# %%
def maps_of(loaded):
    """Maps of all scenes by name, each (scenes, rows, cols)."""
    def flows(fusion, keep):
        flow = torch_models.flows(
            loaded, scenes.images, lambda a: fused_rollout(a, fusion, keep))
        return flow[:, 0, 1:].reshape(-1, *GRID)

    last = torch_models.last_maps(loaded, scenes.images).mean(axis=1)
    return {"last layer": last, "rollout, max": flows("max", 145),
            "rollout, max of 15": flows("max", 15)}


with graded.later():
    maps = maps_of(models["supervised"])
    shown = [[scenes.images[i], *(m[i] for m in maps.values())]
             for i in range(3)]
    plots.images([picture for row in shown for picture in row],
                 ["scene", *maps] * 3, columns=4,
                 cmap="viridis", alt="Three scenes with an object each, and "
                 "three maps of the network with labels: the last layer has "
                 "few bright patches, rollout spreads more widely.")

# %% [markdown]
# ## 4 A score on which the centre gets nothing
#
# 4 points
#
# The centre did well because objects, wherever they are pasted, cover the
# middle more often than the rim. Take that out: of the weight that a map
# puts on its own object, subtract what the same map puts on the objects of
# the *other* scenes, on average. With $E_{ij}$ the share of map $i$'s sum
# that lies on mask $j$, and $n$ scenes,
#
# $$\text{gap}_i = E_{ii} - \frac{1}{n - 1} \sum_{j \neq i} E_{ij}$$
#
# (The idea is that of shuffled scores for saliency: Tatler, Baddeley and
# Gilchrist, "Visual correlates of fixation selection: effects of scale and
# time", 2005.)

# %% answer="own_gap"
def own_gap(maps, masks):
    """Share of each map on its own mask less that on the others' masks.

    maps: (scenes, rows, cols), >= 0, of any scale, none is 0 everywhere
    masks: (scenes, rows, cols), 0 to 1: how much of a patch is object
    Two scenes or more. Returns (scenes,), from -1 to 1. In NumPy.
    """
    ### BEGIN SOLUTION
    shares = maps / maps.sum(axis=(1, 2), keepdims=True)
    on = np.einsum("irc,jrc->ij", shares, masks)  # (maps, masks)
    own = on.diagonal()
    others = (on.sum(axis=1) - own) / (len(on) - 1)
    return own - others
    ### END SOLUTION

# %% graded="own_gap"
graded.week3.own_gap(own_gap)

### BEGIN HIDDEN TESTS
@graded.week3.own_gap.hidden(
    1,
    "All other masks are compared with, and only the others.",
    "A gap is not what the formula says. Which masks go into the mean, and "
    "how many are they?",
)
def gap_by_loops(answer, rng):
    maps = rng.uniform(size=(5, 4, 3))
    masks = rng.uniform(size=(5, 4, 3))
    wanted = []
    for i, one in enumerate(maps):
        on = [(one * mask).sum() / one.sum() for mask in masks]
        wanted.append(on[i] - np.mean(on[:i] + on[i + 1:]))
    found = answer(maps, masks)
    return found.shape == (5,) and np.allclose(found, wanted, atol=1e-5)


@graded.week3.own_gap.hidden(
    0.5,
    "A scene's gap does not depend on the maps of other scenes.",
    "The other maps were changed, and a scene's gap changed with them: one "
    "map is compared on several masks, not several maps on one mask.",
)
def gap_of_one_map(answer, rng):
    maps = rng.uniform(size=(5, 4, 3))
    masks = rng.uniform(size=(5, 4, 3))
    before = answer(maps, masks)[0]
    maps[1:] = rng.uniform(size=(4, 4, 3))
    return np.allclose(answer(maps, masks)[0], before, atol=1e-5)
### END HIDDEN TESTS

# %%
cover = scenes.masks.reshape(-1, 12, 8, 12, 8).mean(axis=(2, 4))
free = {"centre": np.tile(metrics.centre_prior(*GRID), (100, 1, 1)),
        "colour contrast": metrics.colour_contrast(scenes.images, GRID),
        "chance": np.random.default_rng(0).random(cover.shape)}
with graded.later():
    for name, found in free.items():
        gaps = metrics.bootstrap_interval(own_gap(found, cover))
        print(f"{name:16} gap {gaps}")

# %% [markdown]
# In brackets is a 95% interval over scenes. The centre's mean is 0 by
# construction, so an advantage of place is gone; colour contrast keeps what
# it knows of the single scene.
#
# ## 5 Targets without favourites
#
# 4 points
#
# DINO's teacher subtracts a running mean from its logits, the centre, lest
# one output answer for all images. DINOv2 (Oquab and others, "DINOv2:
# Learning Robust Visual Features without Supervision", 2023) balances the
# batch at hand instead, as Caron and others ("Unsupervised Learning of
# Visual Features by Contrasting Cluster Assignments", 2020) did before. Start
# from $e^{\text{logits} / \text{temperature}}$, a table with a row for each
# image and a column for each output. One round is: divide every column by
# its sum, *then* every row by its sum. The published code takes the
# exponential of the logits as they come, which goes well as long as they are
# small; large ones give NaN. Yours must not.

# %% answer="balanced_targets"
def balanced_targets(logits, temperature, rounds):
    """A teacher's targets, balanced over outputs by Sinkhorn's rounds.

    logits: (batch, outputs), of any size; a constant added to all of them
    changes nothing. In PyTorch.
    temperature: above 0; rounds: 1 or more, columns first, rows last
    Returns (batch, outputs), rows sum to 1.
    """
    ### BEGIN SOLUTION
    logs = logits / temperature
    for _ in range(rounds):
        logs = logs - logs.logsumexp(dim=0, keepdim=True)
        logs = logs - logs.logsumexp(dim=1, keepdim=True)
    return logs.exp()
    ### END SOLUTION

# %% graded="balanced_targets"
graded.week3.balanced_targets(balanced_targets)

### BEGIN HIDDEN TESTS
def graded_logits(rng):
    import torch

    logits = rng.integers(-8, 9, size=(9, 5)) / 8
    return logits, torch.tensor(logits).float()


@graded.week3.balanced_targets.hidden(
    1.5,
    "One round and three are what the recipe says.",
    "After one round, or three, the numbers are others. Which comes first, "
    "columns or rows, and what happened to the table before?",
)
def balanced_by_hand(answer, rng):
    logits, tensor = graded_logits(rng)
    table = np.exp(logits / 0.4)
    right = []
    for done in (1, 2, 3):
        table = table / table.sum(axis=0)
        table = table / table.sum(axis=1, keepdims=True)
        found = answer(tensor, 0.4, done)
        right.append(np.allclose(found, table, atol=1e-4))
    return all(right)


@graded.week3.balanced_targets.hidden(
    0.5,
    "After many rounds every output gets as much.",
    "After 300 rounds the columns should all sum to batch / outputs.",
)
def balanced_in_the_end(answer, rng):
    sums = answer(graded_logits(rng)[1], 0.5, 300).sum(axis=0)
    return np.allclose(sums, 9 / 5, atol=1e-2)
### END HIDDEN TESTS

# %% [markdown]
# A teacher with a favourite: class tokens of the scenes, compared with eight
# random directions, and output 0 preferred by all. Which share of all
# answers does each output get?

# %%
with graded.later():
    generator = torch.Generator().manual_seed(0)
    tokens = torch.from_numpy(torch_models.features(
        models["dino"], scenes.images))
    tokens = torch.nn.functional.normalize(tokens, dim=1)
    logits = tokens @ torch.randn(128, 8, generator=generator)
    logits[:, 0] += 3
    for name, told in (
            ("softmax", (logits / 0.1).softmax(dim=1)),
            ("3 rounds", balanced_targets(logits, 0.1, 3))):
        print(f"{name:10}", told.mean(dim=0).numpy().round(2))

# %% [markdown]
# ## 6 Two judges
#
# 10 points, marked by hand
#
# Now both judges at once. The gap says how much a map knows of where the
# object is. The other judge keeps a quarter of the patches, the 36 that a
# map ranks *highest* or those that it ranks *lowest*, and asks how like the
# class token stays to that of the whole image: the mean cosine, after the
# mean over scenes was taken off both. 1 is "as if nothing were missing".

# %%
def likeness(model, found, whole):
    """Mean cosine with 36 patches: (highest kept, lowest kept)."""
    ranked = torch.from_numpy((-found.reshape(len(found), -1)).argsort(1))
    centre = whole.mean(dim=0)
    kept = [class_token(model, pixels, part) - centre
            for part in (ranked[:, :36], ranked[:, -36:])]
    return [torch.cosine_similarity(k, whole - centre).mean() for k in kept]


with graded.later():
    for name, loaded in models.items():
        model = loaded.model
        whole = class_token(model, pixels, torch.arange(144).repeat(100, 1))
        for title, found in {**maps_of(loaded), **free}.items():
            gaps = metrics.bootstrap_interval(own_gap(found, cover))
            high, low = likeness(model, found, whole)
            print(f"{name:11}{title:19} gap {gaps}  "
                  f"highest {high:.2f}, lowest {low:.2f}")

# %% [markdown]
# **The question.** A colleague wants one map of the network with labels for a
# talk, under the title "what our network looks at", and proposes the one with
# the largest gap. In 150 to 300 words, with numbers from your table: do the
# two judges agree on that map? Which map would you show, and what may be
# said of it? Then look at DINO: what do you make of "chance" in its rows?
#
# | criterion | points |
# |---|---|
# | says what each judge measures, and that they ask different things | 2 |
# | cites the right rows, with numbers | 1 |
# | compares with chance, and with a map that knows nothing of the scene | 2 |
# | reads "chance" rightly in the rows of DINO, with a fitting reason | 2 |
# | decides for a map (or for none), and the numbers support it | 2 |
# | names a limit: one run, pasted objects, one share, images with holes | 1 |

# %% [markdown] manual="analysis" points=10
# ### BEGIN SOLUTION
# The gap asks whether a map points at the object of its own scene, by masks
# that the network never saw. The likeness asks whether the patches that a
# map ranks highest are those that the network needs for its class token; it
# knows nothing of objects. A map can be good at one and poor at the other.
#
# For the network with labels the last layer has by far the largest gap, 0.29
# against 0.09 for colour contrast and 0.10 to 0.14 for rollout. But its
# highest 36 patches keep less than 36 random ones, 0.76 against 0.80. Both
# rollouts keep 0.93 or more. Part of that is place: the centre, which knows
# nothing of the scene, keeps 0.82, and without it only 0.27 is left. So
# rollout ranks the patches that matter best, and the last layer finds the
# object best. My guess is that earlier layers have moved information by then.
#
# I would show rollout (max of 15) and say: "with these patches alone the
# network says nearly the same of the image". Not: "this is where the object
# is"; for that the last layer is the better map.
#
# For DINO 36 random patches keep 0.94, more than the highest of any map, at
# most 0.81. Random patches lie all over the image, the highest lie together.
# Perhaps DINO's class token describes the whole scene, background included,
# and a spread sample shows more of it. A low number beside chance then says
# what the token is about, not that the map is wrong.
#
# Limits: one training run of each network, pasted objects, a quarter as the
# only share, and images with holes, which neither network was trained on.
# ### END SOLUTION

# %% [markdown]
# ## Before you hand in
#
# Restart the kernel and run all cells from top to bottom: what counts is
# what the notebook does then. The table shows what the visible properties
# say. Then download the notebook (File, Download) and hand in this one file,
# under the name it has.

# %%
graded.summary(3)
