"""Procedural faces: the same for ever, whole on disk, quick to have."""

import os
import signal
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from scipy.stats import kstest, spearmanr

from course_utils import face_cache, face_workers
from course_utils import faces as module
from course_utils.face_drawing import ATTRIBUTE_REGIONS, REGIONS
from course_utils.face_labels import (
    FREQUENCIES,
    index_of,
    sample_attributes,
)
from course_utils.faces import Faces, faces, skin_tones

ARRAYS = tuple(face_cache.SHAPES)
COUNT = 12


@pytest.fixture(scope="module")
def some(tmp_path_factory):
    """Faces, and the cache folder that holds them."""
    folder = tmp_path_factory.mktemp("faces")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_CACHE", str(folder))
        return faces(COUNT, split="test", seed=3), folder


@pytest.fixture
def kept(some, cache):
    """The file of `some`, copied to a cache folder of the test's own."""
    cache.mkdir()
    (original,) = some[1].iterdir()
    copy = cache / original.name
    copy.write_bytes(original.read_bytes())
    return copy


@pytest.fixture
def no_drawing(monkeypatch):
    """Let any drawing fail."""

    def draw_all(*arguments):
        raise AssertionError("these faces are drawn again")

    monkeypatch.setattr(module, "draw_all", draw_all)


def again():
    return faces(COUNT, split="test", seed=3)


def assert_same(found, expected):
    for name in ARRAYS:
        one, other = getattr(found, name), getattr(expected, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def content(images):
    return {image.tobytes() for image in images}


def test_what_faces_are(some):
    found, _ = some
    assert found.images.shape == (COUNT, 64, 64, 3)
    assert found.regions.shape == (COUNT, 64, 64)
    assert found.labels.shape == found.drawn.shape == (COUNT, 40)
    assert found.images.dtype == np.uint8
    assert found.regions.dtype == np.uint32
    assert found.labels.dtype == found.drawn.dtype == bool
    assert len(found) == COUNT
    assert repr(found) == "Faces(12 procedural faces of 64x64 pixels)"


def test_a_face_does_not_depend_on_how_many_follow(some, cache):
    few = faces(5, split="test", seed=3)
    assert_same(few, some[0].take(slice(5)))


def test_splits_and_seeds_share_no_face(some, cache):
    others = [faces(COUNT, split=s, seed=3) for s in ("train", "validation")]
    others.append(faces(COUNT, split="test", seed=4))
    each = [some[0], *others]
    assert len(set.union(*(content(e.images) for e in each))) == 4 * COUNT
    labels = {e.drawn.tobytes() for e in each}
    assert len(labels) == 4


def test_random_streams_never_meet():
    numbers = {
        face_workers.stream(split, seed, *purpose).random()
        for split in ("train", "validation", "test")
        for seed in (0, 1, 2, 2**32, 2**32 + 1)
        for purpose in [(0,), (1,), *[(2, i) for i in range(5)]]
    }
    assert len(numbers) == 3 * 5 * 7


def test_labels_are_drawn_ones_with_some_guesses(cache, monkeypatch):
    def draw_all(drawn, *rest):
        shape = (len(drawn), 64, 64)
        return np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint32)

    monkeypatch.setattr(module, "draw_all", draw_all)
    found = faces(4000)
    assert 0.01 < np.mean(found.labels != found.drawn) < 0.05
    error = np.abs(found.labels.mean(axis=0) - FREQUENCIES)
    assert error.max() < 0.03
    hat = index_of("Wearing_Hat")  # a clear one
    np.testing.assert_array_equal(found.labels[:, hat], found.drawn[:, hat])


def test_the_picture_shows_what_was_drawn(some):
    from course_utils.face_drawing import draw_face

    found, _ = some
    rng = face_workers.stream("test", 3, face_workers.DRAWING, 7)
    image, regions = draw_face(found.drawn[7], rng)
    np.testing.assert_array_equal(found.images[7], image)
    np.testing.assert_array_equal(found.regions[7], regions)


@pytest.mark.parametrize(
    "indices, rows",
    [
        (slice(2, 8, 3), [2, 5]),
        ([4, 0], [4, 0]),
        (np.arange(COUNT) % 4 == 1, [1, 5, 9]),
        (-1, [COUNT - 1]),
        ([], []),
    ],
)
def test_take(some, indices, rows):
    found = some[0].take(indices)
    assert len(found) == len(rows)
    for name in ARRAYS:
        expected = [getattr(some[0], name)[row] for row in rows]
        assert [*map(np.array_equal, getattr(found, name), expected)] == [
            True
        ] * len(rows)


@pytest.mark.parametrize("wrong", [[COUNT], [0.5], "0", np.ones(3, bool)])
def test_take_needs_indices_of_faces(some, wrong):
    with pytest.raises(IndexError):
        some[0].take(wrong)


@pytest.mark.parametrize("name", ["Mustache", "Wearing_Earrings"])
def test_masks_are_the_regions_of_an_attribute(some, name):
    masks = some[0].masks(name)
    assert masks.shape == (COUNT, 64, 64) and masks.dtype == bool
    expected = np.zeros_like(masks)
    for region in ATTRIBUTE_REGIONS[name]:
        expected |= (some[0].regions >> REGIONS.index(region)) & 1 == 1
    np.testing.assert_array_equal(masks, expected)
    assert 0 < masks.mean() < 0.2


