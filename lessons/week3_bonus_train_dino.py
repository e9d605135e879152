# %% [markdown]
# # Week 3, bonus · Train DINO yourself
#
# {{badges}}
#
# Week 3 looked at maps from a Vision Transformer that nobody told what an
# object is. Here you train it. You write the views, the student and its
# teacher, the loss, and the two brakes that keep both from agreeing on
# nothing; you switch each brake off and watch the training die; and you
# train for a minute and see a score rise that the loss does not know of.
#
# This notebook is also where the weights of week 3 come from: preset `full`
# trains them again, `quick` a minute's worth.
#
# **You will be able to**
# - say what DINO compares, and why no label is needed;
# - write multi-crop views, the loss, centring and sharpening;
# - tell a collapsed training from a healthy one by two numbers;
# - follow a self-supervised training by a k-nearest-neighbour score;
# - interrupt a training and resume it with the same result.
#
# **Time**: 45 minutes, of which the computer trains for about three.
# **Needs**: week 3 up to its section 4, and a little PyTorch.
#
# **Contents**: [1 The game](#s1) · [2 Views](#s2) ·
# [3 Student, teacher, loss](#s3) · [4 Two brakes](#s4) ·
# [5 Train](#s5) · [6 The shipped weights](#s6) · [7 Claims](#s7)
#
# {{nav}}

# %% tags=["setup"]
setup(week=3)

# %%
import copy
import math
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import pyplot as plt
from torch import nn

from course_utils import claim, claims_table, plots, show
from course_utils.metrics import knn_accuracy
from course_utils.pasted_objects import pasted_objects
from course_utils.training import (
    Training,
    average_into,
    cosine,
    make_accelerator,
)
from course_utils.vit import VisionTransformer
from course_utils.vit_weights import MEAN, SMALL, STD, load_vit, read_metadata

accelerator = make_accelerator(session.pick(quick="no", full="fast"))

# %% [markdown]
# <a id="s1"></a>
# ## 1 The game: agree on two views of one picture
#
# Cut two boxes out of a photo and change their colours. A *student* network
# sees one, its *teacher* the other; both answer with a distribution over
# some hundred classes that mean nothing yet. The student is trained to say
# what the teacher said. The teacher is no second network to be trained: it
# is the running average of the student.
#
# Why should that teach anything? What both boxes share is what the photo is
# *of*; brightness, place and scale differ. To agree, the student must find
# what stays (Caron et al., 2021).
#
# Our pictures are the scenes of week 3, the training split: 256 objects on
# crops of 10 photos. DINO never sees a label or a mask.

# %%
SCENES = {"size": 64, "sides": (0.5, 0.9)}  # larger objects than week 3's
scenes = pasted_objects(
    session.pick(quick=2000, full=20000), seed=0, **SCENES
)
images = torch.from_numpy(scenes.images).permute(0, 3, 1, 2)
plots.images(
    list(scenes.images[:10]),
    alt="Ten training scenes: on each, one emoji at a random place, size "
    "and angle, pasted on a crop of a photo of mountains, water, flowers, "
    "a rocket, an astronaut or grass.",
)

# %% [markdown]
# <a id="s2"></a>
# ## 2 Views
#
# DINO cuts two large views and several small ones out of every picture
# (*multi-crop*). The teacher sees the large ones only, the student all: it
# must tell from a corner what the teacher sees in the whole.
#
# A crop is an affine map of coordinates, so one call of `grid_sample` cuts a
# different box from every picture of a batch.

# %%
GLOBAL = {"size": 48, "area": (0.3, 1.0)}  # share of the picture's area
LOCAL = {"size": 24, "area": (0.08, 0.3)}
NUM_GLOBAL = 2
NUM_LOCAL = 4


def between(low, high, *shape):
    """Uniform random numbers."""
    return torch.empty(*shape).uniform_(low, high)


def random_crops(images, size, area):
    """Cut a random box out of each image, mirror half, scale to size.

    images: (batch, 3, height, width). Returns (batch, 3, size, size).
    """
    count = len(images)
    share = between(*area, count)
    ratio = between(math.log(3 / 4), math.log(4 / 3), count).exp()
    wide = (share * ratio).sqrt().clamp(max=1)
    high = (share / ratio).sqrt().clamp(max=1)
    mirror = torch.where(torch.rand(count) < 0.5, -1, 1)
    boxes = torch.zeros(count, 2, 3)  # coordinates run from -1 to 1
    boxes[:, 0, 0], boxes[:, 1, 1] = wide * mirror, high
    boxes[:, 0, 2] = (1 - wide) * between(-1, 1, count)
    boxes[:, 1, 2] = (1 - high) * between(-1, 1, count)
    grid = F.affine_grid(boxes, (count, 3, size, size), align_corners=False)
    return F.grid_sample(
        images, grid, padding_mode="reflection", align_corners=False
    )

