"""Wrong answers to week 5's exercises on losses, with their hints."""

import mistakes_week5 as made
import numpy as np

# exercise -> (wrong answer, words of its hint)
WRONG = {
    "focal_loss": [
        (made.focal(total=lambda x: x.mean(axis=0)), "One number"),
        (made.focal(total=np.sum), "This is the sum"),
        (made.focal(total=lambda x: x.sum(axis=1).mean()), "over attributes"),
        (made.focal(total=lambda x: x.sum(axis=0).mean()), "over faces"),
        (made.focal(total=lambda x: -x.mean()), "sign is wrong"),
        (made.focal(lambda pt, p, gamma: 1), "the factor is missing"),
        (made.focal(lambda pt, p, gamma: pt**gamma), "keeps what is easy"),
        (made.focal(lambda pt, p, gamma: (1 - p) ** gamma), "where p_t bel"),
        (made.positives_only, "Positives alone"),
        (made.focal_of_mean, "each answer has its own"),
        (made.focal(lambda pt, p, gamma: gamma * (1 - pt)), "it is a power"),
        (
            lambda x, y, gamma=2: made.focal_loss(-x, y, gamma),
            "of the wrong answer",
        ),
        (made.factor_alone, "factor alone"),
        (made.with_alpha, "equation 5"),
        (made.focal(lambda pt, p, gamma: (1 - pt) ** 2), "With gamma = 0"),
        (
            made.focal(lambda pt, p, gamma: (1 - pt**gamma) if gamma else 1),
            "the factor (1 - p_t)**gamma is wrong",
        ),
        (made.naive_focal(), "log gets a 0"),
        (made.naive_focal(small=1e-12), "gets off too lightly"),
        (made.naive_focal(least=1e-12), "gets off too lightly"),
        (made.focal(total=lambda x: x.sum() / 24), "wrong for 3, 5 and 0.5"),
    ],
    "weighted_focal": [
        (made.tutorials_focal, "as in the tutorial"),
        (
            made.weighted(
                loss=lambda w, pt, bce, gamma: (1 - pt**w) ** gamma * bce
            ),
            "and only there",
        ),
        (
            made.weighted(total=lambda x, w: x.mean(axis=0)),
            "One number is asked for",
        ),
        (made.weighted(total=lambda x, w: x.sum()), "This is the sum"),
        (made.weighted(total=lambda x, w: -x.mean()), "sign is wrong"),
        (made.weighted(weigh=lambda w, y: 1), "weights are not used"),
        (made.weighted(weigh=lambda w, y: w), "negatives, too"),
        (
            made.weighted(weigh=lambda w, y: np.where(y == 1, 1, w)),
            "instead of the positives",
        ),
        (
            made.weighted(
                loss=lambda w, pt, bce, gamma: (w * (1 - pt)) ** gamma * bce
            ),
            "inside the power",
        ),
        (
            made.weighted(weigh=lambda w, y: np.where(y == 1, w, 1 - w)),
            "how alpha works",
        ),
        (
            made.weighted(total=lambda x, w: x.sum() / w.sum()),
            "divide by the sum of the weights",
        ),
        (
            made.weighted(loss=lambda w, pt, bce, gamma: w * bce),
            "weighted cross-entropy: the factor",
        ),
        (made.weighted(weigh=lambda w, y: y * w), "Positives alone"),
        (
            made.weighted(loss=lambda w, pt, bce, gamma: w * pt**gamma * bce),
            "With weights of 1",
        ),
        (
            made.weighted(weigh=lambda w, y: np.where(y == 1, np.sqrt(w), 1)),
            "wrong for others",
        ),
        (
            lambda x, y, w, gamma=2.0: made.weighted_focal(
                x.clip(-700, 700), y, w, gamma
            ),
            "gets off too lightly",
        ),
        (
            lambda x, y, w, gamma=2.0: made.weighted_focal(x, y, w),
            "wrong for 3, 5 and 0.5",
        ),
    ],
    "adjusted_loss": [
        (
            made.adjusted(total=lambda x, prior: x.mean(axis=0)),
            "One number is asked for",
        ),
        (made.adjusted(total=lambda x, prior: x.sum()), "This is the sum"),
        (made.adjusted(total=lambda x, prior: -x.mean()), "sign is wrong"),
        (made.adjusted(add=np.subtract), "log-odds are subtracted"),
        (
            made.adjusted(lambda f, y: np.log((1 - f) / f)),
            "log-odds are subtracted",
        ),
        (made.adjusted(lambda f, y: 0), "log-odds are missing"),
        (made.adjusted(lambda f, y: np.log(f)), "is for softmax"),
        (made.adjusted(lambda f, y: f / (1 - f)), "their logarithm should"),
        (made.adjusted(lambda f, y: f), "their log-odds should"),
        (made.adjusted(add=np.multiply), "multiply the logits"),
        (
            made.adjusted(
                add=lambda x, prior: x,
                total=lambda bce, prior: (bce + prior).mean(),
            ),
            "they have no gradient",
        ),
        (
            made.adjusted(lambda f, y: y * np.log(f / (1 - f))),
            "positives alone",
        ),
        (made.reweighted, "no answer has a weight"),
        (
            lambda x, y, f: made.adjusted_loss(x, 1 - y, f),
            "Targets are exchanged",
        ),
        (made.adjusted(lambda f, y: f + 1), "With frequencies of 0.5"),
        (
            made.adjusted(lambda f, y: np.log10(f / (1 - f))),
            "Right for frequencies of 0.5",
        ),
        (made.naively_adjusted, "log gets a 0"),
        (
            lambda x, y, f: made.adjusted_loss(x.clip(-700, 700), y, f),
            "gets off too lightly",
        ),
        (
            made.adjusted(total=lambda x, prior: x.sum() / 24),
            "wrong for 3 and 5",
        ),
    ],
}
