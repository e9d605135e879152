"""Graded tasks of week 2, in the order of the assignment."""

import numpy as np

from course_utils.graded.engine import Task

packing_mask = Task(
    2, "packing_mask", "Several images in one sequence, kept apart", points=3
)
torch_to_keras = Task(
    2, "torch_to_keras", "PyTorch's weights in Keras's layout", points=5
)
attention_pool = Task(
    2, "attention_pool", "One vector per image, chosen by attention", points=4
)
expected_best = Task(
    2, "expected_best", "What the best of several runs tells", points=4
)
head_share = Task(
    2, "head_share", "What each head adds to the output", points=4
)
PARTS = ("query", "key", "value", "output")


def _packed(rng):
    """Draw image numbers (2, 12) in any order, -1 for padding."""
    images = np.array([[4, 4, 7, 7, 7, 30, -1, -1]] * 2)
    more = rng.choice([4, 7, 30], size=(2, 4))
    return rng.permuted(np.concatenate([images, more], axis=1), axis=1)


@packing_mask.needs(
    "For (batch, tokens) image numbers the mask should have shape (batch, "
    "tokens, tokens), hold True and False, and change when tokens change "
    "their places."
)
def _packing_shape(answer, rng):
    images = _packed(rng)
    mask, other = answer(images), answer(np.sort(images, axis=1))
    fits = mask.shape == other.shape == (2, 12, 12)
    return fits and np.isin(mask, [0, 1]).all() and (mask != other).any()


@packing_mask.property(
    1,
    "Tokens of two images never see each other.",
    "A token looks into another image. In Keras, True means: may attend.",
)
def _packing_apart(answer, rng):
    images = _packed(rng)
    mask = answer(images) != 0
    query, key = images[:, :, None], images[:, None, :]
    return not mask[query != key].any()


@packing_mask.property(
    1,
    "A token of an image sees as many keys as its image has tokens.",
    "Count the True entries of a token's row: its own image, all of it, "
    "itself included.",
)
def _packing_count(answer, rng):
    images = _packed(rng)
    seen = (answer(images) != 0).sum(axis=-1)  # (batch, queries)
    for row, counts in zip(images, seen, strict=True):
        for image in (4, 7, 30):
            if (counts[row == image] != (row == image).sum()).any():
                return False
    return True


def _torch_weights(rng):
    """Draw the arrays of a layer of width 12, as PyTorch stores them."""
    shapes = (36, 12), (36,), (12, 12), (12,)
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


@torch_to_keras.needs(
    "Return a dict with query_kernel, query_bias, key_kernel, ... , "
    "output_kernel, output_bias, in the shapes of the docstring, that "
    "changes with the weights."
)
def _port_shapes(answer, rng):
    ported = answer(*_torch_weights(rng), 3)
    shapes = {f"{name}_kernel": (12, 3, 4) for name in PARTS[:3]}
    shapes |= {f"{name}_bias": (3, 4) for name in PARTS[:3]}
    shapes |= {"output_kernel": (3, 4, 12), "output_bias": (12,)}
    fits = {name: array.shape for name, array in ported.items()} == shapes
    other = answer(*_torch_weights(rng), 3)
    return fits and all((ported[name] != other[name]).any() for name in shapes)


@torch_to_keras.property(
    1,
    "Every bias arrives, the first head_dim numbers in head 0.",
    "in_proj_bias holds query, key, value one after the other, and in each "
    "the heads one after the other.",
)
def _port_biases(answer, rng):
    arrays = _torch_weights(rng)
    ported = answer(*arrays, 3)
    found = [ported[f"{name}_bias"].ravel() for name in PARTS]
    return np.allclose(np.concatenate(found), [*arrays[1], *arrays[3]])


@torch_to_keras.property(
    1,
    "Numbers move and are not changed; the value rows move to value_kernel.",
    "We changed the last third of in_proj_weight: only value_kernel should "
    "change, and hold just these numbers.",
)
def _port_apart(answer, rng):
    arrays = _torch_weights(rng)
    before = answer(*arrays, 3)
    arrays[0][24:] += 10
    after = answer(*arrays, 3)
    changed = {name for name in after if (after[name] != before[name]).any()}
    moved, given = after["value_kernel"].ravel(), arrays[0][24:].ravel()
    return changed == {"value_kernel"} and np.allclose(
        np.sort(moved), np.sort(given)
    )


def _pool_input(rng):
    """Draw tokens (2, 7, 12), query (3, 4), mask (2, 7)."""
    mask = np.arange(7) < np.array([[5], [4]])
    shapes = (2, 7, 12), (3, 4)
    arrays = (rng.normal(size=shape).astype("float32") for shape in shapes)
    return *arrays, rng.permuted(mask, axis=1)


