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
        rate: p, from 0 to below 1.
        width: how many units there are.
        backend: the device that it computes on.
        dtype: ``"float32"`` or ``"float64"``.
        units: which of them x has; all unless given.
    """

    def __init__(
        self,
        rate: float,
        width: int,
        backend: Backend,
        dtype: str,
        units: slice = slice(None),
    ) -> None:
        super().__init__(backend, dtype)
        self.rate, self.width, self.units = rate, width, units
        self.bits = RandomBits(backend)

    def __repr__(self) -> str:
        return f"Dropout({self.rate})"

    def forward(self, x: Array) -> Array:
        """y = x · m."""
        xp = self.xp
        bits = self.bits.draw(len(x), self.width)[:, self.units]  # the same in a shard as in all
        self.mask, y = self.buffer("mask", *x.shape), self.buffer("y", *x.shape)  # as x
        xp.greater_equal(bits, round(self.rate * 2**32), out=self.mask)
        xp.multiply(self.mask, 1.0 / (1.0 - self.rate), out=self.mask)
        return xp.multiply(x, self.mask, out=y)

    def backward(self, dy: Array) -> Array:
        """dx = dy · m."""
        return self.xp.multiply(dy, self.mask, out=self.buffer("dx", *dy.shape))


class Thinned(Chain):
    """A network with dropout before its first layer and after its hidden layers, for training.

    The other layers are the network's own: what they learn here, it has learnt.

    Args:
        model: the network.
        input_rate: the share of its inputs that is left out.
        hidden_rate: the share of the units of each hidden layer that is left out.
    """

    def __init__(self, model: MLP, input_rate: float, hidden_rate: float) -> None:
        rates = (input_rate, *(hidden_rate for _ in model.sizes[1:-1]))
        self.dropouts = [
            Dropout(rate, width, model.backend, model.dtype, rows)
            for rate, width, (rows, _) in zip(rates, model.sizes[:-1], model.parts, strict=True)
        ]
        self.layers, dropouts = [], iter(self.dropouts)
        for layer in model.layers:
            if isinstance(layer, Linear) and (dropout := next(dropouts)).rate:
                self.layers.append(dropout)
            self.layers.append(layer)

    def begin(self, seed: int, epoch: int) -> None:
        """Start the masks of an epoch, which are the same whatever was drawn before."""
        self._keys = generator(seed, f"dropout of epoch {epoch}").integers(
            2**32, size=len(self.dropouts)
        )
        self.seek(0)

    def seek(self, first: int) -> None:
        """Go to the masks of the epoch's images from the given one on."""
        for dropout, key in zip(self.dropouts, self._keys, strict=True):
            dropout.bits.seek(int(key) + first * dropout.width)
