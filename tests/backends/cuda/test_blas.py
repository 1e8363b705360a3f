"""Products by our own handle of cuBLAS: which it takes, how exact they are, how it fails."""

from __future__ import annotations

import gc
import itertools
from typing import Any

import numpy as np
import pytest
from cuda_stand_in import install, open_stand_in
from cupy_stand_in import StandIn

from backends import Backend, BackendError, get_backend
from backends.cuda.blas import COMPUTE_TYPES, MOST_PRODUCTS, can_multiply_stacks
from mlp.data.synthetic import load_synthetic
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe


def test_a_call_takes_no_more_products_than_a_grid_has_blocks() -> None:
    for count in (1, MOST_PRODUCTS, MOST_PRODUCTS + 1):
        stacks = np.zeros((count, 1, 1), np.float32)
        assert can_multiply_stacks(stacks, stacks, stacks) == (count <= 65_535)


def matrix(backend: Backend, rows: int, columns: int, layout: str, dtype: str = "float32") -> Any:
    """A device matrix that lies in rows, in columns, in parts of either, or in neither."""
    values = np.random.default_rng(rows + 10 * columns).normal(size=(2 * rows + 1, 2 * columns + 1))
    if layout == "columns":
        return backend.asarray(values[:rows, :columns].T.copy(), dtype).T
    if layout == "parts of rows":
        return backend.asarray(values, dtype)[1 : 1 + rows, 1 : 1 + columns]
    if layout == "parts of columns":
        return backend.asarray(values.T.copy(), dtype).T[1 : 1 + rows, 1 : 1 + columns]
    if layout == "every other":
        return backend.asarray(values, dtype)[: 2 * rows : 2, : 2 * columns : 2]
    if layout == "backwards":
        return backend.asarray(values[:rows, :columns].copy(), dtype)[::-1, ::-1]
    return backend.asarray(values[:rows, :columns].copy(), dtype)


LIE_WELL = ("rows", "columns", "parts of rows", "parts of columns")


@pytest.mark.parametrize(
    "layouts", [*itertools.product([*LIE_WELL, "every other", "backwards"], repeat=2)]
)
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((2, 3, 5), "float32"), ((2, 3, 5), "float64"), ((1, 4, 1), "float32"),
     ((5, 1, 2), "float64"), ((1, 1, 1), "float32")],
)  # fmt: skip
def test_products_of_matrices_however_they_lie(
    device: tuple[StandIn, Backend],
    layouts: tuple[str, str],
    shape: tuple[int, int, int],
    dtype: str,
) -> None:
    cupy, backend = device
    m, k, n = shape
    a, b = matrix(backend, m, k, layouts[0], dtype), matrix(backend, k, n, layouts[1], dtype)
    out = backend.xp.empty((m, n), dtype)
    del cupy.events[:]
    assert backend.xp.matmul(a, b, out=out) is out
    np.testing.assert_allclose(np.asarray(out), np.asarray(a) @ np.asarray(b), rtol=1e-5)
    if all(layout in LIE_WELL for layout in layouts):
        assert cupy.events == [("launch", "cublasGemmEx")]
    elif min(shape) > 1:
        assert cupy.events == [("launch", "matmul")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("S", "m", "k", "n"), [(3, 5, 4, 2), (1, 2, 3, 4), (2, 1, 6, 1)])
@pytest.mark.parametrize("lies", ["side by side", "one after another", "swapped", "backwards"])
def test_stacks_of_products(
    device: tuple[StandIn, Backend], S: int, m: int, k: int, n: int, dtype: str, lies: str
) -> None:
    """Those of networks side by side are one call, which a graph can hold."""
    cupy, backend = device
    r = np.random.default_rng(7)
    shapes = ((m, k), (k, n), (m, n))

    def stack(rows: int, columns: int) -> Any:
        if lies == "side by side":
            flat = backend.asarray(r.normal(size=(rows, S * columns)), dtype)
            return flat.reshape(rows, S, columns).swapaxes(0, 1)
        if lies == "swapped":
            return backend.asarray(r.normal(size=(S, columns, rows)), dtype).swapaxes(1, 2)
        whole = backend.asarray(r.normal(size=(S, rows, columns)), dtype)
        return whole[:, ::-1, ::-1] if lies == "backwards" else whole

    a, b = (stack(*shape) for shape in shapes[:2])
    out = stack(*shapes[2]) if lies == "side by side" else backend.xp.empty((S, m, n), dtype)
    del cupy.events[:]
    assert backend.xp.matmul(a, b, out=out) is out
    np.testing.assert_allclose(np.asarray(out), np.asarray(a) @ np.asarray(b), rtol=2e-5, atol=1e-6)
    by_cublas = lies != "backwards"
    if min(m, k, n) > 1:
        name = "cublasGemmStridedBatchedEx" if by_cublas else "matmul"
        assert cupy.events == [("launch", name)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("single", [0, 1])
@pytest.mark.parametrize("S", [1, 3, 4])
def test_a_matrix_times_each_of_a_stack(
    device: tuple[StandIn, Backend], S: int, single: int, dtype: str
) -> None:
    """From either side, such as what smooths fields of noise."""
    cupy, backend = device
    r, shapes = np.random.default_rng(8), [(S, 5, 4), (S, 4, 3)]
    shapes[single] = shapes[single][1:]
    a, b = (backend.asarray(r.normal(size=shape), dtype) for shape in shapes)
    out = backend.xp.empty((S, 5, 3), dtype)
    del cupy.events[:]
    assert backend.xp.matmul(a, b, out=out) is out
    np.testing.assert_allclose(np.asarray(out), np.asarray(a) @ np.asarray(b), rtol=2e-5, atol=1e-6)
    assert cupy.events == [("launch", "cublasGemmStridedBatchedEx")]


def test_a_matrix_of_one_row_repeated_is_left_to_cupy(device: tuple[StandIn, Backend]) -> None:
    """Its rows are 0 elements apart, which cuBLAS refuses."""
    cupy, backend = device
    row = backend.asarray(np.float32([[1, 2]]))
    a = np.broadcast_to(row, (3, 2), subok=True)
    out = backend.xp.matmul(a, backend.xp.ones((2, 2), "f"), out=backend.xp.empty((3, 2), "f"))
    assert np.asarray(out).tolist() == [[3, 3]] * 3
    assert cupy.events[-1] == ("launch", "matmul")


def test_cublas_gets_its_workspace_after_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    libraries = install(monkeypatch, StandIn())
    backend = get_backend("cuda")
    [cublas] = libraries
    assert cublas.calls == ["cublasCreate", "cublasSetStream", "cublasSetWorkspace"]
    del backend
    gc.collect()
    assert cublas.calls[3:] == ["cublasDestroy"]


@pytest.mark.parametrize("call", ["cublasCreate", "cublasSetStream", "cublasSetWorkspace"])
def test_a_cublas_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    install(monkeypatch, StandIn(), failing=call)
    with pytest.raises(BackendError, match=f"{call} failed with cuBLAS status 13: run mlp doctor"):
        get_backend("cuda")


def test_a_product_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, StandIn(), failing="cublasGemmEx")
    backend = get_backend("cuda")
    a = backend.xp.ones((2, 2), "f")
    with pytest.raises(BackendError, match="cublasGemmEx failed"):
        backend.xp.matmul(a, a, out=backend.xp.empty((2, 2), "f"))


