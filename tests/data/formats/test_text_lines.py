"""Lines of a table: to the letter those that Python reads, however the file is cut and written."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlp.common import bounds
from mlp.common.errors import DataError
from mlp.data.formats import text_lines
from mlp.data.formats.text_fields import AS_WINDOWS
from mlp.data.formats.text_lines import open_lines

LONGEST, PIECE = 9, 5
PARTS = [b"1", b"23,4", b"\n", b"\r\n", b"\r", b"\xe9", "é".encode(), b"\x85", b"\x0c", b"\xe2\x80"]
STARTS = [b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb1"]


def expected(path: Path, start: bytes) -> list[str]:
    """The file's lines as Python's own reader of text gives them, as far as that goes at once."""
    encoding, errors = "utf-8-sig", AS_WINDOWS
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding, errors = "utf-16", "replace"
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding=encoding, errors=errors) as file:
        return list(iter(lambda: file.readline(LONGEST), ""))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(STARTS),
    st.lists(st.sampled_from(PARTS)).map(b"".join),
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), min_size=1),
    st.sampled_from(["t.csv", "t.csv.gz"]),
)
def test_lines_are_those_of_pythons_reader(
    tmp_path: Path,
    start: bytes,
    content: bytes,
    takes: list[tuple[int, int]],
    name: str,
) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(start + content) if path.suffix == ".gz" else start + content)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_lines, "_LONGEST", LONGEST)
        patch.setattr(text_lines, "_PIECE", PIECE)
        with open_lines(path) as reader:
            for count, kept in takes:  # of so many lines all but so many are put back
                lines = reader.take(count)
                assert lines.count == len(lines.text()) <= count
                found += lines.text()[:kept]
                reader.put_back(lines.after(min(kept, lines.count)))
            while (lines := reader.take(3)).count:
                found += lines.text()
    assert found == expected(path, start + content)


def test_plain_lines_stay_bytes(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\r\n" + b"1,2\r\n" * 9 + b"3,4")
    with open_lines(path) as reader:
        assert bytes(reader.take(2).data or b"") == b"a,b\r\n1,2\r\n"
        assert bytes(reader.take(100).data or b"") == b"1,2\r\n" * 8 + b"3,4"
        assert reader.take(1).count == 0


def test_only_what_is_packed_is_taken_for_a_bomb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"1,2,3\n" * 10_000
    (tmp_path / "t.csv").write_bytes(content)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(content))
    (tmp_path / "lone.csv.gz").write_bytes(gzip.compress(content.replace(b"\n", b"\r")))
    monkeypatch.setattr(bounds, "FREE", 1_000)
    monkeypatch.setattr(bounds, "MOST", 2_000)
    with open_lines(tmp_path / "t.csv") as reader:
        assert reader.take(20_000).count == 10_000
    for name in ("t.csv.gz", "lone.csv.gz"):
        with pytest.raises(DataError, match="a bomb"), open_lines(tmp_path / name) as reader:
            reader.take(20_000)
