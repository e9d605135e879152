"""How many times faster are matrix products than the loops of week 1?

Prints ratios only: they compare two ways of doing the same thing in one
run, so they can be held against those of another machine.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "lessons")]

from authoring import lesson  # noqa: E402

import course_utils as cu  # noqa: E402

SOURCE = lesson.LESSONS / "week1_attention_from_scratch.py"
SIZES = (16, 32, 64, 128, 256, 512)
HEAD_DIM = 32


def main():
    """Time the lesson's own two functions at growing numbers of tokens."""
    week = lesson.definitions(SOURCE, {"cu": cu})
    loops, matrices = week["attention_loops"], week["attention_matrices"]
    rng = np.random.default_rng(0)
    print("tokens  loops / matrices  largest difference")
    for size in SIZES:
        arrays = rng.normal(size=(3, size, HEAD_DIM))
        gap = np.abs(loops(*arrays) - matrices(*arrays)).max()
        slow = cu.measure.best_of(2, loops, *arrays)
        fast = cu.measure.best_of(50, matrices, *arrays)
        print(f"{size:6d}  {slow / fast:16.0f}  {gap:18.1e}")


if __name__ == "__main__":
    main()