# %% [markdown]
# Colours change too, or the student would win by comparing mean colours:
# brightness, contrast and saturation of every view change by up to 80%, its
# hue by up to a tenth of the colour circle, and every fifth view becomes
# grey. (DINO also blurs and solarises; we leave that out, at a loss we have
# not measured.)

# %%
GREY = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
STRENGTH = (0.2, 1.8)  # factor for brightness, contrast, saturation


def turn_hue(images, turns):
    """Rotate colours about the grey axis; turns (batch,), 1 is full."""
    cos, sin = (f(2 * math.pi * turns) for f in (torch.cos, torch.sin))
    cos, sin = cos.view(-1, 1, 1), sin.view(-1, 1, 1) / math.sqrt(3)
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    matrix = cos * torch.eye(3) + (1 - cos) / 3 + sin * cross
    return torch.einsum("bij,bjhw->bihw", matrix, images)


def colour_jitter(images):
    """Change brightness, contrast, hue, saturation; 1 in 5 turns grey."""
    count = len(images)
    images = images * between(*STRENGTH, count, 1, 1, 1)
    mean = images.mean((1, 2, 3), keepdim=True)
    images = mean + (images - mean) * between(*STRENGTH, count, 1, 1, 1)
    images = turn_hue(images, between(-0.1, 0.1, count))
    grey = (images * GREY).sum(1, keepdim=True)
    colour = between(*STRENGTH, count, 1, 1, 1)
    colour[torch.rand(count) < 0.2] = 0
    return (grey + (images - grey) * colour).clamp(0, 1)


def normalise(images):
    """Pixels from 0 to 1 to what the network expects."""
    mean, std = (torch.tensor(x).view(1, 3, 1, 1) for x in (MEAN, STD))
    return (images - mean) / std


def make_views(images):
    """uint8 images (batch, 3, height, width) to a list of batches."""
    images = images.float() / 255
    crops = [GLOBAL] * NUM_GLOBAL + [LOCAL] * NUM_LOCAL
    return [
        normalise(colour_jitter(random_crops(images, **crop)))
        for crop in crops
    ]

# %% [markdown]
# **Predict**: how often will a small view miss the object altogether?

# %%
pictures = []
for view in make_views(images[:3]):
    pixels = view * torch.tensor(STD).view(1, 3, 1, 1)
    pixels = pixels + torch.tensor(MEAN).view(1, 3, 1, 1)
    pictures.append(pixels.permute(0, 2, 3, 1).clamp(0, 1).numpy())
shown = [pictures[v][i] for i in range(3) for v in range(len(pictures))]
plots.images(
    shown,
    ["large", "large", "small", "small", "small", "small"] * 3,
    columns=6,
    alt="Three rows, one for each scene: two large views and four small "
    "ones, with changed colours, some mirrored, some grey.",
)

# %% [markdown]
# You should see two large views that hold most of the scene, and four small
# ones, of which some show nothing of the object. Then the student can only
# guess from the background; that is part of the game, and part of why our
# maps will not be as clean as one might wish.

# %% [markdown]
# <a id="s3"></a>
# ## 3 Student, teacher, loss
#
# The backbone is week 3's `VisionTransformer`. On top sits a *head*: three
# layers, then a comparison with `num_outputs` learned directions of length
# 1. The head is thrown away after training; the maps come from the backbone.

# %%
NUM_OUTPUTS = 1024


class DinoHead(nn.Module):
    """From a class token to logits between -1 and 1, (batch, outputs)."""

    def __init__(self, width, num_outputs=NUM_OUTPUTS, hidden=512, narrow=64):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(),
            nn.Linear(hidden, hidden), nn.GELU(),
            nn.Linear(hidden, narrow),
        )
        for layer in self.layers[::2]:
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        self.directions = nn.Parameter(torch.randn(num_outputs, narrow))

    def forward(self, features):
        point = F.normalize(self.layers(features), dim=-1)
        return point @ F.normalize(self.directions, dim=-1).T

# %% [markdown]
# The student's logits are divided by 0.1 before the softmax, the teacher's
# by 0.04: the teacher speaks more decidedly than the student (*sharpening*).
# From the teacher's logits we also subtract their running mean, the *centre*
# (*centring*). The loss is the cross-entropy between the two, over all pairs
# of one large view by the teacher and another view by the student:
#
# $$\mathcal{L} = -\frac{1}{|\text{pairs}|}\sum_{g \neq v} \sum_k
# p^{\text{teacher}}_k(g) \, \log p^{\text{student}}_k(v)$$

