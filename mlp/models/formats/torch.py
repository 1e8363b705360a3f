"""``.safetensors`` as PyTorch's programs write it: a state-dict, W as (outputs, inputs).

Reading goes by the shapes. Whatever the modules are called, ``fc1.weight`` or ``0.weight``, the
matrices must make one chain of layers; batch normalisation is taken in the order of the numbers in
its names, and stands where the activation says. Writing names them as ``torch.nn.Sequential``
would, so that ``load_state_dict(safetensors.torch.load_file("m.safetensors"))`` takes them; what is
known of the network stands in the file's metadata, which PyTorch leaves alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from mlp.common.atomic import replacing
from mlp.common.errors import ModelError
from mlp.common.tensor_file import write_tensors
from mlp.models.formats.npz import parse_metadata
from mlp.models.formats.parameters import Parameters, parameters_of
from mlp.models.formats.registry import FORMATS, Format
from mlp.models.formats.safetensors import is_from_elsewhere, is_safetensors
from mlp.models.formats.torch_norms import COUNT, NAMES, arrays_of, modules_of, named
from mlp.nn.batch_norm import BatchNorm
from mlp.nn.layers import Linear
from mlp.nn.network import MLP

MOST_STEPS = 10_000
"""Of the search for the order of layers; what takes more has no order that one could trust."""

MOST_MODULES = 400
"""Of a chain, each of which is a call inside of another."""

MOST_LISTED = 24

TOLD = "network"
"""The entry of a file's metadata that tells what the arrays do not."""

_WIDTHS = {"F16": "float32", "F32": "float32", "F64": "float64"}  # of what is read of each


@FORMATS.register("torch")
class Torch(Format):
    """``0.weight``, ``0.bias`` and so on; the activations are told by ``mlp`` alone."""

    title = "a state-dict of PyTorch as safetensors"
    endings = (".safetensors",)
    keeps_task = True

    def matches(self, path: Path) -> bool:
        return is_safetensors(path) and is_from_elsewhere(path)

    def read(self, path: Path) -> Parameters:
        with safe_open(path, framework="np") as file:
            told = _told((file.metadata() or {}).get(TOLD, "{}"))
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            shapes = {name: tuple(found.get_shape()) for name, found in slices.items()}
            norms = modules_of(shapes)
            of_norms = arrays_of(norms)
            numbers = {name for name in slices if not (name in of_norms and name.endswith(COUNT))}
            stored = {slices[name].get_dtype() for name in numbers}
            linear = {name: shapes[name] for name in numbers - of_norms}
            names = _chain(linear) if stored and stored <= _WIDTHS.keys() else None
            if names is None:
                arrays = [
                    f"{name} {found.get_dtype()} {list(shapes[name])}"
                    for name, found in slices.items()
                ]
                raise _no_chain(path, arrays)
            dtype = max(_WIDTHS[found] for found in stored)
            read = {name: file.get_tensor(name).astype(dtype) for name in numbers}
        biases = [f"{name}bias" for name in names if f"{name}bias" in shapes]
        return Parameters(
            [np.ascontiguousarray(read[f"{name}weight"].T) for name in names],
            [read[name] for name in biases],
            told.get("activation"),
            told.get("output"),
            dtype,
            parse_metadata(json.dumps(told.get("about", {})), path),
            [{ours: read[f"{n}{theirs}"] for ours, theirs in NAMES.items()} for n in norms],
        )

    def write(self, model: MLP, path: Path) -> None:
        parameters = parameters_of(model, with_norms=True)
        tensors: dict[str, NDArray[Any]] = {}
        places = [k for k, layer in enumerate(model.layers) if isinstance(layer, Linear)]
        for place, W in zip(places, parameters.weights, strict=True):
            tensors[f"{place}.weight"] = np.ascontiguousarray(W.T)  # (O, I)
        for place, b in zip(places, parameters.biases, strict=bool(parameters.biases)):
            tensors[f"{place}.bias"] = b
        places = [k for k, layer in enumerate(model.layers) if isinstance(layer, BatchNorm)]
        for place, norm in zip(places, parameters.batch_norms, strict=True):
            tensors |= named(f"{place}.", norm)
        told = {
            "activation": model.activation,
            "output": model.output,
            "about": parameters.metadata.to_json(),
        }
        # One entry: the library writes several in an order that changes from run to run.
        metadata = {TOLD: json.dumps(told, sort_keys=True)}
        with replacing(path) as file:
            write_tensors(file, tensors, metadata)


def _told(text: str) -> dict[str, Any]:
    """Read what the file tells beside its arrays; another program's entry tells nothing."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    names = [told.get(name) for name in ("activation", "output")] if isinstance(told, dict) else []
    return told if names and all(isinstance(name, str) for name in names) else {}


def _chain(shapes: Mapping[str, Sequence[int]]) -> list[str] | None:
    """Find the order of the modules in which their matrices make one chain of layers.

    Args:
        shapes: of all arrays, by their names.

    Returns:
        The modules' names in that order, each with its dot; None where there is none, or shapes and
        numbers leave more than one.
    """
    names = sorted({name[: name.rfind(".") + 1] for name in shapes}, key=_by_numbers)
    if len(names) > MOST_MODULES:
        return None
    weights = {name: tuple(shapes.get(f"{name}weight", ())) for name in names}
    biases = {name: (W[0],) for name, W in weights.items() if W and f"{name}bias" in shapes}
    expected = {f"{name}weight": W for name, W in weights.items()}
    expected |= {f"{name}bias": b for name, b in biases.items()}
    if shapes != expected or not all(len(W) == 2 for W in weights.values()):
        return None
    if len(biases) not in (0, len(names)):
        return None

    orders: list[list[str]] = []
    _extend([], _groups(names), weights, orders, [MOST_STEPS])
    return orders[0] if len(orders) == 1 else None


def _groups(names: Sequence[str]) -> list[list[str]]:
    """Collect the names that numbers alone tell apart, in the order of the numbers."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(re.sub(r"\d+", "#", name), []).append(name)
    return list(groups.values())


def _extend(
    order: list[str],
    groups: list[list[str]],
    weights: Mapping[str, tuple[int, ...]],
    orders: list[list[str]],
    steps: list[int],
) -> None:
    """Add to ``orders`` the chains that begin so, until there are two or no steps left."""
    if not any(groups):
        orders.append(order)
    for k, group in enumerate(groups):
        if not group or len(orders) > 1 or steps[0] == 0:
            continue
        steps[0] -= 1
        if not order or weights[order[-1]][0] == weights[group[0]][1]:
            rest = [*groups[:k], group[1:], *groups[k + 1 :]]
            _extend([*order, group[0]], rest, weights, orders, steps)


def _by_numbers(name: str) -> list[tuple[int, str]]:
    """Sort ``fc10`` after ``fc2``: numbers by how many digits they have, and then by these."""
    parts = (part.lstrip("0") if part.isdecimal() else part for part in re.split(r"(\d+)", name))
    return [(len(part) if part.isdecimal() else 0, part) for part in parts]


def _no_chain(path: Path, arrays: Sequence[str]) -> ModelError:
    more = len(arrays) - MOST_LISTED
    listed = ", ".join(arrays[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
    return ModelError(
        f"{path} holds {listed or 'no arrays'}, where the weights (outputs, inputs) and biases of "
        "linear layers belong, in one order that makes a chain: rename them 0.weight, 0.bias, "
        "1.weight and so on, as float32"
    )
