"""Model files: safetensors with the metadata that rebuilds, describes and traces a network."""

from __future__ import annotations

import json
import os
import re
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from backends import Backend
from mlp.common.atomic import claiming, replacing
from mlp.common.errors import MLPError, ModelError, in_words
from mlp.common.version import package_version
from mlp.models.metadata import Metadata, metadata_of
from mlp.nn.network import MLP

FORMAT = 1
"""The version of the entry "mlp" in a file's metadata."""

HALF = "float16"
"""The dtype of parameters stored in half precision, whatever dtype the network has: half the size
of float32, with a relative error of at most 2**-11 a parameter."""

OF_OTHER_LAYERS = r"layers\.\d+\.\d+\.\w+"
"""The names of parameters of other layers than linear ones, which decide the shapes themselves."""

_NAMES = {"float16": "F16", "float32": "F32", "float64": "F64"}


def save(
    model: MLP, path: str | os.PathLike[str], *, half: bool = False, replace: bool = True
) -> None:
    """Write a network to a file, whole or not at all.

    The tensors are ``layers.K.W`` of shape (I, O) and ``layers.K.b`` of shape (O,), and what else
    `MLP.named_parameters` names, in the network's dtype; the metadata is one JSON object under the
    key ``mlp``.

    Args:
        model: the network; its `metadata_of` is saved, too.
        path: the file.
        half: whether to store the parameters as `HALF`; `load` widens them again.
        replace: whether a file that is there is replaced.

    Raises:
        FileExistsError: if a file is there that is not to be replaced.
        ModelError: if it cannot be written, or a parameter is too large for `HALF`.
    """
    stored = HALF if half else model.dtype
    description: dict[str, Any] = {
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
    metadata = {"mlp": json.dumps(description, sort_keys=True)}
    try:
        place = nullcontext(Path(path)) if replace else claiming(Path(path))
        with place as free, replacing(free) as file:
            file.write(to_bytes(_tensors(model, stored), metadata))
    except FileExistsError:
        raise
    except OSError as error:
        raise ModelError(
            f"{path} cannot be written ({error.strerror}): choose another place"
        ) from None


def load(path: str | os.PathLike[str], backend: Backend | None = None) -> MLP:
    """Read a network from a file that `save` wrote.

    Args:
        path: the file.
        backend: the device to bring it to; the CPU unless given.

    Raises:
        ModelError: if the file is missing, damaged, or not such a file; see also
            `Metadata.from_json`.
    """
    path = Path(path)
    try:
        with safe_open(path, framework="np") as file:
            description = _description(path, file.metadata() or {})
            _check_tensors(path, file, description["network"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise ModelError(f"there is no model file {path}: train one with mlp train") from None
    except (SafetensorError, OSError) as error:
        if path.is_dir():
            raise ModelError(
                f"{path} cannot be read as a model file, being a folder: name a file in it"
            ) from None
        raise ModelError(
            f"{path} cannot be read as a model file ({error}): it is damaged or of another kind, "
            "so train or copy it again"
        ) from None
    return _rebuild(path, description, tensors, backend)


def _tensors(model: MLP, stored: str) -> dict[str, NDArray[Any]]:
    to_numpy = model.backend.to_numpy
    tensors = {name: to_numpy(array) for name, array in model.named_parameters().items()}
    largest = max(float(np.abs(tensor).max()) for tensor in tensors.values())
    if stored == HALF and largest > float(np.finfo(HALF).max):
        raise ModelError(
            f"the model has a parameter of {largest:.3g}, too large for half precision: "
            "store it in full"
        )
    return {name: tensor.astype(stored, copy=False) for name, tensor in tensors.items()}


def _description(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    """Read the entry "mlp" of a file's metadata."""
    try:
        description = json.loads(metadata["mlp"])
        if description["format"] != FORMAT:
            raise ModelError(
                f"{path} has the model format {description['format']}, but this version reads "
                f"format {FORMAT}: update the program or train the model again"
            )
        return {"network": description["network"], "about": dict(description["about"])}
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _foreign(path, error) from None


def _check_tensors(path: Path, file: Any, network: Any) -> None:
    """Compare the tensors' shapes and dtypes with the description, before anything is built."""
    expected: dict[str, tuple[list[int], str]] = {}
    try:
        dtype = _NAMES[network.get("stored", network["dtype"])]
        for k, (inputs, outputs) in enumerate(pairwise(network["sizes"])):
            expected[f"layers.{k}.W"] = ([inputs, outputs], dtype)
            if network["bias"]:
                expected[f"layers.{k}.b"] = ([outputs], dtype)
    except (AttributeError, KeyError, TypeError) as error:
        raise _foreign(path, error) from None
    slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
    found = {name: (s.get_shape(), s.get_dtype()) for name, s in slices.items()}
    others = {name for name in found if re.fullmatch(OF_OTHER_LAYERS, name)}
    if {name: found[name] for name in found.keys() - others} != expected:
        raise _misshapen(path)


def _rebuild(
    path: Path,
    description: dict[str, Any],
    tensors: dict[str, NDArray[Any]],
    backend: Backend | None,
) -> MLP:
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
    model.metadata = Metadata.from_json(description["about"])
    return model


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
