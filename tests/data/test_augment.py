"""Deformation: what it does to images, and that it depends on the seed and on nothing else."""

from __future__ import annotations

import itertools
import tracemalloc
from typing import Any

import numpy as np
import pytest
from toys import toy_dataset, toy_model

import backends.cpu
from backends import get_backend
from mlp.data.augment import Deformation, deform, epoch_key
from mlp.data.deformations import DEFORMATIONS
from mlp.data.resample import GROUP, Warp
from mlp.training.loop import train
from mlp.training.recipe import Recipe

CPU = get_backend("cpu")
ALL = "affine(15, 0.15, 2, 10),elastic,thickness"
STILL = "affine(0, 0, 0, 0),elastic(6, 0),thickness(0)"


def noise(count: int, height: int = 28, width: int = 28) -> np.ndarray:
    """Images of random values from 0 to 1, as rows."""
    return np.random.default_rng(0).random((count, height * width))


def digits(count: int) -> np.ndarray:
    """Bars of differing slant, thick enough to stay a stroke: uint8, shape (count, 28, 28)."""
    y, x = np.mgrid[0:28, 0:28]
    slant = np.linspace(-0.5, 0.5, count)[:, None, None]
    inside = (abs(x - 14 - slant * (y - 14)) < 3) & (abs(y - 14) < 8)
    return (255 * inside).astype(np.uint8)


def deformation(augment: str, shape: tuple[int, int] = (28, 28)) -> Deformation:
    return Deformation(augment, shape, CPU, "float64")


