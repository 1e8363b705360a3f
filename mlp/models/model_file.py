"""Model files: safetensors with the metadata that rebuilds, describes and traces a network."""

from __future__ import annotations

import json
import os
from contextlib import nullcontext
from pathlib import Path

from safetensors import SafetensorError, safe_open

from backends import Backend
from mlp.common.atomic import claiming, replacing
from mlp.common.errors import ModelError
from mlp.common.plain_file import check_file
from mlp.common.tensor_file import write_tensors
from mlp.models.description import (
    check_tensors,
    description_of,
    read_description,
    rebuild,
    tensors_of,
)
from mlp.nn.network import MLP

KEY = "mlp"
"""The entry of a file's metadata that describes the network."""

_DTYPES = {"I8": "int8", "F16": "float16", "F32": "float32", "F64": "float64"}


def save(
    model: MLP,
    path: str | os.PathLike[str],
    *,
    stored: str | None = None,
    replace: bool = True,
) -> None:
    """Write a network to a file, whole or not at all.

    The tensors are ``layers.K.W`` of shape (I, O) and ``layers.K.b`` of shape (O,), and what else
    `MLP.named_parameters` names, in the network's dtype; the metadata is one JSON object under the
    key `KEY`.

    Args:
        model: the network; its `metadata_of` is saved, too.
        path: the file.
        stored: what to round the parameters to, ``"float16"`` or ``"int8"``, see
            `mlp.models.description`; `load` widens them again.
        replace: whether a file that is there is replaced.

    Raises:
        FileExistsError: if a file is there that is not to be replaced.
        ModelError: if it cannot be written, or a parameter is too large for float16.
    """
    stored = stored or model.dtype
    metadata = {KEY: json.dumps(description_of(model, stored), sort_keys=True)}
    try:
        place = nullcontext(Path(path)) if replace else claiming(Path(path))
        with place as free, replacing(free) as file:
            write_tensors(file, tensors_of(model, stored), metadata)
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
    check_file(path, ModelError)
    try:
        with safe_open(path, framework="np") as file:
            description = read_description(path, (file.metadata() or {}).get(KEY))
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            found = {
                name: (s.get_shape(), _DTYPES.get(s.get_dtype(), "")) for name, s in slices.items()
            }
            check_tensors(path, found, description["network"])
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
    return rebuild(path, description, tensors, backend)
