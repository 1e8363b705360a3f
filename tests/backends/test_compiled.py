"""Compiled stretches write the same bytes as the calls that they stand for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from operations import OPERATIONS, arrays
from toys import toy_dataset, toy_model

import backends.cpu
from backends import get_backend
from backends.compiled import Stretch, compiled, rows_of
from backends.native import open_replay
from backends.tape import Call, record
from mlp.nn.layers import LAYERS
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.nn.optim import OPTIMIZERS
from mlp.training.presets.preset import load_preset, preset_names
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

DTYPES = ["float32", "float64"]
REPLAY = open_replay()
XP = get_backend("cpu").xp

pytestmark = pytest.mark.skipif(REPLAY is None, reason="no C compiler, or another system")

STAY = {
    *("argmax", "clip", "copyto of bits", "copyto of floats into integers", "multiply of bytes"),
    *("greater_equal into floats", "max of a flat array", "min of a flat array", "sum of all"),
    *("sum of a flat array", "take of bytes", "take of floats", "take of labels"),
    *("take of rows in a table", "copyto of some rows"),
}
"""Operations that have no row: NumPy converts, or their loops are not a ufunc's."""

WITHOUT_OUT = {"isfinite", "eye", "zeros", "ones", "arange", "zeros_like"}
"""Operations that no step can have."""


def stretches(calls: list[Call]) -> list[Call]:
    """The same calls, each by itself compiled if it can be."""
    assert REPLAY is not None
    return [Stretch(REPLAY, rows) if (rows := rows_of(call)) else call for call in calls]


def leaves(calls: list[Call], places: list[np.ndarray], start: list[np.ndarray]) -> list[bytes]:
    """What some arrays hold once calls were made, from a start."""
    for place, value in zip(places, start, strict=True):
        place[...] = value
    with np.errstate(all="ignore"):
        for call in calls:
            call()
    return [place.tobytes() for place in places]


def assert_same(step: Callable[[], Any], places: list[np.ndarray], *, compiles: bool) -> None:
    """Hold what a step leaves in some arrays, compiled, against what its calls leave."""
    start = [place.copy() for place in places]
    with np.errstate(all="ignore"):
        _, calls = record(step)
    expected = leaves(calls, places, start)
    for others in (stretches(calls), compiled(calls)):
        assert leaves(others, places, start) == expected
    assert all(map(rows_of, calls)) == compiles


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o not in WITHOUT_OUT])
def test_operations(operation: str, dtype: str) -> None:
    a = arrays(dtype)
    a["x"][0, :4] = 0.0, -0.0, np.inf, np.nan
    step = OPERATIONS[operation]
    assert_same(lambda: step(XP, a), list(a.values()), compiles=operation not in STAY)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("M", "N", "P"), [(1, 5, 4), (5, 1, 4), (5, 4, 1), (1, 7, 1), (64, 9, 3)])
def test_products_of_any_sides(M: int, N: int, P: int, dtype: str) -> None:
    """Also into an array that was not a number before."""
    rng = np.random.default_rng(0)
    x, W = rng.normal(size=(M, N)).astype(dtype), rng.normal(size=(N, P)).astype(dtype)
    x[0, 0], W[0, 0] = -0.0, 0.0
    y, dW, dx = (np.full(shape, np.nan, dtype) for shape in ((M, P), (N, P), (M, N)))

    def step() -> None:
        XP.matmul(x, W, out=y)
        XP.matmul(x.T, y, out=dW)
        XP.matmul(y, W.T, out=dx)

    assert_same(step, [y, dW, dx], compiles=M * P > 1)  # a single number is a factor


KINDS = ["float32", "float64", "uint8", "int64", "bool", "object"]


def drawn_array(rng: np.random.Generator, shape: tuple[int, ...], kind: str) -> np.ndarray:
    """Numbers of some dtype, in rows, in columns, backwards, or with others in between."""
    lies = rng.integers(4)
    whole = tuple(2 * side for side in shape) if lies == 3 else shape
    values = np.asarray(rng.integers(0, 2 if kind == "bool" else 9, whole)).astype(kind)
    if lies == 1:
        return np.asarray(values, order="F")
    step = (slice(None, None, -1 if lies == 2 else 2),) * len(shape)
    return values[step] if lies > 1 else values


