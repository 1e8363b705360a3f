"""The clock: what counts as a call's time, how often calls are repeated, and whose turn it is."""

from __future__ import annotations

from functools import partial

import clock as clocks
import pytest

from mlp.benchmark.timing import (
    MOST_GROWTH,
    Timing,
    calls_lasting,
    rotated,
    seconds_per_call,
    take_turns,
)


class Device:
    """A device whose calls return at once, and whose work is done when it is waited for."""

    def __init__(self, clock: clocks.Clock, seconds: float) -> None:
        self.calls, self._pending, self._clock, self._seconds = 0, 0, clock, seconds

    def call(self) -> None:
        self.calls += 1
        self._pending += 1

    def wait(self) -> None:
        self._clock.now += self._seconds * self._pending
        self._pending = 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> clocks.Clock:
    return clocks.install(monkeypatch)


def test_work_that_is_still_going_on_counts_and_earlier_work_does_not(clock: clocks.Clock) -> None:
    device = Device(clock, 2.0)
    device.call()
    assert seconds_per_call(device.call, device.wait, 5) == 2.0
    assert device.calls == 6


@pytest.mark.parametrize(
    ("seconds", "calls"), [(5.0, 4), (16.0, 1), (20.0, 1), (0.5, 32), (10.0, 2)]
)
def test_calls_are_repeated_until_they_last(
    clock: clocks.Clock, seconds: float, calls: int
) -> None:
    device = Device(clock, seconds)
    assert calls_lasting(16.0, device.call, device.wait) == calls


def test_a_call_that_takes_no_time_at_first_is_tried_again(clock: clocks.Clock) -> None:
    def call() -> None:
        nonlocal calls
        calls += 1
        clock.now += 1.0 if calls > 1 else 0.0

    calls = 0
    assert calls_lasting(1.0, call, int) == MOST_GROWTH


def test_all_take_turns_and_each_begins_a_round() -> None:
    order: list[str] = []

    def turn(name: str, seconds: float) -> float:
        order.append(name)
        return seconds

    rounds: list[int] = []
    turns = [partial(turn, name, i) for i, name in enumerate("abc")]
    assert take_turns(turns, 4, rounds.append) == [(0,) * 4, (1,) * 4, (2,) * 4]
    assert "".join(order) == "abc" + "bca" + "cab" + "abc"
    assert rounds == [0, 1, 2, 3]


def test_no_round_follows_once_the_time_is_up() -> None:
    assert take_turns([lambda: 1.0, lambda: 2.0], 9, is_over=lambda: True) == [(1.0,), (2.0,)]


def test_no_turn_follows_within_a_round_once_the_time_is_up() -> None:
    asked = iter([False, True])
    seconds = take_turns([lambda: 1.0, lambda: 2.0, lambda: 3.0], 9, is_over=lambda: next(asked))
    assert seconds == [(1.0,), (2.0, 2.0), (3.0,)]  # the second round begins with the second


def test_nobody_can_take_turns() -> None:
    assert take_turns([], 3) == []
    assert rotated([], 2) == []


def test_a_timing_is_its_median() -> None:
    fast, slow = Timing("a", (1.0, 9.0, 2.0)), Timing("b", (10.0, 6.0))
    assert fast.median == 2.0
    assert fast.times_as_fast(slow) == 4.0
    assert fast.overlaps(slow)
    assert slow.overlaps(fast)
    assert not fast.overlaps(Timing("b", (9.5, 10.0)))
