"""Patches of a photo as a graph: smoothing it is attention.

    patches, centers = extract_patches(image)
    W = build_patch_graph_radius(centers, patches, sigma=0.1, radius=5)
    S = compute_self_similarity(W)               # the attention matrix
    smoothed = graph_smoothing(S, tau=1.0, steps=1) @ patches
    result = reconstruct(smoothed, image.shape)

Every pixel is the centre of one patch, and every patch a token. Queries,
keys and values are the patches themselves; the bandwidth is a temperature.
One step is non-local means (Buades, Coll and Morel, "A Non-Local Algorithm
for Image Denoising", 2005). The names are those of the source tutorial,
which calls these functions and defines none of them.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from scipy.spatial import cKDTree

from course_utils.graph_checks import (
    check_positive,
    check_radius,
    check_side,
    check_steps,
    check_tau,
)
from course_utils.noise import check_noise, checked_image

AT_ONCE = 1 << 18  # pairs of patches compared at a time, to bound memory


def extract_patches(image, patch_side=5):
    """Cut out one patch around every pixel.

    Beyond the border the image is mirrored, without repeating the edge.

    Args:
        image: floats `(height, width, channels)`, see `checked_image`.
        patch_side: odd whole number, pixels.

    Returns:
        `(patches, centers)`: float64 `(pixels, patch_side**2 * channels)`
        in reading order, and int64 `(pixels, 2)`, row and column.

    Raises:
        TypeError, ValueError: a bad image, an even side, or an image that
            is smaller than a patch.

    Taught in week 6.
    """
    check_side(patch_side)
    image = checked_image(image, least_side=patch_side)
    height, width, _ = image.shape
    margin = patch_side // 2
    padded = np.pad(image, [(margin, margin)] * 2 + [(0, 0)], "reflect")
    windows = np.lib.stride_tricks.sliding_window_view(
        padded, (patch_side, patch_side), axis=(0, 1)
    )  # (height, width, channels, side, side)
    patches = np.moveaxis(windows, 2, 4).reshape(height * width, -1)
    centers = np.stack(np.divmod(np.arange(height * width), width), axis=1)
    return patches, centers


def build_patch_graph_radius(centers, patches, sigma, radius, noise=0.0):
    """Join patches whose centres are near; weigh how alike they are.

    The weight is exp(-d2 / (2 sigma^2)), where d2 is the mean squared
    difference of two patches: without the mean, sigma would have to grow
    with the patch. White noise adds 2 noise^2 to d2 on average, also
    between equal patches; told of the noise, that much is taken off, down
    to 0 (Buades, Coll and Morel, "Non-Local Means Denoising", 2011).

    Args:
        centers: `(n, 2)` rows and columns.
        patches: `(n, width)` finite floats.
        sigma: bandwidth on the scale of the pixels, above 0.
        radius: largest distance of two centres, pixels, at least 1.
        noise: standard deviation of the noise in the patches, if known.

    Returns:
        Sparse `(n, n)` array, symmetric; 1 on the diagonal, since each
        patch is its own neighbour. Its memory is proportional to n times
        the number of neighbours, about pi * radius**2.

    Raises:
        ValueError: sigma not above 0, radius below 1, noise out of range,
            NaN, shapes that do not fit, or a patch without any neighbour.

    Taught in week 6.
    """
    centers, patches = _checked_tokens(centers, patches)
    check_positive("sigma", sigma)
    check_noise(noise)
    check_radius(radius)
    pairs = cKDTree(centers).query_pairs(radius, output_type="ndarray")
    lonely = np.setdiff1d(np.arange(len(centers)), pairs)
    if lonely.size:
        raise ValueError(
            f"{lonely.size} patches have no neighbour within {radius} pixels, "
            f"the first at {centers[lonely[0]].tolist()}: take a larger radius"
        )
    apart = _mean_squares(patches, pairs) - 2 * noise**2
    weights = np.exp(-np.maximum(apart, 0) / (2 * sigma**2))
    return _symmetric(pairs, weights, len(centers))


def compute_self_similarity(affinities):
    """Divide every row by its sum: a graph becomes an attention matrix.

    That is a softmax over the neighbours of the logits -d2 / (2 sigma^2).
    (The source also passes the patches; the affinities hold all of them
    that is needed.)

    Args:
        affinities: sparse `(n, n)`, not negative.

    Returns:
        Sparse `(n, n)`: queries in rows, keys in columns, rows sum to 1.

    Raises:
        ValueError: not square, negative, not finite, or a row without
            weight.

    Taught in week 6.
    """
    affinities = sparse.csr_array(affinities)
    if affinities.shape[0] != affinities.shape[1]:
        raise ValueError(f"affinities are square, got {affinities.shape}")
    if not (np.isfinite(affinities.data) & (affinities.data >= 0)).all():
        raise ValueError("affinities must be finite and not negative")
    sums = affinities.sum(axis=1)
    if not (sums > 0).all():
        raise ValueError(
            f"{np.sum(sums <= 0)} patches have no neighbour with weight: "
            "take a larger sigma or radius, or let each be its own neighbour"
        )
    counts = np.diff(affinities.indptr)
    weights = affinities.data / np.repeat(sums, counts)
    return sparse.csr_array(
        (weights, affinities.indices, affinities.indptr), affinities.shape
    )


def graph_smoothing(S, tau, steps=5):
    """Return the operator ((1 - tau) I + tau S)^steps.

    Use it as `graph_smoothing(S, tau, steps) @ patches`. Each step moves a
    patch the share tau of the way to what its neighbours say: a residual
    connection with a fixed mixture, one layer of attention a step.

    Args:
        S: `(n, n)` attention matrix, rows sum to 1.
        tau: above 0, at most 1. Above 1 a result is no longer an average:
            a patch counts itself negatively, and from
            2 / (1 - smallest eigenvalue of S) on (2 if that is 0) some
            pattern grows with every step.
        steps: whole number, 0 or more.

    Returns:
        SciPy's LinearOperator; no matrix power is ever computed.

    Raises:
        ValueError: tau or steps out of range, or S not square.

    Taught in week 6.
    """
    check_tau(tau)
    check_steps(steps)
    if S.shape[0] != S.shape[1]:
        raise ValueError(f"an attention matrix is square, got {S.shape}")

    def smooth(values):
        for _ in range(steps):
            values = (1 - tau) * values + tau * (S @ values)
        return values

    S = aslinearoperator(S)
    return LinearOperator(
        S.shape, matvec=smooth, matmat=smooth, dtype=np.float64
    )


def reconstruct(patches, shape):
    """Lay patches over each other and average where they overlap.

    Args:
        patches: `(pixels, side**2 * channels)`, one per pixel, as
            `extract_patches` orders them.
        shape: `(height, width, channels)` of the image.

    Returns:
        float64 image of that shape. A pixel is the average of what up to
        side**2 patches say of it, fewer at the border.

    Raises:
        ValueError: patches that do not fit the shape.

    Taught in week 6.
    """
    height, width, channels = shape
    side = round(np.sqrt(patches.shape[1] / channels))
    if patches.shape != (height * width, side**2 * channels):
        raise ValueError(
            f"an image of shape {tuple(shape)} has {height * width} patches "
            f"of side**2 * {channels} values, got {patches.shape}"
        )
    tiles = patches.reshape(height, width, side, side, channels)
    total = np.zeros((height + side - 1, width + side - 1, channels))
    count = np.zeros((height + side - 1, width + side - 1, 1))
    for row, column in np.ndindex(side, side):
        place = np.s_[row : row + height, column : column + width]
        total[place] += tiles[:, :, row, column]
        count[place] += 1
    margin = side // 2
    inside = np.s_[margin : margin + height, margin : margin + width]
    return total[inside] / count[inside]


def denoise(image, sigma, tau=1.0, steps=1, radius=5, patch_side=5, noise=0.0):
    """Smooth an image over its own patch graph.

    Args:
        image: floats `(height, width, channels)`, see `checked_image`.
        sigma: bandwidth, above 0, on the scale of the pixels.
        tau: share of a step, above 0, at most 1.
        steps: how many; the graph stays that of the image given.
        radius: of the graph, pixels.
        patch_side: odd, pixels.
        noise: standard deviation of the noise, if known, else 0.

    Returns:
        float64 image of the same shape, not clipped.

    Raises:
        TypeError, ValueError: as the functions that it calls.

    Taught in week 6.
    """
    patches, centers = extract_patches(image, patch_side)
    affinities = build_patch_graph_radius(
        centers, patches, sigma, radius, noise
    )
    attn = compute_self_similarity(affinities)
    smoothed = graph_smoothing(attn, tau, steps) @ patches
    return reconstruct(smoothed, np.shape(image))


def _checked_tokens(centers, patches):
    centers, patches = np.asarray(centers), np.asarray(patches)
    if patches.ndim != 2 or centers.shape != (len(patches), 2):
        raise ValueError(
            "give centers (n, 2) and patches (n, width), got "
            f"{centers.shape} and {patches.shape}"
        )
    if not np.isfinite(patches).all():
        raise ValueError("patches hold NaN or infinite values")
    return centers, patches.astype(np.float32)


def _mean_squares(patches, pairs):
    """Return the mean squared difference of each pair, float64."""
    out = np.empty(len(pairs))
    for start in range(0, len(pairs), AT_ONCE):
        left, right = pairs[start : start + AT_ONCE].T
        difference = patches[left] - patches[right]
        out[start : start + AT_ONCE] = np.einsum(
            "pw,pw->p", difference, difference
        )
    return out / patches.shape[1]


def _symmetric(pairs, weights, count):
    upper = sparse.coo_array((weights, tuple(pairs.T)), (count, count))
    return sparse.csr_array(upper + upper.T + sparse.eye_array(count))
