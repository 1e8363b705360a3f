"""Prefetching: what is gathered ahead is what would have been gathered in time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import DATA, FAST, toy_model, trained

import backends.cpu
from mlp.data.batches import Batches
from mlp.training.executors import small_batches
from mlp.training.parallel.prefetch import prefetch
from mlp.training.recipe import Recipe


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


@pytest.mark.parametrize("augment", ["affine", "elastic(2),thickness"])
def test_a_run_that_prefetches_is_the_run(augment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, calls = Recipe(batch_size=7, augment=augment, **FAST), []

    def counted(*arguments: Any) -> Any:
        calls.append(1)
        return prefetch(*arguments)

    monkeypatch.setattr(small_batches, "prefetch", counted)
    monkeypatch.setattr(backends.cpu, "SPAN", 2)  # spans of two updates
    results = []
    for cores in (1, 2):
        monkeypatch.setattr(backends.cpu, "usable_cores", lambda cores=cores: cores)
        results.append(trained(recipe).tobytes())
        assert len(calls) == (FAST["epochs"] if cores > 1 else 0)
    assert results[0] == results[1]
