"""How sure a reading of a picture may be: fit the weights of `mlp.handwriting.doubt`; judge them.

    python tests/support/drawn_pictures.py DRAWN 2000 0 usual
    python -m bench.picture_confidence DRAWN --test FOLDER... [--model MODEL]

Each folder holds pictures of one digit and ``labels.csv``, in which a letter stands for what is no
digit. Of each folder is told how many pictures are read rightly, how many answers are sure as
`mlp.handwriting.constants` stands, and how many of these are wrong. Then the weights are fitted on
the first folder: judged there by cross-validation, and on the others, which nothing was fitted on.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import DataError
from mlp.handwriting import constants, extract_digit, load_picture
from mlp.handwriting.doubt import combine, confidence, doubts, evidence_of, log_odds
from mlp.handwriting.picture_files import Labels, find_pictures
from mlp.models import predict
from mlp.models.formats.convert import read_model
from mlp.models.pretrained import pretrained_model

NAMES = "DOUBT_BY_SPREAD", "DOUBT_BY_LEFT_OUT", "DOUBT_BY_PIECES", "DOUBT_BY_SOFTNESS"
NO_DIGIT = -1  # what no answer is, for pictures of anything else
FOLDS = 5
RIDGE = 0.1
STEPS = 30

Floats = NDArray[np.float64]


class Readings(NamedTuple):
    """The readings of a folder.

    Attributes:
        logits: the log-odds of the probabilities, shape (N,).
        doubts: what speaks against the answers, shape (N, 4).
        sure: the confidences as the constants stand, shape (N,).
        right: which answers are correct, bool of shape (N,).
        unread: how many pictures could not be read.
    """

    logits: Floats
    doubts: Floats
    sure: Floats
    right: NDArray[np.bool_]
    unread: int


def read(model: Any, folder: Path) -> Readings:
    """Read the pictures of a folder that show one digit by their labels."""
    digits, labels = [], []
    unread = 0
    for name, label in find_pictures([str(folder)], Labels(folder / "labels.csv")):
        if label is None or len(label) != 1:
            continue
        try:
            digit = extract_digit(load_picture(name))
        except DataError:
            unread += 1
            continue
        digits.append(replace(digit, stages={}))  # which take megabytes
        labels.append(int(label) if label.isdecimal() else NO_DIGIT)
    stacked = np.array([(digit.image, *digit.views) for digit in digits])  # (N, V, 28, 28)
    each = predict.vote([model], stacked.reshape(-1, *stacked.shape[2:]))
    each = each.reshape(*stacked.shape[:2], -1)  # (N, V, C)
    answers = combine(each).argmax(axis=1)  # (N,)
    by_view = np.take_along_axis(each, answers[:, None, None], axis=2)[..., 0]  # (N, V)
    evidence = evidence_of(digits)
    right = answers == np.array(labels)
    logits, against = log_odds(combine(by_view)), doubts(by_view, evidence).T
    return Readings(logits, against, confidence(by_view, evidence), right, unread)


def fit(logits: Floats, columns: Floats, right: NDArray[np.bool_]) -> Floats:
    """Fit the weights of what speaks against answers, 0 or more each.

    Maximum likelihood of a logistic regression by Newton's method, with `RIDGE` as the penalty.

    Args:
        logits: the log-odds from which they take, shape (N,).
        columns: what speaks against each answer, shape (N, F).
        right: which answers are correct, shape (N,).

    Returns:
        Shape (F,).
    """
    weights = np.zeros(columns.shape[1])
    penalty = RIDGE * np.eye(len(weights))
    for _ in range(STEPS):
        share = 1 / (1 + np.exp(columns @ weights - logits))  # (N,)
        gradient = columns.T @ (share - right) - penalty @ weights
        curvature = (columns * (share * (1 - share))[:, None]).T @ columns + penalty
        weights = np.maximum(weights + np.linalg.solve(curvature, gradient), 0)
    return weights


def sure_by(weights: Floats, logits: Floats, columns: Floats) -> Floats:
    """Return the confidences by some weights, shape (N,)."""
    return 1 / (1 + np.exp(columns @ weights - logits))


def cross_validated(readings: Readings) -> Floats:
    """Return confidences by weights that were fitted on the other folds, shape (N,)."""
    logits, columns, right = readings.logits, readings.doubts, readings.right
    fold, sure = np.arange(len(right)) % FOLDS, np.empty(len(right))
    for k in range(FOLDS):
        others, its = fold != k, fold == k
        weights = fit(logits[others], columns[others], right[others])
        sure[its] = sure_by(weights, logits[its], columns[its])
    return sure


def row(what: str, readings: Readings, sure: Floats) -> str:
    """Tell how many answers are right and sure, and the mean surprise at what is right."""
    right, told = readings.right, sure >= constants.SURE
    surprise = -np.log(np.where(right, sure, 1 - sure)).mean()
    total = len(right) + readings.unread
    return (
        f"{what:24}{right.sum():>6} of {total:>5}{told.sum():>7} sure"
        f"{(told & ~right).sum():>5} of them wrong{surprise:>9.4f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="to fit on")
    parser.add_argument("--test", nargs="*", type=Path, default=[])
    parser.add_argument("--model", help="in place of the pretrained one")
    given = parser.parse_args()
    model = read_model(Path(given.model)) if given.model else pretrained_model()
    fitted = read(model, given.folder)
    weights = fit(fitted.logits, fitted.doubts, fitted.right)
    tests = [(folder.name, read(model, folder)) for folder in given.test]
    print("as the constants stand, right and sure, and the surprise in nats")
    for name, readings in [(given.folder.name, fitted), *tests]:
        print(row(name, readings, readings.sure))
    print(f"\nfitted on {given.folder.name}")
    print(row("cross-validated", fitted, cross_validated(fitted)))
    for name, readings in tests:
        print(row(name, readings, sure_by(weights, readings.logits, readings.doubts)))
    print(", ".join(f"{name} = {its:.2f}" for name, its in zip(NAMES, weights, strict=True)))


if __name__ == "__main__":
    main()
