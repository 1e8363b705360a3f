"""How one training gains from several ranks: ``python -m bench.scale``.

Each number of ranks is started by mpiexec, on this machine or on those of ``--hosts``. All train on
the same noise, which each draws for itself, and end with the same bytes, which is checked. Strong
scaling: the same batch for any number; ``--weak``: a batch for each rank.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.harness.machine import Provenance
from bench.harness.options import RESULTS
from bench.harness.report import save, spread, table
from mlp.benchmark.workload import CLASSES, PIXELS, noise
from mlp.common.errors import UsageError
from mlp.nn.network import MLP
from mlp.training.ranks.executor import RankedExecutor
from mlp.training.ranks.launcher import RANKS_VARIABLE, join
from mlp.training.ranks.ranks import Ranks, digest_of
from mlp.training.ranks.tree import Tree
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

SUMS = 20
"""How often each is."""


def measure(
    ranks: Ranks, hidden: Sequence[int], batch: int, images: int, epochs: int, sums: Sequence[int]
) -> Any:
    """Train as one of the ranks; an epoch of warm-up, then those that count.

    Args:
        ranks: who trains together.
        hidden: widths of the network.
        batch: images of an update.
        images: of an epoch.
        epochs: that count.
        sums: numbers of the sums that are timed alone.

    Returns:
        The seconds of each epoch, and in them those of adding up, in which a rank that comes early
        waits for the others; the seconds of sums alone; and the checksum of the parameters.
    """
    model = MLP([PIXELS, *hidden, CLASSES])
    recipe = Recipe(batch_size=batch, lr=1e-3, schedule="constant", warmup=0.0)
    trainer = Trainer(model, noise(images), recipe, ranks)
    assert isinstance(trainer.executor, RankedExecutor)
    exchange = trainer.executor.exchange
    spent, add_up = [0.0], exchange.add_up

    def timed(wanted: bool, due_in: int) -> bool | None:
        start = time.perf_counter()
        met = add_up(wanted, due_in)
        spent[0] += time.perf_counter() - start
        return met

    exchange.add_up = timed  # type: ignore[method-assign]
    seconds, adding = [], []
    for number in range(epochs + 1):
        ranks.all_gather(None)
        spent[0], start = 0.0, time.perf_counter()
        trainer.epoch(number)
        seconds.append(time.perf_counter() - start)
        adding.append(spent[0])
    return {
        "ranks": ranks.size,
        "seconds": seconds[1:],
        "adding": adding[1:],
        "sums": {str(n): _seconds_of_a_sum(ranks, n) for n in sums},
        "digest": digest_of(model.parameters),
    }


def _seconds_of_a_sum(ranks: Ranks, n: int) -> float:
    """Time the sum of n numbers of each rank, in seconds."""
    tree, n = Tree(64, ranks.size), -(-n // ranks.size) * ranks.size
    blocks = np.ones((len(tree.blocks[ranks.rank]), n), np.float32)
    out, taken = np.empty(n, np.float32), []
    for _ in range(SUMS):
        ranks.all_gather(None)
        start = time.perf_counter()
        ranks.all_reduce(blocks, tree, out)
        taken.append(time.perf_counter() - start)
    return median(taken)


def start(count: int, arguments: argparse.Namespace) -> Any:
    """Start so many ranks and return what the first measured; see `launch`."""
    batch = arguments.batch_size * (count if arguments.weak else 1)
    images = arguments.images * (count if arguments.weak else 1)
    options = [
        *("--as-rank", "--hidden", arguments.hidden, "--batch-size", str(batch)),
        *("--images", str(images), "--epochs", str(arguments.epochs), "--sums", arguments.sums),
    ]
    return launch(count, "bench.scale", options, arguments.hosts)


def launch(count: int, module: str, options: Sequence[str], hosts: str | None = None) -> Any:
    """Let so many ranks run a module, and return what the first printed as JSON.

    Args:
        count: the ranks.
        module: such as ``"bench.scale"``.
        options: of the module.
        hosts: machines, with commas; this one unless given.

    Raises:
        UsageError: if there is no mpiexec, or it fails.
    """
    beside = Path(sys.executable).with_name("mpiexec")
    launcher = str(beside) if beside.exists() else shutil.which("mpiexec")
    if launcher is None:
        raise UsageError("there is no mpiexec: pip install mpi4py mpich")
    where = ["-hosts", hosts] if hosts else []
    done = subprocess.run(
        [launcher, *where, "-n", str(count), sys.executable, "-m", module, *options],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            RANKS_VARIABLE: str(count),  # so that one alone computes as several do
        },
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UsageError(f"{count} ranks ended with {done.returncode}")
    return json.loads(done.stdout)


def markdown(rounds: Sequence[Sequence[Any]], weak: bool) -> str:
    """Write the table of what several numbers of ranks took, each against the first of its round.

    Args:
        rounds: of each round, what `measure` found for each number of ranks.
        weak: whether more ranks had more to do, which counts as a gain.
    """
    rows = []
    for same in zip(*rounds, strict=True):  # the rounds of one number of ranks
        seconds = [median(one["seconds"]) for one in same]
        gains = []
        for one, others, taken in zip(same, rounds, seconds, strict=True):
            more = one["ranks"] / others[0]["ranks"] if weak else 1.0
            gains.append(median(others[0]["seconds"]) / taken * more)
        adding = [a / s for one in same for a, s in zip(one["adding"], one["seconds"], strict=True)]
        sums = (median(one["sums"][n] for one in same) for n in same[0]["sums"])
        told = ", ".join(f"{1e6 * of_sum:,.0f}" for of_sum in sums)
        share = f"{median(adding):.0%}"
        rows.append([str(same[0]["ranks"]), spread(seconds), spread(gains), share, told])
    sizes = ", ".join(f"{int(n):,}" for n in rounds[0][0]["sums"])
    head = ["ranks", "s an epoch", "gain", "of it adding up", f"µs to add up {sizes} numbers"]
    return table(head, rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranks", default="1,2", help="numbers of ranks, with commas")
    parser.add_argument("--hidden", default="2500,2000,1500,1000,500", help="widths, with commas")
    parser.add_argument("--batch-size", type=int, default=1_000)
    parser.add_argument("--images", type=int, default=6_000)
    parser.add_argument("--epochs", type=int, default=3, help="of each start")
    parser.add_argument("--rounds", type=int, default=3, help="starts of each number, in turn")
    parser.add_argument(
        "--sums", default="1000,100000,10000000", help="numbers to add up alone, with commas"
    )
    parser.add_argument("--weak", action="store_true", help="a batch and its images for each rank")
    parser.add_argument("--hosts", help="machines, with commas, as MPICH's mpiexec takes them")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of the results")
    parser.add_argument("--as-rank", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.as_rank:
        ranks = join()
        hidden, sums = ([int(n) for n in told.split(",")] for told in (asked.hidden, asked.sums))
        found = measure(ranks, hidden, asked.batch_size, asked.images, asked.epochs, sums)
        if ranks.rank == 0:
            print(json.dumps(found))
        return 0
    provenance, counts = Provenance(), [int(count) for count in asked.ranks.split(",")]
    try:
        rounds = [[start(count, asked) for count in counts] for _ in range(asked.rounds)]
    except UsageError as error:
        print(f"bench.scale: {error}", file=sys.stderr)
        return 2
    batches = f"batches of {asked.batch_size:,}{' for each rank' if asked.weak else ''}"
    text = (
        f"# Several ranks: {asked.hidden} in {batches}\n\n{provenance}\n\n"
        f"{markdown(rounds, asked.weak)}"
    )
    digests = {one["digest"] for found in rounds for one in found}
    alike = asked.weak or len(digests) == 1
    if not alike:
        text += "\nThe numbers of ranks ended with different bytes.\n"
    print(text)
    save({"provenance": provenance.to_dict(), "rounds": rounds}, text, asked.out / "scale")
    return 0 if alike else 1


if __name__ == "__main__":
    sys.exit(main())
