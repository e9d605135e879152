"""A report of submissions that look alike: one page of HTML to read.

How likeness is measured stands in `likeness`. Students' names and code are
theirs to choose, so both are escaped, and the page may run no script.
"""

import html
import statistics

from course_utils import files
from course_utils.grading.likeness import (
    LEAST_SHARE,
    MOST_PAIRS,
    PASSAGE,
    compare,
)

HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body { font: 16px/1.5 sans-serif; margin: 2em; color: #1a1a1a;
  background: #fff }
caption, th, td { padding: .2em 1em .2em 0; text-align: left }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr));
  gap: 1em }
pre { overflow: auto; max-height: 40em; padding: .5em;
  border: 1px solid #767676 }
mark { background: #ffefb0; color: #1a1a1a; text-decoration: underline }
</style>
"""
CAVEATS = """<ul>
<li>Likeness is no verdict. It says where to look, not what happened: read
the two texts, then talk to the students.</li>
<li>Short answers look alike. There are few ways to write a softmax, and
those who learned from the same lesson write it the same way.</li>
<li>A right answer may come near the published solution by itself.</li>
<li>Only code in answer cells is compared. Names, comments, docstrings,
spaces and the lines that students were given count for nothing. Written
answers are not compared.</li>
<li>Code that was rewritten line by line is not found.</li>
</ul>
"""


def report(folder, assignment, path, progress=lambda amount: None):
    """Compare all submissions of an assignment; write the page.

    Args:
        folder: course directory, with source/, release/ and submitted/.
        assignment: its name, such as "week5".
        path: file to write; it shows students' names and code.
        progress: called with 1 for each submission that is compared, the
            published solution included.

    Returns:
        `likeness.Found`.

    Raises:
        FileNotFoundError: nothing is released or submitted.
    """
    found = compare(folder, assignment, progress)
    # Names of folders need not be valid text.
    text = page(found).encode("utf-8", "backslashreplace")
    files.write_at_once(path, text)
    return found


def page(found):
    """Return what was `Found` as a page of HTML."""
    title = html.escape(f"Answers that look alike: {found.assignment}")
    pairs = "".join(_section(i, p) for i, p in enumerate(found.pairs, 1))
    return (
        f"{HEAD}<title>{title}</title></head><body><main>\n"
        f"<h1>{title}</h1>\n{CAVEATS}<p>{_summary(found.shares)}</p>\n"
        f"{_overview(found.pairs)}{_skipped(found.skipped)}{pairs}"
        "</main></body></html>\n"
    )


def _summary(shares):
    """Return how alike pairs are in general, and which are listed."""
    usual = ""
    if shares:
        usual = (
            f"Pairs compared: {len(shares)}; half of them share "
            f"{statistics.median(shares):.0%} or less. "
        )
    return (
        f"{usual}Listed are pairs that share at least {LEAST_SHARE:.0%}, "
        f"the first {MOST_PAIRS} of them. A passage is {PASSAGE} tokens in a "
        "row; the share is counted in passages of whoever wrote fewer. "
        "Shared passages are <mark>underlined</mark>."
    )


def _overview(pairs):
    if not pairs:
        return "<p>No pair shares that much.</p>\n"
    rows = "".join(
        f'<tr><td><a href="#pair-{i}">{_names(pair)}</a></td>'
        f"<td>{pair.share:.0%}</td><td>{len(pair.shared)}</td></tr>\n"
        for i, pair in enumerate(pairs, 1)
    )
    return (
        "<table><caption>The most alike first</caption><thead><tr>"
        '<th scope="col">pair</th><th scope="col">share</th><th scope="col">'
        f"passages shared</th></tr></thead><tbody>\n{rows}</tbody></table>\n"
    )


def _skipped(skipped):
    if not skipped:
        return ""
    rows = "".join(
        f"<li>{html.escape(student)}: {html.escape(why)}</li>\n"
        for student, why in skipped.items()
    )
    return f"<h2>Not compared</h2><ul>\n{rows}</ul>\n"


def _section(number, pair):
    texts = "".join(
        f"<div><h3>{html.escape(who.student)}</h3>"
        f'<pre tabindex="0" role="region" '
        f'aria-label="{html.escape(who.student)}">'
        f"{_marked(who, pair.shared)}</pre></div>\n"
        for who in (pair.one, pair.other)
    )
    return (
        f'<section id="pair-{number}"><h2>{_names(pair)}: {pair.share:.0%}'
        f'</h2><div class="pair">\n{texts}</div></section>\n'
    )


def _names(pair):
    return html.escape(f"{pair.one.student} and {pair.other.student}")


def _marked(who, shared):
    """Return a student's text as HTML, its shared passages marked."""
    parts, done = [], 0
    for start, stop in _stretches(who, shared):
        parts.append(html.escape(who.text[done:start]))
        parts.append(f"<mark>{html.escape(who.text[start:stop])}</mark>")
        done = stop
    return "".join([*parts, html.escape(who.text[done:])])


def _stretches(who, shared):
    """Return where shared passages are, joined across nothing but space."""
    tokens = set()
    for i, passage in enumerate(who.passages):
        if passage in shared:
            tokens.update(range(i, i + PASSAGE))
    joined = []
    for start, stop in (who.spans[i] for i in sorted(tokens)):
        if joined and not who.text[joined[-1][1] : start].strip():
            joined[-1][1] = stop
        else:
            joined.append([start, stop])
    return joined
