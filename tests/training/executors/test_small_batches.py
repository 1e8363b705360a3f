"""Small batches: a span of updates is these updates, whoever shares it."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from toys import DATA, FAST, share_out, small_micro_batches, toy_model, trained

import backends.cpu
from mlp.training.executors.small_batches import SmallBatchExecutor
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer


@pytest.mark.parametrize("batch_size", [1, 7, 8])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_span_of_updates_is_the_updates(
    batch_size: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether each is taken by itself, some together or all, gathered ahead or not."""
    recipe, results = Recipe(batch_size=batch_size, **FAST), set()
    share_out(monkeypatch, workers)
    for ahead in (1, 3, 64):
        monkeypatch.setattr(backends.cpu, "SPAN", ahead)
        results.add(trained(recipe).tobytes())
    assert len(results) == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_a_span_tells_its_latest_loss(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    share_out(monkeypatch, workers)
    trainer = Trainer(toy_model(), DATA.train, Recipe(batch_size=1, **FAST))
    assert isinstance(trainer.executor, SmallBatchExecutor)
    told: dict[int, float] = {}
    losses = trainer.epoch(0, lambda seen, loss: told.update({seen: loss.item()}))
    assert len(told) == -(-60 // trainer.executor.span)
    assert told == {seen: losses[seen - 1] for seen in told}


def test_workers_that_were_stopped_go_on_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """They stop in different updates; the next epoch begins with what was there before."""
    share_out(monkeypatch, 2)
    model = toy_model()
    trainer = Trainer(model, DATA.train, Recipe(batch_size=2, **FAST))
    assert isinstance(trainer.executor, SmallBatchExecutor)
    trainer.epoch(0)
    start = model.parameters.copy()
    velocity = trainer.executor.optimizer_state["velocity"].copy()
    assert velocity.any()

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.epoch(1, stop)
    np.testing.assert_array_equal(model.parameters, start)
    np.testing.assert_array_equal(trainer.executor.optimizer_state["velocity"], velocity)


@pytest.mark.parametrize(("cores", "workers"), [(1, 1), (2, 2), (3, 3), (64, 4)])
def test_workers_are_as_many_as_there_are_cores_and_shards(
    cores: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    share_out(monkeypatch, cores)
    trainer = Trainer(toy_model(), DATA.train, Recipe(batch_size=2, **FAST))
    assert trainer.executor.group.size == workers


@pytest.mark.parametrize("augment", [None, "affine"])
def test_images_are_gathered_where_no_worker_reads(
    augment: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker gathers its share of the next span while another may still be in this one."""
    share_out(monkeypatch, 2)
    trainer = Trainer(toy_model(), DATA.train, Recipe(batch_size=2, augment=augment, **FAST))
    assert isinstance(trainer.executor, SmallBatchExecutor)
    rows = [np.arange(i, i + 8) for i in range(0, 32, 8)]
    x = [x for _, x, _ in trainer.executor._gather(rows, 0, 0)]
    for this, following in itertools.pairwise(x):
        assert not np.shares_memory(this, following)


@pytest.mark.parametrize(
    "options",
    [{"batch_size": 2}, {"batch_size": 2, "augment": "affine"}, {"batch_size": "full"}],
    ids=str,
)
def test_each_worker_gathers_for_all_or_into_arrays_of_its_own(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread may gather the next span's labels while another still reads this one's."""
    share_out(monkeypatch, 2)
    small_micro_batches(monkeypatch, 12_800)  # 40 images
    trainer = Trainer(toy_model(), DATA.train, Recipe(**options, **FAST))
    assert isinstance(trainer.executor, SmallBatchExecutor)
    (_, x, labels), (_, x_other, labels_other) = (
        next(trainer.executor._gather([np.arange(8)], 0, worker)) for worker in range(2)
    )
    np.testing.assert_array_equal(labels, labels_other)
    assert not np.shares_memory(labels, labels_other)
    assert np.shares_memory(x, x_other) == (options["batch_size"] == 2)  # not as they lie


@pytest.mark.parametrize("as_floats", [False, True])
def test_workers_together_gather_what_one_gathers(
    as_floats: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    share_out(monkeypatch, 3)
    if not as_floats:
        small_micro_batches(monkeypatch, 12_800)  # 40 images, so that they are kept as bytes
    trainer = Trainer(toy_model(), DATA.train, Recipe(batch_size=2, **FAST))
    executor, rows = trainer.executor, np.array([3, 1, 59, 3, 0, 7, 11])
    assert isinstance(executor, SmallBatchExecutor)
    assert trainer.batches.keeps_floats == as_floats
    executor.images[0][:] = np.nan
    for worker in range(executor.group.count):
        _, x, labels = next(executor._gather([rows], 0, worker))
        np.testing.assert_array_equal(labels, DATA.train.labels[rows])
    np.testing.assert_array_equal(x, trainer.batches.gather(rows)[0])
