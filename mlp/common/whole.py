"""Whole numbers, whatever type they have: Python's, NumPy's or another library's."""

from __future__ import annotations

from numbers import Integral


def as_whole(value: object) -> int | None:
    """Return a whole number as a plain int; None for a bool, a float and anything else."""
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
