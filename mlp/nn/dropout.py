"""Dropout: in training, each unit is left out at random from each example.

Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: A Simple Way to
Prevent Neural Networks from Overfitting (2014), section 10: in the form that scales in training,
so that the trained network is used as it is.
"""

from __future__ import annotations

from backends import Array, Backend
from mlp.common.rng import generator
from mlp.nn.counter_rng import RandomBits
from mlp.nn.layers import Chain, Layer, Linear
from mlp.nn.network import MLP


class Dropout(Layer):
    """y = x · m, with m anew at each pass: 0 with probability p, otherwise 1 / (1 - p).

    Args:
        p: from 0 to below 1.
        width: O, the number of units.
        backend: the device that it computes on.
        dtype: ``"float32"`` or ``"float64"``.
    """

    def __init__(self, p: float, width: int, backend: Backend, dtype: str) -> None:
        super().__init__(backend, dtype)
        self.p, self.width = p, width
        self.bits = RandomBits(backend)

    def __repr__(self) -> str:
        return f"Dropout({self.p})"

    def draw(self, rows: int) -> Array:
        """Return 32 random bits for each unit of each example, shape (N, O)."""
        return self.bits.draw(rows, self.width)

    def forward(self, x: Array) -> Array:
        """y = x · m."""
        xp, bits = self.xp, self.draw(len(x))  # (N, O)
        self.mask, y = self.buffer("mask", *x.shape), self.buffer("y", *x.shape)  # (N, O)
        xp.greater_equal(bits, round(self.p * 2**32), out=self.mask)
        xp.multiply(self.mask, 1.0 / (1.0 - self.p), out=self.mask)
        return xp.multiply(x, self.mask, out=y)

    def backward(self, dy: Array) -> Array:
        """dx = dy · m."""
        return self.xp.multiply(dy, self.mask, out=self.buffer("dx", *dy.shape))  # (N, O)


class DropoutNetwork(Chain):
    """A network with dropout before its first layer and after its hidden layers, for training.

    The other layers are the network's own, as they are in training: training them here trains the
    network itself.

    Args:
        model: the network.
        input_p: the fraction of its inputs to leave out.
        hidden_p: the fraction of each hidden layer's units to leave out.
    """

    def __init__(self, model: MLP, input_p: float, hidden_p: float) -> None:
        self.layers, self.dropouts = [], []
        for number, block in enumerate(model.blocks):
            dropout = self.dropout(model, number, hidden_p if number else input_p)
            self.dropouts.append(dropout)
            for layer in block:
                if isinstance(layer, Linear) and dropout.p:
                    self.layers.append(dropout)
                self.layers.append(layer.in_training())

    def dropout(self, model: MLP, number: int, p: float) -> Dropout:
        """Make the dropout before a linear layer, which is counted from 0."""
        return Dropout(p, model.sizes[number], model.backend, model.dtype)

    def start_epoch(self, seed: int, epoch: int) -> None:
        """Start the masks of an epoch; they do not depend on what was drawn before."""
        self._keys = generator(seed, f"dropout of epoch {epoch}").integers(
            2**32, size=len(self.dropouts)
        )
        self.seek(0)

    def seek(self, first: int) -> None:
        """Go to the masks of an image, by its place in the epoch's order."""
        for dropout, key in zip(self.dropouts, self._keys, strict=True):
            dropout.bits.seek(int(key) + first * dropout.width)
