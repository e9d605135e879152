"""Figures of week 4: what is drawn, and what is refused."""

import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course_utils import sr_plots

mpl.use("agg")
RNG = np.random.default_rng(0)
COUNTS = np.array([1, 25, 1000])
SLOTS = np.array(["control", "attention", "linear"])


@pytest.fixture(autouse=True)
def closed():
    plt.close("all")
    yield
    plt.close("all")


def sampler(pictures=5):
    shape = 2, len(COUNTS), pictures
    return {
        "counts": COUNTS,
        "sampler_psnr": 20 + RNG.random(shape),
        "sampler_sharpness": RNG.random(shape),
    }


def shown(labels):
    return [label.get_text() for label in labels]


def test_each_schedule_is_a_line_of_its_own():
    bars = {
        name: torch.linspace(1, i / 10, 20).requires_grad_()
        for i, name in enumerate(("linear", "cosine", "third", "fourth"))
    }
    (ax,) = sr_plots.schedules(bars).axes
    lines = ax.get_lines()
    assert len({line.get_linestyle() for line in lines}) == 4
    assert shown(ax.get_legend().get_texts()) == list(bars)
    for line, bar in zip(lines, bars.values(), strict=True):
        assert np.array_equal(line.get_ydata(), bar.detach().numpy())


@pytest.mark.parametrize("count", [0, 5])
def test_too_many_schedules_are_refused_not_left_out(count):
    bars = {str(i): np.linspace(1, 0, 5) for i in range(count)}
    with pytest.raises(ValueError, match=f"one to 4 .* got {count}"):
        sr_plots.schedules(bars)
    assert not plt.get_fignums()


def test_clocks_stand_side_by_side():
    raw, waves = torch.rand(80, 6), np.sin(np.arange(960)).reshape(80, 12)
    fig = sr_plots.clocks(raw, waves)
    drawn = [ax for ax in fig.axes if ax.get_xlabel()]
    assert [ax.get_title() for ax in drawn] == list(sr_plots.HEADINGS)
    for ax, codes in zip(drawn, (raw.numpy(), waves), strict=True):
        assert ax.get_xlabel() == "step / 8"
        assert np.allclose(ax.images[0].get_array(), codes[::8].T)


@pytest.mark.parametrize("shape", [(80,), (80, 6, 1), (0, 6)])
def test_a_clock_of_another_shape_is_refused(shape):
    for codes in ((np.ones(shape), np.ones((8, 2))),
                  (np.ones((8, 2)), np.ones(shape))):  # fmt: skip
        with pytest.raises(ValueError, match=r"shape \(steps, width\), got"):
            sr_plots.clocks(*codes)
    assert not plt.get_fignums()


def test_samplers_are_compared_by_number_of_steps():
    runs = sampler()
    fig = sr_plots.sampler_curves(runs)
    assert [ax.get_title() for ax in fig.axes] == [
        "PSNR (dB)",
        "sharpness (real: 1)",
    ]
    for ax, score in zip(fig.axes, ("psnr", "sharpness"), strict=True):
        assert shown(ax.get_xticklabels()) == ["1", "25", "1,000"]
        assert shown(ax.get_legend().get_texts()) == ["DDIM", "DDPM"]
        means = runs[f"sampler_{score}"].mean(axis=2)
        drawn = [line.get_ydata() for line in ax.get_lines()]
        assert np.allclose(drawn, means)


@pytest.mark.parametrize("shape", [(2, 4, 5), (3, 3, 5), (2, 3)])
def test_scores_that_do_not_fit_the_counts_are_refused(shape):
    runs = {**sampler(), "sampler_sharpness": np.ones(shape)}
    words = r"sampler_sharpness needs shape \(2, 3, pictures\)"
    with pytest.raises(ValueError, match=words):
        sr_plots.sampler_curves(runs)
    assert not plt.get_fignums()


