"""The instructor's guide names nothing that does not exist."""

import functools
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from course_utils.grading import course

ROOT = Path(__file__).resolve().parents[1]
PAGES = {page.name: page for page in sorted((ROOT / "docs").glob("*.md"))}
TEXTS = {name: page.read_text("utf-8") for name, page in PAGES.items()}
ALL = "\n".join(TEXTS.values())
KIT = "-m course_utils.grading"
WEEKS = range(1, 7)
SESSION = 90  # minutes
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def code(text):
    """Return the commands of a page: its code spans and lines of fences."""
    spans = re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    lines = [m[2].replace("\\\n", " ") for m in FENCE.finditer(text)]
    return spans + "\n".join(lines).splitlines()


def of_kit(commands):
    """Return what follows the kit's name, and `grade ...` in the table."""
    said = [c.split(KIT)[1].split() for c in commands if KIT in c]
    rows = re.findall(r"^\| (?:`make[^|]+)?\| `([^`]+)` \|", ALL, re.MULTILINE)
    return [*said, *map(str.split, rows)]


@functools.cache
def help_of(*subcommand):
    done = subprocess.run(
        [sys.executable, "-m", "course_utils.grading", *subcommand, "--help"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, f"{subcommand}: {done.stderr}"
    return done.stdout


def slugs(text):
    """Return the anchors that GitHub gives a page's headings."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", head.lower()) for head in heads)
    return {head.replace(" ", "-") for head in plain}


def part(text, heading):
    """Return what stands under a heading, up to the next of its level."""
    level = heading.split()[0]
    found = re.search(
        rf"^{re.escape(heading)}\b.*?\n(.*?)(?=^#{{2,{len(level)}}} |\Z)",
        text, re.MULTILINE | re.DOTALL,
    )  # fmt: skip
    assert found, f"no heading {heading!r}"
    return found[1]


def of_week(week, heading):
    return part(part(TEXTS["teaching.md"], f"## Week {week}"), heading)


def items(text):
    """Return the items of a list, each on one line."""
    found = re.split(r"^(?:- |\d+\. )", text, flags=re.MULTILINE)[1:]
    return [" ".join(item.split()) for item in found]


def test_make_targets_and_their_variables_exist():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY:(.+?)(?<!\\)$", makefile, re.M | re.S)[1]
    named = [c for c in code(ALL) if re.match(r"make [a-z]", c)]
    targets = {
        word for c in named for word in re.findall(r" ([a-z]+)(?= |$)", c)
    }
    variables = {word for c in named for word in re.findall(r"([A-Z_]+)=", c)}
    assert {"lab", "release", "grade", "feedback"} <= targets
    assert targets <= set(phony.replace("\\", " ").split())
    assert {"WEEK", "FROM", "GRADE_ARGS"} <= variables
    assert not {name for name in variables if f"$({name})" not in makefile}


def test_subcommands_and_their_options_exist():
    known = set(re.findall(r"^    ([a-z]+) ", help_of(), re.MULTILINE))
    calls = [words for words in of_kit(code(ALL)) if words]
    assert {words[0] for words in calls} - {"--help"} == known
    for words in calls:
        named = {word for word in words if word.startswith("--")}
        texts = help_of(*{words[0]} - {"--help"})
        assert named <= set(re.findall(r"--\w+", texts)), words


def test_options_of_grade_are_all_in_the_table():
    table = part(TEXTS["instructor.md"], "### The commands")
    told = re.findall(r"^\| `(--\w+)", table, re.MULTILINE)
    assert set(told) == set(re.findall(r"--\w+", help_of("grade"))) - {
        "--help"
    }


@pytest.mark.parametrize("name", PAGES)
def test_links_and_their_anchors_work(name):
    links = LINK.findall(FENCE.sub("", TEXTS[name]))
    assert links
    for link in links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = PAGES[name].parent / path if path else PAGES[name]
        assert target.exists(), link
        if anchor:
            assert anchor in slugs(target.read_text("utf-8")), link


def test_every_page_can_be_reached():
    links = LINK.findall(TEXTS["instructor.md"])
    assert set(PAGES) - {"instructor.md"} <= set(links)


def test_shell_and_yaml_are_well_formed():
    fences = FENCE.findall(ALL)
    assert {"bash", "yaml"} <= {kind for kind, _ in fences}
    for kind, body in fences:
        if kind == "yaml":
            assert yaml.safe_load(body)["kind"] == "Deployment"
        elif kind == "bash":
            shell = [shutil.which("bash"), "-n"]
            done = subprocess.run(
                shell, input=body, text=True, capture_output=True
            )
            assert not done.stderr, body


def test_files_and_folders_of_the_course_exist():
    named = {c for c in code(ALL) if re.fullmatch(r"[\w.]+/[\w./]+", c)}
    made = ("ana/", "assignments/.grading", "assignments/feedback/",
            "assignments/gradebook", "assignments/grades_",
            "assignments/similar_", "assignments/submitted/")  # fmt: skip
    kept = {path for path in named if not path.startswith(made)}
    assert kept
    assert not {path for path in kept if not (ROOT / path).exists()}


def test_the_address_of_a_database_goes_where_the_kit_looks_for_it():
    assert f"export {course.GRADEBOOK}=postgresql" in ALL


@pytest.mark.parametrize("week", WEEKS)
def test_a_schedule_fills_its_sessions(week):
    text = of_week(week, "### Schedule")
    sessions = text.split("\nSession ")[1:] or [text]
    assert len(sessions) == (1 if week < 4 else 2)
    for session in sessions:
        minutes = re.findall(r"^\| (\d+) \|", session, re.MULTILINE)
        assert sum(map(int, minutes)) == SESSION


@pytest.mark.parametrize("week", WEEKS)
def test_each_misconception_says_where_it_comes_to_light(week):
    checks = importlib.import_module(f"course_utils.checks.week{week}")
    lesson = "".join(
        path.read_text("utf-8")
        for path in (ROOT / "lessons").glob(f"week{week}_*.py")
        if "assignment" not in path.name
    )
    found = items(of_week(week, "### Misconceptions"))
    assert 5 <= len(found) <= 8
    for item in found:
        names = re.findall(r"`check\.week(\d)\.(\w+)`", item)
        sections = re.findall(r"[Ss]ection (\d+)", item)
        assert names or sections, item
        assert all(int(number) == week for number, _ in names), item
        assert all(hasattr(checks, name) for _, name in names), item
        assert all(f'id="s{i}"' in lesson for i in sections), item


@pytest.mark.parametrize("week", WEEKS)
def test_each_week_has_prompts_and_a_way_without_colab(week):
    assert 3 <= len(items(of_week(week, "### Prompts"))) <= 5
    assert "On paper:" in " ".join(of_week(week, "### Without Colab").split())


def test_nothing_is_left_to_fill_in():
    assert not [name for name, text in TEXTS.items() if "TODO" in text]
