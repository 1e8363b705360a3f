"""However a run is cut up, it is the same run: micro-batches, workers, spans, seeds, precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import CLASSES, DATA, FAST, share_out, small_pieces, toy_model, trained

import backends.cpu
from backends.cpu import CpuBackend
from mlp.data.batches import Batches
from mlp.data.dataset import Dataset, Split
from mlp.models.predict import predict
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.training.evaluation import Evaluation
from mlp.training.loop import train
from mlp.training.parallel.large_batches import LargeBatches
from mlp.training.parallel.replica import Replica
from mlp.training.parallel.small_batches import SmallBatches
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

# LargeBatches


@pytest.mark.parametrize("batch_size", ["full", 60, 47])
@pytest.mark.parametrize("loss", LOSSES)
def test_micro_batches_give_the_same_as_one(
    loss: str, batch_size: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(loss=loss, batch_size=batch_size, epochs=5, lr=0.1)
    whole = trained(recipe, dtype="float64")
    small_pieces(monkeypatch)
    trainer = Trainer(toy_model(dtype="float64"), DATA.train, recipe)
    assert len(list(trainer.batches.micro_batches(0, 60))) > 5
    np.testing.assert_allclose(trained(recipe, dtype="float64"), whole, rtol=0, atol=1e-12)


def test_micro_batches_report_the_same_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(batch_size=47, **FAST)
    whole = [epoch.loss for epoch in train(toy_model(dtype="float64"), DATA, recipe).epochs]
    small_pieces(monkeypatch)
    parts = [epoch.loss for epoch in train(toy_model(dtype="float64"), DATA, recipe).epochs]
    np.testing.assert_allclose(parts, whole, rtol=1e-12)


def test_a_piece_of_one_image_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(batch_size="full", **FAST)
    whole = trained(recipe, dtype="float64")
    small_pieces(monkeypatch, 1)
    np.testing.assert_allclose(trained(recipe, dtype="float64"), whole, rtol=0, atol=1e-12)


def test_bytes_kept_give_the_same_as_floats_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    floats = Batches(DATA.train.images, DATA.train.labels, toy_model())
    small_pieces(monkeypatch, 300)
    bytes_ = Batches(DATA.train.images, DATA.train.labels, toy_model())
    assert (floats.images.dtype, bytes_.images.dtype) == (np.float32, np.uint8)
    for x, y in zip(floats.slice(3, 9), bytes_.slice(3, 9), strict=True):
        np.testing.assert_array_equal(x, y)
    rows = np.array([5, 0, 59, 7])
    for x, y in zip(floats.gather(rows), bytes_.gather(rows), strict=True):
        np.testing.assert_array_equal(x, y)


# Workers and spans


LARGE: list[dict[str, Any]] = [
    {"batch_size": "full"}, {"batch_size": 47},  # a tail of 13
    {"batch_size": 59, "nesterov": True, "weight_decay": 0.01, "clip_norm": 0.5},  # a tail of 1
    {"batch_size": 47, "dropout": 0.3, "augment": "affine"},  # drawn by an image's place
]  # fmt: skip


@pytest.mark.parametrize("options", LARGE, ids=["full", "47", "59", "random"])
@pytest.mark.parametrize("piece_bytes", [3000, 8 << 20])
@pytest.mark.parametrize("workers", [2, 3])
def test_workers_give_the_same_as_one(
    workers: int, piece_bytes: int, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(**options, **FAST)
    one = trained(recipe, dtype="float64")
    small_pieces(monkeypatch, piece_bytes)
    share_out(monkeypatch, workers)
    updates = Trainer(toy_model(), DATA.train, recipe).executor
    alone = isinstance(updates, SmallBatches) and recipe.clip_norm is not None
    assert len(updates.steps) == (1 if alone else workers)
    shared = trained(recipe, dtype="float64")
    np.testing.assert_allclose(shared, one, rtol=0, atol=1e-12)
    assert trained(recipe, dtype="float64").tobytes() == shared.tobytes()


@pytest.mark.parametrize("cores", [2, 96])
def test_a_large_batch_comes_in_micro_batches_on_many_cores_too(
    cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or each core would hold all of its images at once."""
    monkeypatch.setattr(backends.cpu, "usable_cores", lambda: cores)
    small_pieces(monkeypatch)
    trainer = Trainer(toy_model(), DATA.train, Recipe(batch_size="full", **FAST))
    assert isinstance(trainer.executor, LargeBatches)


