"""The CUDA kernels without a GPU: compiled for three, run on the host, and compared with NumPy."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from cuda_compiler import ARCHITECTURES
from cuda_stand_in import open_stand_in
from cupy_stand_in import StandIn, device_array
from host_kernel import HostKernel
from source import USING_XP

from backends import Backend, get_backend, kernel
from backends.base import kernel_of
from backends.cuda.chain import kernel_name
from backends.cuda.kernels import Kernels, source
from mlp.data.dataset import Split
from mlp.nn.layers import LAYERS
from mlp.nn.losses import SoftmaxCrossEntropy
from mlp.nn.network import MLP
from mlp.nn.optim import OPTIMIZERS as ALL_OPTIMIZERS
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer
from mlp.training.unseen import Unseen

DTYPES, TYPES = ("float32", "float64"), ("float", "double")

TOLERANCE = {"float32": 2e-6, "float64": 1e-14}


OPTIMIZERS: tuple[dict[str, Any], ...] = (
    {"momentum": 0.9, "weight_decay": 1e-3},
    {"momentum": 0.9, "nesterov": True},
    {"momentum": 0.0},
    *({"optimizer": name, "weight_decay": 1e-3} for name in ALL_OPTIMIZERS if name != "sgd"),
)


class Launches(NamedTuple):
    """What training may launch, noted while the stand-in trains."""

    kernels: dict[str, str]
    """The source of each kernel, by its name and type, such as ``"column_sums<float>"``."""
    fused: list[Callable[..., None]]
    """Each function given to `Backend.fuse`."""


@pytest.fixture(scope="module")
def launches() -> Launches:
    fused = []
    with pytest.MonkeyPatch.context() as patch:
        cupy, backend = open_stand_in(patch, run_kernels=False)
        fuse = backend.fuse
        patch.setattr(backend, "fuse", lambda function: fused.append(function) or fuse(function))
        r = np.random.default_rng(0)
        images = r.integers(0, 256, (10, 3, 3), dtype=np.uint8)
        split = Split(images, r.integers(0, 4, 10).astype(np.uint8))
        ways = [*itertools.product(LAYERS, DTYPES, OPTIMIZERS)]
        for activation, dtype, options in [
            *ways,
            *(("relu", dtype, {"loss": "quadratic"}) for dtype in DTYPES),
        ]:
            model = MLP([9, 5, 4], activation, dtype=dtype, backend=backend)
            recipe = Recipe(batch_size=4, epochs=1, warmup=0, **options)
            trainer = Trainer(model, split, recipe)
            trainer.epoch(0)
            Unseen(trainer, backend.xp.zeros_like(model.parameters)).keep()
    return Launches(cupy.kernels, fused)


def test_every_fused_function_becomes_one_kernel(launches: Launches) -> None:
    ends = "_with_bias|_with_sums"
    made = {re.sub(f"({ends})?<.*", "", name) for name in launches.kernels}
    of_any = {"take_rows", "take_rows_of_bytes"}  # of whichever type there is
    of_each = {name for name in launches.kernels if not name.startswith("take_rows")}
    assert of_each == {re.sub("<.*", f"<{t}>", name) for name in of_each for t in TYPES}
    assert made - of_any == {re.sub(f"({ends})?<.*", "", name) for name in of_each}
    functions = {f.__qualname__: kernel_of(f) or kernel_name(f) for f in launches.fused}
    assert len(functions) > 10
    abstract = {"Activation.apply", "Activation.gradient"}  # which identity does not call
    assert {function for function, name in functions.items() if name not in made} <= abstract
    assert made - set(functions.values()) == {"column_sums", "take_rows"}


def test_what_deforms_images_compiles(compile_cuda: Callable[[str, str], bytes]) -> None:
    """It is in the same file as the others, but no training of the above launches it."""
    for dtype, architecture in itertools.product(DTYPES, ARCHITECTURES):
        assert b"weighted_sums" in compile_cuda(source(np.dtype(dtype)), architecture)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_kernel_compiles(
    architecture: str, compile_cuda: Callable[[str, str], bytes], launches: Launches
) -> None:
    for dtype in TYPES:
        kernels = {n: code for n, code in launches.kernels.items() if n.endswith(f"<{dtype}>")}
        cubin = compile_cuda("\n".join(dict.fromkeys(kernels.values())), architecture)
        for name in kernels:
            assert name.partition("<")[0].encode() in cubin


def test_a_planted_error_does_not_compile(compile_cuda: Callable[[str, str], bytes]) -> None:
    code = source(np.dtype("float32"))
    with pytest.raises(AssertionError, match="expected a"):
        compile_cuda(code.replace(";", "", 2), "sm_90")
    with pytest.raises(AssertionError, match="identifier"):
        compile_cuda(code.replace("__threadfence()", "threadfence()"), "sm_90")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape", [(1, 1), (3, 1), (7, 10), (128, 10), (1000, 17), (300, 256), (5, 257), (2, 700)]
)
def test_column_sums(cupy: StandIn, dtype: str, shape: tuple[int, int]) -> None:
    a = np.random.default_rng(1).normal(size=shape).astype(dtype)
    kernels, out = Kernels(cupy), device_array(np.full(shape[1], np.nan, dtype))
    for _ in range(2):  # the second finds the ticket as the first left it
        kernels.column_sums(device_array(a), out)
        error = abs(out - a.sum(axis=0, dtype=np.float64)).max()
        assert error <= TOLERANCE[dtype] * abs(a).sum(axis=0).max()


def test_a_fence_that_is_missing_is_seen(cupy: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, the last block may add up sums of other blocks that are not there yet."""
    right = source(np.dtype("f"))
    wrong = right.replace("    __threadfence();\n    __syncthreads();", "    __syncthreads();")
    assert wrong != right
    monkeypatch.setattr("backends.cuda.kernels.source", lambda dtype: wrong)
    with pytest.raises(AssertionError, match="takes a ticket without a __threadfence"):
        Kernels(cupy).column_sums(
            device_array(np.ones((9, 2), "f")), device_array(np.zeros(2, "f"))
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 4, 16), (3, 7, 33), (70_000, 4, 2)])
def test_weighted_sums(cupy: StandIn, dtype: str, shape: tuple[int, int, int]) -> None:
    """More products than the 65,535 that cuBLAS takes at once, and more elements than threads."""
    r = np.random.default_rng(4)
    M, K, W = shape
    weights, rows = r.normal(size=(M, 1, K)).astype(dtype), r.normal(size=shape).astype(dtype)
    sums = device_array(np.full((M, 1, W), np.nan, dtype))
    Kernels(cupy).weighted_sums(device_array(weights), device_array(rows), sums)
    np.testing.assert_allclose(sums, weights @ rows, rtol=0, atol=20 * TOLERANCE[dtype])


