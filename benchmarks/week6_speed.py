"""What the patch graph costs beside scikit-image's non-local means (week 6).

    python benchmarks/week6_speed.py

All average the same kind of patches over windows of about the same area, on
one core. Times are ratios to scikit-image's fast mode in the same run.
Memory is the peak of NumPy's allocations for a pixel and a neighbour. It
does not grow with the image: small ones are compared at once, large ones
in parts of one size. What PyTorch and scikit-image hold is not seen.
"""

import math
import sys
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import course_utils as cu  # noqa: E402
from course_utils import denoisers, learned_graph, patch_graph  # noqa: E402

SIDES = (64, 128, 256)  # pixels
NOISE = 25 / 255
RADIUS = 5
REPEATS = 3


def learned(image):
    """Smooth by `learned_graph`, without gradients, on one core."""
    import torch

    torch.set_num_threads(1)
    picture = torch.from_numpy(image.transpose(2, 0, 1)[None]).float()
    with torch.no_grad():
        return learned_graph.smooth(
            picture, 0.5 * NOISE, 1.0, radius=RADIUS, noise=NOISE
        )


def main():
    """Print time ratios and bytes for images of growing sides."""
    means = partial(denoisers.non_local_means, noise=NOISE, h=0.7)
    graph = partial(
        patch_graph.denoise, sigma=0.5 * NOISE, radius=RADIUS, noise=NOISE
    )
    rng = np.random.default_rng(0)
    neighbours = math.pi * RADIUS**2
    print("           time / time of fast non-local means   bytes per pixel")
    print("side   seconds of that   slow   graph   learned  and neighbour")
    for side in SIDES:
        image = 0.5 + NOISE * rng.standard_normal((side, side, 3))
        fast, slow, ours, theirs = (
            cu.measure.best_of(REPEATS, function, image)
            for function in (means, partial(means, fast=False), graph, learned)
        )
        held = cu.measure.peak_bytes(graph, image) / side**2 / neighbours
        print(
            f"{side:4d}   {fast:15.3f}  {slow / fast:5.1f}  "
            f"{ours / fast:6.1f}   {theirs / fast:7.1f}  {held:13.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
