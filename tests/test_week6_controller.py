"""The source tutorial's system of week 6 runs, and does what it says."""

import copy

import numpy as np
import pytest

from course_utils import noise, patch_graph, week6_heads
from course_utils import week6_controller as controller
from course_utils.week6_heads import (
    compute_attention_weights,
    compute_patch_features,
    patch_scores,
)
from course_utils.week6_printed import EXAMPLES, HEADS

START = {"sigma": 0.3, "tau": 0.1, "radius": 10}
ATTENTION = {"texture": 0.4, "structure": 0.3, "color": 0.2, "spatial": 0.1}
RADIUS = 3


def picture(height=12, width=14, seed=0):
    """A smooth colour picture, 0 to 1."""
    phases = np.random.default_rng(seed).uniform(0, 6, size=(2, 3))
    down, across = np.indices((height, width))[..., None] / 4
    return 0.5 + 0.2 * (np.sin(down + phases[0]) + np.sin(across + phases[1]))


def tokens(image, side=5):
    return patch_graph.extract_patches(image, side)


def pair(*sizes, level=25 / 255):
    clean = [picture(*size, seed=i) for i, size in enumerate(sizes)]
    dirty = [noise.add_noise(x, level, i) for i, x in enumerate(clean)]
    return dirty, clean


# The heads


def test_scores_of_a_patch_are_what_they_are_said_to_be():
    image = picture()
    patches, centers = tokens(image)
    at = 5 * 14 + 6  # row 5, column 6
    patch = image[3:8, 4:9]
    across = np.abs(patch[:, 1:] - patch[:, :-1]).mean()
    down = np.abs(patch[1:] - patch[:-1]).mean()
    expected = (
        np.mean([patch[..., c].std() for c in range(3)]) / 0.1,
        (across + down) / 0.1,
        patch.mean(axis=(0, 1)).std() / 0.1,
        np.sqrt((0.5**2 + 0.5**2) / 2) / 10,  # the middle: row 5.5, 6.5
    )
    assert patch_scores(patches, centers)[at] == pytest.approx(expected)


@pytest.mark.parametrize("head", range(3))
def test_each_head_sees_its_own_picture(head):
    flat = np.full((12, 12, 3), 0.5)
    stripes, ramp, red = flat.copy(), flat.copy(), flat.copy()
    stripes[:, ::2] = 0.7  # structure: many edges
    ramp += np.linspace(-0.3, 0.3, 12)[:, None, None]
    red[..., 0] = 0.9
    features = [
        compute_patch_features(*tokens(image))
        for image in (ramp, stripes, red, flat)
    ]
    assert np.argmax([f[head] for f in features]) == [1, 1, 2][head]
    assert features[3][:3] == pytest.approx((0, 0, 0), abs=1e-9)


def test_the_spatial_head_sees_only_the_size():
    first, second = (
        compute_patch_features(*tokens(picture(seed=s))) for s in (0, 1)
    )
    assert first[3] == second[3] and first[0] != second[0]


@pytest.mark.parametrize(
    "side, every, expected", [(32, 1, 0.923), (32, 4, 0.917), (128, 1, 3.695)]
)
def test_the_spatial_score_is_the_spread_of_the_grid(side, every, expected):
    steps = np.arange(0, side, every)
    centers = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    patches = np.zeros((len(centers), 27))
    spatial = compute_patch_features(patches, centers)[3]
    assert spatial == pytest.approx(centers.std() / 10)
    assert spatial == pytest.approx(expected, abs=5e-4)


def test_more_noise_is_more_structure():
    weights = []
    for level in (0, 15, 25, 50):
        image = noise.add_noise(picture(32, 32), level / 255, seed=0)
        features = compute_patch_features(*tokens(image))
        weights.append(compute_attention_weights(*features)["structure"])
    assert np.all(np.diff(weights) > 0) and weights[-1] > 0.97


def test_features_of_a_batch_are_those_of_its_heap():
    parts = [tokens(picture(seed=s)) for s in (0, 1)]
    heap = map(np.concatenate, zip(*parts, strict=True))
    means = np.mean([compute_patch_features(*part) for part in parts], axis=0)
    assert compute_patch_features(*heap) == pytest.approx(means)


@pytest.mark.parametrize(
    "patches, centers, said",
    [
        (np.zeros((4, 25)), np.zeros((4, 2)), "red, green and blue"),
        (np.zeros((4, 3)), np.zeros((4, 2)), "2 or more pixels a side"),
        (np.zeros((4, 27)), np.zeros((3, 2)), r"\(4, 27\) and \(3, 2\)"),
        (np.zeros((0, 27)), np.zeros((0, 2)), "no patch"),
        (np.full((4, 27), np.nan), np.zeros((4, 2)), "NaN"),
        (np.zeros((4, 27)), np.full((4, 2), np.inf), "infinite"),
    ],
)
def test_bad_patches_are_named(patches, centers, said):
    with pytest.raises(ValueError, match=said):
        patch_scores(patches, centers)


