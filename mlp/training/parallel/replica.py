"""Data parallelism's replica: the same parameters, with gradients and buffers of its own."""

from __future__ import annotations

from backends import Array
from mlp.nn.network import MLP


class NetworkPart(MLP):
    """A network that is built as another is, but whose parameters lie where `allocate` says.

    Args:
        model: the other network.
    """

    def __init__(self, model: MLP) -> None:
        self.model = model
        super().__init__(
            model.sizes,
            model.activation,
            model.output,
            bias=model.bias,
            init=None,
            dtype=model.dtype,
            backend=model.backend,
        )

    def allocate(self, count: int) -> Array:
        """Say where the parameters lie: a flat array of so many."""
        raise NotImplementedError


class Replica(NetworkPart):
    """A network on the parameters of another: each worker computes gradients on one of them."""

    def allocate(self, count: int) -> Array:
        del count  # as many as the other has
        return self.model.parameters
