"""Seconds of training to a mean test accuracy on MNIST, a row a commit: ``python -m bench.record``.

A record is a network and a recipe that all arms train from the same weights with the same shuffles.
Each seed's run goes on to the end of its schedule, and no run ends because of the test images: the
record holds if the mean of the accuracies of all seeds is the target or more. Its time is the mean
of the seconds of training; evaluation, compilation and reading are not counted.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from bench.harness.arms import OURS, Arm, ours, peers
from bench.harness.machine import Provenance
from bench.harness.options import add_common_options, choose, load_digits
from bench.harness.report import put_between, save, table
from bench.target import Runner, race
from mlp.benchmark.workload import CLASSES, PIXELS, network_name
from mlp.data.dataset import Dataset
from mlp.training.recipe import Recipe

BEGIN, END = "<!-- records: begin -->", "<!-- records: end -->"
SEEDS = 30
"""The fewest for a row of the page."""

KEY = ("target", "commit", "machine", "arm")
HEAD = (*KEY, "setting", "network", "seeds", "reached", "seconds", "date")


@dataclass(frozen=True)
class Record:
    """What is trained to reach a target.

    Attributes:
        target: the mean test accuracy, 0 to 1.
        hidden: the widths of the hidden layers.
        recipe: how the network is trained.
    """

    target: float
    hidden: tuple[int, ...]
    recipe: Recipe

    @property
    def name(self) -> str:
        """The target in per cent, as the tables and ``--targets`` say it."""
        return f"{100 * self.target:.1f}"

    @property
    def network(self) -> str:
        """What is trained, in a cell of the table."""
        r = self.recipe
        sizes = network_name((PIXELS, *self.hidden, CLASSES))
        return f"{sizes}, batch {r.batch_size}, rate {r.lr:g}, {r.epochs} epochs"


RECORDS = (
    Record(0.98, (256, 128), Recipe(epochs=3)),
    Record(0.985, (512, 256), Recipe(epochs=10)),
)
"""What was tried for them stands in bench/LOG.md."""


@dataclass(frozen=True)
class Mean:
    """The mean of several numbers, with its standard error; not a number for one alone."""

    value: float
    error: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """Take the mean of at least one number."""
        error = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
        return cls(mean(values), error)


@dataclass
class Outcome:
    """A record as its arms ran it."""

    record: Record
    runners: list[Runner]

    def accuracy(self, runner: Runner) -> Mean:
        """Return the mean of an arm's final accuracies, 0 to 1."""
        return Mean.of([run.accuracies[-1] for run in runner.runs])

    def holds(self, runner: Runner) -> bool:
        """Tell whether an arm's mean accuracy is the target or more."""
        return bool(runner.runs) and self.accuracy(runner).value >= self.record.target

    @property
    def failure(self) -> str | None:
        """Say if this project ran and missed the target."""
        for runner in self.runners:
            if runner.arm.name == OURS and not self.holds(runner):
                found = "nothing" if not runner.runs else f"{self.accuracy(runner).value:.3%}"
                return f"{self.record.network} reached {found} where {self.record.name} % is asked"
        return None

    def rows(self, provenance: Provenance) -> list[list[str]]:
        """Return the cells of each arm that ran, in the order of `HEAD`."""
        machine, rows = provenance.machine, []
        for runner in self.runners:
            if not runner.runs:
                continue
            reached = self.accuracy(runner)
            seconds = Mean.of([run.seconds for run in runner.runs])
            missed = "" if self.holds(runner) else ", missed"
            rows.append(
                [
                    f"{self.record.name} %",
                    provenance.commit,
                    f"{machine.processor}, {machine.cores} cores",
                    runner.arm.name,
                    runner.entry.setting,
                    self.record.network,
                    str(len(runner.runs)),
                    f"{100 * reached.value:.3f} ± {100 * reached.error:.3f} %{missed}",
                    f"{seconds.value:.3f} ± {seconds.error:.3f}",
                    datetime.now(UTC).date().isoformat(),
                ]
            )
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Turn it into what JSON can carry."""
        return {
            **asdict(self.record),
            "arms": {
                r.arm.name: {**asdict(r.entry), "runs": [asdict(run) for run in r.runs]}
                for r in self.runners
            },
        }


def run(
    records: Sequence[Record],
    arms: list[Arm],
    dataset: Dataset,
    *,
    seeds: int,
    trials: int,
    settle: float,
) -> Iterator[Outcome]:
    """Train every arm on every record from every seed, in turn, epoch by epoch; see `race`.

    Each record's outcome comes when it is there: the next ones take long.
    """
    for record in records:
        print(f"{record.name} %: {record.network} ...", file=sys.stderr, flush=True)
        runners = race(
            arms,
            dataset,
            record.hidden,
            record.recipe,
            target=math.inf,  # to the end of the schedule
            seeds=seeds,
            trials=trials,
            settle=settle,
        )
        yield Outcome(record, runners)


def markdown(outcomes: list[Outcome], provenance: Provenance) -> str:
    """Write the records as a table, with what is absent or was missed below it."""
    rows = [row for outcome in outcomes for row in outcome.rows(provenance)]
    absent = {r.arm.name: r.entry.absent for o in outcomes for r in o.runners if r.entry.absent}
    return "\n".join(
        [
            "# Seconds to a mean test accuracy\n",
            f"{provenance} Means with their standard errors.\n",
            table(HEAD, rows),
            *(f"- {name} is absent: {reason}" for name, reason in absent.items()),
            *(f"- Not a record: {o.failure}" for o in outcomes if o.failure),
        ]
    )


def write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Put rows at the end of the page's table, instead of those that `KEY` tells are the same.

    Raises:
        ValueError: if the page has no place for them.
    """
    keys = {tuple(row[: len(KEY)]) for row in rows}

    def change(old: str) -> str:
        kept = [_cells(line) for line in old.splitlines()[2:] if line.startswith("|")]
        kept = [row for row in kept if tuple(row[: len(KEY)]) not in keys]
        return table(HEAD, [*kept, *rows]).rstrip("\n")

    put_between(path, BEGIN, END, change)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def _why_no_row(outcome: Outcome, seeds: int, provenance: Provenance) -> str | None:
    """Say why the page gets no row, if so."""
    if seeds < SEEDS:
        return f"a row of the page is the mean of {SEEDS} seeds or more: give --seeds {SEEDS}"
    if "dirty" in provenance.commit or provenance.commit == "unknown":
        return "a row of the page is that of a commit: commit what has changed first"
    return outcome.failure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 1 if a target was missed or the page gets no row."""
    parser = argparse.ArgumentParser(prog="python -m bench.record", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="runs an arm")
    parser.add_argument("--targets", nargs="*", default=[], help="such as 98.0; all unless given")
    parser.add_argument("--write", type=Path, metavar="FILE", help="such as docs/records.md")
    add_common_options(parser)
    options = parser.parse_args(arguments)
    provenance, outcomes, reason = Provenance(), [], None
    for outcome in run(
        choose(RECORDS, options.targets),
        choose([ours(), *peers(options.python)], options.arms),
        load_digits(options.data),
        seeds=options.seeds,
        trials=options.trials,
        settle=options.settle,
    ):
        outcomes.append(outcome)
        document = {
            "machine": provenance.to_dict(),
            "records": [outcome.to_dict() for outcome in outcomes],
        }
        save(document, markdown(outcomes, provenance), options.out / "record")
        if options.write is not None:
            lacking = _why_no_row(outcome, options.seeds, provenance)
            reason = reason or lacking
            if lacking is None:
                write(options.write, outcome.rows(provenance))
    print(markdown(outcomes, provenance))
    if reason is not None:
        print(f"bench.record: {reason}", file=sys.stderr)
    return int(reason is not None or any(outcome.failure for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
