"""A network as the page's JavaScript computes it: its layers with their numbers, for JSON.

The scripts read each kind of layer by the name that its form gives here (`static/network.js`).
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import ModelError
from mlp.data.inputs import Pixels
from mlp.handwriting import constants
from mlp.handwriting.recognise import check_input_size
from mlp.models.formats.layer_forms import LayerForms
from mlp.models.metadata import inputs_of, metadata_of, task_of, temperature_of
from mlp.models.quantise import quantise
from mlp.nn.activations import Identity, LeakyReLU, ReLU, Sigmoid, Tanh
from mlp.nn.batch_norm import BatchNorm
from mlp.nn.layer_norm import LayerNorm
from mlp.nn.layers import Linear
from mlp.nn.network import MLP
from mlp.nn.smooth import BEND, CUBIC, ELU, GELU, SiLU, Softplus

Form = dict[str, Any]

FORMS: LayerForms[Callable[[Any], Form]] = LayerForms("the page")
"""Each returns the kind of a layer, and its numbers."""


def network_payload(model: MLP, name: str) -> Form:
    """Collect what the page needs of a network.

    Args:
        model: a network on 28 x 28 pixels.
        name: what the page calls it.

    Returns:
        The layers, in order, each by its form; what its outputs answer; and what is told of it.

    Raises:
        ModelError: if the page cannot hold it: it reads other values than images of 28 x 28
            pixels, estimates numbers, or has a layer that the page has no form of.
    """
    check_page_holds(model)
    task, metadata = task_of(model), metadata_of(model)
    return {
        "name": name,
        "layers": [FORMS.of(layer)(layer) for layer in model.layers],
        "kind": task.kind,
        "names": task.names_of(model.sizes[-1]),
        "logits": model.output == "identity",
        "temperature": temperature_of(model),
        "sizes": model.sizes,
        "activation": model.activation,
        "parameters": int(model.parameters.size),
        "test_accuracy": metadata.test_accuracy,
    }


def check_page_holds(model: MLP) -> None:
    """Refuse a network that reads no images of handwriting, or that the page cannot compute.

    Raises:
        ModelError: see `network_payload`.
    """
    inputs, side = inputs_of(model), constants.MNIST_SIDE
    if not isinstance(inputs, Pixels):
        raise ModelError(
            f"the page reads drawings, but this network reads {len(inputs.names)} columns: "
            "predict with it by mlp predict, or convert it by mlp convert"
        )
    check_input_size(model)
    if inputs.shape not in (None, (side, side)):
        height, width = inputs.shape
        raise ModelError(
            f"the page brings drawings to {side} x {side} pixels, but this network reads images "
            f"of {height} x {width}: use a model that was trained on such images"
        )
    if task_of(model).kind == "regression":
        raise ModelError(
            "the page shows classes or yes and no, but this network answers a regression task: "
            "predict with it by mlp predict, or convert it by mlp convert"
        )
    for layer in model.layers:
        FORMS.of(layer)


def packed(values: NDArray[Any]) -> Form:
    """Pack numbers, exactly as they are, in the narrowest of the floating-point dtypes.

    The first bytes of all come first, then the second of all: those that hold signs and exponents
    are alike and deflate well, while the others do not.

    Returns:
        ``dtype``; ``count``; and ``data``, the bytes deflated and in base 85, which is a fifteenth
        shorter than base 64.
    """
    with np.errstate(over="ignore"):
        narrow = next(
            kept
            for kept in (values.astype(dtype) for dtype in ("float16", "float32", "float64"))
            if np.array_equal(kept, values)
        )
    return _deflated(narrow)


def _deflated(values: NDArray[Any]) -> Form:
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    planes = little.reshape(-1, 1).view(np.uint8).T.tobytes()
    # Weights repeat nothing, so that the best code of single bytes is often the shortest.
    shortest = min((_deflate(planes, how) for how in _STRATEGIES), key=len)
    data = base64.b85encode(shortest).decode("ascii")
    return {"dtype": values.dtype.name, "count": values.size, "data": data}


_STRATEGIES = zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY


def _deflate(content: bytes, strategy: int) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, strategy)
    return deflate.compress(content) + deflate.flush()


@FORMS.register(Linear)
def _linear(layer: Linear) -> Form:
    """The weights in eight bits and scales where these hold them exactly, as in int8 files."""
    form: Form = {"kind": "linear", "inputs": layer.inputs, "outputs": layer.outputs}
    q, scales = quantise(layer.W)
    if layer.W.dtype == np.float32 and np.array_equal(q * scales, layer.W):
        form |= {"W": _deflated(q), "scales": packed(scales)}
    else:
        form["W"] = packed(layer.W)
    if layer.b is not None:
        form["b"] = packed(layer.b)
    return form


@FORMS.register(LayerNorm)
def _layer_norm(layer: LayerNorm) -> Form:
    numbers = {"gain": packed(layer.gain), "shift": packed(layer.shift)}
    return {"kind": "layer_norm", "eps": layer.eps, **numbers}


@FORMS.register(BatchNorm)
def _batch_norm(layer: BatchNorm) -> Form:
    numbers = {name: packed(getattr(layer, name)) for name in layer.starts}
    return {"kind": "batch_norm", "eps": layer.eps, **numbers}


@FORMS.register(LeakyReLU)
def _leaky_relu(layer: LeakyReLU) -> Form:
    return {"kind": "leaky_relu", "slope": layer.slope}


@FORMS.register(ELU)
def _elu(layer: ELU) -> Form:
    return {"kind": "elu", "alpha": layer.alpha}


@FORMS.register(GELU)
def _gelu(layer: GELU) -> Form:  # noqa: ARG001
    return {"kind": "gelu", "bend": BEND, "cubic": BEND * CUBIC}


def _without_numbers(kind: str) -> Callable[[Any], Form]:
    return lambda layer: {"kind": kind}  # noqa: ARG005


for _name, _class in {
    "identity": Identity,
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "silu": SiLU,
    "softplus": Softplus,
}.items():
    FORMS.register(_class)(_without_numbers(_name))
