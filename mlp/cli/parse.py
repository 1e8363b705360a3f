"""Read the options whose values have no type in typer, such as ``256,128``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from mlp.common.errors import UsageError


def parse_widths(text: str, name: str = "hidden") -> tuple[int, ...]:
    """Read ``"256,128"`` as (256, 128), and ``"none"`` as no layers.

    Raises:
        UsageError: if it is not positive whole numbers with commas between.
    """
    if text.strip() in ("", "none"):
        return ()
    try:
        widths = tuple(int(part) for part in text.split(","))
    except ValueError:
        widths = (0,)
    if min(widths) < 1:
        raise UsageError(f"{_flag(name)} takes widths such as 256,128, or none, not {text!r}")
    return widths


def parse_batch_size(text: str, name: str = "batch_size") -> int | Literal["full"]:
    """Read ``"128"`` or ``"full"``.

    Raises:
        UsageError: if it is neither.
    """
    if text == "full":
        return "full"
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{_flag(name)} takes a whole number or full, not {text!r}") from None


def parse_classes(text: str) -> tuple[int, ...]:
    """Read ``"0,2,4"`` as (0, 2, 4).

    Raises:
        UsageError: if it is not whole numbers with commas between.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--positive takes digits such as 0,2,4,6,8, not {text!r}") from None


def parse_counts(text: str, name: str) -> list[int]:
    """Read ``"64,16,64"`` as [16, 64].

    Raises:
        UsageError: if it is not positive whole numbers with commas between.
    """
    try:
        numbers = sorted({int(part) for part in text.split(",")})
    except ValueError:
        numbers = [0]
    if numbers[0] < 1:
        raise UsageError(f"{_flag(name)} takes whole numbers such as 16,64,256, not {text!r}")
    return numbers


def parse_range(text: str, name: str) -> tuple[float, float]:
    """Read ``"0.01..1"`` as (0.01, 1.0).

    Raises:
        UsageError: if it is not two finite numbers, the first below the second.
    """
    low, dots, high = text.partition("..")
    try:
        ends = float(low), float(high)
    except ValueError:
        ends = math.nan, math.nan
    if not (dots and -math.inf < ends[0] < ends[1] < math.inf):
        raise UsageError(f"{_flag(name)} takes a range such as 0.01..1, not {text!r}")
    return ends


PARSERS: dict[Any, Callable[[Any, str], object]] = {
    tuple[int, ...]: parse_widths,
    int | Literal["full"]: parse_batch_size,
}
"""By the type of a dataclass's field, the function that reads its value: (text, name) -> value."""


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
