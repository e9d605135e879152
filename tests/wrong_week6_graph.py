"""Wrong answers to week 6's exercises on patches and updates, with hints."""

import mistakes_week6 as made
import numpy as np

# exercise -> (wrong answer, words of its hint)
WRONG = {
    "attention_rows": [
        (lambda p, sigma: made.attention_rows(p.T, sigma), "are its rows"),
        (lambda p, s: made.attention_rows(p, s)[:1], "should have shape"),
        (made.rows(made.sums_of_squares), "take their mean"),
        (made.rows(score=lambda d2, s: -d2 / (2 * s)), "not squared"),
        (made.rows(score=lambda d2, s: -d2 / s**2), "is missing"),
        (made.rows(score=lambda d2, s: -d2 / 2), "is not used"),
        (made.rows(score=lambda d2, s: -d2 / 2 * s**2), "You multiply by"),
        (made.rows(score=lambda d2, s: d2 / (2 * s**2)), "sign is missing"),
        (made.rows(lambda p: made.mean_square(p) ** 0.5), "needs no root"),
        (
            made.rows(lambda p: abs(p[:, None] - p).mean(axis=2)),
            "absolute differences",
        ),
        (made.rows(made.of_means), "means of patches"),
        (
            made.rows(lambda p: p @ p.T, lambda d2, s: d2 / 12**0.5),
            "dot products",
        ),
        (made.rows(weigh=lambda scores: scores), "These are the scores"),
        (made.rows(weigh=np.exp), "These are affinities"),
        (
            made.rows(weigh=lambda scores: made.softmax(scores, axis=0)),
            "over the queries",
        ),
        (
            made.rows(weigh=lambda s: np.exp(s) / np.exp(s).sum()),
            "All pairs together",
        ),
        (
            made.rows(weigh=lambda s: s / s.sum(axis=1, keepdims=True)),
            "exponential is missing",
        ),
        (made.rows(weigh=made.others_only), "leaves itself out"),
        (made.rows(weigh=made.with_a_small_number), "do not sum to 1"),
        (made.rows(score=lambda d2, s: -3 * d2), "By hand"),
        (lambda p, s: made.attention_rows(p, 0.6), "is one of them written"),
        (made.rows_by_products(shift=False), "NaN for sigma = 0.001"),
        (
            made.rows(score=lambda d2, s: -(d2 / (2 * s**2)).clip(0, 12)),
            "cut off or added",
        ),
    ],
    "overlap": [
        (lambda p, shape: np.zeros((8, 10)), "still has the margin"),
        (lambda p, shape: made.reconstruct(p, shape).T, "should have shape"),
        (made.placed(average=lambda t, c, side: t / side**2), "gets dark"),
        (made.placed(average=lambda t, c, side: t), "This is the sum"),
        (lambda p, shape: p[:, :, 1, 1], "centre of its own patch"),
        (lambda p, shape: p.mean(axis=(2, 3)), "which blurs"),
        (
            made.placed(lambda p, y, x: p[:, :, -1 - y, -1 - x]),
            "turned round",
        ),
        (made.placed(lambda p, y, x: p[:, :, x, y]), "are exchanged inside"),
        (made.placed(first=lambda side: 0), "its first corner"),
        (made.placed(first=lambda side: side - 1), "its last corner"),
        (made.rolled, "comes in again"),
        (made.by_patches(made.add, whole_only=True), "are left out"),
        (made.by_patches(made.overwrite), "overwrites"),
        (
            made.placed(average=lambda t, c, side: t / (c + 1)),
            "should give a picture that is 1",
        ),
        (
            made.placed(lambda p, y, x: p[:, :, -1 - y, x]),
            "where should the 5",
        ),
        (
            made.placed(first=lambda side: 1),
            "where is a size written as a number",
        ),
    ],
    "smoothing": [
        (
            lambda S, v, tau, steps: made.smoothing(S, v, tau, steps)[:1],
            "should have shape",
        ),
        (lambda S, v, tau, steps: v, "Nothing has happened"),
        (lambda S, v, tau, steps: made.smoothing(S, v, tau, 1), "Only one"),
        (
            lambda S, v, tau, steps: made.smoothing(S, v, 1 - tau, steps),
            "exchanged with 1 - tau",
        ),
        (
            lambda S, v, tau, steps: made.smoothing(S.T, v, tau, steps),
            "S is transposed",
        ),
        (
            made.smoothed(
                lambda S, now, v, tau: (1 - tau) * v + tau * S @ now
            ),
            "values of the beginning",
        ),
        (
            lambda S, v, tau, steps: (
                (1 - tau) * v + tau * np.linalg.matrix_power(S, steps) @ v
            ),
            "the mixing once",
        ),
        (made.smoothed(lambda S, now, v, tau: S @ now), "tau is not used"),
        (
            lambda S, v, tau, steps: (1 - tau) * v + tau * S**steps @ v,
            "powers of the single weights",
        ),
        (
            made.smoothed(lambda S, now, v, tau: now + tau * S @ now),
            "nothing taken away",
        ),
        (
            made.smoothed(lambda S, now, v, tau: now - tau * S @ now),
            "is taken away: a step",
        ),
        (
            lambda S, v, tau, steps: made.smoothing(S, v, tau, steps - 1),
            "One step too few",
        ),
        (
            lambda S, v, tau, steps: made.smoothing(S, v, tau, steps + 1),
            "One step too many",
        ),
        (
            made.smoothed(lambda S, now, v, tau: tau * S @ now),
            "A single step is wrong",
        ),
        (
            lambda S, v, tau, steps: made.smoothing(S, v, tau, min(steps, 2)),
            "One step is right",
        ),
        (
            lambda S, v, tau, steps: made.smoothing(S, v, 0.3, steps),
            "is one of them written as a number",
        ),
    ],
    "printed": [
        (made.exhibit_weights, "8 weights for 4 scores"),
        (
            lambda scores, temperature=2.0: np.exp(scores * temperature),
            "Which type can be multiplied",
        ),
        (lambda *given: made.weights(*given)[:3], "4 weights are asked for"),
        (
            made.weights_of(score=lambda s, T: np.repeat(s, 2)),
            "8 weights for 4 scores",
        ),
        (lambda scores, T=2.0: [0.45, 0.1, 0.3, 0.15], "source prints"),
        (made.weights_of(lambda s, T: s / T), "divided by T"),
        (made.weights_of(lambda s, T: s), "not used, or cancels"),
        (
            made.weights_of(weigh=np.exp, share=lambda weights: weights),
            "not divided by their sum",
        ),
        (
            lambda scores, T=2.0: T * made.weights(scores, 1),
            "is already a weight",
        ),
        (made.weights_of(weigh=lambda s: s), "exponential is missing"),
        (
            made.weights_of(share=lambda weights: weights / weights.max()),
            "divide by the largest",
        ),
        (made.weights_of(lambda s, T: s + T), "not used, or cancels"),
        (
            lambda s, T=2.0: np.exp(np.add(s, T)) / np.exp(s).sum(),
            "T is added",
        ),
        (
            made.weights_of(weigh=lambda s: (s / 2) ** 2),
            "score is the base",
        ),
        (
            lambda scores, T=2.0: 1 / (1 + np.exp(-T * np.array(scores))),
            "sigmoids",
        ),
        (made.weights_of(lambda s, T: -s * T), "a minus too many"),
        (
            made.weights_of(share=lambda weights: weights / 2),
            "The weights sum to",
        ),
        (made.weights_of(lambda s, T: s * T**2), "logarithm of the ratio"),
        (made.weights_of(lambda s, T: 2 * s), "one of them written"),
        (made.weights_of(weigh=np.exp), "NaN for scores of 900"),
        (
            made.weights_of(lambda s, T: (s * T).clip(-300, 300)),
            "not cut off",
        ),
    ],
    "settled": [
        (lambda x, loss, rate=0.1, nudge=1e-3: [x, x], "One number"),
        (made.stepped(lambda *given: -made.central(*given)), "uphill"),
        (
            made.stepped(move=lambda x, rate, slope: x - rate * slope),
            "can become negative",
        ),
        (
            made.stepped(made.by_x, lambda x, rate, slope: x - rate * slope),
            "and so is the step",
        ),
        (made.stepped(made.by_x), "but the slope is one by x"),
        (
            made.stepped(move=lambda x, rate, slope: x * (1 - rate * slope)),
            "nearly right for small",
        ),
        (
            made.stepped(move=lambda x, rate, slope: np.log(x) - rate * slope),
            "log x after the step",
        ),
        (
            made.stepped(move=lambda x, rate, slope: -rate * slope),
            "how far log x moves",
        ),
        (
            made.stepped(move=lambda x, rate, slope: np.exp(-rate * slope)),
            "the factor by which",
        ),
        (
            made.stepped(
                move=lambda x, rate, slope: x * np.exp(-rate * np.sign(slope))
            ),
            "the controller's fault",
        ),
        (
            made.stepped(move=lambda x, rate, slope: x * np.exp(-slope)),
            "rate is not used",
        ),
        (made.stepped(made.between(-1, 1, lambda h: 2 / h)), "stands still"),
        (made.stepped(made.between(-1, 1, lambda h: h)), "2 nudges apart"),
        (made.stepped(made.between(-1, 1, lambda h: 1)), "hardly one"),
        (made.stepped(made.between(-1, 1, lambda h: 2)), "divided by 2, not"),
        (made.stepped(made.between(0, 1, lambda h: h)), "forward difference"),
        (made.stepped(made.between(-1, 0, lambda h: h)), "backward diff"),
        (
            made.stepped(made.between(0, 1, lambda h: 2 * h)),
            "both nudges start from x",
        ),
        (made.stepped(lambda x, loss, nudge: loss(x)), "place of its slope"),
        (
            made.stepped(made.between(0, 2, lambda h: 2 * h)),
            "it should stay",
        ),
        (
            made.stepped(made.between(-1, 1, lambda h: 3 * h)),
            "elsewhere it is wrong",
        ),
        (
            lambda x, loss, rate=0.1, nudge=1e-3: made.step(x, loss),
            "wrong for 1.7 and 0.03",
        ),
        (
            lambda x, loss, rate=0.1, nudge=1e-3: made.step(x, loss, rate),
            "wrong for 0.2",
        ),
    ],
}
