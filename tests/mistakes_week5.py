"""Right and plausible wrong answers to week 5's exercises, in NumPy."""

import numpy as np

from course_utils.attention import softmax


def pos_weights(labels):
    f = labels.mean(axis=0)
    return (1 - f) / f


def pos_weights_by_counting(labels):
    return (labels == 0).sum(axis=0) / (labels == 1).sum(axis=0)


def weights_by(of):
    """Weights made of the frequencies."""
    return lambda labels: of(labels.mean(axis=0))


def average_precision(labels, scores):
    hits = labels[np.argsort(-scores)]
    precision = hits.cumsum() / np.arange(1, len(hits) + 1)
    return precision[hits == 1].mean()


def average_precision_by_loop(labels, scores):
    """Slow, and right."""
    shares = [labels[scores >= t].mean() for t in scores[labels == 1]]
    return sum(shares) / len(shares)


def by_library(name):
    """What a function of scikit-learn says."""

    def attempt(labels, scores):
        from sklearn import metrics

        return getattr(metrics, name)(labels, scores)

    return attempt


def by_trapezoids(labels, scores):
    from sklearn.metrics import auc, precision_recall_curve

    precision, recall, _ = precision_recall_curve(labels, scores)
    return auc(recall, precision)


def ranked(of):
    """Average something made of hits and ranks, from 1, best first."""

    def attempt(labels, scores):
        hits = labels[np.argsort(-scores)]
        return of(hits, np.arange(1, len(hits) + 1))

    return attempt


def pascal_voc(hits, ranks):
    precision = hits.cumsum() / ranks
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return best[hits == 1].mean()


def by_rank_of_rank(labels, scores):
    hits = labels[np.argsort(np.argsort(-scores))]
    precision = hits.cumsum() / np.arange(1, len(hits) + 1)
    return precision[hits == 1].mean()


def attend(
    scale=lambda query, key: query.shape[3] ** -0.5,
    axis=-1,
    columns=lambda key: key.swapaxes(2, 3),
    weigh=softmax,
    read=lambda attn, value: attn @ value,
):
    """Cross-attention, with one part or another exchanged."""

    def attempt(query, key, value):
        logits = query @ columns(key) * scale(query, key)
        attn = weigh(logits, axis=axis)
        return read(attn, value), attn

    return attempt


cross_attention = attend()


def cross_attention_by_einsum(query, key, value):
    logits = np.einsum("bhqd,bhkd->bhqk", query, key) / query.shape[-1] ** 0.5
    attn = softmax(logits)
    return np.einsum("bhqk,bhkd->bhqd", attn, value), attn


def unstable(logits, axis):
    weights = np.exp(logits)
    return weights / weights.sum(axis=axis, keepdims=True)


def one_shift_for_all(logits, axis):
    return unstable(logits - logits.max(), axis)


def cut_off(logits, axis):
    return unstable(logits.clip(-30, 30), axis)


def over_everything(logits, axis):
    flat = softmax(logits.reshape(len(logits), -1))
    return flat.reshape(logits.shape)


def tutorials_read(attn, value):
    return np.einsum("bhqk,bhvd->bhqd", attn, value)


def read(attn, value):
    return np.einsum("bhqk,bhkd->bhqd", attn, value)


def read_by_matmul(attn, value):
    return attn @ value


def read_largest(attn, value):
    return np.eye(attn.shape[-1])[attn.argmax(axis=-1)] @ value


def right_if_square(function, otherwise):
    """Right, but for as many keys as queries."""

    def attempt(*args):
        square = args[0].shape[2] == args[-1].shape[2]
        return (otherwise if square else function)(*args)

    return attempt


def cross_entropy(logits, targets):
    return np.logaddexp(0, np.where(targets == 1, -logits, logits))


def focal(power=lambda pt, p, gamma: (1 - pt) ** gamma, total=np.mean):
    """The focal loss with another factor, or another mean."""

    def attempt(logits, targets, gamma=2.0):
        bce = cross_entropy(logits, targets)
        p = 1 / (1 + np.exp(-logits))
        return total(power(np.exp(-bce), p, gamma) * bce)

    return attempt


focal_loss = focal()


def focal_by_tanh(logits, targets, gamma=2.0):
    """Right: sigmoid(x) is (1 + tanh(x / 2)) / 2."""
    right = logits * (2 * targets - 1)
    wrong = (1 - np.tanh(right / 2)) / 2
    return (wrong**gamma * (np.maximum(-right, 0) + rest(right))).mean()


def rest(x):
    return np.log1p(np.exp(-abs(x)))


def naive_focal(small=0.0, least=0.0):
    """log(p) as it is written, p kept away from 0 in two ways."""

    def attempt(logits, targets, gamma=2.0):
        p = 1 / (1 + np.exp(-logits))
        pt = np.where(targets == 1, p, 1 - p).clip(least, 1)
        return (-((1 - pt) ** gamma) * np.log(pt + small)).mean()

    return attempt


def focal_of_mean(logits, targets, gamma=2.0):
    bce = cross_entropy(logits, targets).mean()
    return (1 - np.exp(-bce)) ** gamma * bce


def positives_only(logits, targets, gamma=2.0):
    p = 1 / (1 + np.exp(-logits))
    return (targets * (1 - p) ** gamma * cross_entropy(logits, targets)).mean()


def factor_alone(logits, targets, gamma=2.0):
    pt = np.exp(-cross_entropy(logits, targets))
    return ((1 - pt) ** gamma).mean()


