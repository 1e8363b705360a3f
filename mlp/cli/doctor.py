"""``mlp doctor``: what this machine can do, and the command that mends what it cannot."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Annotated, Any

import typer

from backends.cuda.checks import Gpu
from mlp.benchmark.doctor import Report, examine
from mlp.benchmark.parity import Parity
from mlp.benchmark.workload import CLASSES, PIXELS, network_name
from mlp.cli.options import Device, Json


def doctor(
    device: Device = "auto",
    seconds: Annotated[
        float, typer.Option(min=0, help="What the speed check may take; 0 for none.")
    ] = 10.0,
    as_json: Json = False,
) -> None:
    """Tell what this machine can do, compare each GPU with the CPU, and time both.

    Without a GPU it says why, and ends in exit code 0. It ends in 1 if a GPU computes otherwise
    than the CPU, or if one was asked for with --device and cannot be used.
    """
    report = examine(device, seconds)
    if as_json:
        print(json.dumps(as_dict(report)))
    else:
        print("\n".join(lines(report)))
    if report.differing:
        raise typer.Exit(1)


def as_dict(report: Report) -> dict[str, Any]:
    """Return the report in the form that ``--json`` prints."""
    result = dataclasses.asdict(report)
    result["cuda"] = report.cuda._asdict() | {"gpus": [gpu._asdict() for gpu in report.cuda.gpus]}
    result["parity"] = {
        device: [_check_as_dict(check) for check in checks]
        for device, checks in report.parity.items()
    }
    result["pays_from"] = {device: report.smallest_network_won(device) for device in report.parity}
    return result


def _check_as_dict(check: Parity) -> dict[str, Any]:
    difference = check.difference if math.isfinite(check.difference) else None
    return {**dataclasses.asdict(check), "difference": difference, "holds": check.holds}


def lines(report: Report) -> list[str]:
    """Return the lines of the report for people."""
    cuda = report.cuda
    text = [
        str(report.machine),
        f"CuPy: {', '.join(cuda.wheels) or 'not installed'}"
        + (f", built for CUDA {cuda.runtime}" if cuda.runtime else ""),
        f"NVIDIA driver: {f'serves CUDA up to {cuda.driver}' if cuda.driver else 'none'}",
        *(
            f"cuda:{gpu.number}: {gpu.name}, compute capability {gpu.capability}, "
            f"{gpu.free / 2**30:.1f} of {gpu.memory / 2**30:.1f} GiB free, {_first_layer(gpu)}"
            for gpu in cuda.gpus
        ),
    ]
    for problem in report.problems:
        text += ["", f"! {problem.sentence}"]
        if problem.command:
            text.append(f"  $ {problem.command}")
    for device, checks in report.parity.items():
        text += ["", f"{device} against the CPU:", *map(_parity_line, checks)]
    if report.speeds:
        text += ["", "training, batches of 128, images a second:", *_speed_lines(report)]
    return text


def _first_layer(gpu: Gpu) -> str:
    """Say what multiplies many images of 8 bits with the weights of the first layer."""
    return "images on tensor cores" if gpu.reads_bf16 else "images in float32 (bf16 needs 8.0)"


def _parity_line(check: Parity) -> str:
    verdict = "the same" if check.holds else "DIFFERENT"
    return (
        f"  {check.check:<26}{verdict}: {check.difference:.1e} apart, "
        f"where {check.limit:.0e} may be rounding"
    )


def _speed_lines(report: Report) -> list[str]:
    devices = list(dict.fromkeys(speed.device for speed in report.speeds))
    text = ["  " + "".join(f"{name:>16}" for name in ("network", *devices))]
    for hidden in dict.fromkeys(speed.hidden for speed in report.speeds):
        speeds = [s.images_per_second for s in report.speeds if s.hidden == hidden]
        text.append(f"  {_widths(hidden):>16}" + "".join(f"{speed:>16,.0f}" for speed in speeds))
    for device in devices[1:]:
        smallest = report.smallest_network_won(device)
        text.append(
            f"  {device} pays from {_widths(smallest)} on"
            if smallest
            else f"  {device} trains none of these faster than the CPU"
        )
    return text


def _widths(hidden: tuple[int, ...]) -> str:
    """Write a network's widths, such as 784-128-10."""
    return network_name((PIXELS, *hidden, CLASSES))
