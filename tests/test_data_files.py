"""data/README.md and the files of data/ say the same."""

import csv
import hashlib
import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils import datasets, pasted_objects

DATA = Path(__file__).resolve().parents[1] / "data"
README = (DATA / "README.md").read_text(encoding="utf-8")
NO_DATA = {"README.md", "LICENSE-APACHE"}
CC = "https://creativecommons.org/"
FREE = {
    "Apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
    "CC BY 2.0": f"{CC}licenses/by/2.0/",
    "CC BY 4.0": f"{CC}licenses/by/4.0/",
    "CC BY-SA 3.0": f"{CC}licenses/by-sa/3.0/",
    "CC BY-SA 4.0": f"{CC}licenses/by-sa/4.0/",
    "CC0": f"{CC}publicdomain/zero/1.0/",
    "MIT": "https://opensource.org/license/mit",
}
SPLIT_OF = {
    name: split
    for split, names in pasted_objects.BACKGROUNDS.items()
    for name in names
}


def table():
    """Return the rows of the README's first table, as dictionaries."""
    lines = [line for line in README.splitlines() if line.startswith("|")]
    rows = [[c.strip() for c in line[1:-1].split("|")] for line in lines]
    header = rows[0]
    own = [row for row in rows[2:] if row[0].startswith("`")]
    return {
        row[0].strip("`"): dict(zip(header, row, strict=True)) for row in own
    }


def maker(name):
    """Import a script of data/make."""
    path = DATA / "make" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_table_lists_exactly_the_files():
    files = {p.name for p in DATA.iterdir() if p.is_file()}
    assert set(table()) == files - NO_DATA


@pytest.mark.parametrize("name", table())
def test_row_tells_the_truth(name):
    row, content = table()[name], (DATA / name).read_bytes()
    assert row["sha256"] == f"`{hashlib.sha256(content).hexdigest()}`"
    assert row["bytes"] == str(len(content))
    assert all(row[key] for key in ("what", "origin", "author", "licence"))
    link = re.match(r"\[(.+?)\]\((.+?)\)", row["licence"])
    if link:
        assert FREE[link[1]] == link[2]
    else:
        assert row["licence"] == "public domain"


def test_the_licence_that_must_go_along_does():
    text = (DATA / "LICENSE-APACHE").read_text("utf-8")
    assert "Apache License\n                           Version 2.0" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_data_stay_small():
    sizes = {p.name: p.stat().st_size for p in DATA.iterdir()}
    assert sizes["mnist_10k.npz"] < 1_800_000
    assert sizes["objects.webp"] < 1_100_000
    assert all(sizes[f"{name}.jpg"] < 160_000 for name in datasets.PHOTOS)
    weights = [n for f, n in sizes.items() if f.endswith(".safetensors")]
    assert sum(weights) < 12_500_000


def test_counts_of_the_table_are_those_of_the_file():
    cells = re.search(r"^\| images \|(.*)\|$", README, re.MULTILINE)[1]
    told = [int(cell) for cell in cells.split("|")]
    digits = datasets.load("mnist", "bundled")
    labels = np.concatenate([digits.y_train, digits.y_test])
    assert np.bincount(labels).tolist() == told
    assert sum(told) == 10_000


def size_told(name):
    """Return (width, height) of a photo, as its row tells it."""
    what = table()[f"{name}.jpg"]["what"]
    if told := re.search(r", (\d+) high, (\d+) wide", what):
        return int(told[2]), int(told[1])
    return tuple(map(int, re.search(r", (\d+)x(\d+)", what).groups()))


@pytest.mark.parametrize("name", datasets.PHOTOS)
def test_photos_have_the_size_and_split_that_are_told(name):
    with Image.open(DATA / f"{name}.jpg") as image:
        assert image.size == size_told(name)
        assert image.mode == "RGB"
    what = table()[f"{name}.jpg"]["what"]
    assert what.endswith(f"; {SPLIT_OF[name]}")


def test_two_scripts_make_all_photos():
    made = {n: size for n, (_, size) in maker("make_photos").PHOTOS.items()}
    others = maker("make_backgrounds").BACKGROUNDS
    assert tuple(made) == datasets.PHOTOS[: len(made)]
    assert sorted([*made, *others]) == sorted(datasets.PHOTOS)
    assert set(SPLIT_OF) == set(datasets.PHOTOS)
    for name, size in made.items():
        assert size_told(name) == size


