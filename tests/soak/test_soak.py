"""The page answers many clients at once; ``python -m tests.soak`` asks it for long."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the page needs the extra mlp-digits[draw]")
pytest.importorskip("uvicorn", reason="the page needs the extra mlp-digits[draw]")

import soak as soaking
from soak import soak

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")

LEAK = """
from mlp.web.guard import Guard

kept, answer = [], Guard.__call__

async def keep_some(self, scope, receive, send):
    kept.append(b"x" * (1_000_000 // 30))
    await answer(self, scope, receive, send)

Guard.__call__ = keep_some
"""
"""Keeps a megabyte of each thirty requests."""


def test_no_answer_is_another_s_and_the_memory_stays_flat() -> None:
    report = soak(requests=300, clients=50)
    assert report.requests == 300
    half = len(report.rest) // 2
    assert max(report.rest[half:]) < 1.1 * max(report.rest[:half]) + 10
    assert report.is_flat, report
    assert report.is_bounded, report


def test_what_is_kept_of_each_request_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "leak.py").write_text(LEAK)
    report = soak(requests=300, clients=50, plugin=tmp_path / "leak.py")
    assert not report.is_flat, report


def test_an_answer_of_another_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    ask, answers = soaking._ask, []

    def mix_up(connection: object, request: soaking.Request) -> tuple[int, str]:
        answers.append(ask(connection, request))  # type: ignore[arg-type]
        return answers[-1] if len(answers) < 60 else answers[3]

    monkeypatch.setattr(soaking, "_ask", mix_up)
    with pytest.raises(AssertionError):
        soak(requests=200, clients=4)
