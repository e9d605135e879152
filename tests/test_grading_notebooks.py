"""A submitted notebook is read and set right, whatever was done to it."""

import copy
import json

import nbformat
import pytest
from nbformat import v4

from course_utils.grading import notebooks


def marked(name, source, kind="code", **mark):
    make = v4.new_code_cell if kind == "code" else v4.new_markdown_cell
    base = {"grade": False, "solution": False, "locked": False, "task": False}
    metadata = {"nbgrader": {**base, "grade_id": name, **mark}}
    return make(source, metadata=metadata)


@pytest.fixture
def release():
    cells = [
        v4.new_markdown_cell("# Title"),
        marked("f-answer", "def f(): ...", solution=True),
        marked("f", "judge(f)", grade=True, locked=True, points=5.0),
        marked("why", "*Your answer here.*", "markdown", grade=True,
               solution=True, points=10.0),
    ]  # fmt: skip
    language = {"language_info": {"name": "python"}}
    return v4.new_notebook(cells=cells, metadata=language)


@pytest.fixture
def done(release):
    """A submission in order: answers written, nothing else changed."""
    notebook = copy.deepcopy(release)
    notebook.cells[1].source = "def f(): return 1"
    notebook.cells[3].source = "Because."
    return notebook


def restored(notebook, release):
    data = nbformat.writes(notebook).encode()
    return notebooks.restore(notebooks.parse(data), release)


def names(notebook):
    return [notebooks._id(cell) for cell in notebook.cells]


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def test_a_submission_in_order_stays_as_it_is(done, release):
    notebook, notes = restored(done, release)
    assert sources(notebook) == sources(done) and notes == []
    assert names(notebook) == names(release)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"{", "damaged or no notebook"),
        (b"\xff\xfe\x00", "damaged or no notebook"),
        (b"[" * 10**6, "damaged or no notebook"),
        (b"[]", "no notebook"),
        (b'{"cells": []}', "no notebook"),
        (b'{"nbformat": 4, "nbformat_minor": 5}', "damaged"),
        (b'{"nbformat": 4, "cells": 7}', "damaged"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "damaged"),
        (b'{"nbformat": 77, "cells": []}', "damaged"),
        (b"%PDF-1.7 a report", "damaged or no notebook"),
    ],
)
def test_what_is_no_notebook_is_named(data, words):
    with pytest.raises(notebooks.Unreadable, match=words):
        notebooks.parse(data)


def test_too_large_a_file_is_not_even_read():
    with pytest.raises(notebooks.Unreadable, match="21 MB"):
        notebooks.parse(b"[" * (21 * 2**20))


def test_too_many_cells_are_refused():
    cells = [v4.new_code_cell("1") for _ in range(notebooks.MOST_CELLS + 1)]
    data = nbformat.writes(v4.new_notebook(cells=cells)).encode()
    with pytest.raises(notebooks.Unreadable, match="more than 1000 cells"):
        notebooks.parse(data)


def test_an_old_format_and_a_byte_order_mark_are_read():
    old = {
        "nbformat": 3, "nbformat_minor": 0, "metadata": {},
        "worksheets": [{"cells": [
            {"cell_type": "code", "language": "python", "input": ["x = 1"],
             "outputs": [], "collapsed": False, "metadata": {}},
        ]}],
    }  # fmt: skip
    data = b"\xef\xbb\xbf" + json.dumps(old).encode()
    assert sources(notebooks.parse(data)) == ["x = 1"]


def test_outputs_attachments_and_foreign_metadata_are_dropped(done):
    done.cells[1].outputs = [
        v4.new_output("stream", name="stdout", text="5 of 5 points")
    ]
    done.cells[1].metadata["evil"] = "x"
    done.metadata["widgets"] = {"state": {}}
    cell = notebooks.parse(nbformat.writes(done).encode()).cells[1]
    assert cell.outputs == [] and set(cell.metadata) == {"nbgrader"}


def test_an_edited_graded_cell_is_restored(done, release):
    done.cells[2].source = "5.0"
    done.cells[2].metadata.nbgrader.points = 500
    notebook, notes = restored(done, release)
    assert notebook.cells[2].source == "judge(f)"
    assert notebook.cells[2].metadata.nbgrader.points == 5
    assert any("f was edited" in note for note in notes)


def test_deleted_cells_are_put_back_in_their_places(done, release):
    del done.cells[1:4]
    notebook, notes = restored(done, release)
    assert names(notebook)[:3] == ["f-answer", "f", "why"]
    assert len(notes) == 3


def test_a_deleted_last_cell_comes_after_its_predecessor(done, release):
    del done.cells[2]
    notebook, _ = restored(done, release)
    assert names(notebook) == names(release)


def test_of_two_copies_the_assignments_own_counts(done, release):
    scratch = copy.deepcopy(done.cells[2])
    scratch.source = "judge(g)  # trying"
    done.cells.insert(2, scratch)
    notebook, notes = restored(done, release)
    assert names(notebook) == [None, "f-answer", None, "f", "why"]
    assert notebook.cells[2].source == "judge(g)  # trying"
    assert any("second cell" in note for note in notes)


def test_a_copied_answer_runs_as_code(done, release):
    again = copy.deepcopy(done.cells[1])
    again.source = "def f(): return 2"
    done.cells.insert(2, again)
    notebook, _ = restored(done, release)
    assert names(notebook).count("f-answer") == 1
    assert "def f(): return 2" in sources(notebook)


def test_a_cell_pointed_at_another_ones_points_loses_its_mark(done, release):
    done.cells[2].metadata.nbgrader.grade_id = "worth_more"
    notebook, notes = restored(done, release)
    assert names(notebook).count("f") == 1
    assert "worth_more" not in names(notebook)
    assert any("not asked for" in note for note in notes)


def test_an_answer_that_claims_to_be_the_test_does_not_replace_it(
    done, release
):
    done.cells[1].metadata.nbgrader.grade_id = "f"
    notebook, _ = restored(done, release)
    assert sources(notebook).count("judge(f)") == 1
    assert "def f(): return 1" in sources(notebook)


def test_an_answer_turned_into_text_is_code_again(done, release):
    done.cells[1] = v4.new_markdown_cell(
        "def f(): return 1", metadata=done.cells[1].metadata
    )
    notebook, _ = restored(done, release)
    assert notebook.cells[1].cell_type == "code"
    assert notebook.cells[1].source == "def f(): return 1"


@pytest.mark.parametrize("mark", [7, [], {}, {"grade_id": 7}, None])
def test_a_mark_that_is_none_is_dropped(done, release, mark):
    done.cells[0].metadata["nbgrader"] = mark
    notebook, _ = restored(done, release)
    assert names(notebook) == names(release)


def test_texts_in_lists_and_lone_surrogates_are_read(release):
    raw = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
        {"cell_type": "code", "metadata": {}, "source": ["a = 1\n", "b = 2"]},
        {"cell_type": "odd", "metadata": {}, "source": "x \ud800"},
    ]}  # fmt: skip
    notebook = notebooks.parse(json.dumps(raw).encode())
    assert sources(notebook) == ["a = 1\nb = 2", "x ?"]
    assert notebook.cells[1].cell_type == "raw"
    nbformat.validate(notebooks.restore(notebook, release)[0])
