"""Maps of the class token, masks that hold a share, rollout."""

import numpy as np
import pytest

from course_utils import attention_maps
from course_utils.attention import softmax

RANDOM = np.random.default_rng(0)
GRID = (3, 5)  # rows, cols
TOKENS = 1 + 3 * 5


def attention(*lead, tokens=TOKENS, spread=2.0):
    """Random attention, (*lead, tokens, tokens), rows sum to 1."""
    return softmax(spread * RANDOM.normal(size=(*lead, tokens, tokens)))


def test_class_map_is_the_class_row_in_reading_order():
    attn = attention(2, 4)
    maps = attention_maps.class_maps(attn, GRID)
    assert maps.shape == (2, 4, 3, 5)
    for patch in range(15):
        row, col = divmod(patch, 5)
        assert (maps[..., row, col] == attn[..., 0, 1 + patch]).all()


def test_class_map_keeps_its_sum():
    attn = attention(4)
    maps = attention_maps.class_maps(attn, GRID)
    np.testing.assert_allclose(maps.sum(axis=(-2, -1)), 1 - attn[:, 0, 0])


def test_half_precision_counts_as_attention():
    tokens = 1 + 28 * 28
    attn = attention(1, tokens=tokens).astype(np.float16)
    assert attention_maps.class_maps(attn, (28, 28)).dtype == np.float16


@pytest.mark.parametrize(
    "attn, message",
    [
        (RANDOM.normal(size=(4, TOKENS, TOKENS)), "after the softmax"),
        (attention(4)[..., :9, :9], "rows sum to 1"),
        (attention(4) * [[[2.0]]], "rows sum to 1"),
        (attention(4) - np.eye(TOKENS) + np.eye(TOKENS)[::-1], "smallest"),
        (attention(4)[:, 1:], "got shape"),
        (attention(), "got shape"),
        (attention(4)[:0], "empty"),
        (attention(4) * np.nan, "NaN"),
        (attention(4, tokens=15), "16 tokens, but attn has 15"),
    ],
)
def test_what_is_no_attention_is_refused(attn, message):
    with pytest.raises(ValueError, match=message):
        attention_maps.class_maps(attn, GRID)


@pytest.mark.parametrize("patch_size", [1, 8, 14])
def test_upsampled_patches_have_the_patch_size(patch_size):
    maps = RANDOM.normal(size=(2, 4, 3, 5))
    large = attention_maps.upsample(maps, patch_size)
    assert large.shape == (2, 4, 3 * patch_size, 5 * patch_size)
    rows, cols = np.indices(large.shape[-2:]) // patch_size
    assert (large == maps[..., rows, cols]).all()


@pytest.mark.parametrize(
    "maps, patch_size",
    [(np.zeros(5), 2), (np.eye(3), 0), (np.eye(3), 2.0), (np.eye(3), -1)],
)
def test_what_cannot_be_upsampled_is_refused(maps, patch_size):
    with pytest.raises(ValueError, match="need shape|int >= 1"):
        attention_maps.upsample(maps, patch_size)


@pytest.mark.parametrize("keep", [0.01, 0.3, 0.6, 0.95, 1.0])
def test_mask_is_the_smallest_that_holds_the_share(keep):
    maps = RANDOM.gamma(0.5, size=(7, 4, 3, 5))
    mask = attention_maps.mass_mask(maps, keep)
    assert mask.shape == maps.shape and mask.dtype == bool
    for values, kept in zip(
        maps.reshape(28, 15), mask.reshape(28, 15), strict=True
    ):
        total, inside = values.sum(), values[kept].sum()
        assert inside >= keep * total * (1 - 1e-9)
        assert inside - values[kept].min() < keep * total  # none to spare
        assert kept.all() or values[kept].min() >= values[~kept].max()


@pytest.mark.parametrize("keep", [0.5, 0.6])
def test_mask_is_what_dino_drops_the_smallest_entries_for(keep):
    """DINO's script: drop from below as long as 1 - keep is not passed."""
    maps = RANDOM.gamma(0.5, size=(6, 14, 14))
    for one in maps:
        upwards = np.sort(one, axis=None)
        dropped = np.cumsum(upwards / upwards.sum()) <= 1 - keep
        expected = one > upwards[dropped].max()
        mask = attention_maps.mass_mask(one, keep)
        np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_uniform_map_keeps_exactly_its_share(dtype):
    for size, count in (((10, 10), 60), ((6, 6), 22), ((4, 5), 12)):
        maps = np.full(size, 1 / np.prod(size), dtype)
        mask = attention_maps.mass_mask(maps, 0.6)
        assert mask.sum() == count
        assert mask.ravel()[:count].all()  # ties: reading order


