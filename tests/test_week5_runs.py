"""The script of week 5's longer runs, with tiny steps."""

import importlib.util
import re
import sys

import numpy as np
import pytest
import torch
from random_faces import random_faces

from course_utils import face_networks, multilabel
from course_utils.attribute_training import answers, attribute_training
from course_utils.cross_attention import KINDS, AttributeNetwork
from course_utils.remedies import Remedy, remedies
from course_utils.training import make_accelerator

STEPS, LOOKS = 3, 3  # it looks before, after step 2, and at the end
DEFAULTS = attribute_training.__kwdefaults__
SPLITS = {
    name: random_faces(12, seed=seed)
    for seed, name in enumerate(("train", "validation", "test"))
}
REPORT = [
    "average_precision", "F1", "balanced_accuracy", "accuracy",
    "positive_rate", "true_rate", "calibration_error", "Brier",
]  # fmt: skip
# What a run answers, and its shape.
KEYS = {
    **{f"{at}_{key}": (40,) for at in ("fixed", "tuned") for key in REPORT},
    **dict.fromkeys(("thresholds", "drawn_ap", "energy", "pointing"), (40,)),
    "losses": (STEPS,),
    "rates": (LOOKS, 40),
    "entropy": (LOOKS, 40),
    "query_gradient": (LOOKS,),
    "minutes": (),
}


@pytest.fixture(scope="module")
def script(root):
    path = root / "benchmarks" / "week5_runs.py"
    spec = importlib.util.spec_from_file_location("week5_runs", path)
    module = importlib.util.module_from_spec(spec)
    before = sys.path.copy()
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


def on_cpu(precision):
    """In float32: bfloat16 is slow where faces are few."""
    return make_accelerator("no", cpu=True)


@pytest.fixture
def tiny(script, monkeypatch):
    """The script with few steps and faces that nobody drew."""
    monkeypatch.setattr(script, "STEPS", STEPS)
    monkeypatch.setattr(script, "WATCH_EVERY", 2)
    monkeypatch.setattr(script, "COUNTS", dict.fromkeys(SPLITS, 12))
    monkeypatch.setattr(script, "split", SPLITS.get)
    monkeypatch.setattr(script, "make_accelerator", on_cpu)
    monkeypatch.setitem(DEFAULTS, "batch", 4)
    return script


@pytest.fixture
def faked(tiny, monkeypatch):
    """A made-up answer for every case; return the list of calls.

    Its numbers say the how-manieth call it was.
    """
    calls = []

    def run(*case):
        calls.append(case)
        number = float(len(calls))
        return {key: np.full(size, number) for key, size in KEYS.items()}

    monkeypatch.setattr(tiny, "run", run)
    return calls


def shapes(answer):
    return {key: np.shape(value) for key, value in answer.items()}


# Single runs


def test_faces_are_those_of_the_split_in_its_number(script, monkeypatch):
    asked = []
    monkeypatch.setattr(
        script, "faces", lambda count, **named: asked.append((count, named))
    )
    for name in script.COUNTS:
        script.split(name)
    assert asked == [
        (script.COUNTS[name], {"split": name, "workers": 1})
        for name in ("train", "validation", "test")
    ]


def test_a_run_answers_with_losses_and_scores(tiny):
    found = tiny.run("mean", "plain", 1)
    assert shapes(found) == KEYS
    assert np.allclose(found["entropy"], 1, atol=1e-3)
    often = SPLITS["train"].labels.mean(axis=0) > 0.51
    assert np.array_equal(found["rates"][0], often)
    again = tiny.run("mean", "plain", 1)
    assert again["losses"] == found["losses"]
    for changed in (("mean", "plain", 2), ("attention", "plain", 1),
                    ("mean", "focal", 1)):  # fmt: skip
        assert tiny.run(*changed)["losses"] != found["losses"], changed


