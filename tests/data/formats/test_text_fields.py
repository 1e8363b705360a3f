"""Text that is a table in other ways: separators, encodings, remarks, and what is no table."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from mlp.common.errors import DataError
from mlp.data.formats.table import read_table

NAMES = ("länge", "breite", "art")
ROWS = [(f"{i}.5", f"{i % 7}", ["weiß", "grün"][i % 2]) for i in range(30)]
LINES = [",".join(row) for row in (NAMES, *ROWS)]
PLAIN = "\n".join(LINES) + "\n"
SPACED = "\n".join("  ".join(row).rjust(40) for row in (NAMES, *ROWS)) + "\n"
OF_R = '"länge" "breite" "art"\n' + "".join(
    f'"{i + 1}" {a} {b} "{c}"\n' for i, (a, b, c) in enumerate(ROWS)
)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (PLAIN.replace(",", "|"), "utf-8"),
        (PLAIN.replace(",", " "), "utf-8"),
        (SPACED, "utf-8"),
        (PLAIN, "latin-1"),
        (PLAIN, "cp1252"),
        (PLAIN, "utf-16"),
        (PLAIN.replace(",", "\t"), "utf-16"),
        (PLAIN, "utf-8-sig"),
        ("# by a tool, version 2\n# 30 rows\n" + PLAIN, "utf-8"),
        (PLAIN.replace("\n", "\r\n"), "utf-8"),
    ],
)
def test_the_same_table_is_read_however_it_is_written(
    text: str, encoding: str, tmp_path: Path
) -> None:
    (tmp_path / "t.txt").write_bytes(text.encode(encoding))
    table = read_table(tmp_path / "t.txt")
    assert table.names == NAMES
    assert table.words[2].tolist() == [row[2] for row in ROWS]
    assert table.values[:, :2].tolist() == [[float(a), float(b)] for a, b, _ in ROWS]


def test_rows_of_r_have_names_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(OF_R, encoding="utf-8")
    table = read_table(tmp_path / "t.txt")
    assert table.names == ("", *NAMES)
    assert table.values[:, 0].tolist() == list(range(1, 31))


def test_a_mark_before_the_first_name_is_no_remark(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("#a,b\n1,2\n3,4\n")
    assert read_table(tmp_path / "t.csv").names == ("a", "b")


def test_a_first_row_whose_words_occur_below_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("".join(f"{'ep'[i % 2]},{'xbs'[i % 3]}\n" for i in range(9)))
    table = read_table(tmp_path / "t.csv")
    assert table.names is None
    assert len(table.values) == 9


def test_a_name_of_two_words_over_one_column_is_one_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("my numbers\n1\n2\n")
    assert read_table(tmp_path / "t.csv").names == ("my numbers",)


def test_libsvms_files_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "mnist.txt").write_text("5 153:0.01 154:1\n0 128:-2e-3 129:.5\n")
    with pytest.raises(DataError, match=r"is a file of LIBSVM, .*load_svmlight_file"):
        read_table(tmp_path / "mnist.txt")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("# label u v\n" + "".join(f"{i % 2} {i} {i}.5\n" for i in range(9)), ("label", "u", "v")),
        ("# by me, in May, 2020\na,b,c\n1,2,3\n", ("a", "b", "c")),
        ("# by me\n\na,b\n1,2\n", ("a", "b")),
        ("a\tb\n" + "".join(f"r{i}\t{i}\t{i}\n" for i in range(5)), ("", "a", "b")),
        ("a b\n" + "".join(f"{i} {i}.5 {i}\n" for i in range(5)), ("", "a", "b")),
    ],
)
def test_names_are_told_from_remarks_and_from_names_of_rows(
    text: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "t.txt").write_text(text)
    assert read_table(tmp_path / "t.txt").names == names


def test_a_fault_is_told_by_its_line_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("# one\n# two\na,b,label\n1,2,x\n1,2\n")
    with pytest.raises(DataError, match=r"line 5 of .* has 2 columns where 3"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("head", ["", "x y kind\n"])
def test_commas_inside_numbers_between_spaces_are_points(head: str, tmp_path: Path) -> None:
    rows = "".join(f"{i},5 -{i},25 {'ab'[i % 2]}\n" for i in range(9))
    (tmp_path / "t.txt").write_text(head + rows)
    table = read_table(tmp_path / "t.txt")
    assert table.values[1:, :2].tolist() == [[i + 0.5, -i - 0.25] for i in range(1, 9)]
    assert table.words[2].tolist() == ["ab"[i % 2] for i in range(9)]


def test_a_packed_file_may_be_in_utf_16(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(PLAIN.encode("utf-16")))
    assert read_table(tmp_path / "t.csv.gz").names == NAMES
