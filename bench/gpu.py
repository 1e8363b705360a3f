"""Ten minutes on a GPU: what is right, what the device can do, and how near to that we come.

    python -m bench.gpu                 on the first GPU, to bench/results/
    python -m bench.gpu --works 784-128-10          only these networks, or 784-128-10:full
    python -m bench.gpu --no-compile    without torch.compile, which takes a minute
    python -m bench.gpu --dry-run       on the CPU in seconds, only to see that all of it runs

Rows are written as JSON lines as soon as they are measured, so that a run that is cut short keeps
what it has; a part that fails, for want of memory say, is a row "failed" and ends no other. Clocks
are read and never set. `python -m bench.table` makes a table of the newest run.
"""

from __future__ import annotations

import argparse
import datetime
import gc
import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from backends import PRECISIONS, Backend, BackendError, get_backend
from backends.cuda.checks import inspect_cuda
from bench.harness.device_calls import time_calls
from bench.harness.local_arms import LocalArm, ladder, peers
from bench.harness.log import Log
from bench.harness.machine import Provenance, output_of
from bench.harness.options import RESULTS
from mlp.benchmark.parity import compare
from mlp.benchmark.roofline import Roofline, measure_roofline
from mlp.benchmark.timing import Timing, calls_lasting, seconds_per_call, take_turns
from mlp.benchmark.workload import Workload, noise
from mlp.data.load import load_dataset
from mlp.training.architecture import Architecture
from mlp.training.loop import train
from mlp.training.recipe import Recipe

