"""Figures of week 5: faces, their attributes and what is learned of them.

Each function returns a figure for `plots.show`, which adds the alt text;
`attention_gif` shows an animation itself. Those of attention, trainings and
calibration have modules of their own; their names are here, too. Used in
week 5.
"""

import textwrap

import numpy as np

from course_utils.face_attention import (
    attention_frames,
    attention_gif,
    attention_maps,
)
from course_utils.face_curves import (
    attention_flow,
    remedy_dots,
    training_panels,
)
from course_utils.face_groups import (
    GROUPS,
    check_frequencies,
    groups_of,
    readable,
)

__all__ = [
    "attention_flow",
    "attention_frames",
    "attention_gif",
    "attention_maps",
    "face_grid",
    "frequency_bars",
    "remedy_dots",
    "training_panels",
]

MOST_FACES = 24  # in a grid; more would be too small to look at
LETTERS = 29  # in a line above a face


def face_grid(faces, names, chosen=None, *, columns=6):
    """Draw faces with their positive attributes above them.

    Args:
        faces: has images `(n, height, width, 3)` uint8 and labels
            `(n, attributes)` bool, as `faces.Faces`; 1 to 24 of them.
        names: the attributes, one for each column of labels.
        chosen: the names to list, in this order; default all.
        columns: faces in a row.

    Returns:
        A figure.

    Raises:
        ValueError: no face or more than 24, labels for another number of
            attributes, a chosen name that is not among them.

    Used in week 5.
    """
    import matplotlib.pyplot as plt

    labels = _checked_labels(faces, names)
    listed = _listed(names, chosen)
    titles = [_title(row, names, listed) for row in labels]
    columns = min(columns, len(labels))
    rows = -(-len(labels) // columns)
    lines = max(title.count("\n") + 1 for title in titles)
    fig, axes = plt.subplots(
        rows,
        columns,
        figsize=(1.75 * columns, rows * (1.7 + 0.125 * lines)),
        squeeze=False,
        layout="constrained",
    )
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, title in zip(axes.flat, faces.images, titles, strict=False):
        ax.imshow(image)
        ax.set_title(title, fontsize=7.5, loc="left")
    return fig


def _checked_labels(faces, names):
    count, labels = len(faces.images), np.asarray(faces.labels, dtype=bool)
    if not 1 <= count <= MOST_FACES:
        raise ValueError(
            f"a grid shows 1 to {MOST_FACES} faces, got {count}: take some"
        )
    if labels.shape != (count, len(names)):
        raise ValueError(
            f"labels need shape ({count}, {len(names)}), a row for each "
            f"face and a column for each name, got {labels.shape}"
        )
    return labels


def _listed(names, chosen):
    """Return the columns to list, checked."""
    chosen = names if chosen is None else chosen
    unknown = sorted({*chosen} - {*names})
    if unknown:
        raise ValueError(
            f"there is no attribute {', '.join(unknown)}: choose among "
            f"{', '.join(names)}"
        )
    return [list(names).index(name) for name in chosen]


def _title(row, names, listed):
    positive = [names[i].replace(" ", "_") for i in listed if row[i]]
    words = ", ".join(positive) or "none of them"
    # Lines break between names: words of a name are joined until then.
    return readable("\n".join(textwrap.wrap(words, LETTERS)))


def frequency_bars(names, frequencies):
    """Draw how common each attribute is, and what follows from it.

    Three panels share the rows, the rarest on top: the frequency f; the
    accuracy of the best constant answer, with that of answering no to all;
    and the weight (1 - f) / f at which both answers weigh alike.

    Args:
        names: n attributes.
        frequencies: `(n,)`, between 0 and 1.

    Returns:
        A figure.

    Raises:
        ValueError: another number of frequencies, or one outside (0, 1).

    Used in week 5.
    """
    import matplotlib.pyplot as plt

    frequencies = check_frequencies(names, frequencies)
    order = np.argsort(frequencies, kind="stable")
    frequencies = frequencies[order]
    fig, axes = plt.subplots(
        1,
        3,
        figsize=(10, 1.1 + 0.2 * len(names)),
        sharey=True,
        width_ratios=(3, 2, 2),
        layout="constrained",
    )
    _bars(axes[0], frequencies)
    _accuracies(axes[1], frequencies)
    _weights(axes[2], frequencies)
    labels = [readable(names[i]) for i in order]
    axes[0].set_yticks(range(len(labels)), labels, fontsize=8)
    axes[0].set_ylim(len(labels) - 0.4, -0.6)
    return fig


def _bars(ax, frequencies):
    for name, rows in groups_of(frequencies).items():
        look = GROUPS[name]
        ax.barh(
            rows,
            100 * frequencies[rows],
            color=look.colour,
            hatch=look.hatch,
            edgecolor="white",
            label=look.label,
        )
    for row, frequency in enumerate(frequencies):
        _write(ax, 100 * frequency, row, f"{100 * frequency:.1f}")
    ax.set(xlabel="faces that have it (%)", xlim=(0, 100))
    ax.legend(frameon=False, fontsize=8)


def _accuracies(ax, frequencies):
    rows = np.arange(len(frequencies))
    best = 100 * np.maximum(frequencies, 1 - frequencies)
    never = 100 * (1 - frequencies)
    ax.plot(best, rows, "o", mfc="none", color="0.3", label="best constant")
    ax.plot(never, rows, "x", color="C0", label="always no")
    for row, accuracy in zip(rows, never, strict=True):
        near = best[row] - accuracy < 20
        place = best[row] if near else accuracy
        _write(ax, place + 2, row, f"{accuracy:.1f}")
    ax.set(xlabel="accuracy (%), number: always no", xlim=(0, 122))
    ax.set_xticks(range(0, 101, 25))
    ax.legend(frameon=False, fontsize=8)


def _weights(ax, frequencies):
    weights = (1 - frequencies) / frequencies
    ax.axvline(1, color="0.6", lw=1)
    ax.plot(weights, np.arange(len(weights)), "D", ms=4, color="0.3")
    for row, weight in enumerate(weights):
        _write(ax, 1.15 * weight, row, f"{weight:.1f}")
    ax.set(xlabel="weight (1 - f) / f", xscale="log")
    ax.set_xlim(weights.min() / 1.5, 3 * weights.max())
    ax.xaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()


def _write(ax, x, row, words):
    ax.annotate(
        words, (x, row), (3, 0), textcoords="offset points",
        va="center", fontsize=7.5,
    )  # fmt: skip
