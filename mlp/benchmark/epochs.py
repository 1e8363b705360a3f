"""How fast a network trains, on one device or several, and how near that comes to their ceilings.

An epoch is what `Trainer.epoch` does: the shuffle, the batches, every update. Devices take turns,
so that whatever else slows the machine down slows all of them.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np

from backends import Backend
from mlp.benchmark.roofline import Ceiling, measure_ceiling
from mlp.common.rng import generator
from mlp.data.dataset import Split
from mlp.nn.network import MLP
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

SIDE, CLASSES = 28, 10
"""Of the noise: images as high and wide as MNIST's, and as many classes."""

WARM_UP = 2
"""Epochs that do not count: in the first, buffers are made; in the second, steps are captured."""

TURN_SECONDS = 0.1
"""A device's turn is as many epochs as last about so long, and one at least."""

LEARNING_RATE = 1e-4
"""Any rate costs the same time; with this one, no network diverges."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What is timed.

    Attributes:
        architecture: the network; its input and output are as wide as the images and classes.
        recipe: how it is trained, but for the learning rate and its schedule.
        images: what on.
        classes: the number of classes.
    """

    architecture: Architecture
    recipe: Recipe
    images: Split
    classes: int = CLASSES

    def build(self, backend: Backend) -> MLP:
        """Make the network on a device."""
        pixels = math.prod(self.images.images.shape[1:])
        loss, seed = self.recipe.loss, self.recipe.seed
        return self.architecture.build(pixels, self.classes, loss, seed, backend)

    def trainer(self, backend: Backend) -> Trainer:
        """Make the network and what trains it."""
        recipe = dataclasses.replace(
            self.recipe, lr=LEARNING_RATE, schedule="constant", warmup=0.0, train_accuracy="after"
        )
        return Trainer(self.build(backend), self.images, recipe)


@dataclass(frozen=True)
class Timing:
    """The seconds of an epoch on a device, from each of its turns."""

    device: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median over the turns."""
        return median(self.seconds)

    def times_as_fast(self, other: Timing) -> float:
        """By how much this device is faster, as a ratio of medians."""
        return other.median / self.median

    def overlaps(self, other: Timing) -> bool:
        """Whether some turn of the slower device was as fast as some turn of the faster one."""
        return max(min(self.seconds), min(other.seconds)) <= min(
            max(self.seconds), max(other.seconds)
        )


@dataclass(frozen=True)
class Result:
    """How fast a device trained a network.

    Attributes:
        timing: the seconds of an epoch.
        images: how many there are in one.
        flop: of the matrix products in one; see `count_flop`.
        bytes: what has to come from memory in one at the least: each image's bytes once.
        ceiling: what the device reaches at best.
        peak_bytes: the most memory in use until then: of this process, or of the GPU's array pool.
    """

    timing: Timing
    images: int
    flop: int
    bytes: int
    ceiling: Ceiling
    peak_bytes: int

    @property
    def images_per_second(self) -> float:
        """Images of the median epoch."""
        return self.images / self.timing.median

    @property
    def flop_per_second(self) -> float:
        """Floating-point operations of the median epoch's matrix products."""
        return self.flop / self.timing.median

    @property
    def floor_seconds(self) -> float:
        """What an epoch would take at the ceiling: the products or the bytes, the longer."""
        return max(
            self.flop / self.ceiling.flop_per_second, self.bytes / self.ceiling.bytes_per_second
        )

    @property
    def share_of_ceiling(self) -> float:
        """How much of the median epoch the floor is, 0 to 1."""
        return self.floor_seconds / self.timing.median


@dataclass(frozen=True)
class Cell:
    """One place of a sweep's map, with each device's timing of so many images an epoch."""

    batch_size: int
    width: int
    images: int
    timings: tuple[Timing, ...]

    @property
    def verdict(self) -> str:
        """Which device wins and by how much, as ``"cuda:0 3.2x"``, or ``"even"``; of several."""
        first, second = sorted(self.timings, key=lambda timing: timing.median)[:2]
        if first.overlaps(second):
            return "even"
        return f"{first.device} {first.times_as_fast(second):.1f}x"


