"""Right and plausible wrong answers to week 6's exercises, in NumPy."""

import numpy as np

from course_utils.attention import softmax


def mean_square(patches):
    return ((patches[:, None] - patches) ** 2).mean(axis=2)


def rows(
    distance=mean_square,
    score=lambda d2, sigma: -d2 / (2 * sigma**2),
    weigh=softmax,
):
    """Patches that attend to patches, with one part exchanged."""
    return lambda patches, sigma: weigh(score(distance(patches), sigma))


attention_rows = rows()


def rows_by_products(shift=True):
    """Squares multiplied out; what is the same for a whole row left out."""

    def attempt(patches, sigma):
        keys = (patches**2).mean(axis=1)
        products = patches @ patches.T / patches.shape[1]
        scores = (products - keys / 2) / sigma**2
        if shift:
            scores = scores - scores.max(axis=1, keepdims=True)
        weights = np.exp(scores)
        return weights / weights.sum(axis=1, keepdims=True)

    return attempt


def affinities_over_sums(patches, sigma):
    """Right, too: the largest score of a row is 0, its own."""
    weights = np.exp(-mean_square(patches) / (2 * sigma**2))
    return weights / weights.sum(axis=1, keepdims=True)


def sums_of_squares(patches):
    return ((patches[:, None] - patches) ** 2).sum(axis=2)


def of_means(patches):
    means = patches.mean(axis=1)
    return (means[:, None] - means) ** 2


def others_only(scores):
    weights = np.exp(scores)
    np.fill_diagonal(weights, 0)
    return weights / weights.sum(axis=1, keepdims=True)


def with_a_small_number(scores):
    weights = np.exp(scores)
    return weights / (weights.sum(axis=1, keepdims=True) + 1e-3)


def placed(
    cut=lambda patches, y, x: patches[:, :, y, x],
    first=lambda side: side // 2,
    average=lambda total, count, side: total / count,
):
    """Overlapping patches, averaged, with one part exchanged."""

    def attempt(patches, shape):
        height, width, side, _ = patches.shape
        total, count = np.zeros((2, height + side - 1, width + side - 1))
        for y, x in np.ndindex(side, side):
            place = np.s_[y : y + height, x : x + width]
            total[place] += cut(patches, y, x)
            count[place] += 1
        start = first(side)
        inside = np.s_[start : start + height, start : start + width]
        return average(total, count, side)[inside]

    return attempt


reconstruct = placed()


def by_asking_around(patches, shape):
    """Right, and slow: each pixel asks the patches around it."""
    edge, picture = patches.shape[2] // 2, np.zeros(shape)
    for y, x in np.ndindex(shape):
        said = [
            patches[row, column, y - row + edge, x - column + edge]
            for row in range(max(y - edge, 0), min(y + edge + 1, shape[0]))
            for column in range(max(x - edge, 0), min(x + edge + 1, shape[1]))
        ]
        picture[y, x] = np.mean(said)
    return picture


