"""A step's kernels that take in what stands right before or behind them, to the same bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cuda_stand_in import open_stand_in
from cupy_stand_in import StandIn

from backends import Backend
from mlp.data.dataset import Split
from mlp.nn.layers import LAYERS
from mlp.nn.network import MLP
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

Device = tuple[StandIn, Backend]
CHAINS = [name for name in LAYERS if LAYERS[name].elementwise and name != "identity"]


def trained(backend: Backend, activation: str, dtype: str, **options: Any) -> bytes:
    r = np.random.default_rng(0)
    split = Split(r.integers(0, 256, (70, 3, 3), dtype=np.uint8), r.integers(0, 4, 70).astype("u1"))
    model = MLP([9, 5, 300, 4], activation, dtype=dtype, backend=backend)
    trainer = Trainer(model, split, Recipe(batch_size=16, epochs=3, warmup=0.0, **options))
    for number in range(3):
        trainer.epoch(number)
    parameters: bytes = backend.to_numpy(model.parameters).tobytes()
    return parameters


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", CHAINS)
def test_what_is_joined_computes_the_same_bytes(
    activation: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of few columns, and of more than a block has threads."""
    monkeypatch.setattr("backends.cuda.device.SPAN", 2)
    cupy, backend = open_stand_in(monkeypatch)
    joined = trained(backend, activation, dtype)
    names = {name for kind, name in cupy.events if kind == "captured"}
    assert any(name.endswith("_with_bias") for name in names)
    assert any(name.endswith("_with_sums") for name in names)
    eager, apart = open_stand_in(monkeypatch, graph=False)
    assert trained(apart, activation, dtype) == joined
    assert not any(name.endswith(("_with_bias", "_with_sums")) for _, name in eager.events)


def test_dropout_stands_between(monkeypatch: pytest.MonkeyPatch) -> None:
    joined = trained(open_stand_in(monkeypatch)[1], "relu", "float32", dropout=0.3)
    _, apart = open_stand_in(monkeypatch, graph=False)
    assert trained(apart, "relu", "float32", dropout=0.3) == joined


def arrays(backend: Backend) -> list[Any]:
    r = np.random.default_rng(1)
    return [backend.asarray(r.normal(size=s).astype("f")) for s in ((6, 3), (3,), (6, 3), (3,))]


def names_of(cupy: StandIn, step: Any, backend: Backend) -> list[str]:
    """What a step launches, which may hold operations back."""
    before = len(cupy.events)
    backend.capture(step)()
    return [name for kind, name in cupy.events[before:] if kind == "launch"]


def test_what_nothing_takes_in_is_launched_in_its_place(device: Device) -> None:
    cupy, backend = device
    y, b, z, sums = arrays(backend)
    xp, double = backend.xp, backend.fuse(lambda xp, x, out: xp.add(x, x, out=out))
    twice = backend.fuse(lambda xp, x, also, out: xp.add(x, also, out=out))
    host = backend.to_numpy
    start, row = host(y), host(b)

    def step() -> None:
        xp.add(y, b, out=y)
        xp.copyto(z, y)  # reads it
        xp.add(y, b, out=y)
        xp.add(y, b, out=y)
        twice(y, y, z)  # reads it by two names
        xp.sum(y, axis=0, out=sums)  # of what the chain does not write
        double(y, z)

    launched = names_of(cupy, step, backend)
    chains = [name for name in launched if "lambda" in name]
    assert not any(name.endswith(("_with_bias", "_with_sums")) for name in chains)
    assert [name if name not in chains else "chain" for name in launched] == [
        "add", "copyto", "add", "add", "chain", "column_sums", "chain",
    ]  # fmt: skip
    true = start + 3 * row
    np.testing.assert_allclose(host(y), true, rtol=1e-6)
    np.testing.assert_allclose(host(z), 2 * true, rtol=1e-6)
    np.testing.assert_allclose(host(sums), true.sum(axis=0), rtol=1e-5)


def test_a_chain_that_is_no_kernel_finds_the_bias_added(device: Device) -> None:
    cupy, backend = device
    y, b, z, _ = arrays(backend)
    floor = backend.fuse(lambda xp, x, out: xp.floor(x, out=out))
    expected = np.floor(backend.to_numpy(y) + backend.to_numpy(b))

    def step() -> None:
        backend.xp.add(y, b, out=y)
        floor(y, z)

    assert names_of(cupy, step, backend) == ["add", "floor"]
    np.testing.assert_array_equal(backend.to_numpy(z), expected)


def test_a_step_that_fails_leaves_nothing_behind(device: Device) -> None:
    cupy, backend = device
    y, b, _, _ = arrays(backend)

    def step() -> None:
        backend.xp.add(y, b, out=y)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        backend.capture(step)()
    before = len(cupy.events)
    backend.to_numpy(y)
    assert cupy.events[before:] == [("to host", "asnumpy")]
