"""A steady step reads nothing stale, repeats itself exactly and allocates nothing."""

from __future__ import annotations

import sys
import tracemalloc
from itertools import cycle
from typing import Any

import numpy as np
import pytest
from toys import CLASSES, DATA, FAST, small_micro_batches, toy_dataset, toy_model, trained

import backends.cpu
from backends.cpu import CpuBackend
from mlp.nn.buffers import Buffers
from mlp.nn.layers import LAYERS
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer


def poison(array: np.ndarray) -> None:
    array.fill(np.nan if array.dtype.kind == "f" else np.iinfo(array.dtype).max)


@pytest.fixture
def buffers(monkeypatch: pytest.MonkeyPatch) -> list[Buffers]:
    """All buffers that are made from here on."""
    made: list[Buffers] = []
    create = Buffers.__init__

    def noting(self: Buffers, *args: Any) -> None:
        create(self, *args)
        made.append(self)

    monkeypatch.setattr(Buffers, "__init__", noting)
    return made


VARIETY = [
    Recipe(batch_size=8, **FAST),
    Recipe(batch_size=8, nesterov=True, weight_decay=0.01, clip_norm=0.5, clip_value=0.2, **FAST),
    Recipe(batch_size="full", loss="quadratic", **FAST),
    Recipe(batch_size=25, loss="binary_cross_entropy", **FAST),
    Recipe(batch_size=25, augment="affine,elastic(2),thickness", **FAST),
    Recipe(batch_size=25, input_dropout=0.1, dropout=0.5, max_norm=0.7, **FAST),
]


NAMES = ["plain", "all of sgd", "full", "binary", "deformed", "dropout"]


