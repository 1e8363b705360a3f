"""A training run in progress: its state can be saved and restored, and it can be stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Protocol

from numpy.typing import NDArray

from backends import Array
from mlp.common.version import package_version
from mlp.data.dataset import Dataset
from mlp.nn.network import MLP
from mlp.training.evaluation import Evaluation
from mlp.training.history import History
from mlp.training.ranks.ranks import digest_of
from mlp.training.recipe import Recipe
from mlp.training.state import (
    TrainingState,
    check_resumable,
    describe_data,
    describe_network,
    software,
)
from mlp.training.trainer import Trainer
from mlp.training.unseen import Unseen


class Keeper(Protocol):
    """Anything with a state to save, such as a `mlp.training.callbacks.Callback`."""

    name: str

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return values that JSON holds, and arrays."""
        ...

    def restore(self, values: dict[str, Any], arrays: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        ...


class Run:
    """A training run, as callbacks see it.

    Attributes:
        model: the network; trained in place.
        dataset: what it learns from.
        recipe: the hyperparameters.
        trainer: runs the epochs.
        evaluation: measures the network between two updates.
        history: what was measured so far.
        epoch: how many epochs are finished.
        update: in a pause within an epoch, how many of its updates are done; else 0.
        seconds: of training since the last measured epoch.
        finished: the parameters after the last finished epoch, or their average where the recipe
            has one, on the device, shape (P,).
        unseen: makes epochs that nobody sees; None where the device has no memory of its own.
        losses_unseen: of the epochs that passed so before the latest, shape (epochs, steps); None
            where none did, or they are not looked at yet.
    """

    def __init__(
        self,
        model: MLP,
        dataset: Dataset,
        recipe: Recipe,
        trainer: Trainer,
        evaluation: Evaluation,
        keepers: Sequence[Keeper],
    ) -> None:
        self.model, self.dataset, self.recipe, self.trainer = model, dataset, recipe, trainer
        self.evaluation = evaluation
        self.history, self.epoch, self.seconds = History(kind=dataset.task.kind), 0, 0.0
        self.finished = model.backend.xp.zeros_like(model.parameters)
        self._keepers, self.update = [keeper for keeper in keepers if keeper.name], 0
        self.unseen: Unseen | None = None
        self.losses_unseen: NDArray[Any] | None = None
        self.keep()
        if trainer.goes_ahead:
            self.unseen = Unseen(trainer, self.finished)

    def stop(self, reason: str) -> None:
        """End the run: between two updates in `Callback.on_state`, else after this epoch.

        Args:
            reason: why, in a sentence.
        """
        self.history.stopped = reason

    def keep(self) -> None:
        """Remember the parameters as those after the last finished epoch."""
        if self.unseen is not None:
            self.unseen.keep()
            return
        self.model.backend.xp.copyto(self.finished, self.model.parameters)

    def put_back(self) -> None:
        """Give the network the parameters after the last finished epoch."""
        self.model.backend.xp.copyto(self.model.parameters, self.finished)

    @contextmanager
    def paused(self, update: int) -> Iterator[None]:
        """Allow `state` to be taken in the block: between two updates of an epoch."""
        self.update = update
        yield
        self.update = 0

    def state(self) -> TrainingState:
        """Collect all that the run needs to go on; after an epoch, or in `Callback.on_state`."""
        return TrainingState(
            epoch=self.epoch,
            progress=self.trainer.progress(self.update),
            seconds=max(self.seconds, 0.0),  # what is no training was taken off already
            history=list(self.history.epochs),
            recipe=asdict(self.recipe),
            network=describe_network(self.model),
            data=describe_data(self.dataset),
            made_with=software() | self.trainer.layout(),
            finished=self.model.backend.to_numpy(self.finished).copy(),
            callbacks={keeper.name: self._on_host(keeper) for keeper in self._keepers},
        )

    def fingerprint(self) -> dict[str, Any]:
        """Return what must be alike on all ranks before the first epoch, by name."""
        found = {"version of mlp": package_version(), "place in the run": self.epoch}
        for what, described in (
            ("recipe", asdict(self.recipe)),
            ("network", describe_network(self.model)),
            ("dataset", describe_data(self.dataset)),
        ):
            found |= {f"{name} of the {what}": value for name, value in described.items()}
        digest = digest_of(self.model.backend.to_numpy(self.model.parameters))
        return found | {"digest of the parameters": digest}

    def resume(self, state: TrainingState) -> None:
        """Continue from a state.

        Raises:
            UsageError: if it is of another recipe, network or dataset.
        """
        network, data = describe_network(self.model), describe_data(self.dataset)
        check_resumable(state, asdict(self.recipe), network, data)
        xp, asarray = self.model.backend.xp, self.model.backend.asarray
        self.epoch, self.seconds = state.epoch, state.seconds
        self.history.epochs = list(state.history)
        self.trainer.resume(state.progress)
        xp.copyto(self.finished, asarray(state.finished))
        for keeper in self._keepers:
            if keeper.name in state.callbacks:
                values, arrays = state.callbacks[keeper.name]
                keeper.restore(values, {name: asarray(array) for name, array in arrays.items()})

    def _on_host(self, keeper: Keeper) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        values, arrays = keeper.state()
        to_numpy = self.model.backend.to_numpy
        return values, {name: to_numpy(array).copy() for name, array in arrays.items()}
