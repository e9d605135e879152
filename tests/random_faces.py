"""Faces that nobody drew, for tests where the pictures do not matter."""

import numpy as np

from course_utils.face_drawing import REGIONS
from course_utils.faces import Faces


def random_faces(count=16, attributes=40, seed=0):
    """Return `Faces` of noise; each attribute is on some and not on all.

    The first attribute is the rarest, with one face, the last the most
    common, with all but one. Annotators make no mistakes.
    """
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)
    positives = np.linspace(1, count - 1, attributes).round()
    labels = np.arange(count)[:, None] < positives
    labels = rng.permuted(labels, axis=0)
    regions = rng.integers(0, 1 << len(REGIONS), (count, 64, 64), np.uint32)
    return Faces(images, labels, labels.copy(), regions)
