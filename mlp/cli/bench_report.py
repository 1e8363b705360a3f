"""What ``mlp bench`` reports: tables for people, and the same figures for JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from backends import Backend
from mlp.benchmark.epochs import Cell, Result, as_map
from mlp.benchmark.machine import describe_device, describe_machine
from mlp.benchmark.timing import Timing
from mlp.benchmark.workload import Workload
from mlp.cli import console
from mlp.cli.console import print_table

DIGITS = 4
"""Significant digits of a time."""


def report_setting(workload: Workload, backends: Sequence[Backend]) -> dict[str, Any]:
    """Describe on stderr what is timed and on which machine; return the same for JSON."""
    machine = describe_machine()
    devices = {backend.name: describe_device(backend) for backend in backends}
    model = workload.build(backends[0])
    console.note(f"machine: {machine}")
    for name, device in devices.items():
        console.note(f"device: {name}, {device}")
    console.note(f"network: {model}, {model.parameters.size:,} parameters, {workload.recipe.loss}")
    if machine.load is not None and machine.load > machine.cores:
        console.warn(
            f"{machine.load:.1f} processes share the {machine.cores} cores: trust ratios, not times"
        )
    return {
        "machine": asdict(machine),
        "devices": devices,
        "layers": model.sizes,
        "activation": model.activation,
        "dtype": model.dtype,
        "parameters": int(model.parameters.size),
        "loss": workload.recipe.loss,
        "batch_size": workload.recipe.batch_size,
        "images": len(workload.images),
    }


def speeds_json(results: Sequence[Result]) -> dict[str, Any]:
    """Collect each device's figures."""
    return {
        "gflop_per_epoch": results[0].flop / 1e9,
        "results": [
            _timing_json(result.timing)
            | {
                "images_per_second": result.images_per_second,
                "gflop_per_second": result.flop_per_second / 1e9,
                "ceiling_gflop_per_second": result.roofline.flop_per_second / 1e9,
                "ceiling_gb_per_second": result.roofline.bytes_per_second / 1e9,
                "floor_seconds": result.floor_seconds,
                "share_of_ceiling": result.roofline_fraction,
                "peak_bytes": result.peak_bytes,
            }
            for result in results
        ],
    }


def print_speeds(results: Sequence[Result]) -> None:
    """Print a line a device, how they compare, and how things were counted."""
    headings = ("an epoch (min-max)", "images/s", "GFLOP/s", "of roofline", "peak memory")
    table = Table(box=None)
    table.add_column("device")
    for heading in headings:
        table.add_column(heading, justify="right")
    for result in results:
        table.add_row(
            result.timing.device,
            _spread(result.timing),
            f"{result.images_per_second:,.0f}",
            f"{result.flop_per_second / 1e9:,.1f}",
            f"{result.roofline_fraction:.0%}",
            f"{result.peak_bytes / 2**20:,.0f} MiB",
        )
    print_table(table)
    ranked = sorted(results, key=lambda result: result.timing.median)
    for slower in ranked[1:]:
        print(_compare(ranked[0].timing, slower.timing))
    for result in results:
        roofline = result.roofline
        print(
            f"{result.timing.device} at most: {roofline.flop_per_second / 1e9:,.0f} GFLOP/s in "
            f"large products, {roofline.bytes_per_second / 1e9:,.0f} GB/s in large copies; so "
            f"{_seconds(result.floor_seconds)} an epoch"
        )
    print(
        f"counted: {results[0].flop / 1e9:,.4g} GFLOP an epoch, which is 2 N I O for each layer's "
        "y, dW and dx but the first layer's dx, and each image's bytes once"
    )


def map_json(cells: Sequence[Cell]) -> dict[str, Any]:
    """Collect each place's figures, and which device wins it where there are several."""
    return {
        "map": [
            {
                "batch_size": cell.batch_size,
                "width": cell.width,
                "results": [
                    _timing_json(t)
                    | {
                        "images_per_second": cell.images / t.median,
                        "seconds_per_image": t.median / cell.images,
                    }
                    for t in cell.timings
                ],
                "verdict": cell.verdict if len(cell.timings) > 1 else None,
            }
            for cell in cells
        ]
    }


def print_map(cells: Sequence[Cell]) -> None:
    """Print who wins where, if there are several devices, and each one's speed."""
    devices = [timing.device for timing in cells[0].timings]
    if len(devices) > 1:
        print("the faster device, and how many times as fast as the next")
        print_table(_map_table(cells, lambda cell: cell.verdict))
        for k, device in enumerate(devices[1:], 1):
            ahead = sum(_is_ahead(cell.timings[k], cell.timings[0]) for cell in cells)
            print(f"{device} is faster than {devices[0]} in {ahead} of {len(cells)} places\n")
    for k, device in enumerate(devices):
        print(f"{device}, images a second")
        table = _map_table(cells, lambda cell, k=k: f"{cell.images / cell.timings[k].median:,.0f}")  # type: ignore[misc]
        print_table(table)


def _map_table(cells: Sequence[Cell], text: Callable[[Cell], str]) -> Table:
    batch_sizes, widths, rows = as_map(cells)
    table = Table(box=None)
    table.add_column("batch \\ width", justify="right")
    for width in widths:
        table.add_column(f"{width:,}", justify="right")
    for batch_size, row in zip(batch_sizes, rows, strict=True):
        table.add_row(f"{batch_size:,}", *(text(cell) for cell in row))
    return table


def _timing_json(timing: Timing) -> dict[str, Any]:
    return {
        "device": timing.device,
        "seconds": timing.seconds,
        "seconds_median": timing.median,
        "seconds_min": min(timing.seconds),
        "seconds_max": max(timing.seconds),
    }


def _compare(faster: Timing, slower: Timing) -> str:
    ratio = f"{faster.times_as_fast(slower):.1f} times as fast as {slower.device}"
    if faster.overlaps(slower):
        return f"{faster.device} is {ratio}, but their times overlap: repeat it more often"
    return f"{faster.device} is {ratio}"


def _is_ahead(timing: Timing, other: Timing) -> bool:
    return timing.median < other.median and not timing.overlaps(other)


def _spread(timing: Timing) -> str:
    unit, factor = _unit(timing.median)
    middle, low, high = (
        f"{factor * value:.{DIGITS}g}"
        for value in (timing.median, min(timing.seconds), max(timing.seconds))
    )
    return f"{middle} ({low}-{high}) {unit}"


def _seconds(seconds: float) -> str:
    unit, factor = _unit(seconds)
    return f"{factor * seconds:.{DIGITS}g} {unit}"


def _unit(seconds: float) -> tuple[str, float]:
    return ("s", 1.0) if seconds >= 1 else ("ms", 1e3) if seconds >= 1e-3 else ("µs", 1e6)
