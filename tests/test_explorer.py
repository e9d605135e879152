"""The explorer's page: right numbers, small, and clear about bad input."""

import base64
import gzip
import html
import json
import re

import numpy as np
import pytest

from course_utils import attention_maps
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


def from_logarithm(code):
    return np.where(code == 65535, 0, np.exp(code / -65534 * packing.NATS))


def unpacked(explorer):
    """Read the payload back, as the JavaScript module does.

    Returns (weights, numbers): (layers, maps, queries, patches), and a
    dict of (layers, maps and mean, queries).
    """
    config = state_of(explorer)["config"]
    data = gzip.decompress(base64.b64decode(config["payload"]))
    layers, queries = len(config["layers"]), config["queries"]
    maps = len(config["heads"]) + config["rollout"]
    shape = layers, maps + config["mean"], queries
    count = np.prod(shape)
    codes = np.frombuffer(data, "<u2", 4 * count).reshape(4, *shape)
    steps = np.frombuffer(data, np.uint8, offset=8 * count)
    steps = steps.reshape(layers * maps * queries, -1)
    if config["delta"]:
        steps = np.cumsum(steps, axis=0, dtype=np.uint8)
    steps = steps.reshape(layers, maps, queries, -1)
    tokens = config["rows"] * config["cols"] + config["classToken"]
    numbers = {
        "largest": from_logarithm(codes[0]),
        "on_class": from_logarithm(codes[1]),
        "where": codes[2],
        "entropy": codes[3] / 65535 * np.log(tokens),
    }
    largest = numbers["largest"][:, :maps, :, None]
    return steps / config["levels"] * largest, numbers


def entropies(attn):
    return -(attn * np.log(np.where(attn > 0, attn, 1))).sum(-1)


@pytest.mark.parametrize("sharpness", [0.1, 1, 8])
def test_stored_weights_are_within_the_stated_error(image, sharpness):
    attn = random_attention((2, 3, 35, 35), sharpness)
    explorer = AttentionExplorer(image, attn, GRID, alt="Noise.")
    weights = unpacked(explorer)[0][:, :3]
    off = np.abs(weights - attn).max(-1) / attn.max(-1)
    assert explorer.error <= 0.004
    assert off.max() <= explorer.error
    assert off.max() > explorer.error / 2  # the statement is not idle


def test_what_is_said_in_words_is_hardly_rounded(image, attn):
    explorer = AttentionExplorer(image, attn, GRID, alt="Noise.")
    _, numbers = unpacked(explorer)
    mean = attn.mean(axis=1, keepdims=True)
    flows = rollouts(attn)[:, None]
    every = np.concatenate([attn, flows, mean], axis=1)
    np.testing.assert_allclose(numbers["largest"], every.max(-1), rtol=2e-4)
    np.testing.assert_array_equal(numbers["where"], every.argmax(-1))
    np.testing.assert_allclose(numbers["entropy"], entropies(every), atol=1e-4)
    assert (numbers["on_class"] == 0).all()


def test_entropy_of_hard_attention_is_zero_not_nan(image):
    explorer = AttentionExplorer(image, np.eye(35), GRID, alt="Noise.")
    _, numbers = unpacked(explorer)
    assert (numbers["largest"] == 1).all() and (numbers["entropy"] == 0).all()
    assert "entropy 0.00" in explorer.sentence()
    np.testing.assert_array_equal(numbers["where"].ravel(), np.arange(35))


def rollouts(attn):
    """The rollout up to each layer, by the function that week 3 teaches."""
    stops = range(1, len(attn) + 1)
    return np.stack([attention_maps.rollout(attn[:stop]) for stop in stops])


@pytest.mark.parametrize("layers", [None, [0, 2], [-1]])
def test_rollout_counts_every_layer_also_those_not_shown(image, layers):
    attn = random_attention((4, 3, 36, 36))
    explorer = AttentionExplorer(
        image, attn, GRID, alt="Noise.", layers=layers
    )
    weights, numbers = unpacked(explorer)
    expected = rollouts(attn)[layers or slice(None)]
    assert len(weights) == len(expected)
    patches = expected[..., 1:]
    off = np.abs(weights[:, 3] - patches).max(-1) / patches.max(-1)
    assert off.max() <= explorer.error
    np.testing.assert_allclose(
        numbers["on_class"][:, 3], expected[..., 0], rtol=2e-4
    )


def test_a_class_token_is_kept_in_numbers_and_out_of_maps(image):
    attn = random_attention((3, 36, 36))
    explorer = AttentionExplorer(image, attn, GRID, alt="Noise.")
    weights, numbers = unpacked(explorer)
    assert weights.shape == (1, 3, 36, 35)
    off = np.abs(weights[0] - attn[..., 1:]).max(-1) / attn[..., 1:].max(-1)
    assert off.max() <= explorer.error
    heads = {name: each[0, :3] for name, each in numbers.items()}
    np.testing.assert_allclose(heads["on_class"], attn[..., 0], rtol=2e-4)
    np.testing.assert_array_equal(heads["where"], attn[..., 1:].argmax(-1))
    np.testing.assert_allclose(heads["entropy"], entropies(attn), atol=1e-4)


def test_all_weight_on_the_class_token_leaves_an_empty_map(image):
    attn = np.zeros((36, 36))
    attn[:, 0] = 1
    explorer = AttentionExplorer(image, attn, GRID, alt="Noise.")
    weights, numbers = unpacked(explorer)
    assert (weights == 0).all() and (numbers["on_class"] == 1).all()
    assert "1 of the weight is on the class token" in explorer.sentence()


def test_patches_alone_have_no_class_token(image, attn):
    explorer = AttentionExplorer(image, attn, GRID, alt="Noise.")
    assert "class token" not in explorer.sentence()
    assert state_of(explorer)["config"]["named"] == []