@pytest.mark.parametrize("name", ["logit adjustment", "oversampling"])
def test_a_run_does_as_its_remedy_says(tiny, monkeypatch, name):
    labels, given = SPLITS["train"].labels, {}

    def training(net, faces, **named):
        given.update(named, faces=faces, kind=net.settings["kind"])
        return attribute_training(net, faces, **named)

    monkeypatch.setattr(tiny.training, "attribute_training", training)
    remedy = remedies(labels)[name]
    tiny.trained("summed", 2, remedy)
    assert given["faces"] is SPLITS["train"] and given["kind"] == "summed"
    assert (given["steps"], given["seed"]) == (STEPS, 2)
    assert given["loss"] is remedy.loss
    assert given["probabilities"] is remedy.probabilities


def knowing(split):
    """A remedy whose answers are the labels of a split, told by number."""
    labels = torch.from_numpy(SPLITS[split].labels).float()
    return Remedy(logits_of=lambda _: 8 * labels - 4)


def test_scores_are_those_of_the_test_faces(tiny):
    net = AttributeNetwork(num_attributes=40).requires_grad_(False)
    found = tiny.judged(net, knowing("test"))
    for key in ("average_precision", "F1", "balanced_accuracy"):
        assert (found[f"fixed_{key}"] == 1).all()
    assert (found["drawn_ap"] == 1).all()
    # What is wrong on the validation faces is tuned there, and only there.
    assert not (found["tuned_F1"] == 1).all()
    scores = 1 / (1 + np.exp(4 - 8 * SPLITS["test"].labels))
    tuned = multilabel.best_thresholds(SPLITS["validation"].labels, scores)
    np.testing.assert_allclose(found["thresholds"], tuned, rtol=1e-4)


def test_what_was_drawn_is_scored_apart_from_labels(tiny, monkeypatch):
    test = SPLITS["test"]
    flipped = type(test)(test.images, ~test.labels, test.drawn, test.regions)
    splits = {**SPLITS, "test": flipped}
    monkeypatch.setattr(tiny, "split", splits.get)
    net = AttributeNetwork(num_attributes=40).requires_grad_(False)
    found = tiny.judged(net, knowing("test"))
    assert (found["drawn_ap"] == 1).all()
    assert (found["fixed_accuracy"] == 0).all()


def test_answers_start_at_the_frequencies_and_a_remedy_has_its_threshold(
    tiny,
):
    """Untrained, everything is a tie: yes to all at one's own threshold."""
    frequencies = SPLITS["train"].labels.mean(axis=0)
    net = AttributeNetwork(frequencies).requires_grad_(False)
    scores, _ = answers(net, SPLITS["test"].images)
    np.testing.assert_allclose(scores, np.tile(frequencies, (12, 1)), 1e-5)
    for threshold, yes in ((frequencies - 0.01, 1), (frequencies + 0.01, 0)):
        found = tiny.judged(net, Remedy(threshold=threshold))
        assert (found["fixed_positive_rate"] == yes).all()


# All together


def test_remedies_are_those_of_the_course_and_each_case_comes_once(script):
    assert list(script.REMEDIES) == list(remedies(SPLITS["train"].labels))
    count = {group: len(cases) for group, cases in script.CASES.items()}
    assert count == {"kind": 9, "remedy": 36}
    for cases in script.CASES.values():
        assert len(set(cases)) == len(cases)


def test_plain_attention_is_one_run_for_both(tiny, faked, tmp_path):
    tiny.collect(tmp_path)
    both = set(tiny.CASES["kind"]) & set(tiny.CASES["remedy"])
    assert both == {("attention", "plain", seed) for seed in tiny.SEEDS}
    assert len(faked) == len(set(faked)) == 9 + 36 - 3
    assert len(list(tmp_path.iterdir())) == len(faked)


