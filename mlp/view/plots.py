"""The same views as pictures, with matplotlib, which only this file imports, and only when used.

Each function draws a figure; `write` makes it a PNG file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlp.atomic import replacing
from mlp.errors import MLPError, UsageError
from mlp.view.curves import Curves, measures
from mlp.view.heatmap import NEGATIVE, POSITIVE, robust_maximum, scaled
from mlp.view.image import Image, as_image
from mlp.view.mistakes import Case, heatmaps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

LARGEST = 24.0
"""Inches: no figure is wider or higher."""

MOST_CAPTIONS = 400
"""More tiles than this are drawn without their captions, which would be too small to read."""


def check_installed() -> None:
    """Refuse to go on without matplotlib.

    Raises:
        UsageError: if it is not installed.
    """
    if find_spec("matplotlib") is None:
        raise UsageError(
            "--save draws with matplotlib, which is not installed: pip install 'mlp[plots]'"
        )


def write(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG file, whole or not at all; one that is there is replaced.

    Raises:
        MLPError: if it cannot be written.
    """
    content = BytesIO()
    figure.savefig(content, format="png", dpi=100)
    try:
        with replacing(path) as file:
            file.write(content.getbuffer())
    except OSError as error:
        raise MLPError(
            f"{path} cannot be written ({error.strerror}): choose another place with --save"
        ) from None


def plot_digits(images: NDArray[Any], captions: Sequence[str], negative: bool = False) -> Figure:
    """Draw images, uint8, shape (N, height, width), as tiles; the negative is ink on paper."""
    shades = "Greys" if negative else "Greys_r"
    return _tiles([image / 255.0 for image in images], captions, shades, (0.0, 1.0))


def plot_units(
    W: NDArray[Any],
    captions: Sequence[str],
    *,
    shape: tuple[int, int] | None = None,
    maximum: float | None = None,
) -> Figure:
    """Draw each unit's weights as a tile; the arguments are those of `heatmap.draw_units`."""
    images = [
        as_image(scaled(weights, robust_maximum(weights) if maximum is None else maximum), shape)
        for weights in W.T
    ]
    return _tiles(images, captions, _signed_colours(), (-1.0, 1.0))


def plot_cases(cases: Sequence[Case], names: Sequence[str]) -> Figure:
    """Draw a row a case: the image, the contributions layer by layer and the probabilities."""
    columns = 2 + max(len(case.contributions) for case in cases)
    figure = _figure(2.0 * (columns + 1), 2.2 * len(cases))
    ratios = {"width_ratios": [1] * (columns - 1) + [2]}
    grid = figure.subplots(len(cases), columns, squeeze=False, gridspec_kw=ratios)
    for case, row in zip(cases, grid, strict=True):
        for axes in row[:-1]:
            axes.axis("off")
        row[0].imshow(case.image, cmap="Greys", vmin=0, vmax=255)
        row[0].set_title(case.caption, fontsize=9, loc="left")
        for k, (axes, image) in enumerate(zip(row[1:], heatmaps(case), strict=False), start=1):
            axes.imshow(image, cmap=_signed_colours(), vmin=-1, vmax=1)
            axes.set_title(f"\nactive, layer {k}", fontsize=8, loc="left")
        row[-1].barh(range(len(names)), np.nan_to_num(case.probabilities), color="dimgrey")
        row[-1].set(xlim=(0, 1), yticks=range(len(names)), yticklabels=names)
        row[-1].invert_yaxis()
        row[-1].tick_params(labelsize=7)
    return figure


def plot_curves(curves: Curves, title: str) -> Figure:
    """Draw the loss and the accuracies over the epochs."""
    figure = _figure(9.0, 4.0)
    figure.suptitle(title)
    left, right = figure.subplots(1, 2)
    drawn = measures(curves)
    _lines(left, curves["epoch"], {"loss": drawn.pop("loss")})
    _lines(right, curves["epoch"], drawn)
    return figure


def plot_confusion(confusion: NDArray[np.int64], names: Sequence[str], title: str) -> Figure:
    """Draw a confusion matrix, shape (C, C): rows are labels, columns what was read.

    A cell's shade is the root of its share of the row, so that rare errors are seen beside the
    right answers.
    """
    side = min(2.0 + 0.55 * len(names), LARGEST)
    figure = _figure(side, side)
    axes = figure.subplots()
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)  # (C, C)
    axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(confusion):
        colour = "white" if shares[row, column] > 0.3 else "black"
        count = str(confusion[row, column])
        axes.text(column, row, count, ha="center", va="center", color=colour, fontsize=9)
    ticks = range(len(names))
    axes.set(xticks=ticks, yticks=ticks, xticklabels=names, yticklabels=names)
    axes.set(xlabel="read as", ylabel="label", title=title)
    return figure


def _tiles(
    images: Sequence[Image],
    captions: Sequence[str],
    colours: str | Colormap,
    limits: tuple[float, float],
) -> Figure:
    """Draw images of one size as tiles of one large image, which is fast for any number."""
    height, width = images[0].shape
    columns = int(np.ceil(np.sqrt(len(images) * height / width)))
    columns = min(max(columns, 1), len(images))
    rows = -(-len(images) // columns)
    captioned = len(images) <= MOST_CAPTIONS
    gap_x, gap_y = max(1, width // 10), max(1, height // (4 if captioned else 10))
    mosaic = np.full((rows * (height + gap_y), columns * (width + gap_x)), np.nan)
    figure = _figure(columns * 1.2, rows * 1.2 * len(mosaic) / rows / (height + gap_y))
    axes = figure.subplots()
    for i, (image, caption) in enumerate(zip(images, captions, strict=True)):
        top, left = (i // columns) * (height + gap_y) + gap_y, (i % columns) * (width + gap_x)
        mosaic[top : top + height, left : left + width] = image
        if captioned:
            axes.text(left - 0.5, top - 0.5 - gap_y * 0.15, caption, fontsize=8, va="bottom")
    axes.imshow(mosaic, cmap=colours, vmin=limits[0], vmax=limits[1], interpolation="nearest")
    axes.axis("off")
    return figure


def _lines(axes: Axes, epochs: Sequence[float], curves: Mapping[str, Sequence[float]]) -> None:
    for name, values in curves.items():
        axes.plot(epochs, values, marker="." if len(epochs) < 30 else "", label=name)
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    axes.legend([name.replace("_", " ") for name in curves])


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure((min(width, LARGEST), min(height, LARGEST)), layout="constrained")


def _signed_colours() -> Colormap:
    """Return the terminal's two colours, with white for 0, as for paper."""
    from matplotlib.colors import LinearSegmentedColormap

    ends = [tuple(channel / 255 for channel in colour) for colour in (NEGATIVE, POSITIVE)]
    return LinearSegmentedColormap.from_list("signed", [ends[0], "white", ends[1]])
