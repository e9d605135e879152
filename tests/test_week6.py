"""Week 6's own definitions, and the networks and runs that it ships."""

import json

import numpy as np
import pytest
from authoring import lesson

import course_utils as cu
from course_utils import (
    denoisers,
    graph_monitor,
    graph_networks,
    graph_results,
    graph_training,
    mixture_prior,
)
from course_utils.bundled import bundled
from course_utils.clean_photos import as_floats, clean_photos, training_crops
from course_utils.ladder import noisy_copies, psnr
from course_utils.noise import estimate_risk
from course_utils.week6_printed import HEADS

PATH = lesson.LESSONS / "week6_attention_as_denoising.py"
NOISE = 25 / 255


@pytest.fixture(scope="module")
def week():
    return lesson.definitions(PATH, {"__name__": "lesson", "cu": cu})


@pytest.fixture(scope="module")
def photos():
    return as_floats(clean_photos(6).images)[:, 40:88, 40:88]


@pytest.fixture(scope="module")
def runs():
    return graph_results.runs()


def test_risk_is_the_error_of_what_does_nothing(photos):
    """Noise squared for the noisy photo itself, by definition."""
    noisy = noisy_copies(photos, NOISE, seed=0)
    for seed, image in enumerate(noisy):
        risk = estimate_risk(image, lambda x: x, NOISE, seed)
        assert risk == pytest.approx(NOISE**2, rel=0.05)


def test_risk_is_near_the_true_error_of_a_blur(photos):
    blurred = denoisers.gaussian
    for clean, image in zip(
        photos, noisy_copies(photos, NOISE, seed=0), strict=True
    ):
        risk = estimate_risk(image, lambda x: blurred(x, NOISE, 0.8), NOISE)
        error = np.mean((blurred(image, NOISE, 0.8) - clean) ** 2)
        assert risk == pytest.approx(error, rel=0.15)


def test_source_weights_are_a_softmax_of_four(week, photos):
    weights = week["source_weights"](photos[0])
    assert weights.shape == (len(HEADS),)
    assert weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("name", graph_networks.SHIPPED)
def test_shipped_network_denoises_at_levels_it_is_not_told(name, photos):
    net, told = graph_networks.shipped_net(name)
    assert net.knows == "both"
    for key in ("origin", "data", "seed", "hardware", "software"):
        assert told[key]
    for level, gain in ((15, 2.5), (25, 4.5), (50, 6.5)):
        noisy = noisy_copies(photos, level / 255, seed=0)
        found = graph_training.denoised(net, noisy)
        gained = [
            psnr(ours, clean) - psnr(image, clean)
            for ours, image, clean in zip(found, noisy, photos, strict=True)
        ]
        assert np.mean(gained) > gain


def test_unknown_shipped_network_is_refused():
    with pytest.raises(ValueError, match="one head, four heads"):
        graph_networks.shipped_net("eight heads")


def test_runs_hold_what_is_told_of_them(runs):
    count, levels = len(runs["nets"]), len(runs["levels"])
    assert runs["nets_psnr"].shape == (3 * count, levels, 24)
    assert runs["nets_weights"].shape == (3, levels, 24, 4)
    assert runs["nets_without"].shape == (3, 4, levels, 24)
    assert graph_results.trials(runs, "psnr").shape == (3, 2, 3, 2, 7, 24)
    for key, values in runs.items():
        if values.dtype.kind == "f":
            assert np.isfinite(values).all(), key
    assert bundled("week6_runs.npz").stat().st_size < 500_000


def test_by_net_puts_seeds_of_one_net_together(runs):
    by_net = graph_results.by_net(runs, "minutes")
    assert list(by_net) == [str(name) for name in runs["nets"]]
    stacked = np.stack([by_net[name] for name in by_net], axis=1)
    np.testing.assert_array_equal(stacked.ravel(), runs["nets_minutes"])


def test_settings_are_those_of_the_nearest_level(runs):
    stored = [json.loads(str(s)) for s in runs["settings_settings"]]
    ours = graph_results.settings(runs, "total_variation", 40)
    assert ours == stored[3 + 2]  # the second method, at 50
    assert set(ours) == set(denoisers.GRIDS["total_variation"])
    with pytest.raises(KeyError, match="was not tuned"):
        graph_results.settings(runs, "magic", 25)


def test_every_rung_of_the_ladder_but_one_beats_the_noisy_photo(runs, photos):
    prior, _ = mixture_prior.fit_prior(
        training_crops(20, 32, seed=0), num_components=3, steps=3,
        patches_count=2000, seed=0,
    )  # fmt: skip
    noisy = noisy_copies(photos[:2], NOISE, seed=0)
    for name, method in graph_results.methods(runs, prior).items():
        gains = [
            psnr(method(image, NOISE), clean) - psnr(image, clean)
            for image, clean in zip(noisy, photos, strict=False)
        ]
        assert (np.mean(gains) > 1) == (name != "noisy"), name


def test_printed_tables_name_every_row(runs, capsys):
    graph_results.print_trials(runs)
    graph_results.print_nets(runs)
    assert graph_results.silenced(runs).shape == (4, 4)
    said = capsys.readouterr().out
    for name in (
        *runs["nets"],
        "standard",
        "attention",
        "adam",
        "noise 50",
        *HEADS,
    ):
        assert str(name) in said


def test_walks_has_a_line_for_every_rule(runs):
    fig = graph_results.walks(runs, level=50, start=1)
    lines = [line for ax in fig.axes for line in ax.get_lines()]
    ends = {round(float(line.get_ydata()[-1]), 3) for line in lines}
    end = graph_results.trials(runs, "psnr")[2, 1, :, 0, -1]
    expected = np.median(end, axis=-1)
    assert ends >= {round(float(value), 3) for value in expected}


def test_explained_shares_are_those_of_made_up_weights():
    """Weights that only noise moves, and weights that only kinds move."""
    kinds = np.array(["a", "a", "b", "b"])
    levels = np.exp([0.0, 1, 2])[:, None, None]
    of_kind = np.exp([0.0, 0, 1, 1])[None, :, None]
    ones = np.ones((3, 4, 1))
    weights = np.concatenate([levels * ones, of_kind * ones], axis=2)
    by_level, by_kind = graph_results.explained(
        {"nets_weights": weights[None]}, kinds
    )
    np.testing.assert_allclose(by_level, [1, 0], atol=1e-12)
    np.testing.assert_allclose(by_kind, [0, 1], atol=1e-12)


def test_weight_groups_sum_to_1_and_name_every_kind(runs):
    kinds = clean_photos().kinds
    groups = graph_results.weight_groups(runs, kinds)
    assert list(groups)[:2] == ["noise 5", "noise 15"]
    assert set(groups) >= set(kinds)
    for rows in groups.values():
        np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-5)


def test_a_watched_training_returns_what_it_saw(photos):
    net = graph_networks.GraphDenoiser("both", "four added", radius=2)
    doing, average = graph_training.denoising_training(
        net, training_crops(4, 16, seed=0), steps=4,
        accelerator=cu.training.make_accelerator("no", cpu=True),
    )  # fmt: skip
    seen = graph_monitor.run_watched(
        doing, average, photos[:2, :16, :16], "heads", every=2
    )
    assert seen.shape == (3,)
    assert doing.done == 4
    assert seen[-1] == pytest.approx(doing.notes[4]["psnr"])
