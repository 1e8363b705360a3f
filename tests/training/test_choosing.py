"""Which network is kept: by validation alone, and what averages and frozen layers do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from toys import DATA, FAST, share_out, toy_model

from mlp.common.errors import UsageError
from mlp.data.dataset import Split
from mlp.training.callbacks import Callback
from mlp.training.history import Epoch
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.run import Run

NOISY = Recipe(batch_size=5, epochs=12, lr=0.5, warmup=0, validation=15)
"""Whose validation accuracy rises and falls."""


class Parameters(Callback):
    """The parameters after each epoch."""

    def __init__(self) -> None:
        self.after: list[np.ndarray] = []

    def on_epoch_measured(self, run: Run, epoch: Epoch) -> None:
        self.after.append(run.model.parameters.copy())


def test_the_best_epoch_is_kept_and_told() -> None:
    model, seen = toy_model(), Parameters()
    history = train(model, DATA, replace(NOISY, keep="best"), callbacks=[seen])
    accuracies = [epoch.validation_accuracy for epoch in history.epochs]
    best = int(np.argmax(accuracies))  # type: ignore[arg-type]
    assert best < len(accuracies) - 1  # or the test would show nothing
    assert history.chosen == best + 1
    np.testing.assert_array_equal(model.parameters, seen.after[best])
    assert history.result == history.epochs[best]
    assert model.metadata.validation_accuracy == accuracies[best]  # type: ignore[attr-defined]


@pytest.mark.parametrize("batch_size", [5, "full"])
def test_the_best_loss_may_be_what_is_kept(batch_size: Any) -> None:
    recipe = replace(NOISY, keep="best", monitor="loss", batch_size=batch_size)
    model, seen = toy_model(), Parameters()
    history = train(model, DATA, recipe, callbacks=[seen])
    losses = [epoch.validation_loss for epoch in history.epochs]
    best = int(np.argmin(losses))  # type: ignore[arg-type]
    assert history.chosen == best + 1
    np.testing.assert_array_equal(model.parameters, seen.after[best])
    assert model.metadata.epoch == best + 1  # type: ignore[attr-defined]
    patient = train(toy_model(), DATA, replace(recipe, epochs=100, patience=2, min_delta=0.01))
    assert len(patient.epochs) < 100
    assert "validation loss has not fallen for 2 epochs" in (patient.stopped or "")


def test_a_run_without_progress_stops() -> None:
    recipe = replace(NOISY, epochs=100, patience=3)
    history = train(toy_model(), DATA, recipe)
    accuracies = [epoch.validation_accuracy or 0.0 for epoch in history.epochs]
    assert len(accuracies) < 100
    assert max(accuracies[:-3]) >= max(accuracies[-3:])
    assert "has not grown for 3 epochs" in (history.stopped or "")
    assert not history.interrupted
    greedy = train(toy_model(), DATA, replace(recipe, min_delta=0.5))
    assert len(greedy.epochs) < len(history.epochs)


def test_the_test_images_never_choose() -> None:
    """Other test images, with any labels: the same bytes, the same epoch, the same end."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, DATA.test.images.shape, dtype=np.uint8)
    labels = rng.integers(0, 5, len(images)).astype(np.uint8)
    other = replace(DATA, test=Split(images, labels))
    recipe = replace(NOISY, epochs=60, keep="best", patience=4, average="ema(0.8)")
    results = []
    for data in (DATA, other):
        model = toy_model()
        history = train(model, data, recipe)
        results.append((model.parameters.tobytes(), history.chosen, len(history.epochs)))
    assert results[0] == results[1]


@pytest.mark.parametrize("options", [{"keep": "best"}, {"patience": 2}])
def test_choosing_needs_validation(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="needs images held out for validation"):
        Recipe(**options)


# Averages


class Updates(Callback):
    """The parameters after each update."""

    def __init__(self) -> None:
        self.after: list[np.ndarray] = []

    def on_update(self, run: Run, seen: int, loss: Any) -> None:
        self.after.append(run.model.parameters.copy())


@pytest.mark.usefixtures("one_at_a_time")
@pytest.mark.parametrize("batch_size", [20, "full"])
def test_a_moving_average_follows_every_update(batch_size: Any) -> None:
    recipe = Recipe(batch_size=batch_size, **{**FAST, "epochs": 5}, max_norm=1.0)
    plain, updates = toy_model(dtype="float64"), Updates()
    average = plain.parameters.copy()
    train(plain, DATA, recipe, callbacks=[updates])
    for parameters in updates.after:
        average += 0.2 * (parameters - average)
    model = toy_model(dtype="float64")
    train(model, DATA, replace(recipe, average="ema(0.8)"))
    np.testing.assert_allclose(model.parameters, average, rtol=1e-12, atol=1e-15)


def test_workers_average_as_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(batch_size=20, **FAST, average="ema(0.8)")
    one, shared = toy_model(dtype="float64"), toy_model(dtype="float64")
    train(one, DATA, recipe)
    share_out(monkeypatch, 2)
    train(shared, DATA, recipe)
    np.testing.assert_allclose(shared.parameters, one.parameters, rtol=0, atol=1e-12)


def test_an_average_of_epochs_is_their_mean() -> None:
    recipe = Recipe(batch_size=20, **{**FAST, "epochs": 6})
    ends = Parameters()
    train(toy_model(dtype="float64"), DATA, recipe, callbacks=[ends])
    model, seen = toy_model(dtype="float64"), Parameters()
    train(model, DATA, replace(recipe, average="swa(4)"), callbacks=[seen])
    np.testing.assert_allclose(model.parameters, np.mean(ends.after[3:], axis=0), rtol=1e-12)
    np.testing.assert_allclose(seen.after[1], ends.after[1], rtol=1e-12)


# Frozen layers


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("batch_size", [8, "full"])
def test_frozen_layers_stay_and_the_others_learn(
    workers: int, batch_size: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    share_out(monkeypatch, workers)
    model = toy_model(9, 7)
    before = {name: array.copy() for name, array in model.named_parameters().items()}
    train(model, DATA, Recipe(batch_size=batch_size, freeze="1,3", weight_decay=0.01, **FAST))
    for name, array in model.named_parameters().items():
        assert np.array_equal(array, before[name]) == (not name.startswith("layers.1")), name


def test_a_layer_that_is_not_there_cannot_be_frozen() -> None:
    with pytest.raises(UsageError, match="there are 3 linear layers to freeze, not 4"):
        train(toy_model(), DATA, Recipe(freeze="4", **FAST))
