"""What network to build: all that shapes it but the data's own widths."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from backends import Backend
from mlp.common.errors import UsageError
from mlp.nn.network import MLP

MOST_WEIGHTS = 2**48
"""A petabyte of weights; from 2^60 on, NumPy would not speak of memory any more."""

OUTPUTS = {"quadratic": "sigmoid"}
"""What a loss expects of the last layer, where that is not to leave logits."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """The choices that make a network; the defaults are those of ``mlp train``.

    Attributes:
        hidden: the width of each hidden layer; empty for none.
        activation: what follows each hidden layer.
        output: what follows the last layer; None for what the loss expects.
        bias: whether the layers have biases.
        init: how the weights start; see `mlp.nn.initializers.draw`.
        bias_init: how the biases start.
        dtype: ``float32`` or ``float64``.
    """

    hidden: tuple[int, ...] = (256, 128)
    activation: str = "relu"
    output: str | None = None
    bias: bool = True
    init: str = "he_normal"
    bias_init: str = "zeros"
    dtype: str = "float32"

    def build(self, pixels: int, classes: int, loss: str, seed: int, backend: Backend) -> MLP:
        """Make the network with its initial weights.

        Args:
            pixels: the width of the input.
            classes: the width of the output.
            loss: what it will be trained with; decides the output's activation where none is set.
            seed: of the initial weights.
            backend: the device.

        Raises:
            UsageError: if a width is not positive or far too large, or a name is unknown.
        """
        sizes = (pixels, *self.hidden, classes)
        if sum(inputs * outputs for inputs, outputs in pairwise(sizes)) > MOST_WEIGHTS:
            raise UsageError(f"no machine can hold layers of the widths {sizes}: take smaller ones")
        return MLP(
            sizes,
            self.activation,
            self.output or OUTPUTS.get(loss, "identity"),
            bias=self.bias,
            init=self.init,
            bias_init=self.bias_init,
            seed=seed,
            dtype=self.dtype,
            backend=backend,
        )
