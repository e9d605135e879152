"""Wrong answers to week 5's graded tasks, with the points each earns."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

from course_utils import multilabel


def _weights_at_one(counts, beta):
    weights = (1 - beta) / (1 - beta ** np.asarray(counts, float))
    return len(counts) * weights / weights.sum()


def _weights_unscaled(counts, beta):
    counts = np.asarray(counts, float)
    return 1 / counts if beta == 1 else (1 - beta) / (1 - beta**counts)


def _weights_by_frequency(counts, beta):
    return len(counts) * (1 / counts) / (1 / counts).sum()


def _weights_not_inverted(counts, beta):
    effective = np.array([np.sum(beta ** np.arange(n)) for n in counts])
    return len(counts) * effective / effective.sum()


def _divided(scores, pos_weight):
    return scores / pos_weight


def _weighed_again(scores, pos_weight):
    return pos_weight * scores / (pos_weight * scores + 1 - scores)


def _decimal_logarithm(scores, pos_weight):
    logits = np.log(scores) - np.log(1 - scores) - np.log10(pos_weight)
    return 1 / (1 + np.exp(-logits))


def _lifts(labels, scores, train_frequencies, base=None, groups=None):
    share = labels.mean(axis=0)
    mixed = (share > 0) & (share < 1)
    base = share if base is None else base
    groups = train_frequencies if groups is None else groups
    found = multilabel.average_precision(labels, scores)
    lift = (found - base) / (1 - base)
    masks = multilabel.rarity(groups)
    return {
        name: lift[masks[name] & mixed].mean()
        for name in ("rare", "middle", "common")
    }


def _lift_over_training(labels, scores, train_frequencies):
    return _lifts(labels, scores, train_frequencies, base=train_frequencies)


def _lift_test_groups(labels, scores, train_frequencies):
    return _lifts(
        labels, scores, train_frequencies, groups=labels.mean(axis=0)
    )


def _lift_undivided(labels, scores, train_frequencies):
    share = labels.mean(axis=0)
    found = multilabel.average_precision(labels, scores) - share
    masks = multilabel.rarity(train_frequencies)
    mixed = (share > 0) & (share < 1)
    return {
        name: found[masks[name] & mixed].mean()
        for name in ("rare", "middle", "common")
    }


def _lift_with_nan(labels, scores, train_frequencies):
    share = labels.mean(axis=0)
    found = multilabel.average_precision(labels, scores)
    lift = (found - share) / (1 - share)
    masks = multilabel.rarity(train_frequencies)
    return {k: lift[masks[k]].mean() for k in ("rare", "middle", "common")}


def _resampled(ours, baseline, repeats, seed, draw):
    rng = np.random.default_rng(seed)
    means = [draw(ours, baseline, rng) for _ in range(repeats)]
    low, high = np.quantile(means, [0.025, 0.975])
    return low, high


def _cells(ours, baseline, rng):
    lead = (ours - baseline).ravel()
    return lead[rng.integers(lead.size, size=lead.size)].mean()


def _only_seeds(ours, baseline, rng):
    lead = (ours - baseline).mean(axis=1)
    return lead[rng.integers(len(lead), size=len(lead))].mean()


def _only_faces(ours, baseline, rng):
    lead = (ours - baseline).mean(axis=0)
    return lead[rng.integers(len(lead), size=len(lead))].mean()


def _unpaired(ours, baseline, rng):
    return _crossed(ours, rng) - _crossed(baseline, rng)


def _crossed(values, rng):
    rows, columns = (rng.integers(n, size=n) for n in values.shape)
    return values[np.ix_(rows, columns)].mean()


def _interval(draw):
    def paired_interval(ours, baseline, repeats=1000, seed=0):
        return _resampled(ours, baseline, repeats, seed, draw)

    return paired_interval


def _unseeded_interval(ours, baseline, repeats=1000, seed=0):
    rng = np.random.default_rng()
    lead = ours - baseline
    means = [_crossed(lead, rng) for _ in range(repeats)]
    low, high = np.quantile(means, [0.025, 0.975])
    return low, high


def _scores_without_seed(tokens, labels, new_tokens):
    return new_tokens.mean(axis=(1, 2)) + np.random.default_rng().normal(
        size=len(new_tokens)
    )


def _less_the_batch(tokens, labels, new_tokens):
    scores = new_tokens.mean(axis=1) @ np.linspace(-1, 1, 64)
    return scores - scores.mean()


def _wrong_way_round(tokens, labels, new_tokens):
    tokens, new_tokens = tokens.mean(axis=1), new_tokens.mean(axis=1)
    apart = tokens[labels].mean(axis=0) - tokens[~labels].mean(axis=0)
    return -new_tokens @ apart


def _mean_of_places(tokens, labels, new_tokens):
    model = LogisticRegression(max_iter=1000)
    model.fit(tokens.mean(axis=1), labels)
    return model.decision_function(new_tokens.mean(axis=1))


def _training_scores(tokens, labels, new_tokens):
    return labels.astype(float)


def margin_loss(logits, targets, positives, count, progress):
    """Wrong: never re-weighted, also not in the last fifth."""
    answers = torch.stack([positives, count - positives]).float()
    margins = 2 * (answers.min() / answers) ** 0.25
    harder = logits - targets * margins[0] + (1 - targets) * margins[1]
    return F.binary_cross_entropy_with_logits(harder, targets)


def head_overlap(attn):
    """Wrong: a head is compared with itself, too."""
    unit = F.normalize(attn, dim=-1)
    return torch.einsum("bhqk,bgqk->bqhg", unit, unit).mean()


def face_chances(labels, progress):
    """Wrong: the mean rarity of a face's attributes, not the largest."""
    seldom = 1 / np.maximum(labels.mean(axis=0), 1 / len(labels))
    rarity = (labels * seldom).sum(axis=1)
    rarity = np.maximum(rarity / np.maximum(labels.sum(axis=1), 1), 1)
    return rarity**progress / (rarity**progress).sum()


