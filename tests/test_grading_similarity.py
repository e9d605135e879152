"""Copies are found whatever their names; the report is safe to open."""

import os
import re
from html.parser import HTMLParser

import nbformat
import pytest

from course_utils.grading import likeness, similarity

NAME = "week1_assignment.ipynb"
STUB = '''def cosine_attention(query, key, temperature):
    """Return attention weights by the cosine of the angle.

    Args:
        query: (batch, queries, width).
    """
    raise NotImplementedError("an answer is still to be written")
'''
GIVEN = STUB.partition("    raise")[0]
PLAIN = """    query = query / np.linalg.norm(query, axis=-1, keepdims=True)
    key = key / np.linalg.norm(key, axis=-1, keepdims=True)
    logits = query @ key.swapaxes(-1, -2) / temperature
    exp = np.exp(logits - logits.max(-1, keepdims=True))
    return exp / exp.sum(-1, keepdims=True)
"""
RENAMED = """    q = query / np.linalg.norm(query, axis=-1, keepdims=True)
    k = key / np.linalg.norm(key, axis=-1, keepdims=True)
    # every line my own work

    '''It really is.'''
    scores = q @ k.swapaxes(-1, -2) / temperature
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)
"""
LOOPS = """    batch, queries, width = query.shape
    out = np.zeros((batch, queries, key.shape[1]))
    for i in range(batch):
        for j in range(queries):
            for m in range(key.shape[1]):
                q, k = query[i, j], key[i, m]
                out[i, j, m] = np.dot(q, k) / np.sqrt((q @ q) * (k @ k))
    out = np.exp(out / temperature)
    return out / np.sum(out, axis=2)[:, :, None]
"""
SUMS = """    qn = np.sqrt((query**2).sum(axis=2))
    kn = np.sqrt((key**2).sum(axis=2))
    cos = np.einsum("bqd,bkd->bqk", query, key)
    z = cos / qn[:, :, None] / kn[:, None, :] / temperature
    weights = np.exp(z - z.max(axis=-1)[..., None])
    weights /= weights.sum(axis=-1)[..., None]
    return weights
"""


def notebook(code, prose="Short."):
    """Return the text of a notebook: an answer, its grade, an analysis."""

    def mark(name, solution):
        return {"nbgrader": {
            "schema_version": 3, "grade_id": name, "solution": solution,
            "grade": name != "answer", "locked": not solution, "task": False,
        }}  # fmt: skip

    new = nbformat.v4
    cells = [
        new.new_code_cell("import numpy as np"),
        new.new_code_cell(code, metadata=mark("answer", True)),
        new.new_code_cell("graded.it(it)", metadata=mark("it", False)),
        new.new_markdown_cell(prose, metadata=mark("analysis", True)),
    ]
    return nbformat.writes(new.new_notebook(cells=cells))


@pytest.fixture
def course(tmp_path):
    """A course whose assignment is released; its solution is `PLAIN`."""
    write(tmp_path, "source", notebook(GIVEN + PLAIN))
    write(tmp_path, "release", notebook(STUB))
    return tmp_path


def write(course, kind, text):
    """Write a notebook, for example of the kind "submitted/ada"."""
    folder = course / kind / "week1"
    folder.mkdir(parents=True)
    (folder / NAME).write_text(text, "utf-8")


def hand_in(course, **codes):
    for student, code in codes.items():
        write(course, f"submitted/{student}", notebook(code))


def report(course):
    """Return what was found, and the page's text."""
    path = course / "similar.html"
    found = similarity.report(course, "week1", path)
    return found, path.read_text("utf-8")


def names(pair):
    return {pair.one.student, pair.other.student}


def test_a_renamed_copy_is_found_and_unrelated_answers_are_not(course):
    hand_in(course, ada=GIVEN + LOOPS, bob=GIVEN + SUMS)
    loops = GIVEN + LOOPS.replace("queries", "n").replace("out", "result")
    hand_in(course, cyd=f'{loops}\n\ndef mine():\n    """Help."""\n')
    found, _ = report(course)
    assert [names(pair) for pair in found.pairs] == [{"ada", "cyd"}]
    assert found.pairs[0].share == 1
    assert len(found.shares) == 6 and not found.skipped


def test_a_copy_of_the_published_solution_is_found(course):
    hand_in(course, ada=GIVEN + RENAMED, bob=GIVEN + LOOPS)
    found, text = report(course)
    assert [names(p) for p in found.pairs] == [{"ada", likeness.PUBLISHED}]
    assert f"{likeness.PUBLISHED} and ada: 100%" in text


def test_the_most_alike_come_first(course):
    half = "\n".join(LOOPS.splitlines()[:7]) + "\n"
    hand_in(course, ada=GIVEN + LOOPS, bob=GIVEN + half + SUMS)
    hand_in(course, cyd=GIVEN + LOOPS)
    found, text = report(course)
    assert names(found.pairs[0]) == {"ada", "cyd"}
    assert [names(p) for p in found.pairs[1:]] == [
        {"ada", "bob"}, {"bob", "cyd"}
    ]  # fmt: skip
    shares = [pair.share for pair in found.pairs]
    assert shares == sorted(shares, reverse=True) and 0.5 < shares[1] < 1
    assert text.index("#pair-1") < text.index("#pair-2")


def test_untouched_stubs_and_single_lines_are_no_copies(course):
    hand_in(course, ada=STUB, bob=STUB, cyd=f"{STUB}\n# later\n")
    line = f"{GIVEN}    return query @ key.swapaxes(-1, -2)\n"
    hand_in(course, dan=line, eve=line)
    found, text = report(course)
    assert not found.pairs and "No pair shares that much" in text
    assert set(found.skipped) == {"ada", "bob", "cyd", "dan", "eve"}
    assert "ada: too little code" in text


