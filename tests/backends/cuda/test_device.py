"""CuPy's rules and a GPU's costs, checked without either: see device.py for the device."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device import CountingBackend, DeviceArray, real_cupy, refusal
from source import USING_XP, xp_calls
from toys import toy_dataset, toy_model

from backends import get_backend
from mlp.data.dataset import Dataset, Split
from mlp.data.task import Task
from mlp.models.metadata import Metadata
from mlp.models.model_file import load, save
from mlp.models.predict import predict, probabilities
from mlp.nn.layers import LAYERS, Linear
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.training.evaluation import Evaluation
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

DATA = toy_dataset()  # 60 images
FAST: dict[str, Any] = {"epochs": 3, "lr": 0.1, "warmup": 0.0}
FEW_IMAGES = 3000
"""Bytes, for a few images a micro-batch."""

RECIPES: dict[str, tuple[Recipe, int | None]] = {
    "batches": (Recipe(batch_size=8, **FAST), None),
    "full": (Recipe(batch_size="full", **FAST), None),
    "micro-batches": (Recipe(batch_size="full", **FAST), FEW_IMAGES),
    "shuffled micro-batches": (Recipe(batch_size=47, **FAST), FEW_IMAGES),
    "plain": (Recipe(batch_size=8, momentum=0.0, **FAST), None),
    "all of sgd": (
        Recipe(
            batch_size=8, nesterov=True, weight_decay=0.01, clip_norm=0.5, clip_value=0.2, **FAST
        ),
        None,
    ),
    **{
        name: (Recipe(batch_size=size, optimizer=name, weight_decay=0.01, **FAST), None)
        for name, size in (
            ("adam", 8), ("adamw", "full"), ("rmsprop", 8), ("adagrad", 8), ("lion", 8),
        )
    },
    "deformed": (Recipe(batch_size=25, augment="affine,elastic(2),thickness", **FAST), None),
    "deformed micro-batches": (Recipe(batch_size="full", augment="elastic(2)", **FAST), FEW_IMAGES),
    "dropout": (
        Recipe(batch_size=8, dropout=0.5, input_dropout=0.2, max_norm=0.5, **FAST), None,
    ),
    "dropout in micro-batches": (Recipe(batch_size=47, dropout=0.5, **FAST), FEW_IMAGES),
    "running": (
        Recipe(batch_size=8, train_accuracy="running", loss_on="first_batch", **FAST), None,
    ),
    "running in micro-batches": (
        Recipe(batch_size="full", train_accuracy="running", **FAST), FEW_IMAGES,
    ),
} | {f"{loss}": (Recipe(loss=loss, batch_size=25, **FAST), None) for loss in LOSSES}  # fmt: skip


def both(
    recipe: Recipe, working_set: int | None, **options: Any
) -> tuple[tuple[Any, np.ndarray], tuple[Any, np.ndarray], CountingBackend]:
    """Train on the CPU and on the counting device; return history and parameters of each."""
    device = CountingBackend(working_set)
    model = toy_model(backend=device, **options)
    history = train(model, DATA, recipe)
    ours = history, device.to_numpy(model.parameters)
    model = toy_model(**options)
    return (train(model, DATA, recipe), model.parameters), ours, device


# Runs


@pytest.mark.parametrize("case", RECIPES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_run_gives_the_cpus_numbers(
    case: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, working_set = RECIPES[case]
    if working_set is not None:
        monkeypatch.setattr("backends.cpu.WORKING_SET_BYTES", working_set)
    (expected, cpu), (history, parameters), _ = both(recipe, working_set, dtype=dtype)
    assert parameters.tobytes() == cpu.tobytes()
    for ours, theirs in zip(history.epochs, expected.epochs, strict=True):
        assert ours.loss == theirs.loss
        assert ours.train_accuracy == theirs.train_accuracy
        assert ours.test_accuracy == theirs.test_accuracy


IMAGES = 60 * 16
"""Bytes of all training images."""


@pytest.mark.parametrize("case", RECIPES)
def test_images_that_do_not_fit_are_brought_a_batch_at_a_time(case: str) -> None:
    """The same run to the bit, from images that stay where they are."""
    recipe, working_set = RECIPES[case]
    runs = []
    for free in (2 * IMAGES, 2 * IMAGES - 1):
        device = CountingBackend(working_set, free)
        model = toy_model(backend=device)
        images = Trainer(model, DATA.train, recipe).batches.images
        assert isinstance(images, DeviceArray) == (free == 2 * IMAGES)
        assert free == 2 * IMAGES or np.shares_memory(images, DATA.train.images)
        history = train(model, DATA, recipe)
        told = [(e.loss, e.train_accuracy, e.test_accuracy) for e in history.epochs]
        runs.append((device.to_numpy(model.parameters).tobytes(), told))
    assert runs[0] == runs[1]


@pytest.mark.parametrize("activation", LAYERS)
@pytest.mark.parametrize("output", LAYERS)
def test_every_activation(activation: str, output: str) -> None:
    recipe = Recipe(loss="quadratic", batch_size=25, **FAST)
    (_, cpu), (_, parameters), _ = both(recipe, None, activation=activation, output=output)
    assert parameters.tobytes() == cpu.tobytes()


def test_a_model_is_saved_and_read_on_the_device(tmp_path: Path) -> None:
    device = CountingBackend()
    model = toy_model(backend=device)
    save(model, tmp_path / "m")
    read, cpu = load(tmp_path / "m", CountingBackend()), load(tmp_path / "m")
    np.testing.assert_array_equal(read.backend.to_numpy(read.parameters), cpu.parameters)
    images = DATA.test.images
    np.testing.assert_array_equal(predict(read, images), predict(cpu, images))
    np.testing.assert_array_equal(probabilities(read, images), probabilities(cpu, images))


# Costs


def steady(
    recipe: Recipe,
    working_set: int | None = None,
    hidden: tuple[int, ...] = (9, 7),
    free: int | None = None,
) -> tuple[CountingBackend, Trainer]:
    """Count what the third epoch costs, which is not the last."""
    device, recipe = CountingBackend(working_set, free), replace(recipe, epochs=4)
    trainer = Trainer(toy_model(*hidden, backend=device), DATA.train, recipe)
    for number in range(2):
        trainer.epoch(number)
    device.reset()
    trainer.epoch(2)
    return device, trainer


@pytest.mark.parametrize("case", RECIPES)
def test_a_steady_epoch_allocates_nothing_and_waits_once(case: str) -> None:
    """The order of the next one goes to the device, the losses come back: that is all."""
    recipe, working_set = RECIPES[case]
    device, _ = steady(recipe, working_set)
    others = {what: n for what, n in device.counts.items() if what[0] != "launch"}
    shuffled = recipe.batch_size != "full"
    assert others == {
        **({("to device", "asarray"): 1} if shuffled else {}),
        ("to host", "get"): 1,
        ("synchronisation", "get"): 1,
    }


@pytest.mark.parametrize("at_once", [4096, 3])
def test_the_lrs_of_many_epochs_are_brought_together(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And give what those of one epoch at a time gave: a new peak brings them anew."""
    results = []
    for number in (at_once, 1):
        monkeypatch.setattr("mlp.training.tables.LRS_AT_ONCE", number)
        device = CountingBackend()
        recipe = Recipe(batch_size="full", epochs=4, lr=0.2, schedule="cosine")
        trainer = Trainer(toy_model(backend=device), DATA.train, recipe)
        device.reset()
        for epoch in range(4):
            if epoch == 3:
                trainer.lr_factor = 0.5
            trainer.epoch(epoch)
        brought = device.counts["to device", "asarray"]
        results.append(device.to_numpy(trainer.model.parameters))
        assert brought == (4 if number == 1 else 2)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize(
    ("batch_size", "brought"),
    [(8, 2 * 3), ("full", 1)],  # images and their places for each span of three; images in order
)
def test_images_on_the_host_are_not_waited_for(batch_size: Any, brought: int) -> None:
    device, _ = steady(Recipe(batch_size=batch_size, **FAST), free=0)
    others = {what: n for what, n in device.counts.items() if what[0] != "launch"}
    assert others == {
        ("to device", "asarray"): brought,
        ("to host", "get"): 1,
        ("synchronisation", "get"): 1,
    }


