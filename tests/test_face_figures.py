"""Figures of week 5 show what they were given, and refuse what misleads."""

import base64
import io
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from course_utils import face_figures, plots
from course_utils.explorer.pixels import lut
from course_utils.metrics import energy_over_area

mpl.use("agg")
ALT = "Maps of attention that grow sharper from step to step"
NAMES = ("Bald", "Wearing_Hat", "Bangs", "Male", "Young")
FREQUENCIES = np.array([0.02, 0.05, 0.15, 0.42, 0.77])
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def closed():
    plt.close("all")
    yield
    plt.close("all")


def faces(count=3):
    return SimpleNamespace(
        images=RNG.integers(256, size=(count, 16, 16, 3), dtype=np.uint8),
        labels=RNG.random((count, 5)) < 0.5,
    )


def attention(*shape, keys=16):
    return RNG.dirichlet(np.ones(keys), shape)


def shown(labels):
    return [label.get_text() for label in labels]


def titles_of(fig):
    return [ax.get_title("left") for ax in fig.axes]


# --- faces and frequencies


def test_each_face_stands_under_its_positive_attributes():
    some = faces()
    some.labels[:] = [[1, 0, 0, 0, 1], [0] * 5, [1] * 5]
    fig = face_figures.face_grid(some, NAMES, columns=2)
    assert titles_of(fig) == [
        "Bald, Young",
        "none of them",
        "Bald, Wearing Hat, Bangs,\nMale, Young",
        "",
    ]
    for ax, image in zip(fig.axes, some.images, strict=False):
        assert np.array_equal(ax.images[0].get_array(), image)


def test_only_chosen_attributes_are_listed_in_their_order():
    some = faces(1)
    some.labels[:] = True
    fig = face_figures.face_grid(some, NAMES, ["Young", "Bald"])
    assert titles_of(fig) == ["Young, Bald"]


@pytest.mark.parametrize(
    "count, names, chosen, words",
    [
        (25, NAMES, None, "1 to 24 faces, got 25"),
        (0, NAMES, None, "1 to 24 faces, got 0"),
        (2, NAMES[:4], None, r"shape \(2, 4\).* got \(2, 5\)"),
        (2, NAMES, ["Hat"], "no attribute Hat: choose among Bald"),
    ],
)
def test_a_grid_that_cannot_be_drawn_is_named(count, names, chosen, words):
    with pytest.raises(ValueError, match=words):
        face_figures.face_grid(faces(count), names, chosen)
    assert not plt.get_fignums()


def test_frequencies_stand_in_order_with_what_follows_from_them():
    order = [3, 0, 4, 2, 1]
    names = [NAMES[i] for i in order]
    fig = face_figures.frequency_bars(names, FREQUENCIES[order])
    shares, accuracies, weights = fig.axes
    rows = ["Bald", "Wearing Hat", "Bangs", "Male", "Young"]
    assert shown(shares.get_yticklabels()) == rows
    bars = sorted(shares.patches, key=lambda bar: bar.get_y())
    drawn = [bar.get_width() for bar in bars]
    assert drawn == pytest.approx(100 * FREQUENCIES)
    hatches = [bar.get_hatch() for bar in bars]
    assert hatches[0] == hatches[1] and hatches[3] == hatches[4]
    assert len({*hatches}) == 3
    best, never = (line.get_xdata() for line in accuracies.get_lines())
    assert never == pytest.approx(100 * (1 - FREQUENCIES))
    assert best == pytest.approx([98, 95, 85, 58, 77])
    (weight,) = weights.get_lines()[1:]
    assert weight.get_xdata() == pytest.approx(1 / FREQUENCIES - 1)
    assert shown(weights.texts) == ["49.0", "19.0", "5.7", "1.4", "0.3"]


@pytest.mark.parametrize(
    "frequencies, words",
    [
        (FREQUENCIES[:4], r"shape \(5,\), one for each name, got \(4,\)"),
        (FREQUENCIES * 100, "between 0 and 1, got 2 to 77"),
        (np.array([0, 0.1, 0.1, 0.1, 0.1]), "leave out attributes"),
        (np.full(5, np.nan), "between 0 and 1"),
    ],
)
def test_frequencies_that_are_none_are_refused(frequencies, words):
    with pytest.raises(ValueError, match=words):
        face_figures.frequency_bars(NAMES, frequencies)


# --- maps


def test_maps_share_one_scale_and_places_are_outlined():
    images, attn = faces(2).images, attention(2, 3)
    masks = np.zeros((2, 3, 16, 16), dtype=bool)
    masks[1, 0, 4:8, 2:9] = True
    fig = face_figures.attention_maps(images, attn, NAMES[:3], masks)
    axes = np.reshape(fig.axes[:8], (2, 4))
    assert [ax.get_title() for ax in axes[0]] == [
        *("face", "Bald", "Wearing Hat", "Bangs")
    ]
    for face, row in enumerate(axes):
        assert np.array_equal(row[0].images[0].get_array(), images[face])
        for query, ax in enumerate(row[1:]):
            drawn = ax.images[1]
            weights = 16 * attn[face, query].reshape(4, 4)
            assert np.allclose(drawn.get_array(), weights)
            assert drawn.get_clim() == axes[0, 1].images[1].get_clim()
            assert drawn.get_extent() == [-0.5, 15.5, 15.5, -0.5]
            has_place = (face, query) == (1, 0)
            assert bool(ax.collections) == has_place
            assert bool(ax.get_xlabel()) == has_place
    energy = energy_over_area(attn[1, :1].reshape(1, 4, 4), masks[1, :1])
    assert axes[1, 1].get_xlabel() == f"{energy[0]:.1f} x its area"


