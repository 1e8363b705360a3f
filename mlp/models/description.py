"""The description of a network, which is kept beside its parameters and rebuilds it with them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Backend
from mlp.common.errors import MLPError, ModelError, in_words
from mlp.common.version import package_version
from mlp.models.metadata import Metadata, metadata_of
from mlp.models.quantise import quantise
from mlp.nn.network import MLP

FORMAT = 1
"""The version of a description."""

HALF = "float16"
"""The dtype of parameters stored in half precision, whatever dtype the network has: half the size
of float32, with a relative error of at most 2**-11 a parameter."""

INT8 = "int8"
"""The dtype of weights stored in eight bits, see `mlp.models.quantise`; what else there is has the
network's."""

SCALE = ".scale"
"""What the name of the scales of weights of eight bits ends in."""

OF_OTHER_LAYERS = r"layers\.\d+\.\d+\.\w+"
"""The names of parameters of other layers than linear ones, which decide the shapes themselves."""


def description_of(model: MLP, stored: str) -> dict[str, Any]:
    """Return what rebuilds, describes and traces a network: all but its parameters, for JSON."""
    return {
        "format": FORMAT,
        "version": package_version(),
        "network": {
            "sizes": model.sizes,
            "activation": model.activation,
            "output": model.output,
            "bias": model.bias,
            "dtype": model.dtype,
            "stored": stored,
        },
        "about": metadata_of(model).to_json(),
    }


def tensors_of(model: MLP, stored: str) -> dict[str, NDArray[Any]]:
    """Return the parameters on the host by their names, as they are stored.

    Raises:
        ModelError: if one is too large for `HALF`.
    """
    to_numpy = model.backend.to_numpy
    tensors = {name: to_numpy(array) for name, array in model.named_parameters().items()}
    if stored == INT8:
        for name in [f"layers.{k}.W" for k in range(len(model.linear))]:
            tensors[name], tensors[name + SCALE] = quantise(tensors[name])
        return tensors
    largest = max(float(np.abs(tensor).max()) for tensor in tensors.values())
    if stored == HALF and largest > float(np.finfo(HALF).max):
        raise ModelError(
            f"the model has a parameter of {largest:.3g}, too large for half precision: "
            "store it in full"
        )
    return {name: tensor.astype(stored, copy=False) for name, tensor in tensors.items()}


def read_description(path: Path, text: str | None) -> dict[str, Any]:
    """Read what `description_of` returned.

    Args:
        path: the file, for the errors.
        text: the JSON; None where the file has none.

    Returns:
        Its entries "network" and "about".

    Raises:
        ModelError: if it is none, or of another version.
    """
    try:
        description = json.loads(text or "")
        if description["format"] != FORMAT:
            raise ModelError(
                f"{path} has the model format {description['format']}, but this version reads "
                f"format {FORMAT}: update the program or train the model again"
            )
        return {"network": description["network"], "about": dict(description["about"])}
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _foreign(path, error) from None


def check_tensors(path: Path, found: Mapping[str, tuple[list[int], str]], network: Any) -> None:
    """Compare the tensors' shapes and dtypes with the description, before anything is built.

    Args:
        path: the file, for the errors.
        found: the shape and dtype of each tensor, by its name.
        network: the description's entry "network".

    Raises:
        ModelError: if they differ.
    """
    expected: dict[str, tuple[list[int], str]] = {}
    try:
        dtype = network["dtype"]
        if len(network["sizes"]) > len(found) + 1:  # before as many are listed
            raise _misshapen(path)
        stored = network.get("stored", dtype)
        for k, (inputs, outputs) in enumerate(pairwise(network["sizes"])):
            expected[f"layers.{k}.W"] = ([inputs, outputs], stored)
            if stored == INT8:
                expected[f"layers.{k}.W{SCALE}"] = ([outputs], dtype)
            if network["bias"]:
                expected[f"layers.{k}.b"] = ([outputs], dtype if stored == INT8 else stored)
    except (AttributeError, KeyError, TypeError) as error:
        raise _foreign(path, error) from None
    others = {name for name in found if re.fullmatch(OF_OTHER_LAYERS, name)}
    if {name: found[name] for name in found.keys() - others} != expected:
        raise _misshapen(path)


def rebuild(
    path: Path,
    description: dict[str, Any],
    tensors: Mapping[str, NDArray[Any]],
    backend: Backend | None,
) -> MLP:
    """Make the network of a description.

    Args:
        path: the file, for the errors.
        description: what `read_description` returned.
        tensors: the parameters, of the shapes and dtypes that `check_tensors` compared.
        backend: the device to bring it to; the CPU unless given.

    Raises:
        ModelError: if a parameter is not finite or below its least value, or the description is of
            no network; see also `Metadata.from_json`.
    """
    scales = {name: scale for name, scale in tensors.items() if name.endswith(SCALE)}
    tensors = {name: tensor for name, tensor in tensors.items() if name not in scales}
    for name, scale in scales.items():
        weights = name.removesuffix(SCALE)
        tensors[weights] = tensors[weights] * scale  # (I, O) · (O,)
    if not all(np.isfinite(a).all() for a in tensors.values()):
        raise ModelError(f"{path} holds weights that are not finite: train the model again")
    network = description["network"]
    try:
        model = MLP(
            network["sizes"],
            network["activation"],
            network["output"],
            bias=network["bias"],
            init=None,
            dtype=network["dtype"],
            backend=backend,
        )
    except (KeyError, TypeError, MLPError) as error:
        raise _foreign(path, error) from None
    parameters = model.named_parameters()
    if {n: a.shape for n, a in parameters.items()} != {n: a.shape for n, a in tensors.items()}:
        raise _misshapen(path)
    for name, parameter in parameters.items():
        parameter[...] = model.backend.asarray(tensors[name], model.dtype)
    check_least(model, path)
    model.metadata = Metadata.from_json(description["about"])
    return model


def check_least(model: MLP, path: Path) -> None:
    """Refuse parameters that are below the least value that they may have, such as a variance < 0.

    Raises:
        ModelError: naming the first.
    """
    for layer in model.layers:
        for name, least in layer.least.items():
            lowest = float(model.backend.to_numpy(getattr(layer, name)).min())
            if lowest < least:
                raise ModelError(
                    f"{path} has a {name} of {lowest:g}, which must be at least {least:g}: it is "
                    "damaged, so train or copy it again"
                )


def _misshapen(path: Path) -> ModelError:
    return ModelError(
        f"the tensors in {path} do not have the shapes that its description gives: "
        "it is damaged, so train or copy it again"
    )


def _foreign(path: Path, error: Exception) -> ModelError:
    return ModelError(
        f"{path} holds no description of a network that this program can rebuild "
        f"({in_words(error)}): use a file written by mlp train"
    )
