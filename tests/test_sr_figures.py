"""Figures of super-resolution show what was computed, and say so."""

import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import plots, sr_figures
from course_utils.diffusion import Diffusion, cosine_schedule
from course_utils.sr_scores import psnr
from course_utils.super_resolution import reduce
from course_utils.unet import UNet

ALT = "Four pictures in columns, sharper from left to right"
DIFFUSION = Diffusion(cosine_schedule(100), target="v")


def make_net(mixer="attention", **options):
    """An untrained network whose answer is not zero."""
    torch.manual_seed(0)
    net = UNet(widths=(8, 16), mixer=mixer, **options)
    torch.nn.init.normal_(net.out.weight, std=0.1)
    return net


def make_truth(count=1, height=32, width=32):
    """Pictures with an edge, a gradient and some texture."""
    generator = torch.Generator().manual_seed(1)
    across = torch.linspace(0.2, 0.7, width).expand(count, 3, height, width)
    texture = torch.rand(count, 3, height, width, generator=generator) / 10
    truth = across + texture
    truth[..., height // 2 :, :] -= 0.15
    return truth.clamp(0, 1)


@pytest.fixture(scope="module")
def net():
    return make_net()


@pytest.fixture(scope="module")
def truth():
    return make_truth()


@pytest.fixture(scope="module")
def recording(net, truth):
    return sr_figures.record(
        net, DIFFUSION, reduce(truth), truth=truth, seed=4
    )


@pytest.fixture
def figures(monkeypatch):
    """The figures that would be shown: (fig, alt)."""
    shown = []
    monkeypatch.setattr(
        plots, "show", lambda fig, alt: shown.append((fig, alt))
    )
    yield shown
    plt.close("all")


@pytest.fixture
def displayed(monkeypatch):
    """The html that would be shown."""
    texts = []
    monkeypatch.setattr(
        "IPython.display.display",
        lambda bundle, raw: texts.append(bundle["text/html"]),
    )
    return texts


def picture_in(html):
    import base64

    source = re.search(r'base64,([^"]*)"', html)[1]
    return io.BytesIO(base64.b64decode(source))


def test_images_are_clamped_and_rounded():
    picture = torch.tensor([-0.5, 0.399, 1.5])[:, None, None].expand(3, 4, 4)
    image = sr_figures.as_image(picture)
    assert image.dtype == np.uint8
    assert (image == [0, 102, 255]).all()  # 101.7
    with pytest.raises(ValueError, match=r"got \(4, 4, 3\)"):
        sr_figures.as_image(torch.zeros(4, 4, 3))


# --- the sampling shown


def pixels_of(figure):
    return np.asarray(Image.open(picture_in(figure.view.value)))


def panel(image, place, side):
    """The colours of a panel's 32x32 enlarged pixels."""
    left = place * (side + (image.shape[1] - 3 * side) // 2)
    part = image[image.shape[0] - side :, left : left + side]
    middle = side // 64
    return part[middle :: side // 32, middle :: side // 32]


def test_the_scrubber_shows_the_chosen_step(recording):
    figure = sr_figures.scrubber(recording)
    figure.sliders["step"].value = 20
    image = pixels_of(figure)
    parts = recording.noisy[19], recording.guesses[19], recording.truth
    for place, part in enumerate(parts):
        expected = sr_figures.as_image(part)
        assert np.array_equal(panel(image, place, 512), expected)
    html = figure.view.value
    assert f"Step 20 of 25, t = {recording.times[19]}: noise level" in html
    assert f"{recording.levels[19]:.2f}" in html
    assert f"PSNR of the guess {recording.psnr[19]:.1f} dB" in html
    assert "clamped to 0 and 1 for show" in html
    assert re.search(r'alt="[^"]{20,}"', html)


def test_without_a_truth_there_are_two_pictures(recording, net, truth):
    blind = sr_figures.record(net, DIFFUSION, reduce(truth), steps=3)
    figure = sr_figures.scrubber(blind)
    assert pixels_of(figure).shape[1] < 3 * 512
    assert "PSNR" not in figure.view.value
    seen = sr_figures.scrubber(blind, truth)
    assert pixels_of(seen).shape[1] > 3 * 512
    assert "PSNR" in seen.view.value


def test_one_step_cannot_be_scrubbed(net, truth):
    short = sr_figures.record(net, DIFFUSION, reduce(truth), steps=1)
    with pytest.raises(ValueError, match="2 or more steps"):
        sr_figures.scrubber(short)


def test_the_animation_is_small_and_true(recording, displayed):
    frames = sr_figures.frames(recording)
    assert len(frames) == 25
    assert {frame.shape for frame in frames} == {frames[0].shape}
    assert 180 <= frames[0].shape[0] <= 220
    packed = np.stack(frames) @ np.array([1, 256, 65536])
    assert len(np.unique(packed)) <= 240
    guess = panel(frames[24], 1, 192).astype(float)
    error = guess - sr_figures.as_image(recording.guesses[24])
    assert np.abs(error).mean() < 6  # of 255
    plots.gif(frames, alt=ALT)
    stored = picture_in(displayed[0])
    assert len(stored.getvalue()) < 300_000
    with Image.open(stored) as gif:
        assert gif.n_frames == 25
        gif.seek(7)
        assert np.array_equal(np.asarray(gif.convert("RGB")), frames[7])


def test_pictures_need_not_be_square(net, displayed):
    truth = make_truth(height=24, width=48)
    made = sr_figures.record(
        net, DIFFUSION, reduce(truth), truth=truth, steps=3
    )
    high, wide = sr_figures.frames(made)[0].shape[:2]
    assert wide == 3 * 2 * 192 + 2 * 13 and high < 220
    assert "Step 2 of 3" in sr_figures.scrubber(made).view.value


# --- comparisons


def drawn_in(ax):
    return ax.get_images()[0].get_array()


def test_compare_shows_every_picture_with_its_score(figures):
    truth = make_truth(2)
    worse = (truth + 0.1).clamp(0, 1)
    columns = {"truth": truth, "8 x 8": reduce(truth), "worse": worse}
    sr_figures.compare(columns, truth=truth, alt=ALT)
    ((fig, alt),) = figures
    assert alt == ALT
    axes = np.reshape(fig.axes, (2, 3))
    assert [ax.get_title() for ax in axes[0]] == [*columns]
    assert [ax.get_title() for ax in axes[1]] == ["", "", ""]
    for row in range(2):
        for ax, part in zip(axes[row], columns.values(), strict=True):
            expected = sr_figures.as_image(part[row])
            assert np.array_equal(drawn_in(ax), expected)
            assert ax.get_images()[0].get_interpolation() == "nearest"
            assert ax.get_xlim() == (0, 32) and ax.get_ylim() == (32, 0)
        score = f"{psnr(worse, truth)[row]:.1f} dB"
        assert [ax.get_xlabel() for ax in axes[row]] == ["", "", score]


def test_a_detail_is_outlined_and_magnified(figures):
    truth = make_truth(2)
    rows = [*zip(truth, reduce(truth), strict=True)]
    sr_figures.compare(rows, ["fine", "coarse"], zoom=(4, 10, 8), alt=ALT)
    axes = np.reshape(figures[0][0].axes, (4, 2))
    for ax in axes[::2].flat:
        (black, white) = ax.get_lines()
        assert [*black.get_xdata()] == [10, 18, 18, 10, 10]
        assert [*white.get_ydata()] == [4, 4, 12, 12, 4]
        assert ax.get_xlim() == (0, 32)
    for ax in axes[1::2].flat:
        assert ax.get_xlim() == (10, 18) and ax.get_ylim() == (12, 4)
        assert ax.get_images()[0].get_extent() == [0, 32, 32, 0]


def test_compare_goes_through_show(displayed):
    sr_figures.compare({"one": make_truth()}, zoom=(0, 0, 32), alt=ALT)
    assert f'alt="{ALT}"' in displayed[0]


ONE = make_truth()
WRONG = {
    "counts": (({"a": ONE, "b": make_truth(2)},), {}, "as many pictures"),
    "no titles": (([[ONE[0]]],), {}, "one picture a title"),
    "more titles": (([[ONE[0]]], ["a", "b"]), {}, "one picture a title"),
    "ragged": (([[ONE[0]], [*ONE, *ONE]], ["a"]), {}, "one picture a title"),
    "nothing": (([], ["a"]), {}, "one picture a title"),
    "truths": (({"a": ONE},), {"truth": make_truth(2)}, "as many truths"),
    "outside": (({"a": ONE},), {"zoom": (0, 25, 8)}, "not within 32 x 32"),
    "two numbers": (({"a": ONE},), {"zoom": (0, 0)}, r"\(y, x, side\)"),
    "no detail": (({"a": ONE},), {"zoom": (0, 0, 0)}, "not within"),
    "before": (({"a": ONE},), {"zoom": (-1, 0, 4)}, "not within"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_compared_is_named(figures, case):
    given, options, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        sr_figures.compare(*given, **options, alt=ALT)
    assert figures == []


# --- spread and error


def calibrated(answers, spread_of_answers=1.0):
    """Truth and answers drawn alike, with a spread that differs by pixel."""
    generator = torch.Generator().manual_seed(2)
    scale = torch.linspace(0.01, 0.2, 64).expand(20, 3, 64, 64)
    truth = scale * torch.randn(20, 3, 64, 64, generator=generator)
    noise = torch.randn(answers, 20, 3, 64, 64, generator=generator)
    return scale * noise * spread_of_answers, truth


def test_spread_and_error_by_hand():
    first = torch.zeros(1, 3, 1, 2)
    second = first.clone()
    second[0, :, 0, 0] = torch.tensor([0.3, 0.0, 0.4])
    spread, error = sr_figures.spread_map(torch.stack([first, second]), first)
    assert spread.shape == error.shape == (1, 1, 2)
    # The variance of 0 and d is d * d / 2, their mean d / 2.
    assert spread[0, 0] == pytest.approx([(0.25 / 2 / 3) ** 0.5, 0])
    assert error[0, 0] == pytest.approx([(0.25 / 4 / 3) ** 0.5, 0])


@pytest.mark.parametrize("answers", [2, 8])
def test_for_honest_answers_error_and_spread_agree(answers):
    spread, error = sr_figures.spread_map(*calibrated(answers))
    ratio = np.square(error).mean() / np.square(spread).mean()
    assert ratio == pytest.approx(1 + 1 / answers, rel=0.03)


def test_calibration_tells_honest_from_overconfident():
    spreads, errors = sr_figures.calibration(
        *sr_figures.spread_map(*calibrated(32))
    )
    assert len(spreads) == len(errors) == 8
    assert (np.diff(spreads) > 0).all()
    assert errors / spreads == pytest.approx(np.ones(8), abs=0.1)
    spreads, errors = sr_figures.calibration(
        *sr_figures.spread_map(*calibrated(32, 0.5))
    )
    assert (errors / spreads > 1.8).all()


def test_calibration_bins_hold_equal_counts():
    spread = np.array([[3.0, 1.0], [2.0, 4.0]])
    error = np.array([[3.0, 0.0], [4.0, 5.0]])
    spreads, errors = sr_figures.calibration(spread, error, bins=2)
    assert [*spreads] == [1.5, 3.5]
    assert errors == pytest.approx([8**0.5, 17**0.5])


def test_maps_that_do_not_fit_are_named():
    samples, truth = torch.rand(2, 1, 3, 4, 4), torch.rand(1, 3, 4, 4)
    with pytest.raises(ValueError, match="k of 2 or more"):
        sr_figures.spread_map(samples[:1], truth)
    with pytest.raises(ValueError, match=r"got \(1, 3, 4, 4\)"):
        sr_figures.spread_map(truth, truth)
    with pytest.raises(ValueError, match=r"truth needs shape \(1, 3, 4, 4\)"):
        sr_figures.spread_map(samples, truth[0])
    with pytest.raises(ValueError, match="must be alike"):
        sr_figures.calibration(np.ones((1, 2)), np.ones(2))
    with pytest.raises(ValueError, match="bins must be 1 to 4, got 5"):
        sr_figures.calibration(np.ones(4), np.ones(4), bins=5)


def test_spread_and_error_have_one_scale_each(figures):
    truth = make_truth(3)
    spread, error = truth[:, 0].numpy() / 4, truth[:, 1].numpy() / 2
    sr_figures.show_spread(spread, error, truth, alt=ALT)
    fig = figures[0][0]
    axes = np.reshape(fig.axes[:9], (3, 3))
    titles = [ax.get_title() for ax in axes[0]]
    assert titles == ["truth", "spread", "error of the mean"]
    columns = (("viridis", spread), ("cividis", error))
    for column, (name, maps) in zip(axes.T[1:], columns, strict=True):
        for ax, part in zip(column, maps, strict=True):
            (image,) = ax.get_images()
            assert np.array_equal(image.get_array(), part)
            assert image.get_cmap().name == name
            assert image.get_clim() == pytest.approx((0, maps.max()))
    assert len(fig.axes) == 9 + 2  # and two colour bars
    sr_figures.show_spread(spread, error, alt=ALT)
    assert len(figures[1][0].axes) == 6 + 2
    with pytest.raises(ValueError, match="as many of each"):
        sr_figures.show_spread(spread, error, truth[:2], alt=ALT)
    sr_figures.show_calibration(spread, error, alt=ALT)
    x, y = figures[2][0].axes[0].get_lines()[1].get_data()
    np.testing.assert_allclose((x, y), sr_figures.calibration(spread, error))
