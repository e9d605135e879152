"""Train a network of week 5 on faces, watch it, and ask it.

The recipe is that of week 4, `course_utils.recipe`. What changes from
remedy to remedy is the loss, or which faces are drawn.
"""

import numpy as np
import torch
from torch.nn import functional as F

from course_utils.multilabel_scores import average_precision
from course_utils.progress_bar import track
from course_utils.recipe import averaged_training

BATCH = 64
MOST_MEMORY = 0.995  # of the running average
RATE = 2e-3  # learning rate at its peak


def as_tensors(faces):
    """Return images (n, 3, 64, 64) uint8 and labels (n, attributes) float."""
    images = torch.from_numpy(faces.images).permute(0, 3, 1, 2)
    return images.contiguous(), torch.from_numpy(faces.labels).float()


def attribute_training(
    net, faces, *, steps, accelerator, loss=None, probabilities=None,
    rate=RATE, batch=BATCH, seed=0,
):  # fmt: skip
    """Set up a training; `run` of what is returned trains.

    Args:
        net: an `AttributeNetwork`.
        faces: a `Faces`, with as many attributes as the net has queries.
        steps: number of steps.
        accelerator: see `training.make_accelerator`.
        loss: `loss(logits, targets)`, both `(batch, attributes)`, returns a
            scalar. None: binary cross-entropy, unweighted.
        probabilities: `probabilities(progress)`, progress from 0 to 1,
            returns the chance of each face to be drawn, `(n,)`. None: all
            alike.
        rate: learning rate at its peak.
        batch: faces a step, drawn with replacement; half are mirrored.
        seed: of what is drawn.

    Returns:
        `(training, average)`: a `Training`, and the network whose weights
        are the running average.

    Raises:
        ValueError: labels for another number of attributes than queries.
    """
    images, labels = as_tensors(faces)
    if labels.shape[1] != len(net.bias):
        raise ValueError(
            f"the net answers {len(net.bias)} questions, the faces have "
            f"{labels.shape[1]} labels: make one to fit the other"
        )
    device = accelerator.device
    net = net.to(device)
    loss = loss or F.binary_cross_entropy_with_logits

    def loss_at(step):
        chosen = _draw(len(images), batch, probabilities, step / steps)
        pixels = images[chosen].to(device).float() / 255
        mirrored = torch.rand(batch, 1, 1, 1, device=device) < 0.5
        pixels = torch.where(mirrored, pixels.flip(3), pixels)
        logits = net(pixels).float()
        return loss(logits, labels[chosen].to(device))

    return averaged_training(
        net, loss_at, steps=steps, accelerator=accelerator, rate=rate,
        batch=batch, seed=seed, most_memory=MOST_MEMORY,
    )  # fmt: skip


def _draw(count, batch, probabilities, progress):
    if probabilities is None:
        return torch.randint(count, (batch,))
    chances = torch.as_tensor(probabilities(progress), dtype=torch.float64)
    if chances.shape != (count,):
        raise ValueError(
            f"probabilities must return {count} numbers, one a face, got "
            f"shape {tuple(chances.shape)}"
        )
    return torch.multinomial(chances, batch, replacement=True)


@torch.inference_mode()
def answers(net, images, logits_of=None, batch=256):
    """Ask a network about pictures.

    Args:
        net: an `AttributeNetwork`.
        images: `(n, 64, 64, 3)` uint8 array.
        logits_of: turns its answers into log-odds, see `remedies.Remedy`;
            None: they are log-odds.
        batch: pictures at a time.

    Returns:
        `(scores, attn)`: NumPy arrays `(n, attributes)`, from 0 to 1, and
        `(n, layers, heads, attributes, 64)`, float16.

    Raises:
        TypeError: images that are not uint8.
    """
    if images.dtype != np.uint8:
        raise TypeError(f"images must be uint8, got {images.dtype}")
    device = net.bias.device
    scores, maps = [], []
    for start in range(0, len(images), batch):
        pixels = torch.from_numpy(images[start : start + batch]).to(device)
        logits, attn = net.answers(pixels.permute(0, 3, 1, 2).float() / 255)
        logits = logits.cpu() if logits_of is None else logits_of(logits.cpu())
        scores.append(logits.float().sigmoid().numpy())
        maps.append(attn.half().cpu().numpy())
    return np.concatenate(scores), np.concatenate(maps)


def watcher(net, average, faces):
    """Return a `watch` for `Training.run`: what `diagnose` wants to know.

    It notes, as a dict: rates `(attributes,)`, the share of the faces for
    which the running average says yes (score above 0.5);
    average_precision `(attributes,)`, NaN for what no face has; entropy,
    the mean over faces, layers and heads, as a share of log(keys),
    `(attributes,)`; and query_gradient, the length of the last gradient of
    all query projections (0 before the first step).
    """

    def watch():
        scores, attn = answers(average, faces.images)
        attn = attn.astype(np.float32)
        terms = attn * np.log(np.maximum(attn, 1e-12))
        # In float32, a mean of thousands could round to more than 1.
        entropy = -terms.sum(axis=-1).mean(axis=(0, 1, 2), dtype=float)
        return {
            "rates": (scores > 0.5).mean(axis=0),
            "average_precision": average_precision(faces.labels, scores),
            "entropy": entropy / np.log(attn.shape[-1]),
            "query_gradient": query_gradient(net),
        }

    return watch


def query_gradient(net):
    """Return the length of the gradient of all query projections."""
    gradients = [block.cross.query.weight.grad for block in net.blocks]
    squares = [(g**2).sum().item() for g in gradients if g is not None]
    return float(np.sqrt(sum(squares)))


def history_of(training, net, faces, frequencies):
    """Return a training as `diagnosis.diagnose` reads it.

    Args:
        training: a `Training` that is done and was watched by `watcher`.
        net: what came of it.
        faces: a `Faces`, none of which was trained on; answers are read at
            a threshold of 0.5.
        frequencies: `(attributes,)`, of the training labels.

    Returns:
        `diagnosis.History`, one row a look, the first (untrained) left out.
    """
    from course_utils.diagnosis import History
    from course_utils.face_labels import ATTRIBUTES

    notes = [training.notes[step] for step in sorted(training.notes)][1:]
    losses = np.array_split(training.losses, len(notes))
    scores, _ = answers(net, faces.images)
    return History(
        names=ATTRIBUTES,
        frequencies=frequencies,
        rates=np.array([note["rates"] for note in notes]),
        losses=[part.mean() for part in losses],
        scores=scores,
        labels=faces.labels,
        attn_entropy=[np.mean(note["entropy"]) for note in notes],
        query_gradient=[note["query_gradient"] for note in notes],
        learning_rates=[
            training.schedule(step)["lr"] for step in range(training.done)
        ],
        threshold_from="fixed",
    )


def plain_run(net, faces, steps, *, rate=1e-3, batch=32, label="training"):
    """Train any network by cross-entropy, without the recipe's helpers.

    Args:
        net: `net(images)` returns logits `(batch, attributes)`, or a tuple
            whose first entry they are.
        faces: a `Faces`.
        steps: number of steps.
        rate: of AdamW, constant.
        batch: faces a step, drawn with replacement.
        label: of the progress bar.

    Returns:
        `(steps,)` losses.
    """
    images, labels = as_tensors(faces)
    optimizer = torch.optim.AdamW(net.parameters(), rate)
    losses = []
    for _ in track(range(steps), label):
        chosen = torch.randint(len(images), (batch,))
        logits = net(images[chosen].float() / 255)
        logits = logits[0] if isinstance(logits, tuple) else logits
        loss = F.binary_cross_entropy_with_logits(logits, labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)
