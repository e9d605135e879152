"""Make the background photos of data/ from openly licensed ones.

    apt-get download lomiri-wallpapers-16.04 && dpkg -x lomiri*.deb lomiri
    python data/make/make_backgrounds.py data \\
        lomiri/usr/share/backgrounds skimage/data sklearn/datasets/images

The first folder is Debian's package 20.04.0-2, the others come with the
wheels of scikit-image 0.26.0 and scikit-learn 1.9.1. A longest side above
768 pixels is reduced to 768. The same Pillow gives the same bytes.
"""

import argparse
import hashlib
from pathlib import Path

from PIL import Image

SIDE = 768  # pixels, the longest side
# Name in data/ -> file name in one of the folders.
BACKGROUNDS = {
    "mountain": "aitzgorri_by_Aitzol_Berasategi.jpg",
    "stream": "life_by_Aitzol_Berasategi.jpg",
    "fig": "Picture_0B_by_freespace.jpg",
    "brushes": "Picture_1A_by_freespace.jpg",
    "dandelion": "seeding_by_Clements_Engelhardt.jpg",
    "wine": "Wine_by_Jakkub_Mede.jpg",
    "rocket": "rocket.jpg",
    "dahlia": "flower.jpg",
    "grass": "grass.png",
    "sunset": "sunset_by_Aitzol_Berasategi.jpg",
    "gravel": "gravel.png",
    "peaks": "picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "dogs": "friends_by_Aitzol_Berasategi.jpg",
    "pagoda": "china.jpg",
    "brick": "brick.png",
}


def find(filename, folders):
    """Return the path of a file in the first of `folders` that has it."""
    for folder in folders:
        if (folder / filename).is_file():
            return folder / filename
    raise FileNotFoundError(f"{filename} is in none of the given folders")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    paths = parser.parse_args()
    for name, filename in BACKGROUNDS.items():
        with Image.open(find(filename, paths.folders)) as original:
            image = original.convert("RGB")
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        path = paths.out / f"{name}.jpg"
        image.save(path, quality=85, optimize=True)
        print(hashlib.sha256(path.read_bytes()).hexdigest(), path.name)


if __name__ == "__main__":
    main()
