"""When the host looks at a device: pauses between updates, and epochs that nobody sees."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from mlp.training.callbacks import Callback
from mlp.training.executors.executor import Pause
from mlp.training.finite import check_finite
from mlp.training.run import Run

SECONDS = 0.1
"""How long a device may make epochs that nobody sees: as long a signal waits beyond the epoch that
runs, and as late what is not finite is noticed."""


class Looks:
    """Lets epochs pass unseen, and looks at what they left.

    Args:
        run: the run.
        callbacks: those of the run.
        measured: whether epochs are measured, as the recipe has it.
        clock: seconds that pass.
    """

    def __init__(
        self,
        run: Run,
        callbacks: Sequence[Callback],
        measured: bool = True,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._run, self._callbacks, self._clock = run, callbacks, clock
        self._asking = [
            callback
            for callback in callbacks
            if type(callback).wants_state is not Callback.wants_state
            or type(callback).state_after is not Callback.state_after
        ]
        self._every = run.recipe.report_every if measured else run.recipe.epochs
        self._first, self._start = 0, 0.0
        self._epoch_time: float | None = None  # in seconds, since the last look

    def pass_unseen(self) -> None:
        """Let a device make the epochs before the next one that somebody sees; see `Unseen`.

        It does so where the epochs of the run are short, until a callback wants something.
        """
        run = self._run
        if run.unseen is None:
            return
        self._first, self._start, run.losses_unseen = run.epoch, self._clock(), None
        for finished in run.unseen.make(run.epoch, self._count()):
            run.epoch = finished
            if self._is_wanted():
                break

    def look(self) -> None:
        """Look at the epochs that passed unseen, once the one after them is done.

        Raises:
            DivergedError: if something in them was not finite; `Run.epoch` is how many finished.
        """
        run = self._run
        if run.unseen is not None:
            judge(run)
            seconds = max(self._clock() - self._start, 1e-6)
            self._epoch_time = seconds / (run.epoch + 1 - self._first)

    def pause(self) -> Pause | None:
        """Make the pause that asks callbacks between two updates; None if no callback uses it.

        One rank that wants it suffices, and the first decides whether to stop.
        """
        run, asking, ranks = self._run, self._asking, self._run.trainer.ranks

        def act(update: int) -> bool:
            judge(run)
            with run.paused(update):
                for callback in asking:
                    callback.on_state(run)
            run.history.stopped = ranks.broadcast(run.history.stopped)
            return run.history.stopped is not None

        return Pause(self._is_wanted, act) if asking or ranks.launched else None

    def of_epoch(self, pause: Pause) -> Pause:
        """Add to a pause after which updates of the epoch that begins it is wanted in any case."""
        after = (callback.state_after(self._run) for callback in self._callbacks)
        return pause._replace(after={n for updates in after for n in updates})

    def _is_wanted(self) -> bool:
        return any(callback.wants_state(self._run) for callback in self._asking)

    def _count(self) -> int:
        """Return how many epochs are to pass unseen."""
        run = self._run
        if self._epoch_time is None:
            return 0  # what an epoch takes is not known yet
        unmeasured = min(-run.epoch % self._every, run.recipe.epochs - 1 - run.epoch)
        short = SECONDS / self._epoch_time - 1.0  # and the one that is seen then
        allowed = (callback.unseen(run) for callback in self._callbacks)
        count = int(min(unmeasured, short, *allowed))
        return 0 if count < 1 or self._is_wanted() else count


def judge(run: Run) -> None:
    """Look at what the epochs left that passed unseen since the last time, if any did.

    Raises:
        DivergedError: if something in them was not finite; `Run.epoch` is how many finished.
    """
    if run.unseen is None or not len(told := run.unseen.look()):
        return
    finished, run.losses_unseen = run.epoch, told[:, :-1]
    for number, row in enumerate(told, finished - len(told)):
        run.epoch = number
        check_finite(row[:-1], bool(row[-1] == 0.0), number, run.recipe)
    run.epoch = finished
