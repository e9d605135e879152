"""Wrong answers to week 6's graded tasks, with the points each earns."""

import numpy as np

MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])


def _nlm(patches, taken, h, *, floor=True, own=False, mean=True):
    squares = (patches[:, None] - patches) ** 2
    squares = squares.mean(axis=2) if mean else squares.sum(axis=2)
    squares = squares - taken
    squares = np.maximum(squares, 0) if floor else squares
    weights = np.exp(-squares / h**2)
    if not own:
        np.fill_diagonal(weights, 0)
        np.fill_diagonal(weights, weights.max(axis=1))
    return weights / weights.sum(axis=1, keepdims=True)


def _own_weight_kept(patches, noise, h):
    return _nlm(patches, 2 * noise**2, h, own=True)


def _no_floor(patches, noise, h):
    return _nlm(patches, 2 * noise**2, h, floor=False)


def _noise_taken_once(patches, noise, h):
    return _nlm(patches, noise**2, h)


def _sum_of_squares(patches, noise, h):
    return _nlm(patches, 2 * noise**2, h, mean=False)


def _over_columns(patches, noise, h):
    attn = _nlm(patches, 2 * noise**2, h, own=True)
    return attn / attn.sum(axis=0)


def _residual(image):
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    return (windows * MASK).sum(axis=(2, 3))


def _mean_of_residual(image):
    return np.sqrt(np.pi / 2) * np.abs(_residual(image)).mean() / 6


def _no_0_6745(image):
    return np.median(np.abs(_residual(image))) / 6


def _std_of_picture(image):
    return image.std()


def _median_of_picture(image):
    return np.median(np.abs(image - np.median(image))) / 0.6745


def _neighbours(image, shifts):
    padded = np.pad(image, 1, constant_values=np.nan)
    height, width = image.shape
    around = [
        padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        for dy, dx in shifts
    ]
    return np.nanmean(around, axis=0)


def _put(image, values, row, column):
    found = image.copy()
    found[row::3, column::3] = values[row::3, column::3]
    return found


CROSS = ((-1, 0), (1, 0), (0, -1), (0, 1))
BOX = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1))


def _with_itself(image, row, column):
    return _put(image, _neighbours(image, (*CROSS, (0, 0))), row, column)


def _eight_neighbours(image, row, column):
    ring = tuple(shift for shift in BOX if shift != (0, 0))
    return _put(image, _neighbours(image, ring), row, column)


def _round_the_edge(image, row, column):
    around = sum(np.roll(image, shift, (0, 1)) for shift in CROSS) / 4
    return _put(image, around, row, column)


def _zeros_beyond(image, row, column):
    padded = np.pad(image, 1)
    around = padded[:-2, 1:-1] + padded[2:, 1:-1]
    around = around + padded[1:-1, :-2] + padded[1:-1, 2:]
    return _put(image, around / 4, row, column)


def _in_place(image, row, column):
    image[row::3, column::3] = _neighbours(image, CROSS)[row::3, column::3]
    return image


def _all_pixels(image, row, column):
    return _neighbours(image, CROSS)


def _rows(affinities):
    return affinities / affinities.sum(axis=1, keepdims=True)


def _symmetric(affinities):
    root = np.sqrt(affinities.sum(axis=1))
    return np.linalg.eigvalsh(affinities / root / root[:, None])[::-1]


def _eigh_of_rows(affinities, tau, steps):
    values = np.linalg.eigvalsh(_rows(affinities))[::-1]
    return values, (1 - tau + tau * values) ** steps


def _affinities_as_they_are(affinities, tau, steps):
    values = np.linalg.eigvalsh(affinities)[::-1]
    return values, (1 - tau + tau * values) ** steps


def _smallest_first(affinities, tau, steps):
    values = _symmetric(affinities)[::-1]
    return values, (1 - tau + tau * values) ** steps


def _one_step(affinities, tau, steps):
    values = _symmetric(affinities)
    return values, 1 - tau + tau * values


def _map(patches, weights, covariances, noise, *, centred=True, blur=None):
    means = patches.mean(axis=1, keepdims=True) if centred else 0
    x, logits, cleaned = patches - means, [], []
    eye = np.eye(patches.shape[1])
    blur = noise**2 if blur is None else blur
    for weight, covariance in zip(weights, covariances, strict=True):
        both = covariance + blur * eye
        distance = (x * np.linalg.solve(both, x.T).T).sum(axis=1)
        logdet = np.linalg.slogdet(both)[1]
        logits.append(np.log(weight) - logdet / 2 - distance / 2)
        both = covariance + noise**2 * eye
        cleaned.append(np.linalg.solve(both, x.T).T @ covariance)
    return means, np.array(logits), np.array(cleaned)


