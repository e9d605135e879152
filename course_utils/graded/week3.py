"""Graded tasks of week 3, in the order of the assignment."""

import numpy as np
import torch

from course_utils.attention import softmax
from course_utils.graded.arrays import close, responds
from course_utils.graded.engine import Task

keep_patches = Task(
    3, "keep_patches", "Show a ViT some of the patches only", points=3
)
found_scale = Task(
    3, "found_scale", "Find the scale a network multiplied by", points=4
)
fused_rollout = Task(
    3, "fused_rollout", "Rollout whose rows are shares at every layer", 5
)
own_gap = Task(3, "own_gap", "A score on which the centre gets 0", points=4)
balanced_targets = Task(
    3, "balanced_targets", "Targets that use every output alike", points=4
)


def _some_tokens(rng):
    """Tokens (2, 1 + 7, 4), and 3 patches of each, not in reading order."""
    tokens = rng.normal(size=(2, 8, 4)).astype(np.float32)
    first = np.sort(rng.permutation(6)[:3])[::-1]
    return torch.from_numpy(tokens), torch.tensor([[*first], [*first + 1]])


@keep_patches.needs(
    "From 8 tokens (batch 2, width 4) and 3 patches to keep, (2, 4, 4) "
    "should come out: the class token and 3 patches. Other tokens give "
    "another result."
)
def _kept_shape(answer, rng):
    tokens, keep = _some_tokens(rng)
    one, other = answer(tokens, keep), answer(tokens + 1, keep)
    return responds(one, other, (2, 4, 4))


@keep_patches.property(
    1,
    "Keep all patches in reading order, and nothing changes.",
    "All patches were kept, in order, and the tokens are not what they "
    "were. Which token is patch 0?",
)
def _kept_all(answer, rng):
    tokens, _ = _some_tokens(rng)
    every = torch.arange(7).repeat(2, 1)
    return close(answer(tokens, every), tokens)


@keep_patches.property(
    0.5,
    "An image is treated in a batch as it is alone.",
    "The second image keeps other patches in a batch than alone: its list "
    "is the second row of `keep`.",
)
def _kept_alone(answer, rng):
    tokens, keep = _some_tokens(rng)
    alone = answer(tokens[1:], keep[1:])
    return close(answer(tokens, keep)[1:], alone)


def _attend(rng, scale, head_dim=4):
    """Query, key (not centred on 0), and weights at a scale; 3 heads."""
    query = rng.normal(size=(3, 5, head_dim))
    key = rng.normal(size=(3, 7, head_dim)) + 1
    attn = softmax(scale * query @ key.swapaxes(-1, -2))
    return query, key, attn


@found_scale.needs(
    "The result should be one finite number, another for sharper weights."
)
def _scale_number(answer, rng):
    query, key, _ = _attend(rng, 1)
    flat, sharp = (
        answer(query, key, softmax(scale * query @ key.swapaxes(-1, -2)))
        for scale in (0.2, 0.4)
    )
    return responds(flat, sharp, ())


@found_scale.property(
    1,
    "Weights made with 1 / sqrt(head_dim) give that back.",
    "For head_dim 4, 9 and 16 the scale is 1/2, 1/3 and 1/4. The logarithm "
    "of a weight is a scaled score less a number that differs from row to "
    "row: how do you get rid of that?",
)
def _scale_of_heads(answer, rng):
    made = {dim: _attend(rng, dim**-0.5, dim) for dim in (4, 9, 16)}
    return all(
        np.isclose(answer(*parts), dim**-0.5, rtol=1e-3)
        for dim, parts in made.items()
    )


@found_scale.property(
    1,
    "The same weights from queries twice as long: half the scale.",
    "With twice the query and the same weights the scale should halve. Does "
    "the result use the query?",
)
def _scale_halves(answer, rng):
    query, key, attn = _attend(rng, 0.3)
    once, twice = answer(query, key, attn), answer(2 * query, key, attn)
    return np.isclose(twice, once / 2, rtol=1e-3)


def _layers(rng, count=4):
    """Attention of some layers, 3 heads, 6 tokens; rows sum to 1."""
    return rng.dirichlet(np.ones(6), size=(count, 3, 6))


@fused_rollout.needs(
    "For attention (4, 3, 6, 6) the result should be (6, 6), finite, and "
    "another for other attention."
)
def _rollout_shape(answer, rng):
    results = [answer(_layers(rng), "max", 6) for _ in range(2)]
    return responds(*results, (6, 6))


@fused_rollout.property(
    0.5,
    "Rows sum to 1, whatever the fusion.",
    "Rows should sum to 1. After max or min, or after weights are dropped, "
    "rows of a layer do not: over which axis do you divide?",
)
def _rollout_rows(answer, rng):
    attn = _layers(rng)
    results = [answer(attn, how, 6) for how in ("mean", "max", "min")]
    return close([r.sum(axis=-1) for r in results], np.ones((3, 6)))


