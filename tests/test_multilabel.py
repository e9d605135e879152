"""Scores of attributes: by scikit-learn, by hand, and by what fools them."""

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from course_utils import multilabel as ml

SCORES = (ml.average_precision, ml.calibration_error, ml.brier)
DECISIONS = (ml.balanced_accuracy, ml.f1, ml.accuracy)
FREQUENCIES = np.array([0.03, 0.08, 0.1, 0.2, 0.3, 0.5, 0.8])


def draw(n, seed):
    """Return labels and the probabilities that they were drawn with."""
    rng = np.random.default_rng(seed)
    prior = np.log(FREQUENCIES / (1 - FREQUENCIES))
    logits = prior - 0.5 + 1.5 * rng.normal(size=(n, len(prior)))
    probabilities = 1 / (1 + np.exp(-logits))
    return rng.random(logits.shape) < probabilities, probabilities


@pytest.fixture(scope="module")
def faces():
    return draw(800, 0)


def per_column(score, labels, values):
    columns = zip(labels.T, values.T, strict=True)
    return np.array([score(*pair) for pair in columns])


# One number for each attribute


@pytest.mark.parametrize("digits", [9, 2, 1, 0])
def test_average_precision_is_scikit_learns_with_and_without_ties(
    faces, digits
):
    labels, scores = faces[0], faces[1].round(digits)
    expected = per_column(sk.average_precision_score, labels, scores)
    assert ml.average_precision(labels, scores) == pytest.approx(expected)


def test_average_precision_sees_the_order_alone(faces):
    labels, scores = faces
    found = ml.average_precision(labels, scores)
    logits = np.log(scores / (1 - scores))
    assert np.array_equal(ml.average_precision(labels, logits), found)
    assert np.array_equal(ml.average_precision(labels, scores**3 / 7), found)
    assert (ml.average_precision(labels, -scores) < found).all()


def test_a_constant_gets_the_frequency_and_perfection_1(faces):
    labels, _ = faces
    found = ml.average_precision(labels, np.ones(labels.shape))
    assert found == pytest.approx(labels.mean(axis=0))
    assert (ml.average_precision(labels, 1.0 * labels) == 1).all()


@pytest.mark.parametrize(
    "score, expected",
    [
        (ml.balanced_accuracy, sk.balanced_accuracy_score),
        (ml.f1, sk.f1_score),
        (ml.accuracy, sk.accuracy_score),
    ],
)
def test_decisions_are_scored_as_by_scikit_learn(faces, score, expected):
    labels, predictions = faces[0], faces[1] > 0.3
    wanted = per_column(expected, labels, predictions)
    assert score(labels, predictions) == pytest.approx(wanted)


def test_what_constants_get(faces):
    labels, _ = faces
    f = labels.mean(axis=0)
    yes, no = np.ones_like(labels), np.zeros_like(labels)
    assert ml.f1(labels, yes) == pytest.approx(2 * f / (1 + f))
    assert (ml.f1(labels, no) == 0).all()
    assert ml.accuracy(labels, no) == pytest.approx(1 - f)
    for constant, rate in ((yes, 1), (no, 0)):
        assert (ml.balanced_accuracy(labels, constant) == 0.5).all()
        assert (ml.positive_rate(constant) == rate).all()


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_said_is_nan():
    labels = np.array([[False, True, True]] * 2 + [[False, True, False]])
    predictions = labels.copy()
    assert np.isnan(ml.average_precision(labels, 1.0 * labels)).tolist() == [
        True, False, False,
    ]  # fmt: skip
    for guess in (predictions, ~predictions):
        assert np.isnan(ml.f1(labels, guess)).tolist() == [True, False, False]
    found = ml.balanced_accuracy(labels, predictions)
    assert np.isnan(found).tolist() == [True, True, False]


def test_thresholds_are_the_best_there_are(faces):
    labels, scores = faces
    thresholds = ml.best_thresholds(labels, scores)
    best = ml.f1(labels, scores >= thresholds)
    tried = [ml.f1(labels, scores >= row) for row in np.sort(scores, axis=0)]
    assert best == pytest.approx(np.max(tried, axis=0))
    assert (best > ml.f1(labels, scores >= 0.5)).any()


