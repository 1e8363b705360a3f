"""The roofline: what is measured, and the time that follows from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import clock as clocks
import pytest
from device import CountingBackend

from backends import Memory
from backends.cpu import CpuBackend
from mlp.benchmark.roofline import Roofline, measure_roofline

pytestmark = pytest.mark.usefixtures("short_measurements")


class Slow(CpuBackend):
    """A CPU of one core, on which a product takes 2 seconds and a copy 4, by the clock."""

    def __init__(self, clock: clocks.Clock) -> None:
        super().__init__()

        def slow(function: Callable[..., Any], seconds: float) -> Callable[..., Any]:
            def call(*args: Any, **kwargs: Any) -> Any:
                clock.now += seconds
                return function(*args, **kwargs)

            return call

        self.xp.matmul = slow(self.xp.matmul, 2.0)  # type: ignore[attr-defined]
        self.xp.copyto = slow(self.xp.copyto, 4.0)  # type: ignore[attr-defined]

    def memory(self) -> Memory:
        return super().memory()._replace(workers=1)


def test_it_is_what_the_device_does(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measure_roofline(Slow(clocks.install(monkeypatch)), "float32")
    assert found == Roofline(2 * 16**3 / 2.0, 2 * 4096 / 4.0)


def test_products_grow_until_they_take_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlp.benchmark.roofline.LEAST_SECONDS", 3.0)
    found = measure_roofline(Slow(clocks.install(monkeypatch)), "float32")
    assert found.flop_per_second == 2 * 32**3 / 2.0  # the largest, though it takes 2 seconds only


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_needs_nothing_that_a_gpu_lacks(dtype: str) -> None:
    found = measure_roofline(CountingBackend(), dtype)
    assert found.flop_per_second > 0
    assert found.bytes_per_second > 0


@pytest.mark.parametrize(
    ("flop", "moved", "seconds"),
    [(1000, 600, 2.0), (1000, 150, 1.0), (0, 300, 1.0)],
)
def test_the_longer_of_products_and_bytes_counts(flop: int, moved: int, seconds: float) -> None:
    assert Roofline(1000.0, 300.0).least_seconds(flop, moved) == seconds
