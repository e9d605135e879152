"""Checks of the numbers that shape a patch graph. Used in week 6."""

import numpy as np

LARGEST_TAU = 1.0


def check_side(patch_side):
    """Raise a ValueError unless a patch's side is odd and above 0."""
    whole = isinstance(patch_side, (int, np.integer))
    if not whole or patch_side is True or patch_side < 1 or not patch_side % 2:
        raise ValueError(
            f"patch_side is an odd whole number, so that a patch has a "
            f"centre, got {patch_side}"
        )


def check_positive(name, value):
    """Raise a ValueError unless a parameter is finite and above 0."""
    if not 0 < value < np.inf:
        raise ValueError(f"{name} must be above 0 and finite, got {value}")


def check_steps(steps):
    """Raise a ValueError unless steps is a whole number, 0 or more."""
    if not isinstance(steps, (int, np.integer)) or steps < 0:
        raise ValueError(f"steps is a whole number, 0 or more, got {steps}")


def check_radius(radius):
    """Raise a ValueError unless a radius reaches at least one neighbour."""
    if not 1 <= radius < np.inf:
        raise ValueError(
            f"radius must be at least 1 pixel, got {radius}: below it a patch "
            "has no neighbour but itself"
        )


def check_tau(tau):
    """Raise a ValueError unless tau is above 0 and at most 1."""
    check_positive("tau", tau)
    if tau > LARGEST_TAU:
        raise ValueError(
            f"tau must be at most {LARGEST_TAU:g}, got {tau}: above it a "
            "step subtracts a patch from its neighbours' average"
        )
