"""The dashboard moves without Python, and shows the same without a script."""

import json
import re
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn import metrics

from course_utils import face_dashboard, face_results, runtime
from course_utils.face_dashboard import Results, dashboard
from course_utils.face_dashboard_plotly import figure
from course_utils.face_groups import groups_of
from course_utils.face_results import PANELS, START, THRESHOLDS, points

mpl.use("agg")
ALT = "Seven panels of scores & thresholds, <rare> attributes dark"
COUNT = 40
RNG = np.random.default_rng(0)
FREQUENCIES = np.geomspace(0.02, 0.8, COUNT)
WORDS = re.compile(r"https?://[^\"'\s\\]+")


def made(count=COUNT, faces=400, **fields):
    """Results of a network that is fair at all but the last attribute."""
    rng = np.random.default_rng(1)
    frequencies = FREQUENCIES[:: COUNT // count][:count]
    labels = rng.random((faces, count)) < frequencies
    logits = rng.normal(size=labels.shape) + 2 * labels - 1
    scores = 1 / (1 + np.exp(-logits - np.log(frequencies)))
    given = {
        "names": tuple(f"Attribute_{i}" for i in range(count)),
        "frequencies": frequencies,
        "labels": labels,
        "scores": scores,
        "baseline_scores": scores**2,
        "weights": 1 / frequencies - 1,
    }
    return Results(**{**given, **fields})


@pytest.fixture(scope="module")
def results():
    return made()


@pytest.fixture(scope="module")
def fig(results):
    return figure(results)


@pytest.fixture(scope="module")
def board(results):
    return dashboard(results, alt=ALT)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


# --- numbers


@pytest.mark.parametrize("threshold", [0.2, 0.5])
def test_points_are_scikit_learns(results, threshold):
    found = points(results, threshold)
    said = results.scores >= threshold
    for i in (0, 20, 39):
        true, answer = results.labels[:, i], said[:, i]
        assert found["F1"][i] == pytest.approx(metrics.f1_score(true, answer))
        assert found["hits"][i] == metrics.recall_score(true, answer)
        assert found["false alarms"][i] == pytest.approx(
            metrics.recall_score(~true, ~answer, zero_division=0) * -1 + 1
        )
        if answer.any():
            expected = metrics.precision_score(true, answer)
            assert found["precision"][i] == pytest.approx(expected)
        constant = max(true.mean(), 1 - true.mean())
        lead = metrics.accuracy_score(true, answer) - constant
        assert found["lead"][i] == pytest.approx(lead)


def test_a_gain_is_over_the_baseline_at_the_same_threshold(results):
    own = points(results, 0.3)
    other = points(made(scores=results.baseline_scores), 0.3)
    assert own["gain"] == pytest.approx(own["F1"] - other["F1"])
    given = made(gains=np.arange(COUNT))
    assert np.array_equal(points(given, 0.3)["gain"], np.arange(COUNT))
    assert given.axes["gain"][2] == "gain"
    named = made(gains=np.arange(COUNT), gain_name="gain in AP")
    assert figure(named).layout.yaxis4.title.text == "gain in AP"
    assert results.axes["gain"][2] == "gain in F1"


def test_thinned_curves_hold_the_area(results):
    found = face_results.curves(results)
    for i in (0, 20, 39):
        true, scores = results.labels[:, i], results.scores[:, i]
        x, y = found["ROC"][i]
        assert len(x) <= face_results.MOST_POINTS
        assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
        area = metrics.roc_auc_score(true, scores)
        assert metrics.auc(x, y) == pytest.approx(area, abs=0.01)
        recall, precision = found["precision-recall"][i]
        assert len(recall) <= face_results.MOST_POINTS
        full = metrics.precision_recall_curve(true, scores)
        area = metrics.auc(full[1], full[0])
        assert metrics.auc(recall, precision) == pytest.approx(area, abs=0.02)


def test_the_summary_counts_and_compares(results):
    lines = face_results.summary(results, points(results, START))
    table = {line.split()[0]: line.split()[1:] for line in lines[1:5]}
    members = groups_of(results.frequencies)
    assert {k: int(v[0]) for k, v in table.items()} == {
        **{name: len(some) for name, some in members.items()},
        "all": COUNT,
    }
    said = (results.scores >= START).sum() / results.labels.sum()
    assert float(table["all"][2]) == pytest.approx(said, abs=0.005)


def test_rank_correlation_is_said_only_where_there_is_one(results):
    title = face_results.gain_title(points(results, START))
    assert re.search(r"rank corr\. [+-][01]\.\d\d$", title)
    rising = made(gains=FREQUENCIES)  # weights fall with frequency
    title = face_results.gain_title(points(rising, START))
    assert title.endswith("-1.00")
    same = made(gains=np.ones(COUNT))
    assert face_results.gain_title(points(same, START)) == "weight and gain"
    none = made(weights=None)
    assert face_results.gain_title(points(none, START)).endswith("not given")


# --- the live figure


def steps(fig):
    return fig.layout.sliders[0].steps


def moved_traces(fig):
    return steps(fig)[0].args[2]


def test_the_slider_moves_every_point_and_the_threshold(results, fig):
    assert [s.label for s in steps(fig)] == [f"{t:.2f}" for t in THRESHOLDS]
    dots = [i for i, t in enumerate(fig.data) if t.mode == "markers"]
    assert len(dots) == len(PANELS) * len(groups_of(results.frequencies))
    for step, threshold in zip(steps(fig), THRESHOLDS, strict=True):
        update, words, traces = step.args
        assert [*traces[:-1]] == dots
        assert len(update["x"]) == len(update["y"]) == len(traces)
        assert [*update["x"][-1]] == [threshold] * 2
        assert len(words) == 2


def test_each_step_shows_the_numbers_of_its_threshold(results, fig):
    members = [*groups_of(results.frequencies).values()]
    for place in (0, 5, -1):
        update = steps(fig)[place].args[0]
        found = points(results, THRESHOLDS[place])
        for panel, (_, up) in enumerate(PANELS.values()):
            parts = update["y"][panel * len(members) :][: len(members)]
            for part, chosen in zip(parts, members, strict=True):
                expected = found[up][chosen]
                some = np.array(part, dtype=float)  # None becomes NaN
                if up != "yes rate":
                    np.testing.assert_allclose(some, expected, 6e-3, 1e-9)
                assert len(some) == len(chosen)
    assert len({str(step.args) for step in steps(fig)}) == len(THRESHOLDS)


def test_what_is_drawn_first_is_the_step_that_the_slider_shows(fig):
    step = steps(fig)[fig.layout.sliders[0].active]
    update, words, traces = step.args
    assert step.label == f"{START:.2f}"
    for trace, x, y in zip(traces, update["x"], update["y"], strict=True):
        assert (fig.data[trace].x, fig.data[trace].y) == (tuple(x), tuple(y))
    for key, text in words.items():
        place = int(re.search(r"\d+", key)[0])
        assert fig.layout.annotations[place].text == text


def test_zero_has_a_place_on_logarithmic_axes():
    silent = made(4, scores=np.zeros((400, 4)))
    update = steps(figure(silent))[0].args[0]
    count = len(groups_of(silent.frequencies))
    panel = [*PANELS].index("rate")
    drawn = np.concatenate(update["y"][panel * count :][:count])
    assert (drawn == 0.5 / 400).all()


def test_the_menu_picks_one_attribute_in_every_panel(results, fig):
    buttons = fig.layout.updatemenus[0].buttons
    assert len(buttons) == 1 + COUNT
    for place in (1, 12, COUNT):
        update, traces = buttons[place].args
        label = buttons[place].label
        assert label == f"Attribute {place - 1}"
        opacity, chosen = update["opacity"], update["selectedpoints"]
        assert len(opacity) == len(traces)
        bright, picked = [], []
        for i, trace in enumerate(traces):
            one = fig.data[trace]
            if one.mode == "lines" and opacity[i] == 1:
                bright.append(one.name)
            if one.mode == "markers":
                some = chosen[i % len(chosen)]  # as Plotly repeats it
                picked += [one.text[j] for j in some]
        assert bright == [label] * 2
        assert picked == [label] * len(PANELS)
    update, traces = buttons[0].args
    assert {*update["opacity"]} == {0.7, 1}
    assert [*update["selectedpoints"]] == [None]


def test_the_legend_hides_a_group_in_all_panels(results, fig):
    members = groups_of(results.frequencies)
    shown = [t.legendgroup for t in fig.data if t.showlegend]
    assert shown == [*members]
    symbols = {t.legendgroup: t.marker.symbol for t in fig.data if t.text}
    assert len({*symbols.values()}) == 3
    for name, some in members.items():
        lines = [
            t for t in fig.data if t.legendgroup == name and t.mode == "lines"
        ]
        assert len(lines) == 2 * len(some)


def test_axes_stay_where_they_are(results, fig):
    for panel in (1, 2, 3, 4, 5, 6, 7):
        suffix = "" if panel == 1 else panel
        assert fig.layout[f"yaxis{suffix}"].range is not None
    low, high = fig.layout.yaxis5.range
    leads = [points(results, t)["lead"] for t in THRESHOLDS]
    assert low < np.min(leads) and high > max(np.max(leads), 0)


def test_without_weights_the_panel_is_empty_and_says_so():
    some = figure(made(4, weights=None))
    titles = [a.text for a in some.layout.annotations]
    assert "weight and gain: not given" in titles
    assert "weight and gain" not in titles
    panel = [t for t in some.data if t.xaxis == "x4" and t.text]
    assert panel and all(set(t.y) == {None} for t in panel)


def test_an_attribute_that_no_face_has_is_left_out():
    labels = made(4).labels.copy()
    labels[:, 0] = False
    some = made(4, labels=labels)
    drawn = figure(some)
    assert drawn.data[0].x == () and drawn.data[1].x != ()
    assert "-" in dashboard(some, alt=ALT).still()


def test_the_figure_is_small_and_plain(fig):
    text = fig.to_json()
    assert len(text) < 250_000
    assert "bdata" not in text  # which Plotly 5.24 does not read
    assert not WORDS.search(text)
    assert fig.layout.width is None  # takes the page's


# --- what is shown


def test_the_still_needs_neither_script_nor_network(board):
    html = board.still()
    assert "<script" not in html and not WORDS.search(html)
    escaped = "scores &amp; thresholds, &lt;rare&gt; attributes dark"
    assert re.search(f'<img[^>]* alt="[^"]*{escaped}"', html)
    assert len(html) < 150_000
    rows = re.findall(r'<th scope="row">([^<]+)</th>', html)
    assert rows == [f"Attribute {i}" for i in range(COUNT)]  # rarest first


def test_live_html_names_itself_and_loads_only_plotly(board):
    html = board.live()
    assert 'role="figure" aria-label="Seven panels' in html
    urls = {*WORDS.findall(html)} - {"https://plot.ly"}
    assert len(urls) == 1 and urls.pop().startswith("https://cdn.plot.ly/")
    assert html == board.live()  # no random name: the notebook stays as it is


@pytest.mark.parametrize("colab", [False, True])
def test_two_outputs_are_displayed(board, monkeypatch, colab):
    outputs = []
    monkeypatch.setattr(
        "IPython.display.display", lambda part, raw=False: outputs.append(part)
    )
    monkeypatch.setattr(runtime, "in_colab", lambda: colab)
    board._ipython_display_()
    still, live = outputs
    assert still.data == board.still()
    assert live["text/plain"] == ALT
    assert live.get("text/html") == (board.live() if colab else None)
    mimetype = "application/vnd.plotly.v1+json"
    assert (mimetype in live) == (not colab)
    if not colab:
        assert json.dumps(live[mimetype])
        assert len(live[mimetype]["data"]) == len(board.figure.data)


BAD = {
    "frequencies": ({"frequencies": np.ones(4)}, "between 0 and 1"),
    "fewer": ({"frequencies": np.full(3, 0.5)}, r"frequencies need .* \(4,"),
    "names": ({"names": "abc", "frequencies": np.full(3, 0.5)}, "3 names"),
    "labels": ({"labels": np.ones((400, 4))}, "labels must be bool"),
    "logits": ({"scores": np.full((400, 4), 3.0)}, "sigmoid"),
    "shape": ({"scores": np.ones((400, 3))}, "the same shape"),
    "baseline": ({"baseline_scores": np.ones((4, 4))}, "the same shape"),
    "weights": ({"weights": np.ones(3)}, "weights must be 4 finite numbers"),
    "no weight": ({"weights": np.zeros(4)}, "weights must be above 0"),
    "gains": ({"gains": np.full(4, np.nan)}, "gains must be 4 finite"),
}


@pytest.mark.parametrize("case", BAD)
def test_results_that_do_not_fit_are_named(case):
    fields, words = BAD[case]
    with pytest.raises(ValueError, match=words):
        made(4, **fields)


def test_a_dashboard_needs_results_alt_text_and_plotly(monkeypatch):
    with pytest.raises(TypeError, match=r"must be Results\(...\), got dict"):
        dashboard({}, alt=ALT)
    with pytest.raises(ValueError, match="alt text"):
        dashboard(made(4), alt="")
    monkeypatch.setitem(sys.modules, "plotly.subplots", None)
    with pytest.raises(ModuleNotFoundError, match="pip install plotly"):
        face_dashboard.dashboard(made(4), alt=ALT)