BAD_MAPS = {
    "queries": ((2, 2), 16, r"shape \(2, 3, keys\)"),
    "faces": ((3, 3), 16, r"shape \(2, 3, keys\)"),
    "keys": ((2, 3), 15, "square grid that divides 16"),
    "side": ((2, 3), 9, "square grid that divides 16"),
}


@pytest.mark.parametrize("case", BAD_MAPS)
def test_attention_that_does_not_fit_is_named(case):
    shape, keys, words = BAD_MAPS[case]
    with pytest.raises(ValueError, match=words):
        face_figures.attention_maps(
            faces(2).images, attention(*shape, keys=keys), NAMES[:3]
        )


def test_weights_that_are_no_attention_are_refused():
    images = faces(2).images
    with pytest.raises(ValueError, match="rows of attention must sum to 1"):
        face_figures.attention_maps(images, 2 * attention(2, 3), NAMES[:3])
    with pytest.raises(ValueError, match=r"masks need shape \(2, 3, 16, 16"):
        face_figures.attention_maps(
            images, attention(2, 3), NAMES[:3], np.ones((2, 3, 4, 4))
        )


# --- animation


def gif_of(monkeypatch, *arguments, **options):
    """Return the bytes that `attention_gif` shows."""
    bundles = []
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, raw: bundles.append(bundle)
    )
    face_figures.attention_gif(*arguments, alt=ALT, **options)
    html = bundles[0]["text/html"]
    assert f'alt="{ALT}"' in html
    return base64.b64decode(html.split("base64,")[1].split('"')[0])


def test_a_gif_of_twenty_steps_is_small_and_exact(monkeypatch):
    side = np.linspace(0, 255, 64)
    image = np.stack([*np.meshgrid(side, side), np.full((64, 64), 90)], -1)
    image = image.astype(np.uint8)
    goal, share = attention(10, keys=64), np.linspace(0, 1, 20)
    attn = np.full((20, 10, 64), 1 / 64) * (1 - share[:, None, None])
    attn += share[:, None, None] * goal
    names = [f"name_{i}" for i in range(10)]
    data = gif_of(monkeypatch, image, attn, names, range(20))
    assert len(data) < 300_000
    frames = face_figures.attention_frames(image, attn, names, range(20))
    with Image.open(io.BytesIO(data)) as gif:
        assert gif.n_frames == 20
        gif.seek(13)
        assert np.array_equal(np.asarray(gif.convert("RGB")), frames[13])


def test_a_frame_holds_the_maps_on_one_scale():
    attn = np.full((2, 2, 16), 1 / 16)
    attn[1, 1] = 0
    attn[1, 1, 5] = 1  # the largest of all: row 1, column 1 of 4
    frames = face_figures.attention_frames(
        faces(1).images[0], attn, ("a", "b"), (0, 9)
    )
    first, last = (frame[46:174, 4:].astype(int) for frame in frames)
    at_b = slice(2 * 136, 2 * 136 + 128)
    table = lut("viridis")
    assert (last[32:64, at_b][:, 32:64] == table[255]).all()
    assert (last[:32, at_b] == table[0]).all()
    flat = np.unique(first[:, at_b].reshape(-1, 3), axis=0)
    assert len(flat) == 1 and (flat != table[0]).any()
    assert np.array_equal(first[:, :264], last[:, :264])


def test_places_are_outlined_in_every_frame():
    attn = np.full((2, 1, 16), 1 / 16)
    mask = np.zeros((1, 16, 16), dtype=bool)
    mask[0, 4:8, 4:8] = True
    image = faces(1).images[0]
    plain = face_figures.attention_frames(image, attn, ("a",), (0, 1))
    drawn = face_figures.attention_frames(
        image, attn, ("a",), (0, 1), masks=mask
    )
    for frame, bare in zip(drawn, plain, strict=True):
        rows, columns = np.nonzero((frame != bare).any(axis=-1))
        # A panel begins at row 46, column 140; a pixel is 8 wide.
        assert (rows.min(), rows.max()) == (46 + 31, 46 + 64)
        assert (columns.min(), columns.max()) == (140 + 31, 140 + 64)
        assert (frame[46 + 32, 140 + 40] == 255).all()
        assert np.array_equal(frame[46 + 48, 190], bare[46 + 48, 190])


def test_steps_and_masks_must_fit_the_maps():
    image, attn = faces(1).images[0], attention(3, 2)
    with pytest.raises(ValueError, match="3 maps of attention, 2 steps"):
        face_figures.attention_frames(image, attn, "ab", (0, 1))
    with pytest.raises(ValueError, match="masks need shape"):
        face_figures.attention_frames(
            image, attn, "ab", range(3), masks=np.ones((1, 16, 16))
        )
    with pytest.raises(ValueError, match="alt text"):
        face_figures.attention_gif(image, attn, "ab", range(3), alt="")


def test_a_figure_can_be_shown(monkeypatch):
    bundles = []
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, raw: bundles.append(bundle)
    )
    plots.show(face_figures.frequency_bars(NAMES, FREQUENCIES), alt=ALT)
    assert f'alt="{ALT}"' in bundles[0]["text/html"]
