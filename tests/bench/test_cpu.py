"""The comparison on a CPU: what it writes, and that it notices when the work is not the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import bench.harness.comparison
from bench.cpu import run
from bench.harness.arms import OURS, Arm, ours
from bench.harness.comparison import WARM_UP_TURNS, Comparison, Entry
from bench.harness.machine import Provenance
from bench.harness.report import comparison_document, comparison_markdown, save
from bench.harness.workloads import SGDWorkload, plain_sgd
from mlp.data.dataset import Dataset

TINY = SGDWorkload(hidden=(4,), recipe=plain_sgd(32, 0.1))

LIAR = """
import json, sys
ANSWERS = {"prepare": {"versions": {}}, "train": {"seconds": 0.5}, "evaluate": {"accuracy": 0.5}}
for line in sys.stdin:
    print(json.dumps(ANSWERS[json.loads(line)["do"]]), flush=True)
"""


def test_this_project_alone_gives_json_and_a_table(dataset: Dataset, tmp_path: Path) -> None:
    *_, comparisons = run([TINY], [ours()], dataset, repeats=2, trials=1, settle=0.0)
    document = comparison_document(comparisons, Provenance())
    save(document, comparison_markdown(comparisons, Provenance()), tmp_path / "cpu")

    found = json.loads((tmp_path / "cpu.json").read_text())
    (comparison,) = found["comparisons"]
    mine = comparison["entries"][OURS]
    assert len(mine["seconds"]) == 2
    assert min(mine["seconds"]) > 0
    assert 0 <= mine["accuracy"] <= 1
    assert "numpy" in mine["versions"]
    assert comparison["ratio"] is None  # nobody to compare with
    assert comparison["failure"] is None
    assert found["machine"]["cores"] >= 1
    lines = (tmp_path / "cpu.md").read_text().splitlines()
    assert any(re.match(r"\| 784-4-10 b32 \| \d", line) for line in lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cpu.json", "cpu.md"]


def test_an_arm_that_reaches_another_accuracy_is_a_failure(
    dataset: Dataset, stub: Callable[[str], Arm]
) -> None:
    still = replace(TINY, recipe=plain_sgd(32, 1e-6))
    arms = [ours(), stub(LIAR)]
    *_, comparisons = run([still], arms, dataset, repeats=1, trials=1, settle=0.0)
    document = comparison_document(comparisons, Provenance())
    assert len(document["failures"]) == 1
    assert "stub 50.00%" in document["failures"][0]
    assert document["failures"][0] in comparison_markdown(comparisons, Provenance())
    assert comparisons[0].ratio is not None
    assert comparisons[0].ratio.peer == "stub"


def test_what_is_measured_is_there_after_each_workload(
    dataset: Dataset, stub: Callable[[str], Arm]
) -> None:
    other = replace(TINY, hidden=(5,))
    so_far = run([TINY, other], [stub(LIAR)], dataset, repeats=1, trials=1, settle=0.0)
    assert [comparison.name for comparison in next(so_far)] == ["784-4-10 b32"]
    assert [comparison.name for comparison in next(so_far)] == ["784-4-10 b32", "784-5-10 b32"]


def test_a_busy_turn_follows_each_quiet_one(
    dataset: Dataset, stub: Callable[[str], Arm], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = []

    @contextmanager
    def noted(count: int) -> Iterator[None]:
        turns.append(count)
        yield

    monkeypatch.setattr(bench.harness.comparison, "busy_processes", noted)
    *_, comparisons = run([TINY], [stub(LIAR)], dataset, repeats=2, trials=1, settle=0.0, busy=3)
    assert [c.busy for c in comparisons] == [0, 3]
    assert turns[:2] == [0, 3]  # each chose its setting under its own load
    assert sorted(turns[2:4]) == [0, 3]
    assert turns.count(0) == turns.count(3) == 1 + WARM_UP_TURNS + 2


def test_the_table_sets_a_busy_turn_against_its_quiet_neighbour() -> None:
    comparisons = [
        Comparison("w", 1, 0.01, {OURS: timed(*mine), "p": timed(*theirs)}, busy)
        for busy, mine, theirs in (
            (0, (1.0, 2.0, 4.0), (2.0, 2.0, 2.0)),
            (2, (2.0, 6.0, 8.0), (4.0, 9.0, 9.0)),
        )
    ]
    comparisons[1].entries["q"] = Entry(absent="it has no | sign")
    text = comparison_markdown(comparisons, Provenance())
    assert (
        f"| workload | {OURS} | p | q | {OURS} / best peer | {OURS} / {OURS} when quiet |" in text
    )
    assert "**0.67** (0.50–0.89), p | **2.00** (2.00–3.00) |" in text
    assert r"it has no \| sign" in text
    assert comparison_document(comparisons, Provenance())["geometric_mean_of_ratios"] == 1.0


def timed(*seconds: float) -> Entry:
    return Entry(setting="s", seconds=list(seconds), accuracy=0.9)
