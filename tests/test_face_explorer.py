"""The explorer of faces: right numbers, a filter that is never silent."""

import base64
import gzip
import html
import json
import re
from contextlib import contextmanager

import browser as lab
import numpy as np
import pytest

from course_utils.explorer import AttentionExplorer
from course_utils.face_explorer import face_explorer, rarity_groups

NAMES = ["Bald", "Wearing_Hat", "Smiling", "Male", "Young", "Bangs"]
FREQUENCIES = [0.022, 0.048, 0.48, 0.42, 0.77, 0.15]
EXPLORER = "iframe[title^='Attention explorer']"


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


@pytest.fixture
def given():
    """Three faces of 24 x 32 pixels, 2 layers, 4 heads, 4 x 8 patches."""
    rng = np.random.default_rng(0)
    return {
        "images": rng.integers(0, 256, (3, 24, 32, 3), dtype=np.uint8),
        "attn": softmax(2 * rng.normal(size=(3, 2, 4, 6, 32))),
        "labels": rng.random((3, 6)) < 0.5,
        "scores": rng.random((3, 6)),
        "names": NAMES,
        "frequencies": FREQUENCIES,
        "masks": rng.random((3, 6, 24, 32)) < 0.3,
        "thresholds": rng.random(6),
        "grid": (4, 8),
        "alt": "Three faces of noise.",
    }


def page_of(explorer):
    """The html document inside the frame, as the browser sees it."""
    outer = explorer._repr_html_()
    return html.unescape(re.search(r'srcdoc="([^"]*)"', outer).group(1))


def state_of(explorer):
    """What the page hands to the JavaScript module; strict about JSON."""
    pattern = r'<script type="application/json" id="state">(.*?)</script>'
    found = re.search(pattern, page_of(explorer)).group(1)
    return json.loads(found, parse_constant=pytest.fail)


def stored_maps(config, shape):
    """The steps of the maps, 0 to 1, as (faces, layers, heads, ...)."""
    faces, layers, heads, queries, keys = shape
    data = gzip.decompress(base64.b64decode(config["payload"]))
    count = 8 * layers * (heads + 1) * faces * queries  # bytes of numbers
    steps = np.frombuffer(data, np.uint8, offset=count).reshape(-1, keys)
    if config["delta"]:
        steps = np.cumsum(steps, axis=0, dtype=np.uint8)
    steps = steps.reshape(layers, heads, faces, queries, keys)
    return steps.transpose(2, 0, 1, 3, 4) / config["levels"]


def test_every_map_is_stored_in_its_place(given):
    explorer = face_explorer(**given)
    attn = given["attn"]
    maps = stored_maps(state_of(explorer)["config"], attn.shape)
    expected = attn / attn.max(axis=-1, keepdims=True)
    off = np.abs(maps - expected).max()
    assert explorer.error / 2 < off <= explorer.error


def test_regions_are_stored_to_the_pixel(given):
    config = state_of(face_explorer(**given))["config"]
    bits = gzip.decompress(base64.b64decode(config["regions"]))
    masks = np.unpackbits(np.frombuffer(bits, np.uint8))
    np.testing.assert_array_equal(masks.reshape(3, 6, 24, 32), given["masks"])
    without = face_explorer(**{**given, "masks": None})
    assert state_of(without)["config"]["regions"] is None


@pytest.mark.parametrize("threshold", [0.5, np.inf])
def test_yes_is_predicted_from_the_threshold_on(given, threshold):
    given["scores"][1, 2] = 0.5
    explorer = face_explorer(**{**given, "thresholds": threshold})
    predicted = state_of(explorer)["config"]["predicted"]
    expected = given["scores"] >= threshold
    np.testing.assert_array_equal(np.reshape(predicted, (3, 6)), expected)


def test_groups_leave_out_their_limits():
    groups = rarity_groups([0.30, 0.31, 0.10, 0.09, 0.2, 0.9])
    assert groups == [
        {"title": "All", "members": [0, 1, 2, 3, 4, 5]},
        {"title": "Rare, below 10%", "members": [3]},
        {"title": "Common, above 30%", "members": [1, 5]},
    ]


