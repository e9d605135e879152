"""The html of an explorer: a frame with its page, and a still picture."""

import base64
import html
import json
from importlib import resources

from course_utils.explorer import fallback, packing

# Joined into one module: a page inside srcdoc has no address of its own
# from which it could import files.
SCRIPTS = ("data.js", "paint.js", "controls.js", "explorer.js", "frame.js")
LIMITS = (700_000, 1_400_000, 2_800_000)  # bytes; see AttentionExplorer


def build(explorer, views, max_bytes):
    """Return the html, and how finely the weights could be stored."""
    config, still = _config(explorer, views), _still(explorer)
    state = {"query": explorer.start[1], "layer": explorer.start[0]}
    empty = {"payload": "", "levels": 255, "delta": False}
    page = html.escape(_page({**config, **empty}, state))
    taken = len(still) + len(page) + 1000
    limits = LIMITS if max_bytes is None else (max_bytes,)
    packed = packing.pack(views, [limit - taken for limit in limits])
    page = html.escape(_page({**config, **packed}, state))
    title = html.escape(f"Attention explorer. {explorer.alt}")
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
    source = packing.data_uri(
        fallback.picture(explorer.image, explorer.patch, weights, cell), 75
    )
    left = "the photo with the query patch outlined" if cell else "the photo"
    alt = html.escape(
        f"{explorer.alt} Left: {left}. Right: its attention map. "
        f"{explorer.sentence()}"
    )
    return (
        f'<img data-fallback class="dark-light" alt="{alt}" '
        f'src="{source}" style="max-width:100%">'
    )


def _page(config, state):
    """Return the html document inside the frame."""
    files = resources.files("course_utils.explorer")
    read = {
        name: (files / name).read_text(encoding="utf-8")
        for name in ("explorer.css", *SCRIPTS)
    }
    script = "\n".join(read[name] for name in SCRIPTS)
    data = json.dumps({"config": config, **state}).replace("<", "\\u003c")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Attention explorer</title><style>{read['explorer.css']}"
        "</style></head><body><main>"
        '<h1 class="unseen">Attention explorer</h1>'
        '<div id="explorer"></div></main>'
        f'<script type="application/json" id="state">{data}</script>'
        f'<script type="module">{script}</script></body></html>'
    )
