"""Seconds an epoch on a CPU, this project beside its peers: ``python -m bench.cpu``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.harness.arms import Arm, ours, peers
from bench.harness.contest import Contest, hold_contest
from bench.harness.job import Task, write_dataset, write_weights
from bench.harness.machine import describe_machine
from bench.harness.report import contest_document, contest_markdown, save
from bench.harness.workloads import WORKLOADS, Workload
from mlp.common.errors import MLPError
from mlp.data.dataset import Dataset
from mlp.data.mnist import load_mnist

RESULTS = Path(__file__).resolve().parent / "results"


def run(
    workloads: Sequence[Workload],
    arms: list[Arm],
    dataset: Dataset,
    *,
    repeats: int,
    trials: int,
    settle: float = 0.2,
    seed: int = 0,
) -> list[Contest]:
    """Hold a contest for each workload; the arguments are those of `hold_contest`."""
    contests = []
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        folder = Path(name)
        write_dataset(dataset, folder)
        for workload in workloads:
            sizes = (dataset.pixels, *workload.hidden, dataset.classes)
            weights = folder / "weights.npz"
            write_weights(weights, sizes, seed)
            task = Task(
                data=name,
                weights=str(weights),
                sizes=sizes,
                activation=workload.activation,
                output=workload.output,
                recipe=workload.recipe(seed),
            )
            print(f"{workload.name} ...", file=sys.stderr, flush=True)
            contests.append(
                hold_contest(
                    workload.name,
                    arms,
                    task,
                    turn=workload.turn,
                    tolerance=workload.tolerance,
                    repeats=repeats,
                    trials=trials,
                    settle=settle,
                )
            )
    return contests


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add what the contests of this folder have in common."""
    parser.add_argument(
        "--data", type=Path, help="MNIST's folder, if not MLP_DATA_DIR or the cache"
    )
    parser.add_argument("--python", default=sys.executable, help="the peers' interpreter")
    parser.add_argument("--arms", nargs="*", default=[], help="parts of the names of arms to run")
    parser.add_argument("--trials", type=int, default=3, help="turns for each setting tried")
    parser.add_argument("--settle", type=float, default=0.2, help="seconds of rest before a turn")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder for the results")


def digits(folder: Path | None) -> Dataset:
    """Load MNIST, or end the command with the sentence that says why not."""
    try:
        return load_mnist(folder)
    except MLPError as error:
        raise SystemExit(f"bench: {error}") from error


def chosen(arms: list[Arm], parts: list[str]) -> list[Arm]:
    """Keep the arms whose name contains one of the parts, or all."""
    return [arm for arm in arms if not parts or any(part in arm.name for part in parts)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 1 if the arms did not do the same work."""
    parser = argparse.ArgumentParser(prog="python -m bench.cpu", description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="turns an arm that count")
    parser.add_argument(
        "--workloads", nargs="*", default=[], help="parts of the names of workloads to run"
    )
    add_common_options(parser)
    options = parser.parse_args(arguments)
    parts = options.workloads
    workloads = [w for w in WORKLOADS if not parts or any(part in w.name for part in parts)]
    machine = describe_machine()
    contests = run(
        workloads,
        chosen([ours(), *peers(options.python)], options.arms),
        digits(options.data),
        repeats=options.repeats,
        trials=options.trials,
        settle=options.settle,
    )
    markdown = contest_markdown(contests, machine)
    document = contest_document(contests, machine)
    save(document, markdown, options.out / "cpu")
    print(markdown)
    return 1 if document["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
