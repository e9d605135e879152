"""The patch graph's explorer, sliders and monitor say what is computed."""

import base64
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from course_utils import graph_monitor, graph_widgets, patch_graph
from course_utils.ladder import psnr
from course_utils.noise import add_noise

ALT = "A slope of colours with an edge."
NOISE = 25 / 255


def scene(side=24):
    """A photo with a slope and an edge."""
    across = np.linspace(0.2, 0.8, side)
    image = np.stack(
        [*np.meshgrid(across, across), np.full((side, side), 0.5)]
    )
    image[:, side // 3 :, side // 2 :] *= 0.5
    return image.transpose(1, 2, 0)


# --- explorer


def test_heads_are_the_graphs_attention_at_each_sigma():
    noisy = add_noise(scene(), NOISE, seed=0)
    shown = graph_widgets.graph_explorer(
        noisy, alt=ALT, sigmas=(0.07, 0.3), radius=4, noise=NOISE
    )
    patches, centers = patch_graph.extract_patches(noisy)
    for head, sigma in enumerate((0.07, 0.3)):
        expected = patch_graph.compute_self_similarity(
            patch_graph.build_patch_graph_radius(
                centers, patches, sigma, 4, NOISE
            )
        ).toarray()
        assert np.allclose(shown.attn[0, head], expected, atol=1e-6)
    assert shown.titles == ["sigma 0.07", "sigma 0.3"]
    assert shown.tokens.grid == (24, 24)
    assert shown.start[1] == 12 * 24 + 12
    assert np.array_equal(
        shown.image, np.rint(255 * noisy.clip(0, 1)).astype(np.uint8)
    )


@pytest.mark.parametrize("side, heads", [(24, 4), (28, 3), (32, 3)])
def test_an_explorer_is_small(side, heads):
    """Wide heads on noise hardly compress: the worst there will be."""
    noisy = add_noise(scene(side), NOISE, seed=0)
    sigmas = np.linspace(0.1, 0.4, heads)
    shown = graph_widgets.graph_explorer(noisy, alt=ALT, sigmas=sigmas)
    assert len(shown._repr_html_()) <= 250_000
    assert shown.error < 0.08 if side > 24 else shown.error < 0.02


def bad(**changes):
    given = {"image": scene(8), "alt": ALT} | changes
    return graph_widgets.graph_explorer(given.pop("image"), **given)


BAD = {
    "large": ({"image": scene(33)}, r"33x33 .* 1,024 is the most: cut out"),
    "grey": ({"image": scene(8)[..., :1]}, "needs 3 channels, got 1"),
    "smaller than a patch": ({"image": scene(8)[:4]}, "at least 5 pixels"),
    "sigma of 0": ({"sigmas": (0.0,)}, "sigma must be above 0"),
    "no alt": ({"alt": " "}, "alt must say"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_explorer_is_named(case):
    changes, words = BAD[case]
    with pytest.raises(ValueError, match=words):
        bad(**changes)


# --- sliders


@pytest.fixture(scope="module")
def pair():
    clean = scene(24)
    return clean, add_noise(clean, NOISE, seed=1)


@pytest.fixture
def figure(pair):
    return graph_widgets.graph_sliders(*pair, alt=ALT)


def move(figure, **values):
    for name, value in values.items():
        figure.sliders[name].value = value


def panels(figure):
    """Return the four pictures, one colour for each of their pixels."""
    data = base64.b64decode(re.search(r'base64,([^"]*)', figure.view.value)[1])
    image = np.asarray(Image.open(io.BytesIO(data)))[graph_widgets.HEAD :]
    step = graph_widgets.PANEL + graph_widgets.GAP
    return [
        image[8::16, left + 8 : left + graph_widgets.PANEL : 16]
        for left in range(0, 4 * step, step)
    ]


@pytest.mark.parametrize(
    "sigma, tau, steps, radius",
    [(0.1, 1.0, 1, 5), (0.02, 0.5, 3, 7), (0.3, 0.05, 10, 1)],
)
def test_sliders_show_what_denoise_returns(
    figure, pair, sigma, tau, steps, radius
):
    clean, noisy = pair
    move(figure, sigma=sigma, tau=tau, steps=steps, radius=radius)
    expected = patch_graph.denoise(noisy, sigma, tau, steps, radius)
    shown = panels(figure)
    smoothed = 255 * expected.clip(0, 1)
    assert np.abs(shown[1] - smoothed).max() <= 0.51
    assert np.array_equal(shown[2], np.rint(255 * clean))
    before, after = psnr(noisy, clean), psnr(expected, clean)
    assert (
        f"PSNR {before:.2f} dB noisy, {after:.2f} dB smoothed: "
        f"{after - before:+.2f} dB" in figure.view.value
    )


def test_the_known_noise_is_taken_off(pair):
    clean, noisy = pair
    figure = graph_widgets.graph_sliders(*pair, alt=ALT, noise=NOISE)
    expected = patch_graph.denoise(noisy, 0.1, noise=NOISE)
    assert f"{psnr(expected, clean):.2f} dB smoothed" in figure.view.value


def test_without_steps_nothing_changes(figure):
    move(figure, steps=0)
    noisy, smoothed, *_ = panels(figure)
    unframed = np.ones((24, 24), dtype=bool)
    unframed[4:21, 4:21] = False
    assert np.array_equal(noisy[unframed], smoothed[unframed])
    assert "+0.00 dB" in figure.view.value


def test_the_middle_pixels_attention_is_said(figure, pair):
    _, noisy = pair
    move(figure, sigma=0.15, radius=3)
    patches, centers = patch_graph.extract_patches(noisy)
    attn = patch_graph.compute_self_similarity(
        patch_graph.build_patch_graph_radius(centers, patches, 0.15, 3)
    )
    own = attn[12 * 24 + 12, 12 * 24 + 12]
    assert f"gives itself {own:.0%} of its" in figure.view.value


def test_only_pixels_within_the_radius_are_bright(pair):
    """The map covers 15x15 pixels around the middle, row 12, column 12."""
    graph = graph_widgets._Graph(pair[1], 0.0)
    row, own = graph.middle(graph.attention(0.3, 2))
    rows, columns = np.nonzero(row)
    apart = (rows - 7) ** 2 + (columns - 7) ** 2
    assert sorted(apart) == [0] + [1] * 4 + [2] * 4 + [4] * 4
    assert row[7, 7] == own == row.max()
    assert row.sum() == pytest.approx(1, abs=1e-6)


def test_bad_photos_are_named_before_any_work(pair):
    clean, noisy = pair
    with pytest.raises(ValueError, match="same photo"):
        graph_widgets.graph_sliders(clean[:20], noisy, alt=ALT)
    with pytest.raises(ValueError, match=r"4,096 is the most: cut out"):
        graph_widgets.graph_sliders(scene(65), scene(65), alt=ALT)
    with pytest.raises(ValueError, match="at least 15 pixels"):
        graph_widgets.graph_sliders(scene(14), scene(14), alt=ALT)
    with pytest.raises(TypeError, match="divide whole numbers"):
        graph_widgets.graph_sliders(
            clean, (255 * clean).astype(np.uint8), alt=ALT
        )


# --- monitor


@pytest.fixture
def displayed(monkeypatch):
    """The html of each picture, as it is last shown."""
    latest = {}

    class Handle:
        def __init__(self, place):
            self.place = place

        def update(self, curves):
            latest[self.place] = curves._repr_html_()

    def display(curves, display_id):
        handle = Handle(len(latest))
        handle.update(curves)
        return handle

    monkeypatch.setattr("IPython.display.display", display)
    return latest


def test_the_monitor_leaves_three_static_pictures(displayed):
    heads = ["texture", "structure", "color", "spatial"]
    with graph_monitor.heads_monitor(heads) as note:
        note(0, 20.2, (0.25, 0.25, 0.25, 0.25), (0.3, 0.1))
        note(1, 24.9, (0.05, 0.8, 0.1, 0.05), (0.08, 0.9))
    alts = [
        re.search(r'alt="([^"]*)"', html)[1] for html in displayed.values()
    ]
    assert "PSNR from 20.2 to 24.9" in alts[0]
    assert "structure from 0.25 to 0.8" in alts[1]
    assert "sigma from 0.3 to 0.08; tau from 0.1 to 0.9" in alts[2]
    for html, count in zip(displayed.values(), (1, 4, 2), strict=True):
        assert html.startswith("<img ")
        source = re.search(r'src="data:image/svg\+xml;base64,([^"]*)"', html)
        svg = ET.fromstring(base64.b64decode(source[1]))
        circles = svg.findall("{http://www.w3.org/2000/svg}circle")
        assert len(circles) == count


def test_the_monitor_wants_a_weight_for_each_head(displayed):
    with (
        pytest.raises(ValueError, match="2 curves .a, b. need as many"),
        graph_monitor.heads_monitor(["a", "b"]) as note,
    ):
        note(0, 20.0, (1.0,), (0.3, 0.1))
