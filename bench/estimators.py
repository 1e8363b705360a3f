"""How long `fit` of the estimators takes against scikit-learn's, at the same settings.

Run: python -m bench.estimators [digits|table|mnist ...]. Both sides in one run, interleaved.
"""

from __future__ import annotations

import sys
import time
import warnings
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits, make_classification
from sklearn.neural_network import MLPClassifier as TheirClassifier

from mlp.data.load import load_dataset
from mlp.sklearn import MLPClassifier

REPEATS = 3
"""Fits of each side, of which the median counts."""

Table = tuple[NDArray[Any], NDArray[Any]]


def digits() -> tuple[Table, Table, dict[str, Any]]:
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return (X[:1400], y[:1400]), (X[1400:], y[1400:]), {"max_iter": 60}


def table() -> tuple[Table, Table, dict[str, Any]]:
    X, y = make_classification(110_000, 50, n_informative=20, n_classes=5, random_state=0)
    X = X.astype(np.float32)
    return (X[:100_000], y[:100_000]), (X[100_000:], y[100_000:]), {"max_iter": 5}


def mnist() -> tuple[Table, Table, dict[str, Any]]:
    data = load_dataset("mnist")
    train, test = (
        (split.images.reshape(len(split), -1).astype(np.float32) / 255, split.labels)
        for split in (data.train, data.test)
    )
    return train, test, {"max_iter": 3}


TABLES = {"digits": digits, "table": table, "mnist": mnist}


def main(names: list[str]) -> None:
    warnings.simplefilter("ignore")
    for name in names or list(TABLES):
        train, test, given = TABLES[name]()
        seconds: dict[type, list[float]] = {MLPClassifier: [], TheirClassifier: []}
        scores: dict[type, list[float]] = {MLPClassifier: [], TheirClassifier: []}
        for seed in range(REPEATS):
            for kind in seconds:
                model = kind(random_state=seed, **given)
                start = time.perf_counter()
                model.fit(*train)
                seconds[kind].append(time.perf_counter() - start)
                scores[kind].append(model.score(*test))
        ours, theirs = (median(times) for times in seconds.values())
        accuracies = [f"{median(values):.2%}" for values in scores.values()]
        print(
            f"{name}: ours {ours:.2f} s ({accuracies[0]}), scikit-learn {theirs:.2f} s "
            f"({accuracies[1]}), ratio {ours / theirs:.2f}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
