"""Live curves: what they show, when, and that they disturb nothing."""

import base64
import html
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import live
from course_utils.live import LiveCurves, live_losses
from course_utils.training import Training, make_accelerator

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def shown(monkeypatch):
    """The curves as a notebook would show them: (text, html), in order."""
    texts = []

    class Handle:
        def update(self, curves):
            texts.append((repr(curves), curves._repr_html_()))

    def display(curves, display_id):
        texts.append((repr(curves), curves._repr_html_()))
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    return texts


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves 0.1 s at each look."""
    now = [0.0]

    def monotonic():
        now[0] += 0.1
        return now[0]

    monkeypatch.setattr(live.time, "monotonic", monotonic)
    return now


def drawn(curves):
    """The picture as a tree of elements."""
    source = re.search(r'base64,([^"]*)"', curves._repr_html_())[1]
    return ET.fromstring(base64.b64decode(source))


def words_of(curves):
    return [part.text for part in drawn(curves).iter(f"{SVG}text")]


def lines_of(curves):
    """The curves' paths: those that are dashed or not, without samples."""
    paths = [p for p in drawn(curves).iter(f"{SVG}path") if p.get("fill")]
    return [path for path in paths if "h26" not in path.get("d")]


def points_of(path):
    pairs = re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.get("d"))
    return np.array(pairs, dtype=float)


def y_ticks(curves):
    """Where the ticks of the vertical axis are, by their words."""
    texts = drawn(curves).iter(f"{SVG}text")
    ticks = [t for t in texts if t.get("text-anchor") == "end"]
    return {t.text: float(t.get("y")) - 4 for t in ticks}


def filled(*columns, names=None, **options):
    names = names or [f"curve {i}" for i in range(len(columns))]
    curves = LiveCurves("errors", names, **options)
    curves._shown_at = np.inf  # never shown
    for x, values in enumerate(zip(*columns, strict=True)):
        curves.add(x, *values)
    return curves


def test_it_is_redrawn_now_and_then_and_once_at_the_end(shown, clock):
    with LiveCurves("errors", ["test"]) as curves:
        for step in range(100):
            curves.add(step, 100 - step)
    texts = [text for text, _ in shown]
    assert texts[0] == "errors: no points yet"
    assert texts[-1] == "errors, step 99: test 1"
    assert 10 < len(texts) < 30  # 100 looks at the clock, 0.1 s each


def test_without_with_the_first_point_shows_it(shown):
    curves = LiveCurves("errors", "test")
    assert shown == []
    curves.add(0, 3)
    curves.add(1, 2)
    assert [text for text, _ in shown] == ["errors, step 0: test 3"]
    curves.close()
    assert shown[-1][0] == "errors, step 1: test 2"


def test_an_interruption_leaves_what_was_reached(shown):
    with pytest.raises(KeyboardInterrupt), LiveCurves("x", ["y"]) as curves:
        curves.add(0, 1)
        curves.add(1, 0.25)
        raise KeyboardInterrupt
    assert shown[-1][0] == "x, step 1: y 0.25"


def test_it_says_in_words_what_is_to_be_seen():
    curves = filled([2.0, 1, 0.5], [3.0, 3, 1], names=["a<b", "test"])
    said = (
        "Curves of errors, step 0 to 2: a<b from 2 to 0.5; test from 3 to 1."
    )
    assert f'alt="{html.escape(said)}"' in curves._repr_html_()
    picture = drawn(curves)
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == said
    empty = LiveCurves("errors", ["test"])
    assert "no points yet" in words_of(empty)
    assert re.search(r'<img [^>]*alt="[^"]{20,}"', empty._repr_html_())


def test_points_lie_where_the_ticks_say():
    curves = filled([0.0, 10, 5, 20])
    (line,) = lines_of(curves)
    x, y = points_of(line).T
    assert np.allclose(np.diff(x), (x[-1] - x[0]) / 3, atol=0.1)
    ticks = y_ticks(curves)
    for value, height in zip(("0", "10", "5", "20"), y, strict=True):
        assert ticks[value] == pytest.approx(height, abs=0.2)


