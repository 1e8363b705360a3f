"""Rows of small whole numbers: parsed to the number as NumPy's reader does, or left to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mlp.data.formats import whole_numbers
from mlp.data.formats.whole_numbers import parse_whole

NUMBERS = st.sampled_from(["0", "1", "9", "10", "42", "99", "100", "255", "256", "999", "007"])


def parse(text: str, mark: str = ",", columns: int = 3) -> NDArray[Any] | None:
    return parse_whole(text.encode(), mark, columns)


@given(
    st.integers(1, 5).flatmap(
        lambda columns: st.lists(
            st.lists(NUMBERS, min_size=columns, max_size=columns), min_size=1, max_size=8
        )
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_whole_numbers_are_read(rows: list[list[str]], mark: str, end: str, is_ended: bool) -> None:
    text = end.join(mark.join(row) for row in rows) + end * is_ended
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole_numbers, "_PIECE", 16)  # less than some rows, more than others
        found = parse(text, mark, len(rows[0]))
    expected = np.array(rows).astype(np.uint16)
    np.testing.assert_array_equal(found, expected)
    assert found is not None
    assert found.dtype == (np.uint8 if expected.max() <= 255 else np.uint16)


@pytest.mark.parametrize("most", [10, 256, 300, 1000])
def test_many_rows_are_read_in_their_order(most: int) -> None:
    rows = np.random.default_rng(0).integers(0, most, (2_003, 401))
    lines = [",".join(map(str, row)) + "\n" for row in rows.tolist()]
    np.testing.assert_array_equal(parse("".join(lines), ",", 401), rows)


@pytest.mark.parametrize(
    "line",
    [
        "1,2,", ",1,2", "1,,2", "1,2", "1,2,3,4", "1000,2,3", "1,12345678,3", "1.5,2,3", "-1,2,3",
        "+1,2,3", " 1,2,3", "1, 2,3", '"1",2,3', "1;2;3", "a,b,c", "1,2,nan", "١,2,3", "1,2,٣", "",
        "1\n2,3", "1,2\n3", "1_0,2,3", "1e2,2,3", "1,2,3\r", "1,2\r3", "\r", "1,2,\r3", "1,2,3\0",
        "1,\n2,3", "1\r,2,3", "1,2,3,", "1,2,3é",
    ],
)  # fmt: skip
def test_anything_else_is_left_to_others(line: str) -> None:
    assert parse(f"1,2,3\n{line}\n1,2,3\n") is None
    assert parse(f"1,2,3\n{line}") is None or not line
    assert parse(f"{line}\n1,2,3\n") is None
    assert parse(f"1,2,3\r\n{line}\r\n1,2,3\r\n") is None


def test_lines_that_end_in_several_ways_are_left_to_others() -> None:
    assert parse("1,2,3\r\n1,2,3\n1,2,3\r\n") is None
    assert parse("1,2,3\n1,2,3\r\n1,2,3\n") is None


def test_short_rows_take_no_memory_of_long_ones() -> None:
    assert parse("1\n" * 1_000_000, ",", 1_000_000_000) is None
