"""The source tutorial of week 5: evidence, not an example.

Its README and its notebook, reduced: downloads, prints, figures and dropout
are left out, einops is replaced by torch, a head is width / heads wide as in
the README. What computes stands as published, in the tutorial's own names;
what is wrong is the subject of the lesson. "001-9" is a row of the course's
list of what the tutorial promises. Cells of the notebook count from 0, lines
are the README's. Its copyright (c) 2025 is Clarkson Edge Computing's, under
the MIT licence in the words of LICENSE. Used in week 5.
"""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class BuggyCrossAttention(nn.Module):
    """`VisualizableCrossAttention`, cell 5 (001-9): one letter is wrong.

    The letter v names the keys a second time, so einsum sums each on its
    own: the weights give 1, and every query gets all values added up.

    Args:
        width: of query_tokens and tokens, a multiple of num_heads.
        num_heads: heads.
        repaired: put the letter right, change nothing else.

    Raises:
        ValueError: num_heads do not divide the width.
    """

    def __init__(self, width, num_heads, repaired=False):
        if width % num_heads:
            raise ValueError(f"{num_heads} heads do not divide width {width}")
        super().__init__()
        self.heads = num_heads
        self.scale = (width // num_heads) ** -0.5
        self.mix = f"bhqk, bh{'k' if repaired else 'v'}d -> bhqd"
        self.to_q, self.to_k, self.to_v = (
            nn.Linear(width, width, bias=False) for _ in range(3)
        )
        self.to_out = nn.Linear(width, width)

    def _split(self, x):
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def forward(self, query_tokens, tokens):
        """(batch, queries, width), (batch, keys, width) -> out, attn.

        out: `(batch, queries, width)`; attn: `(batch, heads, queries,
        keys)`, the maps that the tutorial draws.
        """
        q = self._split(self.to_q(query_tokens))
        k = self._split(self.to_k(tokens))
        v = self._split(self.to_v(tokens))
        attn = torch.einsum("bhqd, bhkd -> bhqk", q, k) * self.scale
        attn_weights = F.softmax(attn, dim=-1)
        out = torch.einsum(self.mix, attn_weights, v)
        return self.to_out(out.transpose(1, 2).flatten(2)), attn_weights


class ImprovedFacialImageEncoder(nn.Module):
    """The "multi-scale CNN" of cell 7 (001-11): not one activation.

    Images `(batch, 3, img_size, img_size)` -> tokens `(batch, (img_size //
    patch_size)**2, embed_dim)`, a linear map plus a constant.
    """

    def __init__(self, img_size=224, patch_size=16, embed_dim=768):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, embed_dim, patch_size, patch_size)
        num_patches = (img_size // patch_size) ** 2
        self.pos_embed = nn.Parameter(torch.zeros(1, num_patches, embed_dim))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        self.multi_scale = nn.ModuleList(
            nn.Conv2d(
                embed_dim, embed_dim, size, padding=size // 2, groups=embed_dim
            )
            for size in (3, 5, 7)
        )

    def forward(self, x):
        x = self.patch_embed(x)
        scales = [x, *(conv(x) for conv in self.multi_scale)]
        x = sum(scales) / len(scales)
        return x.flatten(2).transpose(1, 2) + self.pos_embed


class CrossAttentionFacialAttributeNetwork(nn.Module):
    """The network of cell 7 (001-12): one classifier for all attributes.

    Images as for the encoder -> logits `(batch, num_attributes)` and a list
    of attn, one a layer. `repaired` goes to every `BuggyCrossAttention`.
    """

    def __init__(
        self, num_attributes=10, embed_dim=256, num_heads=8, depth=3,
        img_size=224, patch_size=16, repaired=False,
    ):  # fmt: skip
        super().__init__()
        self.image_encoder = ImprovedFacialImageEncoder(
            img_size, patch_size, embed_dim
        )
        # "Semantic initialisation", by random numbers.
        self.attribute_embed = nn.Parameter(
            nn.init.xavier_uniform_(torch.empty(num_attributes, embed_dim))
        )
        self.cross_attention_layers = nn.ModuleList(
            BuggyCrossAttention(embed_dim, num_heads, repaired)
            for _ in range(depth)
        )
        self.mlp_blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(embed_dim),
                nn.Linear(embed_dim, 4 * embed_dim),
                nn.GELU(),
                nn.Linear(4 * embed_dim, embed_dim),
            )
            for _ in range(depth)
        )
        self.classifier = nn.Sequential(
            nn.LayerNorm(embed_dim), nn.Linear(embed_dim, 1)
        )

    def forward(self, images):
        image_features = self.image_encoder(images)
        attr_queries = self.attribute_embed.expand(len(images), -1, -1)
        attention_maps = []
        for cross_attn, mlp in zip(
            self.cross_attention_layers, self.mlp_blocks, strict=True
        ):
            attended, attn = cross_attn(attr_queries, image_features)
            attr_queries = attr_queries + attended
            attr_queries = attr_queries + mlp(attr_queries)
            attention_maps.append(attn)
        return self.classifier(attr_queries).squeeze(-1), attention_maps


def initialise_bias(classifier, frequencies):
    """Cell 15's "better initialization" (001-24): it changes nothing."""
    for freq in frequencies:
        np.log((freq + 0.01) / (1 - freq + 0.01))  # log_odds, never used
        if classifier[-1].bias.ndim == 1:
            pass  # one bias for all attributes: nowhere to put ten


