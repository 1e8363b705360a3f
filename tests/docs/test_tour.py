"""The tour's examples run and give what stands under them."""

from __future__ import annotations

import doctest

from source import ROOT


def test_the_tours_examples_hold() -> None:
    failed, attempted = doctest.testfile(str(ROOT / "docs" / "tour.md"), module_relative=False)
    assert attempted > 20
    assert failed == 0
