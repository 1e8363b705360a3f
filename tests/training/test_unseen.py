"""Epochs that nobody sees, on a stand-in for a GPU: a launch each at most, and the same bytes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cuda_stand_in import open_stand_in
from cupy_stand_in import DeviceArray, StandIn
from toys import CLASSES, DATA, toy_model
from unseen_runs import (
    AS_ONE,
    FEW,
    FULL,
    ONE_BY_ONE,
    Ended,
    Sees,
    measured,
    trained,
    unseen_events,
)

from backends import Backend, get_backend
from backends.cuda.kernels import Kernels
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.trainer import Trainer
from mlp.training.unseen import Unseen


@pytest.fixture(autouse=True)
def however_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlp.training.looks.SECONDS", math.inf)


# What they cost


@pytest.mark.parametrize("free", [None, FEW], ids=["", "in micro-batches"])
@pytest.mark.parametrize("name", AS_ONE)
def test_between_two_reports_nothing_is_waited_for_and_epochs_are_one_launch(
    name: str, free: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """19 epochs are 16, 2 and 1, each captured by the third time that there are so many."""
    recipe = Recipe(**{**FULL, "epochs": 81, "report_every": 20, **AS_ONE[name]})
    result = trained(monkeypatch, recipe, free=free)
    assert [number for number, *_ in result.epochs] == [0, 20, 40, 60, 80]
    events = unseen_events(result)
    assert events[0] == {}
    for first in events[1:3]:  # a step is run, and then captured
        assert not {"to host", "wait", "to device"} & set(first)
    assert events[3] == events[4] == {"replay": 3}
    assert not [kind for kind, _ in result.cupy.events if kind == "allocate in the graph's pool"]


def test_a_report_reads_four_small_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The losses of the epochs before it and its own, and how many answers were right twice."""
    recipe = Recipe(**{**FULL, "epochs": 41, "report_every": 20})
    result = trained(monkeypatch, recipe, on_warning=lambda _: None)
    (_, begin, _), *_ = result.epochs
    kinds = Counter(kind for kind, _ in result.cupy.events[begin:])
    assert kinds["to host"] == 3 + 4 + 4
    assert "wait" not in kinds


