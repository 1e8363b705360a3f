"""Capture on the CPU: what is recorded, what else a replay calls, and what refuses to be."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backends import get_backend, on_replay
from backends.cpu import CpuBackend
from backends.tape import record


def test_a_replay_calls_the_host_where_it_was_asked_to() -> None:
    backend = get_backend("cpu")
    x, seen = np.zeros(1), []

    def look() -> None:
        seen.append(float(x.item()))

    def step() -> None:
        backend.xp.add(x, 1.0, out=x)
        on_replay(look)
        backend.xp.add(x, 1.0, out=x)

    captured = backend.capture(step)
    for _ in range(4):
        captured()
    assert seen == [5.0, 7.0]  # after the first half of the third call and of the fourth


def test_nothing_is_called_where_no_step_is_recorded() -> None:
    on_replay(lambda: pytest.fail("was called"))
    assert record(lambda: "done") == ("done", [])


def test_each_thread_records_its_own_calls() -> None:
    backend = get_backend("cpu")
    x, other = np.zeros(1), np.zeros(1)

    def step() -> None:
        backend.xp.add(x, 1.0, out=x)
        thread = threading.Thread(target=lambda: backend.xp.add(other, 1.0))  # without out=
        thread.start()
        thread.join()

    _, calls = record(step)
    assert len(calls) == 1


@pytest.mark.parametrize("call", [lambda xp, x: xp.add(x, 1.0), lambda xp, x: xp.sum(x)])
def test_recording_refuses_a_call_without_out(call: Callable[..., Any]) -> None:
    xp = get_backend("cpu").xp
    with pytest.raises(RuntimeError, match="out="):
        record(lambda: call(xp, np.zeros(2)))
    call(xp, np.zeros(2))  # outside a recording it is fine


def test_a_captured_step_sees_what_changes_in_its_arrays() -> None:
    backend = CpuBackend()
    x, y = np.zeros(2), np.zeros(2)
    calls = 0

    def step() -> np.ndarray:
        nonlocal calls
        calls += 1
        backend.xp.add(x, 1.0, out=y)
        return y

    captured = backend.capture(step)
    for value in range(5):
        x[:] = value
        np.testing.assert_array_equal(captured(), [value + 1, value + 1])
    assert calls == 2  # once to make its buffers, once to be recorded
