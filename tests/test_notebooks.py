"""What must hold of every notebook, whatever it teaches."""

import ast
import re
import statistics

import nbformat
import numpy as np
import pytest
from authoring import build, lesson

SOURCES = lesson.sources()
LESSONS = [p for p in SOURCES if re.fullmatch(r"week\d_[a-z_]+", p.stem)]
WEEKS = [p for p in LESSONS if not lesson.is_bonus(p)]
MACHINE = re.compile(
    r"/(?:root|home|tmp|usr|work|Users|content)/|0x[0-9a-f]{6,}"
    r"|\bWall time\b|\bms/step\b|\bs/epoch\b"
)
IMAGE = re.compile(r"!\[(.*?)\]\(")
IMG_TAG = re.compile(r"<img\b[^>]*>")
EXERCISES = [
    pytest.param(path, item, id=f"{path.stem[:5]}-{item.name}")
    for path in WEEKS
    for item in lesson.exercises(path)
]


def by_name(path):
    return path.stem


@pytest.fixture(params=SOURCES, ids=by_name)
def source(request):
    return request.param


@pytest.fixture(params=WEEKS, ids=by_name)
def week(request):
    return request.param


@pytest.fixture(params=set(LESSONS) - set(WEEKS), ids=by_name)
def bonus(request):
    return request.param


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))


def built(path):
    return nbformat.read(build.target(path), 4)


def code_cells(notebook):
    return [c for c in notebook.cells if c.cell_type == "code"]


def outputs(notebook):
    return [o for c in code_cells(notebook) for o in c.outputs]


def visible_prose(notebook):
    text = "\n".join(
        c.source for c in notebook.cells if c.cell_type == "markdown"
    )
    text = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def test_weeks_1_and_2_are_here():
    assert {p.stem[:5] for p in WEEKS} >= {"week1", "week2"}
    assert "index" in {p.stem for p in SOURCES}


def test_notebook_is_what_its_source_builds(source):
    fresh, committed = build.build(source), built(source)
    assert [c.id for c in committed.cells] == [c.id for c in fresh.cells]
    for new, old in zip(fresh.cells, committed.cells, strict=True):
        assert old.source == new.source
        assert old.metadata == new.metadata
    assert committed.metadata == fresh.metadata


def test_cells_ran_in_order_without_errors_or_logs(source):
    counts = [c.execution_count for c in code_cells(built(source))]
    assert counts == list(range(1, len(counts) + 1))
    for output in outputs(built(source)):
        assert output.output_type != "error"
        assert output.get("name") != "stderr"


def test_setup_cell_is_the_same_everywhere(source):
    (cell,) = [
        c
        for c in code_cells(built(source))
        if "setup" in c.metadata.get("tags", [])
    ]
    lines = cell.source.splitlines()
    standard = build.SETUP_CELL.splitlines()
    assert len(lines) == len(standard) <= 6
    assert [lines[i] for i in (0, 1, 2, 4)] == [
        standard[i] for i in (0, 1, 2, 4)
    ]
    assert lines[3] == standard[3].format(
        repository=build.links.repository(), ref=build.links.release()
    )
    expected = "cu.progress.dashboard()"
    if source in LESSONS:
        expected = f"session = cu.setup(week={source.stem[4]})"
    assert lines[5] == expected
    assert cell.id == code_cells(built(source))[0].id


def test_every_picture_has_alt_text(source):
    notebook = built(source)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert all(a.strip() for a in IMAGE.findall(cell.source))
    for output in outputs(notebook):
        data = output.get("data", {})
        html = "".join(data.get("text/html", ""))
        for tag in IMG_TAG.findall(html):
            assert re.search(r'\balt="[^"]{20,}"', tag), tag[:200]
        if "image/png" in data:
            assert "<img" in html


def test_no_output_tells_on_a_machine(source):
    for output in outputs(built(source)):
        texts = [output.get("text", "")]
        for kind, data in output.get("data", {}).items():
            if not kind.startswith("image/"):
                texts.append(re.sub(r"base64,[\w+/=]+", "", str(data)))
        for text in texts:
            found = MACHINE.search(text)
            assert not found, text[max(0, found.start() - 80) :][:200]


def test_notebook_is_small(source):
    assert build.target(source).stat().st_size < 1_500_000


