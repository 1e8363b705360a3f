"""The plan of growth: what is measured for it, and the tables that it makes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from source import ROOT

from bench import scale_plan
from bench.scale_model import Machine, Net, Work, seconds_an_update, seconds_to_add

CORE, NET = Machine("core", 5e10, 4e-10), Net("memory", 2e-5, 4e9)


def stand_in(ranks: int, asked: argparse.Namespace) -> Any:
    """What `bench.scale` would find on a machine that the model describes."""
    work = Work(tuple(map(int, asked.hidden.split(","))), asked.batch_size)
    epoch = seconds_an_update(CORE, NET, work, ranks) * -(-asked.images // asked.batch_size)
    sums = {n: seconds_to_add(CORE, NET, int(n), ranks) for n in asked.sums.split(",")}
    return {"seconds": [epoch, 2 * epoch], "sums": sums}


def test_a_machine_that_the_model_describes_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scale_plan.scale, "start", stand_in)
    assert scale_plan.main(["--out", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "scale_plan.json").read_text())
    assert found["core"]["flops"] == pytest.approx(CORE.flops)
    assert found["net"]["latency"] == pytest.approx(NET.latency)
    assert found["net"]["bandwidth"] == pytest.approx(NET.bandwidth)
    text = capsys.readouterr().out
    assert "predicted over measured: 1.00 (1.00–1.00)" in text
    assert "784-2500-2000-1500-1000-500-10, 60,000 | 64 |" in text


def test_of_sums_the_least_of_all_rounds_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = iter([3.0, 1.0, 2.0])

    def found(ranks: int, asked: argparse.Namespace) -> Any:
        told = stand_in(ranks, asked)
        if ranks == 2 and len(told["sums"]) > 1:
            factor = next(busy)
            told["sums"] = {n: factor * seconds for n, seconds in told["sums"].items()}
        return told

    monkeypatch.setattr(scale_plan.scale, "start", found)
    sums = scale_plan.measured(3, 1)["sums"]
    assert sums == {n: seconds_to_add(CORE, NET, n, 2) for n in scale_plan.SUMS}


def test_what_stops_the_measurement_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.scale.sys.executable", "/nowhere/python")
    monkeypatch.setattr("bench.scale.shutil.which", lambda name: None)
    assert scale_plan.main([]) == 2
    assert "there is no mpiexec" in capsys.readouterr().err


def test_a_fast_network_pays_for_more_nodes_than_a_slow_one() -> None:
    strong, weak = scale_plan.plan_tables()
    last = strong.strip().splitlines()[-1]
    counts = [int(c.split(" (")[0].replace(",", "")) for c in last.strip("| ").split(" | ")[2:]]
    assert counts[1] <= counts[2] <= counts[3]
    assert all(count & (count - 1) == 0 for count in counts)
    assert len(weak.strip().splitlines()) == 2 + 3 * len(scale_plan.NETS)


def test_the_plan_stands_in_the_documents(capsys: pytest.CaptureFixture[str]) -> None:
    assert scale_plan.main(["--assumed"]) == 0
    printed = capsys.readouterr().out
    told = (ROOT / "docs" / "many-machines.md").read_text()
    for planned in scale_plan.plan_tables():
        assert planned in printed
        assert planned in told
