"""Every address of the repository, derived from pyproject.toml.

`[project.urls] Repository` holds the address once. `make links` rewrites
what README.md says about it; the notebook builder asks the functions here.
A fork changes one line and runs `make links notebooks`.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
BRANCH = "main"
HOST = "https://github.com/"
COLAB = "https://colab.research.google.com"
COLAB_IMAGE = f"{COLAB}/assets/colab-badge.svg"
GITHUB_IMAGE = "https://img.shields.io/badge/view_on-GitHub-24292f"
BADGES = re.compile(r"(<!-- badges (\S+) -->).*?(<!-- end -->)")
COLAB_BADGES = re.compile(r"(<!-- colab (\S+) -->).*?(<!-- end -->)")
CLONE = re.compile(r"(<!-- clone -->\n).*?(<!-- end -->)", re.DOTALL)


def project():
    """Return the `[project]` table of pyproject.toml as a dict."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"]


def repository():
    """Return the repository's address, without a slash at its end.

    Raises:
        ValueError: pyproject.toml gives no GitHub address.
    """
    url = project()["urls"]["Repository"].rstrip("/").removesuffix(".git")
    if not re.fullmatch(re.escape(HOST) + r"[\w.-]+/[\w.-]+", url):
        raise ValueError(
            "[project.urls] Repository in pyproject.toml should look like "
            f"{HOST}owner/name, not {url!r}"
        )
    return url


def release():
    """Return the tag that a notebook's setup cell installs."""
    return f"v{project()['version']}"


def github_url(path):
    """Return the page that shows a file of the repository, rendered."""
    return f"{repository()}/blob/{BRANCH}/{path}"


def colab_url(path):
    """Return the address that opens a notebook in Colab."""
    return github_url(path).replace(HOST, f"{COLAB}/github/")


def colab_badge(path):
    """Return Markdown with the badge that opens a notebook in Colab."""
    return f"[![Open in Colab]({COLAB_IMAGE})]({colab_url(path)})"


def badge_row(path):
    """Return Markdown with a notebook's badges: Colab, view on GitHub."""
    return (
        f"{colab_badge(path)} "
        f"[![View on GitHub]({GITHUB_IMAGE})]({github_url(path)})"
    )


def clone_commands():
    """Return the fenced commands that take a reader from nothing to Lab."""
    url = repository()
    folder = url.rsplit("/", 1)[1]
    lines = [f"git clone {url}", f"cd {folder}", "make lab"]
    return "\n".join(["```", *lines, "```", ""])


def rewrite(text):
    """Return README text with everything between its markers renewed."""
    text = BADGES.sub(lambda m: f"{m[1]}{badge_row(m[2])}{m[3]}", text)
    text = COLAB_BADGES.sub(
        lambda m: f"{m[1]}{colab_badge(m[2])}{m[3]}", text
    )
    return CLONE.sub(lambda m: f"{m[1]}{clone_commands()}{m[2]}", text)


def main():
    """Renew the links in README.md."""
    text = README.read_text(encoding="utf-8")
    README.write_text(rewrite(text), encoding="utf-8")


if __name__ == "__main__":
    main()
