"""Which lines of the program an input reaches, and which inputs reach what none did before."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from fuzz import Guide
from source import ROOT

INSIDE = str(ROOT / "mlp")


class Reach(Guide):
    """Notes each step from one line of the program to another, and tells new ones.

    A function whose lines have all been reached is watched no more.

    Args:
        inside: the folder whose files are watched.
    """

    def __init__(self, inside: str = INSIDE) -> None:
        self._inside = inside
        self._steps: dict[CodeType, set[tuple[int, int]]] = {}
        self._left: dict[CodeType, set[int]] = {}
        self._new = False

    def watch(self) -> AbstractContextManager[object]:
        return self._watching()

    def is_new(self) -> bool:
        return self._new

    @contextmanager
    def _watching(self) -> Iterator[None]:
        self._new = False
        sys.settrace(self._entered)
        try:
            yield
        finally:
            sys.settrace(None)

    def _entered(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(self._inside):
            return None
        left = self._left.get(code)
        if left is None:
            left = self._left[code] = lines_of(code)
            self._steps[code] = set()
            self._new = True
        if not left:
            return None
        steps, last = self._steps[code], code.co_firstlineno

        def stepped(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal last
            if event == "line":
                step = last, frame.f_lineno
                if step not in steps:
                    steps.add(step)
                    left.discard(frame.f_lineno)
                    self._new = True
                last = frame.f_lineno
            return stepped

        return stepped

    def reached(self, modules: tuple[str, ...]) -> tuple[int, int]:
        """Count the lines of functions of some modules that were reached, and all of them."""
        left = {(c.co_filename, c.co_firstlineno, c.co_name): v for c, v in self._left.items()}
        there = missed = 0
        for module in modules:
            spec = find_spec(module)
            assert spec is not None
            assert spec.origin is not None
            for code in functions_of(spec.origin):
                lines = lines_of(code)
                there += len(lines)
                missed += len(
                    left.get((code.co_filename, code.co_firstlineno, code.co_name), lines)
                )
        return there - missed, there


def functions_of(path: str) -> Iterator[CodeType]:
    """Yield the functions of a file, those inside of others, too."""
    waiting = [compile(Path(path).read_text("utf-8"), path, "exec")]
    while waiting:
        code = waiting.pop()
        waiting += [part for part in code.co_consts if isinstance(part, CodeType)]
        if code.co_flags & 0x2:  # CO_NEWLOCALS: neither a module nor a class
            yield code


def lines_of(code: CodeType) -> set[int]:
    """Return the lines of a function below its head."""
    return {line for _, _, line in code.co_lines() if line is not None} - {code.co_firstlineno}
