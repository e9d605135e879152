"""What a student reads about a graded task, in HTML and in plain text."""

import html
import sys
from dataclasses import dataclass

COLOURS = {True: "#00623f", False: "#a33b00", None: "#595959"}
MARKS = {True: "✓", False: "✗"}


@dataclass(frozen=True)
class Line:
    """What one property says; `hint` is empty where it holds."""

    points: float
    holds: bool
    hidden: bool
    says: str
    hint: str


@dataclass(frozen=True)
class Report:
    """What all properties of a task said; without lines, not attempted."""

    name: str
    title: str
    most: float
    lines: tuple

    @property
    def points(self):
        """The points earned: those of all properties that hold, or 0."""
        if any(not line.points and not line.holds for line in self.lines):
            return 0.0
        earned = sum(line.points for line in self.lines if line.holds)
        return min(float(earned), self.most)

    @property
    def to_come(self):
        """Points that only hidden properties give, judged later."""
        if any(line.hidden for line in self.lines) or not self.lines:
            return 0.0
        return self.most - sum(line.points for line in self.lines)

    def sentence(self):
        """Return one line that says how far the answer is."""
        if not self.lines:
            return (
                f"{self.name}: not attempted. 0 of {self.most:g} points. "
                "Fill in the stub, then run me again."
            )
        text = f"{self.name}: {self.points:g} of {self.most:g} points."
        stopped = any(not x.points and not x.holds for x in self.lines)
        if self.to_come and not stopped:
            more = f"{self.to_come:g} more will be judged"
            text += f" After you hand in, {more}."
        return text

    def rows(self):
        """Return (mark, points, words) of every property that gives any."""
        for line in self.lines:
            if line.points or not line.holds:
                words = " ".join(filter(None, (line.says, line.hint)))
                words = f"(hidden) {words}" if line.hidden else words
                yield MARKS[line.holds], line.points, words

    def __repr__(self):
        rows = [f"  {m} {p:g}  {words}" for m, p, words in self.rows()]
        return "\n".join([self.sentence(), *rows])

    def _repr_html_(self):
        whole = all(line.holds for line in self.lines)
        colour = COLOURS[whole if self.lines else None]
        rows = "".join(
            f"<li>{m} <b>{p:g}</b> {html.escape(words)}</li>"
            for m, p, words in self.rows()
        )
        return (
            f'<div role="status" style="border-left:4px solid {colour};'
            'padding:.4em .8em;background:#fff;color:#1a1a1a">'
            f'<strong style="color:{colour}">{html.escape(self.sentence())}'
            f'</strong><ul style="list-style:none;margin:.2em 0">{rows}</ul>'
            "</div>"
        )


@dataclass(frozen=True)
class Summary:
    """The reports of all tasks of an assignment, as one table."""

    week: int
    reports: tuple

    def __repr__(self):
        lines = [report.sentence() for report in self.reports]
        return "\n".join([*lines, self.closing()])

    def closing(self):
        """Return what is earned, what is still judged, in one sentence."""
        earned = sum(report.points for report in self.reports)
        most = sum(report.most for report in self.reports)
        if any(line.hidden for r in self.reports for line in r.lines):
            return (
                f"{earned:g} of {most:g} points, hidden properties "
                "included. Written answers are marked by hand."
            )
        return (
            f"So far {earned:g} of {most:g} points. Hidden properties, other "
            "numbers, and your written answers are judged after you hand in."
        )

    def _repr_html_(self):
        rows = "".join(
            f"<tr><td>{html.escape(r.name)}</td><td>{r.points:g}</td>"
            f"<td>{r.to_come:g}</td><td>{r.most:g}</td></tr>"
            for r in self.reports
        )
        return (
            f"<table><caption>Week {self.week}, as far as can be seen"
            "</caption><thead><tr><th>task</th><th>points</th><th>judged "
            f"later</th><th>of</th></tr></thead><tbody>{rows}</tbody></table>"
            f"<p>{html.escape(self.closing())}</p>"
        )


def show(thing):
    """Display in a notebook, print elsewhere."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        from IPython.display import display

        display(thing)
    else:
        print(repr(thing))
