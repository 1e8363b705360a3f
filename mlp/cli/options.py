"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from backends import Backend, get_backend
from mlp.cli import console
from mlp.common.errors import UsageError
from mlp.data.load import Dataset, load_dataset
from mlp.training.architecture import Architecture
from mlp.training.presets.preset import Preset, override
from mlp.training.recipe import Recipe

Device = Annotated[
    str,
    typer.Option(help="auto, cpu, cuda or cuda:N; auto takes CUDA where it works."),
]
DatasetName = Annotated[
    str,
    typer.Option(
        "--dataset",
        metavar="NAME|PATH",
        help="mnist, synthetic, synthetic:N+M (N to train on, M to test), or a file or "
        "folder of IDX, CSV, .npz or images; auto takes MNIST, or synthetic digits where it is "
        "not to be had. NAME,NAME trains on both and tests on the first.",
    ),
]
DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Where MNIST's four files are. Else $MLP_DATA_DIR, the user's cache, a download.",
    ),
]
Precision = Annotated[
    str,
    typer.Option(help="Of matrix products: float32, or on CUDA tf32 or bf16, which round more."),
]
Augment = Annotated[
    str | None,
    typer.Option(
        metavar="KIND,…",
        help="Deform the images: affine(rotation°,scale,shift,shear°), elastic(sigma,alpha), "
        "thickness(amount); numbers left out have defaults.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]


def open_device(device: str, precision: str = "float32", graph: bool = True) -> Backend:
    """Open the device and tell on stderr which it is."""
    backend = get_backend(device, precision=precision, graph=graph)
    console.note(f"device: {backend.name}")
    return backend


def open_dataset(name: str, folder: Path | None) -> Dataset:
    """Load the dataset and tell on stderr what it is; draws a bar while downloading."""
    with console.download_bar() as progress:
        dataset = load_dataset(name, folder, note=console.note, progress=progress)
    console.note(
        f"data: {dataset.name} ({dataset.source}), {len(dataset.train):,} training and "
        f"{len(dataset.test):,} test images"
    )
    return dataset


def choose(
    given: dict[str, Any], preset: Preset | None, recipe: Recipe | None = None
) -> tuple[Architecture, Recipe]:
    """Put what was given on the command line over a preset's values, or over the defaults.

    Args:
        given: values by the names of options, as they were written; those that name no field of
            an architecture or a recipe are let be.
        preset: what to start from; else the defaults.
        recipe: the defaults, where they are others than `Recipe`'s.
    """
    given = dict(given)
    if "hidden" in given:
        given["hidden"] = parse_widths(given["hidden"])
    if "batch_size" in given:
        given["batch_size"] = parse_batch_size(given["batch_size"])
    if preset is not None:
        return override(preset.architecture, given), override(preset.recipe, given)
    return override(Architecture(), given), override(recipe or Recipe(), given)


def parse_widths(text: str) -> tuple[int, ...]:
    """Read ``"256,128"`` as (256, 128), and ``"none"`` as no layers.

    Raises:
        UsageError: if it is not positive whole numbers with commas between.
    """
    if text.strip() in ("", "none"):
        return ()
    try:
        widths = tuple(int(part) for part in text.split(","))
    except ValueError:
        widths = (0,)
    if min(widths) < 1:
        raise UsageError(f"--hidden takes widths such as 256,128, or none, not {text!r}")
    return widths


def parse_classes(text: str) -> tuple[int, ...]:
    """Read ``"0,2,4"`` as (0, 2, 4).

    Raises:
        UsageError: if it is not whole numbers with commas between.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--positive takes digits such as 0,2,4,6,8, not {text!r}") from None


def parse_batch_size(text: str) -> int | Literal["full"]:
    """Read ``"128"`` or ``"full"``.

    Raises:
        UsageError: if it is neither.
    """
    if text == "full":
        return "full"
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"--batch-size takes a whole number or full, not {text!r}") from None
