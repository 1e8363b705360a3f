"""Fields of a dataclass that a user may set: each says here what it is, and nowhere else."""

from __future__ import annotations

import reprlib
from dataclasses import field, fields
from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from mlp.common.errors import UsageError
from mlp.common.registry import Registry
from mlp.common.whole import as_whole

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")

WORDS = {
    str: "a text",
    bool: "True or False",
    float: "a number",
    NoneType: "None",
    tuple[int, ...]: "a tuple of whole numbers",
}
"""What a sentence calls the types that such a field may have."""


def option(
    default: T,
    help: str,
    *,
    group: str,
    metavar: str | None = None,
    choices: Registry[Any] | None = None,
) -> T:
    """Make a dataclass's field with a default, and with metadata that help texts are made of.

    Args:
        default: the value where none is given.
        help: what the field is, in a sentence or two.
        group: the heading that the option stands under.
        metavar: how a value is written, such as ``"N|full"``, where its type does not say so.
        choices: the registry of the names to choose from. The help lists them after ``help``, as
            they are registered when it is shown.
    """
    metadata = {"help": help, "group": group, "metavar": metavar, "choices": choices}
    return field(default=default, metadata=metadata)


def check_types(values: DataclassInstance) -> None:
    """Hold each field of a dataclass of options to its type.

    Not one of whole numbers: what checks its range says that it must be whole, too.

    Raises:
        UsageError: naming the first field whose value is of another type.
    """
    for name, kinds in _kinds(type(values)).items():
        value = getattr(values, name)
        if int not in kinds and not any(_is_a(kind, value) for kind in kinds):
            wanted = " or ".join(map(_called, kinds))
            raise UsageError(f"{name} takes {wanted}, not {shown(value)}")


def shown(value: object) -> str:
    """Write any value for a sentence: in one line, and not at length."""
    return " ".join(reprlib.repr(value).split())


@cache
def _kinds(chosen: type[DataclassInstance]) -> dict[str, tuple[Any, ...]]:
    """Return the types that each field may have."""
    hints = get_type_hints(chosen)
    of_fields = {field.name: hints[field.name] for field in fields(chosen)}
    return {
        name: get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        for name, hint in of_fields.items()
    }


def _is_a(kind: Any, value: object) -> bool:
    if kind == tuple[int, ...]:
        return isinstance(value, tuple | list) and None not in map(as_whole, value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str if get_origin(kind) is Literal else kind)


def _called(kind: Any) -> str:
    return WORDS[kind] if kind in WORDS else " or ".join(map(repr, get_args(kind)))