@attention_pool.needs(
    "For tokens (batch, tokens, width) the result should have shape (batch, "
    "width)."
)
def _pool_shape(answer, rng):
    return answer(*_pool_input(rng)).shape == (2, 12)


@attention_pool.needs(
    "The result should change with the tokens and with the query."
)
def _pool_depends(answer, rng):
    tokens, query, mask = _pool_input(rng)
    before = answer(tokens, 2 * query, mask)
    others = answer(-tokens, 2 * query, mask), answer(tokens, -query, mask)
    return all(abs(other - before).max() > 0.01 for other in others)


@attention_pool.property(
    1,
    "A query of zeros gives the mean of the real tokens.",
    "All logits are 0 then, so real tokens share alike and padding gets "
    "nothing.",
)
def _pool_mean(answer, rng):
    tokens, query, mask = _pool_input(rng)
    pairs = zip(tokens, mask, strict=True)
    means = [row[keep].mean(axis=0) for row, keep in pairs]
    return np.allclose(answer(tokens, 0 * query, mask), means, atol=1e-4)


@attention_pool.property(
    1,
    "Shuffled tokens, with their mask, give the same vector.",
    "A shuffle changed the result. Does a reshape put numbers of several "
    "tokens into one head?",
)
def _pool_shuffle(answer, rng):
    tokens, query, mask = _pool_input(rng)
    order = np.roll(rng.permutation(7), 1)
    before = answer(tokens, query, mask)
    after = answer(tokens[:, order], query, mask[:, order])
    return np.allclose(after, before, atol=1e-4)


@expected_best.needs(
    "Return one number, which depends on the scores, on the budget, and not "
    "on the order of the scores."
)
def _best_depends(answer, rng):
    scores = rng.normal(size=6)
    one, five = answer(scores, 1), answer(scores, 5)
    other = answer(scores + 1, 5)
    turned = [answer(np.roll(scores, step), 2) for step in range(6)]
    moved = abs(one - five) > 1e-3 and abs(five - other) > 1e-3
    return five.shape == () and moved and np.ptp(turned) < 1e-4


@expected_best.property(
    1,
    "With a budget of one run it is the mean.",
    "The best of one run is that run. What is it on average?",
)
def _best_one(answer, rng):
    scores = rng.normal(size=6)
    return np.allclose(answer(scores, 1), scores.mean(), atol=1e-4)


@expected_best.property(
    1,
    "It rises with the budget, towards the largest score.",
    "A larger budget cannot hurt, and a huge one finds the largest score, "
    "never more.",
)
def _best_rises(answer, rng):
    scores = np.sort(rng.normal(size=6))[::-1].copy()
    found = [answer(scores, budget) for budget in (1, 2, 3, 5, 8, 500)]
    rises = (np.diff(found) >= -1e-6).all()
    return rises and np.allclose(found[-1], scores[0], atol=1e-4)


def _head_input(rng):
    """Draw attn (2, 3, 5, 7), value (2, 3, 7, 4), kernel (3, 4, 12)."""
    attn = rng.dirichlet(np.ones(7), size=(2, 3, 5))
    value = rng.normal(size=(2, 3, 7, 4))
    return attn, value, rng.normal(size=(3, 4, 12))


@head_share.needs(
    "Return one number per head, which changes with the weights, the values "
    "and the kernel."
)
def _share_shape(answer, rng):
    attn, value, kernel = _head_input(rng)
    before = answer(attn, value, kernel)
    grow = np.array([1, 4, 9])[:, None, None]
    others = answer(attn, grow * value, kernel), answer(
        attn, value, grow * kernel
    )
    others = *others, answer(attn**3, value, kernel)
    fits = before.shape == (3,)
    return fits and all(abs(x - before).max() > 1e-4 for x in others)


@head_share.property(
    1,
    "The shares are positive and sum to 1.",
    "Divide by the sum over heads, at the very end.",
)
def _share_sum(answer, rng):
    share = answer(*_head_input(rng))
    return (share > 0).all() and np.isclose(share.sum(), 1, atol=1e-4)


@head_share.property(
    1,
    "A head whose values are all 0 has share 0, whatever it looks at.",
    "Weights that average nothing add nothing, however sharp they are.",
)
def _share_zero(answer, rng):
    attn, value, kernel = _head_input(rng)
    value[:, 1] = 0
    share = answer(attn, value, kernel)
    return abs(share[1]) < 1e-6 and (share[[0, 2]] > 0.01).all()
