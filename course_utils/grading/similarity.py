"""Which submissions share code: a report to read, not a verdict.

Pygments cuts the code of the answer cells into tokens; every name becomes
the same token, so renaming changes nothing. A passage is 8 tokens in a row.
Two submissions are as alike as the share of passages that the one with
fewer of them has in common with the other.

The idea is that of Saul Schleimer, Daniel Wilkerson and Alex Aiken,
"Winnowing: Local Algorithms for Document Fingerprinting" (2003). Answers
are short, so every passage is kept and none is winnowed out.
"""

import heapq
import html
import statistics
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from course_utils import files
from course_utils.grading import notebooks

PASSAGE = 8  # tokens
LEAST_SHARE = 0.5
LEAST_SHARED = 20  # passages; in shorter answers chance has its part
MOST_PAIRS = 50
MOST_CHARACTERS = 50_000  # of all answers of a student
PUBLISHED = "published solution"


@dataclass(frozen=True)
class Answers:
    """The code of a student's answer cells.

    `spans` holds the (start, stop) of each token in `text`; `passages` one
    number for each run of `PASSAGE` tokens, in their order.
    """

    student: str
    text: str
    spans: tuple
    passages: tuple


@dataclass(frozen=True, order=True)
class Pair:
    """Two `Answers`; `share` in [0, 1] and `shared` count passages."""

    share: float
    shared: int
    names: tuple
    one: Answers
    other: Answers


@dataclass(frozen=True)
class Found:
    """What a comparison found.

    `pairs`: those worth a look, the most alike first. `shares`: of all
    pairs. `skipped`: {student: why}.
    """

    assignment: str
    pairs: tuple
    shares: tuple
    skipped: dict


def report(folder, assignment, path, progress=lambda amount: None):
    """Compare all submissions of an assignment; write a page of HTML.

    Lines that stand in the released notebook count for nothing. The
    solution in source/ takes part as one more student.

    Args:
        folder: course directory, with source/, release/ and submitted/.
        assignment: its name, such as "week5".
        path: file to write; it shows students' names and code.
        progress: called with 1 for each submission that is compared.

    Returns:
        `Found`.

    Raises:
        FileNotFoundError: nothing is submitted, released or in source/.
    """
    folder, name = Path(folder), f"{assignment}_assignment.ipynb"
    submitted = sorted(folder.glob(f"submitted/*/{assignment}"))
    places = [folder / x / assignment for x in ("source", "release")]
    for place in (*submitted[:1], *places):
        if not place.is_dir():
            raise FileNotFoundError(f"there is no {place}: release it first")
    if not submitted:
        raise FileNotFoundError(
            f"nothing to compare in {folder / 'submitted'}: collect first, "
            f"for example by `make grade WEEK={assignment[4:]} FROM=folder`"
        )
    source, release = (_parse(place / name) for place in places)
    stub = {line.strip() for line in _code(release).splitlines()}
    skipped, everyone = {}, [answers(PUBLISHED, _code(source), stub)]
    pairs, shares = [], []
    for place in submitted:
        student = place.parent.name
    return None
