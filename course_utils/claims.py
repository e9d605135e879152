"""Measured claims: what is said, what was measured, and the verdict."""

import html
import math
from dataclasses import dataclass

import numpy as np

VERDICTS = ("supported", "refuted", "undecided")
MARKS = {"supported": "✓", "refuted": "✗", "undecided": "?"}
LEFT = "text-align:left"
COLUMNS = ("claim", "by", "measured", "band", "baseline", "verdict")


class ClaimFailed(AssertionError):
    """A measurement did not give the verdict that the lesson states."""


@dataclass(frozen=True)
class Claim:
    """One measured claim; `values` holds one number per run."""

    text: str
    values: tuple
    low: float
    high: float
    baseline: str
    by: str
    per: str = "run"

    @property
    def verdict(self):
        """One of `VERDICTS`: are all runs in the band, none, or some?"""
        inside = [self.low <= value <= self.high for value in self.values]
        if all(inside):
            return "supported"
        return "undecided" if any(inside) else "refuted"

    @property
    def measured(self):
        """The measurement in words: a number, or mean, range and runs."""
        if len(self.values) == 1:
            return number(self.values[0])
        low, high = number(min(self.values)), number(max(self.values))
        mean = number(sum(self.values) / len(self.values))
        return f"{mean} ({low} to {high}, {len(self.values)} {self.per}s)"

    @property
    def band(self):
        """The band in words."""
        if self.low == self.high:
            return f"exactly {number(self.low)}"
        if math.isinf(self.high):
            return f"at least {number(self.low)}"
        if math.isinf(self.low):
            return f"at most {number(self.high)}"
        return f"{number(self.low)} to {number(self.high)}"

    def row(self):
        """The cells of the claims table, as in `COLUMNS`."""
        return (
            self.text,
            self.by,
            self.measured,
            self.band,
            self.baseline or "-",
            self.verdict,
        )


_claims = {}


def claim(
    text,
    measured,
    *,
    at_least=None,
    at_most=None,
    equals=None,
    tolerance=0.0,
    baseline=None,
    by="this course",
    per="run",
    expect="supported",
):
    """State a claim, hold it against its measurement, print the verdict.

    Args:
        text: the claim, in words.
        measured: a number, or one number per run. The claim is supported
            if every run lies in the band, refuted if none does, undecided
            otherwise. NaN never lies in a band.
        at_least, at_most: ends of the band (inclusive).
        equals, tolerance: instead of them, the band `equals` +- tolerance.
        baseline: what a trivial method gets: text, or (name, number).
        by: who claims it: "this course", "source tutorial", "paper: ...".
        per: what each number belongs to, if not a run: "head", "width".
        expect: "refuted" for a claim of others that the measurement sinks,
            "undecided" for one that the runs disagree about.

    Raises:
        ClaimFailed: the verdict is not the one the lesson expects.
        ValueError: no band, or nothing measured.
    """
    low, high = _band(at_least, at_most, equals, tolerance)
    values = tuple(float(v) for v in np.ravel(measured))
    if not values:
        raise ValueError(f"claim {text!r}: nothing was measured")
    if expect not in VERDICTS:
        raise ValueError(f"expect must be one of {VERDICTS}, not {expect!r}")
    entry = Claim(text, values, low, high, _words(baseline), by, per)
    _claims[text] = entry  # a cell that is run again replaces its claim
    for line in _lines(entry):
        print(line)
    if entry.verdict != expect:
        raise ClaimFailed(
            f"{text}: expected {expect}, but measured {entry.measured}, "
            f"where the band is {entry.band}"
        )


def claims_table():
    """Return all claims since `setup` as a table for the notebook."""
    return ClaimsTable(tuple(_claims.values()))


def reset():
    """Forget all claims; `setup` calls it."""
    _claims.clear()


class ClaimsTable:
    """Rich table of claims; plain text where HTML is not shown."""

    def __init__(self, claims):
        self.claims = claims

    def __repr__(self):
        lines = [" | ".join(COLUMNS)]
        lines += [" | ".join(entry.row()) for entry in self.claims]
        return "\n".join(lines)

    def _repr_html_(self):
        head = "".join(
            f'<th scope="col" style="{LEFT}">{name}</th>' for name in COLUMNS
        )
        body = "".join(_html_row(entry) for entry in self.claims)
        return (
            "<table><caption>Every claim of this lesson, with its "
            f"measurement</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>"
        )


def number(value):
    """Write a number as a person would: 0.85, 12, 6.6e-07, 62,832."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if 1e-3 <= abs(value) < 1e4:
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.1f}"
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.2g}"


def _band(at_least, at_most, equals, tolerance):
    if equals is not None:
        if at_least is not None or at_most is not None:
            raise ValueError("give equals, or at_least and at_most, not both")
        return equals - tolerance, equals + tolerance
    if at_least is None and at_most is None:
        raise ValueError(
            "a claim needs a band: at_least, at_most or equals says what "
            "measurement would support it"
        )
    low = -math.inf if at_least is None else at_least
    high = math.inf if at_most is None else at_most
    if low > high:
        raise ValueError(f"the band is empty: at_least {low}, at_most {high}")
    return low, high


def _words(baseline):
    if baseline is None or isinstance(baseline, str):
        return baseline or ""
    name, value = baseline
    return f"{name} {number(float(value))}"


def _lines(entry):
    yield f"claim     {entry.text}"
    if entry.by != "this course":
        yield f"by        {entry.by}"
    yield f"measured  {entry.measured}"
    if entry.baseline:
        yield f"baseline  {entry.baseline}"
    yield f"band      {entry.band}"
    yield f"verdict   {entry.verdict}"
    yield ""  # a cell may print several claims


def _html_row(entry):
    *texts, verdict = entry.row()
    cells = "".join(
        f'<td style="{LEFT}">{html.escape(text)}</td>' for text in texts
    )
    mark = f"{MARKS[verdict]} {verdict}"
    return f'<tr>{cells}<td style="{LEFT};white-space:nowrap">{mark}</td></tr>'
