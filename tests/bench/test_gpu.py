"""The GPU benchmark, rehearsed without one: every section runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cuda_stand_in import StandIn, install

from bench import gpu, table
from mlp.benchmark.parity import Parity
from mlp.benchmark.roofline import Roofline

SECTIONS = {
    "machine",
    "correctness",
    "call",
    "roofline",
    "time to 98 %",
    "epoch",
    "absent",
    "memory",
}
OURS = {"array library alone", "own kernels", "graph"}


@pytest.fixture(autouse=True)
def quick(short_measurements: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short turns, and no peers: PyTorch and JAX take longer to import than all else to run."""
    for name in ("torch", "jax"):
        monkeypatch.setitem(sys.modules, name, None)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def arms(rows: list[dict[str, Any]]) -> set[str]:
    return {row["arm"] for row in rows if row["section"] == "epoch"}


def test_a_rehearsal_touches_every_section(tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    assert gpu.main(["--dry-run", "--out", str(out)]) == 0
    rows = rows_of(out)
    assert {row["section"] for row in rows} == SECTIONS
    assert arms(rows) == OURS
    epochs = [row for row in rows if row["section"] == "epoch"]
    assert all(0 < row["min"] <= row["median"] <= row["max"] for row in epochs)
    assert {row["reason"].split(":")[0] for row in rows if row["section"] == "absent"} == {
        "ModuleNotFoundError"
    }


def test_the_protocol_runs_on_a_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cupy = StandIn()
    install(monkeypatch, cupy)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(gpu, "compare", lambda backend: [Parity("sums", 0.0, 1e-5)])
    monkeypatch.setattr(
        gpu, "protocol",
        lambda device: gpu.Plan(
            device, gpu.workloads(30, ((4,), "full")), 1, 0.0,
            "synthetic:30+10", gpu.Recipe(epochs=1),
        ),
    )  # fmt: skip
    out = tmp_path / "gpu-run.jsonl"
    assert gpu.main(["--out", str(out)]) == 0
    rows = rows_of(out)
    assert arms(rows) == OURS | {"graph, tf32", "graph, bf16"}
    assert rows[0]["gpu"] == "a stand-in"
    text = table.markdown(table.newest(tmp_path))
    assert "| 784-4-10 | full | graph |" in text
    assert "a stand-in, driver for CUDA" in text
    assert "98 % of the synthetic test images, seeds 0 to 2: not reached" in text


def test_a_wrong_result_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "compare", lambda backend: [Parity("sums", 0.1, 1e-5)])
    out = tmp_path / "run.jsonl"
    assert gpu.main(["--dry-run", "--out", str(out)]) == 1
    assert {row["section"] for row in rows_of(out)} == {"machine", "correctness"}


def test_the_deadline_leaves_what_was_measured(tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    assert gpu.main(["--dry-run", "--out", str(out), "--deadline", "0"]) == 0
    assert [row["network"] for row in rows_of(out) if row["section"] == "out of time"] == [
        "784-16-10",
        "784-128-10",
    ]


def test_without_a_gpu_it_says_why(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, StandIn(devices=0))
    assert gpu.main([]) == 1
    assert "no CUDA device is visible" in capsys.readouterr().err


def test_the_floors_are_those_of_the_arithmetic() -> None:
    fast = Roofline(67e12, 4.3e12), Roofline(495e12, 4.3e12)
    wide, narrow = gpu.workloads(600, ((128,), "full"), ((16, 16), "full"))
    seconds = [r.least_seconds(w.flop, w.float_bytes) for w in (wide, narrow) for r in fast]
    assert seconds[0] == pytest.approx(366e-8, rel=0.01)  # computing
    assert seconds[1] == pytest.approx(130e-8, rel=0.01)  # moving the bytes
    assert seconds[2] == seconds[3] == pytest.approx(99e-8, rel=0.01)
