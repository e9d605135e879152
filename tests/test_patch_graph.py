"""A patch graph, its attention matrix, and what smoothing by it does."""

import itertools

import numpy as np
import pytest
from scipy import sparse
from scipy.special import softmax

from course_utils import patch_graph
from course_utils.measure import peak_bytes
from course_utils.noise import add_noise
from course_utils.patch_graph import (
    build_patch_graph_radius,
    compute_self_similarity,
    denoise,
    extract_patches,
    graph_smoothing,
    reconstruct,
)

SIGMA = 0.2
RADII = [1, 1.5, 2, 3.7, 100]
SHAPES = [(7, 9, 3), (8, 5, 1), (5, 5, 3)]


def picture(shape=(7, 8, 3), seed=0):
    return np.random.default_rng(seed).random(shape)


def tokens(shape=(7, 8, 3), side=3, seed=0):
    """Patches and centres of a random picture."""
    return extract_patches(picture(shape, seed), side)


def graph(radius=2, sigma=SIGMA, noise=0.0, **options):
    patches, centers = tokens(**options)
    return build_patch_graph_radius(centers, patches, sigma, radius, noise)


def attn(radius=2, sigma=SIGMA, **options):
    return compute_self_similarity(graph(radius, sigma, **options))


def dense_distances(patches):
    return ((patches[:, None] - patches) ** 2).mean(axis=2)


def near(centers, radius):
    apart = ((centers[:, None] - centers) ** 2).sum(axis=2)
    return apart <= radius**2


# Patches


@pytest.mark.parametrize("side", [1, 3, 5])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_patch_is_the_window_around_its_pixel(shape, side):
    image, margin = picture(shape), side // 2
    patches, centers = extract_patches(image, side)
    height, width, channels = shape
    assert patches.shape == (height * width, side**2 * channels)
    places = list(np.ndindex(height, width))  # reading order
    assert centers.tolist() == [list(place) for place in places]

    def mirrored(at, length):
        at = abs(at)
        return at if at < length else 2 * (length - 1) - at

    steps = range(-margin, margin + 1)
    for patch, (row, column) in zip(patches, places, strict=True):
        expected = [
            image[
                mirrored(row + down, height), mirrored(column + right, width)
            ]
            for down, right in itertools.product(steps, steps)
        ]
        np.testing.assert_array_equal(patch, np.ravel(expected))


@pytest.mark.parametrize("side", [1, 3, 5])
@pytest.mark.parametrize("shape", SHAPES)
def test_patches_laid_back_give_the_image(shape, side):
    image = picture(shape)
    patches, _ = extract_patches(image, side)
    np.testing.assert_allclose(reconstruct(patches, shape), image, atol=1e-14)


@pytest.mark.parametrize("side", [1, 3, 5])
@pytest.mark.parametrize("shape", SHAPES)
def test_overlaps_are_averaged_as_a_slow_loop_does(shape, side):
    height, width, channels = shape
    patches = picture((height * width, side**2 * channels))
    votes = [[[] for _ in range(width)] for _ in range(height)]
    for patch, place in zip(patches, np.ndindex(height, width), strict=True):
        tiles = patch.reshape(side, side, channels)
        for step in np.ndindex(side, side):
            row, column = np.add(place, step) - side // 2
            if 0 <= row < height and 0 <= column < width:
                votes[row][column].append(tiles[step])
    expected = [[np.mean(v, axis=0) for v in row] for row in votes]
    np.testing.assert_allclose(reconstruct(patches, shape), expected)


# The graph


@pytest.mark.parametrize("noise", [0, 0.1])
@pytest.mark.parametrize("radius", RADII)
def test_affinities_are_their_formula(radius, noise):
    patches, centers = tokens()
    apart = np.maximum(dense_distances(patches) - 2 * noise**2, 0)
    expected = np.exp(-apart / (2 * SIGMA**2)) * near(centers, radius)
    found = graph(radius, noise=noise)
    np.testing.assert_allclose(found.toarray(), expected, atol=1e-6)
    assert found.nnz == near(centers, radius).sum()


def test_affinities_are_symmetric_with_1_on_the_diagonal():
    found = graph(radius=3, noise=0.05)
    assert isinstance(found, sparse.csr_array)
    assert (found != found.T).nnz == 0
    assert (found.diagonal() == 1).all()
    assert found.data.min() > 0 and found.data.max() == 1