@pytest.mark.filterwarnings("error")
def test_an_attribute_that_no_face_has_is_never_predicted():
    labels = np.array([[True, False], [False, False]])
    thresholds = ml.best_thresholds(labels, np.array([[0.2, 0.9], [0.1, 1]]))
    assert thresholds.tolist() == [0.2, np.inf]


# Calibration


def test_reliability_is_scikit_learns_by_quantiles(faces):
    labels, scores = faces
    promised, true, count = ml.reliability(labels, scores, bins=8)
    assert promised.shape == true.shape == count.shape == (8, 7)
    assert (count == 100).all()
    for i in range(7):
        expected = calibration_curve(
            labels[:, i], scores[:, i], n_bins=8, strategy="quantile"
        )
        assert true[:, i] == pytest.approx(expected[0])
        assert promised[:, i] == pytest.approx(expected[1])


@pytest.mark.filterwarnings("error")
def test_equal_scores_share_a_bin(faces):
    labels, _ = faces
    f = labels.mean(axis=0)
    constant = np.broadcast_to(f, labels.shape)
    promised, true, count = ml.reliability(labels, constant)
    assert (np.sort(count, axis=0)[-1] == 800).all()
    assert np.isnan(true).sum() == np.isnan(promised).sum() == 9 * 7
    assert ml.calibration_error(labels, constant) == pytest.approx(0)


def test_calibration_error_by_hand():
    labels = np.array([[0, 0, 1, 1, 1, 1]], dtype=bool).T
    scores = np.array([[0.1, 0.2, 0.3, 0.7, 0.8, 0.9]]).T
    gaps = [abs(0.2 - 1 / 3), abs(0.8 - 1)]
    found = ml.calibration_error(labels, scores, bins=2)
    assert found == pytest.approx([np.mean(gaps)])


def test_true_probabilities_are_calibrated_and_weighted_ones_are_not():
    labels, scores = draw(20_000, 1)
    odds = 9 * scores / (1 - scores)
    weighted = odds / (1 + odds)  # what pos_weight = 9 would learn
    honest, loud = (
        ml.calibration_error(labels, s) for s in (scores, weighted)
    )
    assert (honest < 0.02).all() and (loud > 0.08).all()
    assert (ml.brier(labels, scores) < ml.brier(labels, weighted)).all()


def test_brier_is_scikit_learns(faces):
    expected = per_column(sk.brier_score_loss, *faces)
    assert ml.brier(*faces) == pytest.approx(expected)


# Groups, reports and their table


def test_rarity_and_its_limits():
    found = ml.rarity([0.02, 0.1, 0.3, 0.31])
    assert {name: mask.tolist() for name, mask in found.items()} == {
        "rare": [True, False, False, False],
        "middle": [False, True, True, False],
        "common": [False, False, False, True],
        "all": [True] * 4,
    }


def test_a_report_holds_every_score(faces):
    labels, scores = faces
    thresholds = ml.best_thresholds(labels, scores)
    found = ml.report(labels, scores, thresholds)
    answers = scores >= thresholds
    expected = {
        "average precision": ml.average_precision(labels, scores),
        "F1": ml.f1(labels, answers),
        "balanced accuracy": ml.balanced_accuracy(labels, answers),
        "accuracy": ml.accuracy(labels, answers),
        "positive rate": answers.mean(axis=0),
        "true rate": labels.mean(axis=0),
        "calibration error": ml.calibration_error(labels, scores),
        "Brier": ml.brier(labels, scores),
    }
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert np.array_equal(found[name], values), name
    few = ml.report(labels, scores, thresholds, chosen=[4, 1])
    for name, values in expected.items():
        assert np.array_equal(few[name], values[[4, 1]]), name