def test_masks_that_cannot_be_had_are_explained(some):
    found, _ = some
    with pytest.raises(ValueError, match="Attractive has no place"):
        found.masks("Attractive")
    with pytest.raises(ValueError, match="did you mean Mustache"):
        found.masks("Moustache")
    photos = Faces(found.images, found.labels)
    with pytest.raises(ValueError, match="photos come without regions"):
        photos.masks("Mustache")


def test_photos_are_faces_too(some):
    photos = Faces(images=some[0].images, labels=some[0].labels)
    assert repr(photos) == "Faces(12 photos of 64x64 pixels)"
    taken = photos.take([1, 2])
    assert taken.drawn is None and taken.regions is None
    np.testing.assert_array_equal(taken.images, photos.images[1:3])


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"count": 0}, "count must be a whole number, 1 or more, got 0"),
        ({"seed": -1}, "seed must be a whole number, 0 or more, got -1"),
        ({"split": "tset"}, "'tset': choose one of train, validation, test"),
        ({"workers": 0}, "workers must be a whole number, 1 or more, or None"),
        ({"workers": 1.5}, "workers must be .* got 1.5"),
        ({"workers": True}, "workers must be .* got True"),
    ],
)
def test_what_is_wrong_is_named(no_drawing, wrong, message):
    asked = {"count": 4} | wrong
    for make in [faces] if "workers" in wrong else [faces, skin_tones]:
        with pytest.raises(ValueError, match=message):
            make(**asked)


# Skin tones


def test_skin_tones_are_those_of_the_pictures(cache):
    found = faces(200, split="test", seed=3)
    bare = ~found.drawn[:, index_of("Pale_Skin")]
    visible = found.regions >> REGIONS.index("face") & 1 == 1
    grey = found.images.mean(axis=-1)
    measured = [np.median(grey[i][visible[i]]) for i in range(200)]
    tones = skin_tones(200, split="test", seed=3)
    ranks = spearmanr(tones[bare], np.array(measured)[bare])
    assert ranks.statistic > 0.85


def test_skin_tones_are_uniform_and_apart_from_attributes():
    tones = skin_tones(3000)
    assert tones.shape == (3000,) and tones.dtype == float
    assert kstest(tones, "uniform").pvalue > 0.001
    rng = face_workers.stream("train", 0, face_workers.LABELS)
    drawn = sample_attributes(3000, rng).astype(float)
    z = np.corrcoef(tones, drawn, rowvar=False)[0, 1:] * np.sqrt(3000)
    assert np.abs(z).max() < 4  # by chance 1 in 400 such maxima is larger


def test_a_skin_tone_does_not_depend_on_how_many_follow():
    few, more = skin_tones(3, seed=1), skin_tones(7, seed=1)
    np.testing.assert_array_equal(few, more[:3])
    others = skin_tones(3), skin_tones(3, split="test", seed=1)
    assert len({*few, *np.concatenate(others)}) == 9


# The cache


def test_faces_are_drawn_once(some, kept, no_drawing, capsys):
    assert_same(again(), some[0])
    assert capsys.readouterr().out == ""


def test_loaded_faces_may_be_written_to(kept, no_drawing):
    found = again()
    found.images[:] = 0
    assert again().images.any()


def test_only_the_very_request_is_loaded(kept, no_drawing):
    for other in ({"seed": 4}, {"split": "train"}):
        with pytest.raises(AssertionError, match="drawn again"):
            faces(COUNT, **({"split": "test", "seed": 3} | other))
    with pytest.raises(AssertionError, match="drawn again"):
        faces(COUNT - 1, split="test", seed=3)


def test_faces_of_other_code_are_not_loaded(kept, no_drawing, monkeypatch):
    monkeypatch.setattr(face_cache, "fingerprint", lambda: "0" * 12)
    with pytest.raises(AssertionError, match="drawn again"):
        again()


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    """Change a byte in the middle of the images."""
    middle = len(content) // 2
    return content[:middle] + bytes([~content[middle] & 255]) + content[
        middle + 1 :
    ]  # fmt: skip


@pytest.mark.parametrize(
    "damage",
    [truncated, flipped, lambda content: b"", lambda content: b"no file"],
)
def test_a_damaged_file_is_said_and_made_again(some, kept, damage, capsys):
    kept.write_bytes(damage(kept.read_bytes()))
    assert_same(again(), some[0])
    said = capsys.readouterr().out
    assert f"{kept.name} cannot be read, it seems damaged" in said
    again()
    assert "damaged" not in capsys.readouterr().out


