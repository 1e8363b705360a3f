"""Trainings captured on a stand-in for a GPU: the CPU's numbers, and what a steady epoch does."""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from cuda_stand_in import install, open_stand_in
from cupy_stand_in import StandIn
from source import ROOT
from toys import toy_dataset, toy_model

from backends import Backend, get_backend
from mlp.data.dataset import Split
from mlp.data.synthetic import load_synthetic
from mlp.nn.network import MLP
from mlp.training.callbacks import Callback
from mlp.training.executors.small_batches import SmallBatchExecutor
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.together import Watch, train_together
from mlp.training.trainer import Trainer

DOC = ROOT / "docs" / "gpu.md"


EPOCHS = 4

N, CLASSES = 70, 4


@pytest.fixture
def split() -> Split:
    r = np.random.default_rng(0)
    return Split(
        r.integers(0, 256, (N, 3, 3), dtype=np.uint8), r.integers(0, CLASSES, N).astype(np.uint8)
    )


def trainer_on(backend: Backend, split: Split, recipe: Recipe) -> Trainer:
    return Trainer(MLP([9, 6, 5, CLASSES], backend=backend), split, recipe)


def span_of(trainer: Trainer) -> int:
    assert isinstance(trainer.executor, SmallBatchExecutor)
    return trainer.executor.span


def run(trainer: Trainer, epochs: int = EPOCHS) -> tuple[Any, Any]:
    """Train; return the parameters and every update's loss, on the host."""
    losses = [trainer.epoch(number).copy() for number in range(epochs)]
    return trainer.backend.to_numpy(trainer.model.parameters), np.concatenate(losses)


@pytest.mark.parametrize(
    ("batch_size", "optimizer"),
    [(16, "sgd"), (64, "sgd"), ("full", "sgd"), (16, "adam"), ("full", "adamw"), (16, "rmsprop"),
     (16, "adagrad"), (16, "lion")],
)  # fmt: skip
def test_replayed_spans_train_as_the_cpu_does(
    monkeypatch: pytest.MonkeyPatch, split: Split, batch_size: Any, optimizer: str
) -> None:
    """Spans of two updates, of which the last may be one shorter and end in a smaller batch."""
    monkeypatch.setattr("backends.cuda.device.SPAN", 2)
    cupy, backend = open_stand_in(monkeypatch)
    recipe = Recipe(batch_size=batch_size, epochs=EPOCHS, weight_decay=1e-3, optimizer=optimizer)
    ours = run(trainer_on(backend, split, recipe))
    true = run(trainer_on(get_backend("cpu"), split, recipe))
    for mine, other in zip(ours, true, strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-6, atol=2e-6)
    assert ("replay", "") in cupy.events


@pytest.mark.parametrize("batch_size", [40, "full"])
def test_a_batch_that_does_not_fit_is_taken_in_micro_batches(
    monkeypatch: pytest.MonkeyPatch, split: Split, batch_size: Any
) -> None:
    cupy, backend = open_stand_in(monkeypatch)
    cupy.free = 8 * 5 * 4 * (9 + 3 * (6 + 5 + CLASSES))  # room for micro-batches of 5 images
    trainer = trainer_on(backend, split, Recipe(batch_size=batch_size, epochs=EPOCHS))
    assert trainer.batches.micro_batch_size == 5
    assert trainer.batches.images.dtype == np.uint8  # no room for them as floats
    cpu = trainer_on(get_backend("cpu"), split, Recipe(batch_size=batch_size, epochs=EPOCHS))
    for mine, true in zip(run(trainer), run(cpu), strict=True):
        np.testing.assert_allclose(mine, true, rtol=1e-5, atol=1e-6)


def test_graphs_replay_on_images_that_are_brought_over(
    monkeypatch: pytest.MonkeyPatch, split: Split
) -> None:
    """Nothing is brought while a graph is captured, and every replay has new images."""
    monkeypatch.setattr("backends.cuda.device.WORKING_SET_SHARE", 1)
    results = []
    for free in (2 * split.images.nbytes, 2 * split.images.nbytes - 1):
        cupy, backend = open_stand_in(monkeypatch)
        cupy.free = free
        trainer = trainer_on(backend, split, Recipe(batch_size=4, epochs=EPOCHS))
        assert trainer.batches.on_host == (free < 2 * split.images.nbytes)
        assert span_of(trainer) > 1
        results.append(run(trainer))
        assert ("replay", "") in cupy.events
    for resident, brought in zip(*results, strict=True):
        np.testing.assert_array_equal(brought, resident)


