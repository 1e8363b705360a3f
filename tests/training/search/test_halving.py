"""Rungs, ranks, and who goes on."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp.common.errors import UsageError
from mlp.training.search.halving import TrialResult, is_lost, ranked, rungs, survivors


def result(trial: int, accuracy: float | None, loss: float = 1.0, epochs: int = 1) -> TrialResult:
    lost = "it diverged" if accuracy is None else None
    return TrialResult(trial, epochs, accuracy, None if lost else loss, 1.0, lost)


@pytest.mark.parametrize(
    ("epochs", "factor", "trials", "found"),
    [
        (9, 3, 16, [1, 3, 9]),
        (5, 3, 16, [1, 2, 5]),
        (27, 3, 16, [3, 9, 27]),
        (27, 3, 4, [9, 27]),
        (27, 3, 2, [27]),
        (10, 1, 16, [10]),
        (1, 3, 16, [1]),
        (8, 2, 8, [1, 2, 4, 8]),
    ],
)
def test_rungs(epochs: int, factor: int, trials: int, found: list[int]) -> None:
    assert rungs(epochs, factor, trials) == found


def test_no_factor_below_one() -> None:
    with pytest.raises(UsageError):
        rungs(5, 0, 4)


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=40),
    st.integers(2, 5),
    st.integers(1, 30),
)
def test_halving_keeps_the_best(accuracies: list[float | None], factor: int, epochs: int) -> None:
    """Where a rung tells what the next one will, the best trial is the one that is left."""
    alive = [result(trial, accuracy) for trial, accuracy in enumerate(accuracies)]
    best = ranked(alive, "accuracy")[0].trial
    steps = rungs(epochs, factor, len(alive))
    for _ in steps[:-1]:
        kept = survivors(alive, factor, "accuracy")
        if accuracies[best] is None:
            assert kept == []
            return
        assert best in kept
        assert len(kept) == max(1, len(alive) // factor) or None in accuracies
        alive = [entry for entry in alive if entry.trial in kept]
    assert best in [entry.trial for entry in alive]


def test_ranks() -> None:
    results = [
        result(0, 0.9, epochs=1),
        result(1, None, epochs=9),
        result(2, 0.5, epochs=9),
        result(3, 0.6, 0.7, epochs=9),
        result(4, 0.6, 0.5, epochs=9),
        result(5, 0.6, 0.5, epochs=9),
    ]
    assert [r.trial for r in ranked(results, "accuracy")] == [4, 5, 3, 2, 0, 1]
    assert ranked([result(0, 0.9, 0.5), result(1, 0.8, 0.4)], "loss")[0].trial == 1


def test_what_diverged_does_not_go_on() -> None:
    results = [result(0, None), result(1, 0.1), result(2, None)]
    assert survivors(results, 2, "accuracy") == [1]
    assert survivors([results[0], results[2]], 2, "accuracy") == []


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_what_is_not_finite_is_lost(value: float | None) -> None:
    sound = result(0, 0.5)
    assert not is_lost(sound)
    assert is_lost(replace(sound, loss=value))
    assert is_lost(replace(sound, accuracy=value))
    assert ranked([replace(sound, loss=value), result(1, 0.1)], "accuracy")[0].trial == 1
