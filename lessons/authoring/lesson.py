"""Read a lesson's source: its cells, exercises and definitions."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import jupytext

LESSONS = Path(__file__).resolve().parents[1]
NOTEBOOKS = LESSONS.parent / "notebooks"
CHECK_CALL = re.compile(r"^check\.week\d+\.(\w+)\((.*)\)$", re.DOTALL)
SOLUTION = re.compile(
    r"<summary>Solution</summary>\s*```python\n(.*?)```", re.DOTALL
)
HINT = re.compile(r"<summary>Hint</summary>(.*?)</details>", re.DOTALL)


@dataclass(frozen=True)
class LessonExercise:
    """One exercise as written in a lesson's source."""

    name: str
    stub: str
    call: str
    hint: str
    solution: str


def sources():
    """Return the paths of all lesson sources, a week's bonus after it."""
    return sorted(
        set(LESSONS.glob("*.py")) - set(assignments()),
        key=lambda path: (path.stem[:5], is_bonus(path), path.stem),
    )


def assignments():
    """Return the paths of the sources of all graded assignments."""
    return sorted(LESSONS.glob("week?_assignment.py"))


def is_bonus(path):
    """Is this an extra to a week, which need not keep to the template?"""
    return re.match(r"week\d_bonus_", path.stem) is not None


def read(path):
    """Return a lesson as a notebook, without ids, outputs or templates."""
    return jupytext.read(path, fmt="py:percent")


def exercises(path):
    """Return the exercises of a lesson as `LessonExercise`s.

    Raises:
        ValueError: an exercise lacks its stub, hint or solution.
    """
    cells = read(path).cells
    found = []
    for i, cell in enumerate(cells):
        match = CHECK_CALL.match(cell.source.strip())
        if cell.cell_type != "code" or not match:
            continue
        stub, after = cells[i - 1], cells[i + 1].source
        hint, solution = HINT.search(after), SOLUTION.search(after)
        if "exercise" not in stub.metadata.get("tags", []):
            raise ValueError(f"{match[1]}: no cell tagged exercise before it")
        if not hint or not solution:
            raise ValueError(f"{match[1]}: no folded hint and solution")
        found.append(
            LessonExercise(
                match[1], stub.source, cell.source, hint[1], solution[1]
            )
        )
    return found


def definitions(path, namespace=None):
    """Execute a lesson's imports, functions, classes and constants.

    Cells that measure, plot or train are left out, so this is quick. A
    constant is a top-level assignment to an UPPERCASE name.

    Args:
        path: lesson source.
        namespace: dict to fill; default a new one.

    Returns:
        The namespace.
    """
    namespace = {"__name__": "lesson"} if namespace is None else namespace
    for cell in read(path).cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or {"setup", "exercise"} & set(tags):
            continue
        source = re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.MULTILINE)
        kept = [n for n in ast.parse(source).body if _is_definition(n)]
        module = ast.Module(body=kept, type_ignores=[])
        exec(compile(module, str(path), "exec"), namespace)
    return namespace


def _is_definition(node):
    if isinstance(node, ast.Assign):
        return all(
            isinstance(t, ast.Name) and t.id.isupper() for t in node.targets
        )
    return isinstance(
        node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    )
