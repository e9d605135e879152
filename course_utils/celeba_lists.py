"""CelebA's two lists: the labels of each photo, and its split.

The authors publish text files, Kaggle the same as CSV; each line begins
with the name of a photo. Used in week 5 through `course_utils.celeba`.
"""

import operator

import numpy as np

from course_utils.crops import SPLITS
from course_utils.face_labels import ATTRIBUTES

LABELS, PARTITION = "list_attr_celeba", "list_eval_partition"
LIST_PLACES = ("", "Anno", "Eval")
PHOTOS = "img_align_celeba"
LAYOUTS = (
    f"expected {LABELS} and {PARTITION}, both .txt (the authors', which may "
    f"lie in Anno and Eval) or .csv (Kaggle's), and {PHOTOS} with the .jpg "
    "files, unpacked"
)
DAMAGED = "the file seems damaged or cut short; download it again"


def read_lists(folder, split):
    """Return which photos a split has, and their labels.

    Args:
        folder: `Path`; the lists lie in it, or in Anno and Eval in it.
        split: "train", "validation" or "test".

    Returns:
        `(names, labels)`: file names in the order of the list, and `(n, 40)`
        bool in the order of `ATTRIBUTES`, whatever the list's order.

    Raises:
        FileNotFoundError: a list is missing.
        ValueError: a label that is neither -1 nor 1, a partition beyond 0
            to 2, an attribute without a column, lists that do not belong
            together or are cut short.
    """
    labels_path, parts_path = (
        _list_path(folder, name) for name in (LABELS, PARTITION)
    )
    parts = _read_partition(parts_path)
    names, labels = _read_labels(labels_path)
    if len(names) != len(parts) or set(names) != parts.keys():
        alone = sorted(set(names) ^ parts.keys()) or ["one is named twice"]
        raise ValueError(
            f"{labels_path} lists {len(names):,} photos and {parts_path} "
            f"{len(parts):,}, not the same ones ({alone[0]}): expected each "
            "photo once in both; download both files again"
        )
    wanted = SPLITS.index(split)
    rows = [i for i, name in enumerate(names) if parts[name] == wanted]
    return [names[i] for i in rows], labels[rows]


def _list_path(folder, name):
    for place in LIST_PLACES:
        for suffix in (".txt", ".csv"):
            path = folder / place / f"{name}{suffix}"
            if path.is_file():
                return path
    raise FileNotFoundError(
        f"{folder} holds neither {name}.txt nor {name}.csv: {LAYOUTS}"
    )


def _lines(path):
    """Yield number and fields of a list's lines, of either layout."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if fields := line.replace(",", " ").split():
                yield number, fields


def _read_partition(path):
    """Return `{file name: 0, 1 or 2}`."""
    parts = {}
    for number, fields in _lines(path):
        if number == 1 and fields == ["image_id", "partition"]:
            continue
        name, *values = fields
        if len(values) != 1 or values[0] not in ("0", "1", "2"):
            raise ValueError(
                f"{path}, line {number}: {name} has the partition "
                f"{' '.join(values)!r}: expected 0 (train), 1 (validation) "
                f"or 2 (test); {DAMAGED}"
            )
        parts[name] = int(values[0])
    return parts


def _read_labels(path):
    """Return file names and labels `(n, 40)` bool, columns in our order."""
    lines = _lines(path)
    _, header = next(lines, (0, []))
    told = None
    if len(header) == 1 and header[0].isdecimal():  # the authors' first line
        told, (_, header) = int(header[0]), next(lines, (0, []))
    columns = header[1:] if header[:1] == ["image_id"] else header
    pick = operator.itemgetter(*_positions(columns, path))
    names, labels = [], []
    for number, (name, *values) in lines:
        if len(values) != len(columns):
            raise ValueError(
                f"{path}, line {number}: {len(values)} labels, expected "
                f"{len(columns)}; {DAMAGED}"
            )
        chosen = pick(values)
        if not {"-1", "1"}.issuperset(chosen):
            raise ValueError(f"{path}, line {number}: {_wrong_label(chosen)}")
        names.append(name)
        labels.append([value == "1" for value in chosen])
    if not names or told not in (None, len(names)):
        expected = "at least 1" if told is None else f"{told:,}"
        raise ValueError(
            f"{path} lists {len(names):,} faces, expected {expected}; "
            f"{DAMAGED}"
        )
    return names, np.array(labels, bool)


def _positions(columns, path):
    """Return where each of `ATTRIBUTES` stands in a list."""
    missing = [name for name in ATTRIBUTES if name not in columns]
    if missing:
        raise ValueError(
            f"{path} names {len(columns)} columns and lacks "
            f"{len(missing)} of CelebA's 40 attributes ({missing[0]}, ...): "
            "expected their names at the top, as in the official file"
        )
    return [columns.index(name) for name in ATTRIBUTES]


def _wrong_label(values):
    name, value = next(
        pair
        for pair in zip(ATTRIBUTES, values, strict=True)
        if pair[1] not in ("-1", "1")
    )
    return (
        f"{name} is {value!r}: expected -1 (no) or 1 (yes), as in the "
        "official file"
    )
