"""Captured steps on a stand-in for a GPU: order, lifetimes and failures."""

from __future__ import annotations

import gc
import itertools
from typing import Any

import numpy as np
import pytest
from cuda_stand_in import install
from cupy_stand_in import StandIn

from backends import Backend, get_backend
from backends.cuda.graph import GraphWarning


def test_the_order_of_a_captured_step(device: tuple[StandIn, Backend]) -> None:
    cupy, backend = device
    total, step_size = backend.xp.zeros(1, "f"), backend.asarray(np.float32([1]))
    del cupy.events[:]
    step = backend.capture(lambda: backend.xp.add(total, step_size, out=total))
    for expected, events in (
        (1, [("launch", "add")]),
        (2, [("capture", ""), ("captured", "add"), ("end capture", ""), ("replay", "")]),
        (3, [("replay", "")]),
    ):
        assert step() is total
        assert np.asarray(total).tolist() == [expected]
        assert cupy.events == events
        del cupy.events[:]
    step_size[:] = 10  # what is written between calls counts at the next
    step()
    assert np.asarray(total).tolist() == [13]


def test_a_graph_keeps_its_arrays(device: tuple[StandIn, Backend]) -> None:
    _, backend = device

    def make() -> Any:
        a, b = backend.xp.ones((2, 3), "f"), backend.xp.ones((3, 2), "f")
        c, sums = backend.xp.empty((2, 2), "f"), backend.xp.empty(2, "f")

        def step() -> Any:
            backend.xp.matmul(a, b, out=c)
            return backend.xp.sum(c, axis=0, out=sums)

        return backend.capture(step)

    step = make()
    for _ in range(3):
        gc.collect()
        assert np.asarray(step()).tolist() == [6, 6]


def test_the_stand_in_sees_memory_freed_under_a_graph(device: tuple[StandIn, Backend]) -> None:
    _, backend = device
    total = backend.xp.zeros(1, "f")

    def step() -> None:  # a temporary that nothing keeps
        backend.xp.add(total, total, out=backend.xp.zeros(1, "f"))

    captured = backend.capture(step)
    captured()
    with pytest.raises(AssertionError, match="freed"):
        captured()


def test_memory_taken_while_capturing_is_the_graphs(device: tuple[StandIn, Backend]) -> None:
    cupy, backend = device
    total, kept = backend.xp.zeros(1, "f"), []

    def step() -> None:
        kept.append(backend.xp.zeros(1, "f"))
        backend.xp.add(total, total, out=kept[-1])

    captured = backend.capture(step)
    captured()
    del cupy.events[:]
    captured()
    assert ("allocate in the graph's pool", "zeros") in cupy.events
    assert ("allocate", "zeros") not in cupy.events
    gc.collect()
    assert cupy.graph_pools[0]() is not None


@pytest.mark.parametrize("fault", ["transfer", "synchronization", "product", "temporary"])
def test_a_step_that_cannot_be_captured_runs_without_a_graph(
    device: tuple[StandIn, Backend], fault: str
) -> None:
    cupy, backend = device
    total, one = backend.xp.zeros((2, 2), "f"), backend.xp.ones((2, 2), "f")
    faults = {
        "transfer": lambda: backend.to_numpy(total),
        "synchronization": backend.synchronize,
        "product": lambda: backend.xp.matmul(total, one[:, ::-1], out=one * 0),
        "temporary": lambda: backend.xp.exp(total),
    }

    def step() -> None:
        backend.xp.add(total, one, out=total)
        faults[fault]()

    captured = backend.capture(step)
    captured()
    with pytest.warns(GraphWarning, match=r"no CUDA graph could be captured \(.*[Cc]apture"):
        captured()
    captured()
    assert np.asarray(total).tolist() == [[3, 3], [3, 3]]
    assert cupy.events.count(("capture", "")) == cupy.events.count(("end capture", "")) == 1


def in_a_circle(backend: Backend) -> None:
    """Drop a backend so that only the garbage collector can destroy it."""
    circle: list[Any] = [backend]
    circle.append(circle)


@pytest.mark.parametrize("when", ["before", "while"])
def test_the_collector_destroys_no_handle_while_capturing(
    monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """A backend dropped before a capture is collected before it; one dropped within it, after."""
    libraries = install(monkeypatch, cupy := StandIn())
    backend = get_backend("cuda")
    total = backend.xp.zeros(1, "f")
    other = [get_backend("cuda")]

    def step() -> None:
        backend.xp.add(total, 1.0, out=total)
        if cupy._capturing is None:
            return
        if when == "while":
            in_a_circle(other.pop())
        gc.set_threshold(5, 1, 1)
        kept = [[] for _ in range(100)]  # new objects, which start the collector
        del kept

    captured = backend.capture(step)
    captured()
    if when == "before":
        in_a_circle(other.pop())
    threshold = gc.get_threshold()
    try:
        captured()
    finally:
        gc.set_threshold(*threshold)
    assert captured.replays  # type: ignore[attr-defined]
    assert gc.isenabled()
    gc.collect()
    assert libraries[1].calls[-1] == "cublasDestroy"


def test_the_collector_stays_as_it_is_after_a_capture_that_fails(
    device: tuple[StandIn, Backend],
) -> None:
    _, backend = device
    captured = backend.capture(backend.synchronize)
    captured()
    with pytest.warns(GraphWarning):
        captured()
    assert gc.isenabled()


def test_an_interrupt_while_capturing_ends_the_capture(device: tuple[StandIn, Backend]) -> None:
    cupy, backend = device
    calls = itertools.count()

    def step() -> None:
        if next(calls):
            raise KeyboardInterrupt

    captured = backend.capture(step)
    captured()
    with pytest.raises(KeyboardInterrupt):
        captured()
    assert cupy.events[-1] == ("end capture", "")
