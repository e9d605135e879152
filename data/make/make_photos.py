"""Make the photos of data/ from those in the scikit-image wheel, 0.26.0.

    pip download --no-deps scikit-image==0.26.0 && unzip scikit_image-*.whl
    python data/make/make_photos.py skimage/data data

The same Pillow gives the same bytes.
"""

import argparse
import hashlib
from pathlib import Path

from PIL import Image

# Name -> (box left, top, right, bottom in the original; width, height).
PHOTOS = {
    # 4:3 round the saucer; 375 x 500 is the size the week 1 lesson cuts
    # into patches.
    "coffee": ((12, 0, 12 + 1600 / 3, 400), (500, 375)),
    "chelsea": ((0, 0, 451, 300), (451, 300)),
    "astronaut": ((0, 0, 512, 512), (512, 512)),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", type=Path, help="folder skimage/data")
    parser.add_argument("out", type=Path)
    folders = parser.parse_args()
    for name, (box, size) in PHOTOS.items():
        image = Image.open(folders.source / f"{name}.png").convert("RGB")
        image = image.resize(size, Image.Resampling.LANCZOS, box=box)
        path = folders.out / f"{name}.jpg"
        # Full colour resolution: every decoder then gives the same pixels.
        image.save(path, quality=92, subsampling=0, optimize=True)
        print(hashlib.sha256(path.read_bytes()).hexdigest(), path.name)


if __name__ == "__main__":
    main()
