"""Callbacks: they watch a run, stop it and save its state, from outside of the training loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any

from backends import Array
from mlp.training.history import Epoch
from mlp.training.run import Run

IN_EACH_EPOCH = (
    "on_epoch_begin", "on_update", "on_epoch_end", "wants_state", "state_after", "on_state",
)  # fmt: skip
"""The methods that are called in epochs that are not measured as well."""


class Callback:
    """Called by the training loop; each method does nothing unless a subclass overrides it.

    Attributes:
        name: the name of its state in a checkpoint; empty if it has no state.
        may_miss: whether any epochs that are not measured may pass unseen, although it has a method
            that is called in each; see `unseen`.
    """

    name: str = ""
    may_miss = False

    def on_epoch_begin(self, run: Run) -> None:
        """Called before an epoch's first update, or before the next one where a run is resumed.

        And once before several that pass unseen, see `unseen`, and the one behind them.
        """

    def on_update(self, run: Run, seen: int, loss: Array) -> None:
        """Called after each update, or each span of updates that the device takes at once.

        Args:
            run: the run; its model is whole only at the end of an epoch.
            seen: how many images of the epoch have been seen.
            loss: the latest loss, still on the device, shape (1,).
        """

    def on_epoch_measured(self, run: Run, epoch: Epoch) -> None:
        """Called after an epoch that was measured."""

    def on_epoch_end(self, run: Run) -> None:
        """Called when an epoch is finished, measured or not."""

    def on_stop(self, run: Run) -> None:
        """Called when the run ends: after the last epoch, a stop, an interrupt or an error."""

    def wants_state(self, run: Run) -> bool:
        """Return, between two updates, whether `on_state` should be called now.

        Ranks on GPUs that are linked heed it only where they meet: up to 16 updates later, and
        where updates are slow, up to 0.05 s. What is wanted must be so still, and while it is, they
        meet at each update.
        """
        return False

    def state_after(self, run: Run) -> Collection[int]:
        """Return after how many updates of the epoch that begins `on_state` is called anyway."""
        return ()

    def on_state(self, run: Run) -> None:
        """Called between two updates where a callback wants it; `Run.state` can be taken."""

    def unseen(self, run: Run) -> float:
        """Return how many of the next epochs may pass unseen: without a call between them.

        A device with memory of its own makes short ones at once, and the host does not wait for it.
        An epoch that is measured never passes unseen.
        `wants_state` is asked between them, and what is wanted must be so still when the next one
        that is seen begins.

        Returns:
            Where it is not overridden, none if a method is that is called in each epoch and the
            callback `may_miss` none, else any number: infinity.
        """
        own = type(self)
        each = any(getattr(own, name) is not getattr(Callback, name) for name in IN_EACH_EPOCH)
        return 0 if each and not self.may_miss else math.inf

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return what a resumed run must restore: values that JSON can hold, and arrays."""
        return {}, {}

    def restore(self, values: dict[str, Any], arrays: dict[str, Any]) -> None:
        """Restore what `state` returned; the arrays are on the device."""


class Shorthand(Callback):
    """The three functions that `mlp.train` takes in place of a callback.

    Args:
        on_epoch: called with what was measured, after each epoch that is reported.
        on_step: called after each update, but those of epochs that pass unseen, with the images
            seen and the loss.
    """

    may_miss = True  # as a bar may, which is drawn again after them

    def __init__(
        self,
        on_epoch: Callable[[Epoch], None] | None,
        on_step: Callable[[int, Array], None] | None,
    ) -> None:
        self._on_epoch, self._on_step = on_epoch, on_step

    def on_update(self, run: Run, seen: int, loss: Array) -> None:
        if self._on_step is not None:
            self._on_step(seen, loss)

    def on_epoch_measured(self, run: Run, epoch: Epoch) -> None:
        if self._on_epoch is not None:
            self._on_epoch(epoch)
