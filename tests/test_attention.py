"""The NumPy reference against PyTorch, and against its own promises."""

import numpy as np
import pytest
import torch

from course_utils import attention

RANDOM = np.random.default_rng(0)


def heads(queries=5, keys=7, value_dim=4, dtype=float):
    """Return query, key, value: batch 2, heads 3, head_dim 4."""
    shapes = (queries, 4), (keys, 4), (keys, value_dim)
    return [RANDOM.normal(size=(2, 3, *s)).astype(dtype) for s in shapes]


def torch_attention(*arrays, mask=None):
    tensors = [torch.tensor(array) for array in arrays]
    mask = None if mask is None else torch.tensor(mask)
    function = torch.nn.functional.scaled_dot_product_attention
    return function(*tensors, attn_mask=mask).numpy()


def test_softmax_equals_torch_over_any_axis():
    logits = 30 * RANDOM.normal(size=(2, 3, 5))
    for axis in (-1, 0, 1):
        for temperature in (0.1, 1.0, 7.0):
            right = torch.softmax(torch.tensor(logits) / temperature, axis)
            ours = attention.softmax(logits, axis, temperature)
            assert np.allclose(ours, right.numpy(), atol=1e-12)


def test_softmax_sees_only_differences_of_logits():
    logits = RANDOM.normal(size=(5, 7))
    shifted = attention.softmax(logits + 1e4)
    assert np.allclose(shifted, attention.softmax(logits), atol=1e-9)


def test_softmax_of_minus_infinity():
    logits = np.array([[0.0, -np.inf], [-np.inf, -np.inf]])
    assert attention.softmax(logits).tolist() == [[1, 0], [0, 0]]


def test_softmax_takes_lists_and_keeps_float32():
    assert np.allclose(attention.softmax([1, 1]), 0.5)
    assert attention.softmax(np.zeros(3, "float32")).dtype == np.float32


@pytest.mark.parametrize(
    ("logits", "options", "error", "message"),
    [
        ([1.0, np.nan], {}, ValueError, "NaN"),
        ([1.0, np.inf], {}, ValueError, "inf"),
        ([1.0, 2.0], {"temperature": 0}, ValueError, "above 0"),
        ([1.0, 2.0], {"temperature": np.nan}, ValueError, "above 0"),
        (np.zeros((3, 0)), {}, ValueError, "no keys"),
        (3.0, {}, ValueError, "no keys"),
        (["a", "b"], {}, TypeError, "real numbers"),
        ([1j, 2.0], {}, TypeError, "real numbers"),
        ([[1.0], [1.0, 2.0]], {}, ValueError, "inhomogeneous"),
    ],
)
def test_softmax_refuses(logits, options, error, message):
    with pytest.raises(error, match=message):
        attention.softmax(logits, **options)


@pytest.mark.parametrize("value_dim", [4, 6])
def test_attention_equals_torch(value_dim):
    arrays = heads(value_dim=value_dim)
    out, attn = attention.scaled_dot_product_attention(*arrays)
    assert np.allclose(out, torch_attention(*arrays), atol=1e-12)
    assert attn.shape == (2, 3, 5, 7)
    assert np.allclose(attn.sum(axis=-1), 1)


@pytest.mark.parametrize("shape", [(5, 7), (2, 1, 1, 7), (2, 3, 5, 7)])
def test_masked_attention_equals_torch(shape):
    arrays = heads()
    mask = RANDOM.random(shape) < 0.6
    mask[..., 0] = True
    out, attn = attention.scaled_dot_product_attention(*arrays, mask)
    assert np.allclose(out, torch_attention(*arrays, mask=mask), atol=1e-12)
    assert not attn[~np.broadcast_to(mask, attn.shape)].any()


def test_a_query_with_nothing_allowed_gets_zeros():
    mask = np.ones((5, 7), dtype=bool)
    mask[3] = False
    out, attn = attention.scaled_dot_product_attention(*heads(), mask)
    assert not attn[:, :, 3].any() and not out[:, :, 3].any()
    assert np.allclose(attn[:, :, [0, 1, 2, 4]].sum(axis=-1), 1)
    out, attn = attention.scaled_dot_product_attention(*heads(), mask & False)
    assert not attn.any() and not out.any()