def test_the_given_lines_alone_make_nothing_alike(course, monkeypatch):
    monkeypatch.setattr(likeness, "LEAST_PASSAGES", 1)
    hand_in(course, ada=GIVEN + "    return query @ key.mT / (1 + 2)\n")
    hand_in(course, bob=GIVEN + "    for q in query:\n        yield [q]\n")
    found, _ = report(course)
    assert found.shares == (0, 0, 0)


def test_only_code_of_answer_cells_counts(course):
    for student, code in (("ada", LOOPS), ("bob", SUMS)):
        text = notebook(GIVEN + code, prose="x = y / norm(y)\n" * 50)
        write(course, f"submitted/{student}", text)
    found, _ = report(course)
    assert not found.pairs


def test_marks_that_a_student_changed_hide_nothing(course):
    text = notebook(GIVEN + LOOPS)
    hand_in(course, ada=GIVEN + LOOPS)
    changed = text.replace('"solution": true', '"solution": false')
    assert changed != text
    write(course, "submitted/bob", changed)
    found, _ = report(course)
    assert [names(pair) for pair in found.pairs] == [{"ada", "bob"}]


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "empty"),
        ("no notebook", "damaged or no notebook"),
        ("[" * 100_000, "damaged or no notebook"),
        ('{"nbformat": 4, "cells": 7}', "damaged"),
        (notebook("x = 1\n" * 10_000), "60,000 characters; the most is"),
    ],
    ids=["empty", "text", "nested", "no cells", "long"],
)
def test_a_broken_notebook_is_named_and_skipped(course, text, why):
    hand_in(course, ada=GIVEN + LOOPS, bob=GIVEN + LOOPS)
    write(course, "submitted/eve", text)
    (course / "submitted/fay/week1").mkdir(parents=True)
    found, written = report(course)
    assert [names(pair) for pair in found.pairs] == [{"ada", "bob"}]
    assert set(found.skipped) == {"eve", "fay"}
    assert why in found.skipped["eve"] and "eve: " in written
    assert f"fay: there is no {NAME}" in written


def test_a_huge_file_is_not_read_whole(course):
    hand_in(course, ada=GIVEN + LOOPS, eve=GIVEN + LOOPS)
    path = course / "submitted/eve/week1" / NAME
    with path.open("ab") as file:
        file.truncate(10**12)  # a sparse file; reading it would not end
    found, _ = report(course)
    assert "the most is" in found.skipped["eve"]


def test_broken_code_is_compared_all_the_same(course):
    broken = GIVEN + LOOPS + "\nreturn ((('''$? %magic \\\n"
    hand_in(course, ada=broken, bob=GIVEN + LOOPS)
    found, _ = report(course)
    assert [names(pair) for pair in found.pairs] == [{"ada", "bob"}]


class Tags(HTMLParser):
    """Collects a page's tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def test_hostile_names_and_code_are_text_only(course):
    evil = '<img src=x onerror="alert(1)">'
    comment = "# </pre><script>alert(2)</script>&amp;\n"
    code = f"{comment}{GIVEN}{LOOPS}{comment}"
    for student in (evil, "\"' onfocus='alert(3)"):
        write(course, f"submitted/{student}", notebook(code))
    write(course, "submitted/<b>eve", "no notebook")
    found, text = report(course)
    page = Tags(text)
    assert len(found.pairs) == 1 and "<b>eve" in found.skipped
    assert not page.tags & {"img", "script", "b"}
    assert not {a for a in page.attributes if a.startswith("on")}
    assert evil in page.text and page.text.count(comment) == 4
    assert "default-src 'none'" in text


def test_text_that_utf_8_cannot_hold_is_written(course):
    code = notebook(f'{GIVEN}{LOOPS}\nx = "SURROGATE"\n')
    code = code.replace("SURROGATE", "\\ud800")
    for name in (b"ada", b"bob\xff"):
        write(course, f"submitted/{os.fsdecode(name)}", code)
    found, text = report(course)
    assert len(found.pairs) == 1 and "bob\\udcff" in text


def test_shared_passages_are_marked_and_nothing_is_lost(course):
    own = "\ndef mine(a, b):\n    return [a for a in b if a < 3 > 2]\n"
    split = LOOPS.replace("    out =", "    # a note\n    out =")
    hand_in(course, ada=GIVEN + split + own, bob=GIVEN + LOOPS)
    _, text = report(course)
    first, second = re.findall(r"<pre .*?</pre>", text, re.DOTALL)
    assert Tags(first).text == GIVEN + split + own
    assert Tags(second).text == GIVEN + LOOPS
    marked = "".join(re.findall(r"<mark>(.*?)</mark>", first, re.DOTALL))
    assert "np.zeros((batch, queries" in marked
    assert not [x for x in ("Args", "mine", "note") if x in marked]


def test_the_page_says_what_it_is_not(course):
    hand_in(course, ada=GIVEN + LOOPS, bob=GIVEN + SUMS)
    _, text = report(course)
    said = " ".join(Tags(text).text.split())
    assert "no verdict" in said and "Short answers look alike" in said
    assert "Pairs compared: 3; half of them share" in said


def test_missing_folders_are_named(course):
    with pytest.raises(FileNotFoundError, match="nothing to compare in"):
        report(course)
    (course / "release/week1" / NAME).unlink()
    with pytest.raises(FileNotFoundError, match=f"no {NAME} in .*release"):
        report(course)


def test_progress_counts_submissions_and_the_solution(course):
    hand_in(course, ada=GIVEN + LOOPS, bob=STUB)
    seen = []
    likeness.compare(course, "week1", seen.append)
    assert seen == [1, 1, 1]