def test_a_logarithmic_axis_makes_equal_ratios_equal_distances():
    curves = filled([1000.0, 10, 0.1, -1, 0.001], log_y=True)
    (line,) = lines_of(curves)
    heights = points_of(line)[:, 1]
    assert np.allclose(np.diff(heights), np.diff(heights)[0], atol=0.2)
    assert line.get("d").count("M") == 2  # a gap where it is negative
    ticks = y_ticks(curves)
    assert ticks["1"] == pytest.approx(heights[1:3].mean(), abs=0.2)
    assert {*ticks} == {"0.01", "1", "100"}


@pytest.mark.parametrize("low, high", [(0.9, 1.3), (0.2, 3), (1e-9, 1e6)])
def test_a_logarithmic_axis_of_any_length_has_ticks(low, high):
    assert 2 <= len(y_ticks(filled([low, high], log_y=True))) <= 7


def test_curves_differ_by_more_than_colour():
    curves = filled(*[[2.0, 1.0]] * 6)  # all end at the bottom
    lines = lines_of(curves)
    assert len({line.get("stroke-dasharray") for line in lines}) == 6
    assert len({line.get("stroke") for line in lines}) == 6
    labels = [t for t in drawn(curves).iter(f"{SVG}text") if "curve" in t.text]
    assert [label.text for label in labels] == [
        f"curve {i} 1" for i in range(6)
    ]
    heights = sorted(float(label.get("y")) for label in labels)
    assert min(np.diff(heights)) >= 16  # none on another
    ticks = y_ticks(curves)
    assert ticks["2"] < min(heights) and max(heights) < ticks["1"] + 30


@pytest.mark.parametrize("spike", [40, -40])
def test_a_long_curve_is_thinned_but_keeps_its_spike(spike):
    values = np.random.default_rng(0).random((6, 1000))
    values[2, 777] = spike
    curves = filled(*values)
    assert len(curves._repr_html_()) < 30_000
    x, y = points_of(lines_of(curves)[2]).T
    place = np.abs(y - np.median(y)).argmax()
    share = (x[place] - x[0]) / (x[-1] - x[0])
    assert share == pytest.approx(777 / 999, abs=1e-3)
    assert np.abs(y - np.median(y)).max() > 100