def test_attention_weights_are_the_softmax_by_name():
    scores, _ = EXAMPLES["main example"]
    weights = compute_attention_weights(*scores)
    assert list(weights) == list(HEADS)
    assert list(weights.values()) == pytest.approx(
        [0.387, 0.142, 0.259, 0.212], abs=5e-4
    )
    flat = compute_attention_weights(*scores, temperature=0)
    assert list(flat.values()) == pytest.approx([0.25] * 4)
    assert week6_heads.TEMPERATURE == 2


# The rules


@pytest.mark.parametrize(
    "delta, sigma, tau",
    [(1e-9, 0.98, 0.95), (-1e-9, 1.02, 1.05), (0, 1.02, 1.05)],
)
def test_standard_update(delta, sigma, tau):
    before = dict(START)
    after = controller.standard_update(before, delta)
    assert before == START  # a new dict
    expected = {"sigma": 0.3 * sigma, "tau": 0.1 * tau, "radius": 10}
    assert after == pytest.approx(expected)


@pytest.mark.parametrize("delta, sign", [(1, -1), (-1, 1), (0, 1)])
def test_weighted_update(delta, sign):
    after = controller.weighted_parameter_update(START, ATTENTION, delta)
    assert after == pytest.approx(
        {
            "sigma": 0.3 * (1 + sign * 0.02 * 0.6),
            "tau": 0.1 * (1 + sign * 0.05 * 0.4),
            "radius": 10,
        }
    )


@pytest.mark.parametrize("delta", [-1, 1])
def test_no_weights_make_a_larger_step_than_the_standard_rule(delta):
    standard = controller.standard_update(START, delta)
    for weights in np.random.default_rng(0).dirichlet(np.ones(4), size=200):
        attention = dict(zip(HEADS, weights, strict=True))
        ours = controller.weighted_parameter_update(START, attention, delta)
        for name in ("sigma", "tau"):
            step = abs(ours[name] - START[name])
            assert step <= abs(standard[name] - START[name]) + 1e-12


@pytest.mark.parametrize(
    "params, delta, said",
    [
        (START, np.nan, "loss_delta is NaN"),
        ({**START, "sigma": 0.0}, 1, "sigma must be above 0"),
        ({**START, "tau": -0.1}, 1, "tau must be above 0"),
        ({**START, "tau": np.inf}, 1, "tau must be above 0 and finite"),
    ],
)
def test_bad_numbers_are_refused_by_both_rules(params, delta, said):
    with pytest.raises(ValueError, match=said):
        controller.standard_update(params, delta)
    with pytest.raises(ValueError, match=said):
        controller.weighted_parameter_update(params, ATTENTION, delta)


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"color": 0.9}, "sum to 1"),
        ({"texture": -0.4, "structure": 1.1}, "0 or more"),
    ],
)
def test_bad_attention_is_refused(changed, said):
    with pytest.raises(ValueError, match=said):
        controller.weighted_parameter_update(START, ATTENTION | changed, 1)


def test_missing_heads_are_named():
    with pytest.raises(ValueError, match="lacks the heads structure, color"):
        some = {k: ATTENTION[k] for k in ("texture", "spatial")}
        controller.weighted_parameter_update(START, some, 1)


# The learner


def test_a_learner_starts_with_the_tutorial_s_defaults():
    learner = controller.EMParameterLearning()
    assert learner.get_parameters() == {
        "sigma": 0.3, "tau": 0.1, "smooth_steps": 5, "radius": 10,
    }  # fmt: skip
    heads = learner.head_params.values()
    assert [head["focus"] for head in heads] == list(HEADS)
    learner.get_parameters()["sigma"] = 9
    assert learner.params["sigma"] == 0.3


@pytest.mark.parametrize("attention", [True, False])
def test_updates_follow_the_chosen_rule_and_are_recorded(attention):
    learner = controller.EMParameterLearning(attention)
    patches, centers = tokens(picture())
    expected, before = learner.get_parameters(), np.inf
    for loss in (0.5, 0.4, 0.45, 0.45):
        weights = learner.update_global_params(loss, 0.1, patches, centers)
        expected = (
            controller.weighted_parameter_update(
                expected, weights, loss - before
            )
            if attention
            else controller.standard_update(expected, loss - before)
        )
        before = loss
    assert learner.get_parameters() == pytest.approx(expected)
    for head in learner.head_params.values():
        assert head["loss_history"] == [0.5, 0.4, 0.45, 0.45]
        assert head["attention_history"] == [weights[head["focus"]]] * 4
        assert head["sigma"] == 0.3  # no rule reads or changes it
        history = learner.attention_weights[head["focus"]]
        assert history == head["attention_history"]
    assert learner.smoothness == [0.1] * 4


