"""Train small PyTorch classifiers; ask a loaded ViT about many images.

Plumbing of the weeks that use PyTorch; what they teach stands in the
lessons.
"""

import contextlib
import functools

import numpy as np
import torch
from torch.nn import functional as F

from course_utils import attention, attention_maps, vit_attention
from course_utils.pasted_objects import pasted_objects
from course_utils.progress_bar import track

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
AT_ONCE = 200  # images; more would only take memory


def train_classifier(
    net, x, y, *, label, epochs, batch_size=50, peak_rate=5e-3
):
    """Fit a classifier behind one progress bar, return it.

    AdamW; the learning rate climbs to `peak_rate`, then falls to 0. On a
    GPU if there is one, else on one core: with networks as small as these,
    several cores mostly wait for each other.

    Args:
        net: module from `x` to logits `(n, classes)`.
        x: inputs, an array or tensor `(n, ...)`.
        y: `(n,)` whole-number labels.
        label: what the progress bar says.
        epochs: how often every input is seen.
    """
    net = net.to(DEVICE).train()
    x = torch.as_tensor(x, dtype=torch.float32).to(DEVICE)
    y = torch.as_tensor(np.asarray(y), dtype=torch.long).to(DEVICE)
    batches = [
        batch
        for _ in range(epochs)
        for batch in torch.randperm(len(x)).split(batch_size)
    ]
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, peak_rate, total_steps=len(batches)
    )
    with _one_thread():
        for batch in track(batches, label):
            optimizer.zero_grad()
            F.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
            schedule.step()
    return net.eval()


@contextlib.contextmanager
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Add(torch.nn.Module):
    """A layer that adds the same numbers to every input."""

    def __init__(self, numbers):
        super().__init__()
        numbers = torch.as_tensor(numbers, dtype=torch.float32)
        self.register_buffer("numbers", numbers)

    def forward(self, x):
        return x + self.numbers


def parameters(net, part=""):
    """Return how many parameters a module has whose names hold `part`."""
    named = net.named_parameters()
    return sum(value.numel() for name, value in named if part in name)


def classify(net, x):
    """Return the class with the largest logit for each input, `(n,)`."""
    device = next(net.parameters()).device
    x = torch.as_tensor(x, dtype=torch.float32).to(device)
    with torch.no_grad():
        parts = [net(part).argmax(dim=1) for part in x.split(AT_ONCE)]
    return torch.cat(parts).cpu().numpy()


def as_image(patches):
    """Lay square patches, one channel, into a square grid of them.

    Args:
        patches: `(rows * rows, side * side)` or `(rows * rows, side * side,
            1)`, in reading order.

    Returns:
        `(rows * side, rows * side)`.
    """
    rows, side = (round(count**0.5) for count in patches.shape[:2])
    grid = np.reshape(patches, (rows, rows, side, side)).swapaxes(1, 2)
    return grid.reshape(rows * side, rows * side)


def shuffle_patches(images, patch_size, seed):
    """Give the patches of each image an order of its own.

    Args:
        images: `(n, height, width)`, sides multiples of the patch size.
        patch_size: side of a patch in pixels.
        seed: whole number; the same seed, the same orders.

    Returns:
        Array of the same shape.
    """
    n, height, width = images.shape
    rows, cols, side = height // patch_size, width // patch_size, patch_size
    cut = images.reshape(n, rows, side, cols, side).swapaxes(2, 3)
    cut = cut.reshape(n, rows * cols, side * side)
    order = np.random.default_rng(seed).random(cut.shape[:2]).argsort(axis=1)
    cut = np.take_along_axis(cut, order[..., None], axis=1)
    cut = cut.reshape(n, rows, cols, side, side).swapaxes(2, 3)
    return cut.reshape(n, height, width)


@functools.cache
def scenes_for(loaded, count, split, side=12, seed=0):
    """Return scenes of pasted objects that fit a network's patches.

    Args:
        loaded: `vit_weights.LoadedVit`.
        count, split, seed: as for `pasted_objects`.
        side: of a scene, in patches of this network.

    Returns:
        `PastedObjects`, kept for the next call: do not write to it.
    """
    size = side * loaded.model.patch_size
    return pasted_objects(count, split=split, size=size, seed=seed)


def pixels_of(loaded, images):
    """Prepare images of one size for a `LoadedVit`.

    Args:
        loaded: `vit_weights.LoadedVit`; it moves to the GPU if there is
            one, and so do the pixels.
        images: `(n, height, width, 3)` uint8, cropped to whole patches.

    Returns:
        `(n, 3, height, width)` tensor, normalised as the network wants it.
    """
    model = loaded.model.to(DEVICE)
    ready = [
        vit_attention.prepare(
            image, model.patch_size, mean=loaded.mean, std=loaded.std
        )
        for image in images
    ]
    return torch.cat([one.tensor for one in ready]).to(DEVICE)


def last_maps(loaded, images):
    """Return what the class token of the last layer attends to.

    Args:
        loaded, images: as for `pixels_of`.

    Returns:
        `(n, heads, rows, cols)`, see `attention_maps.class_maps`.
    """
    model = loaded.model
    grid = [side // model.patch_size for side in np.shape(images)[1:3]]
    maps = []
    for part in pixels_of(loaded, images).split(AT_ONCE):
        attn = vit_attention.read_attention(
            model, part, [len(model.blocks) - 1]
        )
        maps.append(attention_maps.class_maps(attn[0].numpy(), grid))
    return np.concatenate(maps)


def features(loaded, images):
    """Return the class token of each image, `(n, width)`.

    Args:
        loaded, images: as for `pixels_of`.
    """
    parts = pixels_of(loaded, images).split(AT_ONCE)
    with torch.no_grad():
        found = [loaded.model(part) for part in parts]
    return torch.cat(found).cpu().numpy()


def depth_profile(loaded, images):
    """Return how far and how evenly patches attend to patches.

    Args:
        loaded, images: as for `pixels_of`.

    Returns:
        `(distance, entropy)`, each `(layers, heads)`: mean distance in
        patches, and entropy as a share of its maximum. The class token is
        left out, and the rest of each row divided by its sum.
    """
    grid = [side // loaded.model.patch_size for side in images.shape[1:3]]
    pixels = pixels_of(loaded, images)
    attn = vit_attention.read_attention(loaded.model, pixels).numpy()
    attn = attn[..., 1:, 1:] / attn[..., 1:, 1:].sum(axis=-1, keepdims=True)
    distance = attention.mean_distance(attn, grid).mean(axis=1)
    entropy = attention.entropy(attn).mean(axis=(1, 3))
    return distance, entropy / np.log(grid[0] * grid[1])


def flows(loaded, images, roll):
    """Follow attention through all layers of a network.

    Args:
        loaded, images: as for `pixels_of`.
        roll: function from `(layers, heads, tokens, tokens)` of one image
            to `(tokens, tokens)`, such as `attention_maps.rollout`.

    Returns:
        `(n, tokens, tokens)`.
    """
    pixels = pixels_of(loaded, images)
    attn = vit_attention.read_attention(loaded.model, pixels).numpy()
    return np.stack([roll(attn[:, i]) for i in range(len(images))])
