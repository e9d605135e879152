"""The ladder: equal conditions, scores of others, clear words."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from course_utils import ladder as la
from course_utils.metrics import bootstrap_interval
from course_utils.noise import add_noise

mpl.use("agg")
RNG = np.random.default_rng(0)
PHOTOS = RNG.random((3, 9, 8, 3)) * np.array([0.2, 0.6, 1])
NOISES = (15 / 255, 50 / 255)


def noisy(image, noise):
    return image


def halfway(image, noise):
    return 0.7 * image + 0.15


@pytest.fixture(scope="module")
def measured():
    methods = {"noisy": noisy, "half way": halfway}
    return la.run_ladder(methods, PHOTOS, NOISES, seed=4)


@pytest.fixture(autouse=True)
def closed():
    plt.close("all")
    yield
    plt.close("all")


def test_scores_are_those_of_scikit_image_after_clipping(measured):
    for m, method in enumerate((noisy, halfway)):
        for k, noise in enumerate(NOISES):
            for i, photo in enumerate(PHOTOS):
                estimate = method(add_noise(photo, noise, [4, i]), noise)
                pair = photo, np.clip(estimate, 0, 1)
                psnr = peak_signal_noise_ratio(*pair, data_range=1)
                ssim = structural_similarity(
                    *pair, data_range=1, channel_axis=2
                )
                assert measured.psnr[m, k, i] == pytest.approx(psnr, abs=1e-3)
                assert measured.ssim[m, k, i] == pytest.approx(ssim, abs=1e-4)


def test_the_result_says_what_was_run(measured):
    assert measured.methods == ("noisy", "half way")
    assert measured.noises == NOISES
    assert measured.seconds.shape == (2, 2)
    assert (measured.seconds > 0).all()


def test_all_methods_get_the_same_noise_and_none_can_spoil_it():
    seen = {"first": [], "second": []}

    def spy(name):
        def method(image, noise):
            seen[name].append(image.copy())
            image[:] = 0
            return image

        return method

    la.run_ladder({n: spy(n) for n in seen}, PHOTOS, NOISES, seed=0)
    first, second = (np.stack(seen[name]) for name in seen)
    assert np.array_equal(first, second)
    weak, strong = first[:3] - PHOTOS, first[3:] - PHOTOS
    assert np.allclose(weak / NOISES[0], strong / NOISES[1])
    assert not np.allclose(weak[0], weak[1])


def test_another_seed_is_another_noise():
    one, two = (la.noisy_copies(PHOTOS, 0.1, seed) for seed in (0, 1))
    assert not np.isclose(one, two).any()


def fails(image, noise):
    if image.mean() > 0.4:
        raise KeyError("no idea")
    return image


@pytest.mark.parametrize(
    "method, words",
    [
        (fails, "'bad', photo 1, noise 50: 'no idea'"),
        (lambda x, s: x[..., 0], r"photo 0, noise 50: .* shape \(8, 8\),"),
        (lambda x, s: None, r"photo 0, noise 50: .* shape \(\)"),
        (lambda x, s: x / (x < 9) * np.nan, "'bad', photo 0.* NaN"),
    ],
)
def test_a_failure_names_method_photo_and_noise(method, words):
    photos = np.stack([np.full((8, 8, 3), 0.2), np.full((8, 8, 3), 0.8)])
    methods = {"good": noisy, "bad": method}
    with pytest.raises(RuntimeError, match=words):
        la.run_ladder(methods, photos, [50 / 255], seed=0)


@pytest.mark.parametrize(
    "photos, error, words",
    [
        ([], ValueError, "no photo"),
        (np.zeros((2, 9, 9, 3), np.uint8), TypeError, "divide"),
        (PHOTOS[0], ValueError, r"one size, .* \(8, 3\)"),
        (PHOTOS[..., :1], ValueError, r"\(9, 8, 1\)"),
        ([PHOTOS[0], PHOTOS[0][:8]], ValueError, r"\(8, 8, 3\), \(9, 8, 3\)"),
        (PHOTOS[:, :6], ValueError, "at least 7 pixels, got 6x8"),
        (PHOTOS + np.nan, ValueError, "NaN"),
        (PHOTOS + 0.5, ValueError, "before the noise"),
        (PHOTOS * 255, ValueError, "divide by 255"),
    ],
)
def test_photos_that_cannot_be_used_are_named(photos, error, words):
    with pytest.raises(error, match=words):
        la.run_ladder({"noisy": noisy}, photos, NOISES, seed=0)


@pytest.mark.parametrize(
    "methods, noises, words",
    [
        ({}, NOISES, "a method and a noise"),
        ({"noisy": noisy}, [], "a method and a noise"),
        ({"noisy": noisy}, [0.1, 25], "25 / 255"),
    ],
)
def test_an_impossible_ladder_is_refused(methods, noises, words):
    with pytest.raises(ValueError, match=words):
        la.run_ladder(methods, PHOTOS, noises, seed=0)


def test_lead_is_paired_by_photo(measured):
    gain = la.lead(measured, "half way", "noisy", NOISES[1])
    assert np.array_equal(gain, measured.psnr[1, 1] - measured.psnr[0, 1])
    back = la.lead(measured, "noisy", "half way", NOISES[1])
    assert np.array_equal(back, -gain)


@pytest.mark.parametrize(
    "method, noise, words",
    [
        ("nosy", NOISES[0], "no method 'nosy': .* 'noisy', 'half way'"),
        ("noisy", 25, "no noise 25: choose one of"),
    ],
)
def test_lead_of_something_unknown_names_what_there_is(
    measured, method, noise, words
):
    with pytest.raises(ValueError, match=words):
        la.lead(measured, method, "noisy", noise)


def example(methods=("noisy", "mine"), photos=2):
    psnr = np.arange(2.0 * 2 * photos).reshape(2, 2, photos) ** 1.5 + 20
    return la.Ladder(methods, NOISES, psnr, psnr / 50, np.full((2, 2), 0.25))


def test_the_table_shows_means_in_columns_below_their_level(capsys):
    la.print_ladder(example(), seconds=False)
    assert capsys.readouterr().out.splitlines() == [
        "noise of 255      15            50",
        "               PSNR   SSIM   PSNR   SSIM",
        "noisy         20.50  0.410  24.01  0.480",
        "mine          29.59  0.592  36.61  0.732",
    ]


def test_seconds_are_printed_unless_refused(capsys):
    la.print_ladder(example())
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["PSNR", "SSIM", "seconds"] * 2
    assert lines[2].split()[3::3] == ["0.250", "0.250"]


def test_the_figure_shows_paired_means_and_intervals():
    ladder = example(photos=5)
    fig = la.ladder_figure(ladder)
    (ax,) = fig.axes
    markers = set()
    for k, bars in enumerate(ax.containers):
        dots, _, (lines,) = bars.lines
        gain = la.lead(ladder, "mine", "noisy", NOISES[k])
        mean, low, high = bootstrap_interval(gain)
        assert dots.get_xdata() == pytest.approx([mean])
        ends = lines.get_segments()[0][:, 0]
        assert ends == pytest.approx([low, high])
        markers.add(dots.get_marker())
    assert len(markers) == 2
    assert [t.get_text() for t in ax.get_yticklabels()] == ["mine"]
    labels = [t.get_text() for t in fig.legends[0].get_texts()]
    assert labels == ["noise 15", "noise 50"]


@pytest.mark.parametrize(
    "ladder, over, words",
    [
        (example(), "nobody", "'noisy', 'mine': 'nobody'"),
        (example(methods=("noisy",)), "noisy", "at least one more"),
        (example(photos=1), "noisy", "2 or more"),
        (la.Ladder(("noisy", "b"), (0.1,) * 7, *[None] * 3), "noisy", "7"),
    ],
)
def test_a_figure_that_cannot_be_drawn_is_refused(ladder, over, words):
    with pytest.raises(ValueError, match=words):
        la.ladder_figure(ladder, over)
    assert not plt.get_fignums()