@pytest.mark.parametrize("recipe", VARIETY, ids=NAMES)
@pytest.mark.parametrize("working_set", [3000, 8 << 20])
def test_nothing_is_read_that_an_earlier_step_left(
    recipe: Recipe, working_set: int, buffers: list[Buffers], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every scratch array is filled with NaN between the steps, captured ones included."""
    monkeypatch.setattr(
        backends.cpu, "usable_cores", lambda: 1
    )  # so that nothing is gathered ahead
    small_micro_batches(monkeypatch, working_set)
    clean = trained(recipe)
    buffers.clear()
    trainer = Trainer(model := toy_model(), DATA.train, recipe)
    updates, poisoned = trainer.executor, 0
    optimizer = updates.steps[0].optimizer

    def poison_all(*_: Any) -> None:
        nonlocal poisoned
        scratch = [model.gradients, optimizer.scratch, optimizer.norm]
        for array in [a for b in buffers for a in b._arrays.values()] + scratch:
            poison(array)
            poisoned += 1

    for number in range(recipe.epochs):
        losses = trainer.epoch(number, poison_all)
        assert np.isfinite(losses).all()
    assert poisoned > 40
    np.testing.assert_array_equal(model.parameters, clean)


@pytest.mark.parametrize("recipe", VARIETY, ids=NAMES)
def test_nothing_is_read_before_it_is_written(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every buffer is filled with NaN whenever it is handed out."""
    clean = trained(recipe)
    hand_out = Buffers.__call__

    def poisoned(self: Buffers, *args: Any, **kwargs: Any) -> np.ndarray:
        array = hand_out(self, *args, **kwargs)
        poison(array)
        return array

    monkeypatch.setattr(Buffers, "__call__", poisoned)
    monkeypatch.setattr(CpuBackend, "capture", lambda self, step: step)
    np.testing.assert_array_equal(trained(recipe), clean)


def test_alternating_batch_sizes_do_not_disturb_each_other() -> None:
    def gradients(model: MLP, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
        criterion.forward(model.forward(x), labels)
        model.backward(criterion.backward())
        return model.gradients.copy()

    rng = np.random.default_rng(0)
    batches = [(rng.normal(size=(n, 16)), rng.integers(0, CLASSES, n)) for n in (5, 3, 5, 1, 3)]
    one = toy_model(dtype="float64")
    criterion = LOSSES["cross_entropy"](CLASSES, one.backend, "float64")
    together = [gradients(one, *batch) for batch in batches]
    apart = [gradients(toy_model(dtype="float64"), *batch) for batch in batches]
    np.testing.assert_array_equal(together, apart)


def test_the_callers_arrays_are_left_alone() -> None:
    data = toy_dataset()
    arrays = [data.train.images, data.train.labels, data.test.images, data.test.labels]
    for array in arrays:
        array.flags.writeable = False
    copies = [array.copy() for array in arrays]
    for batch_size in (7, "full"):
        trained(Recipe(batch_size=batch_size, **FAST), data)  # type: ignore[arg-type]
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize(
    ("recipe", "activation"), list(zip(VARIETY, cycle(LAYERS), strict=False)), ids=NAMES
)
@pytest.mark.parametrize("working_set", [3000, 8 << 20])
def test_captured_steps_are_the_steps(
    recipe: Recipe, activation: str, working_set: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_micro_batches(monkeypatch, working_set)
    captured = trained(recipe, activation=activation)
    monkeypatch.setattr(CpuBackend, "capture", lambda self, step: step)
    assert trained(recipe, activation=activation).tobytes() == captured.tobytes()


def peaks(trainer: Trainer, number: int) -> list[int]:
    """The most bytes in use at once in each step of an epoch, over those in use before it.

    NumPy tells tracemalloc of its arrays, as Python does of its objects. NumPy's iterators over
    broadcast arrays also keep a buffer of 8,192 elements, whatever the batch: made small here.
    """
    result: list[int] = []
    before = 0

    def note(*_: Any) -> None:
        nonlocal before
        before_next, peak = tracemalloc.get_traced_memory()
        result.append(peak - before)
        before = before_next
        tracemalloc.reset_peak()

    tracer, buffered = sys.gettrace(), np.setbufsize(16)
    sys.settrace(None)  # a frame that is traced, for coverage, takes half a kilobyte
    tracemalloc.start()
    try:
        trainer.epoch(number, note)
    finally:
        tracemalloc.stop()
        sys.settrace(tracer)
        np.setbufsize(buffered)
    return result[1:]  # the first holds the epoch's order and learning rates


def steady(recipe: Recipe, **options: Any) -> list[int]:
    """The peaks of the steps of a fourth epoch: of 1,000 images, so that no array is small."""
    data = toy_dataset(train=4000, side=8)
    trainer = Trainer(toy_model(inputs=64, **options), data.train, recipe)
    for number in range(3):
        trainer.epoch(number)
    return peaks(trainer, 3)


LIMIT = 3000
"""Bytes. NumPy's iterators and Python's views take up to 2,100; 1,000 float32 take 4,000."""


STEADY = {
    "relu": Recipe(batch_size=1000, **FAST),
    "leaky_relu": Recipe(batch_size=1000, nesterov=True, weight_decay=0.01, **FAST),
    "sigmoid": Recipe(batch_size=1000, loss="quadratic", momentum=0, clip_norm=0.5, **FAST),
    "tanh": Recipe(batch_size=1000, loss="binary_cross_entropy", clip_value=0.2, **FAST),
    "identity": Recipe(batch_size=1000, dropout=0.5, input_dropout=0.1, max_norm=1.0, **FAST),
}


@pytest.mark.usefixtures("one_at_a_time")
@pytest.mark.parametrize("activation", STEADY)
def test_a_steady_step_allocates_nothing(activation: str) -> None:
    assert max(steady(STEADY[activation], activation=activation)) < LIMIT


def test_nor_does_one_in_micro_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one core: what several threads have in use at once depends on when they run."""
    monkeypatch.setattr(backends.cpu, "usable_cores", lambda: 1)
    small_micro_batches(monkeypatch, 100_000)
    assert max(steady(Recipe(batch_size=2000, **FAST))) < LIMIT


@pytest.mark.usefixtures("one_at_a_time")
def test_an_allocation_in_a_step_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss's row of maxima, in a new array: the smallest that depends on the batch."""
    criterion = LOSSES["cross_entropy"]
    forward = criterion.forward

    def allocating(self: Any, outputs: np.ndarray, *args: Any) -> Any:
        outputs.max(axis=1)  # (N,)
        return forward(self, outputs, *args)

    monkeypatch.setattr(criterion, "forward", allocating)
    monkeypatch.setattr(CpuBackend, "capture", lambda self, step: step)
    assert min(steady(Recipe(batch_size=1000, **FAST))) > LIMIT