def test_attention_keeps_float32():
    out, attn = attention.scaled_dot_product_attention(*heads(dtype="float32"))
    assert out.dtype == attn.dtype == np.float32


def test_empty_batches_and_no_queries_give_empty_results():
    out, attn = attention.scaled_dot_product_attention(
        np.zeros((0, 3, 5, 4)), np.zeros((0, 3, 7, 4)), np.zeros((0, 3, 7, 6))
    )
    assert out.shape == (0, 3, 5, 6) and attn.shape == (0, 3, 5, 7)
    out, _ = attention.scaled_dot_product_attention(*heads(queries=0))
    assert out.shape == (2, 3, 0, 4)


def spoiled(position, value):
    arrays = heads()
    arrays[position] = value(arrays[position])
    return arrays


@pytest.mark.parametrize(
    ("position", "value", "message"),
    [
        (0, lambda query: query[..., :3], "same head_dim"),
        (1, lambda key: key[..., :0], "same head_dim"),
        (2, lambda value: value[..., :6, :], "7 keys and 6 values"),
        (0, lambda query: query[0, 0, 0], "query needs shape"),
        (0, lambda query: query[:, :2], "do not fit together"),
        (1, lambda key: np.full_like(key, np.nan), "key contains NaN"),
        (2, lambda value: value * np.nan, "value contains NaN"),
    ],
)
def test_attention_names_what_does_not_fit(position, value, message):
    with pytest.raises(ValueError, match=message):
        attention.scaled_dot_product_attention(*spoiled(position, value))


def test_attention_needs_keys():
    with pytest.raises(ValueError, match="no keys"):
        attention.scaled_dot_product_attention(*heads(keys=0))


@pytest.mark.parametrize(
    ("mask", "error"),
    [
        (np.ones((5, 7)), TypeError),
        (np.ones((7, 5), dtype=bool), ValueError),
        (np.ones((4, 2, 3, 5, 7), dtype=bool), ValueError),
    ],
)
def test_attention_refuses_masks_that_can_be_misread(mask, error):
    with pytest.raises(error, match="mask"):
        attention.scaled_dot_product_attention(*heads(), mask)


def test_split_heads_cuts_consecutive_slices():
    tokens = RANDOM.normal(size=(2, 5, 12))
    split = attention.split_heads(tokens, 3)
    for head in range(3):
        part = tokens[:, :, 4 * head : 4 * head + 4]
        assert np.array_equal(split[:, head], part)


@pytest.mark.parametrize("shape", [(5, 12), (2, 5, 12), (0, 5, 12)])
def test_merge_undoes_split(shape):
    tokens = RANDOM.normal(size=shape)
    split = attention.split_heads(tokens, 3)
    assert split.shape == (*shape[:-2], 3, 5, 4)
    assert np.array_equal(attention.merge_heads(split), tokens)


@pytest.mark.parametrize("num_heads", [5, 0, -3, 2.0, 24])
def test_head_counts_that_do_not_divide_the_width(num_heads):
    with pytest.raises(ValueError, match="num_heads"):
        attention.split_heads(np.zeros((2, 5, 12)), num_heads)


def test_heads_need_enough_axes():
    with pytest.raises(ValueError, match="tokens need shape"):
        attention.split_heads(np.zeros(12), 3)
    with pytest.raises(ValueError, match="heads need shape"):
        attention.merge_heads(np.zeros((5, 12)))


