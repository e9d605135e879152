"""Time and memory of a call, for the weeks that ask what attention costs."""

import contextlib
import time
import tracemalloc


def best_of(repeats, function, *args):
    """Time a call several times and return the shortest, in seconds.

    The shortest, because other work on the machine can only add time; and
    on one core (where threadpoolctl is installed, as with scikit-learn),
    because matrix products on several cores wait for the busiest of them.

    Args:
        repeats: how many times, >= 1.
        function: called with `args`; its result is thrown away.

    Raises:
        ValueError: repeats below 1.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    seconds = []
    with _one_core():
        for _ in range(repeats):
            start = time.perf_counter()
            function(*args)
            seconds.append(time.perf_counter() - start)
    return min(seconds)


def peak_bytes(function, *args):
    """Return the most memory a call held at one time, in bytes.

    Counts what Python and NumPy allocate during the call, not its inputs.
    PyTorch and TensorFlow allocate by themselves and are not counted.

    Args:
        function: called with `args`; its result is thrown away.
    """
    tracemalloc.start()
    try:
        function(*args)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _one_core():
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return contextlib.nullcontext()
    return threadpool_limits(limits=1)
