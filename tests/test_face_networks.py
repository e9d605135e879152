"""Week 5's network: shipped at preset quick, trained at preset full."""

import math

import numpy as np
import pytest
import torch
from random_faces import random_faces

from course_utils import bundled, face_networks, runtime
from course_utils.attribute_training import answers, attribute_training
from course_utils.cross_attention import KINDS, AttributeNetwork
from course_utils.face_networks import load_net, save_net
from course_utils.runtime import Session
from course_utils.training import CheckpointError, Training

TOLD = {"origin": "made by a test", "trained": "never"}
DEFAULTS = attribute_training.__kwdefaults__


@pytest.fixture(autouse=True)
def session(monkeypatch):
    """Return a function that sets the session; there is none before."""

    def choose(preset="quick", data="bundled", seed=0):
        made = Session(5, preset, str(data), "CPU", seed)
        monkeypatch.setattr(runtime, "_session", made)

    monkeypatch.setattr(runtime, "_session", None)
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: None)
    monkeypatch.setitem(DEFAULTS, "batch", 4)
    return choose


@pytest.fixture
def full(session, cache, monkeypatch):
    """Preset full, made small; return the folder of checkpoints."""
    monkeypatch.setattr(face_networks, "LONG", 2)
    monkeypatch.setattr(face_networks, "NUM_TRAIN", 8)
    answer(monkeypatch, random_faces(8))
    session("full")
    return cache


def answer(monkeypatch, faces):
    """Let drawing and loading return these; return a list of calls."""
    asked = []

    def found(count, split):
        asked.append((count, split))
        return faces

    monkeypatch.setattr(face_networks, "faces", found)
    monkeypatch.setattr(face_networks, "face_data", found)
    return asked


def steps_done(monkeypatch):
    """Return a list that grows with every step of a training."""
    done, step = [], Training._step

    def counted(self):
        done.append(self.done)
        return step(self)

    monkeypatch.setattr(Training, "_step", counted)
    return done


def net(kind="attention", attributes=5):
    torch.manual_seed(0)
    made = AttributeNetwork(
        np.linspace(0.1, 0.9, attributes), width=16, num_heads=2, kind=kind
    )
    torch.nn.init.normal_(made.answer)
    return made


# Files


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_comes_back_from_its_file(kind, tmp_path):
    path, made = tmp_path / "net.safetensors", net(kind)
    save_net(path, made, TOLD)
    found, told = load_net(str(path))
    assert found.settings == made.settings
    assert told.items() >= TOLD.items()
    assert not found.training
    assert not any(p.requires_grad for p in found.parameters())
    images = random_faces(3).images
    for one, other in zip(
        answers(made, images), answers(found, images), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=5e-3)  # float16


def test_a_file_of_another_network_is_named(tmp_path):
    path, linear = tmp_path / "net.safetensors", torch.nn.Linear(2, 2)
    linear.settings = {"in_features": 2}
    save_net(path, linear, TOLD)
    with pytest.raises(ValueError, match="not of an AttributeNetwork of week"):
        load_net(path)
    linear.settings = net().settings
    save_net(path, linear, TOLD)
    with pytest.raises(ValueError, match="weights of another architecture"):
        load_net(path)
    with pytest.raises(FileNotFoundError, match="no file of weights at"):
        load_net(tmp_path / "none.safetensors")


# Before setup


@pytest.mark.parametrize(
    "call",
    [
        face_networks.accelerator,
        face_networks.network,
        lambda: face_networks.short_run(random_faces(), random_faces(), 1),
    ],
)
def test_without_a_session_the_setup_cell_is_named(call):
    with pytest.raises(RuntimeError, match=r"setup cell first: setup\(week=5"):
        call()


# Preset quick


def test_quick_gives_what_the_file_holds(session, tmp_path, monkeypatch):
    monkeypatch.setattr(bundled, "data_folder", lambda: tmp_path)
    session()
    with pytest.raises(FileNotFoundError, match="face_attributes.safetensors"):
        face_networks.network()
    path = tmp_path / "face_attributes.safetensors"
    path.write_bytes(b"half a file")
    with pytest.raises(ValueError, match="damaged.*; reinstall the course"):
        face_networks.network()
    save_net(path, net(), TOLD)
    found, told = face_networks.network()
    assert found.settings == net().settings
    assert told.items() >= TOLD.items()


def test_the_preset_chooses_the_precision(session, monkeypatch):
    asked = []
    monkeypatch.setattr(face_networks, "make_accelerator", asked.append)
    for preset in ("quick", "full"):
        session(preset)
        face_networks.accelerator()
    assert asked == ["no", "fast"]


# A short run


@pytest.mark.parametrize("kind", KINDS)
def test_a_short_run_is_trained_watched_and_at_rest(session, kind):
    session()
    looks = []
    doing, average = face_networks.short_run(
        random_faces(8), random_faces(4, seed=1), 3, kind=kind,
        watch=looks.append,
    )  # fmt: skip
    assert doing.done == 3 and average.settings["kind"] == kind
    assert looks == 4 * [average] and not average.training
    assert doing.modules["average"] is average
    assert average.bias.device.type == "cpu"
    assert list(doing.notes) == [0, 1, 2, 3]
    for note in doing.notes.values():
        assert len(note["rates"]) == len(note["entropy"]) == 40