def test_the_rarest_attribute_comes_first_unless_another_is_named(given):
    frequencies = [0.5, 0.02, 0.4, 0.3, 0.2, 0.1]
    given["frequencies"] = frequencies
    assert state_of(face_explorer(**given))["query"] == 1
    named = face_explorer(**given, face=2, attribute="Young")
    assert state_of(named)["query"] == 2 * 6 + 4
    words = re.search(r'<img [^>]*alt="([^"]*)"', named._repr_html_()).group(1)
    weights = given["attn"][2, -1, :, 4].mean(axis=0)
    row, col = divmod(int(weights.argmax()), 8)
    label = "yes" if given["labels"][2, 4] else "no"
    assert words.startswith("Three faces of noise. Left: face 2, labelled ")
    assert f"labelled {label} for Young." in words
    assert f"{weights.max():.2g} is at row {row}, column {col};" in words


def test_the_course_s_size_stays_under_half_a_megabyte():
    """The hardest case: faces, maps and regions of noise."""
    rng = np.random.default_rng(1)
    coarse = rng.random((8, 40, 8, 8)) < 0.3
    explorer = face_explorer(
        rng.integers(0, 256, (8, 64, 64, 3), dtype=np.uint8),
        softmax(rng.normal(size=(8, 2, 4, 40, 64))).astype(np.float32),
        rng.random((8, 40)) < 0.2,
        rng.random((8, 40)),
        [f"Attribute {i}" for i in range(40)],
        rng.uniform(0.02, 0.8, 40),
        masks=np.kron(coarse, np.ones((8, 8), bool)),
        alt="Noise.",
    )
    assert len(explorer._repr_html_()) <= 500_000
    assert explorer.error <= 0.02


def test_too_much_says_what_to_do(given):
    with pytest.raises(ValueError, match="fewer faces, layers or heads"):
        face_explorer(**given, max_bytes=50_000)


def test_the_page_needs_nothing_from_outside(given):
    page = page_of(face_explorer(**given))
    assert not re.search(r"https?://|\bimport\b[^-a-z]|@import", page)
    assert 'aria-live"' in page


def test_the_photo_explorer_carries_nothing_of_this_one(given):
    photo = AttentionExplorer(
        given["images"][0], given["attn"][0], (4, 8), alt="x", queries=NAMES
    )
    assert "FaceExplorer" in page_of(face_explorer(**given))
    assert "FaceExplorer" not in photo._repr_html_()


def test_hostile_words_cannot_leave_their_place(given):
    words = '</script><script>alert(1)</script>" onload="alert(2)'
    given |= {"alt": words, "names": [words, *NAMES[1:]]}
    explorer = face_explorer(**given)
    assert page_of(explorer).count("</script>") == 2
    assert 'onload="' not in explorer._repr_html_()


