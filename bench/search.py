"""What random draws, successive halving and Optuna's sampler find, and in how many epochs.

Run: python -m bench.search [--seeds 5] [--trials 48]. One space of five fields on small synthetic
digits; the best by validation is measured on the test images, which decide nothing. Halving is
worked out from the runs of the random draws: what it stops would have gone on just so. Without
Optuna, its rows are left out.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from importlib.util import find_spec
from statistics import mean
from typing import Any

import mlp
from mlp.common.errors import DivergedError
from mlp.data.dataset import Dataset
from mlp.training.architecture import Architecture
from mlp.training.history import Epoch
from mlp.training.recipe import Recipe
from mlp.training.search.halving import TrialResult, ranked, rungs, survivors
from mlp.training.search.space import Choice, Range, Values, draw_trials

EPOCHS = 6
SPACE: list[Choice | Range] = [
    Range("lr", 0.001, 3.0, log=True),
    Range("momentum", 0.0, 0.98),
    Choice("hidden", ((16,), (32,), (64,), (64, 32))),
    Choice("dropout", (0.0, 0.2)),
    Range("batch_size", 16, 256, log=True, whole=True),
]
FIRST = 16
"""So many trials have `mlp search` and a first look at the samplers."""


@dataclass(frozen=True)
class Done:
    """A run: its epochs, none where it diverged."""

    epochs: list[Epoch]

    def at(self, trial: int, epochs: int) -> TrialResult:
        """Return what it had come to at a rung."""
        if not self.epochs:
            return TrialResult(trial, epochs, None, None, 0.0, "it diverged")
        then = self.epochs[epochs - 1]
        return TrialResult(trial, epochs, then.validation_accuracy, then.validation_loss, 0.0)


def train(data: Dataset, values: Values, seed: int) -> Done:
    """Train by a trial's values."""
    recipe = Recipe(
        epochs=EPOCHS,
        validation=0.2,
        seed=seed,
        **{name: value for name, value in values.items() if name != "hidden"},
    )
    network, cpu = Architecture(hidden=values["hidden"]), mlp.get_backend("cpu")
    model = network.build(data.pixels, data.classes, recipe.loss, seed, cpu)
    try:
        return Done(mlp.train(model, data, recipe).epochs)
    except DivergedError:
        return Done([])


def best(runs: list[Done]) -> float:
    """Return the test accuracy of the run that validated best."""
    first = ranked([run.at(trial, EPOCHS) for trial, run in enumerate(runs)], "accuracy")[0]
    return runs[first.trial].epochs[-1].test_accuracy


def halve(runs: list[Done], factor: int) -> tuple[float, int]:
    """Return the test accuracy that halving ends with, and the epochs that it trains."""
    alive, done, before = list(range(len(runs))), 0, 0
    steps = rungs(EPOCHS, factor, len(runs))
    for epochs in steps:
        done += len(alive) * (epochs - before)
        before = epochs
        here = [runs[trial].at(trial, epochs) for trial in alive]
        if epochs != EPOCHS:
            alive = survivors(here, factor, "accuracy")
    winner = ranked(here, "accuracy")[0].trial
    return runs[winner].epochs[-1].test_accuracy, done


def sample(data: Dataset, seed: int, trials: int) -> list[Done]:
    """Let Optuna's default sampler, TPE, choose the values, one trial after another."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    runs: list[Done] = []

    def objective(trial: Any) -> float:
        values: Values = {}
        for field in SPACE:
            if isinstance(field, Choice):
                place = trial.suggest_categorical(field.name, list(range(len(field.values))))
                values[field.name] = field.values[place]
            elif field.whole:
                ends = int(field.low), int(field.high)
                values[field.name] = trial.suggest_int(field.name, *ends, log=field.log)
            else:
                values[field.name] = trial.suggest_float(
                    field.name, field.low, field.high, log=field.log
                )
        runs.append(train(data, values, seed))
        return runs[-1].at(0, EPOCHS).accuracy or 0.0

    sampler = optuna.samplers.TPESampler(seed=seed)
    optuna.create_study(direction="maximize", sampler=sampler).optimize(objective, n_trials=trials)
    return runs


def main() -> None:
    """Print a table: each way's test accuracies, and the epochs that it trains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=48)
    options = parser.parse_args()
    data = mlp.load_dataset("synthetic:2000+2000")
    rows: dict[str, list[tuple[float, int]]] = {}

    def enter(name: str, accuracy: float, epochs: int) -> None:
        rows.setdefault(name, []).append((accuracy, epochs))

    for seed in range(options.seeds):
        shown = replace(data, name=f"seed {seed}")
        drawn = draw_trials(SPACE, options.trials, seed)
        runs = [train(shown, values, seed) for values in drawn]
        for count in (FIRST, options.trials):
            enter(f"random, {count} to the end", best(runs[:count]), count * EPOCHS)
            enter(f"random, {count}, --halve 3", *halve(runs[:count], 3))
            enter(f"random, {count}, --halve 2", *halve(runs[:count], 2))
        if find_spec("optuna") is not None:
            sampled = sample(shown, seed, options.trials)
            for count in (FIRST, options.trials):
                enter(f"Optuna's TPE, {count} to the end", best(sampled[:count]), count * EPOCHS)
        print(f"seed {seed} is done", flush=True)
    print("\n| way | epochs | test accuracy: mean (min-max) |\n| --- | --- | --- |")
    for name, found in rows.items():
        accuracies = [accuracy for accuracy, _ in found]
        spread = f"{mean(accuracies):.2%} ({min(accuracies):.2%}-{max(accuracies):.2%})"
        print(f"| {name} | {mean(epochs for _, epochs in found):.0f} | {spread} |")


if __name__ == "__main__":
    main()
