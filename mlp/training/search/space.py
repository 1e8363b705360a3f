"""What a search tries: values for fields of a recipe or an architecture, listed or in a range."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any

import numpy as np

from mlp.common.errors import UsageError
from mlp.common.rng import generator
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe
from mlp.training.runs.settings import Settings

FIXED = (
    "epochs", "validation", "seed", "keep", "monitor", "patience", "min_delta", "train_accuracy",
    "loss_on", "report_every",
)  # fmt: skip
"""Fields that are alike in all runs: how long these are, and by what they are compared."""

TRIABLE = tuple(
    field.name
    for kind in (Architecture, Recipe)
    for field in fields(kind)
    if field.name not in FIXED
)
"""The fields that a search may try values for."""

DIGITS = 3
"""Significant digits of the numbers that are drawn: more would say nothing."""

ATTEMPTS = 100
"""So often in a row nothing new is drawn before there is held to be no more."""

MOST = 10_000
"""A search has no more trials than this, and a grid no more values of a field."""

Values = dict[str, Any]
"""Of one trial: values by the names of their fields."""


@dataclass(frozen=True)
class Choice:
    """A field with the values to try.

    Raises:
        UsageError: if there are fewer than two different ones.
    """

    name: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if len(set(self.values)) < 2:
            found = ", ".join(map(as_text, self.values)) or "none"
            raise UsageError(
                f"{self.name} has no two values to try ({found}): write / between them, or leave "
                "it out and say it as an option"
            )

    def draw(self, rng: np.random.Generator) -> Any:
        """Draw one of the values, each as probable as another."""
        return self.values[int(rng.integers(len(self.values)))]


@dataclass(frozen=True)
class Range:
    """A field with the range that its values are drawn from.

    Attributes:
        name: the field's.
        low, high: its ends.
        log: whether each factor is as probable as another, instead of each difference.
        whole: whether its values are whole numbers.

    Raises:
        UsageError: if the ends make no range.
    """

    name: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf:
            raise UsageError(
                f"{self.name} has no range from {self.low:g} to {self.high:g}: it must rise"
            )
        if self.log and self.low <= 0:
            raise UsageError(
                f"{self.name} has no logarithm at {self.low:g}: begin above 0, or leave :log away"
            )

    def draw(self, rng: np.random.Generator) -> Any:
        """Draw a value, rounded to `DIGITS` digits or to a whole number."""
        return self._at(float(rng.random()))

    def spread(self, count: int) -> Choice:
        """Return so many values, evenly spread, with both ends.

        Raises:
            UsageError: if that are fewer than two different ones, or more than `MOST`.
        """
        if count > MOST:
            raise UsageError(f"{self.name} takes at most {MOST:,} values to try")
        places = np.linspace(0.0, 1.0, count).tolist()
        return Choice(self.name, tuple(dict.fromkeys(map(self._at, places))))

    def _at(self, place: float) -> Any:
        if self.log:
            value = self.low * (self.high / self.low) ** place
        else:
            value = self.low + (self.high - self.low) * place
        value = min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)
        return round(value) if self.whole else value


def draw_trials(space: Sequence[Choice | Range], count: int, seed: int) -> list[Values]:
    """Draw trials at random, no two alike; fewer than ``count`` where there are no more.

    The first trials of a larger number are those of a smaller one.
    """
    rng, missed = generator(seed, "search"), 0
    found: list[Values] = []
    seen = set()
    while len(found) < count and missed < ATTEMPTS:
        values = {dimension.name: dimension.draw(rng) for dimension in space}
        key = tuple(values.values())
        if key in seen:
            missed += 1
            continue
        seen.add(key)
        found.append(values)
        missed = 0
    return found


def grid_trials(space: Sequence[Choice | Range]) -> list[Values]:
    """Return every combination of the values, the last field's changing first.

    Raises:
        UsageError: if a range does not say how many, or they are more than `MOST`.
    """
    lists = []
    for dimension in space:
        if isinstance(dimension, Range):
            raise UsageError(
                f"a grid needs to know how many values of {dimension.name} to try: add :5 for "
                "five, say, or list them with / between"
            )
        lists.append(dimension.values)
    if (count := math.prod(map(len, lists))) > MOST:
        raise UsageError(f"a grid of {count:,} trials is too large: try fewer values, or at random")
    names = [dimension.name for dimension in space]
    return [dict(zip(names, values, strict=True)) for values in product(*lists)]


def with_values(settings: Settings, values: Values) -> Settings:
    """Return settings with a trial's values in place of their own.

    Raises:
        UsageError: if a value makes no sense, or not beside the others.
    """
    try:
        return replace(
            settings,
            network=replace(settings.network, **dict(_of(Architecture, values))),
            training=replace(settings.training, **dict(_of(Recipe, values))),
        )
    except UsageError as error:
        raise UsageError(f"{describe(values)}: {error}") from None


def describe(values: Values) -> str:
    """Write a trial's values in a line, as ``lr=0.1, hidden=64``."""
    return ", ".join(f"{name}={as_text(value)}" for name, value in values.items())


def as_text(value: Any) -> str:
    """Write a value as the option of its name takes it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _of(kind: type, values: Values) -> Iterator[tuple[str, Any]]:
    names = {field.name for field in fields(kind)}
    return ((name, value) for name, value in values.items() if name in names)