def test_each_name_has_a_row_and_each_run_a_dot():
    gains = RNG.normal(size=(3, 4))
    (ax,) = sr_plots.slot_dots(SLOTS, gains).axes
    *rows, zero = ax.get_lines()
    assert shown(ax.get_yticklabels()) == list(SLOTS)
    assert len(rows) == 3
    for row, (line, gain) in enumerate(zip(rows, gains, strict=True)):
        assert np.array_equal(line.get_xdata(), gain)
        assert set(line.get_ydata()) == {row}
        assert (line.get_marker(), line.get_linestyle()) == ("o", "None")
    assert set(zero.get_xdata()) == {0}
    bottom, top = ax.get_ylim()
    assert bottom > 2 > 0 > top  # the first name is on top


@pytest.mark.parametrize(
    "gains, words",
    [
        (np.ones((2, 4)), r"shape \(3, runs\).* got \(2, 4\)"),
        (np.ones((4, 4)), r"shape \(3, runs\)"),
        (np.ones(3), r"shape \(3, runs\)"),
        (np.full((3, 2), np.nan), "NaN"),
    ],
)
def test_gains_that_do_not_fit_the_names_are_refused(capsys, gains, words):
    runs = {"slots": SLOTS, "regression_size": np.ones((3, 2))}
    with pytest.raises(ValueError, match=words):
        sr_plots.slot_dots(SLOTS, gains)
    with pytest.raises(ValueError, match=words):
        sr_plots.print_slots(runs, gains)
    assert not plt.get_fignums()
    assert capsys.readouterr().out == ""


def test_sizes_are_told_as_differences_from_the_first(capsys):
    sizes = np.array([[1000, 400], [1010, 400], [990, 500]])
    gains = np.array([[0, 0], [0.0123, -0.5], [1, 2]])
    sr_plots.print_slots({"slots": SLOTS, "regression_size": sizes}, gains)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(SLOTS)
    assert re.split(" {2,}", lines[1].replace("% p", "%  p")) == [
        "attention",
        "+1.0%",
        "parameters",
        "+0.0% work",
        "+0.012",
        "-0.500 dB",
    ]
    assert "-1.0% parameters  +25.0% work" in lines[2]
    assert len({len(line) for line in lines}) == 1


def test_a_photo_has_its_pixels_enlarged():
    picture = torch.zeros(3, 2, 4)
    picture[0, 0, 1], picture[2, 1, 3] = 1, 0.5
    found = sr_plots.as_photo(picture)
    assert found.shape == (16, 32, 3) and found.dtype == np.uint8
    blocks = found.reshape(2, 8, 4, 8, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()
    small = sr_plots.as_photo(picture, times=1)
    assert np.array_equal(blocks[:, 0, :, 0], small)
    assert small[0, 1].tolist() == [255, 0, 0]
    assert small[1, 3].tolist() == [0, 0, 128]
    assert np.count_nonzero(small) == 2


def test_values_are_rounded_and_clipped():
    picture = np.array([-0.2, 0.4 / 255, 0.6 / 255, 0.999, 1.7, np.inf])
    found = sr_plots.as_photo(np.tile(picture, (3, 1, 1)), times=1)
    assert found[0, :, 1].tolist() == [0, 0, 1, 255, 255, 255]


def test_a_photo_may_still_be_learning():
    picture = torch.rand(3, 4, 4)
    again = sr_plots.as_photo(picture.clone().requires_grad_())
    assert np.array_equal(again, sr_plots.as_photo(picture))


@pytest.mark.parametrize(
    "picture, times, error, words",
    [
        (torch.rand(1, 3, 4, 4), 8, ValueError, r"\(3, height, width\)"),
        (torch.rand(4, 4, 3), 8, ValueError, r"got \(4, 4, 3\)"),
        (torch.rand(4, 4), 8, ValueError, "one picture needs shape"),
        (torch.full((3, 4, 4), torch.nan), 8, ValueError, "NaN"),
        (torch.rand(3, 4, 4), 0, ValueError, "times must be 1 or more"),
        (torch.rand(3, 4, 4), 1.5, TypeError, "times must be a whole"),
    ],
)
def test_what_is_no_photo_is_named(picture, times, error, words):
    with pytest.raises(error, match=words):
        sr_plots.as_photo(picture, times)
