"""Failures that show in the predictions of a `diagnosis.History`.

Each function returns a `Finding`, or None where the history does not show
its failure or lacks what would show it. None looks at accuracy: who says
no to everything is right in 4 of 5 answers about CelebA. Used in week 5,
through `diagnosis.diagnose`.
"""

import numpy as np

from course_utils.multilabel_scores import RARE, average_precision
from course_utils.training_failures import Finding

STUCK = 0.1  # of the true rate: less than every tenth positive is found
NEARLY_ALL = 0.95  # of the attributes: 38 of 40, and all of 10
LEAST_POSITIVES = 5  # faces (or negatives): with fewer, one decides
TOO_FEW, TOO_MANY = 1 / 3, 2  # times the true number of positives: at
# best a third of them is found, or a half of what is found is right
FLAT = 0.05  # of the spread of the labels: 0.25% of variance explained
ONE_VALUE = 0.01  # the tutorial's bug left 0.002, mended it has 0.2
RANKS = 0.2  # of the way from chance to perfect average precision
CHANCE = 0.05  # of the same way: what chance alone gives on few positives
MOVE = (
    "The scores do rank the faces: tune each attribute's threshold on the "
    "validation split before you train again."
)


def all_negative(history):
    """Nearly every attribute is hardly ever predicted."""
    never = history.rates <= STUCK * history.frequencies
    if not _nearly_all(never[-1]):
        return None
    advice = (
        "Ask first whether the attention learns: see the other findings. "
        "Then start the biases at log(f / (1 - f)) and compare logit "
        "adjustment, (1 - f) / f weights and oversampling."
    )
    return Finding(
        "all negative",
        f"{_of(never[-1])} are predicted less than a tenth as often as "
        f"they occur, {_since(never)}: {history.rates[-1].mean():.2%} "
        f"positive answers where {history.frequencies.mean():.2%} are true",
        MOVE if _ranks(history) else advice,
    )


def all_positive(history):
    """Nearly every attribute is predicted for nearly every face."""
    always = 1 - history.rates <= STUCK * (1 - history.frequencies)
    if not _nearly_all(always[-1]):
        return None
    f = history.frequencies.mean()
    advice = (
        "Lower the positive weights: 1 / f makes even the best constant "
        "1 / (2 - f), above a half for every f; (1 - f) / f is balanced."
    )
    return Finding(
        "all positive",
        f"{_of(always[-1])} are predicted for nearly every face, "
        f"{_since(always)}: {history.rates[-1].mean():.2%} positive answers "
        f"where {f:.2%} are true. Always yes gets this rate and a micro-F1 "
        f"of {2 * f / (1 + f):.2f} without looking",
        MOVE if _ranks(history) else advice,
    )


def constant_scores(history):
    """The scores do not depend on the face, the attribute, or either."""
    scores, f = history.scores, history.frequencies
    if scores is None or not np.isfinite(scores).all() or _ranks(history):
        return None
    over_faces = scores.std(axis=0)
    flat = over_faces <= FLAT * np.sqrt(f * (1 - f))
    between = np.sqrt(scores.var(axis=1).mean())  # attributes of one face
    alike = len(f) > 1 and between <= ONE_VALUE
    name = {
        (True, True): "one constant for all attributes",
        (True, False): "constant per attribute",
        (False, True): "attributes not told apart",
    }.get((bool(_nearly_all(flat)), bool(alike)))
    if name is None:
        return None
    means = scores.mean(axis=0)
    return Finding(
        name,
        f"scores have a standard deviation of {np.median(over_faces):.1g} "
        f"over faces and {between:.1g} over the attributes of a face; their "
        f"means are {means.min():.3f} to {means.max():.3f}, the frequencies "
        f"{f.min():.3f} to {f.max():.3f}",
        "Follow two faces, and two attributes, through the network: after "
        "which layer are they equal? Suspect the attention, dead units, a "
        "bias that all attributes share, and the learning rate.",
    )


def rare_ignored(history):
    """Rare attributes are hardly ever predicted, and others are."""
    rare = history.frequencies < RARE
    ignored = stuck(history)[0] & rare
    if not ignored.any():
        return None
    advice = (
        "Compare oversampling, logit adjustment and (1 - f) / f weights "
        "on the same budget, then tune the thresholds on validation."
    )
    return Finding(
        "rare ignored",
        f"{ignored.sum()} of {rare.sum()} rare attributes are predicted "
        "less than a tenth as often as they occur: "
        f"{_listed(history, ignored)}",
        MOVE if _ranks(history, ignored) else advice,
    )


