"""CIFAR-10 from Hugging Face's two parquet files; pyarrow reads them.

Each row holds a picture as a PNG file of 32x32 pixels. Training and
validation pictures come from the training file, test pictures from the
test file: no row is in two splits. Krizhevsky, "Learning Multiple Layers of
Features from Tiny Images" (2009). Used in week 4 through
`course_utils.pictures`.
"""

import contextlib
import importlib.util
import io

import numpy as np

from course_utils.crops import SIDE, SPLITS

# Part of the data set -> its name in downloads.REMOTES, the smaller first.
REMOTE = {"test": "cifar10_test", "train": "cifar10_train"}
NUM_PICTURES = {"train": 45_000, "validation": 5_000, "test": 10_000}
VALIDATION_SHARE = 10  # the last tenth of the training file
ORIGIN = "https://huggingface.co/datasets/uoft-cs/cifar10"


def read(paths, split, count, seed):
    """Return pictures of a split, drawn without replacement.

    Args:
        paths: `{"train": path, "test": path}` of the two files.
        split: "train" (the training file but for its last tenth),
            "validation" (its last tenth) or "test".
        count: how many, 1 or more.
        seed: whole number, 0 or more; the same seed, the same pictures.

    Returns:
        `(count, 32, 32, 3)` uint8.

    Raises:
        ImportError: pyarrow is not installed.
        ValueError: fewer pictures than asked for; a file is damaged, has
            other columns, or holds a picture of another size or kind.
    """
    check_pyarrow()
    from pyarrow.parquet import ParquetFile

    path = paths["test" if split == "test" else "train"]
    with _damage_named(path):
        file = ParquetFile(path)
    with file:
        _check_columns(file.schema_arrow, path)
        first, available = _rows(file.metadata.num_rows, split)
        check_count(count, split, available)
        rng = np.random.default_rng([SPLITS.index(split), seed])
        rows = first + rng.choice(available, size=count, replace=False)
        with _damage_named(path):
            contents = _contents(file, rows)
    return np.stack([_decoded(contents[row], path, row) for row in rows])


def check_pyarrow():
    """Raise an ImportError that says what to do if pyarrow is missing."""
    if importlib.util.find_spec("pyarrow") is None:
        raise ImportError(
            "CIFAR-10 needs pyarrow, which is not installed: run `make lab` "
            "in the course folder, or `%pip install pyarrow` here, then run "
            "this cell again"
        )


def check_count(count, split, available):
    """Raise a ValueError if a split has fewer pictures than asked for."""
    if count > available:
        raise ValueError(
            f"the split {split!r} of CIFAR-10 has {available:,} pictures, "
            f"{count:,} were asked for: choose count={available} or less"
        )


def find_in(folder):
    """Return `{"train": path, "test": path}` of a learner's own copy.

    Args:
        folder: `Path`; it, or plain_text/ in it, as on Hugging Face, holds
            train-*.parquet and test-*.parquet.

    Returns:
        The paths, or None if there is neither file.

    Raises:
        FileNotFoundError: one of the two is missing.
        ValueError: there are several for one part.
    """
    found = {part: _matches(folder, part) for part in REMOTE}
    if not any(found.values()):
        return None
    for part, matches in found.items():
        if not matches:
            raise FileNotFoundError(
                f"{folder} holds no {part}-*.parquet: expected both "
                f"train-*.parquet and test-*.parquet of {ORIGIN}"
            )
        if len(matches) > 1:
            raise ValueError(
                f"{folder} holds {len(matches)} files {part}-*.parquet: "
                f"expected one, as at {ORIGIN}; move the others away"
            )
    return {part: matches[0] for part, matches in found.items()}


def _matches(folder, part):
    for place in (folder, folder / "plain_text"):
        if matches := sorted(place.glob(f"{part}-*.parquet")):
            return matches
    return []


@contextlib.contextmanager
def _damage_named(path):
    """Turn pyarrow's many errors into a ValueError that names the file."""
    try:
        yield
    except Exception as error:  # damage shows in a dozen ways
        raise ValueError(
            f"{path} cannot be read as a parquet file, it seems damaged or "
            f"cut short ({type(error).__name__}): expected a file of "
            f"{ORIGIN}; delete it and download it again"
        ) from error


def _check_columns(schema, path):
    import pyarrow.types as types

    kind = schema.field("img").type if schema.names.count("img") == 1 else None
    fields = kind if kind is not None and types.is_struct(kind) else ()
    if not any(f.name == "bytes" and types.is_binary(f.type) for f in fields):
        columns = ", ".join(f"{f.name} ({f.type})" for f in schema)
        raise ValueError(
            f"{path} has the columns {columns or '(none)'}: expected img, a "
            "struct whose field bytes is a PNG file, and label, as at "
            f"{ORIGIN}"
        )


def _rows(num_rows, split):
    """Return the first row of a split and the number of its rows."""
    held_out = num_rows // VALIDATION_SHARE
    return {
        "train": (0, num_rows - held_out),
        "validation": (num_rows - held_out, held_out),
        "test": (0, num_rows),
    }[split]


def _contents(file, rows):
    """Return `{row: content of its PNG file}`; read no other row group."""
    rows, start, contents = np.sort(rows), 0, {}
    for group in range(file.num_row_groups):
        stop = start + file.metadata.row_group(group).num_rows
        low, high = np.searchsorted(rows, (start, stop))
        if low < high:
            table = file.read_row_group(group, columns=["img.bytes"])
            chosen = table["img"].take(rows[low:high] - start).to_pylist()
            contents |= zip(rows[low:high].tolist(), chosen, strict=True)
        start = stop
    return {row: (img or {}).get("bytes") for row, img in contents.items()}


def _decoded(content, path, row):
    """Return a picture `(32, 32, 3)` uint8 from its PNG file's content."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as opened:
            found = f"{opened.mode}, {opened.width}x{opened.height} pixels"
            if found == f"RGB, {SIDE}x{SIDE} pixels":
                return np.array(opened)
    except Exception as error:  # damage shows in a dozen ways
        found = f"no PNG file ({type(error).__name__})"
    raise ValueError(
        f"{path}: the picture of row {row} is {found}: expected a PNG file "
        f"in RGB of {SIDE}x{SIDE} pixels; download the file again"
    )