def test_without_graphs_the_numbers_are_the_same(
    monkeypatch: pytest.MonkeyPatch, split: Split
) -> None:
    recipe = Recipe(batch_size=16, epochs=EPOCHS)
    cupy, backend = open_stand_in(monkeypatch)
    captured = run(trainer_on(backend, split, recipe))
    eager_cupy, eager = open_stand_in(monkeypatch, graph=False)
    for one, other in zip(captured, run(trainer_on(eager, split, recipe)), strict=True):
        np.testing.assert_array_equal(one, other)
    assert ("capture", "") in cupy.events
    assert ("capture", "") not in eager_cupy.events


def events_of(cupy: StandIn, trainer: Trainer, epoch: int) -> list[tuple[str, str]]:
    before = len(cupy.events)
    trainer.epoch(epoch)
    return cupy.events[before:]


def test_what_a_steady_epoch_does(monkeypatch: pytest.MonkeyPatch, split: Split) -> None:
    monkeypatch.setattr("backends.cuda.device.SPAN", 3)
    cupy, backend = open_stand_in(monkeypatch)
    trainer = trainer_on(backend, split, Recipe(batch_size=16, epochs=EPOCHS))
    for number in range(2):
        trainer.epoch(number)
    assert (trainer.steps, span_of(trainer)) == (5, 3)
    done = Counter(kind for kind, _ in events_of(cupy, trainer, 2))
    assert done.pop("launch") <= 2 * 4 + 1  # two spans: images, labels, rates and losses
    assert done == {
        "replay": 2,
        "allocate": 1, "to device": 1,  # the order
        "to host": 1,  # the losses
    }  # fmt: skip


def test_what_a_steady_full_batch_epoch_does(monkeypatch: pytest.MonkeyPatch, split: Split) -> None:
    cupy, backend = open_stand_in(monkeypatch)
    trainer = trainer_on(backend, split, Recipe(batch_size="full", epochs=EPOCHS))
    for number in range(2):
        trainer.epoch(number)
    done = Counter(kind for kind, _ in events_of(cupy, trainer, 2))
    assert done.pop("launch") <= 3
    assert done == {"replay": 1, "to host": 1}


def test_what_an_epoch_that_is_not_reported_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """One replay, one wait, for its losses and whether the parameters are finite, and no array.

    Launches: its rate, its losses, that sum of 0 times each parameter, and a copy of these.
    """
    cupy, backend = open_stand_in(monkeypatch, run_kernels=False)
    ends = []

    class Ends(Callback):
        def on_epoch_end(self, run: Run) -> None:
            ends.append(len(cupy.events))

    recipe = Recipe(batch_size="full", epochs=6, report_every=5)
    train(toy_model(backend=backend), toy_dataset(), recipe, callbacks=[Ends()])
    for start, end in itertools.pairwise(ends[1:5]):
        done = Counter(kind for kind, _ in cupy.events[start:end])
        assert done == {"launch": 4, "replay": 1, "to host": 1}


def test_blas_is_left_alone_where_another_device_computes(
    monkeypatch: pytest.MonkeyPatch, split: Split
) -> None:
    """Setting its threads takes longer than an epoch may."""
    asked: list[int] = []
    monkeypatch.setattr(
        "mlp.training.trainer.blas_threads", lambda n: asked.append(n) or nullcontext()
    )
    recipe = Recipe(batch_size="full", epochs=2)
    trainer_on(open_stand_in(monkeypatch)[1], split, recipe).epoch(0)
    assert asked == []
    trainer_on(get_backend("cpu"), split, recipe).epoch(0)
    assert asked == [1]


@pytest.mark.parametrize("train_accuracy", ["after", "running"])
def test_the_nodes_of_a_step(
    monkeypatch: pytest.MonkeyPatch, split: Split, train_accuracy: Any
) -> None:
    """The graph of a step on two hidden layers: eight products, and at most four kernels a layer.

    These are a bias, an activation, its gradient and column sums; and targets, loss with its
    gradient, and update are there once.
    """
    cupy, backend = open_stand_in(monkeypatch)
    recipe = Recipe(batch_size="full", epochs=EPOCHS, train_accuracy=train_accuracy)
    trainer = trainer_on(backend, split, recipe)
    trainer.epoch(0)
    events = events_of(cupy, trainer, 1)
    assert not [event for event in events if event[0] == "allocate in the graph's pool"]
    captured = Counter(name for kind, name in events if kind == "captured")
    assert captured.pop("cublasGemmEx") == 3 + 3 + 2  # y, dW and dx, but the first layer's dx
    assert captured.total() <= 3 * 4 + 2 + (train_accuracy == "running")


