"""Epoch times: the warm-up and the turns, what follows from them, and who wins."""

from __future__ import annotations

from typing import Any, cast

import clock as clocks
import pytest

from backends.cpu import CpuBackend
from mlp.benchmark.epochs import Cell, Result, as_map, bench, sweep, time_epochs
from mlp.benchmark.roofline import Roofline
from mlp.benchmark.timing import Timing
from mlp.benchmark.workload import Workload, noise
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("short_measurements")


def timing(device: str, *seconds: float) -> Timing:
    return Timing(device, seconds)


class FakeTrainer:
    """Stands in for a trainer and its device: epochs take their seconds when waited for."""

    def __init__(
        self, name: str, clock: clocks.Clock, notes: list[str], seconds: float = 1.0
    ) -> None:
        self.backend, self.name = self, name
        self._clock, self._notes, self._seconds, self._pending = clock, notes, seconds, 0

    def epoch(self, number: int) -> None:
        self._notes.append(self.name)
        self._pending += 1

    def synchronize(self) -> None:
        self._clock.now += self._seconds * self._pending
        self._pending = 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> clocks.Clock:
    return clocks.install(monkeypatch)


def timed(*trainers: FakeTrainer, **options: Any) -> list[Timing]:
    return time_epochs(cast("list[Trainer]", trainers), **options)


def test_devices_take_turns_after_the_warm_up(clock: clocks.Clock) -> None:
    notes: list[str] = []
    a, b = FakeTrainer("a", clock, notes), FakeTrainer("b", clock, notes, 3.0)
    assert timed(a, b, repeats=3) == [timing("a", 1.0, 1.0, 1.0), timing("b", 3.0, 3.0, 3.0)]
    assert "".join(notes) == "aaa" + "bbb" + "ab" + "ba" + "ab"


def test_a_turn_of_several_epochs_gives_the_seconds_of_one(clock: clocks.Clock) -> None:
    notes: list[str] = []
    (found,) = timed(FakeTrainer("a", clock, notes, 2.0), repeats=2, epochs=5)
    assert found == timing("a", 2.0, 2.0)
    assert len(notes) == 2 + 2 * 5


def test_short_epochs_are_repeated_to_fill_a_turn(clock: clocks.Clock) -> None:
    notes: list[str] = []
    a, b = FakeTrainer("a", clock, notes, 5.0), FakeTrainer("b", clock, notes, 20.0)
    timed(a, b, repeats=1, turn_seconds=16.0)
    assert "".join(notes)[-5:] == "aaaa" + "b"


def test_a_result_follows_from_its_timing_and_the_roofline() -> None:
    result = Result(timing("cpu", 4.0), 100, 1000, 600, Roofline(1000.0, 300.0), peak_bytes=0)
    assert result.floor_seconds == 2.0
    assert result.roofline_fraction == 0.5
    assert (result.images_per_second, result.flop_per_second) == (25.0, 250.0)


def test_a_network_is_timed_and_its_work_counted() -> None:
    workload = Workload(architecture=Architecture(hidden=(4,)), recipe=Recipe(), images=noise(50))
    steps: list[str] = []
    (result,) = bench(workload, [CpuBackend()], 2, on_progress=steps.append)
    assert len(result.timing.seconds) == 2
    assert (result.images, result.flop, result.bytes) == (50, workload.flop, 50 * 784)
    assert steps == [
        "warming up cpu", "repeat 1 of 2", "repeat 2 of 2", "measuring the roofline of cpu"
    ]  # fmt: skip


def test_the_faster_device_wins_unless_times_overlap() -> None:
    cpu, cuda = timing("cpu", 3.0, 4.0, 5.0), timing("cuda:0", 1.0, 2.0, 2.5)
    assert Cell(1, 1, 1, (cpu, cuda)).verdict == "cuda:0 2.0x"
    assert Cell(1, 1, 1, (cuda, cpu)).verdict == "cuda:0 2.0x"
    assert Cell(1, 1, 1, (timing("cpu", 2.4, 3.0), cuda)).verdict == "even"
    assert Cell(1, 1, 1, (cpu, cuda, timing("cuda:1", 9.0))).verdict == "cuda:0 2.0x"


def test_a_map_has_each_place_once() -> None:
    workload = Workload(architecture=Architecture(hidden=(9, 9)), recipe=Recipe(), images=noise(40))
    cells = list(sweep(workload, [CpuBackend()], [10, 20], [2, 3], repeats=1))
    batch_sizes, widths, rows = as_map(cells)
    assert (batch_sizes, widths) == ([10, 20], [2, 3])
    assert [[(c.batch_size, c.width) for c in row] for row in rows] == [
        [(10, 2), (10, 3)],
        [(20, 2), (20, 3)],
    ]
