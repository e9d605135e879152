"""The dashboard in a real browser, without Python and without network."""

import re

import browser as lab
import numpy as np
import pytest
from plotly.offline import get_plotlyjs

from course_utils.face_dashboard import Results, dashboard
from course_utils.face_results import PANELS, points

pytestmark = pytest.mark.browser

CDN = re.compile(r'<script[^>]*src="https://cdn\.plot\.ly[^>]*></script>')
DATA = "document.querySelector('.js-plotly-plot').data"
SHOWN = "getComputedStyle(document.querySelector('.face-still')).display"


@pytest.fixture(scope="module")
def results():
    rng = np.random.default_rng(0)
    frequencies = np.array([0.05, 0.2, 0.5, 0.8])
    labels = rng.random((300, 4)) < frequencies
    scores = rng.random((300, 4)) * 0.5 + 0.5 * labels
    names = ("Bald", "Bangs", "Male", "Young")
    return Results(
        names=names,
        frequencies=frequencies,
        labels=labels,
        scores=scores,
        baseline_scores=scores**2,
        weights=1 / frequencies,
    )


@pytest.fixture(scope="module")
def file(results, tmp_path_factory):
    """A page as the lesson's on the site, with Plotly's script inside."""
    board = dashboard(results, alt="Seven panels of four attributes' scores")
    script = f"<script>{get_plotlyjs()}</script>"
    live = CDN.sub(lambda match: script, board.live())
    path = tmp_path_factory.mktemp("page") / "board.html"
    html = f"<!doctype html><meta charset='utf-8'>{board.still()}{live}"
    path.write_text(html, "utf-8")
    return path


@pytest.fixture(scope="module")
def browser():
    if lab.find_browser() is None:
        if lab.browser_is_required():
            pytest.fail(lab.HINT)
        pytest.skip(lab.HINT)
    with lab.open_browser() as running:
        yield running


def slide_to(page, label):
    """Press on the slider above one of its labels."""
    page.locator(".slider-label", has_text=label).wait_for()
    across = page.locator(".slider-label", has_text=label).bounding_box()
    rail = page.locator(".slider-rail-rect").bounding_box()
    page.mouse.click(
        across["x"] + across["width"] / 2, rail["y"] + rail["height"] / 2
    )
    page.wait_for_function(
        "label => document.querySelector('.slider-group text')"
        ".textContent.endsWith(label)",
        arg=label,
    )


def pick(page, name):
    page.locator(".updatemenu-header").click()
    page.locator(".updatemenu-dropdown-button", has_text=name).click()
    page.wait_for_function(
        "name => document.querySelector('.updatemenu-header')"
        ".textContent.includes(name)",
        arg=name,
    )


def test_slider_and_menu_work_together(browser, file, results):
    with lab.open_page(browser) as (page, refused):
        errors = []
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(file.as_uri())
        page.wait_for_selector(".js-plotly-plot .slider-label")
        assert page.evaluate(SHOWN) == "none"
        pick(page, "Male")
        slide_to(page, "0.20")
        dots = page.evaluate(f"{DATA}.filter(t => t.mode == 'markers')")
        lines = page.evaluate(f"{DATA}.slice(0, 8)")
        assert errors == [] and refused == []
    found = points(results, 0.2)
    groups = 3
    for panel, (_, up) in enumerate(PANELS.values()):
        rare, _, common = dots[groups * panel :][:groups]
        drawn = [*rare["y"], *common["y"]]
        assert drawn == pytest.approx(found[up][[0, 2, 3]], rel=6e-3)
        assert rare["selectedpoints"] == []
        assert common["selectedpoints"] == [0]
    bright = [line["name"] for line in lines if line["opacity"] == 1]
    assert bright == ["Male", "Male"]


def test_without_scripts_the_picture_stands_alone(browser, file):
    with lab.open_page(browser, scripts=False) as (page, refused):
        page.goto(file.as_uri())
        assert page.locator(".face-still img").is_visible()
        box = page.locator(".face-live").bounding_box()
        assert box is None or box["height"] == 0
        page.locator("summary").click()
        assert page.locator("th[scope=row]").count() == 4
        assert refused == []
