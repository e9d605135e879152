"""CelebA: in a folder of either layout, damaged, or from Kaggle."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image

from course_utils.celeba import NUM_FACES, celeba
from course_utils.crops import SPLITS
from course_utils.face_labels import ATTRIBUTES, NUM_IMAGES
from course_utils.faces import Faces

LAYOUTS = ("authors", "parts", "kaggle")
MEMBERS = {
    "train": range(12),
    "validation": range(12, 16),
    "test": range(16, 20),
}
NUM = 20
TRUTH = np.random.default_rng(0).random((NUM, 40)) < 0.3
NAMES = [f"{i + 1:06}.jpg" for i in range(NUM)]


def save(path, i):
    """Save a photo whose grey level, 10 times its number, tells it."""
    Image.new("RGB", (178, 218), (10 * i,) * 3).save(path)


def numbers(found):
    """Tell from their grey levels which photos these are."""
    return np.rint(found.images.mean(axis=(1, 2, 3)) / 10).astype(int)


def label_rows(names=ATTRIBUTES):
    columns = [ATTRIBUTES.index(name) for name in names]
    return [
        [photo, *("1" if row[c] else "-1" for c in columns)]
        for photo, row in zip(NAMES, TRUTH, strict=True)
    ]


def part_rows():
    return [
        [NAMES[i], str(part)]
        for part, split in enumerate(SPLITS)
        for i in MEMBERS[split]
    ]


def write_labels(path, rows, names=ATTRIBUTES):
    """Write the list of labels as the authors or Kaggle lay it out."""
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".csv":
        lines = [",".join(row) for row in [["image_id", *names], *rows]]
    else:  # a count, blanks at line ends, positive labels set right
        lines = [str(len(rows)), " ".join(names) + " "]
        lines += ["  ".join(row) for row in rows]
    path.write_text("\n".join(lines) + "\n")


def write_parts(path, rows):
    path.parent.mkdir(exist_ok=True)
    kaggle = path.suffix == ".csv"
    rows = [["image_id", "partition"], *rows] if kaggle else rows
    separator = "," if kaggle else " "
    path.write_text("".join(f"{separator.join(row)}\n" for row in rows))


class Copy:
    """A small CelebA in one of the layouts."""

    def __init__(self, folder, layout):
        self.folder, self.layout = folder, layout
        suffix = ".csv" if layout == "kaggle" else ".txt"
        places = {
            "authors": ("img_align_celeba", "", ""),
            "parts": ("Img/img_align_celeba", "Anno", "Eval"),
            "kaggle": ("img_align_celeba/img_align_celeba", "", ""),
        }[layout]
        self.photos = folder / places[0]
        self.labels = folder / places[1] / f"list_attr_celeba{suffix}"
        self.parts = folder / places[2] / f"list_eval_partition{suffix}"
        self.photos.mkdir(parents=True)
        for i, name in enumerate(NAMES):
            save(self.photos / name, i)
        write_labels(self.labels, label_rows())
        write_parts(self.parts, part_rows())


@pytest.fixture(params=LAYOUTS)
def copy(request, tmp_path):
    """A small CelebA in each layout in turn."""
    return Copy(tmp_path / "mine", request.param)


@pytest.fixture
def one(tmp_path):
    """A small CelebA in Kaggle's layout."""
    return Copy(tmp_path / "mine", "kaggle")


def said(capsys):
    """Return the lines that the loader printed, its progress bar aside."""
    lines = capsys.readouterr().out.splitlines()
    return [line for line in lines if line.startswith("celeba:")]


def test_each_layout_gives_the_official_splits(copy, capsys):
    for split, members in MEMBERS.items():
        for count in (len(members), None):
            found = celeba(count, split=split, folder=str(copy.folder))
            assert isinstance(found, Faces)
            assert found.images.shape == (len(members), 64, 64, 3)
            assert found.images.dtype == np.uint8
            assert sorted(numbers(found)) == list(members)
            assert found.labels.dtype == bool
            np.testing.assert_array_equal(found.labels, TRUTH[numbers(found)])
            assert found.drawn is None and found.regions is None
    assert said(capsys) == []


def test_the_splits_have_the_published_sizes():
    assert sum(NUM_FACES.values()) == NUM_IMAGES
    assert tuple(NUM_FACES) == SPLITS