def _pick(means, logits, cleaned):
    best = logits.argmax(axis=0)
    return means + cleaned[best, np.arange(cleaned.shape[1])]


def _mean_kept(patches, weights, covariances, noise):
    found = _map(patches, weights, covariances, noise, centred=False)
    return _pick(*found)


def _all_components(patches, weights, covariances, noise):
    means, logits, cleaned = _map(patches, weights, covariances, noise)
    shares = np.exp(logits - logits.max(axis=0))
    shares = shares / shares.sum(axis=0)
    return means + (shares[:, :, None] * cleaned).sum(axis=0)


def _chosen_by_clean(patches, weights, covariances, noise):
    found = _map(patches, weights, covariances, noise, blur=1e-6)
    return _pick(*found)


def _densities(patches, weights, covariances, noise):
    means, _, cleaned = _map(patches, weights, covariances, noise)
    x, densities = patches - means, []
    for weight, covariance in zip(weights, covariances, strict=True):
        both = covariance + noise**2 * np.eye(x.shape[1])
        distance = (x * np.linalg.solve(both, x.T).T).sum(axis=1)
        scale = np.sqrt(np.linalg.det(2 * np.pi * both))
        densities.append(weight * np.exp(-distance / 2) / scale)
    return _pick(means, np.array(densities), cleaned)


def _risk(values, sigma, noise, divergence):
    logits = -((values[:, None] - values) ** 2) / (2 * sigma**2)
    attn = np.exp(logits)
    attn = attn / attn.sum(axis=1, keepdims=True)
    read = attn @ values
    spread = attn @ values**2 - read**2
    follow = divergence(np.diag(attn), spread, sigma)
    return ((read - values) ** 2).mean() - noise**2 + 2 * noise**2 * follow


def _weights_held(values, sigma, noise):
    return _risk(values, sigma, noise, lambda own, spread, s: own.mean())


def _summed(values, sigma, noise):
    def follow(own, spread, sigma):
        return (own + spread / sigma**2).sum()

    return _risk(values, sigma, noise, follow)


def _divided_by_sigma(values, sigma, noise):
    def follow(own, spread, sigma):
        return (own + spread / sigma).mean()

    return _risk(values, sigma, noise, follow)


def _factor_of_two(values, sigma, noise):
    def follow(own, spread, sigma):
        return (own + spread / sigma**2).mean() / 2

    return _risk(values, sigma, noise, follow)


WRONG = {
    "nlm_weights": [
        ("own weight of 1 is kept", _own_weight_kept, 1),
        ("negative distances are kept", _no_floor, 1),
        ("noise^2 in place of 2 noise^2", _noise_taken_once, 1),
        ("sum, not mean, of squares", _sum_of_squares, 1),
        ("divided by the sums of columns", _over_columns, 1),
    ],
    "robust_noise": [
        ("Immerkaer's mean", _mean_of_residual, 2),
        ("0.6745 forgotten", _no_0_6745, 2),
        ("spread of the picture", _std_of_picture, 0),
        ("median of the picture, without the mask", _median_of_picture, 1),
    ],
    "blind_copy": [
        ("the pixel itself takes part", _with_itself, 1),
        ("eight neighbours", _eight_neighbours, 2),
        ("round the edge", _round_the_edge, 2),
        ("zeros beyond the border", _zeros_beyond, 1),
        ("in place", _in_place, 0),
        ("all pixels are replaced", _all_pixels, 1),
    ],
    "smoothing_gain": [
        ("eigh of what is not symmetric", _eigh_of_rows, 0),
        ("rows not divided", _affinities_as_they_are, 0),
        ("smallest first", _smallest_first, 1),
        ("one step only", _one_step, 1),
    ],
    "map_patches": [
        ("brightness is left in", _mean_kept, 1),
        ("mean over all components", _all_components, 2),
        ("chosen as if there were no noise", _chosen_by_clean, 2),
        ("densities in place of logarithms", _densities, 3),
    ],
    "attention_risk": [
        ("weights held fixed", _weights_held, 2),
        ("divergence summed", _summed, 0),
        ("sigma in place of sigma^2", _divided_by_sigma, 2),
        ("factor of two forgotten", _factor_of_two, 0),
    ],
}
