"""Ranks on GPUs compute the same bytes by any way and in any number, and say by which way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cupy_stand_in import StandIn
from device import CountingBackend
from gpu_ranks import StandInNccl, run_on_gpus
from source import ROOT
from thread_ranks import run_ranks
from toys import DATA, FAST, toy_dataset, toy_model

from backends import Backend, BackendError
from mlp.data.dataset import Dataset
from mlp.training.callbacks import Callback
from mlp.training.loop import train
from mlp.training.ranks.devices import Host
from mlp.training.ranks.exchange import Exchange, LinkedExchange, _shared
from mlp.training.ranks.executor import RankedExecutor
from mlp.training.ranks.ranks import AgreedError, Ranks
from mlp.training.ranks.tree import Tree
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.trainer import Trainer

ODD = toy_dataset(side=3)  # rows of 36 bytes, which begin anywhere
OPTIONS: dict[str, tuple[Dataset, dict[str, Any]]] = {
    "full": (DATA, {"batch_size": "full"}),
    "a tail of 3": (DATA, {"batch_size": 19, "train_accuracy": "running", "nesterov": True}),
    "fewer images than pieces": (DATA, {"batch_size": 56}),
    "rows that begin anywhere": (ODD, {"batch_size": 19}),
    "dropout": (DATA, {"batch_size": 32, "dropout": 0.3, "input_dropout": 0.1}),
    "weighed": (DATA, {"batch_size": 40, "class_weight": "balanced", "optimizer": "adam"}),
    "deformed": (DATA, {"batch_size": 32, "augment": "affine"}),
}


def model_for(data: Dataset, backend: Backend | None = None, dtype: str = "float32") -> Any:
    return toy_model(inputs=data.train.images[0].size, backend=backend, dtype=dtype)


def trained_on_gpus(
    patch: pytest.MonkeyPatch, size: int, data: Dataset, recipe: Recipe, **options: Any
) -> list[Any]:
    """The parameters and the losses of each rank, and by what way it got them."""

    def work(ranks: Ranks, backend: Backend, cupy: StandIn) -> Any:
        ways: list[str] = []

        class Note(Callback):
            def on_epoch_begin(self, run: Run) -> None:
                ways.append(run.trainer.executor.connect())

        model = model_for(data, backend)
        history = train(model, data, recipe, ranks=ranks, callbacks=[Note()])
        losses = [(e.loss, e.train_accuracy, e.test_accuracy) for e in history.epochs]
        return backend.to_numpy(model.parameters).tobytes(), losses, ways[0]

    return run_on_gpus(patch, size, work, **options)


@pytest.mark.parametrize("name", OPTIONS)
def test_any_number_and_any_way_gives_the_same_bytes(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, options = OPTIONS[name]
    recipe = Recipe(**FAST | {"epochs": 3} | options)  # the third replays what the second captures
    cpu = run_ranks(1, lambda ranks: _parameters(data, recipe, ranks))[0]
    [(expected, told, way)] = trained_on_gpus(monkeypatch, 1, data, recipe)
    assert way == ""
    np.testing.assert_allclose(np.frombuffer(expected, "f"), cpu, rtol=1e-4, atol=1e-5)
    for size, gpus in ((2, 2), (2, 1), (4, 4)):
        for parameters, losses, way in trained_on_gpus(monkeypatch, size, data, recipe, gpus=gpus):
            assert parameters == expected
            assert losses == told
            by_nccl = way == "gradients go from device to device by NCCL"
            assert by_nccl == (gpus == size)


def _parameters(data: Dataset, recipe: Recipe, ranks: Ranks) -> Any:
    model = model_for(data)
    train(model, data, recipe, ranks=ranks)
    return model.parameters


@pytest.mark.parametrize("options", [{"batch_size": "full"}, {"batch_size": 19, "dropout": 0.2}])
def test_a_device_that_knows_no_others_goes_by_way_of_the_host(options: dict[str, Any]) -> None:
    """And computes what the processor does, whose kernels the counting device has."""
    recipe = Recipe(**FAST | options)
    true = run_ranks(3, lambda ranks: _parameters(DATA, recipe, ranks))[0]

    def work(ranks: Ranks) -> Any:
        model = toy_model(backend=CountingBackend())
        train(model, DATA, recipe, ranks=ranks)
        told = Trainer(model, DATA.train, recipe, ranks).executor.connect()
        return model.backend.to_numpy(model.parameters), told

    for size in (1, 3):
        for parameters, told in run_ranks(size, work):
            np.testing.assert_array_equal(parameters, true)
            assert ("nothing links counting to other devices" in told) == (size > 1)


def table() -> dict[str, list[int]]:
    """The rows on ranks of docs/gpu.md: how many launches an update takes, and how many waits."""
    lines = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8").splitlines()
    rows = (line.strip("| ").split(" | ") for line in lines if line.startswith("| by "))
    return {name: [int(cell) for cell in cells] for name, *cells in rows}


GRAPHS = ("replay", "")


@pytest.mark.parametrize(("way", "gpus"), [("by NCCL", 2), ("by way of the host", 1)])
def test_what_an_update_costs(way: str, gpus: int, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, updates = Recipe(**FAST | {"batch_size": 20}), 3

    def work(ranks: Ranks, backend: Backend, cupy: StandIn) -> Counter[Any]:
        trainer = Trainer(toy_model(backend=backend), DATA.train, recipe, ranks)
        for number in range(3):
            trainer.epoch(number)
        before = len(cupy.events)
        trainer.epoch(3)
        return Counter(cupy.events[before:])

    for events in run_on_gpus(monkeypatch, 2, work, gpus=gpus):
        gathers = events["launch", "take_rows"]
        exchange = sum(n for (_, name), n in events.items() if "NCCL" in name or "join" in name)
        exchange += events["to host", "get"] + events["to device", "set"]
        copies = events["launch", "copyto"]
        counts = [gathers, 1 * updates, exchange, copies, 1 * updates]
        assert events[GRAPHS] == 2 * updates
        waits = events["to host", "get"] + events["wait", ""]
        each = [count / updates for count in (*counts, sum(counts), waits)]
        assert each == table()[way]
        # Beside these: the check that all is finite, and that the losses are told.
        assert events["launch", "cublasGemmEx"] == events["to host", "asnumpy"] == 1
        launched = sum(n for (kind, _), n in events.items() if kind == "launch")
        nccl = exchange if way == "by NCCL" else 0
        assert launched == gathers + copies + nccl + 1
        assert events["allocate", "asarray"] == events["to device", "asarray"] == 1  # the order
        assert events["event", ""] <= (updates + 1 if way == "by NCCL" else 0)


def failing_at(patch: pytest.MonkeyPatch, prepare: Callable[..., None], gpus: int = 2) -> str:
    """What training on two GPUs fails with, or how it says that it goes on."""
    recipe = Recipe(**FAST | {"epochs": 2})
    try:
        results = trained_on_gpus(patch, 2, DATA, recipe, prepare=prepare, gpus=gpus)
    except (BackendError, AgreedError) as error:
        return str(error)
    way: str = results[0][2]
    assert all(result == results[0] for result in results)
    return way


def test_without_nccl_it_goes_by_way_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(ranks: Ranks, cupy: StandIn, nccl: StandInNccl) -> None:
        nccl.available = ranks.rank != 1

    assert failing_at(monkeypatch, lose) == (
        "gradients go by way of the host's memory: CuPy finds no NCCL (libnccl.so.2 is missing), "
        "which pip install nvidia-nccl-cu12 brings: with it GPUs send each other gradients"
    )


def test_two_ranks_on_one_gpu_are_told() -> None:
    a, b = Host("localhost", "a"), Host("localhost", "b")
    devices = [(host, "0000:3B:00.0") for host in (a, b, a)]
    assert _shared(devices) == (
        "ranks 0 and 2 share the GPU 0000:3B:00.0 of localhost, where one rank for each would "
        "be faster"
    )
    assert _shared(devices[:2]) == ""
    assert _shared([(a, "")] * 2) == ""


@pytest.mark.parametrize("what", ["initialisation", "sends and receives", "all-gather", "a link"])
def test_nccl_that_fails_is_told(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(ranks: Ranks, cupy: StandIn, nccl: StandInNccl) -> None:
        nccl.failing = what

    assert failing_at(monkeypatch, spoil) == (
        "NCCL, by which GPUs send each other gradients, has failed "
        "(NCCL_ERROR_UNHANDLED_CUDA_ERROR: unhandled cuda error): NCCL_DEBUG=WARN in the "
        "environment lets it say why"
    )


def test_a_gpu_whose_memory_is_full_is_told_with_its_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(ranks: Ranks, backend: Backend, cupy: StandIn) -> str:
        model = toy_model(backend=backend)
        cupy.full = ranks.rank == 1
        with pytest.raises(AgreedError) as caught:
            train(model, DATA, Recipe(**FAST), ranks=ranks)
        return str(caught.value)

    for sentence in run_on_gpus(monkeypatch, 2, work):
        assert sentence.startswith("rank 1: the GPU's memory is full (1,024 of 2,048 MiB are free)")


class Deaf:
    """A link over which nothing comes."""

    aborted = False

    def all_to_all(self, sent: Any, received: Any) -> None: ...

    def all_gather(self, part: Any, out: Any) -> None: ...

    def mark(self) -> Callable[[], bool]:
        return lambda: False

    def abort(self) -> None:
        self.aborted = True


class Impatient(Ranks):
    """The first of two, who does not wait for what will not come."""

    size, launched = 2, True

    def wait(self, is_done: Callable[[], bool]) -> None:
        if not is_done():
            raise BackendError("rank 1 did not come")


def test_what_a_device_waits_for_is_given_up_with_the_rank(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, link = toy_model(), Deaf()
    trainer = Trainer(model, DATA.train, Recipe(**FAST), ranks := Impatient())
    executor = trainer.executor
    assert isinstance(executor, RankedExecutor)
    parts = ranks, executor.tree, executor._blocks, executor._whole
    exchange = LinkedExchange(*parts, model.backend, link, "nothing")
    monkeypatch.setattr("mlp.training.ranks.executor.open_exchange", lambda *_: exchange)
    with pytest.raises(BackendError, match="rank 1 did not come"):
        trainer.epoch(0)
    assert link.aborted


class Clocked(Ranks):
    """The first of two, of which the other takes so many seconds an update."""

    size, launched = 2, True

    def __init__(self, seconds: float, wants: bool = False, due_in: int = 99) -> None:
        self._other, self._due_in = (wants, seconds, due_in), due_in

    def wait(self, is_done: Callable[[], bool]) -> None:
        assert not is_done()

    def all_gather(self, value: Any) -> list[Any]:
        return [value, self._due_in if isinstance(value, int) else self._other]


@pytest.mark.parametrize(("seconds", "updates"), [(1e-4, 16), (0.011, 4), (3.0, 1)])
def test_linked_ranks_meet_the_more_often_the_slower_they_are(
    seconds: float, updates: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlp.training.ranks.exchange.time.monotonic", lambda: 0.0)
    exchange = linked(Clocked(seconds))
    exchange.begin(99)
    met = [exchange.add_up(False, 99) for _ in range(2 + 2 * updates)]
    assert met == [False, False, *([None] * (updates - 1) + [False]) * 2]
    assert linked(Clocked(seconds, wants=True)).add_up(False, 99) is True
    assert linked(Clocked(seconds)).add_up(True, 99) is True
    # Where one knows when it will want to pause, all meet then, in the next epoch as well.
    exchange = linked(Clocked(1e-4, due_in=5))
    assert [exchange.add_up(False, 7) for _ in range(7)] == [False, False, *[None] * 4, False]
    exchange.begin(3)
    assert [exchange.add_up(False, 7) for _ in range(3)] == [None, None, False]


def test_linked_ranks_meet_at_each_update_while_one_wants_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = [0.0]
    monkeypatch.setattr("mlp.training.ranks.exchange.time.monotonic", lambda: seconds[0])
    exchange = linked(Clocked(1e-4))
    exchange.begin(99)
    assert [exchange.add_up(False, 99) for _ in range(18)] == [False, False, *[None] * 15, False]
    assert [exchange.add_up(n > 2, 99) for n in range(16)] == [*[None] * 15, True]
    for _ in range(3):  # steps that are asked for one by one
        seconds[0] += 600.0
        assert exchange.add_up(True, 99) is True
    seconds[0] += 600.0  # which were no slow update
    assert [exchange.add_up(False, 99) for _ in range(18)] == [False, False, *[None] * 15, False]


def linked(ranks: Ranks) -> Exchange:
    backend = toy_model().backend
    blocks, whole = np.zeros((1, 32), "f"), np.zeros(32, "f")
    return LinkedExchange(ranks, Tree(8, 2), blocks, whole, backend, Deaf(), "nothing")
