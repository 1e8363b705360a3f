"""Batches: what is gathered is what was asked for, however the images are kept."""

from __future__ import annotations

import numpy as np
import pytest
from device import CountingBackend
from toys import DATA, small_micro_batches, toy_model

from backends import get_backend
from mlp.data.batches import Batches


@pytest.mark.parametrize("augment", [None, "affine,elastic(2, 9),thickness"])
def test_bytes_kept_give_the_same_as_floats_kept(
    augment: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    floats = Batches(DATA.train.images, DATA.train.labels, toy_model(), augment)
    small_micro_batches(monkeypatch, 300)
    bytes_ = Batches(DATA.train.images, DATA.train.labels, toy_model(), augment)
    assert (floats.images.dtype, bytes_.images.dtype) == (np.float32, np.uint8)
    for x, y in zip(floats.slice(3, 9), bytes_.slice(3, 9), strict=True):
        np.testing.assert_array_equal(x, y)
    rows = np.array([5, 0, 59, 7])
    for x, y in zip(floats.gather(rows), bytes_.gather(rows), strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_device_deforms_bytes() -> None:
    """Where its memory is its own, they stay so, though all of them fit a micro-batch."""
    for augment, dtype in ((None, np.float32), ("affine", np.uint8)):
        model = toy_model(backend=CountingBackend())
        batches = Batches(DATA.train.images, DATA.train.labels, model, augment)
        assert batches.images.dtype == dtype
        assert batches.keeps_floats == (augment is None)


@pytest.mark.parametrize("micro_batch", [None, 300])
def test_floats_are_taken_as_they_are(
    micro_batch: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if micro_batch is not None:
        small_micro_batches(monkeypatch, micro_batch)
    columns = np.linspace(-3, 3, 10 * 16, dtype=np.float32).reshape(10, 16)
    targets = np.linspace(5, 9, 20, dtype=np.float32).reshape(10, 2)
    batches = Batches(columns, targets, toy_model())
    assert batches.keeps_floats
    x, labels = batches.slice(2, 6)
    assert np.shares_memory(x, columns)  # no copy
    np.testing.assert_array_equal(labels, targets[2:6])
    rows = np.array([7, 0, 3])
    x, labels = batches.gather(rows)
    np.testing.assert_array_equal(x, columns[rows])
    np.testing.assert_array_equal(labels, targets[rows])


def test_weights_stand_beside_the_targets() -> None:
    images, labels = np.zeros((3, 16), np.float32), np.array([2, 0, 1], np.uint8)
    weights = np.array([1.0, 0.5, 2.0])
    batches = Batches(images, labels, toy_model(), weights=weights)
    rows = batches.gather(np.array([1, 2]))[1]
    np.testing.assert_array_equal(rows[:, -1], [0.5, 2.0])
    np.testing.assert_array_equal(rows[:, :-1].argmax(axis=1), [0, 1])
    np.testing.assert_array_equal(batches.unweighted().gather(np.array([1, 2]))[1], [0, 1])


@pytest.mark.parametrize(
    ("most", "on_cpu", "on_device"),
    [(60, {60}, {60}), (25, {20}, {20}), (8, {7, 8}, {6}), (9, {8, 9}, {8, 9}), (19, {20}, {20})],
)
def test_a_device_gets_micro_batches_of_one_size_where_it_can(
    most: int, on_cpu: set[int], on_device: set[int]
) -> None:
    """For two sizes it would keep two sets of buffers; the images are cut evenly in any case."""
    for backend, expected in ((get_backend("cpu"), on_cpu), (CountingBackend(), on_device)):
        batches = Batches(DATA.train.images, DATA.train.labels, toy_model(backend=backend))
        batches.micro_batch_size = most
        assert list(batches.micro_batches(60, 60)) == []
        cuts = list(batches.micro_batches(0, 60))
        assert {stop - start for start, stop in cuts} == expected
        assert [start for start, _ in cuts] == [0, *(stop for _, stop in cuts[:-1])]
