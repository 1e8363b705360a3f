"""Central differences: what a gradient should be, and a sentence on how a written one differs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STEP = 1e-5
"""Truncation is about STEP², rounding about 1e-16 / STEP: both near 1e-10 for values near 1."""

TOLERANCE = 1e-7
"""The largest difference that passes, as a share of the largest element of the gradient."""


def check_gradient(
    name: str, value: Callable[[], float], x: np.ndarray, gradient: np.ndarray
) -> None:
    """Hold a gradient against central differences.

    Args:
        name: what the failure calls the gradient, such as ``"dW"``.
        value: computes the scalar function from what x holds at the time.
        x: float64, changed in place and put back.
        gradient: what was derived by hand, of x's shape.

    Raises:
        AssertionError: naming the worst element, both its values and what they have in common.
    """
    assert x.dtype == np.float64, f"{name}: differences need float64, not {x.dtype}"
    assert gradient.shape == x.shape, f"{name} has the shape {gradient.shape}, but x has {x.shape}"
    written = gradient.copy()  # value() may overwrite it
    numeric = differences(value, x)
    error = np.abs(numeric - written)
    limit = TOLERANCE * max(np.abs(numeric).max(), 1e-3)
    wrong = ~(error <= limit)  # so that nan is wrong
    if wrong.any():
        worst = np.unravel_index(np.where(wrong, error, -1.0).argmax(), x.shape)  # nan first
        raise AssertionError(
            f"{name}[{', '.join(map(str, worst))}] should be {numeric[worst]:.9g} by central "
            f"differences but is {written[worst]:.9g}; {wrong.sum()} of {wrong.size} elements "
            f"are off by more than {limit:.1e}{_pattern(numeric, written)}"
        )


def differences(value: Callable[[], float], x: np.ndarray) -> np.ndarray:
    """Estimate the gradient at x element by element: (f(x + h) - f(x - h)) / 2h."""
    numeric = np.empty_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + STEP
        above = value()
        x[index] = kept - STEP
        below = value()
        x[index] = kept
        numeric[index] = (above - below) / (2 * STEP)
    return numeric


def _pattern(numeric: np.ndarray, written: np.ndarray) -> str:
    """Name what a wrong gradient has in common with the right one, where that is simple."""
    if not np.isfinite(written).all():
        return "; some are not finite"
    if not written.any():
        return "; all of it is 0"
    norm = np.linalg.norm(numeric)
    factor = float((numeric * written).sum() / max(norm**2, 1e-300))
    if np.linalg.norm(written - factor * numeric) < 1e-6 * np.linalg.norm(written):
        return f"; all of it is {factor:.6g} times what it should be"
    square = numeric.shape == numeric.T.shape
    if square and np.linalg.norm(written - numeric.T) < 1e-6 * norm:
        return "; it is the transpose of what it should be"
    return ""
