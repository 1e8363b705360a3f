"""Fields of a dataclass that a user may set: each says here what it is, and nowhere else."""

from __future__ import annotations

from dataclasses import field
from typing import Any, TypeVar

from mlp.common.registry import Registry

T = TypeVar("T")


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
