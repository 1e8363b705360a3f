"""Saving a run's state as it goes on, and telling on what it goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mlp.training.callbacks import Callback
from mlp.training.runs.folder import RunFolder
from mlp.training.runs.signals import Signals
from mlp.training.state import TrainingState, save_state, software

if TYPE_CHECKING:
    from mlp.training.run import Run

SHARE = 0.01
"""The share of a run's time that checkpoints at the ends of epochs may take."""


class Checkpointer(Callback):
    """Saves the run's state into its folder, and deletes all but the last states.

    It does so at the end of each epoch; where epochs are so short that this would take more than
    `SHARE` of the time, only as often as that allows, and after the first and the last one. It does
    so within an epoch once the latest state is old, and once a signal has come.

    A state that cannot be saved is warned of once, and the run goes on.

    Args:
        folder: the run's.
        every_minutes: how old the latest state may become within an epoch; None for any age.
        keep: how many states are kept.
        resumed: the state's file that this run went on from.
        signals: what tells that the run is to end.
        on_warning: called with the sentence.

    Attributes:
        latest: the latest file; None where there is none.
    """

    def __init__(
        self,
        folder: RunFolder,
        every_minutes: float | None = None,
        keep: int = 2,
        *,
        resumed: Path | None = None,
        signals: Signals | None = None,
        on_warning: Callable[[str], None] | None = None,
    ) -> None:
        self._folder, self._keep, self._signals = folder, keep, signals
        self._every = math.inf if every_minutes is None else 60.0 * every_minutes
        self._kept = [] if resumed is None else [resumed]
        self._on_warning, self._warned = on_warning, False
        # Not the time of day: that may go back.
        self._saved, self._took, self._first = time.monotonic(), 0.0, True

    @property
    def latest(self) -> Path | None:
        return self._kept[-1] if self._kept else None

    def wants_state(self, run: Run) -> bool:
        asked = self._signals is not None and self._signals.received is not None
        return asked or time.monotonic() - self._saved >= self._every

    def on_state(self, run: Run) -> None:
        if self.wants_state(run):
            self._save(run)

    def unseen(self, run: Run) -> float:
        return 0 if self._first else math.inf

    def on_epoch_end(self, run: Run) -> None:
        since = time.monotonic() - self._saved
        is_last = run.epoch == run.recipe.epochs or run.history.stopped is not None
        due = self._first or is_last or self.wants_state(run)
        if due or SHARE * since >= self._took:
            self._save(run)
            self._first = False

    def _save(self, run: Run) -> None:
        start = time.monotonic()
        try:
            state = run.state()
            path = self._folder.checkpoint(state.epoch, state.progress.update)
            if path != self.latest:  # else it is there, as before an epoch's first update
                save_state(state, path)
        except OSError as error:
            self._warn(str(error.strerror))
        except MemoryError:
            self._warn("out of memory")
        else:
            others = [kept for kept in self._kept if kept != path]
            self._kept = [*others, path][-self._keep :]
            self._delete_others()
        self._saved = time.monotonic()
        self._took = self._saved - start

    def _delete_others(self) -> None:
        """Delete the older states, and those that could not be read when the run was resumed."""
        with suppress(OSError):
            for path in self._folder.checkpoints():
                if path not in self._kept:
                    path.unlink()

    def _warn(self, reason: str) -> None:
        if self._on_warning is not None and not self._warned:
            self._on_warning(
                f"no checkpoint can be written to {self._folder} ({reason}): the training "
                "goes on, but cannot be resumed from here"
            )
        self._warned = True


class TellMachine(Callback):
    """Tells once where a resumed run goes on with other software, kernels or cores than before.

    Args:
        state: what the run goes on from.
        on_warning: called with a sentence.
    """

    may_miss = True

    def __init__(self, state: TrainingState, on_warning: Callable[[str], None]) -> None:
        self._before, self._on_warning = state.made_with, on_warning
        self._told = False

    def on_epoch_begin(self, run: Run) -> None:
        if self._told:
            return
        self._told = True
        now = software() | run.trainer.layout()
        changes = [
            f"{name} was {before} and is {now.get(name)}"
            for name, before in self._before.items()
            if before != now.get(name)
        ]
        if changes:
            self._on_warning(
                f"the run goes on elsewhere than it began ({'; '.join(changes)}), so that its last "
                "bits may differ from those of a run that was never stopped"
            )