BAD = {
    "attn of one face": (lambda g: {"attn": g["attn"][0]}, "attn must have"),
    "attn a list": (lambda g: {"attn": [1.0]}, "attn must have"),
    "attn unnormalised": (lambda g: {"attn": g["attn"] * 2}, "sum to 1"),
    "another grid": (lambda g: {"grid": (8, 8)}, "32 keys, but .* 64 patches"),
    "images too few": (lambda g: {"images": g["images"][1:]}, "each of.* 3"),
    "images of floats": (lambda g: {"images": g["images"] / 255}, "uint8"),
    "images too small": (
        lambda g: {"images": g["images"][:, :3]},
        "too small",
    ),
    "names too few": (lambda g: {"names": NAMES[1:]}, "6 different names"),
    "names repeated": (
        lambda g: {"names": ["Male", *NAMES[1:]]},
        "6 different",
    ),
    "labels of CelebA": (
        lambda g: {"labels": g["labels"] * 2 - 1},
        "take labels > 0",
    ),
    "labels turned": (lambda g: {"labels": g["labels"].T}, r"shape \(3, 6\)"),
    "logits": (lambda g: {"scores": g["scores"] * 9 - 5}, "sigmoid"),
    "scores NaN": (lambda g: {"scores": g["scores"] * np.nan}, "0 to 1"),
    "percentages": (lambda g: {"frequencies": [2, 5, 48, 42, 77, 15]}, "betw"),
    "frequencies too few": (lambda g: {"frequencies": [0.1]}, "each name"),
    "thresholds NaN": (lambda g: {"thresholds": np.nan}, "thresholds must"),
    "thresholds too few": (lambda g: {"thresholds": [0.5]}, "one number or 6"),
    "masks of one face": (lambda g: {"masks": g["masks"][0]}, "masks must"),
    "masks of numbers": (lambda g: {"masks": g["masks"] * 1.0}, "be bool"),
    "face outside": (lambda g: {"face": 3}, "face must .* 0 to 2"),
    "attribute unknown": (lambda g: {"attribute": "Beard"}, "'Beard'; there"),
    "alt empty": (lambda g: {"alt": " "}, "alt must say"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(given, case):
    change, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        face_explorer(**{**given, **change(given)})


@pytest.fixture(scope="module")
def browser():
    if lab.find_browser() is None:
        if lab.browser_is_required():
            pytest.fail(lab.HINT)
        pytest.skip(lab.HINT)
    with lab.open_browser() as running:
        yield running


@contextmanager
def explored(browser, folder, given, scripts=True):
    """Yield (page, frame) of an explorer; its console must stay clean."""
    words = face_explorer(**given)._repr_html_()
    (folder / "page.html").write_text(f"<meta charset=utf-8>{words}")
    with lab.open_page(browser, scripts) as (page, refused):
        trouble = []
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto((folder / "page.html").as_uri())
        frame = page.frame_locator(EXPLORER)
        if scripts:
            frame.locator("body[data-ready]").wait_for()
        yield page, frame
        assert (trouble, refused) == ([], [])


def facts(frame):
    """The statistics on the page, a dict of words."""
    names = frame.locator(".facts dt").all_inner_texts()
    return dict(
        zip(names, frame.locator(".facts dd").all_inner_texts(), strict=True)
    )


def numbers(words):
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", words)]


def choose(frame, name, exact=True):
    radio = frame.get_by_role("radio", name=name, exact=exact)
    radio.check(force=True)
    return radio


def assert_shows(frame, given, weights, face, attribute):
    """The statistics are those of these arrays."""
    said = facts(frame)
    label = given["labels"][face, attribute]
    score, threshold = (
        given["scores"][face, attribute],
        given["thresholds"][attribute],
    )
    guess = score >= threshold
    assert said["Attribute"] == NAMES[attribute].replace("_", " ")
    assert said["Label"] == ("yes" if label else "no")
    assert said["Score"] == (
        f"{score:.2f}, threshold {threshold:.2f}: predicted "
        f"{'yes' if guess else 'no'}, {'right' if guess == label else 'wrong'}"
    )
    percents = numbers(said["Frequency"])
    assert percents == [pytest.approx(100 * FREQUENCIES[attribute])]
    largest, *place = numbers(said["Largest weight"])
    assert largest == pytest.approx(weights.max(), rel=0.06)
    assert tuple(place) == divmod(weights.argmax(), 8)
    entropy = -(weights * np.log(weights)).sum()
    assert numbers(said["Entropy"])[0] == pytest.approx(entropy, abs=0.01)
    cover = given["masks"][face, attribute].reshape(4, 6, 8, 4).mean((1, 3))
    share, area, ratio = numbers(said["Inside the region"])
    assert area == pytest.approx(100 * cover.mean(), abs=0.06)
    inside = (weights * cover.ravel()).sum()
    assert share == pytest.approx(100 * inside, abs=0.3)
    assert ratio == pytest.approx(inside / cover.mean(), rel=0.06)


@pytest.mark.browser
def test_the_page_shows_what_is_in_the_arrays(browser, tmp_path, given):
    attn = given["attn"]
    with explored(browser, tmp_path, given) as (_, frame):
        assert_shows(frame, given, attn[0, 1, :, 0].mean(axis=0), 0, 0)
        assert facts(frame)["Frequency"] == "2.2% of faces, rare"
        choose(frame, "face 2")
        choose(frame, "layer 0")
        choose(frame, "head 3")
        choose(frame, "Male", exact=False)
        assert_shows(frame, given, attn[2, 0, 3, 3], 2, 3)
        assert facts(frame)["Frequency"] == "42.0% of faces, common"
        face = frame.locator(".stage").first.get_attribute("aria-label")
        yes = ", ".join(np.array(NAMES)[given["labels"][2]])
        assert face == (
            "Three faces of noise. Face 2 of 0 to 2. Labelled yes: "
            f"{yes.replace('_', ' ')}."
        )
        ticked = frame.locator(".query .pill", has_text="\u2713")
        assert ticked.count() == given["labels"][2].sum()
        frame.locator(".stage.live").press("Home")
        read = frame.locator(".reading").inner_text()
        row = attn[2, 0, 3, 3].argmax() // 8
        weight = numbers(read)[2]
        most = attn[2, 0, 3, 3].max()  # weights are rounded to a share of it
        assert weight == pytest.approx(
            attn[2, 0, 3, 3, 8 * row], rel=0.06, abs=0.003 * most
        )


def listed(frame):
    pills = frame.locator(".query .pill").all()
    return [NAMES[i] for i, pill in enumerate(pills) if pill.is_visible()]


@pytest.mark.browser
def test_the_filter_says_what_it_hides_and_shows(browser, tmp_path, given):
    given["attribute"] = "Smiling"
    with explored(browser, tmp_path, given) as (_, frame):
        notice = frame.locator(".notice")
        assert notice.get_attribute("aria-live") == "polite"
        assert listed(frame) == NAMES
        choose(frame, "Common", exact=False)
        assert listed(frame) == ["Smiling", "Male", "Young"]
        assert notice.inner_text() == (
            "Common, above 30%: 3 of 6 attributes are listed."
        )
        assert facts(frame)["Attribute"] == "Smiling"
        choose(frame, "Rare", exact=False)
        assert listed(frame) == ["Bald", "Wearing_Hat"]
        assert notice.inner_text() == (
            "Rare, below 10%: 2 of 6 attributes are listed. Smiling (48.0%) "
            "is not among them. Now shown: Bald (2.2%)."
        )
        assert facts(frame)["Attribute"] == "Bald"
        said = frame.locator(".sentence")
        assert said.get_attribute("aria-live") == "polite"
        assert said.inner_text().startswith("Face 0, Bald, layer 1, mean of 4")
        choose(frame, "Wearing Hat", exact=False)
        assert "Smiling" not in notice.inner_text()
        choose(frame, "All", exact=False)
        assert listed(frame) == NAMES
        assert facts(frame)["Attribute"] == "Wearing Hat"


@pytest.mark.browser
def test_arrow_keys_stay_among_what_is_listed(browser, tmp_path, given):
    with explored(browser, tmp_path, given) as (page, frame):
        choose(frame, "Rare", exact=False)
        frame.get_by_role("radio", name="Bald").focus()
        seen = []
        for _ in range(3):
            page.keyboard.press("ArrowRight")
            seen.append(facts(frame)["Attribute"])
        assert seen == ["Wearing Hat", "Bald", "Wearing Hat"]


@pytest.mark.browser
def test_a_group_without_members_cannot_be_chosen(browser, tmp_path, given):
    given["frequencies"] = [0.2, 0.48, 0.48, 0.42, 0.77, 0.15]
    with explored(browser, tmp_path, given) as (_, frame):
        rare = frame.get_by_role("radio", name="Rare, below 10%: 0")
        assert rare.is_disabled()


@pytest.mark.browser
def test_a_face_without_a_region_says_so(browser, tmp_path, given):
    given["masks"][0, 0] = False
    with explored(browser, tmp_path, given) as (_, frame):
        inside = facts(frame)["Inside the region"]
        assert inside == "no region in this face"
        frame.get_by_role("button", name="all off").click()
        assert "every head is off" in facts(frame)["Map"]


@pytest.mark.browser
def test_without_scripts_the_picture_stays(browser, tmp_path, given):
    with explored(browser, tmp_path, given, scripts=False) as (page, _):
        assert page.locator("img[data-fallback]").is_visible()
    with explored(browser, tmp_path, given) as (page, _):
        assert not page.locator("img[data-fallback]").is_visible()
