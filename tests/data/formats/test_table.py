"""Tables of text: how they are separated, whether they have a header, words and missing values."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlp.common.errors import DataError
from mlp.data.formats import table as data_table
from mlp.data.formats import text_lines, whole_numbers
from mlp.data.formats.table import Table, open_table, read_table


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
    with pytest.raises(DataError, match=r"line 2 .* has 1 column where 2 belong"):
        table(tmp_path, "a,b\n1," + '"' + "x" * 200_000 + "\n")


CELLS = st.sampled_from(["0", "7", "42", "255", "256", "999", "007", "1000", "65535", "70000"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 4).flatmap(
        lambda columns: st.lists(
            st.lists(CELLS, min_size=columns, max_size=columns), min_size=1, max_size=12
        )
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sets(st.integers(0, 12)),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.booleans(),
)
def test_whole_numbers_are_those_of_numpys_reader(
    tmp_path: Path,
    rows: list[list[str]],
    mark: str,
    end: str,
    blank: set[int],
    is_ended: bool,
    encoding: str,
    is_packed: bool,
) -> None:
    lines = [mark.join(row) + end * (1 + (i in blank)) for i, row in enumerate(rows)]
    if not is_ended:
        lines[-1] = lines[-1].rstrip("\r\n")
    names = mark.join("abcd"[: len(rows[0])])
    content = (names + end + "".join(lines)).encode(encoding)
    path = tmp_path / "t.csv"
    path.write_bytes(gzip.compress(content) if is_packed else content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_table, "_BLOCK", 3)
        patch.setattr(text_lines, "_PIECE", 7)
        patch.setattr(whole_numbers, "_PIECE", 8)
        found = read_table(path)
    expected = np.loadtxt([mark.join(row) for row in rows], delimiter=mark, ndmin=2)
    np.testing.assert_array_equal(found.values, expected)
    most = expected.max()
    assert found.values.dtype == (
        np.uint8 if most <= 255 else np.uint16 if most <= 65535 else np.float64
    )
    assert found.names == tuple(names.split(mark))


FAR: dict[str, tuple[bytes, str]] = {
    "a short row": (b"1,2", r"line 5,003 .* has 2 columns where 3"),
    "a word": (b"1,many,3", r"line 5,003 .* has 'many' in column 2"),
    "a letter of Windows-1252": (b"1,2,gr\xfcn", r"line 5,003 .* has 'grün' in column 3"),
    "a lone return": (b"1,2,3\r4,5", r"line 5,004 .* has 2 columns where 3"),
}


@pytest.mark.parametrize("case", FAR)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_fault_below_whole_numbers_is_told_by_its_line(
    case: str, end: bytes, is_packed: bool, tmp_path: Path
) -> None:
    line, sentence = FAR[case]
    lines = [b"a,b,c", *[b"1,2,3"] * 2_000, b"", *[b"4,55,6"] * 3_000, line, *[b"7,8,9"] * 3_000]
    content = end.join(lines)
    path = tmp_path / "t.csv"
    path.write_bytes(gzip.compress(content)[:-9] if is_packed else content)
    with pytest.raises(DataError, match=sentence):  # not that the last lines are cut off
        read_table(path)


def test_what_is_written_is_kept_beside_whole_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,a\n" + "".join(f"{i:03},{i}\n" for i in range(900)) + "\n")
    with open_table(tmp_path / "t.csv") as file:
        blocks = list(file.blocks([0]))
    assert [text for block in blocks for text in block.texts[0]] == [f"{i:03}" for i in range(900)]


def test_other_numbers_may_follow_whole_ones(tmp_path: Path) -> None:
    rows = ["1,2"] * 2_500 + ["0.5,2"] * 2_000 + ["3,"] * 2_000 + ["4,1000"]
    values = table(tmp_path, "a,b\n" + "\n".join(rows)).values
    expected = [[float(field or "nan") for field in row.split(",")] for row in rows]
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_line_may_be_longer_than_a_field(tmp_path: Path, quote: str) -> None:
    names = [f"gene {i}" for i in range(20_000)]
    head = ",".join(f"{quote}{name}{quote}" for name in names)
    found = table(tmp_path, f"{head}\n{','.join(['1.5'] * 20_000)}\n")
    assert found.names == tuple(names)
    assert found.values.shape == (1, 20_000)