@fused_rollout.property(
    1,
    "If all heads agree, the fusion does not matter.",
    "All heads of a layer were equal, and mean, max and min still gave "
    "different results.",
)
def _rollout_agreed(answer, rng):
    attn = _layers(rng)[:, :1].repeat(3, axis=1)
    one, *others = (answer(attn, how, 6) for how in ("mean", "max", "min"))
    return all(close(one, other) for other in others)


@fused_rollout.property(
    1,
    "One layer, one weight kept: half stays, half comes from one token.",
    "One layer with keep=1: each row should be 1/2 at its own place and "
    "1/2 where its largest weight is (or 1, if that is its own). Divide "
    "the kept weights by their sum first, then mix with the identity.",
)
def _rollout_halves(answer, rng):
    right = []
    for how in ("max", "min", "max", "min"):
        attn = _layers(rng, count=1)
        best = getattr(attn[0], how)(axis=0).argmax(axis=-1)
        wanted = (np.eye(6) + np.eye(6)[best]) / 2
        right.append(close(answer(attn, how, 1), wanted))
    return all(right)


def _seen(rng, count=6):
    """Maps and masks of some scenes, each (count, 3, 4)."""
    maps = rng.uniform(size=(count, 3, 4))
    return maps, (rng.uniform(size=(count, 3, 4)) > 0.5).astype(float)


@own_gap.needs(
    "For maps (6, 3, 4) and masks (6, 3, 4) the result should be 6 finite "
    "numbers, not all equal."
)
def _gap_shape(answer, rng):
    found = answer(*_seen(rng))
    return responds(found, np.full(6, found.mean()), (6,))


@own_gap.property(
    1,
    "One map for all scenes gets 0 on average, wherever it points.",
    "The same map for every scene should average to exactly 0: it knows "
    "nothing of the single scene.",
)
def _gap_of_centre(answer, rng):
    maps, masks = _seen(rng)
    found = answer(maps[:1].repeat(6, axis=0), masks)
    return abs(found.mean()) < 1e-5


@own_gap.property(
    1,
    "Two scenes without overlap: 1 for the right maps, -1 if exchanged.",
    "With two scenes there is one other mask. A map all on its own object "
    "has 1 there and 0 on the other: a gap of 1.",
)
def _gap_of_two(answer, rng):
    place = rng.permutation(12).reshape(3, 4)
    masks = np.stack([place < 5, place >= 5]).astype(float)
    maps = masks * rng.uniform(1, 2, size=masks.shape)
    right, wrong = answer(maps, masks), answer(maps[::-1].copy(), masks)
    return close(right, np.ones(2)) and close(wrong, -np.ones(2))


@own_gap.property(
    0.5,
    "The scale of a map does not matter.",
    "Ten times the map got another score: a share is asked for.",
)
def _gap_of_scaled(answer, rng):
    maps, masks = _seen(rng)
    return close(answer(10 * maps, masks), answer(maps, masks))


def _logits(rng):
    """Teacher's logits (7, 4), in eighths, which float32 holds exactly."""
    return torch.tensor(rng.integers(-8, 9, size=(7, 4)) / 8).float()


@balanced_targets.needs(
    "For logits (7, 4) the result should be (7, 4), finite, and another "
    "for other logits."
)
def _balanced_shape(answer, rng):
    results = [answer(_logits(rng), 0.5, 3) for _ in range(2)]
    return responds(*results, (7, 4))


@balanced_targets.property(
    0.5,
    "Every row is a share out of 1.",
    "Rows should sum to 1 after the last round: what is divided last?",
)
def _balanced_rows(answer, rng):
    targets = answer(_logits(rng), 0.5, 3)
    return close(targets.sum(axis=1), np.ones(7)) and targets.min() >= 0


@balanced_targets.property(
    1,
    "What all images prefer alike is taken out.",
    "One number for each output was added to all logits, and the targets "
    "changed. A round should take that out, the first one already.",
)
def _balanced_offset(answer, rng):
    logits, offset = _logits(rng), torch.tensor([2.0, -1, 0.5, 0])
    one, other = answer(logits, 0.5, 1), answer(logits + offset, 0.5, 1)
    return close(one, other, atol=1e-4)


@balanced_targets.property(
    0.5,
    "Large logits are no trouble.",
    "1000 was added to all logits, and the targets changed: exp of a "
    "thousand is infinite. What may be subtracted beforehand?",
)
def _balanced_large(answer, rng):
    logits = _logits(rng)
    one, other = answer(logits, 0.5, 2), answer(logits + 1000, 0.5, 2)
    return close(one, other, atol=1e-4)
