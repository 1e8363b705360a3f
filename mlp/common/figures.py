"""Figures read from a file: numbers that can be computed with and printed."""

from __future__ import annotations

LARGEST = 1e300
"""Whole numbers from here on are none: they become no float."""


def is_figure(value: object) -> bool:
    """Whether a value of JSON is a number, NaN and infinity included; true and false are none."""
    return type(value) is float or (type(value) is int and abs(value) < LARGEST)
