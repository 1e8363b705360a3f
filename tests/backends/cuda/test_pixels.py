"""Products of images on tensor cores: how exact they are, who takes part, and what is launched.

The stand-in adds up as tensor cores do, 16 products at a time to sums that are cut off.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from cuda_stand_in import open_stand_in
from cupy_stand_in import Device, StandIn
from toys import CLASSES, toy_dataset

from backends import Backend, get_backend
from backends.base import keep_pixels
from backends.cuda.pixels import Pixels
from mlp.data.batches import Batches
from mlp.data.dataset import Split
from mlp.nn.network import MLP
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

EPOCHS = 4


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> tuple[StandIn, Backend]:
    """A device to which small products are worth splitting, of few images at a time."""
    monkeypatch.setattr("backends.cuda.device.WORTH_SPLITTING", 0)
    monkeypatch.setattr("backends.cuda.device.SPAN", 2)
    return open_stand_in(monkeypatch)


def kept(backend: Backend, images: np.ndarray) -> Pixels:
    pixels = keep_pixels(backend, images, len(images), 1)
    assert isinstance(pixels, Pixels)
    return pixels


def product(backend: Backend, a: Any, b: np.ndarray) -> np.ndarray:
    out = backend.xp.empty((len(a), b.shape[1]), "float32")
    assert backend.xp.matmul(a, backend.asarray(b), out=out) is out
    return backend.to_numpy(out)


def one_by_one(x: np.ndarray, W: np.ndarray) -> np.ndarray:
    """The product in float32 as a GPU's kernel computes it: term after term, each sum rounded."""
    y = np.zeros((len(x), W.shape[1]), "f")
    for k in range(x.shape[1]):
        y = (y + x[:, k : k + 1].astype("d") * W[k]).astype("f")
    return y


def of_any_size(r: np.random.Generator, shape: tuple[int, ...], most: int) -> np.ndarray:
    """Numbers of both signs whose sizes spread over many powers of ten."""
    return (r.normal(size=shape) * 10.0 ** r.integers(-most, most, shape)).astype("f")


def test_every_byte_times_any_number_is_exact(device: tuple[StandIn, Backend]) -> None:
    """To one rounding, that of the division: a row has one byte, so that there is no sum.

    From 1.3e36 on, 255 times a number is infinite in float32.
    """
    images = np.zeros((256, 8), np.uint8)
    images[:, 3] = np.arange(256)
    W = of_any_size(np.random.default_rng(0), (8, 40), 30)
    W[3, :4] = 1.3e36, -1.17549435e-38, 0.0, 1 - 2.0**-24
    y = product(device[1], kept(device[1], images), W)
    true = images / 255.0 @ W.astype("d")
    with np.errstate(under="ignore"):
        np.testing.assert_allclose(y, true, rtol=1.2e-7, atol=1e-41)


LIMIT = 3e-6
"""The largest error, in shares of the sum of the terms' sizes: of sums cut off 49 or 128 times."""


@pytest.mark.parametrize("numbers", ["normal", "positive", "of any size"])
@pytest.mark.parametrize(
    ("rows", "width", "outputs"), [(300, 784, 16), (65, 64, 1), (33, 8, 33), (4099, 72, 3)]
)
def test_a_product_is_as_exact_as_in_float32(
    device: tuple[StandIn, Backend], rows: int, width: int, outputs: int, numbers: str
) -> None:
    """As terms usually are; where all have a sign, or few of them weigh, the error is limited."""
    backend, r = device[1], np.random.default_rng(rows)
    images = r.integers(0, 256, (rows, width), dtype=np.uint8)
    pixels = kept(backend, images)
    for a, x, shape in ((pixels, images, (width, outputs)), (pixels.T, images.T, (rows, outputs))):
        b = of_any_size(r, shape, 30) if numbers == "of any size" else r.normal(size=shape)
        b = (abs(b) if numbers == "positive" else b).astype("f")
        true, size = x / 255.0 @ b.astype("d"), x / 255.0 @ abs(b.astype("d"))
        of_floats = one_by_one((x * np.float32(1 / 255)).astype("f"), b)
        error, usual = (abs(y - true) / size for y in (product(backend, a, b), of_floats))
        assert error.max() < LIMIT
        if numbers == "normal":
            assert np.sqrt((error**2).mean()) < 1.1 * np.sqrt((usual**2).mean())


