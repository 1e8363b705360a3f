"""Data parallelism's replica: the same parameters, with gradients and buffers of its own."""

from __future__ import annotations

from backends import Array
from mlp.nn.layers import Layer
from mlp.nn.network import MLP


class NetworkPart(MLP):
    """A network made after another one, or a part of it.

    Args:
        model: the other network.
    """

    def __init__(self, model: MLP) -> None:
        self.model, self.networks = model, model.networks
        super().__init__(model.sizes, **model.options)


class Replica(NetworkPart):
    """A network that shares the parameters of another, so that a worker can compute gradients."""

    def build(self) -> list[list[Layer]]:
        """Make layers of the other's kinds."""
        return self.model.build()

    def allocate(self, count: int) -> Array:
        del count  # as many as the other has
        return self.model.parameters
