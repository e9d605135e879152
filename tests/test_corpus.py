"""Every entry of the corpus gets what it must, and leaves no trace outside."""

import contextlib
import re
import secrets
import socket
import tempfile
import threading
import warnings
from dataclasses import replace
from html.parser import HTMLParser

import corpus
import nbformat
import psutil
import pytest
from authoring import assignments, lesson

from course_utils import graded
from course_utils.grading import hidden, runner, sandbox, worker
from course_utils.grading.limits import GIB, MIB

ENTRIES = corpus.everything()
GROUPS = {"mishap", "file", "cheat", "break"}
SEED = 2**62 + 7
LIMITS = sandbox.Limits(
    memory_bytes=GIB, wall_seconds=150, disk_bytes=32 * MIB
)
MOST_GROWTH = runner.JUDGING_BYTES + 128 * MIB  # of this process
MOST_RESULT = 10 * MIB
ODD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@pytest.fixture(scope="module", autouse=True)
def box(in_ci):
    try:
        sandbox.check()
    except sandbox.Unavailable as error:
        if in_ci:
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def built():
    """The source and release of the first assignment, as JSON."""
    path = lesson.assignments()[0]
    places = (
        assignments.COURSE / kind / path.stem[:5] / f"{path.stem}.ipynb"
        for kind in ("source", "release")
    )
    return [place.read_text("utf-8") for place in places]


@pytest.fixture(scope="module")
def given(built):
    """What entries are built from: the release, and all right answers."""
    source, release = (nbformat.reads(text, 4) for text in built)
    right = corpus.reference(source, release)
    return corpus.lean(release), corpus.lean(right)


@pytest.fixture(scope="module")
def tasks(built):
    return hidden.load(nbformat.reads(built[0], 4))


class Outside:
    """What lies beside the box, and must neither change nor be seen."""

    def __init__(self, folder):
        self.secret = f"CANARY{secrets.token_hex(8)}"
        self.mark = f"left-{secrets.token_hex(8)}"
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.files = {
            folder / name: f"### BEGIN HIDDEN TESTS {self.secret}"
            for name in ("gradebook.db", "source.ipynb", "home.txt",
                         "submitted.ipynb")
        }  # fmt: skip
        for path, text in self.files.items():
            path.write_text(text)
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.tcp.settimeout(0)
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.udp.settimeout(0)

    def check(self):
        """Assert that nothing came, changed or stayed."""
        assert {p: p.read_text() for p in self.files} == self.files
        assert list(self.temporary.iterdir()) == []
        assert is_silent(self.tcp.accept)
        assert is_silent(lambda: self.udp.recv(100))
        assert psutil.Process().children(recursive=True) == []
        assert not [line for line in command_lines() if self.mark in line]

    def filled_in(self, data):
        """Return a submission that knows the port and its name."""
        data = data.replace(corpus.PORT, str(self.port).encode())
        return data.replace(corpus.LEFT_BEHIND.encode(), self.mark.encode())

    def close(self):
        self.tcp.close()
        self.udp.close()


@pytest.fixture
def outside(tmp_path, monkeypatch):
    made = Outside(tmp_path)
    monkeypatch.setenv("COURSE_CANARY", made.secret)
    monkeypatch.setattr(tempfile, "tempdir", str(made.temporary))
    yield made
    made.close()


def is_silent(receive):
    """Return whether nothing waits to be received."""
    try:
        receive()
    except BlockingIOError:
        return True
    return False


def command_lines():
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            yield process.cmdline()


@contextlib.contextmanager
def watched_memory():
    """Yield a list: by how many bytes this process grew, at its largest."""
    me, over = psutil.Process(), threading.Event()
    before = me.memory_info().rss
    most = [0]

    def look():
        while not over.wait(0.02):
            most[0] = max(most[0], me.memory_info().rss - before)

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield most
    finally:
        over.set()
        watch.join()


def wanted_points(expects, tasks):
    """Return {task: points} that an entry must get."""
    amounts = expects.points
    if not isinstance(amounts, dict):
        amounts = {"rest": amounts}
    wanted = {}
    for i, (name, task) in enumerate(tasks.items()):
        amount = amounts.get(i, amounts.get("rest", "full"))
        wanted[name] = {"full": task.points, "zero": 0.0}.get(amount, amount)
    return wanted


def check_notes(expects, notes):
    if expects.note == "" and expects.status == "graded":
        assert notes == ()
    assert not expects.note or any(expects.note in note for note in notes)
    assert not [note for note in notes if ODD.search(note)]


