"""The rules of the house, read from the source: who may import whom, and what overrides keep."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from source import ROOT

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
from mlp.training.parallel.executor import Executor
from mlp.training.parallel.replica import Replica
from mlp.training.step import Step

FLOORS = (
    ("backends", "mlp.common"),
    ("mlp.nn",),
    ("mlp.data",),
    ("mlp.models",),
    ("mlp.training", "mlp.handwriting"),
    ("mlp.benchmark", "mlp.sklearn"),
    ("mlp.view",),
    ("mlp.web",),
    ("mlp.cli",),
    ("mlp", "mlp.__main__"),  # the names offered to users, gathered from everywhere
)
"""A room imports from the floors below its own and from itself, never from beside or above."""

MOST_LINES = 300
"""Of a file of the source: a longer one is two; see CONTRIBUTING.md."""


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Every module of the two packages, by its dotted name."""
    found = {}
    for package in ("backends", "mlp"):
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def imports_of(module: str) -> list[tuple[str, bool]]:
    """The same as `imports`, of a module's file."""
    return list(imports(MODULES[module].read_text(encoding="utf-8"), module))


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
    return {name.split(".")[0] for name, _ in imports_of(module)}


def room(module: str) -> str:
    """The room that a module lies in; the package itself where it lies in none."""
    matching = [name for floor in FLOORS for name in floor if f"{module}.".startswith(f"{name}.")]
    assert matching, f"{module} lies in no room of FLOORS"
    return max(matching, key=len)


def floor(module: str) -> int:
    """How far up the room of a module is."""
    return next(i for i, rooms in enumerate(FLOORS) if room(module) in rooms)


def astray(module: str, found: Iterable[tuple[str, bool]]) -> list[str]:
    """What a module imports though it lies on its own floor elsewhere, or above."""
    ours = [name for name, _ in found if name.split(".")[0] in ("mlp", "backends")]
    return [name for name in ours if room(name) != room(module) and floor(name) >= floor(module)]


# Imports


def test_arrows_run_down() -> None:
    found = {module: astray(module, imports_of(module)) for module in MODULES}
    assert {module: names for module, names in found.items() if names} == {}


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
    assert len(astray(module, imports(source, module))) == 1


def test_there_are_no_circles() -> None:
    graph = {
        module: {name for name, _ in imports_of(module) if name in MODULES} - {module}
        for module in MODULES
    }
    for package in ("mlp", "backends"):  # a package gathers its modules' names
        for dependencies in graph.values():
            dependencies.discard(package)
    while free := [module for module, needs in graph.items() if not needs & set(graph)]:
        for module in free:
            del graph[module]
    assert not graph, f"these import each other in a circle: {sorted(graph)}"


def test_the_mathematics_imports_no_array_library() -> None:
    libraries = {"numpy", "cupy", "scipy", "torch"}
    mathematics = [module for module in MODULES if room(module) == "mlp.nn"]
    assert len(mathematics) > 5
    assert [module for module in mathematics if top_level(module) & libraries] == []


def test_the_backends_know_nothing_of_networks() -> None:
    backends = [module for module in MODULES if room(module) == "backends"]
    assert len(backends) > 5
    assert [module for module in backends if "mlp" in top_level(module)] == []


def test_cupy_is_imported_in_the_backends_alone_and_lazily() -> None:
    """Under ``if TYPE_CHECKING`` is not lazily either, but that runs nowhere and is not needed."""
    cupy = [
        (module, inside_a_function)
        for module in MODULES
        for name, inside_a_function in imports_of(module)
        if name.split(".")[0] in ("cupy", "cupy_backends")
    ]
    assert cupy
    assert [module for module, lazily in cupy if not (lazily and room(module) == "backends")] == []


def test_importing_the_package_imports_nothing_that_is_optional() -> None:
    code = (
        "import sys, mlp, mlp.cli, backends, backends.cuda; backends.get_backend('cpu');"
        "optional = ('cupy', 'torch', 'sklearn', 'scipy', 'pandas', 'matplotlib', 'starlette',"
        "'mpi4py');"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in optional))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


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
        if room(module) != "mlp.sklearn" or find_spec("sklearn"):  # an extra
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
