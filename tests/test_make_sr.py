"""The script that trains week 4's networks: what it tells, what it refuses."""

import importlib.util
import sys

import pytest
import torch

from course_utils import sr_weights, training
from course_utils.sr_weights import RECIPES, load_net, make_net
from course_utils.training import Training, make_accelerator


@pytest.fixture
def script(root, monkeypatch):
    monkeypatch.setattr(sys, "path", sys.path.copy())
    path = root / "data" / "make" / "make_sr.py"
    spec = importlib.util.spec_from_file_location("make_sr", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def command(script, monkeypatch):
    """Return a function that calls the script: two steps, a narrow net."""
    cpu = make_accelerator("no", cpu=True)
    recipe = {**RECIPES["regression"], "steps": 2}
    monkeypatch.setitem(RECIPES, "regression", recipe)
    monkeypatch.setattr(script, "NUM_CROPS", 8)
    monkeypatch.setattr(sr_weights, "WIDTHS", (8, 16))
    monkeypatch.setattr(training, "make_accelerator", lambda precision: cpu)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["make_sr.py", *map(str, arguments)])
        script.main()

    return call


class OfNothing:
    """As much of a training as is told of it."""

    def __init__(self, accelerator):
        self.accelerator = accelerator


@pytest.mark.parametrize("kind", RECIPES)
def test_a_file_says_where_it_comes_from(script, kind):
    done = OfNothing(make_accelerator("bf16", cpu=True))
    told = script.metadata(RECIPES[kind], "8,000 of 8,000 steps", done)
    assert all(isinstance(text, str) for text in told.values())
    assert RECIPES[kind]["is"] in told["origin"]
    assert told["trained"] == "8,000 of 8,000 steps"
    assert told["data"].startswith("20,000 crops of 10 photos")
    assert told["seed"] == "0" and told["precision"] == "bf16"
    threads = torch.get_num_threads()
    assert told["hardware"] == f"CPU, {threads} thread(s)"
    assert torch.__version__ in told["software"]
    assert told["made by"] == "data/make/make_sr.py"
    assert told["licence"] == "MIT"


def test_on_a_gpu_its_name_is_told(script, monkeypatch):
    class Accelerator:
        device, mixed_precision = torch.device("cuda"), "fp16"

    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA T4")
    told = script.metadata(RECIPES["attention"], "", OfNothing(Accelerator))
    assert (told["hardware"], told["precision"]) == ("NVIDIA T4", "fp16")


def test_a_training_ends_in_a_file_and_no_checkpoint(
    command, tmp_path, capsys
):
    out = tmp_path / "new" / "net.safetensors"
    command("regression", out)
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    net, told = load_net(out)
    assert net.settings == make_net("regression").settings
    assert told["trained"] == "2 of 2 steps, batches of 64, 0 minutes"
    assert told["data"].startswith("8 crops")
    assert "2 of 2 steps" in capsys.readouterr().out


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
        command("regression", out)
    command("regression", out)
    assert done == [0, "stopped", 1]
    assert load_net(out)[1]["trained"].startswith("2 of 2 steps")
    assert not out.with_suffix(".checkpoint").exists()


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "required: kind, out"),
        (["regression"], "required: out"),
        (["gan", "x.safetensors"], "invalid choice: 'gan'"),
        (["regression", "x.pt"], "must end in .safetensors, got x.pt"),
        (["regression", "x"], "must end in .safetensors, got x"),
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
