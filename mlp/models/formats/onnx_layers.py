"""The layers as nodes of ONNX, each by its class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlp.models.formats.layer_forms import LayerForms
from mlp.models.formats.onnx_graph import Graph
from mlp.nn.activations import Identity, LeakyReLU, ReLU, Sigmoid, Tanh

NODES: LayerForms[Callable[[Graph, Any, str], str]] = LayerForms("ONNX")
"""Each adds the nodes of a layer that follows a linear one, and returns the name of its output."""


@NODES.register(Identity)
def identity(graph: Graph, layer: Identity, x: str) -> str:
    return x


@NODES.register(ReLU)
def relu(graph: Graph, layer: ReLU, x: str) -> str:
    return graph.node("Relu", x)


@NODES.register(LeakyReLU)
def leaky_relu(graph: Graph, layer: LeakyReLU, x: str) -> str:
    return graph.node("LeakyRelu", x, alpha=float(layer.slope))


@NODES.register(Sigmoid)
def sigmoid(graph: Graph, layer: Sigmoid, x: str) -> str:
    return graph.node("Sigmoid", x)


@NODES.register(Tanh)
def tanh(graph: Graph, layer: Tanh, x: str) -> str:
    return graph.node("Tanh", x)
