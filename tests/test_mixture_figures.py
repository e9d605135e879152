"""Figures of a mixture show its components, and where EM went wrong."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.mixture_figures import components, likelihood

mpl.use("agg")
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def closed():
    plt.close("all")
    yield
    plt.close("all")


def test_steps_that_lost_likelihood_are_marked():
    history = [-9, -5, -5.5, -3, -3 - 1e-12]
    fig = likelihood(history)
    (ax,) = fig.axes
    crosses = [one for one in ax.lines if one.get_marker() == "x"]
    assert [[*one.get_xdata()] for one in crosses] == [[2]]
    assert ax.get_title() == "1 of 4 steps went down"
    assert [*ax.lines[0].get_ydata()] == history


def test_a_history_must_be_one_row():
    with pytest.raises(ValueError, match="2 or more numbers"):
        likelihood([-3])
    with pytest.raises(ValueError, match="history: give 3 finite"):
        likelihood([1, 2, np.nan])


def tiles_of(fig):
    return [ax.images[0].get_array() for ax in fig.axes]


def test_the_largest_components_show_their_leading_vectors():
    basis = np.linalg.qr(RNG.normal(size=(27, 27)))[0]
    covariances = [
        (basis * values) @ basis.T
        for values in (np.arange(27.0), np.arange(27.0)[::-1])
    ]
    fig = components(covariances, 3, [0.3, 0.7], vectors=2)
    titles = [ax.get_title() for ax in fig.axes]
    assert titles == ["1: 70.0%", "0: 30.0%", "", ""]
    leading = [basis[:, i].reshape(3, 3, 3) for i in (0, 26, 1, 25)]
    for tile, vector in zip(tiles_of(fig), leading, strict=True):
        offset = 2 * tile - 1  # 0 is grey, the largest entry is 1
        assert offset.max() == pytest.approx(1)
        factor = 1 / vector.flat[np.abs(vector).argmax()]
        assert np.allclose(offset, factor * vector)


@pytest.mark.parametrize(
    "arrays, weights, words",
    [
        (np.ones((2, 27, 12)), [0.5, 0.5], r"27 numbers.*got \(2, 27, 12\)"),
        (np.ones((2, 27)), [0.5, 0.5], r"27 numbers.*got \(2, 27\)"),
        (np.ones((2, 27, 27)), [1.0], "2 components need as many weights"),
        (np.full((2, 27, 27), np.nan), [0.5, 0.5], "NaN"),
    ],
)
def test_a_mixture_of_other_patches_is_named(arrays, weights, words):
    with pytest.raises(ValueError, match=words):
        components(arrays, 3, weights)
