"""The machine that attacks: what it notices, what it keeps to change further, and its own end."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if os.name == "nt":
    pytest.skip("the peak of memory is asked as Unix tells it", allow_module_level=True)

import fuzz_apart
from fuzz import SMALL, Guide, Tally, Target, attack, mutate
from fuzz_apart import apart
from fuzz_reach import Reach

from mlp.common.choices import did_you_mean


def test_a_fault_is_noticed_and_kept() -> None:
    target = Target(lambda content: content.index(b"\x07"), lambda: [b"\x07"])
    tally = attack(target, math.inf, most=50)
    assert any(fault.startswith("ValueError") for fault in tally.faults)


@pytest.mark.parametrize(
    ("act", "fault"),
    [
        (lambda content: len(content) == 3 or sum(range(20_000_000)), "slow"),
        (lambda content: len(content) == 3 or bytearray(b"x") * (200 << 20), "large"),
    ],
)
def test_what_takes_too_much_is_a_fault_where_that_is_asked(
    act: Callable[[bytes], object], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fuzz.MOST_SECONDS", 0.05)
    monkeypatch.setattr("fuzz.MOST_MB", 50.0)

    def run(before: Callable[[bytes], object]) -> tuple[Tally, str]:
        target = Target(act, lambda: [b"abc"])
        return attack(target, math.inf, most=6, before=before, strict=True), ""

    assert fault in apart(run)[0].faults


def test_changes_stay_small_but_for_some() -> None:
    rng = np.random.default_rng(0)
    sizes = [len(mutate(b"label,a,b\n1,2,3\n", b"x", rng)) for _ in range(20_000)]
    assert np.median(sizes) < 100
    assert SMALL // 4 < max(sizes) < SMALL


def test_a_process_that_is_killed_or_stands_still_leaves_its_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def of(act: Callable[[], Any]) -> Callable[[Callable[[bytes], object]], tuple[Tally, str]]:
        def run(before: Callable[[bytes], object]) -> tuple[Tally, str]:
            before(b"harmless")
            before(b"hostile")
            act()
            return Tally(), ""

        return run

    killed, _ = apart(of(lambda: os.kill(os.getpid(), signal.SIGKILL)))
    assert killed.faults == {f"ended by {-signal.SIGKILL}": b"hostile"}
    assert killed.tries == 2
    monkeypatch.setattr(fuzz_apart, "PATIENCE", 0.5)
    hung, _ = apart(of(lambda: time.sleep(60)))
    assert hung.faults == {"hangs": b"hostile"}


def test_new_lines_are_noticed_once() -> None:
    reach = Reach()
    with reach.watch():
        did_you_mean("a", ["b"])
    assert reach.is_new()
    with reach.watch():
        did_you_mean("a", ["b"])
    assert not reach.is_new()
    reached, there = reach.reached(("mlp.common.choices",))
    assert 0 < reached <= there


def _behind_walls(content: bytes) -> None:
    """Fails only behind three conditions, each in lines of its own."""
    if b"label" not in content:
        return
    if b"null" not in content:
        return
    if b"PK\x05\x06" in content:
        raise AssertionError("it is found")


@pytest.mark.parametrize("guided", [True, False])
def test_what_reached_new_lines_is_changed_further(guided: bool) -> None:
    guide = Reach(str(Path(__file__).parent)) if guided else Guide()
    tally = attack(Target(_behind_walls, lambda: [b"..."]), math.inf, 1, 4_000, guide)
    assert any("AssertionError" in fault for fault in tally.faults) == guided
