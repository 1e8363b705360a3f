"""When a fit ends and what it keeps, by scikit-learn's rules, and the curves that it leaves."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from backends import Array
from mlp.sklearn.optimizer_state import OptimizerState
from mlp.training.callbacks import Callback
from mlp.training.run import Run


class Progress(Callback):
    """Keeps the curves of a run, and stops it when it makes no progress any more.

    Progress is a training loss, or with early stopping a validation score, that is better than the
    best before by ``tol``. After more than ``patience`` epochs in a row without it, a run goes on
    at a lower learning rate where that is adaptive, or it stops. With early stopping, the network
    is in the end what it was after the epoch that validated best.

    Args:
        tol: by how much the loss or the score must get better.
        patience: how many epochs may bring no progress.
        optimizer: what may lower the learning rate.
        score: computes the validation score, which decides then; None for the training loss.
        monitor: what tells which epoch validated best, the score or the loss.
        verbose: whether to print each epoch, as scikit-learn does.

    Attributes:
        losses: the mean loss of each epoch's updates; NaN for one in which the run diverged.
        scores: the validation score after each epoch, the same; empty without early stopping.
        best_loss, best_score: the best of either.
        waited: the latest epochs in a row that brought no progress.
        seen: how many samples were learnt from, each as often as it was.
        converged: whether it was this that stopped the run.
    """

    def __init__(
        self,
        tol: float,
        patience: float,
        optimizer: OptimizerState,
        score: Callable[[Run], float] | None = None,
        monitor: Literal["accuracy", "loss"] = "accuracy",
        *,
        verbose: bool | int = False,
    ) -> None:
        self.tol, self.patience, self.optimizer = tol, patience, optimizer
        self.score, self.monitor, self.verbose = score, monitor, verbose
        self.losses: list[float] = []
        self.scores: list[float] = []
        self.best_loss, self.best_score = math.inf, -math.inf
        self.waited = self.seen = 0
        self.converged = False
        self._best: Array | None = None  # the parameters, and what they were chosen by
        self._best_by = -math.inf

    def on_epoch_begin(self, run: Run) -> None:
        if self.score is not None and len(run.evaluation.held_out) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        if self.score is not None and self._best is None:
            self._best = run.model.parameters.copy()

    def on_epoch_end(self, run: Run) -> None:
        self.seen += len(run.trainer.batches)
        self.losses.append(float(run.trainer.losses().mean(dtype=np.float64)))
        self._say(f"Iteration {run.epoch}, loss = {self.losses[-1]:.8f}")
        if self.score is not None:
            self.scores.append(self._validate(run, self.score))
            self._say(f"Validation score: {self.scores[-1]:f}")
            progress = self.scores[-1] >= self.best_score + self.tol
        else:
            progress = self.losses[-1] <= self.best_loss - self.tol
        self.best_loss = min(self.best_loss, self.losses[-1])
        self.best_score = max(self.best_score, *self.scores[-1:], -math.inf)
        self.waited = 0 if progress else self.waited + 1
        if self.waited > self.patience:
            self._give_up(run)

    def on_stop(self, run: Run) -> None:
        if self._best is not None:
            run.model.backend.xp.copyto(run.model.parameters, self._best)

    def diverge(self) -> None:
        """Note an epoch whose numbers are not finite, which ended the run."""
        self.losses.append(math.nan)
        if self.score is not None:
            self.scores.append(math.nan)

    def _validate(self, run: Run, score: Callable[[Run], float]) -> float:
        """Score the network, and keep its parameters if they are the best so far."""
        with run.trainer.averaged():
            found = by = score(run)
            if self.monitor == "loss":
                loss = run.evaluation.validation_loss(run.recipe.loss)
                by = -math.inf if loss is None else -loss
            if by > self._best_by:  # which NaN is not
                run.model.backend.xp.copyto(self._best, run.model.parameters)
                self._best_by = by
        return found

    def _give_up(self, run: Run) -> None:
        """Go on at a lower learning rate, or stop."""
        what = "Training loss" if self.score is None else "Validation score"
        reason = (
            f"{what} did not improve more than tol={self.tol:f} for {self.patience} "
            "consecutive epochs."
        )
        if self.optimizer.slow_down(run):
            self._say(f"{reason} Setting learning rate to {self.optimizer.learning_rate:f}")
            self.waited = 0
            return
        small = " Learning rate too small." if self.optimizer.is_adaptive else ""
        self._say(f"{reason}{small} Stopping.")
        self.converged = True
        run.stop(reason)

    def _say(self, sentence: str) -> None:
        if self.verbose:
            print(sentence)
