"""Parity: what is compared, and that a difference is noticed."""

from __future__ import annotations

import numpy as np
import pytest
from device import CountingBackend

from backends import get_backend
from mlp.benchmark.parity import CHECKS, Parity, compare


def test_the_cpu_agrees_with_itself() -> None:
    checks = list(compare(get_backend("cpu")))
    assert [check.check for check in checks] == list(CHECKS)
    assert all(check.difference == 0 and check.holds for check in checks)


def test_a_device_differs_by_rounding_at_most() -> None:
    assert all(check.holds for check in compare(CountingBackend()))


def test_a_device_that_computes_otherwise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = CountingBackend()
    true = backend.to_numpy
    monkeypatch.setattr(backend, "to_numpy", lambda array: 1.001 * true(array))
    assert not any(check.holds for check in compare(backend))


@pytest.mark.parametrize(
    ("difference", "holds"), [(1e-6, True), (1e-5, True), (2e-5, False), (np.nan, False)]
)
def test_it_holds_within_the_limit_and_not_for_nan(difference: float, holds: bool) -> None:
    assert Parity("sums", difference, 1e-5).holds is holds
