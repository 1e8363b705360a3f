"""The step of an update: what becomes of the parameters once the gradient is there."""

from __future__ import annotations

from backends import Array
from mlp.nn.max_norm import MaxNorm
from mlp.nn.network import MLP
from mlp.nn.optim import SGD
from mlp.training.parallel.tensor_parallel import Shard
from mlp.training.parallel.workers import Crew
from mlp.training.recipe import Recipe


class Step:
    """A recipe's optimizer and its limit on the weights, for one network.

    Args:
        network: a network, or a lane's shard of one.
        gradients: where the gradient will be, flat, shape (P,).
        recipe: the hyperparameters.
        crew: the lanes.
    """

    def __init__(self, network: MLP, gradients: Array, recipe: Recipe, crew: Crew) -> None:
        shard = network if isinstance(network, Shard) else None
        self.optimizer = SGD(
            network.parameters,
            gradients,
            network.backend,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
            decayed=network.weight_count,
            clip_value=recipe.clip_value,
            clip_norm=recipe.clip_norm,
        )
        if shard and self.optimizer.velocity is not None:  # to be there in the next epoch, too
            self.optimizer.velocity = crew.zeros(gradients.shape, network.dtype)
        self.max_norm = (
            MaxNorm(
                [layer.W for layer in network.linear],
                recipe.max_norm,
                network.backend,
                shard.column_sums() if shard else {},
            )
            if recipe.max_norm is not None
            else None
        )

    def rest(self) -> None:
        """Forget the velocity."""
        if self.optimizer.velocity is not None:
            self.optimizer.xp.copyto(self.optimizer.velocity, 0.0)

    def take(self, lr: Array) -> None:
        """Take the step at a learning rate, shape (1,)."""
        self.optimizer.lr = lr
        self.optimizer.step()
        if self.max_norm is not None:
            self.max_norm.apply()
