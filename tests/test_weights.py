"""Files of weights, whatever the network: what test_vit_files leaves open."""

import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from course_utils.training import make_accelerator
from course_utils.weights import (
    METADATA_KEY,
    at_rest,
    fill,
    load,
    made_here,
    read_weights,
    write_weights,
)

NOTES = {"origin": "made by a test"}


def model(width=4):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, width), nn.Tanh(), nn.Linear(width, 2))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.safetensors"


def test_any_module_and_any_json_come_back(path):
    architecture = {"width": 4, "names": ["a", "b"], "deep": None}
    write_weights(path, model(), architecture, {**NOTES, "Grüße": "ü\n\"'"})
    state, metadata = read_weights(path)
    assert json.loads(metadata.pop("architecture")) == architecture
    assert metadata == {**NOTES, "Grüße": "ü\n\"'"}
    expected = model().state_dict()
    assert set(state) == set(expected)
    for key, tensor in state.items():
        assert tensor.dtype == torch.float16
        assert torch.equal(tensor, expected[key].half())


def test_a_file_replaces_the_one_before_and_its_folder_is_made(tmp_path):
    path = tmp_path / "new" / "folder" / "weights.safetensors"
    write_weights(path, model(), {}, {"origin": "first"})
    write_weights(str(path), model(5), {}, {"origin": "second"})
    state, metadata = read_weights(str(path))
    assert metadata["origin"] == "second" and state["0.weight"].shape[0] == 5
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_views_and_other_layouts_are_written_as_they_read(path):
    odd = model()
    with torch.no_grad():
        odd[0].weight = nn.Parameter(torch.arange(12.0).reshape(3, 4).T)
    assert not odd[0].weight.is_contiguous()
    write_weights(path, odd, {}, NOTES)
    state, _ = read_weights(path)
    assert torch.equal(state["0.weight"].float(), odd[0].weight)


def test_shared_weights_are_written_twice(path):
    shared = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    shared[1].weight = shared[0].weight
    write_weights(path, shared, {}, NOTES)
    state, _ = read_weights(path)
    assert torch.equal(state["0.weight"], state["1.weight"])


def test_the_largest_of_half_precision_passes_and_the_next_does_not(path):
    large = model()
    with torch.no_grad():
        large[2].bias[1] = 65504
        write_weights(path, large, {}, NOTES)
        before = path.read_bytes()
        large[2].bias[1] = -70000
    with pytest.raises(ValueError, match="2.bias is NaN, infinite or beyond"):
        write_weights(path, large, {}, NOTES)
    assert path.read_bytes() == before


def test_an_architecture_that_json_cannot_hold_is_refused(path):
    with pytest.raises(TypeError, match="set is not JSON serializable"):
        write_weights(path, model(), {"kinds": {1}}, NOTES)
    assert not path.exists()


# Filling


def test_filled_modules_are_at_rest_and_no_number_is_drawn(path):
    write_weights(path, model(), {}, NOTES)
    state, _ = read_weights(path)

    def make():
        return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))

    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    filled = fill(make, state, path)
    assert torch.equal(torch.rand(2), expected)
    assert not filled.training
    for name, parameter in filled.named_parameters():
        assert parameter.dtype == torch.float32
        assert parameter.device.type == "cpu" and not parameter.requires_grad
        assert torch.equal(parameter, state[name].float())
    x = torch.randn(5, 3)
    assert torch.allclose(filled(x), model()(x), atol=1e-2)


@pytest.mark.parametrize(
    "key, change, said",
    [
        (
            "0.weight",
            lambda t: t.T.contiguous(),
            r"\(3, 4\), expected \(4, 3\)",
        ),
        ("2.bias", None, r"none \(missing\), expected \(2,\)"),
        ("3.bias", torch.ones(1), r"\(1,\), expected no such tensor"),
    ],
)
def test_the_first_tensor_that_misfits_is_named(key, change, said):
    state = model().state_dict()
    if change is None:
        del state[key]
    else:
        state[key] = change(state[key]) if callable(change) else change
    with pytest.raises(
        ValueError, match=f"some file holds.*{key} has.*{said}"
    ):
        fill(model, state, "some file")


