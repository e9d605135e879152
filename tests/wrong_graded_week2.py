"""Wrong answers to week 2's assignment, and what each of them earns."""

import numpy as np

PARTS = ("query", "key", "value")


def softmax(logits, axis=-1):
    odds = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return odds / odds.sum(axis=axis, keepdims=True)


def padding_is_an_image(images):
    return images[:, :, None] == images[:, None, :]


def forbids_where_true(images):
    return images[:, :, None] != images[:, None, :]


def empty_rows(images):
    same = images[:, :, None] == images[:, None, :]
    return same & (images[:, :, None] != -1)


def neighbours_only(images):
    """Mistakes an image for a run of tokens with the same number."""
    runs = np.cumsum(np.diff(images, axis=1, prepend=-9) != 0, axis=1)
    return runs[:, :, None] == runs[:, None, :]


def padding_sees_all(images):
    same = images[:, :, None] == images[:, None, :]
    return same | (images[:, :, None] == -1)


def port(kernel, out_kernel, order=PARTS):
    """Return a converter made of two ways to turn a matrix round."""

    def convert(in_weight, in_bias, out_weight, out_bias, num_heads):
        shape = num_heads, len(out_bias) // num_heads
        ported = {
            "output_kernel": out_kernel(out_weight, *shape),
            "output_bias": out_bias,
        }
        for i, name in enumerate(order):
            part = np.split(in_weight, 3)[i]
            ported[f"{name}_kernel"] = kernel(part, *shape)
            ported[f"{name}_bias"] = np.split(in_bias, 3)[i].reshape(shape)
        return ported

    return convert


def right_in(matrix, heads, head_dim):
    return matrix.T.reshape(-1, heads, head_dim)


def right_out(matrix, heads, head_dim):
    return matrix.T.reshape(heads, head_dim, -1)


def reshaped_in(matrix, heads, head_dim):
    return matrix.reshape(-1, heads, head_dim)


def reshaped_out(matrix, heads, head_dim):
    return matrix.reshape(heads, head_dim, -1)


def heads_inside(matrix, heads, head_dim):
    return matrix.T.reshape(-1, head_dim, heads).swapaxes(1, 2)


def flat(*arrays):
    in_weight, in_bias, out_weight, out_bias, _ = arrays
    ported = {"output_kernel": out_weight.T, "output_bias": out_bias}
    for i, name in enumerate(PARTS):
        ported[f"{name}_kernel"] = np.split(in_weight, 3)[i].T
        ported[f"{name}_bias"] = np.split(in_bias, 3)[i]
    return ported


def pool(scale=None, axis=-1, hide=True, split=None):
    """Return `attention_pool` with one part changed."""

    def attention_pool(tokens, query, mask):
        batch, count, width = tokens.shape
        heads = (split or split_right)(tokens, *query.shape)
        logits = np.einsum("hd,bthd->bht", query, heads)
        logits = logits / (scale or np.sqrt(query.shape[1]))
        if hide:
            logits = np.where(mask[:, None], logits, -np.inf)
        attn = softmax(logits, axis)
        return np.einsum("bht,bthd->bhd", attn, heads).reshape(batch, width)

    return attention_pool


def split_right(tokens, heads, head_dim):
    return tokens.reshape(*tokens.shape[:2], heads, head_dim)


def split_wrong(tokens, heads, head_dim):
    mixed = tokens.reshape(len(tokens), heads, -1, head_dim)
    return mixed.swapaxes(1, 2)


def mask_after(tokens, query, mask):
    heads = split_right(tokens, *query.shape)
    logits = np.einsum("hd,bthd->bht", query, heads) / 2
    attn = softmax(logits) * mask[:, None]
    return np.einsum("bht,bthd->bhd", attn, heads).reshape(len(tokens), -1)


def finite_mask(tokens, query, mask):
    """Adds -10,000 to padding, which large padding outweighs."""
    heads = split_right(tokens, *query.shape)
    logits = np.einsum("hd,bthd->bht", query, heads) / 2
    attn = softmax(logits - 1e4 * ~mask[:, None])
    return np.einsum("bht,bthd->bhd", attn, heads).reshape(len(tokens), -1)