def test_a_short_run_starts_at_the_frequencies_and_looks_on_the_others(
    session,
):
    """Ten times on its way, and once before."""
    session()
    train, validation = random_faces(8), random_faces(4, seed=1)
    often = train.labels.mean(axis=0) > 0.51  # it begins with these
    doing, _ = face_networks.short_run(train, validation, 25)
    assert len(doing.notes) == 25 // 2 + 2  # every other step, and the last
    assert np.array_equal(np.array(doing.notes[0]["rates"]) > 0.9, often)


def test_a_short_run_is_settled_by_the_session_s_seed(session):
    losses = []
    for seed in (0, 0, 1):
        session(seed=seed)
        torch.manual_seed(99 + len(losses))
        faces = random_faces(8)
        losses.append(face_networks.short_run(faces, faces, 2)[0].losses)
    assert losses[0] == losses[1] != losses[2] and len(losses[0]) == 2


def test_a_short_run_of_an_attribute_that_never_holds_is_refused(session):
    session()
    faces = random_faces(8)
    faces.labels[:, 3] = False
    with pytest.raises(ValueError, match="never or always holds"):
        face_networks.short_run(faces, faces, 1)


# Preset full


def test_full_trains_and_keeps_the_network(full):
    found, told = face_networks.network()
    assert found.settings == AttributeNetwork(num_attributes=40).settings
    assert not found.training
    for parameter in found.parameters():
        assert parameter.device.type == "cpu"
        assert parameter.dtype == torch.float32
        assert not parameter.requires_grad
    assert (full / "faces_bundled.checkpoint").is_file()
    assert told == {
        "origin": "trained by this notebook on drawn faces",
        "trained": "2 steps, batches of 64",
    }


def test_full_goes_on_where_it_was(full, monkeypatch, capsys):
    done = steps_done(monkeypatch)
    first, told = face_networks.network()
    torch.manual_seed(99)
    second, again = face_networks.network()
    assert done == [0, 1] and told == again
    assert "going on after 2 of 2 steps" in capsys.readouterr().out
    pairs = zip(
        first.state_dict().values(), second.state_dict().values(), strict=True
    )
    assert all(torch.equal(before, after) for before, after in pairs)


def test_an_interrupted_training_loses_no_step(full, monkeypatch):
    step = Training._step

    def interrupted(self):
        if self.done == 1:
            self.save(full / "faces_bundled.checkpoint")
            raise KeyboardInterrupt
        return step(self)

    with monkeypatch.context() as context:
        context.setattr(Training, "_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            face_networks.network()
    done = steps_done(monkeypatch)
    face_networks.network()
    assert done == [1]


@pytest.mark.parametrize("data", ["real", "/a"])
def test_photos_do_not_change_what_is_trained(full, session, data):
    """Nobody knows what photos show, so the network learns drawn faces."""
    session("full", data=data)
    _, origin = face_networks.network()
    assert origin["origin"].endswith("drawn faces")


def test_faces_are_the_train_split_in_the_number_asked_for(full, monkeypatch):
    asked = answer(monkeypatch, random_faces(8))
    face_networks.network()
    assert asked == [(8, "train")]


def test_a_damaged_checkpoint_says_what_to_do(full):
    full.mkdir()
    path = full / "faces_bundled.checkpoint"
    path.write_bytes(b"half a file")
    with pytest.raises(CheckpointError, match="delete .* to start afresh"):
        face_networks.network()
    assert path.read_bytes() == b"half a file"


# The longer runs


def test_runs_are_the_arrays_of_the_file(tmp_path, monkeypatch):
    path = tmp_path / "runs.npz"
    arrays = {
        "kinds": np.array(["attention", "mean"]),
        "kind_energy": np.arange(12.0).reshape(2, 2, 3),
        "remedy_losses": np.full((2, 2, 5), math.pi, np.float32),
    }
    np.savez_compressed(path, **arrays)
    monkeypatch.setattr(face_networks, "bundled", {"week5_runs.npz": path}.get)
    found = face_networks.runs()
    assert type(found) is dict and set(found) == set(arrays)
    for name, array in arrays.items():
        assert np.array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_a_missing_file_of_runs_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(bundled, "data_folder", lambda: tmp_path)
    with pytest.raises(FileNotFoundError, match="week5_runs.npz is missing"):
        face_networks.runs()


# Photos


def test_without_photos_nothing_is_trained(session, monkeypatch, capsys):
    asked = answer(monkeypatch, random_faces(8))
    session("quick")
    face_networks.on_photos()
    assert "drawn faces only" in capsys.readouterr().out and not asked


def test_photos_get_the_short_run_beside_constants(
    session, monkeypatch, capsys
):
    asked = answer(monkeypatch, random_faces(8))
    session("quick", data="real")
    face_networks.on_photos(count=8, steps=2)
    assert asked == [(8, "train"), (2, "validation")]
    printed = capsys.readouterr().out
    assert "the short run" in printed and "all positive" in printed