@pytest.mark.parametrize("extra", [0, 1])
def test_named_queries_attend_to_a_grid(image, extra):
    attn = random_attention((2, 3, 4, 35 + extra))
    names = ["Smiling", "Hat", "Hair", "Left <b>ear"]
    explorer = AttentionExplorer(
        image, attn, GRID, alt="Noise.", queries=names, query="Hair", layer=-1
    )
    weights, numbers = unpacked(explorer)
    assert weights.shape == (2, 3, 4, 35)  # no rollout
    on_class = attn[..., 0] if extra else 0 * attn[..., 0]
    np.testing.assert_allclose(numbers["on_class"][:, :3], on_class, rtol=2e-4)
    assert state_of(explorer)["query"] == 2
    row = attn[1, 0, 2, extra:]
    said = explorer.sentence()
    assert said.startswith("Query Hair, layer 1, head 0: the largest weight")
    assert f"{row.max():.2g} is at row {row.argmax() // 7}, column" in said


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
    assert explorer.error <= {1: 0.0022, 2: 0.0164, 4: 0.0717}[heads]


def test_too_much_for_the_limit_says_what_to_do(image, attn):
    with pytest.raises(ValueError, match="larger max_bytes"):
        AttentionExplorer(image, attn, GRID, alt="Noise.", max_bytes=30_000)


def test_the_layers_that_an_error_proposes_do_fit(image):
    attn = random_attention((8, 4, 35, 35), sharpness=1)
    one = AttentionExplorer(image, attn, GRID, alt="Noise.", layers=[0])
    given = {"alt": "Noise.", "max_bytes": len(one._repr_html_()) + 9_000}
    with pytest.raises(ValueError, match="layers=") as refused:
        AttentionExplorer(image, attn, GRID, **given)
    found = re.search(r"layers=\[([\d, ]+)\]", str(refused.value)).group(1)
    layers = [int(number) for number in found.split(",")]
    assert 1 < len(layers) < 8 and layers[-1] == 7
    explorer = AttentionExplorer(image, attn, GRID, layers=layers, **given)
    assert state_of(explorer)["config"]["layers"] == layers


def test_a_vit_small_fits_by_default():
    """12 layers, 6 heads, 14 x 14 patches and a class token, as noise."""
    attn = random_attention((12, 6, 197, 197), 1.0).astype(np.float32)
    picture = photo_like(448, 448)
    explorer = AttentionExplorer(picture, attn, (14, 14), alt="Waves.")
    assert len(explorer._repr_html_()) <= 1_400_000
    assert explorer.error <= 0.072


def test_a_tight_limit_costs_accuracy_and_says_so(image, attn):
    free = AttentionExplorer(image, attn, GRID, alt="Noise.")
    size = len(free._repr_html_())
    tight = AttentionExplorer(
        image, attn, GRID, alt="Noise.", max_bytes=size - 500
    )
    assert tight.error > free.error
    weights = unpacked(tight)[0][:, :3]
    off = np.abs(weights - attn).max(-1) / attn.max(-1)
    assert off.max() <= tight.error


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


def test_half_precision_is_welcome(image, attn):
    torch = pytest.importorskip("torch")
    half = attn.astype(np.float16)
    for given, expected in [
        (half, attn),
        (torch.tensor(half), attn),
        (torch.eye(35).bfloat16(), np.eye(35)),
    ]:
        explorer = AttentionExplorer(image, given, GRID, alt="Noise.")
        got = explorer.attn.reshape(expected.shape)
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-6)


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
        f"Query row 1, column 2, layer 0, head 0: the largest weight "
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
    "other keys": (lambda a: {"attn": a[..., :30]}, "35 patches.*5 x 6"),
    "more queries": (
        lambda a: {"attn": random_attention((38, 35))},
        "38 queries and 35 keys: .*names",
    ),
    "class token refused": (
        lambda a: {"attn": random_attention((36, 36)), "class_token": False},
        "Leave out class_token",
    ),
    "class token missing": (lambda a: {"class_token": True}, "no class token"),
    "class token a word": (lambda a: {"class_token": "yes"}, "True, False"),
    "registers": (
        lambda a: {"attn": random_attention((40, 40))},
        "registers.*drop their rows and columns",
    ),
    "keys that are no grid": (
        lambda a: {"attn": random_attention((53, 53))},
        "53 keys, but a grid of 5 x 7 has 35 patches. Pass the grid",
    ),
    "the grid of another image": (
        lambda a: {"grid": (6, 6)},
        "35 keys would fit 5 x 7. Pass the grid",
    ),
    "the grid of another image, class token": (
        lambda a: {"grid": (7, 7), "attn": random_attention((37, 37))},
        "37 keys would fit 6 x 6 and a class token",
    ),
    "grid turned": (lambda a: {"grid": (7, 6)}, "42 patches"),
    "names too few": (lambda a: {"queries": ["a", "b"]}, "2 names for 35"),
    "names repeated": (lambda a: {"queries": ["a"] * 35}, "different names"),
    "name unknown": (
        lambda a: {"query": "class token"},
        "no query is named 'class token'",
    ),
    "place among names": (
        lambda a: {
            "queries": [*"ABCDEFGHIJKLMNOPQRSTUVWXYZ123456789"],
            "query": (0, 0),
        },
        "no query is named",
    ),
    "layers outside": (lambda a: {"layers": [2]}, "layers from 0 to 1"),
    "layers none": (lambda a: {"layers": []}, "layers is empty"),
    "layers a number": (lambda a: {"layers": 1}, "must list layers"),
    "layer not shown": (
        lambda a: {"layers": [0], "layer": -1},
        "not among those shown",
    ),
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
