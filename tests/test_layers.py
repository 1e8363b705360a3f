"""Who may import whom: the rooms of the house, floor upon floor, read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache

import pytest
from source import MODULES, ROOT

Floors = tuple[tuple[str, ...], ...]

FLOORS: Floors = (
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

TRAINING: Floors = (
    ("mlp.training.class_weights", "mlp.training.reported_loss", "mlp.training.whole_batches"),
    ("mlp.training.recipe",),
    ("mlp.training.step",),
    ("mlp.training.parallel",),  # threads that compute an update together
    ("mlp.training.executors",),  # the updates of an epoch
    ("mlp.training.ranks",),  # those of several machines
    ("mlp.training",),  # the trainer, the loop, and what a run is made of
    ("mlp.training.presets",),
    ("mlp.training.runs",),
    ("mlp.training.search",),
)
"""The floors inside the room of training; its loose modules are above those that make updates."""


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


def room(module: str, floors: Floors = FLOORS) -> str | None:
    """The room that a module lies in; None where it lies in none of these floors."""
    matching = [name for floor in floors for name in floor if f"{module}.".startswith(f"{name}.")]
    return max(matching, key=len, default=None)


def floor(module: str, floors: Floors = FLOORS) -> int:
    """How far up the room of a module is."""
    return next(i for i, rooms in enumerate(floors) if room(module, floors) in rooms)


def astray(module: str, found: Iterable[tuple[str, bool]], floors: Floors = FLOORS) -> list[str]:
    """What a module imports though it lies on its own floor elsewhere, or above."""
    here = room(module, floors)
    return [
        name
        for name, _ in found
        if room(name, floors) not in (None, here) and floor(name, floors) >= floor(module, floors)
    ]


# Imports


@pytest.mark.parametrize(("floors", "package"), [(FLOORS, ""), (TRAINING, "mlp.training.")])
def test_arrows_run_down(floors: Floors, package: str) -> None:
    inside = [module for module in MODULES if module.startswith(package)]
    assert [module for module in inside if room(module, floors) is None] == []
    found = {module: astray(module, imports_of(module), floors) for module in inside}
    assert {module: names for module, names in found.items() if names} == {}


@pytest.mark.parametrize("floors", [FLOORS, TRAINING])
def test_every_room_is_there(floors: Floors) -> None:
    assert [name for rooms in floors for name in rooms if name not in MODULES] == []


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


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mlp.training.parallel.workers", "from mlp.training.trainer import Trainer"),
        ("mlp.training.parallel.pace", "from mlp.training.executors import executor"),
        ("mlp.training.executors.executor", "from mlp.training.ranks.ranks import Ranks"),
        ("mlp.training.ranks.executor", "from mlp.training.unseen import Unseen"),
        ("mlp.training.recipe", "from mlp.training import step"),
        ("mlp.training.loop", "def f():\n    from mlp.training.runs.folder import RunFolder"),
        ("mlp.training.runs.folder", "from mlp.training.search.space import Space"),
    ],
)
def test_an_arrow_that_runs_up_inside_training_is_seen(module: str, source: str) -> None:
    assert len(astray(module, imports(source, module), TRAINING)) == 1


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
