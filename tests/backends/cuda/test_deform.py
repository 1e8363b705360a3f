"""The kernel that deforms images, without a GPU: numbers, launches, and what it leaves alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cuda_compiler import ARCHITECTURES
from cupy_stand_in import StandIn
from host_kernel import HostKernel

from backends import Backend, get_backend
from backends.cuda.deform import ROOM, Deform, rows_of_a_block
from backends.cuda.source import source
from mlp.data.augment import Deformation
from mlp.data.batches import UNIT, Batches
from mlp.data.dataset import Split
from mlp.data.resample import GROUP
from mlp.nn.network import MLP
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

CPU = get_backend("cpu")
DTYPES = ("float32", "float64")
TOLERANCE = {"float32": 3e-5, "float64": 3e-13}
"""Of a pixel from 0 to 1: that of a position of some 30 pixels, times the steepest edge."""

KINDS = {
    "affine": "affine(15, 0.15, 2, 10)",
    "elastic": "elastic",
    "thickness": "thickness(1)",
    "far away": "affine(180, 0.9, 40, 60),elastic(2, 90)",
    "all": "affine(15, 0.15, 2, 10),elastic(4, 34),thickness",
    "none": "affine(0, 0, 0, 0),elastic(6, 0),thickness(0)",
}
SHAPES = [(28, 28), (7, 5), (1, 1), (3, 40), (33, 9)]


def images(count: int, shape: tuple[int, int]) -> np.ndarray:
    """Bytes with edges as steep as can be: uint8, (count, height · width)."""
    r = np.random.default_rng(count)
    pixels = r.integers(0, 256, (count, shape[0] * shape[1]), dtype=np.uint8)
    pixels[r.random(pixels.shape) < 0.5] = 0
    return pixels


def deformed(
    backend: Backend, kind: str, shape: tuple[int, int], dtype: str, x: np.ndarray, *where: Any
) -> np.ndarray:
    """What a device makes of images, which are brought to it."""
    made = Deformation(KINDS[kind], shape, backend, dtype)(backend.asarray(x), *where)
    return backend.to_numpy(made).copy()


def launched(cupy: StandIn) -> list[str]:
    return [name for kind, name in cupy.events if kind in ("launch", "captured")]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_its_numbers_are_the_cpus(
    kind: str, shape: tuple[int, int], dtype: str, device: tuple[StandIn, Backend]
) -> None:
    """Of bytes and of floats, of groups that are whole and that are not, wherever they begin."""
    cupy, backend = device
    for count, first, key in ((37, 5, 12345), (GROUP, 0, 0), (3, 10**6 + 2, 2**32 - 1)):
        pixels = images(count, shape)
        expected = deformed(CPU, kind, shape, dtype, pixels, first, key, UNIT)
        floats = (pixels * np.dtype(dtype).type(UNIT)).astype(dtype)
        del cupy.events[:]
        of_bytes = deformed(backend, kind, shape, dtype, pixels, first, key, UNIT)
        assert launched(cupy) == ["deform_bytes"]
        of_floats = deformed(backend, kind, shape, dtype, floats, first, key)
        assert launched(cupy)[1:] == ["deform_floats"]
        np.testing.assert_allclose(of_bytes, expected, rtol=0, atol=TOLERANCE[dtype])
        np.testing.assert_array_equal(of_floats, of_bytes)


def test_pixels_that_stay_are_the_same_to_the_bit(device: tuple[StandIn, Backend]) -> None:
    x = images(20, (28, 28))
    made = deformed(device[1], "none", (28, 28), "float32", x, 0, 7, UNIT)
    np.testing.assert_array_equal(made, x * np.float32(UNIT))


@pytest.mark.parametrize(
    ("height", "width", "fields", "itemsize", "rows"),
    [
        (28, 28, 2, 4, 7), (28, 28, 2, 8, 7), (8, 28, 2, 4, 8), (9, 28, 2, 4, 5), (1, 28, 2, 4, 1),
        (300, 751, 2, 4, 8), (300, 753, 2, 4, 7), (300, 6016, 2, 4, 1), (300, 6017, 2, 4, 0),
        (300, 3008, 2, 8, 1), (300, 3009, 2, 8, 0), (300, 10**6, 0, 4, 8),
    ],
)  # fmt: skip
def test_how_many_rows_a_block_has(
    height: int, width: int, fields: int, itemsize: int, rows: int
) -> None:
    assert rows_of_a_block(height, width, fields, itemsize) == rows
    assert fields * rows * width * itemsize <= ROOM


def test_images_are_cut_into_any_number_of_rows(
    device: tuple[StandIn, Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With less room on chip, a block has fewer rows, and every pixel is the same to the bit."""
    shape, x, made, sizes = (9, 11), images(21, (9, 11)), [], []
    for rows in (8, 5, 3, 2, 1):
        monkeypatch.setattr("backends.cuda.deform.ROOM", 2 * 11 * 4 * rows)
        sizes.append(rows_of_a_block(*shape, 2, 4))
        made.append(deformed(device[1], "all", shape, "float32", x, 3, 9, UNIT))
    assert sizes == [5, 5, 3, 2, 1]
    for other in made[1:]:
        np.testing.assert_array_equal(other, made[0])


