"""Choices written as a name or a small call, such as ``cosine`` or ``step(5, 0.5)``."""

from __future__ import annotations

import math
import re

from mlp.errors import UsageError


def parse_spec(text: str, choices: dict[str, int], what: str) -> tuple[str, tuple[float, ...]]:
    """Split ``"name(1, 2)"`` into the name and its numbers.

    Args:
        text: what the user wrote.
        choices: each known name with the count of numbers that it takes.
        what: what is being chosen, for the error's sentence.

    Raises:
        UsageError: if the name is unknown, or the numbers are not finite or not as many.
    """
    match = re.fullmatch(r"\s*([a-z_]+)\s*(?:\(([^()]*)\))?\s*", text)
    name = match[1] if match else text
    if match is None or name not in choices:
        raise UsageError(f"there is no {what} {name!r}: choose one of {', '.join(choices)}")
    parts = match[2].split(",") if match[2] and match[2].strip() else []
    try:
        numbers = tuple(float(part) for part in parts)
    except ValueError:
        numbers = (math.nan,)
    if len(numbers) != choices[name] or not all(math.isfinite(number) for number in numbers):
        example = name + (f"({', '.join(['0.5'] * choices[name])})" if choices[name] else "")
        raise UsageError(
            f"{what} {name!r} takes {choices[name]} finite number(s), as in {example}, not {text!r}"
        )
    return name, numbers
