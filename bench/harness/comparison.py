"""The comparison of a workload: each arm finds its best setting, then all run in turn.

With busy processes beside the arms there is a second comparison, in turn with the quiet one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from statistics import median
from typing import Any, NamedTuple

from bench.harness.arm_process import AbsentError, ArmError, ArmProcess
from bench.harness.arms import OURS, Arm, Setting
from bench.harness.job import Job
from bench.harness.load import busy_processes
from mlp.benchmark.timing import take_turns

WARM_UP_TURNS = 2
"""Turns before the clock counts: compilation, first touches of memory, captured steps."""


@dataclass
class Entry:
    """What an arm did in a comparison.

    Attributes:
        setting: the best of its settings.
        tried: seconds an epoch of each setting, by label; or why it gave none.
        seconds: an epoch's, turn by turn; the n-th turns of all arms are neighbours in time.
        accuracy: on the test images, after all epochs.
        versions: of what it ran on.
        absent: why it did not take part, if so.
    """

    setting: str = ""
    tried: dict[str, float | str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    accuracy: float | None = None
    versions: dict[str, str] = field(default_factory=dict)
    absent: str | None = None


class Ratio(NamedTuple):
    """This project's seconds over the best peer's, turn by turn."""

    peer: str
    median: float
    low: float
    high: float


@dataclass
class Comparison:
    """The entries of one workload, by the arms' names, beside so many busy processes."""

    name: str
    epochs: int
    tolerance: float
    entries: dict[str, Entry]
    busy: int = 0

    @property
    def ratio(self) -> Ratio | None:
        """Compare this project with the quickest peer; None where either is absent."""
        timed = {name: entry.seconds for name, entry in self.entries.items() if entry.seconds}
        mine = timed.pop(OURS, None)
        if mine is None or not timed:
            return None
        peer = min(timed, key=lambda name: median(timed[name]))
        ratios = [a / b for a, b in zip(mine, timed[peer], strict=True)]
        return Ratio(peer, median(ratios), min(ratios), max(ratios))

    @property
    def failure(self) -> str | None:
        """Say if the arms' accuracies lie too far apart to be the same work."""
        reached = {n: e.accuracy for n, e in self.entries.items() if e.accuracy is not None}
        if not reached or max(reached.values()) - min(reached.values()) <= self.tolerance:
            return None
        each = ", ".join(f"{name} {accuracy:.2%}" for name, accuracy in reached.items())
        beside = f" beside {self.busy} busy processes" if self.busy else ""
        return f"{self.name}{beside}: after {self.epochs} epochs the accuracies differ: {each}"

    def to_dict(self) -> dict[str, Any]:
        """Turn it into what JSON can carry."""
        ratio = self.ratio
        return {
            **asdict(self),
            "ratio": ratio._asdict() if ratio else None,
            "failure": self.failure,
        }


def find_best(
    arm: Arm, job: Job, turn: int, trials: int, busy: int = 0
) -> tuple[Setting | None, Entry]:
    """Try each of an arm's settings in a process of its own.

    Args:
        arm: whose settings.
        job: what to train.
        turn: epochs between two looks at the clock.
        trials: how often; the quickest counts.
        busy: processes beside it.

    Returns:
        The quickest setting, None if none ran; and an entry with what each setting took.
    """
    entry, best = Entry(), {}
    for setting in arm.settings:
        try:
            with ArmProcess(arm, setting) as process:
                process.prepare(job_for(arm, setting, job))
                process.train(turn * WARM_UP_TURNS)
                with busy_processes(busy):
                    best[setting.label] = min(process.train(turn) for _ in range(trials))
                entry.tried[setting.label] = best[setting.label]
        except AbsentError as error:
            entry.absent = str(error)
            return None, entry
        except ArmError as error:
            entry.tried[setting.label] = str(error)
    if not best:
        reason = str(next(iter(entry.tried.values()))).strip().splitlines()[-1].rstrip(":")
        entry.absent = f"none of its settings ran: {reason}"
        return None, entry
    entry.setting = min(best, key=best.__getitem__)
    return next(s for s in arm.settings if s.label == entry.setting), entry


def compare_arms(
    name: str,
    arms: list[Arm],
    job: Job,
    *,
    turn: int,
    tolerance: float,
    repeats: int,
    trials: int,
    settle: float,
    loads: Sequence[int] = (0,),
) -> list[Comparison]:
    """Let each arm find its best setting, then run them in turn, one at a time.

    Args:
        name: the workload's.
        arms: who takes part.
        job: what all train.
        turn: epochs a turn.
        tolerance: how far the accuracies may lie apart.
        repeats: turns an arm that count.
        trials: turns for each setting that is tried.
        settle: seconds of rest before each turn, in which the last arm's threads fall asleep.
        loads: how many busy processes run beside an arm's turn; each arm has a process for each.

    Returns:
        A comparison for each load.
    """
    comparisons = []
    turns = []
    with ExitStack() as stack:
        processes = []
        for busy in loads:
            entries = {}
            for arm in arms:
                setting, entries[arm.name] = find_best(arm, job, turn, trials, busy)
                if setting is not None:
                    process = stack.enter_context(ArmProcess(arm, setting))
                    entries[arm.name].versions = process.prepare(job_for(arm, setting, job))
                    processes.append((process, entries[arm.name]))
                    turns.append(partial(run_turn, process, turn, settle, busy))
            epochs = turn * (WARM_UP_TURNS + repeats)
            comparisons.append(Comparison(name, epochs, tolerance, entries, busy))
        seconds = take_turns(turns, WARM_UP_TURNS + repeats)
        for (process, entry), each in zip(processes, seconds, strict=True):
            entry.seconds = list(each[WARM_UP_TURNS:])
            entry.accuracy = process.accuracy()
    return comparisons


def run_turn(process: ArmProcess, epochs: int, settle: float, busy: int = 0) -> float:
    """Let an arm's process train for some epochs after a rest, beside so many busy processes.

    Returns:
        The seconds of one epoch.
    """
    with busy_processes(busy):
        time.sleep(settle)
        return process.train(epochs)


def job_for(arm: Arm, setting: Setting, job: Job) -> Job:
    """Return the job with an arm's setting, and with its own recipe if it has one."""
    recipe = replace(job.recipe, **arm.recipe)
    return replace(job, options=setting.options, recipe=recipe)