def test_at_rest_is_the_same_module():
    module = model()
    assert at_rest(module) is module
    assert not module.training
    assert not any(p.requires_grad for p in module.parameters())


# Loading


def test_a_module_is_made_and_filled_as_its_file_says(path):
    settings = {"in_features": 3, "out_features": 4, "bias": False}
    made = nn.Linear(**settings)
    write_weights(path, made, settings, NOTES)
    loaded, metadata = load(nn.Linear, str(path), "a layer")
    assert type(loaded) is nn.Linear and loaded.bias is None
    assert torch.equal(loaded.weight, made.weight.half().float())
    assert not loaded.training and not loaded.weight.requires_grad
    assert metadata["origin"] == NOTES["origin"]
    assert json.loads(metadata["architecture"]) == settings


def checked(width):
    """Make a layer that can be two or more wide."""
    if width < 2:
        raise ValueError("too narrow")
    return nn.Linear(width, width)


@pytest.mark.parametrize(
    "settings", [{"depth": 3}, {}, {"width": 1}, [3], "a text", 7]
)
def test_an_architecture_that_cannot_be_made_is_named(path, settings):
    write_weights(path, nn.Linear(3, 3), settings, NOTES)
    said = f"{path.name} is not of a layer: its architecture is"
    with pytest.raises(ValueError, match=said):
        load(checked, path, "a layer")


def test_an_architecture_that_is_no_json_is_named(path):
    written = json.dumps({"origin": "x", "architecture": "{half"})
    save_file({"x": torch.zeros(2)}, path, {METADATA_KEY: written})
    with pytest.raises(ValueError, match="its architecture is {half"):
        load(checked, path, "a layer")


def test_weights_that_belie_their_architecture_are_named(path):
    write_weights(path, nn.Linear(3, 3), {"width": 5}, NOTES)
    with pytest.raises(
        ValueError, match=r"weight has shape \(3, 3\), expected \(5, 5\)"
    ):
        load(checked, path, "a layer")


def test_no_file_to_load(path):
    with pytest.raises(FileNotFoundError, match="no file of weights at"):
        load(checked, path, "a layer")


# Where it was made


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_the_machine_is_told_in_texts_that_a_file_takes(path, precision):
    told = made_here(make_accelerator(precision, cpu=True))
    threads = torch.get_num_threads()
    assert told["hardware"] == f"CPU, {threads} thread(s)"
    assert told["precision"] == precision
    assert torch.__version__ in told["software"]
    write_weights(path, model(), {}, {**NOTES, **told})
    assert read_weights(path)[1].items() >= told.items()


def test_a_gpu_is_told_by_its_name(monkeypatch):
    class Accelerator:
        device, mixed_precision = torch.device("cuda"), "fp16"

    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA T4")
    told = made_here(Accelerator)
    assert (told["hardware"], told["precision"]) == ("NVIDIA T4", "fp16")


# Files that cannot be right


@pytest.mark.parametrize(
    "written",
    [
        "{", "[]", '"text"', "null", "{}",
        '{"origin": "x"}', '{"architecture": "{}"}',
        '{"origin": "x", "architecture": {}}',
        '{"origin": 3, "architecture": "{}"}',
    ],
)  # fmt: skip
def test_what_a_file_says_of_itself_is_mistrusted(path, written):
    save_file({"x": torch.zeros(2)}, path, {METADATA_KEY: written})
    with pytest.raises(ValueError, match=f"{path.name} is damaged"):
        read_weights(path)


def test_a_file_without_any_metadata_is_not_ours(path):
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="not written by this course"):
        read_weights(path)


@pytest.mark.parametrize("content", [b"", b"\0" * 64, b"PK\3\4" + b"x" * 99])
def test_other_files_are_no_weights(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a safetensors file"):
        read_weights(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file of weights at"):
        read_weights(tmp_path)
