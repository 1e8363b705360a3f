"""Learning rates: each schedule's formula, the warm-up, and what is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp.common.errors import UsageError
from mlp.nn.schedules import SCHEDULES, learning_rate

LR, EPOCHS = 0.4, 10


def lr_at(schedule: str, time: float, warmup: float = 0.0) -> float:
    return learning_rate(schedule, LR, warmup, EPOCHS, time)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", {0.0: 0.4, 5.0: 0.4, 10.0: 0.4}),
        ("linear", {0.0: 0.4, 2.5: 0.3, 5.0: 0.2, 10.0: 0.0}),
        ("cosine", {0.0: 0.4, 10 / 3: 0.3, 5.0: 0.2, 20 / 3: 0.1, 10.0: 0.0}),
        ("step(3, 0.5)", {0.0: 0.4, 2.99: 0.4, 3.0: 0.2, 5.9: 0.2, 6.0: 0.1, 9.5: 0.05}),
    ],
)
def test_the_formula(schedule: str, expected: dict[float, float]) -> None:
    for time, value in expected.items():
        assert lr_at(schedule, time) == pytest.approx(value, abs=1e-15)


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "step(3, 0.5)"])
def test_warm_up_rises_linearly_to_the_peak(schedule: str) -> None:
    assert lr_at(schedule, 0.0, warmup=2) == 0.0
    assert lr_at(schedule, 0.5, warmup=2) == pytest.approx(LR / 4)
    assert lr_at(schedule, 1.5, warmup=2) == pytest.approx(LR * 3 / 4)
    assert lr_at(schedule, 2.0, warmup=2) == pytest.approx(LR)


def test_what_follows_a_warm_up_starts_at_its_end() -> None:
    assert lr_at("linear", 6.0, warmup=2) == pytest.approx(LR / 2)
    assert lr_at("cosine", 6.0, warmup=2) == pytest.approx(LR / 2)


def test_a_warm_up_of_the_whole_run() -> None:
    assert lr_at("linear", 9.99, warmup=10) == pytest.approx(LR * 0.999)
    assert math.isfinite(lr_at("linear", 10.0, warmup=10))


@given(
    schedule=st.sampled_from(["constant", "linear", "cosine", "step(0.3, 0.5)", "step(2, 1)"]),
    time=st.floats(0, EPOCHS),
    warmup=st.floats(0, EPOCHS),
)
def test_a_rate_lies_between_zero_and_the_peak(schedule: str, time: float, warmup: float) -> None:
    assert 0.0 <= lr_at(schedule, time, warmup) <= LR * (1 + 1e-12)


@pytest.mark.parametrize(
    "schedule",
    [
        "exponential", "", "linear(1)", "step", "step(1)", "step(1, 2, 3)", "step(a, b)",
        "step(0, 0.5)", "step(-1, 0.5)", "step(2, -0.5)", "step(2, 0)", "step(nan, 1)", "cosine()x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("warmup", [0.0, 1.0])
def test_a_bad_schedule_is_refused_at_the_start(schedule: str, warmup: float) -> None:
    with pytest.raises(UsageError, match="schedule"):
        lr_at(schedule, 0.0, warmup)


def test_every_name_is_covered() -> None:
    assert set(SCHEDULES) == {"constant", "step", "linear", "cosine"}
