"""Figures of week 6 show what they were given, and refuse what misleads."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import sparse

from course_utils import graph_bars, graph_curves, graph_figures, plots

mpl.use("agg")
RNG = np.random.default_rng(0)
HEADS = ("texture", "structure", "color", "spatial")


@pytest.fixture(autouse=True)
def closed():
    plt.close("all")
    yield
    plt.close("all")


def photo(height=12, width=10):
    return RNG.random((height, width, 3))


def line(ax, label):
    """Return the curve of a label as (x, y)."""
    (found,) = [one for one in ax.lines if one.get_label() == label]
    return found.get_xdata(), found.get_ydata()


def looks(ax):
    """Return what tells labelled curves apart besides their colours."""
    return [
        (one.get_linestyle(), one.get_marker())
        for one in ax.lines
        if not one.get_label().startswith("_")
    ]


# --- graphs, matrices, maps


def row_of(places, shape=(12, 10)):
    weights = np.zeros(shape)
    for place, weight in places.items():
        weights[place] = weight
    return weights.ravel()


def test_neighbours_stand_at_their_pixels():
    weights = row_of({(5, 4): 0.7, (5, 5): 0.2, (7, 4): 0.1})
    image = photo()
    fig = graph_figures.graph_on_photo(image, (5, 4), weights, 3)
    shown, near, heat = fig.axes[:3]
    assert np.array_equal(shown.images[0].get_array(), image)
    (dots,) = near.collections
    assert dots.get_offsets().tolist() == [[4, 5], [5, 5], [4, 7]]
    sizes = dots.get_sizes()
    assert sizes[0] == sizes[1] > sizes[2]  # the query's is cut at the top
    (drawn,) = heat.images
    assert np.array_equal(drawn.get_array().ravel(), weights)
    assert drawn.get_clim() == (0, 0.2)
    assert heat.get_xlim() == (0.5, 7.5) and heat.get_ylim() == (8.5, 1.5)
    assert "itself 0.70" in heat.get_title()
    assert near.get_title().startswith("2 neighbours")


def test_a_sparse_row_is_the_same_and_the_window_ends_at_the_border():
    weights = row_of({(0, 9): 0.5, (1, 9): 0.5})
    rows = sparse.csr_array(weights[None])
    fig = graph_figures.graph_on_photo(photo(), (0, 9), rows, 3)
    heat = fig.axes[2]
    assert np.array_equal(heat.images[0].get_array().ravel(), weights)
    assert heat.get_xlim() == (5.5, 9.5) and heat.get_ylim() == (3.5, -0.5)


@pytest.mark.parametrize(
    "query, weights, words",
    [
        ((12, 0), row_of({(0, 0): 1}), "lies outside the photo of 12 rows"),
        ((0, -1), row_of({(0, 0): 1}), "lies outside"),
        ((0, 0), np.ones(9) / 9, "one weight a pixel, 120, got 9"),
        ((0, 0), row_of({(0, 0): 2}), "must sum to 1, got 2"),
        ((0, 0), np.full(120, np.nan), "must sum to 1, got nan"),
    ],
)
def test_a_row_that_fits_no_photo_is_named(query, weights, words):
    with pytest.raises(ValueError, match=words):
        graph_figures.graph_on_photo(photo(), query, weights, 3)
    assert not plt.get_fignums()


def test_two_matrices_share_a_scale_and_their_difference_is_said():
    dense = RNG.dirichlet(np.ones(30), 30)
    other = dense.copy()
    other[3, 4] += 0.004
    fig = graph_figures.same_matrix(dense, sparse.csr_array(other))
    left, right = (ax.images[0] for ax in fig.axes[:2])
    assert np.array_equal(left.get_array(), dense)
    assert np.array_equal(right.get_array(), other)
    assert left.get_clim() == right.get_clim()
    assert fig.get_suptitle() == "largest difference 4.0e-03"


def test_matrices_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match=r"\(30, 30\) and \(29, 29\)"):
        graph_figures.same_matrix(np.eye(30), np.eye(29))
    with pytest.raises(ValueError, match="n at most 400"):
        graph_figures.same_matrix(np.eye(401), np.eye(401))
    with pytest.raises(ValueError, match="NaN"):
        graph_figures.same_matrix(np.eye(3), np.full((3, 3), np.nan))


def test_each_map_stands_beside_the_photo_under_its_name():
    maps = {name: RNG.random((12, 10)) for name in ("sigma", "tau", *HEADS)}
    image = photo()
    fig = graph_figures.parameter_maps(image, maps)
    drawn = {ax.get_title(): ax.images[0] for ax in fig.axes if ax.images}
    assert [*drawn] == ["photo", *maps]
    assert np.array_equal(drawn["photo"].get_array(), image)
    for name, values in maps.items():
        assert np.array_equal(drawn[name].get_array(), values)
        assert drawn[name].cmap.name == "cividis"
    assert fig.get_figwidth() <= 10


def test_maps_of_other_pixels_are_named():
    with pytest.raises(ValueError, match=r"'tau' needs .* \(12, 10\), got"):
        graph_figures.parameter_maps(photo(), {"tau": np.ones((10, 12))})
    with pytest.raises(ValueError, match="'tau' needs finite"):
        graph_figures.parameter_maps(
            photo(), {"tau": np.full((12, 10), np.inf)}
        )
    with pytest.raises(ValueError, match="at least one map"):
        graph_figures.parameter_maps(photo(), {})


# --- curves


def test_rules_are_drawn_beside_the_optimum():
    paths = {
        name: {"sigma": 0.3 * rate ** np.arange(50), "psnr": [1]}
        for name, rate in (("standard", 1.02), ("adam", 0.97))
    }
    fig = graph_curves.controllers(paths, {"sigma": 0.08})
    (ax,) = fig.axes
    assert ax.get_yscale() == "log"
    for name, path in paths.items():
        assert np.array_equal(line(ax, name)[1], path["sigma"])
    assert [0.08, 0.08] in [list(one.get_ydata()) for one in ax.lines]
    assert "0.08" in ax.get_title()
    assert len(set(looks(ax))) == 2


@pytest.mark.parametrize(
    "paths, words",
    [
        ({}, "1 to 6 rules, got 0"),
        ({str(i): {"tau": [1]} for i in range(7)}, "1 to 6 rules, got 7"),
        ({"a": {"sigma": [1]}}, "rule 'a' has no 'tau', only sigma"),
        ({"a": {"tau": [0.1, 0]}}, "above 0"),
        ({"a": {"tau": [0.1, np.nan]}}, "above 0"),
    ],
)
def test_paths_that_no_logarithm_shows_are_refused(paths, words):
    with pytest.raises(ValueError, match=words):
        graph_curves.controllers(paths, {"tau": 0.9})
    assert not plt.get_fignums()


def test_the_minima_of_both_risks_are_marked():
    sigmas = np.array([0.05, 0.1, 0.2, 0.4])
    fig = graph_curves.risk_curves(sigmas, [4, 2, 3, 5], [3.9, 2.6, 2.5, 5.2])
    (ax,) = fig.axes
    stars = [
        (one.get_xdata()[0], one.get_ydata()[0])
        for one in ax.lines
        if one.get_marker() == "*"
    ]
    assert stars == [(0.1, 2), (0.2, 2.5)]
    words = [text.get_text() for text in fig.legends[0].get_texts()]
    assert words[0].endswith("least at 0.1")
    assert words[1].endswith("least at 0.2")


def test_risks_need_a_number_for_each_sigma():
    with pytest.raises(ValueError, match=r"SURE.*2 finite numbers.*\(3,\)"):
        graph_curves.risk_curves([0.1, 0.2], [1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="sigmas must be above 0"):
        graph_curves.risk_curves([0, 0.2], [1, 2], [1, 2])


def test_convergence_shows_median_and_range():
    runs = np.array([[20, 22, 23], [21, 25, 26], [19, 21, 27.0]])
    fig = graph_curves.convergence(
        {"a": runs, "b": runs[:1]}, steps=[0, 10, 20]
    )
    (ax,) = fig.axes
    x, median = line(ax, "a")
    assert [*x] == [0, 10, 20] and [*median] == [20, 22, 26]
    band = ax.collections[0].get_paths()[0].vertices
    for place, low, high in ((0, 19, 21), (10, 21, 25), (20, 23, 27)):
        inside = band[band[:, 0] == place, 1]
        assert (inside.min(), inside.max()) == (low, high)
    assert len(set(looks(ax))) == 2


def test_runs_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"a: give .* got shape \(2, 3\)"):
        graph_curves.convergence({"a": np.ones((2, 3))}, steps=[0, 1])
    with pytest.raises(ValueError, match="a: give finite PSNR"):
        graph_curves.convergence({"a": [[20, np.inf]]}, [0, 1])
    with pytest.raises(ValueError, match="1 to 6 histories, got 0"):
        graph_curves.convergence({}, [0])


# --- bars and dots


def test_bars_are_means_and_lines_deviations():
    groups = {"animal": RNG.dirichlet(np.ones(4), 9), "plant": [1, 0, 0, 0]}
    fig = graph_bars.weights_by(groups, HEADS)
    for i, (ax, head) in enumerate(zip(fig.axes, HEADS, strict=True)):
        assert ax.get_title() == head
        widths = [bar.get_width() for bar in ax.patches]
        mean, wide = (
            groups["animal"][:, i].mean(),
            groups["animal"][:, i].std(),
        )
        assert widths == pytest.approx([mean, groups["plant"][i]])
        (segment,) = ax.collections[0].get_segments()
        assert segment[:, 0] == pytest.approx([mean - wide, mean + wide])
    rows = [label.get_text() for label in fig.axes[0].get_yticklabels()]
    assert rows == ["animal", "plant"]


@pytest.mark.parametrize(
    "groups, words",
    [
        ({}, "at least one group"),
        ({"a": [0.5, 0.5]}, r"'a' needs a weight for each of 4 heads"),
        ({"a": [0.5, 0.5, 0.5, 0]}, "'a' must be 0 or more and sum to 1"),
        ({"a": [1.5, -0.5, 0, 0]}, "'a' must be 0 or more"),
        ({"a": np.ones((0, 4))}, "'a' must be 0 or more"),
    ],
)
def test_weights_that_are_none_are_refused(groups, words):
    with pytest.raises(ValueError, match=words):
        graph_bars.weights_by(groups, HEADS)


def test_methods_stand_at_their_gain_and_time_each_with_a_marker():
    names = [f"method {i}" for i in range(12)]
    gains, seconds = RNG.permutation(12) - 2.0, 10.0 ** RNG.uniform(-3, 1, 12)
    fig = graph_bars.trade_off(names, gains, seconds)
    (ax,) = fig.axes
    dots = [one for one in ax.lines if one.get_label().startswith("method")]
    for one in dots:
        i = int(one.get_label().split(":")[0].split()[1])
        assert (one.get_xdata()[0], one.get_ydata()[0]) == (
            seconds[i],
            gains[i],
        )
        assert f"{gains[i]:+.2f} dB" in one.get_label()
    assert len({one.get_marker() for one in dots}) == 12
    heights = [one.get_ydata()[0] for one in dots]
    assert heights == sorted(heights, reverse=True)
    assert ax.get_xscale() == "log" and fig.get_figwidth() <= 10


def test_a_trade_off_needs_a_gain_and_a_time_for_each():
    with pytest.raises(ValueError, match=r"\(2,\) and \(1,\)"):
        graph_bars.trade_off(["a", "b"], [1, 2], [1])
    with pytest.raises(ValueError, match="seconds above 0"):
        graph_bars.trade_off(["a"], [1], [0])
    with pytest.raises(ValueError, match="1 to 12 methods, got 13"):
        graph_bars.trade_off("abcdefghijklm", [1] * 13, [1] * 13)


def test_a_figure_can_be_shown(monkeypatch):
    bundles = []
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, raw: bundles.append(bundle)
    )
    fig = graph_figures.same_matrix(np.eye(9), np.eye(9))
    plots.show(fig, alt="Two equal matrices, bright on the diagonal.")
    assert 'alt="Two equal matrices' in bundles[0]["text/html"]
