"""The script of week 4's longer runs, with tiny steps."""

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils import reference, sr_networks, sr_weights
from course_utils.crops import crops
from course_utils.sr_weights import make_net, standard_diffusion
from course_utils.super_resolution import enlarge, reduce
from course_utils.training import make_accelerator
from course_utils.unet import multiplications

PICTURES, STEPS = 4, 2


@pytest.fixture(scope="module")
def script(root):
    path = root / "benchmarks" / "week4_runs.py"
    spec = importlib.util.spec_from_file_location("week4_runs", path)
    module = importlib.util.module_from_spec(spec)
    before = sys.path.copy()
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


def on_cpu(precision):
    """In float32: bfloat16 is slow where pictures are few."""
    return make_accelerator("no", cpu=True)


@pytest.fixture
def tiny(script, monkeypatch):
    """The script with few steps and pictures, and narrow networks."""
    images = crops(8, split="train", seed=0).images
    images = torch.from_numpy(images).permute(0, 3, 1, 2)
    pictures = script.test_pictures(PICTURES)
    monkeypatch.setattr(script, "STEPS", STEPS)
    monkeypatch.setattr(script, "DIFFUSION_STEPS", STEPS)
    monkeypatch.setattr(script, "UNET_STEPS", STEPS)
    monkeypatch.setattr(script, "REFERENCE_STEPS", STEPS)
    monkeypatch.setattr(script, "train_images", lambda: images)
    monkeypatch.setattr(script, "test_pictures", lambda count: pictures)
    monkeypatch.setattr(sr_weights, "WIDTHS", (8, 16))
    monkeypatch.setattr(script, "make_accelerator", on_cpu)
    monkeypatch.setattr(
        sr_weights, "load_net",
        lambda kind: (make_net(kind).requires_grad_(False), {}),
    )  # fmt: skip
    return script


@pytest.fixture
def faked(script, monkeypatch):
    """A made-up answer for every case; return the list of calls.

    Its numbers say the how-manieth call it was.
    """
    calls = []

    def answering(group, keys):
        def answer(name, run):
            calls.append((group, name, run))
            number = float(len(calls))
            found = {key: np.full(size, number) for key, size in keys.items()}
            if (group, name) == ("reference", "attention"):
                found["hits"] = np.full((PICTURES, 16), run % 2 == 0)
            return found

        return answer

    groups = {
        group: (answering(group, KEYS[group]), cases)
        for group, (_, cases) in script.GROUPS.items()
    }
    monkeypatch.setattr(script, "GROUPS", groups)
    return calls


# What a case of each group answers, and its shape.
KEYS = {
    "regression": {
        "losses": (STEPS,), "psnr": (PICTURES,), "ssim": (PICTURES,),
        "size": (2,), "gamma": (),
    },
    "diffusion": {
        "losses": (STEPS,), "one": (PICTURES,), "mean": (PICTURES,),
        "sharpness": (PICTURES,),
    },
    "reference": {"psnr": (PICTURES,)},
    "sampler": {"psnr": (PICTURES,), "sharpness": (PICTURES,)},
}  # fmt: skip
# The axes that `sr_networks.runs` documents: compared, then runs, then each.
SHAPES = {
    "regression_losses": (7, 3, STEPS),
    "regression_psnr": (7, 3, PICTURES),
    "regression_ssim": (7, 3, PICTURES),
    "regression_size": (7, 2),
    "regression_gamma": (7, 3),
    "diffusion_losses": (2, 3, STEPS),
    "diffusion_one": (2, 3, PICTURES),
    "diffusion_mean": (2, 3, PICTURES),
    "diffusion_sharpness": (2, 3, PICTURES),
    "reference_psnr": (5, 3, PICTURES),
    "reference_hits": (3, PICTURES, 16),
    "sampler_psnr": (2, 9, PICTURES),
    "sampler_sharpness": (2, 9, PICTURES),
}


def shapes(answer):
    return {key: np.shape(value) for key, value in answer.items()}


# What is trained


def test_slots_are_what_they_are_called(script):
    for name, (options, gamma) in script.SLOTS.items():
        net = script.make_slot(name, 3, seed=0)
        assert net.mix2.gamma.item() == gamma, name
        assert net.settings.items() >= options.items(), name
        assert net.settings["in_channels"] == 3
        assert net.settings["widths"] == list(sr_weights.WIDTHS)
    assert set(script.DIFFUSED) <= set(script.SLOTS)


