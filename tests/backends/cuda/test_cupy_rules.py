"""CuPy's rules, checked without it: see device.py for the device that keeps them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device import CountingBackend, DeviceArray, real_cupy, refusal
from device_recipes import DATA, FAST, RECIPES
from source import USING_XP, xp_calls
from toys import toy_model

from backends import get_backend
from mlp.models.model_file import load, save
from mlp.models.predict import predict, probabilities
from mlp.nn.layers import LAYERS
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer


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
