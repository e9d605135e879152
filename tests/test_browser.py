"""What a learner does, in a real browser: run, slide, click, press keys.

Needs chromium (`make test` installs it where it can). Without it these
tests are skipped, in CI they fail.
"""

import re
import shutil
from contextlib import contextmanager

import browser as lab
import nbclient
import nbconvert
import nbformat
import numpy as np
import pytest

from course_utils import attention_maps
from course_utils.explorer import AttentionExplorer

pytestmark = pytest.mark.browser

LESSON = lab.ROOT / "notebooks" / "week1_attention_from_scratch.ipynb"
# Badges in the first cell are pictures from elsewhere; offline their alt
# text shows instead.
BADGES = (
    "https://colab.research.google.com/assets/colab-badge.svg",
    "https://img.shields.io/badge/",
)
EXPLORER = "iframe[title^='Attention explorer']"
FALLBACK = "img[data-fallback]"
SLIDERS = """
import numpy as np
from course_utils import sliders

def softmax(logits):
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()

sliders.softmax_temperature([2.0, 1.0, 0.5], softmax)
"""
EXPLORE = """
from course_utils.explorer import AttentionExplorer

rng = np.random.default_rng(0)
weights = rng.random((2, 35, 35))
attn = weights / weights.sum(axis=-1, keepdims=True)
image = rng.integers(0, 256, (50, 70, 3), dtype=np.uint8)
AttentionExplorer(image, attn, (5, 7), alt="A field of noise.")
"""
# The pixels of the live picture of a slider, or null while it loads.
PICTURE = """css => {
  const image = document.querySelector(`.${css} img`);
  if (!image?.complete || !image.naturalWidth) return null;
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL();
}"""
CHANGED = (
    f"([css, old]) => {{ const now = ({PICTURE})(css); "
    "return now && now !== old; }"
)
LIVE_FIGURES = """() => [...document.querySelectorAll(".widget-hslider")]
  .map(slider => slider.closest("[class^='t-'], [class*=' t-']"))
  .map(box => [...box.classList].find(name => name.startsWith("t-")))"""


@pytest.fixture(scope="module")
def browser():
    if lab.find_browser() is None:
        if lab.browser_is_required():
            pytest.fail(lab.HINT)
        pytest.skip(lab.HINT)
    with lab.open_browser() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """(address, folder) of a running JupyterLab."""
    folder = tmp_path_factory.mktemp("lab")
    with lab.run_jupyterlab(folder) as address:
        yield address, folder


@pytest.fixture
def page(browser):
    """A page that reaches only this machine, and must not try more."""
    with lab.open_page(browser) as (opened, refused):
        yield opened
        assert [url for url in refused if not url.startswith(BADGES)] == []


def probe():
    """A small notebook with a slider and an explorer, not yet run."""
    cells = [
        nbformat.v4.new_code_cell(source.strip())
        for source in (SLIDERS, EXPLORE)
    ]
    kernel = {"name": "python3", "display_name": "Python 3"}
    return nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": kernel}
    )


@pytest.fixture(scope="module")
def saved_probe():
    """The small notebook as it is saved after a run."""
    notebook = probe()
    nbclient.NotebookClient(
        notebook, timeout=120, store_widget_state=False
    ).execute()
    return notebook


def move_slider(page, css):
    """One press of the right arrow; return when the picture changed."""
    page.wait_for_function(PICTURE, arg=css)
    before = page.evaluate(PICTURE, css)
    handle = page.locator(f".{css} .noUi-handle").first
    handle.focus()
    value = handle.get_attribute("aria-valuenow")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(CHANGED, arg=[css, before], timeout=20_000)
    assert handle.get_attribute("aria-valuenow") != value


def canvases(frame):
    """The pixels of the photo and of the map."""
    return frame.locator(".stage canvas").evaluate_all(
        "all => all.map(canvas => canvas.toDataURL())"
    )


def assert_moved(frame, before, said):
    """Both pictures and the spoken sentence changed; return the new ones."""
    now, says = canvases(frame), sentence(frame)
    assert says != said
    assert all(new != old for new, old in zip(now, before, strict=True))
    return now, says


def sentence(frame):
    """What the explorer says aloud."""
    return frame.locator(".sentence[aria-live=polite]").inner_text()


