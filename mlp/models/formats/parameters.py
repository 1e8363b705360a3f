"""A network's weights and biases as plain host arrays: what every format reads and writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Backend
from mlp.common.errors import ModelError
from mlp.models.description import check_least
from mlp.models.metadata import Metadata, metadata_of
from mlp.nn.batch_norm import BatchNorm
from mlp.nn.network import MLP


@dataclass(frozen=True)
class Parameters:
    """What a file says about a network.

    Attributes:
        weights: W of each layer, shape (I, O), float32 or float64.
        biases: b of each layer, shape (O,); empty where the layers have none.
        activation: what follows each hidden layer; None where the file does not say.
        output: what follows the last layer; None where the file does not say.
        dtype: the network's; None where the file does not decide it.
        metadata: what else is known of it, its task included.
        batch_norms: the parameters of each layer of batch normalisation, by their names, in order.
    """

    weights: Sequence[NDArray[Any]]
    biases: Sequence[NDArray[Any]]
    activation: str | None = None
    output: str | None = None
    dtype: str | None = None
    metadata: Metadata = field(default_factory=Metadata)
    batch_norms: Sequence[Mapping[str, NDArray[Any]]] = ()

    @property
    def narrowest_dtype(self) -> str:
        """``"float32"`` if it holds every value exactly, else ``"float64"``."""
        with np.errstate(over="ignore"):
            exact = all(
                np.array_equal(array.astype(np.float32), array)
                for array in (*self.weights, *self.biases)
            )
        return "float32" if exact else "float64"


def parameters_of(model: MLP, *, with_norms: bool = False) -> Parameters:
    """Copy a network's parameters to the host.

    Args:
        model: the network.
        with_norms: whether the format holds batch normalisation, beside linear layers.

    Raises:
        ModelError: if a layer that it does not hold has parameters.
    """
    norms = batch_norms_of(model) if with_norms else []
    held = sum(1 + layer.bias for layer in model.linear) + sum(len(n.starts) for n in norms)
    if len(model.named_parameters()) > held:
        raise ModelError(
            f"this format holds linear layers {'and batch_norm ' if with_norms else ''}alone, and "
            f"after them the network has {model.activation}, with parameters: keep it as "
            "safetensors"
        )
    to_numpy = model.backend.to_numpy
    return Parameters(
        [to_numpy(layer.W).copy() for layer in model.linear],
        [to_numpy(layer.b).copy() for layer in model.linear if layer.b is not None],
        model.activation,
        model.output,
        model.dtype,
        metadata_of(model),
        [{name: to_numpy(getattr(norm, name)).copy() for name in norm.starts} for norm in norms],
    )


def batch_norms_of(model: MLP) -> list[BatchNorm]:
    """Return the layers of batch normalisation, in order."""
    return [layer for layer in model.layers if isinstance(layer, BatchNorm)]


def on_cpu(model: MLP, dtype: str) -> MLP:
    """Copy a network to the CPU, in a dtype.

    Raises:
        ModelError: if a parameter is too large for the dtype.
    """
    copy = MLP(model.sizes, **model.options | {"dtype": dtype, "backend": None})
    with np.errstate(over="ignore"):  # what float32 cannot hold is found just below
        copy.parameters[...] = model.backend.to_numpy(model.parameters)
    if not np.isfinite(copy.parameters).all():
        raise ModelError(f"the model has a parameter too large for {dtype}: keep it as safetensors")
    copy.metadata = model.metadata
    return copy


def build(
    parameters: Parameters,
    source: Path,
    activation: str,
    output: str,
    dtype: str,
    backend: Backend | None = None,
) -> MLP:
    """Make the network that has these parameters.

    Args:
        parameters: what the file held; its activations and dtype are the caller's to choose.
        source: the file, for the errors.
        activation: what follows each hidden layer.
        output: what follows the last layer.
        dtype: of the network.
        backend: the device; the CPU unless given.

    Raises:
        ModelError: if the shapes do not make a chain of layers, or a value is not finite in the
            dtype asked for.
        UsageError: if an activation or the dtype is unknown.
    """
    sizes = _sizes(parameters, source)
    model = MLP(
        sizes,
        activation,
        output,
        bias=bool(parameters.biases),
        init=None,
        dtype=dtype,
        backend=backend,
    )
    _check_others(parameters, model, source)
    places = [layer.W for layer in model.linear]
    places += [layer.b for layer in model.linear if layer.b is not None]
    arrays = [*parameters.weights, *parameters.biases]
    for layer, norm in zip(batch_norms_of(model), parameters.batch_norms, strict=True):
        places += [getattr(layer, name) for name in norm]
        arrays += norm.values()
    for place, array in zip(places, arrays, strict=True):
        with np.errstate(over="ignore"):  # what float32 cannot hold is found just below
            values = array.astype(dtype)
        if not np.isfinite(values).all():
            raise ModelError(f"{source} holds weights that are not finite in {dtype}: get it again")
        place[...] = model.backend.asarray(values)
    check_least(model, source)
    model.metadata = parameters.metadata
    return model


def _check_others(parameters: Parameters, model: MLP, source: Path) -> None:
    """Refuse layers with parameters after the linear ones that are not those of the network."""
    found = [len(norm["gain"]) for norm in parameters.batch_norms]
    expected = [len(norm.gain) for norm in batch_norms_of(model)]
    if found != expected:
        raise ModelError(
            f"{source} has batch normalisation of {_listed(found)} units, but a network of "
            f"{model.activation} has it of {_listed(expected)}: say an --activation such as "
            "batch_norm,tanh, where it follows each hidden layer"
        )
    held = sum(map(len, (parameters.weights, parameters.biases, *parameters.batch_norms)))
    if len(model.named_parameters()) != held:
        raise ModelError(
            f"{source} holds no parameters of {model.activation} but those of linear layers and "
            "batch_norm: say another --activation"
        )


def _listed(widths: Sequence[int]) -> str:
    return ", ".join(map(str, widths)) or "no"


def _sizes(parameters: Parameters, source: Path) -> list[int]:
    """Return the widths of the layers; refuse shapes that do not fit one another."""
    shapes = [W.shape for W in parameters.weights]
    fits = (
        bool(shapes)
        and all(len(shape) == 2 and min(shape) > 0 for shape in shapes)
        and all(a[1] == b[0] for a, b in pairwise(shapes))
    )
    if fits and parameters.biases:
        fits = [b.shape for b in parameters.biases] == [(shape[1],) for shape in shapes]
    if not fits:
        biases = ", ".join(str(b.shape) for b in parameters.biases) or "none"
        raise ModelError(
            f"the arrays in {source} do not make a chain of layers (inputs x outputs: "
            f"{', '.join(map(str, shapes)) or 'none'}; biases: {biases}): it is damaged or of "
            "another kind"
        )
    return [shapes[0][0], *(shape[1] for shape in shapes)]
