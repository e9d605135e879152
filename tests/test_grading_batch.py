"""Whole batches: resumed, interrupted, on lost workers; marks are kept."""

import os
import shutil
import sys
import time

import boxes
import cloudpickle
import nbformat
import psutil
import pytest
from authoring import samples

from course_utils.grading import (
    batch,
    closing,
    course,
    feedback,
    ledger,
    merge,
    release,
    worker,
)  # fmt: skip

OPTIONS = batch.Options()
POISON = b"# this one kills its worker"


@pytest.fixture(scope="module")
def template(tmp_path_factory, root):
    """A course directory in which week 1 is released."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(root / "assignments/source/week1", folder / "source/week1")
    release.generate(folder, "week1")
    return folder


@pytest.fixture
def needs_sandbox(in_ci):
    boxes.require_bubblewrap(in_ci)


@pytest.fixture
def folder(template, tmp_path, needs_sandbox):
    return shutil.copytree(template, tmp_path / "course")


def hand_in(folder, student, data):
    home = folder / "submitted" / student / "week1"
    home.mkdir(parents=True, exist_ok=True)
    (home / course.notebook_name("week1")).write_bytes(data)


def right(*names):
    source, given = samples.read("source"), samples.read("release")
    return nbformat.writes(samples.answered(given, source, *names)).encode()


def untouched():
    return nbformat.writes(samples.read("release")).encode()


def gradebook(folder):
    from nbgrader.api import Gradebook

    place = course.directory(folder, "week1")
    return Gradebook(place.db_url, place.course_id)


def scores(folder):
    """Return {student: points} as the gradebook has them."""
    with gradebook(folder) as book:
        found = book.assignment_submissions("week1")
        return {s.student_id: s.score for s in found}


def entries(folder):
    return ledger.Ledger(folder, "week1").students


def test_a_batch_is_graded_and_then_nothing_is_left(folder):
    first, *_ = samples.tasks(samples.read("source"))
    for student, data in {
        "ada": right(), "bo": right(first), "cy": untouched(), "di": b"{",
    }.items():  # fmt: skip
        hand_in(folder, student, data)
    seen = []
    assert batch.grade(folder, "week1", OPTIONS, seen.append) == {}
    assert seen == [1, 1, 1, 1]
    got = scores(folder)
    assert got["ada"] == 20 and 0 < got["bo"] < 20
    assert got["cy"] == got["di"] == 0
    assert entries(folder)["di"]["status"] == worker.UNREADABLE
    report = closing.close(folder, "week1", {})
    assert report.is_whole and "damaged" in str(report)
    assert batch.grade(folder, "week1", OPTIONS, seen.append) == {}
    assert len(seen) == 4
    hand_in(folder, "cy", right())
    batch.grade(folder, "week1", OPTIONS, seen.append)
    assert len(seen) == 5 and scores(folder)["cy"] == 20


def fake(data, job):
    """Grade without running anything: full points for all."""
    return as_graded(job)


def as_graded(job):
    """Return a full-marks result, made without a sandbox."""
    from course_utils.graded.report import Line, Report
    from course_utils.grading import hidden

    tasks = hidden.load(nbformat.reads(job.source, 4))
    full = {
        name: Report(
            name, t.title, t.points, (Line(t.points, True, False, "a", ""),)
        )
        for name, t in tasks.items()
    }
    notebook = nbformat.reads(job.release, 4)
    points = worker._put_in(notebook, tasks, full)
    text = nbformat.writes(notebook)
    return worker.Result(worker.GRADED, text, points, (), 0.1)


def slow(data, job):
    time.sleep(0.7)
    return as_graded(job)


def poisonous(data, job):
    if data == POISON:
        os._exit(9)
    return as_graded(job)


def broken(data, job):
    if data == POISON:
        raise ZeroDivisionError("a bug of ours")
    return as_graded(job)


@pytest.fixture
def instead(monkeypatch):
    """Return a function that has workers run another `grade`."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])

    def use(function):
        monkeypatch.setattr(batch.worker, "grade", function)

    yield use
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def test_manual_marks_survive_another_grading(folder, instead):
    instead(fake)
    hand_in(folder, "ada", right())
    batch.grade(folder, "week1", OPTIONS)
    with gradebook(folder) as book:
        name = course.notebook_name("week1").removesuffix(".ipynb")
        grade = book.find_grade("analysis", name, "week1", "ada")
        grade.manual_score, grade.needs_manual_grade = 7, False
        comment = book.find_comment("analysis", name, "week1", "ada")
        comment.manual_comment = "Well said."
        book.db.commit()
    assert scores(folder) == {"ada": 27}
    batch.grade(folder, "week1", batch.Options(again=True))
    assert scores(folder) == {"ada": 27}
    with gradebook(folder) as book:
        comment = book.find_comment("analysis", name, "week1", "ada")
        assert comment.manual_comment == "Well said."


