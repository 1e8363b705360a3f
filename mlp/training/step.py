"""One training step, written out: forward, loss, backward, update."""

from __future__ import annotations

import inspect
from typing import Any

from backends import Array, scratch
from mlp.nn.accuracy import CorrectCount
from mlp.nn.averaging import AVERAGES, Averaging
from mlp.nn.dropout import DropoutNetwork
from mlp.nn.layers import Chain
from mlp.nn.losses import LOSSES, Loss
from mlp.nn.max_norm import MaxNorm
from mlp.nn.network import MLP
from mlp.nn.optim import OPTIMIZERS, Optimizer
from mlp.nn.stack import LossByNetwork
from mlp.training.recipe import Recipe

AVERAGE = "average"
"""The name of the parameters' average in the optimizer's state."""


class Step:
    """What a recipe does with one batch: `gradient`, by backpropagation, and then `update`.

    Args:
        model: the network; trained in place.
        recipe: the hyperparameters.
        optimizer: what changes the parameters; the recipe's, unless given.

    Attributes:
        network: what is trained: the model as it is in training, with dropout between its layers if
            the recipe has it.
        criterion: the loss.
        correct: counts correct answers if the recipe wants a running accuracy, else None.
        frozen: the parameters that updates must not change, each with a copy of its value.
        averaging: the newest parameters' weight in an average over updates; None without one.
    """

    def __init__(self, model: MLP, recipe: Recipe, optimizer: Optimizer | None = None) -> None:
        self.model, self.recipe = model, recipe
        self.network: Chain = model.in_training()
        if recipe.input_dropout or recipe.dropout:
            self.network = self.make_dropout_network(recipe.input_dropout, recipe.dropout)
        one = model.sizes[-1] // model.networks, model.backend, model.dtype  # of one network
        loss = LOSSES.make(recipe.loss, *one)
        if recipe.label_smoothing:
            loss.smooth_labels(recipe.label_smoothing)
        several = model.networks > 1
        self.criterion: Loss | LossByNetwork = (
            LossByNetwork(loss, model.networks) if several else loss
        )
        self.optimizer = optimizer or make_optimizer(model, model.gradients, recipe)
        self.max_norm = None if recipe.max_norm is None else self.make_max_norm(recipe.max_norm)
        linear, copy = model.linear, model.backend.xp.zeros_like
        frozen = [array for n in recipe.frozen() for array in (linear[n - 1].W, linear[n - 1].b)]
        self.frozen = [(array, copy(array)) for array in frozen if array is not None]
        self.averaging = None if recipe.average is None else averaging(recipe.average).of_update
        if self.averaging is not None:
            self._average, self.scratch = model.backend.fuse(self.average), self.optimizer.scratch
        self.correct: CorrectCount | None = None
        if recipe.train_accuracy == "running":
            self.correct = CorrectCount(*one, model.networks)

    def gradient(
        self,
        x: Array,
        targets: Array,
        total: int | Array | None = None,
        out: Array | None = None,
        weights: Array | None = None,
        network: Chain | None = None,
    ) -> Array:
        """Compute the gradient of a batch by backpropagation.

        Args:
            x: images, shape (N, I).
            targets: what the network should put out, shape (N, C), or with the images' weights as
                a last column, shape (N, C + 1).
            total: the size of the batch that this is a micro-batch of, or with weights their sum
                over it, shape (1, 1); N, or the sum of these weights, unless given.
            out: where to write the loss, shape (1, 1); an array of the criterion's unless given.
            weights: of the images, shape (N,); alike unless given.
            network: what to train in place of ``network``.

        Returns:
            The loss, or the micro-batch's part of it, shape (1, 1).
        """
        if weights is None:
            targets, weights = self.criterion.part(targets)
        network = network or self.network
        logits = network.forward(x)  # (N, C)
        loss = self.criterion.forward(logits, targets, total, out, weights)  # (1, 1)
        network.backward(self.criterion.backward())
        if self.correct is not None:
            self.correct.add(logits, targets)
        return loss

    def update(self, lr: Array) -> None:
        """Let the optimizer change the parameters, at a learning rate of shape (1,)."""
        self.descend(lr)
        self.restrain()

    def descend(self, lr: Array) -> None:
        """Take the optimizer's step."""
        self.optimizer.lr = lr
        self.optimizer.step()

    def restrain(self) -> None:
        """Hold the new parameters to what the recipe allows, and average them."""
        if self.max_norm is not None:
            self.max_norm.apply()
        for parameter, value in self.frozen:
            self.model.backend.xp.copyto(parameter, value)
        if self.averaging is not None:
            self._average(self.model.parameters, self.optimizer.state[AVERAGE], self.scratch)

    @scratch("scratch")
    def average(self, xp: Any, p: Array, average: Array, scratch: Array) -> None:
        """a = a + w · (p - a), flat, shape (P,)."""
        xp.subtract(p, average, out=scratch)
        xp.multiply(scratch, self.averaging, out=scratch)
        xp.add(average, scratch, out=average)

    def keep_frozen(self) -> None:
        """Copy the parameters of the frozen layers, for `update` to restore."""
        for parameter, value in self.frozen:
            self.model.backend.xp.copyto(value, parameter)

    def start_epoch(self, epoch: int) -> None:
        """Start the epoch's dropout masks and its count of correct answers."""
        self.keep_frozen()
        if isinstance(self.network, DropoutNetwork):
            self.network.start_epoch(self.recipe.seed, epoch)
        if self.correct is not None:
            self.correct.reset()

    def seek(self, first: int) -> None:
        """Go to the dropout masks of the image at a place in the epoch's order."""
        if isinstance(self.network, DropoutNetwork):
            self.network.seek(first)

    def make_dropout_network(self, input_p: float, hidden_p: float) -> DropoutNetwork:
        """Make the network with dropout between its layers."""
        return DropoutNetwork(self.model, input_p, hidden_p)

    def make_max_norm(self, length: float) -> MaxNorm:
        """Make the limit on the length of the units' incoming weights."""
        return MaxNorm([layer.W for layer in self.model.linear], length, self.model.backend)


def make_optimizer(model: MLP, gradients: Array, recipe: Recipe) -> Optimizer:
    """Make a recipe's optimizer for a network's parameters.

    Args:
        model: the network.
        gradients: the array that will hold the gradient, flat, shape (P,).
        recipe: the hyperparameters; those that are parameters of the optimizer are passed to it.
    """
    optimizer, numbers = OPTIMIZERS.parse(recipe.optimizer)
    named = {**inspect.signature(Optimizer).parameters, **inspect.signature(optimizer).parameters}
    taken = {name: getattr(recipe, name) for name in named if hasattr(recipe, name)}
    made = optimizer(
        model.parameters, gradients, model.backend, decayed=model.weight_count, **taken, **numbers
    )
    if recipe.average is not None:
        made.state[AVERAGE] = model.backend.xp.zeros_like(model.parameters)
    return made


def averaging(choice: str) -> Averaging:
    """Return how a recipe's average follows the parameters."""
    made: Averaging = AVERAGES.make(choice)
    return made
