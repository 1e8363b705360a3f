"""Options that several commands share, and opening the device and the dataset they name."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from backends import Backend, get_backend
from backends.cuda.checks import kernel_cache
from mlp.cli import console
from mlp.data.interpret import Meaning
from mlp.data.load import Dataset, load_dataset
from mlp.data.reading import Reading
from mlp.data.task import Kind

Device = Annotated[
    str,
    typer.Option(help="auto, cpu, cuda or cuda:N; auto takes CUDA where it works."),
]
DatasetName = Annotated[
    str,
    typer.Option(
        "--dataset",
        "--train-file",
        metavar="NAME|PATH",
        help="mnist, synthetic, synthetic:N+M (N to train on, M to test), continental (drawn "
        "likewise, in the ways of other countries), tall (with long stems), "
        "slim (two thirds as wide), or a file or folder of IDX, CSV, .npz or images, or "
        "openml:NAME; auto takes MNIST, or synthetic digits where it is not to be had. NAME,NAME "
        "trains on both and tests on the first.",
    ),
]
OwnDatasetName = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        metavar="NAME|PATH",
        help="As mlp train takes it; else what the model was trained on.",
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
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]


def under(heading: str, option: Any) -> Any:
    """Return one of these options for ``Annotated``, to stand under a heading of a command."""
    info = copy(get_args(option)[1])
    info.rich_help_panel = heading
    return info


def open_device(device: str, precision: str = "float32", graph: bool = True) -> Backend:
    """Open the device and name it on stderr; say so where a GPU has yet to compile its kernels."""
    empty = None if device == "cpu" else _empty_cache()  # first, as opening a GPU compiles one
    backend = get_backend(device, precision=precision, graph=graph)
    console.note(f"device: {backend.name}")
    if backend.name.startswith("cuda") and empty is not None:
        console.note(f"its kernels are compiled first, for some seconds, and kept in {empty}")
    return backend


def _empty_cache() -> Path | None:
    """Return the folder of compiled kernels where it has none; None where it has, or is not told.

    A user without a home, or with one that may not be read, as a container has it, has none to see.
    """
    try:
        folder = kernel_cache()
        return None if folder.is_dir() and any(folder.iterdir()) else folder
    except (OSError, RuntimeError):
        return None


def open_dataset(
    name: str,
    folder: Path | None,
    *,
    reading: Reading | None = None,
    kind: Kind = "multiclass",
    known: Meaning | None = None,
) -> Dataset:
    """Load the dataset and describe it on stderr; draw a bar while it is downloaded."""
    with console.download_bar() as on_progress:
        dataset = load_dataset(
            name,
            folder,
            reading=reading,
            kind=kind,
            known=known,
            note=console.note,
            progress=on_progress,
        )
    console.note(
        f"data: {dataset.name} ({dataset.source}), {len(dataset.train):,} training and "
        f"{len(dataset.test):,} test {dataset.called}"
    )
    return dataset