@pytest.mark.parametrize("questions", [None, 1, 4])
@pytest.mark.parametrize("working_set", [None, FEW_IMAGES])
def test_an_accuracy_is_one_number_read(working_set: int | None, questions: int | None) -> None:
    """The outputs stay on the device, whatever they answer."""
    device, data = (
        CountingBackend(working_set),
        DATA if questions is None else questions_of(questions),
    )
    model = MLP([16, 9, data.classes], backend=device)
    model.metadata = Metadata(task=data.task)
    evaluation = Evaluation([model], data.test, data.train)
    device.reset()
    accuracy = evaluation.validation_accuracy()
    crossings = {what: n for what, n in device.counts.items() if what[0].startswith("to ")}
    assert crossings == {("to host", "get"): 1}
    right = (predict(model, data.train.images) == data.train.labels).reshape(60, -1).all(axis=1)
    assert accuracy == right.mean()


def questions_of(count: int) -> Dataset:
    """Yes-or-no questions, each image's answers drawn."""
    answers = np.random.default_rng(0).integers(0, 2, (60, count), dtype=np.uint8)
    split = Split(DATA.train.images, answers)
    task = Task("multilabel" if count > 1 else "binary", tuple("abcd"[:count]))
    return Dataset("asked", "tests", count, split, split, task)


