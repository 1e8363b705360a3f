"""``.onnx``: a network for the runtimes of other programs, written without the library of ONNX.

The input is as the data was before it was interpreted, since the scaling is inside:

- ``pixels``, uint8 of shape (N, I), 0 for paper and 255 for ink; or float64, where the model's data
  had another range;
- ``columns``, float64 of shape (N, I), where it reads columns of numbers.

The outputs are

- ``outputs``, float32 of shape (N, C): the network's own, logits unless it ends in an activation;
- ``probabilities``, float32 of shape (N, C): of each class or each yes, at the model's temperature;
- ``answers``: the class of each, int64 of shape (N,); or 1 for yes and 0 for no, uint8 of shape
  (N, L); or numbers in their own units, float64 of shape (N, L), which have no probabilities.

What the outputs stand for is in the model's ``metadata_props``: ``task``, ``names`` (a JSON list),
``positive``, ``inputs``, ``network``. Everything is computed in float32, which all runtimes have.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import numpy as np

from mlp.common.atomic import replacing
from mlp.common.errors import ModelError
from mlp.common.version import package_version
from mlp.data.inputs import Columns
from mlp.data.task import Task
from mlp.models.formats.onnx_graph import Graph
from mlp.models.formats.onnx_layers import NODES
from mlp.models.formats.parameters import on_cpu
from mlp.models.formats.registry import FORMATS, Export
from mlp.models.metadata import inputs_of, task_of, temperature_of
from mlp.models.quantise import quantise
from mlp.nn.layers import Linear
from mlp.nn.network import MLP

BYTE = np.float32(1 / 255)
"""What the bytes of pixels are multiplied by."""

MOST_BYTES = 2**31 - 1
"""Of a file: protocol buffers hold no more."""


@FORMATS.register("onnx")
class Onnx(Export):
    """The network of float32 weights; a float64 network is rounded to that."""

    title = "an ONNX file"
    endings = (".onnx",)
    int8: ClassVar[bool] = False

    def write(self, model: MLP, path: Path) -> None:
        host, task, graph = on_cpu(model, "float32"), task_of(model), Graph()
        outputs = _add_layers(graph, host, self.int8, _add_inputs(graph, model))
        _add_answers(graph, model, task, outputs)
        texts = {
            "task": task.kind,
            "names": json.dumps(task.names_of(model.sizes[-1])),
            "positive": json.dumps(task.positive),
            "inputs": json.dumps(inputs_of(model).to_json()),
            "network": repr(model),
        }
        content = graph.encode("network", "mlp-digits", package_version(), texts)
        if len(content) > MOST_BYTES:
            raise ModelError(
                f"the network needs {len(content):,} bytes, but an ONNX file holds at most "
                f"{MOST_BYTES:,}: write another format, or --to onnx-int8"
            )
        with replacing(path) as file:
            file.write(content)


@FORMATS.register("onnx-int8")
class OnnxInt8(Onnx):
    """Weights of eight bits, see `mlp.models.quantise`; the computation is in float32."""

    int8 = True


def _add_inputs(graph: Graph, model: MLP) -> str:
    """Declare the input, and scale it as `Inputs.apply` and `Batches` do."""
    inputs = inputs_of(model)
    shape: list[int | str] = ["N", model.sizes[0]]
    if isinstance(inputs, Columns):
        given = graph.input("columns", "float64", shape)
        centred = graph.node("Sub", given, graph.constant(inputs.mean, "float64"))
        scaled = graph.node("Div", centred, graph.constant(inputs.deviation, "float64"))
        x = graph.cast(scaled, "float32")
        if not inputs.fill:
            return x
        return graph.node("Where", graph.node("IsNaN", x), graph.constant(0.0), x)
    if inputs.is_plain:
        pixels = graph.input("pixels", "uint8", shape)
    else:
        given = graph.input("pixels", "float64", shape)
        shifted = graph.node("Sub", given, graph.constant(inputs.low, "float64"))
        factor = graph.constant(255.0 / (inputs.high - inputs.low), "float64")
        pixels = graph.node("Round", graph.node("Mul", shifted, factor))
    return graph.node("Mul", graph.cast(pixels, "float32"), graph.constant(BYTE))


def _add_layers(graph: Graph, model: MLP, int8: bool, x: str) -> str:
    for layer in model.layers:
        if not isinstance(layer, Linear):
            x = NODES.of(layer)(graph, layer, x)
            continue
        if int8:
            q, scale = quantise(layer.W)
            stored = graph.constant(q, "int8"), graph.constant(scale)
            weights = graph.node("DequantizeLinear", *stored, axis=1)
        else:
            weights = graph.constant(layer.W)
        biases = [] if layer.b is None else [graph.constant(layer.b)]
        x = graph.node("Gemm", x, weights, *biases)
    return x


def _add_answers(graph: Graph, model: MLP, task: Task, outputs: str) -> None:
    """Declare the outputs; see `mlp.data.task.Task.decide` and `Task.probabilities`."""
    logits, classes = model.output == "identity", model.sizes[-1]
    T = temperature_of(model)
    graph.output(outputs, "outputs", "float32", ["N", classes])
    if task.kind == "regression":
        deviation, mean = (graph.constant(v, "float64") for v in (task.deviation, task.mean))
        scaled = graph.node("Mul", graph.cast(outputs, "float64"), deviation)
        graph.output(graph.node("Add", scaled, mean), "answers", "float64", ["N", classes])
        return
    probabilities = _probabilities(graph, task, logits, T, outputs)
    graph.output(probabilities, "probabilities", "float32", ["N", classes])
    if task.kind == "multiclass":
        answers = graph.node("ArgMax", outputs, axis=1, keepdims=0)
        graph.output(answers, "answers", "int64", ["N"])
    else:
        above = graph.node("Greater", outputs, graph.constant(0.0 if logits else 0.5))
        graph.output(graph.cast(above, "uint8"), "answers", "uint8", ["N", classes])


def _probabilities(graph: Graph, task: Task, logits: bool, T: float, outputs: str) -> str:
    def power(x: str) -> str:
        return x if T == 1.0 else graph.node("Pow", x, graph.constant(1.0 / T))

    if logits:
        function = "Softmax" if task.kind == "multiclass" else "Sigmoid"
        tempered = graph.node("Div", outputs, graph.constant(T))
        return graph.node(function, tempered)  # the softmax of the last axis
    if task.kind == "multiclass":
        values = power(graph.node("Relu", outputs))
        sums = graph.node("ReduceSum", values, graph.constant([1], "int64"), keepdims=1)
        least = graph.constant(np.finfo(np.float32).tiny)
        return graph.node("Div", values, graph.node("Max", sums, least))
    yes, no = power(outputs), power(graph.node("Sub", graph.constant(1.0), outputs))
    return graph.node("Div", yes, graph.node("Add", yes, no))