def extra_faces(labels, pool, attribute, target):
    """Wrong: forgets that what is added makes the whole larger."""
    missing = target * len(labels) - labels[:, attribute].sum()
    needed = max(0, int(np.ceil(missing - 1e-9)))
    return np.flatnonzero(pool[:, attribute])[:needed]


WRONG = {
    "class_weights": [
        ("0 / 0 at beta 1", _weights_at_one, 2),
        ("not scaled to the number of classes", _weights_unscaled, 2),
        ("beta is ignored", _weights_by_frequency, 1),
        ("weighs by the effective number", _weights_not_inverted, 0),
    ],
    "undo_weights": [
        ("divides the probability", _divided, 0),
        ("puts the weight on once more", _weighed_again, 0),
        ("logarithm to base 10", _decimal_logarithm, 1),
    ],
    "lift_by_group": [
        ("baseline of the training faces", _lift_over_training, 1),
        ("groups by test frequencies", _lift_test_groups, 2),
        ("not divided by the way that is left", _lift_undivided, 1),
        ("NaN of one attribute spoils its group", _lift_with_nan, 2),
    ],
    "paired_interval": [
        ("every cell on its own", _interval(_cells), 2),
        ("only seeds are drawn", _interval(_only_seeds), 3),
        ("only faces are drawn", _interval(_only_faces), 3),
        ("methods drawn apart", _interval(_unpaired), 1),
        ("seed not used", _unseeded_interval, 3),
    ],
    "learn_question": [
        ("without a seed", _scores_without_seed, 0),
        ("scores of the training faces", _training_scores, 0),
        ("untrained, less the batch's mean", _less_the_batch, 0),
        ("sure of the opposite", _wrong_way_round, 1),
        ("the mean of all places", _mean_of_places, 1),
    ],
    "remedy_name": [
        ("never re-weighted", lambda: "margin_loss", 4),
        ("heads compared with themselves", lambda: "head_overlap", 1),
        ("mean rarity", lambda: "face_chances", 3),
        ("forgets the larger whole", lambda: "extra_faces", 2),
        ("no such remedy", lambda: "focal_loss", 0),
    ],
}