def use_explorer(page):
    """Click a patch, walk on with the arrow keys, read one weight."""
    frame = page.frame_locator(EXPLORER).first
    photo = frame.locator(".stage").first
    photo.wait_for()
    # Out of sight, JupyterLab lets a frame sleep.
    page.locator(EXPLORER).first.evaluate("node => node.scrollIntoView()")
    assert not page.locator(FALLBACK).first.is_visible()
    before, said = canvases(frame), sentence(frame)
    size = photo.locator("canvas").bounding_box()
    corner = {"x": size["width"] * 0.05, "y": size["height"] * 0.05}
    photo.locator("canvas").click(position=corner)
    now, says = assert_moved(frame, before, said)
    photo.press("ArrowRight")
    photo.press("ArrowDown")
    assert_moved(frame, now, says)
    idle = frame.locator(".reading").inner_text()
    frame.locator(".stage canvas").last.hover()
    assert "weight" in frame.locator(".reading").inner_text() != idle


def open_notebook(page, server, notebook, name):
    """Write a notebook into the server's folder, run it, expect no error."""
    address, folder = server
    nbformat.write(notebook, folder / "notebooks" / name)
    assert lab.run_notebook(page, address, name) == []


def test_sliders_and_explorer_answer_in_jupyterlab(page, server):
    open_notebook(page, server, probe(), "probe.ipynb")
    move_slider(page, "t-temperature")
    assert not page.locator(".t-temperature-static").is_visible()
    use_explorer(page)


def test_week1_runs_and_its_widgets_answer(page, server):
    open_notebook(page, server, nbformat.read(LESSON, 4), LESSON.name)
    figures = page.evaluate(LIVE_FIGURES)
    assert "t-temperature" in figures
    for css in dict.fromkeys(figures):
        move_slider(page, css)
    use_explorer(page)


def test_a_cloned_notebook_shows_pictures(page, server, saved_probe):
    """Before it is run here Jupyter trusts no script in a notebook."""
    address, folder = server
    nbformat.write(saved_probe, folder / "notebooks" / "cloned.ipynb")
    lab.open_notebook(page, address, "cloned.ipynb")
    for words in ("Bar chart", "A field of noise"):
        picture = page.get_by_alt_text(words)
        picture.wait_for()
        assert picture.bounding_box()["width"] > 300


def test_a_saved_notebook_shows_pictures_without_its_kernel(page, server):
    address, _ = server
    open_notebook(page, server, probe(), "saved.ipynb")
    page.locator(".t-temperature img").wait_for()
    lab.save_and_stop_kernels(page)
    lab.open_notebook(page, address, "saved.ipynb")
    page.locator(".t-temperature-static img").wait_for()
    missing = page.get_by_text("model not found")
    missing.wait_for(state="attached")
    assert not missing.is_visible()
    use_explorer(page)


def as_html(notebook, folder):
    """Export a notebook as a page, as the menu does; return its address."""
    body, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    (folder / "saved.html").write_text(body, encoding="utf-8")
    return (folder / "saved.html").as_uri()


def test_an_exported_page_explores_offline(browser, saved_probe, tmp_path):
    with lab.open_page(browser) as (page, _):  # nbconvert asks a CDN itself
        page.goto(as_html(saved_probe, tmp_path), wait_until="commit")
        use_explorer(page)
        assert page.get_by_alt_text("Bar chart").first.is_visible()


def test_without_scripts_the_static_pictures_show(
    browser, saved_probe, tmp_path
):
    with lab.open_page(browser, scripts=False) as (page, _):
        page.goto(as_html(saved_probe, tmp_path))
        picture = page.locator(FALLBACK)
        assert picture.is_visible()
        assert picture.bounding_box()["width"] > 300
        assert "the largest weight" in picture.get_attribute("alt")
        assert page.locator(EXPLORER).bounding_box()["height"] < 1
        assert page.get_by_alt_text("Bar chart").is_visible()


def attention_of(kind):
    """(layers 2, heads 3, queries 35, keys 35): noise, or slow change."""
    rng = np.random.default_rng(0)
    weights = rng.random((2, 3, 35, 35))
    if kind == "slow":
        turn = np.arange(35)[:, None] / 40 + np.arange(35)
        weights = 2 + np.sin(turn) + 0 * weights
    return weights / weights.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("kind", ["noise", "slow"])
