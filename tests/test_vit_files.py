"""Weights files: written, read, mapped between names, and mistrusted."""

import json
import os
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import ViTConfig, ViTForImageClassification, ViTModel

from course_utils import vit_weights
from course_utils.vit import VisionTransformer
from course_utils.vit_files import architecture_of, from_hugging_face
from course_utils.vit_weights import SMALL, load_vit, read_metadata, save_vit

ROOT = Path(__file__).resolve().parents[1]
NOTES = {"origin": "made by a test", "seed": "7"}

# Saves a fixed model, as a process of its own: prints the file's hash.
SAVE = """
import hashlib, pathlib, sys, torch
from course_utils import vit_weights
torch.manual_seed(0)
model = vit_weights.VisionTransformer(**vit_weights.SMALL)
notes = {key: key for key in "abcdefgh"} | {"origin": "here"}
vit_weights.save_vit(sys.argv[1], model, notes)
content = pathlib.Path(sys.argv[1]).read_bytes()
print(hashlib.sha256(content).hexdigest())
"""


def tiny(**changes):
    torch.manual_seed(0)
    shape = {"patch_size": 8, "width": 24, "depth": 2, "num_heads": 3}
    return VisionTransformer(**{"image_size": (16, 40), **shape, **changes})


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "vit.safetensors"
    save_vit(path, tiny(), NOTES)
    return path


# Names


def hugging_face_states(tmp_path, **changes):
    config = ViTConfig(
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=96,
        image_size=(16, 40),
        patch_size=8,
        **changes,
    )
    torch.manual_seed(0)
    whole = ViTForImageClassification(config)
    yield "transformers 5", ViTModel(config).state_dict()
    yield "transformers 5, vit.", whole.state_dict()
    whole.save_pretrained(tmp_path / "whole")
    yield "hub, vit.", load_file(tmp_path / "whole/model.safetensors")
    whole.vit.save_pretrained(tmp_path / "vit")
    yield "hub", load_file(tmp_path / "vit/model.safetensors")


def test_every_layout_of_names_gives_ours(tmp_path):
    expected = {k: v.shape for k, v in tiny().state_dict().items()}
    for layout, state in hugging_face_states(tmp_path):
        state = {k: v for k, v in state.items() if "classifier" not in k}
        ours = from_hugging_face(state)
        assert {k: v.shape for k, v in ours.items()} == expected, layout


def test_query_key_and_value_are_stacked_in_this_order(tmp_path):
    *_, (_, state) = hugging_face_states(tmp_path)
    ours = from_hugging_face(state)
    name = "encoder.layer.1.attention.attention.{}.weight"
    for place, part in enumerate(("query", "key", "value")):
        rows = ours["blocks.1.attn.qkv.weight"][24 * place : 24 * (place + 1)]
        assert torch.equal(rows, state[name.format(part)])
    del state[name.format("key")]
    with pytest.raises(ValueError, match="blocks.1.attn.qkv.weight: query"):
        from_hugging_face(state)


# Files of ours


def test_saved_model_comes_back_in_half_precision(saved):
    loaded = load_vit(saved)
    expected, found = tiny().state_dict(), loaded.model.state_dict()
    assert list(found) == list(expected)
    for key in expected:
        assert found[key].dtype == torch.float32
        assert torch.equal(found[key], expected[key].half().float()), key
    assert architecture_of(loaded.model) == architecture_of(tiny())
    assert loaded.model.grid == (2, 5)


def test_loaded_model_is_at_rest_and_told(saved):
    loaded = load_vit(str(saved))
    assert not loaded.model.training
    assert not any(p.requires_grad for p in loaded.model.parameters())
    assert {p.device.type for p in loaded.model.parameters()} == {"cpu"}
    assert loaded.origin == "made by a test"
    assert loaded.mean == vit_weights.MEAN
    with pytest.raises(FrozenInstanceError):
        loaded.model = None


def test_loading_leaves_the_generator_alone(saved):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_vit(saved)
    assert torch.equal(torch.rand(3), expected)