def test_an_interrupted_batch_goes_on_where_it_was(folder, instead):
    instead(fake)
    for i in range(6):
        hand_in(folder, f"s{i}", right())
    done = []

    def stop(amount):
        done.append(amount)
        if len(done) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batch.grade(folder, "week1", OPTIONS, stop)
    assert len(entries(folder)) == 2
    again = []
    batch.grade(folder, "week1", OPTIONS, again.append)
    assert len(again) == 4 and len(scores(folder)) == 6


def test_cut_off_between_gradebook_and_ledger_it_is_graded_once_more(
    folder, instead, monkeypatch
):
    instead(fake)
    hand_in(folder, "ada", right())

    def cut(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ledger.Ledger, "enter", cut)
        with pytest.raises(KeyboardInterrupt):
            batch.grade(folder, "week1", OPTIONS)
    seen = []
    batch.grade(folder, "week1", OPTIONS, seen.append)
    assert seen == [1] and scores(folder) == {"ada": 20}


def test_a_lost_workers_submissions_go_to_another(folder, instead):
    from dask.distributed import LocalCluster

    instead(slow)
    for i in range(6):
        hand_in(folder, f"s{i}", right())
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, memory_limit=0,
        host="127.0.0.1", dashboard_address="127.0.0.1:0",
        silence_logs="CRITICAL",
    ) as cluster:  # fmt: skip
        victim = next(iter(cluster.workers.values())).pid
        seen = []

        def kill(amount):
            seen.append(amount)
            if len(seen) == 1:
                psutil.Process(victim).kill()

        options = batch.Options(scheduler=cluster.scheduler_address)
        assert batch.grade(folder, "week1", options, kill) == {}
    assert len(seen) == 6
    assert set(scores(folder).values()) == {20}


def test_what_kills_three_workers_is_set_aside(folder, instead):
    instead(poisonous)
    for student in ("ada", "bo", "cy"):
        hand_in(folder, student, right())
    hand_in(folder, "poison", POISON)
    assert batch.grade(folder, "week1", batch.Options(workers=2)) == {}
    assert entries(folder)["poison"]["status"] == worker.SET_ASIDE
    got = scores(folder)
    assert got.pop("poison") == 0 and set(got.values()) == {20}
    report = closing.close(folder, "week1", {})
    assert not report.is_whole and "3 workers" in str(report)


def test_a_bug_of_ours_stays_pending_and_stops_nobody(folder, instead):
    instead(broken)
    for student in ("ada", "bo"):
        hand_in(folder, student, right())
    hand_in(folder, "cy", POISON)
    failed = batch.grade(folder, "week1", OPTIONS)
    assert set(failed) == {"cy"} and "a bug of ours" in failed["cy"]
    assert set(scores(folder)) == {"ada", "bo"}
    report = closing.close(folder, "week1", failed)
    assert report.counts()[closing.NOT_GRADED] == 1 and not report.is_whole
    instead(fake)
    assert batch.grade(folder, "week1", OPTIONS) == {}
    assert set(scores(folder)) == {"ada", "bo", "cy"}


