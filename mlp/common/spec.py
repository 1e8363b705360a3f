"""Choices written as a name or a small call, such as ``cosine`` or ``step(5, 0.5)``."""

from __future__ import annotations

import math
import re
from collections.abc import Collection

from mlp.common.errors import UsageError


def parse_spec(text: str, choices: dict[str, int], what: str) -> tuple[str, tuple[float, ...]]:
    """Split ``"name(1, 2)"`` into the name and its numbers.

    Args:
        text: what the user wrote.
        choices: each known name with the count of numbers that it takes.
        what: what is being chosen, for the error's sentence.

    Raises:
        UsageError: if the name is unknown, or the numbers are not finite or not as many.
    """
    name, numbers = _split(text, choices, what)
    if len(numbers) != choices[name] or not all(math.isfinite(number) for number in numbers):
        example = name + (f"({', '.join(['0.5'] * choices[name])})" if choices[name] else "")
        raise UsageError(
            f"{what} {name!r} takes {choices[name]} finite number(s), as in {example}, not {text!r}"
        )
    return name, numbers


def parse_call(
    text: str, choices: dict[str, dict[str, float]], what: str
) -> tuple[str, dict[str, float]]:
    """Split ``"name(1, 2)"`` as `parse_spec` does, with a default for each number left out.

    Args:
        text: what the user wrote.
        choices: each known name with the names of its numbers and their defaults, in order.
        what: what is being chosen, for the error's sentence.

    Returns:
        The name, and its numbers by their names.

    Raises:
        UsageError: if the name is unknown, or the numbers are not finite or too many.
    """
    name, numbers = _split(text, choices, what)
    defaults = choices[name]
    if len(numbers) > len(defaults) or not all(math.isfinite(number) for number in numbers):
        raise UsageError(
            f"{what} {name!r} takes up to {len(defaults)} finite number(s), "
            f"{name}({', '.join(defaults)}), not {text!r}"
        )
    return name, defaults | dict(zip(defaults, numbers, strict=False))


def _split(text: str, names: Collection[str], what: str) -> tuple[str, tuple[float, ...]]:
    """Split a call into its name and its numbers; what is no number becomes NaN."""
    match = re.fullmatch(r"\s*([a-z_]+)\s*(?:\(([^()]*)\))?\s*", text)
    name = match[1] if match else text
    if match is None or name not in names:
        raise UsageError(f"there is no {what} {name!r}: choose one of {', '.join(names)}")
    parts = match[2].split(",") if match[2] and match[2].strip() else []
    try:
        return name, tuple(float(part) for part in parts)
    except ValueError:
        return name, (math.nan,)
