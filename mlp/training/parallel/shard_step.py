"""The training step of a worker on its shards; dropout, max-norm and a state that suit shards."""

from __future__ import annotations

from collections.abc import Sequence

from backends import Array, Backend
from mlp.nn.dropout import Dropout, DropoutNetwork
from mlp.nn.max_norm import MaxNorm
from mlp.nn.network import MLP
from mlp.training.parallel.all_reduce import Share
from mlp.training.parallel.tensor_parallel import Shard, join_shards
from mlp.training.step import Step


class ShardDropout(Dropout):
    """Dropout of a share of the units: it leaves out the same ones as dropout of them all.

    Args:
        units: which of the ``width`` units this shard has.
        p, backend, dtype: see `Dropout`.
        width: the number of units in all shards.
    """

    def __init__(self, units: slice, p: float, width: int, backend: Backend, dtype: str) -> None:
        super().__init__(p, width, backend, dtype)
        self.units = units

    def draw(self, rows: int) -> Array:
        """Draw for all units and return the bits of these."""
        return super().draw(rows)[:, self.units]


class ShardDropoutNetwork(DropoutNetwork):
    """A shard with dropout between its layers."""

    def dropout(self, model: MLP, number: int, p: float) -> Dropout:
        """Make the layer that stands before a linear layer of the shard."""
        assert isinstance(model, Shard)
        device = model.backend, model.dtype
        return ShardDropout(model.rows[number], p, model.sizes[number], *device)


class ShardMaxNorm(MaxNorm):
    """Max-norm on the weights of a shard: a column's length is taken over all shards' rows.

    Args:
        shard: the shard.
        limit: the longest that a column may be.

    Attributes:
        sums: of the squares of the columns of a matrix whose rows the shards share, over all of
            them (O,), by the matrix's number; this shard's own until `apply`.
    """

    def __init__(self, shard: Shard, limit: float) -> None:
        super().__init__([layer.W for layer in shard.linear], limit, shard.backend)
        self.sums = {i + 1: self.xp.empty_like(self.norms[i + 1]) for i in shard.pairs}

    def begin(self) -> None:
        """Sum the squares of this shard's rows."""
        for number, own in self.sums.items():
            super().sum_squares(number, own)

    def sum_squares(self, number: int, out: Array) -> None:
        """Sum the squares of each column (O,), over all shards where they share the rows."""
        if number in self.sums:
            self.xp.copyto(out, self.sums[number])
        else:
            super().sum_squares(number, out)


class ShardStep(Step):
    """A step of one shard, which is not computed alone: see `WorkerStep`.

    Args:
        shard: the shard.
        recipe: the hyperparameters.
    """

    model: Shard
    max_norm: ShardMaxNorm | None

    def make_dropout_network(self, input_p: float, hidden_p: float) -> DropoutNetwork:
        """Make the shard with dropout between its layers."""
        return ShardDropoutNetwork(self.model, input_p, hidden_p)

    def make_max_norm(self, length: float) -> MaxNorm:
        """Make the max-norm of columns whose rows several shards have."""
        return ShardMaxNorm(self.model, length)


class WorkerStep:
    """The step of a worker: those of its shards, side by side.

    Args:
        steps: of its shards.
        share: which these are.

    Attributes:
        criterion: the loss.
    """

    def __init__(self, steps: Sequence[ShardStep], share: Share) -> None:
        self.steps, self.share, self.criterion = steps, share, steps[0].criterion
        self._network = join_shards([step.network for step in steps], share)

    def start_span(self) -> None:
        """Begin a span of updates, after a barrier."""
        for pair in self.steps[0].model.pairs.values():
            for all_reduce in pair:
                all_reduce.start(self.share.worker)

    def gradient(self, x: Array, targets: Array, out: Array) -> None:
        """Compute the gradients of all its shards; see `Step.gradient`."""
        self.steps[0].gradient(x, targets, out=out, network=self._network)

    def update(self, lr: Array) -> None:
        """Let the optimizers change the parameters of all its shards; see `Step.update`."""
        for step in self.steps:
            step.descend(lr)
        norms = [step.max_norm for step in self.steps if step.max_norm is not None]
        for norm in norms:
            norm.begin()
        for number in norms[0].sums if norms else ():
            own = [norm.sums[number] for norm in norms]
            columns = self.steps[0].model.pairs[number - 1].columns
            total = columns(self.share, own, norms[0].norms[number])
            for norm in norms:
                norm.xp.copyto(norm.sums[number], total)
        for step in self.steps:
            step.restrain()
