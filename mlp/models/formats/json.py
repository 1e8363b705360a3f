"""``.json``: a network as text, for programs that read nothing else.

One object: ``mlp``, the description that a model file has in its metadata, and ``tensors``, the
parameters by the same names as nested lists, so that ``layers.0.W`` has a list for each input.
Every number is written so that it is read back to the bit.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Backend
from mlp.common.atomic import replacing
from mlp.common.errors import ModelError
from mlp.models.description import (
    check_tensors,
    description_of,
    read_description,
    rebuild,
    tensors_of,
)
from mlp.models.formats.registry import FORMATS, OwnFormat
from mlp.nn.network import DTYPES, MLP


@FORMATS.register("json")
class Json(OwnFormat):
    """Some ten times as large as a model file."""

    title = "a JSON file"
    endings = (".json",)

    def matches(self, path: Path) -> bool:
        return path.suffix.lower() in self.endings

    def load(self, path: Path, backend: Backend | None) -> MLP:
        description, lists = _objects(path)
        dtype = description["network"].get("dtype")
        if dtype not in DTYPES:
            raise ModelError(f"{path} tells of the dtype {dtype!r}: it must be float32 or float64")
        tensors: dict[str, NDArray[np.floating]] = {}
        for name, values in lists.items():
            try:
                with np.errstate(over="ignore"):  # what is infinite is refused by `rebuild`
                    tensors[name] = np.array(values, np.float64).astype(dtype)
            except (TypeError, ValueError, OverflowError) as error:
                raise ModelError(f"{name} in {path} is no array ({error}): get it again") from None
        found = {name: (list(array.shape), dtype) for name, array in tensors.items()}
        check_tensors(path, found, description["network"])
        return rebuild(path, description, tensors, backend)

    def write(self, model: MLP, path: Path) -> None:
        tensors = tensors_of(model, model.dtype)
        content = {
            "mlp": description_of(model, model.dtype),
            "tensors": {name: tensor.tolist() for name, tensor in tensors.items()},
        }
        with replacing(path) as file:
            file.write(json.dumps(content, separators=(",", ":")).encode())


def _objects(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read the two parts of a file, as far as they are objects."""
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not sound JSON ({error}): get it again") from None
    parts = content if isinstance(content, dict) else {}
    description, tensors = parts.get("mlp"), parts.get("tensors")
    if not (isinstance(description, dict) and isinstance(tensors, dict)):
        raise ModelError(
            f'{path} is no network as JSON, which has the objects "mlp" and "tensors": write one '
            "with mlp convert"
        )
    read = read_description(path, json.dumps(description))
    if not isinstance(read["network"], dict):
        raise ModelError(f"{path} does not tell what network it holds: get it again")
    return read, tensors