def test_a_damaged_byte_of_any_array_is_noticed(kept, capsys):
    """The largest arrays alone would be noticed in a file cut short."""
    whole = kept.read_bytes()
    with zipfile.ZipFile(kept) as file:
        places = {e.filename: e.header_offset for e in file.infolist()}
        sizes = {e.filename: e.compress_size for e in file.infolist()}
    assert set(places) == {f"{name}.npy" for name in ARRAYS}
    for name, place in places.items():
        spoilt = bytearray(whole)
        spoilt[place + 30 + len(name) + sizes[name] * 3 // 4] ^= 255
        kept.write_bytes(spoilt)
        assert face_cache.load(kept, COUNT) is None, name
        assert "damaged" in capsys.readouterr().out


def test_a_file_of_other_faces_is_not_used(some, kept, capsys):
    few = {name: getattr(some[0], name)[:5] for name in ARRAYS}
    kept.write_bytes(face_cache.packed(few))
    assert_same(again(), some[0])
    assert "damaged (ValueError)" in capsys.readouterr().out


def test_a_pickle_is_not_opened(some, kept, capsys):
    arrays = {name: getattr(some[0], name) for name in ARRAYS}
    np.savez(kept, **(arrays | {"drawn": np.array([print], dtype=object)}))
    assert face_cache.load(kept, COUNT) is None
    assert "damaged (ValueError)" in capsys.readouterr().out


def test_a_cache_that_cannot_be_written_to_is_a_note(
    some, tmp_path, monkeypatch, capsys
):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file"))
    assert_same(again(), some[0])
    said = capsys.readouterr().out
    assert "could not keep these faces" in said
    assert "drawn again next time" in said


def test_an_interruption_leaves_no_file(cache, monkeypatch):
    from course_utils import face_drawing

    def interrupt(attributes, rng):
        raise KeyboardInterrupt

    monkeypatch.setattr(face_drawing, "draw_face", interrupt)
    with pytest.raises(KeyboardInterrupt):
        faces(3, workers=1)
    assert not cache.exists()


def test_the_fingerprint_covers_the_code_that_draws(root):
    code = (
        "import sys\n"
        "from course_utils import face_drawing, face_workers\n"
        "names = [n.split('.')[1] for n in sys.modules\n"
        "         if n.startswith('course_utils.face')]\n"
        "print(*sorted(names), 'torch' in sys.modules)"
    )
    child = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    *names, torch = child.stdout.split()
    assert tuple(names) == face_cache.SOURCES
    assert torch == "False"  # a worker would take a second more to start


# Several processes


def test_the_number_of_processes_changes_nothing(some, monkeypatch, cache):
    monkeypatch.setattr(face_workers, "PART", 5)
    two = faces(COUNT, split="test", seed=3, workers=2)
    assert_same(two, some[0])


def test_without_processes_faces_are_drawn_here(
    some, monkeypatch, cache, capsys
):
    def refuse(*arguments):
        raise PermissionError("no processes")

    monkeypatch.setattr(face_workers, "_pool", refuse)
    assert_same(faces(COUNT, split="test", seed=3, workers=2), some[0])
    said = capsys.readouterr().out
    assert "2 processes cannot be had here (PermissionError)" in said


@pytest.mark.parametrize(
    "count, cores, expected", [(499, 8, 0), (5000, 1, 1), (6000, 2, 2)]
)
def test_processes_start_where_they_pay(monkeypatch, count, cores, expected):
    started = []

    def pool(workers):
        started.append(workers)
        raise OSError

    monkeypatch.setattr(face_workers, "cores", lambda: cores)
    monkeypatch.setattr(face_workers, "_pool", pool)
    monkeypatch.setattr(face_workers, "_joined", lambda *parts: None)
    face_workers.draw_all(np.zeros((count, 40), bool), "train", 0)
    assert started == ([expected] if expected > 1 else [])


SCRIPT = """
from course_utils.faces import faces
print("top")
faces(9, workers=2)
print("done")
"""


def test_a_script_without_a_guard_gets_its_faces(root, tmp_path, cache):
    """Starting processes runs such a script again, up to that point."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    child = subprocess.run(
        [sys.executable, str(script)], cwd=root, capture_output=True,
        text=True, env=os.environ | {"PYTHONPATH": str(root)},
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    assert child.stdout.split()[-1] == "done"
    assert "2 processes cannot be had here" in child.stdout


@pytest.mark.skipif(os.name == "nt", reason="interrupts by a Unix signal")
def test_an_interrupted_notebook_leaves_no_worker_and_no_file(root, cache):
    """The signal reaches the whole process group, as Jupyter sends it."""
    code = (
        "from course_utils import face_workers, progress_bar\n"
        "from course_utils.faces import faces\n"
        "face_workers.PART = 5\n"
        "real = face_workers.track\n"
        "def told(*arguments):\n"
        "    for item in real(*arguments):\n"
        "        print('drawing', flush=True)\n"
        "        yield item\n"
        "face_workers.track = told\n"
        "faces(5000, workers=2)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    while child.stdout.readline() != "drawing\n":
        assert child.poll() is None, child.stderr.read()
    os.killpg(child.pid, signal.SIGINT)
    # Returns once no process is left that could write to the pipes.
    _, errors = child.communicate(timeout=120)
    assert errors.strip().splitlines()[-1] == "KeyboardInterrupt"
    assert errors.count("Traceback") == 1  # no worker complains
    assert not cache.exists()
