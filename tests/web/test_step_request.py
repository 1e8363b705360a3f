"""What the page of one update asks: read exactly, or refused by one sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlp.common.errors import UsageError
from mlp.nn.network import MLP
from mlp.web.step_request import StepRequest

MODEL = MLP([784, 3, 10])
GOOD: dict[str, Any] = {
    "image": [0, 255] * 392,
    "targets": [0] * 9 + [1],
    "lr": 0.25,
    "taken": 2,
    "units": [None, 4],
}


def test_what_is_asked_is_read() -> None:
    asked = StepRequest.read(json.dumps(GOOD).encode(), MODEL)
    assert asked.image.tolist() == GOOD["image"]
    assert asked.targets.tolist() == GOOD["targets"]
    assert (asked.lr, asked.taken, asked.units) == (0.25, 2, [None, 4])


@pytest.mark.parametrize(
    "change",
    [
        {"image": [0] * 783},
        {"image": [256] + [0] * 783},
        {"image": [-1] + [0] * 783},
        {"image": [True] + [0] * 783},
        {"image": [0.5] + [0] * 783},
        {"image": None},
        {"targets": [0] * 10},
        {"targets": [1, 1] + [0] * 8},
        {"targets": [2] + [0] * 9},
        {"targets": [1]},
        {"lr": 0},
        {"lr": 1e9},
        {"lr": True},
        {"lr": float("nan")},
        {"taken": -1},
        {"taken": 51},
        {"taken": 1.5},
        {"units": [None]},
        {"units": [3, 0]},
        {"units": [0, -1]},
        {"units": "ab"},
    ],
)
def test_what_cannot_be_shown_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="load the page again"):
        StepRequest.read(json.dumps(GOOD | change).encode(), MODEL)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b"5"])
def test_what_is_no_question_is_refused(content: bytes) -> None:
    with pytest.raises(UsageError, match="load the page again"):
        StepRequest.read(content, MODEL)