@pytest.mark.parametrize("batch_size", [47, "full"])
def test_workers_count_and_tell_the_same(batch_size: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(batch_size=batch_size, train_accuracy="running", **FAST)
    one = train(toy_model(dtype="float64"), DATA, recipe).epochs
    share_out(monkeypatch, 3)
    shared = train(toy_model(dtype="float64"), DATA, recipe).epochs
    for epoch, other in zip(shared, one, strict=True):
        assert epoch.loss == pytest.approx(other.loss, rel=1e-12)
        assert epoch.train_accuracy == other.train_accuracy


def test_captured_workers_are_the_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    share_out(monkeypatch, 3)
    small_pieces(monkeypatch)
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


@pytest.mark.parametrize("batch_size", [1, 7, 8])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_span_of_updates_is_the_updates(
    batch_size: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether each is taken by itself, some together or all, gathered ahead or not."""
    recipe, results = Recipe(batch_size=batch_size, **FAST), set()
    share_out(monkeypatch, workers)
    for ahead in (1, 3, 64):
        monkeypatch.setattr(backends.cpu, "PREFETCH", ahead)
        results.add(trained(recipe).tobytes())
    assert len(results) == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_a_span_tells_its_latest_loss(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    share_out(monkeypatch, workers)
    trainer = Trainer(toy_model(), DATA.train, Recipe(batch_size=1, **FAST))
    assert isinstance(trainer.executor, SmallBatches)
    told: dict[int, float] = {}
    losses = trainer.epoch(0, lambda seen, loss: told.update({seen: loss.item()}))
    assert len(told) == -(-60 // trainer.executor.span)
    assert told == {seen: losses[seen - 1] for seen in told}


# One seed, one result


@pytest.mark.parametrize("batch_size", [8, "full"])
def test_the_same_seed_gives_the_same_bytes(batch_size: Any) -> None:
    recipe = Recipe(batch_size=batch_size, seed=3, **FAST)
    assert trained(recipe, seed=3).tobytes() == trained(recipe, seed=3).tobytes()


def test_other_seeds_give_other_starts_and_other_orders() -> None:
    first, second = Recipe(batch_size=8, seed=3, **FAST), Recipe(batch_size=8, seed=4, **FAST)
    assert not np.array_equal(trained(first, seed=3), trained(first, seed=4))
    assert not np.array_equal(trained(first), trained(second))


def test_without_shuffling_the_order_is_the_files() -> None:
    """Neither the seed nor a batch's place in the epoch depends on chance then."""
    recipes = [Recipe(batch_size=8, shuffle=False, seed=seed, **FAST) for seed in (3, 4)]
    np.testing.assert_array_equal(trained(recipes[0]), trained(recipes[1]))
    assert not np.array_equal(trained(recipes[0]), trained(Recipe(batch_size=8, seed=3, **FAST)))


def test_the_order_of_the_images_is_no_matter_to_a_full_batch() -> None:
    recipe = Recipe(batch_size="full", **FAST)
    order = np.random.default_rng(0).permutation(60)
    turned = Dataset(
        "t", "tests", CLASSES, Split(DATA.train.images[order], DATA.train.labels[order]), DATA.test
    )
    np.testing.assert_allclose(
        trained(recipe, turned, dtype="float64"), trained(recipe, dtype="float64"), atol=1e-12
    )


def test_an_epoch_visits_every_image_once() -> None:
    """The images are marked by one lit pixel each, whose weights alone then move."""
    images = np.zeros((30, 6, 5), np.uint8)
    images.reshape(30, 30)[np.arange(30), np.arange(30)] = 255
    split = Split(images, (np.arange(30) % CLASSES).astype(np.uint8))
    data = Dataset("lit", "tests", CLASSES, split, split)
    model = MLP([30, CLASSES], init="zeros", bias=False, dtype="float64")
    train(
        model,
        data,
        Recipe(batch_size=4, epochs=1, lr=1.0, momentum=0, schedule="constant", warmup=0),
    )
    # A visit moves the row of image n by (1/N) (t - 1/5), with N = 4, and 2 in the tail batch.
    moved = 1.0 * (np.eye(CLASSES)[split.labels] - 1 / CLASSES)
    sizes = moved[:, :1] / model.linear[0].W[:, :1]
    np.testing.assert_allclose(model.linear[0].W * sizes, moved, atol=1e-15)
    assert sorted(np.round(sizes.ravel(), 12)) == [2.0] * 2 + [4.0] * 28


# Precision


@pytest.mark.parametrize("batch_size", [8, "full"])
def test_float32_follows_float64(batch_size: Any) -> None:
    """After 32 and 4 steps the difference is some hundred roundings of 6e-8."""
    recipe = Recipe(batch_size=batch_size, **FAST)
    single, double = trained(recipe), trained(recipe, dtype="float64")
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, rtol=0, atol=2e-5)
    assert not np.array_equal(single, double)


# Evaluation


@pytest.mark.parametrize("images", [1, 2, 60])
def test_networks_that_share_the_images_count_the_same(images: int) -> None:
    model = toy_model()
    train(model, DATA, Recipe(batch_size=8, **FAST))
    part = DATA.train[:images]
    right = int((predict(model, part.images) == part.labels).sum())
    for networks in ([model], [model, Replica(model), Replica(model)]):
        evaluation = Evaluation(networks, DATA.test, part)
        assert evaluation.validation_accuracy() == right / images