def test_a_result_that_nbgrader_refuses_stops_nobody(
    folder, instead, monkeypatch
):
    instead(fake)
    for student in ("ada", "bo", "cy"):
        hand_in(folder, student, right())
    real = merge.merge

    def picky(folder, assignment, student, result):
        if student == "bo":
            raise RuntimeError("nbgrader could not")
        real(folder, assignment, student, result)

    monkeypatch.setattr(merge, "merge", picky)
    failed = batch.grade(folder, "week1", OPTIONS)
    assert set(failed) == {"bo"} and "could not" in failed["bo"]
    assert set(scores(folder)) == {"ada", "cy"}


def test_two_gradings_at_once_are_refused(folder):
    with ledger.alone(folder), pytest.raises(RuntimeError, match="going on"):
        batch.grade(folder, "week1", OPTIONS)


def test_what_was_not_released_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="release week1 first"):
        batch.grade(tmp_path, "week1", OPTIONS)


def test_workers_must_be_some():
    with pytest.raises(ValueError, match="1 or more"):
        batch.Options(workers=0)


def test_another_assignment_text_means_grading_again(folder, instead):
    instead(fake)
    hand_in(folder, "ada", right())
    batch.grade(folder, "week1", OPTIONS)
    path = folder / "source/week1" / course.notebook_name("week1")
    path.write_text(path.read_text("utf-8").replace("Week 1", "Week one"))
    seen = []
    batch.grade(folder, "week1", OPTIONS, seen.append)
    assert seen == [1]


def test_feedback_shows_reports_and_no_hidden_test(folder, instead):
    instead(fake)
    hand_in(folder, "ada", right())
    batch.grade(folder, "week1", OPTIONS)
    (page,) = feedback.generate(folder, "week1")
    text = page.read_text("utf-8")
    assert "HIDDEN" not in text and ".hidden(" not in text
    assert "of 4 points" in text
    kept = folder / "autograded/ada/week1" / course.notebook_name("week1")
    assert "BEGIN HIDDEN TESTS" in kept.read_text("utf-8")


def test_feedback_before_grading_is_refused(folder):
    with pytest.raises(FileNotFoundError, match="nothing of week1"):
        feedback.generate(folder, "week1")


def test_nbgraders_own_button_is_refused_and_changes_nothing(
    folder, instead, caplog
):
    from nbgrader.converters import Autograde
    from nbgrader.converters.base import NbGraderException

    instead(fake)
    hand_in(folder, "ada", untouched())
    place = course.directory(folder, "week1", "ada")
    converter = Autograde(coursedir=place, config=place.config)
    with pytest.raises(NbGraderException, match="make grade"):
        converter.start()
    assert "make grade" in caplog.text
    assert scores(folder) == {}


def test_a_late_hand_in_keeps_its_time(folder, instead):
    instead(fake)
    hand_in(folder, "ada", right())
    stamp = folder / "submitted/ada/week1" / merge.TIMESTAMP
    stamp.write_text("2026-03-01 10:00:00 UTC")
    batch.grade(folder, "week1", OPTIONS)
    with gradebook(folder) as book:
        when = book.find_submission("week1", "ada").timestamp
    assert when.isoformat() == "2026-03-01T10:00:00"


def test_no_two_submissions_are_judged_with_the_same_numbers():
    drawn = {worker._own_seed(data, 5) for data in (b"a", b"b")}
    assert len(drawn) == 2 and worker._own_seed(b"a", 6) not in drawn
    assert worker._own_seed(b"a", 5) in drawn


def test_the_seed_is_secret_and_stays(tmp_path):
    seed = ledger.secret_seed(tmp_path)
    assert seed == ledger.secret_seed(tmp_path) > 0
    assert (tmp_path / ".grading/seed").stat().st_mode & 0o077 == 0
    (tmp_path / ".grading/seed").write_text("soon")
    with pytest.raises(ValueError, match="whole number"):
        ledger.secret_seed(tmp_path)
