"""Seconds of training to a test accuracy, over several seeds: ``python -m bench.target``.

The recipe and the network are those that ``mlp train`` defaults to, read from the product. Besides,
libraries that have a recipe of their own run that. Evaluation and compilation are not counted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.harness.arm_process import ArmProcess
from bench.harness.arms import OURS, Arm, ours, peers, peers_with_own_recipes
from bench.harness.comparison import WARM_UP_TURNS, Entry, find_best, job_for, run_turn
from bench.harness.job import Job, write_dataset, write_weights
from bench.harness.machine import Provenance
from bench.harness.options import add_common_options, choose, load_digits
from bench.harness.report import save, spread, table
from mlp.benchmark.timing import rotated
from mlp.data.dataset import Dataset
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe

OPEN_END = 20
"""Epochs that an arm may take whose learning rate does not run out."""


@dataclass
class Run:
    """One arm's run with one seed.

    Attributes:
        seed: of the weights and the shuffles.
        seconds: of training so far.
        accuracies: on the test images, after each epoch.
        reached: whether the last of them is the one aimed at.
    """

    seed: int
    seconds: float = 0.0
    accuracies: list[float] = field(default_factory=list)
    reached: bool = False


@dataclass
class Runner:
    """One arm with its best setting and its runs."""

    arm: Arm
    entry: Entry
    epochs: int
    runs: list[Run] = field(default_factory=list)

    @property
    def seconds(self) -> list[float]:
        """Seconds to the target of each run, or nothing if one did not reach it."""
        reached = [run.seconds for run in self.runs if run.reached]
        return reached if len(reached) == len(self.runs) else []


def race(
    arms: list[Arm],
    dataset: Dataset,
    hidden: tuple[int, ...],
    recipe: Recipe,
    *,
    target: float,
    seeds: int,
    trials: int,
    settle: float,
) -> list[Runner]:
    """Train every arm from every seed until it reaches the target, in turn, epoch by epoch."""
    sizes = (dataset.pixels, *hidden, dataset.classes)
    runners = []
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name, ExitStack() as stack:
        write_dataset(dataset, Path(name))
        weights = [str(Path(name) / f"weights-{seed}.npz") for seed in range(seeds)]
        for seed, path in enumerate(weights):
            write_weights(Path(path), sizes, seed)
        job = Job(data=name, weights=weights[0], sizes=sizes, recipe=recipe)
        processes = {}
        for arm in arms:
            print(f"{arm.name} ...", file=sys.stderr, flush=True)
            setting, entry = find_best(arm, job, 1, trials)
            own = replace(recipe, **arm.recipe)
            epochs = OPEN_END if own.schedule == "constant" else own.epochs
            runners.append(Runner(arm, entry, epochs))
            if setting is not None:
                processes[arm.name] = process = stack.enter_context(ArmProcess(arm, setting))
                entry.versions = process.prepare(job_for(arm, setting, job))
                process.train(WARM_UP_TURNS)
        present = [runner for runner in runners if runner.arm.name in processes]
        for seed, path in enumerate(weights):
            for runner in present:
                processes[runner.arm.name].start(path, seed)
                runner.runs.append(Run(seed))
            _race_once(present, processes, target, settle)
    return runners


def _race_once(
    runners: list[Runner], processes: dict[str, ArmProcess], target: float, settle: float
) -> None:
    """Run everybody's latest run to its end."""
    for number in range(max(runner.epochs for runner in runners)):
        for runner in rotated(runners, number):
            run = runner.runs[-1]
            if run.reached or number >= runner.epochs:
                continue
            process = processes[runner.arm.name]
            run.seconds += run_turn(process, 1, settle)
            run.accuracies.append(process.accuracy())
            run.reached = run.accuracies[-1] >= target


def document(runners: list[Runner], recipe: Recipe, provenance: Provenance) -> dict[str, Any]:
    """Gather the race for JSON."""
    arms = {
        runner.arm.name: {
            **asdict(runner.entry),
            "own_recipe": runner.arm.recipe,
            "runs": [asdict(run) for run in runner.runs],
        }
        for runner in runners
    }
    return {"machine": provenance.to_dict(), "recipe": asdict(recipe), "arms": arms}


def markdown(
    runners: list[Runner],
    hidden: tuple[int, ...],
    recipe: Recipe,
    target: float,
    provenance: Provenance,
) -> str:
    """Write the race as a table."""
    widths = "-".join(map(str, hidden))
    mine = next((median(r.seconds) for r in runners if r.arm.name == OURS and r.seconds), None)
    rows = []
    for runner in runners:
        if not runner.runs:
            rows.append([runner.arm.name, runner.entry.absent or "", "–", "–", "–"])
            continue
        ratio = f"{mine / median(runner.seconds):.2f}" if mine and runner.seconds else "–"
        reached = f"{sum(run.reached for run in runner.runs)} of {len(runner.runs)}"
        epochs = spread([len(run.accuracies) for run in runner.runs], ".0f")
        seconds = spread(runner.seconds) if runner.seconds else f"reached in {reached}"
        rows.append([runner.arm.name, runner.entry.setting, epochs, seconds, ratio])
    return "\n".join(
        [
            f"# Seconds of training to {target:.1%} test accuracy\n",
            str(provenance),
            f"Hidden layers {widths}, batch {recipe.batch_size}, momentum {recipe.momentum}, "
            f"peak learning rate {recipe.lr}, {recipe.warmup} epochs of warm-up, then "
            f"{recipe.schedule} over {recipe.epochs} epochs; arms with Adam run their own recipe. "
            "Median and range over seeds; evaluation and compilation not counted.\n",
            table(["arm", "setting", "epochs", "seconds", f"{OURS} / arm"], rows),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m bench.target", description=__doc__)
    parser.add_argument("--target", type=float, default=0.98, help="the test accuracy aimed at")
    parser.add_argument("--seeds", type=int, default=5, help="runs an arm")
    parser.add_argument("--hidden", type=int, nargs="*", default=Architecture.hidden)
    parser.add_argument("--epochs", type=int, default=Recipe.epochs, help="the schedule's length")
    add_common_options(parser)
    options = parser.parse_args(arguments)
    recipe, hidden = Recipe(epochs=options.epochs), tuple(options.hidden)
    arms = [ours(), *peers(options.python), *peers_with_own_recipes(options.python)]
    provenance = Provenance()
    runners = race(
        choose(arms, options.arms),
        load_digits(options.data),
        hidden,
        recipe,
        target=options.target,
        seeds=options.seeds,
        trials=options.trials,
        settle=options.settle,
    )
    text = markdown(runners, hidden, recipe, options.target, provenance)
    save(document(runners, recipe, provenance), text, options.out / "target")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
