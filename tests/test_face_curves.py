"""Curves and dots of week 5 show what they were given."""

from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import face_figures
from course_utils.diagnosis import History
from course_utils.face_reliability import reliability_curve
from course_utils.multilabel import RARE

mpl.use("agg")
FREQUENCIES = np.array([0.02, 0.05, 0.15, 0.42, 0.77])
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def closed():
    plt.close("all")
    yield
    plt.close("all")


def shown(labels):
    return [label.get_text() for label in labels]


# --- attention by layer


def test_groups_flow_apart_and_differ_by_more_than_colour():
    entropy = RNG.random((3, 5))
    fig = face_figures.attention_flow(entropy, FREQUENCIES)
    flow, last = fig.axes
    thick = [line for line in flow.get_lines() if line.get_linewidth() > 2]
    rare = entropy[:, FREQUENCIES < RARE].mean(axis=1)
    assert np.allclose(thick[0].get_ydata(), rare)
    looks = {(line.get_marker(), line.get_linestyle()) for line in thick}
    assert len(looks) == 3
    legend = shown(flow.get_legend().get_texts())
    assert legend[0] == "rare (below 10%), mean of 2" and len(legend) == 3
    drawn = np.concatenate([s.get_ydata() for s in last.get_lines()[:3]])
    assert np.allclose(drawn, entropy[-1])


def test_a_group_without_attributes_is_left_out():
    fig = face_figures.attention_flow(np.ones((2, 3)), FREQUENCIES[2:])
    assert len(fig.axes[0].get_legend().get_texts()) == 2


@pytest.mark.parametrize(
    "entropy, words",
    [
        (np.ones(5), r"shape \(layers, attributes\), got \(5,\)"),
        (np.full((2, 5), 4.16), r"divide it by log\(keys\)"),
        (np.full((2, 5), np.nan), "must be a share"),
        (np.ones((2, 4)), r"frequencies need shape \(4,\)"),
    ],
)
def test_entropy_that_is_no_share_is_refused(entropy, words):
    with pytest.raises(ValueError, match=words):
        face_figures.attention_flow(entropy, FREQUENCIES)


# --- remedies


def test_each_remedy_has_its_seeds_their_range_and_their_mean():
    scores, errors = RNG.random((2, 3, 4))
    fig = face_figures.remedy_dots(
        ["a", "b", "c"], {"AP": scores, "ECE": errors}, {"AP": 0.4}
    )
    for ax, runs in zip(fig.axes, (scores, errors), strict=True):
        *dots, means = ax.get_lines()[:4]
        for row, (line, some) in enumerate(zip(dots, runs, strict=True)):
            assert np.array_equal(line.get_xdata(), some)
            assert {*line.get_ydata()} == {row}
        assert np.allclose(means.get_xdata(), runs.mean(axis=1))
        (bars,) = ax.collections
        ends = [path.vertices[:, 0] for path in bars.get_paths()]
        assert np.allclose(ends, np.stack([runs.min(1), runs.max(1)], 1))
    first, second = fig.axes
    assert {*first.get_lines()[4].get_xdata()} == {0.4}
    assert len(second.get_lines()) == 4
    assert shown(first.get_yticklabels()) == ["a", "b", "c"]
    bottom, top = first.get_ylim()
    assert bottom > 2 > 0 > top


def test_one_panel_needs_no_dict():
    fig = face_figures.remedy_dots("ab", np.ones((2, 1)), 0.0, xlabel="F1")
    (ax,) = fig.axes
    assert ax.get_xlabel() == "F1"
    assert {*ax.get_lines()[-1].get_xdata()} == {0}  # 0 is a baseline, too


@pytest.mark.parametrize(
    "values, baseline, words",
    [
        (np.ones((3, 2)), None, r"score: .* \(2, seeds\).* got \(3, 2\)"),
        (np.ones(2), None, r"\(2, seeds\)"),
        (np.ones((2, 0)), None, r"\(2, seeds\)"),
        ({"AP": np.full((2, 2), np.nan)}, None, "AP: values hold NaN"),
        ({"AP": np.ones((2, 2))}, {"F1": 1}, "baseline of F1.* are AP"),
    ],
)
def test_remedies_that_do_not_fit_are_named(values, baseline, words):
    with pytest.raises(ValueError, match=words):
        face_figures.remedy_dots("ab", values, baseline)


