"""The lines of the program that computed something, and the formula that they state."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any


def written_by(owner: object, *names: str) -> Callable[..., Any]:
    """Return the method that an object's own class wrote, rather than one above it that calls it.

    Args:
        owner: such as a layer.
        names: what it may be called, the name to prefer first.
    """
    for cls in type(owner).__mro__:
        for name in names:
            if name in vars(cls):
                found: Callable[..., Any] = vars(cls)[name]
                return found
    raise AttributeError(f"{type(owner).__name__} has none of {', '.join(names)}")


def formula_of(written: Callable[..., Any]) -> str:
    """Return the first line of the docstring of a method or class; of its class's, if it has none.

    That is where the project writes its formulas.
    """
    doc = written.__doc__
    if doc is None:
        name = written.__qualname__.split(".")[0]
        doc = vars(inspect.getmodule(written))[name].__doc__
    return inspect.cleandoc(doc).splitlines()[0]


def source_of(written: Callable[..., Any]) -> dict[str, str]:
    """Return the lines of a method, ``code``, and where they stand, ``place``.

    There are no lines where the program has been installed without its source, or anew meanwhile.
    """
    try:
        lines, first = inspect.getsourcelines(written)
    except OSError:
        lines, first = [], written.__code__.co_firstlineno
    place = f"{written.__module__.replace('.', '/')}.py, line {first}"
    return {"place": place, "code": textwrap.dedent("".join(lines)).rstrip()}
