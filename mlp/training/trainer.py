"""An epoch of training: its order, its learning rates, and the executor that makes its updates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.common.rng import generator
from mlp.common.threads import blas_threads
from mlp.data.augment import epoch_key
from mlp.data.batches import Batches
from mlp.data.dataset import Split
from mlp.nn.layers import Linear
from mlp.nn.network import MLP
from mlp.training.executors.executor import EpochInputs, Executor, Pause
from mlp.training.executors.large_batches import LargeBatchExecutor
from mlp.training.executors.small_batches import SPAN_MICRO_BATCHES, SmallBatchExecutor
from mlp.training.finite import FiniteCheck
from mlp.training.ranks.devices import kernels_of
from mlp.training.ranks.executor import RankedExecutor
from mlp.training.ranks.order import SharedOrder
from mlp.training.ranks.ranks import ALONE, Ranks
from mlp.training.ranks.tree import piece_size
from mlp.training.recipe import Recipe
from mlp.training.step import AVERAGE, averaging
from mlp.training.tables import Tables
from mlp.training.whole_batches import check_whole_batches, whole_batch_layer


@dataclass(frozen=True)
class TrainerState:
    """A trainer's state between two updates, on the host.

    Attributes:
        update: how many updates of the epoch are done.
        shuffler: the state of the random numbers that shuffle, before that epoch.
        correct: the running count of correct answers in it.
        losses: of its updates, shape (steps,); only the first ``update`` of them are valid.
        parameters: of the network, flat, shape (P,).
        optimizer: the arrays that one update leaves to the next, by name.
    """

    update: int
    shuffler: dict[str, Any]
    correct: int
    losses: NDArray[Any]
    parameters: NDArray[Any]
    optimizer: dict[str, NDArray[Any]]


class Trainer:
    """A network with its recipe and its training images on one device.

    Args:
        model: the network; trained in place.
        split: the training images.
        recipe: the hyperparameters.
        ranks: the processes that train together.

    Attributes:
        batches: the training images on the device.
        batch_size: images of an update.
        steps: updates of an epoch.
        executor: makes the updates: of small batches, several at a time, or of large ones.
        tables: the learning rates, and what the epoch that runs leaves.
        order: the images in the order of the latest epoch, shape (N,), where they are; or that of
            each of S networks side by side, shape (N, S).
        lr_factor: what the recipe's learning rates are multiplied by, from the next epoch on.
        number: the latest epoch, from 0.
        are_finite: whether all parameters of a single network were, after the latest epoch that was
            waited for.
        goes_ahead: whether epochs can pass unseen: see `mlp.training.unseen.Unseen`.

    Raises:
        UsageError: if a layer learns from whole batches and cannot, or ranks cannot share them.
    """

    lr_factor, number = 1.0, 0

    def __init__(self, model: MLP, split: Split, recipe: Recipe, ranks: Ranks = ALONE) -> None:
        self.model, self.recipe, self.ranks = model, recipe, ranks
        self.backend = model.backend
        N = len(split.images)
        self.batch_size = N if recipe.batch_size == "full" else min(recipe.batch_size, N)
        changed = recipe.augment is not None or recipe.input_dropout > 0.0
        changed |= type(model.linear[0]) is not Linear  # but products of several networks
        self.batches = Batches(
            *(split.images, split.labels, model, recipe.augment, split.weights),
            product_rows=0 if changed else piece_size(self.batch_size, ranks.launched),
        )
        self.steps = -(-N // self.batch_size)
        self._is_discrete = self.backend.memory().is_discrete
        self.goes_ahead = self._is_discrete and not ranks.launched and model.networks == 1
        at_once = 1 if self._is_discrete else SPAN_MICRO_BATCHES
        is_large = self.batch_size > at_once * self.batches.micro_batch_size
        is_large &= not whole_batch_layer(model)  # which cannot be cut into micro-batches
        check_whole_batches(model, N, self.batch_size)
        self.executor = self._make_executor(is_large)
        self.order: Array = None if ranks.launched else self.batches.to_device(np.arange(N))
        self._shared = SharedOrder(ranks, N)
        self.tables, self.are_finite = Tables(model, recipe, self.steps), True
        last = self.tables.row[-1:]
        self._check = FiniteCheck(model, last) if model.networks == 1 else None
        self._shuffler = generator(recipe.seed, "shuffle")
        self._shuffler_then = self._shuffler.bit_generator.state  # before the epoch that is running
        self._next_order: Array = None  # which is drawn already
        self._resumed: TrainerState | None = None
        if AVERAGE in self.executor.optimizer_state:
            self.backend.xp.copyto(self.executor.optimizer_state[AVERAGE], model.parameters)

    def epoch(
        self,
        number: int,
        on_step: Callable[[int, Array], None] | None = None,
        pause: Pause | None = None,
        lrs: Sequence[float] | None = None,
    ) -> NDArray[Any]:
        """Train once on every image, or on the rest of an epoch that is resumed.

        Args:
            number: the epoch, from 0; decides the learning rates.
            on_step: called after each update, or each span of updates where the device takes
                several at once, with the number of images seen and the latest loss, which is
                still on the device, shape (1,) or (1, S). The network's own parameters may be out
                of date until the end of the epoch, and changes that it makes to them may be lost.
            pause: may interrupt the epoch between two updates; if it stops the epoch,
                ``executor.stopped_at`` is the number of updates done.
            lrs: the learning rate of each update, in place of the recipe's.

        Returns:
            The loss of each update, on the host, shape (steps,); of S networks side by side,
            (steps, S).
        """
        self.begin(number, on_step, pause, lrs)
        told = self.backend.to_numpy(self.tables.row)
        self.are_finite = bool((told[-1] == 0.0).all())
        return told[:-1]

    def begin(
        self,
        number: int,
        on_step: Callable[[int, Array], None] | None = None,
        pause: Pause | None = None,
        lrs: Sequence[float] | None = None,
    ) -> None:
        """Give a device the work of an epoch, as `epoch` does, and do not wait for it."""
        r, tables, self.number = self.recipe, self.tables, number
        shuffler = self._shuffler if r.shuffle and r.batch_size != "full" else None
        if self.ranks.launched:
            self.order = self.batches.to_device(self._shared.next(shuffler))
        elif shuffler is not None:
            if self._next_order is None:
                self.order = None  # frees its memory before the next one is made
                self._draw_order()
            self.order, self._next_order = self._next_order, None
        resumed, self._resumed = self._resumed, None
        if resumed is not None:
            losses = self.backend.asarray(resumed.losses, self.model.dtype)
            self.backend.xp.copyto(tables.losses, losses)
        own = tables.lrs_of(number, self.lr_factor) if lrs is None else tables.to_device([lrs])[0]
        inputs = EpochInputs(
            number=number,
            order=self.order,
            key=epoch_key(r.seed, number) if r.augment else 0,
            lrs=own,  # (steps,)
            losses=tables.losses,
            on_step=on_step,
            first=resumed.update if resumed is not None else 0,
            correct=resumed.correct if resumed is not None else 0,
            pause=pause,
        )
        # One thread of BLAS for each worker, unless another device computes. BLAS may set flags for
        # numbers that it loads and does not use; the loop itself checks that losses are finite.
        with nullcontext() if self._is_discrete else blas_threads(1), np.errstate(all="ignore"):
            self.executor.epoch(inputs)
            self.check()
        if self.executor.stopped_at is None:
            self._shuffler_then = self._shuffler.bit_generator.state
            goes_on = self._is_discrete and not self.ranks.launched and number + 1 < r.epochs
            if goes_on and shuffler is not None:
                self._draw_order()  # while the device works

    def check(self) -> None:
        """Let the device look whether the parameters are finite; a single network's alone."""
        if self._check is not None:
            self._check.write()

    def shuffled(self, N: int) -> NDArray[np.int64]:
        """Draw the order of an epoch's images, shape (N,)."""
        return self._shuffler.permutation(N)

    def _draw_order(self) -> None:
        self._next_order = self.batches.to_device(self.shuffled(len(self.batches)))

    def _make_executor(self, is_large: bool) -> Executor:
        chosen = self.model, self.batches, self.batch_size, self.recipe
        if self.ranks.launched:
            return RankedExecutor(*chosen, self.ranks)
        return LargeBatchExecutor(*chosen) if is_large else SmallBatchExecutor(*chosen)

    def average_epoch(self, epoch: int) -> None:
        """Add the parameters to an average over the ends of epochs; ``epoch`` is counted from 1."""
        weight = averaging(self.recipe.average).of_epoch if self.recipe.average else None
        if weight is not None:
            xp, average = self.backend.xp, self.executor.optimizer_state[AVERAGE]
            scratch = xp.empty_like(average)
            xp.subtract(self.model.parameters, average, out=scratch)
            xp.multiply(scratch, weight(epoch), out=scratch)
            xp.add(average, scratch, out=average)

    def result(self) -> Array:
        """Return what the run would end with: the parameters, or their average, shape (P,)."""
        return self.executor.optimizer_state.get(AVERAGE, self.model.parameters)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Put the average of the parameters into the network during the block, if there is one."""
        average = self.executor.optimizer_state.get(AVERAGE)
        if average is None:
            yield
            return
        xp, parameters = self.backend.xp, self.model.parameters
        kept = xp.empty_like(parameters)
        xp.copyto(kept, parameters)
        xp.copyto(parameters, average)
        try:
            yield
        finally:
            xp.copyto(parameters, kept)

    def progress(self, update: int) -> TrainerState:
        """Return the state: in a pause after ``update`` updates, or after an epoch, with 0."""
        return TrainerState(
            update=update,
            shuffler=self._shuffler_then,  # type: ignore[arg-type]  # NumPy gives a Mapping, which is a dict
            correct=self.correct() if update else 0,
            losses=self._to_host(self.tables.losses),
            parameters=self._to_host(self.model.parameters),
            optimizer={n: self._to_host(a) for n, a in self.executor.optimizer_state.items()},
        )

    def resume(self, progress: TrainerState) -> None:
        """Continue from the state of a run of the same recipe, within its epoch.

        Raises:
            KeyError: if the optimizer has a state that the progress lacks.
        """
        device, xp = self.backend, self.backend.xp
        xp.copyto(self.model.parameters, device.asarray(progress.parameters))
        for name, array in self.executor.optimizer_state.items():
            xp.copyto(array, device.asarray(progress.optimizer[name]))
        self._shuffler.bit_generator.state = self._shuffler_then = progress.shuffler
        self._resumed = progress if progress.update else None
        self._next_order = None

    def _to_host(self, array: Array) -> NDArray[Any]:
        return self.backend.to_numpy(array).copy()

    def layout(self) -> dict[str, Any]:
        """Return what the last bits depend on besides the recipe: the device and its kernels."""
        return {
            "device": self.backend.name,
            "blas": self.kernels(),
            "sums": "of ranks" if self.ranks.launched else "of one process",
        }

    def kernels(self) -> str:
        """Name what computes products, such as a library and the processor that it does so for."""
        return kernels_of(self.backend)

    def losses(self) -> NDArray[Any]:
        """Return the losses of the latest epoch's updates, on the host, shape (steps,)."""
        return self.backend.to_numpy(self.tables.losses)

    def correct(self) -> int:
        """Return how many images of the epoch were answered correctly, each before its update."""
        return int(self.executor.correct().item())

    def replicas(self) -> list[MLP]:
        """Return the network and replicas of it, one for each worker, to measure with."""
        return self.executor.replicas()
