"""When a fit ends, by scikit-learn's rules, and the curves that it leaves."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.training.callbacks import Callback
from mlp.training.run import Run


class Progress(Callback):
    """Keeps the curves of a run, and stops it when it makes no progress any more.

    Progress is a training loss, or with early stopping a validation score, that is better than the
    best before by ``tol``. A run stops after more than ``patience`` epochs in a row without it.

    Args:
        tol: by how much the loss or the score must get better.
        patience: how many epochs may bring no progress.
        score: computes the validation score, which decides then; None for the training loss.
        verbose: whether to print each epoch, as scikit-learn does.

    Attributes:
        losses: the mean loss of each epoch's updates.
        scores: the validation score after each epoch; empty without early stopping.
        best_loss, best_score: the best of either.
        converged: whether it was this that stopped the run.
    """

    def __init__(
        self,
        tol: float,
        patience: float,
        score: Callable[[], float] | None,
        *,
        verbose: bool | int,
    ) -> None:
        self.tol, self.patience, self.score, self.verbose = tol, patience, score, verbose
        self.losses: list[float] = []
        self.scores: list[float] = []
        self.best_loss, self.best_score = math.inf, -math.inf
        self.converged = False
        self._waited = 0

    def on_epoch_end(self, run: Run) -> None:
        self.losses.append(float(run.trainer.losses().mean(dtype=np.float64)))
        self._say(f"Iteration {run.epoch}, loss = {self.losses[-1]:.8f}")
        if self.score is not None:
            self.scores.append(self.score())
            self._say(f"Validation score: {self.scores[-1]:f}")
            progress = self.scores[-1] >= self.best_score + self.tol
        else:
            progress = self.losses[-1] <= self.best_loss - self.tol
        self.best_loss = min(self.best_loss, self.losses[-1])
        self.best_score = max(self.best_score, *self.scores[-1:], -math.inf)
        self._waited = 0 if progress else self._waited + 1
        if self._waited > self.patience:
            self.converged = True
            what = "Training loss" if self.score is None else "Validation score"
            reason = (
                f"{what} did not improve more than tol={self.tol:f} for {self.patience} "
                "consecutive epochs."
            )
            self._say(f"{reason} Stopping.")
            run.stop(reason)

    def _say(self, sentence: str) -> None:
        if self.verbose:
            print(sentence)


class OptimizerState(Callback):
    """Lets the optimizer of a run go on from where that of an earlier one was.

    Attributes:
        arrays: what one update leaves to the next, by name, on the host; empty before the first.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}

    def on_epoch_begin(self, run: Run) -> None:
        backend = run.model.backend
        for name, array in self.arrays.items():
            backend.xp.copyto(run.trainer.executor.optimizer_state[name], backend.asarray(array))

    def on_epoch_end(self, run: Run) -> None:
        to_numpy = run.model.backend.to_numpy
        state = run.trainer.executor.optimizer_state
        self.arrays = {name: to_numpy(array).copy() for name, array in state.items()}
