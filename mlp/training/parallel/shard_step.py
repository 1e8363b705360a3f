"""The training step of a shard, with dropout, max-norm and an optimizer state that suit shards."""

from __future__ import annotations

from functools import partial

from backends import Array, Backend
from mlp.nn.dropout import Dropout, DropoutNetwork
from mlp.nn.max_norm import MaxNorm
from mlp.nn.network import MLP
from mlp.training.parallel.tensor_parallel import Shard
from mlp.training.recipe import Recipe
from mlp.training.step import Step


class ShardDropout(Dropout):
    """Dropout of a share of the units: it leaves out the same ones as dropout of them all.

    Args:
        units: which of the ``width`` units this worker has.
        rate, backend, dtype: see `Dropout`.
        width: the number of units in all workers.
    """

    def __init__(self, units: slice, rate: float, width: int, backend: Backend, dtype: str) -> None:
        super().__init__(rate, width, backend, dtype)
        self.units = units

    def draw(self, rows: int) -> Array:
        """Draw for all units and return the bits of these."""
        return super().draw(rows)[:, self.units]


class ShardDropoutNetwork(DropoutNetwork):
    """A shard with dropout between its layers."""

    def dropout(self, model: MLP, number: int, rate: float) -> Dropout:
        """Make the layer that stands before a linear layer of the shard."""
        assert isinstance(model, Shard)
        device = model.backend, model.dtype
        return ShardDropout(model.rows[number], rate, model.sizes[number], *device)


class ShardMaxNorm(MaxNorm):
    """Max-norm on the weights of a shard: a column's length is taken over all workers' rows.

    Args:
        shard: the shard.
        limit: the longest that a column may be.
    """

    def __init__(self, shard: Shard, limit: float) -> None:
        super().__init__([layer.W for layer in shard.linear], limit, shard.backend)
        self._sums = {i + 1: partial(p.columns, shard.rank) for i, p in shard.pairs.items()}

    def sum_squares(self, number: int, out: Array) -> None:
        """Sum the squares of each column (O,), over all workers where they share the rows."""
        super().sum_squares(number, out)
        if number in self._sums:
            self._sums[number](out, out)


class ShardStep(Step):
    """A step of one worker on its shard.

    Args:
        shard: the shard.
        recipe: the hyperparameters.
    """

    model: Shard

    def __init__(self, shard: Shard, recipe: Recipe) -> None:
        super().__init__(shard, recipe)
        state = self.optimizer.state
        for name, array in state.items():  # shared, so that the next epoch's processes find it
            state[name] = shard.group.zeros(array.shape, array.dtype)

    def make_dropout_network(self, input_rate: float, hidden_rate: float) -> DropoutNetwork:
        """Make the shard with dropout between its layers."""
        return ShardDropoutNetwork(self.model, input_rate, hidden_rate)

    def make_max_norm(self, length: float) -> MaxNorm:
        """Make the max-norm of columns whose rows several workers have."""
        return ShardMaxNorm(self.model, length)
