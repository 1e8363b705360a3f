"""A training run in the terminal: a line over the epochs for each figure, and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from rich.text import Text

from mlp.common.errors import ModelError
from mlp.data.task import Kind, score_text
from mlp.models.metadata import Figures, Metadata
from mlp.view.layout import flow, wrap
from mlp.view.screen import Screen

LEVELS = "▁▂▃▄▅▆▇█"
ASCII_LEVELS = "_.-=*#"

MOST_ROWS = 20
"""The table shows no more epochs than this, evenly spread."""

ORDER = ("epoch", "loss", "train_accuracy", "validation_accuracy", "test_accuracy")
SECONDS = "seconds"
"""Figures are shown in this order, then any others, and the seconds last."""

Curves = dict[str, list[float]]
"""Figures by their names, an entry an epoch; ``"epoch"`` and ``"loss"`` are always there."""


def read_curves(metadata: Metadata, name: str) -> Curves:
    """Take the figures of each epoch from what a model file tells of its training.

    Args:
        metadata: the model's.
        name: the model's name, for the error.

    Raises:
        ModelError: if the file tells nothing of its epochs, or nothing that makes sense.
    """
    if "history" in metadata.unread:
        raise ModelError(f"the history in {name} is damaged: train the model again")
    history = metadata.history
    if not history:
        raise ModelError(
            f"{name} does not hold the history of its training: train it again to see its curves"
        )
    return curves_of(history)


def curves_of(history: Sequence[Figures]) -> Curves:
    """Turn the figures of each epoch into a list for each name; leave out what some epochs lack."""
    if not history:
        return {}
    names = [*ORDER, *sorted(history[0].keys() - {*ORDER, SECONDS}), SECONDS]
    columns = {key: [epoch.get(key) for epoch in history] for key in names}
    return {
        key: [float(value) for value in column if value is not None]
        for key, column in columns.items()
        if None not in column
    }


def measures(curves: Curves) -> dict[str, list[float]]:
    """Leave out what is not drawn over the epochs: their numbers and their seconds."""
    return {name: values for name, values in curves.items() if name not in ("epoch", SECONDS)}


def sparkline(
    values: Sequence[float],
    width: int,
    screen: Screen,
    scale: tuple[float, float] | None = None,
) -> str:
    """Draw values as one character each; at most ``width``.

    Args:
        values: the values.
        width: the most characters.
        screen: what the terminal can show.
        scale: the least and the largest value that is drawn; those of the values unless given.
    """
    levels = LEVELS if screen.can_show(LEVELS) else ASCII_LEVELS
    picked = np.array([values[i] for i in _spread(len(values), width)])
    low, high = scale or (picked.min(), picked.max())
    heights = (picked / 2 - low / 2) / (high / 2 - low / 2) if high > low else np.ones(len(picked))
    return "".join(levels[round(h * (len(levels) - 1))] for h in heights.tolist())


def draw_curves(curves: Curves, screen: Screen, kind: Kind = "multiclass") -> list[Text]:
    """Draw a line over the epochs for each figure, and below it a table of the epochs.

    Args:
        curves: the figures.
        screen: what the terminal can show.
        kind: of the task that was learnt.
    """
    lines = []
    drawn = measures(curves)
    longest = max(len(_title(name)) for name in drawn)
    for name, values in drawn.items():
        ends = f"{_figure(name, values[0], kind)} to {_figure(name, values[-1], kind)}"
        room = max(screen.width - longest - len(ends) - 4, 1)
        lines += [Text(f"{_title(name):<{longest}}  {sparkline(values, room, screen)}  {ends}")]
        lines[-1].truncate(screen.width)
    return [*lines, *wrap("", screen.width), *_table(curves, screen, kind)]


def draw_comparison(
    runs: Mapping[str, Curves], screen: Screen, kind: Kind = "multiclass"
) -> list[Text]:
    """Draw, for each figure, the lines of several runs below one another, on one scale.

    Each line is as long as its run has epochs, so that a longer run reaches further.

    Args:
        runs: the curves of each run, by its name.
        screen: what the terminal can show.
        kind: of their task.
    """
    figures = list(dict.fromkeys(name for curves in runs.values() for name in measures(curves)))
    longest = max(len(curves.get("epoch", [])) for curves in runs.values())
    margin = max(map(len, runs), default=0)
    lines: list[Text] = []
    for figure in figures:
        drawn = {name: curves[figure] for name, curves in runs.items() if figure in curves}
        low, high = min(map(min, drawn.values())), max(map(max, drawn.values()))
        lines += [Text(_title(figure))]
        for name, values in drawn.items():
            ends = f"{_figure(figure, values[0], kind)} to {_figure(figure, values[-1], kind)}"
            room = max(screen.width - margin - len(ends) - 6, 1)
            width = max(1, round(min(room, longest) * len(values) / longest))
            line = sparkline(values, width, screen, (low, high)).ljust(min(room, longest))
            lines += [Text(f"  {name:<{margin}}  {line}  {ends}")]
            lines[-1].truncate(screen.width)
    return lines


def _table(curves: Curves, screen: Screen, kind: Kind) -> list[Text]:
    """Write the epochs below one another; columns that find no room go on below."""
    rows = _spread(len(curves["epoch"]), MOST_ROWS)
    columns = []
    for name, values in curves.items():
        cells = [_title(name), *(_figure(name, values[row], kind) for row in rows)]
        width = max(map(len, cells))
        columns.append([Text(cell.rjust(width)) for cell in cells])
    return flow(columns, screen.width)


def _title(name: str) -> str:
    return name.removesuffix("_accuracy").replace("_", " ")


def _figure(name: str, value: float, kind: Kind) -> str:
    if name == "epoch":
        return f"{value:.0f}"
    if name == SECONDS:
        return f"{value:.2f}"
    if name.endswith("accuracy"):
        return score_text(kind, value)
    return f"{value:.4f}" if abs(value) < 1e5 else f"{value:.3e}"


def _spread(count: int, most: int) -> list[int]:
    """Pick at most so many of ``range(count)``, evenly, with the first and the last."""
    rows: list[int] = np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()
    return rows
