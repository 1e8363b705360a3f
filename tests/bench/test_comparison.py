"""Comparisons: the ratio to the best peer, and arms that cannot take part."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.harness.arms import OURS, Arm, Setting
from bench.harness.comparison import Comparison, Entry, find_best
from bench.harness.job import Job


def timed(accuracy: float, *seconds: float) -> Entry:
    return Entry(setting="s", seconds=list(seconds), accuracy=accuracy)


def test_the_ratio_is_to_the_best_peer_turn_by_turn() -> None:
    comparison = Comparison(
        "w",
        1,
        0.01,
        {
            OURS: timed(0.90, 1.0, 3.0, 2.0),
            "slow": timed(0.90, 9.0, 9.0, 9.0),
            "quick": timed(0.905, 2.0, 2.0, 4.0),
            "absent": Entry(absent="not installed"),
        },
    )
    assert comparison.ratio == ("quick", 0.5, 0.5, 1.5)
    assert comparison.failure is None
    comparison.entries["slow"].accuracy = 0.92
    assert "slow 92.00%" in str(comparison.failure)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ('input(); print(\'{"missing": "torch"}\')', "torch is not installed"),
        ('input(); print(\'{"cannot": "no sigmoids"}\')', "no sigmoids"),
        ("raise SystemExit('out of paper')", "none of its settings ran: out of paper"),
        (
            "import os, signal; input(); os.kill(os.getpid(), signal.SIGKILL)",
            "none of its settings ran: stub (as it comes) ended during 'prepare' by SIGKILL",
        ),
        ("raise SystemExit(7)", "none of its settings ran: stub (as it comes) ended during"),
        ("import no_such", "none of its settings ran: ModuleNotFoundError: No module named"),
    ],
)
def test_an_arm_that_cannot_take_part_says_why(
    job: Job, stub: Callable[[str], Arm], script: str, reason: str
) -> None:
    setting, entry = find_best(stub(script), job, 1, 1)
    assert setting is None
    assert str(entry.absent).startswith(reason)


def test_an_interpreter_that_is_not_there_is_named(job: Job) -> None:
    entry = find_best(Arm("peer", ("/no/such/python",), (Setting(),)), job, 1, 1)[1]
    assert entry.absent == "/no/such/python cannot be started: No such file or directory"
