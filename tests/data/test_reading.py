"""The user's choices in reading data, and what makes none."""

from __future__ import annotations

from typing import Any

import pytest

from mlp.common.errors import UsageError
from mlp.data.reading import Reading


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"classes": 1}, "at least 2"),
        ({"test": 0.0}, "share between 0 and 1"),
        ({"test": 1.5}, "share between 0 and 1"),
        ({"missing": "median"}, "missing takes"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        Reading(**options)