def noise(count: int, seed: int = 0) -> Split:
    """Make random images and labels, whose training costs what any others' does.

    Args:
        count: how many.
        seed: where the randomness starts.
    """
    rng = generator(seed, "noise")
    images = rng.integers(0, 256, (count, SIDE, SIDE), np.uint8)
    return Split(images, rng.integers(0, CLASSES, count, np.uint8))


def count_flop(sizes: Sequence[int], images: int) -> int:
    """Count the operations of an epoch's matrix products, additions and multiplications apart.

    2 · N · I · O for each layer's y and dW, and for its dx but in the first layer, which has none.

    Args:
        sizes: the widths, input and output included.
        images: N.
    """
    products = [2 * images * inputs * outputs for inputs, outputs in pairwise(sizes)]
    return 3 * sum(products) - products[0]


def bench(
    workload: Workload,
    backends: Sequence[Backend],
    repeats: int,
    epochs: int | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Result]:
    """Time a network's epochs on each device, and measure the devices' ceilings after that.

    Args:
        workload: what to time.
        backends: the devices.
        repeats: turns of each device.
        epochs: of a turn; as many as last `TURN_SECONDS` unless given.
        tell: told what is going on.
    """
    trainers = [workload.trainer(backend) for backend in backends]
    timings = time_epochs(trainers, repeats, epochs, tell)
    peaks = [backend.memory().peak for backend in backends]
    model = trainers[0].model
    del trainers
    results = []
    for backend, timing, peak in zip(backends, timings, peaks, strict=True):
        tell(f"the ceilings of {backend.name}")
        results.append(
            Result(
                timing=timing,
                images=len(workload.images),
                flop=count_flop(model.sizes, len(workload.images)),
                bytes=workload.images.images.nbytes,
                ceiling=measure_ceiling(backend, model.dtype),
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
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Cell]:
    """Time a network with each of these batch sizes and widths of all its hidden layers.

    The arguments are those of `bench`.
    """
    depth = len(workload.architecture.hidden)
    for width in widths:
        for batch_size in batch_sizes:
            here = dataclasses.replace(
                workload,
                architecture=dataclasses.replace(workload.architecture, hidden=(width,) * depth),
                recipe=dataclasses.replace(workload.recipe, batch_size=batch_size),
            )
            tell(f"width {width}, batches of {batch_size}")
            trainers = [here.trainer(backend) for backend in backends]
            timings = time_epochs(trainers, repeats, epochs)
            yield Cell(batch_size, width, len(workload.images), tuple(timings))


def as_map(cells: Sequence[Cell]) -> tuple[list[int], list[int], list[list[Cell]]]:
    """Lay a sweep's cells out: the batch sizes, the widths, and a row of cells for each size."""
    places = {(cell.batch_size, cell.width): cell for cell in cells}
    batch_sizes, widths = (sorted(set(axis)) for axis in zip(*places, strict=True))
    return batch_sizes, widths, [[places[b, w] for w in widths] for b in batch_sizes]


@np.errstate(all="ignore")  # what is trained is of no use, and need not stay finite
def time_epochs(
    trainers: Sequence[Trainer],
    repeats: int,
    epochs: int | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Timing]:
    """Warm up and then let trainers take turns, each turn in another order.

    Args:
        trainers: one for each device.
        repeats: turns of each.
        epochs: of a turn; as many as last `TURN_SECONDS` unless given.
        tell: told what is going on.
    """
    counts = []
    for trainer in trainers:
        tell(f"warming up {trainer.backend.name}")
        seconds = [_time(trainer, 1) for _ in range(WARM_UP)][-1]
        counts.append(epochs or max(1, math.ceil(TURN_SECONDS / seconds)))
    turns: list[list[float]] = [[] for _ in trainers]
    for repeat in range(repeats):
        tell(f"repeat {repeat + 1} of {repeats}")
        for i in range(len(trainers)):
            k = (repeat + i) % len(trainers)
            turns[k].append(_time(trainers[k], counts[k]))
    return [Timing(t.backend.name, tuple(s)) for t, s in zip(trainers, turns, strict=True)]


def _time(trainer: Trainer, epochs: int) -> float:
    """Return the seconds of an epoch, the mean of several, when all its work is done."""
    trainer.backend.synchronize()
    start = time.perf_counter()
    for number in range(epochs):
        trainer.epoch(number)
    trainer.backend.synchronize()
    return (time.perf_counter() - start) / epochs
