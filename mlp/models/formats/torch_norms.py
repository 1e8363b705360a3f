"""Batch normalisation in a state-dict of PyTorch: the arrays of a ``torch.nn.BatchNorm1d``.

A state-dict tells neither ε nor the momentum; the activation does, as in ``batch_norm(0.1, 1e-5)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

NAMES = {
    "gain": "weight",
    "shift": "bias",
    "running_mean": "running_mean",
    "running_var": "running_var",
}
"""What PyTorch calls each parameter of `mlp.nn.batch_norm.BatchNorm`."""

COUNT = "num_batches_tracked"
"""A whole number beside these, which PyTorch does without: it is neither written nor read."""


def named(module: str, norm: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays of a layer under PyTorch's names, in a module of this name and dot."""
    for ours, theirs in NAMES.items():
        yield f"{module}{theirs}", norm[ours]


def modules_of(shapes: Mapping[str, Sequence[int]]) -> list[str]:
    """Find the modules of batch normalisation, in the order of the numbers in their names.

    Args:
        shapes: of all arrays, by their names.

    Returns:
        The modules' names, each with its dot. None of those whose arrays are not all there, or of
        several shapes; and none at all where more than numbers tells the modules apart, which does
        not tell their order.
    """
    modules = [name.removesuffix("running_var") for name in shapes if name.endswith("running_var")]
    sound = [
        module
        for module in modules
        if len({tuple(shapes.get(f"{module}{part}", (0, 0))) for part in NAMES.values()}) == 1
        and len(shapes[f"{module}running_var"]) == 1
    ]
    alike = {re.sub(r"\d+", "#", module) for module in sound}
    return sorted(sound, key=_numbers) if len(alike) == 1 else []


def arrays_of(modules: Sequence[str]) -> set[str]:
    """Return the names of all arrays that these modules may have."""
    return {f"{module}{part}" for module in modules for part in (*NAMES.values(), COUNT)}


def _numbers(module: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", module)]
