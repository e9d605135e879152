"""Typical wrong answers to week 3's assignment, and what they earn."""

import numpy as np
import torch


def _pick(tokens, keep, shift=1):
    """Gather the class token and patches keep + shift."""
    places = torch.cat([torch.zeros_like(keep[:, :1]), keep + shift], dim=1)
    return tokens[torch.arange(len(tokens))[:, None], places]


def _first_list_for_all(tokens, keep):
    return _pick(tokens, keep[:1].repeat(len(tokens), 1))


def _without_class(tokens, keep):
    return _pick(tokens, keep)[:, 1:]


def _least_squares(query, key, attn):
    """The slope of log weights against scores; rows keep their means."""
    scores = query @ key.swapaxes(-1, -2)
    return (scores * np.log(attn)).sum() / (scores**2).sum()


def _two_keys(query, key, attn):
    scores = query @ key.swapaxes(-1, -2)
    step = scores[0, 0, 0] - scores[0, 0, 1]
    return np.log(attn[0, 0, 0] / attn[0, 0, 1]) / step


def _centred_only(query, key, attn):
    """Right, but for weights of 0."""
    scores, logs = query @ key.swapaxes(-1, -2), np.log(attn)
    scores = scores - scores.mean(axis=-1, keepdims=True)
    logs = logs - logs.mean(axis=-1, keepdims=True)
    return (scores * logs).sum() / (scores**2).sum()


def _textbook(query, key, attn):
    return query.shape[-1] ** -0.5


def _per_head(query, key, attn):
    heads = zip(query, key, attn, strict=True)
    return np.array([_centred_only(*one) for one in heads])


def _roll(
    attn, fusion, keep, *, over="rows", order="late", share="before",
    drop="rows", fuse=True,
):  # fmt: skip
    """Rollout with one of its steps done in another way."""
    how = fusion if fuse else "mean"
    result = np.eye(attn.shape[-1])
    for layer in getattr(attn, how)(axis=1):
        same = np.eye(len(layer))
        if drop == "rows":
            least = np.sort(layer, axis=-1)[:, -keep, None]
        else:  # of the whole matrix
            least = np.sort(layer, axis=None)[-keep * len(layer)]
        layer = np.where(layer >= least, layer, 0)
        sums = layer.sum(axis=-1, keepdims=over == "rows")
        if share == "before":
            mixed = (same + layer / sums) / 2
        else:
            mixed = (same + layer) / 2
            mixed = mixed / mixed.sum(axis=-1, keepdims=True)
        result = mixed @ result if order == "late" else result @ mixed
    return result


def _roll_with(**change):
    return lambda attn, fusion, keep: _roll(attn, fusion, keep, **change)


def _shares_on(maps, masks):
    shares = maps / maps.sum(axis=(1, 2), keepdims=True)
    return np.einsum("irc,jrc->ij", shares, masks)


def _gap_with_own(maps, masks):
    on = _shares_on(maps, masks)
    return on.diagonal() - on.mean(axis=1)


def _gap_unscaled(maps, masks):
    on = np.einsum("irc,jrc->ij", maps, masks)
    return on.diagonal() - (on.sum(1) - on.diagonal()) / (len(on) - 1)


def _gap_to_next(maps, masks):
    on = _shares_on(maps, masks)
    return on.diagonal() - np.roll(on, -1, axis=1).diagonal()


def _gap_of_maps(maps, masks):
    """Other maps on this mask, in place of this map on other masks."""
    on = _shares_on(maps, masks)
    return on.diagonal() - (on.sum(0) - on.diagonal()) / (len(on) - 1)


def _gap_in_place(maps, masks):
    maps /= maps.sum(axis=(1, 2), keepdims=True)
    return _gap_to_next(maps, masks)


def _softmax(logits, temperature, rounds):
    return (logits / temperature).softmax(dim=1)


def _sinkhorn(table, rounds, axes=(0, 1)):
    for _ in range(rounds):
        for axis in axes:
            table = table / table.sum(dim=axis, keepdim=True)
    return table


def _overflow(logits, temperature, rounds):
    return _sinkhorn((logits / temperature).exp(), rounds)


def _rows_first(logits, temperature, rounds):
    logits = logits - logits.max()
    return _sinkhorn((logits / temperature).exp(), rounds, axes=(1, 0))


def _softmax_first(logits, temperature, rounds):
    return _sinkhorn(_softmax(logits, temperature, rounds), rounds)


def _no_temperature(logits, temperature, rounds):
    return _sinkhorn((logits - logits.max()).exp(), rounds)


WRONG = {
    "keep_patches": [
        ("the class token counts as patch 0",
         lambda tokens, keep: _pick(tokens, keep, shift=0), 0.5),
        ("one list for all images", _first_list_for_all, 1),
        ("patches sorted into reading order",
         lambda tokens, keep: _pick(tokens, keep.sort(dim=1).values), 2),
        ("the class token is lost", _without_class, 0),
        ("detached",
         lambda tokens, keep: _pick(tokens.detach(), keep), 2.5),
    ],
    "found_scale": [
        ("the sum of each row is not taken out", _least_squares, 1),
        ("two keys only, one of them masked", _two_keys, 3),
        ("logarithm of 0", _centred_only, 3),
        ("what the textbook says", _textbook, 0),
        ("one number for each head", _per_head, 0),
    ],
    "fused_rollout": [
        ("mixed before divided", _roll_with(share="after"), 1.5),
        ("divided by the sums of other rows", _roll_with(over="all"), 1),
        ("layers in the wrong order", _roll_with(order="early"), 2.5),
        ("weights dropped over the whole matrix",
         _roll_with(drop="all"), 3),
        ("heads always averaged", _roll_with(fuse=False), 1.5),
    ],
    "own_gap": [
        ("its own mask is among the others", _gap_with_own, 2),
        ("maps are not divided by their sum", _gap_unscaled, 1.5),
        ("compared with the next scene only", _gap_to_next, 3),
        ("other maps on its own mask", _gap_of_maps, 2.5),
        ("divides the caller's maps in place", _gap_in_place, 0),
    ],
    "balanced_targets": [
        ("softmax, nothing balanced", _softmax, 1),
        ("exp of large numbers", _overflow, 3.5),
        ("rows first, columns last", _rows_first, 0.5),
        ("softmax before the first round", _softmax_first, 1.5),
        ("no temperature", _no_temperature, 2.5),
    ],
}  # fmt: skip
