"""The measurement of several ranks: what it times, and what it makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mpi_runs import needs_mpi
from thread_ranks import run_ranks

from bench import scale


def found(ranks: int, seconds: float, digest: str = "same") -> dict[str, Any]:
    sums = {str(n): 1e-6 * n for n in (10, 1_000)}
    return {"ranks": ranks, "seconds": [seconds] * 3, "adding": [seconds / 4] * 3, "sums": sums,
            "digest": digest}  # fmt: skip


def test_ranks_are_timed_and_end_alike() -> None:
    for size in (1, 2):
        measured = run_ranks(size, lambda ranks: scale.measure(ranks, [8], 32, 96, 2, (10, 1_000)))
        assert len({one["digest"] for one in measured}) == 1
        for one in measured:
            assert len(one["seconds"]) == len(one["adding"]) == 2
            assert all(0 < a < s for a, s in zip(one["adding"], one["seconds"], strict=True))
            assert set(one["sums"]) == {"10", "1000"}


@pytest.mark.parametrize(("weak", "gain"), [(False, "1.5"), (True, "3")])
def test_gains_are_against_the_first_of_a_round(weak: bool, gain: str) -> None:
    rounds = [[found(1, 3.0), found(2, 2.0)], [found(1, 6.0), found(2, 4.0)]]
    *_, last = scale.markdown(rounds, weak).strip().splitlines()
    cells = [cell.strip() for cell in last.split("|")]
    assert cells[1:5] == ["2", "3 (2–4)", f"{gain} ({gain}–{gain})", "25%"]


def test_other_bytes_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "start", lambda count, _: found(count, 1.0, f"{count}"))
    assert scale.main(["--out", str(tmp_path), "--rounds", "1"]) == 1
    assert "different bytes" in (tmp_path / "scale.md").read_text()
    assert scale.main(["--out", str(tmp_path), "--rounds", "1", "--weak"]) == 0


def test_no_launcher_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scale.sys, "executable", "/nowhere/python")
    monkeypatch.setattr(scale.shutil, "which", lambda name: None)
    assert scale.main([]) == 2
    assert "pip install mpi4py mpich" in capsys.readouterr().err


@needs_mpi
def test_it_starts_ranks(tmp_path: Path) -> None:
    options = "--ranks 1 --hidden 8 --batch-size 32 --images 64 --epochs 1 --rounds 1 --sums 10"
    assert scale.main([*options.split(), "--out", str(tmp_path)]) == 0
    (only,) = json.loads((tmp_path / "scale.json").read_text())["rounds"][0]
    assert only["ranks"] == 1
