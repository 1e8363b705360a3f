"""The GPU benchmark, rehearsed without one: every section runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cuda_stand_in import install
from cupy_stand_in import StandIn

from bench import gpu, table
from bench.harness.device_calls import CHAIN, NODES, time_calls
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
    assert arms(rows) == OURS | {"graph, nobody looks", "graph, tf32", "graph, bf16"}
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


def tiny(device: str) -> gpu.Plan:
    """A plan of two networks that are trained in no time."""
    works = gpu.workloads(30, ((4,), 8), ((4,), "full"))
    return gpu.Plan(device, works, 2, 0.0, "synthetic:30+10", gpu.Recipe(epochs=1))


def on_a_stand_in(monkeypatch: pytest.MonkeyPatch, **options: Any) -> StandIn:
    install(monkeypatch, cupy := StandIn(**options))
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(gpu, "compare", lambda backend: [Parity("sums", 0.0, 1e-5)])
    monkeypatch.setattr(gpu, "protocol", tiny)
    return cupy


def test_a_contest_that_fails_is_a_row_and_the_next_one_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cupy = on_a_stand_in(monkeypatch)
    real, batches = gpu.ladder, []

    def ladder(workload: Any, device: str) -> Any:
        batches.append(workload.recipe.batch_size)
        if batches == [8]:
            cupy.full = True  # from here on: JAX may have taken all there was
        elif len(batches) == 2:
            cupy.full = False
        return real(workload, device)

    monkeypatch.setattr(gpu, "ladder", ladder)
    out = tmp_path / "run.jsonl"
    assert gpu.main(["--out", str(out)]) == 0
    rows = rows_of(out)
    [failed] = [row for row in rows if row["section"] == "failed"]
    assert (failed["part"], failed["batch"]) == ("compare_arms", 8)
    assert "BackendError: the GPU's memory is full" in failed["error"]
    assert {row["batch"] for row in rows if row["section"] == "epoch"} == {"full"}
    assert ("free", "all blocks") in cupy.events


def test_a_row_says_whether_its_arm_replays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_stand_in(monkeypatch)
    out = tmp_path / "run.jsonl"
    assert gpu.main(["--out", str(out), "--works", "784-4-10:full"]) == 0
    epochs = [row for row in rows_of(out) if row["section"] == "epoch"]
    assert {row["batch"] for row in epochs} == {"full"}
    assert {row["arm"]: row["replays"] for row in epochs} == {
        "array library alone": None, "own kernels": None, "graph": True,
        "graph, nobody looks": True, "graph, tf32": True, "graph, bf16": True,
    }  # fmt: skip


def test_a_network_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        gpu.main(["--dry-run", "--works", "784-3-10"])
    assert "no network is named 784-3-10" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--no-compile"]])
def test_what_takes_a_minute_to_compile_can_be_left_out(tmp_path: Path, options: list[str]) -> None:
    out = tmp_path / "run.jsonl"
    assert gpu.main(["--dry-run", "--works", "784-128-10", "--out", str(out), *options]) == 0
    absent = {row["arm"] for row in rows_of(out) if row["section"] == "absent"}
    assert ("PyTorch, compiled" in absent) == (not options)
    assert "PyTorch, eager" in absent


def test_an_arm_that_the_deadline_catches_while_it_warms_up_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = iter([False, False, True])  # before the contest, and before its first two arms
    monkeypatch.setattr(gpu.Log, "is_late", lambda log: next(asked, True))
    out = tmp_path / "run.jsonl"
    assert gpu.main(["--dry-run", "--works", "784-16-10", "--out", str(out)]) == 0
    rows = rows_of(out)
    assert arms(rows) == {"array library alone"}
    late = [row["arm"] for row in rows if row["section"] == "out of time"]
    assert late[:1] == ["own kernels"]


def test_the_calls_that_are_timed_are_captured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the host does not count; and a launch is one of a kernel, on random numbers."""
    cupy = on_a_stand_in(monkeypatch)
    with (tmp_path / "rows").open("w") as file:
        works = gpu.workloads(30, ((4,), "full"))
        time_calls(works, gpu.get_backend("cuda"), 0.0, gpu.Log(file, 9))
    captured = [name for kind, name in cupy.events if kind == "captured"]
    assert captured.count("add") == NODES
    assert captured.count("cublasGemmEx") == 2 * 3 * CHAIN
    assert captured.count("column_sums") == 2 * CHAIN
    assert ("launch", "add") in cupy.events
    assert ("launch", "copyto") not in cupy.events
    names = [row["name"] for row in rows_of(tmp_path / "rows")]
    assert names[:2] == ["one launch", "one of 100 nodes of a graph"]


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