A_LAYER = 7
"""Launches: product, bias and activation forward; activation, dW, db and dx backward."""

FIXED = 7
"""Launches whatever the depth: batch, targets, loss, its gradient, update, rate; 4 to spare."""

OF_A_LOSS = 15
"""Further ones of a loss that CUDA has no kernel for."""


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("hidden", [(9,), (9, 7), (8, 8, 8, 8, 8)])
def test_a_step_is_at_most_so_many_launches(loss: str, hidden: tuple[int, ...]) -> None:
    device, trainer = steady(Recipe(loss=loss, batch_size=8, **FAST), hidden=hidden)
    fixed = FIXED + (OF_A_LOSS if loss != "cross_entropy" else 0)
    assert device.count("launch") <= trainer.steps * (fixed + A_LAYER * (len(hidden) + 1))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("batch_size", [8, "full"])
def test_counting_correct_answers_takes_one_launch(loss: str, batch_size: Any) -> None:
    plain, trainer = steady(Recipe(loss=loss, batch_size=batch_size, **FAST))
    recipe = Recipe(loss=loss, batch_size=batch_size, train_accuracy="running", **FAST)
    counting, _ = steady(recipe)
    reset = 1  # an epoch
    assert counting.count("launch") == plain.count("launch") + trainer.steps + reset


def test_a_larger_batch_is_no_more_launches() -> None:
    small, large = (steady(Recipe(batch_size=size, **FAST))[0] for size in (6, 30))
    assert small.count("launch") / 10 >= large.count("launch") / 2 - 5


def test_every_piece_is_as_cheap_as_a_step() -> None:
    device, trainer = steady(*RECIPES["micro-batches"])
    micro_batches = len(list(trainer.batches.micro_batches(0, 60)))
    assert micro_batches > 5
    assert device.count("launch") <= micro_batches * (FIXED + A_LAYER * 3)


def costing(layer: type, method: str, planted: Callable[[Any], Any]) -> Callable[..., Any]:
    """A layer's method with something planted that is done to its result."""
    original = getattr(layer, method)

    def costly(self: Any, x: Any) -> Any:
        y = original(self, x)
        planted(y)
        return y

    return costly


