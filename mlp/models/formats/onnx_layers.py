"""The layers as nodes of ONNX, each by its class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlp.models.formats.layer_forms import LayerForms
from mlp.models.formats.onnx_graph import Graph
from mlp.nn.activations import Identity, LeakyReLU, ReLU, Sigmoid, Tanh
from mlp.nn.batch_norm import BatchNorm
from mlp.nn.layer_norm import LayerNorm
from mlp.nn.smooth import BEND, CUBIC, ELU, GELU, SiLU, Softplus

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


@NODES.register(SiLU)
def silu(graph: Graph, layer: SiLU, x: str) -> str:
    return graph.node("Mul", x, graph.node("Sigmoid", x))


@NODES.register(GELU)
def gelu(graph: Graph, layer: GELU, x: str) -> str:
    squares = graph.node("Mul", graph.node("Mul", x, x), graph.constant(BEND * CUBIC))
    u = graph.node("Mul", x, graph.node("Add", squares, graph.constant(BEND)))
    return graph.node("Mul", x, graph.node("Sigmoid", u))


@NODES.register(ELU)
def elu(graph: Graph, layer: ELU, x: str) -> str:
    return graph.node("Elu", x, alpha=float(layer.alpha))


@NODES.register(Softplus)
def softplus(graph: Graph, layer: Softplus, x: str) -> str:
    return graph.node("Softplus", x)


@NODES.register(LayerNorm)
def layer_norm(graph: Graph, layer: LayerNorm, x: str) -> str:
    gain, shift = graph.constant(layer.gain), graph.constant(layer.shift)
    return graph.node("LayerNormalization", x, gain, shift, epsilon=float(layer.eps))


@NODES.register(BatchNorm)
def batch_norm(graph: Graph, layer: BatchNorm, x: str) -> str:
    arrays = layer.gain, layer.shift, layer.running_mean, layer.running_var
    constants = map(graph.constant, arrays)
    return graph.node("BatchNormalization", x, *constants, epsilon=float(layer.eps))
