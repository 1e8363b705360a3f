"""``mlp show``: digits, weights, mistakes, curves and confusions, in the terminal or a picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer
from rich.text import Text

from mlp.cli import console
from mlp.cli.expand import Overrides, expand
from mlp.cli.options import DataFolder, DatasetName, Device, open_dataset, open_device
from mlp.cli.save_option import Force, Save, check_picture, write_picture
from mlp.common.errors import UsageError
from mlp.data.augment import deform
from mlp.data.load import Dataset, Split, ask
from mlp.models.attribution import contributions
from mlp.models.checkpoint import load
from mlp.models.metadata import metadata_of, task_of
from mlp.models.metrics import score
from mlp.models.predict import check_fits, probabilities
from mlp.nn.network import MLP
from mlp.training.recipe import Recipe
from mlp.view import plots
from mlp.view.answers import Readings
from mlp.view.confusions import draw_confusions
from mlp.view.curves import draw_curves, read_curves
from mlp.view.digit import Style, draw_digits
from mlp.view.heatmap import draw_units, legend, units_of
from mlp.view.layout import GAP, wrap
from mlp.view.mistakes import Case, draw_cases, surest
from mlp.view.screen import Screen
from mlp.view.select import labelled, rows_from

show = typer.Typer(no_args_is_help=True)

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A file from mlp train.")]

UNITS_SHOWN = 36
"""A layer's units that are drawn in the terminal unless more are asked for."""

MISTAKES_SHOWN, OF_ONE_DIGIT = 5, 2
"""Mistakes that are drawn unless another number is asked for: of all digits, and of one."""

MOST_MISTAKES = 50
"""More than so many do not go into a picture that can be looked at."""


@show.callback()
def _show() -> None:
    """Show digits, weights, mistakes, curves and confusions."""


@show.command()
@expand
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
    save: Save = None,
    force: Force = False,
) -> None:
    """Show images with their labels, as they are or as training deforms them."""
    check_picture(save, force)
    _check_count(count)
    screen = Screen.of_stdout()
    images = open_dataset(dataset, data)
    part = images.train if split == "train" else images.test
    if count is None:
        width = part.images.shape[2] * (2 if style == "greys" else 1)
        count = 1 if index is not None else max(1, (screen.width + GAP) // (width + GAP))
    rows = rows_from(labelled(part, digit, images.classes), index or 0)[:count]
    names = images.task.names_of(images.classes)
    captions = [f"{images.task.describe(part.labels[row], names)} (image {row})" for row in rows]
    shown = part.images[rows]  # (count, height, width)
    augment = training.over(Recipe()).augment
    if augment is not None:
        shown = deform(shown, augment, seed)
    screen.print(draw_digits(shown, captions, screen, style, negative))
    if save:
        write_picture(plots.plot_digits(shown, captions, negative), save)


@show.command()
def weights(
    model: Model,
    layer: Annotated[
        int | None, typer.Option(help="The layer, from 1 after the image; else all.")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(help=f"How many units of each layer; else {UNITS_SHOWN}, and all in FILE."),
    ] = None,
    scale: Annotated[
        Literal["layer", "unit"],
        typer.Option(help="Whether a layer's units have one scale or each its own."),
    ] = "layer",
    save: Save = None,
    force: Force = False,
) -> None:
    """Show the weights of each unit as an image, negative and positive in two colours."""
    check_picture(save, force)
    _check_count(count)
    screen = Screen.of_stdout()
    network = load(model)
    layers = [
        units_of(
            network.backend.to_numpy(network.linear[number - 1].W),
            number,
            _image_shape(network) if number == 1 else None,
            each=scale == "unit",
        )
        for number in _layer_numbers(network, layer)
    ]
    for k, units in enumerate(layers):
        shown = min(count or UNITS_SHOWN, len(units.images))
        screen.print([*[Text()][: k > 0], *draw_units(units, screen, shown)])
        if count is None and shown < len(units.images):
            console.note(f"{shown} of {len(units.images)} units: --count shows more")
    if save:
        write_picture(plots.plot_units(layers, count), save)


@show.command()
def mistakes(
    model: Model,
    digit: Annotated[
        int | None, typer.Option(help="Only images with this label, right ones as well as wrong.")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            help=f"How many; else {MISTAKES_SHOWN}, or {OF_ONE_DIGIT} right and wrong of --digit."
        ),
    ] = None,
    device: Device = "auto",
    dataset: DatasetName = "auto",
    data: DataFolder = None,
    save: Save = None,
    force: Force = False,
) -> None:
    """Show the test images that are wrong with the most confidence, and what was active."""
    check_picture(save, force)
    _check_count(count, MOST_MISTAKES)
    screen = Screen.of_stdout()
    network = load(model, open_device(device))
    plain = open_dataset(dataset, data)
    chosen = labelled(plain.test, digit, plain.classes)  # (N,)
    test, read = _read(network, plain)
    count = count or (MISTAKES_SHOWN if digit is None else OF_ONE_DIGIT)
    rows = surest(chosen & ~read.right, read.confidence, count)
    if not rows:
        console.note("no image is read wrong" + ("" if digit is None else f" of a {digit}"))
    if digit is not None:
        rows = surest(chosen & read.right, read.confidence, count) + rows
    cases = [
        Case(
            read.caption(row),
            test.images[row],
            read.shares[row],
            contributions(network, test.images[row], int(read.unit[row])),
        )
        for row in rows
    ]
    if not cases:
        return
    screen.print([*legend(screen), Text(), *draw_cases(cases, read.names, screen)])
    if save:
        write_picture(plots.plot_cases(cases, read.names), save)