def test_trivial_answers_are_seen_through(faces):
    labels, _ = faces
    train, _ = draw(5000, 2)
    found = ml.trivial(train, labels)
    assert list(found) == ["all negative", "all positive", "prior-random"]
    f = labels.mean(axis=0)
    for answer in found.values():
        assert answer["average precision"] == pytest.approx(f)
        assert np.abs(answer["balanced accuracy"] - 0.5).max() < 0.1
    assert found["all negative"]["accuracy"] == pytest.approx(1 - f)
    assert found["all positive"]["F1"] == pytest.approx(2 * f / (1 + f))
    random = found["prior-random"]
    assert random["positive rate"] == pytest.approx(f, abs=0.05)
    gap = np.abs(train.mean(axis=0) - f)
    assert random["calibration error"] == pytest.approx(gap)


def test_random_answers_are_drawn_by_seed(faces):
    labels, _ = faces
    rates = [
        ml.trivial(labels, labels, seed)["prior-random"]["positive rate"]
        for seed in (0, 0, 1)
    ]
    assert np.array_equal(rates[0], rates[1])
    assert not np.array_equal(rates[0], rates[2])


def test_means_of_a_group_skip_nan(faces):
    found = ml.report(*faces)
    found["F1"][0] = np.nan
    means = ml.group_scores(found, np.arange(7) < 3)
    assert tuple(means) == ml.COLUMNS
    assert means["AP"] == pytest.approx(found["average precision"][:3].mean())
    assert means["macro-F1"] == pytest.approx(found["F1"][1:3].mean())
    rates = found["positive rate"][:3].sum() / found["true rate"][:3].sum()
    assert means["yes/true"] == pytest.approx(rates)


def test_the_table_s_layout(faces, capsys):
    labels, scores = faces
    rows = ml.trivial(labels, labels)
    rows["a name much too long for its row"] = ml.report(labels, scores)
    groups = ml.rarity(FREQUENCIES) | {"empty": np.zeros(7, bool)}
    ml.print_report(rows, groups)
    lines = capsys.readouterr().out.splitlines()
    titles = [line.split(" (")[0] for line in lines if "(" in line]
    assert titles == ["rare", "middle", "common", "all"]
    assert max(map(len, lines)) == 79
    assert [len(line) for line in lines].count(0) == 3
    assert lines[0].split()[:3] == ["rare", "(2", "attributes)"]
    f = labels[:, :2].mean()
    cells = lines[1].split()
    assert cells[:2] == ["all", "negative"]
    assert cells[2:] == [f"{v:.3f}" for v in (f, 0, 0.5, 0, f)]
    assert lines[4].startswith("a name much too long for ")


@pytest.mark.filterwarnings("error")
def test_a_group_that_cannot_be_scored_gets_dashes(capsys):
    labels = np.zeros((5, 1), dtype=bool)
    ml.print_report(ml.trivial(labels, labels), {"never": [True]})
    line = capsys.readouterr().out.splitlines()[1]
    assert line.split()[2:] == ["-", "-", "-", "-", "0.000"]


# Intervals


def test_the_interval_is_about_the_mean_of_the_group(faces):
    labels, scores = faces
    rare = np.arange(7) < 3
    found = ml.bootstrap_over_faces(labels, scores, group=rare)
    mean = ml.average_precision(labels, scores)[rare].mean()
    assert found.mean == pytest.approx(mean)
    assert found.low < found.mean < found.high
    whole = ml.bootstrap_over_faces(labels, scores)
    assert whole.high - whole.low < found.high - found.low


def test_the_interval_is_as_wide_as_other_faces_differ():
    """Means of new samples spread as the bootstrap of one says."""
    found = [
        ml.bootstrap_over_faces(*draw(400, seed), repeats=100)
        for seed in range(40)
    ]
    means, low, high = np.transpose(found)
    assert np.mean(high - low) == pytest.approx(3.92 * means.std(), rel=0.25)
    truth = ml.average_precision(*draw(100_000, 99)).mean()
    assert np.mean((low <= truth) & (truth <= high)) > 0.75


def test_a_lead_has_a_narrower_interval_than_its_sides(faces):
    labels, scores = faces
    noise = np.random.default_rng(1).normal(size=scores.shape)
    worse = scores + 0.05 * noise
    lead = ml.bootstrap_over_faces(labels, scores, against=worse)
    alone = ml.bootstrap_over_faces(labels, scores)
    other = ml.bootstrap_over_faces(labels, worse)
    assert lead.mean == pytest.approx(alone.mean - other.mean)
    assert lead.high - lead.low < alone.high - alone.low
    nothing = ml.bootstrap_over_faces(labels, scores, against=scores)
    assert nothing == (0, 0, 0)


