"""Where the source is, and the calls on an array namespace that stand in it."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlp

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""


def modules() -> dict[str, Path]:
    """Every module of the two packages, by its dotted name."""
    found = {}
    for package in ("backends", "mlp"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def load_script(path: Path) -> Any:
    """Import a script that is in no package, as a module of its own."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def xp_calls(source: str) -> Iterator[tuple[int, str, int, frozenset[str]]]:
    """Each ``xp.name(...)`` and ``….xp.name(...)``: line, name, positional count, keywords."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr=name, value=ast.Name("xp") | ast.Attribute(attr="xp"))
            ):
                keywords = (keyword.arg for keyword in node.keywords if keyword.arg)
                yield node.lineno, name, len(node.args), frozenset(keywords)


USING_XP = [
    path
    for path in sorted(Path(mlp.__file__).parent.rglob("*.py"))
    if any(xp_calls(path.read_text(encoding="utf-8")))
]
"""The modules that call a namespace's functions."""
