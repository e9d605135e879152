"""Each failure is named where it is, and not where it only looks like it."""

import re

import numpy as np
import pytest
from histories import (
    EPOCHS,
    FACES,
    FREQUENCIES,
    LABELS,
    NAMES,
    SCORES,
    history,
    of_rates,
    rates_at,
    simulated,
)

from course_utils.diagnosis import Finding, History, diagnose

# Healthy


def test_a_calibrated_model_is_healthy_and_says_what_it_rests_on():
    found = diagnose(history())
    assert found.names == ("healthy",) and found.unchecked == ()
    assert "no failure found; not given: nothing" in str(found)
    true = LABELS.mean(axis=0).sum()
    assert f"where {FREQUENCIES.sum():.3g} are true" in str(found)
    assert abs(rates_at(SCORES)[-1].sum() / true - 1) < 0.2
    assert "by chance" in found.findings[0].evidence


@pytest.mark.parametrize("seed", range(1, 6))
def test_other_samples_are_healthy_too(seed):
    labels, scores = simulated(seed=seed)
    assert diagnose(history(scores, labels=labels)).names == ("healthy",)


def test_what_is_missing_is_listed_and_not_praised():
    found = diagnose(of_rates(FREQUENCIES))
    assert found.names == ("healthy",)
    assert found.unchecked == (
        *("losses", "scores", "labels", "attn_entropy", "query_gradient"),
        *("learning_rates", "threshold_from"),
    )
    assert "not given: losses, scores" in str(found)
    assert "precision" not in found.findings[0].evidence


def test_a_start_without_positives_is_no_failure():
    rates = rates_at(SCORES)
    rates[:3] = 0
    assert diagnose(history(rates=rates)).names == ("healthy",)


# Collapses of all attributes


def test_one_constant_for_all_is_named_with_its_consequence():
    noise = np.random.default_rng(1).normal(size=SCORES.shape)
    found = diagnose(history(0.31 + 1e-6 * noise))
    assert found.names == ("one constant for all attributes", "all negative")
    assert "means are 0.310 to 0.310" in found.findings[0].evidence


def test_a_constant_per_attribute():
    scores = np.tile(FREQUENCIES, (FACES, 1))
    assert diagnose(history(scores)).names == ("constant per attribute",)
    without_labels = history(scores, labels=None)
    assert diagnose(without_labels).names == ("constant per attribute",)


def test_one_score_per_face_does_not_tell_attributes_apart():
    one = np.random.default_rng(0).uniform(0.1, 0.7, size=(FACES, 1))
    found = diagnose(history(np.tile(one, (1, len(FREQUENCIES)))))
    assert found.names == ("attributes not told apart",)


def test_one_attribute_alone_cannot_share_a_constant():
    scores = np.full((FACES, 1), 0.02)
    one = {"frequencies": [0.02], "names": ["Bald"], "rates": [[0.0]]}
    fields = {"labels": LABELS[:, :1], "scores": scores, **one}
    found = diagnose(History(**fields))
    assert found.names == ("constant per attribute", "all negative")


def test_rare_attributes_alone_are_told_apart():
    fields = {"frequencies": FREQUENCIES[:3], "names": NAMES[:3]}
    scores, labels = SCORES[:, :3], LABELS[:, :3]
    rates = rates_at(SCORES)[:, :3]
    found = diagnose(
        History(rates=rates, scores=scores, labels=labels, **fields)
    )
    assert found.names == ("healthy",)


def test_small_scores_that_rank_are_not_constant_but_cut_too_high():
    found = diagnose(history(SCORES * 1e-4))
    assert found.names == ("all negative",)
    assert "threshold" in found.findings[0].advice


def test_all_negative_says_since_when():
    rates = rates_at(SCORES)
    rates[[0, 4, 5, 6, 7]] = 0.001
    rates[1] = 0  # a relapse does not count
    found = diagnose(History(rates=rates, frequencies=FREQUENCIES))
    assert found.names == ("all negative",)
    assert "since epoch 5 of 8" in found.findings[0].evidence
    assert "0.10% positive answers" in found.findings[0].evidence


