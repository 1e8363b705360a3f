"""Gradient accumulation: however a large batch is cut up, it is the same batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import DATA, FAST, share_out, small_micro_batches, toy_model, trained

import backends.cpu
from backends.cpu import CpuBackend
from mlp.nn.losses import LOSSES
from mlp.training.loop import train
from mlp.training.parallel.large_batches import LargeBatchExecutor, plan_workers
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer


@pytest.mark.parametrize("batch_size", ["full", 60, 47])
@pytest.mark.parametrize("loss", LOSSES)
def test_micro_batches_give_the_same_as_one(
    loss: str, batch_size: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(loss=loss, batch_size=batch_size, epochs=5, lr=0.1)
    whole = trained(recipe, dtype="float64")
    small_micro_batches(monkeypatch)
    trainer = Trainer(toy_model(dtype="float64"), DATA.train, recipe)
    assert len(list(trainer.batches.micro_batches(0, 60))) > 5
    np.testing.assert_allclose(trained(recipe, dtype="float64"), whole, rtol=0, atol=1e-12)


def test_micro_batches_report_the_same_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(batch_size=47, **FAST)
    whole = [epoch.loss for epoch in train(toy_model(dtype="float64"), DATA, recipe).epochs]
    small_micro_batches(monkeypatch)
    parts = [epoch.loss for epoch in train(toy_model(dtype="float64"), DATA, recipe).epochs]
    np.testing.assert_allclose(parts, whole, rtol=1e-12)


def test_a_micro_batch_of_one_image_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(batch_size="full", **FAST)
    whole = trained(recipe, dtype="float64")
    small_micro_batches(monkeypatch, 1)
    np.testing.assert_allclose(trained(recipe, dtype="float64"), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cores", [2, 96])
def test_a_large_batch_comes_in_micro_batches_on_many_cores_too(
    cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or each core would hold all of its images at once."""
    monkeypatch.setattr(backends.cpu, "usable_cores", lambda: cores)
    small_micro_batches(monkeypatch)
    trainer = Trainer(toy_model(), DATA.train, Recipe(batch_size="full", **FAST))
    assert isinstance(trainer.executor, LargeBatchExecutor)


def test_captured_workers_are_the_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    share_out(monkeypatch, 3)
    small_micro_batches(monkeypatch)
    recipe = Recipe(batch_size=47, **FAST)
    captured = trained(recipe)
    monkeypatch.setattr(CpuBackend, "capture", lambda self, step: step)
    assert trained(recipe).tobytes() == captured.tobytes()


def test_an_error_in_a_worker_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    share_out(monkeypatch, 2)
    trainer = Trainer(toy_model(), DATA.train, Recipe(batch_size="full", **FAST))
    trainer.executor.steps[1].model.layers[0].forward = lambda x: 1 / 0  # type: ignore[assignment]
    with pytest.raises(ZeroDivisionError):
        trainer.epoch(0)


@pytest.mark.parametrize(
    ("cores", "batch_size", "weights", "workers"),
    [
        (2, 128, 235_000, 2),
        (16, 128, 235_000, 5),  # more would read more than they compute
        (16, 60_000, 101_632, 16),
        (16, 10, 10_000_000, 1),
        (16, 32, 12_960, 1),  # too little work
    ],
)
def test_as_many_workers_as_are_worth_it(
    cores: int, batch_size: int, weights: int, workers: int
) -> None:
    assert plan_workers(cores, batch_size, weights) == workers
