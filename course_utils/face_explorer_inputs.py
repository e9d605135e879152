"""Turn `face_explorer`'s arguments into clean values, or say what is wrong."""

import numpy as np

from course_utils.explorer import inputs
from course_utils.face_groups import readable


def as_attention(attn, grid):
    """Return attn as floats (faces, layers, heads, attributes, keys)."""
    shape = getattr(attn, "shape", ())
    if len(shape) != 5 or 0 in shape:
        raise ValueError(
            "attn must have shape (faces, layers, heads, attributes, keys), "
            f"none of them 0; got {tuple(shape)}"
        )
    patches = grid[0] * grid[1]
    if shape[-1] != patches:
        raise ValueError(
            f"attn has {shape[-1]} keys, but a grid of {grid[0]} x {grid[1]} "
            f"has {patches} patches: pass the model's own, grid=(rows, cols)"
        )
    flat = inputs.as_attention(attn.reshape(-1, *shape[2:]))
    inputs.check_rows(flat)
    return flat.reshape(shape)


def as_images(images, count, grid):
    """Return uint8 (faces, height, width, 3), one for each of attn."""
    images = np.asarray(images)
    if images.ndim != 4 or len(images) != count:
        raise ValueError(
            "images must have shape (faces, height, width, 3), a face for "
            f"each of attn's {count}; got {images.shape}"
        )
    inputs.as_image(images[0], grid)
    return images


def as_names(names, count):
    """Return the names as tuple, underscores as spaces."""
    names = tuple(tidy(name) for name in names)
    if len(names) != count or len(set(names)) < count or "" in names:
        raise ValueError(
            f"names must be {count} different names, one for each attribute "
            f"of attn; got {len(names)}: {', '.join(names)}"
        )
    return names


def tidy(name):
    """Return a name in words, without surplus spaces."""
    return " ".join(readable(name).split())


def as_labels(labels, shape):
    """Return the labels as bool (faces, attributes)."""
    labels = np.asarray(labels)
    if labels.shape != shape or not np.isin(labels, (0, 1)).all():
        raise ValueError(
            f"labels must be bool of shape {shape}, (faces, attributes); got "
            f"{labels.dtype} of shape {labels.shape}. Of labels -1 and 1 "
            "take labels > 0"
        )
    return labels.astype(bool)


def as_scores(scores, shape):
    """Return the scores as floats (faces, attributes), 0 to 1."""
    scores = np.asarray(scores, dtype=float)
    inside = (scores >= 0) & (scores <= 1)  # NaN is not
    if scores.shape != shape or not inside.all():
        raise ValueError(
            f"scores must be of shape {shape}, (faces, attributes), and from "
            f"0 to 1 (after the sigmoid); got shape {scores.shape}"
        )
    return scores


def as_thresholds(thresholds, count):
    """Return (attributes,) floats; infinity is a "no" for every face."""
    thresholds = np.asarray(thresholds, dtype=float)
    if thresholds.ndim == 0:
        thresholds = np.full(count, thresholds)
    if thresholds.shape != (count,) or not (thresholds >= 0).all():
        raise ValueError(
            f"thresholds must be one number or {count}, one for each "
            f"attribute, 0 or more; got shape {thresholds.shape}"
        )
    return thresholds


def as_regions(masks, queries, images):
    """Return masks as bool (faces, attributes, height, width), or None."""
    if masks is None:
        return None
    count, height, width, _ = images.shape
    masks, shape = np.asarray(masks), (count, queries, height, width)
    if masks.dtype != bool or masks.shape != shape:
        raise ValueError(
            f"masks must be bool of shape {shape}, (faces, attributes, "
            f"height, width); got {masks.dtype} of shape {masks.shape}"
        )
    return masks


def as_start(face, attribute, names, frequencies, count):
    """Return the numbers of the face and the attribute to start with."""
    if face not in range(count):
        raise ValueError(f"face must be a number from 0 to {count - 1}")
    if attribute is None:
        return int(face), int(frequencies.argmin())
    if tidy(attribute) not in names:
        raise ValueError(
            f"no attribute is named {attribute!r}; there are: "
            f"{', '.join(names)}"
        )
    return int(face), names.index(tidy(attribute))
