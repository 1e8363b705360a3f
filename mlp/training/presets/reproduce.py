"""Running presets over several seeds and comparing the results with what was published."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean, median

from backends import Backend
from mlp.common.errors import DivergedError
from mlp.data.load import Dataset
from mlp.models.metrics import count_correct
from mlp.models.predict import vote
from mlp.nn.network import MLP
from mlp.training.history import Epoch, History
from mlp.training.many import train_many
from mlp.training.presets.preset import Claim, Preset
from mlp.training.together import Watch


@dataclass(frozen=True)
class Comparison:
    """One claim of a preset, and how ours compares.

    Attributes:
        preset: the preset's name.
        what: the claim in words.
        published: its figure, or the first and the last of its curve.
        ours: the median over the seeds, for the same epochs.
        low: the least of the seeds at the last of these epochs.
        high: the greatest.
        reproduced: whether the claim holds, within the preset's bounds; None without a claim.
    """

    preset: str
    what: str
    published: tuple[float, ...]
    ours: tuple[float, ...]
    low: float
    high: float
    reproduced: bool | None
    measure: str


def run_seeds(
    preset: Preset,
    dataset: Dataset,
    seeds: int,
    backend: Backend,
    on_epoch: Callable[[int, int], None] | None = None,
) -> list[History]:
    """Train a preset from each of the seeds from 0 on, side by side where `train_many` does.

    Args:
        preset: what to train; a committee's members take the seeds in turn.
        dataset: what to train and test on.
        seeds: how many runs.
        backend: the device.
        on_epoch: called with the seed and the epoch after each report.

    Raises:
        KeyboardInterrupt: if it is interrupted.
        DivergedError: if one of the networks learns nothing.
    """
    recipe, members = preset.recipe, preset.members
    models = [
        preset.architecture.build(dataset.pixels, dataset.classes, recipe.loss, seed, backend)
        for seed in range(seeds * members)
    ]
    watch = Watch() if on_epoch is None else _Tells(on_epoch)
    trained = train_many(models, dataset, recipe, range(len(models)), watch=watch)
    if any(one.history.interrupted for one in trained):
        raise KeyboardInterrupt
    if problem := next((one.problem for one in trained if one.problem is not None), None):
        raise DivergedError(problem)
    runs = [(one.model, one.history) for one in trained]
    if members == 1:
        return [history for _, history in runs]
    return [_vote(runs[n : n + members], dataset) for n in range(0, len(runs), members)]


class _Tells(Watch):
    """Tells the epochs of each seed."""

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        self._tell = tell

    def on_epoch(self, number: int, epoch: Epoch) -> None:
        """Tell of a network, whose number is its seed."""
        self._tell(number, epoch.epoch)


def _vote(runs: list[tuple[MLP, History]], dataset: Dataset) -> History:
    """Let networks vote with their mean probabilities; return a history of one epoch, the last.

    Besides the test accuracy of the vote, it has the networks' mean loss and training accuracy, and
    the sum of their seconds.
    """
    read = vote([model for model, _ in runs], dataset.test.images).argmax(axis=1)  # (N,)
    last = [history.epochs[-1] for _, history in runs]
    return History(
        [
            dataclasses.replace(
                last[0],
                loss=mean(epoch.loss for epoch in last),
                train_accuracy=mean(epoch.train_accuracy for epoch in last),
                test_accuracy=int(count_correct(read, dataset.test.labels)) / len(read),
                seconds=sum(history.train_seconds for _, history in runs),
            )
        ]
    )


def compare(preset: Preset, histories: list[History]) -> list[Comparison]:
    """Compare runs with each claim of their preset; without claims, report the test accuracy."""
    claims = preset.claims or (_no_claim(preset),)
    return [_finding(preset, claim, histories) for claim in claims]


def _finding(preset: Preset, claim: Claim, histories: list[History]) -> Comparison:
    measured = claim.measured(histories)  # epochs x seeds
    return Comparison(
        preset=preset.name,
        what=claim.what,
        published=claim.figures,
        ours=tuple(median(values) for values in measured),
        low=min(measured[-1]),
        high=max(measured[-1]),
        reproduced=claim.holds(histories) if preset.claims else None,
        measure=claim.measure,
    )


def _no_claim(preset: Preset) -> Claim:
    return Claim(
        what="test accuracy",
        measure="test_accuracy",
        epochs=(preset.recipe.epochs,),
        figures=(),
        within=0.0,
    )
