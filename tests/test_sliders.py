"""Sliders: every move draws anew, in pictures and in words."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from course_utils import sliders


def softmax(logits):
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def encode(num_positions, width):
    rates = 10000.0 ** (-np.arange(0, width, 2) / width)
    angles = np.arange(num_positions)[:, None] * rates
    pairs = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    return pairs.reshape(num_positions, width)


def encode_2d(rows, cols, width):
    down = np.repeat(encode(rows, width // 2), cols, axis=0)
    return np.hstack([down, np.tile(encode(cols, width // 2), (rows, 1))])


def grey(level):
    return np.full((20, 30), level, np.uint8), f"grey level {level}"


def pixels_of(figure):
    """The picture a figure shows now."""
    png = re.search(r"base64,([^\"]*)", figure.view.value).group(1)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))))


def test_a_move_draws_picture_and_words_anew():
    figure = sliders.slider_figure(
        grey, "t-grey", alt="A grey field.", level=(0, 255, 5, 100)
    )
    assert (pixels_of(figure) == 100).all()
    figure.sliders["level"].value = 205
    assert (pixels_of(figure) == 205).all()
    assert "grey level 205" in figure.view.value
    assert 'alt="A grey field."' in figure.view.value


def test_numbers_decide_the_kind_of_slider():
    figure = sliders.slider_figure(
        lambda count, share: grey(count)[0],
        "t-kinds",
        alt="A grey field.",
        count=(0, 9, 1, 3),
        share=(0, 1, 0.5, 0.5),
    )
    kinds = [type(part).__name__ for part in figure.sliders.values()]
    assert kinds == ["IntSlider", "FloatSlider"]


def test_an_error_in_draw_is_said_where_the_learner_looks():
    def draw(level):
        if level > 5:
            raise RuntimeError("level <too> high")
        return grey(level)

    figure = sliders.slider_figure(
        draw, "t-error", alt="A grey field.", level=(0, 9, 1, 0)
    )
    figure.sliders["level"].value = 8
    assert "level &lt;too&gt; high" in figure.view.value
    figure.sliders["level"].value = 2
    assert (pixels_of(figure) == 2).all()


def test_shown_figures_carry_a_static_picture(capsys, monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(
        IPython.display, "display", lambda part, **_: shown.append(part)
    )
    figure = sliders.slider_figure(
        grey, "t-grey", alt="A grey field.", level=(0, 255, 5, 100)
    )
    figure._ipython_display_()
    static, live = shown
    assert 'alt="A grey field."' in static.data
    assert "data:image/png;base64," in static.data
    view = live["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == figure.box.model_id
    assert "VBox" not in live["text/plain"]


GIVEN = {"draw": grey, "css_class": "t-grey", "alt": "A grey field."}
BAD = {
    "no function": ({"draw": 3}, TypeError, "must be a function"),
    "other names": ({"size": (0, 1, 1, 0)}, TypeError, "fit the sliders"),
    "no slider": ({"level": None}, ValueError, "at least one slider"),
    "three numbers": ({"level": (0, 9, 1)}, ValueError, "slider level"),
    "words": ({"level": tuple("abcd")}, ValueError, "slider level"),
    "wrong order": ({"level": (9, 0, 1, 4)}, ValueError, "first < last"),
    "no step": ({"level": (0, 9, 0, 4)}, ValueError, "step > 0"),
    "value outside": ({"level": (0, 9, 1, 10)}, ValueError, "between"),
    "bad class": ({"css_class": 'x" y'}, ValueError, "css_class"),
    "no alt": ({"alt": ""}, ValueError, "alt must say"),
    "floats drawn": (
        {"draw": lambda level: np.ones((4, 4))},
        ValueError,
        "uint8",
    ),
    "nothing drawn": ({"draw": lambda level: None}, ValueError, "uint8"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case):
    change, kind, message = BAD[case]
    given = {**GIVEN, "level": (0, 255, 5, 100), **change}
    if case == "no slider":
        del given["level"]
    with pytest.raises(kind, match=message):
        sliders.slider_figure(**given)


@pytest.mark.parametrize("name", ["viridis", "cividis"])
def test_colormap_agrees_with_matplotlib(name):
    import matplotlib

    matrix = np.random.default_rng(0).normal(size=(5, 7))
    norm = matplotlib.colors.Normalize(-1, 1, clip=True)
    expected = matplotlib.colormaps[name](norm(matrix))[..., :3] * 255
    made = sliders.colormap(matrix, -1, 1, name)
    assert np.abs(made - expected).max() <= 0.51  # rounding
    assert (
        sliders.colormap(matrix, -1, 1, name, size=(50, 70))[::10, ::10]
        == made
    ).all()


def test_colormap_of_a_constant_is_one_colour():
    made = sliders.colormap(np.full((2, 3), 0.25))
    assert (made == made[0, 0]).all()


@pytest.mark.parametrize(
    "matrix", [np.zeros(3), np.zeros((0, 3)), np.array([[np.nan]])]
)
def test_colormap_refuses_what_has_no_colour(matrix):
    with pytest.raises(ValueError, match="matrix"):
        sliders.colormap(matrix)


def blue_height(picture, index, count):
    """Height in pixels of bar `index` of a chart of `count` bars."""
    blue = (picture == (33, 102, 172)).all(axis=2)
    columns = np.array_split(blue[:, 110:-30], count, axis=1)
    return columns[index].any(axis=1).sum()


def test_bars_are_as_high_as_their_values():
    heights = [
        blue_height(sliders.bars([0.8, 0.4, 0.2], list("abc")), index, 3)
        for index in range(3)
    ]
    assert heights[0] == pytest.approx(2 * heights[1], abs=4)
    assert heights[1] == pytest.approx(2 * heights[2], abs=4)


@pytest.mark.parametrize(
    ("values", "labels"),
    [([0.5], ["a", "b"]), ([np.nan], ["a"]), ([-0.1], ["a"])],
)
def test_bars_refuse_what_they_cannot_draw(values, labels):
    with pytest.raises(ValueError, match="bars need"):
        sliders.bars(values, labels)


def test_temperature_uses_the_lessons_softmax():
    asked = []

    def counted(logits):
        asked.append(logits)
        return softmax(logits)

    figure = sliders.softmax_temperature([2.0, 1.0, 0.0], counted)
    figure.sliders["temperature"].value = 4.0
    np.testing.assert_allclose(asked[-1], [0.5, 0.25, 0.0])
    assert f"weight is {softmax(asked[-1])[0]:.2f}, on key 0" in (
        figure.view.value
    )


def test_cold_softmax_has_no_nan_entropy():
    figure = sliders.softmax_temperature([900.0, 0.0], softmax)
    figure.sliders["temperature"].value = 0.05
    assert "entropy 0.00" in figure.view.value


@pytest.mark.parametrize("logits", [[1.0], [[1.0, 2.0]], [1.0, np.inf]])
def test_temperature_refuses_what_is_no_row_of_logits(logits):
    with pytest.raises(ValueError, match="logits must be"):
        sliders.softmax_temperature(logits, softmax)


def test_positions_say_their_similarity():
    figure = sliders.positional_encoding(encode, num_positions=20, width=8)
    figure.sliders["position"].value = 19  # the last has a neighbour too
    table = encode(20, 8)
    alike = table[19] @ table[18] / 4  # rows have squared length width / 2
    assert f"neighbour 18 is {alike:.2f}" in figure.view.value
    before = pixels_of(figure)
    figure.sliders["width"].value = 16
    assert not np.array_equal(before, pixels_of(figure))


def test_patches_say_the_least_similar():
    figure = sliders.positional_encoding_2d(encode_2d, rows=5, cols=7)
    figure.sliders["row"].value = 0
    figure.sliders["column"].value = 0
    table = encode_2d(5, 7, 64)
    row, col = divmod(int((table @ table[0]).argmin()), 7)
    assert f"row {row}, column {col}, at" in figure.view.value
