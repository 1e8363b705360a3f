"""What each column of a table of new rows is, and the rows that a block of the table holds."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from mlp.data.formats.categories import Feature, values_of
from mlp.data.formats.rows import Asked, Rows
from mlp.data.formats.table import Table
from mlp.data.raw import RawSplit


def passed_columns(names: tuple[str, ...] | None, asked: Asked) -> dict[str, int]:
    """Find the columns to be passed through by their names, in any case if none fits exactly."""
    found = {}
    lower = [name.lower() for name in names or ()]
    for name in asked.names:
        if names and name in names:
            found[name] = names.index(name)
        elif name.lower() in lower:
            found[name] = lower.index(name.lower())
    return found


@dataclass(frozen=True)
class Layout:
    """What each column of a table is.

    Attributes:
        features: what the model reads of the columns, in its order.
        label: the label's column; None where there is none.
        passed: the columns to pass through, by the name asked for.
    """

    features: list[Feature]
    label: int | None
    passed: dict[str, int]

    def apply(self, table: Table, first: int) -> Rows:
        """Take a block of the table apart.

        Args:
            table: the block.
            first: how many rows stand before it.

        Raises:
            DataError: if the model is to read words as a number.
        """
        features, names = values_of(table, self.features, first), None
        if table.names is not None:
            names = tuple(f.name(table.names[f.column]) for f in self.features)
        last = re.fullmatch(r"(\d{1,6})x(\d{1,6})", names[-1]) if names else None
        if last is not None and int(last[1]) * int(last[2]) == features.shape[1]:
            features, names = features.reshape(-1, int(last[1]), int(last[2])), None
        labels = None if self.label is None else table.column(self.label)
        return Rows(
            RawSplit(features, labels, names),
            np.arange(first + 1, first + len(features) + 1),
            {name: table.texts[column] for name, column in self.passed.items()},
        )
