"""A Vision Transformer whose parameters are named as DINO's are.

Dosovitskiy et al., "An Image is Worth 16x16 Words" (2021), in the form of
Caron et al., "Emerging Properties in Self-Supervised Vision Transformers"
(2021), so that their published weights load with ``strict=True``. Taught
in week 3, trained in its bonus notebook.
"""

import torch
import torch.nn.functional as F
from torch import nn


class PatchEmbed(nn.Module):
    """Cut an image into patches and project each to a token."""

    def __init__(self, patch_size, in_channels, width):
        super().__init__()
        self.proj = nn.Conv2d(in_channels, width, patch_size, patch_size)

    def forward(self, images):
        grid = self.proj(images)  # (batch, width, rows, cols)
        return grid.flatten(2).transpose(1, 2)  # (batch, patches, width)


class Attention(nn.Module):
    """Multi-head self-attention, one matrix for query, key and value."""

    def __init__(self, width, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def split(self, qkv):
        """Return query, key, value: each (batch, heads, tokens, head_dim)."""
        batch, tokens, width = qkv.shape
        parts = qkv.reshape(batch, tokens, 3, self.num_heads, -1)
        return parts.permute(2, 0, 3, 1, 4)  # (3, batch, heads, ...)

    def forward(self, tokens):
        query, key, value = self.split(self.qkv(tokens))
        heads = F.scaled_dot_product_attention(query, key, value)
        return self.proj(heads.transpose(1, 2).flatten(2))  # heads merged


class Mlp(nn.Module):
    """Two layers, applied to every token alone."""

    def __init__(self, width, hidden):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens):
        return self.fc2(F.gelu(self.fc1(tokens)))


class Block(nn.Module):
    """Pre-norm: normalise, mix the tokens, add; then each by itself."""

    def __init__(self, width, num_heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, num_heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, 4 * width)

    def forward(self, tokens):
        tokens = tokens + self.attn(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class VisionTransformer(nn.Module):
    """Image in, one vector out: the class token after the last block.

    Args:
        image_size: side in pixels, or (height, width), that the learned
            positions are made for; other sizes interpolate them.
        patch_size: side of a patch in pixels.
        width: channels of a token; a multiple of num_heads.
        depth: number of blocks.
        num_heads: heads of each block.
        in_channels: 3 for colour, 1 for grey.

    Raises:
        ValueError: num_heads does not divide width, or no patch fits.
    """

    def __init__(
        self,
        image_size=224,
        patch_size=16,
        width=384,
        depth=12,
        num_heads=6,
        in_channels=3,
    ):
        super().__init__()
        if width % num_heads:
            raise ValueError(f"{num_heads} heads do not divide width {width}")
        if isinstance(image_size, int):
            image_size = (image_size, image_size)
        self.patch_size = patch_size
        self.grid = _grid(image_size, patch_size)
        patches = self.grid[0] * self.grid[1]
        self.patch_embed = PatchEmbed(patch_size, in_channels, width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + patches, width))
        self.blocks = nn.ModuleList(
            Block(width, num_heads) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.apply(_start_small)
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)

    def positions(self, rows, cols):
        """Return the position code for a grid, (1, 1 + rows * cols, width).

        DINO's own code stretches by (rows + 0.1) / 14 instead of rows / 14,
        against rounding; Hugging Face's copy does as is done here.
        """
        if (rows, cols) == self.grid:
            return self.pos_embed
        of_class, of_patches = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        as_image = of_patches.unflatten(1, self.grid).permute(0, 3, 1, 2)
        resized = F.interpolate(as_image, (rows, cols), mode="bicubic")
        resized = resized.flatten(2).transpose(1, 2)
        return torch.cat([of_class, resized], dim=1)

    def tokens(self, images):
        """Return all tokens after the last block, class token first.

        images: (batch, channels, height, width), sides multiples of the
        patch size (else ValueError). Returns (batch, 1 + patches, width).
        """
        rows, cols = _grid(images.shape[-2:], self.patch_size)
        patches = self.patch_embed(images)
        first = self.cls_token.expand(len(images), -1, -1)
        tokens = torch.cat([first, patches], dim=1)
        tokens = tokens + self.positions(rows, cols)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)

    def forward(self, images):
        """Return the class token, (batch, width)."""
        return self.tokens(images)[:, 0]


def _grid(sides, patch_size):
    """Return (rows, cols) of the patches of an image with these sides."""
    if any(side < patch_size or side % patch_size for side in sides):
        raise ValueError(
            f"an image of {' x '.join(map(str, sides))} pixels cannot be cut "
            f"into whole patches of {patch_size} x {patch_size}: crop or pad "
            "it first (vit_attention.prepare)"
        )
    return tuple(side // patch_size for side in sides)


def _start_small(module):
    """Weights as in DINO: a narrow normal, cut at two units; biases 0."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
