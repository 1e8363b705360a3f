"""The losses: how wrong a batch of outputs is, and the gradient of that with respect to them.

A loss is a mean over the examples: 1/N is applied here and nowhere else. Where a batch comes in
pieces, ``total`` is the size of the whole batch, so that losses and gradients of pieces add up.
"""

from __future__ import annotations

from typing import Any

from backends import Array, Backend, kernel
from mlp.nn.accuracy import Hits
from mlp.nn.activations import LeakyReLU
from mlp.nn.buffers import Buffers


class Loss:
    """A loss over a batch of C outputs an example.

    Args:
        classes: C, the width of the network's output.
        backend: the device that it computes on.
        dtype: the dtype of the outputs.

    Attributes:
        hits: where forward passes count what is read right; None where they do not.
    """

    hits: Hits | None = None

    def __init__(self, classes: int, backend: Backend, dtype: str) -> None:
        self.xp = backend.xp
        self.buffer = Buffers(backend, dtype)
        self.one_hot = self.xp.eye(classes, dtype=dtype)  # (C, C)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def targets(self, labels: Array) -> Array:
        """Turn integer labels of shape (N,) into target rows (N, C); pass such rows through."""
        if labels.ndim == 2:
            return labels
        t = self.buffer("t", len(labels), len(self.one_hot))  # (N, C)
        return self.xp.take(self.one_hot, labels, axis=0, out=t)

    def forward(self, outputs: Array, labels: Array, total: int | None = None) -> Array:
        """Compute the loss; keep what the backward pass needs.

        Args:
            outputs: what the network said, shape (N, C).
            labels: integers below C, shape (N,), or target rows, shape (N, C).
            total: the size of the batch that this is a piece of; N unless given.

        Returns:
            The sum of the examples' losses over ``total``: an array of shape (1, 1).
        """
        raise NotImplementedError

    def backward(self) -> Array:
        """Compute the gradient of the latest forward pass with respect to its outputs: (N, C)."""
        raise NotImplementedError


class SoftmaxCrossEntropy(Loss):
    """L = -1/N Σ t · log softmax(z), on logits z, with log-sum-exp.

    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 6.2.2.3.
    """

    def __init__(self, classes: int, backend: Backend, dtype: str) -> None:
        super().__init__(classes, backend, dtype)
        self._loss_and_gradient = backend.fuse(self.loss_and_gradient)

    @staticmethod
    @kernel("softmax_cross_entropy")
    def loss_and_gradient(
        xp: Any,
        logits: Array,
        t: Array,
        scale: float,
        z: Array,
        row: Array,
        loss: Array,
        dlogits: Array,
        *hits: Array,
    ) -> None:
        """Write the loss and its gradient, which share the softmax; z and row are scratch.

        L = -1/N Σ t · (z - log Σ exp z), with the row's maximum taken off z first, and
        dL/dz = (softmax(z) - t) / N, as each t sums to 1. Count hits where they are given.
        """
        xp.max(logits, axis=1, keepdims=True, out=row)  # (N, 1)
        xp.subtract(logits, row, out=z)  # (N, C)
        xp.exp(z, out=dlogits)
        xp.sum(dlogits, axis=1, keepdims=True, out=row)
        xp.divide(dlogits, row, out=dlogits)  # softmax(z)
        xp.log(row, out=row)
        xp.subtract(z, row, out=z)  # log softmax(z)
        xp.matmul(z.reshape(1, -1), t.reshape(-1, 1), out=loss)  # Σ t · log softmax(z)
        xp.multiply(loss, -scale, out=loss)  # (1, 1)
        xp.subtract(dlogits, t, out=dlogits)
        xp.multiply(dlogits, scale, out=dlogits)  # (N, C)
        if hits:
            Hits.count(xp, logits, t, *hits)

    def forward(self, outputs: Array, labels: Array, total: int | None = None) -> Array:
        """L, and on the way its gradient."""
        self.logits, self.t = outputs, self.targets(labels)  # (N, C)
        N, C = outputs.shape
        self.scale = 1.0 / (total or N)
        z, row = self.buffer("z", N, C), self.buffer("row", N, 1)
        loss, self.dlogits = self.buffer("loss", 1, 1), self.buffer("dlogits", N, C)
        hits = () if self.hits is None else self.hits.arrays(N, C)
        self._loss_and_gradient(outputs, self.t, self.scale, z, row, loss, self.dlogits, *hits)
        return loss

    def backward(self) -> Array:
        """dL/dz, as the forward pass left it."""
        return self.dlogits


