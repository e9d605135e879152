"""Outputs are capped, harmless, and no trap for the grader."""

import nbformat
import pytest
from nbformat import v4

from course_utils.graded.report import Line, Report
from course_utils.grading import outputs

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA"
    "60e6kgAAAABJRU5ErkJggg=="
)


def message(kind, **content):
    return {
        "msg_type": kind, "content": content,
        "header": {"msg_type": kind}, "parent_header": {"msg_id": "1"},
    }  # fmt: skip


def stream(text, name="stdout"):
    return message("stream", name=name, text=text)


@pytest.fixture
def cell():
    return v4.new_code_cell("x")


@pytest.fixture
def keep(cell):
    return outputs.Outputs(v4.new_notebook(cells=[cell])).keeper(cell, 0)


def text_of(cell):
    return "".join(o.get("text", "") for o in cell.outputs)


def test_a_warning_costs_nothing(cell, keep):
    keep(stream("DeprecationWarning", "stderr"))
    assert [o.name for o in cell.outputs] == ["stdout"]
    assert text_of(cell) == "DeprecationWarning"


def test_a_flood_of_bytes_is_cut(cell, keep):
    for _ in range(100):
        keep(stream("x" * 10**5))
    assert len(text_of(cell)) <= outputs.MOST_BYTES_A_CELL
    assert text_of(cell).endswith(outputs.CUT)
    assert text_of(cell).count(outputs.CUT) == 1


def test_a_flood_of_lines_is_cut(cell, keep):
    for _ in range(3 * outputs.MOST_LINES):
        keep(stream("x\n"))
    assert text_of(cell).count("\n") <= outputs.MOST_LINES + 1


def test_many_cells_share_one_limit():
    cells = [v4.new_code_cell("x") for _ in range(30)]
    kept = outputs.Outputs(v4.new_notebook(cells=cells))
    for i, cell in enumerate(cells):
        keep = kept.keeper(cell, i)
        keep(stream("x" * (outputs.MOST_BYTES_A_CELL - 1000)))
    assert sum(len(text_of(c)) for c in cells) <= outputs.MOST_BYTES


def test_a_display_is_updated_and_cleared(cell, keep):
    transient = {"display_id": "a"}
    for kind, text in (("display_data", "1"), ("update_display_data", "2")):
        keep(message(kind, data={"text/plain": text}, metadata={},
                     transient=transient))  # fmt: skip
    assert [o.data["text/plain"] for o in cell.outputs] == ["2"]
    keep(message("clear_output", wait=False))
    assert cell.outputs == []


def test_unknown_and_odd_messages_are_ignored(cell, keep):
    keep(message("comm_open", comm_id="1", data={}))
    keep(message("shutdown_reply"))
    assert cell.outputs == []


def harmless(**data):
    made = v4.new_output("display_data", data=data)
    notebook = v4.new_notebook(cells=[v4.new_code_cell("x", outputs=[made])])
    outputs.make_harmless(notebook)
    return [o.get("data", {}) for o in notebook.cells[0].outputs]


EVIL = "<img src=x onerror=alert(1)><script>alert(1)</script>"


def test_scripts_do_not_survive():
    (data,) = harmless(**{"text/html": EVIL})
    assert "<script" not in data["text/html"]
    assert "<img" not in data["text/html"]
    for kind in ("application/javascript", "image/svg+xml",
                 "application/vnd.custom"):  # fmt: skip
        assert kind not in harmless(**{kind: EVIL, "text/plain": "x"})[0]


def test_a_picture_stays_and_its_html_goes():
    (data,) = harmless(**{"image/png": PIXEL, "text/html": EVIL})
    assert data == {"image/png": PIXEL}


def test_a_picture_that_breaks_out_of_its_tag_goes():
    assert harmless(**{"image/png": '"><script>alert(1)</script>'}) == []


def test_scripts_in_text_cells_do_not_survive_and_maths_does():
    cells = [v4.new_markdown_cell(EVIL), v4.new_markdown_cell("$a < b$")]
    notebook = v4.new_notebook(cells=cells)
    outputs.make_harmless(notebook)
    assert "<script" not in notebook.cells[0].source
    assert notebook.cells[1].source == "$a < b$"


def test_nbgrader_reads_the_points_of_a_report():
    from nbgrader.utils import determine_grade

    lines = (Line(2, True, False, "a", ""), Line(3, False, True, "b", "c"))
    report = Report("f", "F", 5.0, lines)
    cell = v4.new_code_cell("judge(f)", outputs=outputs.judged(report))
    cell.metadata["nbgrader"] = nbformat.from_dict(
        {"grade": True, "solution": False, "points": 5, "grade_id": "f"}
    )
    assert determine_grade(cell) == (2.0, 5.0)
