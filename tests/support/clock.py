"""Time that passes only where a test lets it, so that what is timed can be asserted exactly."""

from __future__ import annotations

import pytest

from mlp.benchmark import timing


class Clock:
    """Stands in for the module ``time``.

    Attributes:
        now: the time, in seconds.
    """

    now = 0.0

    def perf_counter(self) -> float:
        """The time that the code under test sees."""
        return self.now


def install(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let everything that `mlp.benchmark.timing` times go by a new clock."""
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    return clock
