"""Week 6, graded: weights of non-local means, a noise meter, blind spots."""

import numpy as np

from course_utils.graded.engine import Task

nlm_weights = Task(
    6, "nlm_weights", "Non-local means, with its two corrections", points=3
)


@nlm_weights.needs(
    "For patches (n, width) the result should have shape (n, n) and change "
    "with h."
)
def _weights_shape(answer, rng):
    patches = rng.random((5, 9))
    one, other = answer(patches, 0.1, 0.3), answer(patches, 0.1, 0.6)
    return one.shape == (5, 5) and np.abs(one - other).max() > 1e-3


@nlm_weights.property(
    1,
    "Rows sum to 1, and a patch counts for as much as the best other one.",
    "On the diagonal belongs the largest weight of the rest of its row, put "
    "there before rows are divided by their sums.",
)
def _weights_diagonal(answer, rng):
    attn = answer(rng.random((6, 9)), 0.1, 0.3)
    others = np.where(np.eye(6, dtype=bool), -np.inf, attn)
    own = np.allclose(np.diag(attn), others.max(axis=1), rtol=1e-4)
    return own and np.allclose(attn.sum(axis=1), 1, atol=1e-5)


@nlm_weights.property(
    1,
    "Patches that differ by no more than noise weigh alike.",
    "Two noisy shots of the same patch differ by 2 noise^2 on average. "
    "Subtract that; what is left below 0 counts as 0.",
)
def _weights_noise(answer, rng):
    strength = np.array([0.2, 0.4, 0.6, 0.8, 0.9])  # of the noise allowed
    noise = 0.1 * strength[:, None] * rng.normal(size=(5, 400))
    attn = answer(0.5 + noise, 0.1, 0.07)
    return np.allclose(attn, 0.2, atol=1e-5)


robust_noise = Task(
    6, "robust_noise", "A noise meter that texture does not fool", points=3
)


def noise_image(rng, noise, side=96):
    """Return a sloping grey picture with noise of a standard deviation."""
    rows, columns = np.mgrid[:side, :side] / side
    slope = 0.2 + 0.4 * rows + 0.2 * columns
    return slope + noise * rng.normal(size=(side, side))


@robust_noise.needs(
    "Return one number above 0 that is larger for a noisier picture."
)
def _noise_number(answer, rng):
    low, high = (answer(noise_image(rng, noise)) for noise in (0.02, 0.1))
    return low.shape == high.shape == () and 0 < low < high


@robust_noise.property(
    1,
    "Twice the picture has twice the noise; a slope adds none.",
    "Apply the mask of the lesson first: it makes slopes vanish. No square, "
    "no fixed offset.",
)
def _noise_scales(answer, rng):
    image = 0.05 * rng.normal(size=(40, 50))
    rows, columns = np.mgrid[:40, :50]
    level = answer(image)
    sloped = answer(image + 0.01 * rows - 0.02 * columns)
    double = answer(2 * image)
    return np.allclose([sloped, double / 2], level, rtol=1e-3)


@robust_noise.property(
    1,
    "Strong texture on a tenth of the picture raises it by a third at most.",
    "A mean follows a few large values wherever they go. What stands in the "
    "middle of the sorted values does not.",
)
def _noise_robust(answer, rng):
    image = noise_image(rng, 0.04)
    rows, columns = np.mgrid[:96, :9]
    texture = image.copy()
    texture[:, :9] += 1.5 * ((rows + columns) % 2)
    return abs(answer(texture) / answer(image) - 1) < 0.33


blind_copy = Task(
    6, "blind_copy", "Pixels that cannot see themselves", points=3
)


def grid(shape, row, column):
    """Return which pixels are hidden, bool of this shape."""
    hidden = np.zeros(shape, bool)
    hidden[row::3, column::3] = True
    return hidden


@blind_copy.needs(
    "Return a picture of the same shape, like the one given, in which the "
    "chosen pixels have other values."
)
def _blind_shape(answer, rng):
    image = rng.random((7, 10))
    found = answer(image, 1, 2)
    hidden = grid((7, 10), 1, 2)
    changed = np.abs(found - image)[hidden].max() > 1e-3
    return found.shape == (7, 10) and changed and np.ptp(found) > 0.1


@blind_copy.property(
    1,
    "The other pixels stay, and so does an even picture.",
    "At the border there are fewer than four neighbours: divide by how many "
    "there are.",
)
def _blind_others(answer, rng):
    image, even = rng.random((8, 10)), np.full((8, 10), 0.3)
    kept = all(
        np.allclose(answer(image, *at)[~grid((8, 10), *at)],
                    image[~grid((8, 10), *at)])
        for at in ((0, 0), (1, 2))
    )  # fmt: skip
    return kept and np.allclose(answer(even, 0, 0), even)


@blind_copy.property(
    1,
    "What a hidden pixel was makes no difference.",
    "Change the pixel in the middle: does anything in your result move? Then "
    "it is not blind.",
)
def _blind_blind(answer, rng):
    image, hidden = rng.random((8, 10)), grid((8, 10), 2, 1)
    other = np.where(hidden, rng.random((8, 10)), image)
    return np.allclose(answer(image, 2, 1), answer(other, 2, 1))
