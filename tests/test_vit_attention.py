"""Reading and silencing heads, and fitting photos to the patch grid."""

import numpy as np
import pytest
import torch

from course_utils import vit_attention
from course_utils.vit import VisionTransformer
from course_utils.vit_attention import (
    prepare,
    read_attention,
    read_scores,
    without_heads,
)
from course_utils.vit_weights import MEAN, STD

DEPTH, HEADS, HEAD_DIM = 3, 4, 6


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = VisionTransformer(32, 8, HEADS * HEAD_DIM, DEPTH, HEADS)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return model.eval()


@pytest.fixture
def images():
    return torch.randn(2, 3, 24, 40, generator=torch.manual_seed(1))


def hooks_left(model):
    return [
        name
        for name, module in model.named_modules()
        if module._forward_hooks or module._forward_pre_hooks
    ]


def outputs_of(module, run):
    """Return what a module gets and gives while `run` runs."""
    seen = []
    handle = module.register_forward_hook(
        lambda module, inputs, output: seen.append((inputs[0], output))
    )
    with torch.no_grad():
        run()
    handle.remove()
    return seen[0]


def test_rows_sum_to_1_and_are_the_softmax_of_the_scores(model, images):
    attn = read_attention(model, images)
    assert attn.shape == (DEPTH, 2, HEADS, 16, 16)
    assert torch.allclose(attn.sum(-1), torch.ones(()), atol=1e-5)
    assert (attn >= 0).all() and not attn.requires_grad
    scores = read_scores(model, images)
    assert torch.allclose(scores.softmax(-1), attn, atol=1e-6)
    assert not torch.allclose(scores.sum(-1), attn.sum(-1), atol=1e-2)


def test_attention_is_what_the_fused_kernel_computed(model, images):
    attn = read_attention(model, images)
    for layer, block in enumerate(model.blocks):
        _, qkv = outputs_of(block.attn.qkv, lambda: model(images))
        _, expected = outputs_of(block.attn, lambda: model(images))
        value = block.attn.split(qkv)[2]
        merged = (attn[layer] @ value).transpose(1, 2).flatten(2)
        with torch.no_grad():
            rebuilt = block.attn.proj(merged)
        assert torch.allclose(rebuilt, expected, atol=1e-5)


def test_layers_can_be_chosen(model, images):
    attn = read_attention(model, images)
    chosen = read_attention(model, images, layers=[2, 0])
    assert torch.equal(chosen, attn[[2, 0]])


def test_reading_changes_nothing(model, images):
    with torch.no_grad():
        before = model(images)
        read_attention(model, images)
        assert torch.equal(model(images), before)
    assert hooks_left(model) == []


def test_hooks_are_removed_when_the_forward_raises(model, images):
    with pytest.raises(ValueError, match="whole patches"):
        read_attention(model, images[..., :23])
    assert hooks_left(model) == []
    with pytest.raises(RuntimeError), without_heads(model, {0: [1]}):
        raise RuntimeError("the learner's own mistake")
    assert hooks_left(model) == []


def test_half_precision_images_are_taken(model, images):
    attn = read_attention(model, images.half())
    assert torch.allclose(attn, read_attention(model, images), atol=1e-2)


@pytest.mark.parametrize(
    "bad, error, message",
    [
        (torch.zeros(3, 32, 32), ValueError, "expected images"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), TypeError, "floats"),
        (np.zeros((1, 3, 32, 32)), TypeError, "floats: see prepare"),
        (torch.zeros(1, 3, 800, 8000), ValueError, r"GiB: make the images"),
    ],
)
def test_images_that_cannot_be_read_are_named(model, bad, error, message):
    with pytest.raises(error, match=message):
        read_attention(model, bad)


@pytest.mark.parametrize("layers", [[3], [-1], ["0"], []])
def test_layers_that_do_not_exist_are_named(model, images, layers):
    with pytest.raises(ValueError, match="layers 0 to 2|at least one layer"):
        read_attention(model, images, layers)


