"""What may stand in the slot of week 4's U-Net: attention, or its control.

All take `(batch, channels, height, width)` and the coarse picture, give
back the same shape, and add to what came in. `gamma`, one learned number,
scales what they add; it starts at 0, so that a network starts as if the
slot were empty (Zhang et al., "Self-Attention Generative Adversarial
Networks", 2019, equation 3).
"""

import torch
from torch import nn
from torch.nn import functional as F

GROUPS = 8  # of channels that are normalised together


class SelfAttention(nn.Module):
    """Every place attends to all places; Vaswani et al. (2017).

    Raises ValueError where num_heads do not divide the channels.
    """

    def __init__(self, channels, num_heads, gamma=0.0):
        check_heads(channels, num_heads)
        super().__init__()
        self.num_heads = num_heads
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.proj = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.full((1,), float(gamma)))

    def split(self, x):
        """(batch, c, height, width) -> (batch, heads, tokens, head_dim)."""
        x = x.flatten(2)  # (batch, c, tokens)
        return x.unflatten(1, (self.num_heads, -1)).transpose(2, 3)

    def query_key_value(self, x, coarse):
        """Return the three, each (batch, heads, tokens, head_dim)."""
        query, key, value = self.qkv(self.norm(x)).chunk(3, dim=1)
        return self.split(query), self.split(key), self.split(value)

    def attend(self, query, key, value):
        """Return a mean of the values for each query, shaped like it."""
        scale = query.shape[-1] ** -0.5
        attn = (query @ key.transpose(2, 3) * scale).softmax(dim=-1)
        return attn @ value  # (batch, heads, tokens, head_dim)

    def forward(self, x, coarse):
        out = self.attend(*self.query_key_value(x, coarse))
        out = out.transpose(2, 3).reshape(x.shape)  # heads side by side
        return x + self.gamma * self.proj(out)

    def weights(self, x, coarse):
        """Return the attention, (batch, heads, queries, keys)."""
        query, key, _ = self.query_key_value(x, coarse)
        scale = query.shape[-1] ** -0.5
        return (query @ key.transpose(2, 3) * scale).softmax(dim=-1)


class LinearAttention(SelfAttention):
    """Keys and values are summed first: cost linear in the places.

    Katharopoulos et al., "Transformers are RNNs" (2020), equation 5.
    """

    def attend(self, query, key, value):
        """Return a mean of the values for each query, shaped like it."""
        query, key = F.elu(query) + 1, F.elu(key) + 1  # positive
        summed = key.transpose(2, 3) @ value  # (batch, heads, dim, dim)
        total = query @ key.sum(dim=2)[..., None]  # (.., tokens, 1)
        return query @ summed / total

    def weights(self, x, coarse):
        """Return what `attend` never makes, (batch, heads, queries, keys)."""
        query, key, _ = self.query_key_value(x, coarse)
        attn = (F.elu(query) + 1) @ (F.elu(key) + 1).transpose(2, 3)
        return attn / attn.sum(dim=-1, keepdim=True)


class CrossAttention(SelfAttention):
    """Places ask; the pixels of the coarse picture answer."""

    def __init__(self, channels, num_heads, gamma=0.0):
        super().__init__(channels, num_heads, gamma)
        self.qkv = nn.Conv2d(channels, channels, 1)  # the query alone
        self.embed = nn.Conv2d(3, channels, 3, padding=1)
        self.key_value = nn.Conv2d(channels, 2 * channels, 1)

    def query_key_value(self, x, coarse):
        tokens = F.silu(self.embed(coarse))
        key, value = self.key_value(tokens).chunk(2, dim=1)
        query = self.qkv(self.norm(x))
        return self.split(query), self.split(key), self.split(value)


class Perceptron(nn.Module):
    """The control: as many parameters; places meet in its norm alone."""

    def __init__(self, channels, num_heads=1, gamma=0.0):
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.fc1 = nn.Conv2d(channels, 2 * channels, 1)
        self.fc2 = nn.Conv2d(2 * channels, channels, 1)
        self.gamma = nn.Parameter(torch.full((1,), float(gamma)))

    def forward(self, x, coarse):
        return x + self.gamma * self.fc2(F.silu(self.fc1(self.norm(x))))


class Nothing(nn.Module):
    """An empty slot."""

    def __init__(self, *_):
        super().__init__()

    def forward(self, x, coarse):
        return x


MIXERS = {
    "attention": SelfAttention,
    "linear": LinearAttention,
    "cross": CrossAttention,
    "perceptron": Perceptron,
    "nothing": Nothing,
}


def make_mixer(kind, channels, num_heads):
    """Return a module for the slot.

    Raises:
        ValueError: unknown kind, heads that do not divide the channels, or
            channels that cannot be normalised in groups.
    """
    if kind not in MIXERS:
        raise ValueError(
            f"unknown mixer {kind!r}: choose one of {', '.join(MIXERS)}"
        )
    check_heads(channels, num_heads)
    return MIXERS[kind](channels, num_heads)


def check_heads(channels, num_heads):
    """Raise ValueError unless heads share the channels evenly."""
    if num_heads < 1 or channels % num_heads:
        raise ValueError(
            f"{num_heads} heads do not divide {channels} channels"
        )
