"""Each assignment as an instructor grades it: whole, in the sandbox."""

import boxes
import nbformat
import pytest
from authoring import lesson, samples

from course_utils.grading import kernel, notebooks, sandbox, worker

WEEKS = [path.stem[:5] for path in lesson.assignments()]
SEED = 2**61 + 3  # other seeds: test_assignments.py, without a sandbox


@pytest.fixture(params=WEEKS)
def week(request, in_ci):
    boxes.require_bubblewrap(in_ci)
    return request.param


def graded(week, notebook):
    job = worker.Job(
        nbformat.writes(samples.read("source", week)),
        nbformat.writes(samples.read("release", week)),
        SEED,
        sandbox.Limits(wall_seconds=2400),
        cell_seconds=600,  # of a machine that others use, too
    )
    return worker.grade(nbformat.writes(notebook).encode(), job)


def errors(result):
    """Return the errors of a notebook's cells, as "name: text"."""
    cells = nbformat.reads(result.notebook, 4).cells
    outputs = [o for c in cells for o in c.get("outputs", [])]
    return [
        f"{o.ename}: {o.evalue}" for o in outputs if o.output_type == "error"
    ]


def test_the_reference_gets_all_points_and_no_error(week):
    source, release = (samples.read(k, week) for k in ("source", "release"))
    result = graded(week, samples.answered(release, source))
    assert sum(result.points.values()) == 20, result.points
    assert errors(result) == [] and result.notes == ()
    summary = nbformat.reads(result.notebook, 4).cells[-1].outputs[0]
    assert "20 of 20 points, hidden" in summary["data"]["text/plain"]


def test_the_untouched_release_gets_nothing_and_runs_to_the_end(week):
    result = graded(week, samples.read("release", week))
    assert set(result.points.values()) == {0}
    assert result.status == worker.GRADED and result.notes == ()
    assert errors(result) == []


def test_only_the_last_task_solved_runs_to_the_end(week):
    source, release = (samples.read(k, week) for k in ("source", "release"))
    *_, last = samples.tasks(source)
    result = graded(week, samples.answered(release, source, last))
    assert errors(result) == []


def test_samples_are_what_the_script_makes():
    made = samples.make()
    assert len(made) == 10
    for name, content in made.items():
        assert (samples.FOLDER / name).read_bytes() == content


def test_nothing_of_ours_is_left_in_what_a_student_hands_in():
    read = notebooks.parse(samples.make()["ada.ipynb"])
    assert not [c for c in read.cells if "HIDDEN" in c.source]


def test_a_kernel_that_never_starts_is_no_students_fault(monkeypatch, in_ci):
    boxes.require_bubblewrap(in_ci)
    monkeypatch.setattr(kernel.sys, "executable", "/bin/false")
    with pytest.raises(kernel.Died, match="died"):
        graded("week1", samples.read("release"))
