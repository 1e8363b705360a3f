"""The one command for a machine with a GPU, rehearsed without one: every step runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from source import ROOT

STEPS = ["tests", "checks", "bench", "train-default", "train-full", "train-ciresan", "doctor"]


def rehearse(out: Path, **environment: str) -> list[str]:
    """Run it where no GPU is visible; return the lines that it prints."""
    done = subprocess.run(
        ["bash", str(ROOT / "bench" / "on_gpu.sh")],
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "MLP"))},
            **{"PY": sys.executable, "OUT": str(out), "CUDA_VISIBLE_DEVICES": "", **environment},
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_a_rehearsal_goes_through_all_steps(tmp_path: Path) -> None:
    lines = rehearse(tmp_path / "out", BUDGET="3000")
    assert "NO GPU: this is a rehearsal on the CPU" in lines
    summary = lines[lines.index("===== SUMMARY =====") :]
    assert [line.split(" after ")[0] for line in summary if line.startswith("step ")] == [
        f"step {name}: exit 0" for name in STEPS
    ]
    assert 30 < len(summary) <= 120
    assert max(map(len, summary)) <= 302
    for part, word in {
        "tests": "skipped", "checks": "ended: products,", "bench.gpu": "one launch:",
        "trainings": "default: ", "doctor": "problem: no NVIDIA driver",
    }.items():  # fmt: skip
        after = summary[summary.index(f"-- {part}") + 1 :]
        assert any(word in line for line in after), part
    assert not any(word in line for line in summary for word in ("Traceback", "LOOK", "WRONG"))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "steps.log", "tests.log", "tests.xml", "checks.jsonl", "checks.log", "gpu-run.jsonl",
        "bench.log", "train.log", "doctor.json", "summary.txt",
    }  # fmt: skip


def test_steps_are_left_out_and_a_spent_budget_is_kept_to(tmp_path: Path) -> None:
    lines = rehearse(tmp_path, BUDGET="60", SKIP="tests bench train")
    assert [line for line in lines if line.startswith("step ")][: len(STEPS)] == [
        "step tests: left out",
        "step checks: no time left",
        "step bench: left out",
        *(f"step {name}: left out" for name in STEPS[3:6]),
        next(line for line in lines if line.startswith("step doctor: exit 0 after")),
    ]
    assert "-- bench.gpu" in lines  # and it says so where there is nothing
    assert lines[lines.index("-- bench.gpu") + 1] == "  nothing"


def test_a_step_that_takes_too_long_is_ended_and_the_next_goes_on(tmp_path: Path) -> None:
    """The script's own `step`, on a command that never ends."""
    text = (ROOT / "bench" / "on_gpu.sh").read_text(encoding="utf-8")
    begin, end = text.index("left() {"), text.index("# --- The machine")
    script = (
        f"set -u; OUT={tmp_path}; begin=$(date +%s); BUDGET=10; {text[begin:end]}"
        "step endless 8 1 log sleep 60; step next 8 0 log echo done"
    )
    script = script.replace("limit < 8", "limit < 0").replace("-k 10", "-k 1")
    script = script.replace("endless 8", "endless 1").replace("next 8", "next 5")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    endless, after = done.stdout.splitlines()
    assert re.fullmatch("step endless: exit 124 after [0-9]+ s of 1, TIMED OUT", endless)
    assert re.fullmatch("step next: exit 0 after [0-9]+ s of 5", after)
    assert (tmp_path / "log").read_text() == "done\n"