def test_pairs_compared_in_small_batches_give_the_same(monkeypatch):
    whole = graph(radius=3)
    monkeypatch.setattr(patch_graph, "AT_ONCE", 7)
    assert (graph(radius=3) != whole).nnz == 0


@pytest.mark.parametrize("radius", RADII)
def test_self_similarity_is_dense_masked_attention(radius):
    patches, centers = tokens()
    logits = -dense_distances(patches) / (2 * SIGMA**2)
    expected = softmax(np.where(near(centers, radius), logits, -np.inf), 1)
    found = attn(radius).toarray()
    assert np.abs(found - expected).max() < 1e-6
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)


def test_smoothing_is_pytorchs_attention_with_queries_equal_to_keys():
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    patches, centers = tokens()
    width, radius = patches.shape[1], 2.5
    # |q - k|^2 = |q|^2 - 2 q k + |k|^2, and a softmax ignores |q|^2.
    bias = -(patches**2).sum(axis=1) / (2 * SIGMA**2 * width)
    bias = np.where(near(centers, radius), bias, -np.inf)
    values = torch.from_numpy(patches)
    expected = scaled_dot_product_attention(
        values, values, values, attn_mask=torch.from_numpy(bias),
        scale=1 / (SIGMA**2 * width),
    )  # fmt: skip
    found = graph_smoothing(attn(radius), tau=1, steps=1) @ patches
    assert np.abs(found - expected.numpy()).max() < 1e-6


@pytest.mark.parametrize("noise", [0, 0.1])
def test_one_step_on_pixels_is_non_local_means(noise):
    from skimage.restoration import denoise_nl_means

    down, across = np.indices((9, 8))[..., None] / 3
    image = 0.5 + 0.25 * np.sin(down + np.arange(3)) + 0.2 * np.cos(across)
    image, side, sigma = add_noise(image, 0.05, seed=0), 5, 0.2
    expected = denoise_nl_means(
        image, side, patch_distance=20, h=np.sqrt(2) * sigma, sigma=noise,
        fast_mode=False, channel_axis=2,
    )  # fmt: skip
    # scikit-image weighs a patch's pixels by a Gaussian; ours count alike.
    steps = np.arange(side) - side // 2
    line = np.exp(-(steps**2) / (2 * ((side - 1) / 4) ** 2))
    weights = np.outer(line, line)
    scale = np.sqrt(weights / weights.mean()).repeat(3)
    patches, centers = extract_patches(image, side)
    similarity = compute_self_similarity(
        build_patch_graph_radius(centers, scale * patches, sigma, 20, noise)
    )
    found = similarity @ image.reshape(-1, 3)
    # Its exponential is a fast approximation; sigma off by a factor of
    # the square root of 2 would differ by 0.06.
    np.testing.assert_allclose(found, expected.reshape(-1, 3), atol=0.005)


def test_the_order_of_the_tokens_does_not_matter():
    patches, centers = tokens()
    order = np.random.default_rng(1).permutation(len(patches))
    mixed = compute_self_similarity(
        build_patch_graph_radius(centers[order], patches[order], SIGMA, 2)
    )
    expected = attn(2).toarray()[np.ix_(order, order)]
    np.testing.assert_allclose(mixed.toarray(), expected, atol=1e-12)


def test_the_bandwidth_goes_from_nothing_to_a_plain_average():
    sharp, flat = attn(sigma=1e-3).toarray(), attn(sigma=1e4).toarray()
    np.testing.assert_allclose(sharp, np.eye(len(sharp)), atol=1e-12)
    beside = near(tokens()[1], 2)
    expected = beside / beside.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(flat, expected, atol=1e-6)


def test_self_similarity_takes_any_kind_of_matrix_and_leaves_it_alone():
    weights = np.array([[2, 0, 2], [0, 5, 0], [1, 1, 2]])
    expected = [[0.5, 0, 0.5], [0, 1, 0], [0.25, 0.25, 0.5]]
    for kind in (np.array, sparse.csr_matrix, sparse.coo_array):
        given = kind(weights)
        found = compute_self_similarity(given)
        np.testing.assert_allclose(found.toarray(), expected)
        assert (given != weights).sum() == 0


