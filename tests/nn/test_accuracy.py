"""The count of correct answers."""

from __future__ import annotations

import numpy as np

from backends import get_backend
from mlp.nn.accuracy import CorrectCount


def test_counts_add_up_and_the_first_of_equal_outputs_is_the_answer() -> None:
    rng = np.random.default_rng(1)
    N, C = 6, 4
    labels, count, expected = rng.integers(0, C, N), CorrectCount(C, get_backend("cpu"), "f"), 0
    for outputs in (rng.normal(size=(N, C)).astype("f"), np.zeros((N, C), "f")):
        count.add(outputs, np.eye(C, dtype="f")[labels])
        expected += (outputs.argmax(axis=1) == labels).sum()
        assert count.total.item() == expected > 0
    count.reset()
    assert count.total.item() == 0
