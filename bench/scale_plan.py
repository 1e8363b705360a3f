"""Where more ranks stop paying, on machines that are not at hand: ``python -m bench.scale_plan``.

It measures some networks and batches by `bench.scale`, with one rank and with two, fits the model
of `bench.scale_model` to what one took and to sums alone, and prints what it says of two ranks
beside what these took. Then it predicts: eight GPUs, and 2 to 1,024 nodes, by `GPU`, `NODE`,
`NVLINK` and `NETS`, which are assumed; ``--assumed`` leaves the measurement out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench import scale
from bench.harness.machine import Provenance
from bench.harness.options import RESULTS
from bench.harness.report import save, table
from bench.scale_model import (
    Machine,
    Net,
    Work,
    fit_machine,
    fit_net,
    most_that_pay,
    seconds_an_update,
    speedup,
    updates_between_sums,
    weak_efficiency,
)
from mlp.common.errors import UsageError
from mlp.training.ranks.tree import plan_pieces

SMALL, SIMARD, CIRESAN = (256, 128), (800,), (2500, 2000, 1500, 1000, 500)

MEASURED = (
    (Work(SMALL, 1_000), 20_000), (Work(SIMARD, 128), 6_400), (Work(SIMARD, 4_000), 16_000),
    (Work(CIRESAN, 256), 1_024), (Work(CIRESAN, 1_000), 3_000),
)  # fmt: skip
"""What is measured, and on how many images an epoch."""

PLANNED = tuple(
    Work(hidden, N) for hidden in (SMALL, SIMARD, CIRESAN) for N in (128, 4_096, 60_000)
)
"""What is predicted."""

SUMS = (1_000, 100_000, 10_000_000)

NODE = Machine("a node of 64 cores", 64 * 60e9, 8 / 200e9)
"""A core with AVX2 makes up to 125 GFLOP/s alone (bench/LOG.md), and half of that beside 63 others;
200 GB/s are what memory of eight channels gives them."""

GPU = Machine("an H200", 40e12, 8 / 4.3e12)
"""Six tenths of the 67 TFLOP/s of float32, and the 4.3 TB/s, of docs/gpu.md."""

NVLINK = Net("NVLink", 1.5e-6, 370e9)
"""370 GB/s are what NCCL gets of 450 (github.com/NVIDIA/nccl-tests/issues/212); the latency is that
of a small sum of 8, 15 µs, by its ten messages."""

NETS = (
    Net("25 Gbit/s", 15e-6, 0.9 * 25e9 / 8), Net("100 Gbit/s", 5e-6, 0.9 * 100e9 / 8),
    Net("400 Gbit/s", 2e-6, 0.9 * 400e9 / 8),
)  # fmt: skip
"""Nine tenths of what they are sold as; by TCP the slowest, by remote memory access the others."""

NODES, GPUS = 1_024, 8
WEAK = (2, 8, 64, NODES)
LOCAL, LOCAL_SHARE = 64, 0.1
"""For how many nodes, and for which share, it is told how seldom sums may be."""


def measured(rounds: int, epochs: int) -> dict[str, Any]:
    """Measure with one and with two ranks.

    Returns:
        ``updates``: seconds of an update by work and ranks; ``sums``: of sums of two ranks, by how
        many numbers, once a round. Of both, the least of all rounds, as other work on the machine
        only adds.
    """
    updates: dict[Work, dict[int, float]] = {work: {} for work, _ in MEASURED}
    sums: dict[int, float] = {}
    for _ in range(rounds):
        for work, images in MEASURED:
            last = work is MEASURED[-1][0]
            asked = argparse.Namespace(
                hidden=",".join(map(str, work.hidden)),
                batch_size=work.batch,
                images=images,
                epochs=epochs,
                sums=",".join(map(str, SUMS)) if last else "1000",
                weak=False,
                hosts=None,
            )
            for ranks in (1, 2):
                print(f"{work.name}: {ranks} ranks ...", file=sys.stderr, flush=True)
                found = scale.start(ranks, asked)
                seconds = min(found["seconds"]) / -(-images // work.batch)
                updates[work][ranks] = min(seconds, updates[work].get(ranks, seconds))
                if last and ranks == 2:
                    for n, taken in found["sums"].items():
                        sums[int(n)] = min(taken, sums.get(int(n), taken))
    return {"updates": updates, "sums": sums}


def check_table(
    updates: dict[Work, dict[int, float]], machine: Machine, net: Net
) -> tuple[str, list[float]]:
    """Write what the model says of one and of two ranks beside what they took.

    Returns:
        The table, and for two ranks what was predicted over what was measured.
    """
    rows, ratios = [], []
    for work, by_ranks in updates.items():
        cells = [work.name]
        for ranks, seconds in sorted(by_ranks.items()):
            said = seconds_an_update(machine, net, work, ranks)
            cells += [f"{1e3 * seconds:.3g}", f"{1e3 * said:.3g}"]
        gained, said = by_ranks[1] / by_ranks[2], speedup(machine, net, work, 2)
        ratios.append(said / gained)
        rows.append([*cells, f"{gained:.2f}", f"{said:.2f}"])
    head = ["network, batch", "1 rank, ms", "predicted", "2 ranks, ms", "predicted", "gain",
            "predicted"]  # fmt: skip
    return table(head, rows), ratios


def plan_tables() -> list[str]:
    """Write what the model predicts of GPUs and of nodes, each node a rank."""
    rows = []
    for work in PLANNED:
        cells = [work.name, str(plan_pieces(work.batch)), _pays(GPU, NVLINK, work, GPUS)]
        rows.append([*cells, *(_pays(NODE, net, work, NODES) for net in NETS)])
    nodes = [f"nodes, {net.name}" for net in NETS]
    strong = table(["network, batch", "pieces", f"{GPUS} GPUs, NVLink", *nodes], rows)
    rows = []
    for hidden in (SMALL, SIMARD, CIRESAN):
        work = Work(hidden, 1_000)
        for net in NETS:
            kept = [f"{weak_efficiency(NODE, net, work, ranks):.0%}" for ranks in WEAK]
            all_of_it = Work(hidden, 1_000 * LOCAL)
            apart = updates_between_sums(NODE, net, all_of_it, LOCAL, LOCAL_SHARE)
            rows.append([work.name, net.name, *kept, str(apart)])
    head = ["network, batch of each", "network of nodes", *(f"{n:,} nodes" for n in WEAK)]
    weak = table([*head, f"updates a sum of {LOCAL}"], rows)
    return [strong, weak]


def _pays(machine: Machine, net: Net, work: Work, most: int) -> str:
    """Tell up to how many ranks pay and how much faster these are; and the same by halving."""
    told = []
    for halving in (False, True):
        speed = partial(speedup, machine, net, work, halving=halving)
        ranks = most_that_pay(speed, most)
        told.append(f"{ranks:,} ({speed(ranks):.3g})")
    return told[0] if told[0] == told[1] else f"{told[0]}; {told[1]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, fit, predict, print and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="starts of each, in turn")
    parser.add_argument("--epochs", type=int, default=3, help="of each start")
    parser.add_argument("--assumed", action="store_true", help="predict, and measure nothing")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of the results")
    asked = parser.parse_args(arguments)
    strong, weak = plan_tables()
    plan = (
        "Up to how many ranks each does at least half of what it does alone, and in brackets how "
        "much faster these are than one, on the same batch; behind a semicolon the same if sums "
        f"were made by halving. More ranks than pieces are not built.\n\n{strong}\n"
        "Which share of its speed each node keeps where each has a batch of 1,000 of its own; and "
        f"after how many updates of its own each of {LOCAL} has to meet the others, if that may "
        f"take {LOCAL_SHARE:.0%}.\n\n{weak}"
    )
    if asked.assumed:
        print(plan)
        return 0
    provenance = Provenance()
    try:
        found = measured(asked.rounds, asked.epochs)
    except UsageError as error:
        print(f"bench.scale_plan: {error}", file=sys.stderr)
        return 2
    updates, sums = found["updates"], found["sums"]
    core = fit_machine("a core here", {work: by_ranks[1] for work, by_ranks in updates.items()})
    here = fit_net("this machine's memory", core, 2, sums)
    checked, ratios = check_table(updates, core, here)
    text = (
        f"# Where ranks stop paying\n\n{provenance}\n\n"
        f"A core here makes {core.flops / 1e9:.0f} GFLOP/s and reads and writes a number in "
        f"{1e9 * core.touch:.2f} ns; a message takes {1e6 * here.latency:.0f} µs, and "
        f"{here.bandwidth / 1e9:.1f} GB/s are sent.\n\n{checked}\n"
        f"Gains of two ranks, predicted over measured: {median(ratios):.2f} "
        f"({min(ratios):.2f}–{max(ratios):.2f}).\n\n{plan}"
    )
    print(text)
    document = {
        "provenance": provenance.to_dict(),
        "core": asdict(core),
        "net": asdict(here),
        "updates": {work.name: by_ranks for work, by_ranks in updates.items()},
        "sums": sums,
    }
    save(document, text, asked.out / "scale_plan")
    return 0


if __name__ == "__main__":
    sys.exit(main())