@pytest.mark.parametrize(("hidden", "nodes"), [((16, 16), 16), ((128,), 11)])
def test_the_nodes_that_are_told_of(
    monkeypatch: pytest.MonkeyPatch, hidden: tuple[int, ...], nodes: int
) -> None:
    """In docs/gpu.md; one more of a span gathers targets."""
    cupy, backend = open_stand_in(monkeypatch, run_kernels=False)
    r = np.random.default_rng(0)
    images, labels = r.integers(0, 256, (96, 28, 28), dtype=np.uint8), np.zeros(96, np.uint8)
    trainer = Trainer(
        MLP([784, *hidden, 10], backend=backend), Split(images, labels), Recipe(batch_size=32)
    )
    trainer.epoch(0)
    captured = [name for kind, name in events_of(cupy, trainer, 1) if kind == "captured"]
    assert len(captured) == 3 * nodes + 1
    row = next(
        line for line in DOC.read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| 784-{'-'.join(map(str, hidden))}-10 | {len(hidden) * 3 + 2} |")
    )  # fmt: skip
    counts = [int(cell) for cell in row.split("|")[2:-1]]
    assert counts[6] == sum(counts[:6]) == nodes
    assert counts[7] == nodes + 5


def test_networks_side_by_side_train_as_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a loss and a count of its own, which a kernel adds up for all of them."""
    data, found = toy_dataset(), []
    recipes = [Recipe(batch_size="full", epochs=3, seed=seed, lr=0.1) for seed in (3, 0, 8)]
    for backend in (open_stand_in(monkeypatch)[1], get_backend("cpu")):
        models = [toy_model(seed=recipe.seed, backend=backend) for recipe in recipes]
        trained = train_together(models, data, recipes, Watch())
        found.append([(e.loss, e.test_accuracy) for one in trained for e in one.history.epochs])
    np.testing.assert_allclose(*found, rtol=1e-5)


def test_backends_and_devices_take_turns(monkeypatch: pytest.MonkeyPatch, split: Split) -> None:
    """Each works on its own device, and those of one device on the same stream."""
    install(monkeypatch, cupy := StandIn(devices=2))
    recipe = Recipe(batch_size=16, epochs=EPOCHS)
    true = run(trainer_on(get_backend("cpu"), split, recipe))
    names = ["cuda:0", "cuda:1", "cuda:0"]
    trainers = [trainer_on(backend, split, recipe) for backend in map(get_backend, names)]
    for number in range(EPOCHS):
        losses = [trainer.epoch(number).copy() for trainer in trainers]
        for mine in losses:
            np.testing.assert_allclose(mine, true[1][number * 5 : number * 5 + 5], rtol=2e-6)
    assert sorted(cupy.streams) == [0, 1]


def test_what_a_first_training_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few kernels, and none of CuPy's that sum or look for something, which take two seconds each.

    What differs from batch to batch, such as 1/N in the loss's gradient, is no part of a source.
    """
    cupy, backend = open_stand_in(monkeypatch)
    train(MLP([784, 16, 8, 10], backend=backend), load_synthetic(300, 50), Recipe(epochs=3))
    assert len(cupy.compiled) <= 8
    assert cupy.compiled == [
        "add of f, f, f",
        "copyto of f, B, f",
        "multiply of f, f",
        "kernels.cu",
        "ReLU_apply_with_bias",
        "ReLU_gradient_with_sums",
        "SGD_descend_with_momentum",
        "ReLU_apply",  # of images that are measured, where nothing is captured
    ]


# On a GPU


@pytest.mark.cuda
@pytest.mark.parametrize("batch_size", [16, "full"])
def test_a_gpu_replays_graphs_that_took_no_memory(
    cuda: Backend, split: Split, batch_size: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that could not be captured would warn, which is an error here."""
    import cupy

    pools, make = [], cupy.cuda.MemoryPool
    monkeypatch.setattr(cupy.cuda, "MemoryPool", lambda: pools.append(make()) or pools[-1])
    trainer = trainer_on(cuda, split, Recipe(batch_size=batch_size, epochs=EPOCHS))
    ours, true = run(trainer), run(trainer_on(get_backend("cpu"), split, trainer.recipe))
    np.testing.assert_allclose(ours[1], true[1], rtol=1e-5)
    assert pools
    assert [pool.total_bytes() for pool in pools] == [0] * len(pools)