def test_metadata_say_architecture_and_origin(saved):
    metadata = read_metadata(saved)
    architecture = json.loads(metadata.pop("architecture"))
    assert metadata == NOTES
    assert architecture == {
        "image_size": [16, 40],
        "patch_size": 8,
        "width": 24,
        "depth": 2,
        "num_heads": 3,
        "in_channels": 3,
    }


def test_file_holds_half_precision_and_stays_small(tmp_path):
    path = tmp_path / "vit.safetensors"
    save_vit(path, VisionTransformer(**SMALL), NOTES)
    assert {t.dtype for t in load_file(path).values()} == {torch.float16}
    assert path.stat().st_size < 8_000_000


def test_same_model_same_bytes(tmp_path):
    hashes = {
        subprocess.run(
            [sys.executable, "-c", SAVE, str(tmp_path / f"{i}.safetensors")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for i in range(3)
    }
    assert len(hashes) == 1


def test_a_model_on_its_way_keeps_its_training_state(tmp_path):
    model = tiny().train()
    save_vit(tmp_path / "vit.safetensors", model, NOTES)
    assert model.training and all(p.requires_grad for p in model.parameters())
    assert next(model.parameters()).dtype == torch.float32


def test_failed_saving_leaves_the_old_file(saved, monkeypatch):
    before = saved.read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        save_vit(saved, tiny(depth=1), NOTES)
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]


@pytest.mark.parametrize("value", [float("nan"), 1e6])
def test_weights_that_half_precision_spoils_are_refused(tmp_path, value):
    model = tiny()
    with torch.no_grad():
        model.blocks[1].mlp.fc1.bias[3] = value
    with pytest.raises(ValueError, match="blocks.1.mlp.fc1.bias is NaN"):
        save_vit(tmp_path / "vit.safetensors", model, NOTES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "metadata, message",
    [
        ({}, '"origin", one sentence'),
        ({"origin": "x", "steps": 5}, "text to text"),
        ({"origin": "x", "architecture": "{}"}, "not yours to set"),
    ],
)
def test_metadata_that_say_too_little_are_refused(tmp_path, metadata, message):
    with pytest.raises(ValueError, match=message):
        save_vit(tmp_path / "vit.safetensors", tiny(), metadata)


# Files that cannot be right


@pytest.mark.parametrize("read", [load_vit, read_metadata])
@pytest.mark.parametrize(
    "size, message",
    [(0, "truncated"), (5, "truncated"), (100, "truncated"), (-1, "trunc")],
)
def test_truncated_file_is_named(saved, read, size, message):
    saved.write_bytes(saved.read_bytes()[:size])
    with pytest.raises(ValueError, match=f"vit.safetensors is {message}"):
        read(saved)


def test_missing_file_is_named(tmp_path):
    for read in (load_vit, read_metadata):
        with pytest.raises(FileNotFoundError, match="no file of weights at"):
            read(tmp_path / "none.safetensors")


def test_file_of_another_tool_is_named(saved):
    save_file(load_file(saved), saved, {"format": "pt"})
    with pytest.raises(ValueError, match="not written by this course"):
        load_vit(saved)


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda s: s.update({"cls_token": s["cls_token"][..., :8].clone()}),
            r"cls_token has shape \(1, 1, 8\), expected \(1, 1, 24\)",
        ),
        (
            lambda s: s.pop("blocks.1.norm2.bias"),
            r"blocks.1.norm2.bias has shape none \(missing\), expected \(24",
        ),
        (
            lambda s: s.update({"head.bias": torch.zeros(10)}),
            r"head.bias has shape \(10,\), expected no such tensor",
        ),
    ],
)
def test_weights_of_another_architecture_name_the_tensor(
    saved, change, message
):
    from safetensors import safe_open

    with safe_open(saved, "pt") as file:
        metadata = file.metadata()
    state = load_file(saved)
    change(state)
    save_file(state, saved, metadata)
    with pytest.raises(ValueError, match=message):
        load_vit(saved)
