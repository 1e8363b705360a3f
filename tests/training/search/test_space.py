"""Values to try: drawn, spread over a grid, put into settings."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from mlp.common.errors import UsageError
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe
from mlp.training.runs.settings import Settings
from mlp.training.search.space import (
    FIXED,
    TRIABLE,
    Choice,
    Range,
    as_text,
    describe,
    draw_trials,
    grid_trials,
    with_values,
)

LR = Range("lr", 0.01, 1.0, log=True)
HIDDEN = Choice("hidden", ((64,), (256, 128)))


def test_draws_keep_to_the_range_and_fill_it() -> None:
    drawn = [values["lr"] for values in draw_trials([LR], 400, 0)]
    assert 0.01 <= min(drawn) < 0.012
    assert 0.9 < max(drawn) <= 1.0
    assert 0.4 < np.mean(np.array(drawn) < 0.1) < 0.6  # each factor as probable as another
    even = [values["lr"] for values in draw_trials([Range("lr", 0.01, 1.0)], 400, 0)]
    assert np.mean(np.array(even) < 0.1) < 0.2


def test_a_seed_decides_the_draws_and_more_go_on_from_fewer() -> None:
    space = [LR, HIDDEN]
    assert draw_trials(space, 5, 1) == draw_trials(space, 9, 1)[:5]
    assert draw_trials(space, 5, 1) != draw_trials(space, 5, 2)


def test_numbers_are_short_and_whole_ones_whole() -> None:
    assert all(len(f"{values['lr']:g}") <= 7 for values in draw_trials([LR], 50, 0))
    batches = draw_trials([Range("batch_size", 8, 64, log=True, whole=True)], 20, 0)
    assert all(type(values["batch_size"]) is int for values in batches)


def test_no_two_trials_are_alike() -> None:
    space = [Choice("nesterov", (True, False)), Choice("dropout", (0.0, 0.1, 0.2))]
    drawn = draw_trials(space, 50, 0)
    assert len(drawn) == 6
    assert len({tuple(values.values()) for values in drawn}) == 6


def test_a_grid_is_every_combination() -> None:
    space = [HIDDEN, LR.spread(3)]
    found = grid_trials(space)
    assert [values["lr"] for values in found] == [0.01, 0.1, 1.0] * 2
    assert [values["hidden"] for values in found] == [(64,)] * 3 + [(256, 128)] * 3
    with pytest.raises(UsageError, match="add :5"):
        grid_trials([LR])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Choice("hidden", ((64, 128),)), "no two values"),
        (lambda: Choice("lr", (0.1, 0.1)), "no two values"),
        (lambda: Range("lr", 1.0, 0.1), "must rise"),
        (lambda: Range("lr", 0.0, 0.1, log=True), "no logarithm"),
        (lambda: Range("lr", 0.0, float("inf")), "no range"),
        (lambda: LR.spread(1), "no two values"),
        (lambda: LR.spread(10**9), "at most"),
        (lambda: grid_trials([Range("dropout", 0, 0.9).spread(500), LR.spread(100)]), "too large"),
    ],
)
def test_what_is_nothing_to_try_is_refused(make: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make()  # type: ignore[operator]


def test_values_go_where_they_belong() -> None:
    made = with_values(Settings(), {"hidden": (8,), "lr": 0.3, "optimizer": "adam"})
    assert made.network.hidden == (8,)
    assert (made.training.lr, made.training.optimizer) == (0.3, "adam")
    assert with_values(Settings(), {"optimizer": "adam"}).training.lr == 0.001  # its usual one
    with pytest.raises(UsageError, match=r"optimizer=adam, momentum=0.5: .*no momentum"):
        with_values(Settings(), {"optimizer": "adam", "momentum": 0.5})


def test_every_field_is_tried_or_alike() -> None:
    names = {field.name for kind in (Architecture, Recipe) for field in fields(kind)}
    assert names == set(TRIABLE) | set(FIXED)
    assert not set(TRIABLE) & set(FIXED)


def test_values_are_written_as_options_take_them() -> None:
    assert describe({"lr": 0.25, "hidden": (64, 32)}) == "lr=0.25, hidden=64,32"
    assert as_text(()) == "none"
