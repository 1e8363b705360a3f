"""Rows of small whole numbers: parsed to the number as NumPy's reader does, or left to it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp.data.formats.whole_numbers import parse_whole

NUMBERS = st.sampled_from([0, 1, 9, 10, 42, 99, 100, 255, 256, 999])


@given(
    st.integers(1, 5).flatmap(
        lambda columns: st.lists(
            st.lists(NUMBERS, min_size=columns, max_size=columns), min_size=1, max_size=8
        )
    ),
    st.sampled_from(",;\t"),
    st.booleans(),
)
def test_whole_numbers_are_read(rows: list[list[int]], mark: str, is_ended: bool) -> None:
    lines = [mark.join(map(str, row)) + "\n" for row in rows]
    if not is_ended:
        lines[-1] = lines[-1].rstrip("\n")
    found = parse_whole(lines, mark, len(rows[0]))
    assert found is not None
    assert found.tolist() == rows


def test_many_rows_are_read_in_their_order() -> None:
    rows = np.random.default_rng(0).integers(0, 1000, (1_001, 7))
    lines = [",".join(map(str, row)) + "\n" for row in rows.tolist()]
    np.testing.assert_array_equal(parse_whole(lines, ",", 7), rows)


@pytest.mark.parametrize(
    "line",
    [
        "1,2,", ",1,2", "1,,2", "1,2", "1,2,3,4", "1000,2,3", "1,12345678,3", "1.5,2,3", "-1,2,3",
        "+1,2,3", " 1,2,3", "1, 2,3", '"1",2,3', "1;2;3", "a,b,c", "1,2,nan", "١,2,3", "1,2,٣", "",
        "1\n2,3", "1,2\n3", "1_0,2,3", "1e2,2,3",
    ],
)  # fmt: skip
def test_anything_else_is_left_to_others(line: str) -> None:
    assert parse_whole(["1,2,3\n", f"{line}\n", "1,2,3\n"], ",", 3) is None
    assert parse_whole([f"{line}\n", "1,2,3\n"], ",", 3) is None