class FocalLoss(nn.Module):
    """Lines 103-117 (001-21): p_t is taken from the weighted loss.

    inputs are logits, targets 0 or 1, `(batch, attributes)`; pos_weight
    is a tensor `(attributes,)` or None. Returns the mean.
    """

    def __init__(self, gamma=2, pos_weight=None):
        super().__init__()
        self.gamma = gamma
        self.pos_weight = pos_weight

    def forward(self, inputs, targets):
        bce = F.binary_cross_entropy_with_logits(
            inputs, targets, reduction="none", pos_weight=self.pos_weight
        )
        pt = torch.exp(-bce)
        focal_weight = (1 - pt) ** self.gamma
        return (focal_weight * bce).mean()


def calculate_aggressive_pos_weights(frequencies):
    """Cell 15's version of lines 122-132 (001-22), without its prints.

    `(attributes,)` shares -> float32 tensor. The table's weights are 1 / f;
    what balances positives and negatives is (1 - f) / f. The limit of 50 is
    reached below f = 1.9%, by no attribute of CelebA.
    """
    pos_weights = 1.0 / (np.array(frequencies) + 0.001)
    pos_weights = np.clip(pos_weights, 1.0, 50.0)
    return torch.tensor(pos_weights, dtype=torch.float32)


def with_diversity_penalty(loss, predictions):
    """Add cell 15's penalty to a loss (001-23).

    Under no_grad the sum forgets the loss's own gradient too: backward would
    raise RuntimeError. In the published run the penalty never came into play.
    """
    with torch.no_grad():
        pred_pos_rate = torch.sigmoid(predictions).mean()
        if pred_pos_rate < 0.1:
            diversity_loss = -torch.log(pred_pos_rate + 1e-8) * 0.5
            loss = loss + diversity_loss
    return loss


def emergency_fixes(pos_weights, positive_rate):
    """Lines 247-256 (001-41): the third fix undoes the first.

    Doubles pos_weights in place, past any limit, each time it is called;
    the new loss does not get them. Returns diversity_loss and criterion.
    """
    if positive_rate < 0.05:
        pos_weights *= 2
        diversity_loss = -torch.log(positive_rate + 1e-8)
        criterion = FocalLoss(gamma=3)
        return diversity_loss, criterion


def concept_maps(rng, n_tokens=8, n_attrs=5):
    """Return the "self-attention" and "cross-attention" of cell 3 (001-8).

    `(n_tokens, n_tokens)` and `(n_attrs, n_tokens)`, drawn by a NumPy
    generator: no query and no key had a part in them.
    """
    self_attn = rng.random((n_tokens, n_tokens))
    self_attn = self_attn / self_attn.sum(axis=1, keepdims=True)
    cross_attn = rng.random((n_attrs, n_tokens))
    cross_attn = cross_attn / cross_attn.sum(axis=1, keepdims=True)
    return self_attn, cross_attn


def intensity_and_focus(attn):
    """Return cell 19's two curves for attn `(..., keys)` (001-32).

    The intensity is the mean of weights that add up to 1: 1 / keys, 1 / 196
    in the notebook, whatever the network does. The focus is the entropy.
    """
    return attn.mean(-1), -np.sum(attn * np.log(attn + 1e-8), -1)


def shown_attribute(attr_idx, rarity, frequencies):
    """Return which attribute cell 17's explorer shows (001-29).

    Not the chosen one if the filter leaves it out, and nobody says so.
    rarity: "All", "Rare (<10%)", "Imbalanced (<30%)" or "Common (>30%)".
    """
    if rarity != "All":
        if rarity == "Rare (<10%)":
            valid_attrs = [i for i, f in enumerate(frequencies) if f < 0.1]
        elif rarity == "Imbalanced (<30%)":
            valid_attrs = [i for i, f in enumerate(frequencies) if f < 0.3]
        else:
            valid_attrs = [i for i, f in enumerate(frequencies) if f >= 0.3]
        if attr_idx not in valid_attrs:
            attr_idx = valid_attrs[0] if valid_attrs else 0
    return attr_idx


def attribute_status(attr_pos_rate):
    """Return cell 15's mark for an attribute (001-26): 100% gets a tick."""
    return "✅" if attr_pos_rate > 0.05 else "❌"


def verdict(positive_rate):
    """Return cell 15's last word (001-20): 100% is SUCCESS."""
    return "SUCCESS" if positive_rate > 0.1 else "PARTIAL SUCCESS"


# What raises an error as published: the README's fences, cut to the lines
# that matter, and a call.
FENCES = {
    "make the cross-attention, line 93 (001-9)": """
class VisualizableCrossAttention(nn.Module):
    def __init__(self, query_dim, key_dim, value_dim, heads=8):
        super().__init__()
        self.to_q = nn.Linear(query_dim, inner_dim, bias=False)
VisualizableCrossAttention(64, 64, 64)""",
    "weigh an array, line 130 (001-22)": """
for i, freq in enumerate(np.array([0.023])):
    if freq < 0.05:
        print(f"CRITICAL: {attr_names[i]} at {freq:.1%}")""",
    "weigh a list, line 124 (001-22)": """
frequencies = [0.023]
pos_weights = 1.0 / (frequencies + 0.001)""",
    "make the explorer, line 168 (001-29)": "widgets.IntSlider()",
    "run the checklist, line 232 (001-41)": "1. Check positive rate",
    "apply the fixes, line 248 (001-41)": """
if positive_rate < 0.05:
    pos_weights *= 2""",
    "apply the second, line 253 (001-41)": """
positive_rate = 0.0
diversity_loss = -torch.log(positive_rate + 1e-8)""",
}


def crashes():
    """Run each of `FENCES` with torch, nn, F and np imported.

    Returns for each what it does, the error's name, its message's first
    line; "none", "no crash" if there was none.
    """
    met = []
    for doing, source in FENCES.items():
        try:
            exec(source, {"torch": torch, "nn": nn, "F": F, "np": np})
            said = "none", "no crash"
        except Exception as error:
            said = type(error).__name__, str(error).partition("\n")[0]
        met.append((doing, *said))
    return met
