"""The checks for a GPU: those that fail say so, and end no other."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cuda_stand_in import install
from cupy_stand_in import StandIn
from mpi_runs import needs_mpi

from bench import gpu_checks
from bench.harness.log import Log

CASE = gpu_checks.Case("cpu", 300)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    "check", [c for c in gpu_checks.CHECKS if not c.__name__.startswith("timed_")]
)
def test_a_check_holds_on_the_cpu(check: Any) -> None:
    rows = list(check(CASE))
    assert all(row.get("holds", True) for row in rows)
    assert all(row.get("replays") is None for row in rows)
    assert rows or check is gpu_checks.many_images  # which needs a GPU's memory


@needs_mpi
def test_ranks_that_take_too_long_on_a_gpu_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.harness.device_ranks.SECONDS", 0.0)
    with pytest.raises(subprocess.TimeoutExpired):
        list(gpu_checks.ranks_on_one_device(gpu_checks.Case("cuda", 100)))


def test_a_wrong_product_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = gpu_checks.get_backend("cpu")
    right = backend.xp.matmul

    def wrong(a: Any, b: Any, out: Any) -> Any:
        return np.multiply(right(a, b, out=out), 1.001, out=out)

    monkeypatch.setattr(backend.xp, "matmul", wrong, raising=False)
    monkeypatch.setattr(gpu_checks, "get_backend", lambda *_, **__: backend)
    assert not any(row["holds"] for row in gpu_checks.products(CASE))


def test_a_step_that_is_not_captured_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, StandIn())
    [row] = gpu_checks.collected_while_capturing(gpu_checks.Case("cuda", 100))
    assert (row["holds"], row["replays"]) == (True, True)
    monkeypatch.setattr("backends.cuda.graph.CapturedStep._captured", lambda self: 1 / 0)
    with pytest.warns(match="no CUDA graph could be captured"):
        [row] = gpu_checks.collected_while_capturing(gpu_checks.Case("cuda", 100))
    assert (row["holds"], row["replays"]) == (True, False)


def test_a_check_that_fails_ends_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(case: gpu_checks.Case) -> Iterator[dict[str, Any]]:
        yield {"first": 1}
        raise RuntimeError("the device is gone")

    def fine(case: gpu_checks.Case) -> Iterator[dict[str, Any]]:
        yield {"holds": True}

    monkeypatch.setattr(gpu_checks, "CHECKS", (broken, fine))
    out = tmp_path / "checks.jsonl"
    assert gpu_checks.main(["--device", "cpu", "--out", str(out)]) == 1
    first, failed, held, ended = rows_of(out)
    assert first == {"section": "broken", "first": 1}
    assert failed["failed"] == "RuntimeError: the device is gone"
    assert (held, ended["ended"]) == ({"section": "fine", "holds": True}, True)


def test_no_check_starts_after_its_time(tmp_path: Path) -> None:
    with (tmp_path / "rows").open("w") as file:
        gpu_checks.run(CASE, Log(file, 0))
    names = [check.__name__ for check in gpu_checks.CHECKS]
    assert rows_of(tmp_path / "rows") == [
        {"section": name, "skipped": "no time left"} for name in names
    ]


def test_without_a_gpu_it_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, StandIn(devices=0))
    assert gpu_checks.main(["--out", str(tmp_path / "rows")]) == 1
    assert "gpu_checks: no CUDA device is visible" in capsys.readouterr().err
