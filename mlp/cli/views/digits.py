"""``mlp show digits``: images with their labels."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from mlp.cli.expand import Overrides
from mlp.cli.options import DataFolder, DatasetName, open_dataset
from mlp.cli.views.registry import VIEWS, Canvas, check_count, check_images
from mlp.data.augment import deform
from mlp.training.recipe import Recipe
from mlp.view import plots
from mlp.view.digit import Style, draw_digits
from mlp.view.layout import GAP
from mlp.view.select import labelled, rows_from


@VIEWS.register("digits")
def digits(
    *,
    dataset: DatasetName = "auto",
    data: DataFolder = None,
    digit: Annotated[int | None, typer.Option(help="Only images with this label.")] = None,
    index: Annotated[
        int | None, typer.Option(help="The number of the image to begin at, from 0.")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(help="How many images; else one at --index, or what fits side by side."),
    ] = None,
    style: Annotated[
        Style, typer.Option(help="Half blocks, or twice as large in five greys.")
    ] = "blocks",
    negative: Annotated[
        bool, typer.Option("--negative", help="Draw the paper instead of the ink.")
    ] = False,
    split: Annotated[Literal["train", "test"], typer.Option(help="Which images.")] = "train",
    training: Annotated[Overrides[Recipe], "augment"],
    seed: Annotated[int, typer.Option(min=0, help="Of the deformations.")] = 0,
    canvas: Canvas,
) -> None:
    """Show images with their labels, as they are or as training deforms them."""
    check_count(count)
    images = open_dataset(dataset, data)
    check_images(images)
    part = images.train if split == "train" else images.test
    if count is None:
        width = part.images.shape[2] * (2 if style == "greys" else 1)
        count = 1 if index is not None else max(1, (canvas.screen.width + GAP) // (width + GAP))
    rows = rows_from(labelled(part, digit, images.classes), index or 0)[:count]
    names = images.task.names_of(images.classes)
    captions = [f"{images.task.describe(part.labels[row], names)} (image {row})" for row in rows]
    shown = part.images[rows]  # (count, height, width)
    if augment := training.over(Recipe()).augment:
        shown = deform(shown, augment, seed)
    canvas.print(draw_digits(shown, captions, canvas.screen, style, negative))
    canvas.write(lambda: plots.plot_digits(shown, captions, negative))