@pytest.mark.parametrize(("precision", "bits"), [("float32", 24), ("tf32", 11), ("bf16", 8)])
def test_a_precision_rounds_the_factors(
    monkeypatch: pytest.MonkeyPatch, precision: str, bits: int
) -> None:
    _, backend = open_stand_in(monkeypatch, precision=precision)
    a, b = matrix(backend, 20, 30, "rows"), matrix(backend, 30, 10, "rows")
    out = backend.xp.matmul(a, b, out=backend.xp.empty((20, 10), "f"))
    true = np.asarray(a, np.float64) @ np.asarray(b, np.float64)
    scale = abs(np.asarray(a)) @ abs(np.asarray(b))
    error = (abs(np.asarray(out) - true) / scale).max()
    assert 2.0 ** -(bits + 5) < error < 2.0 ** (1 - bits) + 30 * 2.0**-24  # and 30 sums' own


def test_float64_is_exact_at_any_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    _, backend = open_stand_in(monkeypatch, precision="bf16")
    a = backend.asarray(np.random.default_rng(6).normal(size=(9, 9)))
    out = backend.xp.matmul(a, a, out=backend.xp.empty((9, 9), "d"))
    np.testing.assert_allclose(np.asarray(out), np.asarray(a) @ np.asarray(a), rtol=1e-13)


def test_the_cpu_refuses_a_lower_precision() -> None:
    for device in ("cpu", "auto"):
        with pytest.raises(BackendError, match="the CPU computes in full precision only: leave"):
            get_backend(device, precision="tf32")
    with pytest.raises(BackendError, match="there is no precision 'fp8': choose one of float32"):
        get_backend("cuda", precision="fp8")


def test_cublas_keeps_its_workspace(
    monkeypatch: pytest.MonkeyPatch, device: tuple[StandIn, Backend]
) -> None:
    """The stand-in's cuBLAS refuses a product whose workspace has been freed."""
    _, backend = device
    a, out = backend.xp.ones((2, 2), "f"), backend.xp.empty((2, 2), "f")
    backend.xp.matmul(a, a, out=out)
    backend.xp._blas._workspace = None
    gc.collect()
    with pytest.raises(BackendError, match="cuBLAS status 14"):
        backend.xp.matmul(a, a, out=out)


@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_a_lower_precision_learns_as_well(monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    """The accuracy gate: on synthetic digits, within 1 % of what full precision reaches."""
    digits = load_synthetic(1000, 500)
    recipe = Recipe(batch_size=50, epochs=3)
    accuracies = []
    for backend in (get_backend("cpu"), open_stand_in(monkeypatch, precision=precision)[1]):
        model = MLP([784, 16, 10], backend=backend)
        accuracies.append(train(model, digits, recipe).epochs[-1].test_accuracy)
    assert accuracies[0] > 0.65
    assert accuracies[1] > accuracies[0] - 0.01


@pytest.mark.cuda
@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_a_lower_precision_learns_as_well_on_a_gpu(cuda: Backend, precision: str) -> None:
    digits = load_synthetic(10_000, 2_000)
    accuracies = []
    for backend in (cuda, get_backend(cuda.name, precision=precision)):
        model = MLP([784, 128, 10], backend=backend)
        accuracies.append(train(model, digits, Recipe(epochs=4)).epochs[-1].test_accuracy)
    assert accuracies[1] > accuracies[0] - 0.01


@pytest.mark.cuda
def test_the_numbers_that_cublas_is_given_are_cupys(cuda: Backend) -> None:
    from cupy_backends.cuda.libs import cublas

    names = {"float32": "32F", "tf32": "32F_FAST_TF32", "bf16": "32F_FAST_16BF"}
    assert {p: getattr(cublas, f"CUBLAS_COMPUTE_{n}") for p, n in names.items()} == COMPUTE_TYPES
