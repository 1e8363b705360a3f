"""What network to build: all that shapes it but the data's own widths."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from backends import Backend
from mlp.common.errors import UsageError
from mlp.common.option import check_types, option
from mlp.data.task import Kind
from mlp.nn.initializers import INITIALIZERS
from mlp.nn.layers import LAYERS
from mlp.nn.network import DTYPES, MLP

MOST_WEIGHTS = 2**48
"""A petabyte of weights; from 2^60 on, NumPy would not speak of memory any more."""

GROUP = "Network"
"""The heading of these options in the help."""

OUTPUTS = {"quadratic": "sigmoid"}
"""What a loss expects of the last layer, where that is not to leave logits."""


def output_for(loss: str, kind: Kind) -> str:
    """Return the last layer's activation, where none is chosen, for a loss and a kind of task."""
    return "identity" if kind == "regression" else OUTPUTS.get(loss, "identity")


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """The choices that make a network; the defaults are those of ``mlp train``.

    Each field's metadata says what it is; ``mlp train --help`` shows it.

    Raises:
        UsageError: if a value is of another type.
    """

    hidden: tuple[int, ...] = option(
        (256, 128),
        "Widths of the hidden layers, or none.",
        group=GROUP,
        metavar="N,N,…",
    )
    activation: str = option("relu", "What follows each hidden layer", group=GROUP, choices=LAYERS)
    output: str | None = option(
        None, "The last layer's activation; else what the loss expects.", group=GROUP
    )
    bias: bool = option(True, "Whether the layers have biases.", group=GROUP)
    init: str = option("he_normal", "How the weights start", group=GROUP, choices=INITIALIZERS)
    bias_init: str = option("zeros", "The same, for the biases.", group=GROUP)
    dtype: str = option("float32", " or ".join(DTYPES) + ".", group=GROUP)

    def __post_init__(self) -> None:
        check_types(self)

    def build(
        self,
        pixels: int,
        classes: int,
        loss: str,
        seed: int,
        backend: Backend,
        kind: Kind = "multiclass",
    ) -> MLP:
        """Make the network with its initial weights.

        Args:
            pixels: the width of the input.
            classes: the width of the output.
            loss: what it will be trained with; decides the output's activation where none is set.
            seed: of the initial weights.
            backend: the device.
            kind: of the task; see `output_for`.

        Raises:
            UsageError: if a width is not positive or far too large, or a name is unknown.
        """
        sizes = (pixels, *self.hidden, classes)
        if sum(inputs * outputs for inputs, outputs in pairwise(sizes)) > MOST_WEIGHTS:
            raise UsageError(f"no machine can hold layers of the widths {sizes}: take smaller ones")
        return MLP(
            sizes,
            self.activation,
            self.output or output_for(loss, kind),
            bias=self.bias,
            init=self.init,
            bias_init=self.bias_init,
            seed=seed,
            dtype=self.dtype,
            backend=backend,
        )
