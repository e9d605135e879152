"""What went wrong in training? The tutorial's checklist as a function.

The tutorial printed a tick for every attribute predicted for more than 5%
of the faces, and so praised a model that said yes to everything. Here a
success is what none of the known failures explains.
"""

import html
from dataclasses import dataclass, fields

import numpy as np

from course_utils.prediction_failures import (
    all_negative,
    all_positive,
    constant_answers,
    constant_scores,
    no_skill,
    ranking,
    rare_ignored,
    wrong_amount,
)
from course_utils.training_failures import (
    Finding,
    collapsed_attention,
    diverged,
    frozen_attention,
    leaking_threshold,
    restarts,
)

OF_TRAINING = (
    diverged,
    leaking_threshold,
    frozen_attention,
    collapsed_attention,
    restarts,
)
COLLAPSES = (constant_scores, all_negative, all_positive)
OF_SOME = (rare_ignored, constant_answers, wrong_amount, no_skill)
SOURCES = ("validation", "test", "fixed")
DIMENSIONS = {
    "rates": 2,
    "frequencies": 1,
    "losses": 1,
    "scores": 2,
    "labels": 2,
    "attn_entropy": 1,
    "query_gradient": 1,
    "learning_rates": 1,
}
SHARES = ("rates", "frequencies", "scores", "attn_entropy")  # 0 to 1
MAY_BE_NAN = ("losses", "scores", "attn_entropy", "query_gradient")
COLUMNS = ("finding", "evidence", "what to try")
LEFT = "text-align:left"