# %%
STUDENT_TEMPERATURE = 0.1


class Dino(nn.Module):
    """Student, teacher and centre; Caron et al. (2021), algorithm 1."""

    def __init__(self, architecture, temperature=0.04, centring=True):
        super().__init__()
        vit = VisionTransformer(**architecture)
        head = DinoHead(architecture["width"])
        self.student = nn.Sequential(vit, head)
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        self.register_buffer("centre", torch.zeros(NUM_OUTPUTS))
        self.temperature, self.centring = temperature, centring

    def targets(self, views):
        """What the teacher says of the large views, (views * batch, K)."""
        with torch.no_grad():
            logits = self.teacher(views).float()
            centred = logits - self.centre
            if self.centring:
                self.centre.lerp_(logits.mean(0), 0.1)
        return (centred / self.temperature).softmax(-1)

    def loss(self, views):
        """Cross-entropy of student and teacher, averaged over pairs."""
        large, small = views[:NUM_GLOBAL], views[NUM_GLOBAL:]
        logits = [self.student(torch.cat(large))]
        if small:
            logits.append(self.student(torch.cat(small)))
        logits = torch.cat(logits).float() / STUDENT_TEMPERATURE
        guesses = logits.log_softmax(-1).chunk(len(views))
        self.told = self.targets(torch.cat(large))  # kept, to be looked at
        pairs = [
            -(target * guess).sum(-1).mean()
            for i, target in enumerate(self.told.chunk(NUM_GLOBAL))
            for j, guess in enumerate(guesses)
            if i != j
        ]
        return torch.stack(pairs).mean()

# %% [markdown]
# Four things change on a schedule: the learning rate climbs for a tenth of
# the steps and then falls along half a cosine; weight decay grows; the
# teacher's memory grows from 0.99 to 1, so that in the end it stands still;
# and the head's directions are frozen while the learning rate climbs.

# %%
BATCH = 64


