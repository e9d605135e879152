"""The scripts that make what week 6 ships, with tiny steps."""

import importlib.util
import sys

import numpy as np
import pytest
import torch

from course_utils import denoisers, graph_networks, graph_training
from course_utils.clean_photos import as_floats, clean_photos, training_crops


@pytest.fixture
def script(root, monkeypatch):
    """Return a function that loads a script by its path in the project."""
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)

    def load(path):
        spec = importlib.util.spec_from_file_location("script", root / path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def runs(script, monkeypatch):
    """The script of the runs, with few steps, crops, photos and settings."""
    module = script("benchmarks/week6_runs.py")
    small = {"STEPS": 2, "WATCH_EVERY": 1, "ITERATIONS": 2, "LEVELS": (25,)}
    for name, value in small.items():
        monkeypatch.setattr(module, name, value)
    photos = clean_photos(2)
    cut = type(photos)(
        photos.images[:, :32, :32], photos.names, photos.kinds, photos.alts
    )
    monkeypatch.setattr(module, "clean_photos", lambda: cut)
    monkeypatch.setattr(
        module, "training_crops", lambda count, side, **named: (
            training_crops(2, 16, **named)
        ),
    )  # fmt: skip
    monkeypatch.setattr(
        module, "as_floats", lambda images: as_floats(images)[:, :32, :32]
    )
    return module


@pytest.mark.parametrize("name", ["true level", "four heads added"])
def test_a_net_is_trained_and_judged(runs, name):
    found = runs.net_part(name, 0)
    assert np.shape(found["psnr"]) == (1, 2)
    assert len(found["watched"]) == 3
    assert len(found["losses"]) == 2
    if name == "four heads added":
        assert np.shape(found["weights"]) == (1, 2, 4)
        assert np.shape(found["along"]) == (3, 4)
        assert np.shape(found["without"]) == (4, 1, 2)


def test_silencing_a_head_changes_the_answer_and_no_weight(runs):
    net = graph_networks.GraphDenoiser("both", "four added", radius=2)
    before = [tensor.clone() for tensor in net.parameters()]
    image = torch.rand(1, 3, 12, 12)
    whole = net(image)
    silenced = [runs.Silenced(net, head)(image) for head in range(4)]
    assert all(not torch.equal(whole, other) for other in silenced)
    for old, new in zip(before, net.parameters(), strict=True):
        assert torch.equal(old, new)


def test_settings_of_a_method_are_tuned(runs, monkeypatch):
    monkeypatch.setitem(denoisers.GRIDS, "gaussian", {"width": (0.1, 0.8)})
    found = runs.settings_part("gaussian", 50)
    assert found["settings"] == '{"width": 0.8}'


def test_every_part_has_a_name_of_its_own(runs):
    names = [name for group in runs.GROUPS for name, *_ in runs.parts(group)]
    assert len(set(names)) == len(names) == 3 * 9 + 5 * 3 + 3 * 2 * 3 * 2


def test_a_finished_part_is_not_made_again(runs, tmp_path):
    calls = []

    def make(number):
        calls.append(number)
        return {"number": number}

    for _ in range(2):
        part = runs.run_part(tmp_path, "part", make, (7,))
        assert part["number"] == 7
    assert calls == [7]


def test_a_network_is_made_with_its_origin(script, monkeypatch, tmp_path):
    module = script("data/make/make_graph.py")
    (tmp_path / "data").mkdir()
    for name, value in {
        "ROOT": tmp_path, "STEPS": {"graph_one_head": 2}, "NUM_CROPS": 4,
        "SIDE": 16, "RADIUS": 2,
    }.items():  # fmt: skip
        monkeypatch.setattr(module, name, value)
    module.make("graph_one_head")
    (file,) = (tmp_path / "data").iterdir()  # no checkpoint is left
    net, told = graph_networks.load_net(file)
    assert (net.knows, net.heads, net.radius) == ("both", "one", 2)
    assert told["trained"].startswith("2 steps, batches of 4")
    assert told["made by"] == "data/make/make_graph.py"


def test_objectives_of_the_runs_exist(runs):
    for knows, heads, _, _, objective in runs.NETS.values():
        assert knows in graph_networks.KNOWS
        assert heads in graph_networks.HEADS
        assert objective in graph_training.OBJECTIVES