def test_what_is_not_finite_stays_so(device: tuple[StandIn, Backend]) -> None:
    """As in float32: 0 times infinity is no number, and a NaN spreads."""
    images = np.uint8([[1, 0, 0, 0, 0, 0, 0, 0], [0, 9, 0, 0, 0, 0, 0, 0]])
    W = np.ones((8, 3), "f")
    W[0] = np.inf, -np.inf, np.array([0x7F800001], np.uint32).view("f")[0]
    y = product(device[1], kept(device[1], images), W)
    np.testing.assert_array_equal(y[0], np.float32([np.inf, -np.inf, np.nan]))
    assert np.isnan(y[1]).all()


def test_rows_of_pixels_are_cut_and_swapped(device: tuple[StandIn, Backend]) -> None:
    r = np.random.default_rng(1)
    images = r.integers(0, 256, (30, 16), dtype=np.uint8)
    pixels, W = kept(device[1], images), r.normal(size=(16, 5)).astype("f")
    part = pixels[4:11]
    assert (len(part), part.shape, part.T.shape, part.T.T.shape) == (7, (7, 16), (16, 7), (7, 16))
    np.testing.assert_allclose(product(device[1], part, W), images[4:11] / 255 @ W, rtol=1e-5)
    with pytest.raises(TypeError, match="cut before"):
        pixels.T[1:2]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_are_given_rows_of_float32_alone(
    device: tuple[StandIn, Backend], dtype: str
) -> None:
    backend = device[1]
    pixels = kept(backend, np.ones((3, 8), np.uint8))
    wide, out = backend.xp.ones((8, 6), dtype), backend.xp.empty((3, 3), "float32")
    with pytest.raises(TypeError, match="rows of float32"):
        backend.xp.matmul(pixels, wide[:, :3], out=out)


