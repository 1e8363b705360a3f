"""Training networks of one shape side by side, as one: see `mlp.nn.stack`.

Each has the initial weights and the shuffles of its own seed, so it becomes the network that a run
of its own would make, but for the order in which products add up. Where every update sees all
images, or they are not shuffled, the networks share x. Where each has an order of its own, so does
each have its own x: the images are gathered for every network, and lie side by side as well.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.common.rng import generator
from mlp.data.dataset import Dataset, Split
from mlp.models.metadata import Metadata, metadata_of
from mlp.models.predict import check_fits
from mlp.nn.network import MLP
from mlp.nn.stack import Stack
from mlp.training.diagnosis import explain_divergence, warn_after, warn_before, warn_of_zeros
from mlp.training.evaluation import Evaluation
from mlp.training.executors.executor import Pause
from mlp.training.history import Epoch, History, training_metadata
from mlp.training.outcome import lost_by
from mlp.training.pairs import check_pairs
from mlp.training.recipe import Recipe
from mlp.training.reported_loss import mean_of_updates
from mlp.training.trainer import Trainer


@dataclass
class Trained:
    """One of several networks that were trained.

    Attributes:
        model: the network.
        recipe: its hyperparameters, with its own seed.
        history: what was measured.
        problem: why it learnt nothing, in a sentence; None where it did. A network that diverged is
            as after its last finished epoch.
        told: what was warned of that is said once.
    """

    model: MLP
    recipe: Recipe
    history: History
    problem: str | None = None
    told: set[str] = field(default_factory=set)


class Watch:
    """Called while several networks train; does nothing unless a subclass overrides it.

    A network is told by its number, from 0.
    """

    def on_epoch(self, number: int, epoch: Epoch) -> None:
        """Called with what was measured of a network after an epoch."""

    def on_step(self, number: int, seen: int, loss: Array) -> None:
        """Called after an update, or a span of them; see `mlp.training.trainer.Trainer.epoch`.

        For networks side by side it is called once, with the first one's number and all losses.
        """

    def on_warning(self, number: int, sentence: str) -> None:
        """Called with what is likely to go wrong with a network, or did."""

    def on_trained(self, number: int, trained: Trained) -> None:
        """Called with what became of a network, once that is known."""

    def stops(self) -> bool:
        """Return, between two updates, whether to stop: all networks are put back then."""
        return False


class StackTrainer(Trainer):
    """A trainer of networks side by side, which shuffles for each by its own seed.

    Args:
        stack: the networks.
        split: the training images.
        recipes: that of each; they differ in their seeds alone.
    """

    def __init__(self, stack: Stack, split: Split, recipes: Sequence[Recipe]) -> None:
        super().__init__(stack, split, recipes[0])
        self._shufflers = [generator(recipe.seed, "shuffle") for recipe in recipes]

    def shuffled(self, N: int) -> NDArray[np.int64]:
        """Draw each network's order of an epoch's images, shape (N, S)."""
        return np.stack([shuffler.permutation(N) for shuffler in self._shufflers], axis=1)


def shares_x(recipe: Recipe) -> bool:
    """Tell whether an update sees the same images whatever the seed."""
    return recipe.batch_size == "full" or not recipe.shuffle


@np.errstate(all="ignore")  # values that are not finite are checked for, and told
def train_together(
    models: Sequence[MLP],
    dataset: Dataset,
    recipes: Sequence[Recipe],
    watch: Watch,
    first: int = 0,
) -> list[Trained]:
    """Train networks of one shape side by side, in place.

    An interrupt puts them back to the end of the last finished epoch and returns. One that diverges
    stays as it was after its last finished epoch, and the others go on.

    Args:
        models: the networks, with their initial weights.
        dataset: what they learn from, and the test images that they are measured on.
        recipes: that of each; they differ in their seeds alone. See
            `mlp.training.many.why_apart` for those that this cannot train by.
        watch: what is called meanwhile.
        first: the number by which the first network is told.

    Returns:
        What became of each, in order. An epoch's ``seconds`` are a network's share of the time.

    Raises:
        ModelError, UsageError: as `mlp.training.loop.train` does, before anything is trained.
    """
    for model in models:
        check_fits(model, dataset.pixels, dataset.classes)
        check_pairs(model, dataset, recipes[0])
        model.metadata = Metadata(metadata_of(model).initialisation, dataset.task)
    for sentence in warn_before(models[0], dataset.train, recipes[0]):
        watch.on_warning(first, sentence)
    for number, model in enumerate(models[1:], first + 1):  # the rest is the same for all
        for sentence in warn_of_zeros(model):
            watch.on_warning(number, sentence)
    run = _Run(Stack(models, shares_x=shares_x(recipes[0])), dataset, recipes, watch, first)
    try:
        run.epochs()
    except KeyboardInterrupt:
        run.interrupt()
    run.end()
    return run.trained


class _Run:
    """The training of a stack, epoch by epoch."""

    def __init__(
        self,
        stack: Stack,
        dataset: Dataset,
        recipes: Sequence[Recipe],
        watch: Watch,
        first: int,
    ) -> None:
        self.first = first
        self.stack, self.dataset, self.recipe, self.watch = stack, dataset, recipes[0], watch
        self.trainer = StackTrainer(stack, dataset.train, recipes)
        replicas = self.trainer.replicas() if stack.shares_x else [stack.sharing_x()]
        self.evaluation = Evaluation(replicas, dataset.test, dataset.test[:0])
        self.trained = [
            Trained(model, recipe, History())
            for model, recipe in zip(stack.models, recipes, strict=True)
        ]
        self.learning = list(range(stack.networks))
        """The numbers of those that have not diverged."""
        self.finished = stack.backend.xp.zeros_like(stack.parameters)  # (P,)
        self.keep()

    def keep(self) -> None:
        """Remember the parameters as those after the last finished epoch."""
        self.stack.backend.xp.copyto(self.finished, self.stack.parameters)

    def epochs(self) -> None:
        """Run all epochs, or until the last network has diverged or a stop is wanted."""
        recipe, trainer, watch, seconds = self.recipe, self.trainer, self.watch, 0.0
        pause = Pause(watch.stops, lambda _: True)
        for number in range(recipe.epochs):
            start = time.perf_counter()
            losses = trainer.epoch(number, partial(watch.on_step, self.first), pause)  # (steps, S)
            seconds += time.perf_counter() - start
            if trainer.executor.stopped_at is not None:
                self.interrupt()
                return
            self.part_from_diverged(losses, number)
            if not self.learning:
                return
            trainer.average_epoch(number + 1)
            with trainer.averaged():
                self.keep()
                if number % recipe.report_every == 0 or number + 1 == recipe.epochs:
                    self.measure(number, losses, seconds / self.stack.networks)
                    seconds = 0.0
            if watch.stops() and number + 1 < recipe.epochs:
                self.interrupt()
                return

    def part_from_diverged(self, losses: NDArray[Any], number: int) -> None:
        """Note which networks an epoch, counted from 0, made diverge; leave them aside."""
        sound = self.stack.are_finite()  # (S,)
        for network in list(self.learning):
            own, one = losses[:, network], self.trained[network]
            bad = np.flatnonzero(~np.isfinite(own))
            if len(bad) or not sound[network]:
                step = int(bad[0]) if len(bad) else len(own)
                one.problem = explain_divergence(own, step, number, one.recipe)
                self.learning.remove(network)
                self.stack.give_back([network], self.finished)

    def measure(self, number: int, losses: NDArray[Any], seconds: float) -> None:
        """Measure the networks after an epoch, counted from 0, and tell of it."""
        trainer, evaluation = self.trainer, self.evaluation
        if self.recipe.train_accuracy == "running":
            train_accuracies = trainer.executor.correct() / len(trainer.batches)  # (S,)
        else:
            train_accuracies = evaluation.accuracies_on(trainer.batches)
        test_accuracies = evaluation.test_accuracies()
        self.stack.give_back(self.learning)
        for network in self.learning:
            one, own = self.trained[network], losses[:, network]
            epoch = Epoch(
                epoch=number + 1,
                loss=mean_of_updates(trainer, own),
                train_accuracy=float(train_accuracies[network]),
                test_accuracy=float(test_accuracies[network]),
                validation_accuracy=None,
                seconds=seconds,
            )
            one.history.epochs.append(epoch)
            self.watch.on_epoch(self.first + network, epoch)
            for sentence in warn_after(
                one.model, trainer.batches, one.recipe, epoch, own, one.told
            ):
                self.watch.on_warning(self.first + network, sentence)

    def interrupt(self) -> None:
        """Note that those which still learnt were ended before their last epoch."""
        for network in self.learning:
            self.trained[network].history.interrupted = True

    def end(self) -> None:
        """Give the models what they learnt, and describe them."""
        self.stack.give_back(self.learning, self.finished)
        batches, split = self.trainer.batches, self.dataset.train
        for one in self.trained:
            last = one.history.result
            finished = one.problem is None and not one.history.interrupted
            if finished and last is not None:
                error = lost_by(one.model, batches, split, last, one.recipe)
                one.problem = None if error is None else str(error)
            one.model.metadata = training_metadata(
                one.model, one.recipe, self.dataset, one.history, temperature=None
            )
