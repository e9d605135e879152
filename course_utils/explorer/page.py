"""The html of an explorer: a frame with its page, and a still picture."""

import base64
import html
import json
from importlib import resources

from course_utils.explorer import fallback, packing

# Joined into one module: a page inside srcdoc has no address of its own
# from which it could import files.
PARTS = ("data.js", "paint.js", "controls.js", "explorer.js")
SCRIPTS = (*PARTS, "render.js", "frame.js")
STYLES = ("explorer.css",)
LIMITS = (700_000, 1_400_000, 2_800_000)  # bytes; see AttentionExplorer


def build(explorer, views, max_bytes):
    """Return the html, and how finely the weights could be stored."""
    state = {"query": explorer.start[1], "layer": explorer.start[0]}
    limits = LIMITS if max_bytes is None else (max_bytes,)
    config, still = _config(explorer, views), _still(explorer)
    return fill(config, state, still, views, limits)


def fill(
    config, state, still, views, limits, *, scripts=SCRIPTS, styles=STYLES
):
    """Give the weights the room that the rest of the page leaves them.

    Args:
        config, state: what the scripts need but the weights.
        still: html of the picture for where scripts do not run.
        views: a Views.
        limits: on the html, in bytes, rising.
        scripts, styles: files of this folder that make the page.

    Returns:
        (html, levels): see packing.py for levels.
    """
    empty = {"payload": "", "levels": 255, "delta": False}
    page = html.escape(_page({**config, **empty}, state, scripts, styles))
    taken = len(still) + len(page) + 1000
    packed = packing.pack(views, [limit - taken for limit in limits])
    page = html.escape(_page({**config, **packed}, state, scripts, styles))
    title = html.escape(f"Attention explorer. {config['alt']}")
    frame = (
        f'<iframe title="{title}" srcdoc="{page}" scrolling="no" '
        'style="display:block;width:100%;height:0;border:0;'
        'color-scheme:light"></iframe>'
    )
    style = "background:#fff;color-scheme:light;max-width:1040px"
    return f'<div style="{style}">{still}{frame}</div>', packed["levels"]


def _config(explorer, views):
    """Everything the JavaScript needs but the weights."""
    tokens = explorer.tokens
    return {
        "alt": explorer.alt,
        "rows": tokens.grid[0],
        "cols": tokens.grid[1],
        "patch": explorer.patch,
        "size": explorer.image.shape[:2],
        "layers": views.layers,
        "depth": len(explorer.attn),
        "heads": explorer.titles,
        "mean": views.mean,
        "rollout": views.rollout,
        "queries": explorer.attn.shape[2],
        "classToken": tokens.class_token,
        "crossed": tokens.names is not None,
        "named": tokens.named,
        "image": packing.data_uri(explorer.image),
        "lut": base64.b64encode(explorer.lut.tobytes()).decode(),
    }


def _still(explorer):
    """Return the <img> for where scripts do not run."""
    place, query = explorer.start
    tokens = explorer.tokens
    weights = explorer.attn[explorer.layers[place], 0, query]
    weights = weights[int(tokens.class_token) :].reshape(tokens.grid)
    cell = tokens.patch_at(query)
    drawn = fallback.picture(explorer.image, explorer.patch, weights, cell)
    left = "the photo with the query patch outlined" if cell else "the photo"
    return picture(
        drawn,
        f"{explorer.alt} Left: {left}. Right: its attention map. "
        f"{explorer.sentence()}",
    )


def picture(image, alt):
    """Return the <img> that the page hides once its scripts run."""
    return (
        f'<img data-fallback class="dark-light" alt="{html.escape(alt)}" '
        f'src="{packing.data_uri(image, 75)}" style="max-width:100%">'
    )


def _page(config, state, scripts, styles):
    """Return the html document inside the frame."""
    script, style = _joined(scripts), _joined(styles)
    data = json.dumps({"config": config, **state}).replace("<", "\\u003c")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Attention explorer</title><style>{style}"
        "</style></head><body><main>"
        '<h1 class="unseen">Attention explorer</h1>'
        '<div id="explorer"></div></main>'
        f'<script type="application/json" id="state">{data}</script>'
        f'<script type="module">{script}</script></body></html>'
    )


def _joined(names):
    """Return the text of files of this folder, one after another."""
    folder = resources.files("course_utils.explorer")
    return "\n".join((folder / name).read_text("utf-8") for name in names)
