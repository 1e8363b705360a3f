"""The folder of a search: its plan, its trials' settings and states, and its journal."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlp.common.atomic import replacing, sweep
from mlp.common.errors import ModelError, UsageError
from mlp.common.figures import is_figure
from mlp.training.runs.folder import RunFolder
from mlp.training.runs.lock import LOCK, locked
from mlp.training.runs.settings import Settings, read_settings, write_settings
from mlp.training.search.halving import TrialResult
from mlp.training.search.space import Values

FORMAT = 1
"""The version of the plan's file."""

Warn = Callable[[str], None]


@dataclass(frozen=True)
class SearchPlan:
    """What a search does.

    Attributes:
        trials: the values of each, by the names of their fields.
        rungs: after how many epochs trials are compared, rising; see `halving.rungs`.
        factor: one trial of so many goes on to the next rung.
        monitor: what they are compared by: the validation ``accuracy`` or ``loss``.
        validation: the training images held out, a share below 1 or a count.
    """

    trials: Sequence[Values]
    rungs: Sequence[int]
    factor: int
    monitor: str
    validation: float


class SearchFolder:
    """The folder of one search.

    Args:
        path: the folder; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._plan, self._journal = path / "search.json", path / "journal.jsonl"

    def __str__(self) -> str:
        return str(self.path)

    def settings_of(self, trial: int) -> Path:
        """Name the file of a trial's settings, which ``mlp train --config`` takes."""
        return self.path / f"trial-{trial:03}.toml"

    def run_of(self, trial: int) -> RunFolder:
        """Name the folder of a trial's states."""
        return RunFolder(self.path / f"trial-{trial:03}")

    @contextmanager
    def begun(self, plan: SearchPlan, settings: Sequence[Settings], warn: Warn) -> Iterator[None]:
        """Make the folder with the plan and each trial's settings; hold its lock in the block.

        Raises:
            UsageError: if something is there already.
            ModelError: if it cannot be written.
        """
        if not self._is_free():
            raise UsageError(
                f"{self} is there already: go on with it by --resume {self}, or name another folder"
            )
        with self._told():
            self.path.mkdir(parents=True, exist_ok=True)
        with self._locked(warn):
            with self._told():
                for trial, asked in enumerate(settings):
                    write_settings(asked, self.settings_of(trial))
                content = {"format": FORMAT, **asdict(plan)}
                with replacing(self._plan) as file:  # the last: what has it is whole
                    file.write(json.dumps(content, indent=1).encode())
            yield

    def _is_free(self) -> bool:
        """Tell whether nothing is there but what a search left that was killed as it began."""
        if not self.path.is_dir():
            return not self.path.exists()
        sweep(self.path)
        left = {path.name for path in self.path.glob("trial-*.toml")} | {LOCK}
        return all(path.name in left for path in self.path.iterdir())

    @contextmanager
    def taken_up(self, warn: Warn) -> Iterator[SearchPlan]:
        """Hold the lock of a search that is there while the block runs, and read its plan.

        Raises:
            UsageError: if there is none, or it cannot be read, or another process goes on with it.
            ModelError: if the folder cannot be written.
        """
        plan = self.plan()
        with self._locked(warn):
            yield plan

    def plan(self) -> SearchPlan:
        """Read the plan.

        Raises:
            UsageError: if there is none, or it is damaged or of another version.
        """
        try:
            content = json.loads(self._plan.read_text("utf-8"))
            if content.pop("format") != FORMAT:
                raise UsageError(f"{self} is of another version of mlp: search anew")
            plan = _checked_plan(content)
        except OSError:
            raise UsageError(f"there is no search in {self}: start one with --run {self}") from None
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            raise UsageError(f"{self._plan} is damaged: search anew, in another folder") from None
        return plan

    def settings(self, trial: int) -> Settings:
        """Read a trial's settings; see `mlp.training.runs.settings.read_settings`."""
        return read_settings(self.settings_of(trial))

    def results(self) -> list[TrialResult]:
        """Read the journal; a line that was cut short by a kill is left out."""
        try:
            lines = self._journal.read_text("utf-8", "replace").splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            try:
                found.append(_checked_result(json.loads(line)))
            except (ValueError, TypeError, RecursionError):
                continue
        return found

    def keep(self, results: Sequence[TrialResult]) -> None:
        """Write the journal anew with these results, so that the next line has a line of its own.

        Raises:
            ModelError: if it cannot be written.
        """
        with self._told(), replacing(self._journal) as file:
            file.write("".join(map(_line, results)).encode())

    def add(self, result: TrialResult) -> None:
        """Add a result to the journal; it is on the disk when this returns.

        Raises:
            ModelError: if it cannot be written.
        """
        with self._told(), self._journal.open("ab") as file:
            file.write(_line(result).encode())
            file.flush()
            os.fsync(file.fileno())

    def drop_state(self, trial: int) -> None:
        """Delete the states of a trial that does not go on."""
        shutil.rmtree(self.run_of(trial).path, ignore_errors=True)

    @contextmanager
    def _locked(self, warn: Warn) -> Iterator[None]:
        lock = locked(self.path, warn)
        with self._told():
            lock.__enter__()
        try:
            yield
        finally:
            lock.__exit__(None, None, None)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ModelError(
                f"no search can be written to {self} ({error.strerror}): choose another folder"
            ) from None


def _checked_plan(content: dict[str, Any]) -> SearchPlan:
    """Make a plan of what a file holds.

    Raises:
        ValueError, TypeError, AttributeError: if that is no plan.
    """
    plan = SearchPlan(**content)
    trials = [
        {name: tuple(v) if isinstance(v, list) else v for name, v in trial.items()}
        for trial in plan.trials
    ]
    numbers = (*plan.rungs, plan.factor)
    sound = (
        trials
        and plan.rungs
        and all(type(number) is int and number >= 1 for number in numbers)
        and list(plan.rungs) == sorted(plan.rungs)
        and all(trial.keys() == trials[0].keys() for trial in trials)
        and plan.monitor in ("accuracy", "loss")
        and is_figure(plan.validation)
    )
    if not sound:
        raise ValueError("it is no plan")
    return SearchPlan(trials, list(plan.rungs), plan.factor, plan.monitor, plan.validation)


def _checked_result(content: dict[str, Any]) -> TrialResult:
    """Make a result of a line of the journal.

    Raises:
        ValueError, TypeError: if that is none.
    """
    result = TrialResult(**content)
    figures = [value for value in (result.accuracy, result.loss) if value is not None]
    sound = (
        type(result.trial) is type(result.epochs) is int
        and all(map(is_figure, [*figures, result.seconds]))
        and isinstance(result.diverged, str | None)
        and isinstance(result.refused, str | None)
    )
    if not sound:
        raise ValueError("it is no result")
    return result


def _line(result: TrialResult) -> str:
    values: dict[str, Any] = asdict(result)
    return json.dumps(values) + "\n"
