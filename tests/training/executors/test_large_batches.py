"""Gradient accumulation: however a large batch is cut up, it is the same batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import DATA, FAST, share_out, small_micro_batches, toy_model, trained

import backends.cpu
from backends.cpu import CpuBackend
from mlp.nn.losses import LOSSES
from mlp.training.executors.large_batches import LargeBatchExecutor, plan_parts
from mlp.training.loop import train
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
    trainer.executor.steps[1].model.linear[0].forward = lambda x: 1 / 0  # type: ignore[assignment]
    with pytest.raises(ZeroDivisionError):
        trainer.epoch(0)


CUT: dict[str, dict[str, Any]] = {
    "full": {"batch_size": "full"},
    "a tail of 13": {"batch_size": 47, "train_accuracy": "running"},
    "a tail of 1": {"batch_size": 59, "nesterov": True, "weight_decay": 0.01, "clip_norm": 0.5},
    "random": {"batch_size": 47, "dropout": 0.3, "augment": "affine"},
    "adamw": {"batch_size": 47, "optimizer": "adamw", "weight_decay": 0.01},
}


@pytest.mark.parametrize("options", CUT.values(), ids=CUT)
def test_any_number_of_workers_computes_the_same_bytes(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    small_micro_batches(monkeypatch)
    recipe, results = Recipe(**options, **FAST), []
    for workers in (1, 2, 3, 64):
        share_out(monkeypatch, workers)
        executor = Trainer(toy_model(), DATA.train, recipe).executor
        assert isinstance(executor, LargeBatchExecutor)
        parts = executor.parts
        assert parts > 3
        assert executor.group.size == min(workers, parts)
        model = toy_model()
        history = train(model, DATA, recipe)
        told = [(epoch.loss, epoch.train_accuracy) for epoch in history.epochs]
        results.append((model.parameters.tobytes(), told))
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize(
    ("batch_size", "weights", "parts"),
    [
        (1_200, 235_000, 6),
        (300, 235_000, 2),
        (60_000, 101_632, 16),
        (1_200, 1_000, 1),  # too little work
    ],
)
def test_a_batch_is_cut_by_its_size(batch_size: int, weights: int, parts: int) -> None:
    assert plan_parts(batch_size, weights) == parts
