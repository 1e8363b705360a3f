"""Networks side by side are timed against the same networks alone, in turn."""

from __future__ import annotations

import re

import pytest

from bench.many import Work, main, parse_work


def test_a_work_is_its_widths_and_its_batch() -> None:
    assert parse_work("784-16-10:32") == Work((784, 16, 10), 32)
    assert parse_work("9-4:full") == Work((9, 4), "full")


def test_each_work_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    works = ["16-4-3:8", "16-4-3:full"]
    main(["--networks", "2", "--images", "40", "--rounds", "2", "--works", *works])
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == works
    for row in rows:
        assert re.search(r" \d+\.\d\d \(\d+\.\d\d-\d+\.\d\d\) .* side by side, .* alone$", row)
