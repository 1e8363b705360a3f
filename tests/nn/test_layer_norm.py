"""Layer normalisation: its values, and that it is shared out, saved, and refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import DATA, FAST, share_out, small_micro_batches, toy_model, trained

from mlp.common.errors import ModelError, UsageError
from mlp.models.formats.parameters import parameters_of
from mlp.models.model_file import load, save
from mlp.nn.layers import LAYERS
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe

X = np.random.default_rng(0).normal(2.0, 3.0, (5, 6))


def test_it_is_its_formula() -> None:
    model = MLP([6, 6, 2], "layer_norm(0.1)", dtype="float64")
    layer: Any = model.blocks[0][1]
    layer.gain[:], layer.shift[:] = np.arange(6.0), np.arange(6.0) - 3
    mean, variance = X.mean(1, keepdims=True), X.var(1, keepdims=True)
    expected = layer.gain * (X - mean) / np.sqrt(variance + 0.1) + layer.shift
    np.testing.assert_allclose(layer.forward(X), expected, rtol=1e-12)


def test_it_starts_as_mean_0_and_variance_1() -> None:
    y = MLP([6, 6, 2], "layer_norm", dtype="float64").blocks[0][1].forward(X)
    np.testing.assert_allclose(y.mean(1), 0.0, atol=1e-12)
    np.testing.assert_allclose(y.var(1), 1.0, rtol=1e-4)


@pytest.mark.parametrize("eps", [0.0, -1.0, float("nan")])
def test_an_eps_that_is_not_above_0_is_refused(eps: float) -> None:
    with pytest.raises(UsageError, match=f"eps of layer_norm .* not {eps:g}"):
        LAYERS["layer_norm"](toy_model().backend, "float64", eps=eps)  # type: ignore[call-arg]


@pytest.mark.parametrize("batch_size", [8, 47, "full"])
def test_workers_and_micro_batches_change_nothing(
    batch_size: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(batch_size=batch_size, **FAST)
    options = {"activation": "layer_norm,relu", "dtype": "float64"}
    one = trained(recipe, **options)
    small_micro_batches(monkeypatch)
    share_out(monkeypatch, 2)
    np.testing.assert_allclose(trained(recipe, **options), one, rtol=0, atol=1e-11)


def test_it_is_saved_and_read_and_refused_by_what_cannot_hold_it(tmp_path: Path) -> None:
    model = toy_model(activation="layer_norm,gelu")
    train(model, DATA, Recipe(batch_size=8, **FAST))
    save(model, tmp_path / "m.safetensors")
    same = load(tmp_path / "m.safetensors")
    assert same.parameters.tobytes() == model.parameters.tobytes()
    with pytest.raises(ModelError, match="layer_norm,gelu, with parameters"):
        parameters_of(model)
