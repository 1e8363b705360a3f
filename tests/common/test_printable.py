"""What comes from a file can be printed without steering the terminal, however long it is."""

from __future__ import annotations

import pytest

from mlp.common.errors import DataError, MLPError, UsageError
from mlp.common.printable import LONGEST, LONGEST_NAME, printable, printable_name


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("7, ä, λ, 七 and 🖋", "7, ä, λ, 七 and 🖋"),
        ("\x1b]0;owned\x07\x1b[2J", r"\x1b]0;owned\x07\x1b[2J"),
        ("two\nlines\r\ttab\0", r"two\nlines\r\ttab\x00"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("abc\u202edcba\u2069\u2028", r"abc\u202edcba\u2069\u2028"),
        (b"caf\xe9.png".decode("utf-8", "surrogateescape"), r"caf\udce9.png"),
    ],
)
def test_only_what_steers_is_escaped(text: str, safe: str) -> None:
    assert printable(text) == safe
    safe.encode()


def test_long_texts_lose_their_middle() -> None:
    short = printable("a" * 10_000 + "the reason")
    assert len(short) == LONGEST
    assert short.startswith("aaa")
    assert short.endswith("the reason")
    assert len(printable("\x1b" * 10_000)) <= LONGEST
    assert len(printable_name("n" * 999)) == LONGEST_NAME


@pytest.mark.parametrize("kind", [MLPError, DataError, UsageError])
def test_every_error_is_harmless(kind: type[MLPError]) -> None:
    error = kind("there is no \x1b[31mcolumn\n" + "x" * 5_000)
    assert str(error).startswith(r"there is no \x1b[31mcolumn\nx")
    assert len(str(error)) <= LONGEST