def test_mask_does_not_depend_on_the_scale_of_a_map():
    maps = RANDOM.gamma(0.5, size=(4, 3, 5))
    mask = attention_maps.mass_mask(maps)
    factors = np.array([1e-8, 1, 7, 1e8])[:, None, None]
    np.testing.assert_array_equal(
        attention_maps.mass_mask(maps * factors), mask
    )


def test_one_bright_entry_is_enough_and_zeros_are_never_needed():
    maps = np.zeros((3, 5))
    maps[1, 2] = 1
    for keep in (0.6, 1.0):
        np.testing.assert_array_equal(
            attention_maps.mass_mask(maps, keep), maps == 1
        )


@pytest.mark.parametrize(
    "maps, keep, message",
    [
        (np.eye(3), 0, "keep must be above 0"),
        (np.eye(3), 1.1, "keep must be above 0"),
        (np.eye(3), np.nan, "keep must be above 0"),
        (np.stack([np.eye(3), np.zeros((3, 3))]), 0.6, "0 everywhere"),
        (-np.eye(3), 0.6, "negative"),
        (np.full((3, 3), np.inf), 0.6, "infinite"),
        (np.eye(3) * np.nan, 0.6, "NaN"),
        (np.ones(5), 0.6, "need shape"),
    ],
)
def test_what_has_no_mass_is_refused(maps, keep, message):
    with pytest.raises(ValueError, match=message):
        attention_maps.mass_mask(maps, keep)


def test_rollout_rows_sum_to_1():
    for residual in (0, 0.3, 0.5, 1):
        flow = attention_maps.rollout(attention(6, 4), residual)
        assert flow.shape == (TOKENS, TOKENS)
        np.testing.assert_allclose(flow.sum(axis=-1), 1, atol=1e-12)
        assert (flow >= 0).all()


def test_rollout_of_one_layer_is_its_mean_mixed_with_the_identity():
    attn = attention(1, 4)
    flow = attention_maps.rollout(attn, residual=0.25)
    mean = attn[0].mean(axis=0)
    expected = 0.25 * np.eye(TOKENS) + 0.75 * mean
    np.testing.assert_allclose(flow, expected, atol=1e-12)


def test_rollout_multiplies_later_layers_from_the_left():
    first, second = attention(2, 1)[:, 0]
    flow = attention_maps.rollout(np.stack([first, second])[:, None], 0)
    np.testing.assert_allclose(flow, second @ first)
    assert not np.allclose(flow, first @ second)


def test_rollout_follows_a_known_path():
    """Layer 1 sends 2 to 1 (2 reads 1); layer 2 lets 0 read 2."""
    layers = np.stack([np.eye(3)] * 2)[:, None]
    layers[0, 0, 2] = [0, 1, 0]
    layers[1, 0, 0] = [0, 0, 1]
    flow = attention_maps.rollout(layers, residual=0)
    assert flow[0].tolist() == [0, 1, 0]
    half = attention_maps.rollout(layers, residual=0.5)
    assert half[0].tolist() == [0.5, 0.25, 0.25]


def test_rollout_takes_a_batch():
    attn = attention(6, 2, 4)
    flow = attention_maps.rollout(attn)
    assert flow.shape == (2, TOKENS, TOKENS)
    for one in range(2):
        alone = attention_maps.rollout(attn[:, one])
        np.testing.assert_allclose(flow[one], alone)


@pytest.mark.parametrize(
    "attn, residual, message",
    [
        (attention(6, 4), -0.1, "residual must lie"),
        (attention(6, 4), 1.5, "residual must lie"),
        (attention(4), 0.5, "got shape"),
        (attention(6, 4) * 1.1, 0.5, "rows sum to 1"),
        (attention(6, 4).swapaxes(-1, -2), 0.5, "rows sum to 1"),
        (attention(6, 4)[:0], 0.5, "empty"),
    ],
)
def test_rollout_refuses(attn, residual, message):
    with pytest.raises(ValueError, match=message):
        attention_maps.rollout(attn, residual)