def test_all_positive_is_no_success():
    """The tutorial gave each of these attributes a tick: above 5%."""
    found = diagnose(of_rates(np.ones(9)))
    assert found.names == ("all positive",)
    f = FREQUENCIES.mean()
    assert f"micro-F1 of {2 * f / (1 + f):.2f}" in found.findings[0].evidence
    assert "since epoch 1 of 8" in found.findings[0].evidence


@pytest.mark.parametrize("rate", [0.3, 0.6, 0.9])
def test_between_healthy_and_all_positive_there_are_too_many(rate):
    found = diagnose(of_rates(np.maximum(FREQUENCIES, rate)))
    assert found.names == ("too many positives",)
    assert found.findings[0].evidence.startswith("4 rare attributes")


def test_balanced_weights_need_other_thresholds_not_other_training():
    """They multiply the odds by (1 - f) / f, and 0.5 stays where it is."""
    odds = SCORES / (1 - SCORES) * (1 - FREQUENCIES) / FREQUENCIES
    scores = odds / (1 + odds)
    (finding,) = diagnose(history(scores)).findings
    assert finding.name == "too many positives"
    assert "tune each attribute's threshold" in finding.advice
    tuned = 1 - FREQUENCIES  # where the odds of the calibrated score are 1
    assert diagnose(history(scores, tuned)).names == ("healthy",)


def test_six_percent_is_no_success_either():
    found = diagnose(of_rates(np.minimum(FREQUENCIES, 0.06)))
    assert "too few positives" in found.names


def test_a_model_that_guesses_at_the_right_rate_has_no_skill():
    rng = np.random.default_rng(3)
    scores = rng.permuted(SCORES, axis=0)
    found = diagnose(history(scores))
    assert found.names == ("no better than chance",)
    assert diagnose(history(scores, labels=None)).names == ("healthy",)


# Some attributes


def test_a_single_ignored_rare_attribute_is_named():
    """Its rate is 2 points off, for which the tutorial gave two ticks."""
    rates = FREQUENCIES * [0, 1, 1, 1, 1, 1, 1, 1, 1]
    found = diagnose(of_rates(rates, names=NAMES))
    assert found.names == ("rare ignored",)
    assert found.findings[0].evidence.startswith("1 of 4 rare attributes")
    assert found.findings[0].evidence.endswith("occur: Bald")


def test_rare_attributes_that_rank_well_need_thresholds_not_training():
    scores = SCORES.copy()
    scores[:, :4] *= 0.4  # same order, none above 0.5
    found = diagnose(history(scores))
    assert found.names == ("rare ignored",)
    assert "tune each attribute's threshold" in found.findings[0].advice
    tuned = np.where(np.arange(9) < 4, 0.2, 0.5)
    assert diagnose(history(scores, tuned)).names == ("healthy",)


def test_rare_attributes_that_do_not_rank_need_training():
    scores = SCORES.copy()
    scores[:, :4] = np.random.default_rng(0).uniform(size=(FACES, 4)) / 10
    (finding,) = diagnose(history(scores)).findings
    assert finding.name == "rare ignored"
    assert "oversampling" in finding.advice


def test_too_few_faces_to_blame_the_model():
    labels = LABELS.copy()
    labels[:, 0] = np.arange(FACES) < 4
    scores = SCORES.copy()
    scores[:, 0] = 0.01
    assert diagnose(history(scores, labels=labels)).names == ("healthy",)
    labels[4, 0] = True
    assert diagnose(history(scores, labels=labels)).names == ("rare ignored",)


def test_the_majority_of_each_attribute_is_a_constant_answer():
    found = diagnose(of_rates(np.round(FREQUENCIES - 0.01)))
    assert found.names == ("rare ignored", "constant answers")
    assert "5 of 9 attributes" in found.findings[1].evidence
    assert found.findings[1].evidence.endswith("7 and 1 more")


# The training itself


