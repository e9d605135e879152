"""The house is in order: sizes, links, licences, badges, no leftovers."""

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml
from authoring import links

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 300
MOST_LINES_OF_A_TEST = 450  # one subject a file; the explorer's JavaScript
MOST_BYTES = 25 * 10**5  # the bundled ViTs are the largest
MOST_BYTES_IN_ALL = 30 * 10**6
# A folder of somebody's machine, at the start of a path.
MACHINE_PATH = re.compile(r"(?<![\w.~+/-])/(?:root|tmp|home|work)/\w+")
FENCE = re.compile(r"^(`{3,}).*?^\1", re.MULTILINE | re.DOTALL)
DERIVED = re.compile(r"<!-- (badges|clone|colab).*?<!-- end -->", re.DOTALL)
CACHES = [
    *(".venv/x", ".cache/x", "tests/__pycache__/x", ".pytest_cache/x"),
    *(".ruff_cache/x", "notebooks/.ipynb_checkpoints/x", "dist/x"),
]


def git(*arguments):
    """Return what a git command printed, as a list of lines."""
    done = subprocess.run(
        ["git", "-c", "core.quotePath=off", *arguments],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()


def ours(*suffixes):
    """Return the repository's files, the new ones of this work tree too."""
    names = git("ls-files", "--cached", "--others", "--exclude-standard")
    paths = [ROOT / name for name in names]
    paths = [path for path in paths if path.is_file()]
    return [p for p in paths if not suffixes or p.suffix in suffixes]


def name(path):
    return str(path.relative_to(ROOT))


def texts(path):
    """Return the Markdown of a file: its own, or a notebook's cells."""
    if path.suffix == ".md":
        return [path.read_text("utf-8")]
    cells = nbformat.read(path, as_version=4).cells
    return [c.source for c in cells if c.cell_type == "markdown"]


def targets(text):
    """Return the addresses that Markdown links to, images included."""
    text = FENCE.sub("", text)
    found = [m[1] for m in re.finditer(r"\]\(([^)\s]+)\)", text)]
    return found + re.findall(r"(?:href|src)=\"([^\"]+)\"", text)


def problem(target, folder):
    """Return what is wrong with a link in a file of a folder, or None."""
    if target.startswith("#"):
        return None
    parts = urlsplit(target)
    if parts.scheme not in ("http", "https"):
        path = folder / unquote(parts.path)
        return None if path.exists() else "no such file"
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)+", parts.netloc):
        return "not a host"
    page = re.sub(f"^{links.COLAB}/github/", links.HOST, target)
    if not page.startswith(links.repository()):
        return None
    rest = page.removeprefix(links.repository()).strip("/")
    if not rest:
        return None
    branch = f"blob/{links.BRANCH}/"
    if not rest.startswith(branch):
        return f"not on the branch {links.BRANCH}"
    return None if (ROOT / rest.removeprefix(branch)).exists() else "dead"


# Submissions; one of them is broken on purpose.
SAMPLES = ROOT / "assignments" / "samples"


@pytest.mark.parametrize(
    "path",
    [p for p in ours(".md", ".ipynb") if not p.is_relative_to(SAMPLES)],
    ids=name,
)
def test_links_are_valid(path):
    found = [t for text in texts(path) for t in targets(text)]
    wrong = {t: problem(t, path.parent) for t in found}
    assert not {t: said for t, said in wrong.items() if said}


@pytest.mark.parametrize(
    "target, said",
    [
        ("no_such_file.md", "no such file"),
        ("https://", "not a host"),
        (links.github_url("README.md"), None),
        (links.colab_url("notebooks/week0.ipynb"), "dead"),
        (links.repository() + "/blob/x/README.md", "not on the branch main"),
        ("README.md#start", None),
    ],
)
def test_a_bad_link_is_noticed(target, said):
    assert problem(target, ROOT) == said


def test_targets_sees_badges_and_images_but_no_code():
    text = "[![a](b.svg)](c) ![d](e.png)\n```python\nx[0](1)\n```\n"
    assert targets(text) == ["b.svg", "c", "e.png"]