def torch_layer():
    """Return a layer of width 12 in 3 heads, and its weights for ours."""
    torch.manual_seed(0)
    layer = torch.nn.MultiheadAttention(
        12, 3, batch_first=True, dtype=torch.float64
    )
    torch.nn.init.normal_(layer.in_proj_bias)
    torch.nn.init.normal_(layer.out_proj.bias)
    state = {name: part.numpy() for name, part in layer.state_dict().items()}
    names = ("query", "key", "value")
    matrices = np.split(state["in_proj_weight"], 3)
    biases = np.split(state["in_proj_bias"], 3)
    weights = {
        name: (matrix.T, bias)
        for name, matrix, bias in zip(names, matrices, biases, strict=True)
    }
    output = state["out_proj.weight"].T, state["out_proj.bias"]
    return layer, weights | {"output": output}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cross", [False, True])
def test_multi_head_attention_equals_torch(masked, cross):
    layer, weights = torch_layer()
    tokens = RANDOM.normal(size=(2, 5, 12))
    context = RANDOM.normal(size=(2, 7, 12)) if cross else tokens
    mask = np.tri(5, context.shape[1], 1, dtype=bool) if masked else None
    ours, attn = attention.multi_head_attention(
        tokens, weights, 3, context if cross else None, mask
    )
    theirs, their_attn = layer(
        torch.tensor(tokens),
        torch.tensor(context),
        torch.tensor(context),
        attn_mask=None if mask is None else torch.tensor(~mask),
        average_attn_weights=False,
    )
    assert np.allclose(ours, theirs.detach().numpy(), atol=1e-10)
    assert np.allclose(attn, their_attn.detach().numpy(), atol=1e-10)


def test_multi_head_attention_names_what_does_not_fit():
    _, weights = torch_layer()
    tokens = RANDOM.normal(size=(2, 5, 12))
    call = attention.multi_head_attention
    with pytest.raises(ValueError, match=r"projections \['output'\]"):
        call(tokens, {k: weights[k] for k in ("query", "key", "value")}, 3)
    with pytest.raises(ValueError, match="query projection maps width 12"):
        call(tokens[..., :8], weights, 3)
    with pytest.raises(ValueError, match="key projection maps width 12"):
        call(tokens, weights, 3, context=tokens[..., :8])
    with pytest.raises(ValueError, match="does not divide the width 12"):
        call(tokens, weights, 5)
    with pytest.raises(ValueError, match="tokens contains NaN"):
        call(tokens * np.nan, weights, 3)
    out, attn = call(tokens[:0], weights, 3)
    assert out.shape == (0, 5, 12) and attn.shape == (0, 3, 5, 5)


def test_self_attention_is_permutation_equivariant():
    _, weights = torch_layer()
    tokens = RANDOM.normal(size=(2, 5, 12))
    order = RANDOM.permutation(5)
    plain, _ = attention.multi_head_attention(tokens, weights, 3)
    mixed, _ = attention.multi_head_attention(tokens[:, order], weights, 3)
    assert np.allclose(mixed, plain[:, order], atol=1e-12)
    assert not np.allclose(mixed, plain)


def test_entropy_between_one_key_and_all():
    attn = np.array([[0.25] * 4, [0, 1, 0, 0], [0, 0, 0, 0]])
    assert np.allclose(attention.entropy(attn), [np.log(4), 0, 0])
    assert attention.entropy(np.full((2, 3, 5, 7), 1 / 7)).shape == (2, 3, 5)


@pytest.mark.parametrize("bad", [[0.5, np.nan], [1.5, -0.5]])
def test_entropy_refuses_what_are_no_weights(bad):
    with pytest.raises(ValueError, match="attn"):
        attention.entropy(bad)


def test_mean_distance_of_known_maps():
    stay = np.eye(6)
    assert attention.mean_distance(stay, (2, 3)) == 0
    right = np.roll(np.eye(4), 1, axis=1)  # the last goes back to the first
    assert np.isclose(
        attention.mean_distance(right, (1, 4)), (1 + 1 + 1 + 3) / 4
    )
    corners = np.eye(4)[::-1]
    both = np.stack([np.eye(4), corners])
    assert np.allclose(attention.mean_distance(both, (2, 2)), [0, np.sqrt(2)])


def test_mean_distance_refuses_another_grid():
    with pytest.raises(ValueError, match="2 x 3 grid has 6 patches"):
        attention.mean_distance(np.eye(5), (2, 3))