@dataclass(frozen=True, eq=False, kw_only=True)
class History:
    """How the training of a multi-label classifier went.

    Only `rates` and `frequencies` are needed; what is None cannot be
    checked, and the diagnosis says so. Arrays may be anything NumPy reads.

    rates: `(epochs, attributes)`, 0 to 1, the share of validation faces
        predicted positive at the thresholds in use, after each epoch.
    frequencies: `(attributes,)`, above 0 and below 1, the share of
        positives among the training labels.
    names: the attributes' names; "attribute 0" and so on if None.
    losses: `(epochs,)`, mean training loss, of one and the same objective.
    scores: `(samples, attributes)`, 0 to 1, the last validation
        probabilities, and `labels`, bool, what they should be.
    attn_entropy: `(epochs,)`, mean entropy of the attention over log(keys):
        0 is a single key, 1 is uniform.
    query_gradient: `(epochs,)`, norm of the loss's gradient for the query
        projection.
    learning_rates: `(steps,)`, one for each step, not for each epoch.
    threshold_from: "validation", "test" or "fixed", such as 0.5.

    Raises:
        ValueError: shapes that do not fit each other, numbers out of range
            or, but for losses, scores and what comes from the attention,
            not finite: those diverge, and `diagnose` says so.

    Used in week 5.
    """

    rates: np.ndarray
    frequencies: np.ndarray
    names: tuple | None = None
    losses: np.ndarray | None = None
    scores: np.ndarray | None = None
    labels: np.ndarray | None = None
    attn_entropy: np.ndarray | None = None
    query_gradient: np.ndarray | None = None
    learning_rates: np.ndarray | None = None
    threshold_from: str | None = None

    def __post_init__(self):
        for name in DIMENSIONS:
            value = _array(name, getattr(self, name))
            object.__setattr__(self, name, value)
        if self.names is None:
            names = (f"attribute {i}" for i in range(len(self.frequencies)))
            object.__setattr__(self, "names", tuple(names))
        _check_shapes(self)
        _check_frequencies(self.frequencies)
        if self.threshold_from not in (None, *SOURCES):
            raise ValueError(
                f"threshold_from must be one of {', '.join(SOURCES)} or "
                f"None, got {self.threshold_from!r}"
            )

    def __repr__(self):
        epochs, attributes = self.rates.shape
        return f"History({epochs} epochs, {attributes} attributes)"


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found; a table in a notebook, text elsewhere.

    findings: tuple of `Finding(name, evidence, advice)`, causes first.
    unchecked: the fields of `History` that were None.
    """

    findings: tuple
    unchecked: tuple = ()

    @property
    def names(self):
        """The findings' names, ("healthy",) if nothing failed."""
        return tuple(finding.name for finding in self.findings)

    def __str__(self):
        lines = [self._headline() + "."]
        for name, evidence, advice in self.findings:
            lines += [f"{name}: {evidence}.", f"    try: {advice}"]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self):
        head = "".join(
            f'<th scope="col" style="{LEFT}">{name}</th>' for name in COLUMNS
        )
        body = "".join(_html_row(finding) for finding in self.findings)
        return (
            f"<table><caption>{self._headline()}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    def _headline(self):
        failures = len(self.findings) if self.names != ("healthy",) else 0
        count = {0: "no failure", 1: "1 failure"}
        found = count.get(failures, f"{failures} failures")
        missing = ", ".join(self.unchecked) or "nothing"
        return f"Diagnosis: {found} found; not given: {missing}"


def diagnose(history):
    """Name the failures that a training history shows.

    Of the training: "diverged", "leaking threshold", "frozen attention",
    "attention collapsed", "learning-rate restarts". Of the predictions in
    the last epoch: "one constant for all attributes", "constant per
    attribute", "attributes not told apart", "all negative", "all
    positive"; and where none of these five explains everything, "rare
    ignored" (below 10%), "constant answers", "too many positives", "too
    few positives", "no better than chance". "healthy" means that what was
    given shows none of them, not that the model is good.

    Args:
        history: `History`.

    Returns:
        `Diagnosis`: a table with evidence and what to try; its `names`.

    Raises:
        TypeError: not a `History`.

    Used in week 5.
    """
    if not isinstance(history, History):
        raise TypeError(
            "diagnose needs a History(rates=..., frequencies=..., ...), got "
            f"{type(history).__name__}"
        )
    collapses = _found(COLLAPSES, history)
    findings = _found(OF_TRAINING, history) + collapses
    if not collapses:
        findings += _found(OF_SOME, history)
    unchecked = [
        field.name
        for field in fields(history)
        if getattr(history, field.name) is None
    ]
    return Diagnosis(tuple(findings or [_healthy(history)]), tuple(unchecked))


def _found(functions, history):
    found = (function(history) for function in functions)
    return [finding for finding in found if finding is not None]


def _healthy(history):
    predicted, true = history.rates[-1].sum(), history.frequencies.sum()
    evidence = (
        f"{predicted:.3g} positive answers per face where {true:.3g} are true"
    )
    _, precision, chance = ranking(history)
    if np.isfinite(precision):
        evidence += (
            f"; mean average precision {precision:.3f}, {chance:.3f} by chance"
        )
    advice = "Compare average precision and calibration with the baselines."
    return Finding("healthy", evidence, advice)


def _array(name, value):
    """Return a field as an array of floats (labels: bool), or raise."""
    if value is None and name not in ("rates", "frequencies"):
        return None
    array = np.asarray(value)
    if name == "labels" and array.dtype != bool:
        raise ValueError(
            f"labels must be bool, got {array.dtype}: write labels == 1"
        )
    if array.ndim != DIMENSIONS[name] or not array.size:
        raise ValueError(
            f"{name} needs {DIMENSIONS[name]} dimensions and one number or "
            f"more, got shape {array.shape}"
        )
    if name == "labels":
        return array
    array = array.astype(float)
    _check_range(name, array)
    return array


def _check_range(name, array):
    if name not in MAY_BE_NAN and not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite: find where NaN came from")
    most = 1 if name in SHARES else np.inf
    least = -np.inf if name == "losses" else 0
    slack = 1e-5 if name == "attn_entropy" else 0  # rounding
    if (array < least - slack).any() or (array > most + slack).any():
        hint = ": take the sigmoid of logits" if name == "scores" else ""
        raise ValueError(
            f"{name} must lie between {least} and {most}, got "
            f"{np.nanmin(array):.4g} to {np.nanmax(array):.4g}{hint}"
        )


def _check_frequencies(frequencies):
    if not ((frequencies > 0) & (frequencies < 1)).all():
        raise ValueError(
            "frequencies must lie above 0 and below 1: leave out attributes "
            "that no face or every face of the training split has"
        )


def _check_shapes(history):
    epochs, attributes = history.rates.shape
    wanted = {
        "frequencies": (attributes,),
        "names": (attributes,),
        "losses": (epochs,),
        "attn_entropy": (epochs,),
        "query_gradient": (epochs,),
    }
    if history.scores is not None:
        wanted["scores"] = (len(history.scores), attributes)
        wanted["labels"] = wanted["scores"]
    elif history.labels is not None:
        wanted["labels"] = (len(history.labels), attributes)
    for name, shape in wanted.items():
        value = getattr(history, name)
        if value is not None and np.shape(value) != shape:
            raise ValueError(
                f"{name} needs shape {shape}, for rates are {epochs} epochs "
                f"x {attributes} attributes; got {np.shape(value)}"
            )
    steps = history.learning_rates
    if steps is not None and len(steps) < epochs:
        raise ValueError(
            f"learning_rates needs one number for each step, got {len(steps)}"
            f" for {epochs} epochs"
        )


def _html_row(finding):
    name, *texts = (html.escape(text) for text in finding)
    cells = "".join(f'<td style="{LEFT}">{text}</td>' for text in texts)
    return f'<tr><th scope="row" style="{LEFT}">{name}</th>{cells}</tr>'