def run_softmax(
    run: Callable[..., None], dtype: str, shape: tuple[int, int], networks: int
) -> tuple[np.ndarray, np.ndarray]:
    """What the kernel or its formula makes of random logits: the losses, and the gradient."""
    r = np.random.default_rng(2)
    N, C = shape[0] * networks, shape[1]
    logits = 5 * r.normal(size=(N, C)).astype(dtype)
    targets = np.eye(C, dtype=dtype)[r.integers(0, C, N)]
    targets[0] = 1 / C  # target rows need not be one-hot
    dz, losses = np.full((N, C), np.nan, dtype), np.full((networks, 1), np.nan, dtype)
    arrays = [device_array(a) for a in (logits, targets, dz, losses)]
    run(*arrays, 0.25)
    return np.asarray(arrays[3]), np.asarray(arrays[2])


SHAPES = [(1, 2), (5, 10), (257, 10), (700, 3), (2, 300)]


@pytest.mark.parametrize("networks", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_softmax_cross_entropy(
    cupy: StandIn, dtype: str, shape: tuple[int, int], networks: int
) -> None:
    criterion = SoftmaxCrossEntropy(shape[1], get_backend("cpu"), dtype)

    def formula(*arrays: Any) -> None:
        criterion.both(np, *map(np.asarray, arrays[:4]), arrays[4])

    losses, dz = run_softmax(Kernels(cupy).softmax_cross_entropy, dtype, shape, networks)
    true_losses, true_dz = run_softmax(formula, dtype, shape, networks)
    np.testing.assert_allclose(losses, true_losses, rtol=TOLERANCE[dtype])
    np.testing.assert_allclose(dz, true_dz, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("networks", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_count_of_correct_answers(
    cupy: StandIn, dtype: str, shape: tuple[int, int], networks: int
) -> None:
    """Whole numbers for logits, so that many are equal; a NaN is the largest, to both."""
    r = np.random.default_rng(5)
    N, C = shape[0] * networks, shape[1]
    logits = r.integers(-2, 3, (N, C)).astype(dtype)
    logits[r.random((N, C)) < 0.5 / C] = np.nan
    labels = r.integers(0, C, N)
    total = device_array(np.full((networks, 1), 7, dtype))
    for _ in range(2):  # counts add up
        targets = device_array(np.eye(C, dtype=dtype)[labels])
        Kernels(cupy).count_correct(device_array(logits), targets, total)
    right = (logits.argmax(axis=1) == labels).reshape(-1, networks).sum(axis=0)
    np.testing.assert_array_equal(np.asarray(total)[:, 0], 7 + 2 * right)


def run_fused(backend: Backend, function: Callable[..., None]) -> list[np.ndarray]:
    """The gradient and the loss that a function of softmax cross-entropy's arguments writes."""
    logits, targets = np.float32([[0, 1], [2, 0]]), np.eye(2, dtype="f")
    results = [backend.asarray(np.zeros(shape, "f")) for shape in ((2, 2), (1, 1))]
    backend.fuse(function)(backend.asarray(logits), backend.asarray(targets), *results, 0.5)
    return [backend.to_numpy(a) for a in results]


def test_a_function_names_the_kernel_that_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise AssertionError("the function was run in place of its kernel")

    cpu, (_, device) = get_backend("cpu"), open_stand_in(monkeypatch)
    expected = run_fused(cpu, SoftmaxCrossEntropy(2, cpu, "float32").both)
    results = run_fused(device, kernel("softmax_cross_entropy")(fails))
    np.testing.assert_allclose(results[0], expected[0], rtol=1e-6)
    np.testing.assert_allclose(results[1], expected[1], rtol=1e-6)
    for other in (fails, kernel("of another device")(fails)):
        with pytest.raises(AssertionError):
            run_fused(device, other)


def test_there_is_a_kernel_of_every_name_that_the_source_gives(cupy: StandIn) -> None:
    """A kernel whose name is misspelt would be lost without a word."""
    named = re.compile(r'^ *@(?:backends\.)?kernel\("(.*)"\)', re.MULTILINE)
    names = {name for path in USING_XP for name in named.findall(path.read_text())}
    assert names == set(Kernels.WRITTEN)


def test_softmax_cross_entropy_tells_of_a_nan(cupy: StandIn) -> None:
    logits = device_array(np.float32([[0, 1], [np.nan, 0]]))
    targets = device_array(np.eye(2, dtype="f"))
    p, loss = device_array(np.zeros((2, 2), "f")), device_array(np.zeros((1, 1), "f"))
    Kernels(cupy).softmax_cross_entropy(logits, targets, p, loss, 1.0)
    assert np.isnan(np.asarray(loss)).all()
    assert np.isnan(np.asarray(p)).tolist() == [[False, False], [True, True]]


def sums_of(code: str, *, backwards: bool) -> Any:
    """The column sums of a fixed matrix by some source, over three blocks."""
    a = np.random.default_rng(3).normal(size=(500, 10)).astype("f")
    arrays = [device_array(a), device_array(np.zeros(10, "f")), device_array(np.zeros(30, "f"))]
    arguments = np.int64(500), np.int32(10), *arrays, device_array(np.zeros(1, np.uint32))
    HostKernel(code, "column_sums", backwards=backwards)((3,), (256,), arguments)
    return np.asarray(arrays[1])


def test_the_order_of_the_threads_changes_nothing() -> None:
    code = source(np.dtype("float32"))
    assert (sums_of(code, backwards=False) == sums_of(code, backwards=True)).all()


def test_a_missing_barrier_shows_on_the_host() -> None:
    code = source(np.dtype("float32")).replace(
        "lane_sums[threadIdx.x] = sum;\n    __syncthreads();", "lane_sums[threadIdx.x] = sum;"
    )
    assert (sums_of(code, backwards=False) != sums_of(code, backwards=True)).any()


def test_a_barrier_that_some_threads_miss_shows_on_the_host() -> None:
    code = source(np.dtype("float32")).replace(
        "if (lane < lanes)\n", "if (lane >= lanes) return 0;\n"
    )
    with pytest.raises(AssertionError, match="diverge"):
        sums_of(code, backwards=False)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int64", "float32", "float64"])
@pytest.mark.parametrize("shape", [(7,), (7, 1), (7, 3), (7, 4, 2), (1, 500)])
def test_rows_of_any_dtype_are_taken_by_one_kernel(
    monkeypatch: pytest.MonkeyPatch, dtype: str, shape: tuple[int, ...]
) -> None:
    """As the CPU's backend takes them: what lies outside is the first row or the last one."""
    cupy, backend = open_stand_in(monkeypatch)
    a = np.random.default_rng(6).integers(0, 99, shape).astype(dtype)
    rows = np.array([[0, len(a) - 1, -1], [99, len(a) // 2, 0]])
    out = backend.xp.empty((*rows.shape, *shape[1:]), dtype)
    there = backend.asarray(a), backend.asarray(rows)
    del cupy.events[:]
    assert backend.xp.take(*there, axis=0, out=out) is out
    np.testing.assert_array_equal(np.asarray(out), a.take(rows, axis=0, mode="clip"))
    [(_, name)] = cupy.events
    assert name == ("take_rows" if a[:1].nbytes % 4 == 0 else "take_rows_of_bytes")
