"""Networks of one shape side by side: the same layers, each as wide as those of all together.

The S networks' W stand side by side as the columns of one matrix, (I, S·O), and so do their b, and
their outputs: a row of y, (N, S·O), has those of every network for one example. Then

- an elementwise layer is one call on all of it, as in a network of its own;
- a first layer whose x, (N, I), is the same for all is one product, x W, of S·O columns: `Linear`;
- a layer whose x is each network's own, (N, S·I), is S products, y_s = x_s W_s: `BlockDiagonal`,
  as the matrix that made y from x would be, of which only the blocks are kept;
- an update moves all parameters at once, as they are one flat array.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from backends import Array
from mlp.nn.by_network import by_network
from mlp.nn.layers import Layer, Linear, Shape
from mlp.nn.losses import Loss
from mlp.nn.network import MLP


class BlockDiagonal(Linear):
    """y_s = x_s W_s + b_s of S networks, with W of shape (I, S·O) and b of shape (S·O,).

    Args:
        networks: S.
        *linear: those of `Linear`, of one network.
        **options: the same.
    """

    def __init__(self, networks: int, *linear: object, **options: bool) -> None:
        super().__init__(*linear, **options)  # type: ignore[arg-type]  # as Linear takes them
        self.networks = networks

    def __repr__(self) -> str:
        return f"BlockDiagonal({self.networks}, {super().__repr__()})"

    def shapes(self, width: int) -> dict[str, Shape]:
        """W, and b where there is one, those of all networks side by side."""
        return {
            name: (*shape[:-1], self.networks * shape[-1])
            for name, shape in super().shapes(width).items()
        }

    def each(self, a: Array) -> Array:
        """View (rows, S·width) as S matrices, one for each network: (S, rows, width)."""
        return a.reshape(len(a), self.networks, a.shape[1] // self.networks).swapaxes(0, 1)

    def forward(self, x: Array) -> Array:
        """y_s = x_s W_s + b_s."""
        self.x = x  # (N, S·I)
        y = self.buffer("y", len(x), self.networks * self.outputs)  # (N, S·O)
        self.xp.matmul(self.each(x), self.each(self.W), out=self.each(y))
        if self.bias:
            self.xp.add(y, self.b, out=y)
        return y

    def backward(self, dy: Array) -> Array | None:
        """db = the column sums of dy, dW_s = x_sᵀ dy_s, dx_s = dy_s W_sᵀ."""
        if self.bias:
            self.xp.sum(dy, axis=0, out=self.db)  # (S·O,)
        dy_s, W_s = self.each(dy), self.each(self.W)  # (S, N, O), (S, I, O)
        self.xp.matmul(self.each(self.x).swapaxes(1, 2), dy_s, out=self.each(self.dW))
        if not self.needs_dx:
            return None
        dx = self.buffer("dx", len(dy), self.networks * self.inputs)  # (N, S·I)
        self.xp.matmul(dy_s, W_s.swapaxes(1, 2), out=self.each(dx))
        return dx


class Stack(MLP):
    """Networks of one shape side by side, that compute and learn as one.

    Args:
        models: the networks, of the same sizes, layers, dtype and device; their parameters are
            copied. Every layer must be a linear one or elementwise.
        shares_x: whether an example is the same for all, x of shape (N, I); else each has its own,
            x of shape (N, S·I).
        like: a stack of the same networks whose parameters this one has, in place of a copy.

    Attributes:
        networks: S, how many there are.
        sizes: the widths of all together.
    """

    def __init__(self, models: Sequence[MLP], *, shares_x: bool, like: Stack | None = None) -> None:
        first = models[0]
        self.networks, self.models, self.shares_x = len(models), models, shares_x
        self._like = like
        super().__init__(
            [first.sizes[0] * (1 if shares_x else self.networks), *self._widths(first)],
            **first.options,
        )
        self.metadata = first.metadata
        if like is None:
            self._take()

    def build(self) -> list[list[Layer]]:
        """Make the layers: the first is one product where x is shared, the others are S each."""
        blocks = []
        for number, block in enumerate(self.models[0].build()):
            linear, *others = block
            assert isinstance(linear, Linear)
            blocks.append([self._widened(linear, number), *others])
        return blocks

    def sharing_x(self) -> Stack:
        """Return a stack with these parameters that reads examples which are alike for all."""
        return self if self.shares_x else Stack(self.models, shares_x=True, like=self)

    def allocate(self, count: int) -> Array:
        """Make the flat array of the parameters, or take that of the other stack."""
        return super().allocate(count) if self._like is None else self._like.parameters

    def give_back(self, numbers: Iterable[int], flat: Array | None = None) -> None:
        """Copy the parameters of some networks to the models that they came from.

        Args:
            numbers: which networks, counted from 0.
            flat: parameters laid out as the stack's, shape (P,); its own unless given.
        """
        host = self.backend.to_numpy(self.parameters if flat is None else flat)  # (P,)
        for number in numbers:
            model = self.models[number]
            own = self.backend.to_numpy(model.parameters).copy()
            for whole, part in self._pairs(host, model, own):
                part[...] = whole.reshape(*whole.shape[:-1], self.networks, -1)[..., number, :]
            self.backend.xp.copyto(model.parameters, self.backend.asarray(own))

    def are_finite(self) -> Array:
        """Tell of each network whether all of its parameters are finite: on the host, shape (S,).

        Only then is the sum of 0 times each 0. The sums are read at once.
        """
        xp, sound = self.backend.xp, True
        zeros = xp.zeros_like(self.parameters)  # (P,)
        xp.multiply(self.parameters, 0.0, out=zeros)
        parts = [self.view(zeros, layer, name) for layer in self.linear for name in layer.shapes(0)]
        rows = [part.reshape(-1, part.shape[-1]) for part in parts]  # (I, S·O), or (1, S·O)
        sums = xp.zeros(sum(part.shape[1] for part in rows), dtype=self.dtype)
        end = 0
        for part in rows:
            end += part.shape[1]
            xp.sum(part, axis=0, out=sums[end - part.shape[1] : end])
        told = self.backend.to_numpy(sums)
        for part in rows:
            own, told = told[: part.shape[1]], told[part.shape[1] :]
            sound = sound & (own.reshape(self.networks, -1) == 0.0).all(axis=1)  # of (S, O)
        return sound

    def _take(self) -> None:
        """Copy the parameters of all networks, on the host, into those of the stack."""
        host = self.backend.to_numpy(self.parameters).copy()
        for number, model in enumerate(self.models):
            for whole, part in self._pairs(host, model, self.backend.to_numpy(model.parameters)):
                whole.reshape(*whole.shape[:-1], self.networks, -1)[..., number, :] = part
        self.backend.xp.copyto(self.parameters, self.backend.asarray(host))

    def _pairs(self, host: Array, model: MLP, own: Array) -> Iterator[tuple[Array, Array]]:
        """Yield each parameter of the stack and of one network, as views of flat host arrays."""
        for wide, narrow in zip(self.linear, model.linear, strict=True):
            for name in narrow.shapes(0):
                yield self.view(host, wide, name), model.view(own, narrow, name)

    def _widths(self, model: MLP) -> list[int]:
        return [self.networks * size for size in model.sizes[1:]]

    def _widened(self, linear: Linear, number: int) -> Linear:
        """Return the layer of all networks for that of one."""
        inputs, outputs, options = linear.inputs, linear.outputs, {"bias": linear.bias}
        options["needs_dx"] = number > 0
        if number == 0 and self.shares_x:
            return Linear(inputs, self.networks * outputs, self.backend, self.dtype, **options)
        return BlockDiagonal(self.networks, inputs, outputs, self.backend, self.dtype, **options)


class LossByNetwork:
    """The loss of each of S networks side by side, as `mlp.nn.losses.Loss` is that of one.

    Args:
        loss: of one network.
        networks: S.
    """

    def __init__(self, loss: Loss, networks: int) -> None:
        self.loss, self.networks, self.buffer = loss, networks, loss.buffer

    def targets(self, labels: Array) -> Array:
        """Turn labels into target rows.

        Args:
            labels: integers of shape (N,) for all networks, or (N, S), where each has its own; or
                target rows, which are passed through.

        Returns:
            Rows of shape (N, C) for all networks, or (N, S·C).
        """
        if labels.dtype.kind == "f":
            return labels
        return self.loss.targets(labels.reshape(-1)).reshape(len(labels), -1)

    def part(self, rows: Array) -> tuple[Array, None]:
        """Return target rows, and no weights, which examples of several networks have not."""
        return rows, None

    def forward(
        self,
        outputs: Array,
        labels: Array,
        total: int | Array | None = None,
        out: Array | None = None,
        weights: Array | None = None,
    ) -> Array:
        """Compute the losses: see `Loss.forward`.

        Args:
            outputs: shape (N, S·C).
            labels: what `targets` takes.
            total: the size of the batch that this is a micro-batch of; N unless given.
            out: where the losses go, shape (S, 1).
            weights: not used, as no training of several networks has them.

        Returns:
            The losses, shape (S, 1).
        """
        del weights
        rows = by_network(outputs, self.targets(labels), self.networks, self.buffer)  # (N·S, C)
        losses = self.buffer("losses", self.networks, 1) if out is None else out
        return self.loss.forward(*rows, total or len(outputs), losses)

    def backward(self) -> Array:
        """Compute the gradient of each loss with respect to its outputs: shape (N, S·C)."""
        doutputs = self.loss.backward()  # (N·S, C)
        return doutputs.reshape(-1, self.networks * doutputs.shape[1])
