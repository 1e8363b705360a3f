"""The losses: how wrong a batch of outputs is, and the gradient of that with respect to them.

A loss is a mean over the examples: 1/N is applied in `Loss` and nowhere else. For a micro-batch,
whose gradient is accumulated with others, N is the size of the whole batch, ``total``, so that the
losses and gradients of the parts add up.

Examples may have weights: then the mean is Σ w · value / Σ w over the batch, as in scikit-learn's
``sample_weight`` and in PyTorch's ``cross_entropy(..., weight=...)``, so a weight of 2 counts an
example twice. Without weights nothing is computed for them.

The losses of several networks side by side are these, seen otherwise: see `mlp.nn.by_network`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from backends import Array, Backend, kernel, kernel_of
from mlp.common.errors import UsageError
from mlp.common.registry import Registry
from mlp.nn.buffers import Buffers
from mlp.nn.by_network import add_up

LEAST_WEIGHT = 1e-30
"""The least sum of weights that a loss is divided by, a normal number in float32."""


class Loss:
    """A loss L = 1/N Σ value over a batch of N examples with C outputs each.

    A subclass writes `value`, summed over the examples, and `gradient`, its derivative. With
    weights it is L = Σ w value / Σ w.

    Args:
        classes: C, the width of the network's output.
        backend: the device that it computes on.
        dtype: the dtype of the outputs.

    Attributes:
        smooths: whether targets are probabilities, so that `smooth_labels` makes sense.
        learns: the kinds of tasks that it can be used for; see `mlp.data.task.Task`.
    """

    smooths: ClassVar[bool] = False
    learns: ClassVar[frozenset[str]] = frozenset(
        {"multiclass", "binary", "multilabel", "regression"}
    )

    def __init_subclass__(cls) -> None:
        """Leave what a class has for both to itself, where another value or gradient is derived."""
        if {"value", "gradient"} & vars(cls).keys() and "both" not in vars(cls):
            cls.both = Loss.both  # type: ignore[method-assign]

    def __init__(self, classes: int, backend: Backend, dtype: str) -> None:
        self.xp, self._to_numpy, self._fuse = backend.xp, backend.to_numpy, backend.fuse
        self.buffer = Buffers(backend, dtype)
        self.one_hot = self.xp.eye(classes, dtype=dtype)  # (C, C)
        self._ones = self.xp.ones((classes, 1), dtype=dtype)  # (C, 1)
        self._kept: Array | None = None
        self._weights: Array | None = None
        self.smoothing = 0.0
        self._gradient = backend.fuse(self.scaled_gradient)
        self._both = backend.fuse(self.both) if kernel_of(self.both) else None

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def value(self, xp: Any, outputs: Array, targets: Array, kept: Array, loss: Array) -> None:
        """Write the sum of the examples' losses, by `add_up` or as it does.

        Args:
            xp: the array namespace.
            outputs: what the network said, shape (N, C).
            targets: what it should have said, shape (N, C).
            kept: where to leave what `gradient` can use of the work, shape (N, C).
            loss: where the sum goes, shape (1, 1); or (S, 1) for the sums over the rows 0, S,
                2 S and so on, over 1, S + 1 and so on, …, as `add_up` takes it.
        """
        raise NotImplementedError

    def gradient(self, xp: Any, outputs: Array, targets: Array, kept: Array) -> None:
        """Turn what `value` kept into its derivative with respect to the outputs, in place."""
        raise NotImplementedError

    def weighed(self, xp: Any, terms: Array) -> Array:
        """Return terms of the loss, shape (N, C), times the weights of their examples.

        These are the terms themselves, where the examples have no weights.
        """
        if self._weights is None:
            return terms
        return xp.multiply(terms, self._weights, out=self.buffer("weighed", *terms.shape))

    def add_up(self, xp: Any, terms: Array, factors: Array | None, loss: Array) -> None:
        """Write Σ terms · factors, both (N, C), to a loss of shape (1, 1), or (S, 1): see `value`.

        A term is multiplied by the weight of its example, where there is one. Without factors it is
        Σ terms.
        """
        add_up(xp, self.weighed(xp, terms), factors, loss, self._ones, self.buffer)

    def smooth_labels(self, share: float) -> None:
        """Let training doubt the labels: from now on, t = (1 - share) · t + share · even.

        Source: Szegedy et al., Rethinking the Inception Architecture (2016), section 7.
        """
        self.smoothing = share
        self._smooth = self._fuse(self.smooth)

    def smooth(self, xp: Any, targets: Array, rows: Array) -> None:
        """Write the smoothed rows of targets, both of shape (N, C)."""
        xp.multiply(targets, 1.0 - self.smoothing, out=rows)
        xp.add(rows, self.smoothing * self.even, out=rows)

    @property
    def even(self) -> float:
        """The target of someone who knows nothing: 1/C, as the answers exclude each other."""
        return 1.0 / len(self.one_hot)

    def targets(self, labels: Array) -> Array:
        """Turn integer labels of shape (N,) into target rows (N, C); pass such rows through.

        That the labels are below C is not checked: it would take a wait for the device.
        """
        if labels.ndim == 2:
            return labels
        targets = self.buffer("targets", len(labels), len(self.one_hot))  # (N, C)
        return self.xp.take(self.one_hot, labels, axis=0, out=targets)

    def part(self, rows: Array) -> tuple[Array, Array | None]:
        """Part target rows, (N, C), from the examples' weights, where they have these as well.

        Args:
            rows: shape (N, C), or (N, C + 1) with a last column of weights.

        Returns:
            The targets, shape (N, C); and the weights, shape (N,), or None.
        """
        N, C = len(rows), len(self.one_hot)
        if rows.shape[1] == C:
            return rows, None
        targets, weights = self.buffer("unweighted", N, C), self.buffer("weights", N)
        self.xp.copyto(targets, rows[:, :C])
        self.xp.copyto(weights, rows[:, C])
        return targets, weights

    def forward(
        self,
        outputs: Array,
        labels: Array,
        total: int | Array | None = None,
        out: Array | None = None,
        weights: Array | None = None,
    ) -> Array:
        """Compute the loss; keep what the backward pass needs.

        Args:
            outputs: what the network said, shape (N, C).
            labels: integers below C, shape (N,), or target rows, shape (N, C).
            total: of the batch that this is a micro-batch of: its size, or with weights their
                sum, an array of shape (1, 1). That of these examples unless given.
            out: where the loss goes, shape (1, 1), or as `value` takes it; an array of this loss's
                own unless given.
            weights: of the examples, at least 0, shape (N,), in the dtype of the outputs; alike
                unless given. Where all are 0, so are the loss and its gradient.

        Returns:
            The sum of the examples' losses over ``total``: an array of the shape of ``out``.

        Raises:
            UsageError: if an integer label is not from 0 to C - 1.
        """
        if labels.ndim == 1:  # which waits for the device; training hands over rows, unchecked
            self._check(labels)
        self._outputs, self._targets = outputs, self.targets(labels)  # (N, C)
        if self.smoothing:
            rows = self.buffer("smoothed", *self._targets.shape)
            self._smooth(self._targets, rows)
            self._targets = rows
        self._kept = kept = self.buffer("kept", *outputs.shape)
        loss = self.buffer("loss", 1, 1) if out is None else out
        if weights is None:
            self._weights, self._scale = None, 1.0 / (total or len(outputs))
            if self._both is not None:
                self._both(outputs, self._targets, kept, loss, self._scale)
                return loss
        else:
            self._weights, self._scale = weights.reshape(-1, 1), self._share(weights, total)
        self.value(self.xp, outputs, self._targets, kept, loss)
        return self.xp.multiply(loss, self._scale, out=loss)

    def backward(self) -> Array:
        """Compute the gradient of the latest forward pass with respect to its outputs: (N, C).

        Raises:
            RuntimeError: if there was no forward pass since the last call, which used it up.
        """
        if self._kept is None:
            raise RuntimeError("there is no forward pass to go back through: call forward first")
        doutputs, self._kept = self._kept, None
        if self._both is None or self._weights is not None:
            self._gradient(self._outputs, self._targets, doutputs, self._scale)
        if self._weights is not None:
            self.xp.multiply(doutputs, self._weights, out=doutputs)  # (N, C) · (N, 1)
        return doutputs

    def _share(self, weights: Array, total: int | Array | None) -> Array:
        """1 / Σ w, the share of a weight of 1 in the mean: shape (1, 1)."""
        xp, share = self.xp, self.buffer("share", 1, 1)
        if total is None:
            xp.sum(weights.reshape(1, -1), axis=1, keepdims=True, out=share)
        else:
            xp.copyto(share, total)
        xp.maximum(share, LEAST_WEIGHT, out=share)  # so that weights of 0 make a mean of 0
        return xp.divide(1.0, share, out=share)

    def _check(self, labels: Array) -> None:
        classes, integers = len(self.one_hot), self._to_numpy(labels)
        for label in (int(integers.min()), int(integers.max())):
            if not 0 <= label < classes:
                raise UsageError(
                    f"label {label} is not from 0 to {classes - 1}: correct it, or make the "
                    "network's output as wide as there are classes"
                )

    def scaled_gradient(
        self, xp: Any, outputs: Array, targets: Array, kept: Array, scale: float | Array
    ) -> None:
        """Turn what `value` kept into the gradient of L: `gradient` times 1/N or 1 / Σ w."""
        self.gradient(xp, outputs, targets, kept)
        xp.multiply(kept, scale, out=kept)

    def both(
        self, xp: Any, outputs: Array, targets: Array, kept: Array, loss: Array, scale: float
    ) -> None:
        """Write L, without weights, and at once its gradient to ``kept``.

        What a subclass names a kernel for takes the place of the parts.
        """
        self.value(xp, outputs, targets, kept, loss)
        xp.multiply(loss, scale, out=loss)
        self.scaled_gradient(xp, outputs, targets, kept, scale)


LOSSES: Registry[type[Loss]] = Registry("loss")
"""The losses by name; each is made with C, a backend, a dtype and the numbers of the choice."""


@LOSSES.register("cross_entropy")
class SoftmaxCrossEntropy(Loss):
    """L = -1/N Σ t · log p with p = softmax(z), on logits z, with log-sum-exp.

    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 6.2.2.3.
    """

    smooths = True
    learns = frozenset({"multiclass"})

    @kernel("softmax_cross_entropy")
    def both(
        self, xp: Any, outputs: Array, targets: Array, kept: Array, loss: Array, scale: float
    ) -> None:
        super().both(xp, outputs, targets, kept, loss, scale)

    def value(self, xp: Any, outputs: Array, targets: Array, kept: Array, loss: Array) -> None:
        """-Σ t · (z - log Σ exp z), with the row's maximum taken off z first; keeps p."""
        N, C = outputs.shape
        z, row, p = self.buffer("z", N, C), self.buffer("row", N, 1), kept
        xp.max(outputs, axis=1, keepdims=True, out=row)  # (N, 1)
        xp.subtract(outputs, row, out=z)  # (N, C)
        xp.exp(z, out=p)
        xp.sum(p, axis=1, keepdims=True, out=row)
        xp.divide(p, row, out=p)  # softmax(z)
        xp.log(row, out=row)
        xp.subtract(row, z, out=z)  # -log softmax(z)
        self.add_up(xp, z, targets, loss)  # (1, 1)

    def gradient(self, xp: Any, outputs: Array, targets: Array, kept: Array) -> None:
        """p - t, as each t sums to 1."""
        p = kept
        xp.subtract(p, targets, out=p)  # (N, C)
