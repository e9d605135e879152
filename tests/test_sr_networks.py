"""Week 4's networks: shipped at preset quick, trained at preset full."""

import math

import numpy as np
import pytest
import torch

from course_utils import runtime, sr_networks, sr_weights
from course_utils.crops import crops
from course_utils.pictures import Pictures
from course_utils.runtime import Session
from course_utils.sr_weights import RECIPES, make_net, save_net
from course_utils.training import CheckpointError, Training, make_accelerator
from course_utils.unet import UNet


def images(count=64):
    return crops(count, split="train", seed=0).images


def channels_first(count=8):
    return torch.from_numpy(images(count)).permute(0, 3, 1, 2)


@pytest.fixture(autouse=True)
def session(monkeypatch):
    """Return a function that sets the session; there is none before."""

    def choose(preset="quick", data="bundled", seed=0):
        made = Session(4, preset, str(data), "CPU", seed)
        monkeypatch.setattr(runtime, "_session", made)

    monkeypatch.setattr(runtime, "_session", None)
    return choose


@pytest.fixture
def full(session, cache, monkeypatch):
    """Preset full, made small; return the folder of checkpoints."""
    monkeypatch.setattr(sr_weights, "WIDTHS", (8, 16))
    monkeypatch.setattr(sr_networks, "LONG", 2)
    monkeypatch.setattr(sr_networks, "NUM_TRAIN", 64)
    session("full")
    return cache


@pytest.fixture
def one(full, monkeypatch):
    """Only regression is trained; return the folder of checkpoints."""
    alone = {"regression": RECIPES["regression"]}
    monkeypatch.setattr(sr_networks, "RECIPES", alone)
    return full


def steps_done(monkeypatch):
    """Return a list that grows with every step of a training."""
    done, step = [], Training._step

    def counted(self):
        done.append(self.done)
        return step(self)

    monkeypatch.setattr(Training, "_step", counted)
    return done


# Before setup


@pytest.mark.parametrize(
    "call",
    [
        sr_networks.accelerator,
        sr_networks.networks,
        lambda: sr_networks.training("regression", channels_first(), 1, None),
        lambda: sr_networks.short_run("regression", images(4), 1),
    ],
)
def test_without_a_session_the_setup_cell_is_named(call):
    with pytest.raises(RuntimeError, match=r"setup cell first: setup\(week=4"):
        call()


# Preset quick


def test_quick_loads_each_network_that_ships(session, monkeypatch):
    loaded = {k: (object(), {"origin": k, "trained": "long"}) for k in RECIPES}
    asked = []

    def load(kind):
        asked.append(kind)
        return loaded[kind]

    monkeypatch.setattr(sr_networks, "load_net", load)
    session()
    nets, origins = sr_networks.networks()
    assert asked == ["regression", "diffusion", "attention"]
    assert nets == {kind: net for kind, (net, _) in loaded.items()}
    assert origins == {kind: told for kind, (_, told) in loaded.items()}


def test_quick_gives_what_the_files_hold(session, tmp_path, monkeypatch):
    from course_utils import bundled

    monkeypatch.setattr(bundled, "data_folder", lambda: tmp_path)
    session()
    with pytest.raises(FileNotFoundError, match="sr_regression.safetensors"):
        sr_networks.networks()
    told = {"origin": "made by a test", "trained": "never"}
    for kind in RECIPES:
        path = tmp_path / f"sr_{kind}.safetensors"
        save_net(path, make_net(kind), told)
    nets, origins = sr_networks.networks()
    assert [net.settings["mixer"] for net in nets.values()] == [
        RECIPES[kind]["mixer"] for kind in nets
    ]
    assert all(origin.items() >= told.items() for origin in origins.values())


def test_the_preset_chooses_the_precision(session, monkeypatch):
    asked = []
    monkeypatch.setattr(sr_networks, "make_accelerator", asked.append)
    for preset in ("quick", "full"):
        session(preset)
        sr_networks.accelerator()
    assert asked == ["no", "fast"]


def test_quick_computes_in_full_precision(session):
    session()
    assert sr_networks.accelerator().mixed_precision == "no"


# A training


@pytest.mark.parametrize("kind", RECIPES)
def test_a_training_follows_its_recipe(session, kind):
    session(seed=5)
    training, average = sr_networks.training(
        kind, channels_first(), 400, make_accelerator(cpu=True), batch=2
    )
    recipe = RECIPES[kind]
    assert (training.steps, training.seed, training.batch) == (400, 5, 2)
    rates = [training.schedule(step)["lr"] for step in range(400)]
    assert max(rates) == pytest.approx(recipe["rate"], rel=0.02)
    assert average.settings == make_net(kind).settings
    assert torch.isfinite(training.loss_at(0))


