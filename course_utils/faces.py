"""Procedural faces of 64x64 pixels with CelebA's 40 attributes.

    train = faces(2000, split="train", seed=0)
    train.images, train.labels, train.masks("Mustache")

Labels are drawn by `course_utils.face_labels`, pictures by
`course_utils.face_drawing`; what has been drawn is kept on disk.
"""

from dataclasses import dataclass

import numpy as np

from course_utils import face_cache
from course_utils.crops import check_request
from course_utils.face_labels import (
    add_label_noise,
    index_of,
    sample_attributes,
)
from course_utils.face_workers import (
    DRAWING,
    LABELS,
    NOISE,
    draw_all,
    stream,
)


@dataclass(frozen=True, eq=False)
class Faces:
    """Faces with their attributes, columns as in `face_labels.ATTRIBUTES`.

    images: `(n, 64, 64, 3)` uint8.
    labels: `(n, 40)` bool, what annotators say; what a learner is given.
    drawn: `(n, 40)` bool, what the faces show; None for photos.
    regions: `(n, 64, 64)` uint32, where parts of the face are visible: bit
        r is set on region r of `face_drawing.REGIONS`; None for photos.
    """

    images: np.ndarray
    labels: np.ndarray
    drawn: np.ndarray | None = None
    regions: np.ndarray | None = None

    def __len__(self):
        return len(self.images)

    def __repr__(self):
        height, width = self.images.shape[1:3]
        kind = "photos" if self.drawn is None else "procedural faces"
        return f"Faces({len(self):,} {kind} of {width}x{height} pixels)"

    def take(self, indices):
        """Return some of the faces, as `Faces`.

        Args:
            indices: a slice, whole numbers, or one bool for each face.

        Raises:
            IndexError: there is no such face, or these are no indices.
        """
        rows = np.atleast_1d(np.arange(len(self))[indices])
        parts = (self.images, self.labels, self.drawn, self.regions)
        return Faces(*(p if p is None else p[rows] for p in parts))

    def masks(self, attribute):
        """Return where an attribute shows, or would show.

        Args:
            attribute: one of `face_labels.ATTRIBUTES`.

        Returns:
            `(n, 64, 64)` bool. Places that something hides are False.

        Raises:
            ValueError: unknown attribute, one without a place, or photos,
                of which nobody knows the places.
        """
        from course_utils.face_drawing import ATTRIBUTE_REGIONS, REGIONS

        index_of(attribute)
        if attribute not in ATTRIBUTE_REGIONS:
            raise ValueError(
                f"{attribute} has no place in the face: choose one of "
                "face_drawing.ATTRIBUTE_REGIONS"
            )
        if self.regions is None:
            raise ValueError(
                "photos come without regions: masks are known of procedural "
                "faces only, faces(...)"
            )
        names = ATTRIBUTE_REGIONS[attribute]
        bits = sum(1 << REGIONS.index(name) for name in names)
        return self.regions & np.uint32(bits) != 0


def faces(count, *, split="train", seed=0, workers=None):
    """Draw faces, or load them if these have been drawn before.

    Face i is the same whatever the count is; splits and seeds share none.
    Drawing takes some milliseconds a face. The result is kept in the
    course's cache folder (COURSE_CACHE), 13 kB a face.

    Args:
        count: how many, 1 or more.
        split: "train", "validation" or "test".
        seed: whole number, 0 or more; the same seed, the same faces.
        workers: number of processes, 1 or more; None is what pays on this
            machine. The faces do not depend on it.

    Returns:
        `Faces`.

    Raises:
        ValueError: unknown split, or a number out of its range.

    Used in week 5.
    """
    check_request(count, split, seed)
    if workers is not None:
        _check_workers(workers)
    path = face_cache.path(count, split, seed)
    arrays = face_cache.load(path, count)
    if arrays is None:
        arrays = _make(count, split, seed, workers)
        face_cache.save(path, arrays)
    return Faces(**arrays)


def skin_tones(count, *, split="train", seed=0):
    """Return the skin tone of each face of `faces(count, ...)`.

    It is drawn apart from all attributes, and no label tells it: what a
    network's scores have to do with it, it took from the pictures. A face
    that has Pale_Skin in `drawn` is painted paler than any tone, whatever
    its own is: leave such faces out. What the light adds is not in it.

    Args:
        count, split, seed: as for `faces`.

    Returns:
        `(count,)` float64, uniform from 0, darkest, to 1, lightest.

    Raises:
        ValueError: unknown split, or a number out of its range.

    Used in week 5.
    """
    from course_utils.face_looks import draw_look

    check_request(count, split, seed)
    rngs = (stream(split, seed, DRAWING, i) for i in range(count))
    return np.array([draw_look(rng).skin for rng in rngs])


def _make(count, split, seed, workers):
    drawn = sample_attributes(count, stream(split, seed, LABELS))
    labels = add_label_noise(drawn, stream(split, seed, NOISE))
    images, regions = draw_all(drawn, split, seed, workers)
    return {
        "images": images,
        "labels": labels,
        "drawn": drawn,
        "regions": regions,
    }


def _check_workers(workers):
    whole = isinstance(workers, (int, np.integer))
    if not whole or isinstance(workers, bool) or workers < 1:
        raise ValueError(
            "workers must be a whole number, 1 or more, or None, got "
            f"{workers!r}"
        )