def test_what_does_not_fit_on_chip_is_deformed_call_by_call(
    device: tuple[StandIn, Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    cupy, backend = device
    shape, x = (4, 30), images(21, (4, 30))
    monkeypatch.setattr("backends.cuda.deform.ROOM", 2 * 30 * 4 - 1)
    expected = deformed(CPU, "all", shape, "float32", x, 3, 9, UNIT)
    del cupy.events[:]
    made = deformed(backend, "all", shape, "float32", x, 3, 9, UNIT)
    assert len(launched(cupy)) > 50
    assert not {name for name in launched(cupy) if name.startswith("deform")}
    np.testing.assert_allclose(made, expected, rtol=0, atol=TOLERANCE["float32"])


@pytest.mark.parametrize(
    "given",
    [lambda x: x.astype("f8"), lambda x: x.astype("f").T.copy().T, lambda x: x[:, ::-1]],
)
def test_what_a_kernel_cannot_read_is_deformed_call_by_call(
    given: Callable[[Any], Any], device: tuple[StandIn, Backend]
) -> None:
    """Another dtype, and images that do not lie in rows."""
    cupy, backend = device
    x = given(images(5, (6, 6)))
    expected = deformed(CPU, "all", (6, 6), "float32", x, 3, 9, UNIT)
    there = given(backend.asarray(images(5, (6, 6))))
    del cupy.events[:]
    made = Deformation(KINDS["all"], (6, 6), backend, "float32")(there, 3, 9, UNIT)
    assert not {name for name in launched(cupy) if name.startswith("deform")}
    np.testing.assert_allclose(backend.to_numpy(made), expected, atol=TOLERANCE["float32"])


def test_a_captured_deformation_draws_anew(device: tuple[StandIn, Backend]) -> None:
    """It allocates nothing, waits for nothing, and reads the epoch's key in each replay."""
    cupy, backend = device
    deformation = Deformation(KINDS["all"], (6, 6), backend, "float32")
    x = images(40, (6, 6))
    there, keys = backend.asarray(x), iter([3, 3, 8, 4_000_000_000])

    def step() -> Any:
        return deformation(there, 7, 3, UNIT)

    captured = backend.capture(step)
    for nth, key in enumerate(keys):
        deformation._key[0] = key
        del cupy.events[:]
        made = captured()
        if nth:
            done = [kind for kind, _ in cupy.events]
            assert done == (
                ["replay"] if nth > 1 else ["capture", "captured", "end capture", "replay"]
            )
        expected = deformed(CPU, "all", (6, 6), "float32", x, 7, key, UNIT)
        np.testing.assert_allclose(backend.to_numpy(made), expected, atol=TOLERANCE["float32"])


def test_call_by_call_it_can_be_captured_as_well(
    device: tuple[StandIn, Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deform, "reads", lambda *_: False)
    _, backend = device
    deformation = Deformation(KINDS["all"], (6, 6), backend, "float32")
    x = images(40, (6, 6))
    there = backend.asarray(x)
    captured = backend.capture(lambda: deformation(there, 7, 3, UNIT))
    for key in (3, 3, 8):
        deformation._key[0] = key
        made = captured()
        expected = deformed(CPU, "all", (6, 6), "float32", x, 7, key, UNIT)
        np.testing.assert_allclose(backend.to_numpy(made), expected, atol=TOLERANCE["float32"])


def test_what_is_gathered_takes_three_launches(device: tuple[StandIn, Backend]) -> None:
    """The bytes of images, their labels, and the deformation; 70 and more call by call."""
    cupy, backend = device
    r = np.random.default_rng(0)
    pixels, labels = r.integers(0, 256, (400, 4, 4), dtype=np.uint8), r.integers(0, 10, 400)
    made = []
    for here in (backend, CPU):
        model = MLP([16, 8, 10], backend=here)
        batches = Batches(pixels, labels, model, augment="affine,elastic")
        batches.key = 5
        rows = batches.to_device(np.arange(400)[::-1].copy()[:64])
        batches.gather(rows, 11)
        del cupy.events[:]
        x, _ = batches.gather(rows, 11)
        made.append(here.to_numpy(x))
        if here is backend:
            names = [name for kind, name in cupy.events if kind != "to host"]
            assert sorted(names) == ["deform_bytes", "take_rows", "take_rows"]
    np.testing.assert_allclose(*made, rtol=0, atol=TOLERANCE["float32"])


def test_what_a_first_training_on_deformed_images_compiles(
    device: tuple[StandIn, Backend],
) -> None:
    """One kernel more than without, which is compiled when it is first launched."""
    cupy, backend = device
    r = np.random.default_rng(0)
    split = Split(r.integers(0, 256, (60, 6, 6), dtype=np.uint8), r.integers(0, 4, 60, np.uint8))
    compiled = []
    for augment in (None, "affine,elastic,thickness"):
        cupy.compiled.clear()
        cupy._sources.clear()
        recipe = Recipe(batch_size=20, epochs=3, augment=augment)
        trainer = Trainer(MLP([36, 8, 4], backend=backend), split, recipe)
        for number in range(3):
            trainer.epoch(number)
        compiled.append(set(cupy.compiled))
    assert compiled[1] - compiled[0] == {"deform_bytes"}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_compiles(architecture: str, compile_cuda: Callable[[str, str], bytes]) -> None:
    for dtype, fields, thickens in itertools.product(DTYPES, (0, 2), (0, 1)):
        code = code_of(dtype, FIELDS=fields, THICKENS=thickens)
        assert b"deform_bytes" in compile_cuda(code, architecture)


def code_of(dtype: str, **other: int) -> str:
    sizes = {"HEIGHT": 10, "WIDTH": 12, "ROWS": 4, "FIELDS": 2, "THICKENS": 1}
    return source(np.dtype(dtype), "deform.cu", THREADS=256, **{**sizes, **other})


def run(code: str, *, backwards: bool) -> np.ndarray:
    """What some source makes of fixed images, 10 by 12, two groups of them."""
    cupy = StandIn()
    x, out = cupy.asarray(images(20, (10, 12))), cupy.asarray(np.zeros((20, 120), "f"))
    smooth = [cupy.asarray(np.eye(n, dtype="f") + np.float32(0.1)) for n in (10, 12)]
    numbers = *np.int32([20, 16, 3]), np.int64(99), *np.float32([UNIT, 0.5])
    key, most = cupy.asarray(np.uint32([5])), cupy.asarray(np.full((6, 1), 0.3, "f"))
    HostKernel(code, "deform_bytes", backwards=backwards)(
        (2 * 3,), (256,), (*numbers, key, most, *smooth, x, out)
    )
    return np.asarray(out)


def test_the_order_of_the_threads_changes_nothing() -> None:
    code = code_of("float32")
    np.testing.assert_array_equal(run(code, backwards=False), run(code, backwards=True))


def test_a_missing_barrier_shows() -> None:
    right, code = code_of("float32"), code_of("float32").replace("__syncthreads();", "")
    assert code != right
    assert (run(code, backwards=False) != run(right, backwards=False)).any()