def read(x: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Read images, shape (n, height, width), at the same positions of that shape."""
    n, height, width = x.shape
    warp = Warp(height, width, CPU, "float64")
    framed = warp.lay_out(x.reshape(n, -1), 0)
    at = np.stack([row.ravel(), column.ravel()], axis=1)[:, :, None]  # (P, 2, 1)
    positions = np.repeat(at, framed.shape[2] // GROUP, axis=2)
    return warp.read(framed, positions)[:, :n].T.reshape(x.shape)


# Reading at positions


def test_an_image_read_at_its_pixels_is_itself() -> None:
    x = noise(GROUP + 3, 7, 5).reshape(-1, 7, 5)
    np.testing.assert_array_equal(read(x, *np.mgrid[0:7.0, 0:5.0]), x)


@pytest.mark.parametrize(("down", "right"), [(0, 1), (2, 0), (-1, 3), (-6, -4), (7, 0), (-40, 90)])
def test_whole_pixels_move_an_image_and_leave_blank(down: int, right: int) -> None:
    x = noise(3, 7, 5).reshape(-1, 7, 5)
    padded = np.pad(x, ((0, 0), (100, 100), (100, 100)))
    moved = np.roll(padded, (down, right), axis=(1, 2))[:, 100:107, 100:105]
    row, column = np.mgrid[0:7.0, 0:5.0]
    np.testing.assert_array_equal(read(x, row - down, column - right), moved)


def test_a_quarter_turn() -> None:
    x = noise(3, 6, 6).reshape(-1, 6, 6)
    row, column = np.mgrid[0:6.0, 0:6.0]
    np.testing.assert_array_equal(read(x, column, 5 - row), np.rot90(x, axes=(1, 2)))


def test_between_pixels_it_is_bilinear() -> None:
    """A plane a + b y + c x is read exactly wherever its four corners are inside."""
    row, column = np.mgrid[0:7.0, 0:5.0]
    at_row, at_column = row * 0.9 + 0.3, column * 0.8 + 0.45
    plane = lambda y, x: 0.1 + 0.05 * y + 0.07 * x  # noqa: E731
    values = read(plane(row, column)[None], at_row, at_column)[0]
    np.testing.assert_allclose(values, plane(at_row, at_column), rtol=0, atol=1e-15)
    edge = read(np.ones((1, 7, 5)), row - 0.25, column)[0]
    np.testing.assert_allclose(edge[0], 0.75)  # a quarter of it lies outside, which is blank


def test_each_group_is_read_at_its_own_positions() -> None:
    x = noise(2 * GROUP, 4, 4).reshape(-1, 4, 4)
    warp = Warp(4, 4, CPU, "float64")
    row, column = np.mgrid[0:4.0, 0:4.0].reshape(2, 16)
    positions = np.stack([[row, row + 1], [column, column]], axis=0).transpose(2, 0, 1)
    result = warp.read(warp.lay_out(x.reshape(-1, 16), 0), np.ascontiguousarray(positions))
    result = result.T.reshape(-1, 4, 4)
    np.testing.assert_array_equal(result[:GROUP], x[:GROUP])
    np.testing.assert_array_equal(result[GROUP:, :3], x[GROUP:, 1:])
    assert not result[GROUP:, 3].any()


# What the kinds do


def test_no_amount_leaves_the_images_as_they_are() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    np.testing.assert_array_equal(deform(images, STILL, 0), images)


@pytest.mark.parametrize("augment", [*DEFORMATIONS, ALL])
def test_each_kind_changes_images_and_keeps_their_range(augment: str) -> None:
    x = noise(50)
    result = deformation(augment)(x)
    assert result.shape == x.shape
    assert abs(result - x).mean() > 0.01
    assert result.min() >= 0
    assert result.max() <= 1 + 1e-12


def test_a_turn_turns_about_the_middle() -> None:
    """A bar through the middle stays there, and turns by no more than was asked for."""
    angles = []
    for image in deform(digits(41)[20:21].repeat(200, axis=0), "affine(30, 0, 0, 0)", 0):
        weight = image / image.sum()
        y, x = (
            np.mgrid[0:28, 0:28]
            - np.array([weight.sum(axis=1) @ range(28), weight.sum(axis=0) @ range(28)])[
                :, None, None
            ]
        )
        assert abs(y[0, 0] + 13.75) < 0.6  # the bar's own middle is 14, 13.5 the image's
        covariance = (weight * x * y).sum(), (weight * (y**2 - x**2)).sum()
        angles.append(0.5 * np.degrees(np.arctan2(2 * covariance[0], covariance[1])))
    assert -31 < min(angles) < -25
    assert 25 < max(angles) < 31


@pytest.mark.parametrize(
    ("augment", "measure", "low", "high"),
    [
        ("affine(0, 0.3, 0, 0)", "height", 0.7, 1.3),
        ("affine(0, 0.3, 0, 0)", "width", 0.7, 1.3),
        ("affine(0, 0, 3, 0)", "row", -3, 3),
        ("affine(0, 0, 3, 0)", "column", -3, 3),
    ],
)
def test_amounts_are_the_most(augment: str, measure: str, low: float, high: float) -> None:
    """Over 200 draws the amounts come near their bounds and do not pass them."""

    def sizes(images: np.ndarray) -> np.ndarray:
        down, right = images.sum(axis=2), images.sum(axis=1)  # (n, 28)
        profile = down if measure in ("height", "row") else right
        total, place = profile.sum(axis=1), np.arange(28)
        middle = profile @ place / total
        if measure in ("row", "column"):
            return middle
        return np.sqrt((profile * (place - middle[:, None]) ** 2).sum(axis=1) / total)

    plain = digits(3)[1:2].repeat(200, axis=0)
    before, after = sizes(plain / 255), sizes(deform(plain, augment, 0) / 255)
    change = after - before if measure in ("row", "column") else after / before
    margin = 0.1 * (high - low)
    assert low - margin / 4 < change.min() < low + margin
    assert high - margin < change.max() < high + margin / 2


def test_an_elastic_field_is_smooth_and_as_strong_as_asked() -> None:
    """Noise from U(-1, 1) under a Gaussian has the deviation alpha / √3 / (2 √π sigma)."""
    elastic = deformation("affine(0, 0, 0, 0),elastic(2, 10)", (40, 40))
    draws, noise = elastic._draw(50, 2)
    still = np.stack(np.mgrid[0:40, 0:40], axis=2).reshape(1600, 2, 1)
    field = (
        elastic._positions(draws[1:], noise, elastic._most, elastic._down, elastic._right) - still
    ).reshape(40, 40, 100)
    inner = field[8:-8, 8:-8]
    assert inner.std() == pytest.approx(10 / 3**0.5 / (2 * np.pi**0.5 * 2), rel=0.05)
    assert np.abs(np.diff(inner, axis=0)).mean() < 0.5 * np.abs(inner).mean()
    assert abs(inner.mean()) < 0.1
    assert np.abs(np.diff(inner.mean(axis=(0, 1)))).min() > 0  # no two fields are the same


def test_strokes_get_thicker_and_thinner() -> None:
    plain = digits(3)[1:2].repeat(100, axis=0)
    ink = deform(plain, "thickness(1)", 0).sum(axis=(1, 2)) / plain[0].sum()
    thick, thin = 5 * 15 + 2 * 20, 3 * 13  # pixels of the bar of 5 x 15 with its neighbours
    assert thin / 75 <= ink.min() < 0.6
    assert 1.45 < ink.max() <= thick / 75
    assert abs(np.median(ink) - 1) < 0.15


@pytest.mark.parametrize("augment", ["affine", "elastic", ALL])
def test_the_ink_is_roughly_kept(augment: str) -> None:
    plain = digits(100)
    share = deform(plain, augment, 0).sum() / plain.sum()
    assert 0.85 < share < 1.15


# The draws


def test_the_same_seed_gives_the_same_bytes() -> None:
    images = digits(40)
    assert deform(images, ALL, 3).tobytes() == deform(images, ALL, 3).tobytes()
    assert deform(images, ALL, 3).tobytes() != deform(images, ALL, 4).tobytes()


def test_the_draws_are_those_of_the_images_places() -> None:
    """However an epoch is cut into batches, and whatever was drawn before."""
    x, d = noise(70), deformation(ALL)
    whole = d(x, 5, 9).copy()
    for cuts in ([0, 1, 12, 30, 70], [0, 11, 70], [0, 27, 43, 70]):
        parts = [d(x[a:b], 5 + a, 9).copy() for a, b in itertools.pairwise(cuts)]
        np.testing.assert_allclose(np.concatenate(parts), whole, rtol=0, atol=1e-14)
    assert not np.allclose(d(x, 5, 10), whole)  # another epoch
    assert not np.allclose(d(x, 5 + GROUP, 9), whole)  # other places


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("half", [16, 250, 256])
def test_bytes_do_not_depend_on_how_many_are_deformed_at_once(dtype: str, half: int) -> None:
    """So that workers may share a span of updates, however many they are."""
    x = np.random.default_rng(1).random((512, 784)).astype(dtype)
    d = Deformation(ALL, (28, 28), get_backend("cpu"), dtype)
    whole = d(x, 0, 3).copy()
    parts = [d(part, first, 3).copy() for part, first in ((x[:half], 0), (x[half:], half))]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_large_batches_are_worked_on_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    x = noise(5 * GROUP + 3)
    whole = deformation(ALL)(x, 7).copy()
    monkeypatch.setattr(backends.cpu, "WORKING_SET_BYTES", 1)
    assert deformation(ALL)._chunk == GROUP
    np.testing.assert_allclose(deformation(ALL)(x, 7), whole, rtol=0, atol=1e-14)


def test_draws_are_uniform_and_do_not_repeat() -> None:
    affine = deformation("affine")
    affine.bits.seek(epoch_key(0, 0))
    draws, _ = affine._draw(20_000, 0)  # (7, 20000)
    assert draws.min() >= -1
    assert draws.max() <= 1
    np.testing.assert_allclose(draws.mean(axis=1), 0, atol=0.02)
    np.testing.assert_allclose((draws**2).mean(axis=1), 1 / 3, atol=0.01)
    correlation = np.corrcoef(draws) - np.eye(7)
    assert np.abs(correlation).max() < 0.03
    for lag in (1, 2, 7):
        shifted = np.corrcoef(draws[0, :-lag], draws[0, lag:])[0, 1]
        assert abs(shifted) < 0.03
    assert len(np.unique(draws)) > 0.98 * draws.size


def test_epochs_have_keys_of_their_own() -> None:
    keys = {epoch_key(seed, epoch) for seed in range(10) for epoch in range(100)}
    assert len(keys) == 1000


def test_a_steady_batch_allocates_nothing() -> None:
    x, d = noise(128).astype(np.float32), Deformation(ALL, (28, 28), CPU, "float32")
    buffered = np.getbufsize()
    np.setbufsize(16)  # NumPy's own buffers, for calls that change the dtype, are no arrays
    try:
        for _ in range(2):
            d(x)
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        d(x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        np.setbufsize(buffered)
    assert peak - before < 6000  # views and iterators; 128 images of 784 float32 take 400,000


# In training


def trained(batch_size: Any = 25, **recipe: Any) -> np.ndarray:
    model = toy_model(dtype="float64")
    train(model, toy_dataset(), Recipe(batch_size=batch_size, epochs=3, lr=0.1, **recipe))
    parameters: np.ndarray = model.parameters
    return parameters


@pytest.mark.parametrize("batch_size", [25, 60, "full"])
def test_a_run_does_not_depend_on_pieces(batch_size: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained(batch_size, augment=ALL)
    monkeypatch.setattr(backends.cpu, "WORKING_SET_BYTES", 3000)
    np.testing.assert_allclose(trained(batch_size, augment=ALL), whole, rtol=0, atol=1e-11)


def test_a_run_depends_on_the_seed_alone() -> None:
    assert trained(augment=ALL).tobytes() == trained(augment=ALL).tobytes()
    assert not np.allclose(trained(augment=ALL), trained(augment=ALL, seed=1))
    assert not np.allclose(trained(augment=ALL), trained())
    np.testing.assert_allclose(trained(augment=STILL), trained(), rtol=0, atol=1e-12)


def test_each_epoch_deforms_anew() -> None:
    """One image in a constant order: its gradient would otherwise be the same at each epoch."""
    losses = [
        epoch.loss for epoch in train(
            toy_model(), toy_dataset(train=1),
            Recipe(epochs=4, lr=1e-9, warmup=0, augment="affine(15, 0.15, 2)"),
        ).epochs
    ]  # fmt: skip
    assert len(set(losses)) == 4


def test_evaluation_sees_the_images_as_they_are() -> None:
    """Without learning, the accuracy is that of the start, though training images are moved off."""
    plain = Recipe(epochs=1, lr=1e-12, validation=10)
    moved = Recipe(epochs=1, lr=1e-12, validation=10, augment="affine(180, 0.9, 90)")
    ours, theirs = (train(toy_model(), toy_dataset(), r).epochs[0] for r in (plain, moved))
    assert ours.loss != theirs.loss
    for measure in ("train_accuracy", "test_accuracy", "validation_accuracy"):
        assert getattr(ours, measure) == getattr(theirs, measure)