def test_the_seed_decides_and_a_smaller_draw_is_the_start(one):
    all_of_them = celeba(None, folder=one.folder, seed=1)
    first = celeba(5, folder=one.folder, seed=1)
    np.testing.assert_array_equal(first.images, all_of_them.images[:5])
    np.testing.assert_array_equal(first.labels, all_of_them.labels[:5])
    other = celeba(None, folder=one.folder, seed=2)
    assert list(numbers(other)) != list(numbers(all_of_them))


def test_columns_are_found_by_name(copy):
    shuffled = list(np.random.default_rng(1).permutation(ATTRIBUTES))
    write_labels(copy.labels, label_rows(shuffled), shuffled)
    found = celeba(None, folder=copy.folder)
    np.testing.assert_array_equal(found.labels, TRUTH[numbers(found)])


def test_the_middle_square_is_kept(one):
    photo = np.full((218, 178, 3), 100, np.uint8)
    photo[:20] = photo[198:] = 255
    photo[20:109, :89] = 0  # the square's first quarter
    Image.fromarray(photo).save(one.photos / NAMES[16], quality=100)
    found = celeba(None, split="test", folder=one.folder)
    kept = found.images[numbers(found) == 8][0]  # 16's grey was 160
    assert kept.max() < 130  # Lanczos' filter overshoots at an edge
    assert kept[:30, :30].max() < 5
    assert abs(kept[34:, 34:].astype(int) - 100).max() < 5


def test_the_reduction_does_not_alias(one):
    stripes = np.zeros((218, 178, 3), np.uint8)
    stripes[:, ::2] = 255
    for i in MEMBERS["test"]:
        Image.fromarray(stripes).save(one.photos / NAMES[i], quality=100)
    found = celeba(1, split="test", folder=one.folder)
    within = found.images[:, :, 2:-2].astype(int)  # the edges see one side
    assert abs(within - 127).max() < 10


@pytest.mark.parametrize("side", [16, 178])
def test_other_sides_and_a_grey_photo(one, side):
    Image.new("L", (178, 218), 160).save(one.photos / NAMES[16])
    found = celeba(None, split="test", folder=one.folder, side=side)
    assert found.images.shape == (4, side, side, 3)
    assert sorted(numbers(found)) == [16, 17, 18, 19]


def truncate(path):
    noise = np.random.default_rng(0).integers(256, size=(218, 178, 3))
    Image.fromarray(noise.astype(np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:5000])