def test_status_and_console_read_as_in_the_tutorial():
    learner = controller.EMParameterLearning(radius=10.34)
    assert learner.get_status()["avg_loss"] == "nan"
    with pytest.raises(ValueError, match="call m_step first"):
        learner.console_line(0)
    patches, centers = tokens(picture())
    for loss in (0.25, 0.1812):
        learner.update_global_params(loss, 0, patches, centers)
    learner.params |= {"sigma": 0.30449, "tau": 0.10851}
    assert learner.get_status() == {
        "global_sigma": "0.3045",
        "global_tau": "0.1085",
        "global_radius": "10.34",
        "avg_loss": "0.2156",
    }
    for head, weight in zip(HEADS, (0.35, 0.25, 0.28, 0.12), strict=True):
        learner.attention_weights[head].append(weight)
    assert learner.console_line(3) == (
        "EM Attention Status (Epoch 3):\n"
        "  Texture head:    0.35\n"
        "  Structure head:  0.25\n"
        "  Color head:      0.28\n"
        "  Spatial head:    0.12"
    )


@pytest.mark.parametrize("name", ["sigma", "tau"])
def test_a_learner_does_not_start_from_0(name):
    with pytest.raises(ValueError, match=f"{name} must be above 0"):
        controller.EMParameterLearning(**{name: 0})


def test_a_loss_that_is_none_changes_nothing():
    learner = controller.EMParameterLearning()
    with pytest.raises(ValueError, match="loss_proxy must be finite"):
        learner.update_global_params(np.nan, 0, *tokens(picture()))
    assert learner.params["sigma"] == 0.3 and learner.losses == []


# The m-step


def test_m_step_is_the_denoiser_and_one_update():
    noisy, clean = pair((12, 14), (9, 16))  # mixed sizes
    learner = controller.EMParameterLearning(radius=RADIUS)
    restored = controller.m_step(learner, noisy, clean)
    for ours, image in zip(restored, noisy, strict=True):
        assert np.allclose(
            ours, patch_graph.denoise(image, 0.3, 0.1, 5, RADIUS)
        )
    pairs = zip(restored, clean, strict=True)
    errors = [np.mean((x - y) ** 2) for x, y in pairs]
    assert learner.losses == [pytest.approx(np.mean(errors))]
    rough = [
        np.mean((x[1:] - x[:-1]) ** 2) + np.mean((x[:, 1:] - x[:, :-1]) ** 2)
        for x in restored
    ]
    assert learner.smoothness == [pytest.approx(np.mean(rough))]
    parts = map(tokens, noisy)
    heap = map(np.concatenate, zip(*parts, strict=True))
    features = compute_patch_features(*heap)
    weights = compute_attention_weights(*features)
    for head in HEADS:
        assert learner.attention_weights[head] == [weights[head]]
    assert learner.params["sigma"] > 0.3


def test_two_learners_share_no_history():
    learner = controller.EMParameterLearning(radius=RADIUS)
    other = copy.deepcopy(learner.attention_weights)
    controller.m_step(learner, *pair((9, 9)))
    fresh = controller.EMParameterLearning(radius=RADIUS)
    assert fresh.attention_weights == other != learner.attention_weights


def test_tau_is_limited_for_the_smoothing_only():
    noisy, clean = pair((9, 9))
    learner = controller.EMParameterLearning(
        attention=False, tau=0.97, radius=RADIUS
    )
    controller.m_step(learner, noisy, clean)
    assert learner.tau_limited == 0 and learner.params["tau"] > 1
    restored = controller.m_step(learner, noisy, clean)
    assert learner.tau_limited == 1
    at_limit = patch_graph.denoise(
        noisy[0], learner.params["sigma"], 1.0, 5, RADIUS
    )
    assert np.abs(restored[0] - at_limit).max() < 0.01


@pytest.mark.parametrize(
    "noisy, clean, said",
    [
        ([], [], "one or more noisy images"),
        ([picture()], [], "got 1 and 0"),
        ([picture()], [picture(9, 9)], "must be .* alike"),
        ([picture()[..., :1]], [picture()[..., :1]], r"\(height, width, 3\)"),
        ([picture()], [picture() * np.nan], "NaN"),
        ([picture() * 255], [picture()], "divide by 255"),
    ],
)
def test_m_step_refuses_bad_pairs_before_it_moves(noisy, clean, said):
    learner = controller.EMParameterLearning(radius=RADIUS)
    with pytest.raises(ValueError, match=said):
        controller.m_step(learner, noisy, clean)
    assert learner.params["sigma"] == 0.3 and learner.losses == []


def test_an_image_smaller_than_a_patch_is_refused():
    with pytest.raises(ValueError, match="at least 5 pixels"):
        controller.m_step(
            controller.EMParameterLearning(), *pair((4, 9), level=0)
        )