TARGET = 0.98
WARM_UP = 3
"""Epochs of an arm that do not count: the first makes what the second captures, and the third is
the first to replay it."""


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        device: which device.
        workloads: what is trained by every arm.
        repeats: turns of each arm, each of at least ``least`` seconds.
        dataset: what the time to 98 % is measured on.
        recipe: how that network is trained.
        compiles: whether torch.compile takes part.
    """

    device: str
    workloads: tuple[Workload, ...]
    repeats: int
    least: float
    dataset: str
    recipe: Recipe
    compiles: bool = True


NETWORKS: tuple[tuple[int, ...], ...] = ((128,), (16, 16), (2500, 2000, 1500, 1000, 500))
BATCHES: tuple[int | Literal["full"], ...] = (128, "full", 1024)
"""Mini-batches first: what most train with, should the time run out."""


def workloads(images: int, *each: tuple[tuple[int, ...], int | Literal["full"]]) -> Any:
    """Make workloads of hidden layers and batch sizes, all on the same noise."""
    split = noise(images)
    return tuple(
        Workload(
            architecture=Architecture(hidden=hidden),
            recipe=Recipe(batch_size=batch, lr=1e-3, schedule="constant", warmup=0.0),
            images=split,
        )
        for hidden, batch in each
    )


def protocol(device: str) -> Plan:
    """Return what is measured on a GPU."""
    each = [(hidden, batch) for batch in BATCHES for hidden in NETWORKS]
    return Plan(device, workloads(60_000, *each), 7, 0.2, "auto", Recipe())


def rehearsal() -> Plan:
    """Return the same for the CPU, as little of it as touches every line."""
    small = workloads(300, ((16,), "full"), ((128,), 128))
    return Plan("cpu", small, 2, 0.001, "synthetic:300+100", Recipe(epochs=2))


def measure(plan: Plan, log: Log) -> bool:
    """Follow the plan as far as the time goes; return whether the device computes correctly."""
    backend = get_backend(plan.device)
    log.row("machine", **machine(plan))
    if not check_parity(backend, log):
        return False
    guarded(log, {}, time_calls, plan.workloads, backend, plan.least / 4, log)
    rooflines = {}
    for precision in PRECISIONS if backend.name != "cpu" else ("float32",):
        precise = get_backend(backend.name, precision=precision)
        rooflines[precision] = measure_roofline(precise, "float32")
        log.row("roofline", precision=precision, **asdict(rooflines[precision]))
    guarded(log, {}, time_to_target, plan, log)
    for workload in plan.workloads:
        if log.is_late():
            log.row("out of time", **named(workload))
        else:
            guarded(log, named(workload), compare_arms, plan, workload, rooflines, log)
    return True


def guarded(log: Log, where: dict[str, Any], part: Callable[..., None], *arguments: Any) -> None:
    """Measure a part; if it fails, say so in a row, and give the memory that it took back."""
    try:
        part(*arguments)
    except Exception as error:  # whatever it is, the other parts can still be measured
        failure = f"{type(error).__name__}: {str(error)[:300]}"
        log.row("failed", part=part.__name__, **where, error=failure)
    gc.collect()  # the arms' arrays
    if cupy := sys.modules.get("cupy"):
        with suppress(Exception):  # there may be no device
            cupy.get_default_memory_pool().free_all_blocks()
    if torch := sys.modules.get("torch"):
        torch.cuda.empty_cache()


def machine(plan: Plan) -> dict[str, Any]:
    """Describe the host and the GPU."""
    cuda = inspect_cuda()
    query = "--query-gpu=clocks.sm,clocks.mem,temperature.gpu,power.draw"
    return {
        **Provenance().to_dict(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "device": plan.device,
        "gpu": cuda.gpus[0].name if cuda.gpus and plan.device != "cpu" else None,
        "cupy": cuda.wheels,
        "driver": cuda.driver,
        "runtime": cuda.runtime,
        "clocks": output_of("nvidia-smi", query, "--format=csv,noheader"),
    }


def check_parity(backend: Backend, log: Log) -> bool:
    """Compare the device with the CPU, with captured steps and without."""
    good = True
    for device in (backend, get_backend(backend.name, graph=False)):
        for check in compare(device):
            graph = device is backend
            log.row("correctness", graph=graph, **asdict(check), holds=check.holds)
            good = good and check.holds
    return good


def time_to_target(plan: Plan, log: Log) -> None:
    """Train the default network to 98 % test accuracy, from three starts."""
    data = load_dataset(plan.dataset)
    backend = get_backend(plan.device)
    for seed in range(3):
        recipe = replace(plan.recipe, seed=seed)
        model = Architecture().build(data.pixels, data.classes, recipe.loss, seed, backend)
        history = train(model, data, recipe)
        seconds, reached = 0.0, False
        for epoch in history.epochs:
            seconds += epoch.seconds
            if reached := epoch.test_accuracy >= TARGET:
                break
        log.row(
            "time to 98 %",
            data=data.name,
            seed=seed,
            seconds=seconds if reached else None,
            epochs=epoch.epoch,
            test_accuracy=epoch.test_accuracy,
        )


def compare_arms(plan: Plan, workload: Workload, rooflines: dict[str, Roofline], log: Log) -> None:
    """Time every arm on one workload, in turn."""
    where = named(workload)
    arms = list(ladder(workload, plan.device))
    compiles = plan.compiles and workload.recipe.batch_size != 1024  # twice a minute will do
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as folder:
        for arm in peers(workload, plan.device, Path(folder), compiled=compiles):
            if isinstance(arm, LocalArm):
                arms.append(arm)
            else:
                log.row("absent", **where, arm=arm[0], reason=arm[1])
    turns = []
    for arm in list(arms):
        if log.is_late():
            log.row("out of time", **where, arm=arm.name)
            arms.remove(arm)
            continue
        for _ in range(WARM_UP):
            arm.epoch()
        calls = calls_lasting(plan.least, arm.epoch, arm.wait)
        turns.append(partial(seconds_per_call, arm.epoch, arm.wait, calls))
    for arm, seconds in zip(
        arms, take_turns(turns, plan.repeats, is_over=log.is_late), strict=True
    ):
        floor = rooflines[arm.precision].least_seconds(workload.flop, workload.float_bytes)
        median = Timing(plan.device, seconds).median
        log.row(
            "epoch",
            **where,
            arm=arm.name,
            median=median,
            min=min(seconds),
            max=max(seconds),
            repeats=len(seconds),
            floor=floor,
            share_of_floor=floor / median,
            replays=arm.replays(),
        )
    log.row("memory", **where, bytes=get_backend(plan.device).memory().peak)


def named(workload: Workload) -> dict[str, Any]:
    """Return the columns that say which workload a row is about."""
    return {"network": workload.name, "batch": workload.recipe.batch_size}


def is_named(workload: Workload, names: Sequence[str]) -> bool:
    """Tell whether a workload is among some names: ``784-128-10``, or ``784-128-10:128``."""
    network, batch = named(workload).values()
    return any(name in (network, f"{network}:{batch}") for name in names)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda", help="cuda or cuda:N")
    parser.add_argument("--deadline", type=float, default=540, metavar="SECONDS")
    parser.add_argument("--works", nargs="+", metavar="NETWORK[:BATCH]", help="else all")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--dry-run", action="store_true", help="a little of it all, on the CPU")
    parser.add_argument("--out", type=Path, metavar="FILE", help="else a name in bench/results")
    given = parser.parse_args(arguments)
    plan = rehearsal() if given.dry_run else protocol(given.device)
    works = [w for w in plan.workloads if given.works is None or is_named(w, given.works)]
    if not works:
        parser.error(f"no network is named {' or '.join(given.works)}: see bench/gpu.py's NETWORKS")
    plan = replace(plan, workloads=tuple(works), compiles=not given.no_compile)
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # else JAX takes 75 %
    try:
        get_backend(plan.device)
    except BackendError as error:
        print(f"bench.gpu: {error}", file=sys.stderr)
        return 1
    out = given.out or RESULTS / f"{_stem(plan)}.jsonl"
    with out.open("w", encoding="utf-8") as file:
        good = measure(plan, Log(file, given.deadline))
    print(out)
    return 0 if good else 1


def _stem(plan: Plan) -> str:
    """Name a run by its GPU and day; a rehearsal so that no table takes it for a run."""
    gpus = inspect_cuda().gpus
    name = gpus[0].name if gpus and plan.device != "cpu" else "rehearsal"
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    kind = "gpu" if plan.device != "cpu" else "cpu"
    return f"{kind}-{slug}-{datetime.date.today():%Y-%m-%d}"


if __name__ == "__main__":
    sys.exit(main())