@pytest.mark.parametrize(
    ("kind", "planted"),
    [
        ("allocation", lambda y: y.device.xp.exp(y)),
        ("allocation", lambda y: y * 2.0),
        ("allocation", lambda y: y.copy()),
        ("allocation", lambda y: y.T.reshape(-1)),
        ("allocation", lambda y: y.device.xp.empty(y.shape)),
        ("synchronisation", lambda y: float(y[0, 0])),
        ("synchronisation", lambda y: y[0, 0] and None),
        ("synchronisation", lambda y: y[y > 0.0]),
        ("synchronisation", lambda y: y[0].tolist()),
        ("synchronisation", lambda y: y.device.synchronize()),
        ("to host", lambda y: y.device.to_numpy(y)),
        ("to device", lambda y: y.device.asarray(np.zeros(3))),
    ],
)
def test_a_planted_cost_is_counted(
    kind: str, planted: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, _ = steady(RECIPES["batches"][0])
    monkeypatch.setattr(Linear, "forward", costing(Linear, "forward", planted))
    costly, trainer = steady(RECIPES["batches"][0])
    assert costly.count(kind) >= plain.count(kind) + 3 * trainer.steps  # one a layer a step


def test_a_chain_without_fuse_costs_its_launches(monkeypatch: pytest.MonkeyPatch) -> None:
    fused, trainer = steady(RECIPES["batches"][0])
    monkeypatch.setattr(CountingBackend, "fuse", lambda self, f: lambda *a: f(self.xp, *a))
    plain, _ = steady(RECIPES["batches"][0])
    assert plain.count("launch") > fused.count("launch") + 3 * trainer.steps


# CuPy's rules

DEVICE = CountingBackend()
X = DEVICE.asarray(np.arange(6.0).reshape(2, 3))
REFUSED: dict[str, Callable[[], Any]] = {
    "a host array to a function": lambda: DEVICE.xp.add(X, np.ones(3), out=X),
    "a host array as out": lambda: DEVICE.xp.exp(X, out=np.ones((2, 3))),
    "a host scalar": lambda: DEVICE.xp.multiply(X, np.float64(2.0), out=X),
    "numpy's function": lambda: np.exp(X),
    "numpy's conversion": lambda: np.asarray(X),
    "numpy's sum": lambda: np.add(np.ones((2, 3)), X),
    "a host array in an operator": lambda: X * np.ones(3),
    "an operator of a host array": lambda: np.ones(3) * X,
    "a host index": lambda: X[np.array([0, 1])],
    "a host array assigned": lambda: X.__setitem__(0, np.ones(3)),
    "another device's array": lambda: DEVICE.xp.add(X, CountingBackend().asarray(np.ones(3))),
    "where=": lambda: DEVICE.xp.add(X, 1.0, out=X, where=True),
    "order=": lambda: DEVICE.xp.exp(X, order="C"),
}
NEEDS_CUPY: dict[str, Callable[[], Any]] = {
    "a function that CuPy lacks": lambda: DEVICE.xp.frompyfunc(abs, 1, 1),
    "take with a mode": lambda: DEVICE.xp.take(X, X, axis=0, out=X, mode="clip"),
    "sum with where": lambda: DEVICE.xp.sum(X, axis=0, where=True),
    "argmax with a third position": lambda: DEVICE.xp.argmax(X, 1, None, None, False, 0),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cupy_refuses_is_refused(case: str) -> None:
    with pytest.raises(TypeError):
        REFUSED[case]()


@pytest.mark.parametrize("case", NEEDS_CUPY)
def test_what_cupy_lacks_is_refused(case: str) -> None:
    pytest.importorskip("cupy", reason="CuPy, whose names these are, is not installed")
    with pytest.raises(TypeError, match="CuPy"):
        NEEDS_CUPY[case]()


def test_every_call_of_every_run_is_one_that_cupy_takes() -> None:
    pytest.importorskip("cupy", reason="CuPy, whose names these are, is not installed")
    calls = set()
    for recipe, working_set in RECIPES.values():
        for activation in ("relu", "leaky_relu", "sigmoid", "tanh"):
            device = CountingBackend(working_set)
            train(toy_model(backend=device, activation=activation), DATA, recipe)
            calls |= device.calls
    assert {"matmul", "take", "copyto", "tanh", "sign", "eye", "clip"} <= {
        name for name, *_ in calls
    }
    assert {refusal(*call) for call in calls} == {None}


def positions(function: Callable[..., Any]) -> list[str]:
    """The names of a function's arguments that may be given by position."""
    return [
        p.name.removesuffix("_or_stop")  # NumPy 2.4's name of arange's first
        for p in inspect.signature(function).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]  # fmt: skip


def test_every_call_in_the_source_is_one_that_cupy_takes() -> None:
    """Also those that no run comes by; positions mean the same to NumPy and to CuPy."""
    pytest.importorskip("cupy", reason="CuPy, whose names these are, is not installed")
    for path in USING_XP:
        for line, name, count, keywords in xp_calls(path.read_text()):
            where = f"{path.name}:{line}"
            assert refusal(name, count, keywords) is None, where
            theirs, ours = getattr(real_cupy(), name), getattr(np, name)
            if not isinstance(ours, np.ufunc):
                assert positions(ours)[:count] == positions(theirs)[:count], where
                own = vars(type(get_backend("cpu").xp)).get(name)
                if own is not None:
                    assert positions(own)[1 : count + 1] == positions(ours)[:count], where


@pytest.mark.parametrize(
    "source",
    [
        "xp.add(a, b, out=c, where=d)",
        "self.xp.take(a, b, 0, c, mode='clip')",
        "model.backend.xp.putmask2(a)",
        "xp.exp(a, b, c)",
    ],
)
def test_a_call_that_cupy_refuses_is_found_in_source(source: str) -> None:
    pytest.importorskip("cupy", reason="CuPy, whose names these are, is not installed")
    [(_, name, count, keywords)] = xp_calls(source)
    assert refusal(name, count, keywords) is not None


def test_a_device_array_is_none_of_numpys() -> None:
    assert not issubclass(DeviceArray, np.ndarray)
