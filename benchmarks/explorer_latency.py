"""How fast the explorer (week 3) and the scrubber (week 4) answer a move.

Explorer: milliseconds from a key press to the frame with the changed
pixels, in a real browser, and megabytes of html. The budget is 50 ms a move
and 3 MB. A busy machine draws late: read the fastest move then, not the
median. Scrubber: a move's processor time over that of encoding its picture,
a ratio that depends little on the machine.
"""

import base64
import io
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import browser as lab  # noqa: E402
from PIL import Image  # noqa: E402

from course_utils import attention, datasets, sr_figures  # noqa: E402
from course_utils.explorer import AttentionExplorer  # noqa: E402
from course_utils.pictures import as_tensor, pictures  # noqa: E402
from course_utils.sr_weights import load_net, standard_diffusion  # noqa: E402
from course_utils.super_resolution import reduce  # noqa: E402

# layers, heads, grid
CASES = [(12, 6, (14, 14)), (2, 6, (28, 28)), (1, 16, (28, 28))]
VIEWS = ["head 0", "mean", "rollout"]
MOVES = 40
# Resolves when the frame after the next key press has been handed over.
PAINTED = """() => { window.painted = new Promise((resolve) => {
  addEventListener("keydown", (event) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(performance.now() - event.timeStamp);
    port2.postMessage(0);
  }), { once: true, capture: true });
}); }"""
PIXELS = "canvas => canvas.toDataURL()"


def vit_like(image, layers, heads, grid):
    """Attention with a class token, by likeness of colour and place.

    Returns (layers, heads, 1 + patches, 1 + patches): neither as smooth
    nor as noisy as it could be, so of a size to be met with.
    """
    rng = np.random.default_rng(0)
    size = grid[::-1]
    colour = np.asarray(Image.fromarray(image).resize(size)) / 255
    place = np.stack(np.mgrid[: grid[0], : grid[1]], axis=-1) / max(grid)
    tokens = np.concatenate([colour, place], axis=-1).reshape(-1, 5)
    tokens = np.concatenate([tokens.mean(axis=0, keepdims=True), tokens])
    maps = np.empty((layers, heads, len(tokens), len(tokens)), np.float32)
    for one in maps.reshape(-1, *maps.shape[2:]):
        scaled = tokens * rng.uniform(0, 8, 5)
        scaled += 0.4 * rng.normal(size=tokens.shape)
        far = ((scaled[:, None] - scaled[None]) ** 2).sum(axis=-1)
        one[:] = attention.softmax(0.5 * rng.normal(size=len(tokens)) - far)
    return maps


def milliseconds(page, frame):
    """Walk over the photo; return the time of each move."""
    stage, times = frame.locator(".stage").first, []
    heat_map = frame.locator(".stage canvas").last
    keys = ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"]
    stage.focus()
    for move in range(MOVES):
        check = move < 5  # reading pixels slows down what follows
        before = check and heat_map.evaluate(PIXELS)
        stage.evaluate(PAINTED)
        page.keyboard.press(keys[move % len(keys)])
        times.append(stage.evaluate("() => window.painted"))
        if check and heat_map.evaluate(PIXELS) == before:
            raise RuntimeError("a move changed nothing")
    return times[5:]


def measure(page, photo, case, folder):
    """Print size and latencies of one shape of attention."""
    layers, heads, grid = case
    explorer = AttentionExplorer(
        photo, vit_like(photo, *case), grid, alt="An astronaut."
    )
    text = explorer._repr_html_()
    path = Path(folder) / "page.html"
    path.write_text(text, encoding="utf-8")
    page.goto(path.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("body[data-ready]").wait_for()
    for view in VIEWS:
        radio = frame.get_by_role("radio", name=view, exact=True)
        if not radio.count():
            continue
        radio.check(force=True)
        times = milliseconds(page, frame)
        print(
            f"{layers:6d}  {heads:5d}  {grid[0]:2d} x {grid[1]}  "
            f"{len(text) / 1e6:4.2f}  {100 * explorer.error:8.1f}  "
            f"{view:8s}  {min(times):7.1f}  {np.median(times):6.1f}  "
            f"{max(times):5.1f}",
            flush=True,
        )


def scrub():
    """Print what a move of the scrubber costs, at every step of a sampling."""
    few = pictures(1, split="test", seed=0, source="bundled").images
    truth, (net, _) = as_tensor(few), load_net("diffusion")
    figure = sr_figures.scrubber(
        sr_figures.record(net, standard_diffusion(), reduce(truth)), truth
    )
    slider, spent = figure.sliders["step"], []
    for step in range(slider.min, slider.max + 1):
        start = time.process_time()
        slider.value = step
        moved = time.process_time()
        code = re.search(r'base64,([^"]*)"', figure.view.value)[1]
        image = np.asarray(Image.open(io.BytesIO(base64.b64decode(code))))
        ready = time.process_time()
        Image.fromarray(image).save(io.BytesIO(), "PNG")
        spent.append((moved - start, time.process_time() - ready))
    move, encoding = 1000 * np.median(spent, axis=0)
    print(
        f"scrubber: a move takes {move / encoding:.1f} times as long as "
        f"encoding its picture ({move:.0f} and {encoding:.0f} ms)"
    )


def main():
    """Print a table of the explorer's cases and a line on the scrubber."""
    scrub()
    if lab.find_browser() is None:
        print(lab.HINT)
        return
    photo = Image.fromarray(datasets.photo("astronaut")).resize((448, 448))
    print(
        "layers  heads     grid    MB  rounded%  view      fastest  median"
        "    max"
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        lab.open_browser() as browser,
        lab.open_page(browser) as (page, _),
    ):
        for case in CASES:
            measure(page, np.asarray(photo), case, folder)


if __name__ == "__main__":
    main()
