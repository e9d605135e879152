"""Make data/objects.webp and data/objects.csv from Noto Emoji.

    npm pack emoji-datasource-google@16.0.0 && tar xzf emoji-data*.tgz
    python data/make/make_objects.py package data

The package holds Google's Noto Emoji (v2.048, Apache-2.0) as 64x64 PNG
files. 384 of them, chosen by a fixed seed among the kinds below, become
the tiles of one sheet. The same Pillow gives the same bytes.
"""

import argparse
import csv
import hashlib
import json
from pathlib import Path

import numpy as np
from PIL import Image

SEED, SIDE, COLUMNS = 0, 64, 24
SPLITS = {"train": 256, "validation": 48, "test": 80}
MIN_COVER = 0.3  # share of the tile that is opaque: no thin outlines
KINDS = (
    *("animal-amphibian", "animal-bird", "animal-bug", "animal-mammal"),
    *("animal-marine", "animal-reptile", "plant-flower", "plant-other"),
    *("food-asian", "food-fruit", "food-prepared", "food-sweet"),
    *("food-vegetable", "drink", "clothing", "household", "computer"),
    *("music", "musical-instrument", "light & video", "phone", "tool"),
    *("sport", "game", "event", "lock", "science", "other-object"),
    *("transport-air", "transport-ground", "transport-water"),
)


def tiles(package):
    """Return (name, kind, RGBA array (64, 64, 4)) of every candidate."""
    entries = json.loads((package / "emoji.json").read_text("utf-8"))
    entries.sort(key=lambda entry: entry["sort_order"])
    for entry in entries:
        if entry["subcategory"] not in KINDS:
            continue
        path = package / "img" / "google" / "64" / entry["image"]
        with Image.open(path) as image:
            tile = np.array(image.convert("RGBA"))
        if tile.shape[:2] != (SIDE, SIDE):
            raise ValueError(f"{path}: not a 64x64 image")
        if (tile[..., 3] > 127).mean() >= MIN_COVER:
            yield entry["short_name"], entry["subcategory"], tile


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("package", type=Path, help="the unpacked package")
    parser.add_argument("out", type=Path)
    folders = parser.parse_args()
    candidates = list(tiles(folders.package))
    order = np.random.default_rng(SEED).permutation(len(candidates))
    chosen = [candidates[i] for i in order[: sum(SPLITS.values())]]
    splits = [name for name, count in SPLITS.items() for _ in range(count)]
    sheet = np.stack([tile for _, _, tile in chosen])
    rows = len(chosen) // COLUMNS
    sheet = sheet.reshape(rows, COLUMNS, SIDE, SIDE, 4).swapaxes(1, 2)
    sheet = sheet.reshape(rows * SIDE, COLUMNS * SIDE, 4)
    Image.fromarray(sheet).save(
        folders.out / "objects.webp", lossless=True, quality=100, method=6
    )
    with open(folders.out / "objects.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["name", "kind", "split"])
        for (name, kind, _), split in zip(chosen, splits, strict=True):
            table.writerow([name, kind, split])
    print(len(candidates), "candidates")
    for path in (folders.out / "objects.webp", folders.out / "objects.csv"):
        print(hashlib.sha256(path.read_bytes()).hexdigest(), path.name)


if __name__ == "__main__":
    main()