def most_lines(path):
    """Return how long a file of code may be, or None for a lesson."""
    if path.parent == ROOT / "lessons":
        return None
    is_test = path.is_relative_to(ROOT / "tests") or path.suffix == ".js"
    return MOST_LINES_OF_A_TEST if is_test else MOST_LINES


def test_modules_are_short():
    lengths = {
        path: len(path.read_text("utf-8").splitlines())
        for path in ours(".py", ".js")
        if most_lines(path)
    }
    assert lengths
    long = [p for p, length in lengths.items() if length > most_lines(p)]
    assert not [name(path) for path in long]


def test_files_are_small():
    sizes = {name(path): path.stat().st_size for path in ours()}
    assert not {n: s for n, s in sizes.items() if s > MOST_BYTES}
    assert sum(sizes.values()) < MOST_BYTES_IN_ALL


def test_no_paths_of_a_machine():
    found = {}
    for path in ours():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        if match := MACHINE_PATH.search(text):
            found[name(path)] = match[0]
    assert not found


def test_machine_paths_are_noticed():
    for folder in ("root", "tmp", "home", "work"):
        assert MACHINE_PATH.search(f'File "/{folder}/someone/x.py"')
    assert not MACHINE_PATH.search("https://site.org/work/x and tests/tmp/x")


def test_licences_are_here():
    code = (ROOT / "LICENSE").read_text("utf-8")
    text = (ROOT / "LICENSE-text").read_text("utf-8")
    assert code.startswith("MIT License\n")
    assert text.startswith("Attribution 4.0 International\n")
    assert "Section 8 -- Interpretation." in text
    files = links.project()["license-files"]
    assert files == ["LICENSE", "LICENSE-text"]


def test_readme_is_short_and_its_links_are_derived():
    text = links.README.read_text("utf-8")
    assert len(text.splitlines()) < 150
    assert links.rewrite(text) == text, "run: make links"
    others = DERIVED.sub("", text)
    assert links.repository() not in others
    for week in (ROOT / "notebooks").glob("week*.ipynb"):
        assert links.badge_row(name(week)) in text


def test_a_fork_points_itself_anew(monkeypatch):
    fork = {"urls": {"Repository": "https://github.com/a/b"}}
    monkeypatch.setattr(links, "project", lambda: fork)
    text = links.rewrite(links.README.read_text("utf-8"))
    assert "https://colab.research.google.com/github/a/b/blob/main/" in text
    assert "git clone https://github.com/a/b\ncd b\n" in text


@pytest.mark.parametrize("url", ["", "https://example.org/a/b", "github.com"])
def test_an_address_that_is_no_repository_is_named(monkeypatch, url):
    other = {"urls": {"Repository": url}}
    monkeypatch.setattr(links, "project", lambda: other)
    with pytest.raises(ValueError, match="should look like"):
        links.repository()


def test_the_citation_says_what_the_package_says():
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert cff["cff-version"] == "1.2.0" and cff["message"] and cff["title"]
    assert cff["version"] == links.project()["version"]
    assert cff["repository-code"] == links.repository()
    assert [a["name"] for a in cff["authors"]] == [
        author["name"] for author in links.project()["authors"]
    ]


def test_caches_are_ignored_and_nothing_ignored_is_kept():
    assert git("check-ignore", *CACHES) == CACHES
    assert git("ls-files", "--cached", "--ignored", "--exclude-standard") == []


def test_continuous_integration_runs_what_people_run():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert script.splitlines()[-1] == "exec make test"
    flow = (ROOT / ".github" / "workflows" / "test.yml").read_text("utf-8")
    steps = yaml.safe_load(flow)["jobs"]["test"]["steps"]
    assert [s["run"] for s in steps if "run" in s] == [".ci/run"]
    assert "schedule" in flow


def test_every_target_is_in_the_help():
    text = (ROOT / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)[1].split()
    steps = {"help", "setup", "ruff", "pytest", "chromium"}
    shown = set(re.findall(r"'make (\w+)", text))
    assert shown == set(phony) - steps
