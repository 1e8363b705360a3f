"""What ``mlp bench`` measured as pictures, with matplotlib, imported only when used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mlp.benchmark.epochs import Cell, Result, as_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_speeds(results: Sequence[Result]) -> Figure:
    """Draw a bar of images a second for each device, with the range of its turns."""
    from matplotlib.figure import Figure

    figure = Figure((6.0, 1.2 + 0.6 * len(results)), layout="constrained")
    axes = figure.subplots()
    for result in results:
        seconds, speed = result.timing.seconds, result.images_per_second
        least, most = result.images / max(seconds), result.images / min(seconds)
        axes.barh(result.timing.device, speed, xerr=[[speed - least], [most - speed]], capsize=4)
    axes.set_xlabel("images a second: median, least and most")
    axes.invert_yaxis()
    return figure


def plot_map(cells: Sequence[Cell]) -> Figure:
    """Draw a sweep's map: batch sizes down, widths across.

    With one device, the colour is its images a second; with several, how many times as fast as the
    first one the fastest of the others is.
    """
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    batch_sizes, widths, rows = as_map(cells)
    alone = len(cells[0].timings) == 1
    value = (lambda cell: cell.images / cell.timings[0].median) if alone else _lead
    colours = np.array([[value(cell) for cell in row] for row in rows])  # (batch sizes, widths)
    figure = Figure((2.0 + 1.3 * len(widths), 1.6 + 0.6 * len(batch_sizes)), layout="constrained")
    axes = figure.subplots()
    if alone:
        scale = LogNorm(colours.min(), colours.max())
    else:  # as far below 1 as above, so that the middle colour is a draw
        far = max(colours.max(), 1 / colours.min(), 2.0)
        scale = LogNorm(1 / far, far)
    picture = axes.imshow(colours, cmap="viridis" if alone else "PuOr", norm=scale, aspect="auto")
    for row, line in enumerate(rows):
        for column, cell in enumerate(line):
            text = f"{colours[row, column]:,.0f}" if alone else cell.verdict
            box = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 2}
            axes.text(column, row, text, ha="center", va="center", fontsize="small", bbox=box)
    axes.set_xticks(range(len(widths)), [f"{width:,}" for width in widths])
    axes.set_yticks(range(len(batch_sizes)), [f"{size:,}" for size in batch_sizes])
    axes.set_xlabel("width of the hidden layers")
    axes.set_ylabel("batch size")
    devices = [timing.device for timing in cells[0].timings]
    others = " or ".join(devices[1:])
    label = (
        f"{devices[0]}: images a second" if alone else f"{others}, times as fast as {devices[0]}"
    )
    figure.colorbar(picture, label=label)
    return figure


def _lead(cell: Cell) -> float:
    first, *others = cell.timings
    return max(other.times_as_fast(first) for other in others)
