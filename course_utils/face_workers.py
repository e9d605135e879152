"""Draw many faces, in several processes where that pays."""

import contextlib
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np

from course_utils.pasted_objects import SPLITS
from course_utils.progress_bar import track

LABELS, NOISE, DRAWING = range(3)  # purposes of a split's random numbers
PART = 50  # faces that a worker draws at a time
LEAST = 500  # faces for each worker: it takes a second to start


def stream(split, seed, *purpose):
    """Return the random generator of a split for one purpose.

    Args:
        split: one of `SPLITS`.
        seed: whole number, 0 or more.
        purpose: `LABELS`, `NOISE`, or `DRAWING` and the face's number.
    """
    key = (SPLITS.index(split), *purpose)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def draw_all(drawn, split, seed, workers=None):
    """Draw a face for each row of attributes.

    Args:
        drawn: `(n, 40)` bool, n at least 1.
        split: one of `SPLITS`.
        seed: whole number, 0 or more.
        workers: number of processes; None is what pays here.

    Returns:
        `(images, regions)`: `(n, 64, 64, 3)` uint8 and `(n, 64, 64)`
        uint32; the same for any number of workers.

    Used in week 5 through `course_utils.faces`.
    """
    workers = workers or min(cores(), len(drawn) // LEAST)
    starts = range(0, len(drawn), PART)
    parts = [(drawn[s : s + PART], split, seed, s) for s in starts]
    if workers > 1:
        try:
            with _pool(workers) as pool:
                with _interruptions_ignored():
                    drawing = pool.map(_draw, parts)
                return _joined(drawing, len(parts))
        except (BrokenProcessPool, OSError) as error:
            print(
                f"faces: {workers} processes cannot be had here "
                f"({type(error).__name__}); drawing in this one"
            )
    return _joined(map(_draw, parts), len(parts))


def cores():
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS or Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def _pool(workers):
    # A forked child would inherit the locks of the notebook's other
    # threads, PyTorch's among them, and might wait for them for ever.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _interruptions_ignored():
    """Let processes started here ignore an interruption, from birth on.

    It is left to the notebook, which then ends the pool. A process that set
    this up itself could be interrupted before it has.
    """
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # in another thread than the main one
        before = None
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


def _joined(drawing, num_parts):
    parts = list(track(drawing, "drawing faces", num_parts))
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def _draw(part):
    """Draw faces; runs in a worker, which imports no PyTorch."""
    from course_utils.face_drawing import draw_face

    drawn, split, seed, first = part
    faces = [
        draw_face(attributes, stream(split, seed, DRAWING, i))
        for i, attributes in enumerate(drawn, first)
    ]
    return tuple(np.stack(arrays) for arrays in zip(*faces, strict=True))
