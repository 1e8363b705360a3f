"""A run that can be watched: it tells how it stands, and does what is asked of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.common.cost import Cost
from mlp.common.rng import generator
from mlp.data.batches import Batches
from mlp.models.metadata import task_of
from mlp.training.callbacks import Callback
from mlp.training.history import Epoch
from mlp.training.runs.signals import Signals
from mlp.training.runs.watch_files import RunControl, WatchFiles

if TYPE_CHECKING:
    from mlp.training.run import Run

LOOK = 0.1
"""Seconds between two looks at whether somebody watches."""

PACE = 0.8
"""Seconds between two moments that are told of within an epoch."""

SHARE = 0.003
"""The share of the time that this may take; of a network of gigabytes it is told less often."""

SAMPLE = 400
"""Test images that are told once, for who watches to ask the network about."""

POINTS = 1500
"""The most points of the curve of losses: beyond, two become one."""

STOPPED = "it was stopped on the page that watched it"


class Watched(Callback):
    """Tells about once a second how a run stands, where somebody watches.

    What is told is the parameters and the losses as they are. Everything that has to be computed
    from them is computed by who watches, in another process.

    Args:
        files: where it is told and asked.
        signals: what tells that the run is to end, so that a pause does, too.
        on_note: called with a sentence about what was asked.

    Attributes:
        on_wait: called again and again while the run waits.
    """

    name = "watched"

    def __init__(
        self,
        files: WatchFiles,
        signals: Signals | None = None,
        on_note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._files, self._signals, self._on_note = files, signals, on_note
        self._next_look = self._next_moment = 0.0
        self._asked: RunControl | None = None
        self._about_told, self._steps, self._lr_factor = False, 0, 1.0
        self._is_told = False  # the moment that was to be told last
        self._cost = Cost()  # of telling a moment
        self._points: list[tuple[float, float]] = []
        self._epoch = self._done = 0  # the first epoch, and update of it, not on the curve yet
        self.on_wait: Callable[[], None] = lambda: None

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        return {"rate": self._lr_factor}, {}

    def restore(self, values: dict[str, Any], arrays: dict[str, Any]) -> None:
        del arrays
        self._lr_factor = float(values["rate"])

    def on_epoch_begin(self, run: Run) -> None:
        self._look()
        wanted = self._asked.rate if self._asked is not None else None
        if wanted is not None and wanted != self._lr_factor:
            self._lr_factor = wanted
            self._on_note(
                f"learning rates times {wanted:g} from epoch {run.epoch + 1} on, as was asked on "
                "the page that watches"
            )
        run.trainer.lr_factor = self._lr_factor
        self._epoch, self._done = run.epoch, run.update

    def wants_state(self, run: Run) -> bool:
        self._look()
        due = self._asked is not None and time.monotonic() >= self._next_moment
        return due or self._waits

    def unseen(self, run: Run) -> float:
        return 0 if self._waits else math.inf

    def on_state(self, run: Run) -> None:
        """Tell how the run stands, and wait while that is asked."""
        if self._asked is None:
            return
        start = time.monotonic()
        if start >= self._next_moment or self._waits:
            self._collect_losses(run, run.epoch, run.update)
            self._tell(run)
        start = time.monotonic()
        while self._waits and self._steps >= self._asked.steps:
            time.sleep(0.02)
            self.on_wait()
            self._look()
            if self._asked is None:
                break
            if not self._is_told and time.monotonic() >= self._next_moment:
                self._tell(run)  # no other moment comes while it waits
        if self._waits:
            self._steps += 1
        elif self._asked is not None:
            self._steps = self._asked.steps
        run.seconds -= time.monotonic() - start  # which it waited

    def on_epoch_measured(self, run: Run, epoch: Epoch) -> None:
        del epoch
        if self.wants_state(run):
            self._tell(run)

    def on_epoch_end(self, run: Run) -> None:
        self._collect_losses(run, run.epoch - 1, run.trainer.steps)
        self._look()
        if self._asked is not None and self._asked.stop:
            run.stop(STOPPED)

    def on_stop(self, run: Run) -> None:
        if self._points:  # else it had nothing left to do
            self._next_look = 0.0  # who came during a short run sees how it ended
            self._look()
        if self._about_told or (self._points and self._asked is not None):
            self._tell(run, ended=True)

    @property
    def _waits(self) -> bool:
        """Whether the run is to wait, unless a signal ends it."""
        ends = self._signals is not None and self._signals.received is not None
        return self._asked is not None and self._asked.paused and not self._asked.stop and not ends

    def _look(self) -> None:
        """Look, once in a while, at what is asked."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look, self._asked = now + LOOK, self._files.asked()

    def _collect_losses(self, run: Run, epoch: int, done: int) -> None:
        """Add the losses of the updates since the last time to the curve, a point for each stretch.

        Where nobody watches this is done once an epoch, so that whoever comes sees the curve.

        Args:
            run: the run.
            epoch: the epoch of these updates, from 0.
            done: how many of its updates are done.
        """
        steps, unseen = run.trainer.steps, run.losses_unseen
        if unseen is not None and self._epoch < epoch:
            for losses in unseen if steps > 1 else unseen.reshape(1, -1):
                self._add(losses, steps)
            self._epoch, self._done = epoch, 0
        self._add(run.trainer.losses()[self._done : done], steps)

    def _add(self, losses: NDArray[Any], steps: int) -> None:
        """Add the losses of the next updates to the curve."""
        if not len(losses):
            return
        # At least some eight points an epoch, and more where it is told more often.
        count = max(1, min(len(losses), 8 * len(losses) // steps))
        if count < len(losses):
            parts = np.array_split(losses, count)
            points = [(len(part), float(part.mean())) for part in parts]
        else:
            points = [(1, loss) for loss in losses.tolist()]
        for updates, loss in points:
            self._done += updates
            self._points.append((self._epoch + self._done / steps, loss))
        while len(self._points) > POINTS:
            pairs = np.array(self._points[: len(self._points) // 2 * 2]).reshape(-1, 2, 2)
            self._points = [(float(x), float(y)) for x, y in pairs.mean(axis=1)]

    def _tell(self, run: Run, ended: bool = False) -> None:
        self._is_told = False
        try:
            if not self._about_told:
                self._files.tell_about(*_about(run))
                self._about_told = True
            start, model = time.monotonic(), run.model
            self._files.tell(
                {
                    "epoch": run.epoch,
                    "update": run.update,
                    "paused": self._waits,
                    "ended": ended,
                    "stopped": run.history.stopped,
                    "rate": self._lr_factor,
                    "history": [asdict(epoch) for epoch in run.history.epochs],
                },
                {
                    "parameters": model.backend.to_numpy(model.parameters),
                    "losses": np.array(self._points, np.float64).reshape(-1, 2),
                },
            )
            self._is_told = True
            self._cost.note(time.monotonic() - start)
        except OSError:  # a full disk, say: nobody sees it, and the run goes on
            pass
        self._next_moment = time.monotonic() + max(PACE, self._cost.seconds / SHARE)


def _about(run: Run) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what a run is, and test images with their labels, as its network takes them."""
    model, test = run.model, run.dataset.test
    count = min(SAMPLE, len(test))
    rows = np.sort(generator(0, "watched").permutation(len(test))[:count])
    x, _ = Batches(test.images[rows], test.labels[rows], model).slice(0, count)  # (n, I)
    values = {
        "network": {
            "sizes": list(model.sizes),
            "activation": model.activation,
            "output": model.output,
            "bias": model.bias,
            "dtype": model.dtype,
        },
        "task": task_of(model).to_json(),
        "recipe": asdict(run.recipe),
        "steps": run.trainer.steps,
        "dataset": run.dataset.name,
        "device": model.backend.name,
        "image_shape": list(run.dataset.train.images.shape[1:]),
    }
    return values, {
        "x": np.array(model.backend.to_numpy(x)),
        "labels": np.asarray(test.labels[rows]),
        "rows": rows,
    }
