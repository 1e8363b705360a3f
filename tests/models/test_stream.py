"""Chunks keep their order and get the outputs of the whole, whatever thread works on them."""

from __future__ import annotations

import time

import numpy as np
import pytest

from mlp.data.batches import Batches
from mlp.models.predict import outputs
from mlp.models.stream import stream_outputs
from mlp.nn.network import MLP
from mlp.training.parallel.replica import Replica

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 12), dtype=np.uint8)
MODEL = MLP([12, 8, 3])


@pytest.mark.parametrize("replicas", [1, 3])
def test_chunks_come_in_order(replicas: int) -> None:
    def images_of(rows: slice) -> np.ndarray:
        return IMAGES[rows]

    chunks = [slice(start, start + 4) for start in range(0, 40, 4)]
    models = [MODEL, *(Replica(MODEL) for _ in range(replicas - 1))]
    found = list(stream_outputs(models, chunks, images_of))
    assert [chunk for chunk, _ in found] == chunks
    whole = outputs(MODEL, Batches(IMAGES, np.zeros(40, np.int64), MODEL))
    np.testing.assert_allclose(np.concatenate([part for _, part in found]), whole, rtol=1e-5)


def test_no_more_is_read_ahead_than_there_are_replicas() -> None:
    read = 0

    def chunks():  # type: ignore[no-untyped-def]
        nonlocal read
        for start in range(0, 40, 4):
            read += 1
            yield slice(start, start + 4)

    for number, _ in enumerate(
        stream_outputs([MODEL, Replica(MODEL)], chunks(), IMAGES.__getitem__)
    ):
        assert read <= number + 3


def test_a_fault_in_reading_reaches_the_caller() -> None:
    def chunks():  # type: ignore[no-untyped-def]
        yield slice(0, 4)
        time.sleep(0)
        raise ValueError("cut off")

    with pytest.raises(ValueError, match="cut off"):
        list(stream_outputs([MODEL], chunks(), IMAGES.__getitem__))
