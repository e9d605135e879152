"""Week 5's own definitions, and the network and runs that it ships."""

import numpy as np
import pytest
import torch
from authoring import lesson

import course_utils as cu
from course_utils import (
    attribute_training,
    face_maps,
    face_networks,
    multilabel,
    remedies,
    week5_tutorial,
)
from course_utils.bundled import bundled
from course_utils.cross_attention import KINDS
from course_utils.face_labels import ATTRIBUTES, FREQUENCIES
from course_utils.faces import faces

PATH = lesson.LESSONS / "week5_cross_attention.py"


@pytest.fixture(scope="module")
def week():
    return lesson.definitions(PATH, {"__name__": "lesson", "cu": cu})


@pytest.fixture(scope="module")
def test_faces():
    return faces(400, split="test", seed=7, workers=1)


@pytest.fixture(scope="module")
def answered(test_faces):
    net, _ = face_networks.load_net()
    return attribute_training.answers(net, test_faces.images)


def test_entropy_is_highest_for_half(week):
    assert week["entropy"](0.5) == pytest.approx(np.log(2))
    low = week["entropy"](np.array([0.01, 0.99]))
    assert low == pytest.approx(0.056, rel=0.01)


def test_probe_tells_the_fault_from_the_mended_layer(week):
    torch.manual_seed(0)
    for repaired in (False, True):
        layer = week5_tutorial.BuggyCrossAttention(12, 3, repaired=repaired)
        moved, gradient = week["probe"](layer)
        assert (moved > 1e-3) == (gradient > 1e-3) == repaired


def test_shipped_network_says_where_it_comes_from():
    net, told = face_networks.load_net()
    assert net.settings["kind"] == "attention"
    assert len(net.bias) == len(ATTRIBUTES)
    steps = told["trained"].split(" of ")
    assert steps[1].startswith(f"{steps[0]} steps")
    for key in ("data", "seed", "hardware", "software", "precision"):
        assert told[key]


def test_shipped_network_knows_rare_attributes(answered, test_faces):
    scores, _ = answered
    found = multilabel.average_precision(test_faces.labels, scores)
    rare = multilabel.rarity(FREQUENCIES)["rare"]
    assert np.nanmean(found[rare]) > 0.7
    assert scores.mean() == pytest.approx(test_faces.labels.mean(), abs=0.03)


def test_shipped_network_looks_where_it_should(answered, test_faces):
    _, attn = answered
    found = face_maps.map_scores(attn, test_faces)
    assert np.nanmean(found["energy"]) > 2.5


def test_shipped_runs_hold_what_is_told_of_them():
    runs = face_networks.runs()
    names = list(remedies.remedies(faces(300, workers=1).labels))
    assert runs["kinds"].tolist() == list(KINDS)
    assert runs["remedies"].tolist() == names
    n = len(ATTRIBUTES)
    for group, count in (("kind", len(KINDS)), ("remedy", len(names))):
        for key in ("fixed_average_precision", "tuned_F1", "energy"):
            assert runs[f"{group}_{key}"].shape == (count, 3, n)
    placed = runs["kind_energy"][..., face_maps.located()]
    assert np.isfinite(placed).all()
    assert np.isfinite(runs["remedy_tuned_average_precision"]).all()
    assert bundled("week5_runs.npz").stat().st_size < 500_000
