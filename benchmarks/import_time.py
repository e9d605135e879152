"""Time and memory of `import course_utils`, beside `import numpy` alone.

`course_utils` itself is a table of names; the last line adds `cu.setup`,
which every notebook calls and which brings NumPy. Each import runs in fresh
processes; the fastest of them counts, and the ratio is what carries over to
another machine.
"""

import json
import subprocess
import sys

REPEATS = 15
CASES = {
    "numpy": "import numpy",
    "course_utils": "import course_utils",
    "course_utils.setup": "import course_utils; course_utils.setup",
}
MEASURE = """
import json, resource, time
start = time.perf_counter()
{code}
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([seconds, peak]))
"""


def measure(code):
    """Return `(seconds, peak kilobytes)` of running code."""
    runs = []
    for _ in range(REPEATS):
        child = subprocess.run(
            [sys.executable, "-c", MEASURE.format(code=code)],
            capture_output=True,
            check=True,
        )
        runs.append(json.loads(child.stdout))
    seconds, peaks = zip(*runs, strict=True)
    return min(seconds), min(peaks)


def main():
    """Print the measurements, and each as a ratio to NumPy's."""
    base = measure(CASES["numpy"])
    for name, code in CASES.items():
        seconds, peak = measure(code)
        print(
            f"{name:18} {seconds:6.3f} s ({seconds / base[0]:.2f} x)"
            f" {peak / 1024:6.0f} MB ({peak / base[1]:.2f} x)"
        )


if __name__ == "__main__":
    main()
