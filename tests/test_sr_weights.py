"""The networks that week 4 ships: made, written, and read with mistrust."""

import json

import pytest
import torch
from safetensors.torch import load_file

from course_utils import sr_weights
from course_utils.bundled import REINSTALL, data_folder
from course_utils.sr_weights import (
    RECIPES,
    WIDTHS,
    load_net,
    make_net,
    save_net,
    standard_diffusion,
)
from course_utils.unet import UNet
from course_utils.weights import write_weights

NOTES = {"origin": "made by a test", "trained": "not at all"}


def net(**changes):
    torch.manual_seed(0)
    made = UNet(**{"in_channels": 3, "widths": (8, 16), **changes})
    torch.nn.init.normal_(made.out.weight)
    return made


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "net.safetensors"
    save_net(path, net(mixer="cross", num_heads=2, everywhere=True), NOTES)
    return path


def parameters(module):
    return sum(p.numel() for p in module.parameters())


# Recipes


@pytest.mark.parametrize("kind", RECIPES)
def test_networks_are_what_their_recipes_say(kind):
    recipe, made = RECIPES[kind], make_net(kind)
    channels = 6 if recipe["diffusion"] else 3
    assert made.settings == UNet(channels, WIDTHS, recipe["mixer"]).settings
    x, steps = torch.rand(1, channels, 32, 32), torch.zeros(1)
    assert made(x, steps).shape == (1, 3, 32, 32)


def test_attention_and_its_control_differ_in_the_slot_alone():
    one, other = make_net("diffusion"), make_net("attention")
    assert parameters(one) == pytest.approx(parameters(other), rel=0.02)
    shapes = [
        {k: v.shape for k, v in n.state_dict().items() if "mix" not in k}
        for n in (one, other)
    ]
    assert shapes[0] == shapes[1]
    alike = [
        {k: RECIPES[kind][k] for k in ("diffusion", "steps", "rate")}
        for kind in ("diffusion", "attention")
    ]
    assert alike[0] == alike[1]
    mixers = {kind: recipe["mixer"] for kind, recipe in RECIPES.items()}
    assert mixers == {
        "regression": "perceptron", "diffusion": "perceptron",
        "attention": "attention",
    }  # fmt: skip


def test_the_process_is_the_cosine_one_with_v():
    diffusion = standard_diffusion()
    assert len(diffusion) == 1000 and diffusion.target == "v"
    assert diffusion.alpha_bars[500].item() == pytest.approx(0.492, abs=0.002)


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="unknown network 'unet'.*attention"):
        make_net("unet")


# Files


def test_a_network_comes_back_in_half_precision(saved):
    loaded, metadata = load_net(saved)
    expected = net(mixer="cross", num_heads=2, everywhere=True)
    assert loaded.settings == expected.settings
    state = loaded.state_dict()
    assert list(state) == list(expected.state_dict())
    for key, tensor in expected.state_dict().items():
        assert torch.equal(state[key], tensor.half().float()), key
    assert {k: metadata[k] for k in NOTES} == NOTES
    assert json.loads(metadata["architecture"]) == expected.settings
    assert {t.dtype for t in load_file(saved).values()} == {torch.float16}


def test_a_loaded_network_is_at_rest_and_answers_alike(saved):
    loaded, _ = load_net(str(saved))
    assert not loaded.training
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    assert {p.device.type for p in loaded.parameters()} == {"cpu"}
    assert not any(p.requires_grad for p in loaded.parameters())
    original = net(mixer="cross", num_heads=2, everywhere=True).eval()
    x, steps = torch.rand(2, 3, 8, 12), torch.tensor([0, 700])
    assert torch.allclose(loaded(x, steps), original(x, steps), atol=0.02)


def test_loading_leaves_the_generator_alone(saved):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_net(saved)
    assert torch.equal(torch.rand(3), expected)


def test_a_home_folder_is_found(saved, monkeypatch):
    monkeypatch.setenv("HOME", str(saved.parent))
    monkeypatch.setenv("USERPROFILE", str(saved.parent))
    assert load_net(f"~/{saved.name}")[1]["origin"] == NOTES["origin"]


def test_a_network_trained_in_another_layout_is_saved_alike(tmp_path):
    paths = [tmp_path / name for name in ("one", "other")]
    save_net(paths[0], net(), NOTES)
    training = net().to(memory_format=torch.channels_last)
    save_net(paths[1], training, NOTES)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert training.training  # and goes on


@pytest.mark.parametrize("kind", RECIPES)
def test_a_bundled_network_is_of_its_kind(kind):
    if not (data_folder() / f"sr_{kind}.safetensors").is_file():
        pytest.skip("not trained yet")
    loaded, metadata = load_net(kind)
    assert loaded.settings == make_net(kind).settings
    assert metadata["origin"] and metadata["trained"]


# Files that cannot be right


def test_a_vit_is_no_unet():
    path = data_folder() / "vit_dino.safetensors"
    with pytest.raises(ValueError, match="vit_dino.*not of a U-Net of week 4"):
        load_net(path)


@pytest.mark.parametrize(
    "architecture, said",
    [
        ({"in_channels": 3, "widths": [8, 16], "depth": 3}, "depth"),
        ({"in_channels": 3, "widths": [8, 12]}, r"\[8, 12\]"),
        ({"in_channels": 3, "mixer": "mlp"}, "mlp"),
        ({"num_heads": 3}, "num_heads"),
        ([3, 8, 16], r"\[3, 8, 16\]"),
        (None, "null|None"),
    ],
)
def test_an_architecture_that_cannot_be_is_named(tmp_path, architecture, said):
    path = tmp_path / "net.safetensors"
    write_weights(path, net(), architecture, NOTES)
    with pytest.raises(ValueError, match=f"net.safetensors is not of.*{said}"):
        load_net(path)


@pytest.mark.parametrize(
    "changes, tensor",
    [
        ({"widths": [16, 16]}, "stem.weight has shape"),
        ({"in_channels": 6}, "stem.weight has shape"),
        ({"mixer": "attention"}, r"mix2.qkv.weight has shape none .missing"),
        ({"everywhere": True}, "mix1.gamma has shape none"),
    ],
)
def test_weights_that_do_not_fit_what_the_file_says(tmp_path, changes, tensor):
    path = tmp_path / "net.safetensors"
    write_weights(path, net(), {**net().settings, **changes}, NOTES)
    with pytest.raises(ValueError, match=f"another architecture: {tensor}"):
        load_net(path)


@pytest.mark.parametrize("size", [0, 7, 200, -1])
def test_a_damaged_file_is_named(saved, size):
    saved.write_bytes(saved.read_bytes()[:size])
    with pytest.raises(ValueError, match="net.safetensors is truncated"):
        load_net(saved)


def test_a_damaged_bundled_file_says_how_to_mend_it(saved, monkeypatch):
    saved.write_bytes(saved.read_bytes()[:-1])
    asked = []
    monkeypatch.setattr(
        sr_weights, "bundled", lambda name: asked.append(name) or saved
    )
    with pytest.raises(ValueError, match=f"truncated.*; {REINSTALL}"):
        load_net("regression")
    assert asked == ["sr_regression.safetensors"]


def test_a_missing_file_is_named(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(FileNotFoundError, match=f"no file.*{path.name}"):
            load_net(path)


def test_a_misspelt_kind_names_those_there_are():
    with pytest.raises(
        FileNotFoundError,
        match="no network 'difusion': choose one of regression, ",
    ):
        load_net("difusion")
