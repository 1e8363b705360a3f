"""The page answers many clients at once; ``python -m tests.soak`` asks it for long."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("starlette", reason="the page needs the extra mlp-digits[draw]")
pytest.importorskip("uvicorn", reason="the page needs the extra mlp-digits[draw]")

import soak as soaking
from soak import soak

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")


def test_no_answer_is_another_s_and_the_memory_stays_flat() -> None:
    report = soak(requests=300, clients=50)
    assert report.requests == 300
    half = len(report.memory) // 2
    assert max(report.memory[half:]) < 1.1 * max(report.memory[:half]) + 30


def test_an_answer_of_another_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    ask, answers = soaking._ask, []

    def mix_up(connection: object, request: soaking.Request) -> tuple[int, str]:
        answers.append(ask(connection, request))  # type: ignore[arg-type]
        return answers[-1] if len(answers) < 60 else answers[3]

    monkeypatch.setattr(soaking, "_ask", mix_up)
    with pytest.raises(AssertionError):
        soak(requests=200, clients=4)
