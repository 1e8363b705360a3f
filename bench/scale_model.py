"""A model of what an update takes with any number of ranks: computing, latency and bandwidth.

With R ranks, an update of a batch of N images that is cut into K pieces takes

    T(R) = compute(R) + add(R)
    compute(R) = k F / (K f) + (PIECE k + UPDATE) P t          k = ⌈K / R⌉, the most of a rank
    add(R) = (R - 1 + ⌈log₂ R⌉) α + 2 (R - 1) / R · 4 P / β + ADD (R - 1) / R · P t

F are the floating-point operations of the batch's products, P the parameters; f is how many a rank
makes a second, and t how long it takes to read and write a number once. α is the latency of a
message and β the bytes a second that a rank sends. The sum is an all-to-all, in which a rank sends
R - 1 messages, and an all-gather, in ⌈log₂ R⌉ rounds, each of which brings (R - 1) / R of the
gradient: Thakur, Rabenseifner and Gropp, Optimization of Collective Communication Operations in
MPICH (IJHPCA 19, 2005), for both; α + n / β is of Hockney, The communication challenge for MPP
(Parallel Computing 20, 1994). A sum by halving, which adds in the same tree, would take
2 ⌈log₂ R⌉ α; it is not built.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mlp.benchmark.workload import CLASSES, PIXELS, count_flop, network_name
from mlp.training.ranks.tree import plan_pieces

PIECE = 2.5
"""How often a piece's gradient is read and written: copied once, and added, which reads two."""

UPDATE = 3.0
"""The same of the parameters, the gradient and the velocity in an update by momentum."""

ADD = 1.5
"""And of what other ranks have sent, as it is added."""

NUMBER = 4
"""Bytes of a number: float32."""

PAYS = 0.5
"""The least share of R times the speed of one rank at which R of them are said to pay."""


@dataclass(frozen=True)
class Machine:
    """What a rank computes with."""

    name: str
    flops: float
    """Floating-point operations a second, in products: f."""
    touch: float
    """Seconds to read and write a number once: t."""


@dataclass(frozen=True)
class Net:
    """What connects ranks."""

    name: str
    latency: float
    """Seconds of a message: α."""
    bandwidth: float
    """Bytes a second that a rank sends, and receives at the same time: β."""


@dataclass(frozen=True)
class Work:
    """A network and its batches."""

    hidden: tuple[int, ...]
    batch: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """The widths, input and output included."""
        return (PIXELS, *self.hidden, CLASSES)

    @property
    def name(self) -> str:
        """The widths and the batch."""
        return f"{network_name(self.sizes)}, {self.batch:,}"

    @property
    def parameters(self) -> int:
        """Weights and biases: P."""
        return sum((inputs + 1) * outputs for inputs, outputs in pairwise(self.sizes))