@pytest.mark.parametrize(
    "name, bad",
    [
        *(("losses", np.nan), ("losses", np.inf), ("query_gradient", np.inf)),
        *(("scores", np.nan), ("attn_entropy", np.nan)),
    ],
)
def test_what_is_not_finite_has_diverged(name, bad):
    values = np.array(getattr(history(), name))
    values[-1] = bad
    found = diagnose(history(**{name: values}))
    assert found.names == ("diverged",)
    assert found.findings[0].evidence.startswith(f"{name}: ")


@pytest.mark.parametrize(
    "losses, name",
    [
        ([0.7, 0.8, 1.2, 3.0], "diverged"),
        ([0.7, 0.2, 0.3, 0.6], "diverged"),
        ([0.7, 0.3, 0.2, 0.25], "healthy"),
        ([0.7, 1e-4, 2e-4, 4e-4], "healthy"),
        ([0.69, 0.688, 0.691, 0.69], "healthy"),
        ([0.7, 5.0, 0.4, 0.3], "healthy"),
    ],
)
def test_the_loss_may_wobble_but_not_grow(losses, name):
    rates = rates_at(SCORES)[-len(losses) :]
    found = diagnose(
        History(rates=rates, frequencies=FREQUENCIES, losses=losses)
    )
    assert found.names == (name,)


@pytest.mark.parametrize("source", ["validation", "fixed", None, "test"])
def test_only_thresholds_from_the_test_split_leak(source):
    expected = "leaking threshold" if source == "test" else "healthy"
    assert diagnose(history(threshold_from=source)).names == (expected,)


def test_frozen_by_gradient_or_by_entropy():
    tiny = np.full(EPOCHS, 8e-9)
    assert diagnose(history(query_gradient=tiny)).names == (
        "frozen attention",
    )
    uniform = np.full(EPOCHS, 1 + 1e-7)
    assert diagnose(history(attn_entropy=uniform)).names == (
        "frozen attention",
    )


def test_attention_that_starts_frozen_is_not():
    gradient, entropy = np.full(EPOCHS, 0.01), np.full(EPOCHS, 0.9)
    gradient[0], entropy[0] = 0, 1
    found = diagnose(history(query_gradient=gradient, attn_entropy=entropy))
    assert found.names == ("healthy",)


def test_collapsed_attention_is_that_of_the_last_epoch():
    entropy = np.geomspace(0.9, 0.005, EPOCHS)
    found = diagnose(history(attn_entropy=entropy))
    assert found.names == ("attention collapsed",)
    assert diagnose(history(attn_entropy=entropy[::-1])).names == ("healthy",)


def warm_restarts(first, times, per_epoch):
    """Return torch's rates for periods given in scheduler steps."""
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1e-3)
    schedule = CosineAnnealingWarmRestarts(optimiser, first, times)
    rates = []
    for step in range(30 * EPOCHS):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if not per_epoch or step % 30 == 29:
            schedule.step()
    return np.array(rates)


def test_the_tutorials_restarts_per_batch():
    rates = warm_restarts(10, 2, per_epoch=False)
    found = diagnose(history(learning_rates=rates))
    assert found.names == ("learning-rate restarts",)
    assert found.findings[0].evidence == (
        "the rate jumps up 4 times in 8 epochs; the shortest cycle has 10 "
        "steps, an epoch 30"
    )


