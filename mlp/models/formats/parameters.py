"""A network's weights and biases as plain host arrays: what every format reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Backend
from mlp.common.errors import ModelError
from mlp.models.metadata import Metadata, metadata_of
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
    """

    weights: Sequence[NDArray[Any]]
    biases: Sequence[NDArray[Any]]
    activation: str | None = None
    output: str | None = None
    dtype: str | None = None
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def narrowest_dtype(self) -> str:
        """``"float32"`` if it holds every value exactly, else ``"float64"``."""
        with np.errstate(over="ignore"):
            exact = all(
                np.array_equal(array.astype(np.float32), array)
                for array in (*self.weights, *self.biases)
            )
        return "float32" if exact else "float64"


def parameters_of(model: MLP) -> Parameters:
    """Copy a network's parameters to the host.

    Raises:
        ModelError: if a layer that is not linear has parameters.
    """
    if len(model.named_parameters()) > sum(1 + layer.bias for layer in model.linear):
        raise ModelError(
            f"this format holds linear layers alone, and after them the network has "
            f"{model.activation}, with parameters: keep it as safetensors"
        )
    to_numpy = model.backend.to_numpy
    return Parameters(
        [to_numpy(layer.W).copy() for layer in model.linear],
        [to_numpy(layer.b).copy() for layer in model.linear if layer.b is not None],
        model.activation,
        model.output,
        model.dtype,
        metadata_of(model),
    )


def on_cpu(model: MLP, dtype: str) -> MLP:
    """Copy a network to the CPU, in a dtype.

    Raises:
        ModelError: if a parameter is too large for the dtype.
    """
    copy = MLP(model.sizes, model.activation, model.output, bias=model.bias, init=None, dtype=dtype)
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
    arrays = [*parameters.weights, *parameters.biases]
    with np.errstate(over="ignore"):  # what float32 cannot hold is found just below
        flat = np.concatenate([array.ravel() for array in arrays]).astype(dtype)  # (P,)
    if not np.isfinite(flat).all():
        raise ModelError(f"{source} holds weights that are not finite in {dtype}: get it again")
    model.parameters[...] = model.backend.asarray(flat)
    model.metadata = parameters.metadata
    return model


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
