"""Short trials for week 5's assignment: questions put to frozen tokens.

The encoder is the one that ships with the course and stays as it is; a
trial trains 40 new questions on the tokens that it made once. So a trial
takes seconds on one core, and remedies can be compared on several seeds.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from course_utils import face_networks
from course_utils.cross_attention import AttributeNetwork
from course_utils.face_looks import draw_look
from course_utils.face_workers import DRAWING, stream
from course_utils.faces import faces

STEPS = 300
BATCH = 32
RATE = 3e-3  # learning rate of AdamW at its peak
SCARF = 0.8  # above it, `draw_look` hangs a scarf round the neck


class Questions(AttributeNetwork):
    """One learned query for each attribute, asked of ready tokens.

    Args:
        frequencies: `(attributes,)`, of the training labels.
    """

    def __init__(self, frequencies):
        super().__init__(frequencies, depth=1)
        self.encoder = nn.Identity()

    def tokens(self, images):
        """Return what it is given, `(batch, 64, width)`."""
        return images


@torch.inference_mode()
def encoded(drawn, batch=100):
    """Return the tokens of faces, by the encoder that ships.

    Args:
        drawn: a `Faces`.
        batch: faces at a time.

    Returns:
        `(n, 64, 64)` float32 tensor: faces, places (8 x 8, rows first),
        width.
    """
    net, _ = face_networks.load_net()
    parts = torch.from_numpy(drawn.images).split(batch)
    pixels = (part.permute(0, 3, 1, 2).float() / 255 for part in parts)
    return torch.cat([net.tokens(part) for part in pixels]).clone()


def trial(tokens, labels, *, seed, loss=None, chances=None, steps=STEPS):
    """Train new questions for a moment; return the `Questions`.

    Args:
        tokens: `(n, 64, 64)`, see `encoded`.
        labels: `(n, attributes)` bool.
        seed: of the start and of the faces drawn.
        loss: `loss(logits, targets, attn, progress)`, a scalar; logits and
            targets are `(batch, attributes)`, attn is `(batch, heads,
            attributes, 64)`, progress goes from 0 to 1. None: plain
            cross-entropy.
        chances: `chances(progress)` returns `(n,)`, how likely each face
            is drawn. None: all alike.
        steps: of `BATCH` faces each.
    """
    torch.manual_seed(seed)
    net = Questions(labels.mean(axis=0))
    targets = torch.from_numpy(labels).float()
    optimizer = torch.optim.AdamW(net.parameters(), RATE)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=steps
    )
    for step in range(steps):
        chosen = _draw(len(tokens), chances, step / steps)
        logits, attn = net.answers(tokens[chosen])
        if loss is None:
            cost = F.binary_cross_entropy_with_logits(logits, targets[chosen])
        else:
            cost = loss(logits, targets[chosen], attn[:, 0], step / steps)
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        rate.step()
    return net


def _draw(count, chances, progress):
    if chances is None:
        return torch.randint(count, (BATCH,))
    shares = torch.as_tensor(chances(progress), dtype=torch.float64)
    return torch.multinomial(shares, BATCH, replacement=True)


@torch.inference_mode()
def ask(net, tokens, batch=250):
    """Return scores `(n, attributes)` and attn `(n, 1, heads, A, 64)`.

    Both are NumPy arrays; scores lie from 0 to 1.
    """
    parts = [net.answers(part) for part in tokens.split(batch)]
    logits, attn = (torch.cat(each) for each in zip(*parts, strict=True))
    return logits.sigmoid().numpy(), attn.numpy()


def scarf_labels(count, split, seed=0):
    """Return which of `faces(count, ...)` wear a scarf, `(count,)` bool.

    None of the 40 attributes tells it, so no encoder was trained on it.
    """
    rngs = (stream(split, seed, DRAWING, i) for i in range(count))
    return np.array([draw_look(rng).scarf > SCARF for rng in rngs])


def scarf_faces(count, split, seed):
    """Return tokens `(count, 64, 64)` float32 and who wears a scarf."""
    drawn = faces(count, split=split, seed=seed, workers=1)
    return encoded(drawn).numpy(), scarf_labels(count, split, seed)