def set_up(model, trained, loss_at, steps, *, rate, seed, after_step=None):
    """The schedules that DINO and its twin with labels share."""
    warm_up = max(steps // 10, 1)

    def schedule(step):
        climb = rate * (step + 1) / warm_up
        fall = cosine(rate, 1e-5, step - warm_up, steps - warm_up)
        return {
            "lr": climb if step < warm_up else fall,
            "weight_decay": cosine(0.04, 0.2, step, steps),
        }

    return Training(
        loss_at=loss_at,
        modules={"model": model.to(accelerator.device)},
        optimizer=torch.optim.AdamW(parameter_groups(trained)),
        steps=steps,
        accelerator=accelerator,
        seed=seed,
        schedule=schedule,
        clip=3.0,
        after_step=after_step,
    )


def dino_training(dino, images, steps, *, rate=1e-3, seed=0):
    """Set up the training of a `Dino` on uint8 (n, 3, side, side)."""

    def loss_at(step):
        head = dino.student[1]
        head.directions.requires_grad_(step >= steps // 10)
        views = make_views(images[torch.randint(len(images), (BATCH,))])
        return dino.loss([view.to(accelerator.device) for view in views])

    def after_step(step):
        momentum = cosine(0.99, 1, step, steps)
        average_into(dino.teacher, dino.student, momentum)

    return set_up(
        dino, dino.student, loss_at, steps,
        rate=rate, seed=seed, after_step=after_step,
    )


def parameter_groups(model):
    """Weight decay for matrices; none for biases, norms and tokens."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    return [
        {"params": matrices},
        {"params": others, "weight_decay": 0, "fixed": ("weight_decay",)},
    ]

# %% [markdown]
# <a id="s4"></a>
# ## 4 Two brakes
#
# There is a cheap way to agree: say the same of every picture. Either always
# the same output (*collapse to one*), or all outputs alike (*collapse to
# uniform*). Centring works against the first and pushes towards the second;
# sharpening the other way round. DINO stands between the two.
#
# Two numbers tell how it goes. The mean entropy of the teacher's answers: 0
# if it always names one output, $\log K$ if it names all alike. And the
# entropy of its *average* answer, over many pictures: if that is no larger,
# all pictures get the same answer, and the training is dead.

# %%
def entropy(probabilities):
    """In nats, along the last axis."""
    return -(probabilities * probabilities.clamp_min(1e-12).log()).sum(-1)


@torch.no_grad()
def answers(dino, images):
    """Entropy of the teacher's single answers, and of their average."""
    views = normalise(images.float() / 255).to(accelerator.device)
    logits = dino.teacher(views).float() - dino.centre
    told = (logits / dino.temperature).softmax(-1)
    return entropy(told).mean().item(), entropy(told.mean(0)).item()

# %% [markdown]
# **Predict**: which of the two collapses comes without centring, which
# without sharpening (temperature 0.1 for the teacher as for the student)?
#
# For speed a smaller network, no small views, and the same start each time.

# %%
TINY = {**SMALL, "width": 64, "depth": 2}
BRAKES = {
    "both brakes": {},
    "no centring": {"centring": False},
    "no sharpening": {"temperature": STUDENT_TEMPERATURE},
}
brakes = {}
for name, options in BRAKES.items():
    torch.manual_seed(0)
    dino = Dino(TINY, **options)
    training = dino_training(dino, images, steps=120)
    training.run(
        name, watch=lambda d=dino: answers(d, images[:200]), watch_every=10
    )
    brakes[name] = training.notes

# %%
fig, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
titles = ("of a single answer", "of the average answer")
for ax, column, title in zip(axes, (0, 1), titles, strict=True):
    steps = list(brakes["both brakes"])
    lines = {
        name: [notes[step][column] for step in steps]
        for name, notes in brakes.items()
    }
    plots.curves(ax, steps, lines, "step", f"entropy {title}", log="")
    ax.set_xticks(steps[::3])
    ax.axhline(math.log(NUM_OUTPUTS), color="0.5", lw=0.8)
axes[0].set_ylabel("nats")
show(
    fig,
    alt="Two line charts over training steps, three lines each: with both "
    "brakes, without centring, without sharpening. Left the entropy of a "
    "single answer, right that of the average answer.",
)

# %% [markdown]
# <a id="s5"></a>
# ## 5 Train, and watch with k-NN
#
# The loss says how well student and teacher agree, not whether what they
# agree on is of use. So we ask from outside: take scenes of 48 objects that
# training never saw, on photos it never saw. Name an object by the labels of
# its nearest neighbours among other scenes of the same objects (*k-NN*). No
# layer is trained for it; the labels serve to mark the answers only.

# %%
gallery = pasted_objects(1000, split="validation", seed=1, **SCENES)
queries = pasted_objects(500, split="validation", seed=2, **SCENES)


@torch.no_grad()
def features(vit, scenes):
    """Class tokens of scenes, (scenes, width)."""
    pixels = torch.from_numpy(scenes.images).permute(0, 3, 1, 2)
    pixels = normalise(pixels.float() / 255)
    device = next(vit.parameters()).device
    parts = [vit(part.to(device)).float().cpu() for part in pixels.split(200)]
    return torch.cat(parts).numpy()


def knn(vit):
    """Share of objects named right by their 10 nearest neighbours."""
    return knn_accuracy(
        features(vit, gallery),
        gallery.labels,
        features(vit, queries),
        queries.labels,
    )


# %% [markdown]
# **Predict** before you run: an untrained network; does it do better than
# chance (1 in 48)?

# %%
FULL_STEPS = 2000
steps = session.pick(quick=100, full=FULL_STEPS)
torch.manual_seed(session.seed)
dino = Dino(SMALL)
checkpoint = Path(tempfile.mkdtemp()) / "dino.pt"
training = dino_training(dino, images, steps)
training.run(
    "DINO",
    watch=lambda: knn(dino.teacher[0]),
    watch_every=steps // 4,
    path=checkpoint,
)
training.notes

# %% [markdown]
# The twin.

# %%
class Labelled(nn.Module):
    """The same backbone with one layer that names the object."""

    def __init__(self, architecture, num_classes=256):
        super().__init__()
        self.vit = VisionTransformer(**architecture)
        self.head = nn.Linear(architecture["width"], num_classes)

    def forward(self, images):
        return self.head(self.vit(images))


def labelled_training(model, images, labels, steps, *, rate=1e-3, seed=0):
    """Set up its training, on one large view of each image."""

    def loss_at(step):
        chosen = torch.randint(len(images), (BATCH,))
        pixels = random_crops(images[chosen].float() / 255, **GLOBAL)
        pixels = normalise(colour_jitter(pixels)).to(accelerator.device)
        answer = labels[chosen].to(accelerator.device)
        return F.cross_entropy(model(pixels).float(), answer)

    return set_up(model, model, loss_at, steps, rate=rate, seed=seed)
