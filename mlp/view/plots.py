"""The same views as pictures, with matplotlib, which is imported only when used.

Each function draws a figure; `mlp.cli.save_option` makes it a PNG file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import UsageError
from mlp.common.pictures import NEGATIVE, POSITIVE, Image
from mlp.common.version import install_command
from mlp.data.disturb import DISTURBANCES
from mlp.view.curves import Curves, measures
from mlp.view.heatmap import Units
from mlp.view.image import enlarge
from mlp.view.mistakes import Case, heatmaps
from mlp.view.rate_curve import ceiling

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure, FigureBase

LARGEST = 40.0
"""Inches: no mosaic and no matrix is wider or higher."""

SHARP = 24
"""Pixels: smaller tiles are enlarged to about this, so that there is room between them."""

TILE = 1.1
"""Inches: the width of a tile, where there are not too many."""

WORDS = 5.0
"""Inches: as wide as the words above a layer's tiles, so that those of one tile are not cut."""

MOST_CAPTIONS = 400
"""More tiles than this are drawn without their captions, which would be too small to read."""


def check_installed() -> None:
    """Refuse to go on without matplotlib.

    Raises:
        UsageError: if it is not installed.
    """
    if find_spec("matplotlib") is None:
        raise UsageError(
            f"--save draws with matplotlib, which is not installed: {install_command('plots')}"
        )


def plot_digits(images: NDArray[Any], captions: Sequence[str], negative: bool = False) -> Figure:
    """Draw images, uint8, shape (N, height, width), as tiles; the negative is ink on paper."""
    shades = "Greys" if negative else "Greys_r"
    mosaic = _Mosaic([image / 255.0 for image in images], captions)
    figure = _figure(*mosaic.inches)
    mosaic.draw(figure, shades, 0.0)
    return figure


def plot_units(layers: Sequence[Units], count: int | None = None) -> Figure:
    """Draw layers below one another, each unit's weights as a tile.

    Args:
        layers: their units.
        count: how many units of each; all unless given.
    """
    mosaics = [_Mosaic(units.images[:count], units.captions[:count]) for units in layers]
    heights = [mosaic.inches[1] + 0.6 for mosaic in mosaics]
    figure = _figure(max(WORDS, *(mosaic.inches[0] for mosaic in mosaics)), sum(heights))
    parts = figure.subfigures(len(layers), 1, height_ratios=heights, squeeze=False)[:, 0]
    for units, mosaic, part in zip(layers, mosaics, parts, strict=True):
        part.suptitle(f"{units.title}\nblue negative, orange positive, {units.full}", fontsize=9)
        mosaic.draw(part, _signed_colours(), -1.0)
    return figure


def plot_cases(cases: Sequence[Case], names: Sequence[str]) -> Figure:
    """Draw a row a case: the image, the contributions layer by layer and the probabilities."""
    columns = 2 + max(len(case.contributions) for case in cases)
    figure = _figure(2.0 * (columns + 1), 2.4 * len(cases), layout=None)
    parts = figure.subfigures(len(cases), 1, squeeze=False)[:, 0]
    for case, part in zip(cases, parts, strict=True):
        part.text(0.5, 0.92, _plain(case.caption), fontsize=9, ha="center")
        image, *active, bars = part.subplots(
            1,
            columns,
            width_ratios=[1] * (columns - 1) + [2],
            gridspec_kw={"left": 0.02, "right": 0.97, "top": 0.88, "bottom": 0.14},
        )
        image.imshow(case.image, cmap="Greys", vmin=0, vmax=255)
        for k, (axes, heatmap) in enumerate(zip(active, heatmaps(case), strict=True), start=1):
            axes.imshow(heatmap, cmap=_signed_colours(), vmin=-1, vmax=1)
            axes.set_xlabel(f"active, layer {k}", fontsize=8)
        for axes in (image, *active):
            axes.set(xticks=[], yticks=[])
        bars.barh(range(len(names)), np.nan_to_num(case.probabilities), color="dimgrey")
        bars.set(xlim=(0, 1), yticks=range(len(names)), yticklabels=_all_plain(names))
        bars.invert_yaxis()
        bars.tick_params(labelsize=7)
    return figure


def plot_curves(curves: Curves, title: str) -> Figure:
    """Draw the loss and the accuracies over the epochs."""
    figure = _figure(9.0, 4.0)
    figure.suptitle(_plain(title))
    left, right = figure.subplots(1, 2)
    drawn = measures(curves)
    _lines(left, curves["epoch"], {"loss": drawn.pop("loss")})
    _lines(right, curves["epoch"], drawn)
    return figure


