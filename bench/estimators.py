"""How long `fit` of the estimators takes against scikit-learn's.

Run: python -m bench.estimators [digits|table|mnist ...] [--seeds N]

Each side fits by the same settings, scikit-learn's defaults, and by its own: the quickest of a grid
that on training rows held out answer at least as rightly as scikit-learn's defaults. The test rows
measure what was chosen. All is in one run, in turn, with a seed a turn.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from statistics import fmean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits, make_classification
from sklearn.neural_network import MLPClassifier as TheirClassifier

from mlp.data.load import load_dataset
from mlp.sklearn import MLPClassifier

SEEDS = 5
"""Fits of each arm, each with a seed of its own."""

HELD_OUT = 0.2
"""The share of the training rows that settings are chosen on."""

SHARES = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""How many epochs a setting may have, over those of the defaults."""

RATES = {"adam": (0.001, 0.003, 0.01), "sgd": (0.1, 0.3)}
BATCHES = (100, 200)
SCHEDULES = ("constant", "linear")
"""Linear, which scikit-learn does not have, is down to 0."""

Rows = tuple[NDArray[Any], NDArray[Any]]
Settings = dict[str, Any]


@dataclass
class Data:
    """A table to learn.

    Attributes:
        train, test: X and y of either.
        epochs: of the defaults.
    """

    train: Rows
    test: Rows
    epochs: int


def digits() -> Data:
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return Data((X[:1400], y[:1400]), (X[1400:], y[1400:]), 60)


def table() -> Data:
    X, y = make_classification(110_000, 50, n_informative=20, n_classes=5, random_state=0)
    X = X.astype(np.float32)
    return Data((X[:100_000], y[:100_000]), (X[100_000:], y[100_000:]), 5)


def mnist() -> Data:
    data = load_dataset("mnist")
    train, test = (
        (split.images.reshape(len(split), -1).astype(np.float32) / 255, split.labels)
        for split in (data.train, data.test)
    )
    return Data(train, test, 3)


TABLES = {"digits": digits, "table": table, "mnist": mnist}


@dataclass
class Arm:
    """One side with its settings, and what its fits took and reached.

    Attributes:
        name: of the side.
        kind: the estimator.
        settings: its parameters.
        seconds, scores: of each fit, and the accuracy after it, 0 to 1.
    """

    name: str
    kind: type
    settings: Settings
    seconds: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def fit(self, train: Rows, test: Rows, seed: int) -> None:
        """Fit once, and measure; settings by which training diverges score nothing."""
        model = self.kind(random_state=seed, **self.settings)
        start, score = time.perf_counter(), 0.0
        try:
            model.fit(*train)
            self.seconds.append(time.perf_counter() - start)
            score = model.score(*test)
        except ValueError:
            self.seconds.append(math.inf)
        self.scores.append(score)

    def row(self, theirs: Arm) -> str:
        """Write it as a row of a table, beside scikit-learn by its defaults."""
        ratios = sorted(
            own / other for own, other in zip(self.seconds, theirs.seconds, strict=True)
        )
        chosen = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return (
            f"| {self.name} | {chosen} | {fmean(self.seconds):.3f} ± {spread(self.seconds):.3f} | "
            f"{ratios[len(ratios) // 2]:.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) | "
            f"{fmean(self.scores):.2%} ± {100 * spread(self.scores):.2f} |"
        )


def spread(values: Sequence[float]) -> float:
    """Return the standard deviation; 0 of one value."""
    return stdev(values) if len(values) > 1 else 0.0


def grid(kind: type, epochs: int) -> Iterator[Settings]:
    """Yield the settings that a side may choose from; those of scikit-learn are among ours."""
    counts = sorted({max(1, round(share * epochs)) for share in SHARES})
    rates = [(solver, rate) for solver, some in RATES.items() for rate in some]
    schedules = SCHEDULES if kind is MLPClassifier else SCHEDULES[:1]
    for (solver, rate), batch, schedule, count in product(rates, BATCHES, schedules, counts):
        yield {
            "solver": solver,
            "learning_rate_init": rate,
            "learning_rate": schedule,
            "batch_size": batch,
            "max_iter": count,
        }


def divide(rows: Rows) -> tuple[Rows, Rows]:
    """Hold some of the training rows out."""
    X, y = rows
    order = np.random.default_rng(0).permutation(len(X))
    held_out = order[: round(HELD_OUT * len(X))]
    rest = np.sort(order[len(held_out) :])
    return (X[rest], y[rest]), (X[held_out], y[held_out])


def choose(name: str, kind: type, data: Data, seeds: int) -> Settings:
    """Return the quickest settings that on rows held out are as right as scikit-learn's defaults.

    By the mean over the seeds, and by a standard error of the difference more, so that it is no
    luck. One fit each tells which are quick, and which are not worth more fits.
    """
    train, held_out = divide(data.train)
    theirs = Arm("", TheirClassifier, {"max_iter": data.epochs})
    for seed in range(seeds):
        theirs.fit(train, held_out, seed)
    tried = []
    for settings in grid(kind, data.epochs):
        arm = Arm(name, kind, settings)
        arm.fit(train, held_out, 0)
        tried.append(arm)
    tried.sort(key=lambda arm: arm.seconds[0])
    for arm in tried:
        if arm.scores[0] < min(theirs.scores):
            continue
        for seed in range(1, seeds):
            arm.fit(train, held_out, seed)
        error = (spread(arm.scores) ** 2 + spread(theirs.scores) ** 2) / seeds
        if fmean(arm.scores) >= fmean(theirs.scores) + error**0.5:
            return arm.settings
    return theirs.settings


def compare(data: Data, seeds: int) -> list[Arm]:
    """Fit all four arms in turn; the second is scikit-learn by its defaults."""
    sides = {"mlp": MLPClassifier, "scikit-learn": TheirClassifier}
    arms = [Arm(name, kind, {"max_iter": data.epochs}) for name, kind in sides.items()]
    for name, kind in sides.items():
        arms.append(Arm(f"{name}, its own", kind, choose(name, kind, data, seeds)))
    for seed in range(seeds):
        for arm in arms:
            arm.fit(data.train, data.test, seed)
    return arms


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.estimators")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TABLES))
    parser.add_argument("--seeds", type=int, default=SEEDS, help="fits of each arm")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    for name in options.names or list(TABLES):
        data = TABLES[name]()
        arms = compare(data, options.seeds)
        print(f"{name}: {data.train[0].shape[0]:,} rows of {data.train[0].shape[1]} columns")
        print("| side | settings | seconds | of scikit-learn's defaults | accuracy |")
        print("| --- | --- | --- | --- | --- |")
        for arm in arms:
            print(arm.row(arms[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
