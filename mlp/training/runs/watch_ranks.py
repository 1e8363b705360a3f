"""Ranks that are watched: the first tells how they stand, and all do what is asked of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from backends import Array
from mlp.training.callbacks import Callback
from mlp.training.history import Epoch
from mlp.training.ranks.ranks import Ranks
from mlp.training.runs.signals import Signals
from mlp.training.runs.watched import Watched

if TYPE_CHECKING:
    from mlp.training.run import Run

BEAT = 0.2
"""Seconds of a pause between two meetings, by which others know that the first still waits, and it
learns of signals to them."""


class WatchRanks(Callback):
    """What `Watched` does in the first rank, brought to all.

    It stands before `mlp.training.runs.share_signals.ShareSignals`, on every rank.

    Args:
        ranks: those that train together.
        signals: this rank's.
        watched: of the first rank; None in the others.
    """

    name = Watched.name

    def __init__(self, ranks: Ranks, signals: Signals, watched: Watched | None) -> None:
        self._ranks, self._signals, self._watched = ranks, signals, watched
        self._next_beat = 0.0
        if watched is not None:
            watched.on_wait = self._beat

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        return self._watched.state() if self._watched is not None else ({}, {})

    def restore(self, values: dict[str, Any], arrays: dict[str, Any]) -> None:
        if self._watched is not None:
            self._watched.restore(values, arrays)

    def on_epoch_begin(self, run: Run) -> None:
        if self._watched is not None:
            self._watched.on_epoch_begin(run)
        run.trainer.lr_factor = self._ranks.broadcast(run.trainer.lr_factor)

    def wants_state(self, run: Run) -> bool:
        return self._watched is not None and self._watched.wants_state(run)

    def on_state(self, run: Run) -> None:
        if self._watched is not None:
            self._watched.on_state(run)
        while self._meet(waits=False):
            pass

    def on_epoch_measured(self, run: Run, epoch: Epoch) -> None:
        if self._watched is not None:
            self._watched.on_epoch_measured(run, epoch)

    def on_epoch_end(self, run: Run) -> None:
        if self._watched is not None:
            self._watched.on_epoch_end(run)

    def on_stop(self, run: Run) -> None:
        if self._watched is not None:
            self._watched.on_stop(run)

    def _beat(self) -> None:
        """Let the others know, once in a while, that the first waits."""
        now = time.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + BEAT
            self._meet(waits=True)

    def _meet(self, waits: bool) -> bool:
        """Share signals, and return whether the first rank still waits, which it tells."""
        told = self._ranks.all_gather((waits, self._signals.received))
        for _, received in told:
            self._signals.received = self._signals.received or received
        return told[0][0]
