"""Errors that name what is wrong with what a loss for rarity is given."""

import torch


def check_logits(name, logits):
    """Raise TypeError or ValueError unless floats (batch, attributes)."""
    tensor = isinstance(logits, torch.Tensor)
    if not tensor or not logits.is_floating_point():
        kind = getattr(logits, "dtype", type(logits).__name__)
        raise TypeError(
            f"{name} must be a tensor of floats, got {kind}: convert labels "
            "with .float()"
        )
    if logits.ndim != 2 or 0 in logits.shape:
        raise ValueError(
            f"{name} need shape (batch, attributes), each 1 or more, got "
            f"{tuple(logits.shape)}"
        )


def check_loss(logits, targets):
    """Raise TypeError or ValueError unless targets are right for logits."""
    check_logits("logits", logits)
    check_logits("targets", targets)
    if logits.shape != targets.shape:
        raise ValueError(
            "logits and targets must have the same shape, got "
            f"{tuple(logits.shape)} and {tuple(targets.shape)}"
        )
    if not ((targets == 0) | (targets == 1)).all():
        raise ValueError(
            "targets must be 0 or 1; CelebA's -1 and 1 become that by "
            "(labels + 1) / 2"
        )


def check_above_zero(name, value):
    """Raise ValueError unless a number is finite and above 0."""
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} must be finite and above 0, got {value}")


def checked_frequencies(frequencies):
    """Return frequencies as a float64 tensor `(attributes,)`, or raise."""
    frequencies = _row("frequencies", frequencies)
    inside = (frequencies > 0) & (frequencies < 1)
    if not inside.all():
        first = int((~inside).nonzero()[0])
        raise ValueError(
            f"frequency of attribute {first} is {frequencies[first]:.4g}: "
            "each must lie between 0 and 1; leave out an attribute that no "
            "face, or every face, has"
        )
    return frequencies


def checked_counts(positives, count):
    """Return numbers of positives and negatives, or raise ValueError.

    `(2, attributes)`, a float64 tensor.
    """
    positives = _row("positives", positives)
    inside = (positives >= 1) & (positives <= count - 1)
    if not inside.all():
        first = int((~inside).nonzero()[0])
        raise ValueError(
            f"attribute {first} has {positives[first]:g} positives among "
            f"{count} faces: at least one face must have it and one not "
            "(give numbers of faces, not frequencies)"
        )
    return torch.stack([positives, count - positives])


def checked_weights(name, weights, logits):
    """Return weights, one for each attribute of logits, or raise."""
    weights = _row(name, weights)
    if not ((weights > 0) & weights.isfinite()).all():
        raise ValueError(
            f"{name} must be finite and above 0, got {weights.min():.4g} "
            f"to {weights.max():.4g}"
        )
    return one_each(name, weights, logits)


def one_each(name, values, logits):
    """Return values in the kind and on the device of logits, or raise."""
    if len(values) != logits.shape[1]:
        raise ValueError(
            f"{name} are for {len(values)} attributes, logits for "
            f"{logits.shape[1]}: give one for each"
        )
    return values.to(logits)


def checked_labels(labels):
    """Return labels as a float64 tensor `(n, attributes)`, or raise."""
    labels = torch.as_tensor(labels).double()
    if labels.ndim != 2 or 0 in labels.shape:
        raise ValueError(
            "labels need shape (n, attributes), one row a face, got "
            f"{tuple(labels.shape)}"
        )
    if not ((labels == 0) | (labels == 1)).all():
        raise ValueError(
            "labels must be 0 or 1 (or bool); CelebA's -1 and 1 become "
            "that by (labels + 1) / 2"
        )
    return labels


def _row(name, values):
    values = torch.as_tensor(values, dtype=torch.float64)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(
            f"{name} must be in one row, (attributes,), got shape "
            f"{tuple(values.shape)}"
        )
    return values
