"""The Vision Transformer: equal to Hugging Face's, and its properties."""

import pytest
import torch
from transformers import ViTConfig, ViTModel

from course_utils.vit import VisionTransformer
from course_utils.vit_attention import read_attention
from course_utils.vit_files import from_hugging_face

SHAPE = {"patch_size": 8, "width": 24, "depth": 4, "num_heads": 3}
EQUAL = 1e-5


def stir(model, seed=0):
    """Give every parameter random values that matter, norms included."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(0.3 * noise)
    return model.eval()


def random_images(height, width, batch=2):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, 3, height, width, generator=generator)


def hugging_face(image_size):
    config = ViTConfig(
        hidden_size=24,
        num_hidden_layers=4,
        num_attention_heads=3,
        intermediate_size=96,
        image_size=image_size,
        patch_size=8,
        layer_norm_eps=1e-6,  # DINO's; the hub's copy says 1e-12
        attn_implementation="eager",
    )
    return stir(ViTModel(config, add_pooling_layer=False))


def small(image_size=32, **changes):
    return stir(VisionTransformer(image_size, **{**SHAPE, **changes}))


@pytest.mark.parametrize(
    "made_for, shown, interpolate",
    [
        (32, (32, 32), False),
        ((32, 48), (32, 48), False),
        (32, (32, 48), True),
        (32, (72, 24), True),
        (32, (16, 64), True),  # as many patches, another grid
        (48, (16, 16), True),
        (16, (96, 96), True),
    ],
)
def test_equals_hugging_face_in_every_token_and_layer(
    made_for, shown, interpolate
):
    theirs = hugging_face(made_for)
    ours = VisionTransformer(made_for, **SHAPE).eval()
    ours.load_state_dict(from_hugging_face(theirs.state_dict()))
    images = random_images(*shown)
    with torch.no_grad():
        expected = theirs(
            images,
            interpolate_pos_encoding=interpolate,
            output_attentions=True,
        )
        tokens = ours.tokens(images)
        first = ours(images)
    off = (tokens - expected.last_hidden_state).abs().max()
    attn = read_attention(ours, images)
    attn_off = (attn - torch.stack(expected.attentions)).abs().max()
    assert off < EQUAL and attn_off < EQUAL
    assert torch.equal(first, tokens[:, 0])
    assert attn.std(dim=-1).mean() > 0.01  # not all uniform: a real test


def official_names():
    """Names and shapes in dino_deitsmall16_pretrain.pth."""
    shapes = {
        "cls_token": (1, 1, 384),
        "pos_embed": (1, 197, 384),
        "patch_embed.proj.weight": (384, 3, 16, 16),
        "patch_embed.proj.bias": (384,),
    }
    for i in range(12):
        for layer, out, into in [
            ("attn.qkv", 1152, 384),
            ("attn.proj", 384, 384),
            ("mlp.fc1", 1536, 384),
            ("mlp.fc2", 384, 1536),
        ]:
            shapes[f"blocks.{i}.{layer}.weight"] = (out, into)
            shapes[f"blocks.{i}.{layer}.bias"] = (out,)
        for norm in ("norm1", "norm2"):
            shapes[f"blocks.{i}.{norm}.weight"] = (384,)
            shapes[f"blocks.{i}.{norm}.bias"] = (384,)
    return {**shapes, "norm.weight": (384,), "norm.bias": (384,)}


def test_official_names_and_shapes_load_strictly():
    state = {k: torch.zeros(s) for k, s in official_names().items()}
    model = VisionTransformer()
    assert str(model.load_state_dict(state, strict=True)).startswith("<All")
    assert sum(p.numel() for p in model.parameters()) == 21_665_664
    assert model.blocks[0].attn.num_heads == 6
    assert model.blocks[0].norm1.eps == 1e-6


def permute_patches(model, images, order):
    """Move the patches of images, (batch, 3, h, w), to another order."""
    p, (rows, cols) = model.patch_size, model.grid
    cut = images.unfold(2, p, p).unfold(3, p, p)  # (b, 3, rows, cols, p, p)
    moved = cut.flatten(2, 3)[:, :, order].unflatten(2, (rows, cols))
    return moved.transpose(3, 4).reshape(images.shape)


@torch.no_grad()
def test_patches_that_keep_their_positions_may_stand_anywhere():
    model, images = small((32, 40)), random_images(32, 40)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(2))
    before = model.tokens(images)
    model.pos_embed[:, 1:] = model.pos_embed[:, 1:][:, order]
    after = model.tokens(permute_patches(model, images, order))
    assert torch.allclose(after[:, 0], before[:, 0], atol=1e-5)
    assert torch.allclose(after[:, 1:], before[:, 1:][:, order], atol=1e-5)
    assert not torch.allclose(after[:, 1:], before[:, 1:], atol=0.1)


@torch.no_grad()
def test_shuffling_shows_only_in_the_positions():
    model, images = small((32, 40)), random_images(32, 40)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(2))
    shuffled = permute_patches(model, images, order)
    assert (model(shuffled) - model(images)).abs().max() > 0.1
    model.pos_embed[:, 1:] = 0
    assert torch.allclose(model(shuffled), model(images), atol=1e-5)


def test_gradients_reach_every_parameter():
    model = small()
    model.tokens(random_images(40, 24)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad.abs() > 0).float().mean() > 0.5, name


def test_class_token_is_read_by_forward_and_images_do_not_mix():
    model, images = small(), random_images(32, 32, batch=3)
    with torch.no_grad():
        together = model(images)
        alone = torch.cat([model(image[None]) for image in images])
    assert together.shape == (3, 24)
    assert torch.allclose(together, alone, atol=1e-5)


@torch.no_grad()
def test_interpolated_positions_of_a_smooth_code_follow_it():
    model = small(64)
    ramp = torch.linspace(0, 1, 8)  # grows downwards, constant sideways
    model.pos_embed[0, 1:] = ramp.repeat_interleave(8)[:, None]
    larger = model.positions(16, 4)
    assert larger.shape == (1, 1 + 16 * 4, 24)
    assert torch.equal(larger[:, 0], model.pos_embed[:, 0])
    grid = larger[0, 1:].unflatten(0, (16, 4))
    assert torch.allclose(grid, grid[:, :1].expand_as(grid), atol=1e-5)
    steps = grid[3:-4, 0, 0].diff()  # away from the edges; bicubic wiggles
    assert len(steps) == 8 and (steps > 0).all()
    assert abs(steps.mean() - 1 / 14) < 1e-5


def test_same_seed_same_weights():
    states = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        states.append(VisionTransformer(32, **SHAPE).state_dict())
    first, again, other = states
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert not torch.equal(first["pos_embed"], other["pos_embed"])


def test_grey_images_and_rectangles():
    model = small((28, 14), patch_size=7, in_channels=1)
    assert model.grid == (4, 2)
    assert model(torch.zeros(5, 1, 28, 14)).shape == (5, 24)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: VisionTransformer(width=100), "6 heads do not divide"),
        (lambda: VisionTransformer(image_size=50), "50 x 50 pixels cannot"),
        (lambda: VisionTransformer(image_size=8), "8 x 8 pixels cannot"),
        (lambda: small()(random_images(33, 32)), "33 x 32 .* crop or pad"),
        (lambda: small()(random_images(32, 4)), "32 x 4 pixels cannot"),
    ],
)
def test_sizes_that_do_not_fit_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
