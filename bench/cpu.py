"""Seconds an epoch on a CPU, this project beside its peers: ``python -m bench.cpu``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.harness.arms import Arm, by_adam, ours, peers
from bench.harness.comparison import Comparison, compare_arms
from bench.harness.job import Job, write_dataset, write_weights
from bench.harness.machine import Provenance
from bench.harness.options import add_common_options, choose, load_digits
from bench.harness.report import comparison_document, comparison_markdown, save
from bench.harness.workloads import WORKLOADS, SGDWorkload
from mlp.data.dataset import Dataset


def run(
    workloads: Sequence[SGDWorkload],
    arms: list[Arm],
    dataset: Dataset,
    *,
    repeats: int,
    trials: int,
    settle: float = 0.2,
    busy: int = 0,
) -> Iterator[list[Comparison]]:
    """Compare the arms on each workload, and once more beside ``busy`` processes if there are any.

    The other arguments are those of `compare_arms`. Yields the comparisons so far after each
    workload, so that a run which is cut off leaves what it has measured.
    """
    comparisons: list[Comparison] = []
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        folder = Path(name)
        write_dataset(dataset, folder)
        for workload in workloads:
            sizes = (dataset.pixels, *workload.hidden, dataset.classes)
            weights = folder / "weights.npz"
            write_weights(weights, sizes, workload.recipe.seed)
            job = Job(
                data=name,
                weights=str(weights),
                sizes=sizes,
                activation=workload.activation,
                output=workload.output,
                recipe=workload.recipe,
            )
            print(f"{workload.name} ...", file=sys.stderr, flush=True)
            comparisons.extend(
                compare_arms(
                    workload.name,
                    arms,
                    job,
                    turn=workload.turn,
                    tolerance=workload.tolerance,
                    repeats=repeats,
                    trials=trials,
                    settle=settle,
                    loads=(0, busy) if busy else (0,),
                )
            )
            yield list(comparisons)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 1 if the arms did not do the same work."""
    parser = argparse.ArgumentParser(prog="python -m bench.cpu", description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="turns an arm that count")
    parser.add_argument(
        "--workloads", nargs="*", default=[], help="parts of the names of workloads to run"
    )
    parser.add_argument(
        "--busy", type=int, default=0, help="each turn also beside so many busy processes"
    )
    parser.add_argument(
        "--adam", action="store_true", help="by Adam instead, beside PyTorch's fused one"
    )
    add_common_options(parser)
    options = parser.parse_args(arguments)
    python = options.python
    arms = by_adam(python) if options.adam else [ours(), *peers(python)]
    provenance = Provenance()
    name = "-".join(["cpu", *["adam"] * options.adam, *["busy"] * bool(options.busy)])
    markdown, failures = "", []
    for comparisons in run(
        choose(WORKLOADS, options.workloads),
        choose(arms, options.arms),
        load_digits(options.data),
        repeats=options.repeats,
        trials=options.trials,
        settle=options.settle,
        busy=options.busy,
    ):
        markdown = comparison_markdown(comparisons, provenance)
        document = comparison_document(comparisons, provenance)
        save(document, markdown, options.out / name)
        failures = document["failures"]
    print(markdown)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