def test_many_images_are_brought_in_slices(
    device: tuple[StandIn, Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.cuda.device.SLICE_BYTES", 100)
    cupy, backend = device
    images = np.random.default_rng(2).integers(0, 256, (40, 16), dtype=np.uint8)
    bits = backend.to_numpy(kept(backend, images).bits)
    np.testing.assert_array_equal((bits.astype(np.uint32) << 16).view("f"), images)
    assert cupy.largest_transfer <= 100


# Training


@pytest.fixture
def split() -> Split:
    return toy_dataset().train  # 60 images of 4 x 4


def trained(backend: Backend, split: Split, recipe: Recipe) -> tuple[Trainer, Any, Any]:
    model = MLP([16, 9, 6, CLASSES], backend=backend)
    trainer = Trainer(model, split, recipe)
    losses = np.concatenate([trainer.epoch(number).copy() for number in range(recipe.epochs)])
    return trainer, backend.to_numpy(model.parameters), losses


@pytest.mark.parametrize(
    ("batch_size", "rows_at_once"), [(16, 2048), ("full", 2048), ("full", 32), ("full", 20)]
)
def test_training_is_the_cpus(
    device: tuple[StandIn, Backend],
    split: Split,
    batch_size: Any,
    rows_at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("backends.cuda.pixels.ROWS_AT_ONCE", rows_at_once)
    recipe = Recipe(batch_size=batch_size, epochs=EPOCHS)
    ours, true = (trained(b, split, recipe) for b in (device[1], get_backend("cpu")))
    assert isinstance(ours[0].batches.images, Pixels)
    assert all(step.replays for step in ours[0].executor.captured.values())  # type: ignore[attr-defined]
    for mine, other in zip(ours[1:], true[1:], strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-6, atol=2e-6)


def test_micro_batches_are_the_cpus(device: tuple[StandIn, Backend], split: Split) -> None:
    cupy, backend = device
    cupy.free = 16 * 5 * 4 * (16 + 3 * (9 + 6 + CLASSES))  # room for micro-batches of some images
    recipe = Recipe(batch_size="full", epochs=EPOCHS)
    ours, true = (trained(b, split, recipe) for b in (backend, get_backend("cpu")))
    assert isinstance(ours[0].batches.images, Pixels)
    assert ours[0].batches.micro_batch_size < 30
    np.testing.assert_allclose(ours[1], true[1], rtol=1e-5, atol=1e-6)


def test_a_training_is_measured_on_pixels(device: tuple[StandIn, Backend]) -> None:
    cupy, backend = device
    accuracies = []
    for on in (backend, get_backend("cpu")):
        model = MLP([16, 9, CLASSES], backend=on)
        recipe = Recipe(batch_size="full", epochs=5, lr=0.3, warmup=0.0, validation=12)
        accuracies.append([(e.train_accuracy, e.test_accuracy, e.validation_accuracy)
                           for e in train(model, toy_dataset(), recipe).epochs])  # fmt: skip
    assert accuracies[0] == accuracies[1]
    done = [name for kind, name in cupy.events if kind == "launch"]
    assert "bytes_to_bf16" in done
    assert "copyto" not in {kernel.partition(" of ")[0] for kernel in cupy.compiled}


def test_what_a_step_launches(device: tuple[StandIn, Backend], split: Split) -> None:
    """Twice three nodes in place of two products; images are gathered by one call.

    A fifth node more is the gradient's rest, of images that are no multiple of 2,048 (docs/gpu.md).
    """
    cupy, backend = device
    trainer = Trainer(
        MLP([16, 9, CLASSES], backend=backend), split, Recipe(batch_size=30, epochs=EPOCHS)
    )
    trainer.epoch(0)
    before = len(cupy.events)
    trainer.epoch(1)
    events = cupy.events[before:]
    captured = Counter(name for kind, name in events if kind == "captured")
    steps = trainer.steps
    assert captured["cublasGemmStridedBatchedEx"] == 2 * steps
    assert captured["split_in_three"] == captured["add_parts"] == 2 * steps
    assert captured["cublasGemmEx"] == 3 * steps
    launched = Counter(name for kind, name in events if kind == "launch")
    assert launched["take_rows"] == 2  # images and labels
    assert not [event for event in events if event[0].startswith("allocate in")]


# Who takes part


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        ({"augment": "affine"}, {}),
        ({"input_dropout": 0.2}, {}),
        ({}, {"dtype": "float64"}),
        ({}, {"precision": "tf32"}),
        ({}, {"capability": "75"}),
        ({}, {"worth": 30 * 16 * 9 + 1}),
        ({}, {"free": 4 * 60 * 16 - 2}),
        ({}, {"side": 3}),
        ({}, {"columns": True}),
    ],
)
def test_whatever_else_reads_the_images_has_floats(
    monkeypatch: pytest.MonkeyPatch, recipe: dict[str, Any], options: dict[str, Any]
) -> None:
    monkeypatch.setattr("backends.cuda.device.WORTH_SPLITTING", options.get("worth", 0))
    monkeypatch.setattr(Device, "compute_capability", options.get("capability", "90"))
    cupy, backend = open_stand_in(
        monkeypatch, precision=options.get("precision", "float32"), run_kernels=False
    )
    cupy.free = options.get("free", cupy.free)
    side, r = options.get("side", 4), np.random.default_rng(3)
    images = r.integers(0, 256, (60, side, side), dtype=np.uint8)
    given = r.random((60, 16), "f") if options.get("columns") else images
    split = Split(given, r.integers(0, 3, 60).astype(np.uint8))
    model = MLP([side * side, 9, 3], backend=backend, dtype=options.get("dtype", "float32"))
    trainer = Trainer(model, split, Recipe(batch_size=30, epochs=EPOCHS, **recipe))
    for number in range(2):
        trainer.epoch(number)
    assert not trainer.batches.keeps_pixels
    assert "cublasGemmStridedBatchedEx" not in {name for _, name in cupy.events}


def test_other_backends_keep_no_pixels() -> None:
    images = np.zeros((60, 16), np.uint8)
    assert keep_pixels(get_backend("cpu"), images, 60, 10**9) is None


def test_batches_for_others_are_floats(device: tuple[StandIn, Backend], split: Split) -> None:
    """Attribution, for one, multiplies with the images."""
    batches = Batches(split.images, split.labels, MLP([16, 3], backend=device[1]))
    assert batches.slice(0, 5)[0].dtype == np.float32


# On a GPU


@pytest.mark.cuda
@pytest.mark.parametrize("outputs", [10, 128])
def test_a_gpus_product_is_as_exact_as_in_float32(cuda: Backend, outputs: int) -> None:
    r = np.random.default_rng(4)
    images = r.integers(0, 256, (20_000, 784), dtype=np.uint8)
    pixels = keep_pixels(cuda, images, len(images), 128)
    if pixels is None:
        pytest.skip("a device without tensor cores for bf16")
    floats = cuda.asarray((images * np.float32(1 / 255)).astype("f"))
    for a, x, rows in ((pixels, floats, 784), (pixels.T, floats.T, len(images))):
        b = r.normal(size=(rows, outputs)).astype("f")
        y, of_floats = product(cuda, a, b), product(cuda, x, b)
        true = (images / 255.0 if rows == 784 else images.T / 255.0) @ b.astype("d")
        assert np.linalg.norm(y - true) < 2e-6 * np.linalg.norm(true)
        assert np.linalg.norm(of_floats - true) < 2e-6 * np.linalg.norm(true)