def test_attention_and_its_control_are_equal_in_size_and_work(script):
    inputs = torch.zeros(1, 3, 32, 32), torch.zeros(1, dtype=torch.long)
    sizes = []
    for name in ("perceptron (control)", "attention, 4 heads"):
        net = script.make_slot(name, 3, seed=0)
        work = multiplications(net, *inputs)
        sizes.append((sum(p.numel() for p in net.parameters()), work))
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)


def test_the_seed_settles_the_weights(script):
    nets = [
        script.make_slot("attention, 4 heads", 6, seed).state_dict()
        for seed in (0, 0, 1)
    ]
    assert all(torch.equal(nets[0][key], nets[1][key]) for key in nets[0])
    assert not torch.equal(nets[0]["stem.weight"], nets[2]["stem.weight"])


def test_pictures_are_those_of_the_test_split(script):
    found = script.test_pictures(2)
    assert found.shape == (2, 3, 32, 32) and found.dtype == torch.float32
    right = crops(2, split="test", seed=1).images.transpose(0, 3, 1, 2)
    assert np.allclose(found, right / 255)


def test_the_unet_that_sees_both_starts_at_bicubic_and_learns(script):
    torch.manual_seed(0)
    net, high = script.SeesBoth(), torch.rand(2, 3, 32, 32)
    start = net(reduce(high), high) - enlarge(reduce(high))
    assert start.abs().max() < 0.01
    reference.reference_loss(net, high).backward()
    assert net.net.out.weight.grad.abs().max() > 0
    torch.nn.init.normal_(net.net.out.weight)
    with torch.no_grad():
        answers = [net(reduce(high), x) for x in (high, high.flip(3))]
    assert not torch.allclose(*answers)  # it does look at the reference


def test_the_unet_is_about_ten_times_as_large_as_a_reader(script):
    both = (script.SeesBoth(), reference.Reader("attention"))
    large, small = (sum(p.numel() for p in net.parameters()) for net in both)
    assert 6 < large / small < 15


# Single runs


def test_a_regression_run_answers_with_losses_and_scores(tiny):
    found = tiny.regression_run("attention, 4 heads", 1)
    assert shapes(found) == KEYS["regression"]
    assert 0.9 < found["gamma"] < 1.1
    net = tiny.make_slot("attention, 4 heads", 3, 0)
    assert found["size"][0] == sum(p.numel() for p in net.parameters())
    again = tiny.regression_run("attention, 4 heads", 1)
    assert again["losses"] == found["losses"]
    other = tiny.regression_run("attention, 4 heads", 2)
    assert other["losses"] != found["losses"]


def test_a_diffusion_run_answers_with_losses_and_scores(tiny):
    found = tiny.diffusion_run("attention, 4 heads", 0)
    assert shapes(found) == KEYS["diffusion"]
    assert (found["mean"] > found["one"]).all()  # the mean of four


@pytest.mark.parametrize("kind", ["attention", "mean", "U-Net"])
def test_a_reference_run_answers_with_scores(tiny, kind):
    found = tiny.reference_run(kind, 0)
    hits = found.pop("hits", None)
    assert shapes(found) == KEYS["reference"]
    if kind == "attention":
        assert hits.shape == (PICTURES, 16) and hits.dtype == bool
    else:
        assert hits is None


def test_hits_are_counted_where_the_largest_weight_is(tiny, monkeypatch):
    """Weights that were told the answer hit always, the opposite never."""
    truth = tiny.test_pictures(PICTURES)
    generator = torch.Generator().manual_seed(0)
    _, places = reference.shuffled(truth, generator)
    right = torch.nn.functional.one_hot(places, 16)[:, None].float()
    for weights, share in ((right, 1), (1 - right, 0)):
        monkeypatch.setattr(
            reference.Reader, "weights", lambda *a, w=weights: w
        )
        monkeypatch.setattr(reference, "train_reader", lambda *a: None)
        assert tiny.reference_run("attention", 0)["hits"].mean() == share


def test_a_sampler_run_answers_with_scores(tiny, monkeypatch):
    asked, resolve = [], tiny.sr.super_resolve

    def watched(*arguments, **named):
        asked.append((named["method"], named["steps"], named["seed"]))
        return resolve(*arguments, **named)

    monkeypatch.setattr(tiny.sr, "super_resolve", watched)
    found = tiny.sampler_run("ddpm", 2)
    assert shapes(found) == KEYS["sampler"]
    assert asked == [("ddpm", 2, 0)]
    assert max(tiny.COUNTS) == len(standard_diffusion())


# All together


def test_every_group_has_each_case_once(script):
    count = {group: len(cases) for group, (_, cases) in script.GROUPS.items()}
    assert count == {
        "regression": 21, "diffusion": 6, "reference": 15, "sampler": 18,
    }  # fmt: skip
    for _, cases in script.GROUPS.values():
        assert len(set(cases)) == len(cases)


