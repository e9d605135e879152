"""Cross-attention: learned questions ask the tokens of a picture.

Three ways to answer 40 questions from 64 tokens, equal in parameters: to
attend, to average, and the source tutorial's slip. Used in week 5.
"""

import torch
from torch import nn

GRID = 8  # the encoder gives 8 x 8 tokens
SIDE = 64  # pixels of a picture
GROUPS = 8  # of channels that are normalised together


class CrossAttention(nn.Module):
    """One set of tokens asks another; Vaswani et al. (2017), section 3.2.

    Args:
        width: of both kinds of tokens.
        num_heads: a divisor of width; head_dim is width / num_heads.

    Raises:
        ValueError: num_heads do not divide the width.
    """

    def __init__(self, width, num_heads):
        _check_heads(width, num_heads)
        super().__init__()
        self.num_heads = num_heads
        self.query, self.key, self.value, self.proj = (
            nn.Linear(width, width) for _ in range(4)
        )

    def split(self, x):
        """(batch, tokens, width) -> (batch, heads, tokens, head_dim)."""
        return x.unflatten(2, (self.num_heads, -1)).transpose(1, 2)

    def weights(self, asking, tokens):
        """Return the attention, (batch, heads, queries, keys)."""
        query = self.split(self.query(asking))
        key = self.split(self.key(tokens))
        logits = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
        return logits.softmax(dim=-1)

    def read(self, attn, value):
        """Return what each query reads, (batch, heads, queries, head_dim)."""
        return attn @ value

    def forward(self, asking, tokens):
        """(batch, queries, width), (batch, keys, width) -> out and attn.

        out: `(batch, queries, width)`; attn: see `weights`.
        """
        attn = self.weights(asking, tokens)
        out = self.read(attn, self.split(self.value(tokens)))
        return self.proj(out.transpose(1, 2).flatten(2)), attn


class SummedValues(CrossAttention):
    """The source tutorial's slip: two letters for one axis of keys.

    Its einsum sums the weights, which gives 1, and then all values: every
    query reads the same, and the weights never matter.
    """

    def read(self, attn, value):
        """Return what each query reads, (batch, heads, queries, head_dim)."""
        return torch.einsum("bhqk,bhvd->bhqd", attn, value)


class MeanPooling(CrossAttention):
    """Every query reads the mean of all tokens, as most classifiers do.

    What attention spends on queries and keys is spent on a perceptron
    after the mean, so that both have the same number of parameters.
    """

    def weights(self, asking, tokens):
        """Return even weights, (batch, heads, queries, keys)."""
        shape = len(tokens), self.num_heads, asking.shape[1], tokens.shape[1]
        return tokens.new_full(shape, 1 / tokens.shape[1])

    def forward(self, asking, tokens):
        """See `CrossAttention.forward`; all rows of out are alike."""
        pooled = self.value(tokens.mean(dim=1, keepdim=True))
        pooled = pooled + self.key(nn.functional.gelu(self.query(pooled)))
        out = self.proj(pooled).expand(-1, asking.shape[1], -1)
        return out, self.weights(asking, tokens)


KINDS = {
    "attention": CrossAttention,
    "mean": MeanPooling,
    "summed": SummedValues,
}


class Block(nn.Module):
    """Queries read from the picture, then each thinks for itself."""

    def __init__(self, width, num_heads, kind):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.cross = KINDS[kind](width, num_heads)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, asking, tokens):
        """(batch, queries, width), (batch, keys, width) -> same, attn."""
        out, attn = self.cross(self.norm1(asking), tokens)
        asking = asking + out
        return asking + self.mlp(self.norm2(asking)), attn


class AttributeNetwork(nn.Module):
    """Name the attributes of a face: one learned query for each.

    Args:
        frequencies: `(attributes,)` shares of positives in the training
            labels, above 0 and below 1: where the answers start (Lin et
            al., "Focal Loss for Dense Object Detection", 2017, section
            4.1). None: all start at 0.
        num_attributes: needed if no frequencies are given.
        width, num_heads, depth: of the attention.
        kind: "attention", "mean" or "summed", see `KINDS`.

    Raises:
        ValueError: an unknown kind, num_heads that do not divide the width,
            or frequencies out of range.
    """

    def __init__(
        self, frequencies=None, num_attributes=None, *, width=64,
        num_heads=4, depth=2, kind="attention",
    ):  # fmt: skip
        bias = _log_odds(frequencies, num_attributes)
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        super().__init__()
        self.settings = {
            "num_attributes": len(bias), "width": width,
            "num_heads": num_heads, "depth": depth, "kind": kind,
        }  # fmt: skip
        self.encoder = nn.Sequential(
            *_convolution(3, 32, stride=2),
            *_convolution(32, 48, stride=1),
            *_convolution(48, 64, stride=2),
            nn.Conv2d(64, width, 3, 2, 1),
        )
        self.position = nn.Parameter(0.02 * torch.randn(GRID**2, width))
        self.queries = nn.Parameter(0.5 * torch.randn(len(bias), width))
        self.norm, self.norm_out = nn.LayerNorm(width), nn.LayerNorm(width)
        self.blocks = nn.ModuleList(
            Block(width, num_heads, kind) for _ in range(depth)
        )
        self.answer = nn.Parameter(torch.zeros(len(bias), width))
        self.bias = nn.Parameter(bias)

    def tokens(self, images):
        """(batch, 3, 64, 64), 0 to 1 -> (batch, 64, width), rows first."""
        _check_images(images)
        x = self.encoder(2 * images - 1)  # (batch, width, 8, 8)
        return self.norm(x.flatten(2).transpose(1, 2) + self.position)

    def answers(self, images):
        """Return logits, and attention `(batch, layers, heads, A, 64)`."""
        tokens = self.tokens(images)
        asking = self.queries.expand(len(images), -1, -1)
        maps = []
        for block in self.blocks:
            asking, attn = block(asking, tokens)
            maps.append(attn)
        logits = (self.norm_out(asking) * self.answer).sum(dim=-1)
        return logits + self.bias, torch.stack(maps, dim=1)

    def forward(self, images):
        """(batch, 3, 64, 64), 0 to 1 -> logits (batch, attributes)."""
        return self.answers(images)[0]


def _convolution(before, after, stride):
    norm = nn.GroupNorm(GROUPS, after)
    return nn.Conv2d(before, after, 3, stride, 1), norm, nn.GELU()


def _log_odds(frequencies, num_attributes):
    if frequencies is None:
        if not isinstance(num_attributes, int) or num_attributes < 1:
            raise ValueError("give frequencies, or num_attributes (1 or more)")
        return torch.zeros(num_attributes)
    shares = torch.as_tensor(frequencies, dtype=torch.float32)
    if shares.ndim != 1 or not ((shares > 0) & (shares < 1)).all():
        raise ValueError(
            "frequencies must be one row of numbers above 0 and below 1: an "
            "attribute that never or always holds cannot be learned"
        )
    return shares.logit()


def _check_heads(width, num_heads):
    if num_heads < 1 or width % num_heads:
        raise ValueError(
            f"num_heads must divide the width {width}, got {num_heads}"
        )


def _check_images(images):
    if images.ndim != 4 or images.shape[1:] != (3, SIDE, SIDE):
        raise ValueError(
            f"images need shape (batch, 3, {SIDE}, {SIDE}), got "
            f"{tuple(images.shape)}"
        )