def test_the_numbers_on_the_page_are_those_of_the_array(
    browser, tmp_path, kind
):
    attn = attention_of(kind)
    image = np.zeros((50, 70, 3), np.uint8)
    explorer = AttentionExplorer(image, attn, (5, 7), alt="Nothing.")
    (tmp_path / "page.html").write_text(explorer._repr_html_())
    with lab.open_page(browser) as (page, refused):
        page.goto((tmp_path / "page.html").as_uri())
        frame = page.frame_locator(EXPLORER)
        frame.get_by_text("layer 1", exact=True).click()
        frame.get_by_text("head 2", exact=True).click()
        photo, map_ = frame.locator(".stage").all()
        photo.press("Home")
        photo.press("ArrowUp")  # from row 2 to row 1, column 0
        row = attn[1, 2, 7]
        largest = divmod(int(row.argmax()), 7)
        said = sentence(frame)
        assert said.startswith("Query row 1, column 0, layer 1, head 2:")
        assert f"is at row {largest[0]}, column {largest[1]};" in said
        entropy = -(row * np.log(row)).sum()
        assert f"entropy {entropy:.1f} of {np.log(35):.1f} nats" in said
        number = float(re.search(r"largest weight (\S+) is", said).group(1))
        assert number == pytest.approx(row.max(), rel=0.06)
        map_.press("End")
        key = largest[0] * 7 + 6
        read = frame.locator(".reading").inner_text()
        assert f"Key row {largest[0]}, column 6: weight" in read
        number = float(re.search(r"weight (\S+),", read).group(1))
        assert number == pytest.approx(row[key], rel=0.06)
        assert refused == []


@contextmanager
def explored(browser, folder, attn, **options):
    """Yield (page, frame) of an explorer; its console must stay clean."""
    image = np.zeros((50, 70, 3), np.uint8)
    explorer = AttentionExplorer(image, attn, (5, 7), alt="Dark.", **options)
    (folder / "page.html").write_text(explorer._repr_html_())
    with lab.open_page(browser) as (page, refused):
        trouble = []
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto((folder / "page.html").as_uri())
        frame = page.frame_locator(EXPLORER)
        frame.locator("body[data-ready]").wait_for()
        yield page, frame
        assert (trouble, refused) == ([], [])


def said_numbers(frame):
    """(largest weight, row, column, on the class token, entropy)."""
    pattern = (
        r"largest weight (?:on a patch )?(\S+) is at row (\d+), column (\d+); "
        r"(?:(\S+) of the weight is on the class token(?: itself)?; )?"
        r"entropy (?:about )?(\S+) of"
    )
    found = re.search(pattern, sentence(frame)).groups(default="0")
    return [float(number) for number in found]


def assert_says(frame, row, class_token=True):
    """The sentence holds the numbers of one row of attention."""
    row = np.asarray(row, dtype=float)
    patches = row[int(class_token) :]
    largest, *place, on_class, entropy = said_numbers(frame)
    assert largest == pytest.approx(patches.max(), rel=0.06)
    assert tuple(place) == divmod(patches.argmax(), 7)
    assert on_class == pytest.approx(row[0] * class_token, rel=0.06)
    assert entropy == pytest.approx(-(row * np.log(row)).sum(), abs=0.06)


def with_class_token(layers=3, heads=4):
    weights = np.random.default_rng(5).random((layers, heads, 36, 36)) ** 8
    return weights / weights.sum(axis=-1, keepdims=True)


def centre_of(canvas, row, col):
    """Where on the canvas the patch lies, in pixels of the page."""
    box = canvas.bounding_box()
    return {
        "x": (col + 0.5) * box["width"] / 7,
        "y": (row + 0.5) * box["height"] / 5,
    }


def test_the_class_token_can_be_asked_and_left(browser, tmp_path):
    attn = with_class_token()
    with explored(browser, tmp_path, attn, layer=-1) as (page, frame):
        assert_says(frame, attn[2, 0, 1 + 2 * 7 + 3])
        button = frame.get_by_role("button", name="class token")
        button.focus()
        page.keyboard.press("Enter")
        assert button.get_attribute("aria-pressed") == "true"
        assert sentence(frame).startswith("Query class token, layer 2")
        assert "on the class token itself" in sentence(frame)
        assert_says(frame, attn[2, 0, 0])
        frame.locator(".stage").first.press("ArrowUp")
        assert button.get_attribute("aria-pressed") == "false"
        assert sentence(frame).startswith("Query row 1, column 3, layer 2")
        assert_says(frame, attn[2, 0, 1 + 1 * 7 + 3])