# Smoothing


@pytest.mark.parametrize("tau, steps", [(1, 1), (0.3, 5), (0.8, 2), (1, 0)])
def test_the_operator_is_a_power_of_its_formula(tau, steps):
    S, (patches, _) = attn(), tokens()
    once = (1 - tau) * np.eye(len(patches)) + tau * S.toarray()
    power = np.linalg.matrix_power(once, steps)
    operator = graph_smoothing(S, tau, steps)
    assert operator.shape == S.shape
    np.testing.assert_allclose(operator @ patches, power @ patches, atol=1e-12)
    column = patches[:, 0]
    np.testing.assert_allclose(operator @ column, power @ column, atol=1e-12)


def test_two_full_steps_are_the_matrix_twice():
    S, (patches, _) = attn(), tokens()
    found = graph_smoothing(S, tau=1, steps=2) @ patches
    np.testing.assert_allclose(found, S @ (S @ patches), atol=1e-14)


def test_steps_are_five_unless_said():
    S, (patches, _) = attn(), tokens()
    found = graph_smoothing(S, 0.5) @ patches
    np.testing.assert_array_equal(found, graph_smoothing(S, 0.5, 5) @ patches)


def test_smoothing_stays_between_the_extremes_and_brings_them_closer():
    S, (patches, _) = attn(), tokens()
    spreads = [
        np.ptp(graph_smoothing(S, 1, steps) @ patches, axis=0)
        for steps in range(4)
    ]
    assert (np.diff(spreads, axis=0) < 0).all()


def test_the_printed_limit_of_tau_is_where_a_pattern_starts_to_grow():
    S = attn(radius=1, sigma=10).toarray()
    values, vectors = np.linalg.eig(S)
    worst = values.real.argmin()
    limit = 2 / (1 - values[worst].real)
    assert 1 < limit < 2
    for tau, grows in ((0.99 * limit, False), (1.01 * limit, True)):
        moved = (1 - tau) * vectors + tau * S @ vectors
        sizes = np.abs(moved).max(axis=0) / np.abs(vectors).max(axis=0)
        assert (sizes.max() > 1 + 1e-3) == grows


# The whole


@pytest.mark.parametrize("channels", [1, 3])
def test_a_single_colour_is_left_as_it_is(channels):
    image = np.full((7, 8, channels), 0.3)
    for noise in (0, 0.1):
        found = denoise(image, 0.1, tau=0.7, steps=3, noise=noise)
        np.testing.assert_allclose(found, image, atol=1e-12)


def test_turned_mirrored_brighter_or_paler_pictures_are_treated_alike():
    image = picture()
    found = denoise(image, SIGMA, tau=0.7, steps=2, radius=3)

    def same(changed, expected, sigma=SIGMA):
        other = denoise(changed, sigma, tau=0.7, steps=2, radius=3)
        np.testing.assert_allclose(other, expected, atol=1e-6)

    same(image[::-1], found[::-1])
    same(image[:, ::-1], found[:, ::-1])
    same(image.transpose(1, 0, 2), found.transpose(1, 0, 2))
    same(image[:, :, ::-1], found[:, :, ::-1])
    same(image + 0.5, found + 0.5)
    same(image / 4, found / 4, SIGMA / 4)


def test_noise_falls_and_an_edge_stays():
    clean = np.full((20, 20, 3), 0.2)
    clean[:, 10:] = 0.8
    noise = 25 / 255
    noisy = clean + noise * np.random.default_rng(0).normal(size=clean.shape)
    found = denoise(noisy, 0.06, noise=noise)
    assert np.abs(found - clean).mean() < 0.35 * np.abs(noisy - clean).mean()
    assert (found[:, 10] - found[:, 9]).mean() > 0.5


def test_nothing_is_done_in_no_steps():
    image = picture()
    np.testing.assert_allclose(denoise(image, 0.1, steps=0), image, atol=1e-14)


def test_memory_grows_with_the_pixels_not_their_square():
    def peak(side):
        image = picture((side, side, 3))
        return peak_bytes(lambda: denoise(image, 0.1, radius=3))

    assert peak(48) < 4.8 * peak(24)


# Bad input


NAN = np.where(picture() > 0.9, np.nan, picture())