def test_exactly_the_silenced_heads_change(model, images):
    proj = model.blocks[1].attn.proj
    _, before = outputs_of(proj, lambda: model(images))

    def forward():
        with without_heads(model, {1: [0, 2]}):
            model(images)

    # The hook changes what the projection gets: rebuild it without them.
    _, after = outputs_of(proj, forward)
    inputs, _ = outputs_of(proj, lambda: model(images))
    kept = inputs.unflatten(-1, (HEADS, HEAD_DIM)).clone()
    kept[..., [0, 2], :] = 0
    with torch.no_grad():
        expected = proj(kept.flatten(-2))
    assert torch.allclose(after, expected, atol=1e-5)
    assert (after - before).abs().max() > 0.01


@torch.no_grad()
def test_silencing_reaches_the_output_and_ends_with_the_block(model, images):
    before = model(images)
    early = read_attention(model, images)
    with without_heads(model, {1: [3]}) as silenced:
        assert silenced is model
        assert (model(images) - before).abs().max() > 1e-3
        during = read_attention(model, images)
    assert torch.equal(during[:2], early[:2])  # up to there nothing changed
    assert not torch.allclose(during[2], early[2], atol=1e-4)
    assert torch.equal(model(images), before)


@torch.no_grad()
def test_a_block_without_heads_adds_its_bias_alone(model, images):
    with without_heads(model, {0: range(HEADS)}):
        _, out = outputs_of(model.blocks[0].attn, lambda: model(images))
    bias = model.blocks[0].attn.proj.bias
    assert torch.allclose(out, bias.expand_as(out))


@torch.no_grad()
def test_no_heads_is_no_change_and_blocks_can_be_nested(model, images):
    before = model(images)
    with without_heads(model, {}), without_heads(model, {2: []}):
        assert torch.equal(model(images), before)
    with without_heads(model, {0: [1], 2: [3]}):
        both = model(images)
    with without_heads(model, {0: [1]}), without_heads(model, {2: [3]}):
        assert torch.equal(model(images), both)


@pytest.mark.parametrize(
    "heads, message",
    [
        ({3: [0]}, "no layer 3: the model has layers 0 to 2"),
        ({-1: [0]}, "no layer -1"),
        ({1: [0, 4]}, "no head 4 in layer 1: it has heads 0 to 3"),
        ({0: [0], 1: [-1]}, "no head -1 in layer 1"),
    ],
)
def test_heads_that_do_not_exist_are_named(model, heads, message):
    with pytest.raises(ValueError, match=message), without_heads(model, heads):
        pytest.fail("the block must not run")
    assert hooks_left(model) == []


def photo(height, width):
    random = np.random.default_rng(0)
    return random.integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_photo_on_the_grid_is_used_whole():
    made = prepare(photo(32, 48), 16)
    assert made.grid == (2, 3) and made.tensor.shape == (1, 3, 32, 48)
    np.testing.assert_array_equal(made.image, photo(32, 48))
    assert "used whole" in made.note and "2 x 3 patches" in made.note
    assert made.tensor.dtype == torch.float32


def test_crop_drops_at_the_bottom_and_on_the_right_and_says_so():
    made = prepare(photo(375, 500), 16, how="crop")
    assert made.grid == (23, 31) and made.tensor.shape == (1, 3, 368, 496)
    np.testing.assert_array_equal(made.image, photo(375, 500)[:368, :496])
    assert made.note == (
        "375 x 500 pixels (height x width), cropped to 368 x 496 (7 rows "
        "dropped at the bottom, 4 columns dropped on the right): "
        "23 x 31 patches of 16 x 16."
    )


def test_pad_repeats_the_edge_and_says_so():
    made = prepare(photo(375, 500), 16, how="pad")
    assert made.grid == (24, 32) and made.image.shape == (384, 512, 3)
    np.testing.assert_array_equal(made.image[:375, :500], photo(375, 500))
    assert (made.image[375:, :500] == photo(375, 500)[-1]).all()
    assert (made.image[:, 500:] == made.image[:, 499:500]).all()
    assert "padded" in made.note and "9 rows repeated" in made.note