def test_pointing_previews_and_a_click_chooses(browser, tmp_path):
    attn = with_class_token(1, 1)
    with explored(browser, tmp_path, attn) as (page, frame):
        photo = frame.locator(".stage canvas").first
        chosen = sentence(frame)
        photo.hover(position=centre_of(photo, 4, 1))
        spoken = frame.locator(".sentence")
        assert spoken.get_attribute("aria-live") == "off"
        preview = spoken.inner_text()
        assert preview.startswith("Pointed at: query row 4, column 1")
        page.mouse.move(5, 5)  # beside the photo
        assert sentence(frame) == chosen
        photo.hover(position=centre_of(photo, 4, 1))
        frame.locator(".stage").first.press("ArrowLeft")  # from the middle
        assert sentence(frame).startswith("Query row 2, column 2:")
        photo.click(position=centre_of(photo, 0, 6))
        assert sentence(frame).startswith("Query row 0, column 6:")
        assert_says(frame, attn[0, 0, 1 + 6])
        page.mouse.move(5, 5)
        assert sentence(frame).startswith("Query row 0, column 6:")


def test_mean_of_the_heads_that_are_on(browser, tmp_path):
    attn = with_class_token()
    row = attn[0, :, 1 + 2 * 7 + 3]
    with explored(browser, tmp_path, attn) as (page, frame):
        before = canvases(frame)
        frame.get_by_role("radio", name="head 0").focus()
        page.keyboard.press("ArrowRight")
        assert ", layer 0, head 1: " in sentence(frame)
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        assert ", layer 0, mean of 4 heads: " in sentence(frame)
        assert canvases(frame)[1] != before[1]
        assert_says(frame, row.mean(axis=0))
        switch = frame.get_by_role("checkbox", name="head 2 in the mean")
        switch.focus()
        page.keyboard.press("Space")
        assert ", mean of 3 of 4 heads: " in sentence(frame)
        assert_says(frame, row[[0, 1, 3]].mean(axis=0))
        frame.get_by_role("button", name="all off").click()
        assert "every head is off" in sentence(frame)
        frame.get_by_role("checkbox", name="head 1 in the mean").check()
        assert ", mean of 1 of 4 heads: " in sentence(frame)
        assert_says(frame, row[1])
        frame.locator(".stage").last.press("Home")
        read = frame.locator(".reading").inner_text()
        number = float(re.search(r"weight (\S+),", read).group(1))
        weight = row[1, 1 + 7 * (row[1, 1:].argmax() // 7)]
        most = row[1].max()  # weights are rounded to a share of it
        assert number == pytest.approx(weight, rel=0.06, abs=0.003 * most)


def test_rollout_up_to_the_chosen_layer(browser, tmp_path):
    attn = with_class_token()
    with explored(browser, tmp_path, attn) as (page, frame):
        frame.get_by_role("radio", name="rollout").check(force=True)
        assert ", rollout of layer 0: " in sentence(frame)
        frame.get_by_role("radio", name="layer 2").check(force=True)
        assert ", rollout of layers 0 to 2: " in sentence(frame)
        flow = attention_maps.rollout(attn)
        assert_says(frame, flow[1 + 2 * 7 + 3])
        frame.get_by_role("button", name="class token").click()
        assert_says(frame, flow[0])


def test_named_queries_are_chosen_by_name(browser, tmp_path):
    attn = with_class_token(2, 3)[:, :, :4, 1:]
    attn = attn / attn.sum(axis=-1, keepdims=True)
    names = ["Smiling", "Hat", "Hair", "Left ear"]
    with explored(browser, tmp_path, attn, queries=names) as (page, frame):
        assert sentence(frame).startswith("Query Smiling, layer 0, head 0:")
        assert not frame.get_by_role("radio", name="rollout").count()
        before = canvases(frame)
        frame.get_by_role("radio", name="Smiling").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        assert sentence(frame).startswith("Query Hair, layer 0, head 0:")
        assert canvases(frame)[1] != before[1]
        assert_says(frame, attn[0, 0, 2], class_token=False)
        frame.get_by_role("radio", name="mean").check(force=True)
        assert_says(frame, attn[0, :, 2].mean(axis=0), class_token=False)


def test_a_missing_browser_fails_only_where_it_is_required(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setenv("CI", "true")
    assert lab.find_browser() is None and lab.browser_is_required()
    monkeypatch.delenv("CI")
    assert not lab.browser_is_required()
    monkeypatch.setenv("COURSE_BROWSER", "require")
    assert lab.browser_is_required()
