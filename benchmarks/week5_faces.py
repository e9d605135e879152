"""Whether each attribute of the drawn faces can be read off its place.

A logistic regression looks at the box around an attribute's regions (where
it has none, at the whole picture and how much neighbouring pixels differ in
it), scaled to 12x12 pixels, and at their squares. It knows the place
but not the pose, so what it finds is less than what is there. Average
precision on faces it has not seen stands beside the attribute's frequency,
which is what guessing gets: each should be clearly above it. Attractive is
not drawn, and is learned only from what it goes with. Takes about a minute.
"""

import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from course_utils.face_drawing import (  # noqa: E402
    ATTRIBUTE_REGIONS,
    REGIONS,
    draw_face,
)
from course_utils.face_labels import (  # noqa: E402
    ATTRIBUTES,
    sample_attributes,
)

TRAIN, TEST, SIDE = 3000, 2000, 12


def patch(image, regions, attribute):
    """Return what the probe sees: `(features,)` numbers near 0 to 1."""
    names = ATTRIBUTE_REGIONS.get(attribute, ())
    bits = sum(1 << REGIONS.index(name) for name in names)
    rows, columns = np.nonzero(regions & np.uint32(bits))
    box = (0, 0, 64, 64)
    if len(rows):
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    small = Image.fromarray(image).resize((SIDE, SIDE), box=box)
    pixels = np.ravel(small) / 255
    steps = np.abs(np.diff(image / 255, axis=0)).mean(axis=(1, 2))
    seen = [pixels, pixels**2] + ([np.log(steps + 0.01)] if not names else [])
    return np.concatenate(seen)


def draw(count):
    """Return labels and faces, and print how fast they are drawn."""
    labels = sample_attributes(count, np.random.default_rng(0))
    start = time.process_time()
    faces = [
        draw_face(one, np.random.default_rng([1, i]))
        for i, one in enumerate(labels)
    ]
    seconds = time.process_time() - start
    print(f"{count / seconds:.0f} faces per second of one core")
    return labels, faces


def precision(labels, faces, attribute):
    """Return the average precision of the probe on the test faces."""
    pixels = np.stack([patch(*face, attribute) for face in faces])
    probe = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=0.003, class_weight="balanced", max_iter=300),
    )
    probe.fit(pixels[:TRAIN], labels[:TRAIN])
    scores = probe.decision_function(pixels[TRAIN:])
    return average_precision_score(labels[TRAIN:], scores)


def main():
    """Print the average precision of every attribute."""
    labels, faces = draw(TRAIN + TEST)
    found = []
    for attribute, label in zip(ATTRIBUTES, labels.T, strict=True):
        found.append(precision(label, faces, attribute))
        share = label[TRAIN:].mean()
        print(
            f"{attribute:20} frequency {share:.3f}  average precision "
            f"{found[-1]:.3f}  {found[-1] / share:5.1f} x"
        )
    print(f"mean average precision {np.mean(found):.3f}")


if __name__ == "__main__":
    main()