class Quadratic(Loss):
    """L = 1/N Σ ½ (a - t)², on the activations a of the last layer.

    Source: Nielsen, Neural Networks and Deep Learning (2015), equation 6.
    """

    def forward(self, outputs: Array, labels: Array, total: int | None = None) -> Array:
        """L = 1/N Σ ½ (a - t)²."""
        xp, a = self.xp, outputs  # (N, C)
        N, C = a.shape
        self.scale = 1.0 / (total or N)
        self.error = self.buffer("error", N, C)  # (N, C)
        loss, t = self.buffer("loss", 1, 1), self.targets(labels)
        if self.hits is not None:
            self.hits.add(a, t)
        xp.subtract(a, t, out=self.error)
        flat = self.error.reshape(1, -1)  # (1, N C)
        xp.matmul(flat, flat.T, out=loss)
        return xp.multiply(loss, 0.5 * self.scale, out=loss)

    def backward(self) -> Array:
        """dL/da = (a - t) / N."""
        da = self.buffer("da", *self.error.shape)  # (N, C)
        return self.xp.multiply(self.error, self.scale, out=da)


class BinaryCrossEntropy(Loss):
    """L = -1/N Σ [t log σ(z) + (1 - t) log (1 - σ(z))], on logits z: C yes-or-no questions.

    A single label is asked as one question a class. Source for the stable form: TensorFlow's
    ``sigmoid_cross_entropy_with_logits``, max(z, 0) - z t + log(1 + exp(-|z|)).
    """

    def forward(self, outputs: Array, labels: Array, total: int | None = None) -> Array:
        """L = 1/N Σ [max(z, 0) - z t + log(1 + exp(-|z|))]."""
        xp, self.logits = self.xp, outputs  # (N, C)
        N, C = outputs.shape
        self.scale = 1.0 / (total or N)
        self.t = self.targets(labels)  # (N, C)
        tail, term = self.buffer("tail", N, C), self.buffer("term", N, C)  # (N, C)
        loss = self.buffer("loss", 1, 1)
        if self.hits is not None:
            self.hits.add(outputs, self.t)
        xp.absolute(outputs, out=tail)
        xp.negative(tail, out=tail)
        xp.exp(tail, out=tail)
        xp.log1p(tail, out=tail)  # log(1 + exp(-|z|))
        xp.maximum(outputs, 0.0, out=term)
        xp.add(tail, term, out=tail)
        xp.multiply(outputs, self.t, out=term)
        xp.subtract(tail, term, out=tail)
        xp.sum(tail, out=loss.reshape(()))
        return xp.multiply(loss, self.scale, out=loss)

    def backward(self) -> Array:
        """dL/dz = (σ(z) - t) / N, with σ(z) = (1 + tanh(z / 2)) / 2."""
        xp, dlogits = self.xp, self.buffer("dlogits", *self.t.shape)  # (N, C)
        xp.multiply(self.logits, 0.5, out=dlogits)
        xp.tanh(dlogits, out=dlogits)
        xp.multiply(dlogits, 0.5, out=dlogits)
        xp.add(dlogits, 0.5, out=dlogits)
        xp.subtract(dlogits, self.t, out=dlogits)
        return xp.multiply(dlogits, self.scale, out=dlogits)


class LogitError(SoftmaxCrossEntropy):
    """A published defect: it tells the cross-entropy and descends a squared error on the logits.

    Where softmax(z) - t belongs, the program that this comes from has (z - t) · f'(z), with f the
    leaky ReLU. Its loss therefore stalls near ln(e + 9) - 1 = 1.4612, the cross-entropy of logits
    that equal their one-hot targets, while its accuracy goes on rising. Kept to reproduce it.
    """

    def backward(self) -> Array:
        """(z - t) · f'(z) / N, with f the leaky ReLU: not the gradient of L."""
        xp, shape = self.xp, self.logits.shape
        error, dlogits = self.buffer("error", *shape), self.buffer("dlogits", *shape)  # (N, C)
        xp.subtract(self.logits, self.t, out=error)
        LeakyReLU.gradient(xp, error, self.logits, dlogits)
        return xp.multiply(dlogits, self.scale, out=dlogits)


LOSSES: dict[str, type[Loss]] = {
    "cross_entropy": SoftmaxCrossEntropy,
    "quadratic": Quadratic,
    "binary_cross_entropy": BinaryCrossEntropy,
    "logit_error": LogitError,
}