SCHEDULES = {
    "constant": np.full(240, 1e-3),
    "warm-up and cosine": np.concatenate(
        [np.linspace(0, 1, 40), np.cos(np.linspace(0, np.pi / 2, 200))]
    ),
    "one rate per epoch": np.linspace(1, 0, EPOCHS),
    "doubled when stuck": np.repeat(2.0 ** np.arange(EPOCHS), 30),
    "restarts per epoch": warm_restarts(4, 1, per_epoch=True),
    "SGDR": warm_restarts(30, 2, per_epoch=False),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_that_are_meant(name):
    rates = SCHEDULES[name]
    assert diagnose(history(learning_rates=rates)).names == ("healthy",)


def test_a_restart_every_epoch_is_too_often():
    rates = warm_restarts(30, 1, per_epoch=False)
    found = diagnose(history(learning_rates=rates))
    assert found.names == ("learning-rate restarts",)


# Mixtures


def test_causes_come_before_what_they_cause():
    scores = np.full_like(SCORES, 0.31)
    found = diagnose(
        history(
            scores,
            query_gradient=np.full(EPOCHS, 1e-9),
            learning_rates=warm_restarts(10, 2, per_epoch=False),
            threshold_from="test",
        )
    )
    assert found.names == (
        "leaking threshold",
        "frozen attention",
        "learning-rate restarts",
        "one constant for all attributes",
        "all negative",
    )
    assert str(found).startswith("Diagnosis: 5 failures found")


def test_a_model_of_nan_has_diverged_and_says_no_to_all():
    losses = [*np.full(EPOCHS - 1, 0.6), np.nan]
    scores = np.full_like(SCORES, np.nan)
    found = diagnose(history(scores, losses=losses))
    assert found.names == ("diverged", "all negative")


# Tables


def test_the_table_can_be_read_aloud_and_escapes_names():
    names = ("<b>Bald</b>", *NAMES[1:])
    rates = FREQUENCIES * [0, 1, 1, 1, 1, 1, 1, 1, 1]
    page = diagnose(of_rates(rates, names=names))._repr_html_()
    assert "<caption>Diagnosis: 1 failure found; not given: " in page
    assert page.count('<th scope="col"') == 3
    assert re.search(r'<th scope="row"[^>]*>rare ignored</th>', page)
    assert "&lt;b&gt;Bald&lt;/b&gt;" in page and "<b>" not in page
    assert "color" not in page


def test_text_and_findings_say_the_same():
    found = diagnose(of_rates(np.zeros(9)))
    (finding,) = found.findings
    assert isinstance(finding, Finding)
    assert all(part in str(found) for part in finding)
    assert repr(found) == str(found)


# Errors


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"rates": None}, "rates needs 2 dimensions"),
        ({"rates": np.zeros(9)}, r"rates needs 2 dimensions.*\(9,\)"),
        ({"rates": np.full((8, 9), 31.3)}, "between 0 and 1.*31.3"),
        ({"rates": np.full((8, 9), np.nan)}, "rates must be finite"),
        ({"rates": np.zeros((0, 9))}, "one number or more"),
        ({"rates": np.zeros((8, 8))}, r"frequencies needs shape \(8,\)"),
        ({"frequencies": None}, "frequencies needs 1 dimension"),
        ({"frequencies": np.zeros(9)}, "above 0 and below 1: leave out"),
        ({"names": NAMES[1:]}, r"names needs shape \(9,\)"),
        ({"losses": np.ones(7)}, r"losses needs shape \(8,\).*8 epochs"),
        ({"scores": SCORES * 9}, "scores must lie.*sigmoid of logits"),
        ({"scores": SCORES[:, :8]}, r"scores needs shape \(1000, 9\)"),
        ({"labels": LABELS[1:]}, r"labels needs shape \(1000, 9\)"),
        ({"labels": LABELS * 1.0}, "labels must be bool, got float64"),
        ({"labels": LABELS[:, 1:], "scores": None}, "labels needs shape"),
        ({"attn_entropy": np.full(8, 4.1)}, "attn_entropy must lie"),
        ({"query_gradient": -np.ones(8)}, "query_gradient must lie"),
        ({"learning_rates": np.ones(7)}, "one number for each step"),
        ({"threshold_from": "train"}, "validation, test, fixed or None"),
    ],
)
def test_a_history_that_does_not_fit_says_what(changes, said):
    with pytest.raises(ValueError, match=said):
        History(**{**vars(history()), **changes})


def test_only_a_history_can_be_diagnosed():
    with pytest.raises(TypeError, match=r"History\(rates=.*got dict"):
        diagnose({"rates": np.zeros((8, 9))})
