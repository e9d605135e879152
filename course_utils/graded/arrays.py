"""What properties of several weeks ask of arrays."""

import numpy as np


def close(found, wanted, atol=1e-5):
    """Are two arrays of one shape equal but for rounding, of float32 too?"""
    return np.shape(found) == np.shape(wanted) and np.allclose(
        found, wanted, atol=atol
    )


def responds(one, other, shape):
    """Is the shape right, are all numbers finite, and do the two differ?"""
    sound = one.shape == other.shape == shape and np.isfinite(one).all()
    return sound and not np.allclose(one, other)