@pytest.mark.parametrize("every", [2, 3, 5, 8])
def test_few_epochs_between_reports_are_a_launch_each_at_most(
    every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(**{**FULL, "epochs": 6 * every + 1, "report_every": every})
    for done in unseen_events(trained(monkeypatch, recipe))[-3:]:
        assert set(done) == {"replay"}
        assert done["replay"] == (every - 1).bit_count() <= every - 1


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_where_epochs_differ_nothing_is_waited_for_either(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(**{**FULL, "epochs": 13, "report_every": 4, **ONE_BY_ONE[name]})
    result = trained(monkeypatch, recipe)
    assert [number for number, *_ in result.epochs] == [0, 4, 8, 12]
    shuffled = recipe.batch_size != "full" and recipe.shuffle
    for done in unseen_events(result)[1:]:
        assert not {"to host", "wait"} & set(done)
        assert done["to device"] == (3 if shuffled else 0)  # an order each


@pytest.mark.parametrize(("hidden", "nodes"), [((16, 16), 16), ((128,), 11)])
@np.errstate(all="ignore")  # products of what kernels that do not run left as it was
def test_the_nodes_of_an_epoch(
    hidden: tuple[int, ...], nodes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As docs/gpu.md has them for an update, and four: its rate, targets, a look and a note."""
    cupy, backend = open_stand_in(monkeypatch, run_kernels=False)
    trainer = Trainer(MLP([16, *hidden, CLASSES], backend=backend), DATA.train, Recipe(**FULL))
    trainer.epoch(0)
    unseen = Unseen(trainer, backend.xp.zeros_like(trainer.model.parameters))
    list(unseen.make(1, 1))
    before = len(cupy.events)
    list(unseen.make(2, 1))
    captured = [name for kind, name in cupy.events[before:] if kind == "captured"]
    assert len(captured) == nodes + 4
    assert captured[:2] == ["take_rows", "take_rows"]  # of the rate, and of the targets
    assert captured[-2:] == ["cublasGemmEx", "end_epoch"]


def test_the_order_of_an_epoch_is_brought_while_the_one_before_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So the next epoch begins with work, and not with a permutation; the last has none to draw."""
    cupy, backend = open_stand_in(monkeypatch)
    trainer = Trainer(toy_model(backend=backend), DATA.train, Recipe(batch_size=8, epochs=4))
    kinds = []
    for number in range(4):
        before = len(cupy.events)
        trainer.epoch(number)
        kinds.append([kind for kind, _ in cupy.events[before:]])
    for steady in kinds[1:3]:
        assert steady[0] == "launch"
        assert steady[-3:] == ["allocate", "to device", "to host"]
    assert "to device" not in kinds[3]


# That they change nothing


@pytest.mark.parametrize("name", [*AS_ONE, *ONE_BY_ONE])
def test_a_run_gives_the_bytes_of_one_that_is_seen_whole(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(**{**FULL, "epochs": 30, "report_every": 12, **(AS_ONE | ONE_BY_ONE)[name]})
    ours, seen = trained(monkeypatch, recipe), trained(monkeypatch, recipe, Sees())
    assert [number for number, *_ in ours.epochs] == [0, 12, 24, 29]
    assert len(seen.epochs) == 30
    assert ours.parameters.tobytes() == seen.parameters.tobytes()
    assert measured(ours.history) == measured(seen.history)


@pytest.mark.parametrize("name", ["full batch", "weighted", "running accuracy"])
def test_a_run_in_micro_batches_does_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(**{**FULL, "epochs": 20, "report_every": 12, **AS_ONE[name]})
    ours = trained(monkeypatch, recipe, free=FEW)
    seen = trained(monkeypatch, recipe, Sees(), free=FEW)
    assert ours.parameters.tobytes() == seen.parameters.tobytes()
    assert measured(ours.history) == measured(seen.history)


@pytest.mark.parametrize("at_once", [3, 7])
def test_rates_that_are_brought_for_few_epochs_end_a_launch(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(**{**FULL, "epochs": 30, "report_every": 12})
    whole = trained(monkeypatch, recipe)
    monkeypatch.setattr("mlp.training.tables.LRS_AT_ONCE", at_once)
    few = trained(monkeypatch, recipe)
    assert few.parameters.tobytes() == whole.parameters.tobytes()
    assert measured(few.history) == measured(whole.history)
    assert len(few.epochs) > len(whole.epochs)


def test_a_run_without_graphs_does_too(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(**{**FULL, "epochs": 20, "report_every": 12})
    captured = trained(monkeypatch, recipe).parameters
    _, backend = open_stand_in(monkeypatch, graph=False)
    model = toy_model(backend=backend)
    train(model, DATA, recipe)
    assert np.array(model.parameters).tobytes() == captured.tobytes()


def test_on_a_cpu_every_epoch_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, epoch = [], Trainer.epoch

    def noted(self: Trainer, number: int, *given: Any, **named: Any) -> Any:
        seen.append(number)
        return epoch(self, number, *given, **named)

    monkeypatch.setattr(Trainer, "epoch", noted)
    sees = Ended()
    runs: list[Run] = []
    sees.on_stop = runs.append  # type: ignore[method-assign]
    train(toy_model(), DATA, Recipe(**{**FULL, "epochs": 4, "report_every": 3}), callbacks=[sees])
    assert runs[0].unseen is None
    assert seen == [0, 1, 2, 3]


# The kernel


def noted(end: Callable[..., Any], dtype: str, rows: list[list[float]], P: int) -> list[np.ndarray]:
    """Note some rows, after each of which the values are its number; return what was kept."""

    def device(array: Any) -> DeviceArray:
        return np.array(array).view(DeviceArray)

    finished, lost = device(np.zeros(P, dtype)), device(np.zeros(1, dtype))
    table, place = device(np.zeros((4, len(rows[0])), dtype)), device(np.int64([1]))
    for number, row in enumerate(rows, 1):
        values = device(np.arange(P, dtype=dtype) + number)
        end(values, finished, device(np.array(row, dtype)), lost, table, place)
    return [np.array(a) for a in (finished, np.asarray(lost) == 0, table, place)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("P", [1, 257, 3000])
@pytest.mark.parametrize("width", [2, 300])
@pytest.mark.parametrize("bad", [None, math.nan, math.inf, -math.inf])
def test_the_kernel_does_what_the_function_does(
    bad: float | None, width: int, P: int, dtype: str
) -> None:
    rows = np.random.default_rng(0).normal(size=(3, width))
    if bad is not None:
        rows[1, -1] = bad
    trainer = Trainer(toy_model(), DATA.train, replace(Recipe(**FULL), epochs=4))
    unseen = Unseen(trainer, trainer.model.parameters)
    unseen._zeros = np.zeros((1, width), dtype)
    unseen._buffer._dtype = dtype

    def function(*arrays: Any) -> None:
        with np.errstate(invalid="ignore"):
            unseen.end_epoch(np, *map(np.asarray, arrays))

    true = noted(function, dtype, rows.tolist(), P)
    ours = noted(Kernels(StandIn()).end_epoch, dtype, rows.tolist(), P)
    for one, other in zip(ours, true, strict=True):
        np.testing.assert_array_equal(one, other)
    assert ours[0][0] == (3 if bad is None else 1)
    assert ours[3] == 4


# On a GPU


@pytest.mark.cuda
@pytest.mark.parametrize("batch_size", [16, "full"])
def test_a_gpu_gives_the_bytes_of_a_run_that_is_seen_whole(
    cuda: Backend, batch_size: Any, tmp_path: Path
) -> None:
    recipe = Recipe(**{**FULL, "epochs": 40, "report_every": 20, "batch_size": batch_size})
    results = []
    for callbacks in ([], [Sees()]):
        model = toy_model(backend=cuda)
        if callbacks:
            callbacks[0].on_epoch_end = lambda run: None  # type: ignore[method-assign]
        history = train(model, DATA, recipe, callbacks=callbacks)
        results.append((cuda.to_numpy(model.parameters).tobytes(), measured(history)))
    assert results[0] == results[1]
    cpu = toy_model(backend=get_backend("cpu"))
    train(cpu, DATA, recipe)
    ours = np.frombuffer(results[0][0], np.float32)
    np.testing.assert_allclose(ours, cpu.parameters, rtol=1e-4, atol=1e-5)
