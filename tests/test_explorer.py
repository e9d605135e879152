"""The explorer's page: right numbers, small, and clear about bad input."""

import base64
import gzip
import html
import json
import re

import numpy as np
import pytest

from course_utils.explorer import AttentionExplorer, packing

GRID = (5, 7)


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def random_attention(shape, sharpness=2.0, seed=0):
    rng = np.random.default_rng(seed)
    return softmax(rng.normal(size=shape) * sharpness)


@pytest.fixture
def image():
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (52, 73, 3), dtype=np.uint8)


@pytest.fixture
def attn():
    return random_attention((2, 3, 35, 35))


def page_of(explorer):
    """The html document inside the frame, as the browser sees it."""
    outer = explorer._repr_html_()
    return html.unescape(re.search(r'srcdoc="([^"]*)"', outer).group(1))


def state_of(explorer):
    """What the page hands to the JavaScript module."""
    pattern = r'<script type="application/json" id="state">(.*?)</script>'
    return json.loads(re.search(pattern, page_of(explorer)).group(1))


def unpacked(explorer):
    """Read the payload back, as the JavaScript module does."""
    config = state_of(explorer)["config"]
    data = gzip.decompress(base64.b64decode(config["payload"]))
    rows = explorer.attn[..., 0].size
    largest = np.frombuffer(data, "<f4", rows)
    entropy = np.frombuffer(data, "<f4", rows, 4 * rows)
    where = np.frombuffer(data, "<u2", rows, 8 * rows)
    steps = np.frombuffer(data, np.uint8, offset=10 * rows)
    steps = steps.reshape(rows, -1)
    if config["delta"]:
        steps = np.cumsum(steps, axis=0, dtype=np.uint8)
    weights = steps / config["levels"] * largest[:, None]
    return weights.reshape(explorer.attn.shape), largest, entropy, where


@pytest.mark.parametrize("sharpness", [0.1, 1, 8])
def test_stored_weights_are_within_the_stated_error(image, sharpness):
    attn = random_attention((2, 3, 35, 35), sharpness)
    explorer = AttentionExplorer(image, attn, GRID, alt="Noise.")
    weights, *_ = unpacked(explorer)
    off = np.abs(weights - attn).max(-1) / attn.max(-1)
    assert explorer.error <= 0.004
    assert off.max() <= explorer.error * 1.001
    assert off.max() > explorer.error / 2  # the statement is not idle


def test_what_is_said_in_words_is_not_rounded(image, attn):
    explorer = AttentionExplorer(image, attn, GRID, alt="Noise.")
    _, largest, entropy, where = unpacked(explorer)
    flat = attn.reshape(-1, 35)
    np.testing.assert_allclose(largest, flat.max(1), rtol=1e-6)
    np.testing.assert_array_equal(where, flat.argmax(1))
    expected = -(flat * np.log(flat)).sum(1)
    np.testing.assert_allclose(entropy, expected, rtol=1e-5)


def test_entropy_of_hard_attention_is_zero_not_nan(image):
    explorer = AttentionExplorer(image, np.eye(35), GRID, alt="Noise.")
    _, largest, entropy, where = unpacked(explorer)
    assert (largest == 1).all() and (entropy == 0).all()
    assert "entropy 0.00" in explorer.sentence()
    np.testing.assert_array_equal(where, np.arange(35))


def photo_like(rows=375, cols=500):
    """A colourful, noisy picture: JPEG makes it no smaller than a photo."""
    y, x = np.mgrid[:rows, :cols]
    waves = np.stack([np.sin(y / 37), np.cos(x / 23), np.sin((x + y) / 51)])
    noise = np.random.default_rng(2).normal(size=(rows, cols, 1)) * 12
    picture = waves.transpose(1, 2, 0) * 100 + 128 + noise
    return picture.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_713_patches_stay_under_700_kb(heads):
    """The hardest case: untrained heads, whose maps are noise."""
    picture = photo_like()
    rng = np.random.default_rng(3)
    query, key = rng.normal(size=(2, heads, 713, 32)) * 1.1
    attn = softmax(query @ key.swapaxes(1, 2) / 32**0.5)
    explorer = AttentionExplorer(picture, attn, (23, 31), alt="Waves.")
    assert len(explorer._repr_html_()) <= 700_000
    assert explorer.error <= {1: 0.002, 2: 0.0162, 4: 0.0715}[heads]


def test_too_much_for_the_limit_says_what_to_do(image, attn):
    with pytest.raises(ValueError, match="max_bytes"):
        AttentionExplorer(image, attn, GRID, alt="Noise.", max_bytes=30_000)


def test_a_tight_limit_costs_accuracy_and_says_so(image, attn):
    free = AttentionExplorer(image, attn, GRID, alt="Noise.")
    size = len(free._repr_html_())
    tight = AttentionExplorer(
        image, attn, GRID, alt="Noise.", max_bytes=size - 500
    )
    assert tight.error > free.error
    weights, *_ = unpacked(tight)
    off = np.abs(weights - attn).max(-1) / attn.max(-1)
    assert off.max() <= tight.error * 1.001


