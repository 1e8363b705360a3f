"""How well small data sets are learnt at the defaults, against scikit-learn's with its own.

Run: python -m bench.tables [iris|wine|cancer|diabetes|friedman|digits|letters ...] [--hidden 100].
Both learn the same rows with a network of the same widths, for five seeds, and are measured on
the same others.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mlp

SEEDS = range(5)
FOLDS = 5

FEW = 1_000
"""So few rows are all tested by each seed, a fold at a time; of more, a seed tests one fold."""

Rows = NDArray[Any]


def letters() -> tuple[Rows, Rows]:
    """26 classes of 200 rows, 20 columns."""
    X, y = datasets.make_classification(
        5_200,
        20,
        n_informative=15,
        n_redundant=0,
        n_classes=26,
        n_clusters_per_class=1,
        class_sep=2.0,
        random_state=0,
    )
    return X, np.array(list("abcdefghijklmnopqrstuvwxyz"))[y]


SETS = {
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "diabetes": lambda: datasets.load_diabetes(return_X_y=True),
    "friedman": lambda: datasets.make_friedman1(2_000, noise=1.0, random_state=0),
    "digits": lambda: datasets.load_digits(return_X_y=True),
    "letters": letters,
}


def splits(X: Rows, y: Rows, numbers: bool) -> Iterator[tuple[int, Rows, Rows]]:
    """Yield a seed, the rows to train on and those to test."""
    kind = KFold if numbers else StratifiedKFold
    for seed in SEEDS:
        folds = list(kind(FOLDS, shuffle=True, random_state=seed).split(X, y))
        for train, test in folds if len(X) < FEW else folds[:1]:
            yield seed, train, test


def ours(train: tuple[Rows, Rows], test: tuple[Rows, Rows], hidden: Any, seed: int) -> float:
    numbers = train[1].dtype.kind == "f"
    data = mlp.load_dataset((train, test), kind="regression" if numbers else "multiclass")
    model = mlp.MLP([data.pixels, *hidden, data.classes], seed=seed)
    loss = "quadratic" if numbers else "cross_entropy"
    history = mlp.train(model, data, mlp.Recipe(loss=loss, seed=seed, report_every=1_000))
    return history.epochs[-1].test_accuracy


def theirs(train: tuple[Rows, Rows], test: tuple[Rows, Rows], hidden: Any, seed: int) -> float:
    (X, y), (X_test, y_test) = train, test
    if y.dtype.kind == "f":  # standardised, which does not change R²
        y, y_test = (y - y.mean()) / y.std(), (y_test - y.mean()) / y.std()
        model = MLPRegressor(hidden_layer_sizes=hidden, random_state=seed)
    else:
        model = MLPClassifier(hidden, random_state=seed)
    return float(make_pipeline(StandardScaler(), model).fit(X, y).score(X_test, y_test))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(SETS), metavar="SET")
    parser.add_argument("--hidden", type=int, nargs="+", default=[100], metavar="WIDTH")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in given.names:
        X, y = SETS[name]()
        scores: dict[Any, list[float]] = {ours: [], theirs: []}
        seconds = dict.fromkeys(scores, 0.0)
        for seed, train, test in splits(X, y, y.dtype.kind == "f"):
            for side in scores:
                start = time.perf_counter()
                score = side((X[train], y[train]), (X[test], y[test]), tuple(given.hidden), seed)
                seconds[side] += time.perf_counter() - start
                scores[side].append(score)
        us, them = mean(scores[ours]), mean(scores[theirs])
        print(
            f"{name}: ours {us:.4f}, scikit-learn's {them:.4f}, difference {us - them:+.4f}, "
            f"time {seconds[ours] / seconds[theirs]:.2f} of theirs",
            flush=True,
        )


if __name__ == "__main__":
    main()