def rolled(patches, shape):
    """What hangs over comes in again on the other side."""
    side = patches.shape[2]
    shifted = [
        np.roll(patches[:, :, y, x], (y - side // 2, x - side // 2), (0, 1))
        for y, x in np.ndindex(side, side)
    ]
    return np.mean(shifted, axis=0)


def by_patches(put, whole_only=False):
    """Go through the patches, and put each into the picture."""

    def attempt(patches, shape):
        edge = patches.shape[2] // 2
        total, count = np.zeros((2, shape[0] + 2 * edge, shape[1] + 2 * edge))
        inner = edge if whole_only else 0
        for y in range(inner, shape[0] - inner):
            for x in range(inner, shape[1] - inner):
                place = np.s_[y : y + 2 * edge + 1, x : x + 2 * edge + 1]
                put(total, count, place, patches[y, x])
        picture = total / np.maximum(count, 1)
        return picture[edge:-edge, edge:-edge]

    return attempt


def add(total, count, place, patch):
    total[place] += patch
    count[place] += 1


def overwrite(total, count, place, patch):
    total[place], count[place] = patch, 1


def smoothed(step=lambda S, now, first, tau: (1 - tau) * now + tau * S @ now):
    """Repeated smoothing, with another step."""

    def attempt(S, values, tau, steps):
        now = values
        for _ in range(steps):
            now = step(S, now, values, tau)
        return now

    return attempt


smoothing = smoothed()


def smoothing_by_power(S, values, tau, steps):
    one = (1 - tau) * np.eye(len(S)) + tau * S
    return np.linalg.matrix_power(one, steps) @ values


def exhibit_weights(scores, temperature=2):
    weights = np.exp(scores * temperature)
    return weights / weights.sum()


def weights_of(
    score=lambda scores, T: scores * T,
    weigh=lambda scores: np.exp(scores - scores.max()),
    share=lambda weights: weights / weights.sum(),
):
    """The source's weights, with one part exchanged."""

    def attempt(scores, temperature=2.0):
        scores = np.asarray(scores, dtype=float)
        return share(weigh(score(scores, temperature)))

    return attempt


weights = weights_of()


def weights_by_power(scores, temperature=2.0):
    base = np.exp(np.array(scores) - max(scores))
    return list(base**temperature / (base**temperature).sum())


def central(x, loss, nudge):
    up, down = loss(x * np.exp(nudge)), loss(x * np.exp(-nudge))
    return (up - down) / (2 * nudge)


def stepped(
    slope=central,
    move=lambda x, rate, slope: np.exp(np.log(x) - rate * slope),
):
    """Gradient descent on log x, with another slope or another move."""

    def attempt(x, loss, rate=0.1, nudge=1e-3):
        return move(x, rate, slope(x, loss, nudge))

    return attempt


step = stepped()


def between(low, high, over):
    """A slope from the loss at two places on log x, divided by `over`."""

    def slope(x, loss, nudge):
        rise = loss(x * np.exp(high * nudge)) - loss(x * np.exp(low * nudge))
        return rise / over(nudge)

    return slope


def by_x(x, loss, nudge):
    return (loss(x + nudge) - loss(x - nudge)) / (2 * nudge)


MASK = np.array([[1.0, -2, 1], [-2, 4, -2], [1, -2, 1]])


def residual(image, mask=MASK):
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    return np.einsum("yxij,ij->yx", windows, mask)


def level(
    look=residual,
    mean=lambda residual: abs(residual).mean(),
    factor=(np.pi / 72) ** 0.5,
):
    """Immerkaer's estimate, with one part exchanged."""
    return lambda image: factor * mean(look(image))


noise_level = level()


def noise_level_by_differences(image):
    """Right: the mask is a second difference of second differences."""
    second = np.diff(np.diff(image, 2, axis=0), 2, axis=1)
    return np.sqrt(np.pi / 72) * abs(second).mean()


def padded(mode):
    return level(look=lambda image: residual(np.pad(image, 1, mode)))


def estimate(
    divergence=lambda probe, response, nudge: (
        (probe * response).mean() / nudge
    ),
    total=lambda misfit, variance, d: (
        misfit.mean() - variance + 2 * variance * d
    ),
    level=lambda noise: noise**2,
):
    """Stein's unbiased risk estimate, with one part exchanged."""

    def attempt(noisy, denoiser, noise, probe, nudge=1e-3):
        denoised = denoiser(noisy)
        response = denoiser(noisy + nudge * probe) - denoised
        misfit = (denoised - noisy) ** 2
        found = divergence(probe, response, nudge)
        return total(misfit, level(noise), found)

    return attempt


sure = estimate()


def sure_from_both_sides(noisy, denoiser, noise, probe, nudge=1e-3):
    """Right: a central difference."""
    up, down = (denoiser(noisy + s * nudge * probe) for s in (1, -1))
    divergence = (probe * (up - down)).sum() / (2 * nudge * noisy.size)
    misfit = ((noisy - denoiser(noisy)) ** 2).mean()
    return misfit + noise**2 * (2 * divergence - 1)


def sure_of_the_nudged_alone(noisy, denoiser, noise, probe, nudge=1e-3):
    nudged = denoiser(noisy + nudge * probe)
    misfit = ((denoiser(noisy) - noisy) ** 2).mean()
    divergence = (probe * nudged).mean() / nudge
    return misfit - noise**2 + 2 * noise**2 * divergence


def squared(patches, means):
    return ((patches[:, None] - means) ** 2).sum(axis=2)


def mixed(
    distance=squared,
    score=lambda weights, d2, sigma: np.log(weights) - d2 / (2 * sigma**2),
    share=softmax,
):
    """The E step, with one part exchanged."""

    def attempt(patches, weights, means, sigma):
        return share(score(weights, distance(patches, means), sigma))

    return attempt


responsibilities = mixed()


def responsibilities_by_products(patches, weights, means, sigma):
    """Right: squares multiplied out."""
    keys = (means**2).sum(axis=1)
    scores = (patches @ means.T - keys / 2) / sigma**2 + np.log(weights)
    joint = np.exp(scores - scores.max(axis=1, keepdims=True))
    return joint / joint.sum(axis=1, keepdims=True)


def naive(shift=lambda scores: 0):
    """Densities, weighted and divided by their sum."""

    def share(scores):
        joint = np.exp(scores - shift(scores))
        return joint / joint.sum(axis=1, keepdims=True)

    return mixed(share=share)


def weighted_late(patches, weights, means, sigma):
    return weights * softmax(-squared(patches, means) / (2 * sigma**2))


def refit(
    weigh=lambda taken, shares: taken / len(shares),
    mean=lambda total, taken, count: total / taken[:, None],
    spread=lambda shares, d2, width: np.sqrt(
        (shares * d2).sum() / (len(d2) * width)
    ),
):
    """The M step, with one part exchanged."""

    def attempt(patches, responsibilities):
        taken = responsibilities.sum(axis=0)
        total = responsibilities.T @ patches
        means = mean(total, taken, len(patches))
        d2 = squared(patches, means)
        sigma = spread(responsibilities, d2, patches.shape[1])
        return weigh(taken, responsibilities), means, sigma

    return attempt


m_step = refit()


def m_step_by_average(patches, responsibilities):
    """Right: NumPy's weighted average, component by component."""
    means = [
        np.average(patches, axis=0, weights=r) for r in responsibilities.T
    ]
    squares = [((patches - mean) ** 2).mean(axis=1) for mean in means]
    variance = (responsibilities * np.transpose(squares)).sum(axis=1).mean()
    return responsibilities.mean(axis=0), np.array(means), variance**0.5


def hard(shares):
    """Each patch whole to its best component."""
    return np.eye(shares.shape[1])[shares.argmax(axis=1)]


def with_sigma(of):
    """Right weights and means; sigma of patches, shares and means."""

    def attempt(patches, responsibilities):
        weights, means, _ = m_step(patches, responsibilities)
        return weights, means, of(patches, responsibilities, means)

    return attempt