@pytest.mark.parametrize("count", [3, 1000])
def test_what_is_no_number_leaves_a_gap(count):
    values = np.ones(count)
    values[count // 3 : count // 2 + 1] = np.nan
    values[-1] = np.inf
    curves = filled(values)
    (line,) = lines_of(curves)
    assert line.get("d").count("M") == 1 + (count > 3)
    assert "nan" not in line.get("d")
    assert "curve 0 inf" in words_of(curves)


def test_nothing_but_nan_is_no_error():
    assert "no points yet" in words_of(filled([np.nan, np.nan]))


def test_one_point_alone_can_be_seen():
    circles = [*drawn(filled([3.0])).iter(f"{SVG}circle")]
    assert len(circles) == 1


@pytest.mark.parametrize(
    "names", [[], ["a", "a"], [*"abcdefg"]], ids=["none", "twins", "seven"]
)
def test_names_must_tell_curves_apart(names):
    with pytest.raises(ValueError, match="give 1 to 6 names that differ"):
        LiveCurves("x", names)


def test_points_that_do_not_fit_are_named():
    curves = filled([1.0, 2.0])
    with pytest.raises(ValueError, match=r"1 curves \(curve 0\) need"):
        curves.add(5, 1, 2)
    with pytest.raises(ValueError, match="x goes back from 1 to 0"):
        curves.add(0, 1)
    assert len(curves.x) == len(curves.rows) == 2


# --- beside a training


def make(steps=35):
    torch.manual_seed(0)
    model = nn.Linear(4, 2)
    called = []

    def loss_at(step):
        inputs = torch.randn(8, 4)
        return (model(inputs) - inputs[:, :2]).square().mean()

    training = Training(
        loss_at=loss_at,
        modules={"model": model},
        optimizer=torch.optim.AdamW(model.parameters(), lr=0.1),
        steps=steps,
        accelerator=make_accelerator(cpu=True),
        after_step=called.append,
    )
    return training, called


@pytest.fixture
def quiet(monkeypatch):
    """No progress bar: `shown` takes curves only."""
    monkeypatch.setattr(
        "course_utils.progress_bar.ProgressBar.__enter__", lambda bar: bar
    )


def test_losses_are_shown_and_nothing_is_disturbed(shown, quiet):
    plain, _ = make()
    plain.run()
    torch.manual_seed(7)
    watched, called = make()
    before = watched.after_step
    with live_losses(watched, "regression", mean_of=4) as curves:
        watched.run()
    assert watched.losses == plain.losses
    assert called == [*range(35)] and watched.after_step is before
    assert curves.x == [10, 20, 30, 35]
    wanted = [np.mean(plain.losses[x - 4 : x]) for x in curves.x]
    assert np.ravel(curves.rows) == pytest.approx(wanted)
    assert shown[-1][0].startswith("regression, step 35: loss, mean of 4 ")


def test_no_random_number_is_drawn(shown):
    torch.manual_seed(3)
    np.random.seed(3)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    with LiveCurves("x", ["y"]) as curves:
        for step in range(300):
            curves.add(step, step)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()


def test_it_grows_while_the_training_runs(shown, quiet, clock):
    training, _ = make()
    with live_losses(training, "regression", every=1):
        training.run()
    steps = [re.search(r"step (\d+)", text) for text, _ in shown]
    steps = [int(found[1]) for found in steps if found]
    assert len(steps) > 3 and steps == sorted(steps)


def test_a_broken_training_gets_its_hook_back(shown, quiet):
    training, called = make()
    before, training.loss_at = training.after_step, lambda step: 1 / 0
    with pytest.raises(ZeroDivisionError), live_losses(training, "x"):
        training.run()
    assert training.after_step is before


def test_a_resumed_training_is_drawn_from_its_beginning(
    shown, quiet, tmp_path, capsys
):
    whole, _ = make()
    whole.run(path=tmp_path / "checkpoint", watch=lambda: 0.5)
    again, _ = make()
    with live_losses(again, "regression", mean_of=1, every=7) as curves:
        again.run(path=tmp_path / "checkpoint")
    assert curves.x == [7, 14, 21, 28, 35]
    assert np.ravel(curves.rows) == pytest.approx(whole.losses[6::7])


@pytest.mark.parametrize("name", ["mean_of", "every"])
def test_counts_of_steps_must_be_whole(name):
    training, _ = make()
    with (
        pytest.raises(ValueError, match=f"{name} must be 1 or more, got 0"),
        live_losses(training, "x", **{name: 0}),
    ):
        pass


def test_what_is_watched_is_drawn_and_noted(shown, quiet):
    training, _ = make()
    with LiveCurves("errors", ["one", "other"]) as curves:
        training.run(
            watch=curves.watching(
                training, lambda: {"one": training.done, "other": 0.5}
            ),
            watch_every=10,
        )
    assert curves.x == [0, 10, 20, 30, 35]
    assert curves.rows[1] == [10, 0.5]
    assert training.notes[10] == {"one": 10, "other": 0.5}


def test_what_was_watched_before_is_drawn_too(shown, quiet, tmp_path, capsys):
    path = tmp_path / "checkpoint"
    make()[0].run(watch=lambda: 0.25, watch_every=10, path=path)
    again, _ = make()
    with LiveCurves("errors", ["test"]) as curves:
        again.run(watch=curves.watching(again, lambda: 9), path=path)
    assert curves.x == [0, 10, 20, 30, 35]
    assert {*np.ravel(curves.rows)} == {0.25}


SCRIPT = """
from course_utils.live import LiveCurves
with LiveCurves("errors", ["test"]) as curves:
    for step in range(5):
        curves.add(step, 5 - step)
"""


def test_in_a_script_it_prints_at_the_start_and_at_the_end(root):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "errors: no points yet",
        "errors, step 4: test 1",
    ]


def test_a_saved_notebook_keeps_one_picture_the_last(root):
    import nbclient
    import nbformat

    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(SCRIPT)]
    nbclient.NotebookClient(
        notebook, resources={"metadata": {"path": str(root)}}
    ).execute()
    (output,) = notebook.cells[0].outputs
    assert output.data["text/plain"] == "errors, step 4: test 1"
    assert "test from 5 to 1." in output.data["text/html"]
