"""How good the rates are that ``mlp find-lr`` suggests, and those of other rules on its curves.

Run: python -m bench.find_lr [NAME ...]. For each pair of a recipe and a data set, networks are
trained at 13 rates. A rule's loss is by how many percentage points the test accuracy at its rate,
interpolated between these, is below the best of them; of two curves each.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

import mlp
from mlp.common.errors import MLPError
from mlp.data.dataset import Dataset, Split
from mlp.training.architecture import Architecture
from mlp.training.range_test import measure, read, usual_range
from mlp.training.recipe import Recipe

SEEDS = (0, 1)
TIMES = (0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 30.0, 100.0)
"""The rates, in those that the optimizer usually has."""

CASES: dict[str, tuple[str, Architecture, Recipe]] = {
    "mnist": ("mnist", Architecture(hidden=(128, 64)), Recipe(epochs=3)),
    "mnist, batches of 32": (
        "mnist",
        Architecture(hidden=(128, 64)),
        Recipe(epochs=3, batch_size=32),
    ),
    "mnist, no momentum": ("mnist", Architecture(hidden=(128, 64)), Recipe(epochs=3, momentum=0.0)),
    "mnist, adam": ("mnist", Architecture(hidden=(128, 64)), Recipe(epochs=3, optimizer="adam")),
    "mnist, lion": ("mnist", Architecture(hidden=(128, 64)), Recipe(epochs=3, optimizer="lion")),
    "mnist, sigmoid": (
        "mnist",
        Architecture(hidden=(36,), activation="sigmoid"),
        Recipe(epochs=2, loss="quadratic", momentum=0.0, batch_size=10),
    ),
    "mnist, deep tanh": (
        "mnist",
        Architecture(hidden=(64,) * 4, activation="tanh"),
        Recipe(epochs=3),
    ),
    "synthetic": ("synthetic:4000+1000", Architecture(hidden=(64,)), Recipe(epochs=4)),
    "cancer": ("breast_cancer", Architecture(hidden=(32,)), Recipe(epochs=30)),
    "wine, adam": ("wine", Architecture(hidden=(32,)), Recipe(epochs=60, optimizer="adam")),
    "digits": ("digits", Architecture(hidden=(64,)), Recipe(epochs=20)),
}


def load(name: str) -> Dataset:
    """Load a data set; of MNIST the first 12,000 training and 3,000 test images."""
    if name.startswith("synthetic"):
        return mlp.load_dataset(name)
    if name == "mnist":
        data = mlp.load_dataset(name)
        train = Split(data.train.images[:12_000], data.train.labels[:12_000])
        return replace(
            data, train=train, test=Split(data.test.images[:3_000], data.test.labels[:3_000])
        )
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return mlp.load_dataset((X, y))


def grid(data: Dataset, network: Architecture, recipe: Recipe) -> tuple[list[float], list[float]]:
    """Train at each rate; return the rates and the test accuracies, 0 where a run diverges."""
    rates, found = [], []
    for times in TIMES:
        tried = replace(recipe, lr=float(recipe.lr) * times)
        model = build(network, data, tried)
        try:
            found.append(mlp.train(model, data, tried).epochs[-1].test_accuracy)
        except MLPError:
            found.append(0.0)
        rates.append(tried.lr)
    return rates, found


def build(network: Architecture, data: Dataset, recipe: Recipe) -> mlp.MLP:
    """Build the network on the CPU."""
    cpu = mlp.get_backend("cpu")
    return network.build(data.pixels, data.classes, recipe.loss, recipe.seed, cpu, data.task.kind)


def rules(rates: NDArray[Any], smoothed: NDArray[Any], suggested: float) -> dict[str, float]:
    """Return the rate of each rule; all go by the smoothed curve."""
    least = int(smoothed.argmin())
    before = smoothed[: least + 1]
    fall = before[0] - before[least]
    steepest = int(np.gradient(smoothed, np.log(rates))[: least + 1].argmin())
    most_fallen = int(np.flatnonzero(before <= before[least] + 0.1 * fall)[0])
    return {
        "the least smoothed loss": suggested,
        "the first rate with 90 % of the fall": float(rates[most_fallen]),
        "a third of the least": suggested / 3,
        "a tenth of the least": suggested / 10,
        "the steepest place": float(rates[steepest]),
    }


def main() -> None:
    """Print a table of the rules."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="of the cases; all unless given")
    names = parser.parse_args().names or list(CASES)
    losses: dict[str, list[float]] = {}
    for name in names:
        place, network, recipe = CASES[name]
        data = load(place)
        rates, accuracies = grid(data, network, recipe)
        suggested = []
        for seed in SEEDS:
            seeded = replace(recipe, seed=seed)
            curve = measure(build(network, data, seeded), data, seeded, *usual_range(seeded))
            found = read(curve)
            if found.suggestion is None:
                print(f"{name}, seed {seed}: {found.problem}")
                continue
            suggested.append(f"{found.suggestion:g}")
            for rule, lr in rules(found.lrs, found.smoothed, found.suggestion).items():
                at = float(np.interp(math.log(lr), np.log(rates), accuracies))
                losses.setdefault(rule, []).append(100 * (max(accuracies) - at))
        best = rates[int(np.argmax(accuracies))]
        print(
            f"{name}: best {max(accuracies):.2%} at {best:g}, suggested {' and '.join(suggested)}"
        )
    print("\n| rule | mean | worst |\n| --- | --- | --- |")
    for rule, lost in losses.items():
        print(f"| {rule} | {mean(lost):.1f} | {max(lost):.1f} |")


if __name__ == "__main__":
    main()