def test_runs_go_on_from_their_parts(tiny, faked, tmp_path):
    case = tiny.CASES["remedy"][-1]
    first = tiny.run_case(case, tmp_path)
    second = tiny.run_case(case, tmp_path)
    assert faked == [case]
    assert first.keys() == second.keys() == KEYS.keys()
    assert all((second[key] == 1).all() for key in KEYS)
    (part,) = tmp_path.iterdir()
    part.unlink()
    assert (tiny.run_case(case, tmp_path)["losses"] == 2).all()


def test_a_run_that_fails_leaves_no_part(tiny, tmp_path, monkeypatch):
    def run(*case):
        raise KeyboardInterrupt

    monkeypatch.setattr(tiny, "run", run)
    with pytest.raises(KeyboardInterrupt):
        tiny.run_case(tiny.CASES["kind"][0], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_part_is_whole_or_not_there(tiny, faked, tmp_path, monkeypatch):
    def half(file, **arrays):
        file.write(b"PK half a file")
        raise OSError("disk full")

    monkeypatch.setattr(tiny.np, "savez", half)
    with pytest.raises(OSError, match="disk full"):
        tiny.run_case(tiny.CASES["kind"][0], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_arrays_have_the_axes_and_names_that_runs_documents(
    tiny, faked, tmp_path
):
    found = tiny.collect(tmp_path)
    assert found.pop("kinds") == list(KINDS)
    assert found.pop("remedies") == list(tiny.REMEDIES)
    frequencies = found.pop("frequencies")
    assert np.array_equal(frequencies, SPLITS["train"].labels.mean(axis=0))
    expected = {
        f"{group}_{key}": (compared, 3, *size)
        for group, compared in (("kind", 3), ("remedy", 12))
        for key, size in KEYS.items()
    }
    assert shapes(found) == expected
    documented = set(re.findall(r"\w+", face_networks.runs.__doc__))
    names = {k for k in KEYS if not k.startswith(("fixed_", "tuned_"))}
    assert documented >= {*names, "fixed_", "tuned_", "kinds", "remedies",
                          "kind_", "remedy_", "frequencies"}  # fmt: skip


def test_each_row_is_the_run_that_its_axes_name(tiny, faked, tmp_path):
    found = tiny.collect(tmp_path)
    for i, kind in enumerate(KINDS):
        for seed in tiny.SEEDS:
            number = faked.index((kind, "plain", seed)) + 1
            assert (found["kind_energy"][i, seed] == number).all()
    for i, name in enumerate(tiny.REMEDIES):
        for seed in tiny.SEEDS:
            number = faked.index(("attention", name, seed)) + 1
            assert (found["remedy_losses"][i, seed] == number).all()


# The command


@pytest.fixture
def command(tiny, faked, tmp_path, monkeypatch):
    """Return a function that calls the script in a folder of its own."""

    def call(*arguments):
        parts = tmp_path / "new" / "parts"
        monkeypatch.setattr(
            sys, "argv", ["week5_runs.py", "--parts", str(parts), *arguments]
        )
        tiny.main()
        return len(list(parts.iterdir()))

    (tmp_path / "data").mkdir()
    monkeypatch.setattr(tiny, "ROOT", tmp_path)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    return call


def test_the_command_writes_what_the_lesson_reads(
    command, tmp_path, monkeypatch
):
    assert command() == 42
    path = tmp_path / "data" / "week5_runs.npz"
    monkeypatch.setattr(face_networks, "bundled", {"week5_runs.npz": path}.get)
    found = face_networks.runs()
    assert found["kinds"].tolist() == list(KINDS)
    assert found["remedy_tuned_F1"].shape == (12, 3, 40)
    assert found["kind_rates"].dtype == np.float32


def test_one_seed_alone_writes_no_file(command, faked, tmp_path):
    assert command("--seed", "1") == 14
    assert {seed for _, _, seed in faked} == {1}
    assert list((tmp_path / "data").iterdir()) == []


def test_an_unknown_seed_is_named(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        command("--seed", "3")
    assert stopped.value.code == 2
    assert "invalid choice: 3" in capsys.readouterr().err
