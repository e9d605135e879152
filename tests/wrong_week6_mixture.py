"""Wrong answers to week 6's exercises on noise and mixtures, with hints."""

import mistakes_week6 as made
import numpy as np

ROOT = np.sqrt(np.pi / 2)

# exercise -> (wrong answer, words of its hint)
WRONG = {
    "noise_level": [
        (lambda image: image, "One number is asked for"),
        (lambda image: image.std(), "spread of the picture"),
        (made.level(factor=np.pi / 12), "root is missing"),
        (made.level(factor=1 / 6), "factor is missing"),
        (made.level(factor=1 / ROOT / 6), "upside down"),
        (made.level(factor=ROOT / 36), "You divide by 36"),
        (made.level(factor=ROOT), "The 6 is missing"),
        (made.level(factor=ROOT / 9), "You divide by 9"),
        (made.level(factor=ROOT / 16), "You divide by 16"),
        (made.level(mean=np.mean), "with its sign, and noise cancels: take"),
        (made.level(mean=lambda r: abs(r.mean())), "absolute values first"),
        (made.level(mean=np.std, factor=1 / 6), "an edge, squared"),
        (
            made.level(mean=lambda r: (r**2).mean() ** 0.5, factor=1 / 6),
            "root of the mean square",
        ),
        (
            lambda image: (
                made.noise_level(image)
                * (image.shape[0] - 2)
                * (image.shape[1] - 2)
                / image.size
            ),
            "only inner pixels",
        ),
        (made.level(mean=lambda r: abs(r).sum()), "This is the sum"),
        (lambda image: made.noise_level(image) ** 2, "is the variance"),
        (made.level(mean=lambda r: np.median(abs(r))), "a median"),
        (made.padded("constant"), "continued by zeros:"),
        (made.padded("edge"), "its border, repeated"),
        (made.padded("reflect"), "by a reflection:"),
        (made.padded("wrap"), "other side of the picture"),
        (
            made.level(lambda image: made.residual(np.pad(image, 2))),
            "two deep",
        ),
        (
            made.level(
                lambda image: made.residual(
                    image, np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
                )
            ),
            "cross of a Laplacian",
        ),
        (
            made.level(
                lambda image: made.residual(
                    image, 9 * np.eye(9)[4].reshape(3, 3) - 1
                )
            ),
            "-1 all around",
        ),
        (
            made.level(lambda image: made.residual(image, abs(made.MASK))),
            "signs of the mask",
        ),
        (
            made.level(lambda image: np.diff(image, axis=1)),
            "A smooth ramp",
        ),
        (
            made.level(mean=lambda r: (r**2).mean()),
            "Three times the contrast",
        ),
        (made.level(factor=0.1), "The number is wrong"),
        (
            made.level(mean=lambda residual: abs(residual).sum() / 77),
            "wrong for 6 x 5",
        ),
    ],
    "sure": [
        (lambda noisy, *given: noisy, "One number is asked for"),
        (made.estimate(total=lambda m, v, d: m.mean()), "misfit alone"),
        (
            made.estimate(total=lambda m, v, d: m.mean() - v),
            "divergence is missing",
        ),
        (
            made.estimate(total=lambda m, v, d: m.mean() + 2 * v * d),
            "-noise**2 is missing",
        ),
        (
            made.estimate(total=lambda m, v, d: m.mean() + v + 2 * v * d),
            "noise**2 is added",
        ),
        (
            made.estimate(total=lambda m, v, d: m.mean() - v + v * d),
            "factor 2",
        ),
        (
            made.estimate(total=lambda m, v, d: m.mean() - v - 2 * v * d),
            "divergence is taken away",
        ),
        (
            made.estimate(lambda p, r, h: (p * r).sum() / h),
            "divergence is summed",
        ),
        (
            made.estimate(total=lambda m, v, d: m.sum() - v + 2 * v * d),
            "misfit is summed",
        ),
        (
            lambda noisy, *given: noisy.size * made.sure(noisy, *given),
            "All is summed",
        ),
        (made.estimate(lambda p, r, h: (p * r).mean()), "divide by nudge"),
        (made.estimate(level=lambda noise: noise), "noise is not squared: it"),
        (
            made.estimate(total=lambda m, v, d: m.mean() - v + 2 * v**0.5 * d),
            "In the divergence noise",
        ),
        (
            made.estimate(lambda p, r, h: r.mean() / h),
            "not multiplied by the probe",
        ),
        (made.sure_of_the_nudged_alone, "is not taken off"),
        (
            made.estimate(
                total=lambda m, v, d: (m**0.5).mean() - v + 2 * v * d
            ),
            "misfit is not squared",
        ),
        (lambda *given: made.sure(*given) ** 0.5, "This is the root"),
        (
            made.estimate(total=lambda m, v, d: m.mean() - v + 3 * v * d),
            "returns its input has an error",
        ),
        (
            made.estimate(total=lambda m, v, d: 2 * m.mean() - v + 2 * v * d),
            "grey whatever it sees",
        ),
        (
            made.estimate(total=lambda m, v, d: m.mean() - v + 2 * v * d**2),
            "wrong between them",
        ),
        (
            lambda noisy, f, noise, *rest: made.sure(noisy, f, 0.3, *rest),
            "use what is handed in",
        ),
        (
            lambda noisy, f, noise, p, nudge=1: made.sure(noisy, f, noise, p),
            "Is nudge used?",
        ),
    ],
    "responsibilities": [
        (lambda *given: made.responsibilities(*given).T, "a row for each com"),
        (lambda *given: made.responsibilities(*given)[:2], "should have sh"),
        (made.mixed(share=lambda scores: scores), "These are logarithms:"),
        (
            made.mixed(share=lambda scores: np.log(made.softmax(scores))),
            "logarithms of responsibilities",
        ),
        (made.mixed(share=np.exp), "not yet divided"),
        (
            made.mixed(share=lambda scores: made.softmax(scores, axis=0)),
            "over the patches",
        ),
        (
            made.mixed(share=lambda s: np.exp(s) / np.exp(s).sum()),
            "All patches and components",
        ),
        (made.mixed(share=lambda scores: made.hard(scores)), "k-means"),
        (
            made.mixed(score=lambda w, d2, s: -d2 / (2 * s**2)),
            "weights are left out",
        ),
        (
            made.mixed(lambda p, m: made.squared(p, m) / p.shape[1]),
            "as in exercise 1",
        ),
        (
            made.mixed(score=lambda w, d2, s: np.log(w) - d2 / (2 * s)),
            "sigma is not squared",
        ),
        (
            made.mixed(score=lambda w, d2, s: np.log(w) - d2 / s**2),
            "The 2 of",
        ),
        (
            made.mixed(score=lambda w, d2, s: np.log(w) - d2 / 2),
            "sigma is not used",
        ),
        (
            made.mixed(score=lambda w, d2, s: np.log(w) - d2 / 2 * s**2),
            "You multiply by sigma",
        ),
        (
            made.mixed(lambda p, m: made.squared(p, m) ** 0.5),
            "needs no root",
        ),
        (
            made.mixed(score=lambda w, d2, s: np.log(w) + d2 / (2 * s**2)),
            "farthest mean",
        ),
        (
            made.mixed(score=lambda w, d2, s: w - d2 / (2 * s**2)),
            "inside it is their logarithm",
        ),
        (
            made.mixed(score=lambda w, d2, s: -w * d2 / (2 * s**2)),
            "multiply the logits",
        ),
        (
            made.mixed(score=lambda w, d2, s: -np.log(w) - d2 / (2 * s**2)),
            "is taken off: it should be added",
        ),
        (
            made.mixed(
                lambda p, m: p @ m.T, lambda w, d2, s: np.log(w) + d2 / s**2
            ),
            "dot products",
        ),
        (made.weighted_late, "what already sums to 1"),
        (
            lambda *given: made.responsibilities(*given) / 2,
            "The rows do not sum to 1",
        ),
        (
            made.mixed(score=lambda w, d2, s: 2 * np.log(w) - d2 / (2 * s**2)),
            "the numbers are wrong",
        ),
        (
            lambda p, w, m, sigma: made.responsibilities(p, w, m, 0.8),
            "one of them written as a number",
        ),
        (made.naive(), "NaN for patches far"),
        (made.naive(np.max), "NaN for patches far"),
        (
            made.mixed(
                share=lambda scores: made.softmax(scores.clip(-700, None))
            ),
            "cut nothing off",
        ),
    ],
    "m_step": [
        (lambda *given: made.m_step(*given)[:2], "Three things"),
        (lambda *given: ("weights", "means", "sigma"), "all be numbers"),
        (
            lambda *given: (np.ones((3, 1)), *made.m_step(*given)[1:]),
            "should have shape",
        ),
        (made.refit(lambda taken, r: taken), "sum to the number of patches"),
        (made.refit(lambda taken, r: taken / r.shape[1]), "not of patches"),
        (
            made.refit(lambda taken, r: 0 * taken + 1 / r.shape[1]),
            "All weights are alike",
        ),
        (
            made.refit(lambda taken, r: made.hard(r).mean(axis=0)),
            "its responsibilities are shares",
        ),
        (
            made.refit(lambda taken, r: (r**2).mean(axis=0)),
            "The weights are wrong",
        ),
        (
            lambda *given: [np.transpose(x) for x in made.m_step(*given)],
            "means lie in columns",
        ),
        (
            made.refit(mean=lambda total, taken, n: total / n),
            "by what its own component takes",
        ),
        (made.refit(mean=lambda total, taken, n: total), "These are sums"),
        (
            made.refit(mean=lambda t, taken, n: 0 * t + t.sum(axis=0) / n),
            "mean of all patches: weigh",
        ),
        (
            lambda p, r: (
                made.m_step(p, r)[0],
                *made.m_step(p, made.hard(r))[1:],
            ),
            "as in k-means",
        ),
        (
            made.refit(mean=lambda t, taken, n: t / (taken[:, None] + 1)),
            "half-way",
        ),
        (
            made.refit(
                spread=lambda r, d2, width: np.sqrt(
                    (r * d2).sum(axis=0) / r.sum(axis=0) / width
                )
            ),
            "one number for all components",
        ),
        (
            made.refit(
                spread=lambda r, d2, w: np.sqrt((r * d2).sum() / len(r))
            ),
            "not divided by the width",
        ),
        (
            made.with_sigma(lambda p, r, m: (p - p.mean(axis=0)).std()),
            "from the mean of all patches",
        ),
        (made.with_sigma(lambda p, r, m: p.std()), "spread of all numbers"),
        (
            made.refit(spread=lambda r, d2, w: np.sqrt(d2.mean() / w)),
            "not weighted by responsibility",
        ),
        (
            made.refit(spread=lambda r, d2, w: np.sqrt((r * d2).mean() / w)),
            "number of components, too",
        ),
        (
            made.refit(
                spread=lambda r, d2, w: np.sqrt(
                    (r * d2).sum() / (len(r) - 1) / w
                )
            ),
            "one patch too few",
        ),
        (
            made.refit(spread=lambda r, d2, w: np.sqrt((r * d2).sum())),
            "squares are summed",
        ),
        (
            made.refit(spread=lambda r, d2, w: np.sqrt((r * d2).sum() / w)),
            "by the width, not by the number",
        ),
        (
            made.with_sigma(
                lambda p, r, m: np.sqrt(((p - r @ m) ** 2).mean())
            ),
            "Squares first",
        ),
        (
            made.refit(
                spread=lambda r, d2, w: np.sqrt(
                    (made.hard(r) * d2).sum() / len(r) / w
                )
            ),
            "best component alone",
        ),
        (
            made.refit(spread=lambda r, d2, w: (r * d2).sum() / len(r) / w),
            "This is the variance",
        ),
        (
            made.refit(
                spread=lambda r, d2, w: (r * (d2 / w) ** 0.5).sum() / len(r)
            ),
            "root comes too early",
        ),
        (
            made.refit(
                spread=lambda r, d2, w: np.sqrt(2 * (r * d2).mean() / w)
            ),
            "sigma is wrong",
        ),
        (
            made.refit(lambda taken, r: taken / 9),
            "where is a size written",
        ),
    ],
}
