"""Every parser holds against some changed inputs, and against those that once were a fault."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

if os.name == "nt":
    pytest.skip("the peak of memory is asked as Unix tells it", allow_module_level=True)

from fuzz import Tally, attack, attempt, regressions
from fuzz_targets import TARGETS

FOUND = Path(__file__).parent / "found"


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.filterwarnings("ignore")
def test_a_parser_reads_or_refuses(name: str) -> None:
    tally = attack(TARGETS[name], seconds=2, most=1_000)
    assert list(tally.faults) == []
    assert tally.tries > len(TARGETS[name].seeds())


@pytest.mark.parametrize("name", TARGETS)
def test_what_the_project_writes_is_read(name: str) -> None:
    tally = Tally()
    for content in TARGETS[name].seeds():
        attempt(TARGETS[name], content, tally)
    assert tally.refused < tally.tries  # or changes of it would prove nothing
    assert list(tally.faults) == []


@pytest.mark.filterwarnings("ignore")
def test_what_was_found_stays_mended() -> None:
    tally = Tally()
    for name, content in regressions(FOUND):
        attempt(TARGETS[name], content, tally)
    assert tally.tries > 0
    assert list(tally.faults) == []
