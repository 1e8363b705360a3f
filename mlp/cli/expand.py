"""Options of commands that come from dataclasses, so that each is described once, at its field.

Beside options of its own, a command may take as a parameter

- `Overrides` of a dataclass whose fields are made by `mlp.common.option.option`: an option for each
  field, which is unset unless the user gives it. ``Annotated`` with names, there are options for
  these fields only; with `Without`, for all but some;
- a dataclass whose fields are annotated with typer's options, which several commands share.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from inspect import Parameter, Signature
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    NamedTuple,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

import typer

from mlp.cli.parse import PARSERS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Chosen = TypeVar("Chosen", bound="DataclassInstance")


class Without:
    """Names fields of a dataclass that a command has no options for.

    Args:
        names: of the fields.
    """

    def __init__(self, *names: str) -> None:
        self.names = names


class Overrides(Generic[Chosen]):
    """The values that the user gave on the command line for fields of a dataclass.

    A parameter ``Annotated[Overrides[Recipe], "loss", "batch_size"]`` has options for the named
    fields only.

    Args:
        given: values by the names of their fields, as the user wrote them.
    """

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = given

    def __contains__(self, field: str) -> bool:
        return field in self._given

    def over(self, base: Chosen) -> Chosen:
        """Return a copy of ``base`` with the given values in place of its own.

        Raises:
            UsageError: if a value cannot be read, or the dataclass refuses it.
        """
        hints = get_type_hints(type(base))
        values: dict[str, Any] = {
            name: PARSERS[hints[name]](value, name) if hints[name] in PARSERS else value
            for name, value in self._given.items()
        }
        return dataclasses.replace(base, **values)


def expand(command: Callable[..., None]) -> Callable[..., None]:
    """Let typer see the options of a command's dataclasses in place of these."""
    return _Expanded(command)


class _Expanded:
    """A command that lists its options on request, with all choices registered by then."""

    def __init__(self, function: Callable[..., None]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    @property
    def __signature__(self) -> Signature:
        return Signature([option for bundle in self._bundles() for option in bundle.options])

    def __call__(self, **given: Any) -> None:
        """Build the dataclasses from typer's values and call the function with them."""
        self._function(**{bundle.name: bundle.take(given) for bundle in self._bundles()})

    def _bundles(self) -> list[_Bundle]:
        signature = inspect.signature(self._function, eval_str=True)
        return list(map(_bundle, signature.parameters.values()))


class _Bundle(NamedTuple):
    """One parameter of a command.

    Attributes:
        name: its name.
        options: the options that typer sees in its place.
        take: makes its value from the values of all options.
    """

    name: str
    options: list[Parameter]
    take: Callable[[Mapping[str, Any]], object]


def _bundle(parameter: Parameter) -> _Bundle:
    kind, only = parameter.annotation, None
    if get_origin(kind) is Annotated:
        kind, *only = get_args(kind)
    if get_origin(kind) is Overrides:
        if only and isinstance(left_out := only[0], Without):
            return _overrides(parameter.name, get_args(kind)[0], None, left_out.names)
        return _overrides(parameter.name, get_args(kind)[0], only)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _shared(parameter.name, kind)
    option = parameter.replace(kind=Parameter.KEYWORD_ONLY)
    return _Bundle(parameter.name, [option], lambda given: given[option.name])


def _overrides(
    name: str,
    chosen: type[DataclassInstance],
    only: Collection[str] | None,
    left_out: Collection[str] = (),
) -> _Bundle:
    """Describe a parameter of type `Overrides`, with options for all fields or for some."""
    hints = get_type_hints(chosen)
    described = [field for field in dataclasses.fields(chosen) if "help" in field.metadata]
    fields = [
        field
        for field in described
        if field.name not in left_out and (only is None or field.name in only)
    ]
    grouped = only is None  # a few alone need no headings
    options = [_override(field, hints[field.name], grouped) for field in fields]

    def take(given: Mapping[str, Any]) -> object:
        values = {field.name: given[field.name] for field in fields}
        return Overrides({name: value for name, value in values.items() if value is not None})

    return _Bundle(name, options, take)


def _shared(name: str, kind: type[DataclassInstance]) -> _Bundle:
    """Describe a parameter that is a dataclass of options."""
    hints = get_type_hints(kind, include_extras=True)
    fields = [field for field in dataclasses.fields(kind) if field.init]
    options = [_option(field.name, hints[field.name], field.default) for field in fields]
    return _Bundle(
        name, options, lambda given: kind(**{field.name: given[field.name] for field in fields})
    )


def _option(name: str, annotation: object, default: object) -> Parameter:
    default = Parameter.empty if default is dataclasses.MISSING else default
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _override(field: dataclasses.Field[Any], hint: Any, grouped: bool) -> Parameter:
    """Make a field's option, which is None unless it is given; the help is from the metadata.

    The help leaves an option out while its registry has one entry; it may be given all the same.
    """
    metadata = field.metadata
    text: str = metadata["help"]
    choices = metadata["choices"]
    hidden = choices is not None and len(choices) < 2  # there is nothing to choose, as yet
    if choices is not None:
        text = f"{text}: {choices.describe()}."
    if field.default is not None:
        text = f"{text} \\[default: {_shown(field)}]"  # rich reads the bare bracket as markup
    panel = metadata["group"] if grouped else None
    option = typer.Option(
        help=text, metavar=metadata["metavar"], rich_help_panel=panel, hidden=hidden
    )
    return _option(field.name, Annotated[_scalar(hint) | None, option], None)


def _scalar(hint: Any) -> type:
    """Return the type for typer: the field's, or str where `Overrides.over` reads the text."""
    kinds = [kind for kind in get_args(hint) or [hint] if kind is not type(None)]
    return kinds[0] if kinds in ([bool], [int], [float]) else str


def _shown(field: dataclasses.Field[Any]) -> str:
    """Write a default as the user would type it."""
    if isinstance(field.default, bool):
        flag = field.name.replace("_", "-")
        return flag if field.default else f"no-{flag}"
    if isinstance(field.default, tuple):
        return ",".join(map(str, field.default))
    return str(field.default)