def test_only_one_side_to_pad():
    made = prepare(photo(32, 63), 16, how="pad")
    assert made.image.shape == (32, 64, 3)
    assert "(1 column repeated on the right)" in made.note


def test_normalised_as_imagenet_by_default():
    made = prepare(photo(16, 24), 8)
    pixels = made.image / 255
    expected = (pixels - MEAN) / STD
    np.testing.assert_allclose(
        made.tensor[0].permute(1, 2, 0), expected, atol=1e-5
    )
    plain = prepare(photo(16, 24), 8, mean=(0, 0, 0), std=(1, 1, 1))
    np.testing.assert_allclose(plain.tensor[0, 2], pixels[..., 2], atol=1e-6)


def test_the_learners_photo_is_not_touched():
    original = photo(20, 20)
    made = prepare(original, 8)
    made.image[:] = 0
    np.testing.assert_array_equal(original, photo(20, 20))


@pytest.mark.parametrize(
    "image, patch_size, how, error, message",
    [
        (photo(32, 32) / 255, 8, "crop", TypeError, "uint8.*float64"),
        (photo(32, 32).astype("u2"), 8, "crop", TypeError, "uint16"),
        ([[1, 2]], 8, "crop", TypeError, "list"),
        (photo(32, 32)[..., 0], 8, "crop", ValueError, r"\(32, 32\)"),
        (photo(32, 32)[..., [0, 1, 2, 2]], 8, "crop", ValueError, "32, 4"),
        (photo(1, 1), 16, "crop", ValueError, "no 16 x 16 patch fits"),
        (photo(200, 15), 16, "pad", ValueError, "200 x 15 pixels"),
        (photo(32, 32), 0, "crop", ValueError, "int >= 1"),
        (photo(32, 32), 8.0, "crop", ValueError, "int >= 1"),
        (photo(32, 32), 8, "resize", ValueError, 'must be "crop" or "pad"'),
    ],
)
def test_what_is_no_photo_is_named(image, patch_size, how, error, message):
    with pytest.raises(error, match=message):
        prepare(image, patch_size, how)


def test_long_photo_is_prepared_and_read_if_it_fits(model, monkeypatch):
    made = prepare(photo(200, 8000), 8)
    assert made.grid == (25, 1000)
    with pytest.raises(ValueError, match="25,001 tokens in 12 heads"):
        read_attention(model, made.tensor)
    small = prepare(photo(8, 320), 8)
    size = DEPTH * HEADS * 41**2 * 4
    monkeypatch.setattr(vit_attention, "MAX_BYTES", size)
    assert read_attention(model, small.tensor).shape[-1] == 41
    monkeypatch.setattr(vit_attention, "MAX_BYTES", size - 1)
    with pytest.raises(ValueError, match="41 tokens"):
        read_attention(model, small.tensor)


def test_numpy_s_whole_numbers_count_as_layers_and_heads(model, images):
    last = read_attention(model, images, layers=[np.int64(1)])
    assert torch.equal(last, read_attention(model, images, layers=[1]))
    with without_heads(model, {np.int64(1): np.argsort([3, 1])[:1]}):
        pass


@pytest.mark.parametrize(
    "images, layers, error, said",
    [
        (torch.randn(1, 3, 24, 40), 1, TypeError, r"for example \[1\]"),
        (torch.randn(1, 3, 24, 40), [True], ValueError, "no layer True"),
        (torch.randn(0, 3, 24, 40), None, ValueError, "at least one image"),
        (torch.randn(1, 1, 24, 40), None, ValueError, "of 3 channels"),
    ],
)
def test_slips_are_named(model, images, layers, error, said):
    with pytest.raises(error, match=said):
        read_attention(model, images, layers=layers)


def test_heads_must_be_a_list(model):
    with (
        pytest.raises(TypeError, match="heads must be a list"),
        without_heads(model, {1: 1}),
    ):
        pass
