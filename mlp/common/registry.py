"""What can be chosen by name: things enter the registry of their kind where they are written.

A choice is a name, or a small call that gives it numbers: ``cosine``, ``step(5, 0.5)``. The command
line, recipes, model files, help texts and tests all go by the registries, so to add a thing is to
write it, under its decorator.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from mlp.common.choices import no_such
from mlp.common.errors import UsageError

Entry = TypeVar("Entry", bound=Callable[..., Any])


class Registry(Mapping[str, Entry]):
    """The classes or functions of one kind by their names, in the order of their registration.

    The numbers that a choice may be given are the entry's keyword-only parameters of type float;
    one without a default must be given.

    Args:
        kind: what the things are, for sentences, such as ``"activation"``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry] = {}

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """Decorate a class or function to make it a choice.

        Raises:
            ValueError: if the name is taken, or cannot be written as one.
        """
        if not re.fullmatch(NAME, name):
            raise ValueError(f"{name!r} is no name for a choice: use a-z, 0-9, _ and -")
        if name in self._entries:
            raise ValueError(f"there is an {self.kind} {name!r} already: choose another name")

        def enter(entry: Entry) -> Entry:
            self._entries[name] = entry
            return entry

        return enter

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}: {', '.join(self)})"

    def parse(self, text: str) -> tuple[Entry, dict[str, float]]:
        """Find what a choice names.

        Args:
            text: what the user wrote, such as ``"step(5, 0.5)"``.

        Returns:
            The entry, and its numbers by their names, with the defaults of those left out.

        Raises:
            UsageError: if there is no such name, or its numbers are too few, too many or none.
        """
        match = re.fullmatch(CALL, text) if isinstance(text, str) else None
        name = match[1] if match else text
        if match is None or name not in self:
            raise UsageError(no_such(self.kind, name, self))
        numbers = _numbers(match[2])
        parameters = self._parameters(name)
        least = sum(default is None for default in parameters.values())
        if numbers is None or not least <= len(numbers) <= len(parameters):
            count = f"up to {len(parameters)}" if least < len(parameters) else f"{least}"
            raise UsageError(
                f"{self.kind} {name!r} takes {count} finite number(s), as in "
                f"{self._call(name)}, not {text!r}"
            )
        given = parameters | dict(zip(parameters, numbers, strict=False))
        return self[name], {key: value for key, value in given.items() if value is not None}

    def make(self, text: str, *args: Any) -> Any:
        """Call what a choice names, with these arguments and the choice's numbers."""
        entry, numbers = self.parse(text)
        return entry(*args, **numbers)

    def describe(self) -> str:
        """List all choices as they are written, such as ``constant, step(every, factor)``."""
        return ", ".join(map(self._call, self))

    def _parameters(self, name: str) -> dict[str, float | None]:
        """Return the numbers that an entry takes, each with its default; None where it has none."""
        return {
            parameter.name: None if parameter.default is parameter.empty else parameter.default
            for parameter in inspect.signature(self[name]).parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY and parameter.annotation in (float, "float")
        }

    def _call(self, name: str) -> str:
        numbers = self._parameters(name)
        return f"{name}({', '.join(numbers)})" if numbers else name


NAME = r"[a-z][a-z0-9_-]*"
CALL = rf"\s*({NAME})\s*(?:\(([^()]*)\))?\s*"


def split_choices(text: str) -> list[str]:
    """Split several choices at the commas between them, not at those in brackets.

    What is no text stays as it is, for `Registry.parse` to refuse.
    """
    if not isinstance(text, str):
        return [text]
    parts, end, is_inside = [], len(text), False
    for place in range(len(text) - 1, -1, -1):  # from the end, as the next bracket tells
        if text[place] in "()":
            is_inside = text[place] == ")"
        elif text[place] == "," and not is_inside:
            parts.append(text[place + 1 : end])
            end = place
    return [text[:end], *reversed(parts)]


def _numbers(text: str | None) -> list[float] | None:
    """Read numbers with commas between; None where one is no finite number."""
    try:
        numbers = [float(part) for part in text.split(",")] if text and text.strip() else []
    except ValueError:
        return None
    return numbers if all(math.isfinite(number) for number in numbers) else None
