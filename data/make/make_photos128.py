"""Make photos128.png, a sheet of photos of 128x128 pixels.

    mkdir sources && cd sources
    apt-get download gcompris-qt-data palapeli-data \\
        lomiri-wallpapers-16.04 lomiri-wallpapers-20.04
    for deb in *.deb; do dpkg -x "$deb" .; done
    pip download --no-deps scikit-image==0.26.0 scikit-learn==1.9.1
    for wheel in *.whl; do unzip -o "$wheel"; done
    cd .. && python data/make/make_photos128.py sources data

Which photo, from which package, and which square of it: photos128.csv in
the output folder, which stays as it is. The versions are named there. The
same Pillow and zlib give the same bytes.
"""

import argparse
import csv
import hashlib
import io
import struct
import zlib
from pathlib import Path

from PIL import Image

SIDE, COLUMNS = 128, 6  # of the sheet: side of a tile in pixels, tiles a row
LEAST_REDUCTION = 3  # averages noise and JPEG's blocks away
FOLDER, PACKED = 2, 1  # flags of an entry of a Qt resource file


def rcc_files(blob):
    """Yield path and content of every file in a Qt resource file (.rcc).

    It holds a tree of entries of 22 bytes, as Qt's tool rcc writes it: where
    the entry's name is, flags, and where its children or its content are.
    """
    if blob[:4] != b"qres":
        raise ValueError("not a Qt resource file: it must begin with qres")
    _, tree, data, names = struct.unpack_from(">4I", blob, 4)
    todo = [(0, "")]
    while todo:
        index, path = todo.pop()
        name, flags, count, first = struct.unpack_from(
            ">IHII", blob, tree + 22 * index
        )
        if index:
            path += f"/{_name(blob, names + name)}"
        if flags & FOLDER:
            todo += [(child, path) for child in range(first, first + count)]
        else:
            yield path, _content(blob, data + first, flags)


def _name(blob, start):
    length = struct.unpack_from(">H", blob, start)[0]
    start += 6  # the length, and a hash
    return blob[start : start + 2 * length].decode("utf-16-be")


def _content(blob, start, flags):
    size = struct.unpack_from(">I", blob, start)[0]
    content = blob[start + 4 : start + 4 + size]
    # Before what zlib packed stands how long it was.
    return zlib.decompress(content[4:]) if flags & PACKED else content


def find(filename, folder):
    """Return the content of the file whose path ends like `filename`.

    A photo of GCompris lies in a resource file named like the activity,
    which is the first part of its path.
    """
    for path in sorted(folder.rglob(Path(filename).name)):
        if path.as_posix().endswith(f"/{filename}"):
            return path.read_bytes()
    for path in sorted(folder.rglob(f"{Path(filename).parts[0]}.rcc")):
        for inside, content in rcc_files(path.read_bytes()):
            if inside.endswith(f"/{filename}"):
                return content
    raise FileNotFoundError(f"{filename} is nowhere in {folder}")


def tile(content, left, top, side):
    """Reduce a square of an image file to `SIDE` by Lanczos' filter."""
    if side < LEAST_REDUCTION * SIDE:
        raise ValueError(
            f"the square's side must be {LEAST_REDUCTION * SIDE} pixels or "
            f"more, got {side}: less would leave noise and JPEG's blocks"
        )
    with Image.open(io.BytesIO(content)) as image:
        box = (left, top, left + side, top + side)
        square = image.convert("RGB").crop(box)
    return square.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sources", type=Path)
    parser.add_argument("out", type=Path, help="folder of photos128.csv")
    paths = parser.parse_args()
    with open(paths.out / "photos128.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    height = -(-len(rows) // COLUMNS) * SIDE
    sheet = Image.new("RGB", (COLUMNS * SIDE, height))
    for i, row in enumerate(rows):
        place = [int(row[key]) for key in ("left", "top", "side")]
        photo = tile(find(row["file"], paths.sources), *place)
        sheet.paste(photo, (i % COLUMNS * SIDE, i // COLUMNS * SIDE))
    path = paths.out / "photos128.png"
    sheet.save(path, optimize=True)
    print(hashlib.sha256(path.read_bytes()).hexdigest(), path.name)


if __name__ == "__main__":
    main()