def check_notebook(notebook, result, expects):
    """Assert that what goes back is sound, and says what it should."""
    nbformat.validate(notebook)
    assert len(result.notebook.encode()) < MOST_RESULT
    assert grades(notebook) == result.points
    printed = "".join(
        output.get("text", "")
        for cell in notebook.cells
        for output in cell.get("outputs", ())
    )
    assert expects.said in printed
    assert "BEGIN HIDDEN" not in printed


def grades(notebook):
    """Return the points that nbgrader reads off, {task: points}."""
    from nbgrader.utils import determine_grade

    cells = corpus.graded_cells(notebook)
    names = [corpus.mark_of(cell)["grade_id"] for cell in cells]
    return {
        n: determine_grade(c)[0] for n, c in zip(names, cells, strict=True)
    }


class Active(HTMLParser):
    """Finds what of a page would act in a browser and is not its own."""

    def __init__(self):
        super().__init__()
        self.found, self.tag = [], ""

    def handle_starttag(self, tag, attributes):
        self.tag = tag
        for name, value in attributes:
            acts = name.startswith("on") or "script:" in (value or "")
            if acts and corpus.ALARM in (value or ""):
                self.found.append(f"{tag} {name}={value}")

    def handle_data(self, data):
        if self.tag == "script" and corpus.ALARM in data:
            self.found.append(f"script {data}")

    def handle_endtag(self, tag):
        self.tag = ""


def check_page(notebook):
    """Assert that the notebook as a page does nothing of its own."""
    from nbconvert import HTMLExporter

    page, _ = HTMLExporter(template_name="classic").from_notebook_node(
        notebook
    )
    active = Active()
    active.feed(page)
    assert active.found == []


def grade(entry, data, built, monkeypatch):
    job = worker.Job(*built, SEED, limits=LIMITS, cell_seconds=entry.seconds)
    for task in graded.tasks(1).values():
        seconds = min(entry.seconds, task.seconds)
        monkeypatch.setattr(task, "seconds", seconds)
    with watched_memory() as growth:
        result = worker.grade(data, job)
    assert growth[0] < MOST_GROWTH
    return result


@pytest.fixture(scope="module")
def warm(given, built):
    """The first grading imports what later ones have."""
    job = worker.Job(*built, SEED, limits=replace(LIMITS, wall_seconds=60))
    worker.grade(corpus.written(given[0]), job)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_entry(entry, given, built, tasks, outside, monkeypatch, warm):
    data = outside.filled_in(entry.build(*given))
    result = grade(entry, data, built, monkeypatch)
    outside.check()
    assert result.status == entry.expects.status
    if entry.expects.points is not None:
        assert result.points == wanted_points(entry.expects, tasks)
    check_notes(entry.expects, result.notes)
    notebook = nbformat.reads(result.notebook, 4)
    check_notebook(notebook, result, entry.expects)
    assert outside.secret not in f"{result}"
    if corpus.ALARM.encode() in data and result.status == "graded":
        check_page(notebook)


def test_names_are_unique_and_groups_known():
    names = [entry.name for entry in ENTRIES]
    assert len(names) == len(set(names)) >= 45
    assert {entry.group for entry in ENTRIES} == GROUPS


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_only_right_answers_are_expected_to_get_points(entry, given):
    """A hostile entry that must get all points has all right answers."""
    if entry.group == "mishap" or entry.expects.points != "full":
        return
    right = {cell.source for cell in corpus.answer_cells(given[1])}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        handed_in = nbformat.reads(entry.build(*given).decode(), 4)
    assert right <= {cell.source for cell in handed_in.cells}


def test_dangerous_ones_do_nothing_outside_a_box():
    assert socket.gethostname() != "box"
    with pytest.raises(SystemExit, match="in a box only"):
        exec(corpus.BOXED, {})


def test_the_canaries_would_be_noticed(outside):
    with socket.create_connection(("127.0.0.1", outside.port)):
        pytest.raises(AssertionError, outside.check)
    outside.check()
    next(iter(outside.files)).write_text("changed")
    pytest.raises(AssertionError, outside.check)


def test_a_page_that_acts_would_be_noticed():
    active = Active()
    script = f"<script>{corpus.ALARM}()</script>"
    active.feed(f"<img onload={corpus.ALARM}()>{script}")
    assert len(active.found) == 2


def test_growth_would_be_noticed():
    with watched_memory() as growth:
        held = b"x" * (MOST_GROWTH + 16 * MIB)
        threading.Event().wait(0.5)
        del held
    assert growth[0] > MOST_GROWTH
