"""Graded tasks of week 4, in the order of the assignment."""

import numpy as np
import torch

from course_utils.graded.arrays import close, responds
from course_utils.graded.engine import Task

end_in_noise = Task(4, "end_in_noise", "A schedule that ends in noise", 3)
gate_gradients = Task(
    4, "gate_gradients", "Find the start from which nothing learns", points=3
)
fetch_tiles = Task(4, "fetch_tiles", "Fetch detail by likeness", points=3)
stochastic_step = Task(
    4, "stochastic_step", "A step with as much dice as one likes", points=4
)
error_of_mean = Task(
    4, "error_of_mean", "What infinitely many samples would score", points=3
)
nearest_valid = Task(4, "nearest_valid", "Consistent, and a picture", points=4)


def _schedule(rng, steps=9):
    """Alpha_bars that fall from nearly 1 and stop far from 0."""
    return np.cumprod(rng.uniform(0.75, 0.95, size=steps))


@end_in_noise.needs(
    "For 9 alpha_bars there should be 9 finite ones, of which the last is 0."
)
def _noise_last(answer, rng):
    found = answer(_schedule(rng))
    other = answer(_schedule(rng))
    return responds(found, other, (9,)) and abs(found[-1]) < 1e-6


@end_in_noise.property(
    1,
    "The first alpha_bar stays, and all fall from there.",
    "The first alpha_bar should stay what it was, and each should be less "
    "than the one before.",
)
def _noise_first(answer, rng):
    bars = _schedule(rng)
    found = answer(bars)
    return np.isclose(found[0], bars[0]) and (np.diff(found) < 0).all()


@end_in_noise.property(
    0.5,
    "A schedule that already ends in noise is left as it is.",
    "A schedule whose last alpha_bar is 0 needs no change, and got one.",
)
def _noise_already(answer, rng):
    bars = np.append(_schedule(rng), 0)
    return close(answer(bars), bars)


def _gated(rng):
    """x, out and target (2, 5, 4), weight (4, 4), in float32."""
    x, out, target = rng.normal(size=(3, 2, 5, 4))
    weight = rng.normal(size=(4, 4))
    return [torch.tensor(part).float() for part in (x, out, target, weight)]


@gate_gradients.needs(
    "The result should be a tuple: the gradient by weight, (4, 4) here, and "
    "the gradient by gamma, one number; both depend on the target."
)
def _gate_shape(answer, rng):
    parts, others = _gated(rng), _gated(rng)
    one, other = answer(*parts, 0.5), answer(*others, 0.5)
    return all(
        responds(a, b, shape)
        for a, b, shape in zip(one, other, ((4, 4), ()), strict=True)
    )


@gate_gradients.property(
    1,
    "A gate of 0 hides the weight, a weight of 0 hides the gate.",
    "With gamma = 0 the weight has gradient 0 and gamma has not; with weight "
    "0 it is the other way round; with both 0, both are 0.",
)
def _gate_zeros(answer, rng):
    *data, weight = _gated(rng)
    none = torch.zeros(4, 4)
    starts = ((weight, 0.0), (none, 0.5), (none, 0.0))
    moves = [
        [np.abs(grad).max() > 1e-4 for grad in answer(*data, *start)]
        for start in starts
    ]
    return moves == [[False, True], [True, False], [False, False]]


@gate_gradients.property(
    0.5,
    "Gamma's gradient is what a small step of gamma shows.",
    "gamma was moved by a little, and the loss did not change as the "
    "gradient says. The loss is a mean over all numbers.",
)
def _gate_small_step(answer, rng):
    parts = _gated(rng)
    x, out, target, weight = (part.double().numpy() for part in parts)
    high, low = (
        ((x + gamma * out @ weight - target) ** 2).mean()
        for gamma in (0.501, 0.499)
    )
    return np.isclose(answer(*parts, 0.5)[1], (high - low) / 0.002, rtol=1e-3)


def _tiles(rng):
    """Coarse tiles (2, 5, 6), keys (2, 7, 6), values (2, 7, 4).

    Coarse tile i equals key i; keys 5 and 6 are long.
    """
    keys = rng.normal(size=(2, 7, 6))
    keys[:, 5:] *= 10
    values = rng.normal(size=(2, 7, 4))
    parts = (keys[:, :5], keys, values)
    return [torch.tensor(part).float() for part in parts]


@fetch_tiles.needs(
    "For coarse (2, 5, 6), keys (2, 7, 6) and values (2, 7, 4) the result "
    "should be (2, 5, 4), finite, and depend on the coarse tiles."
)
def _fetch_shape(answer, rng):
    coarse, keys, values = _tiles(rng)
    one = answer(coarse, keys, values, 1.0)
    other = answer(coarse.flip(1), keys, values, 1.0)
    return responds(one, other, (2, 5, 4))


@fetch_tiles.property(
    1,
    "Cold, each tile gets the value of the key that equals it.",
    "Each coarse tile should get the value of the key that is equal to it, "
    "also if other keys are ten times as long.",
)
def _fetch_cold(answer, rng):
    coarse, keys, values = _tiles(rng)
    return close(answer(coarse, keys, values, 0.01), values[:, :5], 1e-3)


