"""What is a number in a file, and what only looks like one."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mlp.common.figures import is_figure


@pytest.mark.parametrize("value", [0, -1, 1.5, math.nan, math.inf, 10**299])
def test_numbers_are_figures(value: Any) -> None:
    assert is_figure(value)
    float(value)


@pytest.mark.parametrize("value", [None, True, "1", [1], {}, 10**400, -(10**301)])
def test_other_things_are_none(value: Any) -> None:
    assert not is_figure(value)