@show.command()
def curves(model: Model, save: Save = None, force: Force = False) -> None:
    """Show the loss and the accuracies of a model's training, epoch by epoch."""
    check_picture(save, force)
    screen = Screen.of_stdout()
    network = load(model)
    history = read_curves(metadata_of(network), str(model))
    screen.print(draw_curves(history, screen))
    if save:
        write_picture(plots.plot_curves(history, f"{network}"), save)


@show.command()
def confusion(
    model: Model,
    count: Annotated[int, typer.Option(help="How many of the most frequent.")] = 10,
    device: Device = "auto",
    dataset: DatasetName = "auto",
    data: DataFolder = None,
    save: Save = None,
    force: Force = False,
) -> None:
    """Show which digits are taken for which; the picture is the whole confusion matrix."""
    check_picture(save, force)
    _check_count(count)
    screen = Screen.of_stdout()
    network = load(model, open_device(device))
    if task_of(network).kind != "multiclass":
        raise UsageError(
            f"{model} answers yes or no to each question, so no class is taken for another: "
            "mlp eval tells how well it answers"
        )
    images = open_dataset(dataset, data)
    test, read = _read(network, images)
    result = score(read.unit, test.labels, images.classes)
    title = f"{result.total - result.correct:,} of {result.total:,} {images.name} images read wrong"
    bars = draw_confusions(result.confusion, read.names, screen, count)
    screen.print([*wrap(title, screen.width), *bars])
    if save:
        write_picture(plots.plot_confusion(result.confusion, read.names, title), save)


def _read(network: MLP, plain: Dataset) -> tuple[Split, Readings]:
    """Ask a network of the test images what it was trained to answer."""
    task = task_of(network)
    images = ask(task, plain)
    check_fits(network, images.pixels, images.classes)
    with np.errstate(all="ignore"):  # weights of any size are to be shown
        shares = probabilities(network, images.test.images)  # (N, C)
    return images.test, Readings(task, shares, images.test.labels)


def _layer_numbers(network: MLP, layer: int | None) -> list[int]:
    numbers = range(1, len(network.linear) + 1)
    if layer is None:
        return list(numbers)
    if layer not in numbers:
        raise UsageError(
            f"--layer {layer}: the layers are 1 to {len(numbers)}, so take one of them"
        )
    return [layer]


def _image_shape(network: MLP) -> tuple[int, int] | None:
    """Return the shape of the images that a network was trained on, where its file tells it."""
    dataset = metadata_of(network).dataset
    if dataset is None or math.prod(dataset.image_shape) != network.sizes[0]:
        return None
    return dataset.image_shape


def _check_count(count: int | None, most: int | None = None) -> None:
    if count is not None and (count < 1 or (most is not None and count > most)):
        limit = "1 or more" if most is None else f"1 to {most}"
        raise UsageError(f"--count {count}: it takes {limit}")
