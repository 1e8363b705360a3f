"""Prefetching: what is gathered ahead is what would have been gathered in time."""

from __future__ import annotations

import numpy as np
from toys import DATA, toy_model

from mlp.data.batches import Batches
from mlp.training.parallel.prefetch import prefetch


def test_spans_come_in_order_into_two_places_in_turn() -> None:
    batches, plain = (
        Batches(DATA.train.images, DATA.train.labels, toy_model(), "affine,elastic(2)")
        for _ in range(2)
    )
    batches.key = plain.key = 77
    rows = np.random.default_rng(0).permutation(60)
    spans = [rows[:16], rows[16:32], rows[32:48], rows[48:]]
    before = None
    for nth, (place, x, labels) in enumerate(prefetch(batches, spans)):
        expected, expected_labels = plain.gather(spans[nth], 16 * nth)
        np.testing.assert_array_equal(x, expected)
        np.testing.assert_array_equal(labels, expected_labels)
        assert place == nth % 2
        assert before is None or not np.shares_memory(x, before)  # which may still be in use
        before = x