def test_any_score_will_do_and_the_seed_decides(faces):
    labels, answers = faces[0], faces[1] > 0.3
    found = [
        ml.bootstrap_over_faces(labels, answers, ml.f1, seed=seed)
        for seed in (0, 0, 1)
    ]
    assert found[0].mean == pytest.approx(ml.f1(labels, answers).mean())
    assert found[0] == found[1] != found[2]


def test_faces_are_drawn_whole():
    """Attributes that are copies are no more certain than one of them."""
    labels, scores = (a[:, :1] for a in draw(300, 3))
    one = ml.bootstrap_over_faces(labels, scores)
    copies = ml.bootstrap_over_faces(labels.repeat(9, 1), scores.repeat(9, 1))
    assert copies == pytest.approx(one)


# Errors and weight


@pytest.mark.parametrize("score", [*SCORES, *DECISIONS])
@pytest.mark.parametrize(
    "labels, shape, words",
    [
        (np.ones((3, 2), bool), (3, 1), r"same shape .* \(3, 2\) and \(3, 1"),
        (np.ones(3, bool), (3,), "need the same shape"),
        (np.ones((0, 2), bool), (0, 2), "need the same shape"),
        (np.ones((3, 2)), (3, 2), "labels must be bool, got float64"),
    ],
)
def test_labels_that_do_not_fit_are_named(score, labels, shape, words):
    kind = bool if score in DECISIONS else float
    with pytest.raises(ValueError, match=words):
        score(labels, np.ones(shape, kind))


@pytest.mark.parametrize("score", DECISIONS)
def test_decisions_must_be_decided(faces, score):
    with pytest.raises(ValueError, match="predictions must be bool"):
        score(*faces)


@pytest.mark.parametrize("score", [*SCORES, ml.best_thresholds])
def test_scores_must_be_finite(faces, score):
    with pytest.raises(ValueError, match="NaN or infinity"):
        score(faces[0], np.where(faces[0], np.nan, faces[1]))


@pytest.mark.parametrize("score", [ml.reliability, ml.calibration_error,
                                   ml.brier])  # fmt: skip
def test_logits_are_no_probabilities(faces, score):
    with pytest.raises(ValueError, match="0 to 1, got .* take the sigmoid"):
        score(faces[0], 5 * faces[1] - 3)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda y, p: ml.report(y, p, [0.5, 0.5]), "one for each attribute"),
        (lambda y, p: ml.report(y[:, 0], p[:, 0]), "need the same shape"),
        (lambda y, p: ml.trivial(y[:, :3], y), "differ in attributes"),
        (lambda y, p: ml.trivial(1 * y, y), "must be bool, got int64"),
        (lambda y, p: ml.reliability(y, p, 0), "bins must be a whole"),
        (lambda y, p: ml.reliability(y, p, 2.5), "1 or more, got 2.5"),
        (lambda y, p: ml.positive_rate(p), "must be bool"),
        (lambda y, p: ml.rarity([0.5, 1.1]), "shares from 0 to 1"),
        (lambda y, p: ml.rarity(0.5), "in one row"),
        (lambda y, p: ml.group_scores(ml.report(y, p), [True]), "a mask of"),
        (lambda y, p: ml.bootstrap_over_faces(y, p, repeats=9), "least 100"),
        (lambda y, p: ml.bootstrap_over_faces(y, p[:9]), "same shape"),
        (lambda y, p: ml.bootstrap_over_faces(y, p, against=p.T), "shape"),
    ],
)
def test_what_cannot_be_is_named(faces, call, words):
    with pytest.raises(ValueError, match=words):
        call(*faces)


def test_the_module_imports_nothing_heavy(heavy_after):
    found = heavy_after(
        "import course_utils.multilabel",
        "sklearn",
        "scipy",
        "torch",
        "matplotlib",
    )
    assert found == []
