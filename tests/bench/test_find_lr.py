"""The rules that rates are suggested by, on a curve whose rates are known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")

from bench.find_lr import rules


def test_each_rule_finds_its_rate() -> None:
    rates = np.geomspace(1e-4, 1.0, 41)
    place = np.linspace(0, 1, 41)
    smoothed = np.where(place < 0.75, 2.0 - np.clip(place - 0.25, 0, 0.5) ** 2, place * 4)
    found = rules(rates, smoothed, 0.08)
    assert found["the least smoothed loss"] == 0.08
    assert found["a tenth of the least"] == pytest.approx(0.008)
    assert found["the steepest place"] < found["the first rate with 90 % of the fall"] * 3
    assert 0.01 < found["the first rate with 90 % of the fall"] < 0.1
