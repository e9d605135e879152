"""data/README.md and the files of data/ say the same."""

import hashlib
import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils import datasets

DATA = Path(__file__).resolve().parents[1] / "data"
README = (DATA / "README.md").read_text(encoding="utf-8")


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
    assert set(table()) == files - {"README.md"}


@pytest.mark.parametrize("name", table())
def test_row_tells_the_truth(name):
    row, content = table()[name], (DATA / name).read_bytes()
    assert row["sha256"] == f"`{hashlib.sha256(content).hexdigest()}`"
    assert row["bytes"] == str(len(content))
    assert all(row[key] for key in ("what", "origin", "author", "licence"))
    free = ("CC BY-SA 3.0", "CC0", "public domain")
    assert any(licence in row["licence"] for licence in free)


def test_data_stay_small():
    sizes = {p.name: p.stat().st_size for p in DATA.iterdir()}
    assert sizes["mnist_10k.npz"] < 1_800_000
    assert all(sizes[f"{name}.jpg"] < 120_000 for name in datasets.PHOTOS)


def test_counts_of_the_table_are_those_of_the_file():
    cells = re.search(r"^\| images \|(.*)\|$", README, re.MULTILINE)[1]
    told = [int(cell) for cell in cells.split("|")]
    digits = datasets.load("mnist", "bundled")
    labels = np.concatenate([digits.y_train, digits.y_test])
    assert np.bincount(labels).tolist() == told
    assert sum(told) == 10_000


def test_photos_have_the_sizes_that_their_script_makes():
    made = {n: size for n, (_, size) in maker("make_photos").PHOTOS.items()}
    assert tuple(made) == datasets.PHOTOS
    for name, size in made.items():
        with Image.open(DATA / f"{name}.jpg") as image:
            assert image.size == size


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