def constant_answers(history):
    """Some attributes get the same answer for nearly every face."""
    never, always = stuck(history)
    same = (never & (history.frequencies >= RARE)) | always
    if not same.any():
        return None
    advice = (
        "Look at faces with and without these attributes: can you tell? "
        "Then check the labels, the resolution and the loss's weights."
    )
    return Finding(
        "constant answers",
        f"{_of(same)} get the same answer for nearly every face: "
        f"{_listed(history, same)}",
        MOVE if _ranks(history, same) else advice,
    )


def wrong_amount(history):
    """Rare or other attributes are predicted far too often or seldom."""
    never, always = stuck(history)
    rare = history.frequencies < RARE
    given = history.labels is not None
    rates = history.labels.mean(axis=0) if given else history.frequencies
    for group, members in (("rare", rare), ("other", ~rare)):
        members = members & known(history) & ~never & ~always
        predicted = history.rates[-1, members].sum()
        true = rates[members].sum()
        if TOO_FEW * true <= predicted <= TOO_MANY * true:
            continue
        advice = (
            "Look at the weights in the loss, which move the scores, so "
            "that 0.5 is no longer the place to cut; then train longer."
        )
        return Finding(
            "too many positives" if predicted > true else "too few positives",
            f"{members.sum()} {group} attributes: {predicted:.3g} positive "
            f"answers per face where {true:.3g} are true",
            MOVE if _ranks(history, members) else advice,
        )
    return None


def no_skill(history):
    """The scores rank the faces no better than chance."""
    skill, precision, chance = ranking(history)
    if not skill < CHANCE:
        return None
    return Finding(
        "no better than chance",
        f"mean average precision is {precision:.3f}, and {chance:.3f} by "
        "chance",
        "Overfit 50 faces first: if that fails, the network or the labels "
        "are broken; if it works, train longer and on more faces.",
    )


def known(history):
    """Which attributes do enough validation faces have, and lack?

    Returns:
        `(attributes,)` bool; all True where there are no labels.
    """
    if history.labels is None:
        return np.ones(len(history.frequencies), dtype=bool)
    positives = history.labels.sum(axis=0)
    fewer = np.minimum(positives, len(history.labels) - positives)
    return fewer >= LEAST_POSITIVES


def stuck(history):
    """Which attributes are hardly ever, and nearly always, predicted?

    Returns:
        Two `(attributes,)` bool arrays for the last epoch; False for what
        is not `known`.
    """
    rates, f = history.rates[-1], history.frequencies
    never, always = rates <= STUCK * f, 1 - rates <= STUCK * (1 - f)
    return never & known(history), always & known(history)


def ranking(history, chosen=None):
    """How well do the scores rank the faces, whatever the thresholds?

    Args:
        history: `diagnosis.History`.
        chosen: `(attributes,)` bool; all of them if None.

    Returns:
        `(skill, precision, chance)`, means over attributes of the share of
        the way from chance to 1, of the average precision, and of what
        chance gets, the share of positives; all NaN where scores or labels
        are missing or too few.
    """
    scores, labels = history.scores, history.labels
    unknown = 3 * (np.nan,)
    if scores is None or labels is None or not np.isfinite(scores).all():
        return unknown
    members = known(history) & (True if chosen is None else chosen)
    if not members.any():
        return unknown
    precision = average_precision(labels[:, members], scores[:, members])
    chance = labels[:, members].mean(axis=0)
    skill = (precision - chance) / (1 - chance)
    return skill.mean(), precision.mean(), chance.mean()


def _ranks(history, chosen=None):
    return bool(ranking(history, chosen)[0] >= RANKS)


def _nearly_all(flags):
    return flags.mean() >= NEARLY_ALL


def _of(flags):
    return f"{flags.sum()} of {len(flags)} attributes"


def _since(flags):
    """Say since when a failure is there: flags `(epochs, attributes)`."""
    there = flags.mean(axis=1) >= NEARLY_ALL
    lasted = np.argmin([*there[::-1], False])
    return f"since epoch {len(there) - lasted + 1} of {len(there)}"


def _listed(history, chosen, most=4):
    names = [history.names[i] for i in np.flatnonzero(chosen)]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
