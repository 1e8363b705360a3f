"""The rules of the house, read from the source: how long files are, and what overrides keep."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from source import MODULES, ROOT

from backends.base import Backend, KeepsPixels
from backends.cpu import CpuBackend
from backends.cuda import CudaBackend
from mlp.common.file_formats import FileFormat
from mlp.data.batches import Batches
from mlp.nn.activations import Activation
from mlp.nn.layers import Chain, Layer, Linear
from mlp.nn.losses import Loss
from mlp.nn.network import MLP
from mlp.nn.optim import Optimizer
from mlp.training.callbacks import Callback
from mlp.training.executors.executor import Executor
from mlp.training.parallel.replica import Replica
from mlp.training.step import Step

MOST_LINES = 300
"""Of a file of the source: a longer one is two; see CONTRIBUTING.md."""


# Files


def test_a_file_can_be_held_in_mind() -> None:
    sources = list((ROOT / "mlp").rglob("*.py"))
    sources += [path for path in (ROOT / "backends").rglob("*") if path.suffix in (".py", ".cu")]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources}
    assert len(lengths) > 100
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}


# Signatures


def shape_of(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    """The parameters of a function: names, kinds and defaults, without annotations."""
    signature = inspect.signature(function)
    return [(p.name, p.kind, p.default) for p in signature.parameters.values() if p.name != "self"]


def members(cls: type) -> dict[str, Any]:
    return {name: value for name, value in vars(cls).items() if not name.startswith("_")}


def test_a_backend_has_at_most_eight_members() -> None:
    public = set(members(Backend)) | set(Backend.__annotations__)
    assert len(public) <= 8
    assert {"name", "xp", "asarray", "to_numpy"} <= public


@pytest.mark.parametrize("backend", [CpuBackend, CudaBackend])
def test_a_backend_keeps_the_protocols_signatures(backend: type) -> None:
    protocol = members(Backend) | members(KeepsPixels)
    assert set(members(Backend)) <= set(members(backend)) <= set(protocol)
    for name, method in members(backend).items():
        assert shape_of(method) == shape_of(protocol[name]), name


NAMESPACES = [
    value
    for name in MODULES
    if name.startswith("backends.")
    for value in vars(importlib.import_module(name)).values()
    if isinstance(value, type) and value.__name__.endswith("Namespace")
    and value.__module__ == name
]  # fmt: skip


def out_of_order(function: Callable[..., Any], name: str) -> bool:
    """Whether a function's arguments have other names, or another order, than NumPy's of a name."""
    ours = [parameter for parameter, _, _ in shape_of(function)]
    original = getattr(np, name)
    if isinstance(original, np.ufunc):
        theirs = [*(f"x{i + 1}" for i in range(original.nin)), "out", "casting", "dtype"]
        ours = [f"x{i + 1}" if i < original.nin else parameter for i, parameter in enumerate(ours)]
    else:
        theirs = [parameter for parameter, _, _ in shape_of(original)]
    return [parameter for parameter in theirs if parameter in ours] != ours


def test_a_namespace_keeps_numpys_names_in_numpys_order() -> None:
    functions = [
        (function, name) for space in NAMESPACES for name, function in members(space).items()
    ]
    assert len(functions) > 2
    assert [name for function, name in functions if out_of_order(function, name)] == []


def test_another_order_than_numpys_is_seen() -> None:
    def take(self: Any, indices: Any, a: Any, axis: int, out: Any) -> None: ...

    assert out_of_order(take, "take")


def test_the_namespaces_take_the_same_arguments() -> None:
    first, second = map(members, NAMESPACES)
    assert {"sum"} <= set(first) & set(second)
    for name in set(first) & set(second):
        names = [[p for p, _, _ in shape_of(functions[name])] for functions in (first, second)]
        assert names[0] == names[1], name


BASES: tuple[type, ...] = (
    Layer, Chain, MLP, Activation, Loss, Optimizer, Batches, Step, Executor, Callback, FileFormat,
)  # fmt: skip


def descendants(cls: type) -> set[type]:
    """The classes of the source that inherit from a class, near or far."""
    near = {sub for sub in cls.__subclasses__() if sub.__module__ in MODULES}
    return near.union(*map(descendants, near))


def overrides() -> Iterator[tuple[type, type, str]]:
    """Each method that a class overrides, with the nearest base that has it."""
    for module in MODULES:
        if not module.startswith("mlp.sklearn.") or find_spec("sklearn"):  # an extra
            importlib.import_module(module)  # or its classes would not be known
    for cls in set().union(*map(descendants, BASES)):
        for name, method in members(cls).items():
            base = next((base for base in cls.__mro__[1:] if name in vars(base)), None)
            if base is not None and inspect.isfunction(method):
                yield base, cls, name


def test_an_override_keeps_its_bases_signature() -> None:
    found = list(overrides())
    changed = [
        f"{cls.__name__}.{name}"
        for base, cls, name in found
        if shape_of(getattr(cls, name)) != shape_of(getattr(base, name))
    ]
    assert {(Layer, Linear, "forward"), (MLP, Replica, "allocate")} <= set(found)
    assert {base for base, _, _ in found} >= {Activation, Loss, Optimizer, Executor, Callback}
    assert changed == []


def test_another_signature_is_seen() -> None:
    class Renamed(Layer):
        def forward(self, batch: Any) -> Any:
            return batch

    assert shape_of(Renamed.forward) != shape_of(Layer.forward)
    assert shape_of(Renamed.backward) == shape_of(Layer.backward)