def seconds_to_compute(machine: Machine, work: Work, ranks: int) -> float:
    """Return what the slowest rank computes in an update, in seconds.

    More ranks than the pieces that a batch is cut into today are given a piece each.
    """
    pieces = max(plan_pieces(work.batch), ranks)
    own = -(-pieces // ranks)
    products = count_flop(work.sizes, work.batch) * own / pieces / machine.flops
    return products + (PIECE * own + UPDATE) * work.parameters * machine.touch


def seconds_to_add(
    machine: Machine, net: Net, numbers: int, ranks: int, halving: bool = False
) -> float:
    """Return what a sum of so many numbers of each rank takes, in seconds.

    Args:
        machine: what each rank adds with.
        net: what it sends through.
        numbers: the length of the sum.
        ranks: how many there are.
        halving: by recursive halving and doubling, rather than as it is done.
    """
    if ranks == 1:
        return 0.0
    sent = (ranks - 1) / ranks * numbers
    seconds_sending = 2 * sent * NUMBER / net.bandwidth
    return _rounds(ranks, halving) * net.latency + seconds_sending + ADD * sent * machine.touch


def seconds_an_update(
    machine: Machine, net: Net, work: Work, ranks: int, halving: bool = False
) -> float:
    """Return what an update takes, in seconds: T(R)."""
    adding = seconds_to_add(machine, net, work.parameters, ranks, halving)
    return seconds_to_compute(machine, work, ranks) + adding


def speedup(machine: Machine, net: Net, work: Work, ranks: int, halving: bool = False) -> float:
    """Return how many times as fast as one rank so many are, on the same batch."""
    alone = seconds_an_update(machine, net, work, 1)
    return alone / seconds_an_update(machine, net, work, ranks, halving)


def weak_efficiency(machine: Machine, net: Net, work: Work, ranks: int) -> float:
    """Return which share of its speed alone each rank keeps where each has a batch of its own."""
    alone = seconds_an_update(machine, net, work, 1)
    together = Work(work.hidden, work.batch * ranks)
    return alone / seconds_an_update(machine, net, together, ranks)


def most_that_pay(speed: Callable[[int], float], most: int) -> int:
    """Return the most ranks, a power of two, up to which every doubling keeps at least `PAYS`.

    Args:
        speed: how many times as fast as one rank so many are.
        most: the most that there are.
    """
    ranks = 1
    while 2 * ranks <= most and speed(2 * ranks) >= PAYS * 2 * ranks:
        ranks *= 2
    return ranks


def updates_between_sums(machine: Machine, net: Net, work: Work, ranks: int, share: float) -> int:
    """Return after how many updates of its own a rank may meet the others, at the least.

    Args:
        machine, net, work, ranks: as above; the batch is that of all ranks.
        share: what of the time of computing the sums may take.
    """
    adding = seconds_to_add(machine, net, work.parameters, ranks)
    return max(1, math.ceil(adding / (share * seconds_to_compute(machine, work, ranks))))


def fit_machine(name: str, measured: Mapping[Work, float]) -> Machine:
    """Fit what a rank computes with to the seconds of updates by one rank."""
    rows, seconds = [], list(measured.values())
    for work in measured:
        touched = (PIECE * plan_pieces(work.batch) + UPDATE) * work.parameters
        rows.append((float(count_flop(work.sizes, work.batch)), touched))
    a_flop, touch = _fit(rows, seconds)
    return Machine(name, 1.0 / a_flop if a_flop else math.inf, touch)


def fit_net(name: str, machine: Machine, ranks: int, measured: Mapping[int, float]) -> Net:
    """Fit what connects ranks to the seconds of sums alone, by how many numbers they are of.

    What the adding takes is subtracted, though never more than nine tenths.
    """
    rows = [(float(_rounds(ranks, halving=False)), float(numbers)) for numbers in measured]
    latency, of_each = _fit(rows, list(measured.values()))
    there = (ranks - 1) / ranks
    sending = max(of_each - ADD * there * machine.touch, of_each / 10)
    return Net(name, latency, 2 * there * NUMBER / sending if sending else math.inf)


def _rounds(ranks: int, halving: bool) -> int:
    """Count the messages of a sum that come one after the other."""
    doublings = math.ceil(math.log2(ranks))
    return 2 * doublings if halving else ranks - 1 + doublings


def _fit(rows: Sequence[tuple[float, float]], seconds: Sequence[float]) -> tuple[float, float]:
    """Return the x, y ≥ 0 with a x + b y nearest to the seconds, by the sum of squared ratios."""
    scaled = np.array(rows) / np.array(seconds)[:, None]  # (M, 2)
    ones = np.ones(len(seconds))
    both = np.linalg.lstsq(scaled, ones, rcond=None)[0]
    if both.min() >= 0:
        return float(both[0]), float(both[1])
    alone = scaled.sum(axis=0) / (scaled**2).sum(axis=0)  # each by itself, (2,)
    errors = ((scaled * alone - 1) ** 2).sum(axis=0)
    best = int(errors.argmin())
    return (float(alone[0]), 0.0) if best == 0 else (0.0, float(alone[1]))
