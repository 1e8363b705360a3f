"""Reading what ``mlp search --try`` is to try, such as ``lr=0.01..1:log`` and ``hidden=64/128``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from mlp.cli.parse import PARSERS
from mlp.common.choices import did_you_mean
from mlp.common.errors import UsageError
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe
from mlp.training.search.space import FIXED, TRIABLE, Choice, Range

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(:log)?(?::(\d{{1,9}}))?")

HINTS = get_type_hints(Architecture) | get_type_hints(Recipe)


def parse_tries(texts: Sequence[str]) -> list[Choice | Range]:
    """Read all ``--try`` options.

    Raises:
        UsageError: if there is none, a field is named twice, or one cannot be read.
    """
    if not texts:
        raise UsageError(
            "there is nothing to try: add --try lr=0.01..1:log, say, or --try hidden=64/128"
        )
    found = [_parse(text) for text in texts]
    names = [dimension.name for dimension in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--try {name} is there twice: put all its values into one")
    return found


def _parse(text: str) -> Choice | Range:
    name, equals, rest = text.partition("=")
    name = name.strip().removeprefix("--").replace("-", "_")
    if name in FIXED:
        raise UsageError(f"{name} is alike in all runs of a search: say it as an option")
    if name not in TRIABLE or not equals:
        raise UsageError(
            f"--try takes a name and its values, such as lr=0.01..1:log or hidden=64/128, and "
            f"there is nothing to try in {text!r}{did_you_mean(name, TRIABLE)}"
        )
    kinds = _kinds(HINTS[name])
    match = _RANGE.fullmatch(rest.strip())
    if match and (int in kinds or float in kinds):
        low, high, log, count = match.groups()
        whole = float not in kinds
        range_ = Range(name, float(low), float(high), log is not None, whole)
        return range_ if count is None else range_.spread(int(count))
    if ".." in rest:
        raise UsageError(
            f"--try {name} takes no such range as {rest!r}: write 0.01..1, 0.01..1:log or, for "
            "five values, 0.01..1:log:5, of a number"
        )
    return Choice(name, tuple(_value(name, part.strip()) for part in rest.split("/")))


def _value(name: str, text: str) -> Any:
    """Read one value by the type of its field."""
    hint = HINTS[name]
    if hint in PARSERS:
        return PARSERS[hint](text, name)
    kinds = _kinds(hint)
    if NoneType in kinds and text == "none":
        return None
    if bool in kinds:
        if text not in ("true", "false"):
            raise UsageError(f"--try {name} takes true/false, not {text!r}")
        return text == "true"
    for kind in (int, float):
        if kind in kinds:
            try:
                return kind(text)
            except ValueError:
                raise UsageError(f"--try {name} takes numbers, not {text!r}") from None
    return text


def _kinds(hint: Any) -> tuple[Any, ...]:
    """Return the types that a field may have."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
