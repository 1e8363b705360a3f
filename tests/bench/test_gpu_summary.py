"""The summary of a run on a GPU: what is wrong is in it, and what is missing does not stop it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.gpu_summary import WIDTH, main, summary


def write(path: Path, *rows: dict[str, Any]) -> None:
    path.write_text("\n".join(json.dumps(row) for row in rows))


def under(lines: list[str], title: str) -> list[str]:
    after = lines[lines.index(f"-- {title}") + 1 :]
    return [line.strip() for line in after[: [*(s[:2] for s in after), "--"].index("--")]]


def test_an_empty_folder_has_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines.count("  nothing") == 4
    assert any("no report of pytest" in line for line in lines)


def test_what_is_wrong_is_told_first(tmp_path: Path) -> None:
    bad = {"section": "products", "error": 0.5, "holds": False}
    write(
        tmp_path / "checks.jsonl",
        {"section": "recipes", "recipe": "plain", "holds": True, "replays": True},
        *[bad] * 5,
        {"section": "recipes", "recipe": "deformed", "holds": True, "replays": False},
        {"section": "products", "ended": True},
    )
    lines = under(list(summary(tmp_path)), "checks")
    assert [line.startswith("LOOK products") for line in lines[:3]] == [True] * 3
    assert lines[3].startswith('LOOK recipes: {"recipe": "deformed"')
    assert lines[4:] == ["LOOK at products (5), recipes (1)", "ended: products"]


def test_tests_that_failed_are_named(tmp_path: Path) -> None:
    (tmp_path / "tests.log").write_text("...\n1 failed, 2 passed in 3 s\n")
    (tmp_path / "tests.xml").write_text(
        '<testsuites><testsuite><testcase name="test_a"/><testcase name="test_b">'
        '<failure message="AssertionError:&#10;Not equal to tolerance">trace</failure>'
        "</testcase></testsuite></testsuites>"
    )
    assert under(list(summary(tmp_path)), "tests") == [
        "1 failed, 2 passed in 3 s",
        "FAILED test_b: Not equal to tolerance",
    ]


def test_an_arm_without_a_graph_stands_out(tmp_path: Path) -> None:
    row = {
        "section": "epoch", "network": "784-128-10", "batch": 128, "arm": "graph", "median": 0.01,
        "min": 0.009, "max": 0.02, "share_of_floor": 0.4, "replays": False,
    }  # fmt: skip
    write(
        tmp_path / "gpu-run.jsonl",
        row,
        {**row, "replays": True},
        {"section": "correctness", "check": "sums", "holds": False},
        {"section": "failed", "network": "784-16-10", "error": "out of memory"},
    )
    assert under(list(summary(tmp_path)), "bench.gpu") == [
        "784-128-10       128 graph                    10.000 ms (9.000 to 20.000) 40%, "
        "LOOK: without a graph",
        "784-128-10       128 graph                    10.000 ms (9.000 to 20.000) 40%",
        'WRONG correctness: {"check": "sums", "holds": false}',
        'failed: {"network": "784-16-10", "error": "out of memory"}',
    ]


def test_complaints_are_counted_and_cut(tmp_path: Path) -> None:
    (tmp_path / "bench.log").write_text(
        "epoch 1\nGraphWarning: 3 launches\nGraphWarning: 44 launches\n"
        + f"RuntimeError: {'x' * 2 * WIDTH}\n"
    )
    lines = under(list(summary(tmp_path)), "warnings and errors")
    assert lines[0] == "2 x bench.log: GraphWarning: # launches"
    assert len(lines[1]) == WIDTH


def test_a_training_that_is_cut_short_is_passed_over(tmp_path: Path) -> None:
    result = {
        "test_accuracy": 0.98, "train_seconds": 2.0, "interrupted": True,
        "history": [{"epoch": 1, "seconds": 1.0}, {"epoch": 3, "seconds": 0.5}],
    }  # fmt: skip
    (tmp_path / "train.log").write_text(
        f'=== default: --epochs 3\nepoch 1\n{json.dumps(result)}\n=== full:\n{{"history": ['
    )
    assert under(list(summary(tmp_path)), "trainings") == [
        "default: --epochs 3: test 98.00%, 2.00 s, 3 epochs, 250.00 ms each after the first "
        "report, INTERRUPTED"
    ]
