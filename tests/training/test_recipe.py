"""Recipes: what is in range is taken, and anything else is refused in one sentence."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp.common.errors import UsageError
from mlp.nn.losses import LOSSES
from mlp.training.recipe import Recipe

NOT_FINITE = [math.nan, math.inf, -math.inf]
BAD: dict[str, list[Any]] = {
    "loss": ["hinge", "", "Cross_Entropy"],
    "optimizer": ["", "newton"],
    "batch_size": [0, -1, *NOT_FINITE, 2.5],
    "epochs": [0, -3, *NOT_FINITE, 1.5],
    "lr": [0.0, -0.1, *NOT_FINITE],
    "momentum": [-0.1, 1.0, 1.5, *NOT_FINITE],
    "schedule": ["", "sine", "step(1)", "step(0, 0.5)", "linear(2)"],
    "warmup": [-0.5, 8.5, *NOT_FINITE],  # of 8 epochs
    "weight_decay": [-1e-9, *NOT_FINITE],
    "clip_value": [0.0, -1.0, *NOT_FINITE],
    "clip_norm": [0.0, -1.0, *NOT_FINITE],
    "augment": [
        "", "mirror", "affine,affine", "affine,", "affine(200)", "affine(1, -0.1)", "affine(x)",
        "elastic(0)", "elastic(6, 36, 1)", "elastic(6, nan)", "thickness(1.5)", "affine(1",
    ],
    "dropout": [-0.1, 1.0, *NOT_FINITE],
    "label_smoothing": [-0.1, 1.0, *NOT_FINITE],
    "class_weight": ["", "equal", "1,", "-1,2", "1,nan", "1,inf", "3=", "3=x", "3=-1", "1,3=2"],
    "input_dropout": [-0.1, 1.0, *NOT_FINITE],
    "max_norm": [0.0, -1.0, *NOT_FINITE],
    "validation": [-0.1, 1.5, *NOT_FINITE],
    "keep": ["", "first"],
    "monitor": ["", "test"],
    "patience": [0, -1, *NOT_FINITE, 1.5],
    "min_delta": [-0.1, *NOT_FINITE],
    "average": ["", "mean", "ema(0)", "ema(1)", "swa", "swa(0)", "swa(1.5)"],
    "freeze": ["", "0", "1,", "-1", "1.5", "first"],
    "seed": [-1, *NOT_FINITE, 0.5],
    "train_accuracy": ["", "before"],
    "loss_on": ["", "last_batch"],
    "report_every": [0, -1, *NOT_FINITE, 1.5],
}  # fmt: skip
NAMES = ("augment", "freeze", "average", "class_weight")
"""What is None or a text."""

WORDS = {
    "lr": "learning rate", "warmup": "warm-up", "loss_on": "reported loss",
    "report_every": "epochs between reports", "augment": "deformation", "max_norm": "max-norm",
    "keep": "network to keep", "min_delta": "least progress", "freeze": "layers to freeze",
}  # fmt: skip
"""What a sentence calls a value, where that is not its name."""


def test_every_number_and_name_has_bad_values() -> None:
    switches = {field.name for field in fields(Recipe) if field.type == "bool"} | {"nesterov"}
    assert set(BAD) == {field.name for field in fields(Recipe)} - switches


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in BAD for value in BAD[name]])
def test_a_bad_value_is_refused_in_a_sentence(name: str, value: Any) -> None:
    with pytest.raises(UsageError) as error:
        Recipe(**{name: value})
    sentence = str(error.value)
    assert WORDS.get(name, name.replace("_", " ")) in sentence
    assert "\n" not in sentence
    assert len(sentence) > 25


@pytest.mark.parametrize("name", ["batch_size", "epochs", "seed", "lr", "momentum", "validation"])
@pytest.mark.parametrize("value", [-(10**400), 10**400], ids=["-10^400", "10^400"])
def test_a_number_beyond_any_float_ends_in_no_traceback(name: str, value: int) -> None:
    with suppress(UsageError):
        Recipe(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("lr", float("inf"), "finite"),
        ("seed", 10**30, "at most"),
        ("batch_size", 10**30, "at most"),
    ],
)
def test_a_number_that_is_too_large_is_not_called_too_small(
    name: str, value: float, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        Recipe(**{name: value})


def test_nesterov_without_momentum_is_refused() -> None:
    with pytest.raises(UsageError, match="momentum"):
        Recipe(nesterov=True, momentum=0.0)


def test_the_defaults_are_fine() -> None:
    Recipe()


@given(
    loss=st.sampled_from(list(LOSSES)),
    batch_size=st.integers(1, 10**9) | st.just("full"),
    epochs=st.integers(1, 10**6),
    lr=st.floats(0, 1e300, exclude_min=True),
    momentum=st.floats(0, 1, exclude_max=True),
    schedule=st.sampled_from(["constant", "linear", "cosine", "step(2, 0.1)", " step( 1,0.5 ) "]),
    warmup=st.floats(0, 1),
    weight_decay=st.floats(0, 1e300),
    clip_value=st.none() | st.floats(0, 1e300, exclude_min=True),
    clip_norm=st.none() | st.floats(0, 1e300, exclude_min=True),
    augment=st.sampled_from([None, "affine", " elastic(4) , affine(5,0.1)", "thickness(0)"]),
    dropout=st.floats(0, 1, exclude_max=True),
    input_dropout=st.floats(0, 1, exclude_max=True),
    max_norm=st.none() | st.floats(0, 1e300, exclude_min=True),
    validation=st.floats(0, 1, exclude_max=True) | st.integers(1, 100_000),
    seed=st.integers(0, 2**63 - 1),
)
def test_anything_in_range_is_taken(**values: Any) -> None:
    recipe = Recipe(**values)
    assert {name: getattr(recipe, name) for name in values} == values


@given(
    st.fixed_dictionaries(
        {},
        optional={
            field.name: st.floats() | st.integers() for field in fields(Recipe)
            if not isinstance(field.default, str) and field.name not in NAMES
        },
    )
)  # fmt: skip
def test_any_numbers_are_taken_or_refused(values: dict[str, float]) -> None:
    """Nothing but `UsageError`, whatever the numbers."""
    with suppress(UsageError):
        Recipe(**values)  # type: ignore[arg-type]


def test_labels_are_smoothed_where_they_are_probabilities() -> None:
    Recipe(label_smoothing=0.1, loss="focal(1)")
    with pytest.raises(UsageError, match=r"'huber' has no labels to smooth: .* cross_entropy"):
        Recipe(label_smoothing=0.1, loss="huber")
