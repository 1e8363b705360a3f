"""Errors say what to do."""

from __future__ import annotations

from mlp.common.errors import DataError
from mlp.handwriting import NoDigit, SeveralDigits


def test_both_say_what_to_do() -> None:
    assert "fill more of the frame" in str(NoDigit())
    several = SeveralDigits(3)
    assert several.count == 3
    assert "crop it to one of them" in str(several)
    assert isinstance(several, DataError)
    assert isinstance(NoDigit(), DataError)