def plain_mean(tokens, query, mask):
    total = (tokens * mask[..., None]).sum(axis=1)
    return total / mask.sum(axis=1, keepdims=True)


def unsorted_scores(scores, budget):
    ends = (np.arange(len(scores) + 1) / len(scores)) ** budget
    return (scores * np.diff(ends)).sum()


def first_runs(scores, budget):
    return scores[:budget].max()


def simulated(scores, budget):
    draws = np.random.default_rng(0).choice(scores, size=(200, budget))
    return draws.max(axis=1).mean()


def ends_one_early(scores, budget):
    count = len(scores)
    ends = (np.arange(count) / count) ** budget
    return (np.sort(scores)[:-1] * np.diff(ends)).sum()


def largest(scores, budget):
    return scores.max()


def without_replacement(scores, budget):
    """The largest of `budget` different runs."""
    count = len(scores)
    budget = min(budget, count)
    left = np.ones(count + 1)
    for taken in range(budget):
        left *= np.clip(np.arange(count + 1) - taken, 0, None)
        left /= count - taken
    return (np.sort(scores) * np.diff(left)).sum()


def shares(length):
    return length / length.sum()


def squared(attn, value, kernel):
    return shares(((attn @ value @ kernel) ** 2).sum(-1).mean(axis=(0, 2)))


def mean_first(attn, value, kernel):
    added = (attn @ value @ kernel).mean(axis=(0, 2))
    return shares(np.linalg.norm(added, axis=-1))


def no_kernel(attn, value, kernel):
    seen = np.linalg.norm(attn @ value, axis=-1)
    return shares(seen.mean(axis=(0, 2)))


def not_divided(attn, value, kernel):
    added = np.linalg.norm(attn @ value @ kernel, axis=-1)
    return added.mean(axis=(0, 2))


def scrambled_kernel(attn, value, kernel):
    heads, head_dim, width = kernel.shape
    rows = kernel.reshape(head_dim, heads, width).swapaxes(0, 1)
    added = np.linalg.norm(attn @ value @ rows, axis=-1)
    return shares(added.mean(axis=(0, 2)))


# task -> (what is wrong, function, points)
WRONG = {
    "packing_mask": [
        ("all padding is one image", padding_is_an_image, 2),
        ("True means forbidden", forbids_where_true, 0),
        ("padding has an empty row", empty_rows, 2),
        ("padding sees everything", padding_sees_all, 1),
        ("an image is a run of tokens", neighbours_only, 1),
    ],
    "torch_to_keras": [
        ("reshapes, no transpose", port(reshaped_in, reshaped_out), 2),
        ("output not transposed", port(right_in, reshaped_out), 3),
        ("heads vary fastest", port(heads_inside, right_out), 3),
        (
            "value before key",
            port(right_in, right_out, ("query", "value", "key")),
            1,
        ),
        ("heads not split", flat, 0),
    ],
    "attention_pool": [
        ("no scale", pool(scale=1.0), 3),
        ("scale of the whole width", pool(scale=12**0.5), 3),
        ("softmax over the heads", pool(axis=1, hide=False), 1),
        ("padding takes part", pool(hide=False), 2),
        ("reshape mixes tokens", pool(split=split_wrong), 0),
        ("mask after the softmax", mask_after, 2),
        ("finite mask", finite_mask, 3),
        ("the query is not used", plain_mean, 0),
    ],
    "expected_best": [
        ("scores not sorted", unsorted_scores, 0),
        ("the best of the first runs", first_runs, 0),
        ("drawn, not computed", simulated, 0),
        ("largest score left out", ends_one_early, 0),
        ("budget is not used", largest, 0),
        ("without replacement", without_replacement, 2),
    ],
    "head_share": [
        ("squared lengths", squared, 2),
        ("mean before the length", mean_first, 3),
        ("without the output kernel", no_kernel, 0),
        ("not divided by the sum", not_divided, 1),
        ("kernel split the wrong way", scrambled_kernel, 2),
    ],
}
