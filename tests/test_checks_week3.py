"""Week 3's checks accept right answers and name each misconception."""

import inspect

import numpy as np
import pytest

from course_utils import attention, check


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))


def centre_crop(image, patch_size):
    high, wide = image.shape[:2]
    top, left = high % patch_size // 2, wide % patch_size // 2
    bottom = top + high // patch_size * patch_size
    right = left + wide // patch_size * patch_size
    return image[top:bottom, left:right]


def crop_from_the_end(image, patch_size):
    """Ends at -0 where nothing is to be lost."""
    spare = [side % patch_size for side in image.shape[:2]]
    start = [n // 2 for n in spare]
    stop = [n - n // 2 for n in spare]
    return image[start[0] : -stop[0], start[1] : -stop[1]]


def crop_rounded_up(image, patch_size):
    spare = [side % patch_size for side in image.shape[:2]]
    keep = [s - n for s, n in zip(image.shape, spare, strict=False)]
    top, left = (n - n // 2 for n in spare)
    return image[top : top + keep[0], left : left + keep[1]]


def padded(image, patch_size):
    more = [(0, -side % patch_size) for side in image.shape[:2]]
    return np.pad(image, [*more, (0, 0)])


def parameters(image_size, patch_size, width, depth):
    patches = (image_size // patch_size) ** 2
    embed = 3 * patch_size**2 * width + width
    attn = 4 * (width * width + width)
    mlp = 8 * width * width + 5 * width
    return (
        embed
        + width
        + (1 + patches) * width
        + depth * (attn + mlp + 4 * width)
        + 2 * width
    )


def short_of(missing):
    """The right count, less missing(image, patch, width, depth)."""
    return lambda i, p, w, d: parameters(i, p, w, d) - missing(i, p, w, d)


def weights(qkv, num_heads):
    batch, tokens, _ = qkv.shape
    parts = qkv.reshape(batch, tokens, 3, num_heads, -1)
    query, key, _ = parts.transpose(2, 0, 3, 1, 4)
    logits = query @ key.swapaxes(-2, -1) / np.sqrt(query.shape[-1])
    return attention.softmax(logits)


def weights_of(first, second, scale=2.0, axis=-1, soft=True):
    """Week 3's weights, with the parts and the scale that are given."""

    def attempt(qkv, num_heads):
        batch, tokens, _ = qkv.shape
        parts = qkv.reshape(batch, tokens, 3, num_heads, -1)
        parts = parts.transpose(2, 0, 3, 1, 4)
        logits = parts[first] @ parts[second].swapaxes(-2, -1) / scale
        return attention.softmax(logits, axis=axis) if soft else logits

    return attempt


def weights_heads_first(qkv, num_heads):
    batch, tokens, _ = qkv.shape
    parts = qkv.reshape(batch, tokens, num_heads, 3, -1)
    query, key, _ = parts.transpose(3, 0, 2, 1, 4)
    return attention.softmax(query @ key.swapaxes(-2, -1) / 2)


def weights_reshaped(qkv, num_heads):
    query, key, _ = (
        x.reshape(len(x), num_heads, x.shape[1], -1)
        for x in np.split(qkv, 3, axis=-1)
    )
    return attention.softmax(query @ key.swapaxes(-2, -1) / 2)


def weights_of_heads(qkv, num_heads):
    batch, tokens, _ = qkv.shape
    parts = qkv.reshape(batch, tokens, 3, num_heads, -1)
    query, key = parts[:, :, 0], parts[:, :, 1]
    return attention.softmax(query @ key.swapaxes(-2, -1) / 2)


def shuffle(image, patch_size, order):
    rows, cols = (side // patch_size for side in image.shape)
    cut = image.reshape(rows, patch_size, cols, patch_size).swapaxes(1, 2)
    moved = cut.reshape(-1, patch_size, patch_size)[order]
    moved = moved.reshape(rows, cols, patch_size, patch_size)
    return moved.swapaxes(1, 2).reshape(image.shape)


def shuffle_joined_by_reshape(image, patch_size, order):
    rows, cols = (side // patch_size for side in image.shape)
    cut = image.reshape(rows, patch_size, cols, patch_size).swapaxes(1, 2)
    return cut.reshape(-1, patch_size, patch_size)[order].reshape(image.shape)


def shuffle_turned(image, patch_size, order):
    rows, cols = (side // patch_size for side in image.shape)
    cut = image.reshape(rows, patch_size, cols, patch_size).swapaxes(1, 2)
    moved = cut.reshape(-1, patch_size, patch_size)[order]
    moved = moved.reshape(rows, cols, patch_size, patch_size)
    return moved.transpose(0, 3, 1, 2).reshape(image.shape)


def enlarge(maps, height, width):
    down, across = height // maps.shape[-2], width // maps.shape[-1]
    return maps.repeat(down, axis=-2).repeat(across, axis=-1)


def mass_mask(values, keep=0.6):
    flat = values.ravel()
    order = np.argsort(-flat)
    before = np.cumsum(flat[order]) - flat[order]
    mask = np.zeros(flat.size, bool)
    mask[order] = before < keep * flat.sum()
    return mask.reshape(values.shape)


def mass_by_sum(one_more, goal=None, smallest=False):
    """The mask by cumulative sum, with a mistake."""

    def attempt(values, keep=0.6):
        flat = values.ravel()
        order = np.argsort(flat if smallest else -flat)
        total = flat.sum() if goal is None else goal
        sums = np.cumsum(flat[order])
        count = int(np.searchsorted(sums, keep * total)) + one_more
        mask = np.zeros(flat.size, bool)
        mask[order[:count]] = True
        return mask.reshape(values.shape)

    return attempt


def honest_score(validation, test):
    return test[:, validation.mean(axis=0).argmax()].mean()


def rolled(order=1, residual=0.5, keepdims=True, heads=np.mean):
    """Rollout of (layers, batch, heads, tokens, tokens)."""

    def attempt(attn):
        eye = np.eye(attn.shape[-1])
        result = np.broadcast_to(eye, (attn.shape[1], *eye.shape))
        for layer in attn[::order]:
            mixed = (1 - residual) * heads(layer, axis=1) + residual * eye
            sums = mixed.sum(axis=-1)
            sums = sums[..., None] if keepdims else sums[:, None]
            result = mixed / sums @ result
        return result

    return attempt


rollout = rolled()


def rollout_unnormalised(attn):
    eye = np.eye(attn.shape[-1])
    result = eye
    for layer in attn.mean(axis=2):
        result = (layer + eye) @ result
    return result


def rollout_of_mean(attn):
    eye = np.eye(attn.shape[-1])
    return ((attn.mean(axis=2) + eye) / 2).mean(axis=0)


RIGHT = {
    "centre_crop": centre_crop,
    "parameters": parameters,
    "weights": weights,
    "shuffle": shuffle,
    "enlarge": enlarge,
    "mass_mask": mass_mask,
    "honest_score": honest_score,
    "rollout": rollout,
}

# exercise -> (wrong answer, words of its hint)
WRONG = {
    "centre_crop": [
        (
            lambda x, p: x[: len(x) // p * p, : x.shape[1] // p * p],
            "top left corner",
        ),
        (
            lambda x, p: x[len(x) % p :, x.shape[1] % p :],
            "bottom right corner",
        ),
        (crop_rounded_up, "2 go from the top"),
        (crop_from_the_end, "-0"),
        (padded, "do not pad"),
        (lambda x, p: centre_crop(x, p)[::-1], "which row of the image"),
        (lambda x, p: centre_crop(x, p).swapaxes(0, 1), "exchanged"),
        (lambda x, p: x, "should have shape"),
        (lambda x, p: centre_crop(x, 4), "patches of 5"),
    ],
    "parameters": [
        (short_of(lambda i, p, w, d: w), "class token itself"),
        (short_of(lambda i, p, w, d: 2 * w), "Class token and its position"),
        (
            short_of(lambda i, p, w, d: d * (w * w + w)),
            "proj is the fourth",
        ),
        (short_of(lambda i, p, w, d: 9 * d * w + w), "Biases are missing"),
        (
            short_of(lambda i, p, w, d: 2 * p * p * w),
            "three colours",
        ),
        (
            short_of(lambda i, p, w, d: (d - 1) * (12 * w * w + 13 * w)),
            "This is one block",
        ),
        (short_of(lambda i, p, w, d: 1), "too small"),
        (lambda i, p, w, d: float(parameters(i, p, w, d)), "as an int"),
        (lambda i, p, w, d: parameters(32, 8, 12, 5), "taken as fixed"),
        (lambda i, p, w, d: [1, 2], "one whole number"),
    ],
    "weights": [
        (weights_of(0, 1, soft=False), "These are the scores"),
        (weights_of(0, 1, axis=-2), "each column"),
        (weights_of(0, 1, scale=1), "scale is missing"),
        (weights_of(0, 1, scale=np.sqrt(12)), "made from the width"),
        (weights_of(1, 0), "are exchanged"),
        (weights_of(0, 2), "with values"),
        (weights_heads_first, "cut it into heads first"),
        (weights_reshaped, "only renumbers"),
        (weights_of_heads, "heads attending to heads"),
        (weights_of(1, 2), "num_heads=1"),
        (weights_of(0, 1, scale=2), "wrong for 2"),
    ],
    "shuffle": [
        (lambda x, p, o: shuffle(x, p, np.argsort(o)), "backwards"),
        (
            lambda x, p, o: x.reshape(-1, p * p)[o].reshape(x.shape),
            "cut by a reshape",
        ),
        (shuffle_joined_by_reshape, "joined by a reshape"),
        (shuffle_turned, "rows and columns of each patch"),
        (lambda x, p, o: shuffle(x.T, p, o).T, "column by column"),
        (lambda x, p, o: x, "Nothing has moved"),
        (lambda x, p, o: shuffle(x, p, o)[::-1], "numbered patches"),
        (lambda x, p, o: shuffle(x, p, o).T, "should have shape"),
        (lambda x, p, o: shuffle(x, p, o) if p == 2 else x, "9 x 6 pixels"),
    ],
    "enlarge": [
        (lambda m, h, w: m.repeat(16, -2).repeat(16, -1), "16 times"),
        (lambda m, h, w: enlarge(m, h, w).swapaxes(1, 2), "exchanged"),
        (lambda m, h, w: np.tile(m, (1, 8, 8)), "wallpaper"),
        (lambda m, h, w: enlarge(m, h, w) / 64, "keeps its values"),
        (
            lambda m, h, w: np.repeat(m, 64).reshape(3, 32, 48),
            "mixed rows up",
        ),
        (lambda m, h, w: m.repeat(8, 0).repeat(8, 1), "axis of the heads"),
        (lambda m, h, w: m.repeat(8, -2).repeat(8, -1), "patches of 16"),
        (lambda m, h, w: m, "should have shape"),
    ],
    "mass_mask": [
        (mass_by_sum(1, smallest=True), "smallest entries"),
        (lambda v, keep=0.6: v >= keep * v.max(), "of the maximum"),
        (lambda v, keep=0.6: v > np.quantile(v, keep), "quantile"),
        (lambda v, keep=0.6: v >= np.sort(v.ravel())[12], "60% of the entri"),
        (mass_by_sum(0), "One entry too few"),
        (mass_by_sum(2), "One entry too many"),
        (mass_by_sum(1, goal=1.0), "do not sum to 1"),
        (lambda v, keep=0.6: mass_mask(v), "keep=0.9"),
        (lambda v, keep=0.6: mass_mask(v).astype(float), "booleans"),
        (lambda v, keep=0.6: ~mass_mask(v), "the 5 and the 3"),
    ],
    "honest_score": [
        (lambda v, t: t.mean(axis=0).max(), "chosen on the test"),
        (lambda v, t: t.max(axis=1).mean(), "each test scene anew"),
        (lambda v, t: v.mean(axis=0).max(), "report the test"),
        (lambda v, t: t.mean(), "mean over all heads"),
        (lambda v, t: t[:, v.max(axis=0).argmax()].mean(), "luckiest"),
        (lambda v, t: t[:, v.mean(axis=0).argmin()].mean(), "worst"),
        (lambda v, t: t[:, v.mean(axis=0).argmax()].sum(), "sum over scenes"),
        (lambda v, t: t[:, v.mean(axis=0).argmax()], "one number"),
        (lambda v, t: honest_score(v, t) ** 2, "Axis 0 counts scenes"),
    ],
    "rollout": [
        (rolled(order=-1), "wrong order"),
        (rolled(residual=0), "residual connection"),
        (rolled(heads=np.max), "largest weight of all heads"),
        (rollout_of_mean, "mean over layers"),
        (rollout_unnormalised, "do not sum to 1"),
        (lambda a: rolled()(a[-1:]), "last layer alone"),
        (lambda a: rolled()(a)[0], "One matrix for each image"),
        (lambda a: rolled()(a.swapaxes(1, 2)), "which axis is which"),
        (rolled(keepdims=False), "weights have been dropped"),
        (rolled(residual=0.3), "half its mean over heads"),
    ],
}
CASES = [
    pytest.param(name, wrong, words, id=f"{name}-{i}")
    for name, cases in WRONG.items()
    for i, (wrong, words) in enumerate(cases)
]


def verdict(name, attempt):
    return getattr(check.week3, name)(attempt)


@pytest.mark.parametrize("name", RIGHT)
def test_right_answer_passes(name):
    result = verdict(name, RIGHT[name])
    assert result.state == "correct", result.message


@pytest.mark.parametrize("name", RIGHT)
def test_untouched_stub_is_not_attempted(name):
    count = len(inspect.signature(RIGHT[name]).parameters)
    stubs = {
        1: lambda a: ...,
        2: lambda a, b=0.6: ...,
        3: lambda a, b, c: ...,
        4: lambda a, b, c, d: ...,
    }
    assert verdict(name, stubs[count]).state == "not attempted"


@pytest.mark.parametrize(("name", "wrong", "words"), CASES)
def test_wrong_answer_gets_its_hint(name, wrong, words):
    result = verdict(name, wrong)
    assert result.state == "incorrect"
    assert words in result.message


def test_every_exercise_has_three_wrong_answers_with_hints_of_their_own():
    from course_utils import checks

    assert checks.names(3) == list(RIGHT)
    for name, cases in WRONG.items():
        hints = {verdict(name, wrong).message for wrong, _ in cases}
        assert len(hints) == len(cases) >= 3


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize(
    "hostile",
    [
        lambda *args, **named: 1 / 0,
        lambda *args, **named: "a string",
        lambda *args, **named: np.full((2, 2), np.nan),
        lambda *args, **named: float("nan"),
        lambda *args, **named: None,
        lambda *args, **named: [],
        lambda: 1,
    ],
    ids=["raises", "text", "nan", "nan scalar", "none", "empty", "no args"],
)
def test_hostile_answer_is_incorrect_without_a_traceback(name, hostile):
    assert verdict(name, hostile).state == "incorrect"


@pytest.mark.parametrize("name", [n for n in RIGHT if n != "parameters"])
def test_changing_the_input_is_noticed(name):
    def in_place(array, *args, **named):
        array[...] = 0
        return RIGHT[name](array, *args, **named)

    assert "in place" in verdict(name, in_place).message


def test_count_of_parameters_is_that_of_the_network():
    from course_utils.vit import VisionTransformer

    net = VisionTransformer(48, 4, width=24, depth=2, num_heads=3)
    counted = sum(part.numel() for part in net.parameters())
    assert parameters(48, 4, 24, 2) == counted
