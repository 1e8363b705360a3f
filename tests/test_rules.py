"""The rules of the house, read from the source: who may import whom, and what overrides keep."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.base import Backend
from backends.cpu import CpuBackend
from backends.cuda import CudaBackend
from mlp.activations import ACTIVATIONS, Activation
from mlp.dropout import Dropout
from mlp.layers import Layer, Linear
from mlp.losses import LOSSES, Loss
from mlp.tensor_parallel import SumGradients, SumOutputs

ROOT = Path(__file__).parent.parent
MATHEMATICS = ("layers", "activations", "losses", "optim", "network", "init", "schedules")
BESIDE = ("hits", "random_bits", "warp", "deformation", "dropout", "max_norm", "tensor_parallel")

ORDER = (
    ("backends", "backends.*"),
    ("mlp.errors", "mlp.spec", "mlp.rng", "mlp.task", "mlp.atomic", "mlp.npz", "mlp.targets"),
    ("mlp.threads", "mlp.forked", "mlp.crew"),
    ("mlp.datasets", "mlp.datasets.*"),
    (
        "mlp.layers",
        "mlp.activations",
        "mlp.hits",
        "mlp.losses",
        "mlp.optim",
        "mlp.init",
        "mlp.schedules",
    ),
    ("mlp.random_bits", "mlp.warp", "mlp.deformation", "mlp.max_norm"),
    ("mlp.network", "mlp.recipe"),
    (
        "mlp.dropout",
        "mlp.tensor_parallel",
        "mlp.batches",
        "mlp.metrics",
        "mlp.calibration",
        "mlp.history",
        "mlp.inference",
        "mlp.architecture",
    ),
    ("mlp.diagnosis", "mlp.checkpoint", "mlp.evaluation", "mlp.lane", "mlp.step"),
    ("mlp.spans", "mlp.pieces"),
    ("mlp.trainer",),
    ("mlp.training",),
    ("mlp.*",),  # what is built on a trained network: presets, handwriting, export, the page
    ("mlp.cli", "mlp.cli.*"),
    ("mlp", "mlp.__main__"),  # the names offered to users, gathered from everywhere
)
"""A module imports from rows above its own, or from its own row where that makes no circle."""


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


def row(module: str) -> int:
    """The row of `ORDER` that a module stands in: the one that names it most closely."""
    patterns = [(pattern, i) for i, names in enumerate(ORDER) for pattern in names]
    matching = [(len(p), i) for p, i in patterns if fnmatch(module, p)]
    assert matching, f"{module} stands in no row of ORDER"
    return max(matching)[1]


def upward(module: str, source: str) -> list[str]:
    """The modules that a module imports though they stand in a later row."""
    ours = [
        name for name, _ in imports(source, module) if name.split(".")[0] in ("mlp", "backends")
    ]
    return [name for name in ours if row(name) > row(module)]


# Imports


@pytest.mark.parametrize("module", MODULES)
def test_arrows_run_down(module: str) -> None:
    assert upward(module, MODULES[module].read_text()) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mlp.layers", "from mlp.network import MLP"),
        ("mlp.losses", "def f():\n    from mlp import training"),
        ("mlp.datasets.mnist", "import mlp.layers"),
        ("mlp.training", "from mlp.cli.console import bar"),
        ("mlp.handwriting", "from mlp.cli import main"),
        ("backends.cpu", "from mlp.errors import MLPError"),
        ("mlp.metrics", "from mlp import Recipe"),
    ],
)
def test_an_arrow_that_runs_up_is_seen(module: str, source: str) -> None:
    assert len(upward(module, source)) == 1


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


@pytest.mark.parametrize("name", MATHEMATICS + BESIDE)
def test_the_mathematics_imports_no_array_library(name: str) -> None:
    assert not top_level(f"mlp.{name}") & {"numpy", "cupy", "scipy", "torch"}


def test_the_mathematics_can_be_read_at_a_sitting() -> None:
    lines = [len(MODULES[f"mlp.{name}"].read_text().splitlines()) for name in MATHEMATICS]
    assert sum(lines) < 850
    assert max(lines) < 250


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
        for name in members(namespace):
            if not isinstance(getattr(np, name, int), type):  # np.record is no function
                yield namespace, name


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
        (Layer, [Linear, Dropout, SumOutputs, SumGradients, *ACTIVATIONS.values()]),
        (Activation, list(ACTIVATIONS.values())),
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