def plot_comparison(runs: Mapping[str, Curves]) -> Figure:
    """Draw each figure of several runs in axes of its own, a line a run over the epochs.

    Args:
        runs: the curves of each run, by its name.
    """
    names = list(dict.fromkeys(name for curves in runs.values() for name in measures(curves)))
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    figure = _figure(4.0 * columns, 3.2 * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, name in zip(grid, names, strict=False):
        for run, curves in runs.items():
            if name in curves:
                epochs = curves["epoch"]
                axes.plot(
                    epochs, curves[name], marker="." if len(epochs) < 30 else "", label=_plain(run)
                )
        axes.set(xlabel="epoch", title=name.replace("_", " "))
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    for axes in grid[len(names) :]:
        axes.axis("off")
    return figure


def plot_rates(
    rates: NDArray[Any], losses: NDArray[Any], smoothed: NDArray[Any], lr: float | None, title: str
) -> Figure:
    """Draw a learning-rate range test: the losses, the smoothed loss, and the suggested rate.

    Args:
        rates: of the updates, shape (n,).
        losses: of the updates, shape (n,).
        smoothed: the smoothed loss of the first of them, shape (m,); nothing is drawn beyond.
        lr: the suggestion; None for none.
        title: of the picture.
    """
    figure = _figure(7.0, 4.0)
    axes = figure.subplots()
    m = len(smoothed)
    axes.plot(rates[:m], losses[:m], ".", color="silver", markersize=3, label="each update's loss")
    axes.plot(rates[:m], smoothed, label="smoothed")
    if lr is not None:
        axes.axvline(lr, color="dimgrey", linestyle=":", label=f"suggested: {lr:g}")
    top, low = ceiling(smoothed.tolist()), float(smoothed.min())
    axes.set(xscale="log", xlabel="learning rate", ylabel="loss", title=_plain(title))
    axes.set_ylim(low - 0.1 * (top - low), top + 0.3 * (top - low))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure


def plot_robustness(curves: Mapping[str, Mapping[float, float]], title: str) -> Figure:
    """Draw the accuracy against the amount of each disturbance, in axes of its own."""
    figure = _figure(4.0 * len(curves), 3.6)
    figure.suptitle(_plain(title), fontsize=9)
    found = figure.subplots(1, len(curves), squeeze=False)[0]
    for axes, (kind, curve) in zip(found, curves.items(), strict=True):
        axes.plot([*curve], [*curve.values()], marker=".")
        axes.set(title=kind, xlabel=DISTURBANCES[kind].unit, ylim=(0, 1.02))
        axes.axvline(0, color="dimgrey", linestyle=":")
        axes.grid(alpha=0.3)
    return figure


def plot_confusion(confusion: NDArray[np.int64], names: Sequence[str], title: str) -> Figure:
    """Draw a confusion matrix, shape (C, C): rows are labels, columns what was read.

    A cell's shade is the square root of its fraction of the row, so that rare errors are seen
    beside the correct answers.
    """
    side = min(2.0 + 0.55 * len(names), LARGEST)
    figure = _figure(side, side)
    axes = figure.subplots()
    fractions = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)  # (C, C)
    axes.imshow(np.sqrt(fractions), cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(confusion):
        colour = "white" if fractions[row, column] > 0.3 else "black"
        count = str(confusion[row, column])
        axes.text(column, row, count, ha="center", va="center", color=colour, fontsize=9)
    ticks = range(len(names))
    names = _all_plain(names)
    axes.set(xticks=ticks, yticks=ticks, xticklabels=names, yticklabels=names)
    axes.set(xlabel="read as", ylabel="label", title=_plain(title))
    return figure


class _Mosaic:
    """Images of one size as tiles of one large image, which draws fast for any number.

    Attributes:
        inches: the width and height that suit it.
    """

    def __init__(self, images: Sequence[Image], captions: Sequence[str]) -> None:
        self._captions = (
            _all_plain(captions) if len(images) <= MOST_CAPTIONS else [""] * len(images)
        )
        images = [enlarge(image, max(1, SHARP // max(image.shape))) for image in images]
        height, width = images[0].shape
        columns = min(round(np.ceil(np.sqrt(len(images) * height / width))), len(images))
        rows = -(-len(images) // columns)
        tall, wide = height + max(1, height // 4), width + max(1, width // 10)  # captions and gaps
        self._corners = [
            (tall * (i // columns) + tall - height, wide * (i % columns))
            for i in range(len(images))
        ]
        self._image = np.full((tall * rows, wide * columns), np.nan)
        for (top, left), image in zip(self._corners, images, strict=True):
            self._image[top : top + height, left : left + width] = image
        self.inches = (
            min(max(TILE * columns, 3.0), LARGEST),
            min(TILE * rows * tall / wide, LARGEST),
        )

    def draw(self, figure: FigureBase, colours: str | Colormap, lowest: float) -> None:
        """Draw it, with the colours from ``lowest`` to 1."""
        axes = figure.subplots()
        axes.imshow(self._image, cmap=colours, vmin=lowest, vmax=1.0, interpolation="nearest")
        for (top, left), caption in zip(self._corners, self._captions, strict=True):
            axes.annotate(
                caption, (left - 0.5, top - 0.5), (0, 2), textcoords="offset points", fontsize=7
            )
        axes.axis("off")


def _plain(text: str) -> str:
    """Return a text that is no formula, which matplotlib sees between two signs $."""
    return text.replace("$", r"\$")


def _all_plain(texts: Sequence[str]) -> list[str]:
    return [_plain(text) for text in texts]


def _lines(axes: Axes, epochs: Sequence[float], curves: Mapping[str, Sequence[float]]) -> None:
    from matplotlib.ticker import MaxNLocator

    for name, values in curves.items():
        axes.plot(epochs, values, marker="." if len(epochs) < 30 else "", label=name)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend([name.replace("_", " ") for name in curves])


def _figure(
    width: float, height: float, layout: Literal["constrained"] | None = "constrained"
) -> Figure:
    """Make a figure, in inches; with hundreds of axes the constrained layout takes minutes."""
    from matplotlib.figure import Figure

    return Figure((width, height), layout=layout)


def _signed_colours() -> Colormap:
    """Return the terminal's two colours, with white for 0, as for paper."""
    from matplotlib.colors import LinearSegmentedColormap

    ends = [(r / 255, g / 255, b / 255) for r, g, b in (NEGATIVE, POSITIVE)]
    return LinearSegmentedColormap.from_list("signed", [ends[0], (1.0, 1.0, 1.0), ends[1]])