@pytest.mark.parametrize("seed", range(20))
def test_whatever_a_layer_of_ones_own_may_call(seed: int) -> None:
    """The same bytes, or no row: products and elementwise calls of up to three axes."""
    rng, rows = np.random.default_rng(seed), 0
    for _ in range(100):
        function = (np.dot, np.matmul, np.add, np.maximum, np.greater)[rng.integers(5)]
        sides = rng.integers(1, 4, 6).tolist()
        kind, inner = KINDS[rng.integers(6)], sides[:3]
        a_shape, b_shape = inner[: rng.integers(4)], inner[: rng.integers(4)]
        if function in (np.dot, np.matmul):
            a_shape, b_shape = sides[: rng.integers(1, 4)], sides[3 : 3 + rng.integers(1, 4)]
            b_shape[max(0, len(b_shape) - 2)] = a_shape[-1]
        a, b = drawn_array(rng, tuple(a_shape), kind), drawn_array(rng, tuple(b_shape), kind)
        second = b if rng.random() < 0.8 else int(rng.integers(-300, 300))
        try:
            right = np.asarray(function(a, second))
            out = np.full(right.shape, 0, right.dtype)
            call = partial(function, a, second, out=out)
            call()
        except (ValueError, TypeError, OverflowError):
            continue  # what NumPy refuses no step has
        right = out.copy()
        if own := rows_of(call):
            assert REPLAY is not None
            rows += 1
            out[...] = 0
            Stretch(REPLAY, own)()
            assert out.tobytes() == right.tobytes(), (function, a.shape, b.shape, kind)
            assert kind != "object"
    assert rows > 10


def test_arrays_that_overlap_stay_with_numpy() -> None:
    x, flat = np.arange(12.0).reshape(4, 3), np.arange(9.0)

    def step() -> None:
        XP.add(flat[1:], flat[:-1], out=flat[1:])
        XP.copyto(x[:3, :3], x[:3, :3].T)

    _, calls = record(step)
    assert [rows_of(call) for call in calls] == [[], []]


def test_what_is_no_operation_stays_where_it_is() -> None:
    """Such as a barrier; and a single call between two of them."""
    x, seen = np.ones(3), []

    def look() -> None:
        seen.append(x[0])

    def step() -> None:
        XP.add(x, 1.0, out=x)
        XP.add(x, 1.0, out=x)
        backends.on_replay(look)
        XP.add(x, 1.0, out=x)

    _, calls = record(step)
    shorter = compiled(calls)
    assert isinstance(shorter[0], Stretch)
    assert shorter[1:] == calls[2:]
    for call in shorter:
        call()
    assert (seen, x[0]) == ([6.0], 7.0)


def parameters_after(
    make: Callable[[], MLP], recipe: Recipe, side: int, monkeypatch: pytest.MonkeyPatch
) -> list[bytes]:
    """The parameters after three epochs: by NumPy's calls, and with stretches of them compiled."""
    monkeypatch.setattr(backends.cpu, "SPAN", 2)
    monkeypatch.setattr(backends.cpu, "usable_cores", lambda: 1)
    found = []
    for shorten in (list, compiled):
        monkeypatch.setattr(backends.cpu, "compiled", shorten)
        model = make()
        trainer = Trainer(model, toy_dataset(train=60, side=side).train, recipe)
        for epoch in range(3):
            trainer.epoch(epoch)
        found.append(model.parameters.tobytes())
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", preset_names())
def test_presets(name: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their recipes, on narrower networks."""
    preset = load_preset(name)
    recipe, network = preset.recipe, preset.architecture
    if recipe.batch_size != "full":
        recipe = dataclasses.replace(recipe, batch_size=min(recipe.batch_size, 8))
    narrow = tuple(min(width, 20 + n) for n, width in enumerate(network.hidden))
    network = dataclasses.replace(network, hidden=narrow, dtype=dtype)
    backend = get_backend("cpu")
    plain, shorter = parameters_after(
        lambda: network.build(784, 5, recipe.loss, 0, backend), recipe, 28, monkeypatch
    )
    assert plain == shorter


CHOICES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    *(({"activation": layer}, {}) for layer in LAYERS),
    *(({"output": "sigmoid"}, {"loss": loss}) for loss in LOSSES),
    *(({}, {"optimizer": optimizer, "lr": 0.01}) for optimizer in OPTIMIZERS),
    ({}, {"dropout": 0.5, "input_dropout": 0.2, "max_norm": 0.5}),
    ({}, {"augment": "affine,elastic,thickness"}),
    ({}, {"nesterov": True, "weight_decay": 0.01, "clip_norm": 0.5, "clip_value": 0.2}),
    ({}, {"train_accuracy": "running", "label_smoothing": 0.1, "average": "ema"}),
    ({}, {"batch_size": 1}),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("network", "choices"), CHOICES, ids=str)
def test_choices(
    network: dict[str, Any], choices: dict[str, Any], dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(**{"batch_size": 7, "lr": 0.1, "warmup": 0.0, **choices})
    plain, shorter = parameters_after(
        lambda: toy_model(dtype=dtype, **network), recipe, 4, monkeypatch
    )
    assert plain == shorter
