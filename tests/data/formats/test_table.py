"""Tables of text: how they are separated, whether they have a header, words and missing values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data.formats.table import Table, read_table


def table(folder: Path, text: str) -> Table:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return read_table(path)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b\n1,2\n", ("a", "b")),
        ("1,2\n3,4\n", None),
        ("label,0,1,2\n5,9,9,9\n", ("label", "0", "1", "2")),  # of a data frame
        ("0,1,2,3,4\n5,9,9,9,0\n", ("0", "1", "2", "3", "4")),
        ("5.1,3.5,setosa\n4.9,3.0,virginica\n", None),
        (",a,b\n0,1,2\n", ("", "a", "b")),
        ("a,b\nx,y\n", ("a", "b")),
        ("1,,3\n4,5,6\n", None),
        ('"a, b";c\n1;2\n', ("a, b", "c")),
    ],
)
def test_a_header_is_told_from_a_row(
    tmp_path: Path, text: str, names: tuple[str, ...] | None
) -> None:
    assert table(tmp_path, text).names == names


@pytest.mark.parametrize(
    ("text", "dtype"), [("255", np.uint8), ("256", np.uint16), ("-1", float), ("0.5", float)]
)
def test_numbers_take_as_few_bytes_as_hold_them(tmp_path: Path, text: str, dtype: type) -> None:
    found = table(tmp_path, f"a,b\n{text},2\n")
    assert found.values.dtype == dtype
    assert found.values.tolist() == [[float(text), 2]]


def test_semicolons_leave_the_comma_to_decimals(tmp_path: Path) -> None:
    assert table(tmp_path, "a;b\n1,5;2\n").values.tolist() == [[1.5, 2]]
    assert table(tmp_path, "a;b;c\n1,5;2;x\n").values[:, :2].tolist() == [[1.5, 2]]


def test_missing_values_are_nan(tmp_path: Path) -> None:
    values = table(tmp_path, "a,b,c,d\n1,,NA,?\n5,6,7,8\n").values
    assert np.isnan(values).tolist() == [[False, True, True, True], [False] * 4]


@pytest.mark.parametrize("rows", [3, 5_000])
def test_a_column_of_words_stays_beside_the_numbers(tmp_path: Path, rows: int) -> None:
    lines = [f'{i},"{"ab"[i % 2]} ",{i}.5' for i in range(rows)]
    found = table(tmp_path, "x,kind,y\n" + "\n".join(lines) + "\n")
    assert found.words.keys() == {1}
    assert found.words[1].tolist() == ["ab"[i % 2] for i in range(rows)]
    assert found.values[:, 0].tolist() == list(range(rows))
    assert found.values[:, 2].tolist() == [i + 0.5 for i in range(rows)]


def test_a_row_that_is_too_long_is_told_beside_words_too(tmp_path: Path) -> None:
    lines = ["1,a"] * 4_000
    lines[3_000] = "1,a,2"
    with pytest.raises(DataError, match=r"line 3,002 .* 3 columns where 2"):
        table(tmp_path, "x,kind\n" + "\n".join(lines))


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("place", [0, 4_500])
def test_one_long_word_makes_no_other_row_as_long(tmp_path: Path, quote: str, place: int) -> None:
    rows = [f"{i},{quote}x{quote}\n" for i in range(5_000)]
    rows[place] = f"1,{quote}{'y' * 100_000}{quote}\n"
    words = table(tmp_path, "a,b\n" + "".join(rows)).words[1]
    assert words.nbytes < 5_000 * 400
    assert words[place].startswith("yyyy")


def test_a_field_without_an_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has a line that is no row .*: correct it"):
        table(tmp_path, "a,b\n1," + '"' + "x" * 200_000 + "\n")
