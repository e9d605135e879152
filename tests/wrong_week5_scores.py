"""Wrong answers to week 5's exercises on rates and scores, with hints."""

import mistakes_week5 as made
import numpy as np

# exercise -> (wrong answer, words of its hint)
WRONG = {
    "pos_weights": [
        (lambda labels: labels.mean(axis=1), "weight for each face"),
        (lambda labels: 1 / labels.mean() - 1, "One weight for all"),
        (lambda labels: made.pos_weights(labels)[:, None], "should have sh"),
        (made.weights_by(lambda f: 1 / f), "in the tutorial's table"),
        (
            made.weights_by(lambda f: np.clip(1 / (f + 0.001), 1, 50)),
            "cut off at 1 and 50, as in the tutorial",
        ),
        (made.weights_by(lambda f: f / (1 - f)), "gets the least weight"),
        (made.weights_by(lambda f: f), "are the frequencies"),
        (made.weights_by(lambda f: 1 - f), "hardly apart"),
        (made.weights_by(lambda f: (1 / f - 1).clip(0, 50)), "tutorial's 50"),
        (made.weights_by(lambda f: (1 / f - 1).clip(1)), "at least 1"),
        (
            made.weights_by(lambda f: (1 / f - 1).clip(1, 50)),
            "cut off at 1 and 50: nothing",
        ),
        (made.weights_by(lambda f: 0.5 / f), "balanced"),
        (
            made.weights_by(lambda f: (1 / f - 1) / (1 / f - 1).mean()),
            "their mean is 1",
        ),
        (made.weights_by(lambda f: np.log(1 / f - 1)), "never negative"),
        (made.weights_by(lambda f: np.sqrt(1 / f - 1)), "evens out half"),
        (made.weights_by(lambda f: 2 / f), "Both answers should weigh"),
        (lambda x: 120 / x.sum(axis=0) - 1, "wrong for 7 and 3"),
    ],
    "average_precision": [
        (lambda labels, scores: scores, "One number is asked for"),
        (
            lambda labels, scores: made.average_precision(labels, -scores),
            "argsort ascends",
        ),
        (
            lambda labels, scores: made.average_precision(
                labels, -np.arange(len(labels))
            ),
            "order in which they came",
        ),
        (made.ranked(lambda h, r: (h.cumsum() / r).mean()), "all ranks"),
        (
            made.ranked(lambda h, r: (h.cumsum() / h.sum())[h == 1].mean()),
            "This is recall",
        ),
        (
            made.ranked(lambda h, r: (h * h.cumsum() / r).mean()),
            "number of all faces",
        ),
        (lambda labels, s: (labels == (s > 0.5)).mean(), "is accuracy at"),
        (lambda labels, s: labels[s > 0.5].mean(), "precision at 0.5"),
        (made.by_library("roc_auc_score"), "ROC curve"),
        (
            made.ranked(lambda h, r: (h.cumsum() / (r + 1))[h == 1].mean()),
            "Ranks begin at 1",
        ),
        (
            made.ranked(lambda h, r: ((h.cumsum() - h) / r)[h == 1].mean()),
            "left out where it should be counted",
        ),
        (made.ranked(lambda h, r: (h.cumsum() / r).max()), "largest prec"),
        (made.by_trapezoids, "trapezoids"),
        (made.ranked(made.pascal_voc), "PASCAL VOC"),
        (lambda labels, scores: labels.mean(), "which any constant gets"),
        (made.by_rank_of_rank, "take argsort once"),
        (
            lambda labels, scores: made.average_precision(labels, scores) / 2,
            "By hand",
        ),
        (
            lambda labels, scores: made.average_precision(labels, scores**2),
            "Logits instead of probabilities",
        ),
        (
            made.ranked(lambda h, r: (h * h.cumsum() / r).sum() / 6),
            "wrong for 5",
        ),
    ],
    "best_threshold": [
        (lambda labels, scores: scores, "One number is asked for"),
        (
            lambda labels, scores: max(
                made.f1_of(labels, scores >= t) for t in scores
            ),
            "largest F1 itself",
        ),
        (made.threshold(pick=lambda s, found: found), "place in the list"),
        (made.place_when_sorted, "place in the sorted list"),
        (made.place_mixed_up, "places are mixed up"),
        (lambda labels, scores: 0.5, "habit"),
        (
            made.threshold(by=lambda y, said: (y == said).mean()),
            "accuracy is largest",
        ),
        (made.threshold(by=made.balanced), "balanced accuracy is largest"),
        (made.threshold(by=made.precision_of), "precision is largest"),
        (lambda labels, scores: scores.min(), "recall is largest"),
        (
            lambda labels, scores: np.sort(scores)[-labels.sum()],
            "as many are said to be",
        ),
        (made.threshold(cut=np.greater), "One score too low"),
        (
            made.threshold(by=lambda y, said: made.f1_of(1 - y, ~said)),
            'best F1 of "no"',
        ),
        (made.on_a_grid, "a grid of round numbers"),
        (made.but_for_the_last, "the smallest and the largest"),
    ],
    "diagnose_scores": [
        (lambda scores, f: "healthy", "should return one of"),
        (made.tutorials_verdict, "no sign of health"),
        (made.rare_first, "the first name that fits counts"),
        (made.diagnosis(ignored=lambda yes, rare: False), "no face gets"),
        (
            made.diagnosis(ignored=lambda yes, rare: True),
            "about as often as it occurs.",
        ),
        (
            made.diagnosis(never=lambda yes: yes.mean() < 0.05),
            "not all is negative",
        ),
        (
            made.diagnosis(
                ignored=lambda yes, rare: not yes[:, rare].any(axis=0).all()
            ),
            "neither may",
        ),
        (
            made.diagnosis(
                rare=lambda s, f: (s > 0.5).mean(axis=0) < 0.01,
                ignored=lambda yes, rare: rare.any(),
            ),
            "not by the scores",
        ),
        (made.rates_first(["all negative"]), "0.42"),
        (
            made.diagnosis(flat=lambda s: s.std() < 0.001),
            "take the spread over faces",
        ),
        (
            made.diagnosis(flat=lambda s: (s == s[0]).all()),
            "they are not equal",
        ),
        (made.rates_first(["all positive"]), "near 0.9"),
        (
            made.diagnosis(flat=lambda s: (s.std(axis=0) < 0.001).any()),
            "four spread",
        ),
        (
            made.diagnosis(ignored=lambda yes, rare: not yes[:, rare].any()),
            "an empty array",
        ),
        (made.negative_by_common, "a low rate of yes is no collapse"),
    ],
}
