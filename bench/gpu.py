"""Ten minutes on a GPU: what is right, what the device can do, and how near to that we come.

    python -m bench.gpu                 on the first GPU, to bench/results/
    python -m bench.gpu --dry-run       on the CPU in seconds, only to see that all of it runs

Rows are written as JSON lines as soon as they are measured, so that a run that is cut short keeps
what it has. Clocks are read and never set. `python -m bench.table` makes a table of the newest run.
"""

from __future__ import annotations

import argparse
import datetime
import gc
import json
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from backends import Backend, BackendError, get_backend
from backends.cuda.checks import facts
from bench.gpu_arms import ladder, peers
from bench.gpu_ceilings import Ceilings, measure_ceilings, time_products
from bench.gpu_work import Arm, Work, interleave, seconds_a_call, spread
from mlp.benchmark.doctor import compare
from mlp.data.load import load_dataset
from mlp.training.architecture import Architecture
from mlp.training.loop import train
from mlp.training.recipe import Recipe

RESULTS = Path(__file__).parent / "results"
TARGET = 0.98


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        device: which device.
        works: the workloads.
        repeats: turns of each arm, each of at least ``least`` seconds.
        copy_bytes: the size of the array that the bandwidth is measured with.
        square: the width of the square matrices that the peak is measured with.
        dataset: what the time to 98 % is measured on.
        recipe: how that network is trained.
    """

    device: str
    works: tuple[Work, ...]
    repeats: int
    least: float
    copy_bytes: int
    square: int
    dataset: str
    recipe: Recipe


NETWORKS: tuple[tuple[int, ...], ...] = ((128,), (16, 16), (2500, 2000, 1500, 1000, 500))
BATCHES: tuple[int | Literal["full"], ...] = ("full", 128, 1024)


def protocol(device: str) -> Plan:
    """What is measured on a GPU."""
    works = tuple(Work(hidden, batch, 60_000) for batch in BATCHES for hidden in NETWORKS)
    return Plan(device, works, 7, 0.2, 2 << 30, 8192, "auto", Recipe())


def rehearsal() -> Plan:
    """The same on the CPU, as little of it as touches every line."""
    works = Work((16,), "full", 300), Work((128,), 128, 300)
    recipe = Recipe(epochs=2)
    return Plan("cpu", works, 2, 0.001, 1 << 20, 64, "synthetic:300+100", recipe)


class Log:
    """Writes rows, and knows how much time is left.

    Args:
        file: where the rows go.
        deadline: seconds from now.
    """

    def __init__(self, file: IO[str], deadline: float) -> None:
        self._file, self._end = file, time.monotonic() + deadline
        self.rows: list[dict[str, Any]] = []

    def row(self, section: str, **values: Any) -> None:
        """Write a row, at once."""
        self.rows.append({"section": section, **values})
        print(json.dumps(self.rows[-1]), file=self._file, flush=True)
        print(f"{section}: {values}", file=sys.stderr)

    def late(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._end


def measure(plan: Plan, log: Log) -> bool:
    """Follow the plan as far as the time goes; return whether the device computes rightly."""
    backend = get_backend(plan.device)
    log.row("machine", **machine(plan))
    if not correctness(backend, log):
        return False
    timed = partial(time_ceiling, log, backend, plan.least / 4)
    time_products([work for work in plan.works if work.batch == "full"], backend.xp, timed)
    ceilings = measure_ceilings(backend, plan.copy_bytes, plan.square, timed)
    time_to_target(plan, log)
    for work in plan.works:
        if log.late():
            log.row("out of time", network=work.network, batch=work.batch)
        else:
            contest(plan, work, ceilings, log)
        gc.collect()  # the arms' arrays
    return True


def machine(plan: Plan) -> dict[str, Any]:
    """What was measured on."""
    cuda = facts()
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "device": plan.device,
        "gpu": cuda.gpus[0].name if cuda.gpus and plan.device != "cpu" else None,
        "cupy": cuda.wheels,
        "driver": cuda.driver,
        "runtime": cuda.runtime,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "clocks": _output(
            "nvidia-smi",
            "--query-gpu=clocks.sm,clocks.mem,temperature.gpu,power.draw",
            "--format=csv,noheader",
        ),
        "commit": _output("git", "rev-parse", "--short", "HEAD"),
    }


def correctness(backend: Backend, log: Log) -> bool:
    """Compare the device with the CPU, with captured steps and without."""
    good = True
    for device in (backend, get_backend(backend.name, graph=False)):
        for check in compare(device):
            graph = device is backend
            log.row("correctness", graph=graph, **asdict(check), holds=check.holds)
            good = good and check.holds
    return good


def time_ceiling(
    log: Log,
    backend: Backend,
    least: float,
    name: str,
    call: Callable[[], Any],
    flop: float = 0.0,
    moved: float = 0.0,
) -> float:
    """Time a call that does so many operations or moves so many bytes; return its seconds."""
    call()
    seconds = seconds_a_call(call, backend.synchronize, least)
    log.row("ceiling", name=name, seconds=seconds, flops=flop / seconds, bytes=moved / seconds)
    return seconds


def time_to_target(plan: Plan, log: Log) -> None:
    """Train the default network until it reads 98 % of the test images, from three starts."""
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


def contest(plan: Plan, work: Work, ceilings: Ceilings, log: Log) -> None:
    """Time every arm on one workload, in turn."""
    where: dict[str, Any] = {"network": work.network, "batch": work.batch}
    arms = list(ladder(work, plan.device))
    for arm in peers(work, plan.device):
        if isinstance(arm, Arm):
            arms.append(arm)
        else:
            log.row("absent", **where, arm=arm[0], reason=arm[1])
    for name, times in interleave(arms, plan.repeats, plan.least, log.late).items():
        precision = next(arm.precision for arm in arms if arm.name == name)
        floor = ceilings.floor(work, precision)
        share = floor / statistics.median(times)
        log.row("epoch", **where, arm=name, **spread(times), floor=floor, share_of_floor=share)
    log.row("memory", **where, bytes=get_backend(plan.device).memory().peak)


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda", help="cuda or cuda:N")
    parser.add_argument("--deadline", type=float, default=540, metavar="SECONDS")
    parser.add_argument("--dry-run", action="store_true", help="a little of it all, on the CPU")
    parser.add_argument("--out", type=Path, metavar="FILE", help="else a name in bench/results")
    given = parser.parse_args(arguments)
    plan = rehearsal() if given.dry_run else protocol(given.device)
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
    gpus = facts().gpus
    name = gpus[0].name if gpus and plan.device != "cpu" else "rehearsal"
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    kind = "gpu" if plan.device != "cpu" else "cpu"
    return f"{kind}-{slug}-{datetime.date.today():%Y-%m-%d}"


if __name__ == "__main__":
    sys.exit(main())
