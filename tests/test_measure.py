import time
import tracemalloc

import numpy as np
import pytest

from course_utils import measure


def test_best_of_returns_the_shortest_run():
    pauses = iter([0.03, 0.0, 0.03])
    shortest = measure.best_of(3, lambda: time.sleep(next(pauses)))
    assert 0 <= shortest < 0.03
    assert next(pauses, None) is None


def test_best_of_refuses_no_runs():
    with pytest.raises(ValueError, match="at least 1"):
        measure.best_of(0, print)


def test_peak_counts_what_was_freed_again():
    def waste(megabytes):
        np.ones(megabytes * 2**20, dtype=np.uint8)
        return np.ones(1)

    assert 8 * 2**20 <= measure.peak_bytes(waste, 8) < 9 * 2**20


def test_peak_stops_tracing_when_the_call_fails():
    with pytest.raises(ZeroDivisionError):
        measure.peak_bytes(lambda: 1 / 0)
    assert not tracemalloc.is_tracing()
