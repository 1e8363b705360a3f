"""The CUDA backend on a stand-in for a GPU: what it brings, what it says of its memory, its end."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from cuda_stand_in import install, open_stand_in
from cupy_stand_in import StandIn
from toys import toy_dataset, toy_model

from backends import Backend, BackendError, get_backend
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer


def test_a_backend_is_shown_as_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert repr(open_stand_in(monkeypatch)[1]) == "CudaBackend(0, 'float32', graph=True)"
    assert repr(get_backend("cpu", graph=False)) == "CpuBackend(graph=False)"


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


def test_a_full_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    cupy, backend = open_stand_in(monkeypatch)
    trainer = Trainer(toy_model(backend=backend), toy_dataset().train, Recipe(batch_size=16))
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
