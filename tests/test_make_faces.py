"""The script that trains week 5's network: what it tells, what it refuses."""

import importlib.util
import sys

import pytest
import torch
from random_faces import random_faces

from course_utils import faces, training
from course_utils.attribute_training import attribute_training
from course_utils.cross_attention import AttributeNetwork
from course_utils.face_networks import load_net
from course_utils.training import Training, make_accelerator

DEFAULTS = attribute_training.__kwdefaults__


@pytest.fixture
def script(root, monkeypatch):
    monkeypatch.setattr(sys, "path", sys.path.copy())
    path = root / "data" / "make" / "make_faces.py"
    spec = importlib.util.spec_from_file_location("make_faces", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def command(script, monkeypatch):
    """Return a function that calls the script: two steps, eight faces.

    It returns what was asked of `faces`.
    """
    cpu = make_accelerator("no", cpu=True)
    monkeypatch.setattr(script, "NUM_FACES", 8)
    monkeypatch.setattr(script, "STEPS", 2)
    monkeypatch.setattr(training, "make_accelerator", lambda precision: cpu)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    monkeypatch.setitem(DEFAULTS, "batch", 4)

    def call(*arguments):
        asked = []

        def faces_of(count, **named):
            asked.append((count, named))
            return random_faces(count)

        monkeypatch.setattr(faces, "faces", faces_of)
        argv = ["make_faces.py", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", argv)
        script.main()
        return asked

    return call


class OfNothing:
    """As much of a training as is told of it."""

    def __init__(self, accelerator):
        self.accelerator = accelerator


def test_a_file_says_where_it_comes_from(script):
    done = OfNothing(make_accelerator("bf16", cpu=True))
    told = script.metadata("8,000 of 8,000 steps", done)
    assert all(isinstance(text, str) for text in told.values())
    assert "40 attributes, cross-attention" in told["origin"]
    assert told["trained"] == "8,000 of 8,000 steps"
    assert told["data"].startswith(f"{script.NUM_FACES:,} procedural faces")
    assert told["seed"] == "0" and told["precision"] == "bf16"
    threads = torch.get_num_threads()
    assert told["hardware"] == f"CPU, {threads} thread(s)"
    assert torch.__version__ in told["software"]
    assert told["made by"] == "data/make/make_faces.py"
    assert told["licence"] == "MIT"


def test_a_training_ends_in_a_file_and_no_checkpoint(
    command, tmp_path, capsys
):
    out = tmp_path / "new" / "net.safetensors"
    assert command(out) == [(8, {"split": "train", "seed": 0})]
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    net, told = load_net(out)
    assert net.settings == AttributeNetwork(num_attributes=40).settings
    assert told["trained"] == "2 of 2 steps, batches of 64, 0 minutes"
    assert told["data"].startswith("8 procedural faces")
    assert "2 of 2 steps" in capsys.readouterr().out


def test_the_file_holds_the_average_of_the_training(
    command, tmp_path, monkeypatch
):
    averages, save = [], Training.save

    def kept(self, path):
        averages.append(self.modules["average"])
        save(self, path)

    monkeypatch.setattr(Training, "save", kept)
    out = tmp_path / "net.safetensors"
    command(out)
    net, _ = load_net(out)
    for name, tensor in averages[-1].state_dict().items():
        assert torch.equal(net.state_dict()[name], tensor.half().float()), name
    frequencies = torch.from_numpy(random_faces(8).labels.mean(axis=0))
    far = net.bias.sigmoid() - frequencies
    assert far.abs().max() < 0.01  # where it started, two steps ago


def test_an_interrupted_training_goes_on(command, tmp_path, monkeypatch):
    out, step, done = tmp_path / "net.safetensors", Training._step, []

    def stopping_once(self):
        if self.done == 1 and "stopped" not in done:
            done.append("stopped")
            self.save(out.with_suffix(".checkpoint"))
            raise KeyboardInterrupt
        done.append(self.done)
        return step(self)

    monkeypatch.setattr(Training, "_step", stopping_once)
    with pytest.raises(KeyboardInterrupt):
        command(out)
    assert load_net(out)[1]["trained"].startswith("0 of 2 steps")
    command(out)
    assert done == [0, "stopped", 1]
    assert load_net(out)[1]["trained"].startswith("2 of 2 steps")
    assert not out.with_suffix(".checkpoint").exists()


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "required: out"),
        (["x.pt"], "must end in .safetensors, got x.pt"),
        (["x"], "must end in .safetensors, got x"),
        (["x.safetensors", "y"], "unrecognized arguments: y"),
    ],
)
def test_wrong_arguments_are_named_before_any_work(
    command, capsys, monkeypatch, tmp_path, arguments, words
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        command(*arguments)
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
