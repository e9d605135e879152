"""Build notebooks/ from lessons/: `make notebooks`.

A lesson whose code has not changed keeps its outputs; the others are
executed (preset "quick", bundled data) from a fresh kernel.
"""

import argparse
import hashlib
import os
import sys
import tempfile
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from authoring import assignments, lesson, links  # noqa: E402

SETUP_CELL = """\
try:
    import course_utils as cu
except ModuleNotFoundError:
    %pip install -q --no-deps "git+{repository}@{ref}"
    import course_utils as cu
{call}"""
TIMEOUT_SECONDS = 1200
METADATA = {
    "colab": {"provenance": [], "toc_visible": True},
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


class BuildError(Exception):
    """A lesson cannot be built; the message says which and why."""


def build(path):
    """Return the notebook of a lesson source, without outputs."""
    notebook = lesson.read(path)
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen = {}
    for cell in notebook.cells:
        cell.source = _expand(cell, path)
        cell.metadata.pop("lines_to_next_cell", None)
        digest = hashlib.sha256(
            f"{cell.cell_type}\n{cell.source}".encode()
        ).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = f"{digest}-{seen[digest]}"
    return notebook


def target(path):
    """Return where the notebook of a lesson source is built."""
    return lesson.NOTEBOOKS / f"{path.stem}.ipynb"


def published(path):
    """Return where learners find a notebook, from the repository's top."""
    if path in lesson.assignments():
        return f"assignments/release/{path.stem[:5]}/{path.stem}.ipynb"
    return f"notebooks/{path.stem}.ipynb"


def keep_outputs(notebook, built):
    """Copy outputs from an earlier build if all code is the same.

    Returns:
        True if they could be kept, so that nothing need be executed.
    """
    new = [c for c in notebook.cells if c.cell_type == "code"]
    old = [c for c in built.cells if c.cell_type == "code"]
    if [c.source for c in new] != [c.source for c in old]:
        return False
    for fresh, former in zip(new, old, strict=True):
        fresh.outputs = former.outputs
        fresh.execution_count = former.execution_count
    return True


def execute(notebook, name):
    """Run a notebook in a fresh kernel and an empty folder, in place.

    Raises:
        BuildError: a cell failed or wrote to stderr.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            COURSE_HOME=folder, COURSE_PRESET="quick", COURSE_DATA="bundled"
        )
        client = NotebookClient(
            notebook,
            timeout=TIMEOUT_SECONDS,
            kernel_name="python3",
            store_widget_state=False,
            resources={"metadata": {"path": folder}},
        )
        try:
            client.execute()
        except CellExecutionError as error:
            raise BuildError(f"{name}: {error}") from error
    notebook.metadata = nbformat.from_dict(METADATA)  # the kernel adds its own
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise BuildError(f"{name} wrote to stderr: {output.text}")


def main(arguments=None):
    """Build the lessons and assignments named, or all of them."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("lessons", nargs="*", help="for example week1")
    parser.add_argument(
        "--force", action="store_true", help="execute even if unchanged"
    )
    options = parser.parse_args(arguments)
    every = lesson.sources() + lesson.assignments()
    chosen = [p for p in every if _is_chosen(p, options.lessons)]
    if not chosen:
        parser.error(f"no lesson matches {' '.join(options.lessons)}")
    for path in chosen:
        print(f"{path.stem}: {make(path, options.force)}", flush=True)


def make(path, force=False):
    """Build one notebook; return what was done, in words."""
    if path in lesson.assignments():
        return assignments.make(path)
    notebook, built = build(path), target(path)
    kept = not force and built.exists()
    kept = kept and keep_outputs(notebook, nbformat.read(built, 4))
    if not kept:
        execute(notebook, path.stem)
    write(notebook, built)
    return "outputs kept" if kept else "executed"


def write(notebook, path):
    """Validate a notebook and put it in place, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.validate(notebook)
    partial = path.with_suffix(".part")
    nbformat.write(notebook, partial)
    os.replace(partial, path)


def _is_chosen(path, names):
    return not names or any(path.stem.startswith(name) for name in names)


def _expand(cell, path):
    """Fill in the templates: setup cell, badges, navigation."""
    if "setup" in cell.metadata.get("tags", []):
        return SETUP_CELL.format(
            repository=links.repository(),
            ref=links.release(),
            call=_setup_call(cell.source.strip()),
        )
    if cell.cell_type != "markdown":
        return cell.source
    badges = links.badge_row(published(path))
    text = cell.source.replace("{{badges}}", badges)
    return text.replace("{{nav}}", _navigation(path))


def _setup_call(source):
    """`setup(...)` gives the session; the index only shows progress."""
    keep = "session = " if source.startswith("setup(") else ""
    return f"{keep}cu.{source}"


def _navigation(path):
    """Return links to the previous lesson, the contents and the next."""
    weeks = [p for p in lesson.sources() if p.stem.startswith("week")]
    parts = ["[Contents](index.ipynb)"]
    if path in weeks:
        i = weeks.index(path)
        if i > 0:
            parts.insert(0, _neighbour("Previous", weeks[i - 1]))
        if i + 1 < len(weeks):
            parts.append(_neighbour("Next", weeks[i + 1]))
    return " | ".join(parts)


def _neighbour(label, path):
    title = lesson.read(path).cells[0].source.splitlines()[0].lstrip("# ")
    colab = links.colab_url(f"notebooks/{path.stem}.ipynb")
    return f"{label}: [{title}]({path.stem}.ipynb) ([Colab]({colab}))"


if __name__ == "__main__":
    try:
        main()
    except BuildError as failure:
        sys.exit(str(failure))
