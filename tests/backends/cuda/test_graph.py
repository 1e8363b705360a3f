"""Captured steps on a stand-in for a GPU: order, lifetimes, failures, and the numbers they give."""

from __future__ import annotations

import gc
import itertools
import weakref
from collections import Counter
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from cuda_stand_in import StandIn, install, open_stand_in
from source import ROOT
from toys import toy_dataset, toy_model

from backends import Backend, BackendError, get_backend
from backends.cuda.graph import GraphWarning
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


def test_a_backend_is_shown_as_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert repr(open_stand_in(monkeypatch)[1]) == "CudaBackend(0, 'float32', graph=True)"
    assert repr(get_backend("cpu", graph=False)) == "CpuBackend(graph=False)"


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


def test_the_order_of_a_captured_step(device: tuple[StandIn, Backend]) -> None:
    cupy, backend = device
    total, step_size = backend.xp.zeros(1, "f"), backend.asarray(np.float32([1]))
    del cupy.events[:]
    step = backend.capture(lambda: backend.xp.add(total, step_size, out=total))
    for expected, events in (
        (1, [("launch", "add")]),
        (2, [("capture", ""), ("captured", "add"), ("end capture", ""), ("replay", "")]),
        (3, [("replay", "")]),
    ):
        assert step() is total
        assert np.asarray(total).tolist() == [expected]
        assert cupy.events == events
        del cupy.events[:]
    step_size[:] = 10  # what is written between calls counts at the next
    step()
    assert np.asarray(total).tolist() == [13]


def test_a_graph_keeps_its_arrays(device: tuple[StandIn, Backend]) -> None:
    _, backend = device

    def make() -> Any:
        a, b = backend.xp.ones((2, 3), "f"), backend.xp.ones((3, 2), "f")
        c, sums = backend.xp.empty((2, 2), "f"), backend.xp.empty(2, "f")

        def step() -> Any:
            backend.xp.matmul(a, b, out=c)
            return backend.xp.sum(c, axis=0, out=sums)

        return backend.capture(step)

    step = make()
    for _ in range(3):
        gc.collect()
        assert np.asarray(step()).tolist() == [6, 6]


def test_the_stand_in_sees_memory_freed_under_a_graph(device: tuple[StandIn, Backend]) -> None:
    _, backend = device
    total = backend.xp.zeros(1, "f")

    def step() -> None:  # a temporary that nothing keeps
        backend.xp.add(total, total, out=backend.xp.zeros(1, "f"))

    captured = backend.capture(step)
    captured()
    with pytest.raises(AssertionError, match="freed"):
        captured()


def test_memory_taken_while_capturing_is_the_graphs(device: tuple[StandIn, Backend]) -> None:
    cupy, backend = device
    total, kept = backend.xp.zeros(1, "f"), []

    def step() -> None:
        kept.append(backend.xp.zeros(1, "f"))
        backend.xp.add(total, total, out=kept[-1])

    captured = backend.capture(step)
    captured()
    del cupy.events[:]
    captured()
    assert ("allocate in the graph's pool", "zeros") in cupy.events
    assert ("allocate", "zeros") not in cupy.events
    gc.collect()
    assert cupy.graph_pools[0]() is not None


@pytest.mark.parametrize("fault", ["transfer", "synchronization", "product", "temporary"])
def test_a_step_that_cannot_be_captured_runs_without_a_graph(
    device: tuple[StandIn, Backend], fault: str
) -> None:
    cupy, backend = device
    total, one = backend.xp.zeros((2, 2), "f"), backend.xp.ones((2, 2), "f")
    faults = {
        "transfer": lambda: backend.to_numpy(total),
        "synchronization": backend.synchronize,
        "product": lambda: backend.xp.matmul(total, one[:, ::-1], out=one * 0),
        "temporary": lambda: backend.xp.exp(total),
    }

    def step() -> None:
        backend.xp.add(total, one, out=total)
        faults[fault]()

    captured = backend.capture(step)
    captured()
    with pytest.warns(GraphWarning, match=r"no CUDA graph could be captured \(.*[Cc]apture"):
        captured()
    captured()
    assert np.asarray(total).tolist() == [[3, 3], [3, 3]]
    assert cupy.events.count(("capture", "")) == cupy.events.count(("end capture", "")) == 1


def in_a_circle(backend: Backend) -> None:
    """Drop a backend so that only the garbage collector can destroy it."""
    circle: list[Any] = [backend]
    circle.append(circle)


