"""Read a submitted notebook, whatever was done to it.

Traps closed here: a copied graded cell has the same id twice, on which
nbgrader stops the whole batch; a deleted graded cell goes to manual grading;
an edited one has to be restored; a file may not be a notebook at all.
"""

import copy
import json

import nbformat

MOST_BYTES = 20 * 2**20
MOST_CELLS = 1000
MOST_CHARACTERS = 200_000  # of one cell
HOW = "Have the student hand in the .ipynb file that Jupyter saved."


class Unreadable(Exception):
    """This is no notebook; the message says what it is."""


def parse(data):
    """Return bytes as a notebook of format 4.

    Raises:
        Unreadable: they are no notebook.
    """
    if not data.strip():
        raise Unreadable(f"the file is empty. {HOW}")
    if len(data) > MOST_BYTES:
        raise Unreadable(
            f"the file has {len(data) / 2**20:.0f} MB; the most is "
            f"{MOST_BYTES / 2**20:.0f} MB. Have the outputs cleared."
        )
    try:
        raw = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"the file is damaged or no notebook. {HOW}") from (
            error
        )
    if not isinstance(raw, dict) or "nbformat" not in raw:
        raise Unreadable(f"the file is no notebook. {HOW}")
    try:
        notebook = nbformat.from_dict(raw)
        if notebook.nbformat != 4:
            notebook = nbformat.convert(notebook, 4)
        return _rebuilt(notebook)
    except Exception as error:
        raise Unreadable(f"the notebook is damaged: {_short(error)}") from (
            error
        )


def restore(notebook, release):
    """Return a submission with the assignment's own cells set right.

    Graded cells get their text back and stand exactly once; ids that the
    assignment does not know are dropped. Answers stay as they are.

    Args:
        notebook: as `parse` returned it.
        release: the notebook that students were given.

    Returns:
        (notebook, notes): notes say what was done, as sentences.
    """
    notes, cells = [], []
    ours = {_id(cell): cell for cell in release.cells if _id(cell)}
    real = _real_copies(notebook.cells, ours)
    for i, cell in enumerate(notebook.cells):
        name = _id(cell)
        if name is None:
            cells.append(cell)
        elif real.get(name) == i:
            cells.append(_set_right(cell, ours[name], notes))
        else:
            _note_dropped(name, name in ours, notes)
            cell.metadata.pop("nbgrader")
            cells.append(cell)
    _add_missing(cells, release, notes)
    fixed = nbformat.v4.new_notebook(cells=cells, metadata=release.metadata)
    for i, cell in enumerate(fixed.cells):
        cell.id = f"cell-{i}"
    return fixed, notes


def _rebuilt(notebook):
    """Return a new notebook with nothing but cells' kinds, texts, marks."""
    if len(notebook.cells) > MOST_CELLS:
        raise ValueError(f"it has more than {MOST_CELLS} cells")
    cells = []
    for cell in notebook.cells:
        make = {
            "code": nbformat.v4.new_code_cell,
            "markdown": nbformat.v4.new_markdown_cell,
        }.get(cell["cell_type"], nbformat.v4.new_raw_cell)
        text = cell["source"]
        text = text if isinstance(text, str) else "".join(text)
        text = text.encode("utf-8", "replace").decode()
        new = make(text[:MOST_CHARACTERS])
        mark = cell.get("metadata", {}).get("nbgrader")
        if isinstance(mark, dict) and isinstance(mark.get("grade_id"), str):
            new.metadata["nbgrader"] = mark
        cells.append(new)
    return nbformat.v4.new_notebook(cells=cells)


def _id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _real_copies(cells, ours):
    """Return {grade id: index of the cell that counts}.

    Among copies it is the first whose text is the assignment's, else the
    first whose kind is, else the first.
    """
    real, ranks = {}, {}
    for i, cell in enumerate(cells):
        name = _id(cell)
        if name not in ours:
            continue
        same_kind = cell.cell_type == ours[name].cell_type
        same_text = cell.source.rstrip() == ours[name].source.rstrip()
        rank = -same_kind - same_text
        if name not in ranks or rank < ranks[name]:
            real[name], ranks[name] = i, rank
    return real


def _set_right(cell, original, notes):
    """Return a marked cell with the assignment's marks; the text, too,
    unless it is an answer."""
    fixed = copy.deepcopy(original)
    if original.metadata.nbgrader.solution:
        fixed.source = cell.source
    elif cell.source.rstrip() != original.source.rstrip():
        notes.append(f"The graded cell {_id(original)} was edited; restored.")
    return fixed


def _note_dropped(name, known, notes):
    if known:
        notes.append(f"A second cell was marked {name}; it counts as code.")
    else:
        short = _short(name)
        notes.append(f"A cell was marked {short}, which is not asked for.")


def _add_missing(cells, release, notes):
    """Put back marked cells that are gone, each after its predecessor."""
    place = 0
    for original in release.cells:
        name = _id(original)
        if name is None:
            continue
        at = [i for i, cell in enumerate(cells) if _id(cell) == name]
        if at:
            place = at[0] + 1
            continue
        notes.append(f"The cell {name} was missing; it was put back.")
        cells.insert(place, copy.deepcopy(original))
        place += 1


def _short(text):
    text = " ".join(str(text).split())
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= 80 else text[:77] + "..."
