"""Learning rates that are brought for many epochs at once, and what an epoch leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cuda_stand_in import open_stand_in
from toys import toy_model

from backends import Backend, get_backend
from mlp.nn.schedules import epoch_learning_rates
from mlp.training.recipe import Recipe
from mlp.training.tables import Tables

RECIPE = Recipe(epochs=9, lr=0.3, warmup=1.5, schedule="cosine")


@pytest.fixture(params=["cpu", "cuda"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Backend:
    return get_backend("cpu") if request.param == "cpu" else open_stand_in(monkeypatch)[1]


@pytest.mark.parametrize(("at_once", "steps"), [(4096, 7), (20, 7), (3, 7), (4, 1)])
def test_each_epoch_has_its_rates(
    at_once: int, steps: int, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whatever order they are asked for, and beyond the last epoch as well."""
    monkeypatch.setattr("mlp.training.tables.LRS_AT_ONCE", at_once)
    tables = Tables(toy_model(backend=backend), RECIPE, steps)
    for number in (0, 1, 2, 5, 3, 8, 9, 0):
        for factor in (1.0, 0.5):
            lrs = backend.to_numpy(tables.lrs_of(number, factor))
            true = epoch_learning_rates("cosine", 0.3 * factor, 1.5, 9, number, steps)
            np.testing.assert_array_equal(lrs, np.float32(true))
            assert 1 <= tables.room(number) <= tables.most


def test_a_device_with_memory_of_its_own_keeps_them_in_one_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From where captured steps read them."""
    monkeypatch.setattr("mlp.training.tables.LRS_AT_ONCE", 4)
    _, backend = open_stand_in(monkeypatch)
    tables = Tables(toy_model(backend=backend), RECIPE, 1)
    lrs: Any = tables.lrs
    for number in range(9):
        tables.lrs_of(number, 1.0)
        assert tables.lrs is lrs


def test_an_epoch_leaves_its_losses_and_what_tells_of_the_parameters(backend: Backend) -> None:
    tables = Tables(toy_model(backend=backend), RECIPE, 7)
    assert (tables.row.shape, tables.losses.shape) == ((8,), (7,))
    tables.losses[:] = 1.0
    assert backend.to_numpy(tables.row).tolist() == [1.0] * 7 + [0.0]
