"""What a dashboard of many attributes shows, as numbers.

Used in week 5.
"""

from dataclasses import dataclass, fields

import numpy as np

from course_utils import multilabel
from course_utils.face_groups import check_frequencies, check_probabilities

THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
START = 0.5  # the threshold shown first
MOST_POINTS = 30  # of a curve
# Panel: what stands across and up, of `points`.
AXES = {  # panel: title, what stands across and up
    "ROC": ("ROC (dark: rare)", "false alarms", "hits"),
    "precision-recall": ("precision-recall", "recall", "precision"),
    "F1": ("F1 (line: always yes)", "faces that have it (%)", "F1"),
    "gain": ("weight and gain", "weight of positives", "gain"),
    "accuracy": (
        "accuracy over best constant",
        "faces that have it (%)",
        "difference",
    ),
    "rate": ("how often yes is said", "truly yes", "said yes"),
    "calibration": ("calibration", "mean score", "share of positives"),
}
PANELS = {
    "ROC": ("false alarms", "hits"),
    "precision-recall": ("hits", "precision"),
    "F1": ("frequency", "F1"),
    "gain": ("weight", "gain"),
    "accuracy": ("frequency", "lead"),
    "rate": ("true rate", "yes rate"),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Results:
    """Answers of a network on faces it was not trained on.

    names: n attributes; frequencies: `(n,)`, of the training labels.
    labels: `(faces, n)` bool; scores: `(faces, n)`, probabilities.
    baseline_scores: of a network to compare with, or None.
    weights: `(n,)` above 0, what positives weighed in training, or None.
    gains: `(n,)`, what the weights brought, such as average precision; if
        None, F1 over that of the baseline at the same threshold.
    gain_name: what `gains` are, such as "gain in AP"; names the axis.

    Raises:
        ValueError: shapes that do not fit, labels that are not bool, scores
            out of 0 to 1, frequencies out of (0, 1), weights that are not
            positive.

    Used in week 5.
    """

    names: tuple
    frequencies: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    baseline_scores: np.ndarray | None = None
    weights: np.ndarray | None = None
    gains: np.ndarray | None = None
    gain_name: str = "gain"

    def __post_init__(self):
        check_frequencies(self.names, self.frequencies)
        check_probabilities(self.labels, self.scores)
        if np.shape(self.labels)[1] != len(self.names):
            raise ValueError(
                f"{len(self.names)} names, but labels of shape "
                f"{np.shape(self.labels)}"
            )
        if self.baseline_scores is not None:
            check_probabilities(self.labels, self.baseline_scores)
        for name in ("weights", "gains"):
            self._check_one_each(name)
        if self.weights is not None and not (np.min(self.weights) > 0):
            raise ValueError(
                f"weights must be above 0, got {np.min(self.weights):.3g}"
            )

        for field in fields(self)[1:-1]:  # all but the names are arrays
            value = getattr(self, field.name)
            if value is not None:
                object.__setattr__(self, field.name, np.asarray(value))

    @property
    def axes(self):
        """`AXES`, with what the gain is in."""
        title, across, up = AXES["gain"]
        name = f"{up} in F1" if self.gains is None else self.gain_name
        return {**AXES, "gain": (title, across, name)}

    def _check_one_each(self, name):
        values = getattr(self, name)
        if values is None:
            return
        fits = np.shape(values) == (len(self.names),)
        if not fits or not np.isfinite(values).all():
            raise ValueError(
                f"{name} must be {len(self.names)} finite numbers, one for "
                f"each name, got shape {np.shape(values)}"
            )


def points(results, threshold):
    """Return every attribute's place in every panel.

    Args:
        results: `Results`.
        threshold: 0 to 1; the answer is yes for scores from there on.

    Returns:
        dict from the names in `PANELS` to `(n,)` arrays; NaN where nothing
        can be said. "lead" is the accuracy over that of the best constant
        answer to the same labels. "weight" or "gain" is None if not known.
    """
    labels = results.labels
    said = results.scores >= threshold
    true = labels.mean(axis=0)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN: not drawn
        hits = (said & labels).sum(axis=0) / labels.sum(axis=0)
        alarms = (said & ~labels).sum(axis=0) / (~labels).sum(axis=0)
        precision = (said & labels).sum(axis=0) / said.sum(axis=0)
    f1 = multilabel.f1(labels, said)
    return {
        "false alarms": alarms,
        "hits": hits,
        "precision": precision,
        "F1": f1,
        "lead": multilabel.accuracy(labels, said) - np.maximum(true, 1 - true),
        "yes rate": said.mean(axis=0),
        "true rate": true,
        "frequency": 100 * results.frequencies,
        "weight": results.weights,
        "gain": _gain(results, f1, threshold),
    }


def _gain(results, f1, threshold):
    if results.gains is not None:
        return results.gains
    if results.baseline_scores is None:
        return None
    said = results.baseline_scores >= threshold
    return f1 - multilabel.f1(results.labels, said)


def coordinates(results, places, panel):
    """Return where points stand in a panel.

    Args:
        results: `Results`.
        places: see `points`.
        panel: a name of `PANELS`.

    Returns:
        `(across, up)`, each `(n,)`; NaN where there is nothing to draw. On
        the logarithmic axes of rates, 0 stands at `lowest_rate`.
    """
    nothing = np.full(len(results.names), np.nan)
    pair = [places[name] for name in PANELS[panel]]
    if any(some is None for some in pair):
        return nothing, nothing
    if panel == "rate":
        pair = [np.maximum(some, lowest_rate(results)) for some in pair]
    return tuple(pair)


def lowest_rate(results):
    """Return where 0 stands on a logarithmic axis: half a face."""
    return 0.5 / len(results.labels)


def span(results, name):
    """Return the smallest and largest of something at all thresholds.

    Args:
        results: `Results`.
        name: a key of what `points` returns.

    Returns:
        `(low, high)`, with some room beyond and 0 between them; around 0
        if there is nothing.
    """
    found = [points(results, threshold)[name] for threshold in THRESHOLDS]
    if found[0] is None:
        return -1.0, 1.0
    low, high = min(np.nanmin(found), 0), max(np.nanmax(found), 0)
    room = 0.05 * max(high - low, 0.01)
    return float(low - room), float(high + room)


def gain_title(places):
    """Return the title of weight and gain, with their rank correlation."""
    from scipy.stats import spearmanr

    if places["weight"] is None or places["gain"] is None:
        return "weight and gain: not given"
    pair = np.array([places["weight"], places["gain"]])
    pair = pair[:, np.isfinite(pair).all(axis=0)]
    if pair.shape[1] < 3 or (np.ptp(pair, axis=1) == 0).any():
        return "weight and gain"
    return f"weight and gain, rank corr. {spearmanr(*pair).statistic:+.2f}"


def curves(results):
    """Return the curves of every attribute, thinned.

    Returns:
        dict with "ROC" and "precision-recall", each a list of n pairs
        (across, up) of at most 40 numbers; empty for an attribute that all
        faces or none have.
    """
    from sklearn.metrics import precision_recall_curve, roc_curve

    found = {"ROC": [], "precision-recall": []}
    for labels, scores in zip(results.labels.T, results.scores.T, strict=True):
        if labels.all() or not labels.any():
            pairs = ([], []), ([], [])
        else:
            precision, recall, _ = precision_recall_curve(labels, scores)
            roc = roc_curve(labels, scores)[:2]
            pairs = _thin(*roc), _thin(recall[::-1], precision[::-1])
        for some, pair in zip(found.values(), pairs, strict=True):
            some.append(pair)
    return found


def _thin(x, y):
    """Keep points at about equal distances along a curve, and its ends."""
    steps = np.abs(np.diff(x)) + np.abs(np.diff(y))
    along = np.concatenate([[0], steps.cumsum()])
    wanted = np.linspace(0, along[-1], MOST_POINTS)
    kept = np.unique(np.searchsorted(along, wanted - 1e-12))
    return x[kept], y[kept]


def summary(results, places):
    """Return lines of text on what a threshold means for each group.

    Args:
        results: `Results`.
        places: see `points`.

    Returns:
        List of str: number of attributes, mean F1, and yes said for each
        true yes.
    """
    lines = [f"{'group':7}{'n':>3}{'F1':>6}{'yes/true':>9}"]
    for name, mask in multilabel.rarity(results.frequencies).items():
        true = places["true rate"][mask].sum()
        if true:
            f1 = np.nanmean(places["F1"][mask])
            often = places["yes rate"][mask].sum() / true
            lines.append(f"{name:7}{mask.sum():>3}{f1:6.2f}{often:9.2f}")
    return [*lines, "", "yes/true should be 1:", "as many yes as are true"]


def shades(results):
    """Return a colour for each attribute: viridis, dark for rare.

    The light end of the map, hard to see on white, is left out.
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    logs = np.log(results.frequencies)
    span = max(np.ptp(logs), 1e-9)
    table = colormaps["viridis"](0.75 * (logs - logs.min()) / span)
    return [to_hex(colour) for colour in table]


def plain(values):
    """Return numbers as a short list: 3 digits; NaN becomes None, a gap."""
    values = np.asarray(values, dtype=float)
    return [None if np.isnan(one) else float(f"{one:.3g}") for one in values]
