"""Signals that came to any rank end the run on all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlp.training.callbacks import Callback
from mlp.training.ranks.ranks import Ranks
from mlp.training.runs.signals import Signals

if TYPE_CHECKING:
    from mlp.training.run import Run


class ShareSignals(Callback):
    """Lets all ranks know of a signal that came to one, between two updates.

    It stands before the callbacks that act on signals, on every rank.

    Args:
        ranks: those that train together.
        signals: this rank's.
    """

    def __init__(self, ranks: Ranks, signals: Signals) -> None:
        self._ranks, self._signals = ranks, signals

    def wants_state(self, run: Run) -> bool:
        return self._signals.received is not None

    def on_state(self, run: Run) -> None:
        for received in self._ranks.all_gather(self._signals.received):
            self._signals.received = self._signals.received or received

    def on_epoch_end(self, run: Run) -> None:
        self.on_state(run)