def with_alpha(logits, targets, gamma=2.0):
    bce = cross_entropy(logits, targets)
    alpha = np.where(targets == 1, 0.25, 0.75)
    return (alpha * (1 - np.exp(-bce)) ** gamma * bce).mean()


def tutorials_focal(logits, targets, pos_weight, gamma=2.0):
    positive = pos_weight * np.logaddexp(0, -logits)
    bce = np.where(targets == 1, positive, np.logaddexp(0, logits))
    pt = np.exp(-bce)
    return ((1 - pt) ** gamma * bce).mean()


def weighted(
    weigh=lambda w, targets: np.where(targets == 1, w, 1),
    loss=lambda w, pt, bce, gamma: w * (1 - pt) ** gamma * bce,
    total=lambda terms, w: terms.mean(),
):
    """The weighted focal loss, with one part or another exchanged."""

    def attempt(logits, targets, pos_weight, gamma=2.0):
        bce = cross_entropy(logits, targets)
        weight = weigh(pos_weight, targets)
        return total(loss(weight, np.exp(-bce), bce, gamma), weight)

    return attempt


weighted_focal = weighted()


def adjusted(
    prior=lambda f, targets: np.log(f / (1 - f)),
    add=np.add,
    total=lambda bce, prior: bce.mean(),
):
    """Cross-entropy of adjusted logits, with one part exchanged."""

    def attempt(logits, targets, frequencies):
        shift = prior(frequencies, targets)
        return total(cross_entropy(add(logits, shift), targets), shift)

    return attempt


adjusted_loss = adjusted()


def naively_adjusted(logits, targets, frequencies):
    odds = frequencies / (1 - frequencies)
    p = 1 / (1 + np.exp(-logits) / odds)
    return -np.log(np.where(targets == 1, p, 1 - p)).mean()


def reweighted(logits, targets, frequencies):
    weight = np.where(targets == 1, 1 / frequencies - 1, 1)
    return (weight * cross_entropy(logits, targets)).mean()


def f1_of(labels, said):
    return 2 * (labels * said).sum() / (labels.sum() + said.sum())


def threshold(by=f1_of, cut=np.greater_equal, pick=lambda s, found: s[found]):
    """The score at which something is largest."""

    def attempt(labels, scores):
        found = [by(labels, cut(scores, t)) for t in scores]
        return pick(scores, int(np.argmax(found)))

    return attempt


best_threshold = threshold()


def threshold_by_sorting(labels, scores):
    """Right, and quick."""
    order = np.argsort(-scores)
    hits = labels[order].cumsum()
    f1 = 2 * hits / (labels.sum() + np.arange(1, len(hits) + 1))
    return scores[order][f1.argmax()]


def place_mixed_up(labels, scores):
    ranked = np.sort(scores)
    return scores[np.argmax([f1_of(labels, scores >= t) for t in ranked])]


def place_when_sorted(labels, scores):
    ranked = np.sort(scores)
    return np.argmax([f1_of(labels, scores >= t) for t in ranked])


def on_a_grid(labels, scores):
    grid = np.linspace(0.005, 0.995, 100)
    return grid[np.argmax([f1_of(labels, scores >= t) for t in grid])]


def but_for_the_last(labels, scores):
    ranked = np.sort(scores)[1:]
    return ranked[np.argmax([f1_of(labels, scores >= t) for t in ranked])]


def balanced(labels, said):
    return said[labels == 1].mean() - said[labels == 0].mean()


def precision_of(labels, said):
    return labels[said].mean()


def diagnosis(
    flat=lambda s: (s.std(axis=0) < 0.001).all(),
    never=lambda yes: not yes.any(),
    always=lambda yes: yes.all(),
    ignored=lambda yes, rare: rare.any() and not yes[:, rare].any(),
    rare=lambda s, f: f < 0.1,
):
    """The list of exercise 9, with one test or another exchanged."""

    def attempt(scores, frequencies):
        yes = scores > 0.5
        if flat(scores):
            return "constant"
        if never(yes):
            return "all negative"
        if always(yes):
            return "all positive"
        if ignored(yes, rare(scores, frequencies)):
            return "rare ignored"
        return "fine"

    return attempt


diagnose_scores = diagnosis()


def by_range(scores, frequencies):
    """Right: the whole range instead of the standard deviation."""
    return diagnosis(lambda s: (np.ptp(s, axis=0) < 0.001).all())(
        scores, frequencies
    )


def rates_first(names):
    """Ask for the rates of yes before the spread."""

    def attempt(scores, frequencies):
        yes = scores > 0.5
        if "all negative" in names and not yes.any():
            return "all negative"
        if "all positive" in names and yes.all():
            return "all positive"
        return diagnose_scores(scores, frequencies)

    return attempt


def rare_first(scores, frequencies):
    rare = frequencies < 0.1
    if rare.any() and not (scores[:, rare] > 0.5).any():
        return "rare ignored"
    return diagnose_scores(scores, frequencies)


def tutorials_verdict(scores, frequencies):
    said = diagnose_scores(scores, frequencies)
    return "fine" if said == "all positive" else said


def negative_by_common(scores, frequencies):
    """Look for a yes among the common attributes, even if there are none."""
    common = scores[:, frequencies >= 0.1] > 0.5
    return diagnosis(never=lambda yes: not common.any())(scores, frequencies)
