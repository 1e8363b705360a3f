"""``.npz``: the arrays of a model file, by the same names, for NumPy.

``layers.K.W`` of shape (I, O), ``layers.K.b`` of shape (O,), in the network's dtype; the names of
the activations as the texts ``activation`` and ``output``; and, as the JSON text ``about``, what is
known of the training.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.common.atomic import replacing
from mlp.common.errors import ModelError
from mlp.common.safe_npz import is_zip, read_npz
from mlp.models.formats.parameters import Parameters, parameters_of
from mlp.models.formats.registry import FORMATS, Format
from mlp.models.metadata import Metadata
from mlp.nn.network import DTYPES, MLP


@FORMATS.register("npz")
class Npz(Format):
    """All texts may be missing; what they would say is then unknown."""

    title = "an .npz file"
    endings = (".npz",)
    keeps_task = True

    def matches(self, path: Path) -> bool:
        return is_zip(path)

    def read(self, path: Path) -> Parameters:
        arrays = read_npz(path, ModelError)
        activation, output = (_take_text(arrays, name, path) for name in ("activation", "output"))
        metadata = parse_metadata(_take_text(arrays, "about", path) or "{}", path)
        layers = sum(name.endswith(".W") for name in arrays)
        weights = [f"layers.{k}.W" for k in range(layers)]
        biases = [f"layers.{k}.b" for k in range(layers)] if "layers.0.b" in arrays else []
        if not layers or arrays.keys() != {*weights, *biases}:
            raise ModelError(
                f"{path} holds the arrays {', '.join(sorted(arrays)[:6]) or 'none'}, where "
                "layers.0.W, layers.0.b and so on belong: rename them"
            )
        dtypes = {str(array.dtype) for array in arrays.values()}
        if len(dtypes) > 1 or not dtypes <= set(DTYPES):
            raise ModelError(
                f"the arrays in {path} are {' and '.join(sorted(dtypes))}: save all as float32 or "
                "all as float64"
            )
        return Parameters(
            [arrays[name] for name in weights],
            [arrays[name] for name in biases],
            activation,
            output,
            dtypes.pop(),
            metadata,
        )

    def write(self, model: MLP, path: Path) -> None:
        parameters = parameters_of(model)
        arrays: dict[str, Any] = {
            **{f"layers.{k}.W": W for k, W in enumerate(parameters.weights)},
            **{f"layers.{k}.b": b for k, b in enumerate(parameters.biases)},
            "activation": np.array(parameters.activation),
            "output": np.array(parameters.output),
            "about": np.array(json.dumps(parameters.metadata.to_json(), sort_keys=True)),
        }
        with replacing(path) as file:
            np.savez(file, **arrays)


def _take_text(arrays: dict[str, NDArray[Any]], name: str, path: Path) -> str | None:
    array = arrays.pop(name, None)
    if array is None:
        return None
    if array.shape or array.dtype.kind != "U":
        raise ModelError(f"{name} in {path} is not a text: save it as numpy.array('relu')")
    return str(array)


def parse_metadata(text: str, path: Path) -> Metadata:
    """Read `Metadata` from the JSON text ``about`` of a file.

    Raises:
        ModelError: if it is damaged.
    """
    try:
        entries = json.loads(text)
        if not isinstance(entries, dict):
            raise TypeError("it is not an object")
        return Metadata.from_json(entries)
    except (ValueError, TypeError, RecursionError) as error:
        raise ModelError(f"about in {path} is damaged JSON ({error}): leave it out") from None
