"""``recipe.toml``: everything that a training run was asked for, written so that it runs again."""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from mlp.common.atomic import replacing
from mlp.common.choices import did_you_mean
from mlp.common.errors import UsageError
from mlp.common.plain_file import check_file
from mlp.data.reading import Reading
from mlp.data.task import Kind
from mlp.training.architecture import Architecture
from mlp.training.presets.preset import load_preset
from mlp.training.recipe import Recipe

T = TypeVar("T")

FEWEST = 2
"""The fewest snapshots: one before the first update, and one after the last epoch."""

LARGEST = 1 << 128
"""Whole numbers from here on are refused, since others cannot be made of all of them."""


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """What to train on, and what to ask of it.

    Attributes:
        dataset: a name or a path; see `mlp.data.load.load_dataset`.
        folder: where MNIST's files are; None for where they usually are.
        task: the kind of task.
        positive: of a binary task, the classes whose answer is yes.
    """

    dataset: str = "auto"
    folder: str | None = None
    task: Kind = "multiclass"
    positive: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DeviceSettings:
    """What to compute on; see `backends.get_backend`."""

    device: str = "auto"
    precision: str = "float32"
    graph: bool = True


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a training run was asked for.

    Attributes:
        network: what is built.
        training: the hyperparameters.
        data: what it is trained on.
        reading: the choices in reading it.
        device: what it computes on.
        preset: the preset that it started from, which may bring parts of its own.
        start: the model file whose parameters it started from; None where they were drawn.
        snapshots: how many snapshots it keeps in its folder at most; None for none.
    """

    network: Architecture = field(default_factory=Architecture)
    training: Recipe = field(default_factory=Recipe)
    data: DataSettings = field(default_factory=DataSettings)
    reading: Reading = field(default_factory=Reading)
    device: DeviceSettings = field(default_factory=DeviceSettings)
    preset: str | None = None
    start: str | None = None
    snapshots: int | None = None

    def __post_init__(self) -> None:
        if self.snapshots is not None and self.snapshots < FEWEST:
            raise UsageError(f"a run keeps {FEWEST} snapshots or more, not {self.snapshots}")


def to_toml(settings: Settings) -> str:
    """Write settings as TOML, which `from_toml` reads back as they were.

    A value that is None is left out.

    Raises:
        UsageError: if a path in them is no Unicode.
    """
    lines = ["# What mlp train --config takes."]
    tables = {}
    for key, value in _values(settings):
        if dataclasses.is_dataclass(value):
            tables[key] = value
        else:
            lines.append(f"{key} = {_toml(value)}")
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in _values(table))]
    text = "\n".join([*lines, ""])
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(
            "a path of this run holds bytes that are no UTF-8, which recipe.toml cannot: rename it"
        ) from None
    return text


def from_toml(text: str, name: str) -> Settings:
    """Read what `to_toml` or somebody by hand wrote; what is left out has its default.

    Args:
        text: the file's content.
        name: the file's name, for the errors.

    Raises:
        UsageError: if it is not TOML, or names something that there is not or that makes no sense.
    """
    try:
        tables = tomllib.loads(text)
        if isinstance(preset := tables.get("preset"), str):
            load_preset(preset)  # registers what it alone names
        return _build(Settings, tables, "")
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from None
    except ValueError as error:  # TOMLDecodeError, and numbers of thousands of digits
        raise UsageError(f"{name} is not TOML ({error}): correct it") from None
    except RecursionError:
        raise UsageError(f"{name} holds tables in one another without an end: correct it") from None


def write_settings(settings: Settings, path: Path) -> None:
    """Write a file of settings, whole or not at all.

    Raises:
        OSError: if it cannot be written.
        UsageError: see `to_toml`.
    """
    content = to_toml(settings).encode()
    with replacing(path) as file:
        file.write(content)


def read_settings(path: Path) -> Settings:
    """Read a file of settings.

    Raises:
        UsageError: if it cannot be read; see also `from_toml`.
    """
    check_file(path, UsageError)
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): name another file") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not TOML, being no UTF-8: name another file") from None
    return from_toml(text, str(path))


def differences(one: object, other: object, inside: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield each field in which two dataclasses of one kind differ: ``training.lr``, and both.

    Args:
        one: the first, such as `Settings`.
        other: the second.
        inside: what stands before the names of the fields.
    """
    assert dataclasses.is_dataclass(one)
    for entry in dataclasses.fields(one):
        a, b = getattr(one, entry.name), getattr(other, entry.name)
        if dataclasses.is_dataclass(a):
            yield from differences(a, b, f"{inside}{entry.name}.")
        elif a != b:
            yield f"{inside}{entry.name}", a, b


def _values(table: Any) -> Iterator[tuple[str, Any]]:
    for entry in dataclasses.fields(table):
        value = getattr(table, entry.name)
        if value is not None:
            yield entry.name, value


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        text = repr(value)
        return text if math.isfinite(value) else text.removesuffix("inity")
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    # JSON's strings are TOML's basic strings, but for one control character.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _build(kind: type[T], table: Mapping[str, Any], inside: str) -> T:
    """Make a dataclass of a TOML table, with each value held against its field's type."""
    hints = get_type_hints(kind)
    known = [entry.name for entry in dataclasses.fields(kind)]  # type: ignore[arg-type]
    values = {}
    for key, value in table.items():
        if key not in known:
            raise UsageError(
                f"there is no {inside}{key}{did_you_mean(key, known)}: choose of {', '.join(known)}"
            )
        hint = hints[key]
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, dict):
                raise UsageError(f"{key} must be a table, written [{key}]")
            values[key] = _build(hint, value, f"{key}.")  # type: ignore[arg-type]
        else:
            values[key] = _checked(value, hint, f"{inside}{key}")
    return kind(**values)


def _checked(value: Any, hint: Any, name: str) -> Any:
    value = tuple(value) if isinstance(value, list) else value
    for number in value if isinstance(value, tuple) else (value,):
        if type(number) is int and abs(number) >= LARGEST:
            raise UsageError(f"{name} is a number of more than 128 bits: choose a smaller one")
    kinds = [hint] if get_origin(hint) in (tuple, Literal, None) else list(get_args(hint))
    for kind in kinds:
        if get_origin(kind) is Literal:
            if value in get_args(kind) and not isinstance(value, bool):
                return value
        elif get_origin(kind) is tuple:
            item = get_args(kind)[0]
            if isinstance(value, tuple) and all(type(element) is item for element in value):
                return value
        elif type(value) is kind:
            return value
        elif kind is float and type(value) is int:
            return float(value)
    raise UsageError(f"{name} must be {_either(kinds)}, not {_toml(value)}")


def _either(kinds: list[Any]) -> str:
    words = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    told = []
    for kind in kinds:
        if get_origin(kind) is Literal:
            told += [f'"{choice}"' for choice in get_args(kind)]
        elif get_origin(kind) is tuple:
            told.append("a list such as [256, 128]")
        elif kind is not NoneType:
            told.append(words[kind])
    return " or ".join(told)
