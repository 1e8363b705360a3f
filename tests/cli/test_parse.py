"""How the texts of options are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlp.cli.parse import (
    parse_batch_size,
    parse_classes,
    parse_counts,
    parse_range,
    parse_widths,
)
from mlp.common.errors import UsageError


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_widths, "256,128", (256, 128)),
        (parse_widths, "none", ()),
        (parse_widths, " ", ()),
        (parse_batch_size, "128", 128),
        (parse_batch_size, "full", "full"),
        (parse_classes, "0,2,4", (0, 2, 4)),
        (lambda text: parse_counts(text, "widths"), "64,16,64", [16, 64]),
        (lambda text: parse_range(text, "rates"), "1e-3..1", (0.001, 1.0)),
    ],
)
def test_texts_are_read(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "option"),
    [
        (parse_widths, "10,0", "--hidden"),
        (parse_widths, "ten", "--hidden"),
        (parse_batch_size, "many", "--batch-size"),
        (parse_classes, "0,two", "--positive"),
        (lambda text: parse_counts(text, "batch_sizes"), "0,8", "--batch-sizes"),
        (lambda text: parse_counts(text, "batch_sizes"), "8,x", "--batch-sizes"),
        (lambda text: parse_range(text, "rates"), "0.1", "--rates"),
        (lambda text: parse_range(text, "rates"), "1..0.1", "--rates"),
        (lambda text: parse_range(text, "rates"), "a..b", "--rates"),
        (lambda text: parse_range(text, "rates"), "1..inf", "--rates"),
    ],
)
def test_texts_that_make_no_sense_are_refused(
    parse: Callable[[str], Any], text: str, option: str
) -> None:
    with pytest.raises(UsageError, match=rf"{option} takes .* not '{text}'"):
        parse(text)
