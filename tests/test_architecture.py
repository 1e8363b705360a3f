"""The rules of the house, read from the source: who may import whom, and what overrides keep."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from source import ROOT

from backends.base import Backend
from backends.cpu import CpuBackend
from backends.cuda import CudaBackend
from mlp.nn.activations import Activation
from mlp.nn.dropout import Dropout
from mlp.nn.layers import LAYERS, Layer, Linear
from mlp.nn.losses import LOSSES, Loss
from mlp.training.parallel.tensor_parallel import SumGradients, SumOutputs

FLOORS = (
    ("backends", "mlp.common"),
    ("mlp.nn",),
    ("mlp.data",),
    ("mlp.models",),
    ("mlp.training", "mlp.handwriting"),
    ("mlp.benchmark",),
    ("mlp.view",),
    ("mlp.web",),
    ("mlp.cli",),
    ("mlp", "mlp.__main__"),  # the names offered to users, gathered from everywhere
)
"""A room imports from the floors below its own and from itself, never from beside or above."""


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Every module of the two packages, by its dotted name."""
    found = {}
    for package in ("backends", "mlp"):
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(source: str, name: str = "") -> Iterator[tuple[str, bool]]:
    """The dotted names that a module imports, each with whether that is inside a function."""
    tree = ast.parse(source)
    inner = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in inner) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively: write the whole name"
            assert node.module is not None
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                yield module if module in MODULES else node.module, id(node) in inner


def top_level(module: str) -> set[str]:
    """The first part of each name that a module imports."""
    return {name.split(".")[0] for name, _ in imports(MODULES[module].read_text(), module)}


def room(module: str) -> str:
    """The wing that a module lies in; the package itself where it lies in none."""
    matching = [name for floor in FLOORS for name in floor if f"{module}.".startswith(f"{name}.")]
    assert matching, f"{module} lies in no room of FLOORS"
    return max(matching, key=len)


def floor(module: str) -> int:
    """How far up the room of a module is."""
    return next(i for i, rooms in enumerate(FLOORS) if room(module) in rooms)


def astray(module: str, source: str) -> list[str]:
    """The modules that a module imports though they lie on its own floor elsewhere, or above."""
    ours = [
        name for name, _ in imports(source, module) if name.split(".")[0] in ("mlp", "backends")
    ]
    return [name for name in ours if room(name) != room(module) and floor(name) >= floor(module)]


# Imports


@pytest.mark.parametrize("module", MODULES)
def test_arrows_run_down(module: str) -> None:
    assert astray(module, MODULES[module].read_text()) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mlp.nn.layers", "from mlp.data.batches import Batches"),
        ("mlp.nn.losses", "def f():\n    from mlp.training import step"),
        ("mlp.data.mnist", "import mlp.models.predict"),
        ("mlp.training.loop", "from mlp.cli.console import bar"),
        ("mlp.handwriting", "from mlp.cli import main"),
        ("backends.cpu", "from mlp.common.errors import MLPError"),
        ("mlp.models.metrics", "from mlp import Recipe"),
        ("mlp.training.loop", "from mlp.handwriting import ink"),
    ],
)
def test_an_arrow_that_runs_up_is_seen(module: str, source: str) -> None:
    assert len(astray(module, source)) == 1


def test_there_are_no_circles() -> None:
    graph = {
        module: {name for name, _ in imports(path.read_text()) if name in MODULES} - {module}
        for module, path in MODULES.items()
    }
    for package in ("mlp", "backends"):  # a package gathers its modules' names
        for dependencies in graph.values():
            dependencies.discard(package)
    while free := [module for module, needs in graph.items() if not needs & set(graph)]:
        for module in free:
            del graph[module]
    assert not graph, f"these import each other in a circle: {sorted(graph)}"


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) == "mlp.nn"])
def test_the_mathematics_imports_no_array_library(module: str) -> None:
    assert not top_level(module) & {"numpy", "cupy", "scipy", "torch"}


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("backends")])
def test_the_backends_know_nothing_of_networks(module: str) -> None:
    assert "mlp" not in top_level(module)


@pytest.mark.parametrize("module", MODULES)
def test_cupy_is_imported_in_the_backends_alone_and_lazily(module: str) -> None:
    """Under ``if TYPE_CHECKING`` is not lazily either, but that runs nowhere and is not needed."""
    found = list(imports(MODULES[module].read_text()))
    cupy = [lazily for name, lazily in found if name.split(".")[0] in ("cupy", "cupy_backends")]
    assert all(cupy)
    assert not cupy or module.startswith("backends.")


def test_importing_the_package_imports_no_cupy() -> None:
    code = (
        "import sys, mlp, mlp.cli, backends, backends.cuda; backends.get_backend('cpu');"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('cupy', 'torch')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


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
    protocol = members(Backend)
    assert set(members(backend)) == set(protocol)
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


def namespace_overrides() -> Iterator[tuple[type, str]]:
    for namespace in NAMESPACES:
        yield from ((namespace, name) for name in members(namespace))


@pytest.mark.parametrize(("namespace", "name"), list(namespace_overrides()))
def test_a_namespace_keeps_numpys_names_in_numpys_order(namespace: type, name: str) -> None:
    ours = [parameter for parameter, _, _ in shape_of(getattr(namespace, name))]
    function = getattr(np, name)
    if isinstance(function, np.ufunc):
        theirs = [*(f"x{i + 1}" for i in range(function.nin)), "out", "casting", "dtype"]
        ours = [f"x{i + 1}" if i < function.nin else parameter for i, parameter in enumerate(ours)]
    else:
        theirs = [parameter for parameter, _, _ in shape_of(function)]
    assert [parameter for parameter in theirs if parameter in ours] == ours


def test_the_namespaces_take_the_same_arguments() -> None:
    first, second = map(members, NAMESPACES)
    assert {"sum"} <= set(first) & set(second)
    for name in set(first) & set(second):
        names = [[p for p, _, _ in shape_of(functions[name])] for functions in (first, second)]
        assert names[0] == names[1], name


def overrides() -> Iterator[tuple[type, type, str]]:
    for base, classes in (
        (Layer, [Linear, Dropout, SumOutputs, SumGradients, *LAYERS.values()]),
        (Activation, list(LAYERS.values())),
        (Loss, list(LOSSES.values())),
    ):
        for cls in classes:
            yield from ((base, cls, name) for name in members(base) if name in vars(cls))


@pytest.mark.parametrize(
    ("base", "cls", "name"), list(overrides()), ids=lambda value: getattr(value, "__name__", value)
)
def test_an_override_keeps_its_bases_signature(base: type, cls: type, name: str) -> None:
    assert shape_of(getattr(cls, name)) == shape_of(getattr(base, name))


def test_another_signature_is_seen() -> None:
    class Renamed(Layer):
        def forward(self, batch: Any) -> Any:
            return batch

    assert shape_of(Renamed.forward) != shape_of(Layer.forward)
    assert shape_of(Renamed.backward) == shape_of(Layer.backward)
