import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from course_utils import checks, progress


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    folder = tmp_path / "home"
    monkeypatch.setenv("COURSE_HOME", str(folder))
    monkeypatch.setattr(progress, "_memory", {})
    monkeypatch.setattr(progress, "_told", set())
    return folder


def test_nothing_is_written_before_the_first_check(home):
    assert progress.load() == {}
    assert not home.exists()


def test_a_solved_exercise_stays_solved():
    for state in ("incorrect", "correct", "incorrect", "not attempted"):
        progress.record(1, "softmax", state)
    assert progress.load() == {"1": {"softmax": "correct"}}


def test_states_and_weeks_are_kept_apart():
    progress.record(1, "softmax", "incorrect")
    progress.record(2, "softmax", "correct")
    assert progress.load() == {
        "1": {"softmax": "incorrect"},
        "2": {"softmax": "correct"},
    }


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"1": 3}', '{"1": {"a": "won"}}', "\x00\xff"]
)
def test_a_damaged_ledger_is_put_aside_aloud(home, capsys, content):
    home.mkdir()
    (home / "progress.json").write_text(content)
    assert progress.load() == {}
    assert "damaged" in capsys.readouterr().out
    assert (home / "progress.json.damaged").read_text() == content
    progress.record(1, "softmax", "correct")
    assert progress.load() == {"1": {"softmax": "correct"}}


def test_an_unwritable_folder_is_told_once_and_kept_in_memory(
    monkeypatch, capsys, tmp_path
):
    blocker = tmp_path / "file"
    blocker.write_text("")
    monkeypatch.setenv("COURSE_HOME", str(blocker / "sub"))
    progress.record(1, "softmax", "correct")
    progress.record(1, "masks", "incorrect")
    told = capsys.readouterr().out
    assert told.count("cannot be saved") == 1
    assert "COURSE_HOME" in told
    assert progress.load()["1"]["softmax"] == "correct"
    assert progress.load()["1"]["masks"] == "incorrect"


def test_a_failed_write_leaves_the_old_ledger(home, monkeypatch):
    progress.record(1, "softmax", "correct")

    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(progress.json, "dump", full_disk)
    progress.record(1, "masks", "correct")
    saved = json.loads((home / "progress.json").read_text())
    assert saved == {"1": {"softmax": "correct"}}
    assert os.listdir(home) == ["progress.json"]


def test_simultaneous_writes_never_damage_the_file(home):
    names = [f"exercise{i}" for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: progress.record(1, n, "correct"), names))
    saved = json.loads((home / "progress.json").read_text())
    assert set(saved["1"]) <= set(names)
    assert os.listdir(home) == ["progress.json"]


def test_dashboard_counts_and_points_to_the_next(monkeypatch):
    names = {1: ["softmax", "masks", "heads"], 2: ["axes"]}
    monkeypatch.setattr(checks, "names", lambda week: names.get(week, []))
    progress.record(1, "softmax", "correct")
    progress.record(1, "masks", "incorrect")
    progress.record(2, "axes", "correct")
    first, second = progress.summary()[:2]
    assert first[2:] == (1, 3, "masks")
    assert second[2:] == (1, 1, "")
    html = progress.dashboard()._repr_html_()
    assert "1 of 3" in html
    assert "all done" in html
    assert "next: masks" in repr(progress.dashboard())