# --- calibration


def test_reliability_by_hand():
    labels = np.array([[True, False], [True, True]])
    scores = np.array([[0.95, 0.04], [1.0, 0.30]])
    found = reliability_curve(labels, scores, bins=10)
    predicted, observed, counts = found
    assert predicted == pytest.approx([0.04, 0.30, 0.975])
    assert observed == pytest.approx([0, 1, 1])
    assert [*counts] == [1, 1, 2]


def test_reliability_is_scikit_learns():
    from sklearn.calibration import calibration_curve

    scores = RNG.random((400, 3))
    labels = RNG.random((400, 3)) < scores**2
    expected = calibration_curve(labels.ravel(), scores.ravel(), n_bins=7)
    predicted, observed, counts = reliability_curve(labels, scores, 7)
    np.testing.assert_allclose((observed, predicted), expected)
    assert counts.sum() == labels.size


@pytest.mark.parametrize(
    "labels, scores, bins, words",
    [
        (np.ones((3, 2), bool), np.ones((3, 3)), 5, "the same shape"),
        (np.ones((3, 2)), np.ones((3, 2)), 5, "labels must be bool"),
        (np.ones((3, 2), bool), np.full((3, 2), 3.0), 5, "sigmoid"),
        (np.ones((3, 2), bool), np.full((3, 2), np.nan), 5, "0 to 1"),
        (np.ones((3, 2), bool), np.ones((3, 2)), 0, "1 or more, got 0"),
    ],
)
def test_answers_that_are_no_probabilities(labels, scores, bins, words):
    with pytest.raises(ValueError, match=words):
        reliability_curve(labels, scores, bins)


# --- training


def test_a_history_of_the_diagnosis_can_be_drawn():
    past = History(rates=RNG.random((3, 5)), frequencies=FREQUENCIES)
    positive = face_figures.training_panels(past).axes[2]
    assert np.allclose(positive.get_lines()[1].get_ydata(), past.rates[:, 2])


def history(**fields):
    known = dict.fromkeys(
        ("losses", "learning_rates", "attn_entropy", "query_gradient")
    )
    rates = RNG.random((6, 5))
    return SimpleNamespace(
        rates=rates, frequencies=FREQUENCIES, **{**known, **fields}
    )


def test_six_panels_of_a_training():
    fields = {
        "losses": RNG.random(6),
        "learning_rates": RNG.random(60),
        "attn_entropy": RNG.random(6),
        "query_gradient": RNG.random(6),
    }
    past, precision = history(**fields), RNG.random((6, 5))
    fig = face_figures.training_panels(past, precision)
    loss, ap, positive, rate, entropy, gradient = fig.axes
    drawn = (loss, rate, entropy, gradient)
    for ax, values in zip(drawn, fields.values(), strict=True):
        (line,) = ax.get_lines()
        assert np.array_equal(line.get_ydata(), values)
        assert line.get_xdata()[0] == 1
    rare = FREQUENCIES < RARE
    for ax, values in ((ap, precision), (positive, past.rates)):
        expected = values[:, rare].mean(axis=1)
        assert np.allclose(ax.get_lines()[0].get_ydata(), expected)
    true = {line.get_ydata()[0] for line in positive.get_lines()[3:]}
    assert true == {0.035, 0.15, 0.595}


def test_what_was_not_recorded_says_so():
    axes = face_figures.training_panels(history()).axes
    missing = [shown(ax.texts) == ["not recorded"] for ax in axes]
    assert missing == [True, True, False, True, True, True]
    with pytest.raises(ValueError, match=r"shape \(6, 5\).* got \(5, 6\)"):
        face_figures.training_panels(history(), np.ones((5, 6)))


def test_a_loss_that_is_no_number_is_said():
    losses = np.array([1, 0.8, np.nan, np.nan])
    loss, *_ = face_figures.training_panels(history(losses=losses)).axes
    assert loss.get_title() == "2 of 4 are NaN"
