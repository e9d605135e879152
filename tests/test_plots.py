import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from course_utils import plots

ALT = "A line that rises from left to right & <ends>"


@pytest.fixture
def displayed(monkeypatch):
    bundles = []
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, raw: bundles.append(bundle)
    )
    return bundles


def figure():
    fig, ax = plt.subplots()
    ax.plot([0, 1])
    return fig


def test_show_emits_alt_text_png_and_plain_text(displayed):
    fig = figure()
    plots.show(fig, alt=ALT)
    (bundle,) = displayed
    assert "&amp; &lt;ends&gt;" in bundle["text/html"]
    assert bundle["text/plain"] == ALT
    png = base64.b64decode(bundle["image/png"])
    assert Image.open(io.BytesIO(png)).format == "PNG"
    assert bundle["image/png"] in bundle["text/html"]
    assert not plt.fignum_exists(fig.number)


@pytest.mark.parametrize("alt", ["", "   ", "heat map", None, "a" * 19])
def test_alt_text_must_say_something(displayed, alt):
    with pytest.raises(ValueError, match="alt text"):
        plots.show(figure(), alt=alt)
    assert displayed == []
    plt.close("all")


def test_heatmap_numbers_stay_legible():
    fig, ax = plt.subplots()
    matrix = np.array([[0.0, 0.5], [1.0, 0.25]])
    plots.heatmap(ax, matrix, "keys", "queries", values=True)
    colours = {text.get_text(): text.get_color() for text in ax.texts}
    assert colours == {
        "0.00": "white",
        "0.50": "white",
        "1.00": "black",
        "0.25": "white",
    }
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("keys", "queries")
    plt.close(fig)


def test_heatmap_refuses_what_is_no_matrix():
    fig, ax = plt.subplots()
    with pytest.raises(ValueError, match=r"got \(2, 3, 4\)"):
        plots.heatmap(ax, np.ones((2, 3, 4)), "keys", "queries")
    plt.close(fig)


def test_images_of_any_number(displayed):
    for count in (1, 2, 5, 6, 7, 11):
        pictures = [np.zeros((4, 4))] * count
        plots.images(pictures, [str(i) for i in range(count)], alt=ALT)
    assert len(displayed) == 6


def test_images_refuses_nonsense(displayed):
    with pytest.raises(ValueError, match="no picture"):
        plots.images([], alt=ALT)
    with pytest.raises(ValueError, match="2 pictures, 1 titles"):
        plots.images([np.zeros((2, 2))] * 2, ["one"], alt=ALT)


def test_gif_holds_every_frame(displayed):
    frames = [np.full((8, 8, 3), 40 * i, np.uint8) for i in range(5)]
    plots.gif(frames, alt=ALT)
    html = displayed[0]["text/html"]
    data = base64.b64decode(html.split("base64,")[1].split('"')[0])
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "GIF"
    assert picture.n_frames == 5
    assert picture.info["loop"] == 0


def test_curves_differ_by_more_than_colour():
    fig, ax = plt.subplots()
    lines = {"raw": [1, 2, 4], "scaled": [1, 1, 1]}
    plots.curves(ax, [1, 10, 1000], lines, "head_dim", log="xy")
    drawn = ax.get_lines()
    assert len({(one.get_marker(), one.get_linestyle()) for one in drawn}) == 2
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "10", "1,000"]
    assert ax.get_xscale() == ax.get_yscale() == "log"
    with pytest.raises(ValueError, match="'short' has 2 values for 3 points"):
        plots.curves(ax, [1, 2, 3], {"short": [1, 2]}, "x")
    plt.close(fig)


def test_source_shows_code_as_it_stands():
    import inspect

    shown = plots.source(plots.source, plots.curves)
    code = "".join(map(inspect.getsource, (plots.source, plots.curves)))
    assert shown.data.split() == code.split()
    assert "<pre" in shown._repr_html_()
