"""``mlp bench``: how fast a network trains here, and on which device."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from backends import Backend, BackendError, get_backend
from mlp.benchmark import epochs as benchmark
from mlp.benchmark.workload import Workload, noise
from mlp.cli import console
from mlp.cli.bench_report import map_json, print_map, print_speeds, report_setting, speeds_json
from mlp.cli.expand import Overrides
from mlp.cli.options import DataFolder, Json, open_dataset
from mlp.cli.parse import parse_counts
from mlp.cli.save_option import Force, check_picture, write_picture
from mlp.common.errors import UsageError
from mlp.training.architecture import Architecture
from mlp.training.presets.preset import load_preset
from mlp.training.recipe import Recipe
from mlp.view import benchmark_plots

IMAGES, SWEEP_IMAGES = 60_000, 8_192
"""How many images of noise are made by default: as many as MNIST has, and fewer for a map."""

BATCH_SIZES, WIDTHS = "16,64,256,1024,4096", "16,64,256,1024"
"""The default places of a map."""


def bench(
    *,
    device: Annotated[
        list[str] | None,
        typer.Option(help="cpu, cuda or cuda:N, once for each; else cpu, and cuda if it works."),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="A published recipe to time; see mlp presets.")
    ] = None,
    network: Annotated[Overrides[Architecture], "hidden", "activation", "dtype"],
    training: Annotated[Overrides[Recipe], "batch_size", "loss"],
    images: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=f"How many images of noise to train on; else {IMAGES:,}, "
            f"and {SWEEP_IMAGES:,} for a map.",
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(metavar="NAME|PATH", help="Images to train on in the noise's place."),
    ] = None,
    data: DataFolder = None,
    repeats: Annotated[int, typer.Option(min=1, help="Turns of each device.")] = 7,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1, help=f"Epochs of a turn; else what lasts {benchmark.TURN_SECONDS} seconds."
        ),
    ] = None,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Map batch sizes and widths: which device wins where?")
    ] = False,
    batch_sizes: Annotated[
        str | None, typer.Option(metavar="N,N,…", help=f"Of the map; else {BATCH_SIZES}.")
    ] = None,
    widths: Annotated[
        str | None,
        typer.Option(metavar="N,N,…", help=f"Of the map's hidden layers; else {WIDTHS}."),
    ] = None,
    as_json: Json = False,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", "--save", metavar="FILE.png", help="Draw it too; needs the extra plots."
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Time the training of a network on one device or several."""
    if images is not None and dataset is not None:
        raise UsageError("--images makes noise in the place of a --dataset: leave one of them away")
    if data is not None and dataset is None:
        raise UsageError("--data tells where MNIST is: add --dataset mnist")
    if sweep and "batch_size" in training:
        raise UsageError("a map has several batch sizes: name them with --batch-sizes")
    if not sweep and (batch_sizes is not None or widths is not None):
        raise UsageError("--batch-sizes and --widths are those of a map: add --sweep")
    check_picture(plot, force)
    start = load_preset(preset) if preset else None
    architecture = network.over(start.architecture if start else Architecture())
    recipe = training.over(start.recipe if start else Recipe())
    backends = _open(device)
    count = images or (SWEEP_IMAGES if sweep else IMAGES)
    workload = _workload(architecture, recipe, dataset, data, count)
    if sweep:
        places = _places(workload, batch_sizes or BATCH_SIZES, widths or WIDTHS)
        setting = report_setting(workload, backends)
        with _status() as on_status:
            cells = list(benchmark.sweep(workload, backends, *places, repeats, epochs, on_status))
        if as_json:
            print(json.dumps(setting | map_json(cells)))
        else:
            print_map(cells)
        if plot is not None:
            write_picture(benchmark_plots.plot_map(cells), plot)
        return
    setting = report_setting(workload, backends)
    with _status() as on_status:
        results = benchmark.bench(workload, backends, repeats, epochs, on_status)
    if as_json:
        print(json.dumps(setting | speeds_json(results)))
    else:
        print_speeds(results)
    if plot is not None:
        write_picture(benchmark_plots.plot_speeds(results), plot)


def _open(devices: list[str] | None) -> list[Backend]:
    """Open each device once; by default the CPU, and CUDA where it works."""
    if devices is None:
        try:
            return [get_backend("cpu"), get_backend("cuda")]
        except BackendError as error:
            console.note(f"timing the CPU alone: {error}")
            return [get_backend("cpu")]
    backends = [get_backend(device) for device in devices]
    return list({backend.name: backend for backend in backends}.values())


def _workload(
    architecture: Architecture,
    recipe: Recipe,
    dataset: str | None,
    data: Path | None,
    count: int,
) -> Workload:
    if dataset is None:
        images = noise(count)
        return Workload(architecture=architecture, recipe=recipe, images=images)
    found = open_dataset(dataset, data)
    return Workload(
        architecture=architecture, recipe=recipe, images=found.train, classes=found.classes
    )


def _places(workload: Workload, batch_sizes: str, widths: str) -> tuple[list[int], list[int]]:
    """Read the batch sizes and widths of a map, and check that the workload allows them."""
    sizes = parse_counts(batch_sizes, "batch_sizes")
    count = len(workload.images)
    if max(sizes) > count:
        raise UsageError(
            f"a batch of {max(sizes):,} needs as many images, but there are {count:,}: "
            "set --images higher, or --batch-sizes lower"
        )
    if not workload.architecture.hidden:
        raise UsageError("a map varies the width of hidden layers: have one, as in --hidden 100")
    return sizes, parse_counts(widths, "widths")


@contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    """Show on a terminal's last line what is being timed."""
    if not console.stderr.is_terminal:
        yield lambda _: None
        return
    with console.stderr.status("") as status:
        yield status.update
