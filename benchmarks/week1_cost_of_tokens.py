"""What one head of attention costs as the tokens grow (week 1, section 8).

Time is relative to 256 tokens; memory is the peak of NumPy's allocations,
in bytes per pair of tokens, which should not depend on their number.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import course_utils as cu  # noqa: E402
from course_utils.attention import (  # noqa: E402
    scaled_dot_product_attention,
)

SIZES = (256, 512, 1024, 2048, 4096)
HEAD_DIM = 64


def main():
    """Print time and memory for each number of tokens."""
    rng = np.random.default_rng(0)
    first = None
    print("tokens  time / time of 256  (tokens / 256)^2  bytes per pair")
    for size in SIZES:
        arrays = rng.normal(size=(3, size, HEAD_DIM)).astype("float32")
        call = scaled_dot_product_attention, *arrays
        seconds = cu.measure.best_of(5, *call)
        first = first or seconds
        pair = cu.measure.peak_bytes(*call) / size**2
        squared = (size / SIZES[0]) ** 2
        print(
            f"{size:6d}  {seconds / first:18.1f}  {squared:16.0f}  "
            f"{pair:14.1f}"
        )


if __name__ == "__main__":
    main()