def test_a_group_goes_on_from_its_parts(script, faked, tmp_path):
    first = script.run_group("diffusion", tmp_path)
    assert len(faked) == len(first) == 6
    (tmp_path / "diffusion_4.npz").unlink()
    second = script.run_group("diffusion", tmp_path)
    assert faked[6:] == [("diffusion", *script.GROUPS["diffusion"][1][4])]
    for i, (one, other) in enumerate(zip(first, second, strict=True)):
        assert set(one) == set(KEYS["diffusion"])
        assert (other["one"] == (7 if i == 4 else i + 1)).all()


def test_a_run_that_fails_leaves_no_part(script, tmp_path, monkeypatch):
    def answer(name, seed):
        if seed == 1:
            raise KeyboardInterrupt
        return {"psnr": np.ones(2)}

    cases = [("a", 0), ("a", 1)]
    monkeypatch.setitem(script.GROUPS, "reference", (answer, cases))
    with pytest.raises(KeyboardInterrupt):
        script.run_group("reference", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["reference_0.npz"]


def test_a_part_is_whole_or_not_there(script, tmp_path, monkeypatch):
    def half(file, **arrays):
        if isinstance(file, Path):
            file.write_bytes(b"PK half a file")
        raise OSError("disk full")

    cases = [("a", 0)]
    answer = lambda name, seed: {"psnr": np.ones(2)}  # noqa: E731
    monkeypatch.setitem(script.GROUPS, "reference", (answer, cases))
    monkeypatch.setattr(script.np, "savez", half)
    with pytest.raises(OSError, match="disk full"):
        script.run_group("reference", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_arrays_have_the_axes_that_runs_documents(script, faked, tmp_path):
    found = script.arranged(script.collect(script.GROUPS, tmp_path))
    named = {
        "slots": list(script.SLOTS), "diffused": list(script.DIFFUSED),
        "readers": list(script.READERS), "counts": list(script.COUNTS),
    }  # fmt: skip
    for name, values in named.items():
        assert list(found.pop(name)) == values
    assert {name: array.shape for name, array in found.items()} == SHAPES
    documented = set(re.findall(r"\w+", sr_networks.runs.__doc__))
    assert documented >= {*SHAPES, *named}


def test_each_row_is_the_run_that_its_axes_name(script, faked, tmp_path):
    found = script.arranged(script.collect(script.GROUPS, tmp_path))
    axes = {
        "regression_psnr": (script.SLOTS, script.SEEDS),
        "diffusion_mean": (script.DIFFUSED, script.SEEDS),
        "reference_psnr": (script.READERS, script.SEEDS),
        "sampler_psnr": (("ddim", "ddpm"), script.COUNTS),
    }
    for name, (compared, runs) in axes.items():
        group = name.split("_")[0]
        for i, one in enumerate(compared):
            for j, run in enumerate(runs):
                number = faked.index((group, one, run)) + 1
                assert (found[name][i, j] == number).all(), (name, one, run)
    assert found["reference_hits"].mean(axis=(1, 2)).tolist() == [1, 0, 1]


# The command


@pytest.fixture
def command(script, faked, tmp_path, monkeypatch):
    """Return a function that calls the script in a folder of its own."""

    def call(*arguments):
        parts = tmp_path / "new" / "parts"
        monkeypatch.setattr(
            sys, "argv", ["week4_runs.py", "--parts", str(parts), *arguments]
        )
        script.main()
        return sorted({p.name.split("_")[0] for p in parts.iterdir()})

    (tmp_path / "data").mkdir()
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    return call


def test_the_command_writes_what_the_lesson_reads(
    command, tmp_path, monkeypatch
):
    assert command() == ["diffusion", "reference", "regression", "sampler"]
    path = tmp_path / "data" / "week4_runs.npz"
    monkeypatch.setattr(sr_networks, "bundled", {"week4_runs.npz": path}.get)
    found = sr_networks.runs()
    assert {name: found[name].shape for name in SHAPES} == SHAPES
    assert list(found["readers"][:2]) == ["attention", "mixer"]
    assert list(found["counts"]).index(25) == 4
    assert path.stat().st_size < 50_000


def test_one_group_alone_writes_no_file(command, tmp_path):
    assert command("--only", "sampler") == ["sampler"]
    assert list((tmp_path / "data").iterdir()) == []


def test_an_unknown_group_is_named(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        command("--only", "gan")
    assert stopped.value.code == 2
    assert "invalid choice: 'gan'" in capsys.readouterr().err