@pytest.mark.parametrize(
    "changed, error, words",
    [
        ({"kind": "gan"}, ValueError, "'gan': choose one of regression, "),
        ({"steps": 0}, ValueError, "steps must be a whole number from 1"),
        ({"batch": 0}, ValueError, "batch must be 1 or more"),
        ({"images": torch.rand(2, 3, 8, 8)}, TypeError, "uint8"),
    ],
)
def test_a_training_that_cannot_be_is_named(session, changed, error, words):
    session()
    good = {
        "kind": "regression", "images": channels_first(2), "steps": 1,
        "accelerator": make_accelerator(cpu=True),
    }  # fmt: skip
    with pytest.raises(error, match=words):
        sr_networks.training(**{**good, **changed})


def test_a_short_run_is_settled_by_the_session_s_seed(session, monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: None)
    found = []
    for seed in (0, 0, 1):
        session(seed=seed)
        torch.manual_seed(99 + len(found))
        found.append(sr_networks.short_run("regression", images(8), 2, 4))
    losses = [training.losses for training, _ in found]
    assert losses[0] == losses[1] != losses[2] and len(losses[0]) == 2
    assert found[0][0].batch == 4
    assert not found[0][1].training and isinstance(found[0][1], UNet)


# Preset full


def test_full_trains_all_three_and_keeps_them(full):
    nets, origins = sr_networks.networks()
    assert list(nets) == list(origins) == list(RECIPES)
    for kind, net in nets.items():
        assert net.settings == make_net(kind).settings
        assert not net.training
        for parameter in net.parameters():
            assert parameter.device.type == "cpu"
            assert parameter.dtype == torch.float32
            assert not parameter.requires_grad
        assert (full / f"sr_{kind}_bundled.checkpoint").is_file()
        assert origins[kind] == {
            "origin": "trained by this notebook on bundled data",
            "trained": "2 steps, batches of 64",
        }


def test_full_goes_on_where_it_was(one, monkeypatch, capsys):
    done = steps_done(monkeypatch)
    first, told = sr_networks.networks()
    assert done == [0, 1]
    torch.manual_seed(99)
    second, again = sr_networks.networks()
    assert done == [0, 1] and told == again
    assert "going on after 2 of 2 steps" in capsys.readouterr().out
    pairs = zip(
        first["regression"].state_dict().values(),
        second["regression"].state_dict().values(),
        strict=True,
    )
    assert all(torch.equal(before, after) for before, after in pairs)


def test_an_interrupted_training_loses_no_step(one, monkeypatch):
    step = Training._step

    def interrupted(self):
        if self.done == 1:
            self.save(one / "sr_regression_bundled.checkpoint")
            raise KeyboardInterrupt
        return step(self)

    with monkeypatch.context() as context:
        context.setattr(Training, "_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sr_networks.networks()
    done = steps_done(monkeypatch)
    sr_networks.networks()
    assert done == [1]


def test_other_data_is_another_training(one, session, monkeypatch):
    """What really was loaded counts: a download may have failed."""
    done, told = steps_done(monkeypatch), []
    sources = ("bundled", "/photos/a", "/photos/b")
    for source in sources:
        data = Pictures(images(), source)
        monkeypatch.setattr(sr_networks, "pictures", lambda *a, d=data, **k: d)
        session("full", data="real")
        _, origins = sr_networks.networks()
        told.append(origins["regression"]["origin"].split(" on ")[1])
    assert done == 3 * [0, 1]
    assert len(list(one.glob("sr_regression_*.checkpoint"))) == 3
    assert told == [f"{source} data" for source in sources]


def test_pictures_are_the_train_split_in_the_number_asked_for(
    one, monkeypatch
):
    asked = []

    def pictures(count, **named):
        asked.append((count, named))
        return Pictures(images(), "bundled")

    monkeypatch.setattr(sr_networks, "pictures", pictures)
    sr_networks.networks()
    assert asked == [(64, {"split": "train", "seed": 0})]


def test_a_damaged_checkpoint_says_what_to_do(one):
    one.mkdir()
    path = one / "sr_regression_bundled.checkpoint"
    path.write_bytes(b"half a file")
    with pytest.raises(CheckpointError, match="delete .* to start afresh"):
        sr_networks.networks()
    assert path.read_bytes() == b"half a file"


# The longer runs


def test_runs_are_the_arrays_of_the_file(tmp_path, monkeypatch):
    path = tmp_path / "runs.npz"
    arrays = {
        "slots": np.array(["control", "attention"]),
        "counts": np.array([1, 25]),
        "regression_psnr": np.arange(12.0).reshape(2, 2, 3),
        "regression_losses": np.full((2, 2, 5), math.pi, np.float32),
    }
    np.savez_compressed(path, **arrays)
    monkeypatch.setattr(sr_networks, "bundled", {"week4_runs.npz": path}.get)
    found = sr_networks.runs()
    assert type(found) is dict and set(found) == set(arrays)
    for name, array in arrays.items():
        assert np.array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_a_missing_file_of_runs_is_named(tmp_path, monkeypatch):
    from course_utils import bundled

    monkeypatch.setattr(bundled, "data_folder", lambda: tmp_path)
    with pytest.raises(FileNotFoundError, match="week4_runs.npz is missing"):
        sr_networks.runs()
