"""How much code two submissions share, whatever its names are.

Pygments cuts the code of the answer cells into tokens; every name becomes
the same token, so renaming changes nothing. A passage is 8 tokens in a row.
Two submissions are as alike as the share of passages that the one with
fewer of them has in common with the other.

The idea is that of Saul Schleimer, Daniel Wilkerson and Alex Aiken,
"Winnowing: Local Algorithms for Document Fingerprinting" (2003). Answers
are short, so every passage is kept and none is winnowed out.
"""

from dataclasses import dataclass
from pathlib import Path

from pygments.lexers import PythonLexer
from pygments.token import Comment, Name, String, Text

from course_utils.grading import notebooks

PASSAGE = 8  # tokens
LEAST_PASSAGES = 30  # of a submission; about three lines of code
LEAST_SHARE = 0.5
MOST_PAIRS = 50
MOST_CHARACTERS = 50_000  # of all answers of a student
PUBLISHED = "published solution"


@dataclass(frozen=True)
class Answers:
    """The code of a student's answer cells.

    `spans` holds (start, stop) in `text` of each token that counts;
    `passages` one number for each run of `PASSAGE` tokens, in their order;
    `known` the same numbers as a set.
    """

    student: str
    text: str
    spans: tuple
    passages: tuple
    known: frozenset


@dataclass(frozen=True)
class Pair:
    """Two `Answers`, and the share of passages they have in common."""

    one: Answers
    other: Answers
    share: float

    @property
    def shared(self):
        """The passages that both have."""
        return self.one.known & self.other.known


@dataclass(frozen=True)
class Found:
    """What a comparison found.

    `pairs`: those worth a look, the most alike first. `shares`: of all
    pairs, in [0, 1]. `skipped`: {student: why}.
    """

    assignment: str
    pairs: tuple
    shares: tuple
    skipped: dict


def compare(folder, assignment, progress):
    """Return which submissions are alike, as `Found`.

    Lines that stand in the released answer cells count for nothing. The
    solution in source/ takes part as one more student. A submission that
    cannot be read, or holds too little or too much code, is skipped.

    Args:
        folder: course directory, with source/, release/ and submitted/.
        assignment: its name, such as "week5".
        progress: called with 1 for each submission that is compared.

    Raises:
        FileNotFoundError: nothing is released or submitted.
    """
    folder, name = Path(folder), f"{assignment}_assignment.ipynb"
    release = _read(folder / "release" / assignment / name)
    given = {line.strip() for line in _code(release, release).splitlines()}
    entries = [(PUBLISHED, folder / "source" / assignment / name)]
    for place in sorted(folder.glob(f"submitted/*/{assignment}")):
        entries.append((place.parent.name, place / name))
    if len(entries) == 1:
        raise FileNotFoundError(
            f"nothing to compare in {folder / 'submitted'}: first collect "
            "what students handed in"
        )
    compared, pairs, skipped = [], [], {}
    for student, path in entries:
        try:
            new = answers(student, _code(_read(path), release), given)
        except (OSError, ValueError, notebooks.Unreadable) as error:
            skipped[student] = str(error)
        else:
            pairs += [_pair(old, new) for old in compared]
            compared.append(new)
        progress(1)
    return _found(assignment, pairs, skipped)


def answers(student, text, given):
    """Return the `Answers` in a text of Python code, which may be broken.

    Args:
        student: whose they are.
        text: code of all answer cells.
        given: lines that count for nothing.

    Raises:
        ValueError: there is too little or too much code to compare.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(
            f"the answers have {len(text):,} characters; the most is "
            f"{MOST_CHARACTERS:,}"
        )
    spans, words = _tokens(text, given)
    runs = zip(*(words[i:] for i in range(PASSAGE)), strict=False)
    passages = tuple(hash(run) for run in runs)
    known = frozenset(passages)
    if len(known) < LEAST_PASSAGES:
        raise ValueError("too little code of its own to compare")
    return Answers(student, text, spans, passages, known)


def _read(path):
    """Return a notebook, and read no more of it than it may have."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path.name} in {path.parent}")
    with path.open("rb") as file:
        return notebooks.parse(file.read(notebooks.MOST_BYTES + 1))


def _code(notebook, release):
    """Return the code of the answer cells as one text."""
    restored, _ = notebooks.restore(notebook, release)
    return "\n\n".join(
        cell.source
        for cell in restored.cells
        if cell.cell_type == "code"
        and cell.metadata.get("nbgrader", {}).get("solution")
    )


def _tokens(text, given):
    """Return the spans and the words of all tokens that count."""
    lines, row = text.split("\n"), 0
    spans, words = [], []
    for start, kind, value in PythonLexer().get_tokens_unprocessed(text):
        word = _word(kind, value)
        if word and lines[row].strip() not in given:
            spans.append((start, start + len(value)))
            words.append(word)
        row += value.count("\n")
    return tuple(spans), words


def _word(kind, value):
    """Return what a token counts as, or None where it does not count."""
    if kind in Text or kind in Comment or kind in String.Doc:
        return None
    if kind in Name:
        return "a name"
    return "a string" if kind in String else value


def _pair(one, other):
    shared = len(one.known & other.known)
    return Pair(one, other, shared / min(len(one.known), len(other.known)))


def _found(assignment, pairs, skipped):
    """Return what is worth a look, and how alike all pairs are."""
    worth = [pair for pair in pairs if pair.share >= LEAST_SHARE]
    worth.sort(key=lambda pair: pair.share, reverse=True)
    shares = tuple(pair.share for pair in pairs)
    return Found(assignment, tuple(worth[:MOST_PAIRS]), shares, skipped)