def test_fewer_dimensions_mean_one_layer_one_head(image, attn):
    for part, layers, heads in [
        (attn, 2, 3),
        (attn[0], 1, 3),
        (attn[0, 0], 1, 1),
    ]:
        config = state_of(AttentionExplorer(image, part, GRID, alt="Noise."))[
            "config"
        ]
        assert (len(config["layers"]), len(config["heads"])) == (layers, heads)


def test_torch_tensors_with_gradients_are_welcome(image, attn):
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(attn, requires_grad=True)
    explorer = AttentionExplorer(image, tensor, GRID, alt="Noise.")
    np.testing.assert_array_equal(explorer.attn, attn)


def test_the_page_needs_nothing_from_outside(image, attn):
    page = page_of(AttentionExplorer(image, attn, GRID, alt="Noise."))
    assert not re.search(r"https?://|\bimport\b[^-a-z]|@import", page)


def test_hostile_words_cannot_leave_their_place(image, attn):
    words = '</script><script>alert(1)</script>" onload="alert(2)'
    explorer = AttentionExplorer(
        image, attn, GRID, alt=words, titles=[words] * 3
    )
    assert page_of(explorer).count("</script>") == 2
    assert 'onload="' not in explorer._repr_html_()
    assert state_of(explorer)["config"]["alt"] == words


def test_without_scripts_a_picture_with_words_is_there(image, attn):
    explorer = AttentionExplorer(
        image, attn, GRID, alt="A field of noise.", query=(1, 2)
    )
    weights = attn[0, 0, 1 * 7 + 2]
    row, col = divmod(int(weights.argmax()), 7)
    alt = re.search(r'<img [^>]*alt="([^"]*)"', explorer._repr_html_())
    assert "A field of noise." in alt.group(1)
    assert (
        f"Query row 1, column 2, head 0: the largest weight "
        f"{weights.max():.2g} is at row {row}, column {col}" in alt.group(1)
    )


def test_the_same_input_gives_the_same_page(image, attn):
    first, second = (
        AttentionExplorer(image, attn, GRID, alt="Noise.") for _ in range(2)
    )
    assert first._repr_html_() == second._repr_html_()


def test_small_images_keep_their_exact_pixels(image):
    import io

    from PIL import Image

    data = base64.b64decode(packing.data_uri(image).split(",")[1])
    np.testing.assert_array_equal(Image.open(io.BytesIO(data)), image)


def spoiled(attn, value):
    attn = attn.copy()
    attn[0, 0, 3, 4] = value
    return attn


BAD = {
    "one dimension": (lambda a: {"attn": a[0, 0, 0]}, "shape"),
    "five dimensions": (lambda a: {"attn": a[None]}, "shape"),
    "whole numbers": (lambda a: {"attn": a.round().astype(int)}, "floats"),
    "no heads": (lambda a: {"attn": a[:, :0]}, "empty"),
    "NaN": (lambda a: {"attn": spoiled(a, np.nan)}, "NaN"),
    "infinity": (lambda a: {"attn": spoiled(a, np.inf)}, "NaN or inf"),
    "logits": (lambda a: {"attn": np.log(a)}, "negative"),
    "not normalised": (lambda a: {"attn": a * 1.01}, "sum to 1"),
    "columns sum to 1": (
        lambda a: {"attn": a.swapaxes(-1, -2)},
        "sum to 1",
    ),
    "other keys": (lambda a: {"attn": a[..., :30]}, "35 patches"),
    "class token": (
        lambda a: {"attn": random_attention((3, 36, 36))},
        "class token",
    ),
    "grid turned": (lambda a: {"grid": (7, 6)}, "42 patches"),
    "grid a number": (lambda a: {"grid": 35}, "grid must be"),
    "grid of nothing": (lambda a: {"grid": (0, 35)}, "at least one"),
    "alt empty": (lambda a: {"alt": "  "}, "alt must say"),
    "alt missing": (lambda a: {"alt": None}, "alt must say"),
    "titles too few": (lambda a: {"titles": ["one"]}, "1 titles for 3"),
    "query outside": (lambda a: {"query": (5, 0)}, "outside the grid"),
    "query negative": (lambda a: {"query": (0, -1)}, "outside the grid"),
    "query a number": (lambda a: {"query": 4}, "query must be"),
    "image of floats": (
        lambda a: {"image": np.zeros((52, 73, 3))},
        "uint8",
    ),
    "image with alpha": (
        lambda a: {"image": np.zeros((52, 73, 4), np.uint8)},
        "shape",
    ),
    "image too small": (
        lambda a: {"image": np.zeros((4, 73), np.uint8)},
        "too small",
    ),
    "unknown colours": (lambda a: {"cmap": "rainbows"}, "viridis"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(image, attn, case):
    change, message = BAD[case]
    given = {"image": image, "attn": attn, "grid": GRID, "alt": "Noise."}
    with pytest.raises(ValueError, match=message):
        AttentionExplorer(**{**given, **change(attn)})
