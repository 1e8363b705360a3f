"""How fast a network trains, on one device or several, and how near that is to their rooflines.

An epoch is what `Trainer.epoch` does: the shuffle, the batches, every update. Devices take turns,
so that whatever else slows the machine down slows all of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from backends import Backend
from mlp.benchmark.roofline import Roofline, measure_roofline
from mlp.benchmark.timing import Timing, calls_lasting, seconds_per_call, take_turns
from mlp.benchmark.workload import Workload
from mlp.training.trainer import Trainer

WARM_UP = 2
"""Epochs that do not count: in the first, buffers are made; in the second, steps are captured."""

TURN_SECONDS = 0.1
"""A device's turn is as many epochs as take about this long, and at least one."""


@dataclass(frozen=True)
class Result:
    """How fast a device trained a network.

    Attributes:
        timing: the seconds of an epoch.
        images: the number of images in an epoch.
        flop: operations of an epoch's matrix products; see `mlp.benchmark.workload.count_flop`.
        bytes: the least that an epoch has to read from memory: each image's bytes once.
        roofline: what the device reaches at best.
        peak_bytes: the most memory in use until then: of this process, or of the GPU's array pool.
    """

    timing: Timing
    images: int
    flop: int
    bytes: int
    roofline: Roofline
    peak_bytes: int

    @property
    def images_per_second(self) -> float:
        """Images per second in the median epoch."""
        return self.images / self.timing.median

    @property
    def flop_per_second(self) -> float:
        """Floating-point operations per second in the median epoch's matrix products."""
        return self.flop / self.timing.median

    @property
    def floor_seconds(self) -> float:
        """How long an epoch would take at the roofline: its products or its bytes, the longer."""
        return self.roofline.least_seconds(self.flop, self.bytes)

    @property
    def roofline_fraction(self) -> float:
        """The time at the roofline as a fraction of the median epoch, 0 to 1."""
        return self.floor_seconds / self.timing.median


@dataclass(frozen=True)
class Cell:
    """A batch size and a width in a sweep, with each device's timing of an epoch."""

    batch_size: int
    width: int
    images: int
    timings: tuple[Timing, ...]

    @property
    def verdict(self) -> str:
        """Which device wins and by how much, as ``"cuda:0 3.2x"``, or ``"even"``.

        There must be several devices.
        """
        first, second = sorted(self.timings, key=lambda timing: timing.median)[:2]
        if first.overlaps(second):
            return "even"
        return f"{first.device} {first.times_as_fast(second):.1f}x"


def bench(
    workload: Workload,
    backends: Sequence[Backend],
    repeats: int,
    epochs: int | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> list[Result]:
    """Time a network's epochs on each device, and measure the devices' rooflines after that.

    Args:
        workload: what to time.
        backends: the devices.
        repeats: turns of each device.
        epochs: epochs in a turn; as many as take `TURN_SECONDS` unless given.
        on_progress: called with a few words on what is being done.
    """
    trainers = [workload.trainer(backend) for backend in backends]
    timings = time_epochs(trainers, repeats, epochs, on_progress)
    peaks = [backend.memory().peak for backend in backends]
    dtype = trainers[0].model.dtype
    del trainers
    results = []
    for backend, timing, peak in zip(backends, timings, peaks, strict=True):
        on_progress(f"measuring the roofline of {backend.name}")
        results.append(
            Result(
                timing=timing,
                images=len(workload.images),
                flop=workload.flop,
                bytes=workload.image_bytes,
                roofline=measure_roofline(backend, dtype),
                peak_bytes=peak,
            )
        )
    return results


def sweep(
    workload: Workload,
    backends: Sequence[Backend],
    batch_sizes: Sequence[int],
    widths: Sequence[int],
    repeats: int,
    epochs: int | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Cell]:
    """Time a network with each of these batch sizes and widths of all its hidden layers.

    The other arguments are those of `bench`.
    """
    depth = len(workload.architecture.hidden)
    for width in widths:
        for batch_size in batch_sizes:
            here = dataclasses.replace(
                workload,
                architecture=dataclasses.replace(workload.architecture, hidden=(width,) * depth),
                recipe=dataclasses.replace(workload.recipe, batch_size=batch_size),
            )
            on_progress(f"width {width}, batches of {batch_size}")
            trainers = [here.trainer(backend) for backend in backends]
            timings = time_epochs(trainers, repeats, epochs)
            yield Cell(batch_size, width, len(workload.images), tuple(timings))


def as_map(cells: Sequence[Cell]) -> tuple[list[int], list[int], list[list[Cell]]]:
    """Arrange a sweep's cells: the batch sizes, the widths, and a row of cells for each size."""
    places = {(cell.batch_size, cell.width): cell for cell in cells}
    batch_sizes, widths = (sorted(set(axis)) for axis in zip(*places, strict=True))
    return batch_sizes, widths, [[places[b, w] for w in widths] for b in batch_sizes]


@np.errstate(all="ignore")  # the networks are thrown away, and need not stay finite
def time_epochs(
    trainers: Sequence[Trainer],
    repeats: int,
    epochs: int | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
    turn_seconds: float | None = None,
) -> list[Timing]:
    """Warm up, and then let trainers take turns.

    Args:
        trainers: one for each device.
        repeats: turns of each.
        epochs: epochs in a turn; as many as take ``turn_seconds`` unless given.
        on_progress: called with a few words on what is being done.
        turn_seconds: how long a turn takes at the least; `TURN_SECONDS` unless given.
    """
    turns = []
    for trainer in trainers:
        on_progress(f"warming up {trainer.backend.name}")
        epoch, wait = partial(trainer.epoch, 0), trainer.backend.synchronize
        for _ in range(WARM_UP):
            epoch()
        least = TURN_SECONDS if turn_seconds is None else turn_seconds
        turns.append(
            partial(seconds_per_call, epoch, wait, epochs or calls_lasting(least, epoch, wait))
        )
    seconds = take_turns(turns, repeats, lambda i: on_progress(f"repeat {i + 1} of {repeats}"))
    return [Timing(t.backend.name, s) for t, s in zip(trainers, seconds, strict=True)]