def test_origins_are_the_files_that_the_script_reads():
    make = maker("make_backgrounds")
    for name, filename in make.BACKGROUNDS.items():
        origin = table()[f"{name}.jpg"]["origin"]
        assert re.match(rf"`([\w/]+/)?{re.escape(filename)}` of ", origin)
        assert max(size_told(name)) <= make.SIDE


def test_files_are_looked_for_in_order(tmp_path):
    find = maker("make_backgrounds").find
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders[1:]:
        folder.mkdir()
        (folder / "x.jpg").touch()
    assert find("x.jpg", folders) == folders[1] / "x.jpg"
    with pytest.raises(FileNotFoundError, match="y.jpg is in none"):
        find("y.jpg", folders)


def test_objects_are_those_of_their_script():
    make = maker("make_objects")
    with open(DATA / "objects.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    splits = [row["split"] for row in rows]
    assert {s: splits.count(s) for s in make.SPLITS} == make.SPLITS
    assert {row["kind"] for row in rows} <= set(make.KINDS)
    names = [row["name"] for row in rows]
    assert len(set(names)) == len(names) == sum(make.SPLITS.values())
    assert (make.SIDE, make.COLUMNS) == (
        pasted_objects.TILE,
        pasted_objects.COLUMNS,
    )
    with Image.open(DATA / "objects.webp") as sheet:
        width, height = sheet.size
    assert width == make.COLUMNS * make.SIDE
    assert width * height == len(rows) * make.SIDE**2
    told = table()
    assert f"{len(rows)} Noto Emoji" in told["objects.webp"]["what"]
    for split, photos in pasted_objects.BACKGROUNDS.items():
        line = f"| {split} | {len(photos)} | {make.SPLITS[split]} |"
        assert line in README


def test_only_full_tiles_of_the_chosen_kinds_become_objects(tmp_path):
    make, folder = maker("make_objects"), tmp_path / "img" / "google" / "64"
    folder.mkdir(parents=True)
    kind, entries = make.KINDS[0], []
    for order, (name, kind_of, cover) in enumerate(
        [("thin", kind, 10), ("flag", "flags", 64), ("full", kind, 40)]
    ):
        tile = Image.new("RGBA", (64, 64))
        tile.paste((255, 0, 0, 255), (0, 0, 64, cover))
        tile.save(folder / f"{name}.png")
        entries.append(
            {
                "image": f"{name}.png",
                "short_name": name,
                "subcategory": kind_of,
                "sort_order": order,
            }
        )
    (tmp_path / "emoji.json").write_text(json.dumps(entries))
    found = list(make.tiles(tmp_path))
    assert [name for name, _, _ in found] == ["full"]
    assert found[0][2].shape == (64, 64, 4)
    Image.new("RGBA", (72, 72)).save(folder / "full.png")
    with pytest.raises(ValueError, match="full.png: not a 64x64 image"):
        list(make.tiles(tmp_path))


def test_three_decimals_name_every_level(tmp_path):
    levels = np.arange(256, dtype=np.uint8)
    pixels = np.resize(levels, (4, 28, 28))
    values = np.round(pixels / 255, 3).ravel().tolist()
    path = tmp_path / "0.json"
    path.write_text(json.dumps({"data": values}))
    np.testing.assert_array_equal(maker("make_mnist").read_digit(path), pixels)


@pytest.mark.parametrize(
    "values, message",
    [
        ([0.0] * 783, "28x28"),
        ([0.0] * 783 + [1.2], "28x28"),
        ([0.0] * 783 + [0.002], "multiple"),
    ],
)
def test_other_numbers_are_refused(tmp_path, values, message):
    path = tmp_path / "0.json"
    path.write_text(json.dumps({"data": values}))
    with pytest.raises(ValueError, match=message):
        maker("make_mnist").read_digit(path)


def test_the_shuffle_keeps_every_image_with_its_label():
    make = maker("make_mnist")
    digits = datasets.load("mnist", "bundled")
    x = np.concatenate([digits.x_train, digits.x_test])
    y = np.concatenate([digits.y_train, digits.y_test])
    by_digit = [x[y == d] for d in range(10)]
    images, labels = make.shuffle(by_digit)
    for digit, own in enumerate(by_digit):
        again = images[labels == digit]
        assert sorted(map(bytes, again)) == sorted(map(bytes, own))
    with pytest.raises(ValueError, match="9999 images, expected 10000"):
        make.shuffle(by_digit[:9] + [by_digit[9][1:]])