@pytest.mark.parametrize("when", ["before", "while"])
def test_the_collector_destroys_no_handle_while_capturing(
    monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """A backend dropped before a capture is collected before it; one dropped within it, after."""
    libraries = install(monkeypatch, cupy := StandIn())
    backend = get_backend("cuda")
    total = backend.xp.zeros(1, "f")
    other = [get_backend("cuda")]

    def step() -> None:
        backend.xp.add(total, 1.0, out=total)
        if cupy._capturing is None:
            return
        if when == "while":
            in_a_circle(other.pop())
        gc.set_threshold(5, 1, 1)
        kept = [[] for _ in range(100)]  # new objects, which start the collector
        del kept

    captured = backend.capture(step)
    captured()
    if when == "before":
        in_a_circle(other.pop())
    threshold = gc.get_threshold()
    try:
        captured()
    finally:
        gc.set_threshold(*threshold)
    assert captured.replays  # type: ignore[attr-defined]
    assert gc.isenabled()
    gc.collect()
    assert libraries[1].calls[-1] == "cublasDestroy"


def test_the_collector_stays_as_it_is_after_a_capture_that_fails(
    device: tuple[StandIn, Backend],
) -> None:
    _, backend = device
    captured = backend.capture(backend.synchronize)
    captured()
    with pytest.warns(GraphWarning):
        captured()
    assert gc.isenabled()


def test_a_backend_that_is_dropped_is_gone_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in no circle of references, which the garbage collector alone would find."""
    libraries = install(monkeypatch, StandIn())
    gc.disable()
    try:
        backend = get_backend("cuda")
        parts = [weakref.ref(part) for part in (backend, backend.xp, backend._kernels)]  # type: ignore[attr-defined]
        del backend
        assert [part() for part in parts] == [None] * 3
        assert libraries[0].calls[-1] == "cublasDestroy"
    finally:
        gc.enable()


def test_an_interrupt_while_capturing_ends_the_capture(device: tuple[StandIn, Backend]) -> None:
    cupy, backend = device
    calls = itertools.count()

    def step() -> None:
        if next(calls):
            raise KeyboardInterrupt

    captured = backend.capture(step)
    captured()
    with pytest.raises(KeyboardInterrupt):
        captured()
    assert cupy.events[-1] == ("end capture", "")


@pytest.mark.parametrize("dtype", [None, "float32"])
@pytest.mark.parametrize("shape", [(1000,), (250, 4), (3, 500), (1, 1000), (7, 5, 40)])
def test_a_large_array_is_brought_in_slices(
    monkeypatch: pytest.MonkeyPatch,
    device: tuple[StandIn, Backend],
    shape: tuple[int, ...],
    dtype: str | None,
) -> None:
    """CuPy would pin as much memory of the host as it brings at once, and never give it back."""
    monkeypatch.setattr("backends.cuda.device.SLICE_BYTES", 400)
    cupy, backend = device
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    del cupy.events[:]
    there = backend.asarray(array, dtype)
    assert there.dtype == (dtype or "uint8")
    np.testing.assert_array_equal(backend.to_numpy(there), array)
    width = there.dtype.itemsize
    assert cupy.largest_transfer <= width * max(400, array[0].size)
    slices = cupy.events.count(("to device", "asarray"))
    assert cupy.events.count(("wait", "")) == slices
    assert slices > 1 or len(array) == 1
    assert backend.asarray(there) is there


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


def test_a_small_array_is_brought_at_once(device: tuple[StandIn, Backend]) -> None:
    cupy, backend = device
    del cupy.events[:]
    backend.asarray(np.zeros((10, 784), np.uint8))
    assert cupy.events == [("allocate", "asarray"), ("to device", "asarray")]


@pytest.mark.parametrize(("free", "most"), [(8 << 30, 1 << 30), (140 << 30, 4 << 30)])
def test_a_micro_batch_has_its_limit(device: tuple[StandIn, Backend], free: int, most: int) -> None:
    """An array of 2³¹ elements would need longer counters; the widest span is of two of them."""
    cupy, backend = device
    cupy.free = free
    assert backend.memory().working_set == most
    assert 2 * most // 4 <= 2**31


def test_a_full_memory_is_told(monkeypatch: pytest.MonkeyPatch, split: Split) -> None:
    cupy, backend = open_stand_in(monkeypatch)
    trainer = trainer_on(backend, split, Recipe(batch_size=16, epochs=EPOCHS))
    cupy.full = True
    sentence = r"memory is full \(1,024 of 2,048 MiB are free\): .* smaller --batch-size"
    with pytest.raises(BackendError, match=sentence):
        trainer.epoch(0)
    with pytest.raises(BackendError, match=sentence):
        backend.asarray(np.ones(3))
    with pytest.raises(BackendError, match="memory is full"):
        get_backend("cuda")


@pytest.mark.parametrize("call", ["matmul", "sum", "column sums"])
def test_a_full_memory_is_told_by_what_is_replaced(
    device: tuple[StandIn, Backend], call: str
) -> None:
    """A product or a sum makes its result or its room; what they replace says the same."""
    cupy, backend = device
    xp = backend.xp
    a, sums = xp.ones((300, 3), "f"), xp.empty(3, "f")
    calls = {
        "matmul": lambda: xp.matmul(a, a.T),
        "sum": lambda: xp.sum(a),
        "column sums": lambda: xp.sum(a, axis=0, out=sums),
    }
    cupy.full = True
    with pytest.raises(BackendError, match="the GPU's memory is full"):
        calls[call]()


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
