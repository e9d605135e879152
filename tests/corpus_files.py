"""Odd files, and notebooks with the marks tampered with."""

import copy
import io
import json
import zipfile

from corpus import (
    Entry,
    Expects,
    answer_cells,
    edited,
    graded_cells,
    mark_of,
    scratch,
    written,
)
from nbformat import v4

ANY = Expects(note=None)
DEEP = b"[" * 100_000 + b"]" * 100_000


def fixed(data):
    """Return a build of these bytes."""
    return lambda release, reference: data


def zipped(_, reference):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("week.ipynb", written(reference))
    return file.getvalue()


def raw(edit):
    """Return a build that edits the JSON itself, unchecked."""

    def build(_, reference):
        notebook = json.loads(written(reference))
        edit(notebook)
        return json.dumps(notebook).encode()

    return build


def deep_metadata(_, reference):
    return written(reference).replace(
        b'"metadata": {', b'"metadata": {"a": ' + DEEP + b", ", 1
    )


def same_cell_ids(notebook):
    for cell in notebook["cells"]:
        cell["id"] = "same"


def large_metadata(notebook):
    notebook["metadata"]["x"] = "x" * 10_000_000
    for cell in notebook["cells"]:
        if mark := mark_of_raw(cell):
            mark["x"] = "x" * 10_000


def mark_of_raw(cell):
    return cell["metadata"].get("nbgrader")


def attached(notebook):
    cell = v4.new_markdown_cell("![x](attachment:x.png)")
    cell["attachments"] = {"x.png": {"image/png": "A" * 10_000}}
    notebook.cells.append(cell)


def half_a_character(notebook):
    cell = v4.new_code_cell("# ")
    cell["source"] = "# \ud800"
    notebook["cells"].append(cell)


def odd_outputs(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "nonsense", "data": 7}]


def marked(name, code="1000.0"):
    """Return a code cell that claims to be a graded one worth 1000."""
    cell = v4.new_code_cell(code)
    cell.metadata["nbgrader"] = {
        "grade_id": name, "grade": True, "solution": False, "locked": True,
        "points": 1000, "schema_version": 3, "task": False,
        "cell_type": "code",
    }  # fmt: skip
    return cell


def without_answers(notebook):
    for cell in answer_cells(notebook):
        cell.source = "pass"


def raised_points(notebook):
    for cell in graded_cells(notebook):
        mark_of(cell)["points"] = 1000
    without_answers(notebook)


def edited_tests(notebook):
    for cell in graded_cells(notebook):
        cell.source = "5.0"
    without_answers(notebook)


def deleted_tests(notebook):
    notebook.cells = [c for c in notebook.cells if not mark_of(c).get("grade")]
    without_answers(notebook)


def tests_as_text(notebook):
    for cell in graded_cells(notebook):
        cell.cell_type = "markdown"
        cell.pop("outputs", None)
        cell.pop("execution_count", None)
    without_answers(notebook)


def extra_graded(notebook):
    notebook.cells.append(marked("bonus"))
    without_answers(notebook)


def all_point_at_first(notebook):
    first = mark_of(graded_cells(notebook)[0])["grade_id"]
    for cell in graded_cells(notebook):
        mark_of(cell)["grade_id"] = first
    without_answers(notebook)


def swapped(cells):
    """Return an edit that swaps the ids of two of such cells."""

    def edit(notebook):
        one, other = (mark_of(cell) for cell in cells(notebook)[:2])
        one["grade_id"], other["grade_id"] = (
            other["grade_id"], one["grade_id"],
        )  # fmt: skip

    return edit


def only_first_right(notebook):
    """The first answer is right, and all graded cells claim its points."""
    first, *others = graded_cells(notebook)
    for cell in answer_cells(notebook)[1:]:
        cell.source = "pass"
    for cell in others:
        cell.source = first.source


def copies_of_a_graded_cell(notebook):
    cell = graded_cells(notebook)[0]
    notebook.cells += [copy.deepcopy(cell) for _ in range(50)]


def odd_id(name):
    """Return an edit that adds a graded cell of this name."""
    return lambda notebook: notebook["cells"].append(marked(name))


def unreadable(words, **builds):
    expects = Expects("zero", words, "unreadable")
    return [Entry(n, "file", build, expects) for n, build in builds.items()]


def right(expects=ANY, **builds):
    return [Entry(n, "file", build, expects) for n, build in builds.items()]


def cheats(note, **edits):
    expects = Expects("zero", note)
    return [Entry(n, "cheat", edited(e), expects) for n, e in edits.items()]


ENTRIES = [
    *unreadable("empty", empty=fixed(b""), only_space=fixed(b" \n")),
    *unreadable(
        "no notebook",
        pdf=fixed(b"%PDF-1.7\n" + bytes(range(256))),
        zip=zipped,
        null_bytes=fixed(b"\0" * 1000),
        web_page=fixed(b"<!DOCTYPE html><p>Sign in</p>"),
        cut_off=lambda _, ref: written(ref)[:-200],
        utf_16=lambda _, ref: written(ref).decode().encode("utf-16"),
        json_list=fixed(b"[1, 2]"),
        deep_json=fixed(DEEP),
    ),
    *unreadable("", deep_metadata=deep_metadata),
    *unreadable(
        "MB", cell_of_30_megabytes=scratch("#" + "x" * 30_000_000)
    ),
    *unreadable(
        "more than",
        too_many_cells=edited(
            lambda nb: nb.cells.extend([v4.new_code_cell("1")] * 1001)
        ),
    ),
    *unreadable(
        "damaged",
        cells_are_a_number=raw(lambda nb: nb.update(cells=7)),
        metadata_is_text=raw(lambda nb: nb["cells"][0].update(metadata="x")),
        source_is_a_number=raw(lambda nb: nb["cells"][0].update(source=7)),
    ),
    *right(
        cell_of_5_megabytes=scratch("#" + "x" * 5_000_000),
        metadata_of_10_megabytes=raw(large_metadata),
        attachments=edited(attached),
        same_cell_ids=raw(same_cell_ids),
        null_in_a_cell=scratch("x = '\0'"),
        half_a_character_in_a_cell=raw(half_a_character),
        odd_outputs=raw(odd_outputs),
        mark_is_a_list=raw(
            lambda nb: nb["cells"][0]["metadata"].update(nbgrader=[1])
        ),
    ),
    *right(
        Expects(note="not asked for"),
        half_a_character_in_a_mark=raw(odd_id("\ud800")),
        escape_codes_in_a_mark=raw(odd_id("\x1b]0;owned\x07\x1b[2J")),
        page_in_a_mark=raw(odd_id("<script>corpusAlarm()</script>")),
    ),
    *right(Expects(), swapped_answer_ids=edited(swapped(answer_cells))),
    *right(
        Expects(note="restored"),
        swapped_graded_ids=edited(swapped(graded_cells)),
    ),
    *right(
        Expects(note="second cell"),
        fifty_copies=edited(copies_of_a_graded_cell),
    ),
    *cheats("", raised_points=raised_points),
    *cheats("restored", edited_tests=edited_tests),
    *cheats("missing", deleted_tests=deleted_tests),
    *cheats(None, tests_as_text=tests_as_text),
    *cheats("not asked for", extra_graded_cells=extra_graded),
    *cheats("second cell", all_point_at_the_first=all_point_at_first),
    Entry(
        "one_right_answer_for_all", "cheat", edited(only_first_right),
        Expects({0: "full", "rest": "zero"}, "restored"),
    ),
]  # fmt: skip
