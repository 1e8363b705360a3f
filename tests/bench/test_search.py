"""Halving, worked out from whole runs."""

from __future__ import annotations

from bench.search import EPOCHS, Done, best, halve
from mlp.training.history import Epoch


def run(*validation: float) -> Done:
    """A run that validated so after each epoch, and tests a tenth better."""
    return Done([Epoch(n, 1.0, 1.0, v + 0.1, v, 1.0, 1.0) for n, v in enumerate(validation, 1)])


LATE, EARLY = run(0.1, 0.2, 0.3, 0.5, 0.7, 0.9), run(0.5, 0.5, 0.5, 0.5, 0.5, 0.5)


def test_the_best_is_the_one_that_validated_best() -> None:
    assert best([LATE, EARLY, Done([])]) == 1.0


def test_halving_counts_the_epochs_that_it_trains() -> None:
    accuracy, epochs = halve([EARLY, LATE, Done([])], 3)
    assert (accuracy, epochs) == (0.6, 3 * 2 + 1 * (EPOCHS - 2))
    assert halve([EARLY, LATE], 3) == (1.0, 2 * EPOCHS)  # too few to drop any