@fetch_tiles.property(
    0.5,
    "The order of the reference's tiles does not matter.",
    "Keys and values were put into another order, both alike, and the "
    "result changed.",
)
def _fetch_order(answer, rng):
    coarse, keys, values = _tiles(rng)
    order = torch.from_numpy(rng.permutation(7))
    one = answer(coarse, keys, values, 3.0)
    other = answer(coarse, keys[:, order], values[:, order], 3.0)
    return close(one, other, atol=1e-4)


def _noisy(rng, now):
    """x_t, x0, and the noise that is in x_t; each (2, 3, 4, 5)."""
    x0, noise = rng.normal(size=(2, 2, 3, 4, 5))
    return np.sqrt(now) * x0 + np.sqrt(1 - now) * noise, x0, noise


@stochastic_step.needs(
    "The result should have the shape of x_t, be finite, and depend on x_t."
)
def _step_shape(answer, rng):
    x_t, x0, noise = _noisy(rng, 0.3)
    rest = (x0, 0.3, 0.6, 0.5, noise)
    return responds(answer(x_t, *rest), answer(x_t + 1, *rest), x_t.shape)


@stochastic_step.property(
    1,
    "Without dice: no step is no change, and the last step ends at x0.",
    "With eta = 0 the fresh noise has no say, a step from now to now leaves "
    "x_t, and a step to alpha_bar 1 gives x0.",
)
def _step_without_dice(answer, rng):
    x_t, x0, _ = _noisy(rng, 0.3)
    fresh = rng.normal(size=x_t.shape)
    stay, end = (answer(x_t, x0, 0.3, b, 0.0, fresh) for b in (0.3, 1.0))
    return close(stay, x_t) and close(end, x0)


@stochastic_step.property(
    1,
    "Old and fresh noise together have variance 1 - then.",
    "A step to `then` should leave noise of variance 1 - then: with fresh "
    "noise in it, how much of the old may stay?",
)
def _step_keeps_variance(answer, rng):
    now, then, right = 0.3, 0.55, []
    nothing, noise = np.zeros((1, 1, 2, 2)), rng.normal(size=(1, 1, 2, 2))
    for eta in (0.4, 1.0):
        x_t = np.sqrt(1 - now) * noise
        old = answer(x_t, nothing, now, then, eta, nothing)
        fresh = answer(nothing, nothing, now, then, eta, noise)
        both = (old / noise) ** 2 + (fresh / noise) ** 2
        right.append(close(both, np.full(noise.shape, 1 - then), 1e-4))
        right.append((fresh / noise > 0.01).all())
    return all(right)


def _answers(rng, count, pictures=4):
    """Samples (count, pictures, 3, 2, 2) about a truth, off by 0.3."""
    truth = rng.uniform(size=(pictures, 3, 2, 2))
    spread = rng.normal(size=(count, *truth.shape))
    return truth + 0.3 + spread, truth


@error_of_mean.needs(
    "For samples (5, 4, 3, 2, 2) and truth (4, 3, 2, 2) the result should "
    "be 4 finite numbers, one for each picture, that depend on the samples."
)
def _error_shape(answer, rng):
    results = [answer(*_answers(rng, 5)) for _ in range(2)]
    return responds(*results, (4,))


@error_of_mean.property(
    0.5,
    "Samples that all agree get their mean squared error.",
    "All samples were equal, so their mean is known exactly, and its error "
    "is the plain mean squared error.",
)
def _error_agreed(answer, rng):
    samples, truth = _answers(rng, 1)
    wanted = ((samples[0] - truth) ** 2).mean(axis=(1, 2, 3))
    return close(answer(samples.repeat(4, axis=0), truth), wanted)


@error_of_mean.property(
    1,
    "On average the number of samples does not matter.",
    "Samples spread by 1 about a mean that is off by 0.3, an error of 0.09: "
    "over 2,000 pictures 2 samples should find it as well as 8 do.",
)
def _error_unbiased(answer, rng):
    found = [answer(*_answers(rng, count, 2000)).mean() for count in (2, 8)]
    return close(found, np.full(2, 0.09), atol=0.05)


def _means(pictures):
    """Means of 4x4 blocks of (n, height, width, 3)."""
    n, height, width, _ = pictures.shape
    cut = pictures.reshape(n, height // 4, 4, width // 4, 4, 3)
    return cut.mean(axis=(2, 4))


def _wild(rng):
    """High (2, 8, 12, 3) far beyond 0 and 1, and a coarse picture."""
    high = rng.normal(0.5, 0.7, size=(2, 8, 12, 3))
    return high, rng.uniform(0.05, 0.95, size=(2, 2, 3, 3))


@nearest_valid.needs(
    "The result should have the shape of `high`, be finite and depend on it."
)
def _valid_shape(answer, rng):
    high, low = _wild(rng)
    return responds(answer(high, low), answer(-high, low), high.shape)


@nearest_valid.property(
    1,
    "All pixels from 0 to 1, and blocks have the means that were given.",
    "Pixels should be from 0 to 1 and blocks have the given means, both at "
    "once. Does what you do last undo what you did before?",
)
def _valid_both(answer, rng):
    high, low = _wild(rng)
    found = answer(high, low)
    inside = (found >= -1e-6).all() and (found <= 1 + 1e-6).all()
    return inside and close(_means(found), low, atol=1e-4)


@nearest_valid.property(
    1,
    "A picture that is right already is left as it is.",
    "The picture was from 0 to 1, its means were right, and it was changed.",
)
def _valid_already(answer, rng):
    high = rng.uniform(size=(2, 8, 12, 3))
    return close(answer(high, _means(high)), high, atol=1e-4)
