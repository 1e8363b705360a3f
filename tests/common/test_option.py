"""Fields that a user may set: a value of another type is refused in a sentence."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp.common.errors import UsageError
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe

FIELDS = [(kind, field.name) for kind in (Recipe, Architecture) for field in fields(kind)]
NEVER_RIGHT = st.one_of(
    st.binary(),
    st.complex_numbers(),
    st.dictionaries(st.text(), st.integers()),
    st.sets(st.floats(), min_size=1),
    st.lists(st.none() | st.text() | st.floats(), min_size=1),
    st.just(np.ones((2, 3))),
    st.builds(object),
    st.just(Recipe),
)
OTHERS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(())


def made(kind: type, name: str, value: object) -> str | None:
    """Make one with a value; return the sentence that refuses it, None where it is taken."""
    try:
        kind(**{name: value})
    except UsageError as error:
        return str(error)
    return None


@given(wrong=NEVER_RIGHT, value=OTHERS)
def test_another_type_is_refused_in_a_sentence_by_every_field(wrong: object, value: object) -> None:
    for kind, name in FIELDS:
        refused = made(kind, name, wrong)
        assert refused is not None, name
        assert refused.startswith(f"{name} takes ") or " must be a whole number " in refused
        assert "\n" not in refused
        made(kind, name, value)  # nothing but a UsageError, if it is refused


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"lr": "0.1"}, "lr takes a number, not '0.1'"),
        ({"lr": True}, "lr takes a number, not True"),
        ({"momentum": None}, "momentum takes a number, not None"),
        ({"clip_norm": "1"}, "clip_norm takes a number or None, not '1'"),
        ({"nesterov": 1}, "nesterov takes True or False, not 1"),
        (
            {"batch_size": None},
            "the batch size must be a whole number of at least 1, or full, not None",
        ),
        ({"keep": 0}, "keep takes 'last' or 'best', not 0"),
        ({"schedule": []}, "schedule takes a text, not []"),
        ({"freeze": 1}, "freeze takes a text or None, not 1"),
    ],
)
def test_the_sentence_tells_the_types(options: dict[str, Any], sentence: str) -> None:
    assert made(Recipe, *next(iter(options.items()))) == sentence


@pytest.mark.parametrize("hidden", ["256", 256, (256, 2.5), ("256",), None])
def test_widths_are_whole_numbers(hidden: Any) -> None:
    refused = made(Architecture, "hidden", hidden)
    assert refused == f"hidden takes a tuple of whole numbers, not {hidden!r}"


def test_numpys_numbers_are_numbers() -> None:
    assert Recipe(lr=np.float32(0.5), epochs=np.int64(3), shuffle=np.True_).lr == 0.5  # type: ignore[arg-type]
    Architecture(hidden=[np.int64(3)])  # type: ignore[arg-type]