@pytest.mark.parametrize(
    "image, error, message",
    [
        (picture((4, 9, 3)), ValueError, "at least 5 pixels, got 4x9"),
        (NAN, ValueError, "are NaN or infinite"),
        (picture() * 255, ValueError, "divide by 255"),
        (np.uint8(picture() * 255), TypeError, "divide whole numbers"),
        (picture((7, 8, 4)), ValueError, r"got shape \(7, 8, 4\)"),
        (picture((7, 8)), ValueError, r"got shape \(7, 8\)"),
        (picture((2, 7, 8, 3)), ValueError, r"got shape \(2, 7, 8, 3\)"),
    ],
)
def test_an_image_that_has_no_patches_is_named(image, error, message):
    for function in (extract_patches, lambda image: denoise(image, 0.1)):
        with pytest.raises(error, match=message):
            function(image)


def test_an_image_as_large_as_a_patch_will_do():
    image = picture((5, 5, 3))
    assert denoise(image, 0.1).shape == image.shape
    with pytest.raises(ValueError, match="at least 7 pixels, got 5x5"):
        denoise(image, 0.1, patch_side=7)


@pytest.mark.parametrize(
    "wrong, message",
    [
        *(({"sigma": s}, f"sigma must be above 0 and finite, got {s}")
          for s in (0, -0.1, np.nan, np.inf)),
        *(({"tau": t}, f"tau must be above 0 and finite, got {t}")
          for t in (0, -0.1, np.nan)),
        ({"tau": 1.01}, "tau must be at most 1, got 1.01: above it a step"),
        ({"tau": 20}, "tau must be at most 1, got 20"),
        *(({"steps": s}, f"steps is a whole number, 0 or more, got {s}")
          for s in (-1, 1.5)),
        *(({"radius": r}, f"radius must be at least 1 pixel, got {r}")
          for r in (0, -2, 0.9, np.nan)),
        *(({"patch_side": p}, f"patch_side is an odd .* got {p}")
          for p in (0, -3, 4, 2.5)),
        ({"noise": 25}, "noise is a standard .* got 25: write 25 / 255"),
        ({"noise": -0.1}, "noise is a standard .* got -0.1"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        denoise(picture(), **({"sigma": 0.1} | wrong))


def test_tokens_that_do_not_fit_are_named():
    patches, centers = tokens()
    for wrong in (centers[:5], np.hstack([centers, centers]), centers[:, 0]):
        with pytest.raises(ValueError, match=r"give centers \(n, 2\) and"):
            build_patch_graph_radius(wrong, patches, 0.1, 2)
    with pytest.raises(ValueError, match="centers .* and patches .*got"):
        build_patch_graph_radius(centers, patches[0], 0.1, 2)
    patches[3, 4] = np.nan
    with pytest.raises(ValueError, match="patches hold NaN"):
        build_patch_graph_radius(centers, patches, 0.1, 2)


def test_a_patch_without_a_neighbour_is_named():
    patches, centers = tokens()
    centers[10] += 50
    with pytest.raises(
        ValueError, match="1 patches have no neighbour within 2 pixels, .*51"
    ):
        build_patch_graph_radius(centers, patches, 0.1, 2)
    with pytest.raises(ValueError, match="56 patches .*a larger radius"):
        build_patch_graph_radius(3 * tokens()[1], patches, 0.1, 2)


def test_affinities_that_are_none_are_named():
    with pytest.raises(ValueError, match=r"are square, got \(3, 4\)"):
        compute_self_similarity(np.ones((3, 4)))
    with pytest.raises(ValueError, match="finite and not negative"):
        compute_self_similarity(np.eye(3) - 0.1)
    with pytest.raises(ValueError, match="finite and not negative"):
        compute_self_similarity(np.diag([1.0, np.nan, np.inf]))
    with pytest.raises(ValueError, match="2 patches have no neighbour with"):
        compute_self_similarity(np.diag([1.0, 0, 0]))


@pytest.mark.parametrize(
    "patches, shape", [((56, 26), (7, 8, 3)), ((55, 27), (7, 8, 3)),
                       ((56, 27), (7, 8, 1))],
)  # fmt: skip
def test_patches_of_another_image_are_named(patches, shape):
    with pytest.raises(ValueError, match="has 56 patches of side"):
        reconstruct(np.ones(patches), shape)
