"""The maps the explorer offers: each head, their mean, attention rollout."""

import itertools

import numpy as np

from course_utils import attention_maps


class Views:
    """The maps of every shown layer, made one layer at a time.

    A map's weights on the patches become steps (see packing.py), so maps
    are heads and, if there is one, the rollout. The mean over heads is
    added up in the page, where heads can be switched off; only its numbers
    (largest weight, entropy) are taken from here.

    Args:
        attn: (layers, heads, queries, keys), rows sum to 1.
        tokens: the Tokens it is about.
        layers: numbers of the shown layers, rising.
    """

    def __init__(self, attn, tokens, layers):
        self.attn, self.tokens, self.layers = attn, tokens, layers
        self.mean = attn.shape[1] > 1
        self.rollout = tokens.names is None and len(attn) > 1
        self._flows = rollouts(attn, layers) if self.rollout else None

    def __len__(self):
        return len(self.layers)

    def maps(self):
        """Yield, for each layer, (maps, queries, keys)."""
        for place, layer in enumerate(self.layers):
            maps = self.attn[layer]
            if self.rollout:
                flow = self._flows[place].astype(maps.dtype)
                maps = np.concatenate([maps, flow[None]])
            yield maps

    def numbered(self):
        """Yield what numbers are kept of: the maps and then the mean."""
        for maps, layer in zip(self.maps(), self.layers, strict=True):
            if self.mean:
                mean = self.attn[layer].mean(axis=0, keepdims=True)
                maps = np.concatenate([maps, mean])
            yield maps


def rollouts(attn, layers):
    """Return the rollout up to each of `layers`, (layers, tokens, tokens).

    The same as attention_maps.rollout(attn[: layer + 1]), but every layer
    is multiplied only once. Layers that are not shown count as well.
    """
    steps = (attention_maps.rollout(layer[None]) for layer in attn)
    flows = itertools.accumulate(steps, lambda below, step: step @ below)
    return np.stack([f for i, f in enumerate(flows) if i in layers])
