"""Parameters that are not finite are found, wherever they are, on any device."""

from __future__ import annotations

import numpy as np
import pytest
from cuda_stand_in import open_stand_in
from toys import DATA, toy_model

from backends import get_backend
from mlp.training.finite import FiniteCheck
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer


@pytest.mark.parametrize("place", [0, 1, 54, -1])
@pytest.mark.parametrize(
    ("value", "finite"),
    [(np.inf, False), (-np.inf, False), (np.nan, False), (3.4e38, True), (-1e-45, True)],
)
@np.errstate(invalid="ignore")
def test_parameters_that_are_not_finite_are_found(
    value: float, finite: bool, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for backend in (get_backend("cpu"), open_stand_in(monkeypatch)[1]):
        model = toy_model(backend=backend)
        out = backend.xp.ones(1, dtype="float32")
        check = FiniteCheck(model, out)
        check.write()
        assert backend.to_numpy(out).item() == 0.0
        model.parameters[place] = value
        check.write()
        assert (backend.to_numpy(out).item() == 0.0) == finite


def test_an_epoch_tells_it() -> None:
    trainer = Trainer(toy_model(), DATA.train, Recipe(batch_size=20))
    trainer.epoch(0)
    assert trainer.are_finite
    trainer.model.parameters[0] = np.nan
    trainer.epoch(1)
    assert not trainer.are_finite
