"""Every name and keyword of CuPy that the project uses, looked up in CuPy itself, without a GPU."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from source import ROOT

cupy = pytest.importorskip("cupy")

BACKEND = sorted((ROOT / "backends" / "cuda").glob("*.py"))
MATHEMATICS = sorted((ROOT / "mlp").rglob("*.py"))

NAMESPACES = ("cupy", "self._cupy", "xp", "self.xp", "self._xp", "backend.xp", "model.backend.xp")
OBJECTS = {
    "self._stream": cupy.cuda.Stream,
    "self.stream": cupy.cuda.Stream,
    "self._queue.stream": cupy.cuda.Stream,
    "self.device": cupy.cuda.Device,
    "self._queue.device": cupy.cuda.Device,
    "self._pool": cupy.cuda.MemoryPool,
    "workspace": cupy.cuda.MemoryPointer,
    "a.data": cupy.cuda.MemoryPointer,
    "cupy.cuda.Device(index)": cupy.cuda.Device,
}
"""What the expressions of the backend are instances of; `ast.unparse` names them."""

OURS = {
    "graph.py": {"self._graph": cupy.cuda.Graph},
    "device.py": {"pool": cupy.cuda.MemoryPool},
    "nccl.py": {
        "event": cupy.cuda.Event,
        "array": cupy.ndarray,
        "out": cupy.ndarray,
        "out.data": cupy.cuda.MemoryPointer,
        "queue.stream": cupy.cuda.Stream,
        "queue.device": cupy.cuda.Device,
        "device": cupy.cuda.Device,
    },
}
"""The same, of one file alone."""


def known(file: str) -> dict[str, Any]:
    return dict.fromkeys(NAMESPACES, cupy) | OBJECTS | OURS.get(file, {})


def attribute(expression: ast.expr, roots: dict[str, Any]) -> Any:
    """What CuPy has under an expression such as ``self._cupy.cuda.Stream``; None if not CuPy's.

    Raises:
        AttributeError: if CuPy has no such name.
    """
    if not isinstance(expression, ast.Attribute):
        return None
    if (root := roots.get(ast.unparse(expression.value))) is not None:
        if f"{root.__name__}.{expression.attr}" in (root.__doc__ or ""):
            return True  # an attribute that instances alone have, and that CuPy documents
        return getattr(root, expression.attr)
    parent = attribute(expression.value, roots)
    return None if parent is None else getattr(parent, expression.attr)


def parameters(function: Any) -> inspect.Signature | None:
    """The signature of a function, or the one that its docstring begins with; None of a ufunc."""
    if isinstance(function, cupy.ufunc):
        return None
    try:
        signature = inspect.signature(function)
    except ValueError:
        signature = None
    kinds = [p.kind for p in signature.parameters.values()] if signature else VARIADIC
    if kinds and all(kind in VARIADIC for kind in kinds):
        line = re.match(r"[\w.]+(\(.*?\))(?: -> .*)?(?:\n|$)", function.__doc__ or "")
        assert line, f"CuPy does not tell the signature of {function}"
        types = r"\b(?:str|unicode|int|tuple|bool|size_t|intptr_t) (?=\w)"
        text = re.sub(types, "", line[1].replace("\\", ""))
        namespace: dict[str, Any] = {}
        exec(f"def function{text}: pass", namespace)
        signature = inspect.signature(namespace["function"])
    names = [p for p in signature.parameters.values() if p.name != "self"]
    return signature.replace(parameters=names)


VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
UFUNC_KEYWORDS = {"out", "dtype", "casting"}


def complaint(call: ast.Call, function: Any) -> str | None:
    """Why CuPy's function does not take this call's arguments."""
    if isinstance(function, type) and issubclass(function, Exception):
        return None
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return None
    keywords = {keyword.arg: None for keyword in call.keywords if keyword.arg}
    signature = parameters(function)
    if signature is None:
        unknown = set(keywords) - UFUNC_KEYWORDS
        counts = len(call.args) == function.nin
        return None if not unknown and counts else f"a ufunc of {function.nin}, not {unknown}"
    try:
        signature.bind(*call.args, **keywords)
    except TypeError as error:
        return str(error)
    return None


def faults(source: str, file: str = "") -> Iterator[str]:
    """Each use of CuPy in a source that CuPy does not have or does not take."""
    roots = known(file)
    for node in ast.walk(ast.parse(source)):
        try:
            if isinstance(node, ast.Attribute):
                attribute(node, roots)
            elif isinstance(node, ast.Call):
                function = attribute(node.func, roots)
                if function is not None and (reason := complaint(node, function)):
                    yield f"{file}:{node.lineno}: {ast.unparse(node)}: {reason}"
        except AttributeError as error:
            yield f"{file}:{node.lineno}: {error}"


def uses(source: str, file: str) -> list[ast.Attribute]:
    """The names of a source that are CuPy's, all of which it must have."""
    roots, nodes = known(file), ast.walk(ast.parse(source))
    names = (n for n in nodes if isinstance(n, ast.Attribute))
    return [n for n in names if attribute(n, roots) is not None]


def test_cupy_has_all_that_is_used() -> None:
    """And a renamed variable hides no file from the check."""
    sources = [(path.name, path.read_text(encoding="utf-8")) for path in BACKEND + MATHEMATICS]
    assert [fault for name, source in sources for fault in faults(source, name)] == []
    used = Counter[str]()
    for name, source in sources:
        used[name] += len(uses(source, name))
    for name in ("device.py", "checks.py", "graph.py", "kernels.py", "nccl.py", "queue.py"):
        assert used[name] > 2, name
    for name in ("layers.py", "activations.py", "losses.py", "sgd.py", "adam.py", "batches.py"):
        assert used[name] > 2, name


@pytest.mark.parametrize(
    ("fault", "file"),
    [
        ("xp.maximun(x, 0.0, out=y)", ""),
        ("self.xp.take(a, rows, axis=0, out=x, mode='clip')", ""),
        ("xp.maximum(x, 0.0, out=y, where=mask)", ""),
        ("xp.exp(x, y, out=z)", ""),
        ("xp.sum(a, axis=0, output=b)", ""),
        ("self._cupy.cuda.Streams()", ""),
        ("self._stream.begin_capturing()", ""),
        ("self._stream.begin_capture(flags=0)", ""),
        ("self._graph.launch(on=stream)", "graph.py"),
        ("self._cupy.RawKernel(text, name, flags=())", ""),
    ],
)
def test_a_planted_fault_is_found(fault: str, file: str) -> None:
    assert list(faults(fault, file))