DAMAGE = {
    "truncated": truncate,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("<html>quota exceeded</html>"),
    "tiny": lambda path: Image.new("RGB", (40, 50)).save(path),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_photo_is_skipped_and_another_drawn(one, damage, capsys):
    damage(one.photos / NAMES[3])
    for seed in range(5):
        found = celeba(11, folder=one.folder, seed=seed)
        assert sorted(numbers(found)) == [i for i in range(12) if i != 3]
        np.testing.assert_array_equal(found.labels, TRUTH[numbers(found)])
    lines = said(capsys)  # where it was drawn before the eleven were there
    assert lines and set(lines) == {
        "celeba: 1 photo skipped, it cannot be read: 000004.jpg"
    }


def test_damaged_and_absent_photos_are_counted_in_one_line(one, capsys):
    for i in range(5):
        list(DAMAGE.values())[i % 4](one.photos / NAMES[i])
    (one.photos / NAMES[11]).unlink()
    found = celeba(None, folder=one.folder)
    assert sorted(numbers(found)) == [5, 6, 7, 8, 9, 10]
    (line,) = said(capsys)
    names = r"(0{5}[1-5]\.jpg, ){2}0{5}[1-5]\.jpg"
    assert re.fullmatch(
        f"celeba: 5 photos skipped, they cannot be read: {names} and 2 more; "
        "so 5 fewer than asked for; 1 photo of train not in the folder",
        line,
    )


@pytest.mark.parametrize("count", [2, 12, None])
def test_mostly_damaged_photos_are_an_error(one, count):
    for i in range(12):
        if i != 7:
            DAMAGE["empty"](one.photos / NAMES[i])
    with pytest.raises(ValueError, match=r"cannot be read .*00.*\.jpg"):
        celeba(count, folder=one.folder)


def test_a_subset_of_the_photos_will_do(copy, capsys):
    for i in (0, 1, 16, 17, 18, 19):
        (copy.photos / NAMES[i]).unlink()
    found = celeba(10, folder=copy.folder)
    assert sorted(numbers(found)) == list(range(2, 12))
    assert said(capsys) == ["celeba: 2 photos of train not in the folder"]
    with pytest.raises(ValueError, match="'train' .* 10 photos, 11 were ask"):
        celeba(11, folder=copy.folder)
    for count, asked in ((None, "all"), (3, "3")):
        message = f"'test' of .* has 0 photos, {asked} were asked.*unpack"
        with pytest.raises(ValueError, match=message):
            celeba(count, split="test", folder=copy.folder)


@pytest.mark.parametrize("part", ["labels", "parts", "photos"])
def test_what_is_missing_is_named(copy, part):
    path = getattr(copy, part)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    name = {
        "labels": "neither list_attr_celeba.txt",
        "parts": "neither list_eval_partition.txt",
        "photos": "no photos",
    }[part]
    with pytest.raises(FileNotFoundError, match=f"mine holds {name}.*expect"):
        celeba(1, folder=copy.folder)


@pytest.mark.parametrize("value", ["0", "2", "", "True", "1.0", "--1"])
def test_a_label_that_is_neither_1_nor_minus_1_is_named(copy, value):
    rows = label_rows()
    rows[4][1 + ATTRIBUTES.index("Bald")] = value or "x"
    write_labels(copy.labels, rows)
    line = 6 if copy.layout == "kaggle" else 7
    message = (
        f"{copy.labels.name}, line {line}: Bald is '{value or 'x'}': "
        "expected -1"
    )
    with pytest.raises(ValueError, match=message):
        celeba(1, folder=copy.folder)


def test_a_list_that_ends_within_a_line_is_named(copy):
    text = copy.labels.read_text()
    copy.labels.write_text(text[: text.rindex(NAMES[9]) + 40])
    with pytest.raises(ValueError, match=r"line 1[12]: \d+ labels, expect"):
        celeba(1, folder=copy.folder)


def test_a_list_that_ends_after_a_line_is_named(copy):
    write_labels(copy.labels, label_rows())
    text = copy.labels.read_text()
    copy.labels.write_text(text[: text.index(NAMES[9])])
    said = "9 photos and .*20, not the same ones .000010.jpg"
    if copy.layout != "kaggle":
        said = "lists 9 faces, expected 20; the file seems damaged"
    with pytest.raises(ValueError, match=said):
        celeba(1, folder=copy.folder)


@pytest.mark.parametrize("text", ["", "20\n", "<html>\nquota\n", "\0\xff\n"])
def test_a_list_of_something_else_is_named(copy, text):
    copy.labels.write_text(text)
    with pytest.raises(ValueError, match="lacks 40 of CelebA's 40 attributes"):
        celeba(1, folder=copy.folder)


def test_a_list_without_an_attribute_is_named(copy):
    fewer = [name for name in ATTRIBUTES if name != "Goatee"]
    write_labels(copy.labels, label_rows(fewer), fewer)
    with pytest.raises(ValueError, match="lacks 1 of .*Goatee"):
        celeba(1, folder=copy.folder)


@pytest.mark.parametrize("values", [["3"], ["-1"], ["train"], [], ["0", "0"]])
def test_a_wrong_partition_is_named(copy, values):
    rows = part_rows()
    rows[2] = [NAMES[2], *values]
    write_parts(copy.parts, rows)
    line = 4 if copy.layout == "kaggle" else 3
    said = " ".join(values)
    message = f"line {line}: 000003.jpg has the partition '{said}': expected 0"
    with pytest.raises(ValueError, match=message):
        celeba(1, folder=copy.folder)


@pytest.mark.parametrize("change", ["drop", "rename", "double"])
def test_lists_of_other_photos_are_refused(copy, change):
    rows = part_rows()
    rows[5][0] = "x.jpg" if change == "rename" else rows[4][0]
    rows = rows[:5] if change == "drop" else rows
    write_parts(copy.parts, rows)
    with pytest.raises(ValueError, match="not the same ones .000006.jpg"):
        celeba(1, folder=copy.folder)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"count": 0}, "count must be a whole number, 1 or more, got 0"),
        ({"count": 1.5}, "count must be a whole number"),
        ({"seed": -1}, "seed must be a whole number, 0 or more, got -1"),
        ({"split": "valid"}, "choose one of train, validation, test"),
        ({"side": 15}, "side must be a whole number from 16 to 178, got 15"),
        ({"side": 179}, "side must be a whole number"),
        ({"side": 64.0}, "side must be a whole number"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_read(wrong, message):
    asked = {"count": 4, "folder": "/no/such/folder"} | wrong
    with pytest.raises(ValueError, match=message):
        celeba(asked.pop("count"), **asked)