def test_lesson_keeps_to_the_template(week):
    notebook = built(week)
    code = code_cells(notebook)
    lines = [
        sum(bool(line.strip()) for line in c.source.splitlines()) for c in code
    ]
    words = len(re.findall(r"\w+", visible_prose(notebook)))
    assert 60 <= len(notebook.cells) <= 110
    assert 2500 <= words <= 4000
    assert 250 <= sum(lines) <= 400
    assert statistics.median(lines) <= 10
    assert max(lines) <= 45
    assert words >= 7 * sum(lines)
    for cell in code:
        for line in cell.source.splitlines():
            assert len(line) <= 79 or "%pip" in line, line


def test_bonus_is_short_and_claims_what_it_measures(bonus):
    notebook = built(bonus)
    code = code_cells(notebook)
    lines = [
        sum(bool(line.strip()) for line in c.source.splitlines()) for c in code
    ]
    assert len(notebook.cells) <= 80
    assert sum(lines) <= 450
    assert statistics.median(lines) <= 20
    assert max(lines) <= 45
    for cell in code:
        for line in cell.source.splitlines():
            assert len(line) <= 79 or "%pip" in line, line
    prose = visible_prose(notebook).lower()
    assert prose.count("you should see") >= 4
    assert "predict" in prose and "{{" not in prose
    assert "claims_table()" in "\n".join(c.source for c in code)


def test_a_bonus_follows_its_week():
    stems = [path.stem for path in LESSONS]
    for path in set(LESSONS) - set(WEEKS):
        before = stems[stems.index(path.stem) - 1]
        assert before[:6] == path.stem[:6]
        assert "bonus" not in before


def test_lesson_has_its_parts(week):
    notebook = built(week)
    prose = "\n".join(
        c.source for c in notebook.cells if c.cell_type == "markdown"
    ).lower()
    for part in ("warm-up", "quiz", "further reading", "glossary", "predict"):
        assert part in prose
    assert prose.count("you should see") >= 8
    assert "{{" not in prose
    code = "\n".join(c.source for c in code_cells(notebook))
    assert "claims_table()" in code
    assert len(lesson.exercises(week)) >= 6


def test_claims_table_lists_the_source_tutorial(week):
    (table,) = [
        "".join(o.data["text/html"])
        for o in outputs(built(week))
        if "Every claim of this lesson" in str(o.get("data", {}))
    ]
    assert ">source tutorial</td>" in table
    assert table.count("<tr>") > 10


def test_promised_outputs_hold_something(week):
    promised = [
        c
        for c in code_cells(built(week))
        if c.source.startswith("# NBVAL_CHECK_OUTPUT")
    ]
    assert len(promised) >= 3
    for cell in promised:
        assert cell.outputs


def namespace_of(path):
    if path not in _namespaces:
        names = {"cu": __import__("course_utils")}
        _namespaces[path] = lesson.definitions(path, names)
    return dict(_namespaces[path])


_namespaces = {}


def judge(path, item, attempt):
    """Run an attempt, then its check, as the notebook would."""
    namespace = namespace_of(path)
    exec(attempt, namespace)
    return eval(item.call, namespace)


@pytest.mark.parametrize(("path", "item"), EXERCISES)
def test_solution_passes_its_check(path, item):
    assert judge(path, item, item.solution).state == "correct"


@pytest.mark.parametrize(("path", "item"), EXERCISES)
def test_stub_does_not(path, item):
    assert judge(path, item, item.stub).state == "not attempted"


@pytest.mark.parametrize(("path", "item"), EXERCISES)
def test_stub_and_solution_share_their_signature(path, item):
    checked = lesson.CHECK_CALL.match(item.call)[2]
    arguments = [
        ast.dump(node.args)
        for text in (item.stub, item.solution)
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name == checked
    ]
    assert len(arguments) == 2
    assert arguments[0] == arguments[1]


@pytest.mark.parametrize(("path", "item"), EXERCISES)
def test_hint_does_not_give_the_solution_away(path, item):
    lines = [line.strip() for line in item.solution.splitlines()]
    stub = {line.strip() for line in item.stub.splitlines()}
    telling = [s for s in lines if len(s) > 25 and s not in stub]
    assert not [s for s in telling if s in item.hint]


def test_every_check_is_used_exactly_once():
    from course_utils import checks

    for path in WEEKS:
        used = [item.name for item in lesson.exercises(path)]
        assert used == checks.names(int(path.stem[4]))


def test_definitions_leave_measurements_out():
    namespace = lesson.definitions(WEEKS[0])
    functions = [n for n, v in namespace.items() if callable(v)]
    assert len(functions) >= 5
    assert np is namespace["np"]
    assert "EMBEDDING" in namespace
    assert not {"rng", "speedup", "seconds", "patches"} & set(namespace)
